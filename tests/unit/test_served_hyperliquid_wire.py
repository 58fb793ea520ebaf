"""The served Hyperliquid over HTTP and websocket: statuses, limits, faults, subscriptions, cadence, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient, TestServer
from hyperliquid_material import Json, Venue, order
from served_material import START

from crossbook.venues.served.fault_plan import read_faults
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.hyperliquid import NOT_UNDERSTOOD, application
from crossbook.venues.served.hyperliquid_channels import Subscription
from crossbook.venues.served.hyperliquid_hub import Hub
from crossbook.venues.served.limits import Limits

MS, S = 10**6, 10**9
Client = TestClient[Any, Any]


def run(check: Callable[[Client, Venue], Awaitable[None]], faults: str = "", **more: Any) -> None:
    """Serve a venue whose clock stands, and look at it through a client."""
    plan = read_faults(faults, "test", START + S) if faults else Faults()
    venue = Venue(faults=plan)

    async def body() -> None:
        app = application(venue.world, Limits(), plan, **more)
        async with TestClient(TestServer(app)) as client:
            await check(client, venue)

    asyncio.run(body())


async def info(client: Client, body: object) -> tuple[int, Any]:
    async with client.post("/info", json=body) as answer:
        text = await answer.text()
        return answer.status, msgspec.json.decode(text) if answer.content_type == "application/json" else text


async def exchange(client: Client, envelope: Json) -> tuple[int, Any]:
    async with client.post("/exchange", json=envelope) as answer:
        return answer.status, await answer.text()


async def until(ws: Any, channel: str) -> Any:
    """The next message of a channel."""
    while True:
        message = msgspec.json.decode(await asyncio.wait_for(ws.receive_str(), 5))
        if message["channel"] == channel:
            return message.get("data")


async def subscribed(client: Client, **subscription: Any) -> Any:
    ws = await client.ws_connect("/ws")
    await ws.send_json({"method": "subscribe", "subscription": subscription})
    await until(ws, "subscriptionResponse")
    return ws


def test_what_is_not_understood_is_a_422_in_plain_text() -> None:
    async def check(client: Client, venue: Venue) -> None:
        for path in ("/info", "/exchange"):
            for body in (b"", b"no json", b"{}", b'{"type":"nonsense"}', b"[]", b'{"action":{"type":"noop"}}'):
                async with client.post(path, data=body, headers={"Content-Type": "application/json"}) as answer:
                    assert answer.status == 422 and await answer.text() == NOT_UNDERSTOOD
                    assert answer.content_type == "text/plain"

    run(check)


def test_a_minute_has_1200_weight() -> None:
    async def check(client: Client, venue: Venue) -> None:
        for _ in range(60):
            assert (await info(client, {"type": "meta"}))[0] == 200
        assert await info(client, {"type": "meta"}) == (429, None)
        venue.clock.time_ns += 60 * S
        assert (await info(client, {"type": "meta"}))[0] == 200

    run(check)


@pytest.mark.parametrize(
    ("kind", "status", "is_done"),
    [("429", 429, False), ("error_before", 503, False), ("error_after", 503, True), ("no_answer", 0, True)],
)
def test_faults_of_requests(kind: str, status: int, is_done: bool) -> None:
    """An order may be done although its answer is none: only a question tells."""

    async def check(client: Client, venue: Venue) -> None:
        assert venue.master is not None
        try:
            found, _ = await exchange(client, venue.master.envelope(order("50000"), venue.nonce()))
        except ClientError:
            found = 0
        assert found == status
        _, orders = await info(client, {"type": "openOrders", "user": venue.account.address})
        assert len(orders) == int(is_done)

    run(check, f'[[fault]]\nkind = "{kind}"\nroute = "trade"\nat_s = 0')


def test_subscriptions_answer_and_complain_as_the_venue() -> None:
    async def check(client: Client, venue: Venue) -> None:
        ws = await client.ws_connect("/ws")
        asked = {"type": "l2Book", "coin": "BTC"}
        await ws.send_json({"method": "subscribe", "subscription": asked})
        echoed = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}
        assert await until(ws, "subscriptionResponse") == {"method": "subscribe", "subscription": echoed}
        assert len((await until(ws, "l2Book"))["levels"]) == 2
        await ws.send_json({"method": "subscribe", "subscription": asked})
        assert (await until(ws, "error")).startswith("Already subscribed: ")
        await ws.send_json({"method": "unsubscribe", "subscription": asked, "id": "7"})
        assert (await until(ws, "subscriptionResponse"))["method"] == "unsubscribe"
        await ws.send_json({"method": "unsubscribe", "subscription": asked})
        assert (await until(ws, "error")).startswith("Already unsubscribed: ")
        await ws.send_json({"method": "subscribe", "subscription": {"type": "l2Book", "coin": "NONE"}})
        assert (await until(ws, "error")).startswith("Invalid subscription ")
        await ws.send_str("nonsense")
        assert (await until(ws, "error")).startswith("Error parsing JSON into valid websocket request: nonsense")
        await ws.send_json({"method": "ping"})
        assert await until(ws, "pong") is None
        await ws.close()

    run(check)


def test_the_greeting_comes_first_where_wished() -> None:
    async def check(client: Client, venue: Venue) -> None:
        ws = await client.ws_connect("/ws")
        assert await ws.receive_str() == "Websocket connection established."
        await ws.close()

    run(check, greets=True)


def test_posted_requests_and_actions() -> None:
    async def check(client: Client, venue: Venue) -> None:
        assert venue.master is not None
        ws = await client.ws_connect("/ws")
        await ws.send_json({"method": "post", "id": 5, "request": {"type": "info", "payload": {"type": "allMids"}}})
        answer = await until(ws, "post")
        assert answer["id"] == 5 and answer["response"]["type"] == "info"
        assert answer["response"]["payload"]["type"] == "allMids" and "BTC" in answer["response"]["payload"]["data"]
        envelope = venue.master.envelope(order("50000"), venue.nonce())
        await ws.send_json({"method": "post", "id": 6, "request": {"type": "action", "payload": envelope}})
        answer = await until(ws, "post")
        assert answer["id"] == 6 and answer["response"]["type"] == "action"
        assert "resting" in answer["response"]["payload"]["response"]["data"]["statuses"][0]
        await ws.send_json({"method": "post", "id": 7, "request": {"type": "info", "payload": {"type": "nonsense"}}})
        assert (await until(ws, "post"))["response"] == {"type": "error", "payload": f"422 {NOT_UNDERSTOOD}"}
        await ws.close()

    run(check)


def test_books_come_half_a_second_apart_and_quotes_only_when_changed() -> None:
    """In market time: a block each 70 ms, ten seconds of them."""
    venue, heard = Venue(), dict[str, list[Any]]()

    class Ear:
        def hear(self, frame: bytes, stream: object) -> None:
            message = msgspec.json.decode(frame)
            heard.setdefault(message["channel"], []).append((venue.clock.time_ns, message["data"]))

    hub = Hub(venue.floor, lambda call: None)
    for kind in ("l2Book", "bbo", "trades"):
        hub.subscribe(Subscription(kind=kind, coin="BTC"), Ear())
    for _ in range(10 * S // (70 * MS)):
        venue.clock.time_ns += 70 * MS
        venue.world.tick(venue.clock.time_ns)
        hub.block()
    books = [at for at, _ in heard["l2Book"]]
    assert {b - a for a, b in pairwise(books)} == {560 * MS}
    assert all(a["bbo"] != b["bbo"] for (_, a), (_, b) in pairwise(heard["bbo"]))
    told = [trade["tid"] for _, trades in heard["trades"] for trade in trades]
    assert told == sorted(set(told)) and len(told) > 10


def test_an_account_is_told_at_once_and_in_order() -> None:
    """hummingbot's name of the channel is taken as well."""

    async def check(client: Client, venue: Venue) -> None:
        assert venue.master is not None
        user = venue.account.address
        ws = await subscribed(client, type="orderUpdates", user=user.upper().replace("0X", "0x"))
        for kind in ("userFills", "user"):
            await ws.send_json({"method": "subscribe", "subscription": {"type": kind, "user": user}})
        assert (await until(ws, "userFills"))["isSnapshot"] is True
        book = (await info(client, {"type": "l2Book", "coin": "BTC"}))[1]["levels"]
        best, size = book[1][0]["px"].removesuffix(".0"), "0.5"
        _, answer = await exchange(client, venue.master.envelope(order(best, size), venue.nonce()))
        assert "resting" in answer
        (update,) = await until(ws, "orderUpdates")
        assert update["status"] == "open" and update["order"]["origSz"] == size != update["order"]["sz"]
        fills = (await until(ws, "userFills"))["fills"]
        assert (await until(ws, "user"))["fills"] == fills
        await ws.close()

    run(check)


