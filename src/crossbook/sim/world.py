"""A world of virtual time: loop, clock and network in memory, from one seed. The same seed makes the same history.

A gateway gets `World.ports()` and runs unchanged; venues are `world_network.Host`s. Time passes only in `run`: a call
that is due takes none. An exception in a call is a bug and leaves `run`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random

from crossbook.sim.world_faults import NO_FAULTS, Faults
from crossbook.sim.world_network import WorldNetwork
from crossbook.timestamp import NS_PER_S
from crossbook.venues.network import Ports

START_NS = 1_750_000_000 * NS_PER_S


class WorldHandle:
    """A call in the queue."""

    __slots__ = ("call", "order", "when_ns")

    def __init__(self, when_ns: int, order: int, call: Callable[[], object]) -> None:
        self.when_ns, self.order = when_ns, order
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """It will not be made."""
        self.call = None

    def __lt__(self, other: WorldHandle) -> bool:
        return (self.when_ns, self.order) < (other.when_ns, other.order)


class WorldLoop:
    """Calls in the order of their moments; of one moment, in the order asked for."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.calls = 0
        self._queue: list[WorldHandle] = []
        self._order = count()

    def call_later(self, delay_s: float, call: Callable[[], object], /) -> WorldHandle:
        """See `venues.network.Loop`."""
        return self.call_at(self.now_ns + max(round(delay_s * NS_PER_S), 0), call)

    def call_soon(self, call: Callable[[], object], /) -> WorldHandle:
        """See `venues.network.Loop`."""
        return self.call_at(self.now_ns, call)

    def call_at(self, when_ns: int, call: Callable[[], object]) -> WorldHandle:
        """Call at a moment of the world."""
        handle = WorldHandle(max(when_ns, self.now_ns), next(self._order), call)
        heapq.heappush(self._queue, handle)
        return handle

    def run_until(self, end_ns: int) -> None:
        """Make every call that is due up to `end_ns`, then let it be that late."""
        while self._queue and self._queue[0].when_ns <= end_ns:
            handle = heapq.heappop(self._queue)
            if handle.call is None:
                continue
            self.now_ns = max(self.now_ns, handle.when_ns)
            call, handle.call = handle.call, None
            self.calls += 1
            call()
        self.now_ns = max(self.now_ns, end_ns)

    @property
    def waiting(self) -> int:
        """Calls that are still to be made."""
        return sum(handle.call is not None for handle in self._queue)


class WorldClock:
    """The desk's clock: the world's time, off by `skew_ns` on the wall. `step` sets the wall, as a time server may."""

    def __init__(self, loop: WorldLoop, skew_ns: int = 0) -> None:
        self.skew_ns = skew_ns
        self._loop = loop

    def now_ns(self) -> int:
        """See `venues.network.Clock`."""
        return START_NS + self._loop.now_ns + self.skew_ns

    def monotonic_ns(self) -> int:
        """See `venues.network.Clock`."""
        return self._loop.now_ns

    def step(self, by_ns: int) -> None:
        """Set the wall forward, or back."""
        self.skew_ns += by_ns


class World:
    """Everything outside a gateway. `network.serve` puts venues into it; `hits` counts the faults that happened."""

    def __init__(self, seed: int, faults: Faults = NO_FAULTS, skew_ns: int = 0) -> None:
        self.loop = WorldLoop()
        self.clock = WorldClock(self.loop, skew_ns)
        self.dice = Random(f"{seed} world")
        self.network = WorldNetwork(self.loop, self.clock, self.dice, faults)
        self.hits = self.network.hits
        self._seed = seed
        self._desks = count()

    def ports(self) -> Ports:
        """The ports of one desk, with dice of its own."""
        return Ports(self.loop, self.clock, self.network, Random(f"{self._seed} desk {next(self._desks)}"))

    def venue_ns(self) -> int:
        """The true UTC time: the venues' clock."""
        return START_NS + self.loop.now_ns

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        self.loop.run_until(self.loop.now_ns + round(seconds * NS_PER_S))

    def run_while(self, condition: Callable[[], bool], at_most_s: float) -> bool:
        """Let time pass in steps of 10 ms while `condition` holds; False if it still does after `at_most_s`."""
        end_ns = self.loop.now_ns + round(at_most_s * NS_PER_S)
        while condition():
            if self.loop.now_ns >= end_ns:
                return False
            self.run(0.01)
        return True

    def pause(self, seconds: float) -> None:
        """The desk's machine stands still: time passes and nothing is done; what was due is done late."""
        self.hits["pause"] += 1
        self.loop.now_ns += round(seconds * NS_PER_S)

    def stop_faults(self) -> None:
        """From here on nothing goes wrong any more: what should recover, must."""
        self.network.faults = NO_FAULTS
        self.network.thaw()

    @property
    def digest(self) -> str:
        """The history so far, as a hash: equal for equal seeds."""
        return self.network.digest
