"""What the desk was worth at each of its looks, from the journal alone: the evidence of a loss (C37, C38).

The desk looks once a second, with the marks it states then; this fold goes the same way by balances and lots of its
own, so that it gives the number that a transition states, to the digit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from crossbook.commands import Reason
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EventRow, OutRow
from crossbook.ledger.postings import fill_cash_e8
from crossbook.money import E8, divide_half_even
from crossbook.timestamp import NS_PER_DAY, NS_PER_S

EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday: day + 3 counts weeks from Monday."""
MARK_AGE_S = 60
"""Where a journal's configuration does not say when a mark is too old to value with."""


class Stand(msgspec.Struct, frozen=True):
    """An entry that a change of level stands on: what it says, and what it adds to the number; None: it is told beside
    it."""

    sequence: int
    ts: int
    what: str
    amount: int | None = None


class Move(msgspec.Struct, frozen=True):
    """What a fill or payment changed: lots of an instrument (-1: none), and cash as (asset, amount at 1e-8)."""

    sequence: int
    ts: int
    what: str
    instrument: int
    lots: int
    cash: tuple[tuple[int, int], ...]


class Start(msgspec.Struct):
    """A worth that losses are counted from. `sure`: the journal shows every mark that it is made of."""

    stand: Stand
    sure: bool
    flows: list[Stand] = []

    @property
    def worth(self) -> int:
        """With the flows since."""
        return (self.stand.amount or 0) + sum(flow.amount or 0 for flow in self.flows)


