"""The life of an order: its table, and what every turn of it does to positions, balances and counters."""

from __future__ import annotations

import itertools
from typing import Any

import desk_material as make
import msgspec
import numba
import numpy as np
import pytest
from desk_material import MS, T0, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_REDUCE_ONLY, SubmitOrder
from crossbook.engine import Engine
from crossbook.errors import Corrupt
from crossbook.events import (
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    Timer,
)
from crossbook.rules import orders
from crossbook.rules.layout import ACCOUNT_FIELDS, MAX_ORDERS
from crossbook.rules.orders import NEXT, apply_order_event, apply_submit, find_order, free_slot
from crossbook.rules.rows import pack, pack_out

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=8 if numba.config.DISABLE_JIT else 100)
LIVE = (orders.SENT, orders.OPEN, orders.UNKNOWN)
TERMINAL = (orders.FILLED, orders.CANCELED, orders.EXPIRED, orders.REJECTED)
PRICE = 600_000
TRADES = itertools.count(1)


def submit(s: Any, number: int, side: int, lots: int, strategy: int = 0, flags: int = 0, ts: int = T0) -> int:
    """Send an order of ours at USD-M; its slot."""
    command = SubmitOrder(
        ts=ts, strategy=strategy, instrument=USDM, venue=1, side=side, tif=0, price=PRICE, lots=lots, order=number,
        intent=number, flags=flags,
    )  # fmt: skip
    return int(apply_submit(s, pack_out(command)[0]))


def filled(number: int, side: int, lots: int, strategy: int = 0, price: int = PRICE) -> OrderFilled:
    return OrderFilled(
        ts=T0, ts_venue=T0, instrument=USDM, venue=1, strategy=strategy, order=number, trade=next(TRADES), side=side,
        price=price, lots=lots, fee_e8=7, fee_asset=0,
    )  # fmt: skip


def tell(s: Any, event: Event) -> int:
    """Fold a venue's word; what the kernel returned."""
    return int(apply_order_event(s, pack(event)[0]))


def answer(what: int, number: int, side: int = 0, lots: int = 1) -> Event:
    """The event of one column of the table; lots count for fills only."""
    stamps: dict[str, int] = {"ts": T0, "ts_venue": T0, "order": number}
    if what in (orders.PART, orders.FULL):
        return filled(number, side, lots)
    return {
        orders.ACCEPT: lambda: OrderAccepted(**stamps, venue_order=9),
        orders.CANCEL: lambda: OrderCanceled(**stamps, lots=0),
        orders.EXPIRE: lambda: OrderExpired(**stamps, lots=0),
        orders.REJECT: lambda: OrderRejected(**stamps, reason=1),
        orders.LOSE: lambda: OrderUnknown(**stamps),
    }[what]()


def account(desk: Any) -> bytes:
    return b"".join(desk[name].tobytes() for name in ACCOUNT_FIELDS)


def test_the_table_never_leaves_a_terminal_status() -> None:
    for status, what in itertools.product(TERMINAL, range(7)):
        assert NEXT[status, what] in (status, orders.IMPOSSIBLE)


def test_whatever_is_live_may_be_lost_and_any_evidence_finds_it_again() -> None:
    for status in LIVE:
        assert NEXT[status, orders.LOSE] == orders.UNKNOWN
    for what in range(7):
        if what != orders.LOSE:
            assert NEXT[orders.UNKNOWN, what] not in (orders.UNKNOWN, orders.IMPOSSIBLE)


def test_what_is_evidence_means_the_same_from_every_live_status() -> None:
    for what in set(range(7)) - {orders.REJECT}:
        assert len({int(NEXT[status, what]) for status in LIVE}) == 1
    assert NEXT[orders.OPEN, orders.REJECT] == orders.IMPOSSIBLE  # the venue has said that it took it
    assert all(NEXT[orders.FREE, what] == orders.IMPOSSIBLE for what in range(7))


ACTIONS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(1, 4), st.integers(0, 1)), min_size=1, max_size=30
)
"""(what happened, to which order, lots of a fill, side of a fill on an order never sent)."""


