"""Rows as event frames: where each begins, and what kinds there are of each instrument."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.layout import Rows
from crossbook.timestamp import NS_PER_S
from crossbook.types import Instrument

Ints = npt.NDArray[np.int64]


def starts_of(rows: Rows) -> Ints:
    """The first row of every frame, and the end of the last: one more than there are frames."""
    ends = np.flatnonzero(rows["flags"] & FLAG_LAST).astype(np.int64) + 1
    return np.concatenate([np.zeros(1, np.int64), ends])


def counts_of(rows: Rows, starts: Ints, instruments: tuple[Instrument, ...]) -> dict[str, dict[str, int]]:
    """Frames by instrument's name and kind's name."""
    heads = starts[:-1]
    kinds = 256
    keys = rows["instrument"][heads].astype(np.int64) * kinds + rows["kind"][heads]
    found: dict[str, dict[str, int]] = {one.name: {} for one in instruments}
    for key, n in zip(*np.unique(keys, return_counts=True), strict=True):
        found[instruments[int(key) // kinds].name][EventKind(int(key) % kinds).name.lower()] = int(n)
    return found


def windows_of(rows: Rows, starts: Ints, instruments: tuple[Instrument, ...]) -> dict[str, tuple[int, int]]:
    """First and last receive time by instrument's name; instruments without a frame are left out."""
    heads = starts[:-1]
    ts, number = rows["ts"][heads], rows["instrument"][heads]
    found = {}
    for i, instrument in enumerate(instruments):
        mine = np.flatnonzero(number == i)
        if len(mine):
            found[instrument.name] = (int(ts[mine[0]]), int(ts[mine[-1]]))
    return found


def rates_of(counts: dict[str, dict[str, int]], windows: dict[str, tuple[int, int]]) -> dict[str, float]:
    """Frames a second by instrument's name, over its own window."""
    rates = {}
    for name, (first, last) in windows.items():
        rates[name] = round(sum(counts[name].values()) * NS_PER_S / max(last - first, 1), 3)
    return rates
