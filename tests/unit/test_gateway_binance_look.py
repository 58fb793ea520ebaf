"""The gateway to Binance and how it looks: who we are, how we are set, and what makes something fall."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from contract.binance_world import SPOT, USDM, BinanceLife

from crossbook.errors import Refused
from crossbook.events import (
    ClockOffset,
    InstrumentChanged,
    OrderRejected,
    Rejection,
)
from crossbook.sim.world_faults import Faults
from crossbook.types import Level, Side, TimeInForce, Venue
from crossbook.venues.keys import AgentKey, HmacKey
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.faults import Stream

pytestmark = pytest.mark.timeout(300)  # the first of them compiles the market
BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC
BOTH = pytest.mark.parametrize("venue", [SPOT, USDM])
USER = {SPOT: Stream.API, USDM: Stream.USER}
FILL_WORDS = {SPOT: b'"executionReport"', USDM: b'"ORDER_TRADE_UPDATE"'}


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


@BOTH
def test_an_instrument_that_is_gone_is_closed(venue: Venue) -> None:
    life = BinanceLife(venue)
    life.begin()
    path = "/api/v3/exchangeInfo" if venue is SPOT else "/fapi/v1/exchangeInfo"
    whole = life.host.rim._paths["GET", path].handler

    def without(house: Any, request: Any) -> object:
        if request.has("symbols"):
            raise Problem(-1121)
        told: Any = whole(house, request)
        return told | {"symbols": [one for one in told["symbols"] if one["symbol"] != "ETHUSDT"]}

    life.host.replace(path, without)
    life.binance._rules.soon()
    life.run(2.0)
    trouble = life.ear.trouble("rule_changed_gone")
    assert (trouble.level, trouble.instrument) == (Level.CLOSE_ONLY, 1)


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
