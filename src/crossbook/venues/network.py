"""The ports through which a gateway meets the world: clock, loop, connections, requests. Callbacks only, no await.

`desk.sockets` implements them over real sockets, `sim.world` in memory and virtual time; a gateway cannot tell which.
Everything runs on one thread, and no callback is called from inside the call that asked for it: `open`, `close`,
`request`, `call_later` and `call_soon` return first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

Headers = Mapping[str, str]
"""Header names of an answer are lower case."""
OnAnswer = Callable[[int, Headers, bytes, int], None]
"""`(status, headers, body, receive_ns)`: the venue's whole answer, whatever its status."""
OnFailure = Callable[[str, bool], None]
"""`(why, sent)`: no answer came. `sent` False only where certainly no byte of the request left this machine."""


class Clock(Protocol):
    """Where a rim reads time; never handed to the core."""

    def now_ns(self) -> int:
        """UTC nanoseconds. Two stamps of one clock differ by a monotonic duration, unless it was set anew between."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some moment, never set back: for durations and deadlines."""


class Handle(Protocol):
    """A call that was asked for."""

    def cancel(self) -> object:
        """It will not be made; nothing happens if it was already."""


class Loop(Protocol):
    """Calls things later, in the order of their moments. An asyncio loop is one."""

    def call_later(self, delay_s: float, call: Callable[[], object], /) -> Handle:
        """Call in `delay_s` seconds (0 = as soon as possible, after what is due already)."""

    def call_soon(self, call: Callable[[], object], /) -> Handle:
        """Call after what runs now."""


class Connection(Protocol):
    """One websocket, from our end."""

    def send(self, frame: bytes) -> None:
        """Write one text frame now. Does nothing on a connection that is not open: `on_close` tells of that."""

    def ping(self) -> None:
        """Write a ping control frame; the pong comes as `on_alive`."""

    def close(self) -> None:
        """Close or abandon it, at once; `on_close` follows, once, and no frame after it. May be called again."""


class Listener(Protocol):
    """Who hears a connection: on_open, then frames, then on_close; or on_close alone where it never opened."""

    def on_open(self, connection: Connection) -> None:
        """The handshake is done: frames may be sent."""

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """A whole text or binary message; `receive_ns` is `Clock.now_ns()`, read before anything else was done."""

    def on_alive(self, receive_ns: int) -> None:
        """A ping or pong of the venue came (the adapter has answered a ping itself)."""

    def on_close(self, why: str) -> None:
        """It is gone, or could not be opened; `why` is one line, with close code or `status NNN`."""


class Network(Protocol):
    """Opens connections and makes requests."""

    def open(self, url: str, listener: Listener) -> Connection:
        """Begin to open a websocket to `url` (ws:// or wss://)."""

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
        """Ask over HTTP; exactly one of the two callbacks is called, or neither after `Handle.cancel`.

        `headers` and `url` may hold keys and signatures: an implementation never logs them, nor puts them in `why`.
        The url is sent as it is (a signed query must not be quoted anew), and never a second time.
        """


@dataclass(frozen=True)
class Ports:
    """All that a gateway needs from outside; `random` is for jitter only."""

    loop: Loop
    clock: Clock
    network: Network
    random: Random
