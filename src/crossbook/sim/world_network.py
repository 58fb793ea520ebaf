"""The world's network: connections and requests between desks and venues, in memory, with faults."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from crossbook.sim.world_faults import Faults
from crossbook.timestamp import NS_PER_S
from crossbook.venues.network import Clock, Handle, Headers, Listener, Loop, OnAnswer, OnFailure

MILLION = 1_000_000
Reply = Callable[[int, Headers, bytes], None]


class Request(msgspec.Struct, frozen=True):
    """What a venue is asked."""

    method: str
    url: str
    headers: Headers
    body: bytes


class Host(Protocol):
    """A venue in a world."""

    def accept(self, url: str) -> Listener | str:
        """Its own end of a connection that is being opened; or the words of a refusal, such as `status 429`."""

    def answer(self, request: Request, reply: Reply) -> None:
        """Do what is asked, and call `reply(status, headers, body)`, now or later, once."""


class WorldLoopLike(Loop, Protocol):
    """The part of `WorldLoop` that the network needs."""

    now_ns: int

    def call_at(self, when_ns: int, call: Callable[[], object]) -> Handle:
        """Call at a moment of the world."""


class WorldNetwork:
    """A `venues.network.Network`. Nothing is delivered from inside the call that sent it."""

    def __init__(self, loop: WorldLoopLike, clock: Clock, random: Random, faults: Faults) -> None:
        self.faults = faults
        self.loop, self.clock, self.dice = loop, clock, random
        self.hits: Counter[str] = Counter()
        self._hosts: dict[str, Host] = {}
        self._history = hashlib.sha256()
        self._frozen: list[End] = []

    @property
    def digest(self) -> str:
        """Everything that was delivered so far, and when, as a hash."""
        return self._history.hexdigest()

    def serve(self, place: str, host: Host) -> None:
        """Put a venue at `host:port`."""
        self._hosts[place] = host

    def open(self, url: str, listener: Listener) -> End:
        """See `venues.network.Network`."""
        ours = End(self, listener, is_desk=True)
        host = self._hosts.get(urlsplit(url).netloc)

        def arrive() -> None:
            if ours.is_gone:
                return
            if host is None or self.strikes("refuse"):
                ours.refuse("not open: no venue there" if host is None else "not open: status 503")
                return
            theirs = host.accept(url)
            if isinstance(theirs, str):
                ours.refuse(f"not open: {theirs}")
                return
            ours.slow = self.strikes("slow_reader")
            End(self, theirs, is_desk=False).join(ours)

        self.loop.call_at(self.loop.now_ns + self.latency(), arrive)
        return ours

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
        return Exchange(self, Request(method, url, headers, body), on_answer, on_failure, timeout_s)

    def host_of(self, url: str) -> Host | None:
        """Who is there."""
        return self._hosts.get(urlsplit(url).netloc)

    def strikes(self, fault: str) -> bool:
        """Throw the dice for a fault, and count it if it happens."""
        rate: int = getattr(self.faults, fault)
        if not rate or self.dice.randrange(MILLION) >= rate:
            return False
        self.hits[fault] += 1
        return True

    def latency(self) -> int:
        """How long something takes one way."""
        return self.faults.latency_ns + (self.dice.randrange(self.faults.jitter_ns) if self.faults.jitter_ns else 0)

    def note(self, what: str, content: bytes) -> None:
        """Write history."""
        self._history.update(f"{self.loop.now_ns} {what} {len(content)} ".encode())
        self._history.update(content)

    def freeze(self, end: End) -> None:
        """A connection went mute."""
        self._frozen.append(end)

    def thaw(self) -> None:
        """Cut every connection that went mute."""
        frozen, self._frozen = self._frozen, []
        for end in frozen:
            end.cut("the path is gone")


class End:
    """One end of a connection; a `venues.network.Connection`."""

    def __init__(self, network: WorldNetwork, listener: Listener, *, is_desk: bool) -> None:
        self.is_gone = False
        self.slow = False
        self._net, self._listener, self._is_desk = network, listener, is_desk
        self._peer: End | None = None
        self._last_ns = 0
        """When the last thing on its way to this end arrives."""
        self._queued = 0
        self._mute = False

    def join(self, other: End) -> None:
        """Open: this end now, the other one when word of it arrives."""
        self._peer, other._peer = other, self
        other._arrives(lambda: other._listener.on_open(other))
        self._listener.on_open(self)

    def send(self, frame: bytes) -> None:
        """See `venues.network.Connection`. Faults of frames strike what the venue sends."""
        peer = self._peer
        if self.is_gone or peer is None:
            return
        frame = bytes(frame)
        if self._is_desk:
            peer._deliver(frame)
            return
        net = self._net
        if net.strikes("disconnect"):
            self.cut("code 1006, without a close frame")
            return
        if net.strikes("half_open"):
            self._mute = peer._mute = True
            net.freeze(self)
            return
        if net.strikes("drop"):
            return
        if peer._queued >= net.faults.queue_max:
            net.hits["cut_off"] += 1
            self.cut("code 1008, the reader is too slow")
            return
        late_ns = net.faults.delay_ns if net.strikes("delay") else 0
        if net.strikes("reorder"):
            peer._deliver(frame, overtaken_ns=2 * net.latency())
        else:
            peer._deliver(frame, late_ns=late_ns)
        if net.strikes("duplicate"):
            peer._deliver(frame)

    def ping(self) -> None:
        """See `venues.network.Connection`."""
        peer = self._peer
        if peer is not None and not self.is_gone:
            peer._arrives(lambda: peer._pong(self))

    def close(self) -> None:
        """See `venues.network.Connection`."""
        if not self.is_gone:
            self._end("closed by us")
            if self._peer is not None:
                peer = self._peer
                peer._arrives(lambda: peer._end("code 1000, closed by the other end"))

    def cut(self, why: str) -> None:
        """The connection breaks: both ends hear of it, and nothing on its way arrives."""
        for end in (self, self._peer):
            if end is not None:
                end._end(why)

    def refuse(self, why: str) -> None:
        """It does not open."""
        self._end(why)

    def _deliver(self, frame: bytes, *, late_ns: int = 0, overtaken_ns: int = 0) -> None:
        net = self._net

        def arrive() -> None:
            self._queued -= 1
            net.note("desk" if self._is_desk else "venue", frame)
            self._listener.on_frame(frame, net.clock.now_ns())

        self._queued += 1
        if overtaken_ns:
            self._at(net.loop.now_ns + net.latency() + overtaken_ns, arrive)
        else:
            self._arrives(arrive, late_ns)

    def _arrives(self, call: Callable[[], object], late_ns: int = 0) -> None:
        """Call in order with what is on its way, after the latency."""
        net = self._net
        slow_ns = net.faults.slow_frame_ns if self.slow else 0
        self._last_ns = max(self._last_ns + slow_ns, net.loop.now_ns + net.latency() + late_ns)
        self._at(self._last_ns, call)

    def _at(self, when_ns: int, call: Callable[[], object]) -> None:
        self._net.loop.call_at(when_ns, lambda: None if self.is_gone or self._mute else call())

    def _pong(self, other: End) -> None:
        self._alive()
        other._arrives(other._alive)

    def _alive(self) -> None:
        self._listener.on_alive(self._net.clock.now_ns())

    def _end(self, why: str) -> None:
        if self.is_gone:
            return
        self.is_gone = True
        self._net.note("close", why.encode())
        self._net.loop.call_soon(lambda: self._listener.on_close(why))


class Exchange:
    """One request and what becomes of it; its handle."""

    def __init__(
        self, network: WorldNetwork, request: Request, on_answer: OnAnswer, on_failure: OnFailure, timeout_s: float
    ) -> None:
        self._net, self._request = network, request
        self._on_answer, self._on_failure = on_answer, on_failure
        self._done = False
        net = network
        arrives_ns = net.loop.now_ns + net.latency()
        if net.host_of(request.url) is None or net.strikes("unreachable"):
            net.loop.call_at(arrives_ns, lambda: self._fail("cannot connect", False))
            return
        self._deadline = net.loop.call_at(
            net.loop.now_ns + round(timeout_s * NS_PER_S), lambda: self._fail(f"no answer within {timeout_s:g} s", True)
        )
        if not net.strikes("lost"):
            net.loop.call_at(arrives_ns, self._arrive)

    def cancel(self) -> None:
        """See `venues.network.Handle`: nobody hears; the request may arrive all the same."""
        self._done = True

    def _arrive(self) -> None:
        net = self._net
        net.note("request", self._request.body or self._request.url.encode())
        if net.strikes("limited"):
            self._reply(429, {"retry-after": "5"}, b"")
        elif net.strikes("error_before"):
            self._reply(503, {}, b"")
        else:
            host = net.host_of(self._request.url)
            if host is not None:
                host.answer(self._request, self._reply_or_not)

    def _reply_or_not(self, status: int, headers: Headers, body: bytes) -> None:
        if self._net.strikes("unanswered"):
            return
        if self._net.strikes("error_after"):
            self._reply(503, {}, b"")
        else:
            self._reply(status, headers, body)

    def _reply(self, status: int, headers: Headers, body: bytes) -> None:
        said = {name.lower(): value for name, value in headers.items()}

        def arrive() -> None:
            if not self._done:
                self._done = True
                self._deadline.cancel()
                self._net.note("answer", body)
                self._on_answer(status, said, body, self._net.clock.now_ns())

        self._net.loop.call_at(self._net.loop.now_ns + self._net.latency(), arrive)

    def _fail(self, why: str, sent: bool) -> None:
        if not self._done:
            self._done = True
            self._on_failure(why, sent)
