"""A journal followed while it is written: each entry once, in order, and again by its number."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from crossbook.errors import Corrupt
from crossbook.ledger.records import HEADER_BYTES, MAGIC, RECORD_BYTES, decode_header, record_at

READ_BYTES = 1 << 20
SIGN_EVERY = 512
"""Entries from one signpost to the next: so many are read to find one by its number."""


class Tail:
    """The journal in `directory` from its beginning. It may not exist yet, and may be cut off and resumed meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.last = 0
        """The number of the last entry that was read."""
        self._segment = 0
        self._offset = 0
        self._file = -1
        self._signs: list[tuple[int, int, int]] = []
        """Every so often (sequence, segment, offset)."""

    def new(self, at_most: int) -> list[tuple[int, bytes]]:
        """Up to `at_most` entries that were not read yet. Raises `Corrupt` where what follows cannot be read."""
        found: list[tuple[int, bytes]] = []
        try:
            self._read(found, at_most)
        except Corrupt:
            if not found:
                raise
        return found

    def _read(self, found: list[tuple[int, bytes]], at_most: int) -> None:
        while len(found) < at_most:
            if self._file < 0 and not self._next_segment():
                break
            over = self._following_is_begun()  # asked before reading: whatever this segment got, it got before that
            before = len(found)
            self._take(found, at_most)
            if len(found) > before:
                continue
            if not over:
                break
            self._refuse_rest()
            os.close(self._file)
            self._file = -1

    def between(self, first: int, last: int) -> Iterator[tuple[int, bytes]]:
        """The entries `first` to `last`, of those that were read."""
        last = min(last, self.last)
        place = bisect_right(self._signs, (first, 1 << 62, 0)) - 1
        if place < 0 or first > last:
            return
        sequence, segment, offset = self._signs[place]
        while sequence <= last:
            content = self._path(segment).read_bytes()
            while sequence <= last and (payload := record_at(content, offset, sequence)) is not None:
                if sequence >= first:
                    yield sequence, payload
                offset += RECORD_BYTES + len(payload)
                sequence += 1
            segment, offset = segment + 1, HEADER_BYTES

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:06d}.seg"

    def _next_segment(self) -> bool:
        path = self._path(self._segment + 1)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        head = os.pread(file, HEADER_BYTES, 0)
        if head[: len(MAGIC)] != MAGIC:
            os.close(file)
            if any(head):
                raise Corrupt(f"{path} offset 0: no journal header; restore the file from a backup")
            return False
        first = decode_header(head, str(path))
        if first != self.last + 1:
            os.close(file)
            raise Corrupt(f"{path} offset 0: begins with entry {first}, not {self.last + 1}; restore a backup")
        self._segment, self._offset, self._file = self._segment + 1, HEADER_BYTES, file
        return True

    def _following_is_begun(self) -> bool:
        try:
            with self._path(self._segment + 1).open("rb") as file:
                return file.read(len(MAGIC)) == MAGIC
        except OSError:
            return False

    def _take(self, found: list[tuple[int, bytes]], at_most: int) -> None:
        if not any(os.pread(self._file, RECORD_BYTES, self._offset)[:4]):
            return
        block = os.pread(self._file, READ_BYTES + RECORD_BYTES, self._offset)
        at = 0
        while len(found) < at_most and (payload := record_at(block, at, self.last + 1)) is not None:
            self.last += 1
            if self.last % SIGN_EVERY == 1:
                self._signs.append((self.last, self._segment, self._offset + at))
            found.append((self.last, payload))
            at += RECORD_BYTES + len(payload)
        if at == 0 and len(block) > READ_BYTES:
            self._refuse_rest()  # no record is that long
        self._offset += at

    def _refuse_rest(self) -> None:
        """A segment that another follows has nothing behind its last record."""
        if any(os.pread(self._file, RECORD_BYTES, self._offset)):
            where = self._path(self._segment)
            raise Corrupt(
                f"{where} offset {self._offset}: entry {self.last + 1} is damaged; restore the file from a backup"
            )
