"""Accounts at the simulated venues by example: fees, funding at its stamps, liquidation."""

import numpy as np
import pytest
from venue_tape import (
    BTC,
    BUY,
    E8,
    INVERSE,
    LINEAR,
    MS,
    SELL,
    SETUP,
    SPOT,
    USDT,
    S,
    depth,
    fills,
    funding,
    latency,
    order,
    quote,
    replies,
    tape,
    venues,
)

from crossbook.events import EventKind
from crossbook.sim.accounts import equity_e8, maintenance_e8
from crossbook.sim.venue import SimulatedVenues

MID = 600_000
CALM = [depth(S, i, [(MID, 90)], [(MID + 1, 90)]) for i in (LINEAR, INVERSE)]


@pytest.mark.jit_off
def test_a_spot_buy_pays_its_fee_in_the_coin_received() -> None:
    made = venues([depth(S, SPOT, [(6_000_000, 10)], [(6_000_001, 1000)])])
    rows = replies(made, 9 * S, [order(2 * S, SPOT, BUY, 6_000_001, 333, 1)])
    fill = rows[rows["kind"] == EventKind.ORDER_FILLED][0]
    assert (fill["asset"], fill["lots2"]) == (BTC, 333)
    assert made.state[0].balances[0, BTC] == 10**17 + 333_000 - 333
    assert made.state[0].balances[0, USDT] == 10**17 - 333 * 6_000_001 * 10


@pytest.mark.jit_off
@pytest.mark.parametrize(("mark_e8", "used"), [(61_000 * E8 + 7, 61_000 * E8 + 7), (0, (2 * MID + 1) * 10**7 // 2)])
def test_funding_is_paid_at_its_stamp_on_the_position_then_held(mark_e8, used) -> None:
    frames = [*CALM, funding(3 * S, LINEAR, 12_345, mark_e8), funding(3 * S, INVERSE, 12_345, mark_e8)]
    orders = [order(2 * S, LINEAR, BUY, MID + 1, 7, 1), order(2 * S, INVERSE, SELL, MID, 11, 2)]
    orders.append(order(3 * S, LINEAR, BUY, MID + 1, 7, 3))
    made = venues(frames)
    rows = replies(made, 9 * S, orders)
    paid = rows[rows["kind"] == EventKind.FUNDING_PAID]
    assert paid["ts_venue"].tolist() == [3 * S] * 2
    assert paid["ts"].tolist() == [3 * S + MS // 2] * 2
    assert paid["price"].tolist() == [used] * 2
    assert paid["strategy"].tolist() == [-1] * 2
    linear = -round(7 * 10**5 * used // E8 * 12_345 / E8)
    coin = round(round(11 * 10**10 * E8 / used) * 12_345 / E8)
    assert sorted(paid["lots"].tolist()) == sorted([linear, coin])


def test_funding_is_due_without_any_order() -> None:
    made = venues([*CALM, funding(3 * S, LINEAR, 100)])
    assert made.next_due() == 3 * S
    assert len(made.advance(3 * S)) == 0


def test_an_inverse_long_gains_coin_as_the_price_rises() -> None:
    """100 contracts of 100 USD from 50,000 to 62,500: 10,000 x (1/50,000 - 1/62,500) = 0.04 BTC."""
    frames = [
        depth(S, INVERSE, [(499_999, 90)], [(500_000, 100)]),
        depth(3 * S, INVERSE, [(625_000, 100)], [(625_001, 9)]),
    ]
    made = venues(frames)
    rows = replies(made, 3 * S, [order(2 * S, INVERSE, BUY, 500_000, 100, 1)])
    cost = round(10_000 * E8 * 10 / 500_000)
    worth = round(10_000 * E8 * 20 / (625_000 + 625_001))
    made.advance(4 * S)
    assert equity_e8(made.state[0], 2, BTC) == 10**17 + cost - worth - rows["lots2"].sum()
    closing = replies(made, 9 * S, [order(4 * S, INVERSE, SELL, 625_000, 100, 2)])
    rows = np.concatenate([rows, closing])
    fees = rows[rows["kind"] == EventKind.ORDER_FILLED]["lots2"].sum()
    assert made.state[0].balances[2, BTC] == 10**17 + 4_000_000 - fees


def pool(frames, usdt):
    made = SimulatedVenues(SETUP, *tape(frames), latency())
    made.transfer(1, USDT, usdt * E8)
    return made


@pytest.mark.jit_off
def test_a_position_below_maintenance_is_closed_into_the_book_from_those_who_hold_it() -> None:
    """80 lots of 0.001 BTC at 60,000 on 500 USDT: at 54,000 nothing is left of it."""
    fall = depth(3 * S + 5, LINEAR, [(540_000, 30), (539_000, 90)], [(540_001, 90)])
    made = pool([*CALM, fall], 500)
    orders = [
        order(2 * S, LINEAR, BUY, MID + 1, 50, 1, strategy=1),
        order(2 * S, LINEAR, SELL, MID, 10, 2, strategy=2),
        order(2 * S, LINEAR, BUY, MID + 1, 40, 3, strategy=4),
    ]
    assert len(fills(replies(made, 3 * S, orders))) == 3
    rows = replies(made, 9 * S)
    assert set(rows["kind"].tolist()) == {EventKind.FORCED_CLOSE}
    assert rows["ts_venue"].tolist() == [4 * S] * 3
    assert rows[["strategy", "price", "lots"]].tolist() == [(1, 540_000, 30), (1, 539_000, 20), (4, 539_000, 30)]
    assert rows["lots2"].tolist() == [30 * 540_000 * 5, 20 * 539_000 * 5, 30 * 539_000 * 5]
    s = made.state[0]
    assert s.net[LINEAR] == 0
    assert s.positions[:, LINEAR].tolist() == [0, 0, -10, 0, 10, 0, 0, 0]


def test_what_is_solvent_is_left_alone() -> None:
    fall = depth(3 * S + 5, LINEAR, [(560_000, 30)], [(560_001, 90)])
    made = pool([*CALM, fall], 500)
    replies(made, 9 * S, [order(2 * S, LINEAR, BUY, MID + 1, 80, 1)])
    s = made.state[0]
    assert s.net[LINEAR] == 80
    assert equity_e8(s, 1, USDT) >= maintenance_e8(s, 1, USDT) > 0


def test_a_liquidation_the_book_cannot_take_goes_on_when_it_can() -> None:
    frames = [*CALM, quote(3 * S, LINEAR, 540_000, 30, 540_001, 5), quote(6 * S, LINEAR, 540_000, 60, 540_001, 5)]
    made = pool(frames, 500)
    rows = replies(made, 9 * S, [order(2 * S, LINEAR, BUY, MID + 1, 80, 1)])
    closed = rows[rows["kind"] == EventKind.FORCED_CLOSE]
    assert closed["lots"].tolist() == [30, 50]
    assert closed["ts_venue"].tolist() == [3 * S, 6 * S]


def test_reports_say_what_is_held() -> None:
    made = venues(CALM)
    replies(made, 3 * S, [order(2 * S, LINEAR, BUY, MID + 1, 7, 1)])
    told = made.reports(5 * S)
    assert np.all(told["ts"] == 5 * S)
    net = told[told["kind"] == EventKind.POSITION_REPORT]
    assert net["lots"].tolist() == [0, 7, 0, 0]
    cash = told[(told["kind"] == EventKind.BALANCE_REPORT) & (told["venue"] == 1)]
    cost = 7 * (MID + 1) * 10**4
    assert cash["lots"].tolist() == [10**17 - cost - -(-cost * 500 // 10**6)]
