"""Raw recordings: `receive_time frame` a line, plain or gz, read in blocks and decoded by the venues' own codecs."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import Refused
from crossbook.rules.layout import Rows, new_events
from crossbook.tape.lines import BACKWARDS, LINES, NO_STAMP, decode_lines
from crossbook.tape.packed import FRAME, Levels
from crossbook.timestamp import iso, stamp_to_ns
from crossbook.venues.frames import BYTES_PER_ROW, wrong_text
from crossbook.venues.reader import DONE, NOT_JSON, new_reader, symbol_at
from crossbook.venues.scan import tokens_for

BLOCK = 1 << 18
FRAMES_ROOM = 1 << 17
LEVELS_ROOM = 1 << 20
GZIP = b"\x1f\x8b"

Progress = Callable[[int], None]
"""Told how many more bytes of a source are done."""


@dataclass
class Recording:
    """What a file's lines say, before anything is made of it: frames at 1e-8 by symbol number (`venues.frames`)."""

    path: Path
    sha256: str = ""
    bytes: int = 0
    packed: Rows = field(default_factory=lambda: np.empty(0, FRAME))
    levels: Levels = field(default_factory=lambda: np.empty((0, 2), np.int64))
    symbols: list[str] = field(default_factory=list)
    evidence: list[int] = field(default_factory=list)
    frames: int = 0
    skipped: int = 0
    clamped: int = 0
    ignored: int = 0


def read_recording(
    path: Path,
    *,
    lenient: bool,
    progress: Progress = lambda _: None,
    convert: Callable[[Path, bytes], bytes] | None = None,
) -> Recording:
    """Decode a whole file. `convert` turns a file of another form, read whole, into lines first.

    Raises `Refused` naming file, line and remedy. With `lenient`, lines that are no JSON or have no receive time are
    skipped and receive times that go back are put forward, both counted.
    """
    found = Recording(path, bytes=path.stat().st_size)
    digest = hashlib.sha256()
    blocks = _lines(path, _read(path, digest, progress))
    if convert is not None:
        blocks = iter([convert(path, b"".join(blocks))])
    reader = _Reader(path, lenient)
    for block in blocks:
        reader.read(block)
    found.sha256 = digest.hexdigest()
    reader.finish(found)
    return found


