"""Streams of a served Binance: the documented book algorithms converge, and connections speak as the venue's do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from aiohttp import WSMsgType
from hypothesis import given, settings
from hypothesis import strategies as st
from served_binance_material import Local, heard, heard_until, serve
from served_material import MS, SPOT, START, USDM, HandClock, S, market, new_world

from crossbook.events import EventKind
from crossbook.tape.frames_of import starts_of
from crossbook.types import Venue
from crossbook.venues.served import binance_users
from crossbook.venues.served.accounts import make_accounts
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_hub import Hub
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.source import TapeSource
from crossbook.venues.served.world import World

Book = dict[str, dict[str, str]]


class Follower:
    """A client that keeps a book by the venue's document: buffer, snapshot, apply, start anew at a gap."""

    def __init__(self, is_spot: bool) -> None:
        self.is_spot = is_spot
        self.buffer: list[dict[str, Any]] = []
        self.book: Book = {}
        self.last = 0
        self.is_first = True
        self.gaps = 0

    def snapshot(self, answer: dict[str, Any]) -> None:
        self.book = {side: dict(answer[name]) for side, name in (("b", "bids"), ("a", "asks"))}
        self.last, self.is_first = answer["lastUpdateId"], True
        for event in self.buffer:
            self.apply(event)
        self.buffer.clear()

    def apply(self, event: dict[str, Any]) -> None:
        if self.last == 0:
            self.buffer.append(event)
            return
        if event["u"] < self.last or (self.is_spot and event["u"] <= self.last):
            return
        if self.is_spot:
            fits = event["U"] <= self.last + 1
        elif self.is_first:
            fits = event["U"] <= self.last + 1 and event["u"] >= self.last
        else:
            fits = event["pu"] == self.last
        if not fits:
            self.gaps += 1
        for side in "ba":
            for price, quantity in event[side]:
                if float(quantity):
                    self.book[side][price] = quantity
                else:
                    self.book[side].pop(price, None)
        self.last, self.is_first = event["u"], False


STREAMS = [(SPOT, "depth@100ms"), (SPOT, "depth"), (SPOT, "depth@0ms"), (USDM, "depth@100ms"), (USDM, "depth@0ms")]


@settings(max_examples=15)
@given(
    st.sampled_from(STREAMS),
    st.lists(st.integers(5, 180), min_size=12, max_size=40),
    st.integers(0, 8),
)
def test_the_documented_book_algorithm_converges(where: tuple[Venue, str], steps: list[int], asked_at: int) -> None:
    """Whenever the snapshot is asked for, the followed book is the venue's, level by level, and no gap is seen."""
    venue, stream = where
    world, clock = new_world()
    house = House(world, venue, Limits(), Faults())
    hub = Hub(house)
    follower = Follower(venue is SPOT)
    hub.subscribe(f"btcusdt@{stream}", lambda name, frame: follower.apply(json.loads(frame)))
    form = house.form("BTCUSDT")
    elapsed = beats = 0
    for number, step in enumerate(steps):
        clock.time_ns += step * MS
        world.tick(clock.time_ns)
        elapsed += step
        while beats < elapsed // 100:
            beats += 1
            hub.beat()
        if number == asked_at:
            book = world.book(venue, "BTCUSDT")
            follower.snapshot(
                {"lastUpdateId": book.last_id, "bids": form.levels(book.bids), "asks": form.levels(book.asks)}
            )
    for _ in range(10):
        hub.beat()
    book = world.book(venue, "BTCUSDT")
    assert follower.gaps == 0
    assert follower.last == book.last_id
    assert follower.book == {"b": dict(form.levels(book.bids)), "a": dict(form.levels(book.asks))}


