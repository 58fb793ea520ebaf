"""Two legs as one trade: send both in one step, then see to it that what one leg lacks is made good.

A pair is hedged when its legs' base quantities cancel. What does not cancel is completed on the leg that lacks it
(a few tries, inside the collar, inside the time), else taken back on the leg that has it; what is too small for either
venue stays as dust and goes out with the next close. Beyond the limits of time or size the strategy falls to
CLOSE_ONLY and a person is called, and the taking back goes on.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, FLAG_REDUCE_ONLY, Reason
from crossbook.rules.controls import desk_reason, leg_reason, note_entry
from crossbook.rules.edge import mul_div, reversal_cash_e8
from crossbook.rules.flight import start_flight
from crossbook.rules.grid import round_price_down, round_price_up
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import effective_level, lower
from crossbook.rules.limits import ALLOWED, MIN_NOTIONAL_MARGIN_PPM, order_reason, ppm_of, reduces_venue_net
from crossbook.rules.orders import apply_submit, live_orders
from crossbook.rules.out import SUBMIT_ORDER, blank, say_alert, say_denial, say_intent, say_timer, say_unhedged
from crossbook.rules.prices import order_value_e8
from crossbook.rules.track import note_closed, note_opened
from crossbook.types import InstrumentKind, Level, Scope

FLAT, OPENING, OPEN, CLOSING = range(4)
"""Phase of a strategy's pair."""

SPOT = int(InstrumentKind.SPOT)
STRATEGY = int(Scope.STRATEGY)
ACTIVE = int(Level.ACTIVE)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
HEDGE = int(Reason.HEDGE)
UNWIND = int(Reason.UNWIND)
UNHEDGED_TOO_LONG = int(Reason.UNHEDGED_TOO_LONG)
UNHEDGED_TOO_LARGE = int(Reason.UNHEDGED_TOO_LARGE)
RETRY_NS = 100_000_000


@kernel
def held_e8(s: Any, strategy: int, i: int) -> int:
    """The base quantity a strategy holds in an instrument, signed."""
    return int(s.positions[strategy, i].lots * s.instruments[i].lot_e8)


@kernel
def imbalance_e8(s: Any, strategy: int, pair: Any) -> int:
    """What the legs do not cancel, signed: above 0 too long."""
    return held_e8(s, strategy, pair.a) + held_e8(s, strategy, pair.b)


@kernel
def leg_price(s: Any, i: int, side: int, collar_ppm: int) -> int:
    """The IOC limit: the touch and a collar beyond it, rounded to a legal price inside the collar."""
    instrument = s.instruments[i]
    quote = s.quotes[i]
    if side == 0:
        return round_price_down(instrument, quote.ask + ppm_of(quote.ask, collar_ppm))
    return round_price_up(instrument, quote.bid - ppm_of(quote.bid, collar_ppm))


@kernel
def leg_flags(s: Any, i: int, side: int, lots: int, flags: int) -> int:
    """`flags`, with reduce-only added where the venue's own net allows it."""
    if flags & (FLAG_CLOSING | FLAG_HEDGE) == 0 or s.instruments[i].kind == SPOT:
        return flags
    return flags | FLAG_REDUCE_ONLY if reduces_venue_net(s, i, side, lots) else flags


@kernel
def send_leg(
    s: Any,
    out: Any,
    n: int,
    strategy: int,
    pair: int,
    i: int,
    side: int,
    price: int,
    lots: int,
    flags: int,
    intent: int,
) -> int:
    """Reserve a slot and state the order; the gate has spoken before."""
    row = out[n]
    blank(row, SUBMIT_ORDER, s.now, strategy, i, pair)
    row.venue = s.instruments[i].venue
    row.side = side
    row.price = price
    row.lots = lots
    row.order = s.next_order
    row.intent = intent
    row.flags = flags
    row.limit = order_value_e8(s, i, price, lots)
    slot = apply_submit(s, row)
    row.value = start_flight(s, slot)
    s.orders[slot].decision = row.value
    return n + 1


