"""The second route: the same money from the raw postings, never from a stored total. Values at 1e-18.

`metrics` takes each figure by its first route and states the difference to this one as the residual.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossbook.events import EventKind
from crossbook.ledger.cells import traded_value
from crossbook.ledger.ledger import FillId, Ledger
from crossbook.ledger.marks import open_value
from crossbook.ledger.postings import CASH, FEE, FLOW, FUNDING, POSITION_COST, REALISED, UNATTRIBUTED, Posting

CAUSES = ("edge", "latency", "slippage", "fees", "funding", "rounding", "mark")
FILLS = (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE)


class Line:
    """What the raw postings say of one strategy in one instrument."""

    def __init__(self, assets: int) -> None:
        self.gain = [0] * assets
        self.lots = 0
        self.cost = 0
        self.before = 0
        """Value at the start of the window."""
        self.told = dict.fromkeys(CAUSES[:-1], 0)
        """Values of causes that were known at their time."""
        self.realised = 0
        self.pnl = 0

    @property
    def mark(self) -> int:
        return self.pnl - sum(self.told.values())


Uncosted = tuple[Line, int, int, int, int]
"""A fill's line, sign, lots, price of its quote asset, and what was paid."""


class Audit:
    """One pass over a ledger's postings with the marks of the start and of now; `advance` goes on with it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.assets = len(ledger.declaration.assets)
        self.lines: dict[tuple[int, int], Line] = {}
        self.cash: dict[tuple[int, int], int] = {}
        """Per (venue, asset), at 1e-8."""
        self.flows_at_time = 0
        self.venue_flows = [0] * len(ledger.declaration.venues)
        self.flow_amounts = [0] * self.assets
        self.unbalanced = 0
        """Postings whose legs do not sum to zero in every asset."""
        self.fills = 0
        self.start_nav = 0
        self.start_venues: list[int] = []
        self.start_flow_worth = 0
        self.taken = 0
        """Postings of the ledger's list that were taken."""
        self._begun = False
        self._costs_taken = 0
        self._uncosted: dict[FillId, Uncosted] = {}

    def advance(self) -> None:
        """Take the postings and costs that are new, and value every line at the marks of now."""
        ledger = self.ledger
        for posting in ledger.postings[self.taken :]:
            if posting.counted:
                self._begin_once()
            self._take(posting)
        self.taken = len(ledger.postings)
        if ledger.path is not None:
            self._begin_once()
        for fill_id in ledger.costed[self._costs_taken :]:
            self._cost(fill_id)
        self._costs_taken = len(ledger.costed)
        for (_, instrument), line in self.lines.items():
            line.pnl = self._value(line, instrument, ledger.marks.prices, ledger.marks.sums) - line.before

    def nav(self) -> int:
        """Net asset value now."""
        return sum(self.venues_now())

    def venues_now(self) -> list[int]:
        """Net asset value per venue now."""
        return self._venues(self.ledger.marks.prices, self.ledger.marks.sums)

    def flows(self) -> int:
        """Flows of the window, valued."""
        return self.flows_at_time

    def inventory(self) -> int:
        """P&L of opening balances and transfers."""
        return self._worth(self.ledger.marks.prices) - self.start_flow_worth - self.flows_at_time

    def forget(self) -> None:
        """What was taken is no longer in the ledger's lists."""
        self.taken = self._costs_taken = 0

    def _begin_once(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._uncosted.clear()  # what was before the window has no causes in it
        prices, sums = self.ledger.start_prices, self.ledger.start_sums
        for (_, instrument), line in self.lines.items():
            line.before = self._value(line, instrument, prices, sums)
            line.told = dict.fromkeys(line.told, 0)
            line.realised = 0
        self.start_venues = self._venues(prices, sums)
        self.start_nav = sum(self.start_venues)
        self.start_flow_worth = self._worth(prices)

    def _take(self, posting: Posting) -> None:
        totals: dict[int, int] = {}
        for leg in posting.legs:
            totals[leg.asset] = totals.get(leg.asset, 0) + leg.amount
            price = posting.prices[leg.asset]
            if leg.account == CASH:
                self.cash[leg.venue, leg.asset] = self.cash.get((leg.venue, leg.asset), 0) + leg.amount
                continue
            if leg.account == FLOW:
                self._flow(posting, leg.venue, leg.asset, -leg.amount)
                continue
            line = self.lines.setdefault((leg.strategy, posting.instrument), Line(self.assets))
            line.gain[leg.asset] -= leg.amount
            if leg.account == POSITION_COST:
                line.cost += leg.amount
            elif leg.account == FEE:
                line.told["fees"] -= leg.amount * price
            elif leg.account in (FUNDING, UNATTRIBUTED):
                line.told["funding"] -= leg.amount * price
            elif leg.account == REALISED:
                line.realised -= leg.amount * price
        self.unbalanced += any(totals.values())
        if posting.key[0] in FILLS:
            self._fill(posting)

    def _fill(self, posting: Posting) -> None:
        self.fills += posting.key[0] == EventKind.ORDER_FILLED
        _, venue, instrument, trade, order = posting.key
        terms = self.ledger.terms[instrument]
        line = self.lines[posting.strategy, instrument]
        line.lots += posting.lots
        sign, lots = (1 if posting.lots > 0 else -1), abs(posting.lots)
        price = posting.prices[terms.quote]
        paid = traded_value(terms, sign, posting.price * lots, lots, price)
        line.told["edge"] += paid
        self._uncosted[venue, instrument, order, trade] = (line, sign, lots, price, paid)
        if terms.inverse:
            coin = lots * terms.factor
            nearest, rest = divmod(coin, posting.price)
            if 2 * rest > posting.price or (2 * rest == posting.price and nearest % 2):
                nearest += 1
            line.told["rounding"] += sign * nearest * price - paid

    def _cost(self, fill_id: FillId) -> None:
        """Split what a fill paid, once its lots' costs before are known. A cost that is not known is the next."""
        fill = self._uncosted.pop(fill_id, None)
        if fill is None:
            return
        line, sign, lots, price, paid = fill
        terms = self.ledger.terms[fill_id[1]]
        decision, arrival = self.ledger.costs[fill_id]
        arrived = traded_value(terms, sign, arrival, lots, price) if arrival > 0 else paid
        decided = traded_value(terms, sign, decision, lots, price) if decision > 0 else arrived
        line.told["edge"] += decided - paid
        line.told["latency"] += arrived - decided
        line.told["slippage"] += paid - arrived

    def _flow(self, posting: Posting, venue: int, asset: int, amount: int) -> None:
        self.flow_amounts[asset] += amount
        if posting.counted:
            price = posting.prices[asset] or self.ledger.first_prices.get(asset, 0)
            self.flows_at_time += amount * price
            self.venue_flows[venue] += amount * price

    def _value(self, line: Line, instrument: int, prices: Sequence[int], sums: Sequence[int]) -> int:
        terms = self.ledger.terms[instrument]
        total = 0
        for asset, amount in enumerate(line.gain):
            total += amount * prices[asset]
        if terms.spot:
            return total
        return total + open_value(terms, line.lots, line.cost, sums[instrument], prices[terms.quote])

    def _venues(self, prices: Sequence[int], sums: Sequence[int]) -> list[int]:
        worth = [0] * len(self.ledger.declaration.venues)
        for (venue, asset), amount in self.cash.items():
            worth[venue] += amount * prices[asset]
        for (_, instrument), line in self.lines.items():
            terms = self.ledger.terms[instrument]
            if not terms.spot:
                worth[terms.venue] += open_value(terms, line.lots, line.cost, sums[instrument], prices[terms.quote])
        return worth

    def _worth(self, prices: Sequence[int]) -> int:
        return sum(amount * price for amount, price in zip(self.flow_amounts, prices, strict=True))
