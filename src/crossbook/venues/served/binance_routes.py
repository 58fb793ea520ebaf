"""Every request that a served Binance answers: where it is asked, what it must show, what it weighs, who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from crossbook.types import Venue
from crossbook.venues.served import binance_market as market
from crossbook.venues.served import binance_spot as spot
from crossbook.venues.served import binance_usdm as usdm
from crossbook.venues.served import binance_usdm_account as money
from crossbook.venues.served.binance_auth import Security
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_users import Users

Weight = int | Callable[[Ask], int]
Handler = Callable[[House, Ask], object]
NONE, KEY, READ, TRADE = Security.NONE, Security.KEY, Security.READ, Security.TRADE


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `method` and `path` for REST, `name` in the WebSocket API ("" where it is not offered there).

    `is_free`: it weighs nothing if it succeeds (spot orders). `counts`: its answer tells the account's order counts.
    """

    method: str
    path: str
    name: str
    security: Security
    weight: Weight
    handler: Handler
    is_free: bool = False
    counts: bool = False

    def weigh(self, ask: Ask) -> int:
        """What this request weighs."""
        return self.weight if isinstance(self.weight, int) else self.weight(ask)


def routes(venue: Venue, users: Users, legacy: bool) -> list[Route]:
    """A venue's routes. `legacy`: spot's listen keys too, which production no longer has."""
    return _spot(users, legacy) if venue is Venue.BINANCE_SPOT else _usdm(users)


def by_path(found: list[Route]) -> Mapping[tuple[str, str], Route]:
    """For REST."""
    return {(route.method, route.path): route for route in found if route.path}


def by_name(found: list[Route]) -> Mapping[str, Route]:
    """For the WebSocket API."""
    return {route.name: route for route in found if route.name}


def _route(
    where: str, name: str, security: Security, weight: Weight, handler: Handler, is_free: bool = False,
    counts: bool = False,
) -> Route:  # fmt: skip
    method, _, path = where.partition(" ")
    return Route(method=method, path=path, name=name, security=security, weight=weight, handler=handler,
                 is_free=is_free, counts=counts)  # fmt: skip


def _steps(name: str, default: int, *steps: tuple[int, int]) -> Weight:
    """A weight by the size of a parameter: the first step that is not below it."""

    def weight(ask: Ask) -> int:
        value = ask.params.get(name, "")
        size = int(value) if value.isdigit() and len(value) < 10 else default
        return next((cost for most, cost in steps if size <= most), steps[-1][1])

    return weight


def _one_or_all(one: int, every: int, many: int = 0) -> Weight:
    """A weight for one symbol, and for all (or for several)."""

    def weight(ask: Ask) -> int:
        return one if ask.has("symbol") else many if many and ask.has("symbols") else every

    return weight


def _fills_weight(ask: Ask) -> int:
    return 5 if ask.has("orderId") else 20


def _test_weight(ask: Ask) -> int:
    return 20 if ask.has("computeCommissionRates") else 1


