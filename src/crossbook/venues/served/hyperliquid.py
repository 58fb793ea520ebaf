"""Hyperliquid served on this machine: POST /info, POST /exchange and the websocket /ws, over the simulated world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiohttp import web

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.faults import FaultKind, Faults, RequestFault, Route
from crossbook.venues.served.hyperliquid_actions import Action, Envelope, parse_envelope
from crossbook.venues.served.hyperliquid_asked import Undecodable
from crossbook.venues.served.hyperliquid_exchange import Failed, perform
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_hub import Hub
from crossbook.venues.served.hyperliquid_identity import Turned, authenticate, cost_of
from crossbook.venues.served.hyperliquid_info import ask, items_per_weight, weight_of
from crossbook.venues.served.hyperliquid_ws import Posted, Sockets
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import World

HL = Venue.HYPERLIQUID
BLOCK_S = 0.07
NOT_UNDERSTOOD = "Failed to deserialize the JSON body into the target type"
BATCH_PER_WEIGHT = 40
BODY_BYTES_MOST = 1 << 20
_encode = msgspec.json.Encoder().encode


def application(world: World, limits: Limits, faults: Faults, *, greets: bool = False) -> web.Application:
    """The venue as an aiohttp application. The world is driven by whoever mounts it.

    `greets`: whether a websocket begins with the venue's greeting, a text that is no JSON.
    """
    floor = Floor(world, limits, faults)
    rim = Rim(floor, limits, faults)
    app = web.Application(client_max_size=BODY_BYTES_MOST)
    app.router.add_post("/info", rim.info)
    app.router.add_post("/exchange", rim.exchange)

    async def live(app: web.Application) -> AsyncIterator[None]:
        hub = Hub(floor, asyncio.get_running_loop().call_soon)
        rim.sockets = Sockets(hub, faults, world.clock.now_ns, rim.post, greets=greets)
        blocks = asyncio.create_task(_blocks(hub, rim.sockets))
        yield
        blocks.cancel()

    async def close(app: web.Application) -> None:
        if rim.sockets is not None:
            await rim.sockets.close()

    async def ws(request: web.Request) -> web.StreamResponse:
        return await rim.sockets.serve(request) if rim.sockets is not None else web.Response(status=503)

    app.router.add_get("/ws", ws)
    app.cleanup_ctx.append(live)
    app.on_shutdown.append(close)
    return app


async def _blocks(hub: Hub, sockets: Sockets) -> None:
    while True:
        await asyncio.sleep(BLOCK_S)
        hub.block()
        sockets.close_silent()


class Rim:
    """Requests in, answers out: weights, faults and HTTP; what is asked is done by the rooms below."""

    def __init__(self, floor: Floor, limits: Limits, faults: Faults) -> None:
        self.sockets: Sockets | None = None
        self._floor = floor
        self._limits = limits
        self._faults = faults

    # HTTP

    async def info(self, request: web.Request) -> web.StreamResponse:
        """POST /info."""
        body = await request.read()
        ip, now = request.remote or "", self._floor.now_ns
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            asked = {}
        kind = asked.get("type")
        verdict = self._limits.weigh(HL, ip, weight_of(kind), now)
        if not verdict.ok:
            return _too_many(verdict.retry_after_s)
        account = "user" in asked
        done = await self._done(Route.ACCOUNT if account else Route.PUBLIC, lambda: self._ask(asked))
        per = items_per_weight(kind)
        if per and isinstance(done.payload, list):
            self._limits.weigh(HL, ip, len(done.payload) // per, now)
        return _response(done, request)

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """POST /exchange."""
        asked = _parsed(await request.read())
        weight = 1 if asked is None else 1 + cost_of(asked[1]) // BATCH_PER_WEIGHT
        verdict = self._limits.weigh(HL, request.remote or "", weight, self._floor.now_ns)
        if not verdict.ok:
            return _too_many(verdict.retry_after_s)
        return _response(await self._done(Route.TRADE, lambda: self._act(asked)), request)

    # websocket

    async def post(self, kind: str, payload: Any, ip: str) -> Posted:
        """A request that came over the websocket."""
        if kind == "action":
            return await self._done(Route.TRADE, lambda: self._act(_parsed(msgspec.json.encode(payload))))
        asked = payload if isinstance(payload, dict) else {}
        route = Route.ACCOUNT if "user" in asked else Route.PUBLIC
        done = await self._done(route, lambda: self._ask(asked))
        if done.status != 200 or not done.answered:
            return done
        return Posted(status=200, payload={"type": asked["type"], "data": done.payload})

    # both

    def _ask(self, asked: dict[str, Any]) -> Posted:
        try:
            return Posted(status=200, payload=ask(self._floor, asked))
        except Undecodable:
            return Posted(status=422, payload=NOT_UNDERSTOOD)

    def _act(self, asked: tuple[Envelope, Action] | None) -> Posted:
        if asked is None:
            return Posted(status=422, payload=NOT_UNDERSTOOD)
        envelope, action = asked
        try:
            trader = authenticate(self._floor, envelope, action)
            response = perform(self._floor, trader, action)
        except (Turned, Failed) as no:
            return Posted(status=200, payload={"status": "err", "response": str(no)})
        except Refused:
            return Posted(status=422, payload=NOT_UNDERSTOOD)
        return Posted(status=200, payload={"status": "ok", "response": response})

    async def _done(self, route: Route, do: Any) -> Posted:
        """Do it, unless a fault is due; then what the fault makes of it."""
        self._floor.catch_up()
        fault = self._faults.request(HL, route, self._floor.now_ns)
        if fault is None:
            done: Posted = do()
            return done
        if fault.kind in (FaultKind.TOO_MANY, FaultKind.BANNED):
            return Posted(status=429, payload=fault)
        if fault.kind is FaultKind.ERROR_BEFORE:
            return Posted(status=fault.status, payload="Service Unavailable")
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_ns / NS_PER_S)
            slow: Posted = do()
            return slow
        do()
        if fault.kind is FaultKind.NO_ANSWER:
            return Posted(status=200, payload=None, answered=False)
        return Posted(status=fault.status, payload="Service Unavailable")


def _parsed(body: bytes) -> tuple[Envelope, Action] | None:
    try:
        return parse_envelope(body)
    except msgspec.MsgspecError:
        return None


def _too_many(retry_after_s: int) -> web.Response:
    headers = {"Retry-After": str(retry_after_s)}
    return web.Response(status=429, body=b"null", content_type="application/json", headers=headers)


def _response(done: Posted, request: web.Request) -> web.Response:
    if not done.answered:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if isinstance(done.payload, RequestFault):
        return _too_many(done.payload.retry_after_s)
    if done.status != 200:
        return web.Response(status=done.status, text=str(done.payload))
    return web.Response(body=_encode(done.payload), content_type="application/json")
