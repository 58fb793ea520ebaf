"""What a venue said, in words common to all venues: the normalised messages that every codec produces.

Prices, quantities, amounts and rates are the venue's own decimal text (exact, never a float; a JSON number is kept by
its text). `instrument` is the venue's own symbol ("BTCUSDT", "BTC", "@107"). Stamps are nanoseconds UTC. Ids of the
venue are integers. `None` means that the message did not say it; such fields are left out of the JSON.
Amounts are signed from our side: `fee` >= 0 is a cost and < 0 a rebate, `Funding.amount` > 0 was received.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

import msgspec

from crossbook.types import Level

Decimal = str
"""The venue's text of a decimal number."""
SideName = Literal["buy", "sell"]
BUY: SideName = "buy"
SELL: SideName = "sell"
Levels = list[tuple[Decimal, Decimal]]
"""`[price, quantity]`, best first; quantity "0" removes a level of a delta."""


class OrderStatus(StrEnum):
    """Where an order stands. UNKNOWN: an answer came that says nothing certain; ask, never resend."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """What an error says about the request: it certainly did nothing (REFUSED: do not repeat it as it is;
    RETRYABLE: the same may succeed later), or nothing is certain (UNKNOWN: ask what became of it)."""

    REFUSED = "refused"
    RETRYABLE = "retryable"
    UNKNOWN = "unknown"


class Consequence(StrEnum):
    """What an error means beyond its request; how far the ladder falls."""

    NONE = "none"
    """The one request only."""
    INSTRUMENT_CLOSE_ONLY = "instrument_close_only"
    """The instrument is closed or restricted: no new entries there."""
    VENUE_CLOSE_ONLY = "venue_close_only"
    """The account may only reduce, or its settings are not those that we assert."""
    VENUE_KILLED = "venue_killed"
    """The venue does not know us (key, signature, permission, agent): nothing can be sent any more; a person acts."""
    HOLD_CLOCK = "hold_clock"
    """Our clock is off the venue's: entries wait until it is measured anew."""
    HOLD_RATE = "hold_rate"
    """We ask too much: back off for `retry_after_ms`."""
    HOLD_VENUE = "hold_venue"
    """The venue is in trouble: entries wait."""
    RESTART_STREAM = "restart_stream"
    """The user stream has to be opened anew, and what was missed asked for."""
    ALERT = "alert"
    """Our request is malformed, which is a bug of ours: tell a person, send no more of this kind."""


LEVELS = {
    Consequence.INSTRUMENT_CLOSE_ONLY: Level.CLOSE_ONLY,
    Consequence.VENUE_CLOSE_ONLY: Level.CLOSE_ONLY,
    Consequence.VENUE_KILLED: Level.KILLED,
}
"""What an `events.Restricted` says: the level that the venue (or, of the first, the one instrument) falls to."""


class ErrorRow(msgspec.Struct, frozen=True):
    """A row of a venue's error table. `name` is our word for it; `match` a part of the text where one code says several
    things ("" matches all); `rejection` is the name of an `events.Rejection`."""

    code: int | str
    name: str
    kind: ErrorKind
    consequence: Consequence = Consequence.NONE
    rejection: str | None = None
    match: str = ""

    def said(self, venue: str, text: str, code: int | None, request: int | str | None, after_ms: int | None) -> Error:
        """What a venue's words mean by this row."""
        return Error(
            venue=venue, code=code, text=text, name=self.name, kind=self.kind, consequence=self.consequence,
            rejection=self.rejection, retry_after_ms=after_ms, request_id=request,
        )  # fmt: skip


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", tag="message"):
    """What every message says: whose it is (`Venue.label`)."""

    venue: str


class Quote(Message, frozen=True, kw_only=True, tag="quote"):
    """Best bid and ask."""

    instrument: str | None = None
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = None
    update_id: int | None = None
    time_ns: int | None = None


class Depth(Message, frozen=True, kw_only=True, tag="depth"):
    """A book (`snapshot`) or changes of one; `first_id` to `last_id` are the updates in it, `prev_id` is before it."""

    instrument: str | None = None
    snapshot: bool
    bids: Levels
    asks: Levels
    first_id: int | None = None
    last_id: int | None = None
    prev_id: int | None = None
    time_ns: int | None = None


