"""The engine: one step takes one event and gives back commands and notes. No clock, no I/O, no randomness.

Everything is decided by one composed kernel over the desk's record; this file packs, calls and unpacks.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Out, Reason
from crossbook.errors import Corrupt
from crossbook.events import FLAG_MAKER, LAST_MARKET_KIND, WISH_FLATTEN, Event, EventKind
from crossbook.rules.book import apply_market
from crossbook.rules.controls import OFF_REJECTS, count_unknown, rejections_this_minute
from crossbook.rules.flight import entry_at, slice_cost, track_flights
from crossbook.rules.holds import CLOCK, RATE, STREAM, hold_venue, look_for_stale
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import level_of, lower, raise_level
from crossbook.rules.layout import MAX_ORDERS, MAX_OUT, Rows, new_outs
from crossbook.rules.legs import after_answer, needs_mending
from crossbook.rules.limits import ppm_of
from crossbook.rules.orders import ORDER_FILLED, ORDER_REJECTED, UNKNOWN, apply_order_event, book_fill, is_live
from crossbook.rules.out import (
    CANCEL_ALL,
    FILL_COST,
    QUERY,
    blank,
    flush_denials,
    say_alert,
    say_break,
    say_mark,
    say_proved,
    say_to_venue,
)
from crossbook.rules.rows import pack, unpack_out
from crossbook.rules.sizing import note_motion
from crossbook.rules.track import fee_reason, note_fill
from crossbook.rules.value import notional_e8
from crossbook.rules.worth import look_at_worth, note_flow, note_unattributed
from crossbook.strategy.arbitrage import decide
from crossbook.types import Level, Scope

LAST_MARKET = LAST_MARKET_KIND
MAKER = FLAG_MAKER
MARK_PRICE = int(EventKind.MARK_PRICE)
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
WHY_FORCED = int(Reason.FORCED_CLOSE)
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
        n = on_fill(s, out, n, slot, row)
    if slot < 0:
        if row.strategy >= 0 and row.kind == ORDER_FILLED:
            n = pairs_of(s, out, n, row.strategy, row.instrument)
        return n
    order = s.orders[slot]
    if row.kind == ORDER_REJECTED or order.status == UNKNOWN:
        n = say_alert(s, out, n, order.strategy, row.reason, order.id, 0)
        n = after_trouble(s, out, n)
    if order.pair >= 0:
        return after_answer(s, out, n, order.strategy, order.pair)
    return n


@kernel
def on_fill(s: Any, out: Any, n: int, slot: int, row: Any) -> int:
    """State what the filled lots would have cost on our book; count the money; check the fee."""
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
        if order.pair >= 0:
            note_fill(s, order.strategy, order.pair, row)
    n += 1
    if row.strategy < 0:
        sign = 1 - 2 * row.side
        instrument = s.instruments[row.instrument]
        note_unattributed(s, instrument.settle, -sign * notional_e8(instrument, row.price, row.lots))
    why = fee_reason(s, row, MAKER)
    if why[0] != 0:
        n = lower(s, out, n, VENUE, row.venue, CLOSE_ONLY, why)
    return n


@kernel
def after_trouble(s: Any, out: Any, n: int) -> int:
    """C16 and C17: too many rejections in a minute, or orders of which nothing is known, close the desk."""
    limits = s.limits
    rejected = rejections_this_minute(s)
    if limits.off & OFF_REJECTS == 0 and not rejected < limits.rejects_per_min_max:
        n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (TOO_MANY_REJECTS, rejected, limits.rejects_per_min_max))
    unknown = count_unknown(s)
    if not unknown < limits.unknown_max:
        n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (UNKNOWN_ORDERS, unknown, limits.unknown_max))
    return n


@kernel
def on_forced_close(s: Any, out: Any, n: int, row: Any) -> int:
    """The venue closed a position of ours: book it, kill its strategy (C42), take back the twin leg."""
    book_fill(s, row)
    if row.strategy < 0:
        return n
    n = lower(s, out, n, STRATEGY, row.strategy, KILLED, (WHY_FORCED, row.lots, 0))
    n = say_alert(s, out, n, row.strategy, WHY_FORCED, row.lots, 0)
    return pairs_of(s, out, n, row.strategy, row.instrument)


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
def orphan_e8(s: Any) -> int:
    """Base quantity that no pair hedges, of all strategies, dust left out."""
    total = 0
    for k in range(s.n_strategies):
        for p in range(s.n_pairs):
            if needs_mending(s, k, p):
                total += abs(s.legs[k, p].unhedged_e8)
    return total


@kernel
def on_report(s: Any, out: Any, n: int, row: Any) -> int:
    """A venue's word on our position, or on our open orders: compare, and after a kill collect the proof."""
    if row.kind == POSITION_REPORT:
        ours = 0
        for k in range(s.n_strategies):
            ours += s.positions[k, row.instrument].lots
        if ours != row.lots:
            n = say_break(s, out, n, row.instrument, ours, row.lots)
            venue = s.instruments[row.instrument].venue
            n = lower(s, out, n, VENUE, venue, CLOSE_ONLY, (POSITION_DIFFERS, row.lots, ours))
        return n
    if s.proving > 0:
        s.proving -= 1
        s.proof_orders += row.lots
        if s.proving == 0:
            n = say_proved(s, out, n, s.proof_orders, orphan_e8(s))
    return n


