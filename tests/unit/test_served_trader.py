"""What a client can do at the served venues, order by order."""

import pytest
from msgspec.structs import replace
from served_material import E8, HL, MS, SPOT, SYMBOL, USDM, VENUES, Ear, S, ask, new_world, only

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.rules.layout import MAX_VENUES
from crossbook.types import Side, Venue
from crossbook.venues.served.accounts import Account, make_accounts
from crossbook.venues.served.facts import (
    Change,
    DuplicateOrder,
    FundingPaid,
    IncomeKind,
    LeverageSet,
    Liquidated,
    OrderChanged,
    OrderRequest,
    Status,
    TradingChanged,
    Transferred,
    UnknownOrder,
    Wait,
)

BUY, SELL = Side.BUY, Side.SELL
TENTH = E8 // 10


def test_a_fok_trades_all_or_nothing() -> None:
    world, _ = new_world()
    trader = only(world)
    book = world.book(USDM, "BTCUSDT")
    limit, there = book.asks[2][0], sum(q for _, q in book.asks[:3])
    lot = world.instrument(USDM, "BTCUSDT").lot_e8
    request = replace(ask(world, USDM, BUY, there + lot, wait=Wait.FOK), price_e8=limit)
    refused = trader.submit(request)
    assert (refused.status, refused.filled_e8, refused.fills) == (Status.EXPIRED, 0, [])
    filled = trader.submit(replace(request, quantity_e8=there))
    assert (filled.status, len(filled.fills)) == (Status.FILLED, 3)


def test_post_only_rests_or_is_refused() -> None:
    world, _ = new_world()
    trader = only(world)
    taking = trader.submit(ask(world, HL, BUY, TENTH, away_bp=1, wait=Wait.POST_ONLY))
    assert (taking.status, taking.reason, taking.venue_order_id) == (Status.REJECTED, Rejection.WOULD_TAKE, 0)
    assert trader.submit(ask(world, HL, BUY, TENTH, away_bp=-20, wait=Wait.POST_ONLY)).status is Status.NEW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price_e8": 6_000_000_000_001}, Rejection.PRICE_FILTER),
        ({"price_e8": -E8}, Rejection.PRICE_FILTER),
        ({"price_e8": 1 << 90}, Rejection.PRICE_FILTER),
        ({"quantity_e8": 1}, Rejection.LOT_FILTER),
        ({"quantity_e8": 0}, Rejection.LOT_FILTER),
        ({"quantity_e8": 10**30}, Rejection.LOT_FILTER),
        ({"quantity_e8": E8 // 1000}, Rejection.MIN_NOTIONAL),
        ({"price_e8": 10_000 * E8}, Rejection.PRICE_BAND),
        ({"reduce_only": True}, Rejection.REDUCE_ONLY),
        ({"quantity_e8": 500 * E8}, Rejection.INSUFFICIENT_MARGIN),
        ({"symbol": "NOSUCH"}, Rejection.UNKNOWN_INSTRUMENT),
    ],
)
def test_a_refusal_has_its_reason(change: dict[str, object], reason: Rejection) -> None:
    world, _ = new_world()
    trader, ear = only(world), Ear()
    trader.subscribe(USDM, ear)
    request = replace(ask(world, USDM, SELL, TENTH, away_bp=-2), **change)
    order = trader.submit(request)
    assert (order.status, order.reason) == (Status.REJECTED, reason)
    assert trader.open_orders(USDM) == trader.orders(USDM) == []
    assert [event.change for event in ear.account if isinstance(event, OrderChanged)] == [Change.REJECTED]


def test_spot_orders_lock_what_they_may_spend() -> None:
    world, _ = new_world()
    trader = only(world)
    order = trader.submit(ask(world, SPOT, BUY, E8, away_bp=-50))
    usdt = trader.balance(SPOT, "USDT")
    assert usdt.locked_e8 == order.price_e8 and usdt.free_e8 == usdt.total_e8 - order.price_e8
    assert trader.submit(ask(world, SPOT, BUY, E8, away_bp=-50)).reason is Rejection.INSUFFICIENT_BALANCE
    trader.cancel(SPOT, venue_order_id=order.venue_order_id)
    assert trader.balance(SPOT, "USDT").locked_e8 == 0


