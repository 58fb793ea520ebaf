"""Round trips: a strategy's pair from flat on both legs to flat on both legs, net of fees and funding."""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.ledger.positions import closing_lots, share_half_even

Book = tuple[int, int]
"""Strategy and pair."""


class Trip:
    """One round trip that is under way: lots per instrument, and its money so far at the marks of its times (1e-18)."""

    def __init__(self) -> None:
        self.lots: dict[int, int] = {}
        self.net = 0
        self.fills = 0

    @property
    def is_flat(self) -> bool:
        return not any(self.lots.values())


class Trips:
    """Every round trip of a run: the open ones, and counts of the closed ones per strategy and pair."""

    def __init__(self) -> None:
        self.open: dict[Book, Trip] = {}
        self.opened: dict[Book, int] = {}
        self.closed: dict[Book, list[int]] = {}
        """The net of each closed trip, in the order of closing."""

    def fill(self, book: Book, instrument: int, signed_lots: int, value: int, fee_value: int) -> None:
        """Take a fill worth `value` (signed cash) and `fee_value` (signed). One that takes the pair through flat ends
        a trip and begins the next; money is split by lots, rounded half-even, the rest to the new trip."""
        trip = self.open.get(book)
        if trip is not None:
            held = trip.lots.get(instrument, 0)
            closing = closing_lots(held, signed_lots)
            alone = not any(lots for other, lots in trip.lots.items() if other != instrument)
            if alone and closing == abs(held) > 0 and closing < abs(signed_lots):
                first = closing if signed_lots > 0 else -closing
                part = share_half_even(value, closing, abs(signed_lots))
                fee = share_half_even(fee_value, closing, abs(signed_lots))
                self._take(book, instrument, first, part + fee)
                self._take(book, instrument, signed_lots - first, value - part + fee_value - fee)
                return
        self._take(book, instrument, signed_lots, value + fee_value)

    def funding(self, strategy: int, instrument: int, value: int) -> None:
        """Give a strategy's funding to its open trips in that instrument, by lots, half-even, the rest to the last."""
        trips = [trip for (owner, _), trip in self.open.items() if owner == strategy and trip.lots.get(instrument, 0)]
        whole = sum(trip.lots[instrument] for trip in trips)
        left = value
        for trip in trips[:-1]:
            part = share_half_even(value * (1 if whole > 0 else -1), trip.lots[instrument], abs(whole)) if whole else 0
            trip.net += part
            left -= part
        if trips:
            trips[-1].net += left

    def find(self, strategy: int, instrument: int, pairs: Iterable[int]) -> int:
        """The pair that a fill without an order of ours belongs to: an open one first. -1 if there is none."""
        pairs = list(pairs)
        for pair in pairs:
            trip = self.open.get((strategy, pair))
            if trip is not None and trip.lots.get(instrument, 0):
                return pair
        return pairs[0] if pairs else -1

    def _take(self, book: Book, instrument: int, signed_lots: int, value: int) -> None:
        trip = self.open.get(book)
        if trip is None:
            trip = self.open[book] = Trip()
            self.opened[book] = self.opened.get(book, 0) + 1
        trip.lots[instrument] = trip.lots.get(instrument, 0) + signed_lots
        trip.net += value
        trip.fills += 1
        if trip.is_flat:
            self.closed.setdefault(book, []).append(trip.net)
            del self.open[book]
