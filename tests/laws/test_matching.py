"""Laws of matching: a naive market is the oracle; nothing is taken twice, beyond its limit, or before its turn."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_tape import (
    ALO,
    ASSETS,
    BTC,
    BUY,
    E8,
    GTC,
    INSTRUMENTS,
    INVERSE,
    LINEAR,
    MAKER,
    MS,
    SELL,
    SPOT,
    TAKER,
    USDT,
    S,
    depth,
    fills,
    kinds,
    latency,
    order,
    replies,
    trade,
    venues,
)

from crossbook.events import EventKind, Rejection
from crossbook.rules.fees import fee_e8
from crossbook.rules.value import coin_e8, half_even, scale_e8, scale_half_even_e8

MID = 600_000
lots = st.integers(1, 50)
levels = st.lists(st.tuples(st.integers(1, 12), lots), min_size=1, max_size=8, unique_by=lambda level: level[0])
books = st.tuples(levels, levels)
takers = st.tuples(st.sampled_from([BUY, SELL]), st.integers(-12, 14), st.integers(1, 120))
steps = st.lists(st.one_of(books, takers), min_size=1, max_size=12)


def sided(book):
    """(bids, asks) around MID from distances."""
    bids, asks = book
    return [(MID - far, n) for far, n in bids], [(MID + far, n) for far, n in asks]


def half_even_exactly(value: Fraction) -> int:
    return round(value)  # Python's round of a Fraction is half-even


class NaiveMarket:
    """One instrument's displayed lots as two dicts; an IOC takes from them what the venue has not restated."""

    def __init__(self):
        self.shown = ({}, {})
        self.used = (defaultdict(int), defaultdict(int))

    def restate(self, book):
        for side, said in enumerate(sided(book)):
            said = dict(said)
            for price, count in self.shown[side].items():
                if said.get(price) != count:
                    self.used[side][price] = 0
            self.shown[side].clear()
            self.shown[side].update(said)

    def take(self, side, limit, wanted):
        far, got = 1 - side, []
        for price in sorted(self.shown[far], reverse=far == 0):
            if (price > limit) if side == BUY else (price < limit):
                break
            count = min(wanted, self.shown[far][price] - self.used[far][price])
            if count > 0:
                self.used[far][price] += count
                wanted -= count
                got.append((price, count))
        return got


@pytest.mark.jit_off
@settings(max_examples=40)
@given(start=books, script=steps)
def test_an_ioc_takes_what_a_naive_market_gives(start, script) -> None:
    frames, commands, naive, expected = [depth(S, LINEAR, *sided(start))], [], NaiveMarket(), []
    naive.restate(start)
    for k, step in enumerate(script, 1):
        ts = S + k * 10 * MS
        if len(step) == 2:
            frames.append(depth(ts, LINEAR, *sided(step)))
            naive.restate(step)
        else:
            side, far, count = step
            limit = MID + far if side == BUY else MID - far
            commands.append(order(ts, LINEAR, side, limit, count, k))
            taken = naive.take(side, limit, count)
            expected += [(k, *fill) for fill in taken]
    made = venues(frames, latency(0, 0))
    rows = replies(made, 10 * S, commands)
    assert fills(rows) == expected
    for command in commands:
        mine = rows[rows["id"] == command["order"][0]]
        assert mine["kind"][0] == EventKind.ORDER_ACCEPTED
        ended = mine[mine["kind"] == EventKind.ORDER_EXPIRED]["lots"].sum()
        assert sum(n for k, _, n in expected if k == command["order"][0]) + ended == command["lots"][0]


@settings(max_examples=40)
@given(book=books, first=lots, second=lots)
def test_two_orders_never_share_a_lot_until_the_venue_restates_it(book, first, second) -> None:
    bids, asks = sided(book)
    shown = sum(count for _, count in asks)
    best = min(asks)
    restated = [(best[0], best[1] + 1), *sorted(asks)[1:]]
    frames = [
        depth(S, LINEAR, bids, asks),
        depth(S + 30 * MS, LINEAR, bids, asks),
        depth(2 * S, LINEAR, bids, restated),
    ]
    orders = [order(S + 10 * MS, LINEAR, BUY, MID + 20, first, 1), order(S + 40 * MS, LINEAR, BUY, MID + 20, second, 2)]
    orders.append(order(3 * S, LINEAR, BUY, best[0], 10_000, 3))
    got = fills(replies(venues(frames), 9 * S, orders))
    assert sum(n for k, _, n in got if k < 3) == min(first + second, shown)
    assert [n for k, _, n in got if k == 3] == [best[1] + 1]


