"""What the campaign begins from: every recorded message, and the documents' that were not recorded."""

from __future__ import annotations

import json
from typing import Any

import captured
import msgspec

from crossbook.types import Venue

KEPT_BYTES = 2_500
KEPT_ELEMENTS = 3
FILL = {
    "coin": "BTC", "px": "18.435", "sz": "93.53", "side": "B", "time": 1681222254710, "startPosition": "26.86",
    "dir": "Open Long", "closedPnl": "0.0", "hash": "0xa1", "oid": 90542681, "crossed": False, "fee": "0.01",
    "feeToken": "USDC", "tid": 118906512037719, "cloid": "0x1234567890abcdef1234567890abcdef",
}  # fmt: skip
ORDER = {
    "coin": "BTC", "side": "B", "limitPx": "65000.0", "sz": "0.04", "oid": 1, "timestamp": 1700000000000,
    "origSz": "0.1", "cloid": "0x1234567890abcdef1234567890abcdef",
}  # fmt: skip
LEVEL = {"px": "65000.5", "sz": "0.1", "n": 2}


class Seed(msgspec.Struct, frozen=True):
    """A message to mutate. `owns`: it is about our own orders, fills or account, so it may speak of them."""

    venue: Venue
    name: str
    raw: bytes
    owns: bool


def _answer(kind: str, *statuses: Any) -> Any:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}


HYPERLIQUID_MARKET: dict[str, Any] = {
    "bbo": {"channel": "bbo", "data": {"coin": "BTC", "time": 1700000000000, "bbo": [LEVEL, LEVEL | {"px": "65001"}]}},
    "bbo_one_sided": {"channel": "bbo", "data": {"coin": "BTC", "time": 1700000000000, "bbo": [None, LEVEL]}},
    "book": {"channel": "l2Book", "data": {"coin": "BTC", "time": 1700000000000, "levels": [[LEVEL] * 2, [LEVEL]]}},
    "trades": {
        "channel": "trades",
        "data": [{"coin": "BTC", "side": "A", "px": "1.5", "sz": "2", "time": 1700000000000, "tid": 7, "hash": "0x"}],
    },
    "context": {
        "channel": "activeAssetCtx",
        "data": {"coin": "BTC", "ctx": {"markPx": "14.3", "funding": "0.0000125", "openInterest": "688.11",
                                        "oraclePx": "14.32", "premium": None, "midPx": "14.31"}},
    },
    "subscribed": {
        "channel": "subscriptionResponse",
        "data": {"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC", "nSigFigs": None}},
    },
    "pong": {"channel": "pong"},
    "refused": {"channel": "error", "data": "Invalid subscription {}"},
    "post_failed": {"channel": "post", "data": {"id": 256, "response": {"type": "error", "payload": "429 Slow down"}}},
}  # fmt: skip
HYPERLIQUID_OWN: dict[str, Any] = {
    "order_answer": _answer(
        "order",
        {"resting": {"oid": 77738308, "cloid": "0x1234567890abcdef1234567890abcdef"}},
        {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}},
        {"error": "Order must have minimum value of $10. asset=1"},
    ),
    "order_resting": _answer("order", {"resting": {"oid": 77738308}}),
    "order_filled": _answer("order", {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}}),
    "cancel_answer": _answer("cancel", "success", {"error": "Order was never placed, already canceled, or filled."}),
    "default_answer": {"status": "ok", "response": {"type": "default"}},
    "action_refused": {"status": "err", "response": "Invalid nonce: duplicate nonce 1700000000000"},
    "agent_unknown": {"status": "err", "response": "User or API Wallet 0xab does not exist."},
    "post_answer": {
        "channel": "post",
        "data": {"id": 256, "response": {"type": "action", "payload": _answer("order", {"resting": {"oid": 5}})}},
    },
    "order_updates": {
        "channel": "orderUpdates",
        "data": [{"order": ORDER, "status": "open", "statusTimestamp": 1700000000001}],
    },
    "order_status": {
        "status": "order",
        "order": {"order": ORDER, "status": "filled", "statusTimestamp": 1700000000001},
    },
    "user_fills": {"channel": "userFills", "data": {"isSnapshot": True, "user": "0xab", "fills": [FILL, FILL]}},
    "user_funding": {
        "channel": "user",
        "data": {"funding": {"time": 1700000000000, "coin": "ETH", "usdc": "-3.6", "szi": "4", "fundingRate": "0.1"}},
    },
}
TICKER = {"u": 400900217, "s": "BTCUSDT", "b": "25.35", "B": "31.21", "a": "25.36", "A": "40.66"}
CHANGES = {
    "e": "depthUpdate", "E": 1700000000001, "s": "BTCUSDT", "U": 157, "u": 160, "b": [["0.24", "10"], ["0.23", "0"]],
    "a": [["0.26", "100"]],
}  # fmt: skip
PRINT = {"e": "trade", "E": 1700000000001, "s": "BTCUSDT", "t": 12345, "p": "0.01", "q": "10", "T": 1700000000000}
TOP = {"lastUpdateId": 160, "bids": [["0.24", "10"]], "asks": [["0.26", "100"]]}
BINANCE_MARKET: dict[Venue, dict[str, Any]] = {
    Venue.BINANCE_SPOT: {
        "ticker": {"stream": "btcusdt@bookTicker", "data": TICKER},
        "bare_ticker": TICKER,
        "changes": {"stream": "btcusdt@depth@100ms", "data": CHANGES},
        "top": {"stream": "btcusdt@depth20@100ms", "data": TOP},
        "print": PRINT | {"m": False, "M": True},
    },
    Venue.BINANCE_USDM: {
        "ticker": {"stream": "btcusdt@bookTicker", "data": {"e": "bookTicker", "E": 1700000000001, "T": 1700000000000}
                   | TICKER},
        "changes": {"stream": "btcusdt@depth@0ms", "data": CHANGES | {"T": 1700000000000, "pu": 156}},
        "top": {"stream": "btcusdt@depth5", "data": CHANGES | {"T": 1700000000000, "pu": 156}},
        "print": PRINT | {"m": True},
    },
}  # fmt: skip
BINANCE_ERRORS: dict[str, Any] = {
    "insufficient": {"code": -2010, "msg": "Account has insufficient balance for requested action."},
    "unknown_order": {"code": -2011, "msg": "Unknown order sent."},
    "filter": {"code": -1013, "msg": "Filter failure: LOT_SIZE"},
    "api_error": {"id": 7, "status": 400, "error": {"code": -1021, "msg": "Timestamp for this request is outside."}},
    "too_many": {"code": -1003, "msg": "Too many requests.", "data": {"retryAfter": 1700000000000}},
}
BINANCE_OWN = (
    "order", "execution", "trades_response", "account", "balance", "position", "algo", "list_status", "lite",
)  # fmt: skip
"""What the names of recorded messages hold that are about us."""
PUBLIC = ("trades_response", "aggregate_trades", "trade_stream", "agg_trade")
RESTAMPED = ((b"123456789", b"1700000000001"), (b"123456788", b"1700000000001"), (b"123456785", b"1700000000001"))
"""Times of 1970 in messages written by hand: the kernels would refuse them before they look at a number."""


