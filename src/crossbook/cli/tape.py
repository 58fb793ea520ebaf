"""`crossbook tape import | generate | info | verify`: recordings into tapes, and what a tape is worth."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from crossbook.cli.generate import generate
from crossbook.errors import Refused
from crossbook.market.instruments import parse_overrides
from crossbook.rules.kernel import is_compiled
from crossbook.tape.importer import Options, import_tape
from crossbook.tape.manifest import Manifest, Source
from crossbook.tape.recording import Progress as Advance
from crossbook.tape.tape import read_manifest
from crossbook.tape.verify import unhealthy, verify_tape
from crossbook.timestamp import iso
from crossbook.types import VENUE_BY_LABEL, Venue

app = typer.Typer(
    help="Tapes of market data: import, generate, look at, prove.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
TapeFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A tape's folder.")]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Recordings: raw lines, captures, bars.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="The folder the tape is written to.")],
    venue: Annotated[str | None, typer.Option(help="Whose the files are, instead of reading it from them.")] = None,
    instruments: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML with [venue.SYMBOL] tables, beside or instead of the known."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="SYMBOLS", help="Of a file with many symbols only these, by commas.")
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Skip lines that are no JSON, put back times forward; count both.")
    ] = False,
    min_feed_us: Annotated[
        int, typer.Option(min=0, help="The least feed latency assumed where no clock tells it, in us.")
    ] = 1000,
    force: Annotated[bool, typer.Option("--force", help="Replace the tape that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Decode recordings with the venues' codecs into one tape, in receive order.

    The venue of a file is read from its frames. The files of one stream belong in one import: a continuation without
    the snapshot that begins it is refused.
    """
    options = Options(
        venue=None if venue is None else _venue(venue),
        overrides=None if instruments is None else parse_overrides(_text(instruments), str(instruments)),
        only=None if only is None else [word.strip() for word in only.split(",")],
        lenient=lenient,
        min_feed_ns=min_feed_us * 1_000,
        force=force,
    )
    with _progress(files) as advance:
        manifest = import_tape(files, into, options, advance)
    _show(manifest, into, as_json)


app.command("generate")(generate)


@app.command()
def info(directory: TapeFolder, as_json: Json = False) -> None:
    """Instruments, windows, rates, gaps, crossed or stale stretches, and the clocks of a tape."""
    _show(read_manifest(directory), directory, as_json)


@app.command()
def verify(directory: TapeFolder, as_json: Json = False) -> None:
    """Hash a tape's files again and fold its books again; exit status 1 if anything is wrong."""
    _say_compiling()
    findings = verify_tape(directory)
    if as_json:
        typer.echo(msgspec.json.encode({"tape": str(directory), "ok": not findings, "findings": findings}))
    else:
        for line in findings:
            typer.echo(line)
        typer.echo(f"{directory}: {'clean' if not findings else f'{len(findings)} findings'}")
    if findings:
        raise typer.Exit(1)


@contextmanager
def _progress(files: list[Path]) -> Iterator[Advance]:
    _say_compiling()
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    total = sum(path.stat().st_size for path in set(files) if path.is_file())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda n: bar.advance(task, n)


def _say_compiling() -> None:
    if not is_compiled("survey.survey"):
        typer.echo("crossbook: compiling kernels, once per change of the code", err=True)


def _venue(label: str) -> Venue:
    if label not in VENUE_BY_LABEL:
        raise Refused(f"venue {label!r} is unknown: use one of {', '.join(VENUE_BY_LABEL)}")
    return VENUE_BY_LABEL[label]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: cannot be read ({error}): check the name") from None


def _show(manifest: Manifest, directory: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode({"tape": str(directory)} | msgspec.to_builtins(manifest)))
        return
    table = Table(
        title=escape(f"{directory}  {manifest.frames:,} frames, {manifest.rows:,} rows"), title_justify="left"
    )
    for name in ("instrument", "from", "to", "frames", "a second", "kinds"):
        table.add_column(name, justify="right" if name in ("frames", "a second") else "left")
    for name, counts in manifest.counts.items():
        first, last = manifest.windows.get(name, (0, 0))
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in counts.items())
        rate = f"{manifest.rates.get(name, 0):,.1f}"
        table.add_row(escape(name), iso(first)[:23], iso(last)[:23], f"{sum(counts.values()):,}", rate, kinds)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for line in _lines(manifest):
        console.print(escape(line), highlight=False)


def _lines(manifest: Manifest) -> Iterator[str]:
    for venue, clock in manifest.clocks.items():
        least, median, moved = (f"{ns / 1e6:.3f} ms" for ns in (clock.least_ns, clock.median_ns, clock.offset_ns))
        yield f"clock {venue}: receive less exchange time {least} at least, median {median} of {clock.n:,} frames"
        yield f"clock {venue}: its stamps were moved by {moved}"
    health = manifest.health
    counts = f"gaps {health.gap_count}, crossed stretches {health.crossed_count}"
    yield f"{counts}, stretches of 5 s without an update {health.stale_count}"
    yield from unhealthy(health)
    for stretch in health.stale[:20]:
        yield f"{stretch.instrument}: silent {iso(stretch.ts)} to {iso(stretch.end)}"
    for source in manifest.sources:
        yield f"source {source.name} ({source.venue}): {source.frames:,} frames{_notes(source)}"
    yield f"content {manifest.content_hash}"


def _notes(source: Source) -> str:
    counted = {
        "lines skipped": source.skipped,
        "times put forward": source.clamped,
        "messages of other kinds": source.ignored,
        "numbers rounded to the grid": source.rounded,
    }
    return "".join(f", {n:,} {what}" for what, n in counted.items() if n)
