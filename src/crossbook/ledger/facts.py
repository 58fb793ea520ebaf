"""What figures count of a ledger, kept up as it grows: postings, fees, orders, round trips and delays.

`Facts.of` counts a ledger from its beginning; one that follows it takes only what is new, and gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.events import EventKind
from crossbook.ledger.audit import Audit
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.postings import FEE, Posting
from crossbook.ledger.ranks import Ranks
from crossbook.timestamp import day_of


class Facts:
    """Counts of one ledger, and the second route to its money beside them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.audit = Audit(ledger)
        self.postings = self.transfers = self.transfers_counted = 0
        self.by_kind: dict[int, int] = {}
        self.by_venue: dict[int, int] = {}
        self.by_day: dict[int, int] = {}
        """Postings of the window per UTC day."""
        self.forced: dict[int, int] = {}
        """Forced closes per strategy."""
        self.paid = self.paid_n = self.rebate = self.rebate_n = 0
        """Fees of the window that were a cost, and those that we received, at 1e-18."""
        self.trips: dict[int, list[int]] = {}
        """Per strategy its closed round trips: won, lost, even."""
        self.orders: dict[int, list[int]] = {}
        """Per strategy its orders again: all, with a fill, failed."""
        self.waits = (Ranks(), Ranks())
        """From decision to match, and from match to our knowing it, of stamps that run forwards."""
        self.suspect = 0
        self._trips_at: dict[tuple[int, int], int] = {}
        self._waits_at = 0
        self._counted: dict[int, int] = {}
        """Per order what was counted of it: 1 the order, 2 a fill, 4 a failure."""

    @staticmethod
    def of(ledger: Ledger) -> Facts:
        """Everything in it, counted now."""
        facts = Facts(ledger)
        facts.advance(ledger.counts.orders)
        return facts

    @staticmethod
    def following(ledger: Ledger) -> Facts:
        """Counts that `advance` with the ledger."""
        facts = Facts(ledger)
        ledger.counts.touched = dict(ledger.counts.orders)
        return facts

    def advance(self, orders: Iterable[int] | None = None) -> None:
        """Take what is new. `orders`: those to look at; without it those that were touched since the last time."""
        ledger = self.ledger
        for posting in ledger.postings[self.audit.taken :]:
            self._posting(posting)
        self.audit.advance()
        for book, nets in ledger.trips.closed.items():
            ended = self.trips.setdefault(book[0], [0, 0, 0])
            for net in nets[self._trips_at.get(book, 0) :]:
                ended[0 if net > 0 else 1 if net < 0 else 2] += 1
            self._trips_at[book] = len(nets)
        self._delays()
        touched = ledger.counts.touched
        for number in orders if orders is not None else touched or ():
            self._order(number)
        if touched is not None:
            touched.clear()

    def _posting(self, posting: Posting) -> None:
        self.postings += 1
        kind, venue = posting.key[0], posting.key[1]
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
        self.by_venue[venue] = self.by_venue.get(venue, 0) + 1
        if kind == EventKind.TRANSFER:
            self.transfers += 1
            self.transfers_counted += posting.counted
        elif kind == EventKind.FORCED_CLOSE:
            self.forced[posting.strategy] = self.forced.get(posting.strategy, 0) + 1
        if not posting.counted:
            return
        day = day_of(posting.ts)
        self.by_day[day] = self.by_day.get(day, 0) + 1
        for leg in posting.legs:
            if leg.account == FEE:
                amount = -leg.amount * posting.prices[leg.asset]
                if amount < 0:
                    self.paid -= amount
                    self.paid_n += 1
                elif amount > 0:
                    self.rebate += amount
                    self.rebate_n += 1

    def _delays(self) -> None:
        counts = self.ledger.counts
        pairs = zip(counts.decision_to_match[self._waits_at :], counts.match_to_known[self._waits_at :], strict=True)
        for waits in pairs:
            for ranks, wait in zip(self.waits, waits, strict=True):
                if wait < 0:
                    self.suspect += 1
                else:
                    ranks.add(wait)
        self._waits_at = len(counts.decision_to_match)

    def _order(self, number: int) -> None:
        """Count an order once, and once more each for its first fill and its first failure."""
        order = self.ledger.counts.orders[number]
        told = self.orders.setdefault(order.strategy, [0, 0, 0])
        before = self._counted.get(number, 0)
        now = 1 | (2 if order.filled > 0 else 0) | (4 if order.failed else 0)
        for place in range(3):
            told[place] += (now & ~before) >> place & 1
        self._counted[number] = now | before
