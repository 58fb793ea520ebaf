"""Spot orders of a served Binance: which are legal, and how they read in answers and events."""

from __future__ import annotations

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.money import E8, PPM
from crossbook.types import Instrument, Side
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_info import (
    MAX_OPEN_ORDERS,
    SPOT_DOWN_PPM,
    SPOT_TYPES,
    SPOT_UP_PPM,
    STP_MODES,
)
from crossbook.venues.served.binance_market import average_of
from crossbook.venues.served.binance_order_words import (
    SIDES,
    STATES,
    OrderNote,
    client_id,
    count_order,
    note_of,
    side_name,
    uncount_order,
)
from crossbook.venues.served.binance_problem import Problem, filtered, missing, not_required, rejected
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_text import ZERO, fixed, ms, times_e8
from crossbook.venues.served.facts import DuplicateOrder, Fill, Order, OrderKind, OrderRequest, Status, Wait
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
WAITS = {"GTC": Wait.GTC, "IOC": Wait.IOC, "FOK": Wait.FOK}
UNSUPPORTED = {
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "STOP_LOSS_LIMIT": "Stop loss limit orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}
RESPONSES = {"ACK", "RESULT", "FULL"}
REASONS = {
    Rejection.PRICE_FILTER: filtered("PRICE_FILTER"), Rejection.LOT_FILTER: filtered("LOT_SIZE"),
    Rejection.MIN_NOTIONAL: filtered("NOTIONAL"), Rejection.PRICE_BAND: filtered("PERCENT_PRICE_BY_SIDE"),
    Rejection.INSUFFICIENT_BALANCE: rejected("Account has insufficient balance for requested action."),
    Rejection.WOULD_TAKE: rejected("Order would immediately match and take."),
    Rejection.NOT_TRADING: rejected("Market is closed."), Rejection.TOO_MANY_ORDERS: filtered("MAX_NUM_ORDERS"),
    Rejection.UNKNOWN_INSTRUMENT: Problem(-1121),
}  # fmt: skip


def read_order(house: House, ask: Ask) -> OrderRequest:
    """The order that a request describes, with every filter passed; raises the venue's problem."""
    instrument = house.symbol(ask)
    side = SIDES[ask.word("side", SIDES, -1117)]
    kind = ask.text("type")
    if kind in UNSUPPORTED:
        raise rejected(UNSUPPORTED[kind])
    if kind not in SPOT_TYPES:
        raise Problem(-1116)
    wait = _wait(ask, kind)
    if ask.has("icebergQty"):
        raise rejected("Iceberg orders are not supported for this symbol.")
    stp = ask.text("selfTradePreventionMode", "EXPIRE_MAKER")
    if stp not in STP_MODES:
        raise Problem(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    if kind == "MARKET":
        if ask.has("price"):
            raise not_required("price")
        if ask.has("quantity") == ask.has("quoteOrderQty"):
            raise missing("quantity") if not ask.has("quantity") else not_required("quoteOrderQty")
        price, quantity, amount = 0, ask.decimal("quantity", 0), ask.decimal("quoteOrderQty", 0)
        if amount == quantity == 0:
            raise rejected("Price * QTY is zero or less.")
    else:
        if ask.has("quoteOrderQty"):
            raise not_required("quoteOrderQty")
        price, quantity, amount = ask.decimal("price"), ask.decimal("quantity"), 0
    strategy_type = ask.integer("strategyType") if ask.has("strategyType") else None
    if strategy_type is not None and strategy_type < 1_000_000:
        raise Problem(-1134, "strategyType was less than 1000000.")
    check_filters(house, instrument, side, kind, price, quantity, amount)
    note = OrderNote(
        order_type=kind, time_in_force=ask.text("timeInForce", "GTC"), stp=stp, quote_amount_e8=amount,
        strategy_id=ask.integer("strategyId") if ask.has("strategyId") else None, strategy_type=strategy_type,
    )  # fmt: skip
    return OrderRequest(
        venue=house.venue, symbol=instrument.symbol, side=side, quantity_e8=quantity, price_e8=price,
        kind=OrderKind.MARKET if kind == "MARKET" else OrderKind.LIMIT, wait=wait, quote_amount_e8=amount,
        client_order_id=client_id(house, ask), note=note,
    )  # fmt: skip


def _wait(ask: Ask, kind: str) -> Wait:
    if kind == "LIMIT":
        return WAITS[ask.word("timeInForce", WAITS, -1115)]
    if ask.has("timeInForce"):
        raise not_required("timeInForce")
    return Wait.POST_ONLY if kind == "LIMIT_MAKER" else Wait.IOC


def check_filters(
    house: House, instrument: Instrument, side: Side, kind: str, price: int, quantity: int, amount: int
) -> None:
    """The symbol's filters, in the order in which exchangeInfo lists them."""
    average = average_of(house, instrument.symbol)
    if kind != "MARKET":
        if not instrument.tick_e8 <= price <= instrument.max_ticks * instrument.tick_e8 or price % instrument.tick_e8:
            raise filtered("PRICE_FILTER")
    if not amount:
        lots, rest = divmod(quantity, instrument.lot_e8)
        if rest or not instrument.min_lots <= lots <= instrument.max_lots:
            raise filtered("LOT_SIZE")
    if kind != "MARKET" and average > 0:
        if not average * SPOT_DOWN_PPM <= price * PPM <= average * SPOT_UP_PPM:
            raise filtered("PERCENT_PRICE_BY_SIDE")
    notional = amount or times_e8(price if kind != "MARKET" else average, quantity)
    if notional < instrument.min_notional_e8 or (kind != "MARKET" and notional > 9_000_000 * E8):
        raise filtered("NOTIONAL")


def place(house: House, trader: Trader, request: OrderRequest) -> Order:
    """Place an order; raises the venue's problem where it is refused."""
    if len(trader.open_orders(house.venue, request.symbol)) >= MAX_OPEN_ORDERS:
        raise filtered("MAX_NUM_ORDERS")
    count_order(house, trader)
    try:
        order = trader.submit(request)
    except DuplicateOrder:
        uncount_order(house, trader)
        raise rejected("Duplicate order sent.") from None
    except Refused as refused:
        uncount_order(house, trader)
        raise rejected(str(refused)) from None
    if order.status is Status.REJECTED:
        uncount_order(house, trader)
        reason = REASONS.get(order.reason or Rejection.NOT_TRADING, REASONS[Rejection.NOT_TRADING])
        raise Problem(reason.code, reason.text)
    return order


def response(house: House, ask: Ask, order: Order) -> Json:
    """The answer to a new order, as long as the client wanted it."""
    note = note_of(order)
    default = "FULL" if note.order_type in ("LIMIT", "MARKET") else "ACK"
    kind = ask.text("newOrderRespType", default)
    if kind not in RESPONSES:
        raise Problem(-1136)
    row: Json = {
        "symbol": order.symbol, "orderId": order.venue_order_id, "orderListId": -1,
        "clientOrderId": order.client_order_id, "transactTime": ms(order.updated_ns),
    }  # fmt: skip
    if kind == "ACK":
        return row
    row |= terms(order, note) | {"workingTime": ms(order.created_ns), "selfTradePreventionMode": note.stp}
    row |= _optional(order, note)
    if kind == "FULL":
        row["fills"] = [
            {"price": fixed(fill.price_e8), "qty": fixed(fill.quantity_e8), "commission": fixed(fill.fee_e8),
             "commissionAsset": fill.fee_asset, "tradeId": fill.trade_id}
            for fill in order.fills
        ]  # fmt: skip
    return row


def price_of(order: Order, note: OrderNote) -> str:
    """A market order has no price."""
    return ZERO if note.order_type == "MARKET" else fixed(order.price_e8)


def terms(order: Order, note: OrderNote) -> Json:
    """What all answers say of an order's terms and fills."""
    return {
        "price": price_of(order, note), "origQty": fixed(order.quantity_e8), "executedQty": fixed(order.filled_e8),
        "origQuoteOrderQty": fixed(note.quote_amount_e8), "cummulativeQuoteQty": fixed(order.notional_e8),
        "status": STATES[order.status], "timeInForce": note.time_in_force, "type": note.order_type,
        "side": side_name(order.side),
    }  # fmt: skip


def _optional(order: Order, note: OrderNote) -> Json:
    row: Json = {}
    if note.strategy_id is not None:
        row["strategyId"] = note.strategy_id
    if note.strategy_type is not None:
        row["strategyType"] = note.strategy_type
    if order.status is Status.EXPIRED:
        row["expiryReason"] = expiry_reason(note)
    return row


def expiry_reason(note: OrderNote) -> str:
    """Why an order ended by its own terms."""
    if note.time_in_force == "FOK":
        return "UNFILLED_FOK_ORDER_EXPIRED"
    return "UNFILLED_IOC_QUANTITY_EXPIRED" if note.time_in_force == "IOC" else "INSUFFICIENT_LIQUIDITY"


def queried(order: Order) -> Json:
    """An order as a query tells it."""
    note = note_of(order)
    return {
        "symbol": order.symbol, "orderId": order.venue_order_id, "orderListId": -1,
        "clientOrderId": order.client_order_id, **terms(order, note), "stopPrice": ZERO, "icebergQty": ZERO,
        "time": ms(order.created_ns), "updateTime": ms(order.updated_ns), "isWorking": True,
        "workingTime": ms(order.created_ns), "selfTradePreventionMode": note.stp, **_optional(order, note),
    }  # fmt: skip


def canceled(order: Order) -> Json:
    """The answer to a cancel: `clientOrderId` is the cancel's own."""
    note = note_of(order)
    return {
        "symbol": order.symbol, "origClientOrderId": order.client_order_id, "orderId": order.venue_order_id,
        "orderListId": -1, "clientOrderId": note.other_id, "transactTime": ms(order.updated_ns), **terms(order, note),
        "selfTradePreventionMode": note.stp, **_optional(order, note),
    }  # fmt: skip


def fill_row(fill: Fill) -> Json:
    """A fill as myTrades tells it."""
    return {
        "symbol": fill.symbol, "id": fill.trade_id, "orderId": fill.venue_order_id, "orderListId": -1,
        "price": fixed(fill.price_e8), "qty": fixed(fill.quantity_e8), "quoteQty": fixed(fill.notional_e8),
        "commission": fixed(fill.fee_e8), "commissionAsset": fill.fee_asset, "time": ms(fill.time_ns),
        "isBuyer": fill.side is Side.BUY, "isMaker": fill.maker, "isBestMatch": True,
    }  # fmt: skip
