"""The gate: whether an order may leave, as a ladder of named refusals with their numbers.

Every limit is judged on the worst end of the position interval with every sent order counted at once, and is written
so that a missing number denies. Returns `(reason, value, limit)`; reason 0 is ALLOWED.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, FLAG_REDUCE_ONLY, Reason
from crossbook.rules.book import is_tradeable
from crossbook.rules.fees import fee_e8
from crossbook.rules.grid import is_legal_price
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import effective_level
from crossbook.rules.layout import MAX_ORDERS
from crossbook.rules.orders import NS_PER_DAY, NS_PER_H, NS_PER_MIN, NS_PER_S, UNKNOWN, live_slots
from crossbook.rules.prices import UNPRICED, asset_mark_e8, mid_e8, order_value_e8, position_value_e8
from crossbook.rules.value import notional_e8
from crossbook.types import InstrumentKind, Level

ALLOWED = int(Reason.ALLOWED)
ORDER_TOO_LARGE = int(Reason.ORDER_TOO_LARGE)
ORDER_TOO_SMALL = int(Reason.ORDER_TOO_SMALL)
POSITION_TOO_LARGE = int(Reason.POSITION_TOO_LARGE)
GROSS_TOO_LARGE = int(Reason.GROSS_TOO_LARGE)
DELTA_TOO_LARGE = int(Reason.DELTA_TOO_LARGE)
COLLATERAL_TOO_LOW = int(Reason.COLLATERAL_TOO_LOW)
PRICE_OUTSIDE_COLLAR = int(Reason.PRICE_OUTSIDE_COLLAR)
EDGE_TOO_GOOD = int(Reason.EDGE_TOO_GOOD)
QUOTE_TOO_OLD = int(Reason.QUOTE_TOO_OLD)
QUOTE_SKEW = int(Reason.QUOTE_SKEW)
BOOK_UNTRADEABLE = int(Reason.BOOK_UNTRADEABLE)
ORDER_RATE = int(Reason.ORDER_RATE)
NO_QUOTE_MARK = int(Reason.NO_QUOTE_MARK)
LEVEL_FORBIDS_ENTRY = int(Reason.LEVEL_FORBIDS_ENTRY)
LEVEL_FORBIDS_ORDER = int(Reason.LEVEL_FORBIDS_ORDER)
FILTER_PRICE = int(Reason.FILTER_PRICE)
FILTER_LOT = int(Reason.FILTER_LOT)
ORDER_UNKNOWN = int(Reason.ORDER_UNKNOWN)
SLOTS_FULL = int(Reason.SLOTS_FULL)
NOT_REDUCING = int(Reason.NOT_REDUCING)

SPOT = int(InstrumentKind.SPOT)
ACTIVE = int(Level.ACTIVE)
KILLED = int(Level.KILLED)
PPM = 1_000_000
MIN_NOTIONAL_MARGIN_PPM = 1_100_000
"""C02: an order's notional is at least 1.1 times the venue's minimum, so that a moving price cannot refuse it."""

LIVE_ORDERS_MAX = MAX_ORDERS - 2
"""With more, there is no slot left for an order and the other leg that leaves with it."""

OFF_EDGE = 1 << 10
OFF_RATE = 1 << 13


@kernel
def ppm_of(amount: int, ppm: int) -> int:
    """`amount * ppm / 1e6` rounded down, without forming a product that could overflow. `amount` >= 0."""
    return amount // PPM * ppm + amount % PPM * ppm // PPM


@kernel
def venue_net(s: Any, i: int) -> Any:
    """The lowest and highest net lots the venue may hold for us, over all strategies and sent orders."""
    low = 0
    high = 0
    for k in range(s.n_strategies):
        position = s.positions[k, i]
        low += position.lots - position.sell_open
        high += position.lots + position.buy_open
    return low, high


@kernel
def reduces_venue_net(s: Any, i: int, side: int, lots: int) -> bool:
    """Whether the order brings the venue's net closer to zero at its worst end, so that reduce-only is safe to set."""
    low, high = venue_net(s, i)
    return bool(low - lots >= 0) if side == 1 else bool(high + lots <= 0)


@kernel
def is_reducing(s: Any, strategy: int, i: int, side: int, lots: int) -> bool:
    """Whether the order only closes what the strategy itself holds, at the worst end of its interval."""
    position = s.positions[strategy, i]
    if side == 1:
        return bool(position.lots - position.sell_open >= lots)
    return bool(position.lots + position.buy_open + lots <= 0)


@kernel
def position_after(s: Any, strategy: int, venue: int, i: int, side: int, lots: int) -> int:
    """The largest notional the strategy may hold at a venue if this order and all sent ones fill, in reporting e8."""
    total = 0
    for j in range(s.n_instruments):
        if s.instruments[j].venue != venue:
            continue
        position = s.positions[strategy, j]
        high = position.lots + position.buy_open
        low = position.lots - position.sell_open
        if j == i:
            if side == 0:
                high += lots
            else:
                low -= lots
        total += max(abs(position_value_e8(s, j, high)), abs(position_value_e8(s, j, low)))
    return total


