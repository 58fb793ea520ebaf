"""One socket of a session: subscribes when it opens, keeps the venue's rules of pings and pace, notices silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from crossbook.timestamp import NS_PER_S
from crossbook.venues.network import Connection, Ports
from crossbook.venues.wire_rules import GRANTED, WireRules

ANSWER_S = 10.0
"""How long a subscription may stay unanswered."""
Take = Callable[[bytes, int], None]


class Watcher(Protocol):
    """Who owns lines: a session."""

    def line_up(self, line: Line) -> None:
        """All its subscriptions are answered: it is there."""

    def line_refused(self, words: str) -> None:
        """The venue refused a subscription."""

    def line_lost(self, line: Line, why: str) -> None:
        """It is gone, or never came."""


class Line:
    """A `network.Listener`. `take` is called with every frame, first thing: the owner's own function while all is
    steady, so that a frame passes through nothing else."""

    def __init__(self, ports: Ports, url: str, rules: WireRules, hello: Sequence[bytes], watcher: Watcher) -> None:
        self.connection: Connection | None = None
        self.take: Take = lambda frame, receive_ns: None
        self.is_up = False
        self.is_gone = False
        self.began_ns = ports.clock.monotonic_ns()
        self.up_ns = 0
        self.unanswered = 0
        self._heard_ns = 0
        self._marked_ns = 0
        self._silent_since_ns = self.began_ns
        self._pinged_ns = self.began_ns
        self._ports = ports
        self._rules = rules
        self._hello = hello
        self._watcher = watcher
        self._outbox: deque[bytes] = deque()
        self._sent: deque[int] = deque(maxlen=rules.messages_per_s or 1)
        self._pumping = False
        self._opening = ports.network.open(url, self)

    def on_open(self, connection: Connection) -> None:
        """Subscribe. A line closed meanwhile does nothing."""
        if self.is_gone:
            connection.close()
            return
        self.connection = connection
        self._silent_since_ns = self._pinged_ns = self._ports.clock.monotonic_ns()
        self.unanswered = len(self._hello) if self._rules.answer_of else 0
        for message in self._hello:
            self.send(message)
        if not self.unanswered:
            self._up()

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """Hand it on, then note that something came."""
        self.take(frame, receive_ns)
        self._heard_ns = receive_ns

    def on_alive(self, receive_ns: int) -> None:
        """A ping or pong proves the path as well as a frame."""
        self._heard_ns = receive_ns

    def on_close(self, why: str) -> None:
        """Tell the watcher, unless we closed it."""
        if not self.is_gone:
            self.is_gone = True
            self.connection = None
            self._watcher.line_lost(self, why)

    def close(self) -> None:
        """Close without telling the watcher."""
        self.is_gone = True
        self.connection = None
        self._opening.close()

    def fail(self, why: str) -> None:
        """Close and tell the watcher why."""
        if not self.is_gone:
            self.close()
            self._watcher.line_lost(self, why)

    def answered(self, frame: bytes) -> bool:
        """Is this frame an answer to a subscription that is waited for? The last of them makes the line up."""
        if not self.unanswered or self._rules.answer_of is None:
            return False
        words = self._rules.answer_of(frame)
        if words is None:
            return False
        if words != GRANTED:
            self._watcher.line_refused(words)
        self.unanswered -= 1
        if not self.unanswered:
            self._up()
        return True

    def send(self, frame: bytes) -> None:
        """Send at once, or as soon as the venue's pace allows."""
        if not self._rules.messages_per_s:
            if self.connection is not None:
                self.connection.send(frame)
            return
        self._outbox.append(frame)
        if not self._pumping:
            self._pump()

    def check(self, now_ns: int) -> None:
        """Called about twice a second with the monotonic time: pings, silence, answers that do not come."""
        if self.is_gone:
            return
        if self._heard_ns != self._marked_ns:
            self._marked_ns = self._heard_ns
            self._silent_since_ns = now_ns
        if now_ns - self._silent_since_ns > self._rules.silence_s * NS_PER_S:
            self.fail(f"nothing came for {self._rules.silence_s:g} s")
        elif not self.is_up and now_ns - self.began_ns > 2 * ANSWER_S * NS_PER_S:
            self.fail(f"{self.unanswered} subscriptions unanswered" if self.connection else "not open in time")
        elif self._rules.ping_every_s and now_ns - self._pinged_ns >= self._rules.ping_every_s * NS_PER_S:
            self._pinged_ns = now_ns
            self._ping()

    def _ping(self) -> None:
        if self._rules.ping_frame:
            self.send(self._rules.ping_frame)
        elif self.connection is not None:
            self.connection.ping()

    def _pump(self) -> None:
        self._pumping = False
        now_ns = self._ports.clock.monotonic_ns()
        while self._outbox and self.connection is not None:
            full = len(self._sent) == self._sent.maxlen
            wait_ns = self._sent[0] + NS_PER_S - now_ns if full else -1
            if wait_ns >= 0:
                self._pumping = True
                self._ports.loop.call_later((wait_ns + 1) / NS_PER_S, self._pump)
                return
            self._sent.append(now_ns)
            self.connection.send(self._outbox.popleft())

    def _up(self) -> None:
        self.is_up = True
        self.up_ns = self._ports.clock.monotonic_ns()
        self._watcher.line_up(self)
