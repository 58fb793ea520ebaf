"""`crossbook record CONFIG | --venue V --symbols A,B --into DIR`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crossbook.errors import Refused

if TYPE_CHECKING:
    from crossbook.desk.record import Counts, Recorded, Recorder
    from crossbook.desk.sockets import Rim

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def record(
    config: Annotated[Path | None, typer.Argument(help="A configuration: its venues and instruments.")] = None,
    venue: Annotated[str, typer.Option(help="Instead of a configuration: one venue.")] = "",
    symbols: Annotated[str, typer.Option(metavar="SYMBOLS", help="Its symbols, by commas.")] = "",
    into: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder; one that is there goes on.")] = None,
    env: Annotated[str, typer.Option(help="mainnet, testnet or local. Public streams: no keys.")] = "mainnet",
    url: Annotated[
        list[str] | None, typer.Option(help="Of --env local: http://127.0.0.1:PORT, or VENUE=URL for each venue.")
    ] = None,
    served: Annotated[
        Path | None, typer.Option(help="Instead: the line that `crossbook venue serve` printed, for --env local.")
    ] = None,
    seconds: Annotated[float, typer.Option("--for", metavar="SECONDS", help="Stop after; 0: when told.")] = 0,
    part_mb: Annotated[int, typer.Option(min=1, max=4096, help="A part ends each hour, or at this size.")] = 256,
    verify: Annotated[Path | None, typer.Option(metavar="DIR", help="Prove a recording instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, at the end.")] = False,
) -> None:
    """Record market streams: raw frames with receive stamps, one gz part an instrument and hour, for weeks.

    Ctrl-C ends it cleanly. After a crash the same command goes on: what was torn is cut off and told, and the books
    begin anew with a snapshot. `crossbook tape import DIR/*.gz --into TAPE` makes a tape of it.
    """
    if verify is not None:
        _verify(verify, as_json)
        return
    if into is None:
        raise Refused("--into is missing: which folder is recorded to? e.g. --into tapes/btc")
    what = _what(config, venue, symbols, env, url or [], served)
    from crossbook.desk.record import Recorder
    from crossbook.desk.sockets import Rim

    rim = Rim()
    recorder = Recorder(rim.ports, what, into, part_mb)
    for number in (signal.SIGINT, signal.SIGTERM):
        rim.loop.add_signal_handler(number, rim.stop)
    if seconds:
        rim.loop.call_later(seconds, rim.stop)
    progress = _Progress(rim, recorder)
    recorder.start()
    try:
        rim.run(before_closing=recorder.stop)
    finally:
        progress.end()
    counts = recorder.progress()
    if as_json:
        typer.echo(msgspec.json.encode({"folder": str(into)} | msgspec.to_builtins(counts)))
    else:
        typer.echo(f"{into}: {_words(counts)}")


class _Progress:
    """A line that says how it goes: every second on a terminal, every minute elsewhere."""

    def __init__(self, rim: Rim, recorder: Recorder) -> None:
        self._loop, self._rim, self._recorder = rim.loop, rim, recorder
        self._on_terminal = sys.stderr.isatty()
        self._every_s = 1.0 if self._on_terminal else 60.0
        self._frames = 0
        self._at = time.monotonic()
        self._loop.call_later(self._every_s, self._show)

    def _show(self) -> None:
        self._loop.call_later(self._every_s, self._show)
        stepped_ns = self._rim.settle_clock()
        if stepped_ns:
            self._recorder.note("clock", stepped_ms=stepped_ns // 1_000_000)
        counts, now = self._recorder.progress(), time.monotonic()
        late_ms = max(now - self._at - self._every_s, 0) * 1000
        rate = (counts.frames - self._frames) / (now - self._at)
        self._frames, self._at = counts.frames, now
        line = f"{rate:,.0f} frames/s, {_words(counts)}, loop {late_ms:.0f} ms late"
        sys.stderr.write(f"\r\x1b[K{line}" if self._on_terminal else line + "\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._on_terminal:
            sys.stderr.write("\n")


def _words(counts: Counts) -> str:
    words = f"{counts.frames:,} frames, {counts.bytes / 1e6:,.1f} MB, {counts.snapshots} snapshots, {counts.gaps} gaps"
    words += f", {counts.reconnects} reconnects, {counts.silences} silences"
    behind = ", ".join(f"{venue} {ms} ms" for venue, ms in counts.behind_ms.items())
    return words + (f", behind the venue's stamps: {behind}" if behind else "")


def _what(
    config: Path | None, venue: str, symbols: str, env: str, urls: list[str], served: Path | None
) -> list[Recorded]:
    from crossbook.desk.connections import served_urls
    from crossbook.desk.record import Recorded
    from crossbook.types import VENUE_BY_LABEL
    from crossbook.venues.endpoints import Environment

    if env not in {one.value for one in Environment}:
        raise Refused(f"--env {env!r} is none of mainnet, testnet, local")
    if (config is None) == (not venue):
        raise Refused("what is recorded? Give a configuration, or --venue V --symbols A,B; not both")
    wanted: dict[str, list[str]] = {}
    if config is not None:
        from crossbook.desk.config import load_config

        for pair in load_config(config).pairs.values():
            for name in (pair.a, pair.b):
                label, _, symbol = name.partition(":")
                if symbol not in wanted.setdefault(label, []):
                    wanted[label].append(symbol)
    else:
        if venue not in VENUE_BY_LABEL:
            raise Refused(f"venue {venue!r} is unknown: use one of {', '.join(VENUE_BY_LABEL)}")
        wanted[venue] = list(dict.fromkeys(word.strip() for word in symbols.split(",") if word.strip()))
        if not wanted[venue]:
            raise Refused(f"which symbols of {venue}? e.g. --symbols BTCUSDT,ETHUSDT")
    if served is not None and (urls or env != Environment.LOCAL.value):
        raise Refused("--served is of venues on this machine: it needs --env local, and no --url")
    if served is not None:
        by_venue = served_urls(served, [VENUE_BY_LABEL[label] for label in wanted])
    else:
        by_venue = dict(_url(text, list(wanted)) for text in urls)
    if env == Environment.LOCAL.value and (nowhere := [label for label in wanted if label not in by_venue]):
        raise Refused(
            f"--env local: where is {nowhere[0]}? Give --served FILE, the line that `crossbook venue serve` printed,"
            f" or --url {nowhere[0]}=http://127.0.0.1:PORT"
        )
    return [
        Recorded(venue=label, symbols=tuple(names), environment=env, url=by_venue.get(label, ""))
        for label, names in wanted.items()
    ]


def _url(text: str, venues: list[str]) -> tuple[str, str]:
    label, equals, url = text.partition("=")
    if equals and label in venues:
        return label, url
    if len(venues) != 1:
        raise Refused(f"--url {text}: of which venue? Say VENUE=URL, once for each of {', '.join(venues)}")
    return venues[0], text


def _verify(folder: Path, as_json: bool) -> None:
    from crossbook.desk.record_verify import verify_recording

    found = verify_recording(folder)
    if as_json:
        typer.echo(msgspec.json.encode({"folder": str(folder), "ok": not found.findings} | msgspec.to_builtins(found)))
    else:
        for line in found.findings:
            typer.echo(line)
        what = f"{found.parts} parts, {found.lines:,} lines, {found.snapshots} snapshots, {found.gaps} gaps"
        typer.echo(f"{folder}: {what}: {'clean' if not found.findings else f'{len(found.findings)} findings'}")
    if found.findings:
        raise typer.Exit(1)