def test_orders_are_found_and_taken_back_by_either_id() -> None:
    world, clock = new_world()
    trader = only(world)
    one = trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30, client="one"))
    with pytest.raises(DuplicateOrder, match="one"):
        trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30, client="one"))
    assert trader.order(USDM, client_order_id="one") is one is trader.order(USDM, venue_order_id=one.venue_order_id)
    assert trader.submit(ask(world, HL, BUY, TENTH, away_bp=-30, client="one")).status is Status.NEW
    clock.time_ns += 50 * MS
    assert trader.cancel(USDM, client_order_id="one").status is Status.CANCELED
    assert one.updated_ns == clock.time_ns > one.created_ns
    with pytest.raises(UnknownOrder, match="canceled already"):
        trader.cancel(USDM, client_order_id="one")
    with pytest.raises(UnknownOrder, match="no order 77"):
        trader.cancel(USDM, venue_order_id=77)
    again = trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30, client="one"))
    assert trader.order(USDM, client_order_id="one") is again
    assert trader.orders(USDM) == [one, again] and trader.open_orders(USDM) == [again]


def test_cancel_all_is_by_venue_or_symbol() -> None:
    world, _ = new_world()
    trader = only(world)
    for venue in VENUES:
        trader.submit(ask(world, venue, BUY, TENTH, away_bp=-30))
    eth = world.quote(USDM, "ETHUSDT").bid_e8 * 99 // 100 // E8 * E8
    trader.submit(OrderRequest(venue=USDM, symbol="ETHUSDT", side=BUY, quantity_e8=E8, price_e8=eth))
    assert [one.symbol for one in trader.cancel_all(USDM, "ETHUSDT")] == ["ETHUSDT"]
    assert [one.status for one in trader.cancel_all(USDM)] == [Status.CANCELED]
    assert trader.cancel_all(USDM) == [] and len(trader.open_orders(SPOT)) == len(trader.open_orders(HL)) == 1


def test_modify_keeps_ids_and_fills_or_changes_nothing() -> None:
    world, clock = new_world()
    trader, ear = only(world), Ear()
    order = trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30, client="m"))
    first = order.venue_order_id
    before = trader.state[0].resting.copy(), trader.state[0].next_id.copy()
    trader.subscribe(USDM, ear)
    taking = ask(world, USDM, BUY, TENTH, away_bp=2, wait=Wait.POST_ONLY, client="m")
    bad = trader.modify(USDM, client_order_id="m", request=taking, keep_id=True)
    assert (bad.status, bad.reason) == (Status.REJECTED, Rejection.WOULD_TAKE) and ear.account == []
    assert order.is_open and (trader.state[0].resting == before[0]).all()
    assert (trader.state[0].next_id == before[1]).all()
    clock.time_ns += MS
    moved = trader.modify(
        USDM, client_order_id="m", request=ask(world, USDM, BUY, 2 * TENTH, away_bp=-20, client="m"), keep_id=True
    )
    assert moved is order and (order.venue_order_id, order.quantity_e8) == (first, 2 * TENTH)
    assert [e.change for e in ear.account if isinstance(e, OrderChanged)] == [Change.MODIFIED]
    trader.modify(USDM, client_order_id="m", request=ask(world, USDM, BUY, 2 * TENTH, away_bp=3), keep_id=True)
    assert order.status is Status.FILLED and order.filled_e8 == 2 * TENTH
    assert trader.position(USDM, "BTCUSDT").quantity_e8 == 2 * TENTH and trader.open_orders(USDM) == []


def test_modify_below_what_is_filled_cancels() -> None:
    world, _ = new_world()
    trader = only(world)
    book = world.book(USDM, "BTCUSDT")
    request = replace(ask(world, USDM, BUY, book.asks[0][1] + TENTH), price_e8=book.asks[0][0])
    order = trader.submit(request)
    assert order.is_open and order.filled_e8 > 0
    less = replace(request, quantity_e8=order.filled_e8)
    assert trader.modify(USDM, venue_order_id=order.venue_order_id, request=less, keep_id=True) is order
    assert order.status is Status.CANCELED and order.filled_e8 == book.asks[0][1]


