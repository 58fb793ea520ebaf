"""The life of an order, as one table, and what each step of it does to positions and counters.

These kernels run when a step decides and again when the journal is folded: the desk half of the state is theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, FLAG_REDUCE_ONLY
from crossbook.events import EventKind
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import FILLS_KEPT, MAX_ORDERS
from crossbook.rules.settlement import settle_fill

FREE, SENT, OPEN, UNKNOWN, FILLED, CANCELED, EXPIRED, REJECTED = range(8)
"""Status of an order slot. FREE: never used; the last four are terminal."""

ACCEPT, PART, FULL, CANCEL, EXPIRE, REJECT, LOSE = range(7)
"""What can happen to an order; PART and FULL are fills that leave something or nothing open."""

IMPOSSIBLE = -1

NEXT = np.array(
    [  # ACCEPT    PART        FULL        CANCEL      EXPIRE      REJECT      LOSE
        [IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE],  # FREE
        [OPEN, OPEN, FILLED, CANCELED, EXPIRED, REJECTED, UNKNOWN],  # SENT
        [OPEN, OPEN, FILLED, CANCELED, EXPIRED, IMPOSSIBLE, UNKNOWN],  # OPEN: accepted, so never rejected
        [OPEN, OPEN, FILLED, CANCELED, EXPIRED, REJECTED, UNKNOWN],  # UNKNOWN: any evidence resolves it
        [FILLED, FILLED, FILLED, FILLED, FILLED, IMPOSSIBLE, FILLED],  # FILLED: late news changes nothing
        [CANCELED, CANCELED, CANCELED, CANCELED, CANCELED, IMPOSSIBLE, CANCELED],  # CANCELED: late fills are booked
        [EXPIRED, EXPIRED, EXPIRED, EXPIRED, EXPIRED, IMPOSSIBLE, EXPIRED],
        [IMPOSSIBLE, IMPOSSIBLE, IMPOSSIBLE, REJECTED, REJECTED, REJECTED, REJECTED],  # REJECTED: a fill contradicts it
    ],
    dtype=np.int64,
)

ORDER_ACCEPTED = int(EventKind.ORDER_ACCEPTED)
ORDER_FILLED = int(EventKind.ORDER_FILLED)
ORDER_CANCELED = int(EventKind.ORDER_CANCELED)
ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
ORDER_REJECTED = int(EventKind.ORDER_REJECTED)
ORDER_UNKNOWN = int(EventKind.ORDER_UNKNOWN)

NS_PER_S = 1_000_000_000
NS_PER_MIN = 60 * NS_PER_S
NS_PER_H = 3_600 * NS_PER_S
NS_PER_DAY = 24 * NS_PER_H


@kernel
def is_live(status: int) -> bool:
    """Whether the venue may still fill the order."""
    return status == SENT or status == OPEN or status == UNKNOWN


@kernel
def find_order(s: Any, order_id: int) -> int:
    """The slot of an order, -1 if none holds it."""
    for k in range(MAX_ORDERS):
        if s.orders[k].status != FREE and s.orders[k].id == order_id:
            return k
    return -1


@kernel
def free_slot(s: Any) -> int:
    """A slot for a new order: an unused one, else the one that ended longest ago; -1 if all are live."""
    best = -1
    for k in range(MAX_ORDERS):
        order = s.orders[k]
        if order.status == FREE:
            return k
        if not is_live(order.status) and (best < 0 or order.id < s.orders[best].id):
            best = k
    return best


@kernel
def live_slots(s: Any) -> int:
    """How many slots hold an order that the venue may still fill."""
    count = 0
    for k in range(MAX_ORDERS):
        if is_live(s.orders[k].status):
            count += 1
    return count


@kernel
def live_orders(s: Any, strategy: int, pair: int) -> int:
    """How many orders of a strategy's pair the venue may still fill."""
    count = 0
    for k in range(MAX_ORDERS):
        order = s.orders[k]
        if is_live(order.status) and order.strategy == strategy and order.pair == pair:
            count += 1
    return count


@kernel
def refresh_position(s: Any, strategy: int, instrument: int) -> None:
    """Derive the open lots and the interval of a position from its orders, so that they cannot drift apart."""
    position = s.positions[strategy, instrument]
    buy_open = 0
    sell_open = 0
    unknown_buy = 0
    unknown_sell = 0
    for k in range(MAX_ORDERS):
        order = s.orders[k]
        if order.strategy != strategy or order.instrument != instrument or not is_live(order.status):
            continue
        left = order.lots - order.filled
        if order.side == 0:
            buy_open += left
            if order.status == UNKNOWN:
                unknown_buy += left
        else:
            sell_open += left
            if order.status == UNKNOWN:
                unknown_sell += left
    position.buy_open = buy_open
    position.sell_open = sell_open
    position.lo = position.lots - unknown_sell
    position.hi = position.lots + unknown_buy


@kernel
def apply_submit(s: Any, command: Any) -> int:
    """Fold a SUBMIT_ORDER: reserve its slot, count it. Returns the slot."""
    k = free_slot(s)
    order = s.orders[k]
    order.id = command.order
    order.status = SENT
    order.strategy = command.strategy
    order.instrument = command.instrument
    order.pair = command.pair
    order.side = command.side
    order.price = command.price
    order.lots = command.lots
    order.filled = 0
    order.intent = command.intent
    order.flags = command.flags
    order.ts_sent = command.ts
    order.venue_order = 0
    order.decision = command.value
    s.next_order = command.order + 1
    s.counters[command.strategy].orders += 1
    if command.flags & (FLAG_REDUCE_ONLY | FLAG_CLOSING | FLAG_HEDGE) == 0:
        count_rate(s.rate, command.ts, command.limit)
    else:
        count_reduce(s.rate, command.ts)
    refresh_position(s, command.strategy, command.instrument)
    return k


