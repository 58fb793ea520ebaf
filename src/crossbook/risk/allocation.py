"""Capital per strategy and venue: who may hold how much, and why.

Equal shares to begin with. By evidence: a strategy whose mean net round trip is above zero with 95 % confidence gets
a full share, one that is neither shown to win nor to lose half a share, one that is shown to lose none; what is not
given stays unused. A strategy below its peak by more than a tenth of its capital is cut to half, by more than a fifth
to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

CUT_TO_HALF_PPM = 100_000
CUT_TO_NOTHING_PPM = 200_000
TRIPS_MIN = 30
"""Round trips below which evidence says nothing."""
PPM = 1_000_000


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy's round trips brought, each net in reporting 1e-8, in order of time."""

    trips_e8: Sequence[int]


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy may hold at a venue, in reporting 1e-8, and why."""

    strategy: str
    venue: str
    capital_e8: int
    reason: str


def allocate(
    capital_e8: Mapping[str, int], strategies: Sequence[str], rule: str, evidence: Mapping[str, Evidence]
) -> list[Allocation]:
    """Divide each venue's capital among the strategies by `rule`, `equal` or `evidence`."""
    rows = []
    for venue, whole in capital_e8.items():
        share = whole // max(len(strategies), 1)
        for name in strategies:
            found = evidence.get(name, Evidence(trips_e8=()))
            part_ppm, reason = weigh(found, share, rule)
            rows.append(Allocation(strategy=name, venue=venue, capital_e8=share * part_ppm // PPM, reason=reason))
    return rows


def weigh(evidence: Evidence, share_e8: int, rule: str) -> tuple[int, str]:
    """The part of its share (ppm) that a strategy gets, with the reason in words."""
    part, reason = PPM, "equal share"
    if rule == "evidence":
        part, reason = _proof(evidence.trips_e8)
    fall = drawdown_e8(evidence.trips_e8)
    if share_e8 > 0 and fall * PPM > share_e8 * CUT_TO_NOTHING_PPM:
        return 0, f"{reason}; cut to nothing, {fall * 100 // share_e8} % of its share below its peak"
    if share_e8 > 0 and fall * PPM > share_e8 * CUT_TO_HALF_PPM:
        return part // 2, f"{reason}; cut to half, {fall * 100 // share_e8} % of its share below its peak"
    return part, reason


def drawdown_e8(trips_e8: Sequence[int]) -> int:
    """How far the sum of round trips stands below its peak now."""
    total = peak = 0
    for one in trips_e8:
        total += one
        peak = max(peak, total)
    return peak - total


def _proof(trips_e8: Sequence[int]) -> tuple[int, str]:
    n = len(trips_e8)
    if n < TRIPS_MIN:
        return PPM // 2, f"half a share: {n} round trips are no evidence, {TRIPS_MIN} would be"
    total = sum(trips_e8)
    # n * sum(x^2) - (sum x)^2 = n (n - 1) variance; the mean's 95 % bound by whole-number arithmetic
    spread = n * sum(one * one for one in trips_e8) - total * total
    half_width = 196 * math.isqrt(spread // (n - 1)) // 100
    if total > half_width:
        return PPM, f"full share: {n} round trips win on average, with 95 % confidence"
    if -total > half_width:
        return 0, f"no share: {n} round trips lose on average, with 95 % confidence"
    return PPM // 2, f"half a share: {n} round trips show neither winning nor losing"
