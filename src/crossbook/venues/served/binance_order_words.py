"""Words that a served Binance's orders share, spot and futures: what a client said beyond the terms; states."""

from __future__ import annotations

import re

import msgspec

from crossbook.types import Side
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_problem import Problem, either, illegal
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.facts import Order, Status, UnknownOrder
from crossbook.venues.served.limits import Verdict
from crossbook.venues.served.trader import Trader

SPOT_ID = "^[a-zA-Z0-9-_]{1,36}$"
USDM_ID = "^[\\.A-Z\\:/a-z0-9_-]{1,36}$"
STATES = {
    Status.NEW: "NEW", Status.PARTIAL: "PARTIALLY_FILLED", Status.FILLED: "FILLED", Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED", Status.REJECTED: "REJECTED",
}  # fmt: skip
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
WINDOW_WORDS = {"S": "SECOND", "M": "MINUTE", "D": "DAY"}


class OrderNote(msgspec.Struct, kw_only=True):
    """What the venue keeps with an order for its answers. `other_id`: a client id beside the order's own: of
    the request that took it back, or the one it had before an amendment.

    It changes while the order lives, which is why it is no part of the world's facts.
    """

    order_type: str
    time_in_force: str
    stp: str
    quote_amount_e8: int = 0
    strategy_id: int | None = None
    strategy_type: int | None = None
    working_type: str = "CONTRACT_PRICE"
    price_match: str = "NONE"
    other_id: str = ""


def note_of(order: Order) -> OrderNote:
    """The note of an order that came in here; of any other (the desk's embedded ones) what its terms say."""
    note = order.request.note
    if isinstance(note, OrderNote):
        return note
    return OrderNote(order_type=order.request.kind.value.upper(), time_in_force="GTC", stp="NONE")


def side_name(side: Side) -> str:
    """BUY or SELL."""
    return "BUY" if side is Side.BUY else "SELL"


def client_id(house: House, ask: Ask, name: str = "newClientOrderId") -> str:
    """The client's id for an order, or a fresh one."""
    if not ask.has(name):
        return house.fresh_id()
    value = ask.text(name)
    legal = SPOT_ID if house.is_spot else USDM_ID
    if not house.is_spot and len(value) > 36:
        raise Problem(-4015)
    if not re.fullmatch(legal, value):
        raise illegal(name, legal)
    return value


def find(
    house: House, trader: Trader, ask: Ask, code: int, by_id: str = "orderId", by_client: str = "origClientOrderId"
) -> Order:
    """The order that a request names by either id; raises `code` where there is none (of this symbol)."""
    symbol = house.symbol(ask).symbol
    if not ask.has(by_id) and not ask.has(by_client):
        raise either(by_client, by_id)
    try:
        if ask.has(by_id):
            order = trader.order(house.venue, venue_order_id=ask.integer(by_id))
        else:
            order = trader.order(house.venue, client_order_id=ask.text(by_client))
    except UnknownOrder:
        raise Problem(code) from None
    if order.symbol != symbol or is_forgotten(house, order):
        raise Problem(code)
    if house.is_spot and ask.has(by_id) and ask.has(by_client) and ask.text(by_client) != order.client_order_id:
        raise Problem(-2039)
    return order


def is_forgotten(house: House, order: Order) -> bool:
    """Futures keep no record of an order that could not fill all at once."""
    note = note_of(order)
    return not house.is_spot and note.time_in_force == "FOK" and order.status is Status.EXPIRED and order.filled_e8 == 0


def too_many_orders(verdict: Verdict) -> Problem:
    """The account placed more than a window allows."""
    window = verdict.window
    words = f"{window.name[:-1]} {WINDOW_WORDS[window.name[-1]]}" if window else ""
    return Problem(
        -1015,
        f"Too many new orders; current limit is {window.most if window else 0} orders per {words}.",
        headers={"Retry-After": str(verdict.retry_after_s)},
    )


def count_order(house: House, trader: Trader, count: int = 1) -> None:
    """Count new orders against the account's windows; raises -1015 where one is full."""
    verdict = house.limits.order(house.venue, trader.account.name, house.clock(), count)
    if not verdict.ok:
        raise too_many_orders(verdict)


def uncount_order(house: House, trader: Trader) -> None:
    """A refused order, or (spot) one that got its first fill, does not count."""
    house.limits.order_filled(house.venue, trader.account.name, house.clock())