def _spot(users: Users, legacy: bool) -> list[Route]:
    depth = _steps("limit", 100, (100, 5), (500, 25), (1000, 50), (5000, 250))
    v3 = "/api/v3"
    listen = [
        _route(f"POST {v3}/userDataStream", "", KEY, 2, users.start),
        _route(f"PUT {v3}/userDataStream", "", KEY, 2, users.extend),
        _route(f"DELETE {v3}/userDataStream", "", KEY, 2, users.close),
    ]
    return [
        _route(f"GET {v3}/ping", "ping", NONE, 1, market.ping),
        _route(f"GET {v3}/time", "time", NONE, 1, market.server_time),
        _route(f"GET {v3}/exchangeInfo", "exchangeInfo", NONE, 20, market.info),
        _route(f"GET {v3}/depth", "depth", NONE, depth, market.depth),
        _route(f"GET {v3}/trades", "trades.recent", NONE, 25, market.trades),
        _route(f"GET {v3}/historicalTrades", "trades.historical", NONE, 25, market.trades),
        _route(f"GET {v3}/aggTrades", "trades.aggregate", NONE, 4, market.agg_trades),
        _route(f"GET {v3}/klines", "klines", NONE, 2, market.klines),
        _route(f"GET {v3}/uiKlines", "uiKlines", NONE, 2, market.klines),
        _route(f"GET {v3}/avgPrice", "avgPrice", NONE, 2, market.avg_price),
        _route(f"GET {v3}/ticker/24hr", "ticker.24hr", NONE, _one_or_all(2, 80, 40), market.day_ticker),
        _route(f"GET {v3}/ticker/price", "ticker.price", NONE, _one_or_all(2, 4), market.price_ticker),
        _route(f"GET {v3}/ticker/bookTicker", "ticker.book", NONE, _one_or_all(2, 4), market.book_ticker),
        _route(f"POST {v3}/order", "order.place", TRADE, 1, spot.new_order, True, True),
        _route(f"POST {v3}/order/test", "order.test", TRADE, _test_weight, spot.test_order),
        _route(f"GET {v3}/order", "order.status", READ, 4, spot.query_order),
        _route(f"DELETE {v3}/order", "order.cancel", TRADE, 1, spot.cancel_order, True),
        _route(f"POST {v3}/order/cancelReplace", "order.cancelReplace", TRADE, 1, spot.cancel_replace, True, True),
        _route(f"PUT {v3}/order/amend/keepPriority", "order.amend.keepPriority", TRADE, 4, spot.amend_order),
        _route(f"GET {v3}/openOrders", "openOrders.status", READ, _one_or_all(6, 80), spot.open_orders),
        _route(f"DELETE {v3}/openOrders", "openOrders.cancelAll", TRADE, 1, spot.cancel_open_orders, True),
        _route(f"GET {v3}/allOrders", "allOrders", READ, 20, spot.all_orders),
        _route(f"GET {v3}/myTrades", "myTrades", READ, _fills_weight, spot.my_trades),
        _route(f"GET {v3}/account", "account.status", READ, 20, spot.account),
        _route(f"GET {v3}/account/commission", "account.commission", READ, 20, spot.commission),
        _route(f"GET {v3}/rateLimit/order", "account.rateLimits.orders", READ, 40, spot.order_rate_limits),
        _route("GET /sapi/v1/capital/config/getall", "", READ, 10, spot.nothing),
        _route("GET /sapi/v1/margin/allPairs", "", KEY, 1, spot.nothing),
        _route("GET /sapi/v1/margin/isolated/allPairs", "", KEY, 1, spot.nothing),
        _route("GET /sapi/v1/asset/tradeFee", "", READ, 1, spot.trade_fee),
        _route("GET /dapi/v1/exchangeInfo", "", NONE, 1, _no_symbols),
        *(listen if legacy else []),
    ]


def _no_symbols(house: House, ask: Ask) -> object:
    """exchangeInfo of a venue that is not served here."""
    return {"timezone": "UTC", "serverTime": house.now_ms(), "rateLimits": [], "exchangeFilters": [], "symbols": []}


def _usdm(users: Users) -> list[Route]:
    depth = _steps("limit", 500, (50, 2), (100, 5), (500, 10), (1000, 20))
    klines = _steps("limit", 500, (99, 1), (499, 2), (1000, 5), (1500, 10))
    v1, v2, v3 = "/fapi/v1", "/fapi/v2", "/fapi/v3"
    return [
        _route(f"GET {v1}/ping", "ping", NONE, 1, market.ping),
        _route(f"GET {v1}/time", "time", NONE, 1, market.server_time),
        _route(f"GET {v1}/exchangeInfo", "exchangeInfo", NONE, 1, market.info),
        _route(f"GET {v1}/depth", "depth", NONE, depth, market.depth),
        _route(f"GET {v1}/trades", "", NONE, 5, market.trades),
        _route(f"GET {v1}/historicalTrades", "", KEY, 20, market.trades),
        _route(f"GET {v1}/aggTrades", "", NONE, 20, market.agg_trades),
        _route(f"GET {v1}/klines", "", NONE, klines, market.klines),
        _route(f"GET {v1}/continuousKlines", "", NONE, klines, market.klines),
        _route(f"GET {v1}/ticker/24hr", "", NONE, _one_or_all(1, 40), market.day_ticker),
        _route(f"GET {v1}/ticker/price", "ticker.price", NONE, _one_or_all(1, 2), market.price_ticker),
        _route(f"GET {v2}/ticker/price", "", NONE, _one_or_all(1, 2), market.price_ticker),
        _route(f"GET {v1}/ticker/bookTicker", "ticker.book", NONE, _one_or_all(2, 5), market.book_ticker),
        _route(f"GET {v1}/premiumIndex", "", NONE, _one_or_all(1, 10), market.premium_index),
        _route(f"GET {v1}/fundingRate", "", NONE, 1, market.funding_rates),
        _route(f"GET {v1}/fundingInfo", "", NONE, 1, market.funding_info),
        _route(f"GET {v1}/openInterest", "", NONE, 1, market.open_interest),
        *_usdm_orders(v1),
        *_usdm_account(v1, v2, v3),
        _route(f"POST {v1}/listenKey", "userDataStream.start", KEY, 1, users.start),
        _route(f"PUT {v1}/listenKey", "userDataStream.ping", KEY, 1, users.extend),
        _route(f"DELETE {v1}/listenKey", "userDataStream.stop", KEY, 1, users.close),
    ]


