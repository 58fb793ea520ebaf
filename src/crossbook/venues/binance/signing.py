"""Binance's signatures, one protocol for spot and futures: what is signed, and how it is sent. Pure.

REST signs the query as it is sent: percent-encoded, in its own order, timestamp last. The WebSocket API signs the
parameters raw, sorted by name, `apiKey` among them. A signature is not bound to an address: whoever could sign
any parameters could sign a withdrawal. So parameters are known by name, and none that could move money is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

from crossbook.errors import Refused
from crossbook.venues.keys import BinanceKey

Value = str | int | bool | msgspec.Raw
"""Decimals are text. `Raw` is a JSON number as it was written."""

_ORDERS = """symbol side positionSide type timeInForce quantity quoteOrderQty price stopPrice trailingDelta icebergQty
newClientOrderId newOrderRespType selfTradePreventionMode strategyId strategyType pegPriceType pegOffsetType
pegOffsetValue reduceOnly closePosition activationPrice activatePrice callbackRate workingType priceProtect priceMatch
goodTillDate batchOrders algoType algoId clientAlgoId triggerPrice computeCommissionRates"""
_CHANGES = """orderId origClientOrderId orderIdList origClientOrderIdList newQty cancelRestrictions cancelReplaceMode
cancelOrderId cancelOrigClientOrderId cancelNewClientOrderId orderRateLimitExceededMode countdownTime orderListId
listClientOrderId"""
_ACCOUNT = "leverage marginType dualSidePosition multiAssetsMargin omitZeroBalances incomeType listenKey subscriptionId"
_QUERIES = "startTime endTime fromId limit page pair symbols apiKey timestamp recvWindow returnRateLimits"
SIGNABLE = frozenset(f"{_ORDERS} {_CHANGES} {_ACCOUNT} {_QUERIES}".split())
"""The parameters that we sign: of orders, of our account's settings and of queries. Whatever moves money names an
`amount`, and usually an `asset` or `coin` and an `address`; no such name is here."""

_BREAKS_OUT = frozenset("&=%\r\n\0")


class Signer:
    """Signs requests with one key."""

    def __init__(self, key: BinanceKey, api_key: str) -> None:
        self.key = key
        self.api_key = api_key

    def sign_rest(self, params: Iterable[tuple[str, Value]], timestamp_ms: int) -> str:
        """The query or form to send: parameters in their order, `timestamp`, `signature`."""
        query = rest_payload([*params, ("timestamp", timestamp_ms)])
        return f"{query}&signature={quote(self.key.sign(query.encode()), safe='')}"

    def sign_ws(self, params: Mapping[str, Value], timestamp_ms: int) -> dict[str, Value]:
        """The `params` to send: sorted, with `apiKey` and `timestamp`, `signature` last."""
        whole = sorted_params({**params, "apiKey": self.api_key, "timestamp": timestamp_ms})
        return {**whole, "signature": self.key.sign(ws_payload(whole).encode())}


def rest_payload(params: Iterable[tuple[str, Value]]) -> str:
    """`name=value&...` in the given order, percent-encoded as UTF-8. Raises `Refused` for what is not signed here."""
    seen: set[str] = set()
    pairs = []
    for name, value in params:
        check_name(name)
        if name in seen:
            raise Refused(f"parameter {name}: given twice; the venue would read one and sign both")
        seen.add(name)
        pairs.append(f"{name}={quote(text_of(name, value), safe='')}")
    return "&".join(pairs)


def sorted_params(params: Mapping[str, Value]) -> dict[str, Value]:
    """The parameters by name, as the WebSocket API signs them."""
    return {name: params[name] for name in sorted(params)}


def ws_payload(params: Mapping[str, Value]) -> str:
    """`name=value&...` sorted by name, raw. Raises `Refused` for a value that would read as a further parameter."""
    pairs = []
    for name in sorted(params):
        check_name(name)
        text = text_of(name, params[name])
        if not _BREAKS_OUT.isdisjoint(text):
            raise Refused(f"parameter {name}: {text[:40]!r} holds one of & = % or a control character; leave it out")
        pairs.append(f"{name}={text}")
    return "&".join(pairs)


def check_name(name: str) -> None:
    """Raises `Refused` for a parameter that is not one of `SIGNABLE`."""
    if name == "signature":
        raise Refused("parameter signature: is what is asked for; leave it out")
    if name not in SIGNABLE:
        raise Refused(f"parameter {name[:40]}: is not signed here; only those of orders, settings and queries are")


def text_of(name: str, value: object) -> str:
    """A value as the text that is signed: strings bare, numbers as they are written in JSON, true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    raise Refused(f"parameter {name}: {type(value).__name__} is not signed; give text, a whole number, true or false")
