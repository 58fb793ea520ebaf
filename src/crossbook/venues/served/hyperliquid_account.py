"""An account as Hyperliquid words it: orders, fills, funding, positions and margin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crossbook.money import E8, divide_half_even
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, Venue
from crossbook.venues.served.facts import Fill, Income, IncomeKind, Order, Position, Status, Wait
from crossbook.venues.served.hyperliquid_market import MAX_LEVERAGE, spots, tokens, transaction
from crossbook.venues.served.hyperliquid_rules import CODES, direction, letter, number, ratio
from crossbook.venues.served.world import Trader, World

HL = Venue.HYPERLIQUID
COLLATERAL = "USDC"
Json = dict[str, Any]

FILLS_MOST = 2_000
SPAN_MOST = 500
TIFS = {Wait.GTC: "Gtc", Wait.IOC: "Ioc", Wait.POST_ONLY: "Alo", Wait.FOK: "Ioc"}


class Note(msgspec.Struct, kw_only=True):
    """What the venue remembers of an order beside what the world does. `ended`: why, where the world does not know.

    `trigger_px` "" unless it waited for the mark price; `of`: its words for that.
    """

    tif: str = "Gtc"
    order_type: str = "Limit"
    trigger_px: str = ""
    condition: str = "N/A"
    position_tpsl: bool = False
    ended: str = ""


def note_of(order: Order) -> Note:
    """The note of an order; one that was placed at another venue's door has an empty one."""
    note = order.request.note
    return note if isinstance(note, Note) else Note(tif=TIFS[order.request.wait])


def status_of(order: Order) -> str:
    """The venue's word for where an order stands."""
    note = note_of(order)
    if order.is_open:
        return "open"
    if order.status is Status.FILLED:
        return "filled"
    if order.status is Status.REJECTED:
        return CODES[order.reason] if order.reason is not None else "rejected"
    if note.ended:
        return note.ended
    if order.status is Status.CANCELED:
        return "canceled"
    if order.request.wait is Wait.IOC:
        return "canceled" if order.filled_e8 else "iocCancelRejected"
    return "reduceOnlyCanceled" if order.request.reduce_only else "marginCanceled"


def basic_order(order: Order) -> Json:
    """As `openOrders` and `orderUpdates` show it."""
    row: Json = {
        "coin": order.symbol,
        "side": letter(order.side),
        "limitPx": number(order.price_e8),
        "sz": number(order.open_e8),
        "oid": order.venue_order_id,
        "timestamp": order.created_ns // NS_PER_MS,
        "origSz": number(order.quantity_e8),
    }
    if order.client_order_id:
        row["cloid"] = order.client_order_id
    if order.request.reduce_only:
        row["reduceOnly"] = True
    return row


def full_order(order: Order) -> Json:
    """As `frontendOpenOrders`, `orderStatus` and `historicalOrders` show it."""
    note = note_of(order)
    return basic_order(order) | {
        "triggerCondition": note.condition,
        "isTrigger": bool(note.trigger_px),
        "triggerPx": note.trigger_px or "0.0",
        "children": [],
        "isPositionTpsl": note.position_tpsl,
        "reduceOnly": order.request.reduce_only,
        "orderType": note.order_type,
        "tif": note.tif or None,
        "cloid": order.client_order_id or None,
    }


