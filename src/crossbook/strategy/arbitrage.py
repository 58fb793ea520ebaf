"""Cross-venue arbitrage in three versions that differ in what they look at before they enter; all exit alike.

v0 takes any edge at the top of the books that pays both entry fees.
v1 prices the whole size through both books and asks for the fees of the whole round trip.
v2 asks in addition whether the edge will still be there when its orders arrive, as measured, and asks for more after
its entries caught less than expected.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.controls import entry_reason
from crossbook.rules.edge import (
    buy_instrument,
    clip_quantity_e8,
    depth_edge,
    edge_ppm,
    reversal_e8,
    sell_instrument,
    top_edge,
)
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
from crossbook.rules.limits import ALLOWED, PPM, pair_reason, ppm_of
from crossbook.rules.orders import live_orders
from crossbook.rules.out import say_denial
from crossbook.rules.sizing import size
from crossbook.rules.survival import survival_ppm

V0, V1, V2 = range(3)
"""The strategy's kind as the desk record carries it."""

ENTRY = int(Reason.ENTRY)
EXIT_REVERSAL = int(Reason.EXIT_REVERSAL)
EXIT_HOLD = int(Reason.EXIT_HOLD)
EXIT_FLATTEN = int(Reason.EXIT_FLATTEN)
NO_EDGE_EXPECTED = int(Reason.NO_EDGE_EXPECTED)


@kernel
def decide(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """One look at one pair after something changed. Returns the new row count."""
    phase = s.legs[strategy, p].phase
    if phase == FLAT and not needs_mending(s, strategy, p):  # a late fill may have left a leg alone
        if s.flattening == 1:
            return n
        if s.strategies[strategy].kind == V0:
            return look_at_top(s, out, n, strategy, p)
        return look_at_depth(s, out, n, strategy, p)
    if live_orders(s, strategy, p) > 0:
        return n
    if needs_mending(s, strategy, p):
        return mend(s, out, n, strategy, p)
    if phase == OPEN:
        return look_for_exit(s, out, n, strategy, p)
    return settle_phase(s, out, n, strategy, p)


@kernel
def look_at_top(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """v0: both directions; the first whose gross edge at the touch exceeds entry fees and the asked minimum."""
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
        return enter(s, out, n, strategy, p, direction, quantity, gross, edge, notional, 0)
    return n


@kernel
def look_at_depth(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """v1 and v2: a quick look at the touch, then the size that is allowed, priced through both books."""
    pair = s.pairs[p]
    mine = s.strategies[strategy]
    probe = clip_quantity_e8(s, pair, mine.clip_e8)
    if probe <= 0:
        return n
    for direction in range(2):
        gross, fees, notional = top_edge(s, pair, direction, probe)
        if notional <= 0 or gross <= 2 * fees + ppm_of(notional, mine.min_edge_ppm):
            continue
        quantity, bound = size(s, strategy, p, direction, edge_ppm(gross, notional))
        if quantity <= 0:
            continue
        gross, fees, notional = depth_edge(s, pair, direction, quantity)
        net = gross - 2 * fees
        if notional <= 0 or net <= 0 or net < ppm_of(notional, mine.min_edge_ppm):
            continue
        if mine.kind == V2:
            why = expectation_reason(s, strategy, pair, direction, gross, fees, notional)
            if why[0] != ALLOWED:
                n = say_denial(s, out, n, strategy, p, buy_instrument(pair, direction), why)
                continue
        return enter(s, out, n, strategy, p, direction, quantity, gross, gross - fees, notional, bound)
    return n


@kernel
def expectation_reason(s: Any, strategy: int, pair: Any, direction: int, gross: int, fees: int, notional: int) -> Any:
    """v2: what the edge brings times the probability that it survives the slower leg's way, less what a miss costs
    (the fees of a leg that fills alone and is taken back) times the rest, must exceed the asked minimum and what recent
    entries fell short. All in ppm of the notional."""
    slower = max(
        s.venues[s.instruments[buy_instrument(pair, direction)].venue].delay_ns,
        s.venues[s.instruments[sell_instrument(pair, direction)].venue].delay_ns,
    )
    gross_ppm = edge_ppm(gross, notional)
    fees_ppm = edge_ppm(fees, notional)
    survives = survival_ppm(s, gross_ppm, slower)
    expected = ppm_of(max(gross_ppm - 2 * fees_ppm, 0), survives) - ppm_of(fees_ppm, PPM - survives)
    mine = s.strategies[strategy]
    asked = mine.min_edge_ppm + ppm_of(max(s.tracks[strategy].shortfall_ppm, 0), mine.adapt_ppm)
    if not (survives > 0 and expected > asked):
        return NO_EDGE_EXPECTED, expected, asked
    return ALLOWED, 0, 0


@kernel
def enter(
    s: Any, out: Any, n: int, strategy: int, p: int, direction: int, quantity: int, gross: int, edge: int,
    notional: int, bound: int,
) -> int:  # fmt: skip
    """Ask the pair's controls, then send both legs."""
    pair = s.pairs[p]
    buy = buy_instrument(pair, direction)
    why = pair_reason(s, buy, sell_instrument(pair, direction), edge_ppm(edge, notional))
    if why[0] == ALLOWED:
        through, fees, paid = depth_edge(s, pair, direction, quantity)
        why = entry_reason(s, strategy, p, direction, quantity, edge_ppm(through - fees, max(paid, 1)))
    if why[0] != ALLOWED:
        return say_denial(s, out, n, strategy, p, buy, why)
    return open_legs(s, out, n, strategy, p, direction, quantity, gross, edge, notional, ENTRY, bound)


@kernel
def look_for_exit(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """Close when reversing at the touch keeps what was asked of the entry notional, when the time is up, or when a
    person wants everything flat."""
    pair = s.pairs[p]
    mine = s.strategies[strategy]
    legs = s.legs[strategy, p]
    if s.now < legs.next_attempt:
        return n
    kept = reversal_e8(s, strategy, pair.a) + reversal_e8(s, strategy, pair.b)
    reason = 0
    if s.flattening == 1:
        reason = EXIT_FLATTEN
    elif kept >= ppm_of(legs.entry_notional_e8, mine.exit_keep_ppm):
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
