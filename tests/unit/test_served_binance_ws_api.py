"""The WebSocket API of a served Binance: envelopes, sessions, the user data stream."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from served_binance_material import Local, heard, heard_until, serve
from served_material import SPOT, USDM

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


def test_ids_come_back_as_they_were() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        for id in (0, 7, "a", "6fa459ea-ee8a-3ca4-894e-db77e160355e", None):
            await socket.send_json({"id": id, "method": "v3/ping"})
            answer = await heard(socket)
            assert answer["id"] == id and type(answer["id"]) is type(id) and answer["status"] == 200
            assert [row["rateLimitType"] for row in answer["rateLimits"]] == ["REQUEST_WEIGHT"]

    serve(SPOT, run)


def test_rate_limits_are_told_unless_they_are_not_wanted() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        answer = await venue.api(socket, "order.place", **ORDER, price=venue.price(0.9))
        rows = [
            (row["rateLimitType"], row["interval"], row["intervalNum"], row["count"]) for row in answer["rateLimits"]
        ]
        assert rows[:2] == [("ORDERS", "SECOND", 10, 1), ("ORDERS", "DAY", 1, 1)] and rows[2][0] == "REQUEST_WEIGHT"
        assert "rateLimits" not in await venue.api(socket, "ping", sign=False, returnRateLimits="false")
        silent = await venue.ws("/ws-api/v3?returnRateLimits=false")
        assert "rateLimits" not in await venue.api(silent, "ping", sign=False)

    serve(SPOT, run)


def test_refusals() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        answer = await venue.api(socket, "order.place", **ORDER | {"quantity": "100"}, price=venue.price(0.9))
        assert answer["status"] == 400
        assert answer["error"] == {"code": -2010, "msg": "Account has insufficient balance for requested action."}
        await socket.send_str("{")
        assert (await heard(socket))["error"]["code"] == -1135
        answer = await venue.api(socket, "jump", sign=False)
        assert answer["status"] == 400 and answer["id"] == "request-2"
        answer = await venue.api(socket, "account.status", sign=False)
        assert answer["error"]["code"] == -2014 and answer["status"] == 401

    serve(SPOT, run)


def test_the_user_data_stream_of_spot() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        assert (await venue.api(socket, "userDataStream.subscribe.signature"))["result"] == {"subscriptionId": 0}
        again = await venue.api(socket, "userDataStream.subscribe.signature")
        assert again["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
        await venue.order(newClientOrderId="mine")
        new, position = await heard(socket), await heard(socket)
        assert new["subscriptionId"] == 0 and (new["event"]["x"], new["event"]["c"], new["event"]["C"]) == (
            "NEW", "mine", "",
        )  # fmt: skip
        assert position["event"]["e"] == "outboundAccountPosition"
        held = {row["a"]: row for row in position["event"]["B"]}
        assert set(held) == {"BTC", "USDT"} and float(held["USDT"]["l"]) > 0
        await venue.rest("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="end")
        gone = (await heard(socket))["event"]
        assert (gone["x"], gone["X"], gone["c"], gone["C"]) == ("CANCELED", "CANCELED", "end", "mine")
        await heard(socket)
        await venue.order(type="MARKET", timeInForce=None, price=None)
        events = [
            message["event"] for message in await heard_until(socket, lambda one: one["event"].get("x") == "TRADE")
        ]
        assert [event.get("x") for event in events] == ["NEW", None, "TRADE"]
        trade = events[-1]
        assert (trade["X"], trade["l"], trade["z"], trade["N"]) == ("FILLED", "0.01000000", "0.01000000", "BTC")
        assert float(trade["Z"]) == float(trade["L"]) * 0.01
        assert (await venue.api(socket, "session.subscriptions", sign=False))["result"] == [{"subscriptionId": 0}]
        assert (await venue.api(socket, "userDataStream.unsubscribe", sign=False))["result"] == {}
        answer = await venue.api(socket, "userDataStream.unsubscribe", sign=False)
        assert answer["error"] == {"code": -2036, "msg": "User Data Stream subscription not active."}
        assert (await venue.api(socket, "userDataStream.subscribe.signature"))["result"] == {"subscriptionId": 1}

    serve(SPOT, run)


def test_expired_orders_say_why() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        await venue.api(socket, "userDataStream.subscribe.signature")
        _, order = await venue.order(timeInForce="FOK", price=venue.price(0.9))
        assert order["status"] == "EXPIRED" and order["executedQty"] == "0.00000000"
        seen = await heard_until(socket, lambda one: one["event"].get("x") == "EXPIRED")
        assert seen[-1]["event"]["eR"] == order["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"

    serve(SPOT, run)


def _signed(private_pem: str, params: dict[str, Any]) -> dict[str, Any]:
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return params | {"signature": base64.b64encode(key.sign(text.encode())).decode()}


def test_sessions() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        refused = await venue.api(socket, "session.logon")
        assert refused["error"] == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
        assert (await venue.api(socket, "userDataStream.subscribe", sign=False))["status"] == 401
        key = next(one for one in venue.trader.account.keys if one.private_key)
        params = _signed(key.private_key, {"apiKey": key.api_key, "timestamp": venue.now_ms()})
        on = (await venue.api(socket, "session.logon", sign=False, **params))["result"]
        assert on["apiKey"] == key.api_key and on["authorizedSince"] == venue.now_ms() and not on["userDataStream"]
        placed = await venue.api(
            socket, "order.place", sign=False, **ORDER, price=venue.price(0.9), timestamp=venue.now_ms()
        )
        assert placed["status"] == 200 and placed["rateLimits"][0]["count"] == 1
        unstamped = await venue.api(socket, "account.status", sign=False)
        assert unstamped["error"]["code"] == -1102
        assert (await venue.api(socket, "userDataStream.subscribe", sign=False))["result"] == {"subscriptionId": 0}
        assert (await venue.api(socket, "session.status", sign=False))["result"]["userDataStream"]
        off = (await venue.api(socket, "session.logout", sign=False))["result"]
        assert off["apiKey"] is None and off["authorizedSince"] is None and not off["userDataStream"]
        answer = await venue.api(socket, "account.status", sign=False, timestamp=venue.now_ms())
        assert answer["status"] == 401

    serve(SPOT, run)


def test_futures() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-fapi/v1")
        price = venue.price(0.97)
        placed = await venue.api(socket, "order.place", **ORDER, price=price)
        number = placed["result"]["orderId"]
        assert [row["interval"] for row in placed["rateLimits"]] == ["SECOND", "MINUTE", "MINUTE"]
        named = {"symbol": "BTCUSDT", "orderId": number}
        changed = await venue.api(socket, "order.modify", **named, side="BUY", quantity="0.02", price=price)
        assert changed["result"]["origQty"] == "0.020"
        assert (await venue.api(socket, "order.status", **named))["result"]["status"] == "NEW"
        assert (await venue.api(socket, "order.cancel", **named))["result"]["status"] == "CANCELED"
        assert len((await venue.api(socket, "account.position"))["result"]) == 2
        assert (await venue.api(socket, "v2/account.position"))["result"] == []
        assert (await venue.api(socket, "v2/account.balance"))["result"][0]["asset"] == "USDT"
        depth = await venue.api(socket, "depth", sign=False, symbol="BTCUSDT", limit=5)
        assert len(depth["result"]["bids"]) == 5
        started = await venue.api(socket, "userDataStream.start", sign=False, apiKey=venue.key.api_key)
        assert len(started["result"]["listenKey"]) == 64

    serve(USDM, run)


def test_requests_of_a_connection_are_done_in_order() -> None:
    """A place and its cancel sent together: the cancel finds the order."""

    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        terms = ORDER | {"price": venue.price(0.9), "newClientOrderId": "mine"}
        placed, gone = await asyncio.gather(
            venue.api(socket, "order.place", **terms),
            _after(venue, socket),
        )
        assert {placed["status"], gone["status"]} == {200}

    async def _after(venue: Local, socket: Any) -> Any:
        await asyncio.sleep(0)
        return await _cancel(venue)

    async def _cancel(venue: Local) -> Any:
        other = await venue.ws("/ws-api/v3")
        return await venue.api(other, "order.cancel", symbol="BTCUSDT", origClientOrderId="mine")

    serve(SPOT, run)
