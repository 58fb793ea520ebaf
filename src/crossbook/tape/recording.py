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
from crossbook.tape.frames_of import Ints
from crossbook.tape.lines import BACKWARDS, LINES, NO_STAMP, decode_lines
from crossbook.timestamp import iso, stamp_to_ns
from crossbook.venues.frames import BYTES_PER_ROW, wrong_text
from crossbook.venues.reader import DONE, NOT_JSON, new_reader, symbol_at
from crossbook.venues.scan import tokens_for

BLOCK = 1 << 20
CHUNK_ROWS = 1 << 19
GZIP = b"\x1f\x8b"

Progress = Callable[[int], None]
"""Told how many more bytes of a source are done."""


@dataclass
class Chunk:
    """Rows at 1e-8 by symbol number (see `venues.frames`), the first row of each frame and the end, and its line."""

    rows: Rows
    starts: Ints
    lines: Ints


@dataclass
class Recording:
    """What a file's lines say, before anything is made of it."""

    path: Path
    sha256: str = ""
    bytes: int = 0
    chunks: list[Chunk] = field(default_factory=list)
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
    """Decodes blocks of one file into chunks of rows."""

    def __init__(self, path: Path, lenient: bool) -> None:
        self.path = path
        self.lenient = lenient
        self.lines = np.zeros(1, LINES)
        self.reader = new_reader()
        self.tokens = tokens_for(BLOCK)
        self.chunks: list[Chunk] = []
        self.skipped = 0
        self.rows: Rows = new_events(0)
        self.block_starts: Ints = np.empty(0, np.int64)
        self.block_numbers: Ints = np.empty(0, np.int64)
        self.starts: list[Ints] = []
        self.numbers: list[Ints] = []

    def read(self, block: bytes) -> None:
        """Decode a block of whole lines."""
        if not self.lines[0].unit_ns and not self._find_unit(block):
            return
        if 2 * (len(self.tokens) - 2) < len(block):
            self.tokens = tokens_for(len(block))
        used = int(self.reader[0].n_rows)
        if len(self.rows) - used < len(block) // BYTES_PER_ROW + 2:
            self._close_chunk()
            self.rows = new_events(max(CHUNK_ROWS, len(block) // BYTES_PER_ROW + 2))
        if len(self.block_starts) < len(block) // BYTES_PER_ROW + 2:
            self.block_starts = np.empty(len(block) // BYTES_PER_ROW + 2, np.int64)
            self.block_numbers = np.empty_like(self.block_starts)
        buf = np.frombuffer(block, np.uint8)
        self.lines[0].at = 0
        self.lines[0].n_frames = 0
        while True:
            wrong = decode_lines(
                self.lines, self.reader, buf, self.tokens, self.rows, starts, numbers, self.lenient
            )  # fmt: skip
            if wrong == DONE:
                break
            self._wrong(wrong, block)
        n = int(self.lines[0].n_frames)
        self.starts.append(self.block_starts[:n].copy())
        self.numbers.append(self.block_numbers[:n].copy())

    def _find_unit(self, block: bytes) -> bool:
        """The unit of the receive times, from the first line that has one."""
        for line in block.splitlines():
            stamp = line.partition(b" ")[0]
            if stamp.isdigit():
                self.lines[0].unit_ns = stamp_to_ns(int(stamp)) // int(stamp)
                return True
            if stamp and not self.lenient:
                self.lines[0].unit_ns = 1  # whatever is wrong is found again, at its line
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

    def _close_chunk(self) -> None:
        n = int(self.reader[0].n_rows)
        if n:
            starts = np.concatenate([*self.starts, np.array([n], np.int64)])
            self.chunks.append(Chunk(self.rows[:n], starts, np.concatenate(self.numbers)))
        self.reader[0].n_rows = 0
        self.starts, self.numbers = [], []

    def finish(self, found: Recording) -> None:
        """Give what was read to `found`. Raises `Refused` if that is nothing."""
        self._close_chunk()
        one = self.reader[0]
        found.chunks = self.chunks
        found.symbols = [symbol_at(self.reader, number) for number in range(int(one.n_symbols))]
        found.evidence = one.evidence.tolist()
        found.frames = int(self.lines[0].frames_in)
        found.skipped = self.skipped
        found.clamped = int(self.lines[0].clamped)
        found.ignored = int(one.ignored)
        if not found.chunks:
            raise Refused(f"{self.path}: holds no market frame of a known kind: leave it out")


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
