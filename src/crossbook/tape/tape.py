"""A tape: rows of events, the frames they form, their instruments; opened from a folder or made in memory."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from crossbook.errors import Corrupt, Refused
from crossbook.rules.kernel import cache_root
from crossbook.rules.layout import EVENT, Rows
from crossbook.tape.archive import check_part, read_rows, write_parts
from crossbook.tape.frames_of import Ints, counts_of, rates_of, starts_of, windows_of
from crossbook.tape.manifest import FORMAT, Clock, Health, Manifest, Source
from crossbook.types import Instrument

MANIFEST = "manifest.json"
THREADS = 2


@dataclass(frozen=True)
class Tape:
    """`rows`: EVENT rows, not to be written; frame k is `rows[starts[k]:starts[k + 1]]`; `starts` ends with the end.

    `instruments[i]` is what a row's `instrument` i means. `content_hash` names rows and instruments: two tapes with
    the same hash replay the same. `directory`: where its archive is, None for one in memory.
    """

    rows: Rows
    starts: Ints
    instruments: tuple[Instrument, ...]
    manifest: Manifest
    content_hash: str
    directory: Path | None = None


def content_hash(instruments: Sequence[Instrument], rows: Rows) -> str:
    """The sha256 of instruments and rows."""
    digest = hashlib.sha256(b"crossbook tape %d\n" % FORMAT)
    digest.update(msgspec.json.encode(list(instruments)))
    digest.update(np.ascontiguousarray(rows).view(np.uint8).data)
    return digest.hexdigest()


def manifest_of(
    instruments: Sequence[Instrument],
    rows: Rows,
    starts: Ints | None = None,
    *,
    digest: str | None = None,
    sources: Sequence[Source] = (),
    clocks: Mapping[str, Clock] | None = None,
    min_feed_ns: int = 0,
    early_updates: Mapping[str, int] | None = None,
    health: Health | None = None,
    facts: Mapping[str, str] | None = None,
) -> Manifest:
    """The manifest of rows, without parts. Raises `Refused` if there are none or the last one ends no frame."""
    if not len(rows):
        raise Refused("a tape without events cannot be: give at least one frame")
    known = tuple(instruments)
    edges = starts_of(rows) if starts is None else starts
    if int(edges[-1]) != len(rows):
        raise Refused(f"the last frame of {len(rows)} rows has no end: flag its last row")
    counts, windows = counts_of(rows, edges, known), windows_of(rows, edges, known)
    return Manifest(
        content_hash=digest or content_hash(known, rows),
        rows=len(rows),
        frames=len(edges) - 1,
        first_ns=int(rows[0]["ts"]),
        last_ns=int(rows[-1]["ts"]),
        instruments=known,
        counts=counts,
        windows=windows,
        rates=rates_of(counts, windows),
        sources=tuple(sources),
        clocks=dict(clocks or {}),
        min_feed_ns=min_feed_ns,
        early_updates=dict(early_updates or {}),
        health=health or Health(),
        facts=dict(facts or {}),
    )


def tape_of_rows(instruments: Sequence[Instrument], rows: Rows, *, facts: Mapping[str, str] | None = None) -> Tape:
    """A tape in memory, as the market generator makes it. Frames must be in receive order and flagged at their ends."""
    starts = starts_of(rows)
    manifest = manifest_of(instruments, rows, starts, facts=facts)
    return Tape(_frozen(rows), _frozen(starts), tuple(instruments), manifest, manifest.content_hash)


def check_target(directory: Path, force: bool) -> None:
    """Raises `Refused` where a tape may not be written: over anything but a tape, and over one only with `force`."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        if not (directory / MANIFEST).is_file():
            raise Refused(f"{directory} exists and is no tape: choose another place")
        if not force:
            raise Refused(f"{directory} already holds a tape: choose another place, or replace it with --force")


def write_tape(
    directory: Path,
    rows: Rows,
    manifest: Manifest | Callable[[], Manifest],
    *,
    starts: Ints | None = None,
    force: bool = False,
    pool: Executor | None = None,
) -> Manifest:
    """Write archive and manifest into `directory`, all or nothing, and give the manifest with its parts.

    A manifest that takes time may be given as a function: it is called while the parts are being written.
    Raises `Refused` if something is there already (a tape is replaced with `force`), or if the disk is full.
    """
    check_target(directory, force)
    with out_of_space(directory), _pool(pool) as workers:
        directory.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        try:
            folder.chmod(0o755)
            parts = write_parts(folder, rows, starts_of(rows) if starts is None else starts, workers)
            described = manifest() if callable(manifest) else manifest
            written = msgspec.structs.replace(described, parts=tuple(parts))
            text = msgspec.json.format(msgspec.json.encode(written), indent=1)
            (folder / MANIFEST).write_bytes(text + b"\n")
            _put_in_place(folder, directory)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return written


