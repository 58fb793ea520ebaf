"""What a served Binance USD-M futures knows of an account's money: balances, positions, margin, settings, income."""

from __future__ import annotations

from crossbook.errors import Refused
from crossbook.money import decimal_e8, text_e8
from crossbook.sim.accounts import MAINTENANCE_PPM
from crossbook.types import Instrument, Venue
from crossbook.venues.served.binance_house import House, fraction_text
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_text import fixed, ms
from crossbook.venues.served.facts import Balance, IncomeKind, Position
from crossbook.venues.served.trader import LEVERAGE_MOST, Trader

Json = dict[str, object]
NOTIONAL_CAP = 100_000_000
"""The one bracket's cap in the quote asset; the world has no larger accounts."""
INCOMES = {
    IncomeKind.TRANSFER: "TRANSFER", IncomeKind.REALIZED: "REALIZED_PNL", IncomeKind.FEE: "COMMISSION",
    IncomeKind.FUNDING: "FUNDING_FEE", IncomeKind.LIQUIDATION_FEE: "INSURANCE_CLEAR",
}  # fmt: skip


def balances(house: House, ask: Ask) -> object:
    """Each asset's wallet."""
    trader = house.trader(ask)
    alias = house.alias(trader.account)
    return [
        {
            "accountAlias": alias, "asset": one.asset, "balance": fixed(one.total_e8),
            "crossWalletBalance": fixed(one.total_e8), "crossUnPnl": fixed(one.equity_e8 - one.total_e8),
            "availableBalance": fixed(max(0, one.free_e8)), "maxWithdrawAmount": fixed(max(0, one.free_e8)),
            "marginAvailable": True, "updateTime": house.now_ms(),
        }
        for one in trader.balances(house.venue)
    ]  # fmt: skip


def account_v3(house: House, ask: Ask) -> object:
    """Totals, assets, and the positions that are not flat."""
    trader = house.trader(ask)
    held = trader.positions(house.venue)
    return _totals(house, trader, held) | {
        "assets": [_asset(house, one, held) for one in trader.balances(house.venue)],
        "positions": [_position(house, one) for one in held if one.quantity_e8 or _has_orders(house, trader, one)],
    }


def account_v2(house: House, ask: Ask) -> object:
    """The older form: settings too, and every symbol."""
    trader = house.trader(ask)
    held = trader.positions(house.venue)
    may_trade = house.may_trade(trader.account)
    return {
        "feeTier": 0, "feeBurn": False, "canTrade": may_trade, "canDeposit": False, "canWithdraw": False,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
        **_totals(house, trader, held),
        "assets": [_asset(house, one, held) | {"marginAvailable": True} for one in trader.balances(house.venue)],
        "positions": [
            _position(house, one)
            | {
                "leverage": str(one.leverage), "isolated": False, "entryPrice": entry_text(house, one),
                "maxNotional": str(NOTIONAL_CAP), "bidNotional": "0", "askNotional": "0",
                "positionInitialMargin": fixed(one.margin_e8), "openOrderInitialMargin": "0",
                "breakEvenPrice": entry_text(house, one),
            }
            for one in held
        ],
    }  # fmt: skip


def _has_orders(house: House, trader: Trader, position: Position) -> bool:
    return bool(trader.open_orders(house.venue, position.symbol))


def _totals(house: House, trader: Trader, held: list[Position]) -> Json:
    """All assets of the wallet taken together, which are worth the same here (USDT)."""
    money = trader.balances(house.venue)
    wallet, equity = sum(one.total_e8 for one in money), sum(one.equity_e8 for one in money)
    locked, margin = sum(one.locked_e8 for one in money), sum(one.margin_e8 for one in held)
    free = fixed(max(0, sum(one.free_e8 for one in money)))
    return {
        "totalInitialMargin": fixed(locked), "totalMaintMargin": fixed(sum(one.maintenance_e8 for one in money)),
        "totalWalletBalance": fixed(wallet), "totalUnrealizedProfit": fixed(equity - wallet),
        "totalMarginBalance": fixed(equity), "totalPositionInitialMargin": fixed(margin),
        "totalOpenOrderInitialMargin": fixed(max(0, locked - margin)), "totalCrossWalletBalance": fixed(wallet),
        "totalCrossUnPnl": fixed(equity - wallet), "availableBalance": free, "maxWithdrawAmount": free,
    }  # fmt: skip


