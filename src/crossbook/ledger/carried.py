"""Books carried forward: a ledger that opens with what another one held at a moment, for figures of a part of a run.

Balances, positions at their cost, open round trips and levels are taken over; counters begin at zero. What had been
booked stands in opening postings, one per position and one per balance from outside, so that the second route to every
figure begins there too.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossbook.events import EventKind
from crossbook.ledger.cells import Cell
from crossbook.ledger.entries import EventRow
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.postings import CASH, FLOW, NOBODY, POSITION_COST, TRADING, Key, Leg, Posting
from crossbook.ledger.trips import Trip

_NO_EVENT = EventRow(*[0] * len(EventRow._fields))


def carry_forward(before: Ledger, ts: int) -> Ledger:
    """A ledger as `before` stands at `ts`, whose window begins there (or, where a mark is still missing, with it).

    A position that is open counts as one fact more in the n of its figures. `before` is not changed.
    """
    ledger = Ledger(before.declaration)
    ledger.ts = ts
    ledger.accounts = dict(before.accounts)
    ledger.levels = dict(before.levels)
    ledger.marks.sums = list(before.marks.sums)
    ledger.marks.prices = list(before.marks.prices)
    ledger.first_prices = dict(before.first_prices)
    ledger.flow_amounts = list(before.flow_amounts)
    for (_, asset, account, _), amount in before.accounts.items():
        if account == CASH:
            ledger._cash[asset] += amount
    for key, cell in before.cells.items():
        ledger.cells[key] = _cell(cell)
    for book, trip in before.trips.open.items():
        ledger.trips.open[book] = _trip(trip)
        ledger.trips.opened[book] = 1
    for posting in _openings(ledger):
        ledger.postings.append(posting)
        ledger.booked[posting.key] = _NO_EVENT
    if before.path is not None:
        ledger._begin_if_known()
    return ledger


def _cell(cell: Cell) -> Cell:
    copy = Cell(cell.terms, len(cell.gain))
    copy.lots, copy.cost, copy.gain = cell.lots, cell.cost, list(cell.gain)
    copy.fills = int(cell.lots != 0)
    return copy


def _trip(trip: Trip) -> Trip:
    copy = Trip()
    copy.lots, copy.net, copy.fills = dict(trip.lots), trip.net, trip.fills
    return copy


def _openings(ledger: Ledger) -> Iterator[Posting]:
    """What the accounts hold, as postings: a position as if it had been taken over, the rest as a balance."""
    plain = Posting(
        key=(0, 0, 0, 0, 0), ts=ledger.ts, ts_venue=ledger.ts, instrument=-1, strategy=NOBODY, lots=0, price=0,
        legs=(), prices=tuple(ledger.marks.prices), counted=False,
    )  # fmt: skip
    number = 0
    for (venue, asset, account, _), amount in ledger.accounts.items():
        if account == FLOW and amount:
            number += 1
            legs = (Leg(venue, asset, CASH, NOBODY, -amount), Leg(venue, asset, FLOW, NOBODY, amount))
            yield msgspec.structs.replace(plain, key=_key(EventKind.TRANSFER, venue, -1, number), legs=legs)
    for (strategy, instrument), cell in ledger.cells.items():
        number += 1
        kind = EventKind.FORCED_CLOSE if cell.lots else EventKind.FUNDING_PAID
        yield msgspec.structs.replace(
            plain, key=_key(kind, cell.terms.venue, instrument, number), instrument=instrument, strategy=strategy,
            lots=cell.lots, price=max(1, ledger.marks.sums[instrument] // 2), legs=tuple(_legs(cell, strategy)),
        )  # fmt: skip


def _legs(cell: Cell, strategy: int) -> Iterator[Leg]:
    """Cash for what was gained of each asset; of an open contract its cost, which moved no cash, besides."""
    venue, cost = cell.terms.venue, 0 if cell.terms.spot else cell.cost
    if cost:
        yield Leg(venue, cell.terms.quote, POSITION_COST, strategy, cost)
        yield Leg(venue, cell.terms.quote, TRADING, strategy, -cost)
    for asset, amount in enumerate(cell.gain):
        yield Leg(venue, asset, CASH, NOBODY, amount)
        yield Leg(venue, asset, TRADING, strategy, -amount)


def _key(kind: EventKind, venue: int, instrument: int, number: int) -> Key:
    """An identity that no venue gives."""
    return (int(kind), venue, instrument, -number, 0)
