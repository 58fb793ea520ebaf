"""Any message of Hyperliquid as our own: frames of the websocket, answers of `/info` and `/exchange`, told by shape.

For whatever comes without a context: a file, a person, a test. A gateway knows what it asked and reads `messages`,
`info` and `answers` directly. Valid JSON that tells nothing of ours is an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from crossbook.errors import Refused
from crossbook.venues import messages as said
from crossbook.venues.hyperliquid import messages as hl
from crossbook.venues.hyperliquid import normalise
from crossbook.venues.hyperliquid.answers import ANSWERED_AS, post_error, read_answer, refuse_repeated_names
from crossbook.venues.hyperliquid.errors import LABEL, NEVER_SEEN, error_of, row_of
from crossbook.venues.hyperliquid.info import (
    AccountState,
    Agent,
    FoundOrder,
    FundingRate,
    Meta,
    MetaAndContexts,
    RateLimit,
    Role,
    SpotMeta,
    SpotMetaAndContexts,
    SpotState,
    WebAccount,
)
from crossbook.venues.hyperliquid.rules import USDC, perp_messages, spot_messages
from crossbook.venues.hyperliquid.stream import GREETING

Found = list[said.Message]
Reader = Callable[[bytes], Found]
FRAME_BYTES_MAX = 8 << 20
"""The largest answers, of thousands of fills, stay below a megabyte."""


def decode(kind: str, raw: bytes) -> list[said.Message]:
    """The messages of a kind (`messages.KINDS`) in `raw`; what the venue says is an error is always among them.

    Raises `Refused` naming what is wrong with it: no JSON, a known message with a number that is none, a field lacking.
    """
    if kind not in said.KINDS:
        raise Refused(f"kind {kind!r} is unknown: use {', '.join(said.KINDS)}")
    if len(raw) > FRAME_BYTES_MAX:
        raise Refused(f"a message of {len(raw)} bytes is longer than the {FRAME_BYTES_MAX} allowed")
    raw = raw.strip()
    if raw == GREETING:
        return []
    try:
        raw.decode()  # msgspec does not look into strings that nobody reads
        return said.of_kind(_whole(raw), kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        text = raw[:200].decode("utf-8", "replace")
        if raw[:1] not in b'{["' and row_of(text) is not NEVER_SEEN:
            return [error_of(text)]
        raise Refused(f"hyperliquid message {text[:60]!r}: {error}") from None


def decode_frame(frame: bytes) -> list[said.Message]:
    """All messages in one frame of the websocket. Raises `Refused` as `decode` does."""
    return decode("auto", frame)


def _read(raw: bytes | Raw, shape: Any) -> Any:
    return msgspec.json.decode(raw, type=shape)


def _whole(raw: bytes) -> Found:
    if raw[:1] == b"{":
        return _object(raw, _read(raw, dict[str, Raw]))
    if raw[:1] == b"[":
        return _list(raw, _read(raw, list[Raw]))
    return _nothing(raw)


def _nothing(raw: bytes) -> Found:
    """Valid JSON without an event of ours, unless it is one of the venue's sentences; raises if it is not valid."""
    found = msgspec.json.decode(raw)
    return [error_of(found)] if isinstance(found, str) and row_of(found) is not NEVER_SEEN else []


def _object(raw: bytes, names: dict[str, Raw]) -> Found:
    for name, reader in OBJECTS:
        if name in names:
            return reader(raw)
    for name, reader in LISTS:
        if name in names:
            return reader(b"[" + raw + b"]")
    if "type" in names and "data" in names:
        return _exchange(b'{"status":"ok","response":' + raw + b"}")
    if len(names) == 1 and set(names) & {"resting", "filled", "error"}:
        return _exchange(b'{"status":"ok","response":{"type":"order","data":{"statuses":[' + raw + b"]}}}")
    if names and all(value[:1] == b'"' and b"0" <= value[1:2] <= b"9" for value in map(bytes, names.values())):
        return normalise.mids(_read(raw, dict[hl.Coin, hl.Amount]))
    return _nothing(raw)


def _list(raw: bytes, elements: Sequence[Raw]) -> Found:
    if not elements or bytes(elements[0])[:1] != b"{":
        return _nothing(raw)
    names = _read(elements[0], dict[str, Raw])
    if "universe" in names and len(elements) == 2 and bytes(elements[1])[:1] == b"[":
        return _universe_and_contexts(raw, "tokens" in names)
    for name, reader in LISTS:
        if name in names:
            return reader(raw)
    return _nothing(raw)


