"""Futures orders of a served Binance: which are legal, and how they read in answers."""

from __future__ import annotations

from collections.abc import Mapping

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.money import E8, PPM, text_e8
from crossbook.types import Instrument, Side
from crossbook.venues.served.binance_house import House, average, fraction_text
from crossbook.venues.served.binance_info import MAX_OPEN_ORDERS, USDM_DOWN_PPM, USDM_TYPES, USDM_UP_PPM
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
from crossbook.venues.served.binance_problem import Problem, not_required
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_text import Forms, fixed, ms, times_e8
from crossbook.venues.served.facts import DuplicateOrder, Fill, Order, OrderKind, OrderRequest, Status, Wait
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
WAITS = {"GTC": Wait.GTC, "IOC": Wait.IOC, "FOK": Wait.FOK, "GTX": Wait.POST_ONLY}
CONDITIONAL = {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
STP_MODES = {"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"}
PRICE_MATCHES: Mapping[str, tuple[bool, int]] = {
    "OPPONENT": (True, 0), "OPPONENT_5": (True, 4), "OPPONENT_10": (True, 9), "OPPONENT_20": (True, 19),
    "QUEUE": (False, 0), "QUEUE_5": (False, 4), "QUEUE_10": (False, 9), "QUEUE_20": (False, 19),
}  # fmt: skip
"""Which side of the book gives the price, and its level there."""
REASONS = {
    Rejection.PRICE_FILTER: -4014, Rejection.LOT_FILTER: -4023, Rejection.INSUFFICIENT_MARGIN: -2019,
    Rejection.INSUFFICIENT_BALANCE: -2019, Rejection.REDUCE_ONLY: -2022, Rejection.WOULD_TAKE: -5022,
    Rejection.NOT_TRADING: -4141, Rejection.TOO_MANY_ORDERS: -2025, Rejection.UNKNOWN_INSTRUMENT: -1121,
}  # fmt: skip


def read_order(house: House, ask: Ask) -> OrderRequest:
    """The order that a request describes, checked against the symbol's rules; raises the venue's problem."""
    instrument = house.symbol(ask)
    side = SIDES[ask.word("side", SIDES, -1117)]
    kind = ask.text("type")
    if kind in CONDITIONAL:
        raise Problem(-4120)
    if kind not in USDM_TYPES:
        raise Problem(-1116)
    if ask.text("positionSide", "BOTH") != "BOTH":
        raise Problem(-4061 if ask.text("positionSide") in ("LONG", "SHORT") else -4060)
    if ask.flag("closePosition"):
        raise Problem(-4120)
    stp = ask.text("selfTradePreventionMode", "EXPIRE_MAKER")
    if stp not in STP_MODES:
        raise Problem(-5039, "Invalid self trade prevention mode.")
    reduce_only = ask.flag("reduceOnly")
    match = ask.text("priceMatch", "NONE")
    quantity = ask.decimal("quantity")
    if kind == "MARKET":
        if ask.has("price"):
            raise not_required("price")
        if match != "NONE":
            raise Problem(-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT.")
        wait, price = Wait.IOC, 0
    else:
        wait = WAITS[ask.word("timeInForce", WAITS, -1115)]
        price = ask.decimal("price") if match == "NONE" else matched_price(house, instrument, side, match, ask)
    check_filters(house, instrument, side, kind, price, quantity, reduce_only)
    note = OrderNote(
        order_type=kind, time_in_force=ask.text("timeInForce", "GTC"), stp=stp,
        working_type=ask.text("workingType", "CONTRACT_PRICE"), price_match=match,
    )  # fmt: skip
    return OrderRequest(
        venue=house.venue, symbol=instrument.symbol, side=side, quantity_e8=quantity, price_e8=price,
        kind=OrderKind.MARKET if kind == "MARKET" else OrderKind.LIMIT, wait=wait, reduce_only=reduce_only,
        client_order_id=client_id(house, ask), note=note,
    )  # fmt: skip


def matched_price(house: House, instrument: Instrument, side: Side, match: str, ask: Ask) -> int:
    """The price that `priceMatch` names in the book as it stands."""
    if match not in PRICE_MATCHES:
        raise Problem(-5037, "Invalid price match")
    if ask.has("price"):
        raise not_required("price")
    opposite, level = PRICE_MATCHES[match]
    book = house.world.book(house.venue, instrument.symbol, level + 1)
    levels = book.asks if opposite == (side is Side.BUY) else book.bids
    if len(levels) <= level:
        raise Problem(-5041, "No depth matches this BBO order")
    return levels[level][0]


def check_filters(
    house: House, instrument: Instrument, side: Side, kind: str, price: int, quantity: int, reduce_only: bool
) -> None:
    """The symbol's rules, each with a code of its own."""
    mark = house.world.mark(house.venue, instrument.symbol).mark_e8
    form = house.form(instrument.symbol)
    if kind != "MARKET":
        _check_price(instrument, side, price, mark, form)
    lots, rest = divmod(quantity, instrument.lot_e8)
    if rest and not _fits(quantity, form.quantity_decimals):
        raise Problem(-1111, "Precision is over the maximum defined for this asset.")
    if quantity <= 0:
        raise Problem(-4003)
    if rest:
        raise Problem(-4023)
    if lots < instrument.min_lots:
        raise Problem(-4004)
    if lots > instrument.max_lots:
        raise Problem(-4005)
    if not reduce_only and times_e8(price if kind != "MARKET" else mark, quantity) < instrument.min_notional_e8:
        raise too_small(instrument)


def too_small(instrument: Instrument) -> Problem:
    """An order's notional is below the least."""
    least = text_e8(instrument.min_notional_e8)
    return Problem(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


def _check_price(instrument: Instrument, side: Side, price: int, mark: int, form: Forms) -> None:
    tick = instrument.tick_e8
    if price % tick and not _fits(price, form.price_decimals):
        raise Problem(-1111, "Precision is over the maximum defined for this asset.")
    if price <= 0:
        raise Problem(-4001)
    if price < tick:
        raise Problem(-4013)
    if price > instrument.max_ticks * tick:
        raise Problem(-4002)
    if price % tick:
        raise Problem(-4014)
    if side is Side.BUY and price * PPM > mark * USDM_UP_PPM > 0:
        most = mark * USDM_UP_PPM // PPM // tick * tick
        raise Problem(-4016, f"Limit price can't be higher than {form.price(most)}.")
    if side is Side.SELL and price * PPM < mark * USDM_DOWN_PPM:
        least = -(-(mark * USDM_DOWN_PPM // PPM) // tick) * tick
        raise Problem(-4024, f"Limit price can't be lower than {form.price(least)}.")


def _fits(amount_e8: int, decimals: int) -> bool:
    step: int = E8 // 10**decimals
    return amount_e8 % step == 0


def place(house: House, trader: Trader, request: OrderRequest) -> Order:
    """Place an order; raises the venue's problem where it is refused."""
    if len(trader.open_orders(house.venue, request.symbol)) >= MAX_OPEN_ORDERS:
        raise Problem(-2025)
    count_order(house, trader)
    try:
        order = trader.submit(request)
    except DuplicateOrder:
        uncount_order(house, trader)
        raise Problem(-4116) from None
    except Refused as refused:
        uncount_order(house, trader)
        raise Problem(-2010, str(refused)) from None
    if order.status is Status.REJECTED:
        uncount_order(house, trader)
        raise reason_problem(house, order)
    if request.wait is Wait.FOK and order.status is Status.EXPIRED and order.filled_e8 == 0:
        uncount_order(house, trader)
        raise Problem(-5021)
    return order


def reason_problem(house: House, order: Order) -> Problem:
    """The venue's code for why the world refused an order."""
    if order.reason is Rejection.MIN_NOTIONAL:
        return too_small(house.instruments[order.symbol])
    if order.reason is Rejection.PRICE_BAND:
        return Problem(-4016, "Limit price can't be higher than the mark allows.")
    return Problem(REASONS.get(order.reason or Rejection.NOT_TRADING, -4141))


def order_row(house: House, order: Order, is_new: bool = False) -> Json:
    """An order as every answer tells it. `is_new`: as a futures ACK shows a market order, before its fills."""
    note, form = note_of(order), house.form(order.symbol)
    filled, notional = (0, 0) if is_new else (order.filled_e8, order.notional_e8)
    mean = fraction_text(average(notional, filled), form.price_decimals + 1 if filled else 2)
    return {
        "orderId": order.venue_order_id, "symbol": order.symbol, "status": "NEW" if is_new else STATES[order.status],
        "clientOrderId": order.client_order_id, "price": price_of(order, note, form), "avgPrice": mean,
        "origQty": form.quantity(order.quantity_e8), "executedQty": form.quantity(filled),
        "cumQty": form.quantity(filled), "cumQuote": fixed(notional), "timeInForce": note.time_in_force,
        "type": note.order_type, "reduceOnly": order.request.reduce_only, "closePosition": False,
        "side": side_name(order.side), "positionSide": "BOTH", "stopPrice": form.price(0),
        "workingType": note.working_type, "priceProtect": False, "origType": note.order_type,
        "priceMatch": note.price_match, "selfTradePreventionMode": note.stp, "goodTillDate": 0,
        "time": ms(order.created_ns), "updateTime": ms(order.updated_ns),
    }  # fmt: skip


def price_of(order: Order, note: OrderNote, form: Forms) -> str:
    """A market order has no price."""
    return form.price(0 if note.order_type == "MARKET" else order.price_e8)


def response(house: House, ask: Ask, order: Order) -> Json:
    """The answer to a new order: ACK says NEW whatever happened, RESULT the state it came to."""
    kind = ask.text("newOrderRespType", "ACK")
    if kind not in ("ACK", "RESULT"):
        raise Problem(-1136)
    return order_row(house, order, is_new=kind == "ACK")


def fill_row(house: House, fill: Fill) -> Json:
    """A fill as userTrades tells it."""
    form, instrument = house.form(fill.symbol), house.instruments[fill.symbol]
    return {
        "buyer": fill.side is Side.BUY, "commission": fixed(fill.fee_e8), "commissionAsset": fill.fee_asset,
        "id": fill.trade_id, "maker": fill.maker, "orderId": fill.venue_order_id, "price": form.price(fill.price_e8),
        "qty": form.quantity(fill.quantity_e8), "quoteQty": fixed(fill.notional_e8),
        "baseQty": form.quantity(fill.quantity_e8), "marginAsset": instrument.settle,
        "realizedPnl": fixed(fill.realized_e8), "side": side_name(fill.side), "positionSide": "BOTH",
        "symbol": fill.symbol, "pair": fill.symbol, "time": ms(fill.time_ns),
    }  # fmt: skip
