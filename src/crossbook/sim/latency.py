"""How long orders and answers travel: constant, or drawn from measured values, the same draw in every run.

A draw depends on the seed, the venue, the leg and the order's id alone (splitmix64), not on what was drawn before: a
run in which one more order is sent leaves the latency of all others as it was. Assumption: draws are independent of
each other and of the market, where real latency grows in bursts. The feed's latency is what the tape holds, `ts` less
`ts_venue`; `delay_feed` adds to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from crossbook.errors import Refused
from crossbook.rules.layout import Rows
from crossbook.timestamp import NS_PER_US
from crossbook.types import Venue

ENTRY, RESPONSE, FEED = range(3)

_MASK = (1 << 64) - 1


def splitmix64(seed: int) -> int:
    """A 64-bit number in which every bit of `seed` has mixed."""
    z = (seed + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Constant(msgspec.Struct, frozen=True):
    """Always the same, in microseconds."""

    us: int

    def pick(self, draw: int) -> int:
        """The latency in ns."""
        return self.us * NS_PER_US


class Sampled(msgspec.Struct, frozen=True):
    """One of the measured values, in ns; every one is as likely. Repeat a value to make it likelier."""

    values_ns: tuple[int, ...]
    seed: int = 0

    def pick(self, draw: int) -> int:
        """The latency in ns that a 64-bit draw stands for."""
        return self.values_ns[splitmix64(draw ^ self.seed) % len(self.values_ns)]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """The latency to a venue: `entry` from our wire to its matching, `response` from there back to us."""

    entry: Constant | Sampled
    response: Constant | Sampled


class LatencyModel:
    """Latencies of all venues of a run. Raises `Refused` for a negative latency or a sample of none."""

    def __init__(self, seed: int, legs: Mapping[Venue, Leg]) -> None:
        for venue, leg in legs.items():
            for name, part in (("entry", leg.entry), ("response", leg.response)):
                values = part.values_ns if isinstance(part, Sampled) else (part.us,)
                if not values or min(values) < 0:
                    raise Refused(f"latency: {name} of {venue.label} is {min(values, default='empty')}: give 0 or more")
        self._seed = seed
        self._legs = {int(venue): leg for venue, leg in legs.items()}

    def entry_ns(self, venue: int, order: int) -> int:
        """How long the command about `order` travels to its venue."""
        return self._draw(self._leg(venue).entry, venue, ENTRY, order)

    def response_ns(self, venue: int, order: int) -> int:
        """How long the venue's answers about `order` (or about its own event of that id) travel to us."""
        return self._draw(self._leg(venue).response, venue, RESPONSE, order)

    def _leg(self, venue: int) -> Leg:
        leg = self._legs.get(venue)
        if leg is None:
            raise Refused(f"latency: none given for {Venue(venue).label}: add its leg to the model")
        return leg

    def _draw(self, part: Constant | Sampled, venue: int, leg: int, key: int) -> int:
        if isinstance(part, Constant):
            return part.us * NS_PER_US
        return part.pick(splitmix64(splitmix64(self._seed ^ (venue << 8 | leg) << 48) ^ key))


def delay_feed(rows: Rows, starts: Rows, venue: Venue, delay: Constant | Sampled, seed: int) -> tuple[Rows, Rows]:
    """The same tape with the frames of one venue received later by `delay`, in the new receive order.

    Frames of a venue never overtake each other. Returns new rows and starts; `rows` is left alone.
    """
    first = rows[starts[:-1]]
    times = first["ts"].copy()
    ours = np.flatnonzero(first["venue"] == venue)
    draws = [delay.pick(splitmix64(splitmix64(seed ^ FEED << 48) ^ k)) for k in range(len(ours))]
    times[ours] = np.maximum.accumulate(times[ours] + np.array(draws, np.int64))
    order = np.argsort(times, kind="stable")
    sizes = np.diff(starts)
    new_starts = np.concatenate(([0], np.cumsum(sizes[order])))
    gather = np.repeat(np.asarray(starts[:-1])[order] - new_starts[:-1], sizes[order]) + np.arange(len(rows))
    delayed = rows[gather]
    delayed["ts"] = np.repeat(times[order], sizes[order])
    return delayed, new_starts
