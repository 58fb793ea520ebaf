"""A simulated venue by example: what it refuses, how orders rest, when answers come."""

import msgspec
import numpy as np
import pytest
from venue_tape import (
    ALO,
    BTC,
    BUY,
    E8,
    GTC,
    HYPER,
    INVERSE,
    IOC,
    LINEAR,
    MS,
    SELL,
    SETUP,
    SPOT,
    USDT,
    S,
    cancel,
    depth,
    fills,
    kinds,
    latency,
    order,
    quote,
    replies,
    row,
    tape,
    trade,
    venues,
)

from crossbook.commands import FLAG_REDUCE_ONLY, OutKind
from crossbook.errors import Refused
from crossbook.events import EventKind, Rejection
from crossbook.rules.layout import OUT
from crossbook.sim.layout import MAX_RESTING, new_venues
from crossbook.sim.venue import FOREVER, SimulatedVenues

MID = 600_000
ACCEPTED, FILLED, CANCELED = EventKind.ORDER_ACCEPTED, EventKind.ORDER_FILLED, EventKind.ORDER_CANCELED
EXPIRED, REJECTED = EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED
CALM = [depth(S, i, [(MID, 50)], [(MID + 1, 50)]) for i in (LINEAR, INVERSE)]
CALM += [depth(S, HYPER, [(MID, 50)], [(MID + 10, 50)]), depth(S, SPOT, [(10 * MID, 500)], [(10 * MID + 1, 500)])]


def reason(i, side, price, lots, frames=CALM, setup=SETUP, **columns):
    """Why a lone order is refused; None if it is accepted."""
    rows = replies(venues(frames, setup=setup), 9 * S, [order(2 * S, i, side, price, lots, 1, **columns)])
    if kinds(rows)[0] == ACCEPTED:
        return None
    assert kinds(rows) == [REJECTED]
    return Rejection(rows["reason"][0])


