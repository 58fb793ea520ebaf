"""Questions to `/info` and the shapes of its answers. Users are asked for by master or sub-account, never by agent."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from crossbook.venues.hyperliquid.messages import (
    Amount,
    AssetContext,
    Coin,
    Id,
    Number,
    Order,
    OrderUpdate,
    Said,
    Stamp,
    Word,
)

Question = dict[str, object]


def body(question: Question) -> bytes:
    """The body of an `/info` request."""
    return msgspec.json.encode(question)


def meta(dex: str = "") -> Question:
    return {"type": "meta", "dex": dex}


def meta_and_contexts(dex: str = "") -> Question:
    return {"type": "metaAndAssetCtxs", "dex": dex}


def spot_meta() -> Question:
    return {"type": "spotMeta"}


def book(coin: str) -> Question:
    return {"type": "l2Book", "coin": coin}


def candles(coin: str, interval: str, start_ms: int, end_ms: int) -> Question:
    """Candles that begin in the range, and the one that holds `start_ms`; the last 5,000 at most."""
    wanted = {"coin": coin, "interval": interval, "startTime": start_ms, "endTime": end_ms}
    return {"type": "candleSnapshot", "req": wanted}


def funding_history(coin: str, start_ms: int) -> Question:
    """At most 500: ask on from the last one's time."""
    return {"type": "fundingHistory", "coin": coin, "startTime": start_ms}


def account(user: str) -> Question:
    return {"type": "clearinghouseState", "user": user, "dex": ""}


def spot_account(user: str) -> Question:
    return {"type": "spotClearinghouseState", "user": user}


def open_orders(user: str) -> Question:
    """With their time in force and whether they only reduce."""
    return {"type": "frontendOpenOrders", "user": user, "dex": ""}


def order_status(user: str, oid: int | str) -> Question:
    """One order by the venue's id or by its cloid."""
    return {"type": "orderStatus", "user": user, "oid": oid}


def fills(user: str) -> Question:
    """The last 2,000 at most, newest first."""
    return {"type": "userFills", "user": user}


def fills_by_time(user: str, start_ms: int, end_ms: int | None = None) -> Question:
    """At most 2,000 an answer, of the newest 10,000 only: ask on from the last one's time."""
    asked: Question = {"type": "userFillsByTime", "user": user, "startTime": start_ms}
    return asked if end_ms is None else asked | {"endTime": end_ms}


def funding_paid(user: str, start_ms: int) -> Question:
    return {"type": "userFunding", "user": user, "startTime": start_ms}


def rate_limit(user: str) -> Question:
    return {"type": "userRateLimit", "user": user}


def role(user: str) -> Question:
    return {"type": "userRole", "user": user}


def agents(user: str) -> Question:
    return {"type": "extraAgents", "user": user}


def fees(user: str) -> Question:
    return {"type": "userFees", "user": user}


def abstraction(user: str) -> Question:
    """How the account's wallets are joined; the answer is one word."""
    return {"type": "userAbstraction", "user": user}


def status() -> Question:
    """The venue's time."""
    return {"type": "exchangeStatus"}


def weight(question: Question) -> int:
    """What a question costs of an address' weight, before the items that it brings."""
    return 2 if question["type"] in _LIGHT else 60 if question["type"] == "userRole" else 20


def items_weight(items: int) -> int:
    """What the items of a list of fills or payments cost besides."""
    return items // 20


_LIGHT = (
    "l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus",
)  # fmt: skip


class Asset(Said, frozen=True, kw_only=True):
    """A perpetual of the universe. Its place there is its number in actions."""

    name: Coin
    sz_decimals: int
    max_leverage: int = 1
    margin_table_id: int | None = None
    only_isolated: bool | None = None
    is_delisted: bool | None = None
    margin_mode: str | None = None


class Meta(Said, frozen=True, kw_only=True):
    """The perpetuals of one dex; `collateral_token` is the index of the spot token they are margined in (0: USDC)."""

    universe: list[Asset]
    collateral_token: int = 0
    margin_tables: Raw = Raw(b"[]")


