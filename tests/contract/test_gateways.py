"""The contract of `venues.gateway` for all gateways and the simulated venues (long: one suite, nobody runs half).

Gateways run at the served venue's own handlers in a world of virtual time. A gateway of a further venue joins by a line
in LIVES.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from contract.binance_world import SPOT, USDM, BinanceLife
from contract.gateway_material import GatewayLife, Life
from contract.hyperliquid_world import HyperliquidLife
from contract.simulated_life import SimulatedLife

from crossbook.commands import FLAG_REDUCE_ONLY, Out, Query
from crossbook.events import (
    BalanceReport,
    ClockOffset,
    EventKind,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReport,
    OrderUnknown,
    PositionReport,
    Rejection,
    StreamDown,
    StreamUp,
)
from crossbook.ledger.entries import row_of
from crossbook.ledger.hops import Hop
from crossbook.sim.world_faults import Faults, draw_faults
from crossbook.types import Level, Side, TimeInForce, Venue
from crossbook.venues.order_ids import parse

pytestmark = pytest.mark.timeout(300)  # the first of them compiles the market
GATEWAYS: dict[str, Callable[..., GatewayLife]] = {
    "binance_spot": lambda **world: BinanceLife(SPOT, **world),
    "binance_spot-ed25519": lambda **world: BinanceLife(SPOT, True, **world),
    "binance_usdm": lambda **world: BinanceLife(USDM, **world),
    "binance_usdm-ed25519": lambda **world: BinanceLife(USDM, True, **world),
    "hyperliquid": lambda **world: HyperliquidLife(**world),
}
LIVES: dict[str, Callable[[], Life]] = {
    **GATEWAYS,
    "simulated-binance_spot": lambda: SimulatedLife(SPOT),
    "simulated-binance_usdm": lambda: SimulatedLife(USDM),
    "simulated-hyperliquid": lambda: SimulatedLife(Venue.HYPERLIQUID),
}
BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, ALO = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.ALO
ENDS = (OrderCanceled, OrderExpired, OrderRejected)


@pytest.fixture(params=list(LIVES))
def life(request: pytest.FixtureRequest) -> Life:
    """Every gateway and simulated venue, running."""
    return LIVES[request.param]().begin()


@pytest.fixture(params=list(GATEWAYS))
def make(request: pytest.FixtureRequest) -> Callable[..., GatewayLife]:
    """Every gateway, not begun."""
    return GATEWAYS[request.param]


# what becomes of an order


def test_an_ioc_that_meets_enough_is_accepted_and_filled(life: Life) -> None:
    for side in (BUY, SELL):
        order = life.submit(side, life.lots(), life.near(side))
        life.run(1.0)
        words = life.ear.words(order)
        assert words[0] == "Accepted" and set(words[1:]) == {"Filled"}
        fills = [event for event in life.ear.about(order) if isinstance(event, OrderFilled)]
        assert sum(fill.lots for fill in fills) == life.lots()
        assert {(fill.side, fill.instrument, fill.strategy, fill.maker) for fill in fills} == {(side, 0, 0, False)}
    life.assert_true()


def test_what_an_ioc_leaves_expires(life: Life) -> None:
    price, size = life.touch(BUY)
    order = life.submit(BUY, size * 3, price)
    life.run(1.0)
    about = life.ear.about(order)
    filled = sum(event.lots for event in about if isinstance(event, OrderFilled))
    assert isinstance(about[-1], OrderExpired) and 0 < filled < size * 3 and about[-1].lots == size * 3 - filled
    life.assert_true()


def test_an_order_rests_until_it_is_taken_back(life: Life) -> None:
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted"] and life.open_orders() == 1
    life.cancel(order)
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted", "Canceled"] and life.open_orders() == 0
    assert life.ear.about(order)[-1].lots == life.lots()
    life.cancel(order)
    life.run(3.0)
    assert life.ear.words(order) == ["Accepted", "Canceled"], "an order that is over stays over"
    life.assert_true()


def test_a_resting_order_is_filled_as_maker(life: Life) -> None:
    orders = []
    for _ in range(40):
        price, _ = life.touch(SELL)
        orders.append(life.submit(BUY, life.lots(), price, GTC))
        life.run(1.0)
        if any(fill.maker for fill in life.ear.of(OrderFilled)):
            break
    life.cancel_all()
    life.run(3.0)
    assert any(fill.maker for fill in life.ear.of(OrderFilled)) and life.open_orders() == 0
    life.assert_true()


def test_a_post_only_order_that_would_take_is_refused(life: Life) -> None:
    order = life.submit(BUY, life.lots(), life.near(BUY), ALO)
    life.run(1.0)
    (event,) = [event for event in life.ear.about(order) if not isinstance(event, OrderUnknown)]
    if isinstance(event, OrderRejected):
        assert event.reason == Rejection.WOULD_TAKE
    assert isinstance(event, OrderRejected | OrderExpired) and not life.heard_fills()
    life.assert_true()


def test_an_order_beyond_our_means_is_refused(life: Life) -> None:
    order = life.submit(BUY, life.lots(value_e8=9_000_000 * 10**8), life.far(BUY), GTC)
    life.run(2.0)
    (event,) = life.ear.about(order)
    assert isinstance(event, OrderRejected) and life.open_orders() == 0
    assert event.reason in (Rejection.INSUFFICIENT_BALANCE, Rejection.INSUFFICIENT_MARGIN)


def test_reduce_only_never_opens(life: Life) -> None:
    if life.venue is SPOT:
        pytest.skip("spot has nothing to reduce")
    order = life.submit(BUY, life.lots(), life.near(BUY), flags=FLAG_REDUCE_ONLY)
    life.run(1.0)
    assert isinstance(life.ear.about(order)[-1], OrderRejected | OrderExpired) and not life.heard_fills()


def test_cancel_all_takes_everything_back(life: Life) -> None:
    orders = [
        life.submit(side, life.lots(number), life.far(side, number), GTC, number=number, strategy=number)
        for side in (BUY, SELL)
        for number in (0, 1)
    ]
    life.run(1.0)
    assert life.open_orders() == 4
    life.cancel_all()
    life.run(2.0)
    assert life.open_orders() == 0
    assert all(life.ear.words(order) == ["Accepted", "Canceled"] for order in orders)


def test_a_query_is_answered_by_reports_that_are_true(life: Life) -> None:
    life.submit(BUY, life.lots(), life.near(BUY))
    resting = life.submit(SELL, life.lots(), life.far(SELL), GTC)
    life.run(1.0)
    before = len(life.ear.events)
    life.query()
    life.run(4.0)
    reports = [
        event for event in life.ear.events[before:] if isinstance(event, PositionReport | BalanceReport | OrderReport)
    ]
    assert isinstance(reports[-1], OrderReport) and reports[-1].open_orders == 1
    _, cash, positions = life.truth()
    assert life.directory is not None
    for report in reports[:-1]:
        if isinstance(report, BalanceReport):
            assert report.amount_e8 == cash[life.directory.assets[report.asset]]
        elif isinstance(report, PositionReport) and life.venue is not SPOT:
            grid = life.instrument(report.instrument)
            assert report.lots * grid.lot_e8 == positions.get(grid.symbol, 0)
    if life.venue is not SPOT:
        assert {r.instrument for r in reports if isinstance(r, PositionReport)} == set(
            range(len(life.directory.instruments))
        )
    life.cancel(resting)
    life.run(1.0)
    life.assert_true()


# gateways: look, market, hops


def test_a_look_reports_rules_and_account(make: Callable[..., GatewayLife]) -> None:
    life = make()
    report = life.look()
    assert report is not None and not life.ear.troubles and not life.ear.events
    assert [one.symbol for one in report.instruments] == list(life.symbols)
    served = {one.symbol: one for one in life.served.listed(life.venue)}
    for one in report.instruments:
        theirs = served[one.symbol]
        assert (one.tick_e8, one.lot_e8, one.min_lots, one.kind, one.chain) == (
            theirs.tick_e8, theirs.lot_e8, theirs.min_lots, theirs.kind, theirs.chain,
        )  # fmt: skip
    assert any(one.total is not None and one.asset in ("USDT", "USDC") for one in report.balances)
    assert not report.open_orders and abs(report.clock_offset_ns) < 10_000_000


def test_the_stream_is_down_until_prices_flow(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    assert isinstance(life.ear.events[0], StreamDown) and life.ready == 1
    assert [type(event) for event in life.ear.events if isinstance(event, StreamUp | StreamDown)] == [
        StreamDown, StreamUp,
    ]  # fmt: skip
    life.run(5.0)
    for number in range(len(life.symbols)):
        assert life.ear.is_synced(number)
        ask, bid = life.touch(BUY, number)[0], life.touch(SELL, number)[0]
        quote = life.ear.quotes[number]
        assert abs(int(quote["ask"]) - ask) < ask // 100 and abs(int(quote["bid"]) - bid) < bid // 100
    assert {EventKind.QUOTE, EventKind.TRADE} <= life.ear.kinds.keys()
    assert life.ready == 1 and not life.ear.troubles
    assert life.ear.of(ClockOffset)


def test_the_venues_stamps_are_moved_onto_our_clock(make: Callable[..., GatewayLife]) -> None:
    life = make(skew_ns=200_000_000).begin()
    life.run(3.0)
    assert life.report is not None and abs(life.report.clock_offset_ns - 200_000_000) < 5_000_000
    late_ns = sorted(life.ear.late_ns)  # at Hyperliquid what has not changed for a while keeps its stamp
    assert late_ns[0] > -5_000_000 and late_ns[len(late_ns) * 8 // 10] < 150_000_000
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert all(0 <= event.ts - event.ts_venue < 20_000_000 for event in life.ear.about(order))


def test_what_a_frame_makes_the_desk_decide_leaves_in_its_callback(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    orders: list[int] = []

    def decide(rows: object) -> None:
        if not orders:
            orders.append(life.submit(BUY, life.lots(), life.near(BUY)))
            assert [hop for hop, order in life.ear.stamps if order == orders[0]] == [Hop.SIGNED, Hop.WRITTEN]

    life.ear.on_frame = decide
    life.run(2.0)
    hops = [hop for hop, order in life.ear.stamps if order == orders[0]]
    assert hops[:2] == [Hop.SIGNED, Hop.WRITTEN] and {Hop.ACKNOWLEDGED, Hop.FILLED} <= set(hops)
    life.assert_true()


def test_a_rehearsal_leaves_no_trace(make: Callable[..., GatewayLife]) -> None:
    """Bytes are made and thrown away: no frame, no event, no order at the venue, no budget spent, no nonce taken."""
    life = make().begin()
    assert life.gateway is not None
    kept: list[Out] = []
    real, life.send = life.send, kept.append  # type: ignore[method-assign]
    life.submit(BUY, life.lots(), life.near(BUY))
    life.send = real  # type: ignore[method-assign]
    life.sent.clear()
    said = len(life.ear.events)
    assert all(life.gateway.rehearse(row_of(kept[0])) for _ in range(1_000))
    assert not life.gateway.rehearse(row_of(Query(ts=life.now_ns(), venue=int(life.venue))))
    assert len(life.ear.events) == said and not life.ear.stamps
    assert life.trader().order_count == 0
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(3.0)
    assert life.ear.words(order)[0] == "Accepted" and life.trader().order_count == 1
    life.assert_true()


def test_the_desk_may_answer_an_event_with_a_command(make: Callable[..., GatewayLife]) -> None:
    """A fill is hedged, and the hedge's own fill, inside the callbacks: nothing is told twice or lost."""
    life = make().begin()

    def hedge(event: object) -> None:
        if isinstance(event, OrderFilled) and len(life.sent) < 6:
            side = SELL if event.side == BUY else BUY
            life.submit(side, event.lots, life.near(side))

    life.ear.on_said = hedge
    life.submit(BUY, life.lots(), life.near(BUY))
    life.run(3.0)
    assert len(life.sent) >= 6
    life.assert_true()


