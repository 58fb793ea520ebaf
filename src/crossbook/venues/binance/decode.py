"""Any message of Binance (spot, USD-M), in any wrapping, as our messages: told apart by its names and fields.

For tools, tests and slow paths; a gateway that knows what it asked for calls the reader of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.binance import accounts, instruments, market_data, orders, user_stream
from crossbook.venues.binance.errors import ErrorBody, api_error, read_error
from crossbook.venues.binance.words import UNREADABLE, unknown_order
from crossbook.venues.messages import Message, of_kind

Reader = Callable[[str, bytes], list[Message]]

STREAMS: Mapping[str, Reader] = {
    "bookTicker": market_data.book_ticker,
    "trade": market_data.trade,
    "aggTrade": market_data.trade,
    "markPriceUpdate": market_data.mark,
    "kline": market_data.kline,
}
SHAPES: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (("symbols", "exchangeFilters"), instruments.instruments),
    (("balances", "canTrade"), accounts.spot_account),
    (("assets", "positions"), accounts.futures_account),
    (("commissionAsset", "orderId", "id"), orders.user_trades),
    (("positionAmt", "symbol"), accounts.futures_position),
    (("asset", "balance"), accounts.futures_balance),
    (("incomeType", "income"), accounts.income),
    (("dualSidePosition",), accounts.account_config),
    (("leverage", "symbol"), accounts.symbol_config),
    (("makerCommissionRate", "takerCommissionRate"), accounts.commission_rate),
    (("orderId", "symbol", "clientOrderId"), orders.order_result),
    (("orderReports",), orders.order_result),
    (("algoId",), orders.order_result),
    (("bidPrice", "askPrice"), market_data.quote),
    (("isBuyerMaker", "price"), market_data.trade_row),
    (("markPrice", "lastFundingRate"), market_data.premium_index),
    (("fundingRate", "fundingTime"), market_data.funding_rate),
    (("openInterest",), market_data.open_interest),
    (("u", "s", "b", "B", "a", "A"), market_data.book_ticker),
    (("a", "p", "q", "m", "T"), market_data.trade),
    (("serverTime",), market_data.server_time),
)
"""Which fields tell an answer apart, the most telling first."""
SILENT: tuple[tuple[str, ...], ...] = (
    ("listenKey",), ("price", "symbol"), ("mins", "price"), ("subscriptionId",), ("authorizedSince",), ("lastPrice",),
    ("countdownTime",), ("rateLimitType",), ("adlQuantile",), ("brackets",), ("feeBurn",), ("multiAssetsMargin",),
    ("authorizedSince", "connectedSince"), ("fundingIntervalHours",), ("standardCommission",), ("adlRisk",),
    ("amount", "type"), ("marginType", "symbol"), ("referencePrice",), ("symbolRules",),
)  # fmt: skip
"""Answers that hold no event of ours."""
ORDER_READERS = (orders.order_result, orders.user_trades)
MOST_NESTED = 8

_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_error = msgspec.json.Decoder(ErrorBody)
_id = msgspec.json.Decoder(int | str | None)
_status = msgspec.json.Decoder(int)


def decode(venue: Venue | str, kind: str, raw: bytes) -> list[Message]:
    """The messages of `kind` (a key of `messages.KINDS`) in `raw`; errors are in every kind.

    Asked for orders, what is no message that we know is an order whose state is UNKNOWN. Raises `Refused` where `raw`
    is no JSON, or a message of market or account whose fields do not read.
    """
    label = venue.label if isinstance(venue, Venue) else venue
    try:
        raw.decode()  # strings that nobody reads are otherwise passed over
        found = _any(label, raw, "", 0)
    except UNREADABLE as error:
        raise Refused(f"not a message that can be read: {error}") from None
    if found is None:
        strange = kind == "order"
        found = [unknown_order(label, raw, "no message that we know")] if strange else []
    return of_kind(found, kind)


def _any(venue: str, raw: bytes, stream: str, depth: int) -> list[Message] | None:
    """None: nothing that we know."""
    if depth > MOST_NESTED:
        return None
    first = raw.lstrip()[:1]
    if first == b"[":
        return _list(venue, raw, stream, depth)
    if first != b"{":
        msgspec.json.decode(raw)
        return None
    keys = _keys.decode(raw)
    if not keys:
        return []
    if "data" in keys and "stream" in keys:
        return _any(venue, bytes(keys["data"]), _text.decode(keys["stream"]), depth + 1)
    if "event" in keys:
        return _any(venue, bytes(keys["event"]), stream, depth + 1)
    if "e" in keys:
        return _event(venue, _text.decode(keys["e"]), raw, stream)
    if "id" in keys and ("result" in keys or "error" in keys):
        return _answer(venue, keys, depth)
    if "code" in keys and "msg" in keys and "algoId" not in keys:
        return read_error(venue, raw)
    if "lastUpdateId" in keys and "bids" in keys:
        return market_data.snapshot(venue, raw, stream)
    for names, reader in SHAPES:
        if all(name in keys for name in names):
            return reader(venue, b"[" + raw + b"]" if reader is orders.user_trades else raw)
    if any(all(name in keys for name in names) for names in SILENT):
        return []
    return None


def _list(venue: str, raw: bytes, stream: str, depth: int) -> list[Message] | None:
    found: list[Message] = []
    strange = False
    for element in _elements.decode(raw):
        body = bytes(element)
        if body[:1] == b"[" and depth == 0:
            found += market_data.kline_row(venue, body)
            continue
        read = _any(venue, body, stream, depth + 1)
        strange |= read is None
        found += read or []
    return None if strange and not found else found


def _event(venue: str, name: str, raw: bytes, stream: str) -> list[Message] | None:
    if name in user_stream.NAMES:
        return user_stream.user_event(venue, name, raw)
    if name == "depthUpdate":
        return market_data.depth_update(venue, raw, stream)
    reader = STREAMS.get(name)
    return [] if reader is None else reader(venue, raw)


def _answer(venue: str, keys: dict[str, msgspec.Raw], depth: int) -> list[Message] | None:
    """An answer of the WS API, or of a stream's socket to a subscription."""
    if "error" in keys:
        status = _status.decode(keys["status"]) if "status" in keys else 400
        request_id = _id.decode(keys["id"])
        return [api_error(venue, _error.decode(keys["error"]), status, request_id)]
    result = bytes(keys["result"])
    return [] if result[:1] not in b"{[" else _any(venue, result, "", depth + 1)