def test_modify_as_a_new_order() -> None:
    world, _ = new_world()
    trader, ear = only(world), Ear()
    old = trader.submit(ask(world, HL, BUY, TENTH, away_bp=-30, client="0x1"))
    trader.subscribe(HL, ear)
    new = trader.modify(
        HL, venue_order_id=old.venue_order_id, request=ask(world, HL, BUY, TENTH, away_bp=-25, client="0x1"),
        keep_id=False,
    )  # fmt: skip
    assert old.status is Status.CANCELED and new.is_open and new.venue_order_id > old.venue_order_id
    assert trader.order(HL, client_order_id="0x1") is new and trader.open_orders(HL) == [new]
    assert [e.change for e in ear.account if isinstance(e, OrderChanged)] == [Change.CANCELED, Change.NEW]


def test_shrinking_keeps_the_place_in_the_queue() -> None:
    world, _ = new_world()
    trader = only(world)
    order = trader.submit(ask(world, SPOT, BUY, 2 * TENTH, away_bp=-1))
    row = trader.state[0].resting[0].copy()
    trader.shrink(SPOT, venue_order_id=order.venue_order_id, quantity_e8=TENTH, new_client_order_id="n")
    after = trader.state[0].resting[0]
    assert (after.queue, after.key, after.venue_order) == (row["queue"], row["key"], row["venue_order"])
    assert after.lots * 2 == row["lots"] and order.quantity_e8 == TENTH
    assert trader.order(SPOT, client_order_id="n") is order
    for wrong in (0, TENTH, 3 * TENTH, TENTH // 2 + 1):
        with pytest.raises(Refused, match="quantity"):
            trader.shrink(SPOT, venue_order_id=order.venue_order_id, quantity_e8=wrong)


def test_reduce_only_never_turns_a_position() -> None:
    world, _ = new_world()
    trader = only(world)
    trader.submit(ask(world, HL, BUY, TENTH, market_order=True))
    order = trader.submit(ask(world, HL, SELL, 5 * TENTH, away_bp=3, reduce_only=True, wait=Wait.IOC))
    assert order.filled_e8 == TENTH and order.status is Status.EXPIRED
    assert trader.position(HL, "BTC").quantity_e8 == 0
    assert order.fills[0].start_position_e8 == TENTH


def test_a_countdown_cancels_when_it_is_due_unless_asked_again() -> None:
    world, clock = new_world()
    trader, ear = only(world), Ear()
    order = trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-60))
    other = trader.submit(ask(world, HL, BUY, TENTH, away_bp=-60))
    trader.subscribe(USDM, ear)
    trader.countdown(USDM, "BTCUSDT", 2 * S)
    clock.time_ns += S
    trader.countdown(USDM, "BTCUSDT", 2 * S)
    due = clock.time_ns + 2 * S
    clock.time_ns = due - 1
    world.tick(clock.time_ns)
    assert order.is_open and world.next_due() == due
    clock.time_ns = due + 300 * MS
    world.tick(clock.time_ns)
    assert order.status is Status.CANCELED and ear.account[-1].time_ns == due and other.is_open
    trader.countdown(HL, None, S)
    trader.countdown(HL, None, 0)
    clock.time_ns += 2 * S
    world.tick(clock.time_ns)
    assert other.is_open


def test_leverage_is_by_instrument_and_asked_for() -> None:
    world, _ = new_world()
    trader, ear = only(world), Ear()
    trader.subscribe(USDM, ear)
    trader.set_leverage(USDM, "BTCUSDT", 1)
    assert (trader.leverage(USDM, "BTCUSDT"), trader.leverage(USDM, "ETHUSDT")) == (1, 20)
    assert isinstance(ear.account[0], LeverageSet)
    assert trader.submit(ask(world, USDM, BUY, 2 * E8)).reason is Rejection.INSUFFICIENT_MARGIN
    trader.set_leverage(USDM, "BTCUSDT", 5)
    assert trader.submit(ask(world, USDM, BUY, 2 * E8, away_bp=-5)).status is Status.NEW
    for wrong in (0, 126):
        with pytest.raises(Refused, match="leverage"):
            trader.set_leverage(USDM, "BTCUSDT", wrong)


