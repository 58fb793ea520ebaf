"""The served Hyperliquid's websocket: subscribe, unsubscribe, ping, and requests and actions as `post`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.faults import Faults, SocketFault, Stream
from crossbook.venues.served.hyperliquid_channels import Subscription, echo, parse
from crossbook.venues.served.hyperliquid_hub import Hub, frame_of

HL = Venue.HYPERLIQUID
GREETING = b"Websocket connection established."
IDLE_NS = 60 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S
MESSAGES_MOST = 2_000
SUBSCRIPTIONS_MOST = 1_000
USERS_MOST = 10
BACKLOG_MOST = 20_000
FRAME_BYTES_MOST = 1 << 20

Post = Callable[[str, Any, str], Awaitable["Posted"]]
"""`(type, payload, ip)`: do a posted request."""


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a posted request: a status as /info or /exchange would give it. `answered` False: say nothing."""

    status: int
    payload: Any
    answered: bool = True


class Socket:
    """One connection. What it says leaves through the fault lanes and one writer, in order."""

    def __init__(self, ws: web.WebSocketResponse, hub: Hub, faults: Faults, now_ns: Callable[[], int]) -> None:
        self.streams: set[Stream] = set()
        self.subscriptions: dict[Subscription, None] = {}
        self.sent_ns = now_ns()
        self._ws = ws
        self._hub = hub
        self._now_ns = now_ns
        self._lanes = {stream: faults.lane(HL, stream) for stream in Stream}
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._window = (0, 0)
        self._closing = False

    # out

    def hear(self, frame: bytes, stream: Stream) -> None:
        """Say it, as the faults let it through."""
        lane = self._lanes[stream]
        for one in lane.put(frame, self._now_ns()):
            self._put(one)
        due = lane.next_due()
        if due is not None:
            asyncio.get_running_loop().call_later(max(due - self._now_ns(), 0) / NS_PER_S, self._release, stream)

    def _release(self, stream: Stream) -> None:
        lane = self._lanes[stream]
        for frame in lane.take(self._now_ns()):
            self._put(frame)
        due = lane.next_due()
        if due is not None:
            delay_s = max(due - self._now_ns(), 1_000_000) / NS_PER_S
            asyncio.get_running_loop().call_later(delay_s, self._release, stream)

    def _put(self, frame: bytes) -> None:
        if self._closing:
            return
        if self._frames.qsize() >= BACKLOG_MOST:
            self.close()
            return
        self.sent_ns = self._now_ns()
        self._frames.put_nowait(frame)

    async def write(self) -> None:
        """Send what is said until the connection is closed."""
        while (frame := await self._frames.get()) is not None:
            try:
                await self._ws.send_frame(frame, WSMsgType.TEXT)
            except (ConnectionError, RuntimeError):
                break
        await self._ws.close(code=WSCloseCode.GOING_AWAY)

    def close(self) -> None:
        """Close when what was said has left. Nothing more is said."""
        if not self._closing:
            self._closing = True
            self._frames.put_nowait(None)

    def leave(self) -> None:
        """The connection is gone."""
        self.close()
        for subscription in self.subscriptions:
            self._hub.unsubscribe(subscription, self)
        self.subscriptions.clear()

    # in

    async def take(self, text: str | bytes, post: Post, ip: str) -> None:
        """One message of the client."""
        if self._floods():
            self._error("Too many messages")
            self.close()
            return
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            message = None
        method = message.get("method") if isinstance(message, dict) else None
        if method == "ping":
            self.hear(msgspec.json.encode({"channel": "pong"}), Stream.API)
        elif method in ("subscribe", "unsubscribe") and isinstance(message, dict):
            self._subscription(method, message.get("subscription"))
        elif method == "post" and isinstance(message, dict):
            await self._post(message, post, ip)
        else:
            said = text if isinstance(text, str) else text.decode(errors="replace")
            self._error(f"Error parsing JSON into valid websocket request: {said}")

    def _floods(self) -> bool:
        minute = self._now_ns() // MINUTE_NS
        since, count = self._window
        self._window = (minute, count + 1 if since == minute else 1)
        return self._window[1] > MESSAGES_MOST

    def _error(self, text: str) -> None:
        self.hear(frame_of("error", text), Stream.API)

    def _subscription(self, method: str, asked: Any) -> None:
        subscription = parse(self._hub.world, asked)
        said = msgspec.json.encode(asked).decode()
        if subscription is None:
            self._error(f"Invalid subscription {said}")
            return
        if method == "unsubscribe":
            if subscription not in self.subscriptions:
                self._error(f"Already unsubscribed: {said}")
                return
            del self.subscriptions[subscription]
            self._hub.unsubscribe(subscription, self)
        elif subscription in self.subscriptions:
            self._error(f"Already subscribed: {said}")
            return
        elif len(self.subscriptions) >= SUBSCRIPTIONS_MOST or self._has_too_many_users(subscription):
            self._error(f"Cannot track more than {USERS_MOST} total users or {SUBSCRIPTIONS_MOST} subscriptions.")
            return
        stream = Stream.MARKET if subscription.is_market else Stream.USER
        self.streams.add(stream)
        self.hear(
            frame_of("subscriptionResponse", {"method": method, "subscription": echo(subscription, asked)}), Stream.API
        )
        if method == "subscribe":
            self.subscriptions[subscription] = None
            self._hub.subscribe(subscription, self)

    def _has_too_many_users(self, subscription: Subscription) -> bool:
        users = {one.user for one in self.subscriptions} | {subscription.user}
        return len(users - {""}) > USERS_MOST

    async def _post(self, message: dict[str, Any], post: Post, ip: str) -> None:
        number, request = message.get("id"), message.get("request")
        kind = request.get("type") if isinstance(request, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(request, dict):
            self._error(f"Error parsing JSON into valid websocket request: {msgspec.json.encode(message).decode()}")
            return
        self.streams.add(Stream.API)
        if kind not in ("info", "action"):
            done = Posted(status=422, payload="Failed to deserialize the JSON body into the target type")
        else:
            done = await post(str(kind), request.get("payload"), ip)
        if not done.answered:
            self.close()
            return
        response: dict[str, Any] = {"type": kind, "payload": done.payload}
        if done.status != 200:
            response = {"type": "error", "payload": f"{done.status} {done.payload}"}
        self.hear(frame_of("post", {"id": number, "response": response}), Stream.API)


class Sockets:
    """All connections: their limits, their silence, and what the faults do to them."""

    CONNECTIONS_MOST = 10
    NEW_A_MINUTE_MOST = 30

    def __init__(self, hub: Hub, faults: Faults, now_ns: Callable[[], int], post: Post, *, greets: bool) -> None:
        self._hub = hub
        self._faults = faults
        self._now_ns = now_ns
        self._post = post
        self._greets = greets
        self._open: dict[Socket, str] = {}
        self._new: dict[str, list[int]] = {}
        faults.subscribe(HL, self)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from handshake to end."""
        ip = request.remote or ""
        now = self._now_ns()
        recent = [at for at in self._new.get(ip, []) if at > now - MINUTE_NS]
        if list(self._open.values()).count(ip) >= self.CONNECTIONS_MOST or len(recent) >= self.NEW_A_MINUTE_MOST:
            return web.Response(status=429)
        self._new[ip] = [*recent, now]
        ws = web.WebSocketResponse(max_msg_size=FRAME_BYTES_MOST, compress=False)
        await ws.prepare(request)
        socket = Socket(ws, self._hub, self._faults, self._now_ns)
        self._open[socket] = ip
        writer = asyncio.create_task(socket.write())
        if self._greets:
            socket.hear(GREETING, Stream.API)
        try:
            async for message in ws:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await socket.take(message.data, self._post, ip)
        finally:
            del self._open[socket]
            socket.leave()
            await writer
        return ws

    def close_silent(self) -> None:
        """Close connections to which nothing was said for a minute."""
        for socket in tuple(self._open):
            if self._now_ns() - socket.sent_ns > IDLE_NS:
                socket.close()

    def on_socket_fault(self, fault: SocketFault) -> None:
        """A disconnect; this venue announces none, so a shutdown is one when it closes."""
        if fault.kind != "disconnect":
            return
        for socket in tuple(self._open):
            if fault.stream is None or fault.stream in socket.streams:
                socket.close()

    async def close(self) -> None:
        """The server stops."""
        for socket in tuple(self._open):
            socket.close()
        await asyncio.sleep(0)
