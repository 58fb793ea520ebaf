"""A served Binance in a world of virtual time: its own handlers, over the in-memory network; and a gateway at it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from contract.gateway_material import RUN_S, GatewayLife

from crossbook.sim.world import World
from crossbook.sim.world_faults import NO_FAULTS, Faults
from crossbook.sim.world_network import Reply, Request
from crossbook.types import Venue
from crossbook.venues.binance.gateway import BinanceGateway
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.gateway import Gateway
from crossbook.venues.keys import Ed25519Key, HmacKey
from crossbook.venues.network import Connection
from crossbook.venues.served.binance import WS_API_PATHS, Rim
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import rest_ask
from crossbook.venues.served.binance_streams import StreamConnection, _streams_of
from crossbook.venues.served.binance_ws_api import ApiConnection
from crossbook.venues.served.faults import Faults as VenueFaults
from crossbook.venues.served.faults import Stream
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import World as ServedWorld

SPOT, USDM = Venue.BINANCE_SPOT, Venue.BINANCE_USDM
PLACE = "127.0.0.1:7001"


class Wire:
    """The venue's end of a connection, as the served venue's own connections want it."""

    def __init__(self, host: BinanceHost, stream: Stream) -> None:
        self.host, self.house, self.stream = host, host.rim.house, stream
        self.opened_ns = self.house.clock()
        self.address = "world"
        self.connection: Connection | None = None
        self.take: Callable[[str], None] = lambda text: None
        self.on_begin: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None

    def send(self, frame: bytes) -> None:
        if self.connection is not None and not self.host.drop(self, frame):
            self.connection.send(frame)

    def abort(self) -> None:
        if self.connection is not None:
            self.connection.cut("code 1006, without a close frame")  # type: ignore[attr-defined]

    def on_open(self, connection: Connection) -> None:
        self.connection = connection
        self.host.wires.append(self)
        self.on_begin()

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        self.take(frame.decode())

    def on_alive(self, receive_ns: int) -> None:
        pass

    def on_close(self, why: str) -> None:
        self.connection = None
        if self in self.host.wires:
            self.host.wires.remove(self)
        self.on_end()


class BinanceHost:
    """A `sim.world_network.Host`. `asked`: every request over HTTP as `METHOD /path`; `deaf`: requests that it does not
    hear; `drop`: frames that it does not send."""

    def __init__(self, world: World, served: ServedWorld, venue: Venue) -> None:
        self.world, self.served = world, served
        self.wires: list[Wire] = []
        self.asked: list[str] = []
        self.deaf: Callable[[Request], bool] = lambda request: False
        self.drop: Callable[[Wire, bytes], bool] = lambda wire, frame: False
        self.rim = Rim(served, venue, Limits(), VenueFaults(), legacy=False)
        world.network.serve(PLACE, self)
        world.loop.call_later(0.1, self._beat)
        world.loop.call_later(20.0, self._ping)

    def accept(self, url: str) -> Wire | str:
        parts, rim = urlsplit(url), self.rim
        if any(path in parts.path for path in WS_API_PATHS):
            wire = Wire(self, Stream.API)
            api = ApiConnection(rim.api, wire, True)  # type: ignore[arg-type]
            wire.take = lambda text: drive(api._answer(text))
            wire.on_begin, wire.on_end = lambda: rim.api.connections.append(api), api.close
            return wire
        named = _streams_of(parts.path, parse_qs(parts.query).get("streams", [""])[0], "")
        wire = Wire(self, Stream.USER if "/private" in parts.path else Stream.MARKET)
        one = StreamConnection(wire, rim.hub, rim.users, combined="/ws" not in parts.path)  # type: ignore[arg-type]

        def begin() -> None:
            rim.streams.connections.append(one)
            for stream in named:
                one.subscribe(stream)

        wire.take, wire.on_begin, wire.on_end = one.on_text, begin, one.close
        return wire

    def answer(self, request: Request, reply: Reply) -> None:
        parts, rim = urlsplit(request.url), self.rim
        self.asked.append(f"{request.method} {parts.path}")
        if self.deaf(request):
            return
        route, api_key = rim._paths[request.method, parts.path], request.headers.get("X-MBX-APIKEY", "")
        ask = rest_ask(parts.query.encode(), request.body, api_key, "world", rim.house.clock())
        done = drive(rim.desk.take(route, ask))
        if done.problem is not None:
            refused = rim._refused(ask, done.problem)
            reply(refused.status, dict(refused.headers), refused.body)
        else:
            answer = msgspec.json.encode(done.answer.body)
            reply(done.answer.status, rim.desk.headers(ask, route.counts), answer)

    def cut(self, stream: Stream) -> None:
        """Break every connection of a kind."""
        for wire in [wire for wire in self.wires if wire.stream is stream]:
            wire.abort()

    def replace(self, name: str, handler: Callable[[Any, Any], object]) -> None:
        """From here on a request (by path, or by its name on the WS API) is done so."""
        for routes in (self.rim.api.routes, self.rim._paths):
            for key, route in list(routes.items()):  # type: ignore[attr-defined]
                if name in (route.name, route.path):
                    routes[key] = msgspec.structs.replace(route, handler=handler)  # type: ignore[index]

    def refuse(self, name: str, code: int, **words: Any) -> None:
        """From here on a request is answered with this error."""

        def refuse(house: object, ask: object) -> object:
            raise Problem(code, **words)

        self.replace(name, refuse)

    def _beat(self) -> None:
        self.world.loop.call_later(0.1, self._beat)
        self.rim.hub.beat()
        self.rim.streams.expire_keys()

    def _ping(self) -> None:
        self.world.loop.call_later(20.0, self._ping)
        for wire in self.wires:
            if wire.connection is not None:
                wire.connection.ping()


class BinanceLife(GatewayLife):
    """The gateway to Binance, spot or USD-M, with one of the account's two keys."""

    symbols = ("BTCUSDT", "ETHUSDT")

    def __init__(
        self, venue: Venue, ed25519: bool = False, seed: int = 1, faults: Faults = NO_FAULTS, skew_ns: int = 0,
        begin_s: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(seed, faults, skew_ns, begin_s)
        self.venue = venue
        self.host = BinanceHost(self.world, self.served, venue)
        shown = next(one for one in self.account.keys if bool(one.public_key) is ed25519)
        self.api_key = shown.api_key
        self.key: Any = Ed25519Key(shown.private_key) if ed25519 else HmacKey(shown.secret)

    def make(self, **changes: Any) -> Gateway:
        fields: dict[str, Any] = {
            "venue": self.venue, "environment": Environment.LOCAL,
            "endpoints": endpoints(self.venue, Environment.LOCAL, f"http://{PLACE}"), "symbols": self.symbols,
            "api_key": self.api_key, "key": self.key, "build": 7, "run_s": RUN_S,
        }  # fmt: skip
        self.binance = BinanceGateway(self.world.ports(), self.ear, **(fields | changes))
        self.gateway = self.binance
        return self.binance

    def crash(self) -> None:
        heard, self.ear.on_event = self.ear.on_event, lambda event: None  # type: ignore[method-assign]
        self.binance._close()
        self.world.run(0.05)
        self.ear.on_event = heard  # type: ignore[method-assign]


def drive(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a handler of the served venue to its end; it waits for nothing where no fault tells it to."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the served venue waits for something")
