"""The path of net asset value as far as a page shows it: where it turned, its days, and few enough points to draw."""

from __future__ import annotations

from copy import copy

import msgspec

from crossbook.report.row_kinds import Point
from crossbook.timestamp import day_of

STRETCHES = 1_000
"""Drawn are at most twice as many stretches, each by its least and its most."""


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """Some samples that follow each other: the lowest and the highest value, and the deepest below the peak."""

    low: Point
    high: Point
    deep: Point


class PathSeen:
    """Takes every sample, and keeps what does not grow with them (days aside)."""

    def __init__(self) -> None:
        self.n = 0
        self.first: Point | None = None
        self.last: Point | None = None
        self.top: Point | None = None
        """The first sample of the running peak that the deepest fall is below."""
        self.deep: Point | None = None
        self.top_pnl: Point | None = None
        self.deep_pnl: Point | None = None
        self.days: dict[int, tuple[int, int]] = {}
        """Per UTC day how many samples, and the most that one was below the peak."""
        self.stretches: list[Stretch] = []
        self._each = 1
        self._in_last = 0
        self._peak: Point | None = None
        self._peak_pnl: Point | None = None

    def __len__(self) -> int:
        return self.n

    def append(self, point: Point) -> None:
        """Take the next sample."""
        self.n += 1
        self.last = point
        if self.first is None:
            self.first = self.top = self.deep = self.top_pnl = self.deep_pnl = self._peak = self._peak_pnl = point
        assert self._peak is not None and self._peak_pnl is not None and self.deep is not None
        assert self.top_pnl is not None and self.deep_pnl is not None
        if point.peak != self._peak.peak:
            self._peak = point
        if is_deeper(point, self.deep):
            self.top, self.deep = self._peak, point
        if point.pnl > self._peak_pnl.pnl:
            self._peak_pnl = point
        if self._peak_pnl.pnl - point.pnl > self.top_pnl.pnl - self.deep_pnl.pnl:
            self.top_pnl, self.deep_pnl = self._peak_pnl, point
        day = day_of(point.ts)
        samples, most = self.days.get(day, (0, 0))
        self.days[day] = samples + 1, max(most, point.peak - point.nav)
        self._draw(point)

    def now(self, pending: Point | None) -> PathSeen:
        """A copy that stays as it is, with a sample that is still to come."""
        one = copy(self)
        one.days, one.stretches = dict(self.days), list(self.stretches)
        if pending is not None:
            one.append(pending)
        return one

    def turns(self) -> list[tuple[str, Point]]:
        """Start and end, and where the deepest falls began and ended, by value and by P&L."""
        named = (
            ("start", self.first), ("peak", self.top), ("deepest below it", self.deep), ("peak of P&L", self.top_pnl),
            ("deepest below it by P&L", self.deep_pnl), ("end", self.last),
        )  # fmt: skip
        return [(what, point) for what, point in named if point is not None]

    def _draw(self, point: Point) -> None:
        if self._in_last == 0 or self._in_last >= self._each:
            self.stretches.append(Stretch(point, point, point))
            self._in_last = 0
        else:
            self.stretches[-1] = joined(self.stretches[-1], Stretch(point, point, point))
        self._in_last += 1
        if len(self.stretches) > 2 * STRETCHES:
            pairs = zip(self.stretches[0 : 2 * STRETCHES : 2], self.stretches[1 : 2 * STRETCHES : 2], strict=True)
            self.stretches = [joined(one, two) for one, two in pairs] + self.stretches[2 * STRETCHES :]
            self._each *= 2


def is_deeper(one: Point, other: Point) -> bool:
    """Whether a sample is further below its peak, as a part of it."""
    if one.peak <= 0:
        return False
    if other.peak <= 0:
        return one.peak > one.nav
    return (one.peak - one.nav) * other.peak > (other.peak - other.nav) * one.peak


def joined(one: Stretch, two: Stretch) -> Stretch:
    """Two stretches as one; of equal samples the first counts."""
    return Stretch(
        two.low if two.low.nav < one.low.nav else one.low,
        two.high if two.high.nav > one.high.nav else one.high,
        two.deep if is_deeper(two.deep, one.deep) else one.deep,
    )
