"""The ports over real sockets: picows for websockets, aiohttp for requests, an asyncio (uvloop) loop, the clock.

The only file that knows any of them. Frames reach the listener inside picows' own callback: no queue, no task.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import picows
from yarl import URL

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_MS
from crossbook.venues.network import Handle, Headers, Listener, OnAnswer, OnFailure, Ports

OPEN_S = 10.0
FRAME_BYTES_MAX = 64 << 20
TEXT, BINARY = picows.WSMsgType.TEXT, picows.WSMsgType.BINARY
_SILENT = logging.getLogger("crossbook.sockets")
_SILENT.disabled = True  # a url may hold a listenKey; what goes wrong is told to the listener


class DeskClock:
    """UTC that runs monotonically: the system's wall as read once, plus the monotonic clock.

    So two of its stamps always differ by a true duration. `drift_ns` says how far the system's wall has since moved
    away (a step, or a machine that slept); `adopt` follows it, for a caller that then treats every age as unknown.
    """

    def __init__(self) -> None:
        self._base_ns = 0
        self.adopt()

    def now_ns(self) -> int:
        """See `venues.network.Clock`."""
        return self._base_ns + time.monotonic_ns()

    def monotonic_ns(self) -> int:
        """See `venues.network.Clock`."""
        return time.monotonic_ns()

    def drift_ns(self) -> int:
        """The system's wall less ours."""
        return time.time_ns() - self.now_ns()

    def adopt(self) -> None:
        """Set this clock by the system's wall; the tightest of five readings counts."""
        tightest = 1 << 62
        for _ in range(5):
            before = time.monotonic_ns()
            wall = time.time_ns()
            after = time.monotonic_ns()
            if after - before < tightest:
                tightest = after - before
                self._base_ns = wall - (before + after) // 2


class SocketNetwork:
    """A `venues.network.Network`. An exception in a callback is a bug: it stops the loop, and `run` raises it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: DeskClock, tls: ssl.SSLContext | None = None
    ) -> None:  # fmt: skip
        self.bug: BaseException | None = None
        self._loop, self._clock, self._tls = loop, clock, tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    def open(self, url: str, listener: Listener) -> Socket:
        """See `venues.network.Network`."""
        socket = Socket(self, listener)
        self._begin(self._open(url, socket))
        return socket

    def request(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        on_answer: OnAnswer,
        on_failure: OnFailure,
        timeout_s: float = 5.0,
    ) -> Handle:
        """See `venues.network.Network`."""
        return self._begin(self._request(method, url, headers, body, on_answer, on_failure, timeout_s))

    def guard(self, call: Callable[..., None], *arguments: object) -> None:
        """Call a listener; what it raises ends the run."""
        try:
            call(*arguments)
        except Exception as error:
            self.bug = self.bug or error
            self._loop.stop()

    def later(self, call: Callable[..., None], *arguments: object) -> None:
        """`guard`, soon."""
        self._loop.call_soon(self.guard, call, *arguments)

    def now_ns(self) -> int:
        """The stamp of now."""
        return self._clock.now_ns()

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, url: str, socket: Socket) -> None:
        try:
            await asyncio.wait_for(
                picows.ws_connect(
                    lambda: socket, url, ssl_context=self._tls, websocket_handshake_timeout=OPEN_S,
                    max_frame_size=FRAME_BYTES_MAX, max_redirects=0, enable_auto_pong=False, logger_name=_SILENT,
                ),
                OPEN_S,
            )  # fmt: skip
        except picows.WSInvalidStatusError as error:
            socket.ended(f"not open: status {int(error.response.status) if error.response else 0}")
        except (OSError, TimeoutError, picows.WSError) as error:
            socket.ended(f"not open: {_words(error)}")

    async def _request(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        on_answer: OnAnswer,
        on_failure: OnFailure,
        timeout_s: float,
    ) -> None:
        try:
            async with self._session().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body or None,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
                ssl=self._tls or True,
            ) as answer:
                content = await answer.read()
                receive_ns = self.now_ns()
                said = {name.lower(): value for name, value in answer.headers.items()}
        except aiohttp.ClientConnectorError as error:
            self.guard(on_failure, _words(error), False)
        except (aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            self.guard(on_failure, type(error).__name__, False)  # their words hold the whole address, signed query too
        except TimeoutError:
            self.guard(on_failure, f"no answer within {timeout_s:g} s", True)
        except (aiohttp.ClientError, OSError) as error:
            self.guard(on_failure, type(error).__name__, True)
        else:
            self.guard(on_answer, answer.status, said, content, receive_ns)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "crossbook"},
            )
            # aiohttp sends a PUT or DELETE again where a kept connection breaks: that could be a second order
            self._http._retry_connection = False
        return self._http


class Socket(picows.WSListener):
    """One websocket: picows' listener on one side, a `venues.network.Connection` on the other."""

    def __init__(self, network: SocketNetwork, listener: Listener) -> None:
        self._net, self._listener = network, listener
        self._transport: picows.WSTransport | None = None
        self._parts: list[bytes] = []
        self._why = ""
        self._is_gone = False

    def send(self, frame: bytes) -> None:
        """See `venues.network.Connection`."""
        if self._transport is not None and not self._is_gone:
            self._transport.send(TEXT, frame)

    def ping(self) -> None:
        """See `venues.network.Connection`."""
        if self._transport is not None and not self._is_gone:
            self._transport.send_ping()

    def close(self) -> None:
        """See `venues.network.Connection`."""
        self.ended("closed by us")
        if self._transport is not None:
            self._transport.send_close(picows.WSCloseCode.OK)
            self._transport.disconnect(False)

    def ended(self, why: str) -> None:
        """Tell the listener, once, and nothing after it."""
        if not self._is_gone:
            self._is_gone = True
            self._net.later(self._listener.on_close, why)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """picows: the handshake is done."""
        self._transport = transport
        if self._is_gone:
            transport.disconnect(False)
        else:
            self._net.guard(self._listener.on_open, self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """picows: a frame is whole."""
        receive_ns = self._net.now_ns()
        if self._is_gone:
            return
        kind = frame.msg_type
        if (kind == TEXT or kind == BINARY) and frame.fin:
            try:
                self._listener.on_frame(frame.get_payload_as_bytes(), receive_ns)
            except Exception as error:  # `guard`, without a call more on this path
                self._net.guard(_raise, error)
        elif kind in (picows.WSMsgType.PING, picows.WSMsgType.PONG):
            if kind == picows.WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())
            self._net.guard(self._listener.on_alive, receive_ns)
        elif kind == picows.WSMsgType.CLOSE:
            words = (frame.get_close_message() or b"").decode("utf-8", "replace")
            self._why = " ".join(f"code {frame.get_close_code():d} {words}".split())
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        else:
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                whole, self._parts = b"".join(self._parts), []
                self._net.guard(self._listener.on_frame, whole, receive_ns)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """picows: it is gone."""
        self.ended(self._why or "code 1006, without a close frame")


