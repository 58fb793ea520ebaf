"""What gateways of all venues share: named causes of a venue being down, troubles that are not told twice."""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.events import StreamDown, StreamUp
from crossbook.timestamp import NS_PER_S
from crossbook.types import Level, Venue
from crossbook.venues.gateway import Desk, Trouble
from crossbook.venues.network import Ports

TELL_AGAIN_S = 10
"""The same trouble is told at most so often."""


class Flow:
    """Why a venue's streams count as down. The first cause is STREAM_DOWN, the end of the last one STREAM_UP."""

    def __init__(self, ports: Ports, desk: Desk, venue: Venue) -> None:
        self.causes: set[str] = set()
        self._ports, self._desk, self._venue = ports, desk, venue
        self._holds: dict[str, int] = {}
        self._began = False

    def begin(self, causes: Iterable[str]) -> None:
        """All these are down at first, and STREAM_DOWN is said."""
        self.causes.update(causes)
        self._began = True
        self._say(False)

    def down(self, cause: str) -> None:
        """A cause is there."""
        first = not self.causes
        self.causes.add(cause)
        if first and self._began:
            self._say(False)

    def up(self, cause: str) -> None:
        """A cause is gone."""
        if cause in self.causes:
            self.causes.discard(cause)
            if not self.causes and self._began:
                self._say(True)

    def hold(self, cause: str, seconds: float) -> None:
        """A cause that is there for a while."""
        number = self._holds[cause] = self._holds.get(cause, 0) + 1
        self.down(cause)

        def end() -> None:
            if self._holds[cause] == number:
                self.up(cause)

        self._ports.loop.call_later(seconds, end)

    def end(self) -> None:
        """Say nothing any more."""
        self._began = False

    def _say(self, is_up: bool) -> None:
        ts = self._ports.clock.now_ns()
        event = StreamUp if is_up else StreamDown
        self._desk.on_event(event(ts=ts, ts_venue=ts, venue=int(self._venue)))


class Troubles:
    """Tells the desk, each trouble again only after a while."""

    def __init__(self, ports: Ports, desk: Desk, venue: Venue) -> None:
        self._ports, self._desk, self._venue = ports, desk, venue
        self._told: dict[tuple[str, int, Level], int] = {}

    def anew(self) -> None:
        """A desk hears from now on: what stands is told to it too, with what it lets fall."""
        self._told.clear()

    def tell(self, name: str, text: str, level: Level, instrument: int) -> None:
        """See `gateway.Trouble`."""
        now_ns = self._ports.clock.monotonic_ns()
        which = (name, instrument, level)
        last_ns = self._told.get(which)
        if last_ns is None or now_ns - last_ns >= TELL_AGAIN_S * NS_PER_S:
            self._told[which] = now_ns
            self._desk.on_trouble(
                Trouble(venue=self._venue, name=name, text=text, level=level, instrument=instrument)
            )  # fmt: skip
