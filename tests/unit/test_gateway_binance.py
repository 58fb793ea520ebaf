"""The gateway to Binance where it differs from others: how it looks, what an error makes fall, its streams and keys."""

from __future__ import annotations

import json

import msgspec
import pytest
from contract.binance_world import SPOT, USDM, BinanceLife
from served_material import ask

from crossbook.errors import Refused
from crossbook.events import (
    ClockOffset,
    ForcedClose,
    FundingPaid,
    InstrumentChanged,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    RateBudget,
    Rejection,
    StreamDown,
    StreamUp,
    Transfer,
)
from crossbook.sim.world_faults import Faults
from crossbook.types import Level, Side, TimeInForce, Venue
from crossbook.venues.keys import AgentKey, HmacKey
from crossbook.venues.served.faults import Stream

BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC
BOTH = pytest.mark.parametrize("venue", [SPOT, USDM])
USER = {SPOT: Stream.API, USDM: Stream.USER}
FILL_WORDS = {SPOT: b'"executionReport"', USDM: b'"ORDER_TRADE_UPDATE"'}


# the look: who we are, how we are set


@BOTH
def test_a_wrong_secret_kills(venue: Venue) -> None:
    life = BinanceLife(venue)
    assert life.look(key=HmacKey("f" * 64)) is None
    assert (life.ear.troubles[-1].name, life.ear.troubles[-1].level) == ("bad_signature", Level.KILLED)


@BOTH
def test_a_key_of_another_world_kills(venue: Venue) -> None:
    life = BinanceLife(venue)
    assert life.look(api_key="A" * 64) is None
    assert (life.ear.troubles[-1].name, life.ear.troubles[-1].level) == ("key_refused", Level.KILLED)


@BOTH
def test_another_account_than_the_pinned_one_kills(venue: Venue) -> None:
    life = BinanceLife(venue)
    report = life.look()
    assert report is not None and report.account.account_id
    assert life.look(account=report.account.account_id) is not None and not life.ear.troubles
    assert life.look(account="12345") is None
    assert (life.ear.troubles[-1].name, life.ear.troubles[-1].level) == ("wrong_account", Level.KILLED)


