"""A run's books and rows as they stood at an entry that has passed, from those that went on since.

What only grows is cut there; what changed later is put back: an order's end, a fill's cost, a round trip's state.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import msgspec

from crossbook.ledger.cells import Cell
from crossbook.ledger.entries import EventRow
from crossbook.ledger.evidence import Fall
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.path import Path
from crossbook.ledger.postings import Key, packed
from crossbook.report.row_kinds import Apart, Fill, Order, Point, RoundTrip, Wish
from crossbook.report.run_rows import RunRows
from crossbook.timestamp import day_of

T = TypeVar("T")


class Books:
    """What is small of a run at a moment, kept: its ledger's totals, marks and balances, and its last marks."""

    def __init__(self, rows: RunRows) -> None:
        self.seq = rows.last
        self.ledger = frozen(rows.ledger)
        self.marked = dict(rows.marked)


class PastRows(RunRows):
    """Rows of a run at one entry. Each kind of row is made when it is asked for first."""

    def __init__(self, rows: RunRows, books: Books, explain: Callable[[int], list[Fall]]) -> None:
        self.ledger, self.last, self.marked = books.ledger, books.seq, books.marked
        self.held, self.points = [], []
        self._of = rows
        self._explain = explain

    @property
    def falls(self) -> list[Fall]:
        """Changes of levels until then, with what they stand on."""
        return self._explain(self.last) if self.ledger.levels else []

    def __getattr__(self, name: str) -> Any:
        make = _MADE.get(name)
        if make is None:
            raise AttributeError(name)
        found = make(self)
        setattr(self, name, found)
        return found


def forget_before(rows: RunRows, seq: int) -> None:
    """Nobody will ask for what was before `seq`: drop what is kept only to put it back."""
    ended = bisect_right(rows.ended, seq, key=lambda one: one[0])
    for _, number in rows.ended[:ended]:
        order = rows.orders[number]
        if order.story and order.story[-1][0] <= seq:
            order.story = tuple(one for one in order.story if one[1] in FAILED)
    del rows.ended[:ended]
    del rows.costed[: bisect_right(rows.costed, seq, key=lambda one: one[0])]


FAILED = ("rejected", "unknown")


class PackedEvents(dict[Any, Any]):
    """The venue events that a ledger booked, keys and rows packed: it looks at one again only when it comes again."""

    def __setitem__(self, key: Key, row: EventRow) -> None:
        super().__setitem__(packed(key), _EVENT.pack(*row))

    def get(self, key: Key, default: Any = None) -> Any:
        """The event, or `default`."""
        row = super().get(packed(key))
        return default if row is None else EventRow._make(_EVENT.unpack(row))


_EVENT = struct.Struct("<8q8h")


def frozen(ledger: Ledger) -> Ledger:
    """A copy whose totals stay as they are; long lists are shared with the one that goes on."""
    one = copy(ledger)
    one.marks = copy(ledger.marks)
    one.marks.sums, one.marks.prices = list(ledger.marks.sums), list(ledger.marks.prices)
    one.accounts, one.levels = dict(ledger.accounts), dict(ledger.levels)
    one.cells = {key: _cell(cell) for key, cell in ledger.cells.items()}
    one.flow_amounts, one.venue_flow_value = list(ledger.flow_amounts), list(ledger.venue_flow_value)
    one._cash = list(ledger._cash)
    one.counts = copy(ledger.counts)
    one.counts.intents, one.counts.denials = list(ledger.counts.intents), dict(ledger.counts.denials)
    path = ledger.settled_path()
    if path is not None:
        one.path = Path(0, 0)
        one.path.__dict__.update(path.__dict__, days=dict(path.days))
        one.path.__dict__.pop("_rows", None)
    one._changed = False
    return one


def _until(found: list[T], seq: int) -> list[T]:
    return found[: bisect_right(found, seq, key=lambda one: one.sequence)]  # type: ignore[attr-defined]


def _cell(cell: Cell) -> Cell:
    one = copy(cell)
    one.gain = list(cell.gain)
    return one


def _fills(past: PastRows) -> list[Fill]:
    fills = _until(past._of.fills, past.last)
    for sequence, before in past.changed.items():
        fills[bisect_right(fills, sequence, key=lambda one: one.sequence) - 1] = before
    return fills


