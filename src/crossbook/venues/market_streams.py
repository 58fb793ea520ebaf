"""Which market streams there are to subscribe to, how a frame says which it is, and what it shares with its twin."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.endpoints import Endpoints

SYMBOLS_MAX = 200
STREAMS_A_MESSAGE = 100
SPOT, USDM, HYPERLIQUID = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID

BINANCE_STREAMS = {
    (SPOT, ""): (("bookTicker", 2.0), ("depth@100ms", 2.0), ("trade", 0.0)),
    (USDM, "public"): (("bookTicker", 2.0), ("depth@100ms", 2.0), ("trade", 0.0)),
    (USDM, "market"): (("markPrice@1s", 5.0),),
}
HYPERLIQUID_STREAMS = (("l2Book", 5.0), ("bbo", 0.0), ("trades", 0.0), ("activeAssetCtx", 0.0))
"""A stream and the least age that can mean it is dead; 0: it speaks only when something changes."""


class Feed(msgspec.Struct, frozen=True):
    """One connection: where, what is said when it opens, and the streams that then come, each with its floor."""

    url: str
    hello: tuple[bytes, ...]
    streams: tuple[tuple[str, float], ...]


class Message(msgspec.Struct, frozen=True):
    """A market frame, taken apart as far as it must be: its stream, its symbol, and its content undecoded."""

    stream: str
    symbol: str
    content: msgspec.Raw


class DepthIds(msgspec.Struct, rename={"first": "U", "last": "u", "previous": "pu"}):
    """What links an update of Binance to the one before."""

    first: int
    last: int
    previous: int = -1


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")
    stream: str = ""
    channel: str = ""


class _BinanceIds(msgspec.Struct):
    u: int = 0
    t: int = 0
    E: int = 0


class _Coin(msgspec.Struct):
    coin: str = ""
    time: int = 0
    tid: int = 0


_envelope = msgspec.json.Decoder(_Envelope)
_binance_ids = msgspec.json.Decoder(_BinanceIds)
_coin = msgspec.json.Decoder(_Coin)
_coins = msgspec.json.Decoder(list[_Coin])
depth_ids = msgspec.json.Decoder(DepthIds).decode


def feeds(venue: Venue, where: Endpoints, symbols: Sequence[str]) -> list[Feed]:
    """The connections that carry quotes, books, trades and marks of `symbols`. Raises `Refused` for too many."""
    if not 0 < len(symbols) <= SYMBOLS_MAX:
        raise Refused(f"{len(symbols)} symbols of {venue.label}: between 1 and {SYMBOLS_MAX} fit on its connections")
    if venue is HYPERLIQUID:
        streams = tuple((f"{kind}:{symbol}", floor_s) for symbol in symbols for kind, floor_s in HYPERLIQUID_STREAMS)
        asked = [
            {"method": "subscribe", "subscription": {"type": kind, "coin": symbol}}
            for symbol in symbols
            for kind, _ in HYPERLIQUID_STREAMS
        ]
        return [Feed(where.streams[""], tuple(msgspec.json.encode(one) for one in asked), streams)]
    found = []
    for (owner, route), kinds in BINANCE_STREAMS.items():
        if owner is venue:
            streams = tuple((f"{symbol.lower()}@{kind}", floor_s) for symbol in symbols for kind, floor_s in kinds)
            found.append(Feed(where.streams[route], _binance_hello([name for name, _ in streams]), streams))
    return found


def _binance_hello(names: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(
        msgspec.json.encode({"method": "SUBSCRIBE", "params": names[at : at + STREAMS_A_MESSAGE], "id": at + 1})
        for at in range(0, len(names), STREAMS_A_MESSAGE)
    )


def message_of(frame: bytes) -> Message | None:
    """What market frame this is; None for any other. Raises `msgspec.DecodeError` where it is no JSON."""
    envelope = _envelope.decode(frame)
    if envelope.stream:
        return Message(envelope.stream, envelope.stream.partition("@")[0].upper(), envelope.data)
    if envelope.channel and envelope.channel not in ("pong", "subscriptionResponse", "error"):
        coin = _coin_of(envelope.data)
        return Message(f"{envelope.channel}:{coin.coin}", coin.coin, envelope.data) if coin.coin else None
    return None


def twin_key(frame: bytes) -> Hashable | None:
    """The same for the same frame on another socket; None for one that is not of a market stream."""
    try:
        message = message_of(frame)
        return None if message is None else _key_of(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _key_of(message: Message) -> Hashable:
    """Its stream and its id there, its whole content without one."""
    content = message.content
    if "@" in message.stream:
        ids = _binance_ids.decode(content)
        number = ids.u or ids.t or ids.E
    else:
        coin = _coin_of(content)
        number = coin.tid or coin.time
    return (message.stream, number or bytes(content))


def _coin_of(content: msgspec.Raw) -> _Coin:
    if bytes(memoryview(content)[:1]) == b"[":
        coins = _coins.decode(content)
        return coins[0] if coins else _Coin()
    return _coin.decode(content)