def _raise(error: Exception) -> None:
    raise error


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, or of asyncio where that is not installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def spin(loop: asyncio.AbstractEventLoop, between: Callable[[], object]) -> None:
    """Never let the loop sleep: takes a core, and halves the time from wire to callback. Calls `between` all the
    time."""

    def again() -> None:
        loop.call_soon(again)
        between()

    again()


class Rim:
    """A loop with its ports, to run a desk on: `rim = Rim(); ...use rim.ports...; rim.run()` until `rim.stop()`."""

    def __init__(self, *, spinning: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.loop = new_loop()
        self.clock = DeskClock()
        self.network = SocketNetwork(self.loop, self.clock, tls)
        self.ports = Ports(self.loop, self.clock, self.network, random.Random())
        self.spinning = spinning
        self.between: Callable[[], object] = lambda: None
        """What a spinning loop calls whenever it has looked at its sockets."""
        self.loop.set_exception_handler(self._bug)

    def run(self, before_closing: Callable[[], None] = lambda: None) -> None:
        """Run until `stop`, call `before_closing`, then close everything. Raises what a callback raised."""
        asyncio.set_event_loop(self.loop)
        if self.spinning:
            spin(self.loop, lambda: self.between())
        try:
            self.loop.run_forever()
            before_closing()
        finally:
            self.loop.run_until_complete(self.network.close())
            self.loop.run_until_complete(asyncio.sleep(0.05 if self.network.bug is None else 0))
            asyncio.set_event_loop(None)
            self.loop.close()
        if self.network.bug is not None:
            raise self.network.bug

    def turn(self) -> None:
        """Run until `stop`, and leave everything open. Raises what a callback raised."""
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        if self.network.bug is not None:
            raise self.network.bug

    def stop(self) -> None:
        """End `run` or `turn` after what is being called now."""
        self.loop.stop()

    def settle_clock(self, most_ns: int = 50 * NS_PER_MS) -> int:
        """Follow the system's wall if it has moved by more than `most_ns`; gives by how much, 0 if not."""
        drift_ns = self.clock.drift_ns()
        if abs(drift_ns) <= most_ns:
            return 0
        self.clock.adopt()
        return drift_ns

    def _bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.network.bug = self.network.bug or error or Refused(str(context.get("message")))
        if not loop.is_closed():
            loop.stop()
