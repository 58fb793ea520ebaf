"""What a served Binance USD-M futures does with orders: place, modify, cancel, ask, one or many at a time."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.timestamp import NS_PER_MS
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_order_words import SIDES, find, is_forgotten, note_of
from crossbook.venues.served.binance_problem import Problem, either, illegal
from crossbook.venues.served.binance_request import Ask, raw_text
from crossbook.venues.served.binance_spot import span
from crossbook.venues.served.binance_text import ms
from crossbook.venues.served.binance_usdm_orders import (
    check_filters,
    fill_row,
    matched_price,
    order_row,
    place,
    read_order,
    reason_problem,
    response,
)
from crossbook.venues.served.facts import Order, Status, UnknownOrder
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
ORDERS_MOST, CANCELS_MOST = 5, 10
WEEK_HOURS = 7 * 24
DONE: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}


def new_order(house: House, ask: Ask) -> object:
    """Place an order."""
    return response(house, ask, place(house, house.trader(ask), read_order(house, ask)))


def test_order(house: House, ask: Ask) -> object:
    """Check an order without placing it."""
    read_order(house, ask)
    return {}


def modify_order(house: House, ask: Ask) -> object:
    """Change an open order's price and quantity; it goes to the back of the queue."""
    trader = house.trader(ask)
    order = find(house, trader, ask, -2013)
    note = note_of(order)
    if note.order_type != "LIMIT":
        raise Problem(-5025)
    if not order.is_open:
        raise Problem(-2013)
    if SIDES[ask.word("side", SIDES, -1117)] is not order.side:
        raise Problem(-1117)
    if ask.flag("reduceOnly") and not order.request.reduce_only:
        raise Problem(-5047)
    instrument, match = house.instruments[order.symbol], ask.text("priceMatch", "NONE")
    quantity = ask.decimal("quantity")
    price = (
        ask.decimal("price") if match == "NONE" else matched_price(house, instrument, order.side, match, ask)
    )  # fmt: skip
    if (price, quantity) == (order.price_e8, order.quantity_e8):
        raise Problem(-5027)
    check_filters(house, instrument, order.side, "LIMIT", price, quantity, order.request.reduce_only)
    request = msgspec.structs.replace(
        order.request, price_e8=price, quantity_e8=quantity, client_order_id=order.client_order_id
    )
    try:
        changed = trader.modify(
            house.venue, venue_order_id=order.venue_order_id, request=request, keep_id=True
        )  # fmt: skip
    except UnknownOrder:
        raise Problem(-2013) from None
    except Refused as refused:
        raise Problem(-2010, str(refused)) from None
    if changed.status is Status.REJECTED and changed.reason is Rejection.WOULD_TAKE:
        changed = _cancel(house, trader, order)
    if changed.status is Status.REJECTED:
        raise reason_problem(house, changed)
    row = order_row(house, changed) | {"pair": changed.symbol}
    return row | {"modifyId": ask.integer("modifyId")} if ask.has("modifyId") else row


def cancel_order(house: House, ask: Ask) -> object:
    """Take one order back."""
    trader = house.trader(ask)
    return order_row(house, _cancel(house, trader, find(house, trader, ask, -2011)))


def _cancel(house: House, trader: Trader, order: Order) -> Order:
    if not order.is_open:
        raise Problem(-2011)
    try:
        return trader.cancel(house.venue, venue_order_id=order.venue_order_id)
    except UnknownOrder:
        raise Problem(-2011) from None


def cancel_open_orders(house: House, ask: Ask) -> object:
    """Take all orders of a symbol back, also if there are none."""
    house.trader(ask).cancel_all(house.venue, house.symbol(ask).symbol)
    return DONE


def batch_new(house: House, ask: Ask) -> object:
    """Up to five orders, each with an answer of its own."""
    return [_told(house, one, new_order) for one in _batch(ask)]


def batch_modify(house: House, ask: Ask) -> object:
    """Up to five changes, each with an answer of its own."""
    return [_told(house, one, modify_order) for one in _batch(ask)]


