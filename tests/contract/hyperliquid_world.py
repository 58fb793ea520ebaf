"""A served Hyperliquid in a world of virtual time: its own handlers, over the in-memory network; a gateway at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from contract.binance_world import drive
from contract.gateway_material import RUN_S, GatewayLife

from crossbook.sim.world import World
from crossbook.sim.world_faults import NO_FAULTS, Faults
from crossbook.sim.world_network import Reply, Request
from crossbook.types import Level, Venue
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.gateway import Gateway
from crossbook.venues.hyperliquid.gateway import HyperliquidGateway
from crossbook.venues.keys import AgentKey
from crossbook.venues.network import Connection
from crossbook.venues.served.faults import Faults as VenueFaults
from crossbook.venues.served.faults import RequestFault
from crossbook.venues.served.hyperliquid import BLOCK_S, Posted, Rim, _parsed
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_hub import Hub
from crossbook.venues.served.hyperliquid_info import items_per_weight, weight_of
from crossbook.venues.served.hyperliquid_ws import Socket
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import World as ServedWorld

HL = Venue.HYPERLIQUID
USER_FRAMES = (b'{"channel":"userFills"', b'{"channel":"user"', b'{"channel":"orderUpdates"')
PLACE = "127.0.0.1:7002"


class Wire(Socket):
    """The venue's end of a connection; what it says goes straight into the world's network."""

    def __init__(self, host: HyperliquidHost) -> None:
        super().__init__(None, host.hub, host.faults, host.served.clock.now_ns)  # type: ignore[arg-type]
        self._host = host
        self._connection: Connection | None = None

    def on_open(self, connection: Connection) -> None:
        self._connection = connection
        self._host.wires.append(self)

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        if not self._host.deaf(frame):
            drive(self.take(frame, self._host.post, "world"))

    def on_alive(self, receive_ns: int) -> None:
        pass

    def on_close(self, why: str) -> None:
        self._connection = None
        if self in self._host.wires:
            self._host.wires.remove(self)
        self.leave()

    def _put(self, frame: bytes) -> None:
        self.sent_ns = self._now_ns()
        said = self._host.say(frame)
        if self._connection is not None and said is not None:
            self._connection.send(said)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.cut("code 1006, without a close frame")  # type: ignore[attr-defined]


class HyperliquidHost:
    """A `sim.world_network.Host`. `asked`: every question, and every action with its envelope; `deaf`: frames and
    bodies that it does not hear; `say`: its frames, made anew, None to drop one; `revise`: its answers to questions."""

    def __init__(self, world: World, served: ServedWorld) -> None:
        self.world, self.served = world, served
        self.wires: list[Wire] = []
        self.asked: list[Any] = []
        self.deaf: Callable[[bytes], bool] = lambda body: False
        self.say: Callable[[bytes], bytes | None] = lambda frame: frame
        self.revise: Callable[[dict[str, Any], Any], Any] = lambda asked, answer: answer
        self.faults, self.limits = VenueFaults(), Limits()
        self.floor = Floor(served, self.limits, self.faults)
        self.rim = Rim(self.floor, self.limits, self.faults)
        self.hub = Hub(self.floor, world.loop.call_soon)
        world.network.serve(PLACE, self)
        world.loop.call_later(BLOCK_S, self._block)

    def accept(self, url: str) -> Wire | str:
        return Wire(self)

    async def post(self, kind: str, payload: Any, ip: str) -> Posted:
        self.asked.append(payload)
        return await self.rim.post(kind, payload, ip)

    def answer(self, request: Request, reply: Reply) -> None:
        asked = msgspec.json.decode(request.body)
        self.asked.append(asked)
        if self.deaf(request.body):
            return
        is_info = urlsplit(request.url).path == "/info"
        weight = weight_of(asked["type"]) if is_info else 1
        verdict = self.limits.weigh(HL, "world", weight, self.floor.now_ns)
        if not verdict.ok:
            reply(429, {"Retry-After": str(verdict.retry_after_s)}, b"null")
            return
        self.floor.catch_up()
        done = self.rim._ask(asked) if is_info else self.rim._act(_parsed(request.body))
        per = items_per_weight(asked["type"]) if is_info else 0
        if per and isinstance(done.payload, list):
            self.limits.weigh(HL, "world", len(done.payload) // per, self.floor.now_ns)
        assert not isinstance(done.payload, RequestFault)
        body = self.revise(asked, done.payload) if is_info else done.payload
        text = str(body).encode() if done.status != 200 else msgspec.json.encode(body)
        reply(done.status, {}, text)

    def actions(self, kind: str) -> list[dict[str, Any]]:
        """The envelopes of all actions of a kind that were posted or sent."""
        return [one for one in self.asked if one.get("action", {}).get("type") == kind]

    def cut(self) -> None:
        """Break every connection."""
        for wire in list(self.wires):
            wire.close()

    def _block(self) -> None:
        self.world.loop.call_later(BLOCK_S, self._block)
        self.hub.block()


class HyperliquidLife(GatewayLife):
    """The gateway to Hyperliquid with the account's agent."""

    venue = HL
    symbols = ("BTC", "ETH")

    def __init__(self, seed: int = 1, faults: Faults = NO_FAULTS, skew_ns: int = 0) -> None:
        super().__init__(seed, faults, skew_ns)
        self.host = HyperliquidHost(self.world, self.served)
        self.key = AgentKey(self.account.agents[0].private_key)

    def make(self, **changes: Any) -> Gateway:
        fields: dict[str, Any] = {
            "environment": Environment.LOCAL, "endpoints": endpoints(HL, Environment.LOCAL, f"http://{PLACE}"),
            "symbols": self.symbols, "account": self.account.address, "key": self.key, "build": 7, "run_s": RUN_S,
        }  # fmt: skip
        changes.pop("api_key", None)
        self.hyperliquid = HyperliquidGateway(self.world.ports(), self.ear, **(fields | changes))
        self.gateway = self.hyperliquid
        return self.hyperliquid

    def crash(self) -> None:
        heard, self.ear.on_event = self.ear.on_event, lambda event: None  # type: ignore[method-assign]
        self.hyperliquid._close()
        self.world.run(0.05)
        self.ear.on_event = heard  # type: ignore[method-assign]


def begun(**changes: Any) -> HyperliquidLife:
    """A life that trades, its socket past its first second, in which it is busy with the subscriptions."""
    life = HyperliquidLife()
    life.begin(**changes)
    life.run(1.5)
    return life


def mute(life: HyperliquidLife, *heads: bytes) -> None:
    """From here on the venue does not say frames that begin so."""
    life.host.say = lambda frame: None if frame.startswith(heads) else frame


def levels(life: HyperliquidLife, name: str) -> set[Level]:
    """What troubles of a name make fall."""
    return {one.level for one in life.ear.troubles if one.name == name}
