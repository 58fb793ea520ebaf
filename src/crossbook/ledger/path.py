"""The path of net asset value: running peak, drawdown and days, flows neutralised. Integers at 1e-18."""

from __future__ import annotations

from crossbook.timestamp import day_of


class Path:
    """A sample is taken at the end of every moment in which a mark or a posting changed something."""

    def __init__(self, ts: int, nav: int) -> None:
        self.samples = 1
        self.first_ts = self.last_ts = ts
        self.peak = nav
        """The running peak, scaled at each flow by what the flow did to the value."""
        self.fall = (0, 1)
        """The deepest fall as (amount below the peak, that peak)."""
        self.peak_pnl = 0
        self.fall_pnl = 0
        """The deepest fall of the P&L path, an amount."""
        self.days: dict[int, tuple[int, int]] = {day_of(ts): (nav, 0)}
        """Per UTC day: the last net asset value, and the P&L since the start then."""

    def sample(self, ts: int, nav: int, pnl: int) -> None:
        """State the value at the end of moment `ts`, and the P&L of the window until then."""
        self.samples += 1
        self.last_ts = ts
        self.peak = max(self.peak, nav)
        below = self.peak - nav
        if self.peak > 0 and below * self.fall[1] > self.fall[0] * self.peak:
            self.fall = (below, self.peak)
        self.peak_pnl = max(self.peak_pnl, pnl)
        self.fall_pnl = max(self.fall_pnl, self.peak_pnl - pnl)
        self.days[day_of(ts)] = (nav, pnl)

    def flow(self, before: int, after: int) -> None:
        """Money moved in or out: the peak moves in proportion, so that a flow is neither a rise nor a fall."""
        if before > 0 and after > 0:
            self.peak = self.peak * after // before
        else:
            self.peak = after

    def pnl_by_day(self) -> dict[int, int]:
        """P&L of each UTC day that has a sample; they sum to the P&L of the window."""
        result, last = {}, 0
        for day, (_, pnl) in sorted(self.days.items()):
            result[day] = pnl - last
            last = pnl
        return result

    def full_days(self) -> list[tuple[int, int]]:
        """(P&L, net asset value at its start) of each whole UTC day of the window; a day without a sample made 0."""
        result = []
        days = sorted(self.days)
        nav, pnl = self.days[days[0]]
        for day in range(days[0] + 1, days[-1]):
            nav_after, pnl_after = self.days.get(day, (nav, pnl))
            result.append((pnl_after - pnl, nav))
            nav, pnl = nav_after, pnl_after
        return result
