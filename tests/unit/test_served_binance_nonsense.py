"""No request makes a served Binance stumble: whatever is sent, it answers in its own form."""

from __future__ import annotations

import asyncio
import contextlib
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_material import MS, SPOT, USDM, new_world

from crossbook.types import Venue
from crossbook.venues.served.binance_auth import Security
from crossbook.venues.served.binance_desk import Desk
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import rest_ask, ws_ask
from crossbook.venues.served.binance_routes import Route, routes
from crossbook.venues.served.binance_users import Users
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import RULES, Limits

NAMES = [
    "symbol", "symbols", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "limit", "interval",
    "startTime", "endTime", "fromId", "orderId", "origClientOrderId", "newClientOrderId", "newOrderRespType", "newQty",
    "cancelReplaceMode", "cancelOrderId", "batchOrders", "orderIdList", "leverage", "countdownTime", "reduceOnly",
    "priceMatch", "positionSide", "incomeType", "listenKey", "recvWindow", "selfTradePreventionMode", "marginType",
]  # fmt: skip
WORDS = [
    "BTCUSDT", "ETHUSDT", "btcusdt", "BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "GTC", "IOC", "FOK", "GTX", "0",
    "-1", "0.01", "1e-3", "1E400", "NaN", "-Infinity", "²", "٣", "9" * 30, "99999999999", "60000", "60000.5", "true",
    "1m", "1w", "1s", '["BTCUSDT"]', "[1,2]", "[{}]", '[{"symbol":"BTCUSDT"}]', "[", "{", "\x00", "😀", "RESULT", "ACK",
    "STOP_ON_FAILURE", "ALLOW_FAILURE", "OPPONENT_20", "QUEUE", "CROSSED", "5", "20",
]  # fmt: skip
params = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(WORDS), max_size=9)


@cache
def place(venue: Venue) -> tuple[House, list[Route], Desk]:
    world, _ = new_world()
    house = House(world, venue, Limits(RULES), Faults())
    return house, routes(venue, Users(house), True), Desk(house)


@pytest.mark.parametrize("venue", [SPOT, USDM])
@settings(max_examples=400)
@given(st.data())
def test_every_request_is_answered_or_refused(venue: Venue, data: st.DataObject) -> None:
    house, found, desk = place(venue)
    route = data.draw(st.sampled_from(found))
    ask = rest_ask(b"", json.dumps(data.draw(params)).encode(), "", "", 0)
    ask.account = house.accounts.accounts[0]
    ask.params["timestamp"] = str(house.clock() // MS)
    open_route = Route(
        method="", path="", name="", security=Security.NONE, weight=0, handler=route.handler, is_free=False
    )
    assert route.weigh(ask) >= 0
    done = asyncio.run(desk.take(open_route, ask))
    if done.problem is not None:
        assert done.problem.status < 500 and done.problem.code < 0, done.problem
    else:
        assert done.answer is not None and json.dumps(done.answer.body)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_read_as_a_request_or_refused(query: bytes, body: bytes) -> None:
    with contextlib.suppress(Problem):
        ask = rest_ask(query, body, "", "", 0)
        assert all(isinstance(value, str) for value in ask.params.values())


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*NAMES, "apiKey", "signature", "timestamp"]), JSON, max_size=6))
def test_any_json_parameters_are_read(values: dict[str, Any]) -> None:
    import msgspec

    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in values.items()}
    ask = ws_ask(raw, "", 0)
    assert "signature" not in ask.params and all(values[name] is not None for name in ask.params)
