"""`crossbook tape generate`: write a market from a seed as a tape, and say what it offers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from crossbook.errors import Refused
from crossbook.sim.market import START_NS, SYMBOLS, generate_market
from crossbook.sim.market_survey import Survey, survey
from crossbook.tape.frames_of import starts_of
from crossbook.tape.survey import examine
from crossbook.tape.tape import manifest_of, write_tape
from crossbook.timestamp import NS_PER_S, iso
from crossbook.types import Venue


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where, and the edges between its instruments (docs/market-generator.md)."""

    tape: str
    content_hash: str
    rows: int
    frames: int
    instruments: list[str]
    edges: list[Survey]


def generate(
    into: Annotated[Path, typer.Option("--into", help="folder of the new tape", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="one seed, one market")] = 1,
    minutes: Annotated[str, typer.Option("--minutes", help="market time, decimals allowed")] = "10",
    start: Annotated[str, typer.Option("--start", help="first moment, UTC, as 2026-03-01T12:00")] = "",
    venues: Annotated[str, typer.Option("--venues", help="of spot, usdm, hyperliquid")] = "usdm,hyperliquid",
    force: Annotated[bool, typer.Option("--force", help="replace the tape that is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Write a tape of a generated market: documented mechanics, no evidence of live profit."""
    made = write_generated(into, seed, _minutes(minutes), parse_venues(venues), _start(start), force=force)
    typer.echo(msgspec.json.encode(made).decode() if as_json else "\n".join(_lines(made)))


def write_generated(
    into: Path,
    seed: int,
    minutes: Decimal,
    venues: tuple[Venue, ...],
    start_ns: int = START_NS,
    *,
    force: bool = False,
) -> Generated:
    """Generate, examine as an imported tape is, and write. Raises `Refused` as generator and tape do."""
    instruments, rows = generate_market(seed, minutes, venues, start_ns)
    facts = {
        "generator": "crossbook.sim.market",
        "seed": str(seed),
        "minutes": str(minutes),
        "venues": ",".join(venue.label for venue in venues),
        "start": iso(start_ns),
    }
    with ThreadPoolExecutor(2) as pool:
        health = examine(rows, starts_of(rows), instruments, pool)
        manifest = write_tape(
            into, rows, manifest_of(instruments, rows, health=health, facts=facts), force=force, pool=pool
        )
    return Generated(
        tape=str(into),
        content_hash=manifest.content_hash,
        rows=manifest.rows,
        frames=manifest.frames,
        instruments=[instrument.name for instrument in instruments],
        edges=survey(instruments, rows),
    )


def _start(text: str) -> int:
    if not text:
        return START_NS
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Refused(f"--start {text!r} is no moment: write it as 2026-03-01T12:00") from None
    return int(moment.timestamp()) * NS_PER_S


def parse_venues(text: str) -> tuple[Venue, ...]:
    """`spot,usdm,hyperliquid` or the full labels. Raises `Refused` naming a word that is no generated venue."""
    words = {venue.label: venue for venue in SYMBOLS} | {"spot": Venue.BINANCE_SPOT, "usdm": Venue.BINANCE_USDM}
    named = [word.strip() for word in text.split(",") if word.strip()]
    for word in named:
        if word not in words:
            raise Refused(f"venue {word!r} has no generated market: use spot, usdm or hyperliquid")
    return tuple(words[word] for word in named)


def _minutes(text: str) -> Decimal:
    try:
        minutes = Decimal(text)
    except InvalidOperation:
        raise Refused(f"minutes {text!r} is no number: write 10 or 0.5") from None
    if not minutes.is_finite():
        raise Refused(f"minutes {text} is no time: write 10 or 0.5")
    return minutes


def _lines(made: Generated) -> list[str]:
    lines = [f"{made.tape}: {made.frames:,} frames, {made.rows:,} rows, {', '.join(made.instruments)}"]
    for one in made.edges:
        lines.append(
            f"{one.a} - {one.b}: {one.per_minute:.1f} edges a minute above {one.above_bp:g} bp, median "
            f"{one.median_ms:.0f} ms, {one.survive_ppm / 1e4:.0f} % still there after 200 ms, "
            f"largest {one.largest_bp:.1f} bp"
        )
    return lines
