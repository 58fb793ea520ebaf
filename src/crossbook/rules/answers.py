"""What a venue's answers about our orders do: fold them, price the fill, check the fee, see to the legs."""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.events import FLAG_MAKER
from crossbook.rules.controls import OFF_REJECTS, count_unknown, rejections_this_minute
from crossbook.rules.flight import entry_at, slice_cost
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.legs import after_answer
from crossbook.rules.orders import ORDER_FILLED, ORDER_REJECTED, UNKNOWN, apply_order_event, book_fill, is_booked
from crossbook.rules.out import FILL_COST, blank, say_alert
from crossbook.rules.track import fee_reason, note_fill
from crossbook.rules.value import notional_e8
from crossbook.rules.worth import note_unattributed
from crossbook.types import Level, Scope

MAKER = FLAG_MAKER
WHY_REJECTED = int(Reason.ORDER_REJECTED)
WHY_LOST = int(Reason.ORDER_LOST)
WHY_FORCED = int(Reason.FORCED_CLOSE)
TOO_MANY_REJECTS = int(Reason.TOO_MANY_REJECTS)
UNKNOWN_ORDERS = int(Reason.UNKNOWN_ORDERS)
DESK = int(Scope.DESK)
VENUE = int(Scope.VENUE)
STRATEGY = int(Scope.STRATEGY)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
KILLED = int(Level.KILLED)
FAULT_ORDER = 1
"""An order was told something that its life does not allow."""


@kernel
def pairs_of(s: Any, out: Any, n: int, strategy: int, instrument: int) -> int:
    """After an answer in an instrument: see to the pairs of the strategy that it is a leg of."""
    for p in range(s.n_pairs):
        pair = s.pairs[p]
        if s.strategies[strategy].pairs >> p & 1 and (pair.a == instrument or pair.b == instrument):
            n = after_answer(s, out, n, strategy, p)
    return n


@kernel
def on_order_event(s: Any, out: Any, n: int, row: Any) -> int:
    """Fold an answer about an order, state what its fill would have cost, see to the legs."""
    slot = apply_order_event(s, row)
    if slot == -2:
        s.fault = FAULT_ORDER
        return n
    if slot == -3:
        return n
    if row.kind == ORDER_FILLED:
        n = on_fill(s, out, n, slot, row)
    if slot < 0:
        if row.strategy >= 0 and row.kind == ORDER_FILLED:
            n = pairs_of(s, out, n, row.strategy, row.instrument)
        return n
    order = s.orders[slot]
    if row.kind == ORDER_REJECTED:
        n = say_alert(s, out, n, order.strategy, WHY_REJECTED, order.id, row.reason)
        n = after_trouble(s, out, n)
    elif order.status == UNKNOWN:
        n = say_alert(s, out, n, order.strategy, WHY_LOST, order.id, 0)
        n = after_trouble(s, out, n)
    if order.pair >= 0:
        return after_answer(s, out, n, order.strategy, order.pair)
    return n


@kernel
def on_fill(s: Any, out: Any, n: int, slot: int, row: Any) -> int:
    """State what the filled lots would have cost on our book; count the money; check the fee."""
    note = out[n]
    blank(note, FILL_COST, s.now, row.strategy, row.instrument, -1)
    note.venue = row.venue
    note.side = row.side
    note.order = row.id
    note.count = row.id2
    note.lots = row.lots
    note.value = row.price * row.lots
    note.limit = row.price * row.lots
    if slot >= 0:
        order = s.orders[slot]
        flight = s.flights[slot]
        before = order.filled - row.lots
        note.intent = order.intent
        note.pair = order.pair
        note.value = slice_cost(flight, 0, before, row.lots)
        note.limit = slice_cost(flight, entry_at(flight, row.ts_venue), before, row.lots)
        if order.pair >= 0:
            note_fill(s, order.strategy, order.pair, row)
    n += 1
    if row.strategy < 0:
        sign = 1 - 2 * row.side
        instrument = s.instruments[row.instrument]
        note_unattributed(s, instrument.settle, -sign * notional_e8(instrument, row.price, row.lots))
    why = fee_reason(s, row, MAKER)
    if why[0] != 0:
        n = lower(s, out, n, VENUE, row.venue, CLOSE_ONLY, why)
    return n


@kernel
def after_trouble(s: Any, out: Any, n: int) -> int:
    """C16 and C17: too many rejections in a minute, or orders of which nothing is known, close the desk."""
    limits = s.limits
    rejected = rejections_this_minute(s)
    if limits.off & OFF_REJECTS == 0 and not rejected < limits.rejects_per_min_max:
        n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (TOO_MANY_REJECTS, rejected, limits.rejects_per_min_max))
    unknown = count_unknown(s)
    if not unknown < limits.unknown_max:
        n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (UNKNOWN_ORDERS, unknown, limits.unknown_max))
    return n


@kernel
def on_forced_close(s: Any, out: Any, n: int, row: Any) -> int:
    """The venue closed a position of ours: book it, kill its strategy (C42), take back the twin leg."""
    if is_booked(s, row):
        return n
    book_fill(s, row)
    if row.strategy < 0:
        return n
    n = lower(s, out, n, STRATEGY, row.strategy, KILLED, (WHY_FORCED, row.lots, 0))
    n = say_alert(s, out, n, row.strategy, WHY_FORCED, row.lots, 0)
    return pairs_of(s, out, n, row.strategy, row.instrument)
