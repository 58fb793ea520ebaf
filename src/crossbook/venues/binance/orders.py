"""Answers about orders (place, cancel, query, lists, our trades) of REST and WS API, spot and USD-M, read strictly.

An answer that is not one of the documented shapes leaves its order UNKNOWN; nothing here raises for what a venue sent.
"""

from __future__ import annotations

import msgspec

from crossbook.venues.binance.errors import http_error, read_error
from crossbook.venues.binance.words import (
    SIDES,
    STATUSES,
    UNREADABLE,
    Amount,
    Id,
    Name,
    Number,
    SideWord,
    Stamp,
    order_type,
    refuse_repeated_names,
    stamp_ns,
    time_in_force,
    unknown_order,
    unless_none,
    unless_zero,
)
from crossbook.venues.messages import Error, Fill, Message, OrderStatus, OrderUpdate


class FillPart(msgspec.Struct, rename="camel", kw_only=True):
    """An element of `fills` of a spot order's FULL answer."""

    price: Amount
    qty: Amount
    commission: Number
    commission_asset: Name
    trade_id: Id


class OrderAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """An order as answers say it. Spot's ACK has neither status nor side; a cancel's own id is `clientOrderId`, and
    the order's is `origClientOrderId` (futures keep the order's)."""

    symbol: Name
    order_id: Id
    client_order_id: str
    orig_client_order_id: str | None = None
    status: str | None = None
    side: SideWord | None = None
    type: str | None = None
    time_in_force: str | None = None
    price: Amount | None = None
    orig_qty: Amount | None = None
    executed_qty: Amount | None = None
    avg_price: Amount | None = None
    stop_price: Amount | None = None
    reduce_only: bool | None = None
    position_side: str | None = None
    expiry_reason: str | None = None
    transact_time: Stamp | None = None
    update_time: Stamp | None = None
    time: Stamp | None = None
    fills: list[FillPart] | None = None


class OrderList(msgspec.Struct, rename="camel", kw_only=True):
    """An order list (OCO and its like) in the answer to cancel-all: its legs stand in `orderReports`."""

    order_list_id: Id
    order_reports: list[OrderAnswer]


class AlgoOrder(msgspec.Struct, rename="camel", kw_only=True):
    """A conditional order of USD-M, which is no order until it triggers."""

    algo_id: Id
    client_algo_id: str
    symbol: Name
    side: SideWord
    algo_status: str
    type: str | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    quantity: Amount | None = None
    price: Amount | None = None
    trigger_price: Amount | None = None
    reduce_only: bool | None = None
    position_side: str | None = None
    update_time: Stamp | None = None


class UserTrade(msgspec.Struct, rename="camel", kw_only=True):
    """A row of `myTrades` (spot) or `userTrades` (USD-M)."""

    symbol: Name
    id: Id
    order_id: Id
    price: Amount
    qty: Amount
    commission: Number
    commission_asset: Name
    time: Stamp
    is_buyer: bool | None = None
    is_maker: bool | None = None
    buyer: bool | None = None
    maker: bool | None = None
    realized_pnl: Number | None = None
    position_side: str | None = None


ALGO_STATUSES = STATUSES | {"TRIGGERING": OrderStatus.ACCEPTED, "TRIGGERED": OrderStatus.ACCEPTED}

_order = msgspec.json.Decoder(OrderAnswer)
_list = msgspec.json.Decoder(OrderList)
_algo = msgspec.json.Decoder(AlgoOrder)
_trade = msgspec.json.Decoder(UserTrade)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])


def order_answer(venue: str, body: bytes, status: int = 200, retry_after_s: str | None = None) -> list[Message]:
    """What an answer over HTTP to an order, a cancel or a query says: one order (and its fills), a list, or an error.

    Never raises: what cannot be read is an `OrderUpdate` or `Error` that says UNKNOWN.
    """
    if not 200 <= status < 300:
        return [http_error(venue, status, body, retry_after_s)]
    return order_result(venue, body)


def order_result(venue: str, body: bytes) -> list[Message]:
    """The same for a body that came with success: `result` of the WS API, or a 2xx. Never raises."""
    try:
        body.decode()  # strings that nobody reads are otherwise passed over
        refuse_repeated_names(body)
        return _result(venue, body)
    except UNREADABLE as error:
        return [unknown_order(venue, body, f"unreadable answer: {error}")]


def _result(venue: str, body: bytes) -> list[Message]:
    try:
        if body.lstrip()[:1] == b"[":
            return [message for element in _elements.decode(body) for message in _result(venue, bytes(element))]
        keys = _keys.decode(body)
        if "orderReports" in keys:
            return [update_of(venue, answer) for answer in _list.decode(body).order_reports]
        if "algoId" in keys:
            return [] if "code" in keys else [algo_update(venue, _algo.decode(body))]
        if "code" in keys:  # one element of a batch, or "all is well" after cancel-all
            return read_error(venue, body)
        answer = _order.decode(body)
    except UNREADABLE as error:
        return [unknown_order(venue, body, f"unreadable answer: {error}")]
    return [update_of(venue, answer), *fills_of(venue, answer)]


