"""The engine: one step takes one event and gives back commands and notes. No clock, no I/O, no randomness.

Everything is decided by one composed kernel over the desk's record; this file packs, calls and unpacks.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Out, Reason
from crossbook.errors import Corrupt
from crossbook.events import LAST_MARKET_KIND, WISH_FLATTEN, Event, EventKind
from crossbook.rules.answers import on_forced_close, on_order_event
from crossbook.rules.book import apply_market
from crossbook.rules.controls import count_unknown, look_at_arbs
from crossbook.rules.flight import track_flights
from crossbook.rules.holds import hold_closed, look_for_stale
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import level_of, lower, raise_level
from crossbook.rules.layout import MAX_OUT, Rows, new_outs
from crossbook.rules.orders import book_funding
from crossbook.rules.out import (
    flush_denials,
    say_alert,
    say_mark,
)
from crossbook.rules.reports import after_kill, on_report, on_rim_event, orphan_e8
from crossbook.rules.rows import pack, unpack_out
from crossbook.rules.sizing import note_motion
from crossbook.rules.worth import is_held, look_at_worth, note_flow, note_unattributed
from crossbook.strategy.arbitrage import decide
from crossbook.types import Level, Scope

LAST_MARKET = LAST_MARKET_KIND
MARK_PRICE = int(EventKind.MARK_PRICE)
INSTRUMENT_CHANGED = int(EventKind.INSTRUMENT_CHANGED)
FIRST_ORDER_KIND = int(EventKind.ORDER_ACCEPTED)
LAST_ORDER_KIND = int(EventKind.ORDER_UNKNOWN)
ORDER_REPORT = int(EventKind.ORDER_REPORT)
POSITION_REPORT = int(EventKind.POSITION_REPORT)
FUNDING_PAID = int(EventKind.FUNDING_PAID)
TRANSFER = int(EventKind.TRANSFER)
FORCED_CLOSE = int(EventKind.FORCED_CLOSE)
STREAM_UP = int(EventKind.STREAM_UP)
STREAM_DOWN = int(EventKind.STREAM_DOWN)
CLOCK_OFFSET = int(EventKind.CLOCK_OFFSET)
RATE_BUDGET = int(EventKind.RATE_BUDGET)
HEALTH = int(EventKind.HEALTH)
OPERATOR_REQUEST = int(EventKind.OPERATOR_REQUEST)
TIMER = int(EventKind.TIMER)
RUN_STOPPED = int(EventKind.RUN_STOPPED)
WHY_OPERATOR = int(Reason.OPERATOR)
RAISE_FORBIDDEN = int(Reason.RAISE_FORBIDDEN)
TOO_MANY_REJECTS = int(Reason.TOO_MANY_REJECTS)
UNKNOWN_ORDERS = int(Reason.UNKNOWN_ORDERS)
POSITION_DIFFERS = int(Reason.POSITION_DIFFERS)
DESK = int(Scope.DESK)
VENUE = int(Scope.VENUE)
STRATEGY = int(Scope.STRATEGY)
ACTIVE = int(Level.ACTIVE)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
KILLED = int(Level.KILLED)

MARK_EVERY_NS = 1_000_000_000


@kernel
def decide_all(s: Any, out: Any, n: int, instrument: int) -> int:
    """Let every strategy look at the pairs that this instrument is a leg of."""
    for p in range(s.n_pairs):
        pair = s.pairs[p]
        if pair.a != instrument and pair.b != instrument:
            continue
        for strategy in range(s.n_strategies):
            if s.strategies[strategy].pairs >> p & 1 and n < MAX_OUT // 2:
                n = decide(s, out, n, strategy, p)
    return n


@kernel
def on_request(s: Any, out: Any, n: int, row: Any) -> int:
    """A person's wish. Lowering is free; raising goes one step and only with nothing unknown and nothing unhedged."""
    if row.reason == WISH_FLATTEN:
        s.flattening = 1
        n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (WHY_OPERATOR, row.price, 0))
        for i in range(s.n_instruments):
            n = decide_all(s, out, n, i)
        return n
    if row.lots < level_of(s, row.id, row.id2):
        return lower(s, out, n, row.id, row.id2, row.lots, (WHY_OPERATOR, row.price, 0))
    before = n
    if count_unknown(s) == 0 and orphan_e8(s) == 0:
        n = raise_level(s, out, n, row.id, row.id2, row.lots, (WHY_OPERATOR, row.price, 0))
    if n == before:
        n = say_alert(s, out, n, -1, RAISE_FORBIDDEN, row.price, level_of(s, row.id, row.id2))
    elif row.lots == ACTIVE:
        s.flattening = 0
    return n


