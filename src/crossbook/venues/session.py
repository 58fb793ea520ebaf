"""One logical stream of a venue that outlives its sockets: subscribes anew, backs off, rotates without a seam.

A venue cuts every socket after 24 hours, and says so before it restarts. So a session rotates before: it opens a second
socket, holds its frames back until that one has proved itself and the first had time to deliver what was on its way,
then hands on what the first has not, in order, and closes the first. What is a duplicate only the owner can say: by
keys. Outside of a rotation a frame goes from the socket straight to the owner.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.venues.budgets import ConnectionBudget
from crossbook.venues.line import Line
from crossbook.venues.network import Handle, Ports
from crossbook.venues.wire_rules import WireRules

TICK_S = 0.5
HELD_MAX = 200_000
"""Frames held back of a new socket at most; more, and it takes over at once."""


class SessionState(IntEnum):
    """Where a session stands."""

    STOPPED = 0
    WAITING = 1
    """Backing off, or waiting for leave to open a connection."""
    OPENING = 2
    UP = 3
    """Subscribed, every subscription answered. Stays so through a rotation."""


class Owner(Protocol):
    """Whose frames they are."""

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """Every frame, those that answer subscriptions too. A notice of shutdown: call `Session.rotate`."""

    def on_session(self, state: SessionState, why: str) -> None:
        """The session changed its state. UP after anything else: frames may have been missed since."""

    def on_refused(self, words: str) -> None:
        """The venue refused a subscription: it stays refused until the owner says something else in its hello."""

    def key_of(self, frame: bytes) -> Hashable | None:
        """What this frame has in common with its twin on another socket. None: it has no twin, hand it on at once."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a session behaves. Back-off: uniform between 0 and `base_s` x 2^n, at most `cap_s`; n falls to 0 once a
    connection stood for `steady_s`. Of a rotation: how long the new socket has to prove itself, how long the old one
    stays first after that, and how long both are heard after the new one is first."""

    base_s: float = 0.25
    cap_s: float = 30.0
    steady_s: float = 10.0
    limited_s: float = 60.0
    """The least back-off after a refusal with status 429 or 418."""
    prove_s: float = 30.0
    overlap_s: float = 5.0
    drain_s: float = 5.0


class Session:
    """See the module. `url` and `hello` are asked anew for each socket: a listenKey and a signature do not keep."""

    def __init__(
        self,
        ports: Ports,
        url: Callable[[], str],
        hello: Callable[[], Sequence[bytes]],
        owner: Owner,
        rules: WireRules,
        connections: ConnectionBudget,
        terms: Terms | None = None,
    ) -> None:
        self.state = SessionState.STOPPED
        self.opened = 0
        self.rotations = 0
        self.duplicates = 0
        """Frames of a second socket that the first had delivered."""
        self._ports, self._url, self._hello, self._owner = ports, url, hello, owner
        self._rules, self._connections = rules, connections
        self._terms = terms or Terms()
        self._line: Line | None = None
        """Whose frames count."""
        self._new: Line | None = None
        """The one that is to take over."""
        self._old: Line | None = None
        """The one that was taken over from, while it drains."""
        self._attempts = 0
        self._retry: Handle | None = None
        self._ticking: Handle | None = None
        self._rotate_ns = 0
        self._held: list[tuple[Hashable, bytes]] = []
        self._seen: set[Hashable] = set()
        self._overlapping = False
        self._why = ""
        self._proved_ns = 0
        self._drained_ns = 0
        self._delivered = 0

    def start(self) -> None:
        """Begin to open."""
        self._tick()
        self._open()

    def stop(self) -> None:
        """Close everything; no callback follows but the one that says STOPPED."""
        for handle in (self._retry, self._ticking):
            if handle is not None:
                handle.cancel()
        self._retry = self._ticking = None
        for line in (self._line, self._new, self._old):
            self._close(line)
        self._line = self._new = self._old = None
        self._become(SessionState.STOPPED, "stopped")

    def send(self, frame: bytes) -> bool:
        """Send on the socket that counts; False: there is none, and nothing was sent."""
        if self._line is None or self._line.connection is None:
            return False
        self._line.send(frame)
        return True

    def reopen(self, why: str) -> None:
        """Give the socket up and open another, without overlap: a stream on it is dead."""
        if self._line is not None:
            self._line.fail(why)

    def rotate(self, why: str) -> None:
        """Open a second socket that takes over. Nothing happens while one is about to, or none is up."""
        line = self._line
        if line is None or not line.is_up or self._new is not None:
            return
        self._rotate_ns = self._now()  # without leave to open, or while the last one drains, the tick tries again
        if self._old is None and self._may_open() == 0:
            self._end_overlap()
            self._overlapping, self._proved_ns, self._delivered, self._why = True, 0, 0, why
            line.take = self._take_of(line)
            self._new = self._open_line()
            self._new.take = self._take_of(self._new)

    # what lines say

    def line_up(self, line: Line) -> None:
        """It answers; the first socket is steady from here on, a second one is on trial."""
        if line is not self._line:
            self._delivered = 0
            return
        if not self._overlapping:
            line.take = self._owner.on_frame
        self._plan_rotation()
        self._become(SessionState.UP, "subscribed")

    def line_refused(self, words: str) -> None:
        """A subscription was refused."""
        self._owner.on_refused(words)

    def line_lost(self, line: Line, why: str) -> None:
        """Take what else there is, or back off and open anew."""
        self._connections.closed()
        now_ns = self._now()
        if line.is_up and now_ns - line.up_ns > self._terms.steady_s * NS_PER_S:
            self._attempts = 0
        if line is self._old:
            self._old = None
        elif line is self._new:
            self._new = None
            self._end_overlap()
            self._rotate_ns = now_ns + self._back_off_ns(why)
        elif line is self._line:
            self._line = None
            if self._old is not None:  # the new one broke while the old one drains: back to the old one
                self._line, self._old = self._old, None
                self._rotate_ns = now_ns + self._back_off_ns(why)
            elif self._new is not None:
                self._take_over(why)
            else:
                self._wait(self._back_off_ns(why), why)

    # opening

    def _open(self) -> None:
        self._retry = None
        wait_ns = self._may_open()
        if wait_ns:
            self._wait(wait_ns, "waiting for leave to open a connection")
            return
        self._become(SessionState.OPENING, "opening")
        if self.state is not SessionState.OPENING:  # the owner stopped us
            return
        self._line = self._open_line()
        self._line.take = self._take_of(self._line)

    def _open_line(self) -> Line:
        self._connections.opened(self._now())
        self.opened += 1
        return Line(self._ports, self._url(), self._rules, self._hello(), self)

    def _may_open(self) -> int:
        wait_ns = self._connections.wait_ns(self._now())
        return NS_PER_S if wait_ns < 0 else wait_ns

    def _back_off_ns(self, why: str) -> int:
        most_s = min(self._terms.cap_s, self._terms.base_s * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        delay_s = self._ports.random.uniform(0.0, most_s)
        if "status 429" in why or "status 418" in why:
            delay_s += self._terms.limited_s
        return round(delay_s * NS_PER_S)

    def _wait(self, delay_ns: int, why: str) -> None:
        self._become(SessionState.WAITING, why)
        if self.state is SessionState.WAITING:  # the owner may have stopped us meanwhile
            self._retry = self._ports.loop.call_later(delay_ns / NS_PER_S, self._open)

    def _close(self, line: Line | None) -> None:
        if line is not None and not line.is_gone:
            line.close()
            self._connections.closed()

    # frames while something is not steady: answers waited for, or two sockets

    def _take_of(self, line: Line) -> Callable[[bytes, int], None]:
        def take(frame: bytes, receive_ns: int) -> None:
            line.answered(frame)
            if not self._overlapping:
                self._owner.on_frame(frame, receive_ns)
                return
            key = self._owner.key_of(frame)
            if key is None:
                self._owner.on_frame(frame, receive_ns)
            elif line is self._new:
                self._held.append((key, frame))
                if len(self._held) > HELD_MAX:
                    self._take_over("too many frames held back")
            else:
                self._delivered += 1
                self._once(key, frame, receive_ns)

        return take

    def _once(self, key: Hashable, frame: bytes, receive_ns: int) -> None:
        if key in self._seen:
            self.duplicates += 1
            return
        self._seen.add(key)
        self._owner.on_frame(frame, receive_ns)

    def _take_over(self, why: str) -> None:
        """The new socket counts from here on; what it had and the old one has not delivered comes first.

        Held frames get the stamp of now: that is when the desk knew them, and stamps never go back.
        """
        new, self._new = self._new, None
        if new is None:
            return
        seamless = self._line is not None
        self._old, self._line = self._line, new
        self._drained_ns = self._now() + round(self._terms.drain_s * NS_PER_S)
        self.rotations += 1
        if not seamless or not new.is_up:
            self._become(SessionState.OPENING, why)
        held, self._held = self._held, []
        for key, frame in held:
            self._once(key, frame, self._ports.clock.now_ns())
        if self._line is new and new.is_up:
            self._plan_rotation()
            self._become(SessionState.UP, why)

    def _end_overlap(self) -> None:
        self._overlapping = False
        self._held, self._seen = [], set()
        if self._line is not None and self._line.is_up:
            self._line.take = self._owner.on_frame

    # time

    def _tick(self) -> None:
        self._ticking = self._ports.loop.call_later(TICK_S, self._tick)
        now_ns = self._now()
        for line in (self._line, self._new, self._old):
            if line is not None:
                line.check(now_ns)
        if self._new is not None:
            self._judge(self._new, now_ns)
        elif self._overlapping:
            if now_ns >= self._drained_ns and self._old is not None:
                self._close(self._old)
                self._old = None
                self._drained_ns = now_ns + round(self._terms.drain_s * NS_PER_S)
            elif now_ns >= self._drained_ns:  # the new one may have been behind the old one: only now no twin can come
                self._end_overlap()
        elif self._rotate_ns and now_ns >= self._rotate_ns:
            self.rotate("the socket is old")

    def _judge(self, new: Line, now_ns: int) -> None:
        """Has the new socket proved itself: up, and a frame delivered, or all quiet on the old one too?"""
        prove_ns = round(self._terms.prove_s * NS_PER_S)
        quiet = new.is_up and not self._delivered and now_ns - new.up_ns >= prove_ns
        if not self._proved_ns and new.is_up and (self._held or quiet):
            self._proved_ns = now_ns
        if self._proved_ns and now_ns - self._proved_ns >= self._terms.overlap_s * NS_PER_S:
            self._take_over(f"rotated: {self._why}")
        elif not self._proved_ns and now_ns - new.began_ns >= 2 * prove_ns:
            new.fail("it delivers nothing")

    def _plan_rotation(self) -> None:
        lifetime_s = self._rules.lifetime_s - self._ports.random.uniform(0.0, self._rules.lifetime_jitter_s)
        self._rotate_ns = self._now() + round(lifetime_s * NS_PER_S)

    def _become(self, state: SessionState, why: str) -> None:
        self.state = state
        self._owner.on_session(state, why)

    def _now(self) -> int:
        return self._ports.clock.monotonic_ns()