def test_order_ids_say_whose_they_are(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC, strategy=1)
    life.run(1.0)
    (one,) = life.trader().open_orders(life.venue)
    said = parse(one.client_order_id)
    assert said is not None and (said.order, said.strategy, said.build) == (order, 1, 7)


def test_a_stop_leaves_nothing_behind(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.submit(SELL, life.lots(1), life.far(SELL, 1), GTC, number=1)
    life.run(1.0)
    life.stop()
    assert life.open_orders() == 0
    heard, frames = len(life.ear.events), life.ear.frames
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(5.0)
    assert life.ear.words(order) == ["Rejected"] and life.ear.frames == frames
    assert len(life.ear.events) == heard + 1 and not life.heard_fills()


def test_the_public_half_needs_no_key(make: Callable[..., GatewayLife]) -> None:
    life = make()
    report = life.look(key=None, api_key="")
    assert report is not None and not report.balances and not report.open_orders
    life.start()
    life.run(2.0)
    assert life.ear.is_synced(0) and not life.ear.troubles
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Rejected"] and life.open_orders() == 0


# gateways: what goes wrong


@pytest.mark.parametrize("fault", ["lost", "unanswered", "error_before", "error_after", "disconnect"])
def test_an_order_without_an_answer_is_unknown_and_found(make: Callable[..., GatewayLife], fault: str) -> None:
    """Never sent again; what became of it is told with certainty, each fill once."""
    life = make().begin()
    life.world.network.faults = Faults(**{fault: 1_000_000})
    orders = [
        life.submit(BUY, life.lots(), life.near(BUY)),
        life.submit(SELL, life.lots(1), life.far(SELL, 1), GTC, number=1),
    ]
    life.run(1.0)
    life.world.stop_faults()
    life.run(30.0)
    for order in orders:
        words = life.ear.words(order)
        assert words[-1] in ("Filled", "Accepted", "Rejected"), words
        assert words.count("Filled") == len({event.trade for event in life.ear.about(order) if hasattr(event, "trade")})
    assert life.open_orders() == (life.ear.words(orders[1])[-1] == "Accepted")
    life.assert_true()
    life.stop()


def test_after_a_restart_open_orders_are_found(make: Callable[..., GatewayLife]) -> None:
    """One was filled while nobody listened, one still rests, one was taken back, one never arrived."""
    life = make().begin()
    price, _ = life.touch(SELL)
    filled = life.submit(BUY, life.lots(), price, GTC)
    rests = life.submit(BUY, life.lots(), life.far(BUY), GTC, strategy=1)
    gone = life.submit(SELL, life.lots(1), life.far(SELL, 1), GTC, number=1)
    life.run(0.05)
    life.crash()
    never = life.submit_nowhere()
    trader = life.trader()
    (theirs,) = [one for one in trader.open_orders(life.venue) if one.symbol == life.symbols[1]]
    trader.cancel(life.venue, venue_order_id=theirs.venue_order_id)
    life.run(40.0)
    known = life.known()
    assert {one.order for one in known} >= {rests, gone, never}
    assert life.look() is not None
    life.start(known)
    assert life.ear.words(never)[-1] in ("Expired", "Rejected")
    assert life.ear.words(gone)[-1] in ("Canceled", "Expired")
    assert life.ear.words(rests)[-1] == "Accepted"
    if filled in {one.order for one in known}:
        assert life.ear.words(filled)[-1] in ("Filled", "Accepted")
    life.cancel(rests)
    life.run(2.0)
    assert life.ear.words(rests)[-1] == "Canceled"
    life.cancel_all()
    life.run(3.0)
    life.assert_true()


def test_our_own_budget_refuses_before_the_venue_does(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    orders = [life.submit(BUY, life.lots(), life.far(BUY), GTC) for _ in range(700)]
    life.run(5.0)
    rejected = {order: life.ear.about(order)[0].reason for order in orders if life.ear.words(order) == ["Rejected"]}
    refused = [order for order, reason in rejected.items() if reason == Rejection.OTHER]
    assert refused and set(rejected.values()) <= {Rejection.OTHER, Rejection.TOO_MANY_ORDERS}
    assert life.trader().order_count <= len(orders) - len(refused) + 1
    assert "rate_limited" not in {trouble.name for trouble in life.ear.troubles}
    life.cancel_all()
    life.run(15.0)
    assert life.open_orders() == 0


def test_a_connection_that_breaks_is_down_then_up_again(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    resting = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(1.0)
    life.world.network.faults = Faults(disconnect=1_000_000)
    life.run(1.0)
    life.world.stop_faults()
    life.run(45.0)
    ways = [type(event) for event in life.ear.events if isinstance(event, StreamUp | StreamDown)]
    assert ways[:3] == [StreamDown, StreamUp, StreamDown] and ways[-1] is StreamUp
    assert all(life.ear.is_synced(number) for number in range(len(life.symbols)))
    assert life.ear.words(resting) == ["Accepted"] and life.ready == 1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_goes_wrong_the_desk_ends_with_the_truth(make: Callable[..., GatewayLife], seed: int) -> None:
    """Faults of a seed's own mixture while orders come and go, a crash in the middle; then all is known, and true."""
    dice = Random(f"{seed} contract")
    life = make(seed=seed).begin()
    faults = draw_faults(dice)
    life.world.network.faults = faults
    for step in range(60):
        life.run(dice.uniform(0.0, 0.4))
        side, number = dice.choice((BUY, SELL)), dice.randrange(2)
        wish = dice.random()
        if step == 30:
            life.crash()
            life.world.stop_faults()
            assert life.look(30.0) is not None
            life.start(life.known())
            life.world.network.faults = faults
        elif wish < 0.7:
            price = dice.choice((life.near(side, number), life.touch(side, number)[0], life.far(side, number)))
            lots = life.lots(number) * dice.choice((1, 1, 10))
            tif = dice.choice((IOC, GTC, ALO))
            life.submit(side, lots, price, tif, number=number, strategy=dice.randrange(2))
        elif wish < 0.95 and life.sent:
            life.cancel(dice.choice(list(life.sent)))
        elif wish < 0.98:
            life.cancel_all()
        else:
            life.query()
    life.world.stop_faults()
    life.run(40.0)
    life.cancel_all()
    life.run(20.0)
    assert not life.known() and life.open_orders() == 0
    life.assert_true()
    for order in life.sent:
        about = life.ear.about(order)
        ends = [event for event in about if isinstance(event, ENDS)]
        assert len(ends) <= 1 and (not ends or about[-1] is ends[0]), about
    life.stop()


def test_no_level_falls_while_all_is_well(make: Callable[..., GatewayLife]) -> None:
    life = make().begin()
    life.submit(BUY, life.lots(), life.near(BUY))
    life.run(45.0)
    assert all(trouble.level is Level.ACTIVE for trouble in life.ear.troubles) and not life.ear.of(OrderUnknown)
    assert [type(event) for event in life.ear.events if isinstance(event, StreamUp | StreamDown)] == [
        StreamDown, StreamUp,
    ]  # fmt: skip
