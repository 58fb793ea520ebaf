"""The edge between two instruments of one base, at the top of both books."""

from __future__ import annotations

from typing import Any

from crossbook.rules.book import walk_cost
from crossbook.rules.fees import fee_e8
from crossbook.rules.kernel import kernel
from crossbook.rules.limits import PPM
from crossbook.rules.prices import asset_mark_e8, mid_e8, order_value_e8
from crossbook.rules.value import coin_e8, scale_e8


@kernel
def buy_instrument(pair: Any, direction: int) -> int:
    """Direction 0 buys `a` and sells `b`; direction 1 the other way."""
    return int(pair.a) if direction == 0 else int(pair.b)


@kernel
def sell_instrument(pair: Any, direction: int) -> int:
    """The other instrument."""
    return int(pair.b) if direction == 0 else int(pair.a)


@kernel
def clip_quantity_e8(s: Any, pair: Any, notional_e8_wanted: int) -> int:
    """The base quantity, a multiple of the pair's common step, whose notional on the dearer book is at most that."""
    price = max(mid_e8(s, pair.a), mid_e8(s, pair.b))
    if price <= 0:
        return 0
    return coin_e8(notional_e8_wanted, price) // pair.step_e8 * pair.step_e8


@kernel
def top_edge(s: Any, pair: Any, direction: int, quantity_e8: int) -> Any:
    """`(gross, fees, notional)` in reporting e8 of buying one leg and selling the other at the touch, as takers.

    Gross is what the sale brings less what the purchase costs; all 0 where a price or a mark is missing.
    """
    buy = buy_instrument(pair, direction)
    sell = sell_instrument(pair, direction)
    paid = order_value_e8(s, buy, s.quotes[buy].ask, quantity_e8 // s.instruments[buy].lot_e8)
    got = order_value_e8(s, sell, s.quotes[sell].bid, quantity_e8 // s.instruments[sell].lot_e8)
    if paid <= 0 or got <= 0:
        return 0, 0, 0
    fees = fee_e8(paid, s.instruments[buy].taker_ppm) + fee_e8(got, s.instruments[sell].taker_ppm)
    return got - paid, fees, paid


@kernel
def depth_edge(s: Any, pair: Any, direction: int, quantity_e8: int) -> Any:
    """`(gross, fees, notional)` as `top_edge`, but of walking the displayed depth of both books for the quantity."""
    buy = buy_instrument(pair, direction)
    sell = sell_instrument(pair, direction)
    paid = walk_value_e8(s, buy, 1, quantity_e8)
    got = walk_value_e8(s, sell, 0, quantity_e8)
    if paid <= 0 or got <= 0:
        return 0, 0, 0
    fees = fee_e8(paid, s.instruments[buy].taker_ppm) + fee_e8(got, s.instruments[sell].taker_ppm)
    return got - paid, fees, paid


@kernel
def walk_value_e8(s: Any, i: int, side: int, quantity_e8: int) -> int:
    """What taking a base quantity from book side `side` costs or brings, in reporting e8; 0 without a price."""
    instrument = s.instruments[i]
    cost = walk_cost(s.books[i], s.quotes[i], side, quantity_e8 // instrument.lot_e8)
    return scale_e8(cost * instrument.factor, asset_mark_e8(s, instrument.settle))


@kernel
def edge_ppm(edge_e8: int, notional_e8: int) -> int:
    """An edge as parts per million of its notional, rounded down; capped at +-1 so that no product overflows."""
    if edge_e8 >= notional_e8:
        return PPM
    if edge_e8 <= -notional_e8:
        return -PPM
    return edge_e8 * PPM // notional_e8


@kernel
def reversal_cash_e8(s: Any, strategy: int, i: int) -> int:
    """What a position's fills brought (sold) or cost (bought) since it was flat, in reporting e8."""
    instrument = s.instruments[i]
    return scale_e8(s.positions[strategy, i].cash * instrument.factor, asset_mark_e8(s, instrument.settle))


@kernel
def mul_div(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole` rounded down, by way of ppm: good to a millionth, and nothing overflows."""
    return scale_e8(amount, coin_e8(part, whole)) if whole > 0 else 0


@kernel
def reversal_e8(s: Any, strategy: int, i: int) -> int:
    """What a position would have earned, before fees, if it were closed at the touch now; in reporting e8."""
    position = s.positions[strategy, i]
    instrument = s.instruments[i]
    price = s.quotes[i].bid if position.lots > 0 else s.quotes[i].ask
    result = (position.cash + position.lots * price) * instrument.factor
    return scale_e8(result, asset_mark_e8(s, instrument.settle))