@pytest.mark.parametrize("where", [(SPOT, "depth@100ms"), (USDM, "depth@0ms")])
def test_a_market_of_quotes_alone_has_a_book_of_one_level_a_side(where: tuple[Venue, str]) -> None:
    """A tape may hold no depth: then the best bid and ask are the book, and the stream says how it changes."""
    venue, stream = where
    instruments, rows, _ = market()
    kept = np.isin(rows["kind"], [int(EventKind.QUOTE), int(EventKind.TRADE)])
    rows = rows[kept]
    clock = HandClock(START)
    source = TapeSource(instruments, rows, starts_of(rows), START)
    world = World(clock, source, list(make_accounts(1)))
    clock.time_ns += S
    world.tick(clock.time_ns)
    house = House(world, venue, Limits(), Faults())
    hub, follower, form = Hub(house), Follower(venue is SPOT), house.form("BTCUSDT")
    hub.subscribe(f"btcusdt@{stream}", lambda name, frame: follower.apply(json.loads(frame)))
    for number in range(60):
        clock.time_ns += 100 * MS
        world.tick(clock.time_ns)
        hub.beat()
        if number == 20:
            book = world.book(venue, "BTCUSDT")
            follower.snapshot(
                {"lastUpdateId": book.last_id, "bids": form.levels(book.bids), "asks": form.levels(book.asks)}
            )
    quote = world.quote(venue, "BTCUSDT")
    assert follower.gaps == 0 and follower.last == quote.update_id > 0
    assert follower.book == {
        "b": dict(form.levels([(quote.bid_e8, quote.bid_quantity_e8)])),
        "a": dict(form.levels([(quote.ask_e8, quote.ask_quantity_e8)])),
    }


def test_ids_come_back_as_they_were() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws")
        for id in (0, 7, "a", "6fa459ea-ee8a-3ca4-894e-db77e160355e", None):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": id})
            assert await heard(socket) == {"result": [], "id": id}
            await asyncio.sleep(0.001)

    async def slow(venue: Local) -> None:
        await run(venue)

    serve(USDM, slow)


def test_control_messages() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws/btcusdt@trade")
        await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "btcusdt@trade"], "id": 1})
        assert await heard(socket) == {"result": None, "id": 1}
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert await heard(socket) == {"result": ["btcusdt@trade", "btcusdt@bookTicker"], "id": 2}
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3})
        assert await heard(socket) == {"result": None, "id": 3}
        await socket.send_json({"method": "GET_PROPERTY", "params": ["combined"], "id": 4})
        assert await heard(socket) == {"result": False, "id": 4}
        venue.go(0.5)
        assert "u" in await heard(socket)
        await socket.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 5})
        await heard_until(socket, lambda message: message.get("id") == 5)
        venue.go(0.5)
        assert (await heard(socket))["stream"] == "btcusdt@bookTicker"

    serve(SPOT, run)


def test_what_is_no_request_is_refused_in_the_venues_words() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/stream")
        for sent, code in (("{", 3), ('{"method":"JUMP","id":1}', 2), ('{"id":2}', 2),
                           ('{"method":"SET_PROPERTY","params":["combined",1],"id":3}', 2),
                           ('{"method":"SET_PROPERTY","params":["other",true],"id":4}', 0)):  # fmt: skip
            await socket.send_str(sent)
            answer = await heard(socket)
            assert answer["error"]["code"] == code, answer
            assert answer["id"] == (json.loads(sent)["id"] if code != 3 else None)

    serve(USDM, run)


@pytest.mark.parametrize(
    ("venue", "path", "is_combined"),
    [
        (SPOT, "/ws/btcusdt@bookTicker", False), (SPOT, "/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker", True),
        (SPOT, "/stream-sim/ws/btcusdt@bookTicker", False), (USDM, "/public/ws/btcusdt@bookTicker", False),
        (USDM, "/public/stream?streams=btcusdt@bookTicker", True), (USDM, "/um/public/ws/btcusdt@bookTicker", False),
        (USDM, "/stream?streams=btcusdt@bookTicker", True), (USDM, "/ws/btcusdt@bookTicker/ethusdt@bookTicker", False),
    ],
)  # fmt: skip
def test_paths(venue: Venue, path: str, is_combined: bool) -> None:
    async def run(here: Local) -> None:
        socket = await here.ws(path)
        await asyncio.sleep(0.02)
        here.go(0.5)
        message = await heard(socket)
        assert ("stream" in message) == is_combined
        assert (message["data"] if is_combined else message)["s"] in ("BTCUSDT", "ETHUSDT")

    serve(venue, run)


