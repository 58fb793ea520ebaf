"""Cross-venue arbitrage, first version (v0): take any edge at the top of the books that pays both entry fees.

What it does not look at is what later versions add: depth, the fees of the way out, whether the edge is still there
when the orders arrive.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.edge import buy_instrument, clip_quantity_e8, edge_ppm, reversal_e8, sell_instrument, top_edge
from crossbook.rules.kernel import kernel
from crossbook.rules.legs import (
    FLAT,
    OPEN,
    RETRY_NS,
    close_legs,
    mend,
    needs_mending,
    open_legs,
    settle_phase,
)
from crossbook.rules.limits import ALLOWED, pair_reason, ppm_of
from crossbook.rules.orders import live_orders
from crossbook.rules.out import say_denial

V0 = 0
"""The strategy's kind as the desk record carries it."""

ENTRY = int(Reason.ENTRY)
EXIT_REVERSAL = int(Reason.EXIT_REVERSAL)
EXIT_HOLD = int(Reason.EXIT_HOLD)


@kernel
def decide(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """One look at one pair after something changed. Returns the new row count."""
    phase = s.legs[strategy, p].phase
    if phase == FLAT and not needs_mending(s, strategy, p):  # a late fill may have left a leg alone
        return look_for_entry(s, out, n, strategy, p)
    if live_orders(s, strategy, p) > 0:
        return n
    if needs_mending(s, strategy, p):
        return mend(s, out, n, strategy, p)
    if phase == OPEN:
        return look_for_exit(s, out, n, strategy, p)
    return settle_phase(s, out, n, strategy, p)


@kernel
def look_for_entry(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """Both directions; the first whose gross edge exceeds entry fees and the asked minimum."""
    pair = s.pairs[p]
    mine = s.strategies[strategy]
    quantity = clip_quantity_e8(s, pair, mine.clip_e8)
    if quantity <= 0:
        return n
    for direction in range(2):
        gross, fees, notional = top_edge(s, pair, direction, quantity)
        edge = gross - fees
        if notional <= 0 or edge <= 0 or edge < ppm_of(notional, mine.min_edge_ppm):
            continue
        buy = buy_instrument(pair, direction)
        why = pair_reason(s, buy, sell_instrument(pair, direction), edge_ppm(edge, notional))
        if why[0] != ALLOWED:
            n = say_denial(s, out, n, strategy, p, buy, why)
            continue
        return open_legs(s, out, n, strategy, p, direction, quantity, edge, notional, ENTRY)
    return n


@kernel
def look_for_exit(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """Close when reversing at the touch keeps what was asked of the entry notional, or when the time is up."""
    pair = s.pairs[p]
    mine = s.strategies[strategy]
    legs = s.legs[strategy, p]
    if s.now < legs.next_attempt:
        return n
    kept = reversal_e8(s, strategy, pair.a) + reversal_e8(s, strategy, pair.b)
    reason = 0
    if kept >= ppm_of(legs.entry_notional_e8, mine.exit_keep_ppm):
        reason = EXIT_REVERSAL
    elif s.now - legs.opened_ts >= mine.hold_ns_max:
        reason = EXIT_HOLD
    if reason == 0:
        return n
    before = n
    n = close_legs(s, out, n, strategy, p, reason, kept)
    if legs.phase == OPEN and n > before:
        legs.next_attempt = s.now + RETRY_NS
    return n
