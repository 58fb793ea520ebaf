"""The engine: one step takes one event and gives back commands and notes. No clock, no I/O, no randomness.

Everything is decided by one composed kernel over the desk's record; this file packs, calls and unpacks.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Out, Reason
from crossbook.errors import Corrupt
from crossbook.events import LAST_MARKET_KIND, Event, EventKind
from crossbook.rules.book import apply_market
from crossbook.rules.flight import entry_at, slice_cost, track_flights
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.layout import MAX_OUT, Rows, new_outs
from crossbook.rules.legs import after_answer
from crossbook.rules.orders import ORDER_FILLED, ORDER_REJECTED, UNKNOWN, apply_order_event, book_fill
from crossbook.rules.out import FILL_COST, blank, flush_denials, say_alert, say_mark
from crossbook.rules.rows import pack, unpack_out
from crossbook.strategy.arbitrage import decide
from crossbook.types import Level, Scope

LAST_MARKET = LAST_MARKET_KIND
FIRST_ORDER_KIND = int(EventKind.ORDER_ACCEPTED)
LAST_ORDER_KIND = int(EventKind.ORDER_UNKNOWN)
FUNDING_PAID = int(EventKind.FUNDING_PAID)
TRANSFER = int(EventKind.TRANSFER)
FORCED_CLOSE = int(EventKind.FORCED_CLOSE)
OPERATOR_REQUEST = int(EventKind.OPERATOR_REQUEST)
TIMER = int(EventKind.TIMER)
RUN_STOPPED = int(EventKind.RUN_STOPPED)
WHY_FORCED = int(Reason.FORCED_CLOSE)
WHY_OPERATOR = int(Reason.OPERATOR)
STRATEGY = int(Scope.STRATEGY)
CLOSE_ONLY = int(Level.CLOSE_ONLY)

MARK_EVERY_NS = 1_000_000_000
FAULT_ORDER = 1
"""An order was told something that its life does not allow."""


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
def pairs_of(s: Any, out: Any, n: int, strategy: int, instrument: int) -> int:
    """After an answer in an instrument: see to the pairs of the strategy that it is a leg of."""
    for p in range(s.n_pairs):
        pair = s.pairs[p]
        if s.strategies[strategy].pairs >> p & 1 and (pair.a == instrument or pair.b == instrument):
            n = after_answer(s, out, n, strategy, p)
    return n


@kernel
def on_order_event(s: Any, out: Any, n: int, row: Any) -> int:
    """Fold an answer about an order, state what its fill would have cost, see to the legs."""
    slot = apply_order_event(s, row)
    if slot == -2:
        s.fault = FAULT_ORDER
        return n
    if row.kind == ORDER_FILLED:
        note = out[n]
        blank(note, FILL_COST, s.now, row.strategy, row.instrument, -1)
        note.venue = row.venue
        note.side = row.side
        note.order = row.id
        note.count = row.id2
        note.lots = row.lots
        note.value = row.price * row.lots
        note.limit = row.price * row.lots
        if slot >= 0:
            order = s.orders[slot]
            flight = s.flights[slot]
            before = order.filled - row.lots
            note.intent = order.intent
            note.pair = order.pair
            note.value = slice_cost(flight, 0, before, row.lots)
            note.limit = slice_cost(flight, entry_at(flight, row.ts_venue), before, row.lots)
        n += 1
    if slot < 0:
        if row.strategy >= 0 and row.kind == ORDER_FILLED:
            n = pairs_of(s, out, n, row.strategy, row.instrument)
        return n
    order = s.orders[slot]
    if row.kind == ORDER_REJECTED or order.status == UNKNOWN:
        n = say_alert(s, out, n, order.strategy, row.reason, order.id, 0)
    if order.pair >= 0:
        return after_answer(s, out, n, order.strategy, order.pair)
    return n


@kernel
def on_forced_close(s: Any, out: Any, n: int, row: Any) -> int:
    """The venue closed a position of ours: book it, let its strategy fall to CLOSE_ONLY, take back the twin leg."""
    book_fill(s, row)
    if row.strategy < 0:
        return n
    n = lower(s, out, n, STRATEGY, row.strategy, CLOSE_ONLY, (WHY_FORCED, row.lots, 0))
    n = say_alert(s, out, n, row.strategy, WHY_FORCED, row.lots, 0)
    return pairs_of(s, out, n, row.strategy, row.instrument)


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
        s.next_mark = (s.now // MARK_EVERY_NS + 1) * MARK_EVERY_NS
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
        i = first.instrument
        if apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, rows):
            track_flights(s, i)
            if s.stopped == 0:
                n = decide_all(s, out, n, i)
            if s.marked[i] == 0:
                n = mark_all(s, out, n)
    elif FIRST_ORDER_KIND <= kind <= LAST_ORDER_KIND:
        n = on_order_event(s, out, n, first)
    elif kind == FUNDING_PAID or kind == TRANSFER:
        s.balances[first.venue, first.asset] += first.lots
    elif kind == FORCED_CLOSE:
        n = on_forced_close(s, out, n, first)
    elif kind == TIMER:
        p = first.id % 64
        n = decide_all(s, out, n, s.pairs[p].a)
    elif kind == OPERATOR_REQUEST:
        n = lower(s, out, n, first.id, first.id2, first.lots, (WHY_OPERATOR, 0, 0))
    elif kind == RUN_STOPPED:
        s.stopped = 1
        s.next_mark = 0
        n = flush_denials(s, out, n, MAX_OUT - s.n_instruments)
    if s.now >= s.next_mark:
        n = mark_all(s, out, n)
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

    def _stop(self, rows: Rows) -> None:
        kind = EventKind(int(rows[0].kind)).name
        raise Corrupt(
            f"order {int(rows[0].id)}: {kind} is impossible in its state; the run stops here, its journal is complete"
        )