@kernel
def count_reduce(rate: Any, now: int) -> None:
    """Count an order that only reduces: it has a rate of its own."""
    second = now // NS_PER_S
    rate.reduces_in_second = rate.reduces_in_second + 1 if rate.reduce_second == second else 1
    rate.reduce_second = second


@kernel
def count_rate(rate: Any, now: int, notional_e8: int) -> None:
    """Count an order and its turnover in the second, minute, hour and day it falls in."""
    second = now // NS_PER_S
    minute = now // NS_PER_MIN
    hour = now // NS_PER_H
    rate.in_second = rate.in_second + 1 if rate.second == second else 1
    rate.in_minute = rate.in_minute + 1 if rate.minute == minute else 1
    rate.in_hour = rate.in_hour + 1 if rate.hour == hour else 1
    day = now // NS_PER_DAY
    rate.in_day = rate.in_day + 1 if rate.day == day else 1
    rate.turnover_e8 = rate.turnover_e8 + notional_e8 if rate.day == day else notional_e8
    rate.second = second
    rate.minute = minute
    rate.hour = hour
    rate.day = day


@kernel
def is_booked(s: Any, row: Any) -> bool:
    """Whether this fill, forced close or funding was booked before (as `ledger.postings.key_of` tells them apart)."""
    booked = s.booked
    for k in range(min(booked.count, FILLS_KEPT)):
        same = booked.trade[k] == row.id2 and booked.order[k] == row.id
        if same and booked.instrument[k] == row.instrument and booked.kind[k] == row.kind:
            return True
    return False


@kernel
def note_booked(s: Any, row: Any) -> None:
    """From now on it was."""
    booked = s.booked
    at = booked.count % FILLS_KEPT
    booked.kind[at] = row.kind
    booked.instrument[at] = row.instrument
    booked.trade[at] = row.id2
    booked.order[at] = row.id
    booked.count += 1


@kernel
def book_funding(s: Any, row: Any) -> bool:
    """Fold a funding payment; False if it was booked before."""
    if is_booked(s, row):
        return False
    note_booked(s, row)
    s.balances[row.venue, row.asset] += row.lots
    return True


@kernel
def book_fill(s: Any, row: Any) -> None:
    """Fold the money and the position of a fill, whether or not its order is known: the venue's word is the truth."""
    note_booked(s, row)
    strategy = row.strategy
    instrument = s.instruments[row.instrument]
    settle_fill(s.balances[row.venue], instrument, row.side, row.price, row.lots, row.lots2, row.asset)
    if strategy < 0:
        return
    position = s.positions[strategy, row.instrument]
    sign = 1 - 2 * row.side
    position.lots += sign * row.lots
    position.cash -= sign * row.price * row.lots
    if position.lots == 0:
        position.cash = 0
    s.counters[strategy].fills += 1
    refresh_position(s, strategy, row.instrument)


@kernel
def count_rejection(s: Any, i: int, now: int) -> None:
    """Count a rejection; too many in a row pause the instrument."""
    rejects = s.rejects[i]
    minute = now // NS_PER_MIN
    rejects.in_minute = rejects.in_minute + 1 if rejects.minute == minute else 1
    rejects.minute = minute
    rejects.row += 1
    if not rejects.row < s.limits.rejects_max:
        rejects.paused_until = now + s.limits.reject_pause_ns
        rejects.row = 0


@kernel
def count_arb(rate: Any, now: int) -> None:
    """Count an entry in the day it falls in."""
    day = now // NS_PER_DAY
    rate.arbs_in_day = rate.arbs_in_day + 1 if rate.arb_day == day else 1
    rate.arb_day = day


@kernel
def apply_order_event(s: Any, row: Any) -> int:
    """Fold a venue's answer about an order. Returns its slot, -1 for an order we do not hold, -2 if impossible, -3 for
    a fill that was booked already."""
    kind = row.kind
    if kind == ORDER_FILLED and is_booked(s, row):
        return -3
    k = find_order(s, row.id)
    if k < 0:
        if kind == ORDER_FILLED:
            book_fill(s, row)
        return -1
    order = s.orders[k]
    what = LOSE
    if kind == ORDER_ACCEPTED:
        what = ACCEPT
    elif kind == ORDER_FILLED:
        what = FULL if order.filled + row.lots >= order.lots else PART
    elif kind == ORDER_CANCELED:
        what = CANCEL
    elif kind == ORDER_EXPIRED:
        what = EXPIRE
    elif kind == ORDER_REJECTED:
        what = REJECT
    after = NEXT[order.status, what]
    if after == IMPOSSIBLE:
        return -2
    if after == REJECTED and order.filled > 0:
        after = EXPIRED  # some of it traded, so what was refused is the rest
    order.status = after
    counters = s.counters[order.strategy]
    if kind != ORDER_REJECTED and kind != ORDER_UNKNOWN:
        s.rejects[order.instrument].row = 0
    if kind == ORDER_ACCEPTED:
        order.venue_order = row.id2
    elif kind == ORDER_FILLED:
        if order.filled == 0:
            counters.orders_with_fill += 1
        order.filled += row.lots
        book_fill(s, row)
    elif kind == ORDER_REJECTED:
        counters.rejections += 1
        count_rejection(s, order.instrument, row.ts)
    elif kind == ORDER_UNKNOWN:
        counters.unknowns += 1
    refresh_position(s, order.strategy, order.instrument)
    return k
