"""What venues and the rim tell of us: reports that are compared, holds that begin and end, the proof after a kill."""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.events import EventKind
from crossbook.rules.holds import CLOCK, RATE, STREAM, hold_venue
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.layout import MAX_ORDERS
from crossbook.rules.legs import needs_mending
from crossbook.rules.limits import ppm_of
from crossbook.rules.orders import UNKNOWN, is_live
from crossbook.rules.out import CANCEL_ALL, QUERY, say_break, say_proved, say_to_venue
from crossbook.types import Level, Scope

POSITION_REPORT = int(EventKind.POSITION_REPORT)
STREAM_UP = int(EventKind.STREAM_UP)
STREAM_DOWN = int(EventKind.STREAM_DOWN)
CLOCK_OFFSET = int(EventKind.CLOCK_OFFSET)
RATE_BUDGET = int(EventKind.RATE_BUDGET)
HEALTH = int(EventKind.HEALTH)
RESTRICTED = int(EventKind.RESTRICTED)
POSITION_DIFFERS = int(Reason.POSITION_DIFFERS)
VENUE = int(Scope.VENUE)
INSTRUMENT = int(Scope.INSTRUMENT)
WHY_RESTRICTED = int(Reason.RESTRICTED)
CLOSE_ONLY = int(Level.CLOSE_ONLY)


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
    if kind == RESTRICTED:
        if row.instrument >= 0:
            return lower(s, out, n, INSTRUMENT, row.instrument, row.lots, (WHY_RESTRICTED, row.lots, 0))
        return lower(s, out, n, VENUE, row.venue, row.lots, (WHY_RESTRICTED, row.lots, 0))
    if kind == HEALTH:
        s.health.journal_lag_ns = row.lots
        s.health.disk_bytes = row.lots2
        s.health.loop_lag_ns = row.price
        s.health.known = 1
    return n


@kernel
def after_kill(s: Any, out: Any, n: int) -> int:
    """A killed desk cancels everything at once; when nothing is out and nothing is unhedged it asks every venue for
    the proof of it. An order of which nothing is known delays that no further: what the venues report is evidence."""
    if s.killing == 0:
        s.killing = 1
        s.proving = 0  # answers still on their way belong to an earlier kill
        for venue in range(s.n_venues):
            if trades_at(s, venue):
                n = say_to_venue(s, out, n, CANCEL_ALL, venue)
    elif s.killing == 2 and s.proving == 0 and orphan_e8(s) != 0:
        s.killing = 1  # a lost order was found again and left something: mend it, and prove once more
    if s.killing == 1:
        for k in range(MAX_ORDERS):
            if is_live(s.orders[k].status) and s.orders[k].status != UNKNOWN:
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
