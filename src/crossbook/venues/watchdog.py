"""How long ago did each stream say something? A socket may be open, its pings answered, and one of its streams dead.

The age that is too much is learnt from the stream: four times the gap that 99.9 % of its gaps stay below, within a
floor and a ceiling. A stream that speaks only when something changes (`floor_s` 0) is down with its session only.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.events import StreamDown, StreamUp
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.network import Handle, Ports

CHECK_S = 0.2
PAUSE_S = 2.0
"""A check that comes so much late means that this process or machine stood still: nothing is known to be fresh."""
LEARN_FROM = 1000
FORGET_EVERY = 1 << 16


class StreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """A stream went down, or is up again; `age_ns` is how long it had said nothing."""

    stream: str
    is_up: bool
    age_ns: int
    why: str


OnStream = Callable[[StreamReport], None]
OnVenue = Callable[[StreamUp | StreamDown], None]


class StreamAges:
    """Watches the streams of one venue. `heard` is called with every frame; ages are of the receive stamps' clock.

    `on_stream` hears of each stream; `on_venue` gets the event when the first of a venue's streams goes down, and when
    the last of them is up again. A stream is down until it is first heard.
    """

    def __init__(self, venue: Venue, ports: Ports, on_stream: OnStream, on_venue: OnVenue | None = None) -> None:
        self._venue, self._ports = venue, ports
        self._on_stream, self._on_venue = on_stream, on_venue
        self._names: list[str] = []
        self._floor_ns: list[int] = []
        self._ceiling_ns: list[int] = []
        self._heard_ns: list[int] = []
        self._is_up: list[bool] = []
        self._gaps: list[list[int]] = []
        self._down = 0
        self._checked_ns = 0
        self._checking: Handle | None = None

    def add(self, name: str, floor_s: float = 2.0, ceiling_s: float = 60.0) -> int:
        """Watch a stream; gives the number that `heard` takes."""
        self._names.append(name)
        self._floor_ns.append(round(floor_s * NS_PER_S))
        self._ceiling_ns.append(round(ceiling_s * NS_PER_S))
        self._heard_ns.append(0)
        self._is_up.append(False)
        self._gaps.append([0] * 64)
        self._down += 1
        return len(self._names) - 1

    def start(self) -> None:
        """Begin to check, five times a second."""
        self._checked_ns = self._ports.clock.monotonic_ns()
        self._checking = self._ports.loop.call_later(CHECK_S, self._check)

    def stop(self) -> None:
        """Check no more."""
        if self._checking is not None:
            self._checking.cancel()

    def heard(self, stream: int, receive_ns: int) -> None:
        """A frame of the stream came."""
        if self._is_up[stream]:
            self._gaps[stream][max(receive_ns - self._heard_ns[stream], 0).bit_length()] += 1
        else:
            self._set(stream, True, receive_ns, "heard")
        self._heard_ns[stream] = receive_ns

    def down(self, why: str) -> None:
        """The session is down: all that came through it."""
        now_ns = self._ports.clock.now_ns()
        for stream, is_up in enumerate(self._is_up):
            if is_up:
                self._set(stream, False, now_ns, why)

    def age_max_ns(self, stream: int) -> int:
        """The age from which the stream counts as down; its ceiling until enough gaps are known."""
        gaps = self._gaps[stream]
        n = sum(gaps)
        if n < LEARN_FROM:
            return self._ceiling_ns[stream]
        above, bits = 0, 63
        while (above + gaps[bits]) * 1000 <= n:
            above += gaps[bits]
            bits -= 1
        return min(max(4 << bits, self._floor_ns[stream]), self._ceiling_ns[stream])

    def _check(self) -> None:
        self._checking = self._ports.loop.call_later(CHECK_S, self._check)
        monotonic_ns, now_ns = self._ports.clock.monotonic_ns(), self._ports.clock.now_ns()
        stood_ns = monotonic_ns - self._checked_ns
        self._checked_ns = monotonic_ns
        if stood_ns > PAUSE_S * NS_PER_S:
            self.down(f"this process stood still for {stood_ns / NS_PER_S:.1f} s")
            return
        for stream, is_up in enumerate(self._is_up):
            if is_up and self._floor_ns[stream]:
                if now_ns - self._heard_ns[stream] >= self.age_max_ns(stream):
                    self._set(stream, False, now_ns, "silent")
                elif sum(self._gaps[stream]) > FORGET_EVERY:
                    self._gaps[stream] = [n >> 1 for n in self._gaps[stream]]

    def _set(self, stream: int, is_up: bool, now_ns: int, why: str) -> None:
        self._is_up[stream] = is_up
        before = self._down
        self._down += -1 if is_up else 1
        heard_ns = self._heard_ns[stream]
        age_ns = now_ns - heard_ns if heard_ns else 0
        self._on_stream(StreamReport(stream=self._names[stream], is_up=is_up, age_ns=age_ns, why=why))
        if self._on_venue is None:
            return
        if before == 0:
            self._on_venue(StreamDown(ts=now_ns, ts_venue=now_ns, venue=int(self._venue)))
        elif self._down == 0:
            self._on_venue(StreamUp(ts=now_ns, ts_venue=now_ns, venue=int(self._venue)))
