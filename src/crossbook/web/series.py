"""Lines over time: few enough points to draw, with every bucket's least and most kept."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from crossbook.ledger.figure import plain, ratio
from crossbook.report import words
from crossbook.report.row_kinds import Point
from crossbook.web.moment import Moment
from crossbook.web.page_body import number
from crossbook.web.path_seen import PathSeen, joined
from crossbook.web.refusals import Missing

POINTS_MAX = 2_000


def series_of(moment: Moment, name: str, points: int = POINTS_MAX) -> dict[str, Any]:
    """A series at a moment: `points` as [ns, exact value, text, entry]. Raises `Missing` for an unknown name."""
    if name not in ("equity", "drawdown"):
        raise Missing(f"there is no series {name!r}; there are equity and drawdown")
    kept = drawn(moment.seen, name == "drawdown", max(4, min(points, POINTS_MAX)))
    return {
        "as_of_seq": moment.seq, "series": name, "n": moment.seen.n,
        "unit": moment.known["nav"].unit if name == "equity" else "ratio",
        "points": [_told(name, one) for one in kept],
    }  # fmt: skip


def drawn(seen: PathSeen, by_fall: bool, most: int) -> list[Point]:
    """At most `most` samples, in order: the first, the last, and the least and the most of each stretch."""
    stretches = seen.stretches
    while len(stretches) > 1 and 2 * len(stretches) + 2 > most:
        stretches = [joined(*stretches[k : k + 2]) if k + 1 < len(stretches) else stretches[k]
                     for k in range(0, len(stretches), 2)]  # fmt: skip
    kept = [one for one in (seen.first, seen.last) if one is not None]
    for one in stretches:
        kept += [one.deep, one.high] if by_fall else [one.low, one.high]
    return sorted({(one.ts, one.sequence): one for one in kept}.values(), key=lambda one: (one.ts, one.sequence))


def _told(name: str, one: Point) -> list[Any]:
    if name == "equity":
        return [one.ts, number(one.nav), words.amount(one.nav), one.sequence]
    below = one.peak - one.nav if one.peak > 0 else 0
    share = ratio(-below, one.peak) if one.peak > 0 else 0
    return [one.ts, plain(share), f"-{words.percent(Fraction(below, one.peak), 2)}" if below else "0 %", one.sequence]