def _put_in_place(folder: Path, directory: Path) -> None:
    if not directory.exists():
        os.rename(folder, directory)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old.", dir=directory.parent))
    os.rename(directory, old)
    os.rename(folder, directory)
    shutil.rmtree(old)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a tape. Raises `Refused` if there is no tape, `Corrupt` if it cannot be read."""
    path = directory / MANIFEST
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(f"{directory} is no tape (no {MANIFEST}): make one with crossbook tape import") from None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(f"{path} cannot be read ({error}): import the tape again") from None
    if manifest.format != FORMAT:
        raise Refused(f"{directory} has format {manifest.format}, this version reads {FORMAT}: import it again")
    return manifest


def open_tape(directory: Path) -> Tape:
    """Open a tape for replay; its rows are mapped from a cache that is built from the archive when it is absent.

    Raises `Refused` if there is no tape, `Corrupt` naming the file that is missing or damaged.
    """
    manifest = read_manifest(directory)
    folder = _cache(manifest.content_hash)
    if not folder.is_dir():
        rows = read_rows(directory, manifest.parts)
        if content_hash(manifest.instruments, rows) != manifest.content_hash:
            raise Corrupt(f"{directory} holds other rows than its manifest says: import the tape again")
        _fill_cache(folder, rows)
    else:
        for part in manifest.parts:
            check_part(directory, part)
    rows, starts = _map_cache(folder, manifest.rows)
    return Tape(rows, starts, manifest.instruments, manifest, manifest.content_hash, directory)


def select(tape: Tape, names: Sequence[str]) -> Tape:
    """The tape of only these instruments (`venue:SYMBOL`), numbered in this order.

    Raises `Refused` naming one that is not there or named twice.
    """
    known = {instrument.name: number for number, instrument in enumerate(tape.instruments)}
    for name in names:
        if name not in known or names.count(name) > 1:
            why = "twice in the list" if name in known else f"not on the tape: it has {', '.join(known)}"
            raise Refused(f"instrument {name} is {why}")
    if tuple(names) == tuple(known):
        return tape
    digest = hashlib.sha256("\0".join([tape.content_hash, *names]).encode()).hexdigest()
    folder = _cache(digest)
    if not folder.is_dir():
        number = np.full(len(known), -1, np.int16)
        number[[known[name] for name in names]] = np.arange(len(names))
        chosen = tape.rows[number[tape.rows["instrument"]] >= 0]
        chosen["instrument"] = number[chosen["instrument"]]
        _fill_cache(folder, chosen)
    rows, starts = _map_cache(folder, None)
    instruments = tuple(tape.instruments[known[name]] for name in names)
    old = tape.manifest
    manifest = manifest_of(
        instruments, rows, starts, digest=digest, sources=old.sources, clocks=old.clocks,
        min_feed_ns=old.min_feed_ns, health=old.health, facts=old.facts,
    )  # fmt: skip
    return Tape(rows, starts, instruments, manifest, digest, tape.directory)


@contextmanager
def out_of_space(path: Path) -> Iterator[None]:
    """Turn what the system says of a full disk or a forbidden place into a `Refused` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Refused(f"{path}: the disk is full ({error.strerror}): free space or choose another place; "
                          "nothing was changed") from None  # fmt: skip
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Refused(f"{path}: {error.strerror}: choose another place; nothing was changed") from None
        raise


@contextmanager
def _pool(pool: Executor | None) -> Iterator[Executor]:
    if pool is not None:
        yield pool
    else:
        with ThreadPoolExecutor(THREADS) as own:
            yield own


def _cache(digest: str) -> Path:
    return cache_root() / "tapes" / digest


def _fill_cache(folder: Path, rows: Rows) -> None:
    """Write rows and starts under the cache, all or nothing; of two at once, one wins."""
    with out_of_space(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name[:12]}.", dir=folder.parent))
        try:
            rows.view(np.ndarray).tofile(new / "rows")
            starts_of(rows).tofile(new / "starts")
            try:
                os.rename(new, folder)
            except OSError:
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _map_cache(folder: Path, rows: int | None) -> tuple[Rows, Ints]:
    mapped = np.memmap(folder / "rows", EVENT, mode="r").view(np.ndarray)
    starts = np.memmap(folder / "starts", np.int64, mode="r").view(np.ndarray)
    if (rows is not None and len(mapped) != rows) or int(starts[-1]) != len(mapped):
        raise Corrupt(f"{folder} is not whole: remove it, it is made again from the tape")
    return mapped, starts


def _frozen(array: Rows) -> Rows:
    view = array.view()
    view.flags.writeable = False
    return view