def _asset(house: House, one: Balance, held: list[Position]) -> Json:
    settled = {symbol for symbol, instrument in house.instruments.items() if instrument.settle == one.asset}
    margin = sum(position.margin_e8 for position in held if position.symbol in settled)
    free = fixed(max(0, one.free_e8))
    return {
        "asset": one.asset, "walletBalance": fixed(one.total_e8),
        "unrealizedProfit": fixed(one.equity_e8 - one.total_e8), "marginBalance": fixed(one.equity_e8),
        "maintMargin": fixed(one.maintenance_e8), "initialMargin": fixed(one.locked_e8),
        "positionInitialMargin": fixed(margin), "openOrderInitialMargin": fixed(max(0, one.locked_e8 - margin)),
        "crossWalletBalance": fixed(one.total_e8), "crossUnPnl": fixed(one.equity_e8 - one.total_e8),
        "availableBalance": free, "maxWithdrawAmount": free, "updateTime": house.now_ms(),
    }  # fmt: skip


def _position(house: House, one: Position) -> Json:
    return {
        "symbol": one.symbol, "positionSide": "BOTH", "positionAmt": house.form(one.symbol).quantity(one.quantity_e8),
        "unrealizedProfit": fixed(one.unrealized_e8), "isolatedMargin": "0", "notional": fixed(one.value_e8),
        "isolatedWallet": "0", "initialMargin": fixed(one.margin_e8), "maintMargin": fixed(one.maintenance_e8),
        "updateTime": ms(one.updated_ns),
    }  # fmt: skip


def entry_text(house: House, one: Position) -> str:
    """The average entry price, to two digits beyond the tick, as the venue rounds it."""
    decimals = house.form(one.symbol).price_decimals + 2
    return fraction_text(one.entry_price, decimals) if one.quantity_e8 else "0.0"


def position_risk_v3(house: House, ask: Ask) -> object:
    """Positions that are not flat, or have orders."""
    trader = house.trader(ask)
    return [
        _risk(house, one) | {
            "marginAsset": house.instruments[one.symbol].settle, "initialMargin": fixed(one.margin_e8),
            "maintMargin": fixed(one.maintenance_e8), "positionInitialMargin": fixed(one.margin_e8),
            "openOrderInitialMargin": "0", "adl": 1 if one.quantity_e8 else 0, "bidNotional": "0", "askNotional": "0",
        }
        for one in _asked(house, ask, trader)
        if one.quantity_e8 or _has_orders(house, trader, one)
    ]  # fmt: skip


def position_risk_v2(house: House, ask: Ask) -> object:
    """The older form: every symbol, flat or not."""
    return [
        _risk(house, one) | {
            "leverage": str(one.leverage), "maxNotionalValue": str(NOTIONAL_CAP), "marginType": "cross",
            "isAutoAddMargin": "false",
        }
        for one in _asked(house, ask, house.trader(ask))
    ]  # fmt: skip


def _asked(house: House, ask: Ask, trader: Trader) -> list[Position]:
    if ask.has("symbol"):
        return [trader.position(house.venue, house.symbol(ask).symbol)]
    return trader.positions(house.venue)


def _risk(house: House, one: Position) -> Json:
    mark = house.world.mark(house.venue, one.symbol).mark_e8
    entry = entry_text(house, one)
    liquidation = house.form(one.symbol).price(one.liquidation_price_e8) if one.liquidation_price_e8 else "0"
    return {
        "symbol": one.symbol, "positionSide": "BOTH", "positionAmt": house.form(one.symbol).quantity(one.quantity_e8),
        "entryPrice": entry, "breakEvenPrice": entry, "markPrice": fixed(mark),
        "unRealizedProfit": fixed(one.unrealized_e8), "liquidationPrice": liquidation, "isolatedMargin": "0.00000000",
        "notional": fixed(one.value_e8), "isolatedWallet": "0", "updateTime": ms(one.updated_ns),
    }  # fmt: skip


def set_leverage(house: House, ask: Ask) -> object:
    """Choose a symbol's leverage."""
    instrument, leverage = house.symbol(ask), ask.integer("leverage")
    try:
        house.trader(ask).set_leverage(house.venue, instrument.symbol, leverage)
    except Refused:
        raise Problem(-4028, f"Leverage {leverage} is not valid") from None
    return {"leverage": leverage, "maxNotionalValue": str(NOTIONAL_CAP), "symbol": instrument.symbol}