@BOTH
def test_a_revoked_permission_kills(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.host.rim.house.may_trade = lambda account: False  # type: ignore[method-assign]
    assert life.look() is None
    trouble = life.ear.troubles[-1]
    assert trouble.level is Level.KILLED and trouble.name in ("no_permission", "key_refused")


@BOTH
def test_a_permission_revoked_while_it_runs_kills_and_refuses_the_order(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.rim.house.may_trade = lambda account: False  # type: ignore[method-assign]
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(2.0)
    assert life.ear.words(order) == ["Rejected"]
    assert life.ear.trouble("key_refused").level is Level.KILLED


@BOTH
def test_a_clock_that_is_off_is_told_and_reckoned_with(venue: Venue) -> None:
    life = BinanceLife(venue, skew_ns=2_000_000_000)
    life.begin()
    assert life.ear.trouble("clock_off").level is Level.CLOSE_ONLY
    assert life.report is not None and abs(life.report.clock_offset_ns - 2_000_000_000) < 5_000_000
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted", "Filled"]


@BOTH
def test_a_clock_that_jumps_is_measured_anew(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.world.clock.step(2_000_000_000)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Rejected"], "its stamp lies in the venue's future"
    assert life.ear.trouble("clock_ahead").level is Level.ACTIVE
    life.run(10.0)
    offsets = [event.offset_ns for event in life.ear.of(ClockOffset)]
    assert abs(offsets[-1] + 2_000_000_000) < 5_000_000 and "clock_off" in {one.name for one in life.ear.troubles}
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted", "Filled"]


@BOTH
def test_an_unknown_symbol_is_named_and_the_others_are_reported(venue: Venue) -> None:
    life = BinanceLife(venue)
    report = life.look(symbols=("NOPEUSDT", "BTCUSDT"))
    assert report is not None and [one.symbol for one in report.instruments] == ["BTCUSDT"]
    trouble = life.ear.trouble("unknown_symbol")
    assert "NOPEUSDT" in trouble.text
    life.start()
    life.host.refuse("order.place", -1121)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    (event,) = life.ear.about(order)
    assert isinstance(event, OrderRejected) and event.reason == Rejection.UNKNOWN_INSTRUMENT
    last = life.ear.troubles[-1]
    assert (last.name, last.level, last.instrument) == ("unknown_symbol", Level.CLOSE_ONLY, 0)


@BOTH
def test_a_closed_market_closes_the_one_instrument(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.served.set_open(venue, "ETHUSDT", False)
    life.begin()
    last = life.ear.troubles[-1]
    assert (last.name, last.level, last.instrument) == ("market_closed", Level.CLOSE_ONLY, 1)
    assert [(event.instrument, event.tradeable) for event in life.ear.of(InstrumentChanged)] == [(1, 0)]
    life.run(11.0)
    order = life.submit(BUY, life.lots(1), life.near(BUY, 1), number=1)
    life.run(1.0)
    (event,) = life.ear.about(order)
    assert isinstance(event, OrderRejected) and event.reason == Rejection.NOT_TRADING
    assert life.ear.troubles[-1].instrument == 1
    life.served.set_open(venue, "ETHUSDT", True)
    life.binance._rules.soon()
    life.run(2.0)
    assert life.ear.of(InstrumentChanged)[-1].tradeable == 1
    order = life.submit(BUY, life.lots(1), life.near(BUY, 1), number=1)
    life.run(1.0)
    assert life.ear.words(order)[:2] == ["Accepted", "Filled"]


def test_a_changed_grid_closes_the_instrument() -> None:
    life = BinanceLife(SPOT)
    life.begin()
    old = life.host.rim.house.instruments["BTCUSDT"]
    life.host.rim.house.instruments["BTCUSDT"] = msgspec.structs.replace(old, tick_e8=10 * old.tick_e8)
    life.binance._rules.soon()
    life.run(2.0)
    trouble = life.ear.trouble("rule_changed_tick")
    assert (trouble.level, trouble.instrument) == (Level.CLOSE_ONLY, 0)


def test_leverage_is_set_to_what_the_desk_wants() -> None:
    life = BinanceLife(USDM)
    report = life.look(leverage_x=5)
    assert report is not None and report.leverage == {"BTCUSDT": 5, "ETHUSDT": 5}
    assert life.trader().leverage(USDM, "ETHUSDT") == 5
    life.start()
    life.trader().set_leverage(USDM, "ETHUSDT", 7)
    life.run(1.0)
    trouble = life.ear.trouble("leverage_changed")
    assert (trouble.level, trouble.instrument) == (Level.CLOSE_ONLY, 1)


def test_leverage_that_cannot_be_set_ends_the_look() -> None:
    life = BinanceLife(USDM)
    life.host.refuse("/fapi/v1/leverage", -4028, text="Leverage 5 is not valid")
    assert life.look(leverage_x=5) is None
    assert life.ear.troubles


@pytest.mark.parametrize(
    ("field", "name"), [("dualSidePosition", "hedge_mode"), ("multiAssetsMargin", "multi_assets_margin")]
)
def test_a_futures_account_that_is_set_otherwise_ends_the_look(field: str, name: str) -> None:
    life = BinanceLife(USDM)
    settings = {"canTrade": True, "dualSidePosition": False, "multiAssetsMargin": False} | {field: True}
    life.host.replace("/fapi/v1/accountConfig", lambda house, request: settings)
    life.host.refuse(
        "/fapi/v1/positionSide/dual", -4068, text="Position side cannot be changed if there exists position."
    )
    assert life.look() is None
    assert (life.ear.troubles[-1].name, life.ear.troubles[-1].level) == (name, Level.CLOSE_ONLY)


def test_hedge_mode_is_left_where_that_can_be() -> None:
    life = BinanceLife(USDM)
    settings = {"canTrade": True, "dualSidePosition": True, "multiAssetsMargin": False}
    life.host.replace("/fapi/v1/accountConfig", lambda house, request: settings)
    life.host.replace("/fapi/v1/positionSide/dual", lambda house, request: {"code": 200, "msg": "success"})
    report = life.look()
    assert report is not None and report.account.hedge_mode is False


def test_isolated_margin_ends_the_look() -> None:
    life = BinanceLife(USDM)
    row = {"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 20}
    life.host.replace("/fapi/v1/symbolConfig", lambda house, request: [row])
    assert life.look() is None
    assert (life.ear.troubles[-1].name, life.ear.troubles[-1].level) == ("isolated_margin", Level.CLOSE_ONLY)


def test_a_venue_that_is_away_is_told_and_asked_again() -> None:
    life = BinanceLife(SPOT)
    life.world.network.faults = Faults(unreachable=1_000_000)
    assert life.look(3.0) is None
    assert life.ear.troubles[-1].name == "venue_unreachable"
    life.world.stop_faults()
    life.world.run_while(lambda: life.report is None, 30.0)
    assert life.report is not None


def test_it_is_made_for_binance_only() -> None:
    life = BinanceLife(SPOT)
    with pytest.raises(Refused, match="binance_spot and binance_usdm"):
        life.make(venue=Venue.HYPERLIQUID)
    with pytest.raises(Refused, match="another kind of venue"):
        life.make(key=AgentKey("1" * 64))
    with pytest.raises(Refused, match="no symbols"):
        life.make(symbols=())


# books


@BOTH
def test_a_gap_in_a_book_is_seen_and_closed(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.run(2.0)
    before = [book.snapshots for book in life.binance._books.values()]
    dropped: list[bytes] = []

    def drop(wire: object, frame: bytes) -> bool:
        if not dropped and b"btcusdt@depth" in frame:
            dropped.append(frame)
            return True
        return False

    life.host.drop = drop
    life.run(6.0)
    assert dropped and int(life.ear.books[0]["gaps"]) >= 1
    assert [book.snapshots - n for book, n in zip(life.binance._books.values(), before, strict=True)] == [1, 0]
    assert life.ear.is_synced(0)
    assert len(life.ear.of(StreamDown)) == 1, "a gap is the kernels' to see; no stream went down"


@BOTH
def test_a_silent_stream_is_down_and_rotated(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.drop = lambda wire, frame: b"btcusdt@bookTicker" in frame
    life.run(65.0)
    assert [type(e) for e in life.ear.events if isinstance(e, StreamUp | StreamDown)][:3] == [
        StreamDown, StreamUp, StreamDown,
    ]  # fmt: skip
    life.host.drop = lambda wire, frame: False
    life.run(10.0)
    assert isinstance([e for e in life.ear.events if isinstance(e, StreamUp | StreamDown)][-1], StreamUp)


# fills and events that do not come by the stream


@BOTH
def test_a_fill_that_the_stream_does_not_tell_is_asked_for(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.drop = lambda wire, frame: FILL_WORDS[venue] in frame
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(4.0)
    assert life.ear.words(order) == ["Accepted", "Filled"]
    life.assert_true()


@BOTH
def test_a_stream_that_died_without_a_word_is_noticed_while_orders_rest(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.drop = lambda wire, frame: FILL_WORDS[venue] in frame
    orders = [life.submit(BUY, life.lots(), life.touch(SELL)[0] - k, GTC) for k in range(3)]
    life.run(70.0)
    life.assert_true()
    assert any("Filled" in life.ear.words(order) for order in orders)


@BOTH
def test_a_trade_of_somebody_else_is_nobodys_and_closes_the_instrument(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.trader().submit(ask(life.served, venue, BUY, 10_000_000, away_bp=100, client="by-hand"))
    life.run(2.0)
    fills = life.ear.of(OrderFilled)
    assert fills and {(fill.strategy, fill.order) for fill in fills} == {(-1, 0)}
    trouble = life.ear.trouble("foreign_trade")
    assert (trouble.level, trouble.instrument) == (Level.CLOSE_ONLY, 0) and "by-hand" in trouble.text
    life.assert_true()


@BOTH
def test_a_foreign_trade_during_a_gap_is_told_once(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.world.network.faults = Faults(refuse=1_000_000)
    life.host.cut(USER[venue])
    life.run(0.2)
    life.trader().submit(ask(life.served, venue, BUY, 10_000_000, away_bp=100, client="by-hand"))
    life.run(1.0)
    life.world.stop_faults()
    life.run(40.0)
    life.host.cut(USER[venue])
    life.run(20.0)
    assert life.ear.of(OrderFilled)
    life.assert_true()


@BOTH
def test_money_that_comes_in_is_a_transfer(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.trader().transfer(venue, "USDT", 123_456_789)
    life.run(1.0)
    assert [(event.amount_e8, event.venue) for event in life.ear.of(Transfer)] == [(123_456_789, int(venue))]
    life.host.cut(USER[venue])
    life.run(20.0)
    assert len(life.ear.of(Transfer)) == 1
    life.assert_true()


def test_funding_is_told_once_to_the_last_unit() -> None:
    life = BinanceLife(USDM, begin_s=3_190)  # ten seconds before 16:00 UTC
    life.begin()
    life.submit(BUY, life.lots() * 7, life.near(BUY))
    life.submit(SELL, life.lots(1) * 3, life.near(SELL, 1), number=1)
    life.run(15.0)
    paid = life.ear.of(FundingPaid)
    assert sorted(event.instrument for event in paid) == [0, 1] and all(event.strategy == -1 for event in paid)
    life.host.cut(Stream.USER)
    life.run(30.0)
    assert len(life.ear.of(FundingPaid)) == 2
    life.assert_true()


def test_funding_during_a_gap_is_told_afterwards() -> None:
    life = BinanceLife(USDM, begin_s=3_190)
    life.begin()
    life.submit(BUY, life.lots(), life.near(BUY))
    life.run(2.0)
    life.world.network.faults = Faults(refuse=1_000_000)
    life.host.cut(Stream.USER)
    life.run(12.0)
    life.world.stop_faults()
    assert life.world.run_while(lambda: not life.ear.of(FundingPaid), 120.0)
    life.run(5.0)
    assert len(life.ear.of(FundingPaid)) == 1
    life.assert_true()


def test_a_forced_close_is_told_and_kills_the_instrument() -> None:
    life = BinanceLife(USDM)
    life.begin()
    life.submit(BUY, life.lots(value_e8=50_000 * 10**8), life.near(BUY))
    life.run(1.0)
    left = life.trader().balance(USDM, "USDT").total_e8
    life.trader().transfer(USDM, "USDT", 10**8 - left)
    life.run(20.0)
    closes = life.ear.of(ForcedClose)
    assert closes and all(event.side == SELL for event in closes)
    trouble = life.ear.trouble("forced_close")
    assert (trouble.level, trouble.instrument) == (Level.KILLED, 0)
    life.assert_true()


# the user stream


def test_an_expired_listen_key_is_renewed() -> None:
    life = BinanceLife(USDM)
    life.begin()
    for key in life.host.rim.users._keys.values():
        key.until_ns = 0
    life.run(5.0)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted", "Filled"]
    assert sum(wire.stream is Stream.USER for wire in life.host.wires) == 1
    life.assert_true()


def test_a_listen_key_is_kept_alive() -> None:
    life = BinanceLife(USDM)
    life.begin()
    stream = life.binance._stream
    assert stream is not None
    stream._extend()
    life.run(1.0)
    assert life.host.asked.count("PUT /fapi/v1/listenKey") == 1


def test_a_terminated_spot_stream_is_opened_anew() -> None:
    life = BinanceLife(SPOT)
    life.begin()
    (wire,) = [wire for wire in life.host.wires if wire.stream is Stream.API]
    wire.send(b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1728973001334}}')
    life.run(10.0)
    assert [type(e) for e in life.ear.events if isinstance(e, StreamUp | StreamDown)] == [
        StreamDown, StreamUp, StreamDown, StreamUp,
    ]  # fmt: skip
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Accepted", "Filled"]


@BOTH
def test_an_announced_shutdown_rotates_without_a_seam(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    for wire in list(life.host.wires):
        head, tail = {
            Stream.API: (b'{"event":', b"}"), Stream.MARKET: (b'{"stream":"!serverShutdown","data":', b"}"),
            Stream.USER: (b'{"stream":"!serverShutdown","data":', b"}"),
        }[wire.stream]  # fmt: skip
        wire.send(head + b'{"e":"serverShutdown","E":1770123456789}' + tail)
    orders = []
    for _ in range(45):
        orders.append(life.submit(BUY, life.lots(), life.near(BUY)))
        life.run(1.0)
    assert all(life.ear.words(order) == ["Accepted", "Filled"] for order in orders)
    assert len(life.ear.of(StreamDown)) == 1 and not life.ear.of(OrderUnknown)
    sessions = [life.binance._api._session, *(feed._session for feed in life.binance._feeds)]
    assert [session.rotations for session in sessions] == [1] * len(sessions)
    life.assert_true()


# answers


@BOTH
def test_not_found_proves_nothing_before_the_window_has_passed(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    taken = life.trader().order_count
    life.host.replace("order.place", lambda house, request: _never())
    try:
        order = life.submit(BUY, life.lots(), life.near(BUY))
        life.run(1.0)
    except _Gone:
        pass
    life.run(30.0)
    about = life.ear.about(order)
    assert [type(event) for event in about] == [OrderUnknown, OrderRejected]
    least_s = 3 if venue is SPOT else 12
    assert about[1].ts - life.sent[order].ts > least_s * 10**9
    assert life.trader().order_count == taken and sum("/order" in one for one in life.host.asked if "POST" in one) == 0


@BOTH
def test_an_error_that_no_table_has_leaves_the_order_unknown(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.refuse("order.place", -1007)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Unknown"]
    life.run(30.0)
    assert life.ear.words(order) == ["Unknown", "Rejected"]


@BOTH
def test_an_answer_that_is_none_leaves_the_order_unknown_until_it_is_found(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    handler = life.host.rim.api.routes["order.place"].handler
    life.host.replace("order.place", lambda house, request: {"strange": handler(house, request) and 1})
    life.host.drop = lambda wire, frame: FILL_WORDS[venue] in frame
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(0.1)
    assert life.ear.words(order) == ["Unknown"] and life.ear.trouble("unreadable_answer")
    life.run(5.0)
    assert life.ear.words(order) == ["Unknown", "Accepted", "Filled"]
    life.assert_true()


@BOTH
def test_what_is_off_the_grid_is_told_and_books_nothing(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    handler = life.host.rim.api.routes["order.place"].handler
    life.host.replace("order.place", lambda house, request: handler(house, request) | {"executedQty": "0.000000001"})
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(5.0)
    trouble = life.ear.trouble("unbookable")
    assert trouble.level is Level.CLOSE_ONLY
    assert life.ear.words(order)[-1] == "Accepted" and not life.heard_fills()


@BOTH
def test_a_rate_limit_holds_everything_back_and_is_told(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.host.refuse(
        "order.place",
        -1003,
        text="Too many requests.",
        status=429,
        extra={"data": {"serverTime": 0, "retryAfter": 3_000}},
    )
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(0.5)
    later = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(0.5)
    assert life.ear.words(order) == life.ear.words(later) == ["Rejected"]
    assert life.ear.about(order)[0].reason == Rejection.TOO_MANY_ORDERS
    assert life.ear.about(later)[0].reason == Rejection.OTHER
    assert life.ear.of(RateBudget)[0].left == 0 and len(life.ear.of(RateBudget)) >= 2
    life.run(5.0)
    assert life.ear.of(RateBudget)[-1].left > 0


@BOTH
def test_orders_go_over_rest_while_the_api_is_down(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    life.world.network.faults = Faults(refuse=1_000_000)
    life.host.cut(Stream.API)
    life.run(0.5)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    rests = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(3.0)
    life.cancel(rests)
    life.run(2.0)
    assert life.ear.words(order) == ["Accepted", "Filled"] and life.ear.words(rests) == ["Accepted", "Canceled"]
    path = "/api/v3/order" if venue is SPOT else "/fapi/v1/order"
    assert life.host.asked.count(f"POST {path}") == 2 and life.host.asked.count(f"DELETE {path}") == 1
    life.assert_true()


def test_the_dead_mans_switch_is_driven_while_orders_rest() -> None:
    life = BinanceLife(USDM)
    life.begin()
    path = "POST /fapi/v1/countdownCancelAll"
    life.submit(BUY, life.lots(), life.near(BUY))
    life.run(2.0)
    assert path not in life.host.asked, "an IOC cannot rest"
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(45.0)
    assert life.host.asked.count(path) == 3 and life.open_orders() == 1
    life.cancel(order)
    life.run(1.0)
    assert life.host.asked.count(path) == 4, "switched off, or it would take later orders"
    life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(1.0)
    life.crash()
    life.run(62.0)
    assert life.open_orders() == 0, "nobody wound it up any more"


@BOTH
def test_nothing_secret_is_told(venue: Venue) -> None:
    life = BinanceLife(venue, faults=Faults(unreachable=50_000, error_before=50_000, lost=50_000))
    assert life.look(60.0) is not None
    life.opening = life.truth()[1]
    life.start()
    life.world.network.faults = Faults(error_after=300_000, refuse=300_000, disconnect=10_000)
    for _ in range(20):
        life.submit(BUY, life.lots(), life.near(BUY))
        life.run(0.5)
    told = json.dumps([(one.name, one.text) for one in life.ear.troubles]) + repr(life.binance._ground.signer)
    secrets = [key.secret for key in life.account.keys if key.secret] + [life.api_key, "signature"]
    secrets += list(life.host.rim.users._keys)
    assert life.ear.troubles and not any(secret in told for secret in secrets)


class _Gone(Exception):
    """The venue's process broke off."""


def _never() -> object:
    raise _Gone
