"""Market data of Binance as messages: REST answers, WS API answers, streams. Not the hot path (that is `codec`).

Every function raises `msgspec.DecodeError` for what does not read; whoever listens drops, counts and asks anew.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from crossbook.venues.binance.words import Amount, Id, Name, Number, Stamp, stamp_ns
from crossbook.venues.messages import (
    BUY,
    SELL,
    Bar,
    Depth,
    Funding,
    Mark,
    Message,
    OpenInterest,
    Quote,
    ServerTime,
    Trade,
)

Rate = Annotated[str, Meta(pattern=r"\A(-?[0-9]{1,30}(\.[0-9]{1,30})?)?\Z")]
"""A funding rate; a contract without funding says ""."""
Levels = list[tuple[Amount, Amount]]


class TickerAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`ticker/bookTicker`, or `ticker/24hr`, which says the best bid and ask too."""

    symbol: Name
    bid_price: Amount
    bid_qty: Amount
    ask_price: Amount
    ask_qty: Amount
    last_update_id: Id | None = None
    time: Stamp | None = None
    close_time: Stamp | None = None


class BookTicker(msgspec.Struct, kw_only=True):
    """Stream `bookTicker`: spot names neither the event nor a time."""

    u: Id
    s: Name
    b: Amount
    B: Amount
    a: Amount
    A: Amount
    T: Stamp | None = None
    E: Stamp | None = None


class DepthAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A snapshot: `GET depth`, or spot's stream `depthN`."""

    last_update_id: Id
    bids: Levels
    asks: Levels
    symbol: str | None = None
    at: Stamp | None = msgspec.field(default=None, name="T")


class DepthUpdate(msgspec.Struct, kw_only=True):
    s: Name
    U: Id
    u: Id
    b: Levels
    a: Levels
    pu: Id | None = None
    T: Stamp | None = None
    E: Stamp | None = None


class TradeRow(msgspec.Struct, rename="camel", kw_only=True):
    """A row of `GET trades`."""

    id: Id
    price: Amount
    qty: Amount
    time: Stamp
    is_buyer_maker: bool


class TradeEvent(msgspec.Struct, kw_only=True):
    """Streams `trade` (`t`) and `aggTrade` (`a`, `f`, `l`), and a row of `GET aggTrades` (without symbol)."""

    p: Amount
    q: Amount
    m: bool
    T: Stamp
    s: str | None = None
    t: Id | None = None
    a: Id | None = None
    f: Id | None = None
    l: Id | None = None  # noqa: E741


class MarkEvent(msgspec.Struct, kw_only=True):
    s: Name
    p: Amount
    E: Stamp
    i: Amount | None = None
    r: Rate = ""
    T: Stamp | None = None


class PremiumIndex(msgspec.Struct, rename="camel", kw_only=True):
    symbol: Name
    mark_price: Amount
    index_price: Amount | None = None
    last_funding_rate: Rate = ""
    next_funding_time: Stamp | None = None
    time: Stamp | None = None


class FundingRow(msgspec.Struct, rename="camel", kw_only=True):
    """A row of `fundingRate`: what was paid at a stamp."""

    symbol: Name
    funding_rate: Number
    funding_time: Stamp
    mark_price: Rate = ""


class OpenInterestAnswer(msgspec.Struct, rename="camel", kw_only=True):
    symbol: Name
    open_interest: Amount
    time: Stamp | None = None


class KlineBody(msgspec.Struct, kw_only=True):
    t: Stamp
    T: Stamp
    i: Name
    o: Amount
    h: Amount
    l: Amount  # noqa: E741
    c: Amount
    v: Amount
    n: Id
    x: bool


class KlineEvent(msgspec.Struct, kw_only=True):
    s: Name
    E: Stamp
    k: KlineBody


KlineRow = tuple[
    Stamp, Amount, Amount, Amount, Amount, Amount, Stamp, Amount, Id, Amount, Amount, str
]  # fmt: skip
"""A row of `klines`: open time, open, high, low, close, volume, close time, quote volume, trades, ..."""


class TimeAnswer(msgspec.Struct, rename="camel", kw_only=True):
    server_time: Stamp


def quote(venue: str, body: bytes) -> list[Message]:
    """The best bid and ask of an answer."""
    said = msgspec.json.decode(body, type=TickerAnswer)
    return [
        Quote(
            venue=venue,
            instrument=said.symbol,
            bid_price=said.bid_price,
            bid_quantity=said.bid_qty,
            ask_price=said.ask_price,
            ask_quantity=said.ask_qty,
            update_id=said.last_update_id,
            time_ns=stamp_ns(said.time or said.close_time),
        )
    ]


def book_ticker(venue: str, body: bytes) -> list[Message]:
    """The best bid and ask of a stream."""
    said = msgspec.json.decode(body, type=BookTicker)
    return [
        Quote(
            venue=venue,
            instrument=said.s,
            bid_price=said.b,
            bid_quantity=said.B,
            ask_price=said.a,
            ask_quantity=said.A,
            update_id=said.u,
            time_ns=stamp_ns(said.T or said.E),
        )
    ]


