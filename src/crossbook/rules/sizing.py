"""How much: the smallest of what clip, depth, edge, volatility and capital allow, and which of them it was."""

from __future__ import annotations

from typing import Any

from crossbook.rules.controls import capital_left_e8
from crossbook.rules.edge import buy_instrument, clip_quantity_e8, sell_instrument
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK_SYNCED
from crossbook.rules.limits import PPM, ppm_of
from crossbook.rules.orders import NS_PER_S

BY_CLIP, BY_DEPTH, BY_EDGE, BY_VOLATILITY, BY_CAPITAL = range(5)
"""Which bound was the smallest."""
VARIANCE_MEMORY = 64
"""Seconds over which the variance of one-second returns fades."""


@kernel
def near_depth_lots(s: Any, i: int, side: int, collar_ppm: int) -> int:
    """Displayed lots on book side `side` within the collar of its touch."""
    book = s.books[i]
    quote = s.quotes[i]
    if book.status != BOOK_SYNCED:
        return int(quote.bid_lots if side == 0 else quote.ask_lots)
    touch = quote.bid if side == 0 else quote.ask
    worst = touch - ppm_of(touch, collar_ppm) if side == 0 else touch + ppm_of(touch, collar_ppm)
    total = 0
    k = book.n[side] - 1
    while k >= 0:
        price = book.key[side, k] if side == 0 else -book.key[side, k]
        if (side == 0 and price < worst) or (side == 1 and price > worst):
            break
        total += book.lots[side, k]
        k -= 1
    return total


@kernel
def note_motion(s: Any, i: int) -> None:
    """Once a second: fold the return of the middle into the variance."""
    motion = s.motions[i]
    second = s.now // NS_PER_S
    quote = s.quotes[i]
    mid = quote.bid + quote.ask
    if motion.mid_e8 > 0 and second > motion.second:
        change = (mid - motion.mid_e8) * PPM // motion.mid_e8
        motion.variance += (change * change - motion.variance) // VARIANCE_MEMORY
    motion.mid_e8 = mid
    motion.second = second


@kernel
def volatility_ppm(s: Any, i: int) -> int:
    """Standard deviation of one-second returns in ppm, rounded down (integer square root)."""
    variance = s.motions[i].variance
    root = 0
    bit = 1 << 30
    while bit > 0:
        if (root + bit) * (root + bit) <= variance:
            root += bit
        bit >>= 1
    return root


@kernel
def size(s: Any, strategy: int, p: int, direction: int, edge_ppm: int) -> Any:
    """`(quantity_e8, bound)`: base quantity of each leg, a multiple of the pair's step, and which bound made it."""
    pair = s.pairs[p]
    mine = s.strategies[strategy]
    buy = buy_instrument(pair, direction)
    sell = sell_instrument(pair, direction)
    notional = mine.clip_e8
    bound = BY_CLIP
    if mine.full_edge_ppm > 0 and edge_ppm < mine.full_edge_ppm:
        notional = ppm_of(mine.clip_e8, max(edge_ppm, 0) * PPM // mine.full_edge_ppm)
        bound = BY_EDGE
    if mine.volatility_ppm > 0:
        moving = max(volatility_ppm(s, buy), volatility_ppm(s, sell))
        if moving > mine.volatility_ppm:
            calm = ppm_of(mine.clip_e8, mine.volatility_ppm * PPM // moving)
            if calm < notional:
                notional = calm
                bound = BY_VOLATILITY
    capital = min(capital_left_e8(s, strategy, buy), capital_left_e8(s, strategy, sell))
    if capital < notional:
        notional = capital
        bound = BY_CAPITAL
    quantity = clip_quantity_e8(s, pair, notional)
    if mine.depth_ppm > 0:
        asks = near_depth_lots(s, buy, 1, mine.collar_ppm) * s.instruments[buy].lot_e8
        bids = near_depth_lots(s, sell, 0, mine.collar_ppm) * s.instruments[sell].lot_e8
        deep = ppm_of(min(asks, bids), mine.depth_ppm) // pair.step_e8 * pair.step_e8
        if deep < quantity:
            quantity = deep
            bound = BY_DEPTH
    return quantity, bound
