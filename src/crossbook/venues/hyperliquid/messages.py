"""What Hyperliquid says, in its own words: the market, our orders, fills and accounts, as streams and answers tell it.

Decimals stay the venue's own text, checked to be plain decimal numbers (no exponent, no NaN). Fields we do not know are
passed over: what is asked to be strict, the answers to orders, is in `answers`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

Number = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,30}(\.[0-9]{1,30})?\Z")]
"""A signed decimal number as text."""
Amount = Annotated[str, Meta(pattern=r"\A[0-9]{1,30}(\.[0-9]{1,30})?\Z")]
"""A decimal number of zero or more as text."""
Id = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Stamp = Annotated[int, Meta(ge=1_230_768_000_000, lt=4_102_444_800_000)]
"""Milliseconds between 2009 and 2100."""
Coin = Annotated[str, Meta(min_length=1, max_length=64)]
Cloid = Annotated[str, Meta(pattern=r"\A0x[0-9a-fA-F]{32}\Z")]
Word = Annotated[str, Meta(min_length=1, max_length=64)]
Letter = Literal["B", "A"]
"""`B` bid, buy; `A` ask, sell. Of a public print: the taker's side."""


class Said(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Anything the venue says: its camelCase names, absent where it says nothing."""


class Frame(Said, frozen=True, kw_only=True):
    """A frame of the websocket. `pong` has no data."""

    channel: str
    data: Raw = Raw(b"null")


class Level(Said, frozen=True, kw_only=True):
    """A price of a book and the `n` orders that stand there."""

    px: Amount
    sz: Amount
    n: int = 0


class Book(Said, frozen=True, kw_only=True):
    """The whole displayed book (`l2Book`): bids downwards, asks upwards. It has no sequence; its time is its id."""

    coin: Coin
    time: Stamp
    levels: tuple[list[Level], list[Level]]


class Bbo(Said, frozen=True, kw_only=True):
    """Best bid and ask; a side may be empty."""

    coin: Coin
    time: Stamp
    bbo: tuple[Level | None, Level | None]


class Trade(Said, frozen=True, kw_only=True):
    """A public print."""

    coin: Coin
    side: Letter
    px: Amount
    sz: Amount
    time: Stamp
    tid: Id


class AssetContext(Said, frozen=True, kw_only=True):
    """What moves with an asset. Spot has no funding, oracle or open interest. `funding` is the hourly rate."""

    mark_px: Amount
    oracle_px: Amount | None = None
    mid_px: Amount | None = None
    funding: Number | None = None
    open_interest: Amount | None = None
    premium: Number | None = None
    prev_day_px: Amount | None = None
    day_ntl_vlm: Amount | None = None
    day_base_vlm: Amount | None = None
    impact_pxs: list[Amount] | None = None
    coin: Coin | None = None


class ActiveAssetContext(Said, frozen=True, kw_only=True):
    """`activeAssetCtx` (perpetuals) and `activeSpotAssetCtx`."""

    coin: Coin
    ctx: AssetContext


class Mids(Said, frozen=True, kw_only=True):
    """`allMids`: the middle of each book; of an empty one the last trade."""

    mids: dict[Coin, Amount]


class Candle(Said, frozen=True, kw_only=True, rename=None):
    """One interval `i` from `t` to `T` of the coin `s`, with `n` trades."""

    s: Coin
    i: Word
    t: Stamp
    T: Stamp
    o: Amount
    h: Amount
    l: Amount  # noqa: E741
    c: Amount
    v: Amount
    n: Id = 0


class Order(Said, frozen=True, kw_only=True):
    """An order of ours. `sz` is what is left of it, `orig_sz` what it was; old answers and streams say less."""

    coin: Coin
    side: Letter
    limit_px: Amount
    sz: Amount
    oid: Id
    timestamp: Stamp
    orig_sz: Amount | None = None
    cloid: Cloid | None = None
    reduce_only: bool | None = None
    order_type: str | None = None
    tif: str | None = None
    is_trigger: bool = False
    trigger_px: Amount | None = None
    trigger_condition: str | None = None
    is_position_tpsl: bool = False


class OrderUpdate(Said, frozen=True, kw_only=True):
    """What became of an order (`orderUpdates`, `historicalOrders`, `orderStatus`)."""

    order: Order
    status: Word
    status_timestamp: Stamp


class FillLiquidation(Said, frozen=True, kw_only=True):
    """Whose liquidation a fill was: `method` is `market` or `backstop`."""

    mark_px: Amount
    method: str
    liquidated_user: str | None = None


class Fill(Said, frozen=True, kw_only=True):
    """A fill of ours. `crossed`: it took. `fee` < 0 is a rebate and holds `builder_fee`; `start_position` is signed.

    `tid` is a hash of the two orders: two matches of the same orders share it (see `fills.fill_key`). Old records have
    neither `tid` nor `fee_token`.
    """

    coin: Coin
    side: Letter
    px: Amount
    sz: Amount
    time: Stamp
    start_position: Number
    dir: str
    closed_pnl: Number
    oid: Id
    crossed: bool
    fee: Number
    hash: str = ""
    tid: Id | None = None
    fee_token: str | None = None
    builder_fee: Amount | None = None
    cloid: Cloid | None = None
    liquidation: FillLiquidation | None = None


class UserFills(Said, frozen=True, kw_only=True):
    """`userFills`: first a snapshot of past fills, then each as it happens."""

    fills: list[Fill]
    user: str | None = None
    is_snapshot: bool = False


class UserFunding(Said, frozen=True, kw_only=True):
    """Funding that moved our cash: `usdc` > 0 was received."""

    coin: Coin
    usdc: Number
    szi: Number
    funding_rate: Number
    time: Stamp | None = None


class UserFundings(Said, frozen=True, kw_only=True):
    """`userFundings`: a snapshot first."""

    fundings: list[UserFunding]
    user: str | None = None
    is_snapshot: bool = False


class LedgerRecord(Said, frozen=True, kw_only=True):
    """An element of `userFunding` and `userNonFundingLedgerUpdates`: money that moved, as a `LedgerDelta`."""

    delta: Raw
    time: Stamp
    hash: str = ""


class LedgerDelta(Said, frozen=True, kw_only=True):
    """What moved: of type `funding` it is a `UserFunding`. Amounts are without sign; `fee` is paid besides."""

    type: str | None = None
    usdc: Number | None = None
    amount: Amount | None = None
    token: str | None = None
    fee: Amount | None = None


class LedgerUpdates(Said, frozen=True, kw_only=True):
    """`userNonFundingLedgerUpdates`: a snapshot first."""

    non_funding_ledger_updates: list[LedgerRecord]
    user: str | None = None
    is_snapshot: bool = False


class OwnLiquidation(Said, frozen=True, kw_only=True, rename=None):
    """An account was liquidated; every amount in USDC."""

    lid: Id
    liquidator: str
    liquidated_user: str
    liquidated_ntl_pos: Amount
    liquidated_account_value: Number


class Canceled(Said, frozen=True, kw_only=True):
    """An order that the venue took away, not we."""

    coin: Coin
    oid: Id


class UserEvents(Said, frozen=True, kw_only=True):
    """`userEvents` (its channel is `user`): one of these at a time."""

    fills: list[Fill] | None = None
    funding: UserFunding | None = None
    liquidation: OwnLiquidation | None = None
    non_user_cancel: list[Canceled] | None = None


class SubscriptionAnswer(Said, frozen=True, kw_only=True):
    """`subscriptionResponse`: what was asked, with the venue's defaults filled in."""

    method: Literal["subscribe", "unsubscribe"]
    subscription: dict[str, str | int | float | bool | None]


class PostResponse(Said, frozen=True, kw_only=True):
    """The body of an answer to a `post`: of an action, an info request, or the text of an HTTP error."""

    type: Literal["action", "info", "error"]
    payload: Raw


class PostAnswer(Said, frozen=True, kw_only=True):
    """`post`: the answer to the request that we numbered `id`."""

    id: Id
    response: PostResponse