@kernel
def exposure_after(s: Any, strategy: int, i: int, side: int, lots: int) -> Any:
    """Worst gross, and worst net up and down, over all strategies if this order and all sent ones fill."""
    gross = 0
    up = 0
    down = 0
    for k in range(s.n_strategies):
        for j in range(s.n_instruments):
            position = s.positions[k, j]
            high = position.lots + position.buy_open
            low = position.lots - position.sell_open
            if j == i and k == strategy:
                if side == 0:
                    high += lots
                else:
                    low -= lots
            if high == 0 and low == 0:
                continue
            high_value = position_value_e8(s, j, high)
            low_value = position_value_e8(s, j, low)
            gross += max(abs(high_value), abs(low_value))
            up += high_value
            down += low_value
    return gross, up, down


@kernel
def collateral_reason(s: Any, i: int, side: int, price: int, lots: int) -> Any:
    """Spot: the coin or quote to pay with is there. Margin: free equity stays above the limit after the order."""
    instrument = s.instruments[i]
    venue = s.venues[instrument.venue]
    balances = s.balances[instrument.venue]
    if instrument.kind == SPOT:
        asset = instrument.base if side == 1 else instrument.quote
        need = lots * instrument.lot_e8 if side == 1 else notional_e8(instrument, price, lots)
        if side == 0:
            need += fee_e8(need, instrument.taker_ppm)
        have = balances[asset]
        for k in range(MAX_ORDERS):
            order = s.orders[k]
            if 1 <= order.status <= 3 and s.instruments[order.instrument].venue == instrument.venue:
                left = order.lots - order.filled
                other = s.instruments[order.instrument]
                if order.side == 1 and other.base == asset:
                    have -= left * other.lot_e8
                elif order.side == 0 and other.quote == asset:
                    have -= notional_e8(other, order.price, left)
        if not need <= have:
            return COLLATERAL_TOO_LOW, need, have
        return ALLOWED, 0, 0
    equity = balances[venue.collateral]
    used = 0
    for j in range(s.n_instruments):
        other = s.instruments[j]
        if other.venue != instrument.venue:
            continue
        low, high = venue_net(s, j)
        net = 0
        for k in range(s.n_strategies):
            net += s.positions[k, j].lots
        quote = s.quotes[j]
        if net > 0:
            equity += notional_e8(other, quote.bid, net)
        elif net < 0:
            equity -= notional_e8(other, quote.ask, -net) if quote.ask_lots > 0 else UNPRICED
        if j == i:
            if side == 0:
                high += lots
            else:
                low -= lots
        worst = max(abs(low), abs(high))
        if worst > 0:
            used += notional_e8(other, quote.ask, worst) // max(venue.leverage, 1)
    free = equity - used
    least = ppm_of(max(equity, 0), s.limits.collateral_ppm_min)
    if not (equity > 0 and free >= least):
        return COLLATERAL_TOO_LOW, free, least
    return ALLOWED, 0, 0


