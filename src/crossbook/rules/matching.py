"""How a venue matches: admission of an order, taking displayed lots, and the place of a resting order in its queue.

Kernels over one book, one quote, one instrument and one resting order; what a match does to accounts is not here.
A book's `used` overlay holds the lots our own orders took at a price since the venue last restated it: the tape's
market never saw us, so without it the same displayed lots could be taken twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.commands import FLAG_REDUCE_ONLY
from crossbook.events import Rejection
from crossbook.rules.book import best_price, find, is_tradeable, set_level
from crossbook.rules.grid import is_legal_price
from crossbook.rules.kernel import kernel
from crossbook.rules.limits import ppm_of
from crossbook.rules.value import notional_e8, quantity_e8
from crossbook.types import InstrumentKind, TimeInForce

ADMITTED = 0
PRICE_FILTER = int(Rejection.PRICE_FILTER)
LOT_FILTER = int(Rejection.LOT_FILTER)
MIN_NOTIONAL = int(Rejection.MIN_NOTIONAL)
PRICE_BAND = int(Rejection.PRICE_BAND)
REDUCE_ONLY = int(Rejection.REDUCE_ONLY)
WOULD_TAKE = int(Rejection.WOULD_TAKE)
NOT_TRADING = int(Rejection.NOT_TRADING)

SPOT = int(InstrumentKind.SPOT)
INVERSE = int(InstrumentKind.INVERSE)
ALO = int(TimeInForce.ALO)

BAND_UP_PPM = np.array([4_000_000, 50_000, 50_000, 800_000])
BAND_DOWN_PPM = np.array([800_000, 50_000, 50_000, 800_000])
BAND_BOTH_SIDES = np.array([1, 0, 0, 1])
"""How far from the mid a limit price may lie, by `Venue`: Binance spot 0.2 to 5 times, Binance futures 5 % (a buy above
or a sell below only), Hyperliquid 80 %. The venues measure from their reference or mark price; we from the mid."""

UNSEEN = -1
"""A queue that no display has shown yet: the price lies beyond the last displayed level."""


@kernel
def closable_lots(side: int, net_lots: int) -> int:
    """How many lots an order of `side` can trade before it would turn or grow the venue's net position."""
    return max(net_lots, 0) if side == 1 else max(-net_lots, 0)


@kernel
def reaches(side: int, limit: int, price: int) -> bool:
    """Whether an order of `side` with this limit would trade at `price`."""
    return bool(price <= limit) if side == 0 else bool(price >= limit)


@kernel
def is_in_band(venue: int, side: int, price: int, bid_plus_ask: int) -> bool:
    """Whether a limit price is as near to the mid as the venue demands."""
    high = bid_plus_ask + ppm_of(bid_plus_ask, BAND_UP_PPM[venue])
    low = bid_plus_ask - ppm_of(bid_plus_ask, BAND_DOWN_PPM[venue])
    both = BAND_BOTH_SIDES[venue] == 1
    if (side == 0 or both) and 2 * price > high:
        return False
    if (side == 1 or both) and 2 * price < low:
        return False
    return True


@kernel
def order_rejection(instrument: Any, book: Any, quote: Any, order: Any, side: int, net_lots: int) -> int:
    """Why the venue refuses an order on sight (a `Rejection`), or ADMITTED; accounts are looked at elsewhere.

    `order` is an OUT row, `side` its side. Spot knows no reduce-only: the flag is ignored there. Elsewhere a
    reduce-only order needs something to reduce, and is spared the minimum notional. The minimum is judged at the limit
    price, of inverse contracts on their quote value.
    """
    if instrument.tradeable != 1 or not is_tradeable(book, quote):
        return NOT_TRADING
    if not is_legal_price(instrument, order.price):
        return PRICE_FILTER
    if not instrument.min_lots <= order.lots <= instrument.max_lots:
        return LOT_FILTER
    if order.flags & FLAG_REDUCE_ONLY != 0 and instrument.kind != SPOT:
        if closable_lots(side, net_lots) == 0:
            return REDUCE_ONLY
    else:
        value = notional_e8(instrument, order.price, order.lots)
        if instrument.kind == INVERSE:
            value = quantity_e8(instrument, order.lots)
        if value < instrument.min_notional_e8:
            return MIN_NOTIONAL
    if not is_in_band(instrument.venue, side, order.price, quote.bid + quote.ask):
        return PRICE_BAND
    if order.tif == ALO and reaches(side, order.price, quote.ask if side == 0 else quote.bid):
        return WOULD_TAKE
    return ADMITTED


@kernel
def mirror_quote(book: Any, quote: Any) -> None:
    """Where a venue shows no depth, make the book exactly the quote; the overlay stays where it is restated."""
    for side in range(2):
        price = quote.bid if side == 0 else quote.ask
        lots = quote.bid_lots if side == 0 else quote.ask_lots
        while book.n[side] > 0 and (lots == 0 or best_price(book, side) != price):
            book.n[side] -= 1
        if lots > 0:
            set_level(book, side, price, lots)


@kernel
def level_price(book: Any, side: int, at: int) -> int:
    """The price of the level at index `at`."""
    key = book.key[side, at]
    return key if side == 0 else -key


@kernel
def take_level(book: Any, side: int, at: int, lots: int) -> int:
    """Take up to `lots` from one displayed level, less what we took before; returns what was taken."""
    taken = min(lots, max(book.lots[side, at] - book.used[side, at], 0))
    book.used[side, at] += taken
    return taken


@kernel
def take_through(book: Any, side: int, limit: int, lots: int) -> int:
    """Take up to `lots` from book side `side`, best first, no further than `limit`; returns what was taken."""
    left = lots
    at = book.n[side] - 1
    while at >= 0 and left > 0 and reaches(1 - side, limit, level_price(book, side, at)):
        left -= take_level(book, side, at, left)
        at -= 1
    return lots - left


@kernel
def takeable_through(book: Any, side: int, limit: int) -> int:
    """The lots that `take_through` could take at most."""
    lots = 0
    at = book.n[side] - 1
    while at >= 0 and reaches(1 - side, limit, level_price(book, side, at)):
        lots += max(book.lots[side, at] - book.used[side, at], 0)
        at -= 1
    return lots


@kernel
def displayed_ahead(book: Any, side: int, price: int) -> int:
    """The lots displayed at a price: what an order joining there now waits behind. UNSEEN beyond the display."""
    n = book.n[side]
    key = price if side == 0 else -price
    if n == 0 or key < book.key[side, 0]:
        return UNSEEN
    at = find(book, side, key)
    if at < n and book.key[side, at] == key:
        return book.lots[side, at]
    return 0


@kernel
def cap_queue(order: Any, book: Any) -> None:
    """After the book changed: no more can be ahead of us than is displayed; a queue first seen starts as displayed."""
    shown = displayed_ahead(book, order.side, order.price)
    if shown != UNSEEN and (order.queue == UNSEEN or shown < order.queue):
        order.queue = shown


@kernel
def traded_to(order: Any, side: int, price: int, lots: int) -> int:
    """How many lots of a public trade (taker's `side`) get to a resting order, moving its queue; 0 if none.

    A trade at its price serves the queue first. A trade through its price emptied the queue.
    """
    if side == order.side or not reaches(order.side, order.price, price):
        return 0
    if price != order.price:
        order.queue = 0
        return lots
    if order.queue == UNSEEN:
        return 0
    ahead = min(order.queue, lots)
    order.queue -= ahead
    return lots - ahead