def test_a_path_with_a_mere_number_opens_no_stream() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/stream-sim/ws/1")
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": "1"})
        assert await heard(socket) == {"result": [], "id": "1"}

    serve(SPOT, run)


async def _placed(venue: Local) -> None:
    assert (await venue.order(type="MARKET", timeInForce=None, price=None))[0] == 200


@pytest.mark.parametrize("path", ["/private/ws?listenKey={}", "/private/ws/{}", "/private/stream?streams={}",
                                  "/um/private/ws?listenKey={}", "/stream?streams={}", "SUBSCRIBE"])  # fmt: skip
def test_every_way_to_listen_with_a_key(path: str) -> None:
    async def run(venue: Local) -> None:
        _, body = await venue.rest("POST", "listenKey", sign=False)
        key = body["listenKey"]
        assert len(key) == 64
        socket = await venue.ws("/private/stream" if path == "SUBSCRIBE" else path.format(key))
        if path == "SUBSCRIBE":
            await socket.send_json({"method": "SUBSCRIBE", "params": [key], "id": 1})
            assert await heard(socket) == {"result": None, "id": 1}
        await asyncio.sleep(0.02)
        await _placed(venue)
        messages = [await heard(socket) for _ in range(4)]
        if "stream" in messages[0]:
            assert {message["stream"] for message in messages} == {key}
            messages = [message["data"] for message in messages]
        assert [message["e"] for message in messages] == [
            "ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
        ]  # fmt: skip
        assert [messages[0]["o"]["x"], messages[2]["o"]["x"]] == ["NEW", "TRADE"]

    serve(USDM, run)


def test_a_listen_key_lives_an_hour_from_when_it_was_last_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour that is four seconds long here."""
    monkeypatch.setattr(binance_users, "LISTEN_KEY_NS", 4 * S)

    async def run(venue: Local) -> None:
        async def ask(method: str) -> tuple[int, Any]:
            return await venue.rest(method, "listenKey", sign=False)

        _, first = await ask("POST")
        assert (await ask("POST"))[1] == first and (await ask("PUT"))[1] == first
        socket = await venue.ws(f"/private/ws/{first['listenKey']}")
        venue.clock.time_ns += 3 * S
        assert (await ask("PUT"))[0] == 200
        venue.clock.time_ns += 4 * S
        (message,) = await heard_until(socket, lambda one: one["e"] == "listenKeyExpired")
        assert message["listenKey"] == first["listenKey"]
        assert await ask("PUT") == (400, {"code": -1125, "msg": "This listenKey does not exist."})
        assert (await ask("POST"))[1] != first
        assert await ask("DELETE") == (200, {}) and (await ask("DELETE"))[0] == 400

    serve(USDM, run)


def test_who_says_too_much_is_disconnected() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws")
        for number in range(6):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            pass
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED) and message.data == 1008

    serve(SPOT, run)


SHUTDOWN = '[[fault]]\nkind = "shutdown"\nat_s = 1\ndelay_ms = 500'


def test_a_shutdown_is_announced_in_each_form_and_then_happens() -> None:
    async def run(venue: Local) -> None:
        raw, combined, api = await venue.ws("/ws"), await venue.ws("/stream"), await venue.ws("/ws-api/v3")
        await asyncio.sleep(0.02)
        venue.clock.time_ns += 2 * S
        plan: Faults = venue.faults  # type: ignore[attr-defined]
        plan.tick(venue.clock.time_ns - S)
        event = await heard(raw)
        assert event["e"] == "serverShutdown" and event["E"] == venue.now_ms()
        assert await heard(combined) == {"stream": "!serverShutdown", "data": event}
        assert await heard(api) == {"event": event}
        plan.tick(venue.clock.time_ns)
        for socket in (raw, combined, api):
            assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)

    serve(SPOT, run, SHUTDOWN)


def test_frames_are_duplicated_by_fault() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws/btcusdt@bookTicker")
        await asyncio.sleep(0.02)
        venue.go(0.5)
        first, second, third = [await heard(socket) for _ in range(3)]
        assert first == second != third

    serve(SPOT, run, '[[fault]]\nkind = "duplicate"\nstream = "market"\nat_s = 0')
