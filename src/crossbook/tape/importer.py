"""Import recordings of any form known here into one tape."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from msgspec.structs import replace

from crossbook.errors import Refused
from crossbook.market.instruments import load_instruments
from crossbook.tape.bars import read_bars
from crossbook.tape.hyperliquid_csv import as_lines, is_capture
from crossbook.tape.manifest import Manifest, Source
from crossbook.tape.merge import merge
from crossbook.tape.packed import Stream
from crossbook.tape.recording import Progress, read_recording
from crossbook.tape.survey import examine
from crossbook.tape.tape import THREADS, check_target, content_hash, manifest_of, write_tape
from crossbook.tape.venue_of import venue_of
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, Venue

MIN_FEED_NS = NS_PER_MS
"""The least time assumed between a venue's stamp and our receipt, where no clock tells it."""


@dataclass(frozen=True)
class Options:
    """How to import. `venue`: whose all files are; `overrides`: instruments beside or instead of the known ones;
    `only`: the symbols wanted of files that hold several; `lenient`: skip what is no JSON, put back times forward."""

    venue: Venue | None = None
    overrides: Mapping[Venue, Mapping[str, Instrument]] | None = None
    only: Sequence[str] | None = None
    lenient: bool = False
    min_feed_ns: int = MIN_FEED_NS
    force: bool = False


def import_tape(
    files: Iterable[Path], directory: Path, options: Options | None = None, progress: Progress = lambda _: None
) -> Manifest:
    """Import `files` into a new tape at `directory`, all or nothing.

    `progress` is told the bytes of source files as they are read. Raises `Refused` naming what is wrong, and where.
    """
    options = options or Options()
    paths = list(files)
    if not paths:
        raise Refused("no file to import: name at least one")
    for path in paths:
        if not path.is_file():
            raise Refused(f"{path}: no such file: check the name")
    check_target(directory, options.force)
    threading.Thread(target=import_module, args=("polars",)).start()  # ready when the archive is written
    known = _Known(options)
    with ThreadPoolExecutor(THREADS) as pool:
        largest_first = sorted(set(paths), key=lambda path: -path.stat().st_size)
        jobs = {path: pool.submit(_read, path, known, options, progress) for path in largest_first}
        read = [_result(jobs[path], pool) for path in sorted(set(paths))]
        _refuse_twice([source for _, source in read])
        merged = merge([stream for stream, _ in read], options.min_feed_ns, pool)

        def described() -> Manifest:
            digest = pool.submit(content_hash, merged.instruments, merged.rows)
            health = examine(merged.rows, merged.starts, merged.instruments, pool)
            return manifest_of(
                merged.instruments, merged.rows, merged.starts, digest=digest.result(),
                sources=_sources(read, merged.rounded),
                clocks=merged.clocks, min_feed_ns=options.min_feed_ns, early_updates=merged.early_updates,
                health=health,
            )  # fmt: skip

        return write_tape(directory, merged.rows, described, starts=merged.starts, force=options.force, pool=pool)


class _Known:
    """The instruments that may be met, by venue and symbol."""

    def __init__(self, options: Options) -> None:
        self._overrides = options.overrides or {}
        self._loaded: dict[Venue, dict[str, Instrument]] = {}

    def __call__(self, venue: Venue, symbol: str, path: Path) -> Instrument:
        if venue not in self._loaded:
            self._loaded[venue] = load_instruments(venue) | dict(self._overrides.get(venue, {}))
        found = self._loaded[venue].get(symbol)
        if found is None:
            raise Refused(f"{path}: {symbol!r} is no known instrument of {venue.label}: describe it in a file and give "
                          "that with --instruments")  # fmt: skip
        return found


def _read(path: Path, known: _Known, options: Options, progress: Progress) -> tuple[Stream, Source]:
    if path.suffix == ".parquet":
        bars = read_bars(path, known, options.venue, options.only)
        progress(bars.bytes)
        return bars.stream, Source(
            name=path.name, sha256=bars.sha256, bytes=bars.bytes, venue=bars.venue.label,
            frames=len(bars.stream.frames), rounded=bars.rounded,
        )  # fmt: skip
    found = read_recording(
        path, lenient=options.lenient, progress=progress, convert=as_lines if is_capture(path) else None
    )  # fmt: skip
    venue = venue_of(found) if options.venue is None else options.venue
    instruments = tuple(known(venue, symbol, path) for symbol in found.symbols)
    return Stream(path, instruments, found.packed, found.levels), Source(
        name=path.name, sha256=found.sha256, bytes=found.bytes, venue=venue.label, frames=found.frames,
        skipped=found.skipped, clamped=found.clamped, ignored=found.ignored,
    )  # fmt: skip


def _result(job: Future[tuple[Stream, Source]], pool: Executor) -> tuple[Stream, Source]:
    try:
        return job.result()
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _refuse_twice(sources: Sequence[Source]) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        if source.sha256 in seen:
            raise Refused(f"{source.name} and {seen[source.sha256]} are the same recording: give it once")
        seen[source.sha256] = source.name


def _sources(read: Sequence[tuple[Stream, Source]], rounded: Mapping[Path, int]) -> list[Source]:
    """The sources, in an order of their own, with what was rounded when their rows were put on the grid."""
    counted = [replace(source, rounded=source.rounded + rounded[stream.path]) for stream, source in read]
    return sorted(counted, key=lambda one: (one.venue, one.name, one.sha256))
