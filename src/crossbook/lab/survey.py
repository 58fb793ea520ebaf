"""How good the edges on a tape ever were, against what they would have cost: why a strategy did or did not trade.

One compiled pass over the market with the engine's own book and edge kernels; no order is sent.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from crossbook.rules.book import apply_market, is_tradeable
from crossbook.rules.edge import buy_instrument, clip_quantity_e8, edge_ppm, sell_instrument, top_edge
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import MAX_PAIRS, Rows

BEST, BEST_TS, BEST_COST, MOMENTS, POSITIVE, PAYING, PAYING_TWICE = range(7)


class EdgeSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """One direction of one pair: its best top-of-book edge, and how often an edge paid.

    `best_ppm` is gross, `cost_ppm` the entry fees of both legs at that moment. `moments` counts market events at which
    both books were tradeable; of these `positive` had an edge above 0, `paying` above the entry fees, and
    `paying_twice` above the fees of entry and exit.
    """

    pair: int
    buy: int
    sell: int
    best_ppm: int | None
    best_ts: int
    cost_ppm: int
    moments: int
    positive: int
    paying: int
    paying_twice: int


@kernel
def _scan(desk: Any, rows: Any, starts: Any, clips: Any, result: Any) -> None:
    s = desk[0]
    for frame in range(len(starts) - 1):
        part = rows[starts[frame] : starts[frame + 1]]
        i = part[0].instrument
        s.now = part[0].ts
        if part[0].kind > 3 or not apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, part):
            continue
        for p in range(s.n_pairs):
            pair = s.pairs[p]
            if pair.a != i and pair.b != i:
                continue
            if not (
                is_tradeable(s.books[pair.a], s.quotes[pair.a]) and is_tradeable(s.books[pair.b], s.quotes[pair.b])
            ):
                continue
            quantity = clip_quantity_e8(s, pair, clips[p])
            for direction in range(2):
                gross, fees, notional = top_edge(s, pair, direction, quantity)
                if notional <= 0:
                    continue
                row = result[p, direction]
                ppm = edge_ppm(gross, notional)
                row[MOMENTS] += 1
                row[POSITIVE] += gross > 0
                row[PAYING] += gross > fees
                row[PAYING_TWICE] += gross > 2 * fees
                if row[MOMENTS] == 1 or ppm > row[BEST]:
                    row[BEST] = ppm
                    row[BEST_TS] = s.now
                    row[BEST_COST] = edge_ppm(fees, notional)


def survey_edges(desk: Rows, rows: Rows, starts: Rows, clips_e8: list[int]) -> list[EdgeSurvey]:
    """Both directions of every pair of a fresh desk over a whole tape. `clips_e8`: notional to price, per pair."""
    result = np.zeros((MAX_PAIRS, 2, 7), np.int64)
    clips = np.array(clips_e8 or [0], np.int64)
    _scan(desk, rows, starts, clips, result)
    s = desk[0]
    surveys = []
    for p in range(int(s.n_pairs)):
        for direction in range(2):
            row = [int(value) for value in result[p, direction]]
            surveys.append(
                EdgeSurvey(
                    pair=p,
                    buy=int(buy_instrument(s.pairs[p], direction)),
                    sell=int(sell_instrument(s.pairs[p], direction)),
                    best_ppm=row[BEST] if row[MOMENTS] else None,
                    best_ts=row[BEST_TS],
                    cost_ppm=row[BEST_COST],
                    moments=row[MOMENTS],
                    positive=row[POSITIVE],
                    paying=row[PAYING],
                    paying_twice=row[PAYING_TWICE],
                )
            )
    return surveys
