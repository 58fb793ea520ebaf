"""The gateway to Binance and its streams: books, the account's events, and what is asked for where they fail."""

from __future__ import annotations

import pytest
from contract.binance_world import SPOT, USDM, BinanceLife
from served_material import ask

from crossbook.events import (
    ForcedClose,
    FundingPaid,
    OrderFilled,
    OrderUnknown,
    StreamDown,
    StreamUp,
    Transfer,
)
from crossbook.sim.world_faults import Faults
from crossbook.types import Level, Side, TimeInForce, Venue
from crossbook.venues.served.faults import Stream

pytestmark = pytest.mark.timeout(300)  # the first of them compiles the market
BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC
BOTH = pytest.mark.parametrize("venue", [SPOT, USDM])
USER = {SPOT: Stream.API, USDM: Stream.USER}
FILL_WORDS = {SPOT: b'"executionReport"', USDM: b'"ORDER_TRADE_UPDATE"'}


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