@FEW
@given(ACTIONS, st.lists(st.tuples(st.integers(0, 1), st.integers(1, 5)), min_size=4, max_size=4))
def test_every_history_is_booked_as_told(actions: list[tuple[int, int, int, int]], sent: list[tuple[int, int]]) -> None:
    """Orders 0..3 were sent, 4 and 5 never: position, balance, fills, counters and slots follow from what was told."""
    desk = make.desk()
    s = desk[0]
    for number, (side, lots) in enumerate(sent):
        submit(s, number, side, lots)
    status, done = dict.fromkeys(range(4), orders.SENT), dict.fromkeys(range(4), 0)
    lots_held = cash = fills = rejections = unknowns = 0
    for what, number, lots, other_side in actions:
        known = number < 4
        side = sent[number][0] if known else other_side
        event = answer(what, number, side, lots)
        is_fill = isinstance(event, OrderFilled)
        if is_fill and known:
            what = orders.FULL if done[number] + lots >= sent[number][1] else orders.PART
        before = account(desk)
        got = tell(s, event)
        after = int(NEXT[status[number], what]) if known else 0
        if after == orders.IMPOSSIBLE:
            assert got == -2 and account(desk) == before
            continue
        assert got == (find_order(s, number) if known else -1)
        if is_fill:
            sign = 1 - 2 * side
            lots_held, fills = lots_held + sign * lots, fills + 1
            cash -= sign * PRICE * lots * int(s.instruments[USDM].factor) + 7
        if known:
            status[number] = after
            done[number] += lots if is_fill else 0
            rejections += what == orders.REJECT
            unknowns += what == orders.LOSE
    position, counters = s.positions[0, USDM], s.counters[0]
    assert (position.lots, s.balances[1, 0]) == (lots_held, cash)
    assert (counters.orders, counters.fills) == (4, fills)
    assert (counters.rejections, counters.unknowns) == (rejections, unknowns)
    assert counters.orders_with_fill == sum(lots > 0 for lots in done.values())
    slots = [s.orders[k] for k in range(4)]
    assert [(int(o.status), int(o.filled)) for o in slots] == list(zip(status.values(), done.values(), strict=True))
    for order in slots:  # more than was asked is booked all the same, and ends the order
        assert order.filled < order.lots or order.status in TERMINAL
    still = [(k, sent[k][1] - done[k]) for k in range(4) if status[k] in LIVE]
    assert position.buy_open == sum(left for k, left in still if sent[k][0] == 0)
    assert position.sell_open == sum(left for k, left in still if sent[k][0] == 1)


@FEW
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 6), st.booleans(), st.integers(0, 5), st.integers(0, 6)),
        min_size=1,
        max_size=6,
    ),
    st.integers(-5, 5),
)
def test_the_interval_holds_the_truth_however_the_unknown_ends(
    drawn: list[tuple[int, int, bool, int, int]], held: int
) -> None:
    """Of each lost order the venue may have filled nothing, all or a part: the position was inside [lo, hi] before."""
    s = make.desk()[0]
    if held:
        tell(s, filled(99, 0 if held > 0 else 1, abs(held)))
    known = held
    for number, (side, lots, lost, part, _) in enumerate(drawn):
        submit(s, number, side, lots)
        part = min(part, lots - 1)
        if part:
            tell(s, filled(number, side, part))
            known += part if side == 0 else -part
        if lost:
            tell(s, OrderUnknown(ts=T0, ts_venue=T0, order=number))
    position = s.positions[0, USDM]
    lo, hi = int(position.lo), int(position.hi)
    assert lo <= known == position.lots <= hi
    if not any(lost for _, _, lost, _, _ in drawn):
        assert lo == known == hi
    for number, (side, lots, lost, part, more) in enumerate(drawn):
        if lost:
            more = min(more, lots - min(part, lots - 1))
            if more:
                tell(s, filled(number, side, more))
            tell(s, OrderCanceled(ts=T0, ts_venue=T0, order=number, lots=0))
            known += more if side == 0 else -more
            assert lo <= known <= hi
            assert position.lo <= known == position.lots <= position.hi
    assert position.lo == position.lots == position.hi


@FEW
@given(st.integers(0, 1), st.integers(1, 9), st.integers(0, 40))
def test_a_fill_is_booked_however_late_it_comes(side: int, lots: int, later: int) -> None:
    """Also when the order was cancelled, or so long ago that its slot serves another."""
    s = make.desk()[0]
    submit(s, 1, side, lots)
    tell(s, OrderCanceled(ts=T0, ts_venue=T0, order=1, lots=lots))
    for number in range(2, 2 + later):
        submit(s, number, 0, 1)
        tell(s, OrderExpired(ts=T0, ts_venue=T0, order=number, lots=1))
    held = later < MAX_ORDERS
    assert (find_order(s, 1) >= 0) == held
    assert tell(s, filled(1, side, lots)) == (0 if held else -1)
    assert s.positions[0, USDM].lots == (lots if side == 0 else -lots)
    assert s.counters[0].fills == 1


@FEW
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=12), st.booleans())
def test_a_fill_told_again_is_not_booked_again(told: list[tuple[int, int]], known: bool) -> None:
    """By the venue's number of its trade and our order's; also where the order is not known any more."""
    s = make.desk()[0]
    if known:
        submit(s, 1, 0, 100)
    booked: dict[int, int] = {}
    for trade, lots in told:
        event = msgspec.structs.replace(filled(1, 0, lots + 1), trade=trade)
        before = account(s)
        got = tell(s, event)
        if trade in booked:
            assert got == -3 and account(s) == before
        else:
            assert got != -3
            booked[trade] = lots + 1
    assert s.positions[0, USDM].lots == sum(booked.values())
    assert s.counters[0].fills == len(booked)