class Token(Said, frozen=True, kw_only=True):
    """A spot token; its index is not its place in the list."""

    name: Coin
    sz_decimals: int
    wei_decimals: int
    index: Id
    token_id: str = ""


class Pair(Said, frozen=True, kw_only=True):
    """A spot pair: `tokens` are the indices of base and quote; 10000 + `index` is its number in actions."""

    name: Coin
    tokens: tuple[Id, Id]
    index: Id


class SpotMeta(Said, frozen=True, kw_only=True):
    tokens: list[Token]
    universe: list[Pair]


MetaAndContexts = tuple[Meta, list[AssetContext]]
SpotMetaAndContexts = tuple[SpotMeta, list[AssetContext]]


class FundingRate(Said, frozen=True, kw_only=True):
    """What was charged at one hour: `funding_rate` is of that hour."""

    coin: Coin
    funding_rate: Number
    time: Stamp
    premium: Number | None = None


class Leverage(Said, frozen=True, kw_only=True):
    """`raw_usd` only where the margin is isolated."""

    type: Word
    value: int
    raw_usd: Number | None = None


class Position(Said, frozen=True, kw_only=True):
    """`szi` is signed; no liquidation price where none can be reached."""

    coin: Coin
    szi: Number
    position_value: Amount
    unrealized_pnl: Number
    margin_used: Number
    leverage: Leverage
    entry_px: Amount | None = None
    liquidation_px: Number | None = None
    return_on_equity: Number | None = None
    max_leverage: int | None = None


class AssetPosition(Said, frozen=True, kw_only=True):
    position: Position
    type: Word = "oneWay"


class MarginSummary(Said, frozen=True, kw_only=True):
    account_value: Number
    total_ntl_pos: Amount
    total_raw_usd: Number
    total_margin_used: Amount


class AccountState(Said, frozen=True, kw_only=True):
    """`clearinghouseState`. Under a unified account or portfolio margin the balances stand in the spot state."""

    asset_positions: list[AssetPosition]
    cross_margin_summary: MarginSummary
    withdrawable: Number
    margin_summary: MarginSummary | None = None
    cross_maintenance_margin_used: Amount | None = None
    time: Stamp | None = None


class SpotBalance(Said, frozen=True, kw_only=True):
    """`hold` is bound in open orders."""

    coin: Coin
    total: Number
    hold: Amount
    token: Id | None = None
    entry_ntl: Number | None = None


class SpotState(Said, frozen=True, kw_only=True):
    balances: list[SpotBalance]


class FoundOrder(Said, frozen=True, kw_only=True):
    """The answer to `orderStatus`: an order, or `unknownOid`, which may be a lag of the venue's index."""

    status: Word
    order: OrderUpdate | None = None


class RateLimit(Said, frozen=True, kw_only=True):
    """The address' budget of requests: one for each USDC ever traded, and 10,000."""

    cum_vlm: Amount
    n_requests_used: Id
    n_requests_cap: Id
    n_requests_surplus: Id = 0


class Role(Said, frozen=True, kw_only=True):
    """`user`, `agent` (`data.user` is its master), `vault`, `subAccount` or `missing`."""

    role: Word
    data: dict[str, object] | None = None


class Agent(Said, frozen=True, kw_only=True):
    """A named wallet that may trade for the account until `valid_until`."""

    name: str
    address: Word
    valid_until: Id | None = None


class Fees(Said, frozen=True, kw_only=True):
    """`userFees`: what a perpetual's taker (`cross`) and maker (`add`) pay, as parts of one."""

    user_cross_rate: Number
    user_add_rate: Number


class Status(Said, frozen=True, kw_only=True):
    """`exchangeStatus`."""

    time: Stamp


class WebAccount(Said, frozen=True, kw_only=True):
    """`webData2`, `webData3`: the part we read of a page's worth of state."""

    clearinghouse_state: AccountState | None = None
    open_orders: list[Order] | None = None
    agent_address: str | None = None
    agent_valid_until: Stamp | None = None
    server_time: Stamp | None = None