@kernel
def mark_all(s: Any, out: Any, n: int) -> int:
    """Once a second, at the first sight of an instrument, and at the end: state where every instrument stands."""
    due = s.now >= s.next_mark
    for i in range(s.n_instruments):
        quote = s.quotes[i]
        if (due or s.marked[i] == 0) and quote.bid_lots > 0 and quote.ask_lots > 0 and n < MAX_OUT:
            s.marked[i] = 1
            n = say_mark(s, out, n, i)
            if due:
                note_motion(s, i)
    if due:
        s.next_mark = (s.now // MARK_EVERY_NS + 1) * MARK_EVERY_NS
        if s.stopped == 0:
            n = look_at_worth(s, out, n)
            n = look_for_stale(s, out, n)
            n = look_at_arbs(s, out, n)
    return n


@kernel
def on_market(s: Any, out: Any, n: int, rows: Any) -> int:
    """A market frame: fold it, remember it for orders in flight, let the strategies look."""
    first = rows[0]
    i = first.instrument
    if first.kind == MARK_PRICE:
        mark = s.marks[i]
        mark.mark_e8 = first.price
        mark.rate_e8 = first.lots
        mark.next_funding_ns = first.id
        mark.ts = first.ts
        return n
    if first.kind == INSTRUMENT_CHANGED:
        return hold_closed(s, out, n, i, first.lots == 0)
    if apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, rows):
        track_flights(s, i)
        if s.stopped == 0:
            n = decide_all(s, out, n, i)
        if s.marked[i] == 0:
            n = mark_all(s, out, n)
    return n


@kernel
def step(desk: Any, rows: Any, out: Any) -> int:
    """One event (one or more rows) in; how many rows of `out` it produced, -1 for an event that cannot be."""
    s = desk[0]
    first = rows[0]
    kind = first.kind
    if first.ts > s.now:
        s.now = first.ts
    n = 0
    if kind <= LAST_MARKET:
        n = on_market(s, out, n, rows)
    elif FIRST_ORDER_KIND <= kind <= LAST_ORDER_KIND:
        n = on_order_event(s, out, n, first)
    elif kind == FUNDING_PAID:
        if book_funding(s, first) and first.strategy < 0 and not is_held(s, first.instrument):
            note_unattributed(s, first.asset, first.lots)
    elif kind == TRANSFER:
        s.balances[first.venue, first.asset] += first.lots
        note_flow(s, first.asset, first.lots)
    elif kind == FORCED_CLOSE:
        n = on_forced_close(s, out, n, first)
    elif kind == POSITION_REPORT or kind == ORDER_REPORT:
        n = on_report(s, out, n, first)
    elif kind == TIMER:
        p = first.id % 64
        n = decide_all(s, out, n, s.pairs[p].a)
    elif kind == OPERATOR_REQUEST:
        n = on_request(s, out, n, first)
    elif kind == RUN_STOPPED:
        s.stopped = 1
        s.next_mark = 0
        n = flush_denials(s, out, n, MAX_OUT - s.n_instruments)
    else:
        n = on_rim_event(s, out, n, first)
    if s.now >= s.next_mark:
        n = mark_all(s, out, n)
    if s.level == KILLED:
        n = after_kill(s, out, n)
    elif s.killing != 0:
        s.killing = 0
    return -1 if s.fault else n


@kernel
def step_frames(desk: Any, rows: Any, starts: Any, frame: int, end: int, before: int, out: Any) -> Any:
    """Step through the frames of a tape from `frame` on, until one is answered: `(next frame, rows of answer)`.

    Stops unanswered at `end`, and ahead of the first frame that is stamped `before` or later.
    """
    n = 0
    while n == 0 and frame < end and rows[starts[frame]].ts < before:
        n = step(desk, rows[starts[frame] : starts[frame + 1]], out)
        frame += 1
    return frame, n


class Engine:
    """The synchronous core of a run over one desk's record."""

    def __init__(self, desk: Rows) -> None:
        self.desk = desk
        self._out = new_outs()
        self._none = self._out[:0]

    def step_rows(self, rows: Rows) -> Rows:
        """Take one packed event; the answers as packed rows, valid until the next step.

        Raises `Corrupt` if an order was told something its life does not allow: the run has to stop.
        """
        n = step(self.desk, rows, self._out)
        if n == 0:
            return self._none
        if n < 0:
            self._stop(rows)
        return self._out[:n]

    def step_frames(self, rows: Rows, starts: Rows, frame: int, end: int, before: int) -> tuple[int, Rows]:
        """Take the frames of a tape one after another, as `step_rows` does, until one is answered.

        Returns the number of the next frame and the answers; none where `end` was reached, or a frame that is stamped
        `before` or later. Raises as `step_rows` does.
        """
        frame, n = step_frames(self.desk, rows, starts, frame, end, before, self._out)
        if n < 0:
            self._stop(rows[starts[frame - 1] :])
        return frame, self._out[:n]

    def step(self, event: Event) -> list[Out]:
        """Take one event; the answers as commands and notes."""
        rows = pack(event)
        rows.flags.writeable = False  # as a tape's are: the step is compiled for one kind of array
        return [unpack_out(row) for row in self.step_rows(rows)]

    def has_unstated_denials(self) -> bool:
        """Whether denials were counted since their last entry: a stop states them, as many as a step has room for."""
        return bool(self.desk["denied"]["count"].any())

    def _stop(self, rows: Rows) -> None:
        kind = EventKind(int(rows[0].kind)).name
        raise Corrupt(
            f"order {int(rows[0].id)}: {kind} is impossible in its state; the run stops here, its journal is complete"
        )
