"""What orders meet at a simulated venue: admission, taking, resting, and being served, as kernels.

Assumptions. The tape's market does not react to us. An IOC takes displayed lots at displayed prices, each level once
until the venue restates it; our own resting orders are not displayed, so we never trade with ourselves. A crossed,
one-sided or out-of-step book takes no order (NOT_TRADING). A resting order waits behind all lots displayed at its price
when it joined: only public trades at that price bring it forward, a level that shrinks below the queue caps it, and
joining a price beyond the display starts when the display reaches it. A trade through its price, or the opposite quote
reaching it, fills it at its own price, up to the lots traded or displayed. Reduce-only orders are clipped to the net
position when they match, and expire when nothing is left to reduce.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.commands import FLAG_FILL_OR_KILL, FLAG_REDUCE_ONLY, OutKind
from crossbook.events import EventKind, Rejection
from crossbook.rules.book import is_tradeable
from crossbook.rules.kernel import kernel
from crossbook.rules.matching import (
    cap_queue,
    closable_lots,
    displayed_ahead,
    level_price,
    order_rejection,
    reaches,
    take_level,
    take_through,
    takeable_through,
    traded_to,
)
from crossbook.sim.accounts import (
    answer,
    book_fill,
    has_cash_for,
    has_margin_for,
    new_id,
)
from crossbook.sim.layout import MAX_RESTING
from crossbook.types import InstrumentKind, TimeInForce

SUBMIT_ORDER = int(OutKind.SUBMIT_ORDER)
CANCEL_ORDER = int(OutKind.CANCEL_ORDER)
QUERY = int(OutKind.QUERY)
ORDER_ACCEPTED = int(EventKind.ORDER_ACCEPTED)
ORDER_FILLED = int(EventKind.ORDER_FILLED)
ORDER_CANCELED = int(EventKind.ORDER_CANCELED)
ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
ORDER_REJECTED = int(EventKind.ORDER_REJECTED)
ORDER_REPORT = int(EventKind.ORDER_REPORT)
POSITION_REPORT = int(EventKind.POSITION_REPORT)
UNKNOWN_INSTRUMENT = int(Rejection.UNKNOWN_INSTRUMENT)
TOO_MANY_ORDERS = int(Rejection.TOO_MANY_ORDERS)
INSUFFICIENT_BALANCE = int(Rejection.INSUFFICIENT_BALANCE)
INSUFFICIENT_MARGIN = int(Rejection.INSUFFICIENT_MARGIN)
SPOT = int(InstrumentKind.SPOT)
IOC = int(TimeInForce.IOC)


@kernel
def arrive(state: Any, commands: Any, now: int) -> None:
    """An order, a cancel or a query (the first row of `commands`) reaches its venue, whose market stands at `now`."""
    s = state[0]
    command = commands[0]
    if command.kind == SUBMIT_ORDER:
        _submit(s, command, now)
    elif command.kind == QUERY:
        _report(s, command.venue, now)
    else:
        _cancel(s, command, now)


@kernel
def _rejection(s: Any, order: Any, i: int, side: int) -> int:
    if not (0 <= i < s.n_instruments and s.instruments[i].venue == order.venue):
        return UNKNOWN_INSTRUMENT
    instrument = s.instruments[i]
    reason = order_rejection(instrument, s.books[i], s.quotes[i], order, side, s.net[i])
    if reason != 0:
        return reason
    if order.tif != IOC and s.n_resting == MAX_RESTING:
        return TOO_MANY_ORDERS
    if instrument.kind == SPOT:
        if not has_cash_for(s, i, side, order.price, order.lots):
            return INSUFFICIENT_BALANCE
    elif order.flags & FLAG_REDUCE_ONLY == 0 and not has_margin_for(s, i, side, order.lots):
        return INSUFFICIENT_MARGIN
    return 0


@kernel
def _submit(s: Any, order: Any, now: int) -> None:
    # widened once, so that every kernel below is compiled for one integer type
    i: Any = np.int64(order.instrument)
    side: Any = np.int64(order.side)
    venue: Any = np.int64(order.venue)
    strategy: Any = np.int64(order.strategy)
    flags: Any = np.int64(order.flags)
    reason = _rejection(s, order, i, side)
    if reason != 0:
        row = answer(s, ORDER_REJECTED, venue, i, strategy, order.order, 0, order.lots, now)
        row.reason = reason
        return
    venue_order = new_id(s, venue)
    answer(s, ORDER_ACCEPTED, venue, i, strategy, order.order, venue_order, order.lots, now)
    wanted = _clipped(s, i, side, flags, order.lots)
    book = s.books[i]
    if flags & FLAG_FILL_OR_KILL != 0 and takeable_through(book, 1 - side, order.price) < wanted:
        answer(s, ORDER_EXPIRED, venue, i, strategy, order.order, venue_order, order.lots, now)
        return
    left = wanted
    at = book.n[1 - side] - 1
    while at >= 0 and left > 0 and reaches(side, order.price, level_price(book, 1 - side, at)):
        taken = take_level(book, 1 - side, at, left)
        if taken > 0:
            price = level_price(book, 1 - side, at)
            book_fill(s, ORDER_FILLED, i, strategy, order.order, side, price, taken, False, now)
            left -= taken
        at -= 1
    open_lots = order.lots - (wanted - left)
    if open_lots == 0:
        return
    if order.tif == IOC or left == 0:
        answer(s, ORDER_EXPIRED, venue, i, strategy, order.order, venue_order, open_lots, now)
        return
    at = _place(s, order.price if side == 0 else -order.price)
    row = s.resting[at]
    row.id = order.order
    row.venue_order = venue_order
    row.strategy = strategy
    row.instrument = i
    row.venue = venue
    row.side = side
    row.price = order.price
    row.lots = open_lots
    row.flags = flags
    row.queue = displayed_ahead(book, side, order.price)


@kernel
def _place(s: Any, key: int) -> int:
    """Make room among the resting orders: best price first and then oldest, the order in which a trade serves them."""
    at = s.n_resting
    while at > 0 and s.resting[at - 1].key < key:
        s.resting[at] = s.resting[at - 1]
        at -= 1
    s.n_resting += 1
    s.resting[at].key = key
    return at


@kernel
def _clipped(s: Any, i: int, side: int, flags: int, lots: int) -> int:
    """The lots that may trade now: all, unless the order may only reduce."""
    if flags & FLAG_REDUCE_ONLY == 0 or s.instruments[i].kind == SPOT:
        return lots
    return min(lots, closable_lots(side, s.net[i]))


@kernel
def _remove(s: Any, at: int) -> None:
    s.n_resting -= 1
    for k in range(at, s.n_resting):
        s.resting[k] = s.resting[k + 1]


@kernel
def end_order(s: Any, at: int, kind: int, now: int) -> None:
    """A resting order is gone, unfilled in part."""
    order = s.resting[at]
    answer(s, kind, order.venue, order.instrument, order.strategy, order.id, order.venue_order, order.lots, now)
    _remove(s, at)


@kernel
def _cancel(s: Any, command: Any, now: int) -> None:
    """CANCEL_ORDER takes the named order back, CANCEL_ALL all of a venue (of an instrument, of a strategy if >= 0).

    An order that is not there any more gives no answer: the one that ended it is on its way.
    """
    k = 0
    while k < s.n_resting:
        order = s.resting[k]
        if command.kind == CANCEL_ORDER:
            hit = order.id == command.order and order.venue == command.venue
        else:
            hit = (
                order.venue == command.venue
                and (command.instrument < 0 or order.instrument == command.instrument)
                and (command.strategy < 0 or order.strategy == command.strategy)
            )
        if hit:
            end_order(s, k, ORDER_CANCELED, now)
        else:
            k += 1


@kernel
def shrink(state: Any, order: int, lots: int) -> bool:
    """Let a resting order ask for less, `lots` still open; it keeps its place. Whether there was such an order."""
    s = state[0]
    for k in range(s.n_resting):
        if s.resting[k].id == order and 0 < lots < s.resting[k].lots:
            s.resting[k].lots = lots
            return True
    return False


@kernel
def _report(s: Any, venue: int, now: int) -> None:
    """What the venue knows of us: our net position in each of its instruments, then how many orders of ours rest."""
    for i in range(s.n_instruments):
        if s.instruments[i].venue == venue:
            answer(s, POSITION_REPORT, venue, i, -1, 0, 0, s.net[i], now)
    resting = 0
    for k in range(s.n_resting):
        if s.resting[k].venue == venue:
            resting += 1
    answer(s, ORDER_REPORT, venue, -1, -1, 0, 0, resting, now)


@kernel
def _fill_resting(s: Any, at: int, lots: int, now: int) -> bool:
    """Fill up to `lots` of a resting order as maker; whether it is gone."""
    order = s.resting[at]
    can = _clipped(s, order.instrument, order.side, order.flags, order.lots)
    lots = min(lots, can)
    if lots > 0:
        book_fill(s, ORDER_FILLED, order.instrument, order.strategy, order.id, order.side, order.price, lots, True, now)
        order.lots -= lots
    if order.lots == 0:
        _remove(s, at)
        return True
    if lots == can:
        end_order(s, at, ORDER_EXPIRED, now)
        return True
    return False


@kernel
def serve_trade(s: Any, trade: Any, now: int) -> None:
    """A public trade reaches our resting orders; together they get no more than it traded."""
    side: Any = np.int64(trade.side)
    given = 0
    k = 0
    while k < s.n_resting:
        order = s.resting[k]
        gone = False
        if order.instrument == trade.instrument:
            lots = traded_to(order, side, trade.price, trade.lots) - given
            if lots > 0:
                given += min(lots, order.lots)
                gone = _fill_resting(s, k, lots, now)
        if not gone:
            k += 1


@kernel
def serve_book(s: Any, i: int, now: int) -> None:
    """After a book changed: queues shrink with their level, and the opposite side may have reached our orders."""
    book = s.books[i]
    tradeable = is_tradeable(book, s.quotes[i])
    k = 0
    while k < s.n_resting:
        order = s.resting[k]
        gone = False
        if order.instrument == i:
            cap_queue(order, book)
            if tradeable:
                can = _clipped(s, i, order.side, order.flags, order.lots)
                lots = take_through(book, 1 - order.side, order.price, can)
                if lots > 0:
                    order.queue = 0
                    gone = _fill_resting(s, k, lots, now)
        if not gone:
            k += 1
