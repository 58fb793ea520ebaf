"""The rest of the gate: controls that look at a pair, a venue or the whole desk before an entry may leave.

Each is a refusal with its numbers, named after its control in docs/controls.md. Closes and hedges are spared all of
them: they only reduce.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.holds import hold_reason
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import CLOSE_ONLY, DESK, lower
from crossbook.rules.layout import INTENTS_KEPT, MAX_ORDERS
from crossbook.rules.limits import ALLOWED, PPM, position_after, ppm_of, venue_net
from crossbook.rules.orders import NS_PER_DAY, NS_PER_H, NS_PER_MIN, UNKNOWN, count_arb, is_live
from crossbook.rules.prices import UNPRICED, asset_mark_e8, mid_e8, position_value_e8
from crossbook.rules.value import coin_e8, notional_e8, scale_e8

ALLOW = (ALLOWED, 0, 0)

LEVERAGE_TOO_HIGH = int(Reason.LEVERAGE_TOO_HIGH)
LIQUIDATION_TOO_NEAR = int(Reason.LIQUIDATION_TOO_NEAR)
PRICE_OFF_OTHER_VENUE = int(Reason.PRICE_OFF_OTHER_VENUE)
EDGE_TOO_SMALL = int(Reason.EDGE_TOO_SMALL)
CLOCK_DRIFT = int(Reason.CLOCK_DRIFT)
ARBS_TOO_MANY = int(Reason.ARBS_TOO_MANY)
DUPLICATE_INTENT = int(Reason.DUPLICATE_INTENT)
TOO_MANY_REJECTS = int(Reason.TOO_MANY_REJECTS)
OPEN_ORDERS = int(Reason.OPEN_ORDERS)
PAIR_RATIO = int(Reason.PAIR_RATIO)
SELF_MATCH = int(Reason.SELF_MATCH)
RATE_BUDGET = int(Reason.RATE_BUDGET)
TURNOVER = int(Reason.TURNOVER)
FUNDING_AGAINST_US = int(Reason.FUNDING_AGAINST_US)
FUNDING_TOO_NEAR = int(Reason.FUNDING_TOO_NEAR)
JOURNAL_BEHIND = int(Reason.JOURNAL_BEHIND)
LOOP_BEHIND = int(Reason.LOOP_BEHIND)
DELTA_SOFT = int(Reason.DELTA_SOFT)
POSITION_TOO_LARGE = int(Reason.POSITION_TOO_LARGE)
STRATEGY_PAUSED = int(Reason.STRATEGY_PAUSED)

OFF_EDGE = 1 << 10
OFF_ARBS = 1 << 14
OFF_DUPLICATE = 1 << 15
OFF_REJECTS = 1 << 16
OFF_TURNOVER = 1 << 24
OFF_STRATEGY = 1 << 39
OFF_CONFORM = 1 << 40
MAINTENANCE_PPM = 12_500
"""What a venue keeps as maintenance margin, of notional; the desk's assumption for C08."""


@kernel
def desk_reason(s: Any, strategy: int) -> Any:
    """C05 soft, C28, C29, C40: what the whole desk and the strategy must be like before anything is added."""
    limits = s.limits
    health = s.health
    if health.known == 1:
        if not health.journal_lag_ns <= limits.journal_lag_ns_max:
            return JOURNAL_BEHIND, health.journal_lag_ns, limits.journal_lag_ns_max
        if not health.disk_bytes >= limits.disk_bytes_min:
            return JOURNAL_BEHIND, health.disk_bytes, limits.disk_bytes_min
        if not health.loop_lag_ns <= limits.loop_lag_ns_max:
            return LOOP_BEHIND, health.loop_lag_ns, limits.loop_lag_ns_max
    if limits.off & OFF_CONFORM == 0 and s.now < s.tracks[strategy].paused_until:
        return STRATEGY_PAUSED, s.tracks[strategy].paused_until - s.now, 0
    low = 0
    high = 0
    for k in range(s.n_strategies):
        for i in range(s.n_instruments):
            low += position_value_e8(s, i, s.positions[k, i].lo)
            high += position_value_e8(s, i, s.positions[k, i].hi)
    net = max(high, -low)
    if not net <= limits.delta_soft_e8_max:
        return DELTA_SOFT, net, limits.delta_soft_e8_max
    return ALLOW


