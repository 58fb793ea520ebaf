"""Is a recording what was written? Hashes, whole lines, stamps in order, valid JSON, and books without a gap."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from crossbook.desk.raw import Part, lines_of, listed_parts
from crossbook.desk.record import DESCRIPTION
from crossbook.errors import Refused
from crossbook.timestamp import iso
from crossbook.types import Chain
from crossbook.venues.depth_sync import DepthSync
from crossbook.venues.market_streams import depth_ids, message_of


class Verified(msgspec.Struct, kw_only=True):
    """What a recording holds, and what is wrong with it. A gap that a snapshot mends is counted, it is not wrong."""

    parts: int = 0
    lines: int = 0
    bytes: int = 0
    snapshots: int = 0
    gaps: int = 0
    findings: list[str] = []


class _Snapshot(msgspec.Struct):
    lastUpdateId: int = -1  # noqa: N815 -- the venue's own word


def verify_recording(folder: Path) -> Verified:
    """Read every part again. Raises `Refused` if the folder is no recording."""
    if not (folder / DESCRIPTION).is_file():
        raise Refused(f"{folder} is no recording: it has no {DESCRIPTION}")
    found = Verified()
    listed = listed_parts(folder)
    syncs: dict[str, _Book] = {}
    there = sorted([*folder.glob("*.gz"), *folder.glob("*.raw")], key=lambda path: path.stem)
    for name in sorted(set(listed) - {path.name for path in there}):
        found.findings.append(f"{name}: is listed and not there")
    for path in there:
        found.parts += 1
        book = syncs.setdefault(path.stem.rpartition("_")[0], _Book())
        found.findings += _check(path, listed.get(path.name), book, found)
    found.gaps = sum(book.gaps for book in syncs.values())
    found.findings += [f"{stem}: its book's updates have no snapshot that fits" for stem, book in syncs.items()
                       if book.updates and not book.was_in_step]  # fmt: skip
    return found


class _Book:
    """A book of one instrument, followed by its ids alone."""

    def __init__(self) -> None:
        self.gaps = self.updates = 0
        self.was_in_step = False
        self._sync: DepthSync[int] | None = None

    def update(self, first: int, last: int, previous: int) -> None:
        self.updates += 1
        if self._sync is None:
            self._sync = DepthSync(Chain.FIRST_ID if previous < 0 else Chain.PREVIOUS_ID)
        was_in_step = not self._sync.needs_snapshot
        self._sync.delta(first if previous < 0 else previous, last, 0)
        self.gaps += was_in_step and self._sync.needs_snapshot

    def snapshot(self, last_id: int) -> None:
        if self._sync is not None:
            self._sync.snapshot(last_id, 0)
            self.was_in_step = self.was_in_step or not self._sync.needs_snapshot


def _check(path: Path, part: Part | None, book: _Book, found: Verified) -> Iterator[str]:
    if part is not None:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
                yield f"{path.name}: differs from what was written (SHA-256)"
    elif path.suffix == ".gz":
        yield f"{path.name}: is not listed: it was not written by this recording"
    lines, last_ns, number = 0, 0, 0
    try:
        for number, (receive_ns, frame) in enumerate(lines_of(path), 1):
            lines += 1
            found.bytes += len(frame)
            if receive_ns < last_ns:
                yield f"{path.name}:{number}: stamp {iso(receive_ns)} is before the line above"
            last_ns = receive_ns
            _follow(frame, book, found)
    except (ValueError, OSError, EOFError, zlib.error, msgspec.MsgspecError) as error:
        still_written = path.suffix == ".raw" and "torn" in str(error)
        if not still_written:
            yield f"{path.name}:{number + 1}: is damaged ({' '.join(str(error).split())})"
    found.lines += lines
    if part is not None and lines != part.lines:
        yield f"{path.name}: holds {lines} lines and {part.lines} were written"


def _follow(frame: bytes, book: _Book, found: Verified) -> None:
    message = message_of(frame)
    if message is None:
        last_id = msgspec.json.decode(frame, type=_Snapshot).lastUpdateId
        if last_id >= 0:
            found.snapshots += 1
            book.snapshot(last_id)
    elif "@depth" in message.stream:
        ids = depth_ids(message.content)
        book.update(ids.first, ids.last, ids.previous)
