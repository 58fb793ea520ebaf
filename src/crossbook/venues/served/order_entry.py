"""From what a client asks to what the kernels take: onto the grid, and a price for orders that name none."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.commands import FLAG_FILL_OR_KILL, FLAG_REDUCE_ONLY
from crossbook.events import Rejection
from crossbook.types import Instrument, Side, TimeInForce
from crossbook.venues.served.facts import OrderKind, OrderRequest, Wait

TIF = {
    Wait.GTC: int(TimeInForce.GTC),
    Wait.IOC: int(TimeInForce.IOC),
    Wait.FOK: int(TimeInForce.IOC),
    Wait.POST_ONLY: int(TimeInForce.ALO),
}


def terms(request: OrderRequest) -> tuple[int, int]:
    """The time in force and the flags that the kernels know for it."""
    flags = FLAG_REDUCE_ONLY if request.reduce_only else 0
    if request.kind is OrderKind.MARKET:
        return TIF[Wait.IOC], flags
    return TIF[request.wait], flags | (FLAG_FILL_OR_KILL if request.wait is Wait.FOK else 0)


def onto_grid(request: OrderRequest, instrument: Instrument, state: Any, i: int) -> tuple[int, int, Rejection | None]:
    """Ticks and lots of a request for instrument `i`, and what is wrong with them.

    A market order gets the price at which the book of the account's `state` has its quantity; nothing is taken yet.
    """
    lots, rest = divmod(request.quantity_e8, instrument.lot_e8)
    wrong = Rejection.LOT_FILTER if rest or request.quantity_e8 < 0 else None
    if request.kind is OrderKind.LIMIT:
        ticks, rest = divmod(request.price_e8, instrument.tick_e8)
        return ticks, lots, Rejection.PRICE_FILTER if rest or request.price_e8 < 0 else wrong
    prices, standing = _standing(state, i, request.side)
    if request.quote_amount_e8 > 0:
        lots = _lots_for(request.quote_amount_e8, prices.tolist(), standing.tolist(), int(state.instruments[i].factor))
    return _reach(prices, standing, lots), lots, wrong


def _standing(state: Any, i: int, side: Side) -> tuple[Any, Any]:
    """Prices and lots that an order of `side` would meet, best first, less what was taken before."""
    book = state.books[i]
    far = 1 - int(side)
    n = int(book.n[far])
    prices = book.key[far, :n][::-1] * (1 if far == 0 else -1)
    return prices, np.maximum(book.lots[far, :n] - book.used[far, :n], 0)[::-1]


def _reach(prices: Any, standing: Any, lots: int) -> int:
    """The price at which a market order is through; the last level's where the book ends first."""
    if not len(prices):
        return 1
    return int(prices[min(int(np.searchsorted(np.cumsum(standing), min(lots, 1 << 60))), len(prices) - 1)])


def _lots_for(amount_e8: int, prices: list[int], standing: list[int], factor: int) -> int:
    """The lots that an amount of quote buys or that raise it; whole lots, rounded down."""
    lots = 0
    for price, there in zip(prices, standing, strict=True):
        cost = price * factor
        taken = min(there, amount_e8 // cost)
        lots += taken
        amount_e8 -= taken * cost
        if taken < there:
            break
    return lots
