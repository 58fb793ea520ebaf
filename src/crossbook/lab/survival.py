"""How long edges live: the probability that one seen now is still there when an order arrives, measured on a tape.

An edge is seen at its receive time, at the touch of both books, when it first reaches a bound from below. It survives a
delay if the venues' own books (by venue time) show at least that bound when the delay is over. One table for all pairs
and directions of a configuration.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from crossbook.errors import Refused
from crossbook.rules.book import apply_market, is_tradeable
from crossbook.rules.edge import clip_quantity_e8, edge_ppm, top_edge
from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import Rows

EDGES_PPM = (500, 750, 950, 1_100, 1_300, 1_500, 1_750, 2_000, 2_250, 2_500, 3_000, 3_500, 4_000)
DELAYS_MS = (5, 10, 25, 50, 100, 150, 200, 300, 500, 1_000)
NS_PER_MS = 1_000_000
NO_EDGE = -1_000_000
"""What stands for an edge while a book is untradeable."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Of `n` edges that reached `edge_bps`, so many per million were still there `delay_ms` later."""

    edge_bps: float
    delay_ms: int
    ppm: int
    n: int


@bulk_kernel
def _series(
    desk: Any, rows: Any, starts: Any, order: Any, p: int, direction: int, clip_e8: int, at: Any, edge: Any
) -> int:
    """Follow frames in `order` and write each change of the edge and the frame it came with; how many there were."""
    s = desk[0]
    pair = s.pairs[p]
    last = NO_EDGE - 1
    n = 0
    for k in range(len(order)):
        frame = order[k]
        part = rows[starts[frame] : starts[frame + 1]]
        i = part[0].instrument
        s.now = part[0].ts
        if part[0].kind > 3 or not apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, part):
            continue
        now = NO_EDGE
        if is_tradeable(s.books[pair.a], s.quotes[pair.a]) and is_tradeable(s.books[pair.b], s.quotes[pair.b]):
            quantity = clip_quantity_e8(s, pair, clip_e8)
            gross, _fees, notional = top_edge(s, pair, direction, quantity)
            if notional > 0:
                now = edge_ppm(gross, notional)
        if now != last:
            at[n] = frame
            edge[n] = now
            n += 1
            last = now
    return n


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the table was measured on."""

    tape: str
    """The content hash of the tape."""
    first_ns: int
    last_ns: int
    pairs: list[str]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell, see `lab.survival.Cell`."""

    edge_bps: Decimal
    delay_ms: int
    ppm: int
    n: int


class SurvivalTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    source: Source
    row: list[Row]


Ints = npt.NDArray[np.int64]


def _follow(
    desk: Rows, rows: Rows, starts: Ints, order: Ints, p: int, direction: int, clip_e8: int
) -> tuple[Ints, Ints]:
    at = np.empty(len(order), np.int64)
    edge = np.empty(len(order), np.int64)
    n = int(_series(desk, rows, starts, order, p, direction, clip_e8, at, edge))
    return at[:n], edge[:n]


def survival_table(fresh_desk: Any, rows: Rows, starts: Ints, pairs: int, clips_e8: list[int]) -> list[Cell]:
    """Measure a tape. `fresh_desk()` gives an empty desk of the configuration; `clips_e8`: notional to price by pair.

    Raises `Refused` for a tape on which no edge ever reached the smallest bound.
    """
    heads = rows[starts[:-1]]
    seen_at = np.asarray(heads["ts"])
    true_at = np.asarray(heads["ts_venue"])
    by_receipt = np.arange(len(heads), dtype=np.int64)
    by_truth = np.argsort(true_at, kind="stable").astype(np.int64)
    hits = np.zeros((len(EDGES_PPM), len(DELAYS_MS)), np.int64)
    seen = np.zeros(len(EDGES_PPM), np.int64)
    for p in range(pairs):
        for direction in range(2):
            frames, edges = _follow(fresh_desk(), rows, starts, by_receipt, p, direction, clips_e8[p])
            true_frames, truth = _follow(fresh_desk(), rows, starts, by_truth, p, direction, clips_e8[p])
            true_times = true_at[true_frames]
            before = np.concatenate(([NO_EDGE], edges[:-1]))
            for k, bound in enumerate(EDGES_PPM):
                moments = seen_at[frames[(before < bound) & (edges >= bound) & (before > NO_EDGE)]]
                seen[k] += len(moments)
                for j, delay in enumerate(DELAYS_MS):
                    place = np.searchsorted(true_times, moments + delay * NS_PER_MS, side="right") - 1
                    hits[k, j] += int(np.count_nonzero(truth[np.maximum(place, 0)] >= bound))
    if not seen.any():
        raise Refused(
            f"no edge on this tape ever reached {EDGES_PPM[0] / 100} bp: nothing to measure; take a longer one"
        )
    return [
        Cell(edge_bps=bound / 100, delay_ms=delay, ppm=int(hits[k, j]) * 1_000_000 // int(seen[k]), n=int(seen[k]))
        for k, bound in enumerate(EDGES_PPM)
        for j, delay in enumerate(DELAYS_MS)
        if seen[k]
    ]