def _stream(raw: bytes) -> Found:
    frame = _read(raw, hl.Frame)
    reader = CHANNELS.get(frame.channel)
    if reader is None:
        return _nothing(raw)
    if frame.channel in OURS:
        refuse_repeated_names(raw)
    return reader(bytes(frame.data))


def _exchange(raw: bytes) -> Found:
    """An answer without the action that it answers: taken for the one that is answered so."""
    action, count = "order", 1
    response = _read(raw, dict[str, Raw]).get("response", Raw(b""))
    if bytes(response)[:1] == b"{":
        names = _read(response, dict[str, Raw])
        kind = _read(names["type"], str) if "type" in names else ""
        action = next((action for action, answered in ANSWERED_AS.items() if answered == kind), "order")
        if "data" in names:
            count = len(_read(_read(names["data"], dict[str, Raw]).get("statuses", Raw(b"[null]")), list[Raw]))
    return [message for outcome in read_answer(action, count, raw) for message in normalise.outcome(outcome)]


def _post(data: bytes) -> Found:
    post = _read(data, hl.PostAnswer)
    payload = bytes(post.response.payload)
    if post.response.type == "error":
        return [post_error(payload, post.id)]
    if post.response.type == "action":
        return _exchange(payload)
    names = _read(payload, dict[str, Raw])
    return _whole(bytes(names.get("data", Raw(b"null"))))


def _each(shape: Any, tell: Callable[[Any], said.Message]) -> Reader:
    def read(data: bytes) -> Found:
        return [tell(one) for one in _read(data, list[shape])]

    return read


def _one(shape: Any, tell: Callable[[Any], said.Message]) -> Reader:
    def read(data: bytes) -> Found:
        return [tell(_read(data, shape))]

    return read


def _checked(shape: Any) -> Reader:
    """A message that tells nothing of ours, but has to be what it says it is."""

    def read(data: bytes) -> Found:
        _read(data, shape)
        return []

    return read


def _context(data: bytes) -> Found:
    active = _read(data, hl.ActiveAssetContext)
    return normalise.context(active.coin, active.ctx)


def _mids(data: bytes) -> Found:
    return normalise.mids(_read(data, hl.Mids).mids)


def _candles(data: bytes) -> Found:
    """The documents say a list, the wire has one."""
    candles = _read(data, list[hl.Candle]) if data[:1] == b"[" else [_read(data, hl.Candle)]
    return [normalise.bar(one) for one in candles]


def _error(data: bytes) -> Found:
    return [error_of(_read(data, str))]


def _user_fills(data: bytes) -> Found:
    found = _read(data, hl.UserFills)
    return [normalise.fill(one, found.user) for one in found.fills]


def _user_events(data: bytes) -> Found:
    found = _read(data, hl.UserEvents)
    told: Found = [normalise.fill(one) for one in found.fills or ()]
    if found.funding is not None:
        told.append(normalise.funding(found.funding))
    if found.liquidation is not None:
        told.append(normalise.liquidation(found.liquidation))
    return told + [normalise.canceled(one) for one in found.non_user_cancel or ()]


def _user_fundings(data: bytes) -> Found:
    return [normalise.funding(one) for one in _read(data, hl.UserFundings).fundings]


def _ledger_records(data: bytes) -> Found:
    return _ledger(_read(data, list[hl.LedgerRecord]))


def _ledger_updates(data: bytes) -> Found:
    return _ledger(_read(data, hl.LedgerUpdates).non_funding_ledger_updates)


def _ledger(records: Sequence[hl.LedgerRecord]) -> Found:
    told: Found = []
    for one in records:
        delta = _read(one.delta, hl.LedgerDelta)
        if delta.type == "funding":
            told.append(normalise.funding(_read(one.delta, hl.UserFunding), one.time))
        elif delta.type is not None:
            told.append(normalise.moved(delta, one.time))
    return told


def _account(data: bytes) -> Found:
    return normalise.account(_read(data, AccountState))


def _spot_account(data: bytes) -> Found:
    return [normalise.spot_balance(one) for one in _read(data, SpotState).balances]


def _found_order(data: bytes) -> Found:
    found = _read(data, FoundOrder)
    if found.order is None:
        return [said.OrderUpdate(venue=LABEL, status=said.OrderStatus.UNKNOWN, reason=found.status)]
    return [normalise.order_update(found.order)]


def _web_account(data: bytes) -> Found:
    found = _read(data, WebAccount)
    told = [] if found.clearinghouse_state is None else normalise.account(found.clearinghouse_state)
    return told + [normalise.order(one) for one in found.open_orders or ()]


