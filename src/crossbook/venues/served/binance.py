"""Binance spot or USD-M futures served on this machine: REST, market and user streams, WebSocket API.

One application per venue, on a port of its own; paths may carry any prefix that clients put before them. The world is
driven by whoever mounts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from crossbook.types import Venue
from crossbook.venues.served.binance_desk import Desk
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_hub import BEAT_MS, Hub
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask, Way, rest_ask
from crossbook.venues.served.binance_routes import by_name, by_path, routes
from crossbook.venues.served.binance_streams import Streams
from crossbook.venues.served.binance_users import Users
from crossbook.venues.served.binance_wire import Wire
from crossbook.venues.served.binance_ws_api import WsApi
from crossbook.venues.served.faults import FaultKind, Faults, SocketFault, Stream
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import World

BODY_BYTES_MOST = 1 << 20
JSON_HEADERS = {"Content-Type": "application/json;charset=UTF-8"}
WS_API_PATHS = ("/ws-api", "/ws-fapi")


def application(
    world: World, venue: Venue, limits: Limits, faults: Faults, *, legacy: bool = True
) -> web.Application:  # fmt: skip
    """The venue (BINANCE_SPOT or BINANCE_USDM) as an aiohttp application.

    `legacy`: spot's listen keys (`/api/v3/userDataStream`) are still there for old clients; production has none.
    """
    rim = Rim(world, venue, limits, faults, legacy)
    app = web.Application(client_max_size=BODY_BYTES_MOST)
    app.router.add_route("*", "/{path:.*}", rim.handle)

    async def live(app: web.Application) -> AsyncIterator[None]:
        beats = asyncio.create_task(rim.beat())
        yield
        beats.cancel()

    async def close(app: web.Application) -> None:
        for wire, _ in rim.wires():
            await wire.socket.close(code=1001, message=b"going away")

    app.cleanup_ctx.append(live)
    app.on_shutdown.append(close)
    return app


class Rim:
    """HTTP and websockets of one venue."""

    def __init__(self, world: World, venue: Venue, limits: Limits, faults: Faults, legacy: bool) -> None:
        self.house = House(world, venue, limits, faults)
        self.users = Users(self.house)
        self.hub = Hub(self.house)
        self.desk = Desk(self.house)
        found = routes(venue, self.users, legacy)
        self._paths = by_path(found)
        self.streams = Streams(self.house, self.hub, self.users)
        self.api = WsApi(self.house, self.desk, self.users, by_name(found))
        faults.subscribe(venue, self)

    async def beat(self) -> None:
        """What happens by itself ten times a second."""
        while True:
            await asyncio.sleep(BEAT_MS / 1000)
            self.hub.beat()
            self.streams.expire_keys()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Whatever comes in."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if any(path in request.path for path in WS_API_PATHS):
                return await self.api.serve(request)
            return await self.streams.serve(request)
        return await self._rest(request)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        ask = Ask(way=Way.REST, params={}, address=request.remote or "")
        route = self._paths.get((request.method, request.path))
        if route is None:
            text = f"Path {request.path}, Method {request.method} is invalid"
            return self._refused(ask, Problem(-5000, text, status=404))
        try:
            query = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
            api_key = request.headers.get("X-MBX-APIKEY", "")
            ask = rest_ask(query, body, api_key, ask.address, self.house.clock())
        except Problem as problem:
            return self._refused(ask, problem)
        done = await self.desk.take(route, ask)
        if done.is_silent:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if done.problem is not None:
            return self._refused(ask, done.problem)
        answer = done.answer
        return web.Response(
            status=answer.status if answer else 200, body=msgspec.json.encode(answer.body if answer else {}),
            headers=JSON_HEADERS | self.desk.headers(ask, route.counts),
        )  # fmt: skip

    def _refused(self, ask: Ask, problem: Problem) -> web.Response:
        body = problem.body()
        if problem.code == -1003:
            body.pop("data", None)  # REST says it in Retry-After
        headers = JSON_HEADERS | self.desk.headers(ask, False) | problem.headers
        return web.Response(status=problem.status, body=msgspec.json.encode(body), headers=headers)

    # faults of websockets

    def wires(self) -> list[tuple[Wire, str]]:
        """All open websockets with their form: raw, combined or api."""
        streams = [(one.wire, "combined" if one.combined else "raw") for one in self.streams.connections]
        return [*streams, *((one.wire, "api") for one in self.api.connections)]

    def on_socket_fault(self, fault: SocketFault) -> None:
        """Close, or say that they will be closed; spot's user events come over the API's connections."""
        for wire, form in self.wires():
            is_user = fault.stream is Stream.USER and form == "api" and self.house.is_spot
            if fault.stream is not None and wire.stream is not fault.stream and not is_user:
                continue
            if fault.kind is FaultKind.DISCONNECT:
                wire.abort()
            else:
                event = msgspec.json.encode({"e": "serverShutdown", "E": self.house.now_ms()})
                head = {"raw": b"", "combined": b'{"stream":"!serverShutdown","data":', "api": b'{"event":'}[form]
                wire.send(head + event + (b"}" if head else b""))
