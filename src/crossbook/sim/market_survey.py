"""What a generated market offers an arbitrageur: how often, how large and how long its dislocations are.

Floating point statistics of generated rows, for the documentation, the tests and `tape generate`; no figure of a run.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from crossbook.events import EventKind
from crossbook.rules.layout import Rows
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument

Numbers = npt.NDArray[Any]
MERGED_NS = 20 * NS_PER_MS
"""An edge that comes back within this time never went: quotes flicker around any threshold."""
REACTION_NS = 200 * NS_PER_MS
"""How long an order takes to the slower venue in `survive_ppm`."""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The gross top-of-book edges of one pair of instruments, both directions, in one quote asset."""

    a: str
    b: str
    minutes: float
    above_bp: float
    """The edge counted: sell at the bid, buy at the ask, as we receive them, above this."""
    per_minute: float
    median_ms: float
    survive_ppm: int
    """Share of them still above when an order that left at first sight arrives, 200 ms later, at the venues."""
    above_20_bp_per_hour: float
    largest_bp: float
    calm_basis_bp: float
    """Half the distance between the 5th and 95th percentile of the difference of the two middles, read each second."""


def survey(instruments: tuple[Instrument, ...], rows: Rows, above_bp: float = 9.5) -> list[Survey]:
    """One `Survey` for each two instruments of one base; empty where a quote or the USDC mark is missing."""
    quotes = rows[rows["kind"] == int(EventKind.QUOTE)]
    firsts = [(number, one) for number, one in enumerate(instruments) if one.base != "USDC"]
    pairs = [(i, j) for i, one in firsts for j, other in firsts if i < j and one.base == other.base]
    return [_pair(instruments, quotes, i, j, above_bp) for i, j in pairs]


def _pair(instruments: tuple[Instrument, ...], quotes: Rows, i: int, j: int, above_bp: float) -> Survey:
    seen_at, *seen = edges(instruments, quotes, i, j, "ts")
    true_at, *true = edges(instruments, quotes, i, j, "ts_venue")
    lengths, survived = [], 0
    for seen_edge, true_edge in zip(seen[:2], true[:2], strict=True):
        begins, ends = episodes(seen_at, seen_edge > above_bp)
        lengths += list((ends - begins) / NS_PER_MS)
        arrived = np.searchsorted(true_at, begins + REACTION_NS, side="right") - 1
        survived += int((true_edge[arrived] > above_bp).sum())
    large = sum(len(episodes(seen_at, edge > 20.0)[0]) for edge in seen[:2])
    minutes = float(seen_at[-1] - seen_at[0]) / 6e10
    each_second = np.searchsorted(true_at, np.arange(true_at[0], true_at[-1], NS_PER_S), side="right") - 1
    low, high = np.percentile(true[2][each_second], [5, 95])
    return Survey(
        a=instruments[i].name,
        b=instruments[j].name,
        minutes=round(minutes, 3),
        above_bp=above_bp,
        per_minute=round(len(lengths) / minutes, 3),
        median_ms=round(float(np.median(lengths)), 3) if lengths else 0.0,
        survive_ppm=1_000_000 * survived // max(len(lengths), 1),
        above_20_bp_per_hour=round(60.0 * large / minutes, 3),
        largest_bp=round(float(max(edge.max() for edge in seen[:2])), 3),
        calm_basis_bp=round(float(high - low) / 2.0, 3),
    )


def edges(
    instruments: tuple[Instrument, ...], quotes: Rows, i: int, j: int, clock: str
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Times at which `i`, `j` or USDC was quoted, by `clock` (`ts` or `ts_venue`), and there, in bp: the edge of buying
    `i` and selling `j`, that of buying `j` and selling `i`, and the middle of `j` against that of `i`."""
    dollar = [number for number, one in enumerate(instruments) if one.base == "USDC"]
    used = [i, j, *dollar]
    quotes = quotes[np.isin(quotes["instrument"], used)]
    quotes = quotes[np.argsort(quotes[clock], kind="stable")]
    times = quotes[clock]
    sides: list[tuple[Numbers, Numbers]] = []
    begin = 0
    for number in used:
        own = np.flatnonzero(quotes["instrument"] == number)
        last = np.searchsorted(own, np.arange(len(quotes)), side="right") - 1
        begin = max(begin, int(own[0]))
        tick = instruments[number].tick_e8 / 1e8
        sides.append((quotes["price"][own][last] * tick, quotes["price2"][own][last] * tick))
    if dollar:
        middle = (sides[2][0] + sides[2][1]) / 2.0
        for place, number in enumerate((i, j)):
            if instruments[number].quote == "USDC":
                sides[place] = (sides[place][0] * middle, sides[place][1] * middle)
    (bid_i, ask_i), (bid_j, ask_j) = sides[:2]
    between = (bid_j + ask_j) / (bid_i + ask_i) - 1.0
    answer = tuple(1e4 * ratio[begin:] for ratio in (bid_j / ask_i - 1.0, bid_i / ask_j - 1.0, between))
    return times[begin:], answer[0], answer[1], answer[2]


def episodes(times: Numbers, on: Numbers) -> tuple[Numbers, Numbers]:
    """When each stretch of `on` began and ended, stretches closer than `MERGED_NS` being one."""
    change = np.diff(on.astype(np.int8), prepend=0, append=0)
    begins = times[np.flatnonzero(change == 1)]
    ends = times[np.minimum(np.flatnonzero(change == -1), len(times) - 1)]
    apart = begins[1:] - ends[:-1] >= MERGED_NS
    return begins[np.concatenate([[True], apart])[: len(begins)]], ends[np.concatenate([apart, [True]])[: len(ends)]]