def test_a_liquidation_is_told_and_is_no_order() -> None:
    poor = Account(name="poor", balances={USDM: {"USDT": 700 * E8}}, leverage=125)
    world, clock = new_world((poor,))
    trader, ear = only(world), Ear()
    trader.subscribe(USDM, ear)
    trader.submit(ask(world, USDM, BUY, E8, market_order=True))
    position = trader.position(USDM, "BTCUSDT")
    assert position.liquidation_price_e8 is not None
    clock.time_ns += 3 * S
    world.tick(clock.time_ns)
    events = [event for event in ear.account if isinstance(event, Liquidated)]
    assert events and trader.position(USDM, "BTCUSDT").quantity_e8 == 0
    fill = events[0].fill
    assert fill.liquidation and fill.side is SELL and fill.client_order_id == f"autoclose-{fill.trade_id}"
    assert fill in trader.fills(USDM) and trader.income(USDM, kind=IncomeKind.LIQUIDATION_FEE)


def test_the_liquidation_price_is_where_equity_meets_maintenance() -> None:
    world, _ = new_world((Account(name="a", balances={USDM: {"USDT": 3_000 * E8}}, leverage=25),))
    trader = only(world)
    for side, quantity in ((BUY, E8), (SELL, 2 * E8)):
        trader.submit(ask(world, USDM, side, quantity, market_order=True))
        position = trader.position(USDM, "BTCUSDT")
        price = position.liquidation_price_e8
        assert price is not None
        equity = trader.balance(USDM, "USDT").total_e8 + position.quantity_e8 * price // E8 - position.cost_e8
        maintenance = abs(position.quantity_e8) * price // E8 * 12_500 // 1_000_000
        assert abs(equity - maintenance) <= 3


def test_funding_is_paid_at_the_stamp() -> None:
    world, clock = new_world(seconds=302)
    trader, ear = only(world), Ear()
    trader.submit(ask(world, USDM, BUY, TENTH, market_order=True))
    trader.subscribe(USDM, ear)
    clock.time_ns += 301 * S
    world.tick(clock.time_ns)
    paid = [event for event in ear.account if isinstance(event, FundingPaid)]
    assert [event.income for event in paid] == trader.income(USDM, kind=IncomeKind.FUNDING)
    (income,) = [event.income for event in paid]
    ((stamp, rate, mark),) = world.fundings(USDM, "BTCUSDT")
    assert (income.time_ns, income.rate_e8, income.position_e8) == (stamp, rate, TENTH)
    assert abs(income.amount_e8 + TENTH * mark * rate // E8 // E8) <= 1


def test_a_closed_market_takes_no_orders() -> None:
    world, _ = new_world()
    trader, ear = only(world), Ear()
    world.subscribe(USDM, ear)
    resting = trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30))
    world.set_open(USDM, "BTCUSDT", False)
    assert not world.is_open(USDM, "BTCUSDT") and isinstance(ear.market[-1], TradingChanged)
    assert trader.submit(ask(world, USDM, BUY, TENTH)).reason is Rejection.NOT_TRADING
    assert trader.cancel(USDM, venue_order_id=resting.venue_order_id).status is Status.CANCELED
    world.set_open(USDM, "BTCUSDT", True)
    assert trader.submit(ask(world, USDM, BUY, TENTH, away_bp=-30)).status is Status.NEW


def test_accounts_share_the_market_and_nothing_else() -> None:
    world, _ = new_world(count=3)
    one, two, _ = world.traders.values()
    request = ask(world, SPOT, BUY, TENTH, market_order=True)
    a, b = one.submit(request), two.submit(request)
    assert [f.price_e8 for f in a.fills] == [f.price_e8 for f in b.fills]
    ids = [f.trade_id for t in world.traders.values() for f in t.fills(SPOT)]
    assert len(set(ids)) == len(ids) and a.venue_order_id != b.venue_order_id
    assert all(i % MAX_VENUES == (SPOT + 1) % MAX_VENUES for i in ids) and max(ids) < 1 << 53


