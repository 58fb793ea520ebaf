"""Samples kept in order while they come in: any percentile of all of them, at once."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable

CHUNK = 1_024


class Ranks:
    """Ascending 64-bit integers in chunks, so that one more costs little however many there are."""

    def __init__(self, values: Iterable[int] = ()) -> None:
        ordered = sorted(values)
        self._chunks = [array("q", ordered[at : at + CHUNK]) for at in range(0, len(ordered), CHUNK)]
        self._last = [chunk[-1] for chunk in self._chunks]
        self.n = len(ordered)

    def add(self, value: int) -> None:
        """Take one more."""
        self.n += 1
        if not self._chunks:
            self._chunks, self._last = [array("q", (value,))], [value]
            return
        at = min(bisect_left(self._last, value), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, value)
        if len(chunk) > 2 * CHUNK:
            self._chunks[at : at + 1] = [chunk[:CHUNK], chunk[CHUNK:]]
            self._last[at : at + 1] = [chunk[CHUNK - 1], chunk[-1]]
        else:
            self._last[at] = chunk[-1]

    def remove(self, value: int) -> None:
        """Take one back that was added."""
        at = bisect_left(self._last, value)
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, value)]
        self.n -= 1
        if chunk:
            self._last[at] = chunk[-1]
        else:
            del self._chunks[at], self._last[at]

    def at(self, permille: int) -> int | None:
        """The sample at a percentile (in thousandths) by nearest rank; None of nothing."""
        if not self.n:
            return None
        place = -(-self.n * permille // 1000) - 1
        for chunk in self._chunks:
            if place < len(chunk):
                return chunk[place]
            place -= len(chunk)
        raise AssertionError("a rank within n lies in a chunk")
