"""What we send on Hyperliquid's websocket: subscriptions, pings, and requests as `post`."""

from __future__ import annotations

import msgspec

PING = b'{"method":"ping"}'
"""The venue closes a connection on which it has sent nothing for 60 s; the answer to this is something."""
GREETING = b"Websocket connection established."
"""What the venue may send first; it is no JSON."""

Words = dict[str, str | bool]


def bbo(coin: str) -> Words:
    return {"type": "bbo", "coin": coin}


def book(coin: str, *, fast: bool = False) -> Words:
    """The displayed book, at most each 0.5 s; `fast`: five levels, sooner."""
    return {"type": "l2Book", "coin": coin} | ({"fast": True} if fast else {})


def trades(coin: str) -> Words:
    return {"type": "trades", "coin": coin}


def context(coin: str) -> Words:
    """Mark, oracle, funding, open interest."""
    return {"type": "activeAssetCtx", "coin": coin}


def candle(coin: str, interval: str) -> Words:
    return {"type": "candle", "coin": coin, "interval": interval}


def order_updates(user: str) -> Words:
    """Each order's changes; no snapshot comes first: ask for what was missed."""
    return {"type": "orderUpdates", "user": user}


def user_fills(user: str) -> Words:
    """Our fills; a snapshot of past ones comes first."""
    return {"type": "userFills", "user": user}


def user_events(user: str) -> Words:
    """Fills, funding, liquidations, cancels by the venue; on the channel `user`."""
    return {"type": "userEvents", "user": user}


def user_fundings(user: str) -> Words:
    return {"type": "userFundings", "user": user}


def ledger_updates(user: str) -> Words:
    """Money that came, went or moved, but for fills and funding; a snapshot first."""
    return {"type": "userNonFundingLedgerUpdates", "user": user}


def web_account(user: str) -> Words:
    return {"type": "webData2", "user": user}


def subscribe(subscription: Words) -> bytes:
    return msgspec.json.encode({"method": "subscribe", "subscription": subscription})


def unsubscribe(subscription: Words) -> bytes:
    return msgspec.json.encode({"method": "unsubscribe", "subscription": subscription})


def post_info(request_id: int, question: dict[str, object]) -> bytes:
    """An `/info` question as a frame."""
    return msgspec.json.encode({"method": "post", "id": request_id, "request": {"type": "info", "payload": question}})


def post_action(request_id: int, signed: dict[str, object]) -> bytes:
    """A signed action as a frame; `signed`: `{action, nonce, signature, vaultAddress}`, and `expiresAfter` if any."""
    return msgspec.json.encode({"method": "post", "id": request_id, "request": {"type": "action", "payload": signed}})