@kernel
def entry_reason(s: Any, strategy: int, p: int, direction: int, quantity_e8: int, net_edge_ppm: int) -> Any:
    """C10 (lower end), C14, C15, C19: the entry of a strategy into a pair, before its orders are looked at."""
    limits = s.limits
    legs = s.legs[strategy, p]
    pair = s.pairs[p]
    if limits.off & OFF_EDGE == 0 and not net_edge_ppm >= limits.edge_ppm_min:
        return EDGE_TOO_SMALL, net_edge_ppm, limits.edge_ppm_min
    if limits.off & OFF_ARBS == 0:
        in_hour = arbs_in_hour(s, p)
        if not in_hour < limits.arbs_per_h_max:
            return ARBS_TOO_MANY, in_hour, limits.arbs_per_h_max
        in_day = arbs_in_day(s)
        if not in_day < limits.arbs_per_day_max:
            return ARBS_TOO_MANY, in_day, limits.arbs_per_day_max
    if limits.off & OFF_DUPLICATE == 0:
        for k in range(min(legs.intents, INTENTS_KEPT)):
            age = s.now - legs.intent_ts[k]
            same = legs.intent_side[k] == direction and legs.intent_quantity_e8[k] == quantity_e8
            if same and not age >= limits.duplicate_ns:
                return DUPLICATE_INTENT, age, limits.duplicate_ns
    a = scale_e8(mid_e8(s, pair.a), asset_mark_e8(s, s.instruments[pair.a].settle))
    b = scale_e8(mid_e8(s, pair.b), asset_mark_e8(s, s.instruments[pair.b].settle))
    if not (a > 0 and abs(a - b) <= ppm_of(a, limits.ratio_ppm_max)):
        return PAIR_RATIO, abs(a - b), ppm_of(a, limits.ratio_ppm_max)
    return ALLOW


@kernel
def arbs_in_hour(s: Any, p: int) -> int:
    """Entries into a pair this hour, of all strategies."""
    count = 0
    for k in range(s.n_strategies):
        legs = s.legs[k, p]
        if legs.arb_hour == s.now // NS_PER_H:
            count += legs.arbs_in_hour
    return count


@kernel
def arbs_in_day(s: Any) -> int:
    """Entries into all pairs this day, since a person last raised the desk."""
    return int(s.rate.arbs_in_day) if s.rate.arb_day == s.now // NS_PER_DAY else 0


@kernel
def look_at_arbs(s: Any, out: Any, n: int) -> int:
    """C14: a day's worth of entries is used up: the desk closes until a person re-arms it."""
    limits = s.limits
    in_day = arbs_in_day(s)
    if limits.off & OFF_ARBS == 0 and not in_day < limits.arbs_per_day_max:
        return lower(s, out, n, DESK, 0, CLOSE_ONLY, (ARBS_TOO_MANY, in_day, limits.arbs_per_day_max))
    return n


@kernel
def note_entry(s: Any, strategy: int, p: int, direction: int, quantity_e8: int) -> None:
    """Remember an entry for C14 and C15."""
    legs = s.legs[strategy, p]
    hour = s.now // NS_PER_H
    legs.arbs_in_hour = legs.arbs_in_hour + 1 if legs.arb_hour == hour else 1
    legs.arb_hour = hour
    at = legs.intents % INTENTS_KEPT
    legs.intent_ts[at] = s.now
    legs.intent_side[at] = direction
    legs.intent_quantity_e8[at] = quantity_e8
    legs.intents += 1
    count_arb(s.rate, s.now)


@kernel
def leg_reason(s: Any, strategy: int, i: int, other: int, side: int, price: int, lots: int, beside_e8: int) -> Any:
    """One leg of an entry: C03 over strategies, C06, C08, C09 elsewhere, C12, C16, C18, C21, C22, C24, C25, holds.

    `beside_e8`: the notional at its limit price of the other leg, which leaves in the same step.
    """
    instrument = s.instruments[i]
    limits = s.limits
    quote = s.quotes[i]
    why = hold_reason(s, i)
    if why[0] != ALLOWED:
        return why
    drift = quote.ts - quote.ts_venue
    if not abs(drift) <= limits.drift_ns_max:
        return CLOCK_DRIFT, drift, limits.drift_ns_max
    if limits.off & OFF_REJECTS == 0:
        rejects = s.rejects[i]
        if s.now < rejects.paused_until:
            return TOO_MANY_REJECTS, rejects.row, limits.rejects_max
    why = elsewhere_reason(s, i, other, price)
    if why[0] != ALLOWED:
        return why
    why = orders_reason(s, i, other, side)
    if why[0] != ALLOWED:
        return why
    venue = s.venues[instrument.venue]
    if venue.budget_whole > 0:
        reserve = ppm_of(venue.budget_whole, limits.budget_reserve_ppm)
        if not venue.budget_left > reserve:
            return RATE_BUDGET, venue.budget_left, reserve
    if limits.off & OFF_TURNOVER == 0:
        day = s.now // NS_PER_DAY
        turnover = s.rate.turnover_e8 if s.rate.day == day else 0
        more = beside_e8 + scale_e8(notional_e8(instrument, price, lots), asset_mark_e8(s, instrument.settle))
        if not turnover + more <= limits.turnover_e8_max:
            return TURNOVER, turnover + more, limits.turnover_e8_max
    low, high = venue_net(s, i)
    worst = high + lots if side == 0 else low - lots
    held = abs(position_value_e8(s, i, worst))
    if not held <= limits.instrument_notional_e8_max:
        return POSITION_TOO_LARGE, held, limits.instrument_notional_e8_max
    why = funding_reason(s, i, side)
    if why[0] != ALLOWED:
        return why
    if venue.margin == 1:
        return margin_reason(s, strategy, i, side, lots)
    return ALLOW


