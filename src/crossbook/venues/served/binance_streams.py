"""Stream connections of a served Binance: raw and combined, subscriptions by path and by message, listen keys.

Paths: `/ws`, `/ws/<stream>`, `/stream?streams=a/b`, `/ws?listenKey=`, each under any prefix (`/public`, `/market`,
`/private`, `/um` ...). A path's token that names no stream opens a connection without one.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import msgspec
from aiohttp import web

from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_hub import Hub
from crossbook.venues.served.binance_users import ListenKey, Users
from crossbook.venues.served.binance_wire import Wire
from crossbook.venues.served.faults import Stream

STREAMS_MOST = 1024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
NULL = msgspec.Raw(b"null")


class Command(msgspec.Struct):
    """A client's message."""

    method: str
    params: list[str | bool] = []


class Named(msgspec.Struct):
    """What a message is answered by: its `id`, echoed byte for byte."""

    id: msgspec.Raw = NULL


def id_of(text: str) -> msgspec.Raw:
    """A message's id, null where there is none."""
    try:
        return msgspec.json.decode(text, type=Named).id
    except msgspec.MsgspecError:
        return NULL


class Invalid(Exception):
    """A message that is refused: the venue's code for it, and its words."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(text)


class StreamConnection:
    """One client's connection to streams."""

    def __init__(self, wire: Wire, hub: Hub, users: Users, combined: bool) -> None:
        self.wire = wire
        self.combined = combined
        self._hub = hub
        self._users = users
        self._ends: dict[str, Callable[[], None]] = {}

    def deliver(self, stream: str, frame: bytes) -> None:
        """A message of a stream goes out, wrapped if the connection is a combined one."""
        self.wire.send(b'{"stream":"' + stream.encode() + b'","data":' + frame + b"}" if self.combined else frame)

    def subscribe(self, stream: str) -> None:
        """Hear a stream, or an account if it is a listen key."""
        if stream in self._ends or len(self._ends) >= STREAMS_MOST:
            return
        key = self._users.key(stream)
        if key is not None:
            self._ends[stream] = self._users.listen(key.account, lambda frame: self.deliver(stream, frame))
            return
        self._hub.subscribe(stream, self.deliver)
        self._ends[stream] = lambda: self._hub.unsubscribe(stream, self.deliver)

    def unsubscribe(self, stream: str) -> None:
        """Hear it no more."""
        end = self._ends.pop(stream, None)
        if end is not None:
            end()

    def expired(self, key: ListenKey, event: bytes) -> None:
        """A listen key's hour is over: say so, and nothing more of it."""
        if key.text in self._ends:
            self.deliver(key.text, event)
            self.unsubscribe(key.text)

    def close(self) -> None:
        """The connection is gone."""
        for stream in tuple(self._ends):
            self.unsubscribe(stream)

    def on_text(self, text: str) -> None:
        """A client's message."""
        id = id_of(text)
        try:
            answer: object = {"result": self._do(_command(text)), "id": id}
        except Invalid as invalid:
            answer = {"error": {"code": invalid.code, "msg": invalid.text}, "id": id}
        self.wire.send(msgspec.json.encode(answer))

    def _do(self, command: Command) -> object:
        if command.method == "LIST_SUBSCRIPTIONS":
            return list(self._ends)
        if command.method == "GET_PROPERTY":
            _combined(command)
            return self.combined
        if command.method == "SET_PROPERTY":
            _combined(command)
            if len(command.params) != 2 or not isinstance(command.params[1], bool):
                raise Invalid(1, "Invalid value type: expected Boolean")
            self.combined = command.params[1]
            return None
        act = self.subscribe if command.method == "SUBSCRIBE" else self.unsubscribe
        for stream in command.params:
            act(str(stream))
        return None


def _combined(command: Command) -> None:
    if not command.params or not isinstance(command.params[0], str):
        raise Invalid(2, "Invalid request: property name must be a string")
    if command.params[0] != "combined":
        raise Invalid(0, "Unknown property")


def _command(text: str) -> Command:
    try:
        return _known(msgspec.json.decode(text, type=Command))
    except msgspec.ValidationError as error:
        raise Invalid(2, f"Invalid request: {error}") from None
    except msgspec.MsgspecError:
        raise Invalid(3, "Invalid JSON: expected value at line 1 column 1") from None


def _known(command: Command) -> Command:
    if command.method not in METHODS:
        names = ", ".join(f"`{name}`" for name in METHODS)
        raise Invalid(2, f"Invalid request: unknown variant `{command.method}`, expected one of {names}")
    return command


class Streams:
    """All stream connections of one venue."""

    def __init__(self, house: House, hub: Hub, users: Users) -> None:
        self._house = house
        self._hub = hub
        self._users = users
        self.connections: list[StreamConnection] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, until it ends."""
        path = unquote(request.path)
        named = _streams_of(path, request.query.get("streams", ""), request.query.get("listenKey", ""))
        is_user = "/private" in path or any(self._users.key(one) is not None for one in named)
        wire = Wire(self._house, request, Stream.USER if is_user else Stream.MARKET)
        one = StreamConnection(wire, self._hub, self._users, combined="/ws" not in path)

        def begin() -> None:
            self.connections.append(one)
            for stream in named:
                one.subscribe(stream)

        try:
            await wire.serve(one.on_text, begin, limited=True)
        finally:
            one.close()
            if one in self.connections:
                self.connections.remove(one)
        return wire.socket

    def expire_keys(self) -> None:
        """Tell who listens with a key whose hour is over."""
        for key in self._users.expire():
            event = msgspec.json.encode({"e": "listenKeyExpired", "E": self._house.now_ms(), "listenKey": key.text})
            for one in tuple(self.connections):
                one.expired(key, event)


def _streams_of(path: str, streams: str, listen_key: str) -> list[str]:
    """The streams that an address names; a token without `@` or `!` may be a listen key, or a mere number."""
    token = path.partition("/ws/")[2].strip("/")
    named = [one for one in (*token.split("/"), *streams.split("/"), listen_key) if one]
    return [one for one in named if "@" in one or one.startswith("!") or len(one) >= 60]