@kernel
def rate_reason(s: Any, beside: int) -> Any:
    """Whether one more order, and `beside` sent with it, fit in this second, minute and hour."""
    rate = s.rate
    limits = s.limits
    in_second = beside + (rate.in_second if rate.second == s.now // NS_PER_S else 0)
    in_minute = beside + (rate.in_minute if rate.minute == s.now // NS_PER_MIN else 0)
    in_hour = beside + (rate.in_hour if rate.hour == s.now // NS_PER_H else 0)
    in_day = beside + (rate.in_day if rate.day == s.now // NS_PER_DAY else 0)
    if not in_second < limits.orders_per_s_max:
        return ORDER_RATE, in_second, limits.orders_per_s_max
    if not in_minute < limits.orders_per_min_max:
        return ORDER_RATE, in_minute, limits.orders_per_min_max
    if not in_hour < limits.orders_per_h_max:
        return ORDER_RATE, in_hour, limits.orders_per_h_max
    if not in_day < limits.orders_per_day_max:
        return ORDER_RATE, in_day, limits.orders_per_day_max
    return ALLOWED, 0, 0


@kernel
def market_reason(s: Any, i: int) -> Any:
    """Whether the instrument can be traded on what we know of it now."""
    quote = s.quotes[i]
    instrument = s.instruments[i]
    if not is_tradeable(s.books[i], quote):
        return BOOK_UNTRADEABLE, quote.bid - quote.ask, s.books[i].status
    age = s.now - quote.ts
    most = s.venues[instrument.venue].quote_age_ns_max
    if not age <= most:
        return QUOTE_TOO_OLD, age, most
    if not asset_mark_e8(s, instrument.settle) > 0:
        return (
            NO_QUOTE_MARK,
            s.now - s.quotes[max(s.assets[instrument.settle].mark_instrument, 0)].ts,
            s.limits.mark_age_ns_max,
        )
    return ALLOWED, 0, 0


@kernel
def pair_reason(s: Any, a: int, b: int, edge_ppm: int) -> Any:
    """What must hold of a pair before either leg is looked at: quotes of one age, an edge that can be true."""
    skew = abs(s.quotes[a].ts - s.quotes[b].ts)
    if not skew <= s.limits.quote_skew_ns_max:
        return QUOTE_SKEW, skew, s.limits.quote_skew_ns_max
    if s.limits.off & OFF_EDGE == 0 and not edge_ppm <= s.limits.edge_ppm_max:
        return EDGE_TOO_GOOD, edge_ppm, s.limits.edge_ppm_max
    return ALLOWED, 0, 0


@kernel
def order_reason(s: Any, strategy: int, i: int, side: int, price: int, lots: int, flags: int, beside_e8: int) -> Any:
    """The gate for one order. Closing and hedging orders may only reduce, and are spared the limits on growth.

    `beside_e8`: the notional of another leg that leaves in the same step; 0 for none.
    """
    instrument = s.instruments[i]
    limits = s.limits
    level = effective_level(s, strategy, i)
    closing = flags & (FLAG_CLOSING | FLAG_HEDGE) != 0
    if level != ACTIVE and not closing:
        return LEVEL_FORBIDS_ENTRY, level, ACTIVE
    if level == KILLED and flags & FLAG_HEDGE == 0 and s.flattening == 0:
        return LEVEL_FORBIDS_ORDER, level, KILLED
    if flags & FLAG_CLOSING != 0 and not is_reducing(s, strategy, i, side, lots):
        return NOT_REDUCING, lots, s.positions[strategy, i].lots
    why = market_reason(s, i)
    if why[0] != ALLOWED and not (closing and why[0] == NO_QUOTE_MARK):
        return why
    if not (instrument.tradeable == 1 and is_legal_price(instrument, price)):
        return FILTER_PRICE, price, instrument.max_ticks
    if not instrument.min_lots <= lots <= instrument.max_lots:
        return FILTER_LOT, lots, instrument.min_lots
    live = live_slots(s)
    if not live <= LIVE_ORDERS_MAX:
        return SLOTS_FULL, live, LIVE_ORDERS_MAX
    notional = notional_e8(instrument, price, lots)
    least = ppm_of(instrument.min_notional_e8, MIN_NOTIONAL_MARGIN_PPM)
    if flags & FLAG_REDUCE_ONLY == 0 and not notional >= least:
        return ORDER_TOO_SMALL, notional, least
    value = order_value_e8(s, i, price, lots)
    mid = mid_e8(s, i)
    away = abs(price * instrument.tick_e8 - mid)
    collar = ppm_of(mid, limits.collar_ppm)
    if not away <= collar:
        return PRICE_OUTSIDE_COLLAR, away, collar
    if flags & FLAG_CLOSING == 0 and not value <= limits.order_notional_e8_max:
        return ORDER_TOO_LARGE, value, limits.order_notional_e8_max
    for k in range(MAX_ORDERS):
        order = s.orders[k]
        if order.status == UNKNOWN and order.instrument == i:
            return ORDER_UNKNOWN, order.id, s.now - order.ts_sent
    if not closing:
        after = position_after(s, strategy, instrument.venue, i, side, lots)
        most = min(limits.position_notional_e8_max, s.strategies[strategy].capital_e8)
        if not after <= most:
            return POSITION_TOO_LARGE, after, most
        gross, up, down = exposure_after(s, strategy, i, side, lots)
        if not gross + beside_e8 <= limits.gross_e8_max:
            return GROSS_TOO_LARGE, gross + beside_e8, limits.gross_e8_max
        if not max(up, -down) <= limits.delta_e8_max:
            return DELTA_TOO_LARGE, max(up, -down), limits.delta_e8_max
        if limits.off & OFF_RATE == 0:
            why = rate_reason(s, 1 if beside_e8 > 0 else 0)
            if why[0] != ALLOWED:
                return why
    elif limits.off & OFF_RATE == 0:
        reduces = s.rate.reduces_in_second if s.rate.reduce_second == s.now // NS_PER_S else 0
        reduces += 1 if beside_e8 > 0 else 0
        if not reduces < limits.reduces_per_s_max:
            return ORDER_RATE, reduces, limits.reduces_per_s_max
    if flags & FLAG_REDUCE_ONLY == 0:
        return collateral_reason(s, i, side, price, lots)
    return ALLOWED, 0, 0