def leverage_brackets(house: House, ask: Ask) -> object:
    """The one bracket of a symbol."""
    if ask.has("symbol"):
        return [_bracket(house.symbol(ask))]
    return [_bracket(instrument) for instrument in house.instruments.values()]


def _bracket(instrument: Instrument) -> Json:
    ratio = float(decimal_e8(MAINTENANCE_PPM * 100))  # a JSON number at the venue, read by no rule of ours
    return {
        "symbol": instrument.symbol, "notionalCoef": 1.0,
        "brackets": [{"bracket": 1, "initialLeverage": LEVERAGE_MOST[Venue.BINANCE_USDM], "notionalCap": NOTIONAL_CAP,
                      "notionalFloor": 0, "maintMarginRatio": ratio, "cum": 0.0}],
    }  # fmt: skip


def symbol_config(house: House, ask: Ask) -> object:
    """Margin type and leverage of each symbol."""
    trader = house.trader(ask)
    chosen = [house.symbol(ask).symbol] if ask.has("symbol") else list(house.instruments)
    return [
        {"symbol": symbol, "marginType": "CROSSED", "isAutoAddMargin": False,
         "leverage": trader.leverage(house.venue, symbol), "maxNotionalValue": str(NOTIONAL_CAP)}
        for symbol in chosen
    ]  # fmt: skip


def account_config(house: House, ask: Ask) -> object:
    """The account's settings."""
    may_trade = house.may_trade(house.trader(ask).account)
    return {"feeTier": 0, "canTrade": may_trade, "canDeposit": False, "canWithdraw": False, "dualSidePosition": False,
            "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1}  # fmt: skip


def set_margin_type(house: House, ask: Ask) -> object:
    """Cross margin is all there is."""
    house.symbol(ask)
    if ask.word("marginType", {"ISOLATED", "CROSSED"}) == "CROSSED":
        raise Problem(-4046)
    raise Problem(-1020)


def dual(house: House, ask: Ask) -> object:
    """One position a symbol is all there is."""
    return {"dualSidePosition": False}


def set_dual(house: House, ask: Ask) -> object:
    """It stays so."""
    ask.text("dualSidePosition")
    raise Problem(-1020 if ask.flag("dualSidePosition") else -4059)


def multi_assets(house: House, ask: Ask) -> object:
    """Every asset margins its own contracts."""
    return {"multiAssetsMargin": False}


def fee_burn(house: House, ask: Ask) -> object:
    """Fees are paid in the margin asset."""
    return {"feeBurn": False}


def commission_rate(house: House, ask: Ask) -> object:
    """What a symbol's fills cost the account."""
    symbol = house.symbol(ask).symbol
    fees = house.trader(ask).fees(house.venue, symbol)
    return {"symbol": symbol, "makerCommissionRate": text_e8(fees.maker_ppm * 100),
            "takerCommissionRate": text_e8(fees.taker_ppm * 100),
            "rpiCommissionRate": text_e8(fees.maker_ppm * 100)}  # fmt: skip


def adl_quantile(house: House, ask: Ask) -> object:
    """Nobody is deleveraged here."""
    held = [one for one in house.trader(ask).positions(house.venue) if one.quantity_e8]
    return [{"symbol": one.symbol, "adlQuantile": {"BOTH": 0}} for one in held]


def income(house: House, ask: Ask) -> object:
    """Movements of the wallet, oldest first."""
    symbol = house.symbol(ask).symbol if ask.has("symbol") else None
    start, end = ask.integer("startTime", 0), ask.integer("endTime", 1 << 62)
    limit = min(ask.integer("limit", 100), 1000)
    kinds = {word: kind for kind, word in INCOMES.items()}
    kind = kinds.get(ask.text("incomeType")) if ask.has("incomeType") else None
    if ask.has("incomeType") and kind is None:
        return []
    rows = [
        {"symbol": one.symbol, "incomeType": INCOMES[one.kind], "income": fixed(one.amount_e8), "asset": one.asset,
         "info": str(one.trade_id) if one.trade_id else INCOMES[one.kind], "time": ms(one.time_ns), "tranId": one.id,
         "tradeId": str(one.trade_id) if one.trade_id else ""}
        for one in house.trader(ask).income(house.venue, symbol, kind)
        if start <= ms(one.time_ns) <= end
    ]  # fmt: skip
    return rows[:limit] if ask.has("startTime") else rows[-limit:]