def order_status(order: Order) -> Json:
    """An order and where it stands."""
    return {"order": full_order(order), "status": status_of(order), "statusTimestamp": order.updated_ns // NS_PER_MS}


def order_history(orders: Iterable[Order]) -> list[Json]:
    """One record for each change of status, newest first: what rested and ended is there twice."""
    rows: list[Json] = []
    for order in orders:
        if order.is_open or order.request.wait is not Wait.IOC:
            opened = full_order(order) | {"sz": number(order.quantity_e8)}
            rows.append({"order": opened, "status": "open", "statusTimestamp": order.created_ns // NS_PER_MS})
        if not order.is_open:
            rows.append(order_status(order))
    rows.sort(key=lambda row: row["statusTimestamp"])
    return rows[-FILLS_MOST:][::-1]


def filled(fill: Fill, user: str, spot: bool, mark_e8: int | None = None) -> Json:
    """One fill; `mark_e8` is needed for a liquidation's."""
    row: Json = {
        "coin": fill.symbol,
        "px": number(fill.price_e8),
        "sz": number(fill.quantity_e8),
        "side": letter(fill.side),
        "time": fill.time_ns // NS_PER_MS,
        "startPosition": number(fill.start_position_e8),
        "dir": direction(fill.side, fill.start_position_e8, fill.quantity_e8, spot),
        "closedPnl": number(fill.realized_e8),
        "hash": transaction("fill", fill.symbol, fill.trade_id),
        "oid": fill.venue_order_id,
        "crossed": not fill.maker,
        "fee": number(fill.fee_e8),
        "tid": fill.trade_id,
        "feeToken": fill.fee_asset,
        "twapId": None,
    }
    if fill.client_order_id and not fill.liquidation:
        row["cloid"] = fill.client_order_id
    if fill.liquidation:
        row["liquidation"] = {
            "liquidatedUser": user,
            "markPx": number(fill.price_e8 if mark_e8 is None else mark_e8),
            "method": "market",
        }
    return row


def fills(world: World, trader: Trader, start_ms: int | None = None, end_ms: int | None = None) -> list[Json]:
    """Fills: the newest 2,000, newest first; of a span, its first 2,000, oldest first."""
    pairs = {instrument.symbol for instrument in spots(world)}
    found = trader.fills(HL)
    if start_ms is not None:
        end = end_ms if end_ms is not None else 1 << 62
        found = [fill for fill in found if start_ms <= fill.time_ns // NS_PER_MS <= end][:FILLS_MOST]
    else:
        found = found[-FILLS_MOST:][::-1]
    return [filled(fill, trader.account.address, fill.symbol in pairs) for fill in found]


def funding_delta(income: Income) -> Json:
    """One funding payment as `userFundings` streams it."""
    return {
        "time": income.time_ns // NS_PER_MS,
        "coin": income.symbol,
        "usdc": number(income.amount_e8),
        "szi": number(income.position_e8),
        "fundingRate": number(income.rate_e8),
        "nSamples": None,
    }


def fundings(trader: Trader, start_ms: int, end_ms: int) -> list[Json]:
    """Funding payments of a span as `userFunding` answers them, at most 500."""
    rows = []
    for income in trader.income(HL, kind=IncomeKind.FUNDING):
        delta = funding_delta(income)
        time = delta.pop("time")
        if start_ms <= time <= end_ms:
            rows.append({"time": time, "hash": "0x" + "0" * 64, "delta": {"type": "funding", **delta}})
    return rows[:SPAN_MOST]


def ledger_updates(trader: Trader, start_ms: int, end_ms: int) -> list[Json]:
    """Money that came in or went out."""
    rows = []
    for income in trader.income(HL, kind=IncomeKind.TRANSFER):
        time = income.time_ns // NS_PER_MS
        if start_ms <= time <= end_ms:
            delta: Json = {"type": "deposit", "usdc": number(income.amount_e8)}
            if income.amount_e8 < 0:
                delta = {"type": "withdraw", "usdc": number(-income.amount_e8), "nonce": time, "fee": "0.0"}
            rows.append({"time": time, "hash": transaction("transfer", income.id), "delta": delta})
    return rows[:SPAN_MOST]


def asset_position(world: World, trader: Trader, position: Position) -> Json:
    """One open position. Funding that was paid counts as positive, as the venue counts it."""
    instrument, mark_e8 = world.instrument(HL, position.symbol), world.mark(HL, position.symbol).mark_e8
    entry = position.entry_price
    income = trader.income(HL, position.symbol, IncomeKind.FUNDING)
    mine = [fill for fill in trader.fills(HL, position.symbol) if fill.quantity_e8]
    opened = max((fill.time_ns for fill in mine if fill.start_position_e8 == 0), default=0)
    changed = max((fill.time_ns for fill in mine), default=0)
    liquidation = position.liquidation_price_e8
    return {
        "type": "oneWay",
        "position": {
            "coin": position.symbol,
            "szi": number(position.quantity_e8),
            "leverage": {"type": "cross", "value": position.leverage},
            "entryPx": number(divide_half_even(entry.numerator * E8, entry.denominator)),
            "positionValue": number(abs(position.value_e8)),
            "unrealizedPnl": number(position.unrealized_e8),
            "returnOnEquity": ratio(position.unrealized_e8 * position.leverage, abs(position.cost_e8)),
            "liquidationPx": None if liquidation is None else number(liquidation),
            "marginUsed": number(position.margin_e8),
            "maxLeverage": MAX_LEVERAGE,
            "cumFunding": {
                name: number(-sum(one.amount_e8 for one in income if one.time_ns >= since))
                for name, since in (("allTime", 0), ("sinceOpen", opened), ("sinceChange", changed))
            },
            "maxTradeSzs": tradable_sizes(trader, instrument, mark_e8),
        },
    }


def clearinghouse_state(world: World, trader: Trader) -> Json:
    """Positions and margin of the perpetuals account; all of it is cross margin."""
    positions = [position for position in trader.positions(HL) if position.quantity_e8]
    balance = trader.balance(HL, COLLATERAL)
    summary = {
        "accountValue": number(balance.equity_e8),
        "totalNtlPos": number(sum(abs(position.value_e8) for position in positions)),
        "totalRawUsd": number(balance.equity_e8 - sum(position.value_e8 for position in positions)),
        "totalMarginUsed": number(sum(position.margin_e8 for position in positions)),
    }
    return {
        "marginSummary": summary,
        "crossMarginSummary": dict(summary),
        "crossMaintenanceMarginUsed": number(balance.maintenance_e8),
        "withdrawable": number(max(balance.free_e8, 0)),
        "assetPositions": [asset_position(world, trader, position) for position in positions],
        "time": world.now_ns // NS_PER_MS,
    }


def spot_state(world: World, trader: Trader, usdc_e8: int) -> Json:
    """Balances of the spot wallet: USDC that was moved there, and coins that spot pairs of this world trade."""
    names = tokens(world)
    held = [(COLLATERAL, usdc_e8, 0)] + [
        (balance.asset, balance.total_e8, balance.locked_e8)
        for balance in trader.balances(HL)
        if balance.asset != COLLATERAL and balance.asset in names and balance.total_e8
    ]
    return {
        "balances": [
            {
                "coin": coin,
                "token": names.index(coin),
                "total": number(total),
                "hold": number(hold),
                "entryNtl": "0.0",
            }
            for coin, total, hold in held
        ]
    }


def tradable_sizes(trader: Trader, instrument: Instrument, mark_e8: int) -> list[str]:
    """How much could be bought and sold now: with the free money at the leverage, and twice what it would close."""
    free = max(trader.balance(HL, COLLATERAL).free_e8, 0)
    leverage = trader.leverage(HL, instrument.symbol)
    held = trader.position(HL, instrument.symbol).quantity_e8
    more = free * leverage * E8 // mark_e8 // instrument.lot_e8 * instrument.lot_e8 if mark_e8 else 0
    return [number(more + max(-held, 0) * 2), number(more + max(held, 0) * 2)]


def active_asset(trader: Trader, instrument: Instrument, mark_e8: int) -> Json:
    """What could be traded of one market now."""
    free = max(trader.balance(HL, COLLATERAL).free_e8, 0)
    return {
        "user": trader.account.address,
        "coin": instrument.symbol,
        "leverage": {"type": "cross", "value": trader.leverage(HL, instrument.symbol)},
        "maxTradeSzs": tradable_sizes(trader, instrument, mark_e8),
        "availableToTrade": [number(free), number(free)],
        "markPx": number(mark_e8),
    }
