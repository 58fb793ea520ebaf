"""What an order would have cost on our own book, at every moment while it is in flight.

P&L by cause needs the cost of exactly the lots that filled, when they were decided and when they arrived. So while an
order is out its slot keeps the far side of our book as cumulative (lots, ticks x lots), each time that changes.
"""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK_SYNCED, FLIGHT_LEVELS, FLIGHT_RING, MAX_ORDERS
from crossbook.rules.orders import is_live

RING = FLIGHT_RING - 1


@kernel
def _capture(s: Any, slot: int, at: int) -> None:
    """Write the far side of the book, up to the order's lots, into entry `at`."""
    order = s.orders[slot]
    flight = s.flights[slot]
    side = 1 - order.side
    book = s.books[order.instrument]
    quote = s.quotes[order.instrument]
    flight.at[at] = s.now
    lots = 0
    cost = 0
    n = 0
    if book.status == BOOK_SYNCED:
        k = book.n[side] - 1
        while k >= 0 and n < FLIGHT_LEVELS and lots < order.lots:
            price = book.key[side, k] if side == 0 else -book.key[side, k]
            lots += book.lots[side, k]
            cost += book.lots[side, k] * price
            flight.lots[at, n] = lots
            flight.cost[at, n] = cost
            n += 1
            k -= 1
    if n == 0 and (quote.bid_lots if side == 0 else quote.ask_lots) > 0:
        lots = quote.bid_lots if side == 0 else quote.ask_lots
        flight.lots[at, 0] = lots
        flight.cost[at, 0] = lots * (quote.bid if side == 0 else quote.ask)
        n = 1
    flight.levels[at] = n


@kernel
def _same(flight: Any, x: int, y: int) -> bool:
    if flight.levels[x] != flight.levels[y]:
        return False
    for k in range(flight.levels[x]):
        if flight.lots[x, k] != flight.lots[y, k] or flight.cost[x, k] != flight.cost[y, k]:
            return False
    return True


@kernel
def start_flight(s: Any, slot: int) -> int:
    """Keep the book the order was decided on. Returns the ticks x lots of all its lots there."""
    flight = s.flights[slot]
    flight.head = 0
    flight.size = 0
    _capture(s, slot, 0)
    return cost_of(flight, 0, s.orders[slot].lots)


@kernel
def track_flights(s: Any, instrument: int) -> None:
    """After a change of this instrument's book: remember it for the orders in flight there, if it differs."""
    for slot in range(MAX_ORDERS):
        order = s.orders[slot]
        if order.instrument != instrument or not is_live(order.status):
            continue
        flight = s.flights[slot]
        last = 0 if flight.size == 0 else 1 + (flight.head + flight.size - 1) % RING
        at = 1 + (flight.head + flight.size) % RING
        _capture(s, slot, at)
        if _same(flight, last, at):
            continue
        flight.size += 1
        if flight.size == RING:  # keep one place free, so that looking at the next book overwrites none that is kept
            flight.head += 1
            flight.size -= 1


@kernel
def cost_of(flight: Any, at: int, lots: int) -> int:
    """Ticks x lots of the first `lots` on entry `at`; beyond what it kept, at its last price. 0 if it is empty."""
    n = flight.levels[at]
    before_lots = 0
    before_cost = 0
    for k in range(n):
        here = flight.lots[at, k]
        if lots <= here or k == n - 1:
            price = (flight.cost[at, k] - before_cost) // (here - before_lots)
            return before_cost + (lots - before_lots) * price
        before_lots = here
        before_cost = flight.cost[at, k]
    return 0


@kernel
def entry_at(flight: Any, at_ns: int) -> int:
    """The entry in force at `at_ns`: the last one not younger. The oldest kept, where the ring has moved on."""
    best = 0
    for k in range(flight.size):
        at = 1 + (flight.head + k) % RING
        if flight.at[at] > at_ns:
            break
        best = at
    if best == 0 and flight.head > 0:
        best = 1 + flight.head % RING
    return best


@kernel
def slice_cost(flight: Any, at: int, from_lots: int, lots: int) -> int:
    """Ticks x lots of `lots` more after the first `from_lots`, on entry `at`."""
    return cost_of(flight, at, from_lots + lots) - cost_of(flight, at, from_lots)
