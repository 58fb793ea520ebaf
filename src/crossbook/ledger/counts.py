"""What was asked, answered, denied and left unhedged: counters that a recount of the journal must reproduce."""

from __future__ import annotations

from array import array

import msgspec

from crossbook.ledger.declaration import Declaration, Terms
from crossbook.ledger.entries import EventRow, OutRow


class Order(msgspec.Struct):
    """One order of ours as the journal tells it."""

    ts: int
    strategy: int
    instrument: int
    pair: int
    price: int
    lots: int
    filled: int = 0
    failed: bool = False
    """Rejected, or unknown at some time."""


class Counts:
    """Folds answers and order events; amounts are lots x limit price x factor, at 1e-8 of the quote asset."""

    def __init__(self, declaration: Declaration, terms: list[Terms]) -> None:
        strategies, assets = len(declaration.strategies), len(declaration.assets)
        self._terms = terms
        self.orders: dict[int, Order] = {}
        self.touched: dict[int, object] | None = None
        """Orders that changed since somebody looked, for whom it is a dict."""
        self.sent = [0] * strategies
        self.with_fill = [0] * strategies
        self.failed = [0] * strategies
        self.fills = [0] * strategies
        self.intents = [0] * strategies
        self.denials: dict[tuple[int, int], int] = {}
        """Per (strategy, reason)."""
        self.submitted = [[0] * assets for _ in range(strategies)]
        self.filled = [[0] * assets for _ in range(strategies)]
        self.decision_to_match = array("q")
        self.match_to_known = array("q")
        self.unhedged: dict[tuple[int, int], tuple[int, int, int]] = {}
        """Per (strategy, pair) unhedged now: quantity at 1e-8, since when it is that, since when it is not 0."""
        self.unhedged_time: dict[int, int] = {}
        """Per pair: quantity at 1e-8 times ns, of stretches that ended."""
        self.unhedged_longest = 0
        self.unhedged_notes = 0

    def submit(self, row: OutRow) -> None:
        """An order was sent."""
        if row.order in self.orders:
            return
        order = Order(row.ts, row.strategy, row.instrument, row.pair, row.price, row.lots)
        self.orders[row.order] = order
        self._touch(row.order)
        if 0 <= order.strategy < len(self.sent):
            self.sent[order.strategy] += 1
            self.submitted[order.strategy][self._terms[order.instrument].quote] += self._notional(order, order.lots)

    def fill(self, row: EventRow, strategy: int) -> None:
        """One of our orders traded; called once for each fill that was booked."""
        if strategy >= 0:
            self.fills[strategy] += 1
        order = self.orders.get(row.id)
        if order is None:
            return
        if 0 <= order.strategy < len(self.sent):
            self.with_fill[order.strategy] += order.filled == 0
            self.filled[order.strategy][self._terms[order.instrument].quote] += self._notional(order, row.lots)
        order.filled += row.lots
        self._touch(row.id)
        self.decision_to_match.append(row.ts_venue - order.ts)
        self.match_to_known.append(row.ts - row.ts_venue)

    def fail(self, row: EventRow) -> None:
        """An order was rejected or became unknown."""
        order = self.orders.get(row.id)
        if order is None or order.failed:
            return
        order.failed = True
        self._touch(row.id)
        if 0 <= order.strategy < len(self.failed):
            self.failed[order.strategy] += 1

    def deny(self, row: OutRow) -> None:
        """The gate said no, `count` times since it last said so."""
        key = (row.strategy, row.reason)
        self.denials[key] = self.denials.get(key, 0) + row.count_

    def intend(self, row: OutRow) -> None:
        """A strategy decided to trade."""
        if 0 <= row.strategy < len(self.intents):
            self.intents[row.strategy] += 1

    def unhedge(self, row: OutRow) -> None:
        """From now on a pair's legs differ by `value`."""
        self.unhedged_notes += 1
        key = (row.strategy, row.pair)
        quantity, since, start = self.unhedged.pop(key, (0, row.ts, row.ts))
        self.unhedged_time[row.pair] = self.unhedged_time.get(row.pair, 0) + abs(quantity) * (row.ts - since)
        if quantity:
            self.unhedged_longest = max(self.unhedged_longest, row.ts - start)
        else:
            start = row.ts
        if row.value:
            self.unhedged[key] = (row.value, row.ts, start)

    def _touch(self, number: int) -> None:
        if self.touched is not None:
            self.touched[number] = None

    def _notional(self, order: Order, lots: int) -> int:
        terms = self._terms[order.instrument]
        if terms.inverse:
            return lots * terms.factor // order.price if order.price else 0  # floors of parts stay below the whole
        return lots * order.price * terms.factor
