"""Laws of the world behind the served venues: it matches as the simulated venues do, keeps all money, and shows a
book that a client can follow."""

from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_material import E8, HL, MS, SPOT, START, SYMBOL, USDM, VENUES, Ear, HandClock, ask, market, new_world, only

from crossbook.commands import OutKind
from crossbook.events import FLAG_MAKER, EventKind
from crossbook.rules.layout import OUT
from crossbook.sim.latency import Constant, LatencyModel, Leg
from crossbook.sim.venue import SimulatedVenues
from crossbook.types import InstrumentKind, Side, Venue
from crossbook.venues.served.accounts import make_accounts
from crossbook.venues.served.facts import Depth, Fill, IncomeKind, Marked, OrderKind, Printed, Status, Wait
from crossbook.venues.served.order_entry import terms
from crossbook.venues.served.source import Piece, SeedSource, TapeSource
from crossbook.venues.served.world import World, _assets, _setup

STEP = st.fixed_dictionaries(
    {
        "after_ms": st.integers(1, 900),
        "venue": st.sampled_from(VENUES),
        "side": st.sampled_from(Side),
        "lots": st.integers(1, 40),
        "away_bp": st.integers(-6, 6),
        "wait": st.sampled_from([Wait.GTC, Wait.GTC, Wait.IOC, Wait.POST_ONLY, Wait.FOK]),
        "reduce_only": st.booleans(),
        "cancel": st.booleans(),
    }
)
STEPS = st.lists(STEP, min_size=1, max_size=14)
UNIT = {SPOT: E8 // 100, USDM: E8 // 100, HL: E8 // 100}


def play(steps: list[dict[str, Any]]) -> tuple[World, list[tuple[int, Any, Any]]]:
    """Trade in a world; also what was asked, with its time."""
    world, clock = new_world()
    trader = only(world)
    asked: list[tuple[int, Any, Any]] = []
    for step in steps:
        clock.time_ns += step["after_ms"] * MS
        request = ask(
            world, step["venue"], step["side"], step["lots"] * UNIT[step["venue"]], away_bp=step["away_bp"],
            wait=step["wait"], reduce_only=step["reduce_only"] and step["venue"] is not SPOT,
        )  # fmt: skip
        order = trader.submit(request)
        asked.append((clock.time_ns, request, order))
        if step["cancel"]:
            asked += [(clock.time_ns, None, one) for one in trader.cancel_all(step["venue"])]
    clock.time_ns += 500 * MS
    world.tick(clock.time_ns)
    return world, asked


@settings(max_examples=25)
@given(STEPS)
def test_fills_are_those_of_the_simulated_venues_at_no_latency(steps: list[dict[str, Any]]) -> None:
    world, asked = play(steps)
    trader = only(world)
    instruments, rows, starts = market()
    source = TapeSource(instruments, rows, starts, START)
    pieces: list[Piece] = []
    while not pieces or pieces[-1].end_ns < world.now_ns:
        pieces.append(source.piece())
    all_rows = np.concatenate([piece.rows for piece in pieces])
    sizes = np.concatenate([np.diff(piece.starts) for piece in pieces])
    account, assets = trader.account, _assets(instruments, [trader.account])
    none = Leg(entry=Constant(0), response=Constant(0))
    venues = SimulatedVenues(
        _setup(instruments, account, assets),
        all_rows,
        np.concatenate(([0], np.cumsum(sizes))),
        LatencyModel(0, dict.fromkeys(Venue, none)),
    )
    for venue, money in account.balances.items():
        for asset, amount in money.items():
            venues.transfer(venue, assets.index(asset), amount)
    replies = []
    for ts, request, order in asked:
        while venues.next_due() < ts:
            replies += venues.advance(venues.next_due()).tolist()
        row = np.zeros(1, OUT)
        out = row[0]
        out.ts, out.order, out.strategy, out.venue, out.instrument = ts, order.number, -1, order.venue, order.instrument
        out.kind = int(OutKind.CANCEL_ORDER if request is None else OutKind.SUBMIT_ORDER)
        if request is not None:
            instrument = instruments[order.instrument]
            out.side, (out.tif, out.flags) = int(order.side), terms(request)
            out.price, out.lots = request.price_e8 // instrument.tick_e8, request.quantity_e8 // instrument.lot_e8
        venues.send(row)
        replies += venues.advance(ts).tolist()
    while venues.next_due() <= world.now_ns:
        replies += venues.advance(venues.next_due()).tolist()

    theirs = Counter(
        (r[1], r[9], r[13], r[2], r[3], r[5], bool(r[14] & FLAG_MAKER))
        for r in replies
        if r[8] == EventKind.ORDER_FILLED
    )
    ours: Counter[Any] = Counter()
    for venue in VENUES:
        for fill in trader.fills(venue):
            one = instruments[fill.instrument]
            ours[
                fill.time_ns, fill.instrument, int(fill.side), fill.price_e8 // one.tick_e8,
                fill.quantity_e8 // one.lot_e8, fill.fee_e8, fill.maker,
            ] += 1  # fmt: skip
    assert ours == theirs
    assert (trader.state[0].balances == venues.state[0].balances).all()
    assert (trader.state[0].net == venues.state[0].net).all()


@settings(max_examples=25)
@given(STEPS)
def test_money_is_conserved(steps: list[dict[str, Any]]) -> None:
    world, _ = play(steps)
    trader = only(world)
    opening = trader.account.balances
    for venue in VENUES:
        fills, expected = trader.fills(venue), Counter[str](opening[venue])
        costs: Counter[str] = Counter()
        for fill in fills:
            one = world.instruments[fill.instrument]
            sign = 1 if fill.side is Side.BUY else -1
            expected[fill.fee_asset] -= fill.fee_e8
            if one.kind is InstrumentKind.SPOT:
                expected[one.base] += sign * fill.quantity_e8
                expected[one.quote] -= sign * fill.notional_e8
            else:
                expected[one.settle] += fill.realized_e8
                costs[one.settle] += sign * fill.notional_e8 + fill.realized_e8
        for funding in trader.income(venue, kind=IncomeKind.FUNDING):
            expected[funding.asset] += funding.amount_e8
        positions = trader.positions(venue)
        for balance in trader.balances(venue):
            assert balance.total_e8 == expected[balance.asset]
            settled = [p for p in positions if world.instruments[p.instrument].settle == balance.asset]
            assert balance.equity_e8 == balance.total_e8 + sum(p.unrealized_e8 for p in settled)
            assert sum(p.cost_e8 for p in settled) == costs[balance.asset]
            if venue is SPOT:
                held = sum(held_by(world, order, balance.asset) for order in trader.open_orders(SPOT))
                assert balance.locked_e8 == held <= balance.total_e8
                assert balance.free_e8 + balance.locked_e8 == balance.total_e8
        for position in positions:
            net = sum(f.quantity_e8 * (1 if f.side is Side.BUY else -1) for f in fills if f.symbol == position.symbol)
            assert position.quantity_e8 == net
            assert position.entry_price * net == position.cost_e8


def held_by(world: World, order: Any, asset: str) -> int:
    one = world.instruments[order.instrument]
    if order.side is Side.BUY:
        return order.price_e8 * order.open_e8 // E8 if one.quote == asset else 0
    return int(order.open_e8) if one.base == asset else 0


@settings(max_examples=25)
@given(STEPS)
def test_an_order_is_the_sum_of_its_fills_and_ends_once(steps: list[dict[str, Any]]) -> None:
    world, clock = new_world()
    trader, ear = only(world), Ear()
    for venue in VENUES:
        trader.subscribe(venue, ear)
    for step in steps:
        clock.time_ns += step["after_ms"] * MS
        trader.submit(ask(world, step["venue"], step["side"], step["lots"] * UNIT[step["venue"]],
                          away_bp=step["away_bp"], wait=step["wait"]))  # fmt: skip
    clock.time_ns += 2_000 * MS
    world.tick(clock.time_ns)
    numbers = [event.sequence for event in ear.account]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [event.time_ns for event in ear.account] == sorted(event.time_ns for event in ear.account)
    told = Counter(event.fill.trade_id for event in ear.account if getattr(event, "fill", None) is not None)  # type: ignore[attr-defined]
    fills: list[Fill] = []
    for venue in VENUES:
        fills += trader.fills(venue)
        opened = {order.venue_order_id for order in trader.open_orders(venue)}
        for order in trader.orders(venue):
            assert order.filled_e8 == sum(f.quantity_e8 for f in order.fills) <= order.quantity_e8
            assert order.notional_e8 == sum(f.notional_e8 for f in order.fills)
            assert order.is_open == (order.venue_order_id in opened)
            assert (order.status is Status.FILLED) == (order.open_e8 == 0)
            if order.request.wait is Wait.FOK:
                assert order.filled_e8 in (0, order.quantity_e8) and not order.is_open
            if order.request.wait is Wait.POST_ONLY:
                assert all(f.maker for f in order.fills)
            if order.request.wait is Wait.IOC:
                assert not order.is_open and not any(f.maker for f in order.fills)
    assert told == Counter(fill.trade_id for fill in fills)
    assert all(n == 1 for n in told.values())


@pytest.mark.parametrize("venue", VENUES)
def test_a_client_follows_the_book_over_the_seams(venue: Venue) -> None:
    """The documented algorithms, from the first snapshot on, through three playings of the tape."""
    world, clock = new_world(seconds=5)
    ear = Ear()
    symbol = SYMBOL[venue]
    world.subscribe(venue, ear)
    first = world.book(venue, symbol)
    sides, last = (dict(first.bids), dict(first.asks)), first.last_id
    trades = [one.trade_id for one in world.trades(venue, symbol)]
    for _ in range(150):
        clock.time_ns += 103 * MS
        world.tick(clock.time_ns)
        for event in ear.market:
            if event.symbol != symbol:
                continue
            if isinstance(event, Printed):
                trades.append(event.trade_id)
            if not isinstance(event, Depth):
                continue
            assert event.last_id >= last
            if event.snapshot:
                sides = (dict(event.bids), dict(event.asks))
            else:
                assert event.first_id == last + 1 and event.previous_id == last
                for side, levels in zip(sides, (event.bids, event.asks), strict=True):
                    for price, quantity in levels:
                        side.pop(price, None)
                        if quantity:
                            side[price] = quantity
            last = event.last_id
        ear.market.clear()
        shown = world.book(venue, symbol)
        assert sides == (dict(shown.bids), dict(shown.asks)) and shown.last_id == last
        assert [p for p, _ in shown.bids] == sorted(sides[0], reverse=True)
        assert [p for p, _ in shown.asks] == sorted(sides[1])
    assert len(trades) > 50 and trades == sorted(set(trades))


def test_a_seeds_market_does_not_depend_on_how_it_is_looked_at() -> None:
    def hear(strides: list[int]) -> list[Any]:
        clock, ear = HandClock(), Ear()
        world = World(clock, SeedSource(5, START), tuple(make_accounts(1)))
        for venue in VENUES:
            world.subscribe(venue, ear)
        while clock.time_ns < START + 6_000 * MS:
            clock.time_ns += strides[len(ear.market) % len(strides)] * MS
            world.tick(min(clock.time_ns, START + 6_000 * MS))
        return [event for event in ear.market if not isinstance(event, Marked)]

    assert hear([1, 7]) == hear([500])


def test_market_orders_take_what_is_asked_or_what_there_is() -> None:
    world, _ = new_world()
    trader = only(world)
    order = trader.submit(ask(world, SPOT, Side.BUY, E8 // 2, market_order=True))
    assert order.status is Status.FILLED and order.filled_e8 == E8 // 2
    book = world.book(USDM, "BTCUSDT")
    much = trader.submit(ask(world, USDM, Side.SELL, 30 * E8, market_order=True))
    there = sum(q for p, q in book.bids if p >= much.price_e8)
    assert much.filled_e8 == min(there, 30 * E8) and not much.is_open


def test_a_market_order_for_an_amount_of_quote_spends_no_more() -> None:
    world, _ = new_world()
    request = ask(world, SPOT, Side.BUY, 0, market_order=True)
    from msgspec.structs import replace

    order = only(world).submit(replace(request, quote_amount_e8=20_000 * E8))
    lot_cost = order.price_e8 * world.instrument(SPOT, "BTCUSDT").lot_e8 // E8
    assert 20_000 * E8 - lot_cost < order.notional_e8 <= 20_000 * E8 and order.request.kind is OrderKind.MARKET
    assert Decimal(order.filled_e8) == sum(f.quantity_e8 for f in order.fills)
