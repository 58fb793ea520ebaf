"""Answers about our account: balances, positions, settings and what moved money, of spot and USD-M."""

from __future__ import annotations

import msgspec

from crossbook.venues.binance.words import Amount, Id, Name, Number, Stamp, stamp_ns, unless_none, unless_zero
from crossbook.venues.messages import Account, Balance, Funding, Leverage, Message, Position


class CommissionRates(msgspec.Struct, kw_only=True):
    maker: Number
    taker: Number


class SpotBalance(msgspec.Struct, kw_only=True):
    asset: Name
    free: Number
    locked: Number


class SpotAccount(msgspec.Struct, rename="camel", kw_only=True):
    """`GET /api/v3/account`."""

    balances: list[SpotBalance]
    can_trade: bool
    can_withdraw: bool | None = None
    commission_rates: CommissionRates | None = None
    uid: Id | None = None
    update_time: Stamp | None = None


class FuturesAsset(msgspec.Struct, rename="camel", kw_only=True):
    """An asset of `/fapi/v2|v3/account`, or a row of `/fapi/v2|v3/balance` (which says `balance`)."""

    asset: Name
    wallet_balance: Number | None = None
    balance: Number | None = None
    available_balance: Number | None = None
    unrealized_profit: Number | None = None
    cross_un_pnl: Number | None = None
    account_alias: str | None = None
    update_time: Stamp | None = None


class FuturesPosition(msgspec.Struct, rename="camel", kw_only=True):
    """A position of `/fapi/v2|v3/account` or `positionRisk`; the two spell unrealised profit differently."""

    symbol: Name
    position_amt: Number
    entry_price: Number | None = None
    mark_price: Number | None = None
    unrealized_profit: Number | None = None
    un_realized_profit: Number | None = None
    liquidation_price: Number | None = None
    leverage: Number | None = None
    isolated_margin: Number | None = None
    initial_margin: Number | None = None
    margin_type: str | None = None
    isolated: bool | None = None
    position_side: str | None = None
    notional: Number | None = None
    update_time: Stamp | None = None


class FuturesAccount(msgspec.Struct, rename="camel", kw_only=True):
    """`/fapi/v2|v3/account`; v3 says only what has a position or orders, and nothing about permissions."""

    assets: list[FuturesAsset]
    positions: list[FuturesPosition]
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    multi_assets_margin: bool | None = None
    total_margin_balance: Number | None = None
    available_balance: Number | None = None
    total_initial_margin: Number | None = None
    update_time: Stamp | None = None


class AccountConfig(msgspec.Struct, rename="camel", kw_only=True):
    """`/fapi/v1/accountConfig`, or `positionSide/dual`, which says one field of it."""

    dual_side_position: bool
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    multi_assets_margin: bool | None = None


class SymbolConfig(msgspec.Struct, rename="camel", kw_only=True):
    """The answer to setting a leverage, or a row of `symbolConfig`."""

    symbol: Name
    leverage: Id
    margin_type: str | None = None


class CommissionRate(msgspec.Struct, rename="camel", kw_only=True):
    """`/fapi/v1/commissionRate`, of one symbol."""

    symbol: Name
    maker_commission_rate: Number
    taker_commission_rate: Number


class Income(msgspec.Struct, rename="camel", kw_only=True):
    """A row of `/fapi/v1/income`."""

    symbol: str
    income_type: Name
    income: Number
    asset: Name
    time: Stamp
    tran_id: Id | None = None


class Countdown(msgspec.Struct, rename="camel", kw_only=True):
    """The answer to `countdownCancelAll`: after so many milliseconds the symbol's orders are cancelled; "0": never."""

    symbol: Name
    countdown_time: Amount


IN_FILLS = ("COMMISSION", "REALIZED_PNL")
"""Incomes that our fills say already."""


def spot_account(venue: str, body: bytes) -> list[Message]:
    """What the account may do, and its balances."""
    said = msgspec.json.decode(body, type=SpotAccount)
    at_ns = stamp_ns(said.update_time)
    rates = said.commission_rates
    account = Account(
        venue=venue,
        account_id=None if said.uid is None else str(said.uid),
        can_trade=said.can_trade,
        can_withdraw=said.can_withdraw,
        maker_fee=None if rates is None else rates.maker,
        taker_fee=None if rates is None else rates.taker,
        time_ns=at_ns,
    )
    return [
        account,
        *(Balance(venue=venue, asset=row.asset, free=row.free, locked=row.locked, time_ns=at_ns)
          for row in said.balances),
    ]  # fmt: skip


