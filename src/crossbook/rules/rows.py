"""Between the typed structs of `events` and `commands` and the packed rows of `layout`."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook import commands, events
from crossbook.commands import Out, OutKind
from crossbook.events import FLAG_LAST, FLAG_MAKER, BookDelta, BookLevel, BookSnapshot, Event, EventKind
from crossbook.rules.layout import OUT, Rows, new_events

EVENT_CLASSES: dict[int, type[Event]] = {
    int(c.kind): c for c in vars(events).values() if isinstance(c, type) and issubclass(c, Event) and c is not Event
}
OUT_CLASSES: dict[int, type[Out]] = {
    int(c.kind): c for c in vars(commands).values() if isinstance(c, type) and issubclass(c, Out) and c is not Out
}
_NONE = ("instrument", "venue", "asset", "strategy")


def pack(event: Event) -> Rows:
    """The rows of an event, the last one flagged."""
    levels = event.levels if isinstance(event, BookSnapshot | BookDelta) else ()
    rows = new_events(max(1, len(levels)))
    for name in _NONE:
        rows[name] = -1
    rows["kind"] = int(event.kind)
    rows["ts"] = event.ts
    rows["ts_venue"] = event.ts_venue
    for attribute, column in event.columns.items():
        rows[column] = getattr(event, attribute)
    if hasattr(event, "instrument"):
        rows["instrument"] = event.instrument
    for k, level in enumerate(levels):
        rows[k]["side"], rows[k]["price"], rows[k]["lots"] = level.side, level.price, level.lots
    rows[-1]["flags"] |= FLAG_LAST
    if getattr(event, "maker", False):
        rows[-1]["flags"] |= FLAG_MAKER
    return rows


def unpack_event(rows: Rows) -> Event:
    """The event that some rows carry."""
    first = rows[0]
    kind = EVENT_CLASSES[int(first.kind)]
    fields: dict[str, Any] = {a: int(first[column]) for a, column in kind.columns.items()}
    if "instrument" in kind.__struct_fields__:
        fields["instrument"] = int(first.instrument)
    if "levels" in kind.__struct_fields__:
        fields["levels"] = tuple(BookLevel(int(r.side), int(r.price), int(r.lots)) for r in rows if r.price)
    if "maker" in kind.__struct_fields__:
        fields["maker"] = bool(first.flags & FLAG_MAKER)
    return kind(ts=int(first.ts), ts_venue=int(first.ts_venue), **fields)


def unpack_out(row: Any) -> Out:
    """The command or note that a row carries."""
    kind = OUT_CLASSES[int(row.kind)]
    fields = {a: int(row[column]) for a, column in kind.columns.items()}
    return kind(ts=int(row.ts), strategy=int(row.strategy), **fields)


def pack_out(out: Out) -> Rows:
    """The row of a command or note."""
    rows = np.zeros(1, OUT)
    for name in ("instrument", "venue", "strategy", "pair"):
        rows[name] = -1
    rows["kind"] = int(out.kind)
    rows["ts"] = out.ts
    rows["strategy"] = out.strategy
    for attribute, column in out.columns.items():
        rows[column] = getattr(out, attribute)
    return rows


def name_of(kind: int) -> str:
    """The name of an event, command or note by its number."""
    return EventKind(kind).name if kind < 100 else OutKind(kind).name
