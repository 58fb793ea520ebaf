"""Samples sorted no further than a percentile needs: by their leading bits, and one bucket of them selected in."""

from __future__ import annotations

from array import array
from bisect import insort

import numpy as np

BITS = 8
"""Leading bits that a bucket's samples share."""


class Selection:
    """Integers >= 0 below 2**63, in the order of nothing."""

    def __init__(self) -> None:
        self.n = 0
        self._buckets: dict[int, array[int]] = {}
        self._keys: list[int] = []

    def add(self, value: int) -> None:
        """Take one more."""
        size = max(value.bit_length() - BITS, 0)
        key = (size << BITS) + (value >> size)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = array("q")
            insort(self._keys, key)
        bucket.append(value)
        self.n += 1

    def at(self, permille: int) -> int | None:
        """The value at a percentile by nearest rank; None of nothing."""
        if not self.n:
            return None
        place = (self.n * permille + 999) // 1000 - 1
        for key in self._keys:
            bucket = self._buckets[key]
            if place < len(bucket):
                return int(np.partition(np.frombuffer(bucket, np.int64), place)[place])
            place -= len(bucket)
        raise AssertionError("a rank within n lies in a bucket")