deals = st.lists(
    st.tuples(
        st.sampled_from([SPOT, LINEAR, INVERSE]),
        st.sampled_from([BUY, SELL]),
        st.integers(-900, 900),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=15,
)


@pytest.mark.jit_off
@settings(max_examples=40)
@given(script=deals)
def test_money_is_what_exact_fractions_say(script) -> None:
    """Spot and linear balances exactly, inverse ones within half of 1e-8 a fill; equity from average-free cash."""
    frames, commands = [], []
    middle = {SPOT: 6_000_000, LINEAR: MID, INVERSE: MID}
    for k, (i, side, move, count) in enumerate(script, 1):
        bid = middle[i] + move
        frames.append(depth(k * S, i, [(bid - far, 90) for far in range(8)], [(bid + 1 + far, 90) for far in range(8)]))
        price = bid + 20 if side == BUY else bid - 20
        commands.append(order(k * S + MS, i, side, price, count + 90 * (i == SPOT), k))
    made = venues(frames)
    rows = replies(made, 100 * S, commands)
    money = defaultdict(Fraction)
    net = defaultdict(int)
    inverse_fills = 0
    for fill in rows[rows["kind"] == EventKind.ORDER_FILLED]:
        i, count, ticks, sign = fill["instrument"], int(fill["lots"]), int(fill["price"]), 1 - 2 * int(fill["side"])
        traded, venue = INSTRUMENTS[i], int(INSTRUMENTS[i].venue)
        net[i] += sign * count
        if i == INVERSE:
            inverse_fills += 1
            value = Fraction(count * traded.contract_e8 * E8, ticks * traded.tick_e8)
            money[venue, BTC] += sign * value
            assert fill["lots2"] == -(-half_even_exactly(value) * TAKER[i] // 10**6)
        else:
            value = Fraction(ticks * traded.tick_e8 * count * traded.lot_e8, E8)
            money[venue, USDT] -= sign * value
            paid = count * traded.lot_e8 if i == SPOT and sign == 1 else value
            assert fill["lots2"] == -(-paid * TAKER[i] // 10**6)
        if i == SPOT:
            money[venue, BTC] += sign * count * traded.lot_e8
        money[venue, int(fill["asset"])] -= int(fill["lots2"])
    told = made.reports(100 * S)
    for report in told[told["kind"] == EventKind.BALANCE_REPORT]:
        place = int(report["venue"]), int(report["asset"])
        opened = 10**17 if place in ((0, USDT), (0, BTC), (1, USDT), (2, BTC), (3, ASSETS.index("USDC"))) else 0
        error = abs(int(report["lots"]) - opened - money[place])
        assert error <= (Fraction(inverse_fills, 2) if place == (2, BTC) else 0)
    for report in told[told["kind"] == EventKind.POSITION_REPORT]:
        assert report["lots"] == net[int(report["instrument"])]


prints = st.lists(st.tuples(st.integers(-1, 1), lots), max_size=8)


@pytest.mark.jit_off
@settings(max_examples=50)
@given(ahead=lots, mine=lots, script=prints)
def test_a_resting_order_fills_in_its_turn_and_not_before(ahead, mine, script) -> None:
    """At its price: only what traded beyond the queue. Through its price: at once. Above it: never."""
    frames = [depth(S, LINEAR, [(MID - 1, ahead), (MID - 2, 5)], [(MID + 1, 9)])]
    frames += [trade(S + (k + 2) * MS, LINEAR, SELL, MID - 1 + move, count) for k, (move, count) in enumerate(script)]
    made = venues(frames, latency(0, 0))
    rows = replies(made, 9 * S, [order(S, LINEAR, BUY, MID - 1, mine, 1, tif=GTC)])
    queue, left, expected = ahead, mine, []
    for move, count in script:
        if move == 1:
            continue
        queue, got = (max(queue - count, 0), max(count - queue, 0)) if move == 0 else (0, count)
        got = min(got, left)
        left -= got
        if got:
            expected.append((1, MID - 1, got))
    assert fills(rows) == expected
    filled = rows[rows["kind"] == EventKind.ORDER_FILLED]
    assert all(filled["flags"] & 2)
    assert all(
        fee == fee_e8(n * 10**4 * (MID - 1), MAKER[LINEAR])
        for fee, n in zip(filled["lots2"], filled["lots"], strict=True)
    )


@settings(max_examples=30)
@given(script=st.lists(st.tuples(lots, lots), min_size=2, max_size=2), traded=st.lists(lots, max_size=6))
def test_two_resting_orders_get_no_more_than_traded(script, traded) -> None:
    (ahead, one), (_, two) = script
    frames = [depth(S, LINEAR, [(MID - 1, ahead)], [(MID + 1, 9)])]
    frames += [trade(S + (k + 2) * MS, LINEAR, SELL, MID - 1, count) for k, count in enumerate(traded)]
    orders = [order(S, LINEAR, BUY, MID - 1, one, 1, tif=GTC), order(S, LINEAR, BUY, MID - 1, two, 2, tif=ALO)]
    got = fills(replies(venues(frames, latency(0, 0)), 9 * S, orders))
    beyond = max(sum(traded) - ahead, 0)
    assert sum(n for k, _, n in got if k == 1) == min(beyond, one)
    assert sum(n for *_, n in got) <= min(beyond, one + two)


@settings(max_examples=25)
@given(start=books, script=steps, extra=st.lists(st.integers(0, 200), max_size=10))
def test_the_same_run_gives_the_same_bytes_however_often_it_is_asked(start, script, extra) -> None:
    frames, commands = [depth(S, LINEAR, *sided(start)), depth(S, INVERSE, *sided(start))], []
    for k, step in enumerate(script, 1):
        ts = S + k * 10 * MS
        if len(step) == 2:
            frames.append(depth(ts, LINEAR, *sided(step)))
            frames.append(trade(ts + MS, INVERSE, k % 2, MID, 5))
        else:
            side, far, count = step
            tif = (0, GTC, ALO)[k % 3]
            limit = MID + far if side == BUY else MID - far
            commands.append(order(ts, LINEAR if k % 2 else INVERSE, side, limit, count, k, tif=tif))
    frames.sort(key=lambda frame: frame[0]["ts"])
    once = replies(venues(frames), 9 * S, commands)
    made, again, waiting = venues(frames), [], list(commands)
    for ts in sorted({S + 10 * MS * k for k in range(1, 14)} | {S + at * MS for at in extra}):
        while waiting and waiting[0]["ts"][0] <= ts:
            again.append(replies(made, int(waiting[0]["ts"][0])))
            made.send(waiting.pop(0))
        again.append(replies(made, ts))
    again.append(replies(made, 9 * S))
    assert b"".join(part.tobytes() for part in again) == once.tobytes()


@given(st.integers(0, 2**62), st.integers(-10_000, 10_000))
def test_a_fee_is_rounded_up_and_a_rebate_down(amount, ppm) -> None:
    if abs(amount * ppm) < 2**62 * 10**6:
        assert fee_e8(amount, ppm) == -(-amount * ppm // 10**6)


@pytest.mark.jit_off
@given(st.integers(-(2**40), 2**40), st.integers(1, 2**45), st.integers(-(10**8), 10**8))
def test_scaling_is_exact_before_it_rounds(amount, price, rate) -> None:
    assert half_even(amount, price) == half_even_exactly(Fraction(amount, price))
    assert scale_e8(amount, price) == amount * price // E8
    assert scale_half_even_e8(amount, rate) == half_even_exactly(Fraction(amount * rate, E8))
    exact = half_even_exactly(Fraction(amount * E8, price))
    if abs(exact) < 2**62:
        assert coin_e8(amount, price) == exact


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_ties_go_to_the_even_one(whole, other) -> None:
    amount = whole * E8 + E8 // 2
    assert scale_half_even_e8(amount, E8) == amount
    assert scale_half_even_e8(2 * whole + 1, E8 // 2 + other * E8) == half_even_exactly(
        Fraction((2 * whole + 1) * (E8 // 2 + other * E8), E8)
    )


def test_an_order_of_no_instrument_of_the_venue_is_refused() -> None:
    made = venues([depth(S, LINEAR, [(MID, 1)], [(MID + 1, 1)])])
    rows = replies(made, 9 * S, [order(2 * S, LINEAR, BUY, MID, 1, 1, venue=0)])
    assert kinds(rows) == [EventKind.ORDER_REJECTED]
    assert rows["reason"][0] == Rejection.UNKNOWN_INSTRUMENT