class Worth:
    """Balances, lots and marks of a run, and the starts of its day, its week and its peak. All at 1e-8."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.terms = declaration.terms()
        limits: dict[str, Any] = msgspec.json.decode(declaration.config.encode()).get("limits", {})
        self._age_ns = int(Decimal(str(limits.get("mark_age_s_max", MARK_AGE_S))) * NS_PER_S)
        self.balances: dict[tuple[int, int], int] = {}
        self.lots: dict[int, int] = {}
        """What the strategies hold together, per instrument."""
        self.marks: dict[int, tuple[int, int]] = {}
        """Per instrument the bid and ask last stated."""
        self.starts: dict[Reason, Start] = {}
        self.now: Stand | None = None
        """The last look: entry of its last mark, time, worth."""
        self.sure = True
        self._looked: set[int] = set()
        self._moved: dict[int, int] = {}
        self._moves: list[Move] = []
        self._next = 0
        self._due: tuple[int, int] | None = None
        self._day = self._week = -1

    def step(self, ts: int) -> None:
        """An event comes in: with it the desk may look again."""
        self.settle()
        self._due = None
        self._looked.clear()
        self._begin(ts, 0)

    def mark(self, sequence: int, row: OutRow) -> None:
        """A mark is stated."""
        if self._due is not None and self._due[0] != row.ts:
            self.settle()
            self._due = None
        self._begin(row.ts, sequence)
        if self._due is not None:
            self._due = (row.ts, sequence)
            self._looked.add(row.instrument)
        if self.marks.get(row.instrument) != (row.price, row.lots):
            self.marks[row.instrument] = (row.price, row.lots)
            self._moved[row.instrument] = row.ts

    def fill(self, sequence: int, row: EventRow, what: str) -> None:
        """A fill or a forced close is booked."""
        terms = self.terms[row.instrument]
        sign = 1 - 2 * row.side
        cash = [(terms.quote, fill_cash_e8(terms, row.side, row.price, row.lots)), (row.asset, -row.lots2)]
        if terms.spot:
            cash.append((terms.base, sign * row.lots * terms.lot_e8))
        lots = sign * row.lots if row.strategy >= 0 else 0
        self._move(row.venue, Move(sequence, row.ts, what, row.instrument, lots, tuple(cash)))

    def funding(self, sequence: int, row: EventRow, what: str) -> None:
        """A funding payment is booked."""
        self._move(row.venue, Move(sequence, row.ts, what, row.instrument, 0, ((row.asset, row.lots),)))

    def transfer(self, sequence: int, row: EventRow) -> None:
        """Money comes or goes: the starts move along."""
        self.balances[row.venue, row.asset] = self.balances.get((row.venue, row.asset), 0) + row.lots
        flow = Stand(sequence, row.ts, "money from outside", row.lots * self.price(row.asset) // E8)
        for start in self.starts.values():
            start.flows.append(flow)
            start.sure = start.sure and row.asset == self.declaration.reporting

    def price(self, asset: int) -> int:
        """An asset's price at the last mark; 0 where there is none."""
        if asset == self.declaration.reporting:
            return E8
        mark = self.declaration.asset_marks[asset]
        if mark < 0 or mark not in self.marks:
            return 0
        return sum(self.marks[mark]) * self.terms[mark].tick_e8 // 2

    def settle(self) -> None:
        """Take the look whose marks are all stated; without any it is still to come, or was none."""
        if self._due is None or not self._due[1]:
            return
        (ts, sequence), self._due = self._due, None
        worth = self._worth()
        if worth is None or (not self.starts and not (worth > 0 and self._all_priced())):
            return
        self.sure = self._all_moved(ts)
        self.now = Stand(sequence, ts, "", worth)
        day = ts // NS_PER_DAY
        week = (day + EPOCH_WEEKDAY) // 7
        if day != self._day:
            self._from(Reason.DAILY_LOSS, "net asset value at the day's first look")
        if week != self._week:
            self._from(Reason.WEEKLY_LOSS, "net asset value at the week's first look")
        if Reason.DRAWDOWN not in self.starts or worth > self.starts[Reason.DRAWDOWN].worth:
            self._from(Reason.DRAWDOWN, "net asset value at its peak")
        self._day, self._week = day, week

    def loss(self, reason: Reason) -> tuple[list[Stand], bool]:
        """What the present loss is made of (the amounts sum to it), and whether the journal shows every mark."""
        start, now = self.starts[reason], self.now
        assert now is not None
        told = [start.stand, *start.flows]
        moves = [move for move in self._moves if move.sequence > start.stand.sequence]
        told += [Stand(move.sequence, move.ts, move.what, -self._value(move)) for move in moves]
        rest = start.worth - (now.amount or 0) - sum(one.amount or 0 for one in told)
        told.append(Stand(now.sequence, now.ts, "what was held then, at the marks of now", rest))
        return told, start.sure and self.sure

    def _begin(self, ts: int, sequence: int) -> None:
        if ts >= self._next:
            self._next = (ts // NS_PER_S + 1) * NS_PER_S
            self._due = (ts, sequence)
            self._looked.clear()

    def _move(self, venue: int, move: Move) -> None:
        for asset, amount in move.cash:
            self.balances[venue, asset] = self.balances.get((venue, asset), 0) + amount
        self.lots[move.instrument] = self.lots.get(move.instrument, 0) + move.lots
        self._moves.append(move)

    def _from(self, reason: Reason, what: str) -> None:
        assert self.now is not None
        self.starts[reason] = Start(Stand(self.now.sequence, self.now.ts, what, self.now.amount), self.sure, [])

    def _worth(self) -> int | None:
        """Cash at its marks and open contracts at the middle; None while a mark is missing."""
        total = 0
        for (_, asset), amount in self.balances.items():
            if amount:
                price = self._looked_price(asset)
                if price == 0:
                    return None
                total += amount * price // E8
        for instrument, lots in self.lots.items():
            terms = self.terms[instrument]
            if lots and not terms.spot:
                price = self._looked_price(terms.settle)
                if instrument not in self._looked or price == 0:
                    return None
                total += self._open(instrument, lots) * price // E8
        return total

    def _open(self, instrument: int, lots: int) -> int:
        """An open contract at the middle, in its settle asset."""
        terms, both = self.terms[instrument], sum(self.marks[instrument])
        if terms.inverse:
            return -divide_half_even(2 * lots * terms.factor, both)
        return divide_half_even(both * lots * terms.factor, 2)

    def _value(self, move: Move) -> int:
        """What a move is worth at the marks of now."""
        total = sum(amount * self.price(asset) // E8 for asset, amount in move.cash)
        if move.lots and not self.terms[move.instrument].spot:
            total += self._open(move.instrument, move.lots) * self.price(self.terms[move.instrument].settle) // E8
        return total

    def _looked_price(self, asset: int) -> int:
        mark = self.declaration.asset_marks[asset]
        return self.price(asset) if asset == self.declaration.reporting or mark in self._looked else 0

    def _all_priced(self) -> bool:
        marks = self.declaration.asset_marks
        return all(self._looked_price(asset) > 0 for asset, mark in enumerate(marks) if mark >= 0)

    def _all_moved(self, ts: int) -> bool:
        """A mark that has not moved for as long as a mark may be old: whether it was too old is not in the journal."""
        marks = self.declaration.asset_marks
        held = {asset for (_, asset), amount in self.balances.items() if amount and marks[asset] >= 0}
        return all(ts - self._moved.get(marks[asset], 0) <= self._age_ns for asset in sorted(held))


class Brought:
    """What each round trip of a strategy brought, as the desk counts it (C39): cash less fees at the marks of then,
    from no position to no position worth trading."""

    def __init__(self, worth: Worth) -> None:
        self._worth = worth
        self._pairs = worth.declaration.pairs
        self._under_way: dict[tuple[int, int], list[Stand]] = {}
        self._lots: dict[tuple[int, int], int] = {}
        self.trips: dict[int, list[Stand]] = {}
        """Per strategy, oldest first."""
        self.sure = True

    def fill(self, sequence: int, row: EventRow, pair: int) -> None:
        """One of our orders for a pair traded."""
        worth = self._worth
        terms = worth.terms[row.instrument]
        key = (row.strategy, row.instrument)
        self._lots[key] = self._lots.get(key, 0) + (1 - 2 * row.side) * row.lots
        money = fill_cash_e8(terms, row.side, row.price, row.lots) * worth.price(terms.settle) // E8
        money -= row.lots2 * worth.price(row.asset) // E8
        self.sure = self.sure and {terms.settle, row.asset} == {worth.declaration.reporting}
        self._under_way.setdefault((row.strategy, pair), []).append(Stand(sequence, row.ts, "", money))

    def end(self, strategy: int, pair: int) -> None:
        """No order of the pair is out: where neither leg holds what could be traded, a round trip is over."""
        for leg in (self._pairs[pair].a, self._pairs[pair].b):
            if abs(self._lots.get((strategy, leg), 0)) >= max(1, self._worth.declaration.instruments[leg].min_lots):
                return
        fills = self._under_way.pop((strategy, pair), [])
        net = sum(fill.amount or 0 for fill in fills)
        if net:
            what = f"round trip in {self._pairs[pair].name}, {len(fills)} fills from entry {fills[0].sequence:,}"
            last = fills[-1]
            self.trips.setdefault(strategy, []).append(Stand(last.sequence, last.ts, what, net))