def test_transfers_are_income_and_told() -> None:
    world, _ = new_world()
    trader, ear = only(world), Ear()
    trader.subscribe(HL, ear)
    before = trader.balance(HL, "USDC").total_e8
    trader.transfer(HL, "USDC", -E8)
    assert trader.balance(HL, "USDC").total_e8 == before - E8
    assert isinstance(ear.account[0], Transferred) and trader.income(HL)[-1].amount_e8 == -E8
    with pytest.raises(Refused, match="DOGE"):
        trader.transfer(HL, "DOGE", E8)
    assert trader.balance(HL, "DOGE").total_e8 == 0


def test_truth_is_whole_and_exact() -> None:
    world, _ = new_world()
    trader = only(world)
    trader.submit(ask(world, USDM, BUY, TENTH, market_order=True, client="t"))
    trader.submit(ask(world, HL, BUY, TENTH, away_bp=-30, client="0x7"))
    truth = world.truth(trader.account.name)["venues"]
    (position,), (order,) = truth["binance_usdm"]["positions"], truth["hyperliquid"]["open_orders"]
    assert position["quantity"] == "0.1" and order["client_order_id"] == "0x7" and order["status"] == "new"
    fills = truth["binance_usdm"]["fills"]
    assert sum(round(float(f["quantity"]) * 1e8) for f in fills) == TENTH
    with pytest.raises(Refused, match="nobody"):
        world.truth("nobody")


def test_questions_answer_for_quotes_prints_and_candles() -> None:
    world, clock = new_world()
    clock.time_ns += 5 * S
    prints = world.trades(USDM, "BTCUSDT")
    assert world.trades(USDM, "BTCUSDT", 3) == prints[-3:]
    assert world.trades(USDM, "BTCUSDT", 2, from_id=prints[1].trade_id) == prints[1:3]
    (candle,) = world.candles(USDM, "BTCUSDT", 60 * S)
    day = world.day(USDM, "BTCUSDT")
    assert (candle.trades, candle.open_e8, candle.close_e8) == (len(prints), prints[0].price_e8, prints[-1].price_e8)
    assert candle.quantity_e8 == day.quantity_e8 == sum(p.quantity_e8 for p in prints)
    assert candle.high_e8 == max(p.price_e8 for p in prints) and day.last_trade_id == prints[-1].trade_id
    mark = world.mark(USDM, "BTCUSDT")
    assert mark.next_funding_ns > clock.time_ns and mark.mark_e8 > 0 and world.mark(SPOT, "BTCUSDT").rate_e8 == 0
    with pytest.raises(Refused, match="has no 'DOGE': it has BTCUSDT"):
        world.quote(USDM, "DOGE")
    with pytest.raises(Refused, match="minutes"):
        world.candles(USDM, "BTCUSDT", S)


def test_a_listener_that_left_hears_no_more_and_time_never_goes_back() -> None:
    world, clock = new_world()
    ear = Ear()
    world.subscribe(HL, ear)
    clock.time_ns += S
    world.tick(clock.time_ns)
    n = len(ear.market)
    world.tick(clock.time_ns - S)
    assert n > 0 and len(ear.market) == n and world.now_ns == clock.time_ns < world.next_due()
    world.unsubscribe(HL, ear)
    clock.time_ns += S
    world.tick(clock.time_ns)
    assert len(ear.market) == n


def test_made_accounts_have_money_and_their_leverage() -> None:
    (account,) = make_accounts(9)
    world, _ = new_world((account,))
    trader = only(world)
    for venue, money in account.balances.items():
        for asset, amount in money.items():
            assert trader.balance(venue, asset).total_e8 == amount
    assert trader.fees(Venue.HYPERLIQUID, "BTC").taker_ppm == 450 and SYMBOL[HL] == "BTC"
