"""The truth of an account, whole and to the last unit: what a desk's ledger has to equal."""

from __future__ import annotations

from typing import Any

from crossbook.money import text_e8
from crossbook.types import Venue
from crossbook.venues.served.facts import Fill, Order, Position
from crossbook.venues.served.trader import Trader


def truth_of(trader: Trader, venues: list[Venue], now_ns: int) -> dict[str, Any]:
    """By venue: balances, positions that are not flat, open orders, fills and sums of income; decimals as exact
    strings. `cash`: what the wallet holds less the cost of open positions, which no way of averaging changes."""
    return {
        "account": trader.account.name,
        "time_ns": now_ns,
        "venues": {venue.label: _venue(trader, venue) for venue in venues},
    }


def _venue(trader: Trader, venue: Venue) -> dict[str, Any]:
    income: dict[str, dict[str, int]] = {}
    for one in trader.income(venue):
        sums = income.setdefault(one.kind.value, {})
        sums[one.asset] = sums.get(one.asset, 0) + one.amount_e8
    return {
        "balances": {
            one.asset: {
                "total": text_e8(one.total_e8),
                "free": text_e8(one.free_e8),
                "locked": text_e8(one.locked_e8),
                "equity": text_e8(one.equity_e8),
                "cash": text_e8(trader.cash_e8(venue, one.asset)),
            }
            for one in trader.balances(venue)
        },
        "positions": [_position(one) for one in trader.positions(venue) if one.quantity_e8],
        "open_orders": [_order(one) for one in trader.open_orders(venue)],
        "fills": [_fill(one) for one in trader.fills(venue)],
        "income": {kind: {asset: text_e8(sum_) for asset, sum_ in sums.items()} for kind, sums in income.items()},
    }


def _position(one: Position) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "quantity": text_e8(one.quantity_e8),
        "cost": text_e8(one.cost_e8),
        "unrealized": text_e8(one.unrealized_e8),
        "leverage": one.leverage,
    }


def _order(one: Order) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "venue_order_id": one.venue_order_id,
        "client_order_id": one.client_order_id,
        "side": one.side.name.lower(),
        "price": text_e8(one.price_e8),
        "quantity": text_e8(one.quantity_e8),
        "filled": text_e8(one.filled_e8),
        "status": one.status.value,
        "reduce_only": one.request.reduce_only,
    }


def _fill(one: Fill) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "trade_id": one.trade_id,
        "venue_order_id": one.venue_order_id,
        "client_order_id": one.client_order_id,
        "side": one.side.name.lower(),
        "price": text_e8(one.price_e8),
        "quantity": text_e8(one.quantity_e8),
        "fee": text_e8(one.fee_e8),
        "fee_asset": one.fee_asset,
        "maker": one.maker,
        "realized": text_e8(one.realized_e8),
        "liquidation": one.liquidation,
        "time_ns": one.time_ns,
    }