class _Reader:
    """Decodes blocks of one file."""

    def __init__(self, path: Path, lenient: bool) -> None:
        self.path = path
        self.lenient = lenient
        self.lines = np.zeros(1, LINES)
        self.reader = new_reader()
        self.skipped = 0
        self.tokens = tokens_for(0)
        self.rows = new_events(0)
        self.frames: Rows = np.empty(FRAMES_ROOM, FRAME)
        self.levels: Levels = np.empty((LEVELS_ROOM, 2), np.int64)

    def read(self, block: bytes) -> None:
        """Decode a block of whole lines."""
        if not self.lines[0].unit_ns and not self._find_unit(block):
            return
        most = len(block) // BYTES_PER_ROW + 2
        if len(self.rows) < most:
            self.tokens = tokens_for(len(block))
            self.rows = new_events(most)
        self.frames = _with_room(self.frames, int(self.lines[0].n_frames), most)
        self.levels = _with_room(self.levels, int(self.lines[0].n_levels), most)
        buf = np.frombuffer(block, np.uint8)
        self.lines[0].at = 0
        state = (self.lines, self.reader, buf, self.tokens, self.rows, self.frames, self.levels, self.lenient)
        while (wrong := decode_lines(*state)) != DONE:
            self._wrong(wrong, block)

    def _find_unit(self, block: bytes) -> bool:
        """The unit of the receive times, from the first line that has one."""
        for line in block.splitlines():
            stamp = line.partition(b" ")[0]
            try:
                self.lines[0].unit_ns = stamp_to_ns(int(stamp)) // int(stamp)
                return True
            except (ValueError, Refused):
                if line and not self.lenient:
                    self.lines[0].unit_ns = 1  # what is wrong is found again, at its line
                    return True
        self.skipped += sum(1 for line in block.splitlines() if line)
        self.lines[0].line += block.count(b"\n")
        return False

    def _wrong(self, wrong: int, block: bytes) -> None:
        one = self.reader[0]
        text = block[int(one.bad_at) : int(one.bad_end)]
        if self.lenient and wrong in (NOT_JSON, NO_STAMP):
            self.skipped += 1
            return
        where = f"{self.path}:{int(self.lines[0].line)}"
        if wrong == NO_STAMP:
            shown = text[:40].decode("utf-8", "replace")
            raise Refused(f"{where}: {shown!r} is no receive time: a line is a time, a space and a frame"
                          " (--lenient skips such lines and counts them)")  # fmt: skip
        if wrong == BACKWARDS:
            before = iso(int(self.lines[0].last_ts))
            raise Refused(f"{where}: receive time {text.decode()} is before the line above ({before}): sort the file by"
                          " time (--lenient puts such times forward and counts them)")  # fmt: skip
        remedy = " (--lenient skips such lines and counts them)" if wrong == NOT_JSON else ": mend or remove the line"
        raise Refused(f"{where}: {wrong_text(wrong, text)}{remedy}")

    def finish(self, found: Recording) -> None:
        """Give what was read to `found`. Raises `Refused` if that is nothing."""
        one = self.reader[0]
        found.packed = self.frames[: int(self.lines[0].n_frames)]
        found.levels = self.levels[: int(self.lines[0].n_levels)]
        found.symbols = [symbol_at(self.reader, number) for number in range(int(one.n_symbols))]
        found.evidence = one.evidence.tolist()
        found.frames = int(self.lines[0].frames_in)
        found.skipped = self.skipped
        found.clamped = int(self.lines[0].clamped)
        found.ignored = int(one.ignored)
        if not len(found.packed):
            raise Refused(f"{self.path}: holds no market frame of a known kind: leave it out")


def _with_room(array: Rows, used: int, more: int) -> Rows:
    """An array with room for `more` behind `used`: this one, or a copy twice as long. Room costs nothing until used."""
    if len(array) - used >= more:
        return array
    longer = np.empty((max(2 * len(array), used + more), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


def _read(path: Path, digest: Any, progress: Progress) -> Iterator[bytes]:
    """The file's bytes, unpacked if gz. Raises `Refused` for a truncated or damaged one."""
    with path.open("rb") as file:
        packed = file.read(BLOCK)
        is_gzip = packed.startswith(GZIP)
        unpacker: Any = zlib.decompressobj(31)
        while packed:
            digest.update(packed)
            progress(len(packed))
            if not is_gzip:
                yield packed
            else:
                try:
                    while packed:
                        if unpacker.eof:  # a file may be several gz files, one after the other
                            unpacker = zlib.decompressobj(31)
                        yield unpacker.decompress(packed, BLOCK)
                        packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                except zlib.error as error:
                    raise Refused(f"{path}: damaged gz file ({error}): fetch it again") from None
            packed = file.read(BLOCK)
        if is_gzip:
            yield unpacker.flush()
        if is_gzip and not unpacker.eof:
            raise Refused(f"{path}: truncated gz file, its end is missing: fetch it again")


def _lines(path: Path, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes as blocks of whole lines."""
    rest: list[bytes] = []
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if not cut:
            rest.append(piece)
            continue
        yield b"".join([*rest, piece[:cut]])
        rest = [piece[cut:]]
    last = b"".join(rest)
    if last:
        yield last


def head_of(path: Path, pieces: int = 16) -> bytes:
    """The first megabytes of a file's lines; nothing if it cannot be read."""
    try:
        return b"".join(
            piece for piece, _ in zip(_read(path, hashlib.sha256(), lambda _: None), range(pieces), strict=False)
        )
    except (Refused, OSError):
        return b""