def _universe(data: bytes) -> Found:
    if "tokens" in _read(data, dict[str, Raw]):
        return [*spot_messages(_read(data, SpotMeta))]
    meta = _read(data, Meta)
    return [*perp_messages(meta, None if _has_dex(meta) else 0, _collateral(meta))]


def _universes(data: bytes) -> Found:
    """`allPerpMetas`: the dexs in the order of their numbers."""
    metas = _read(data, list[Meta])
    return [one for dex, meta in enumerate(metas) for one in perp_messages(meta, dex, _collateral(meta))]


def _universe_and_contexts(data: bytes, spot: bool) -> Found:
    if spot:
        spot_meta, contexts = _read(data, SpotMetaAndContexts)
        told: Found = [*spot_messages(spot_meta)]
        # a pair without trades has no context: only their own names tell whose they are
        return told + [one for each in contexts if each.coin for one in normalise.context(each.coin, each)]
    meta, contexts = _read(data, MetaAndContexts)
    if len(contexts) != len(meta.universe):
        raise ValueError(f"{len(meta.universe)} instruments and {len(contexts)} contexts")
    told = [*perp_messages(meta, None if _has_dex(meta) else 0, _collateral(meta))]
    pairs = zip(meta.universe, contexts, strict=True)
    return told + [one for asset, each in pairs for one in normalise.context(asset.name, each)]


def _collateral(meta: Meta) -> str:
    """Only spotMeta has the names of the other tokens."""
    return USDC if meta.collateral_token == 0 else f"token:{meta.collateral_token}"


def _has_dex(meta: Meta) -> bool:
    """`xyz:XYZ100`: of a further dex, whose number a meta alone does not say."""
    return any(":" in asset.name for asset in meta.universe)


_order_updates = _each(hl.OrderUpdate, normalise.order_update)
_open_orders = _each(hl.Order, normalise.order)
_trades = _each(hl.Trade, normalise.trade)

CHANNELS: dict[str, Reader] = {
    "l2Book": _one(hl.Book, normalise.depth),
    "bbo": _one(hl.Bbo, normalise.quote),
    "trades": _trades,
    "activeAssetCtx": _context,
    "activeSpotAssetCtx": _context,
    "allMids": _mids,
    "candle": _candles,
    "orderUpdates": _order_updates,
    "openOrders": lambda data: _open_orders(bytes(_read(data, dict[str, Raw])["orders"])),
    "userFills": _user_fills,
    "user": _user_events,
    "userFundings": _user_fundings,
    "userNonFundingLedgerUpdates": _ledger_updates,
    "clearinghouseState": _web_account,
    "spotState": lambda data: _spot_account(bytes(_read(data, dict[str, Raw])["spotState"])),
    "webData2": _web_account,
    "webData3": _checked(WebAccount),
    "post": _post,
    "subscriptionResponse": _checked(hl.SubscriptionAnswer),
    "error": _error,
}
"""By channel. Others tell nothing of ours."""
OURS = frozenset({
    "orderUpdates", "openOrders", "userFills", "user", "userFundings", "userNonFundingLedgerUpdates",
    "clearinghouseState", "spotState", "webData2",
})  # fmt: skip
"""Channels about our money: a name that stands twice in them is refused."""

OBJECTS: tuple[tuple[str, Reader], ...] = (
    ("channel", _stream),
    ("response", _exchange),
    ("statusTimestamp", lambda raw: _order_updates(b"[" + raw + b"]")),
    ("status", _found_order),
    ("assetPositions", _account),
    ("balances", _spot_account),
    ("universe", _universe),
    ("levels", CHANNELS["l2Book"]),
    ("bbo", CHANNELS["bbo"]),
    ("mids", _mids),
    ("ctx", _context),
    ("fills", _user_fills),
    ("fundings", _user_fundings),
    ("nRequestsUsed", _checked(RateLimit)),
    ("role", _checked(Role)),
)
"""Told by a name in the object; the first that is there."""
LISTS: tuple[tuple[str, Reader], ...] = (
    ("startPosition", _each(hl.Fill, normalise.fill)),
    ("tid", _trades),
    ("limitPx", _open_orders),
    ("statusTimestamp", _order_updates),
    ("delta", _ledger_records),
    ("fundingRate", _each(FundingRate, normalise.funding_rate)),
    ("T", _each(hl.Candle, normalise.bar)),
    ("universe", _universes),
    ("validUntil", _checked(list[Agent])),
)
"""Told by a name in the first element."""