@kernel
def on_rim_event(s: Any, out: Any, n: int, row: Any) -> int:
    """What the rim tells of streams, clocks, budgets and itself."""
    kind = row.kind
    if kind == STREAM_DOWN or kind == STREAM_UP:
        return hold_venue(s, out, n, row.venue, STREAM, kind == STREAM_DOWN)
    if kind == CLOCK_OFFSET:
        return hold_venue(s, out, n, row.venue, CLOCK, not abs(row.lots) <= s.limits.drift_ns_max)
    if kind == RATE_BUDGET:
        s.venues[row.venue].budget_left = row.lots
        s.venues[row.venue].budget_whole = row.lots2
        reserve = ppm_of(row.lots2, s.limits.budget_reserve_ppm)
        return hold_venue(s, out, n, row.venue, RATE, not row.lots > reserve)
    if kind == HEALTH:
        s.health.journal_lag_ns = row.lots
        s.health.disk_bytes = row.lots2
        s.health.loop_lag_ns = row.price
        s.health.known = 1
    return n


@kernel
def after_kill(s: Any, out: Any, n: int) -> int:
    """A killed desk cancels everything at once; when nothing is out and nothing is unhedged it asks every venue for
    the proof of it."""
    if s.killing == 0:
        s.killing = 1
        for venue in range(s.n_venues):
            if trades_at(s, venue):
                n = say_to_venue(s, out, n, CANCEL_ALL, venue)
    if s.killing == 1:
        for k in range(MAX_ORDERS):
            if is_live(s.orders[k].status):
                return n
        if orphan_e8(s) != 0:
            return n
        s.killing = 2
        s.proof_orders = 0
        for venue in range(s.n_venues):
            if trades_at(s, venue):
                s.proving += 1
                n = say_to_venue(s, out, n, QUERY, venue)
    return n


@kernel
def trades_at(s: Any, venue: int) -> bool:
    """Whether a pair has a leg at the venue."""
    for p in range(s.n_pairs):
        pair = s.pairs[p]
        if s.instruments[pair.a].venue == venue or s.instruments[pair.b].venue == venue:
            return True
    return False


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
        s.balances[first.venue, first.asset] += first.lots
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

    def _stop(self, rows: Rows) -> None:
        kind = EventKind(int(rows[0].kind)).name
        raise Corrupt(
            f"order {int(rows[0].id)}: {kind} is impossible in its state; the run stops here, its journal is complete"
        )
