"""What a run's journal says of its ways to the venues and of the process: streams, clocks, budgets, health, alerts."""

from __future__ import annotations

from bisect import bisect_right
from copy import copy

import msgspec

from crossbook.commands import OutKind
from crossbook.desk.alerts import alert_line
from crossbook.errors import Corrupt
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, TEXT_TAG, decode_event, decode_out, decode_text, kind_of

ALERTS_KEPT = 10_000


class Alert(msgspec.Struct, frozen=True):
    """Something that a person should see, in the words of `alerts.log`."""

    seq: int
    ts: int
    text: str


class VenueSeen(msgspec.Struct):
    """The last that was said of a venue; None: nothing was. `changes`: how often its stream came or went."""

    up: bool | None = None
    since: int | None = None
    changes: int = 0
    offset_ns: int | None = None
    budget_left: int | None = None
    budget_whole: int | None = None
    open_orders: int | None = None
    marked: int | None = None
    """When a book of it was last looked at."""
    said: dict[str, int] = {}
    """The entries that say so."""


class ProcessSeen(msgspec.Struct):
    """The process at its last look at itself."""

    entry: int
    ts: int
    journal_lag_ns: int
    disk_bytes: int
    loop_lag_ns: int


class Watch:
    """Takes every entry of a journal but its declaration."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self.venues = [VenueSeen() for _ in declaration.venues]
        self.process: ProcessSeen | None = None
        self.alerts: list[Alert] = []
        self.alerts_in_all = 0
        self.unknown: dict[int, int] = {}
        """Orders of which nothing is known, with the entry that says so."""
        self.restarts = 0
        self.requests = 0

    def take(self, sequence: int, payload: bytes) -> None:
        """Take one entry."""
        kind = kind_of(payload)
        if payload[0] == EVENT_TAG:
            if EventKind.ORDER_ACCEPTED <= kind <= EventKind.RESTRICTED:
                self._event(sequence, kind, payload)
            return
        ts = 0
        if payload[0] == TEXT_TAG:
            said = decode_text(payload)
            self.restarts += "restart" in said
            self.requests += "request" in said
            ts = _whole(said.get("ts"))
        elif payload[0] == OUT_TAG and kind == OutKind.MARKED:
            row = decode_out(payload)
            venue = self.venues[self._declaration.instruments[row.instrument].venue]
            venue.marked = row.ts
            venue.said["marked"] = sequence
            return
        elif payload[0] == OUT_TAG:
            if kind not in (OutKind.ALERT, OutKind.TRANSITION, OutKind.BREAK, OutKind.PROVED):
                return
            ts = decode_out(payload).ts
        try:
            line = alert_line(payload, self._declaration)
        except (LookupError, ValueError, Corrupt):
            line = f"entry {sequence} says something of which this version knows no words"
        if line is not None:
            self.alerts.append(Alert(sequence, ts, line))
            self.alerts_in_all += 1
            if len(self.alerts) > 2 * ALERTS_KEPT:
                del self.alerts[:-ALERTS_KEPT]

    def frozen(self) -> Watch:
        """A copy that stays as it is; alerts are shared, see `alerts_to`."""
        one = copy(self)
        one.venues = [msgspec.structs.replace(venue, said=dict(venue.said)) for venue in self.venues]
        one.unknown = dict(self.unknown)
        return one

    def alerts_to(self, sequence: int) -> list[Alert]:
        """Those that are kept, up to an entry."""
        return self.alerts[: bisect_right(self.alerts, sequence, key=lambda one: one.seq)]

    def alerts_after(self, sequence: int) -> list[Alert]:
        """Those behind an entry."""
        return self.alerts[bisect_right(self.alerts, sequence, key=lambda one: one.seq) :]

    def _event(self, sequence: int, kind: int, payload: bytes) -> None:
        row = decode_event(payload)
        if kind == EventKind.ORDER_UNKNOWN:
            self.unknown[row.id] = sequence
        elif kind <= EventKind.ORDER_REJECTED:
            self.unknown.pop(row.id, None)
        elif kind == EventKind.HEALTH:
            self.process = ProcessSeen(sequence, row.ts, row.lots, row.lots2, row.price)
        elif kind in _OF_VENUES:
            venue = self.venues[row.venue]
            venue.said[_OF_VENUES[kind]] = sequence
            if kind in (EventKind.STREAM_UP, EventKind.STREAM_DOWN):
                venue.up, venue.since = kind == EventKind.STREAM_UP, row.ts
                venue.changes += 1
            elif kind == EventKind.CLOCK_OFFSET:
                venue.offset_ns = row.lots
            elif kind == EventKind.RATE_BUDGET:
                venue.budget_left, venue.budget_whole = row.lots, row.lots2
            else:
                venue.open_orders = row.lots


_OF_VENUES: dict[int, str] = {
    EventKind.STREAM_UP: "stream",
    EventKind.STREAM_DOWN: "stream",
    EventKind.CLOCK_OFFSET: "clock",
    EventKind.RATE_BUDGET: "budget",
    EventKind.ORDER_REPORT: "orders",
}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
