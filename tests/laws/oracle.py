"""The same books a second time, obvious and slow: fractions, no averaging, everything revalued at every step."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from laws.journals import BTC, DECLARATION, DOLLAR, E8, INVERSE, SETTLE, SPOT, USDC, USDT, VENUE

Op = dict[str, Any]
ROWS = (0, 1, -1, "inventory")


def half_even(value: Fraction) -> int:
    return round(value)


class Oracle:
    """Money per row and asset, lots per row and instrument, and how each row's worth moved since the first marks."""

    def __init__(self) -> None:
        self.money = {row: [Fraction(0)] * 4 for row in ROWS}
        self.lots = {(row, i): 0 for row in ROWS for i in range(5)}
        self.mid = [Fraction(0)] * 5
        self.begun = False
        self.start: dict[Any, Fraction] = {}
        self.flows = Fraction(0)
        self.nav_start = Fraction(0)
        self.path: list[tuple[int, Fraction]] = []
        self.fees = Fraction(0)
        self.wins: list[Fraction] = []

    def price(self, asset: int) -> Fraction:
        if asset == USDT:
            return Fraction(1)
        if asset == BTC:
            return self.mid[SPOT] * DECLARATION.instruments[SPOT].tick_e8 / E8
        return self.mid[DOLLAR] * DECLARATION.instruments[DOLLAR].tick_e8 / E8 if asset == USDC else Fraction(0)

    def worth(self, row: Any) -> Fraction:
        total = sum((m * self.price(a) for a, m in enumerate(self.money[row])), Fraction(0))
        for (owner, i), lots in self.lots.items():
            if owner == row and i not in (SPOT, DOLLAR) and lots:
                total += self.close_cash(i, lots) * self.price(SETTLE[i])
        return total

    def close_cash(self, i: int, lots: int) -> Fraction:
        """What ending a contract at the middle would bring."""
        one = DECLARATION.instruments[i]
        if i == INVERSE:
            return Fraction(-half_even(Fraction(lots * one.contract_e8, one.tick_e8) * E8 / self.mid[i]), E8)
        return lots * self.mid[i] * one.tick_e8 * one.lot_e8 / Fraction(E8 * E8)

    def nav(self) -> Fraction:
        return sum((self.worth(row) for row in ROWS), Fraction(0))

    def pnl(self, row: Any) -> Fraction:
        pnl = self.worth(row) - self.start[row]
        return pnl - self.flows if row == "inventory" else pnl

    def take(self, ts: int, op: Op) -> None:
        getattr(self, "_" + op["op"])(op)
        if self.begun:
            self.path.append((ts, self.nav()))

    def _mark(self, op: Op) -> None:
        self.mid[op["instrument"]] = Fraction(op["bid"] + op["ask"], 2)
        if not self.begun and self.mid[SPOT] and self.mid[DOLLAR]:
            self.begun = True
            self.start = {row: self.worth(row) for row in ROWS}
            self.nav_start = self.nav()

    def _transfer(self, op: Op) -> None:
        amount = Fraction(op["amount"], E8)
        self.money["inventory"][op["asset"]] += amount
        if self.begun:
            self.flows += amount * self.price(op["asset"])

    def _order(self, op: Op) -> None:
        i, row, sign = op["instrument"], op["strategy"], 1 - 2 * op["side"]
        one = DECLARATION.instruments[i]
        self.lots[row, i] += sign * op["lots"]
        if i == INVERSE:
            coin = half_even(Fraction(op["lots"] * one.contract_e8 * E8, op["price"] * one.tick_e8))
            self.money[row][BTC] += Fraction(sign * coin, E8)
        else:
            self.money[row][SETTLE[i]] -= sign * Fraction(op["lots"] * op["price"] * one.tick_e8 * one.lot_e8, E8**2)
        if i == SPOT:
            self.money[row][BTC] += Fraction(sign * op["lots"] * one.lot_e8, E8)
        self.money[row][op["fee_asset"]] -= Fraction(op["fee"], E8)
        self.fees += Fraction(op["fee"], E8) * self.price(op["fee_asset"])

    _forced = _order

    def _funding(self, op: Op) -> None:
        i = op["instrument"]
        one = DECLARATION.instruments[i]
        shares = {}
        held = {row: self.lots[row, i] for row in (0, 1, -1) if self.lots[row, i]}
        for row, lots in held.items():
            if op["mark"] and i == INVERSE:
                shares[row] = half_even(Fraction(-lots * one.contract_e8 * op["rate"], op["mark"]))
            elif op["mark"]:
                shares[row] = half_even(Fraction(-lots * one.lot_e8 * op["mark"] * op["rate"], 10**16))
            elif sum(held.values()):
                shares[row] = half_even(Fraction(op["amount"] * lots, sum(held.values())))
        for row, share in shares.items():
            self.money[row][SETTLE[i]] += Fraction(share, E8)
        self.money[-1][SETTLE[i]] += Fraction(op["amount"] - sum(shares.values()), E8)


def told(timed: list[tuple[int, Op]]) -> Oracle:
    oracle = Oracle()
    for ts, op in timed:
        oracle.take(ts, op)
    return oracle


__all__ = ["VENUE", "Oracle", "told"]