def seeds() -> list[Seed]:
    """All messages of the campaign, in a fixed order. Without the recordings, those of the documents only."""
    found = [_seed(Venue.HYPERLIQUID, name, tree, False) for name, tree in HYPERLIQUID_MARKET.items()]
    found += [_seed(Venue.HYPERLIQUID, name, tree, True) for name, tree in HYPERLIQUID_OWN.items()]
    for venue in (Venue.BINANCE_SPOT, Venue.BINANCE_USDM):
        found += [_seed(venue, name, tree, False) for name, tree in BINANCE_MARKET[venue].items()]
        found += [_seed(venue, name, tree, True) for name, tree in BINANCE_ERRORS.items()]
        for name, raw in captured.messages(venue.label).items():
            owns = any(part in name for part in BINANCE_OWN) and not name.startswith(PUBLIC)
            found.append(_seed(venue, name, json.loads(raw), owns or name.startswith("account_trades")))
    for folder in ("hyperliquid", "hyperliquid_info"):
        for name, raw in captured.messages(folder).items():
            tree = json.loads(raw)
            owns = "user" in name or "order" in name or "clearinghouse" in name or "delegator" in name
            found.append(_seed(Venue.HYPERLIQUID, name, tree, owns))
            if "l2_book" in name or "book_data" in name:
                found.append(_seed(Venue.HYPERLIQUID, f"{name}_stream", {"channel": "l2Book", "data": tree}, False))
    return found


def _seed(venue: Venue, name: str, tree: Any, owns: bool) -> Seed:
    raw = json.dumps(tree, separators=(",", ":")).encode()
    if len(raw) > KEPT_BYTES:
        raw = json.dumps(_shortened(tree), separators=(",", ":")).encode()
    for early, recent in RESTAMPED:
        raw = raw.replace(early, recent)
    return Seed(venue, name, raw, owns)


def _shortened(tree: Any) -> Any:
    """The first few elements of every list: long ones only repeat them."""
    if isinstance(tree, dict):
        return {name: _shortened(value) for name, value in list(tree.items())[:40]}
    return [_shortened(value) for value in tree[:KEPT_ELEMENTS]] if isinstance(tree, list) else tree
