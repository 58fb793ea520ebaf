"""Write the rows a step gives back: each function fills the next row and returns the new count."""

from __future__ import annotations

from typing import Any

from crossbook.commands import OutKind
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import MAX_REASONS

ALERT = int(OutKind.ALERT)
DENIAL = int(OutKind.DENIAL)
INTENT = int(OutKind.INTENT)
MARKED = int(OutKind.MARKED)
SET_TIMER = int(OutKind.SET_TIMER)
SUBMIT_ORDER = int(OutKind.SUBMIT_ORDER)
CANCEL_ALL = int(OutKind.CANCEL_ALL)
QUERY = int(OutKind.QUERY)
BREAK = int(OutKind.BREAK)
PROVED = int(OutKind.PROVED)
TRANSITION = int(OutKind.TRANSITION)
UNHEDGED = int(OutKind.UNHEDGED)
FILL_COST = int(OutKind.FILL_COST)

DENIAL_EVERY_NS = 1_000_000_000


@kernel
def blank(row: Any, kind: int, ts: int, strategy: int, instrument: int, pair: int) -> None:
    """Clear a row and say what it is; -1 means none."""
    row.kind = kind
    row.ts = ts
    row.strategy = strategy
    row.instrument = instrument
    row.pair = pair
    row.order = 0
    row.intent = 0
    row.price = 0
    row.lots = 0
    row.value = 0
    row.limit = 0
    row.count = 0
    row.venue = -1
    row.side = 0
    row.tif = 0
    row.reason = 0
    row.flags = 0


@kernel
def say_denial(s: Any, out: Any, n: int, strategy: int, pair: int, instrument: int, why: Any) -> int:
    """State a denial `(reason, value, limit)`: at its first, then once a second with the count since."""
    reason, value, limit = why
    denied = s.denied[strategy, pair, reason]
    denied.count += 1
    denied.instrument = instrument
    denied.value = value
    denied.limit = limit
    if denied.last_ts != 0 and s.now - denied.last_ts < DENIAL_EVERY_NS:
        return n
    return flush_denial(s, out, n, strategy, pair, reason)


@kernel
def flush_denial(s: Any, out: Any, n: int, strategy: int, pair: int, reason: int) -> int:
    """State the denials counted since the last entry of this strategy, pair and reason."""
    denied = s.denied[strategy, pair, reason]
    row = out[n]
    blank(row, DENIAL, s.now, strategy, denied.instrument, pair)
    row.venue = s.instruments[denied.instrument].venue
    row.reason = reason
    row.value = denied.value
    row.limit = denied.limit
    row.count = denied.count
    s.counters[strategy].denials += denied.count
    denied.last_ts = s.now
    denied.count = 0
    return n + 1


@kernel
def flush_denials(s: Any, out: Any, n: int, room: int) -> int:
    """State every denial that was counted and not yet stated, as far as `room` rows allow."""
    for strategy in range(s.n_strategies):
        for pair in range(s.n_pairs):
            for reason in range(MAX_REASONS):
                if s.denied[strategy, pair, reason].count > 0 and n < room:
                    n = flush_denial(s, out, n, strategy, pair, reason)
    return n


@kernel
def say_alert(s: Any, out: Any, n: int, strategy: int, reason: int, value: int, limit: int) -> int:
    """Ask for a person's eyes."""
    row = out[n]
    blank(row, ALERT, s.now, strategy, -1, -1)
    row.reason = reason
    row.value = value
    row.limit = limit
    return n + 1


@kernel
def say_to_venue(s: Any, out: Any, n: int, kind: int, venue: int) -> int:
    """Ask a venue to cancel everything, or what it knows of us."""
    row = out[n]
    blank(row, kind, s.now, -1, -1, -1)
    row.venue = venue
    return n + 1


@kernel
def say_break(s: Any, out: Any, n: int, i: int, ours: int, theirs: int) -> int:
    """State that a venue reports another position than we have booked."""
    row = out[n]
    blank(row, BREAK, s.now, -1, i, -1)
    row.venue = s.instruments[i].venue
    row.value = theirs
    row.limit = ours
    return n + 1


@kernel
def say_proved(s: Any, out: Any, n: int, open_orders: int, orphan_e8: int) -> int:
    """State what the venues confirmed after a kill: open orders, and delta that no pair hedges."""
    row = out[n]
    blank(row, PROVED, s.now, -1, -1, -1)
    row.value = open_orders
    row.limit = orphan_e8
    return n + 1


@kernel
def say_timer(s: Any, out: Any, n: int, strategy: int, due: int, timer: int) -> int:
    """Ask to be woken at `due`."""
    row = out[n]
    blank(row, SET_TIMER, s.now, strategy, -1, -1)
    row.value = due
    row.count = timer
    return n + 1


@kernel
def say_mark(s: Any, out: Any, n: int, i: int) -> int:
    """State where an instrument stands."""
    row = out[n]
    blank(row, MARKED, s.now, -1, i, -1)
    row.venue = s.instruments[i].venue
    row.price = s.quotes[i].bid
    row.lots = s.quotes[i].ask
    return n + 1


@kernel
def say_unhedged(s: Any, out: Any, n: int, strategy: int, pair: int, quantity_e8: int) -> int:
    """State the open difference between a pair's legs from now on."""
    row = out[n]
    blank(row, UNHEDGED, s.now, strategy, -1, pair)
    row.value = quantity_e8
    return n + 1


@kernel
def say_intent(
    s: Any, out: Any, n: int, strategy: int, pair: int, direction: int, reason: int, edge_e8: int, notional_e8: int,
    quantity_e8: int, bound: int,
) -> int:  # fmt: skip
    """State a decision to trade a pair and give it the next intent id. `bound`: what made its size (`rules.sizing`)."""
    row = out[n]
    blank(row, INTENT, s.now, strategy, -1, pair)
    row.intent = s.next_intent
    row.side = direction
    row.reason = reason
    row.value = edge_e8
    row.limit = notional_e8
    row.count = quantity_e8
    row.flags = bound
    s.next_intent += 1
    s.counters[strategy].intents += 1
    return n + 1
