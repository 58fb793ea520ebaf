"""Decoded frames, packed: what a frame says once stands once, its levels apart. A third of the memory of rows.

`pack` writes it from rows, `unpack` makes rows of it again, on the grid of their instruments, where they belong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crossbook.rules.kernel import bulk_kernel, kernel
from crossbook.rules.layout import I8, Rows, record
from crossbook.types import Instrument
from crossbook.venues.frames import to_grid
from crossbook.venues.reader import LAST

FRAME = record(
    *((name, I8) for name in ("ts", "ts_venue", "id", "id2", "price2", "lots2", "first", "line")),
    *((name, np.int32) for name in ("count", "bids")),
    *((name, np.int16) for name in ("kind", "symbol")),
)
"""A frame: its first level and how many, of which so many bids; the line it came from; its symbol by number."""

Levels = npt.NDArray[np.int64]
"""Price and quantity of every level, two columns."""


@dataclass
class Stream:
    """The frames of one source in receive order. `instruments[i]` is what symbol i means."""

    path: Path
    instruments: tuple[Instrument, ...]
    frames: Rows
    levels: Levels

    @property
    def alone(self) -> int:
        """The symbol of frames that name none: the only one there is, or -1."""
        return 0 if len(self.instruments) == 1 else -1


@kernel
def pack(rows: Any, n_rows: int, line: int, frames: Any, n_frames: int, levels: Any, n_levels: int) -> int:
    """Add rows to frames and levels; gives the frames there are then. Bids stand before asks."""
    count = 0
    bids = 0
    for k in range(n_rows):
        row = rows[k]
        levels[n_levels, 0] = row.price
        levels[n_levels, 1] = row.lots
        n_levels += 1
        count += 1
        if row.side == 0:
            bids += 1
        if row.flags & LAST:
            frame = frames[n_frames]
            frame.ts = row.ts
            frame.ts_venue = row.ts_venue
            frame.id = row.id
            frame.id2 = row.id2
            frame.price2 = row.price2
            frame.lots2 = row.lots2
            frame.first = n_levels - count
            frame.line = line
            frame.count = count
            frame.bids = bids
            frame.kind = row.kind
            frame.symbol = row.instrument
            n_frames += 1
            count = 0
            bids = 0
    return n_frames


@bulk_kernel
def pack_all(rows: Any, frames: Any, levels: Any) -> int:
    """Pack rows that are a frame each; row k becomes line k + 1."""
    for k in range(len(rows)):
        pack(rows[k : k + 1], 1, k + 1, frames, k, levels, k)
    return len(rows)


@bulk_kernel
def unpack(
    rows: Any, frames: Any, levels: Any, which: Any, dest: Any, ts: Any, ts_venue: Any, grid: Any, alone: int
) -> int:  # fmt: skip
    """Write frame `which[k]` to `rows[dest[k]:]`, with its times; -1, or the first frame that is off its grid."""
    for k in range(len(which)):
        frame = frames[which[k]]
        to = dest[k]
        for j in range(frame.count):
            row = rows[to + j]
            row.ts = ts[k]
            row.ts_venue = ts_venue[k]
            row.price = levels[frame.first + j, 0]
            row.lots = levels[frame.first + j, 1]
            row.price2 = frame.price2
            row.lots2 = frame.lots2
            row.id = frame.id
            row.id2 = frame.id2
            row.kind = frame.kind
            row.instrument = frame.symbol
            row.side = 0 if j < frame.bids else 1
            row.flags = 0
        rows[to + frame.count - 1].flags = LAST
        if to_grid(rows, to, to + frame.count, grid, alone) >= 0:
            return k
    return -1