def user_trades(venue: str, body: bytes) -> list[Message]:
    """Our trades of one query. Raises `msgspec.DecodeError` where a row does not read: ask again, book nothing."""
    return [trade_fill(venue, _trade.decode(row)) for row in _elements.decode(body)]


def update_of(venue: str, said: OrderAnswer) -> OrderUpdate:
    """Where an answer says its order stands. An ACK says only that the venue has it."""
    status = OrderStatus.ACCEPTED
    reason = unless_none(said.expiry_reason)
    if said.status is not None:
        status = STATUSES.get(said.status, OrderStatus.UNKNOWN)
        if status is OrderStatus.UNKNOWN:
            reason = f"status {said.status}"
    elif said.transact_time is None:
        status, reason = OrderStatus.UNKNOWN, "neither status nor time"
    return OrderUpdate(
        venue=venue,
        instrument=said.symbol,
        side=None if said.side is None else SIDES[said.side],
        order_type=None if said.type is None else order_type(said.type),
        time_in_force=time_in_force(said.time_in_force, said.type),
        price=said.price,
        quantity=said.orig_qty,
        filled=said.executed_qty,
        average_price=unless_zero(said.avg_price),
        status=status,
        reason=reason,
        reduce_only=said.reduce_only,
        position_side=unless_none(said.position_side),
        trigger_price=unless_zero(said.stop_price),
        client_order_id=said.orig_client_order_id or said.client_order_id,
        venue_order_id=said.order_id,
        time_ns=stamp_ns(said.update_time or said.transact_time or said.time),
    )


def fills_of(venue: str, said: OrderAnswer) -> list[Message]:
    """The fills in a FULL answer; the user stream says them again, under the same trade ids."""
    if not said.fills:
        return []
    return [
        Fill(
            venue=venue,
            instrument=said.symbol,
            side=None if said.side is None else SIDES[said.side],
            price=part.price,
            quantity=part.qty,
            fee=part.commission,
            fee_asset=part.commission_asset,
            trade_id=part.trade_id,
            client_order_id=said.orig_client_order_id or said.client_order_id,
            venue_order_id=said.order_id,
            time_ns=stamp_ns(said.transact_time),
        )
        for part in said.fills
    ]


def algo_update(venue: str, said: AlgoOrder) -> OrderUpdate:
    """Where a conditional order stands. FINISHED does not say whether its order was filled: ask for that one."""
    status = ALGO_STATUSES.get(said.algo_status, OrderStatus.UNKNOWN)
    kind = said.order_type or said.type
    return OrderUpdate(
        venue=venue,
        instrument=said.symbol,
        side=SIDES[said.side],
        order_type=None if kind is None else order_type(kind),
        time_in_force=time_in_force(said.time_in_force, kind),
        price=unless_zero(said.price),
        quantity=said.quantity,
        status=status,
        reason=f"status {said.algo_status}" if status is OrderStatus.UNKNOWN else None,
        reduce_only=said.reduce_only,
        position_side=unless_none(said.position_side),
        conditional=True,
        trigger_price=said.trigger_price,
        client_order_id=said.client_algo_id,
        venue_order_id=said.algo_id,
        time_ns=stamp_ns(said.update_time),
    )


def trade_fill(venue: str, said: UserTrade) -> Fill:
    """A fill as a query says it. It names no client order id: the order's own id leads there."""
    buys = said.is_buyer if said.is_buyer is not None else said.buyer
    if buys is None:
        raise msgspec.ValidationError("a trade of ours says neither `isBuyer` nor `buyer`")
    return Fill(
        venue=venue,
        instrument=said.symbol,
        side=SIDES["BUY" if buys else "SELL"],
        price=said.price,
        quantity=said.qty,
        fee=said.commission,
        fee_asset=said.commission_asset,
        maker=said.is_maker if said.is_maker is not None else said.maker,
        trade_id=said.id,
        venue_order_id=said.order_id,
        realized=said.realized_pnl,
        position_side=unless_none(said.position_side),
        time_ns=stamp_ns(said.time),
    )


def is_unknown(messages: list[Message]) -> bool:
    """Whether an answer leaves it open what became of one order: then ask, and never send it again.

    No message at all is no answer about an order (to cancel-all and to a list of open orders it is a good one).
    """
    return not messages or any(
        (isinstance(one, OrderUpdate) and one.status is OrderStatus.UNKNOWN)
        or (isinstance(one, Error) and one.kind == "unknown")
        for one in messages
    )
