"""The WebSocket API of a served Binance: requests with ids, sessions, and (spot) the user data stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from crossbook.types import Venue
from crossbook.venues.served.accounts import Account, ApiKey
from crossbook.venues.served.binance_auth import Security, check_signature, check_time, identify
from crossbook.venues.served.binance_desk import Desk, Done
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_problem import Problem, illegal
from crossbook.venues.served.binance_request import Ask, Way, ws_ask
from crossbook.venues.served.binance_routes import Route, by_name
from crossbook.venues.served.binance_streams import id_of
from crossbook.venues.served.binance_text import ms
from crossbook.venues.served.binance_users import Users
from crossbook.venues.served.binance_wire import Wire
from crossbook.venues.served.faults import Stream

SUBSCRIPTIONS_MOST = 65_535
CONNECT_WEIGHT = SESSION_WEIGHT = 2


class Request(msgspec.Struct):
    """A client's message."""

    method: str
    params: dict[str, msgspec.Raw] = {}


class ApiConnection:
    """One client's connection: who is logged on, whose events it hears."""

    def __init__(self, api: WsApi, wire: Wire, tells_limits: bool) -> None:
        self.wire = wire
        self._api = api
        self._house = api.house
        self._tells_limits = tells_limits
        self._session: tuple[Account, ApiKey] | None = None
        self._since_ms = 0
        self._subscriptions: dict[int, tuple[str, Callable[[], None], bool]] = {}
        self._given = 0
        self._turns = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._own = by_name(self._routes())

    def _routes(self) -> list[Route]:
        def own(name: str, security: Security, handler: Callable[[House, Ask], object]) -> Route:
            return Route(
                method="", path="", name=name, security=security, weight=SESSION_WEIGHT, handler=handler
            )  # fmt: skip

        found = [
            own("session.logon", Security.NONE, self._logon), own("session.status", Security.NONE, self._status),
            own("session.logout", Security.NONE, self._logout),
        ]  # fmt: skip
        if self._house.venue is not Venue.BINANCE_SPOT:
            return found
        return [
            *found,
            own("session.subscriptions", Security.NONE, self._listed),
            own("userDataStream.subscribe", Security.NONE, self._subscribe),
            own("userDataStream.subscribe.signature", Security.READ, self._subscribe_signed),
            own("userDataStream.unsubscribe", Security.NONE, self._unsubscribe),
        ]

    def on_text(self, text: str) -> None:
        """A request; requests of a connection are done in the order in which they came."""
        task = asyncio.ensure_future(self._answer(text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """The connection is gone."""
        self._end_all()
        for task in self._tasks:
            task.cancel()

    async def _answer(self, text: str) -> None:
        id, received_ns = id_of(text), self._house.clock()
        ask = Ask(way=Way.WS_API, params={}, address=self.wire.address)
        try:
            request = msgspec.json.decode(text, type=Request)
            ask = ws_ask(request.params, self.wire.address, received_ns)
            tells = ask.flag("returnRateLimits", self._tells_limits)
            route = self._route(request.method)
        except Problem as problem:
            self._send(id, ask, Done(problem=problem), self._tells_limits)
            return
        except msgspec.MsgspecError:
            self._send(id, ask, Done(problem=Problem(-1135)), self._tells_limits)
            return
        async with self._turns:
            done = await self._api.desk.take(route, ask, lambda: self._session)
        if done.is_silent:
            self.wire.abort()
            return
        self._send(id, ask, done, tells)

    def _route(self, method: str) -> Route:
        name = method.removeprefix("v3/") if self._house.is_spot else method.removeprefix("v1/")
        route = self._own.get(name) or self._api.routes.get(name)
        if route is None:
            raise Problem(-1000, f"Unknown method '{method}'.", status=400)
        return route

    def _send(self, id: msgspec.Raw, ask: Ask, done: Done, tells_limits: bool) -> None:
        answer: dict[str, object] = {"id": id}
        if done.problem is not None:
            body = done.problem.body()
            answer |= {"status": done.problem.status, "error": body}
        elif done.answer is not None:
            answer |= {"status": done.answer.status, "result": done.answer.body}
        if tells_limits:
            answer["rateLimits"] = self._api.desk.rate_limits(ask)
        self.wire.send(msgspec.json.encode(answer))

    # sessions

    def _logon(self, house: House, ask: Ask) -> object:
        account, key = identify(house, ask)
        if not house.verifiers[key.api_key].may_log_on:
            raise Problem(-4056)
        check_time(house, ask)
        check_signature(house, ask, key)
        ask.account = account
        self._session, self._since_ms = (account, key), house.now_ms()
        return self._status(house, ask)

    def _status(self, house: House, ask: Ask) -> object:
        return {
            "apiKey": self._session[1].api_key if self._session else None,
            "authorizedSince": self._since_ms if self._session else None,
            "connectedSince": ms(self.wire.opened_ns), "returnRateLimits": self._tells_limits,
            "serverTime": house.now_ms(), "userDataStream": bool(self._subscriptions),
        }  # fmt: skip

    def _logout(self, house: House, ask: Ask) -> object:
        self._session = None
        for number, (_, _, is_of_session) in tuple(self._subscriptions.items()):
            if is_of_session:
                self._end(number)
        return self._status(house, ask)

    # the user data stream

    def _subscribe(self, house: House, ask: Ask) -> object:
        if self._session is None:
            raise Problem(-1002)
        if house.key(self._session[1].api_key) is None:
            raise Problem(-2015)
        return self._listen(self._session[0], is_of_session=True)

    def _subscribe_signed(self, house: House, ask: Ask) -> object:
        if not isinstance(ask.account, Account):
            raise Problem(-2015)
        return self._listen(ask.account, is_of_session=False)

    def _listen(self, account: Account, is_of_session: bool) -> object:
        if any(name == account.name for name, _, _ in self._subscriptions.values()):
            raise Problem(-2035)
        if self._given >= SUBSCRIPTIONS_MOST:
            raise Problem(-2042, "Maximum subscription ID reached for this connection.")
        number = self._given
        self._given += 1
        head = b'{"subscriptionId":%d,"event":' % number
        end = self._api.users.listen(account.name, lambda frame: self.wire.send(head + frame + b"}"))
        self._subscriptions[number] = (account.name, end, is_of_session)
        return {"subscriptionId": number}

    def _unsubscribe(self, house: House, ask: Ask) -> object:
        if not ask.has("subscriptionId"):
            if not self._subscriptions:
                raise Problem(-2036)
            self._end_all()
            return {}
        number = ask.integer("subscriptionId")
        if number < 0:
            raise illegal("subscriptionId", "^[0-9]{1,5}$")
        if number not in self._subscriptions:
            raise Problem(-2036)
        self._end(number)
        return {}

    def _listed(self, house: House, ask: Ask) -> object:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _end(self, number: int) -> None:
        self._subscriptions.pop(number)[1]()

    def _end_all(self) -> None:
        for number in tuple(self._subscriptions):
            self._end(number)


class WsApi:
    """All WebSocket API connections of one venue."""

    def __init__(self, house: House, desk: Desk, users: Users, routes: Mapping[str, Route]) -> None:
        self.house = house
        self.desk = desk
        self.users = users
        self.routes = routes
        self.connections: list[ApiConnection] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until it ends."""
        self.house.limits.weigh(
            self.house.venue, request.remote or "", CONNECT_WEIGHT, self.house.clock()
        )  # fmt: skip
        wire = Wire(self.house, request, Stream.API)
        tells = request.query.get("returnRateLimits", "true").lower() != "false"
        one = ApiConnection(self, wire, tells)
        try:
            await wire.serve(one.on_text, lambda: self.connections.append(one), limited=False)
        finally:
            one.close()
            if one in self.connections:
                self.connections.remove(one)
        return wire.socket