def _usdm_orders(v1: str) -> list[Route]:
    return [
        _route(f"POST {v1}/order", "order.place", TRADE, 0, usdm.new_order, counts=True),
        _route(f"POST {v1}/order/test", "", TRADE, 0, usdm.test_order),
        _route(f"PUT {v1}/order", "order.modify", TRADE, 0, usdm.modify_order, counts=True),
        _route(f"DELETE {v1}/order", "order.cancel", TRADE, 1, usdm.cancel_order),
        _route(f"GET {v1}/order", "order.status", READ, 1, usdm.query_order),
        _route(f"GET {v1}/openOrder", "", READ, 1, usdm.query_open_order),
        _route(f"GET {v1}/openOrders", "", READ, _one_or_all(1, 40), usdm.open_orders),
        _route(f"GET {v1}/allOrders", "", READ, 5, usdm.all_orders),
        _route(f"POST {v1}/batchOrders", "", TRADE, 5, usdm.batch_new, counts=True),
        _route(f"PUT {v1}/batchOrders", "", TRADE, 5, usdm.batch_modify, counts=True),
        _route(f"DELETE {v1}/batchOrders", "", TRADE, 1, usdm.batch_cancel),
        _route(f"DELETE {v1}/allOpenOrders", "", TRADE, 1, usdm.cancel_open_orders),
        _route(f"POST {v1}/countdownCancelAll", "", TRADE, 10, usdm.countdown),
        _route(f"GET {v1}/userTrades", "", READ, 5, usdm.user_trades),
        _route(f"GET {v1}/forceOrders", "", READ, _one_or_all(20, 50), usdm.force_orders),
        _route(f"GET {v1}/openAlgoOrders", "", READ, _one_or_all(1, 40), spot.nothing),
        _route(f"GET {v1}/allAlgoOrders", "", READ, 5, spot.nothing),
    ]


def _usdm_account(v1: str, v2: str, v3: str) -> list[Route]:
    return [
        _route(f"GET {v2}/balance", "account.balance", READ, 5, money.balances),
        _route(f"GET {v3}/balance", "v2/account.balance", READ, 5, money.balances),
        _route(f"GET {v2}/account", "account.status", READ, 5, money.account_v2),
        _route(f"GET {v3}/account", "v2/account.status", READ, 5, money.account_v3),
        _route(f"GET {v2}/positionRisk", "account.position", READ, 5, money.position_risk_v2),
        _route(f"GET {v3}/positionRisk", "v2/account.position", READ, 5, money.position_risk_v3),
        _route(f"POST {v1}/leverage", "", TRADE, 1, money.set_leverage),
        _route(f"GET {v1}/leverageBracket", "", READ, 1, money.leverage_brackets),
        _route(f"POST {v1}/marginType", "", TRADE, 1, money.set_margin_type),
        _route(f"GET {v1}/positionSide/dual", "", READ, 30, money.dual),
        _route(f"POST {v1}/positionSide/dual", "", TRADE, 1, money.set_dual),
        _route(f"GET {v1}/multiAssetsMargin", "", READ, 30, money.multi_assets),
        _route(f"GET {v1}/symbolConfig", "", READ, 5, money.symbol_config),
        _route(f"GET {v1}/accountConfig", "", READ, 5, money.account_config),
        _route(f"GET {v1}/feeBurn", "", READ, 30, money.fee_burn),
        _route(f"GET {v1}/commissionRate", "", READ, 20, money.commission_rate),
        _route(f"GET {v1}/adlQuantile", "", READ, 5, money.adl_quantile),
        _route(f"GET {v1}/income", "", READ, 30, money.income),
    ]
