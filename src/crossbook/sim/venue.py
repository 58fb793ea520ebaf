"""The simulated venues of a run: commands in, events out. The truth only; the desk's belief is its own.

All matching and accounting is in the kernels of `orders` and `exchange`; this shell schedules. Assumptions beside
theirs: commands to one venue arrive in the order they left, and its answers likewise (one connection each way, nothing
lost); the venue's clock is the tape's `ts_venue`; all frames stamped up to the moment an order arrives happened before
it.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import numpy as np

from crossbook.commands import OutKind
from crossbook.errors import Refused
from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.layout import EVENT, MAX_VENUES, OUT, Rows
from crossbook.sim.exchange import FOREVER, advance_market, next_watch
from crossbook.sim.latency import LatencyModel
from crossbook.sim.layout import Setup, new_venues
from crossbook.sim.orders import arrive
from crossbook.types import InstrumentKind

_TAKEN = {
    int(kind): kind.name for kind in (OutKind.SUBMIT_ORDER, OutKind.CANCEL_ORDER, OutKind.CANCEL_ALL, OutKind.QUERY)
}


class SimulatedVenues:
    """All venues of a run over one tape.

    `rows`: EVENT rows in receive order, frame k being `rows[starts[k]:starts[k + 1]]`, with `ts_venue` on our clock and
    in order within a venue. Nothing happens between calls. The desk's loop is, for each event of its tape:

        while (due := venues.next_due()) <= event.ts:
            for reply in venues.advance(due):
                ...step on it, send() what it answers

    so that a reply due at T precedes the first event stamped T or later, and no order leaves before something that the
    venues have already been told is past.
    """

    def __init__(self, declaration: Setup, rows: Rows, starts: Rows, latency: LatencyModel) -> None:
        self.state = new_venues(declaration)
        self._n_replies, self._buffer = self.state["n_replies"], self.state["replies"][0]
        self._rows = _read_only(rows, EVENT)
        self._starts = _read_only(starts, np.dtype(np.int64))
        self._latency = latency
        self._arrivals: list[tuple[int, int, Rows]] = []
        self._replies: list[tuple[int, int, int, Any]] = []
        self._sent = 0
        self._answered = 0
        self._arrived = [0] * MAX_VENUES
        self._due = [0] * MAX_VENUES
        self._watch = np.full(MAX_VENUES, FOREVER)
        self._fundings = _funding_times(self._rows, self._starts)
        self._now = 0
        self._next = 0
        self._schedule()

    def send(self, command: Any) -> None:
        """Take a SUBMIT_ORDER, CANCEL_ORDER, CANCEL_ALL or QUERY (an OUT record or one-row array) that leaves at `ts`.

        A QUERY is answered by a POSITION_REPORT for each instrument of its venue and then one ORDER_REPORT. CANCEL_ALL
        with venue -1 goes to every venue that has rested an order. Raises `Refused` for another kind, or if the command
        left before a time already passed to `advance`.
        """
        row = np.zeros(1, OUT)
        row[0] = command if isinstance(command, np.void) else command[0]
        order = row[0]
        if order.kind not in _TAKEN:
            raise Refused(f"simulated venue: command kind {order.kind} is none of {', '.join(_TAKEN.values())}")
        if order.ts < self._now:
            raise Refused(
                f"order {order.order} left at {order.ts}, the venues are at {self._now}: advance to next_due()"
            )
        if order.venue >= 0:
            self._post(row, int(order.venue))
            return
        for venue in sorted({int(rest.venue) for rest in self.state[0].resting[: self.state[0].n_resting]}):
            copy = row.copy()
            copy["venue"] = venue
            self._post(copy, venue)

    def transfer(self, venue: int, asset: int, amount_e8: int) -> None:
        """Money comes in (or goes out): the opening balance. Not answered."""
        self.state[0].balances[venue, asset] += amount_e8

    def next_due(self) -> int:
        """The earliest time at which something may have to happen here; `FOREVER` if never.

        A reply's due time, an order's arrival, a funding stamp, a margin check while a position is open, the next frame
        of an instrument in which an order rests.
        """
        return self._next

    def in_flight(self) -> bool:
        """Whether a command is on its way to a venue, or an answer on its way back."""
        return bool(self._arrivals or self._replies)

    def advance(self, until: int) -> Rows:
        """Let everything up to and including `until` happen, and return the replies due by then.

        The replies are EVENT rows, one each, by due time (`ts`), then venue, then the order in which the venue spoke.
        """
        if self._next > until:
            return np.zeros(0, EVENT)
        while (arrival := self._next_arrival(until)) is not None:
            at, _, command = arrival
            venue = int(command["venue"][0])
            self._advance(venue, at)
            arrive(self.state, command, at)
            self._collect(venue)
        next_watch(self.state, self._rows, self._starts, self._watch)
        for venue in range(MAX_VENUES):
            fundings = self._fundings[venue]
            if self._watch[venue] <= until or (fundings and fundings[-1] <= until):
                self._advance(venue, until)
            while fundings and fundings[-1] <= until:
                fundings.pop()
        ready = []
        while self._replies and self._replies[0][0] <= until:
            ready.append(heappop(self._replies)[3])
        self._now = max(self._now, until)
        self._schedule()
        replies = np.zeros(len(ready), EVENT)
        for k, reply in enumerate(ready):
            replies[k] = reply
        return replies

    def reports(self, ts: int) -> Rows:
        """The venues' truth as it stands: a BALANCE_REPORT for each venue and asset it holds or trades, and a
        POSITION_REPORT (net lots of all fills) for each instrument, stamped `ts`."""
        s = self.state[0]
        held = {(int(v), int(a)) for v, a in zip(*np.nonzero(s.balances), strict=True)}
        for instrument in s.instruments[: s.n_instruments]:
            venue = int(instrument.venue)
            if instrument.kind == InstrumentKind.SPOT:
                held |= {(venue, int(instrument.base)), (venue, int(instrument.quote))}
            else:
                held.add((venue, int(instrument.settle)))
        rows = np.zeros(len(held) + int(s.n_instruments), EVENT)
        rows["ts"] = rows["ts_venue"] = ts
        rows["flags"] = FLAG_LAST
        rows["strategy"] = -1
        for row, (venue, asset) in zip(rows, sorted(held), strict=False):
            row.kind, row.venue, row.asset = EventKind.BALANCE_REPORT, venue, asset
            row.instrument = -1
            row.lots = s.balances[venue, asset]
        for i, row in enumerate(rows[len(held) :]):
            row.kind, row.venue, row.instrument = EventKind.POSITION_REPORT, s.instruments[i].venue, i
            row.lots = s.net[i]
        return rows

    def _post(self, row: Rows, venue: int) -> None:
        travels = self._latency.entry_ns(venue, int(row["order"][0]))
        at = max(self._arrived[venue], int(row["ts"][0]) + travels)
        self._arrived[venue] = at
        heappush(self._arrivals, (at, self._sent, row))
        self._sent += 1
        self._next = min(self._next, self._arrival_due())

    def _next_arrival(self, until: int) -> tuple[int, int, Rows] | None:
        """Take the next command whose arrival, by `until`, can be looked at."""
        return heappop(self._arrivals) if self._arrivals and self._arrivals[0][0] <= until else None

    def _arrival_due(self) -> int:
        """When the next one can be."""
        return self._arrivals[0][0] if self._arrivals else FOREVER

    def _advance(self, venue: int, until: int) -> None:
        while not advance_market(self.state, self._rows, self._starts, venue, until):
            self._collect(venue)
        self._collect(venue)

    def _collect(self, venue: int) -> None:
        """Take the answers of the kernels, and give each its due time."""
        spoken = int(self._n_replies[0])
        if spoken == 0:
            return
        batch = self._buffer[:spoken].copy()
        self._n_replies[0] = 0
        due = self._due[venue]
        for reply, at, order, own in zip(
            batch, batch["ts"].tolist(), batch["id"].tolist(), batch["id2"].tolist(), strict=True
        ):
            due = max(due, at + self._latency.response_ns(venue, order or own))
            reply["ts"] = due
            heappush(self._replies, (due, venue, self._answered, reply))
            self._answered += 1
        self._due[venue] = due

    def _schedule(self) -> None:
        next_watch(self.state, self._rows, self._starts, self._watch)
        due: int = min(self._watch.tolist())
        due = min(due, self._arrival_due())
        if self._replies:
            due = min(due, self._replies[0][0])
        for fundings in self._fundings:
            if fundings:
                due = min(due, fundings[-1])
        self._next = due


def _read_only(array: Rows, dtype: np.dtype[Any]) -> Rows:
    """A view that the kernels are compiled for once, whether the tape is mapped from a file or made in memory."""
    view = np.ascontiguousarray(np.asarray(array), dtype).view(dtype)
    view.flags.writeable = False
    return view


def _funding_times(rows: Rows, starts: Rows) -> list[list[int]]:
    """By venue, when it pays funding, latest first: the end of the list is what comes next."""
    heads = starts[:-1]
    stamps = rows[heads[rows["kind"][heads] == EventKind.FUNDING]]
    return [sorted(stamps["ts_venue"][stamps["venue"] == v].tolist(), reverse=True) for v in range(MAX_VENUES)]