def futures_account(venue: str, body: bytes) -> list[Message]:
    """The account, its assets and its positions, those of quantity 0 too where the venue lists them."""
    said = msgspec.json.decode(body, type=FuturesAccount)
    account = Account(
        venue=venue,
        can_trade=said.can_trade,
        can_withdraw=said.can_withdraw,
        multi_assets_margin=said.multi_assets_margin,
        account_value=said.total_margin_balance,
        withdrawable=said.available_balance,
        margin_used=said.total_initial_margin,
        time_ns=stamp_ns(said.update_time),
    )
    return [
        account,
        *(_balance(venue, row) for row in said.assets),
        *(_position(venue, row) for row in said.positions),
    ]


def futures_balance(venue: str, body: bytes) -> list[Message]:
    """One row of `balance`."""
    return [_balance(venue, msgspec.json.decode(body, type=FuturesAsset))]


def futures_position(venue: str, body: bytes) -> list[Message]:
    """One row of `positionRisk`."""
    return [_position(venue, msgspec.json.decode(body, type=FuturesPosition))]


def account_config(venue: str, body: bytes) -> list[Message]:
    """The position mode, and what else the account is set to."""
    said = msgspec.json.decode(body, type=AccountConfig)
    return [
        Account(
            venue=venue,
            can_trade=said.can_trade,
            can_withdraw=said.can_withdraw,
            hedge_mode=said.dual_side_position,
            multi_assets_margin=said.multi_assets_margin,
        )
    ]


def symbol_config(venue: str, body: bytes) -> list[Message]:
    """An instrument's leverage and margin type; `CROSSED` is what other answers call cross."""
    said = msgspec.json.decode(body, type=SymbolConfig)
    return [
        Leverage(
            venue=venue,
            instrument=said.symbol,
            leverage=str(said.leverage),
            margin_type=_margin_type(said.margin_type),
        )
    ]


def commission_rate(venue: str, body: bytes) -> list[Message]:
    """Our fees on one symbol; the message does not say of which."""
    said = msgspec.json.decode(body, type=CommissionRate)
    return [Account(venue=venue, maker_fee=said.maker_commission_rate, taker_fee=said.taker_commission_rate)]


def income(venue: str, body: bytes) -> list[Message]:
    """One row of the history of what moved money: a funding payment, or a change of balance from outside."""
    said = msgspec.json.decode(body, type=Income)
    at_ns = stamp_ns(said.time)
    if said.income_type in IN_FILLS:
        return []
    if said.income_type == "FUNDING_FEE":
        return [
            Funding(
                venue=venue,
                instrument=said.symbol or None,
                amount=said.income,
                asset=said.asset,
                payment_id=said.tran_id,
                time_ns=at_ns,
            )
        ]
    return [Balance(venue=venue, asset=said.asset, change=said.income, reason=said.income_type.lower(), time_ns=at_ns)]


def countdown_ms(body: bytes) -> int:
    """How long the dead man's switch waits now. Raises `msgspec.DecodeError` for what is no answer to it."""
    return int(msgspec.json.decode(body, type=Countdown).countdown_time)


def _balance(venue: str, row: FuturesAsset) -> Balance:
    return Balance(
        venue=venue,
        asset=row.asset,
        free=row.available_balance,
        total=row.wallet_balance if row.wallet_balance is not None else row.balance,
        unrealized=row.unrealized_profit if row.unrealized_profit is not None else row.cross_un_pnl,
        time_ns=stamp_ns(row.update_time),
    )


def _position(venue: str, row: FuturesPosition) -> Position:
    kind = _margin_type(row.margin_type)
    if kind is None and row.isolated is not None:
        kind = "isolated" if row.isolated else "cross"
    return Position(
        venue=venue,
        instrument=row.symbol,
        quantity=row.position_amt,
        entry_price=row.entry_price,
        mark_price=row.mark_price,
        unrealized=row.unrealized_profit if row.unrealized_profit is not None else row.un_realized_profit,
        leverage=row.leverage,
        liquidation_price=unless_zero(row.liquidation_price),
        margin=row.isolated_margin if kind == "isolated" else row.initial_margin,
        margin_type=kind,
        position_side=unless_none(row.position_side),
        notional=row.notional,
        time_ns=stamp_ns(row.update_time),
    )


def _margin_type(word: str | None) -> str | None:
    return None if word is None else "cross" if word.lower() == "crossed" else word.lower()
