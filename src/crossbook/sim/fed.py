"""Simulated venues beside live streams: the tape is what has been received, and grows.

What an order met is known only when the frames up to its arrival have reached us too, so it is matched when its answer
is due, against the market as it then turns out to have been. Memory is bounded: frames that every venue has passed are
dropped.
"""

from __future__ import annotations

from heapq import heapify

import numpy as np

from crossbook.events import EventKind
from crossbook.rules.layout import EVENT, MAX_VENUES, Rows
from crossbook.sim.exchange import FOREVER
from crossbook.sim.latency import LatencyModel
from crossbook.sim.layout import Setup
from crossbook.sim.venue import SimulatedVenues

ROWS = 1 << 17
FRAMES = 1 << 15
FUNDING = int(EventKind.FUNDING)


class FedVenues(SimulatedVenues):
    """`SimulatedVenues` whose frames come one by one through `feed`."""

    def __init__(self, declaration: Setup, latency: LatencyModel, rows: int = ROWS, frames: int = FRAMES) -> None:
        self._room = np.zeros(rows, EVENT)
        self._edges = np.zeros(frames + 1, np.int64)
        self._frames = self._received = 0
        self._stamped = [0] * MAX_VENUES
        super().__init__(declaration, self._room[:0], self._edges[:1], latency)

    def feed(self, frame: Rows) -> None:
        """The next frame, received at its `ts`. A venue's time neither runs back nor ahead of ours."""
        size = len(frame)
        at = int(self._edges[self._frames])
        if at + size > len(self._room) or self._frames + 2 > len(self._edges):
            self._drop_passed(size)
            at = int(self._edges[self._frames])
        self._room[at : at + size] = frame
        ts, venue = int(frame[0]["ts"]), int(frame[0]["venue"])
        self._received = ts
        happened = max(self._stamped[venue], min(int(frame[0]["ts_venue"]) or ts, ts))
        self._stamped[venue] = happened
        self._room["ts_venue"][at : at + size] = happened
        self._frames += 1
        self._edges[self._frames] = at + size
        self._show()
        if int(frame[0]["kind"]) == FUNDING:
            self._fundings[venue] = sorted({*self._fundings[venue], happened}, reverse=True)
        if self._arrivals or self.state["n_resting"][0] or self._fundings[venue]:
            self._schedule()

    def _next_arrival(self, until: int) -> tuple[int, int, Rows] | None:
        ripe = min((one for one in self._arrivals if self._ripe(one) <= until), default=None, key=lambda one: one[:2])
        if ripe is not None:
            self._arrivals = [one for one in self._arrivals if one is not ripe]
            heapify(self._arrivals)
        return ripe

    def _arrival_due(self) -> int:
        return min(map(self._ripe, self._arrivals), default=FOREVER)

    def _ripe(self, arrival: tuple[int, int, Rows]) -> int:
        """From when on it can be known what a command met: once its venue's frames up to then have been received."""
        at, _, command = arrival
        venue = int(command["venue"][0])
        if self._stamped[venue] > at:
            return at
        return at + self._latency.response_ns(venue, int(command["order"][0]))

    def _show(self) -> None:
        self._rows = self._room[: int(self._edges[self._frames])]
        self._starts = self._edges[: self._frames + 1]
        self._rows.flags.writeable = False
        self._starts.flags.writeable = False

    def _drop_passed(self, size: int) -> None:
        """Let the market go on as far as no order may still arrive before, and forget the frames behind that."""
        horizon = min([self._received, *(at for at, _, _ in self._arrivals)])
        for venue in range(MAX_VENUES):
            self._advance(venue, horizon)
        cursor = self.state["cursor"][0]
        passed = min(int(cursor.min()), self._frames)
        first = int(self._edges[passed])
        kept = self._room[first : int(self._edges[self._frames])].copy()
        if len(kept) + size > len(self._room) // 2:  # a long way to the venue, or a fast market: make room
            self._room = np.zeros(2 * (len(kept) + size), EVENT)
        edges = self._edges[passed : self._frames + 1] - first
        if 2 * len(edges) > len(self._edges):
            self._edges = np.zeros(2 * len(edges), np.int64)
        self._room[: len(kept)] = kept
        self._edges[: len(edges)] = edges
        self._frames = len(edges) - 1
        cursor -= passed
        self._show()