def batch_cancel(house: House, ask: Ask) -> object:
    """Up to ten cancels of one symbol, each with an answer of its own."""
    lower = {name.lower(): value for name, value in ask.params.items()}
    lists = Ask(way=ask.way, params={name: lower.get(name, "") for name in ("orderidlist", "origclientorderidlist")})
    named = "orderId" if lists.has("orderidlist") else "origClientOrderId"
    if not lists.has("orderidlist") and not lists.has("origclientorderidlist"):
        raise either("orderIdList", "origClientOrderIdList")
    ids = lists.strings("orderidlist" if named == "orderId" else "origclientorderidlist")
    if len(ids) > CANCELS_MOST:
        raise Problem(-4082)
    symbol = house.symbol(ask).symbol
    return [
        _told(house, Ask(way=ask.way, params={"symbol": symbol, named: one}, account=ask.account), cancel_order)
        for one in ids
    ]


def _batch(ask: Ask) -> list[Ask]:
    try:
        rows = msgspec.json.decode(ask.text("batchOrders"), type=list[dict[str, msgspec.Raw]])
    except msgspec.MsgspecError:
        raise illegal("batchOrders", "[{...},{...}]") from None
    if not 0 < len(rows) <= ORDERS_MOST:
        raise Problem(-4082)
    return [
        Ask(way=ask.way, account=ask.account, received_ns=ask.received_ns,
            params={name: raw_text(value) for name, value in row.items() if bytes(value) != b"null"})
        for row in rows
    ]  # fmt: skip


def _told(house: House, ask: Ask, handler: Callable[[House, Ask], object]) -> object:
    try:
        return handler(house, ask)
    except Problem as problem:
        return problem.body()


def query_order(house: House, ask: Ask) -> object:
    """One order, open or not."""
    return order_row(house, find(house, house.trader(ask), ask, -2013))


def query_open_order(house: House, ask: Ask) -> object:
    """One order, if it is open."""
    order = find(house, house.trader(ask), ask, -2013)
    if not order.is_open:
        raise Problem(-2013)
    return order_row(house, order)


def open_orders(house: House, ask: Ask) -> object:
    """Open orders, of a symbol or all."""
    symbol = house.symbol(ask).symbol if ask.has("symbol") else None
    return [order_row(house, order) for order in house.trader(ask).open_orders(house.venue, symbol)]


def all_orders(house: House, ask: Ask) -> object:
    """A symbol's orders, oldest first."""
    start, end, limit, oldest = span(ask, WEEK_HOURS)
    first = ask.integer("orderId", 0)
    found = [
        order
        for order in house.trader(ask).orders(house.venue, house.symbol(ask).symbol)
        if order.venue_order_id >= first and start <= ms(order.created_ns) <= end and not is_forgotten(house, order)
    ]
    return [order_row(house, order) for order in (found[:limit] if oldest or ask.has("orderId") else found[-limit:])]


def user_trades(house: House, ask: Ask) -> object:
    """A symbol's fills, oldest first."""
    start, end, limit, oldest = span(ask, WEEK_HOURS)
    order_id = ask.integer("orderId") if ask.has("orderId") else None
    first = ask.integer("fromId", 0)
    symbol = house.symbol(ask).symbol if ask.has("symbol") else None
    found = [
        fill
        for fill in house.trader(ask).fills(house.venue, symbol)
        if start <= ms(fill.time_ns) <= end
        and fill.trade_id >= first
        and (order_id is None or fill.venue_order_id == order_id)
    ]
    return [fill_row(house, fill) for fill in (found[:limit] if oldest or ask.has("fromId") else found[-limit:])]


def force_orders(house: House, ask: Ask) -> object:
    """Liquidations of the account."""
    symbol = house.symbol(ask).symbol if ask.has("symbol") else None
    return [
        fill_row(house, fill) | {"clientOrderId": fill.client_order_id}
        for fill in house.trader(ask).fills(house.venue, symbol)
        if fill.liquidation
    ]


def countdown(house: House, ask: Ask) -> object:
    """Take all orders of a symbol back when this many milliseconds pass without a further call; 0 ends it."""
    symbol, after_ms = house.symbol(ask).symbol, ask.integer("countdownTime")
    if after_ms < 0:
        raise illegal("countdownTime", "^[0-9]{1,20}$")
    house.trader(ask).countdown(house.venue, symbol, after_ms * NS_PER_MS)
    return {"symbol": symbol, "countdownTime": str(after_ms)}
