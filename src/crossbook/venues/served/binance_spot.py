"""What a served Binance spot does for an account: orders, queries, balances."""

from __future__ import annotations

from crossbook.errors import Refused
from crossbook.venues.served.binance_house import Answer, House
from crossbook.venues.served.binance_info import SPOT_LIMITS
from crossbook.venues.served.binance_order_words import client_id, count_order, find, note_of, too_many_orders
from crossbook.venues.served.binance_problem import Problem, missing
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_spot_orders import (
    canceled,
    check_filters,
    fill_row,
    place,
    queried,
    read_order,
    response,
    terms,
)
from crossbook.venues.served.binance_text import ZERO, fixed, ms
from crossbook.venues.served.facts import Order, Status, UnknownOrder
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
RESTRICTIONS = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIAL}
WINDOWS = {("SECOND", 10): "10S", ("DAY", 1): "1D"}


def new_order(house: House, ask: Ask) -> object:
    """Place an order."""
    return response(house, ask, place(house, house.trader(ask), read_order(house, ask)))


def test_order(house: House, ask: Ask) -> object:
    """Check an order without placing it."""
    read_order(house, ask)
    if not ask.flag("computeCommissionRates"):
        return {}
    rates = _rates(house, ask)
    return {
        "standardCommissionForOrder": {"maker": rates[0], "taker": rates[1]},
        "taxCommissionForOrder": {"maker": ZERO, "taker": ZERO},
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": ZERO},
    }


def query_order(house: House, ask: Ask) -> object:
    """One order, open or not."""
    return queried(find(house, house.trader(ask), ask, -2013))


def cancel_order(house: House, ask: Ask) -> object:
    """Take one order back."""
    trader = house.trader(ask)
    return canceled(cancel(house, trader, ask, find(house, trader, ask, -2011), "newClientOrderId"))


def cancel(house: House, trader: Trader, ask: Ask, order: Order, id_name: str) -> Order:
    """Take this order back, if the restrictions of the request allow it."""
    if ask.has("cancelRestrictions"):
        wanted = RESTRICTIONS.get(ask.text("cancelRestrictions"))
        if wanted is None:
            raise Problem(-1145)
        if order.is_open and order.status is not wanted:
            raise Problem(-2011, "Order was not canceled due to cancel restrictions.")
    if not order.is_open:
        raise Problem(-2011)
    note_of(order).other_id = client_id(house, ask, id_name)
    try:
        return trader.cancel(house.venue, venue_order_id=order.venue_order_id)
    except UnknownOrder:
        raise Problem(-2011) from None


def cancel_open_orders(house: House, ask: Ask) -> object:
    """Take all orders of a symbol back."""
    trader, symbol = house.trader(ask), house.symbol(ask).symbol
    shared = house.fresh_id()
    for order in trader.open_orders(house.venue, symbol):
        note_of(order).other_id = shared
    gone = trader.cancel_all(house.venue, symbol)
    if not gone:
        raise Problem(-2011)
    return [canceled(order) for order in gone]