@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("why", "i", "side", "price", "lots", "columns"),
    [
        (Rejection.PRICE_FILTER, LINEAR, BUY, 0, 1, {}),
        (Rejection.PRICE_FILTER, LINEAR, BUY, 10**7 + 1, 1, {}),
        (Rejection.PRICE_FILTER, HYPER, BUY, MID + 5, 100, {}),
        (None, HYPER, BUY, MID + 20, 100, {}),
        (Rejection.LOT_FILTER, LINEAR, BUY, MID, 0, {}),
        (Rejection.LOT_FILTER, LINEAR, BUY, MID, 10**7 + 1, {}),
        (Rejection.MIN_NOTIONAL, HYPER, BUY, MID, 16, {}),
        (None, HYPER, BUY, MID, 17, {}),
        (Rejection.REDUCE_ONLY, HYPER, BUY, MID, 1, {"flags": FLAG_REDUCE_ONLY}),
        (None, SPOT, BUY, 10 * MID, 100, {"flags": FLAG_REDUCE_ONLY}),
        (Rejection.PRICE_BAND, LINEAR, BUY, MID * 106 // 100, 1, {}),
        (None, LINEAR, SELL, MID * 106 // 100, 1, {}),
        (Rejection.PRICE_BAND, INVERSE, SELL, MID * 94 // 100, 1, {}),
        (Rejection.PRICE_BAND, HYPER, BUY, MID // 10, 1000, {}),
        (Rejection.PRICE_BAND, HYPER, SELL, 2 * MID, 1000, {}),
        (Rejection.PRICE_BAND, SPOT, BUY, MID, 5000, {}),
        (Rejection.WOULD_TAKE, LINEAR, BUY, MID + 1, 1, {"tif": ALO}),
        (Rejection.WOULD_TAKE, LINEAR, SELL, MID, 1, {"tif": ALO}),
        (None, LINEAR, BUY, MID, 1, {"tif": ALO}),
        (Rejection.UNKNOWN_INSTRUMENT, LINEAR, BUY, MID, 1, {"venue": 3}),
        (Rejection.UNKNOWN_INSTRUMENT, LINEAR, BUY, MID, 1, {"instrument": 7}),
    ],
)
def test_a_venue_refuses_by_name(why, i, side, price, lots, columns) -> None:
    assert reason(i, side, price, lots, **columns) == why


def test_a_book_that_cannot_be_true_takes_no_order() -> None:
    crossed = [quote(S, LINEAR, MID + 1, 5, MID, 5)]
    halted = [*CALM, [row(EventKind.INSTRUMENT_CHANGED, S, LINEAR)]]
    gap = [*CALM, [row(EventKind.BOOK_DELTA, 2 * S, LINEAR, price=MID, lots=1, id=10 * S, id2=9 * S)]]
    for frames in ([], crossed, halted, gap):
        assert reason(LINEAR, BUY, MID, 1, frames) == Rejection.NOT_TRADING


def test_spot_needs_what_it_pays_with_and_resting_orders_hold_it() -> None:
    made = SimulatedVenues(SETUP, *tape(CALM), latency())
    made.transfer(0, USDT, 1000 * E8)
    made.transfer(0, BTC, E8 // 100)
    price = 10 * MID - 100
    lots = 1000 * E8 // (price * 10)
    orders = [
        order(2 * S, SPOT, BUY, price, lots + 1, 1, tif=GTC),
        order(2 * S, SPOT, BUY, price, lots, 2, tif=GTC),
        order(2 * S, SPOT, BUY, price, 100, 3, tif=GTC),
        order(2 * S, SPOT, SELL, price + 300, 1001, 4, tif=GTC),
        order(2 * S, SPOT, SELL, price + 300, 1000, 5, tif=GTC),
        order(2 * S, SPOT, SELL, price + 300, 100, 6, tif=GTC),
        cancel(2 * S, SPOT, 2),
        order(2 * S, SPOT, BUY, price, 100, 7, tif=GTC),
    ]
    rows = replies(made, 9 * S, orders)
    refused = rows[rows["kind"] == REJECTED]
    assert refused["id"].tolist() == [1, 3, 4, 6]
    assert set(refused["reason"].tolist()) == {Rejection.INSUFFICIENT_BALANCE}


def test_margin_counts_the_worst_side_of_all_orders_and_frees_what_reduces() -> None:
    made = SimulatedVenues(SETUP, *tape(CALM), latency())
    made.transfer(1, USDT, 300 * E8)  # at 10x: 3000 of notional, 49 lots of 60.00005
    orders = [
        order(2 * S, LINEAR, BUY, MID + 1, 40, 1),
        order(2 * S, LINEAR, BUY, MID, 9, 2, tif=GTC),
        order(2 * S, LINEAR, BUY, MID, 1, 3, tif=GTC),
        order(2 * S, LINEAR, SELL, MID, 40, 4),
        order(2 * S, LINEAR, SELL, MID, 9, 5),
    ]
    rows = replies(made, 2 * S + 100 * MS, orders)
    refused = rows[rows["kind"] == REJECTED]
    assert refused["id"].tolist() == [3]
    assert refused["reason"].tolist() == [Rejection.INSUFFICIENT_MARGIN]
    assert made.state[0].net[LINEAR] == -9


def test_margin_is_not_saved_by_orders_on_the_other_side() -> None:
    made = SimulatedVenues(SETUP, *tape(CALM), latency())
    made.transfer(1, USDT, 300 * E8)
    resting = [(BUY, MID, 40), (SELL, MID + 1, 40), (BUY, MID, 10), (SELL, MID + 1, 9)]
    orders = [order(2 * S, LINEAR, side, price, lots, k, tif=GTC) for k, (side, price, lots) in enumerate(resting, 1)]
    rows = replies(made, 9 * S, orders)
    assert rows[rows["kind"] == REJECTED]["id"].tolist() == [3]


@pytest.mark.parametrize("tif", [IOC, GTC])
def test_reduce_only_is_clipped_to_the_position(tif) -> None:
    closing = order(2 * S, LINEAR, SELL, MID, 25, 2, flags=FLAG_REDUCE_ONLY, tif=tif)
    orders = [order(2 * S, LINEAR, BUY, MID + 1, 10, 1), closing]
    made = venues(CALM)
    rows = replies(made, 2 * S + 100 * MS, orders)
    assert fills(rows) == [(1, MID + 1, 10), (2, MID, 10)]
    assert rows[-1]["kind"] == EXPIRED and rows[-1]["lots"] == 15
    assert made.state[0].net[LINEAR] == 0


def test_a_resting_reduce_only_order_ends_with_the_position() -> None:
    frames = [*CALM, trade(3 * S, LINEAR, BUY, MID + 5, 30)]
    orders = [
        order(2 * S, LINEAR, BUY, MID + 1, 10, 1),
        order(2 * S, LINEAR, SELL, MID + 2, 20, 2, flags=FLAG_REDUCE_ONLY, tif=GTC),
    ]
    rows = replies(venues(frames), 9 * S, orders)
    assert fills(rows)[-1] == (2, MID + 2, 10)
    assert rows[-1]["kind"] == EXPIRED and rows[-1]["lots"] == 10


@pytest.mark.jit_off
def test_a_good_till_cancelled_order_takes_then_rests_then_is_taken_back() -> None:
    frames = [*CALM, trade(3 * S, LINEAR, SELL, MID + 1, 4)]
    rows = replies(
        venues(frames), 9 * S, [order(2 * S, LINEAR, BUY, MID + 1, 60, 1, tif=GTC), cancel(4 * S, LINEAR, 1)]
    )
    assert kinds(rows) == [ACCEPTED, FILLED, FILLED, CANCELED]
    assert rows["lots"].tolist() == [60, 50, 4, 6]
    assert rows["flags"].tolist() == [1, 1, 3, 1]
    assert rows["ts_venue"].tolist() == [2 * S + MS, 2 * S + MS, 3 * S, 4 * S + MS]
    assert (rows["ts"] - rows["ts_venue"]).tolist() == [MS // 2] * 4


def test_a_cancel_of_what_is_gone_stays_unanswered() -> None:
    rows = replies(venues(CALM), 9 * S, [order(2 * S, LINEAR, BUY, MID + 1, 1, 1), cancel(2 * S, LINEAR, 1)])
    assert kinds(rows) == [ACCEPTED, FILLED]


def test_cancel_all_reaches_what_it_names() -> None:
    orders = [
        order(2 * S, LINEAR, BUY, MID - 1, 1, 1, tif=GTC, strategy=1),
        order(2 * S, LINEAR, BUY, MID - 1, 1, 2, tif=GTC, strategy=2),
        order(2 * S, INVERSE, BUY, MID - 1, 1, 3, tif=GTC, strategy=1),
    ]
    every = np.zeros(1, OUT)
    every["kind"], every["ts"], every["venue"], every["instrument"] = OutKind.CANCEL_ALL, 3 * S, -1, -1
    for strategy, gone in ((1, [1, 3]), (-1, [1, 2, 3])):
        every["strategy"] = strategy
        rows = replies(venues(CALM), 9 * S, [*orders, every.copy()])
        assert sorted(rows[rows["kind"] == CANCELED]["id"].tolist()) == gone


def test_an_opposite_quote_that_reaches_a_resting_order_fills_it_at_its_own_price() -> None:
    frames = [*CALM, quote(3 * S, LINEAR, MID - 9, 5, MID - 3, 4), quote(4 * S, LINEAR, MID - 9, 5, MID - 3, 4)]
    made = venues(frames)
    rows = replies(made, 9 * S, [order(2 * S, LINEAR, BUY, MID - 1, 10, 1, tif=GTC)])
    assert fills(rows) == [(1, MID - 1, 4)]


def test_a_shrinking_level_caps_the_queue_and_one_beyond_the_display_starts_when_seen() -> None:
    shrunk = depth(3 * S, LINEAR, [(MID, 50), (MID - 1, 2)], [(MID + 1, 50)])
    frames = [
        depth(S, LINEAR, [(MID, 50), (MID - 1, 30)], [(MID + 1, 50)]),
        shrunk,
        trade(4 * S, LINEAR, SELL, MID - 1, 3),
    ]
    mine = [order(2 * S, LINEAR, BUY, MID - 1, 5, 1, tif=GTC)]
    assert fills(replies(venues(frames), 9 * S, mine)) == [(1, MID - 1, 1)]
    deep = [order(2 * S, LINEAR, BUY, MID - 2, 5, 1, tif=GTC)]
    seen = depth(5 * S, LINEAR, [(MID - 1, 1), (MID - 2, 4)], [(MID + 1, 50)])
    frames += [trade(4 * S + 1, LINEAR, SELL, MID - 2, 9), seen, trade(6 * S, LINEAR, SELL, MID - 2, 6)]
    assert fills(replies(venues(frames), 9 * S, deep)) == [(1, MID - 2, 2)]


def test_without_depth_the_quote_is_the_book_and_is_taken_once() -> None:
    frames = [quote(S, HYPER, MID, 30, MID + 10, 40), quote(3 * S, HYPER, MID, 31, MID + 10, 40)]
    frames.append(quote(5 * S, HYPER, MID, 31, MID + 10, 41))
    orders = [order(ts * S, HYPER, BUY, MID + 20, 30, ts) for ts in (2, 4, 6)]
    assert fills(replies(venues(frames), 9 * S, orders)) == [(2, MID + 10, 30), (4, MID + 10, 10), (6, MID + 10, 30)]


def test_no_more_orders_rest_than_fit() -> None:
    orders = [order(2 * S, LINEAR, BUY, MID - 1, 1, k, tif=GTC) for k in range(1, MAX_RESTING + 3)]
    rows = replies(venues(CALM), 9 * S, orders)
    refused = rows[rows["kind"] == REJECTED]
    assert refused["id"].tolist() == [MAX_RESTING + 1, MAX_RESTING + 2]
    assert set(refused["reason"].tolist()) == {Rejection.TOO_MANY_ORDERS}


def test_a_quiet_run_is_never_asked() -> None:
    made = venues(CALM)
    assert made.next_due() == FOREVER
    assert len(made.advance(9 * S)) == 0
    assert made.state[0].cursor.tolist() == [0, 0, 0, 0]


def test_what_left_too_early_or_is_no_order_is_an_error() -> None:
    made = venues(CALM)
    made.send(order(2 * S, LINEAR, BUY, MID + 1, 1, 1)[0])
    made.advance(3 * S)
    with pytest.raises(Refused, match="order 2 left at 2000000000"):
        made.send(order(2 * S, LINEAR, BUY, MID + 1, 1, 2))
    with pytest.raises(Refused, match="kind 106"):
        made.send(order(4 * S, LINEAR, BUY, MID + 1, 1, 2, kind=OutKind.SET_TIMER))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"assets": ("USDT", "BTC")}, "quote asset USD of binance_coinm:BTCUSD_PERP"),
        ({"leverage": (1, 0, 1, 1)}, "leverage 0 of binance_usdm"),
        ({"maker_ppm": (1,)}, "4 instruments with 1 maker"),
        ({"assets": tuple("abcdefghi")}, "9 assets, at most 8"),
    ],
)
def test_a_setup_that_cannot_be_is_refused(wrong, says) -> None:
    with pytest.raises(Refused, match=says):
        new_venues(msgspec.structs.replace(SETUP, **wrong))
