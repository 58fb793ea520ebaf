"""One strategy in one instrument: its position, what it gained of each asset, and its P&L by cause. Values at 1e-18."""

from __future__ import annotations

from crossbook.ledger.declaration import Terms
from crossbook.ledger.marks import Marks, open_value
from crossbook.money import divide_half_even


class Cell:
    """Running totals. `gain` is, per asset, minus the sum of the cell's contra accounts."""

    def __init__(self, terms: Terms, assets: int) -> None:
        self.terms = terms
        self.lots = 0
        self.cost = 0
        self.gain = [0] * assets
        self.start_value = 0
        self.fills = 0
        self.fundings = 0
        self.realised = 0
        self.fees = 0
        self.funding = 0
        self.edge = 0
        self.latency = 0
        self.slippage = 0
        self.rounding = 0

    def value(self, marks: Marks) -> int:
        """What this cell made since the run began, at the present marks."""
        total = sum(amount * price for amount, price in zip(self.gain, marks.prices, strict=True) if amount)
        return total + self.open(marks)

    def open(self, marks: Marks) -> int:
        """Unrealised P&L of an open contract; a spot position is worth the coin in `gain`."""
        if self.terms.spot:
            return 0
        bid_plus_ask = marks.sums[self.terms.index]
        return open_value(self.terms, self.lots, self.cost, bid_plus_ask, marks.prices[self.terms.quote])

    def begin(self, marks: Marks) -> None:
        """The window starts: P&L counts from here."""
        self.start_value = self.value(marks)
        self.realised = self.fees = self.funding = 0
        self.edge = self.latency = self.slippage = self.rounding = 0

    def pnl(self, marks: Marks) -> int:
        """P&L of the window."""
        return self.value(marks) - self.start_value

    def mark(self, marks: Marks) -> int:
        """The cause that is left when all that happened at its time is told: open legs, and revaluation of amounts in
        other assets."""
        told = self.edge + self.latency + self.slippage + self.fees + self.funding + self.rounding
        return self.pnl(marks) - told

    def unrealised(self, marks: Marks) -> int:
        """P&L of the window that nothing has realised yet, revaluation of realised amounts in other assets included."""
        return self.pnl(marks) - self.realised - self.fees - self.funding


def traded_value(terms: Terms, sign: int, ticks_lots: int, lots: int, price: int) -> int:
    """The signed cash of `lots` for which `ticks_lots` (ticks x lots) was or would have been paid, at 1e-18.

    Exact for spot and linear. Inverse: lots * factor * lots / ticks_lots of coin, rounded half-even to 1e-18 of the
    reporting asset. `ticks_lots` > 0.
    """
    if terms.inverse:
        return sign * divide_half_even(lots * lots * terms.factor * price, ticks_lots)
    return -sign * ticks_lots * terms.factor * price
