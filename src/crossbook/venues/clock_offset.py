"""How far a venue's clock is from ours: the median over round trips, with the bounds that the trips themselves prove.

The venue read its clock somewhere between our sending and our receiving, so half a round trip bounds the error of a
sample, and the offset lies within the intersection of all honest samples' bounds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from crossbook.events import ClockOffset
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.network import Handle, Ports

KEPT = 9
ROUND_TRIP_MAX_NS = NS_PER_S
STAMP_NS = NS_PER_MS
"""The venues' stamps are whole milliseconds, cut off."""


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """Venue's clock less ours. The truth lies within `offset_ns` +- `error_ns` if the `n` samples are honest."""

    offset_ns: int
    error_ns: int
    n: int


class OffsetSamples:
    """The last samples of one venue. `suspect` counts what was not taken: longer than a second, backwards, or farther
    from the median than both their errors allow (until three in a row say the same: then the clock was set)."""

    def __init__(self) -> None:
        self.taken = 0
        self.suspect = 0
        self._kept: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._apart: list[tuple[int, int]] = []

    def add(self, venue_ns: int, sent_ns: int, receive_ns: int) -> bool:
        """A round trip: the venue's stamp, and when we sent and received, on our clock. False: suspect, not taken."""
        trip_ns = receive_ns - sent_ns
        if not 0 <= trip_ns <= ROUND_TRIP_MAX_NS:
            self.suspect += 1
            return False
        offset_ns = venue_ns + STAMP_NS // 2 - (sent_ns + trip_ns // 2)
        sample = (offset_ns, trip_ns // 2 + STAMP_NS // 2)
        now = self.offset()
        if now is not None and now.n >= 3 and abs(offset_ns - now.offset_ns) > sample[1] + now.error_ns:
            self.suspect += 1
            self._apart.append(sample)
            if len(self._apart) < 3 or not self._agree():
                return False
            self._kept.clear()
            self._kept.extend(self._apart)
            self._apart = []
            self.taken += 3
            return True
        self._apart = []
        self._kept.append(sample)
        self.taken += 1
        return True

    def offset(self) -> Offset | None:
        """What the samples say; None before the first."""
        if not self._kept:
            return None
        offsets = sorted(offset for offset, _ in self._kept)
        median = offsets[len(offsets) // 2]
        low = max(offset - error for offset, error in self._kept)
        high = min(offset + error for offset, error in self._kept)
        # honest bounds meet; where drift has moved them apart, the spread is the error
        error = max(high - median, median - low) if low <= high else max(offsets[-1] - median, median - offsets[0])
        return Offset(offset_ns=median, error_ns=max(error, 0), n=len(offsets))

    def _agree(self) -> bool:
        self._apart = self._apart[-3:]
        low = max(offset - error for offset, error in self._apart)
        high = min(offset + error for offset, error in self._apart)
        return low <= high


Ask = Callable[[Callable[[int, int, int], None]], None]
"""`ask(on_stamp)`: make one round trip and call `on_stamp(venue_ns, sent_ns, receive_ns)`; not at all if it fails."""


class ClockWatch:
    """Asks a venue for its time: five times quickly at the start, then every `every_s`, and reports each new median."""

    def __init__(
        self,
        venue: Venue,
        ports: Ports,
        ask: Ask,
        on_offset: Callable[[ClockOffset, Offset], None],
        every_s: float = 30.0,
    ) -> None:
        self.samples = OffsetSamples()
        self._venue, self._ports, self._ask, self._on_offset = venue, ports, ask, on_offset
        self._every_s = every_s
        self._asked = 0
        self._asking: Handle | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._asking = self._ports.loop.call_soon(self._next)

    def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    def _next(self) -> None:
        self._asked += 1
        self._asking = self._ports.loop.call_later(1.0 if self._asked < 5 else self._every_s, self._next)
        self._ask(self._stamped)

    def _stamped(self, venue_ns: int, sent_ns: int, receive_ns: int) -> None:
        offset = self.samples.offset() if self.samples.add(venue_ns, sent_ns, receive_ns) else None
        if offset is not None:
            event = ClockOffset(
                ts=receive_ns, ts_venue=receive_ns, venue=int(self._venue), offset_ns=offset.offset_ns
            )  # fmt: skip
            self._on_offset(event, offset)