def test_the_same_number_in_another_order_or_instrument_is_another_fill() -> None:
    s = make.desk()[0]
    for number, instrument in ((1, USDM), (2, USDM), (1, 0)):
        event = msgspec.structs.replace(filled(number, 0, 1), trade=7, instrument=instrument, venue=min(instrument, 1))
        assert tell(s, event) == -1
    assert s.counters[0].fills == 3


def test_a_lost_order_that_traded_in_part_is_not_rejected_but_expired() -> None:
    """What the venue refuses after a fill is the rest."""
    s = make.desk()[0]
    submit(s, 1, 0, 5)
    tell(s, filled(1, 0, 2))
    tell(s, OrderUnknown(ts=T0, ts_venue=T0, order=1))
    tell(s, OrderRejected(ts=T0, ts_venue=T0, order=1, reason=1))
    assert (s.orders[0].status, s.orders[0].filled) == (orders.EXPIRED, 2)
    position = s.positions[0, USDM]
    assert (position.lo, position.lots, position.hi, position.buy_open) == (2, 2, 2, 0)


def test_a_live_order_never_loses_its_slot() -> None:
    s = make.desk()[0]
    for number in range(MAX_ORDERS):
        assert submit(s, number, 0, 1) == number
    assert free_slot(s) == -1
    tell(s, OrderUnknown(ts=T0, ts_venue=T0, order=5))
    assert free_slot(s) == -1
    for number in (9, 7):
        tell(s, OrderExpired(ts=T0, ts_venue=T0, order=number, lots=1))
    assert free_slot(s) == 7  # of the ended ones, the one that was sent first


def test_only_what_may_add_risk_counts_towards_the_order_rate() -> None:
    s = make.desk()[0]
    for number, (ts, flags) in enumerate(((T0, 0), (T0 + 1, FLAG_REDUCE_ONLY), (T0 + 2, 0), (T0 + S, 0))):
        submit(s, number, 0, 1, flags=flags, ts=ts)
    assert (s.rate.in_second, s.rate.in_minute, s.rate.in_hour) == (1, 3, 3)


IMPOSSIBLE = [
    (status, what) for status in LIVE + TERMINAL for what in range(7) if NEXT[status, what] == orders.IMPOSSIBLE
]
REACHED_BY = {
    orders.OPEN: orders.ACCEPT,
    orders.UNKNOWN: orders.LOSE,
    orders.FILLED: orders.FULL,
    orders.CANCELED: orders.CANCEL,
    orders.EXPIRED: orders.EXPIRE,
    orders.REJECTED: orders.REJECT,
}


@pytest.mark.parametrize(("status", "what"), IMPOSSIBLE)
@pytest.mark.parametrize("marks_due", [False, True], ids=["", "as_marks_are_due"])
def test_the_impossible_stops_the_run_and_names_the_order(status: int, what: int, marks_due: bool) -> None:
    tape = make.tape_of(make.opening())
    desk = make.desk(tape=tape)
    engine = Engine(desk)
    for k in range(len(tape.starts) - 1):
        engine.step_rows(tape.rows[tape.starts[k] : tape.starts[k + 1]])
    engine.step(Timer(ts=T0 + 1, ts_venue=T0 + 1, timer=0))
    submit(desk[0], 4711, 0, 2)
    if status != orders.SENT:
        engine.step(answer(REACHED_BY[status], 4711, lots=2))
    before = account(desk)
    event = answer(what, 4711)
    rows = pack(event)
    rows["ts"] = T0 + (5 * S if marks_due else MS)
    rows.flags.writeable = False
    with pytest.raises(Corrupt, match=r"^order 4711: ORDER_\w+ is impossible in its state"):
        engine.step_rows(rows)
    assert account(desk) == before


def test_more_than_was_asked_is_the_truth_all_the_same() -> None:
    s = make.desk()[0]
    submit(s, 1, 0, 3)
    tell(s, filled(1, 0, 5))
    assert (s.orders[0].status, s.orders[0].filled, s.positions[0, USDM].lots) == (orders.FILLED, 5, 5)
    assert (s.positions[0, USDM].buy_open, s.positions[0, USDM].hi) == (0, 5)
    tell(s, filled(1, 0, 2))
    assert (s.orders[0].status, s.positions[0, USDM].lots) == (orders.FILLED, 7)


def test_a_fill_of_a_rejected_order_cannot_be() -> None:
    s = make.desk()[0]
    submit(s, 1, 0, 3)
    tell(s, OrderRejected(ts=T0, ts_venue=T0, order=1, reason=1))
    assert tell(s, filled(1, 0, 3)) == -2
    assert not np.any(s.positions[0, USDM].lots)