def snapshot(venue: str, body: bytes, stream: str = "") -> list[Message]:
    """A whole book; of what, only a stream's name says (and COIN-M)."""
    said = msgspec.json.decode(body, type=DepthAnswer)
    return [
        Depth(
            venue=venue,
            instrument=said.symbol or symbol_of(stream),
            snapshot=True,
            bids=said.bids,
            asks=said.asks,
            last_id=said.last_update_id,
            time_ns=stamp_ns(said.at),
        )
    ]


def depth_update(venue: str, body: bytes, stream: str = "") -> list[Message]:
    """Changes of a book; futures' `@depth5`, `10`, `20` have the same form and are the whole top."""
    said = msgspec.json.decode(body, type=DepthUpdate)
    whole = stream.partition("@depth")[2].partition("@")[0] in ("5", "10", "20")
    return [
        Depth(
            venue=venue,
            instrument=said.s,
            snapshot=whole,
            bids=said.b,
            asks=said.a,
            first_id=said.U,
            last_id=said.u,
            prev_id=said.pu,
            time_ns=stamp_ns(said.T or said.E),
        )
    ]


def trade_row(venue: str, body: bytes) -> list[Message]:
    """A public trade of an answer, which does not say its symbol."""
    said = msgspec.json.decode(body, type=TradeRow)
    return [
        Trade(
            venue=venue,
            side=SELL if said.is_buyer_maker else BUY,
            price=said.price,
            quantity=said.qty,
            trade_id=said.id,
            time_ns=stamp_ns(said.time),
        )
    ]


def trade(venue: str, body: bytes) -> list[Message]:
    """A public trade of a stream, or an aggregate of several at one price."""
    said = msgspec.json.decode(body, type=TradeEvent)
    return [
        Trade(
            venue=venue,
            instrument=said.s,
            side=SELL if said.m else BUY,
            price=said.p,
            quantity=said.q,
            trade_id=said.t if said.t is not None else said.a,
            first_trade_id=said.f,
            last_trade_id=said.l,
            time_ns=stamp_ns(said.T),
        )
    ]


def mark(venue: str, body: bytes) -> list[Message]:
    """Stream `markPrice`; it speaks as of `E`, its `T` is the next funding."""
    said = msgspec.json.decode(body, type=MarkEvent)
    return [
        Mark(
            venue=venue,
            instrument=said.s,
            mark_price=said.p,
            index_price=said.i,
            funding_rate=said.r or None,
            next_funding_ns=stamp_ns(said.T),
            time_ns=stamp_ns(said.E),
        )
    ]


def premium_index(venue: str, body: bytes) -> list[Message]:
    """`GET premiumIndex`; `lastFundingRate` is the coming rate as it stands."""
    said = msgspec.json.decode(body, type=PremiumIndex)
    return [
        Mark(
            venue=venue,
            instrument=said.symbol,
            mark_price=said.mark_price,
            index_price=said.index_price,
            funding_rate=said.last_funding_rate or None,
            next_funding_ns=stamp_ns(said.next_funding_time),
            time_ns=stamp_ns(said.time),
        )
    ]


def funding_rate(venue: str, body: bytes) -> list[Message]:
    """A past funding stamp."""
    said = msgspec.json.decode(body, type=FundingRow)
    return [
        Funding(
            venue=venue,
            instrument=said.symbol,
            rate=said.funding_rate,
            mark_price=said.mark_price or None,
            time_ns=stamp_ns(said.funding_time),
        )
    ]


def open_interest(venue: str, body: bytes) -> list[Message]:
    """How much of a contract is open."""
    said = msgspec.json.decode(body, type=OpenInterestAnswer)
    return [OpenInterest(venue=venue, instrument=said.symbol, quantity=said.open_interest, time_ns=stamp_ns(said.time))]


def kline(venue: str, body: bytes) -> list[Message]:
    """A bar of a stream, closed or still open."""
    said = msgspec.json.decode(body, type=KlineEvent)
    bar = said.k
    return [
        Bar(
            venue=venue,
            instrument=said.s,
            interval=bar.i,
            open_ns=stamp_ns(bar.t) or 0,
            close_ns=stamp_ns(bar.T) or 0,
            open=bar.o,
            high=bar.h,
            low=bar.l,
            close=bar.c,
            quantity=bar.v,
            trades=bar.n,
            closed=bar.x,
            time_ns=stamp_ns(said.E),
        )
    ]


def kline_row(venue: str, body: bytes) -> list[Message]:
    """A bar of an answer, which says neither symbol nor interval."""
    row = msgspec.json.decode(body, type=KlineRow)
    return [
        Bar(
            venue=venue,
            open_ns=stamp_ns(row[0]) or 0,
            close_ns=stamp_ns(row[6]) or 0,
            open=row[1],
            high=row[2],
            low=row[3],
            close=row[4],
            quantity=row[5],
            trades=row[8],
        )
    ]


def server_time(venue: str, body: bytes) -> list[Message]:
    """The venue's clock."""
    return [ServerTime(venue=venue, time_ns=stamp_ns(msgspec.json.decode(body, type=TimeAnswer).server_time) or 0)]


def symbol_of(stream: str) -> str | None:
    """The symbol in a stream's name: `btcusdt@depth5` -> BTCUSDT."""
    name, at, _ = stream.partition("@")
    return name.upper() if at and name and not name.startswith("!") else None
