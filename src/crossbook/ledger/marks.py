"""What things are worth: middles of instruments, and prices of assets in the reporting asset.

Prices are integers at 1e-10 and always even, values integers at 1e-18, so that a half-tick middle stays exact.
"""

from __future__ import annotations

from crossbook.ledger.declaration import Declaration, Terms
from crossbook.money import divide_half_even

ONE = 10**10
"""The price of the reporting asset."""


class Marks:
    """The latest middle of every instrument (as bid + ask, in ticks) and price of every asset; 0: not known yet."""

    def __init__(self, declaration: Declaration, terms: list[Terms]) -> None:
        self.sums = [0] * len(terms)
        self.prices = [0] * len(declaration.assets)
        self.prices[declaration.reporting] = ONE
        self._terms = terms
        self._priced_by: list[list[tuple[int, bool]]] = [[] for _ in terms]
        for asset, mark in enumerate(declaration.asset_marks):
            if mark >= 0:
                upright = declaration.instruments[mark].base == declaration.assets[asset]
                self._priced_by[mark].append((asset, upright))

    def set(self, instrument: int, bid: int, ask: int) -> list[int]:
        """Take a middle; the assets that had no price until now."""
        self.sums[instrument] = bid + ask
        first = []
        for asset, upright in self._priced_by[instrument]:
            if self.prices[asset] == 0:
                first.append(asset)
            middle = (bid + ask) * self._terms[instrument].tick_e8 * 50
            self.prices[asset] = middle if upright else 2 * divide_half_even(ONE * ONE, 2 * middle)
        return first


def open_value(terms: Terms, lots: int, cost_e8: int, bid_plus_ask: int, price: int) -> int:
    """What closing `lots` (signed) at the middle would add to the cost paid so far, at 1e-18. Exact for linear; the
    coin of an inverse contract is rounded half-even to 1e-8 as a fill's would be."""
    if lots == 0 and cost_e8 == 0:
        return 0
    if terms.inverse:
        coin = divide_half_even(2 * lots * terms.factor, bid_plus_ask) if bid_plus_ask else -cost_e8
        return (-coin - cost_e8) * price
    return (lots * bid_plus_ask * terms.factor - 2 * cost_e8) * price // 2


def notional_value(terms: Terms, lots: int, bid_plus_ask: int, price: int) -> int:
    """The signed notional of `lots` at the middle, at 1e-18 of the reporting asset."""
    if bid_plus_ask == 0:
        return 0
    if terms.inverse:
        return divide_half_even(2 * lots * terms.factor, bid_plus_ask) * price
    return lots * bid_plus_ask * terms.factor * price // 2
