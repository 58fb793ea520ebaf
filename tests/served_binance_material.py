"""A Binance venue served inside the test, over a clock that is set by hand, and somebody who signs for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from aiohttp import ClientWebSocketResponse
from aiohttp.test_utils import TestClient, TestServer
from served_material import MS, HandClock, S, new_world

from crossbook.types import Venue
from crossbook.venues.served.accounts import Account, ApiKey
from crossbook.venues.served.binance import application
from crossbook.venues.served.fault_plan import read_faults
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import RULES, Limits
from crossbook.venues.served.trader import Trader
from crossbook.venues.served.world import World

Json = Any
PREFIX = {Venue.BINANCE_SPOT: "/api/v3", Venue.BINANCE_USDM: "/fapi/v1"}


def hmac_key(account: Account) -> ApiKey:
    """The account's HMAC key."""
    return next(key for key in account.keys if key.secret)


def signed(key: ApiKey, payload: str) -> str:
    """The HMAC signature of a payload."""
    return hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Local:
    """One venue served here. `rest` and `api` sign as the made account."""

    def __init__(self, world: World, clock: HandClock, venue: Venue, client: TestClient[Any, Any]) -> None:
        self.world = world
        self.clock = clock
        self.venue = venue
        self.client = client
        (self.trader,) = world.traders.values()
        self.key = hmac_key(self.trader.account)
        self.headers: dict[str, str] = {}
        self._asked = 0

    def now_ms(self) -> int:
        return self.clock.time_ns // MS

    def go(self, seconds: float) -> None:
        """Let the market go on."""
        self.clock.time_ns += int(seconds * S)
        self.world.tick(self.clock.time_ns)

    async def rest(self, method: str, path: str, *, sign: bool = True, **params: Any) -> tuple[int, Json]:
        """Ask; status and body. A path without `/` is one of the venue's first version."""
        where = path if path.startswith("/") else f"{PREFIX[self.venue]}/{path}"
        if sign:
            params.setdefault("timestamp", self.now_ms())
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
        if sign:
            query += f"&signature={signed(self.key, query)}"
        url = f"{self.client.make_url(where)}?{query}"
        from yarl import URL

        async with self.client.session.request(
            method, URL(url, encoded=True), headers={"X-MBX-APIKEY": self.key.api_key}
        ) as answer:
            self.headers = dict(answer.headers)
            return answer.status, json.loads(await answer.read())

    async def order(self, **terms: Any) -> tuple[int, Json]:
        """Place a limit order to buy 0.01 far below the market, unless `terms` say otherwise."""
        whole = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                 "price": self.price(0.97)} | terms  # fmt: skip
        return await self.rest("POST", "order", **{name: value for name, value in whole.items() if value is not None})

    def price(self, times: float) -> str:
        """A price on the grid, so many times the best ask."""
        tick = self.world.instrument(self.venue, "BTCUSDT").tick_e8
        return f"{int(self.world.quote(self.venue, 'BTCUSDT').ask_e8 * times) // tick * tick / 1e8:.2f}"

    async def ws(self, path: str) -> ClientWebSocketResponse:
        return await self.client.ws_connect(path)

    async def api(self, socket: ClientWebSocketResponse, method: str, *, sign: bool = True, **params: Any) -> Json:
        """A request of the WebSocket API, and its answer (events that come first are skipped)."""
        self._asked += 1
        number = f"request-{self._asked}"
        if sign:
            params |= {"apiKey": self.key.api_key, "timestamp": self.now_ms()}
            text = "&".join(f"{name}={params[name]}" for name in sorted(params))
            params["signature"] = signed(self.key, text)
        await socket.send_json({"id": number, "method": method, "params": params})
        while True:
            answer = await heard(socket)
            if answer.get("id") == number:
                return answer


async def heard(socket: ClientWebSocketResponse) -> Json:
    """The next message."""
    return await asyncio.wait_for(socket.receive_json(), 3)


async def heard_until(socket: ClientWebSocketResponse, is_it: Callable[[Json], bool]) -> list[Json]:
    """All messages up to the first that is it."""
    found = [await heard(socket)]
    while not is_it(found[-1]):
        found.append(await heard(socket))
    return found


@asynccontextmanager
async def local(
    venue: Venue, faults: str = "", accounts: tuple[Account, ...] = (), limits: Limits | None = None
) -> AsyncIterator[Local]:  # fmt: skip
    """Serve a venue inside this test; `faults` as in the file, from the world's first second on."""
    world, clock = new_world(accounts)
    plan = read_faults(faults, "faults", clock.time_ns) if faults else Faults()
    app = application(world, venue, limits or Limits(), plan)
    async with TestClient(TestServer(app)) as client:
        one = Local(world, clock, venue, client)
        one.faults = plan  # type: ignore[attr-defined]
        yield one


def serve(
    venue: Venue, test: Callable[[Local], Awaitable[Any]], faults: str = "", accounts: tuple[Account, ...] = (),
    limits: Limits | None = None,
) -> Any:  # fmt: skip
    """Run a test against a venue served inside it."""

    async def run() -> Any:
        async with local(venue, faults, accounts, limits) as one:
            return await test(one)

    return asyncio.run(run())


def all_keys(value: Json, where: str = "") -> Iterator[str]:
    """Every key of a message with its way down; lists count as one element."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield f"{where}/{name}"
            yield from all_keys(below, f"{where}/{name}")
    elif isinstance(value, list):
        for below in value:
            yield from all_keys(below, f"{where}[]")


__all__ = [
    "PREFIX", "RULES", "Json", "Local", "Trader", "all_keys", "heard", "heard_until", "hmac_key", "local", "serve",
    "signed",
]  # fmt: skip