class Trade(Message, frozen=True, kw_only=True, tag="trade"):
    """A public print; `side` is the taker's. An aggregate names the trades in it: `first_trade_id`, `last_trade_id`."""

    instrument: str | None = None
    side: SideName | None = None
    price: Decimal
    quantity: Decimal
    trade_id: int | None = None
    first_trade_id: int | None = None
    last_trade_id: int | None = None
    time_ns: int | None = None


class Mark(Message, frozen=True, kw_only=True, tag="mark"):
    """Mark and index price, the coming funding rate and when it will be paid. `mid_price` where the venue says one."""

    instrument: str | None = None
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    mid_price: Decimal | None = None
    funding_rate: Decimal | None = None
    next_funding_ns: int | None = None
    time_ns: int | None = None


class OpenInterest(Message, frozen=True, kw_only=True, tag="open_interest"):
    """How much is open, in the instrument's base."""

    instrument: str | None = None
    quantity: Decimal
    time_ns: int | None = None


class Bar(Message, frozen=True, kw_only=True, tag="bar"):
    """Open, high, low, close and volume of `[open_ns, close_ns]`; `closed` False: it still changes."""

    instrument: str | None = None
    interval: str | None = None
    open_ns: int
    close_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    quantity: Decimal
    trades: int | None = None
    closed: bool | None = None
    time_ns: int | None = None


class OrderUpdate(Message, frozen=True, kw_only=True, tag="order"):
    """How an order of ours stands. `filled` is its whole filled quantity; `reason` says why it ended or is unknown.

    `time_in_force` is gtc, ioc, fok, alo (post-only) or gtd; `order_type` limit, market or a conditional's own name.
    `conditional`: it waits for `trigger_price` and `venue_order_id` is of the venue's conditional orders.
    """

    instrument: str | None = None
    side: SideName | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    filled: Decimal | None = None
    average_price: Decimal | None = None
    status: OrderStatus
    reason: str | None = None
    reduce_only: bool | None = None
    position_side: str | None = None
    conditional: bool | None = None
    trigger_price: Decimal | None = None
    client_order_id: str | None = None
    venue_order_id: int | None = None
    time_ns: int | None = None


class Fill(Message, frozen=True, kw_only=True, tag="fill"):
    """Some of our order traded. `maker` it rested. `start_position` is the position before it (Hyperliquid).

    `realized` is the profit that it realised, before fees. `forced`: the venue closed us. `early`: a fast notice
    without fee; the full report follows under the same `trade_id`. `origin` names a fill that no order of ours made.
    """

    instrument: str | None = None
    side: SideName | None = None
    price: Decimal
    quantity: Decimal
    fee: Decimal | None = None
    fee_asset: str | None = None
    maker: bool | None = None
    trade_id: int | None = None
    client_order_id: str | None = None
    venue_order_id: int | None = None
    start_position: Decimal | None = None
    realized: Decimal | None = None
    position_side: str | None = None
    forced: bool | None = None
    early: bool | None = None
    origin: str | None = None
    time_ns: int | None = None


class Balance(Message, frozen=True, kw_only=True, tag="balance"):
    """What we own of an asset. `total` of a margin account is the wallet, without unrealised profit.

    `change` and `reason` say that money moved (a deposit, a transfer); a message may say only that.
    """

    asset: str
    free: Decimal | None = None
    locked: Decimal | None = None
    total: Decimal | None = None
    unrealized: Decimal | None = None
    change: Decimal | None = None
    reason: str | None = None
    time_ns: int | None = None


class Position(Message, frozen=True, kw_only=True, tag="position"):
    """A position; `quantity` is signed. `position_side` is both (one-way), long or short; `margin_type` cross or
    isolated; `margin` what is set aside for it."""

    instrument: str
    quantity: Decimal
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    unrealized: Decimal | None = None
    leverage: Decimal | None = None
    liquidation_price: Decimal | None = None
    margin: Decimal | None = None
    margin_type: str | None = None
    position_side: str | None = None
    notional: Decimal | None = None
    time_ns: int | None = None