@kernel
def elsewhere_reason(s: Any, i: int, other: int, price: int) -> Any:
    """C09: the price against the other leg's middle and the venue's own mark."""
    instrument = s.instruments[i]
    here = scale_e8(price * instrument.tick_e8, asset_mark_e8(s, instrument.settle))
    there = scale_e8(mid_e8(s, other), asset_mark_e8(s, s.instruments[other].settle))
    most = ppm_of(max(there, 0), s.limits.other_ppm_max)
    if not (there > 0 and abs(here - there) <= most):
        return PRICE_OFF_OTHER_VENUE, abs(here - there), most
    mark = s.marks[i]
    if mark.ts > 0:
        most = ppm_of(mark.mark_e8, s.limits.other_ppm_max)
        away = abs(price * instrument.tick_e8 - mark.mark_e8)
        if not away <= most:
            return PRICE_OFF_OTHER_VENUE, away, most
    return ALLOW


@kernel
def orders_reason(s: Any, i: int, other: int, side: int) -> Any:
    """C18 open orders of the venue, with the other leg if it goes there too; C21 an own order on the other side."""
    venue = s.instruments[i].venue
    open_orders = 1 if s.instruments[other].venue == venue else 0
    for k in range(MAX_ORDERS):
        order = s.orders[k]
        if not is_live(order.status):
            continue
        if s.instruments[order.instrument].venue == venue:
            open_orders += 1
        if order.instrument == i and order.side != side:
            return SELF_MATCH, order.id, order.side
    if not open_orders < s.limits.open_orders_max:
        return OPEN_ORDERS, open_orders, s.limits.open_orders_max
    return ALLOW


@kernel
def funding_reason(s: Any, i: int, side: int) -> Any:
    """C25, where the venue tells its funding: the coming payment must not be near, nor much against us."""
    mark = s.marks[i]
    if mark.ts == 0:
        return ALLOW
    away = mark.next_funding_ns - s.now
    if away > 0 and not away >= s.limits.funding_before_ns:
        return FUNDING_TOO_NEAR, away, s.limits.funding_before_ns
    against_ppm = -(-mark.rate_e8 // 100) if side == 0 else -(mark.rate_e8 // 100)  # rounded up
    if not against_ppm <= s.limits.funding_ppm_max:
        return FUNDING_AGAINST_US, against_ppm, s.limits.funding_ppm_max
    return ALLOW


@kernel
def margin_reason(s: Any, strategy: int, i: int, side: int, lots: int) -> Any:
    """C06 leverage and C08 distance to liquidation of a margin venue, if this order and all sent ones fill."""
    number = s.instruments[i].venue
    venue = s.venues[number]
    equity = s.balances[number, venue.collateral]
    gross = 0
    for j in range(s.n_instruments):
        other = s.instruments[j]
        if other.venue != number:
            continue
        quote = s.quotes[j]
        net = 0
        for k in range(s.n_strategies):
            net += s.positions[k, j].lots
        if net > 0:
            equity += notional_e8(other, quote.bid, net)
        elif net < 0:
            equity -= notional_e8(other, quote.ask, -net) if quote.ask_lots > 0 else UNPRICED
        low, high = venue_net(s, j)
        if j == i:
            if side == 0:
                high += lots
            else:
                low -= lots
        worst = max(abs(low), abs(high))
        if worst > 0:
            gross += notional_e8(other, quote.ask, worst)
    if not (equity > 0 and gross <= equity * s.limits.leverage_max):
        return LEVERAGE_TOO_HIGH, gross, equity * s.limits.leverage_max
    if gross > 0:
        cushion = equity - ppm_of(gross, MAINTENANCE_PPM)
        away = PPM if cushion >= gross else coin_e8(max(cushion, 0), gross) // 100
        if not away >= s.limits.liquidation_ppm_min:
            return LIQUIDATION_TOO_NEAR, away, s.limits.liquidation_ppm_min
    return ALLOW


@kernel
def rejections_this_minute(s: Any) -> int:
    """C16: rejections of this minute over all instruments."""
    total = 0
    for i in range(s.n_instruments):
        if s.rejects[i].minute == s.now // NS_PER_MIN:
            total += s.rejects[i].in_minute
    return total


@kernel
def count_unknown(s: Any) -> int:
    """C17: orders of which nothing is known."""
    count = 0
    for k in range(MAX_ORDERS):
        if s.orders[k].status == UNKNOWN:
            count += 1
    return count


@kernel
def capital_left_e8(s: Any, strategy: int, i: int) -> int:
    """What the strategy's capital still allows at the venue of an instrument, in reporting e8."""
    held = position_after(s, strategy, s.instruments[i].venue, i, 0, 0)
    return max(s.strategies[strategy].capital_e8 - held, 0)