def cancel_replace(house: House, ask: Ask) -> object:
    """Take one order back and place another; what became of each leg is told."""
    trader = house.trader(ask)
    mode = ask.text("cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise missing("cancelReplaceMode")
    exceeded = ask.text("orderRateLimitExceededMode", "DO_NOTHING")
    if exceeded not in ("DO_NOTHING", "CANCEL_ONLY"):
        raise missing("orderRateLimitExceededMode")
    request = read_order(house, ask)
    full = _full_window(house, trader)
    if full is not None and exceeded == "DO_NOTHING":
        raise full
    try:
        found = find(house, trader, ask, -2011, "cancelOrderId", "cancelOrigClientOrderId")
        gone: Json | Problem = canceled(cancel(house, trader, ask, found, "cancelNewClientOrderId"))
    except Problem as problem:
        gone = problem
    placed: Json | Problem | None = None
    if isinstance(gone, Problem) and mode == "STOP_ON_FAILURE":
        count_order(house, trader)
    elif full is not None:
        placed = full
    else:
        try:
            placed = response(house, ask, place(house, trader, request))
        except Problem as problem:
            placed = problem
    return _both_legs(gone, placed, mode, full is not None)


def _full_window(house: House, trader: Trader) -> Problem | None:
    """The problem that a further order would meet, without counting one."""
    verdict = house.limits.order(house.venue, trader.account.name, house.clock(), 0)
    rules = house.limits.rules[house.venue].orders
    if all(verdict.counts[window.name] < window.most for window in rules):
        return None
    refused = house.limits.order(house.venue, trader.account.name, house.clock())
    return too_many_orders(refused)


def _both_legs(gone: Json | Problem, placed: Json | Problem | None, mode: str, is_full: bool) -> Answer:
    failed = isinstance(gone, Problem), not isinstance(placed, dict)
    data: Json = {
        "cancelResult": "FAILURE" if failed[0] else "SUCCESS",
        "newOrderResult": "NOT_ATTEMPTED" if placed is None else "FAILURE" if failed[1] else "SUCCESS",
        "cancelResponse": gone.body() if isinstance(gone, Problem) else gone,
        "newOrderResponse": placed.body() if isinstance(placed, Problem) else placed,
    }
    if not any(failed):
        return Answer(data)
    if all(failed):
        raise Problem(-2022, "Order cancel-replace failed.", extra={"data": data})
    status = 429 if is_full and mode == "STOP_ON_FAILURE" else 409
    raise Problem(-2021, status=status, extra={"data": data})


def amend_order(house: House, ask: Ask) -> object:
    """Lower an order's quantity; it keeps its place in the queue."""
    trader = house.trader(ask)
    order = find(house, trader, ask, -2013)
    quantity = ask.decimal("newQty")
    if not order.is_open:
        raise Problem(-2038, "Unknown order sent.")
    if quantity == order.quantity_e8:
        raise Problem(-2038, "The requested action would change no state; rejecting")
    if quantity > order.quantity_e8:
        raise Problem(-2038, "Order amend (quantity increase) is not supported.")
    note, old_id = note_of(order), order.client_order_id
    request = order.request
    check_filters(
        house, house.instruments[order.symbol], order.side, note.order_type, request.price_e8, quantity, 0
    )  # fmt: skip
    new_id = client_id(house, ask)
    if quantity <= order.filled_e8:
        note.other_id = new_id
        order = trader.cancel(house.venue, venue_order_id=order.venue_order_id)
    else:
        note.other_id = old_id
        try:
            order = trader.shrink(
                house.venue,
                venue_order_id=order.venue_order_id,
                quantity_e8=quantity,
                new_client_order_id="" if new_id == old_id else new_id,
            )
        except Refused as refused:
            raise Problem(-2038, str(refused)) from None
    told = terms(order, note)
    return {
        "transactTime": ms(order.updated_ns), "executionId": order.number,
        "amendedOrder": {
            "symbol": order.symbol, "orderId": order.venue_order_id, "orderListId": -1, "origClientOrderId": old_id,
            "clientOrderId": new_id, "price": told["price"], "qty": told["origQty"],
            "executedQty": told["executedQty"], "preventedQty": ZERO, "quoteOrderQty": ZERO,
            "cumulativeQuoteQty": told["cummulativeQuoteQty"], "status": told["status"],
            "timeInForce": told["timeInForce"], "type": told["type"], "side": told["side"],
            "workingTime": ms(order.created_ns), "selfTradePreventionMode": note.stp,
        },
    }  # fmt: skip


def open_orders(house: House, ask: Ask) -> object:
    """Open orders, of a symbol or all."""
    symbol = house.symbol(ask).symbol if ask.has("symbol") else None
    return [queried(order) for order in house.trader(ask).open_orders(house.venue, symbol)]


def all_orders(house: House, ask: Ask) -> object:
    """A symbol's orders, oldest first."""
    start, end, limit, oldest = span(ask)
    first = ask.integer("orderId", 0)
    found = [
        order
        for order in house.trader(ask).orders(house.venue, house.symbol(ask).symbol)
        if order.venue_order_id >= first and start <= ms(order.created_ns) <= end
    ]
    return [queried(order) for order in (found[:limit] if oldest or ask.has("orderId") else found[-limit:])]


def span(ask: Ask, hours: int = 24) -> tuple[int, int, int, bool]:
    """(start, end, limit, whether the oldest are wanted) of a query by time; raises -1127 for too wide a one."""
    start, end = ask.integer("startTime", 0), ask.integer("endTime", 1 << 62)
    if ask.has("startTime") and ask.has("endTime") and end - start > hours * 3_600_000:
        raise Problem(-1127, f"More than {hours} hours between startTime and endTime.")
    limit = min(ask.integer("limit", 500), 1000)
    if limit < 1:
        raise Problem(-1130, "Data sent for parameter 'limit' is not valid.")
    return start, end, limit, ask.has("startTime")


def my_trades(house: House, ask: Ask) -> object:
    """A symbol's fills, oldest first."""
    start, end, limit, oldest = span(ask)
    order_id = ask.integer("orderId") if ask.has("orderId") else None
    first = ask.integer("fromId", 0)
    found = [
        fill
        for fill in house.trader(ask).fills(house.venue, house.symbol(ask).symbol)
        if start <= ms(fill.time_ns) <= end
        and fill.trade_id >= first
        and (order_id is None or fill.venue_order_id == order_id)
    ]
    return [fill_row(fill) for fill in (found[:limit] if oldest or ask.has("fromId") else found[-limit:])]


def account(house: House, ask: Ask) -> object:
    """Balances, rates and permissions."""
    trader = house.trader(ask)
    maker, taker = _ppm(house, trader)
    hidden = ask.flag("omitZeroBalances")
    may_trade = house.may_trade(trader.account)
    balances = trader.balances(house.venue)
    return {
        "makerCommission": maker // 100, "takerCommission": taker // 100, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": fixed(maker * 100), "taker": fixed(taker * 100), "buyer": ZERO, "seller": ZERO},
        "canTrade": may_trade, "canWithdraw": False, "canDeposit": False, "brokered": False,
        "requireSelfTradePrevention": False, "preventSor": False, "updateTime": house.now_ms(), "accountType": "SPOT",
        "balances": [
            {"asset": one.asset, "free": fixed(one.free_e8), "locked": fixed(one.locked_e8)}
            for one in balances
            if one.total_e8 or not hidden
        ],
        "permissions": ["SPOT"], "uid": house.uid(trader.account),
    }  # fmt: skip


def _ppm(house: House, trader: Trader) -> tuple[int, int]:
    fees = trader.fees(house.venue, next(iter(house.instruments)))
    return fees.maker_ppm, fees.taker_ppm


def _rates(house: House, ask: Ask) -> tuple[str, str]:
    fees = house.trader(ask).fees(house.venue, house.symbol(ask).symbol)
    return fixed(fees.maker_ppm * 100), fixed(fees.taker_ppm * 100)


def commission(house: House, ask: Ask) -> object:
    """What a symbol's fills cost the account."""
    maker, taker = _rates(house, ask)
    nothing = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
    return {
        "symbol": house.symbol(ask).symbol,
        "standardCommission": {"maker": maker, "taker": taker, "buyer": ZERO, "seller": ZERO},
        "specialCommission": nothing, "taxCommission": nothing,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": ZERO},
    }  # fmt: skip


def order_rate_limits(house: House, ask: Ask) -> object:
    """How many orders the account has placed in each window."""
    counts = house.limits.order_counts(house.venue, house.trader(ask).account.name, house.clock())
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit,
         "count": counts[WINDOWS[interval, number]]}
        for kind, interval, number, limit in SPOT_LIMITS
        if kind == "ORDERS"
    ]  # fmt: skip


def trade_fee(house: House, ask: Ask) -> object:
    """sapi: every symbol's rates."""
    trader = house.trader(ask)
    rows = []
    for symbol in house.instruments:
        fees = trader.fees(house.venue, symbol)
        rows.append({"symbol": symbol, "makerCommission": fixed(fees.maker_ppm * 100),
                     "takerCommission": fixed(fees.taker_ppm * 100)})  # fmt: skip
    return rows


def nothing(house: House, ask: Ask) -> object:
    """sapi and order lists that are not served: an empty list."""
    return []