def test_a_silent_socket_is_closed_after_a_minute() -> None:
    async def check(client: Client, venue: Venue) -> None:
        ws = await subscribed(client, type="orderUpdates", user=venue.account.address)
        venue.clock.time_ns += 61 * S
        assert (await asyncio.wait_for(ws.receive(), 5)).type.name in ("CLOSE", "CLOSED", "CLOSING")

    run(check)


def test_a_disconnect_cuts_the_stream_that_is_meant() -> None:
    async def check(client: Client, venue: Venue) -> None:
        market = await subscribed(client, type="bbo", coin="BTC")
        user = await subscribed(client, type="userFills", user=venue.account.address)
        venue.clock.time_ns += 6 * S
        venue.floor.faults.tick(venue.clock.time_ns)
        while not (message := await asyncio.wait_for(user.receive(), 5)).type.name.startswith("CLOS"):
            assert message.type.name == "TEXT"
        await market.send_json({"method": "ping"})
        await until(market, "pong")
        await market.close()

    run(check, '[[fault]]\nkind = "disconnect"\nvenue = "hyperliquid"\nstream = "user"\nat_s = 5')


def test_an_address_has_ten_connections() -> None:
    async def check(client: Client, venue: Venue) -> None:
        open_ones = [await client.ws_connect("/ws") for _ in range(10)]
        with pytest.raises(ClientError):
            await client.ws_connect("/ws")
        for ws in open_ones:
            await ws.close()

    run(check)