class Funding(Message, frozen=True, kw_only=True, tag="funding"):
    """A funding stamp (`rate`), or what we paid or received at one (`amount` > 0 was received)."""

    instrument: str | None = None
    amount: Decimal | None = None
    asset: str | None = None
    rate: Decimal | None = None
    mark_price: Decimal | None = None
    quantity: Decimal | None = None
    payment_id: int | None = None
    time_ns: int | None = None


class Instrument(Message, frozen=True, kw_only=True, tag="instrument"):
    """The rules of an instrument. `kind` is spot, linear or inverse; `status` the venue's own word, lower case.

    `asset_index` and `size_decimals` are Hyperliquid's; where these are said, tick and lot follow from them.
    """

    instrument: str
    base: str
    quote: str
    settle: str | None = None
    kind: str
    status: str | None = None
    tradeable: bool | None = None
    tick: Decimal | None = None
    lot: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_open_orders: int | None = None
    significant_figures: int | None = None
    size_decimals: int | None = None
    asset_index: int | None = None
    max_leverage: int | None = None


class Error(Message, frozen=True, kw_only=True, tag="error"):
    """An error answer. `code` is the venue's number (absent where it sends only words), `name` our word for it,
    `rejection` the name of an `events.Rejection`, `request_id` the request that it answers."""

    code: int | None = None
    text: str
    name: str
    kind: ErrorKind
    consequence: Consequence = Consequence.NONE
    rejection: str | None = None
    retry_after_ms: int | None = None
    request_id: int | str | None = None
    client_order_id: str | None = None
    time_ns: int | None = None


class StreamEnded(Message, frozen=True, kw_only=True, tag="stream_ended"):
    """The venue ends a stream, or soon will: listenKeyExpired, eventStreamTerminated, serverShutdown."""

    reason: str
    time_ns: int | None = None


class Account(Message, frozen=True, kw_only=True, tag="account"):
    """What the account may do and how it is set. `account_id` is what identifies it (uid, alias, address)."""

    account_id: str | None = None
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    hedge_mode: bool | None = None
    multi_assets_margin: bool | None = None
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    account_value: Decimal | None = None
    withdrawable: Decimal | None = None
    margin_used: Decimal | None = None
    time_ns: int | None = None


class Leverage(Message, frozen=True, kw_only=True, tag="leverage"):
    """An instrument's leverage was set."""

    instrument: str
    leverage: Decimal
    margin_type: str | None = None
    time_ns: int | None = None


class MarginCall(Message, frozen=True, kw_only=True, tag="margin_call"):
    """The venue warns that positions are near liquidation."""

    instruments: list[str]
    time_ns: int | None = None


class ServerTime(Message, frozen=True, kw_only=True, tag="time"):
    """The venue's clock."""

    time_ns: int


AnyMessage = (
    Quote | Depth | Trade | Mark | OpenInterest | Bar | OrderUpdate | Fill | Balance | Position | Funding
    | Instrument | Error | StreamEnded | Account | Leverage | MarginCall | ServerTime
)  # fmt: skip
"""For `msgspec.json.decode(text, type=list[AnyMessage])`."""

KINDS: dict[str, tuple[type[Message], ...]] = {
    "instruments": (Instrument,),
    "quote": (Quote,),
    "depth": (Depth,),
    "trade": (Trade,),
    "order": (OrderUpdate,),
    "fill": (Fill,),
    "balance": (Balance,),
    "position": (Position,),
    "funding": (Funding, Mark),
    "error": (Error,),
    "auto": (Message,),
}
"""What may be asked of a decoder. A mark price carries the coming funding rate, so it counts as funding too."""


def of_kind(found: Iterable[Message], kind: str) -> list[Message]:
    """The messages of a kind; an error answers any question and is always kept."""
    return [message for message in found if isinstance(message, (*KINDS[kind], Error))]


def to_json(messages: list[Message]) -> bytes:
    """The messages as a JSON list."""
    return msgspec.json.encode(messages)
