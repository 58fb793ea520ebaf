"""The gateway to Binance and its orders: answers that are none, limits, the way over REST, the dead man's switch."""

from __future__ import annotations

import json

import pytest
from contract.binance_world import SPOT, USDM, BinanceLife

from crossbook.events import (
    OrderRejected,
    OrderUnknown,
    RateBudget,
    Rejection,
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