@kernel
def note_unhedged(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """State a change of the pair's imbalance and remember since when there is one."""
    legs = s.legs[strategy, p]
    now_e8 = imbalance_e8(s, strategy, s.pairs[p])
    if now_e8 == legs.unhedged_e8:
        return n
    if not needs_mending(s, strategy, p):  # what was open until now was nothing or dust
        legs.unhedged_since = s.now
        legs.attempts = 0
        legs.next_attempt = 0
    legs.unhedged_e8 = now_e8
    return say_unhedged(s, out, n, strategy, p, now_e8)


@kernel
def is_dust(s: Any, i: int, quantity_e8: int) -> bool:
    """Whether the gate would refuse to trade so little; where reduce-only is spared the minimum, only zero is."""
    instrument = s.instruments[i]
    lots = quantity_e8 // instrument.lot_e8
    if lots < instrument.min_lots:
        return True
    least = ppm_of(instrument.min_notional_e8, MIN_NOTIONAL_MARGIN_PPM)
    return bool(instrument.kind == SPOT and lots * s.quotes[i].bid * instrument.factor < least)


@kernel
def settle_phase(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """With no order out and nothing to mend, the pair is flat or open; an open one is woken when its time is up."""
    pair = s.pairs[p]
    legs = s.legs[strategy, p]
    a = abs(held_e8(s, strategy, pair.a))
    b = abs(held_e8(s, strategy, pair.b))
    if is_dust(s, pair.a, a) and is_dust(s, pair.b, b):
        legs.phase = FLAT
        return note_closed(s, out, n, strategy, p) if legs.trip_e8 != 0 else n
    if legs.phase == OPENING and legs.unhedged_e8 == 0 and legs.quantity_e8 > 0:
        captured = reversal_cash_e8(s, strategy, pair.a) + reversal_cash_e8(s, strategy, pair.b)
        legs.expected_e8 = mul_div(legs.expected_e8, max(a, b), legs.quantity_e8)
        notional = mul_div(legs.entry_notional_e8, max(a, b), legs.quantity_e8)
        n = note_opened(s, out, n, strategy, p, captured, notional)
    if legs.phase == CLOSING:
        legs.next_attempt = s.now + RETRY_NS
    legs.phase = OPEN
    if legs.opened_ts == 0:
        legs.opened_ts = s.now
        return say_timer(s, out, n, strategy, s.now + s.strategies[strategy].hold_ns_max, timer_id(strategy, p))
    return n


@kernel
def needs_mending(s: Any, strategy: int, p: int) -> bool:
    """Whether the legs differ by more than dust."""
    pair = s.pairs[p]
    open_e8 = abs(s.legs[strategy, p].unhedged_e8)
    return bool(open_e8 >= pair.step_e8 and not is_dust(s, larger_leg(s, strategy, pair), open_e8))


@kernel
def larger_leg(s: Any, strategy: int, pair: Any) -> int:
    """The instrument of which the strategy holds more."""
    a = abs(held_e8(s, strategy, pair.a))
    b = abs(held_e8(s, strategy, pair.b))
    return int(pair.a) if a >= b else int(pair.b)


@kernel
def try_leg(s: Any, out: Any, n: int, strategy: int, p: int, i: int, quantity_e8: int, flags: int, reason: int) -> int:
    """Send one IOC for a signed base quantity if the gate allows; returns the new row count, or -1 - n if denied."""
    instrument = s.instruments[i]
    legs = s.legs[strategy, p]
    side = 0 if quantity_e8 > 0 else 1
    lots = abs(quantity_e8) // instrument.lot_e8
    if lots == 0:
        return -1 - n
    widened = s.strategies[strategy].collar_ppm * (1 + legs.attempts)
    price = leg_price(s, i, side, min(widened, s.limits.collar_ppm))
    flags = leg_flags(s, i, side, lots, flags)
    why = order_reason(s, strategy, i, side, price, lots, flags, 0)
    if why[0] != ALLOWED:
        return -1 - say_denial(s, out, n, strategy, p, i, why)
    intent = s.next_intent
    value = order_value_e8(s, i, price, lots)
    n = say_intent(s, out, n, strategy, p, side, reason, 0, value, abs(quantity_e8), 0)
    return send_leg(s, out, n, strategy, p, i, side, price, lots, flags, intent)


@kernel
def mend(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """Act on an imbalance while no order of the pair is out; what is only dust settles the phase."""
    legs = s.legs[strategy, p]
    pair = s.pairs[p]
    open_e8 = legs.unhedged_e8
    limits = s.limits
    if not needs_mending(s, strategy, p):
        return settle_phase(s, out, n, strategy, p)
    if s.now < legs.next_attempt:
        return n
    larger = larger_leg(s, strategy, pair)
    smaller = pair.b if larger == pair.a else pair.a
    age = s.now - legs.unhedged_since
    value = order_value_e8(s, larger, s.quotes[larger].ask, abs(open_e8) // s.instruments[larger].lot_e8)
    why = (0, 0, 0)
    if not age <= limits.flatten_within_ns:
        why = (UNHEDGED_TOO_LONG, age, limits.flatten_within_ns)
    elif not 0 < value <= limits.unhedged_notional_e8_max:
        why = (UNHEDGED_TOO_LARGE, value, limits.unhedged_notional_e8_max)
    if why[0] != 0 and s.strategies[strategy].level == ACTIVE:
        n = lower(s, out, n, STRATEGY, strategy, CLOSE_ONLY, why)
        n = say_alert(s, out, n, strategy, why[0], why[1], why[2])
    legs.next_attempt = s.now + RETRY_NS
    n = say_timer(s, out, n, strategy, legs.next_attempt, timer_id(strategy, p))
    completing = legs.phase == OPENING and legs.attempts < limits.hedge_retries and age <= limits.hedge_within_ns
    if completing and effective_level(s, strategy, smaller) == ACTIVE:
        done = try_leg(s, out, n, strategy, p, smaller, -open_e8, FLAG_HEDGE, HEDGE)
        legs.attempts += 1
        if done >= 0:
            return done
        n = -1 - done
    done = try_leg(s, out, n, strategy, p, larger, -open_e8, FLAG_HEDGE | FLAG_CLOSING, UNWIND)
    legs.attempts += 1
    return done if done >= 0 else -1 - done


@kernel
def timer_id(strategy: int, p: int) -> int:
    """The timer of a strategy's pair."""
    return strategy * 64 + p


@kernel
def close_legs(s: Any, out: Any, n: int, strategy: int, p: int, reason: int, edge_e8: int) -> int:
    """Send both legs home in one step, each for all the strategy holds there."""
    legs = s.legs[strategy, p]
    pair = s.pairs[p]
    collar = s.strategies[strategy].collar_ppm
    a = s.positions[strategy, pair.a].lots
    b = s.positions[strategy, pair.b].lots
    beside_e8 = legs.entry_notional_e8 if a != 0 and b != 0 else 0
    for leg in range(2):
        i = pair.a if leg == 0 else pair.b
        lots = a if leg == 0 else b
        if lots == 0:
            continue
        side = 1 if lots > 0 else 0
        flags = leg_flags(s, i, side, abs(lots), FLAG_CLOSING)
        why = order_reason(s, strategy, i, side, leg_price(s, i, side, collar), abs(lots), flags, beside_e8)
        if why[0] != ALLOWED:
            return say_denial(s, out, n, strategy, p, i, why)
    intent = s.next_intent
    quantity = max(abs(held_e8(s, strategy, pair.a)), abs(held_e8(s, strategy, pair.b)))
    n = say_intent(s, out, n, strategy, p, 1 - legs.direction, reason, edge_e8, legs.entry_notional_e8, quantity, 0)
    legs.phase = CLOSING
    for leg in range(2):
        i = pair.a if leg == 0 else pair.b
        lots = a if leg == 0 else b
        if lots == 0:
            continue
        side = 1 if lots > 0 else 0
        flags = leg_flags(s, i, side, abs(lots), FLAG_CLOSING)
        price = leg_price(s, i, side, collar)
        n = send_leg(s, out, n, strategy, p, i, side, price, abs(lots), flags, intent)
    return n


@kernel
def open_legs(
    s: Any, out: Any, n: int, strategy: int, p: int, direction: int, quantity_e8: int, gross_e8: int, edge_e8: int,
    notional_e8: int, reason: int, bound: int,
) -> int:  # fmt: skip
    """Send both legs of an entry in one step if the gate allows both; neither leaves alone."""
    legs = s.legs[strategy, p]
    pair = s.pairs[p]
    collar = s.strategies[strategy].collar_ppm
    why = desk_reason(s, strategy)
    if why[0] != ALLOWED:
        return say_denial(s, out, n, strategy, p, pair.a, why)
    for leg in range(2):
        i = pair.a if leg == 0 else pair.b
        other = pair.b if leg == 0 else pair.a
        side = direction if leg == 0 else 1 - direction
        lots = quantity_e8 // s.instruments[i].lot_e8
        price = leg_price(s, i, side, collar)
        why = order_reason(s, strategy, i, side, price, lots, 0, notional_e8)
        if why[0] == ALLOWED:
            there = leg_price(s, other, 1 - side, collar)
            beside_e8 = order_value_e8(s, other, there, quantity_e8 // s.instruments[other].lot_e8)
            why = leg_reason(s, strategy, i, other, side, price, lots, beside_e8)
        if why[0] != ALLOWED:
            return say_denial(s, out, n, strategy, p, i, why)
    intent = s.next_intent
    n = say_intent(s, out, n, strategy, p, direction, reason, edge_e8, notional_e8, quantity_e8, bound)
    note_entry(s, strategy, p, direction, quantity_e8)
    legs.phase = OPENING
    legs.intent = intent
    legs.direction = direction
    legs.quantity_e8 = quantity_e8
    legs.opened_ts = 0
    legs.entry_notional_e8 = notional_e8
    legs.expected_e8 = gross_e8
    for leg in range(2):
        i = pair.a if leg == 0 else pair.b
        side = direction if leg == 0 else 1 - direction
        lots = quantity_e8 // s.instruments[i].lot_e8
        n = send_leg(s, out, n, strategy, p, i, side, leg_price(s, i, side, collar), lots, 0, intent)
    return n


@kernel
def after_answer(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """After any answer to an order of the pair: state the imbalance, and mend it once nothing is out."""
    n = note_unhedged(s, out, n, strategy, p)
    if live_orders(s, strategy, p) > 0:
        return n
    return mend(s, out, n, strategy, p)
