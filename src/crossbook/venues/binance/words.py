"""Binance's own words and forms: decimal text, stamps, and the names of statuses, types and times in force."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from crossbook.timestamp import NS_PER_MS, NS_PER_US
from crossbook.venues.messages import BUY, SELL, OrderStatus, OrderUpdate, SideName

Number = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,30}(\.[0-9]{1,30})?\Z")]
"""A decimal as Binance writes it: digits, never an exponent."""
Amount = Annotated[str, Meta(pattern=r"\A[0-9]{1,30}(\.[0-9]{1,30})?\Z")]
"""A decimal that is not below zero."""
Id = Annotated[int, Meta(ge=-1, le=(1 << 63) - 1)]
"""-1: there is none."""
LATEST_MS = 4_102_444_800_000
Stamp = Annotated[int, Meta(ge=0, lt=LATEST_MS * 1_000)]
"""Milliseconds since 1970, or microseconds where they were asked for; 0: never."""
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""What reading a message may raise."""
Name = Annotated[str, Meta(min_length=1, max_length=64)]
SideWord = Literal["BUY", "SELL"]
SIDES: dict[str, SideName] = {"BUY": BUY, "SELL": SELL}

STATUSES = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIAL,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
TIMES_IN_FORCE = {"GTX": "alo"}
POST_ONLY = "LIMIT_MAKER"


def stamp_ns(stamp: int | None) -> int | None:
    """A stamp as nanoseconds; milliseconds and microseconds of our century do not overlap. None for none and never."""
    if not stamp:
        return None
    return stamp * (NS_PER_MS if stamp < LATEST_MS else NS_PER_US)


def is_zero(text: str) -> bool:
    """Whether a decimal is nought: "0", "0.000", "-0.0"."""
    return not text.strip("-0.")


def unless_zero(text: str | None) -> str | None:
    """A decimal where nought means that there is none."""
    return None if text is None or is_zero(text) else text


def unless_none(word: str | None, nothing: str = "NONE") -> str | None:
    """A word in lower case; None where it says `nothing`."""
    return None if not word or word == nothing else word.lower()


def order_type(word: str) -> str:
    """`limit`, `market`, or a conditional's own name."""
    return "limit" if word == POST_ONLY else word.lower()


def time_in_force(word: str | None, type_word: str | None) -> str | None:
    """`gtc`, `ioc`, `fok`, `gtd`, `rpi`, or `alo`, which spot says as a type and futures as GTX."""
    if type_word == POST_ONLY:
        return "alo"
    return None if word is None else TIMES_IN_FORCE.get(word, word.lower())


def unknown_order(venue: str, raw: bytes, why: str) -> OrderUpdate:
    """What is left to say of an answer or event about an order that does not read: that nothing is certain.

    The ids that can still be found in it are kept, so that it is known whom to ask about.
    """
    said = _lenient(raw)
    client_id = next((said[key] for key in ("origClientOrderId", "C", "clientOrderId", "c") if said.get(key)), None)
    order_id = next((said[key] for key in ("orderId", "i") if said.get(key)), None)
    name = said.get("symbol", said.get("s"))
    return OrderUpdate(
        venue=venue,
        instrument=name if isinstance(name, str) else None,
        status=OrderStatus.UNKNOWN,
        reason=why,
        client_order_id=client_id if isinstance(client_id, str) else None,
        venue_order_id=order_id if type(order_id) is int and abs(order_id) < 1 << 63 else None,
    )


def refuse_repeated_names(raw: bytes) -> None:
    """Raises `ValueError` where an object says a name twice: which of the two holds is anyone's guess."""
    _names.decode(raw.decode())


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice in one object")


_names = json.JSONDecoder(object_pairs_hook=_once)


def _lenient(raw: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(raw)
    except UNREADABLE:
        return {}
    if isinstance(said, dict):
        inner = said.get("o", said)
        return inner if isinstance(inner, dict) else said
    return {}
