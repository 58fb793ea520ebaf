"""The second route to what lies on the path of net asset value: drawdown, days, Sharpe, exposure.

Straight from the journal's entries, with books of its own that know no average cost, no realised part and no strategy's
share: one balance per asset, moved by signed notionals, and lots. The deepest fall is that of the value of a unit, so
that money from outside needs no peak that moves along.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from decimal import Context, Decimal
from fractions import Fraction

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, EventRow, decode_event, decode_out, kind_of
from crossbook.ledger.figure import Number, ratio, value_decimal
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.marks import Marks
from crossbook.ledger.metrics import DAYS_PER_YEAR, SHARPE_DAYS_MIN
from crossbook.ledger.postings import fill_cash_e8, packed_key
from crossbook.money import divide_half_even
from crossbook.timestamp import day_label, day_of

Z95 = Decimal("1.959963984540054")
_DIGITS = Context(prec=50)
FILLS = (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE)


class SecondPath:
    """Folds the entries once more. `ledger`: the finished one, asked only where its window begins."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._terms = ledger.terms
        self._marks = Marks(ledger.declaration, ledger.terms)
        self._owners = len(ledger.declaration.strategies)
        self._balance = [0] * len(ledger.declaration.assets)
        self._lots: dict[tuple[int, int], int] = {}
        """Per owner (-1: nobody) and instrument."""
        self._seen: set[int] = set()
        self._unpriced: list[tuple[int, int]] = []
        self._begun = False
        self._start = 0
        self._flows = 0
        self._unit = Fraction(1)
        """What a unit of the start is of the present value's owner: changed by money from outside only."""
        self._ts = 0
        self._changed = False
        self._top: Fraction | None = None
        """The highest value of a unit so far."""
        self._deep = Fraction(0)
        self._pnl = self._top_pnl = self._fall = 0
        self._days: dict[int, tuple[int, int]] = {}

    @staticmethod
    def of(payloads: Iterable[bytes], ledger: Ledger) -> SecondPath:
        """Fold all entries of a journal, the declaration first."""
        path = SecondPath(ledger)
        for payload in payloads:
            path.take(payload)
        return path.settled()

    def settled(self) -> SecondPath:
        """The path with the present moment taken in; this one goes on as it was."""
        path = copy(self)
        path._days = dict(self._days)
        path._end_of_moment()
        return path

    def values(self) -> dict[str, Number | None]:
        """The figures by name."""
        if not self._begun:
            return {}
        declaration, deepest = self._ledger.declaration, self._deep
        found: dict[str, Number | None] = {
            "nav": value_decimal(self._nav()),
            "nav.start": value_decimal(self._start),
            "nav.flows": value_decimal(self._flows),
            "pnl.total": value_decimal(self._pnl),
            "drawdown.max": ratio(deepest.numerator, deepest.denominator),
            "drawdown.max_amount": value_decimal(self._fall),
        }
        last = 0
        for day, (_, pnl) in sorted(self._days.items()):
            found[f"pnl.day.{day_label(day)}"] = value_decimal(pnl - last)
            last = pnl
        sizes = [(self._terms[i].venue, self._held(i, lots)) for (owner, i), lots in self._lots.items() if owner >= 0]
        found["exposure.gross"] = value_decimal(sum(abs(size) for _, size in sizes))
        found["exposure.net"] = value_decimal(sum(size for _, size in sizes))
        for number, venue in enumerate(declaration.venues):
            found[f"exposure.venue.{venue.label}"] = value_decimal(sum(abs(size) for at, size in sizes if at == number))
        for name, value in zip(("sharpe", "sharpe.low", "sharpe.high"), self._sharpe(), strict=True):
            found[name] = value
        return found

    def take(self, payload: bytes) -> None:
        """Fold one more entry; the ledger has it already."""
        kind = kind_of(payload)
        if payload[0] == EVENT_TAG:
            row = decode_event(payload)
            self._at(row.ts)
            if kind in FILLS or kind in (EventKind.FUNDING_PAID, EventKind.TRANSFER):
                key = packed_key(row)
                if key not in self._seen:
                    self._seen.add(key)
                    self._book(kind, row)
                    self._changed = True
        elif payload[0] == OUT_TAG:
            out = decode_out(payload)
            self._at(out.ts)
            if kind == OutKind.MARKED and out.price > 0 and out.lots > 0:
                self._mark(out.instrument, out.price, out.lots)
                self._begin_if_there()

    def _book(self, kind: int, row: EventRow) -> None:
        if kind == EventKind.TRANSFER:
            self._transfer(row)
        elif kind == EventKind.FUNDING_PAID:
            self._balance[row.asset] += row.lots
        else:
            terms, sign = self._terms[row.instrument], 1 - 2 * row.side
            if self._marks.sums[row.instrument] == 0:
                self._mark(row.instrument, row.price, row.price)
            self._balance[terms.quote] += fill_cash_e8(terms, row.side, row.price, row.lots)
            if terms.spot:
                self._balance[terms.base] += sign * row.lots * terms.lot_e8
            self._balance[row.asset] -= row.lots2
            owner = row.strategy if 0 <= row.strategy < self._owners else -1
            self._lots[owner, row.instrument] = self._lots.get((owner, row.instrument), 0) + sign * row.lots

    def _transfer(self, row: EventRow) -> None:
        price = self._marks.prices[row.asset]
        before = self._nav()
        self._balance[row.asset] += row.lots
        if self._begun:
            if price == 0:
                self._unpriced.append((row.asset, row.lots))
            self._from_outside(before, row.lots * price)

    def _from_outside(self, before: int, value: int) -> None:
        self._flows += value
        if before > 0 and before + value > 0:
            self._unit *= Fraction(before, before + value)
        else:
            self._top, self._unit = Fraction(before + value), Fraction(1)

    def _mark(self, instrument: int, bid: int, ask: int) -> None:
        for asset in self._marks.set(instrument, bid, ask):
            for amount in [amount for of, amount in self._unpriced if of == asset]:
                value = amount * self._marks.prices[asset]
                self._from_outside(self._nav() - value, value)
            self._unpriced = [flow for flow in self._unpriced if flow[0] != asset]
        self._changed = True

    def _begin_if_there(self) -> None:
        ledger = self._ledger
        if self._begun or ledger.path is None or self._ts != ledger.path.first_ts:
            return
        if (tuple(self._marks.prices), tuple(self._marks.sums)) == (ledger.start_prices, ledger.start_sums):
            self._begun = True
            self._start = self._nav()
            self._sample(self._start)

    def _at(self, ts: int) -> None:
        if ts > self._ts:
            self._end_of_moment()
            self._ts = ts

    def _end_of_moment(self) -> None:
        if self._begun and self._changed:
            self._sample(self._nav())
        self._changed = False

    def _sample(self, nav: int) -> None:
        unit = nav * self._unit
        if self._top is None or unit > self._top:
            self._top = unit
        elif self._top > 0:
            self._deep = max(self._deep, 1 - unit / self._top)
        self._pnl = nav - self._start - self._flows
        self._top_pnl = self._pnl if len(self._days) == 0 else max(self._top_pnl, self._pnl)
        self._fall = max(self._fall, self._top_pnl - self._pnl)
        self._days[day_of(self._ts)] = (nav, self._pnl)

    def _nav(self) -> int:
        total = sum(amount * price for amount, price in zip(self._balance, self._marks.prices, strict=True))
        for (_, instrument), lots in self._lots.items():
            terms = self._terms[instrument]
            if not terms.spot:  # a long inverse contract owes its coin
                total += -self._held(instrument, lots) if terms.inverse else self._held(instrument, lots)
        return total

    def _held(self, instrument: int, lots: int) -> int:
        """Signed lots at the middle; of an inverse contract their coin."""
        terms, both = self._terms[instrument], self._marks.sums[instrument]
        price = self._marks.prices[terms.quote]
        if terms.inverse:
            return divide_half_even(2 * lots * terms.factor, both) * price if both else 0
        return lots * both * terms.factor * price // 2

    def _sharpe(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """By the sums of returns and of their squares, exact until the roots."""
        days = sorted(self._days)
        returns: list[Fraction] = []
        nav, pnl = self._days[days[0]]
        for day in range(days[0] + 1, days[-1]):
            nav_after, pnl_after = self._days.get(day, (nav, pnl))
            if nav <= 0:
                return None, None, None
            returns.append(Fraction(pnl_after - pnl, nav))
            nav, pnl = nav_after, pnl_after
        n, whole, squares = len(returns), sum(returns), sum(one * one for one in returns)
        spread = n * squares - whole * whole
        if n < SHARPE_DAYS_MIN or spread == 0:
            return None, None, None
        daily = _DIGITS.divide(_decimal(whole), _DIGITS.sqrt(_decimal(Fraction(spread) * n / (n - 1))))
        half = Z95 * _DIGITS.sqrt((1 + daily * daily / 2) / n)
        year = _DIGITS.sqrt(Decimal(DAYS_PER_YEAR))
        return daily * year, (daily - half) * year, (daily + half) * year


def _decimal(value: Fraction | int) -> Decimal:
    exact = Fraction(value)
    return _DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