def _uncosted(past: PastRows) -> dict[int, Fill]:
    """Fills whose cost came later, as they were before it, by their entry."""
    rows, seq = past._of, past.last
    changed = {}
    for _, fill in rows.costed[bisect_right(rows.costed, seq, key=lambda one: one[0]) :]:
        if fill.sequence <= seq:
            before = msgspec.structs.replace(fill, edge=fill.edge + fill.latency + fill.slippage, latency=0, slippage=0)
            before.costed = 0
            changed[fill.sequence] = before
    return changed


def pending(ledger: Ledger, seq: int, samples: int) -> Point | None:
    """The sample of the present moment, if it is not among the `samples` that were taken."""
    path = ledger.settled_path()
    if path is None or path.samples <= samples:
        return None
    nav, pnl = path.days[day_of(path.last_ts)]
    return Point(seq, path.last_ts, nav, pnl, path.peak)


def _aparts(past: PastRows) -> list[Apart]:
    """The last of each pair goes on until now."""
    found, now = _until(past._of.apart, past.last), past.ledger.ts
    last: set[tuple[int, int]] = set()
    pairs = {(one.strategy, one.pair) for one in found[-256:]}
    for k in range(len(found) - 1, -1, -1):
        one = found[k]
        if (one.strategy, one.pair) not in last:
            last.add((one.strategy, one.pair))
            found[k] = msgspec.structs.replace(one, lasted=now - one.ts)
        if k < len(found) - 256 and last >= pairs:
            break
    return found


def _orders(past: PastRows) -> dict[int, Order]:
    rows, seq = past._of, past.last
    found: dict[int, Order] = {}
    later = {number for _, number in rows.ended[bisect_right(rows.ended, seq, key=lambda one: one[0]) :]}
    filled: dict[int, int] = {}
    for fill in rows.fills[bisect_right(rows.fills, seq, key=lambda one: one.sequence) :]:
        if not fill.forced:
            filled[fill.order] = filled.get(fill.order, 0) + fill.lots
    for number, order in rows.orders.items():
        if order.sequence > seq:
            break
        if number in later:
            story = tuple(one for one in order.story if one[0] <= seq)
            order = msgspec.structs.replace(
                order, story=story, end=story[-1][1] if story else "open", filled=order.filled - filled.get(number, 0)
            )  # fmt: skip
        found[number] = order
    return found


def _wishes(past: PastRows) -> dict[int, Wish]:
    rows, seq, changed = past._of, past.last, past.changed
    later: dict[int, int] = {}
    for order in reversed(rows.orders.values()):
        if order.sequence <= seq:
            break
        later[order.intent] = later.get(order.intent, 0) + 1
    found: dict[int, Wish] = {}
    for number, wish in rows.wishes.items():
        if wish.sequence > seq:
            continue
        fills = wish.fills
        if number in later or (fills and (fills[-1].sequence > seq or _any(fills, changed))):
            kept = [changed.get(fill.sequence, fill) for fill in fills if fill.sequence <= seq]
            wish = msgspec.structs.replace(wish, fills=kept, orders=wish.orders - later.get(number, 0))
        found[number] = wish
    return found


def _trips(past: PastRows) -> list[RoundTrip]:
    """Those that had ended, then those that were under way."""
    rows, seq, changed = past._of, past.last, past.changed
    found, open_then = [], []
    for trip in rows.trips:
        fills = trip.fills
        if fills[-1].sequence <= seq:
            if _any(fills, changed):
                trip = msgspec.structs.replace(trip, fills=[changed.get(one.sequence, one) for one in fills])
            found.append(trip)
        elif fills[0].sequence <= seq:
            open_then.append((trip.strategy, trip.pair, fills))
    under_way = [(strategy, pair, fills) for (strategy, pair), fills in rows._under_way.items()]
    for strategy, pair, fills in (*open_then, *under_way):
        kept = [changed.get(fill.sequence, fill) for fill in fills if fill.sequence <= seq]
        if kept:
            found.append(RoundTrip(strategy, pair, kept))
    return found


def _any(fills: list[Fill], changed: dict[int, Fill]) -> bool:
    return bool(changed) and any(fill.sequence in changed for fill in fills)


_MADE: dict[str, Callable[[PastRows], Any]] = {
    "changed": _uncosted,
    "fills": _fills,
    "payments": lambda past: _until(past._of.payments, past.last),
    "flows": lambda past: _until(past._of.flows, past.last),
    "denials": lambda past: _until(past._of.denials, past.last),
    "odd": lambda past: _until(past._of.odd, past.last),
    "apart": _aparts,
    "orders": _orders,
    "wishes": _wishes,
    "trips": _trips,
}
