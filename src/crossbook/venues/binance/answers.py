"""Frames of the WS API and of user streams: which request is answered, and what happened to our account.

Order answers are read strictly: a success whose result is no order leaves the order UNKNOWN. Nothing here raises for
what a venue sent.
"""

from __future__ import annotations

import msgspec

from crossbook.venues.binance.errors import ErrorBody, api_error, unreadable
from crossbook.venues.binance.instruments import RateLimit
from crossbook.venues.binance.orders import order_result
from crossbook.venues.binance.user_stream import NAMES, user_event
from crossbook.venues.binance.words import UNREADABLE, unknown_order
from crossbook.venues.messages import Error, Message


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one request. `request_id` None: the venue answers none of ours (a key that was revoked).

    `result` is the JSON of a success (empty where there is none), `error` what went wrong; `limits` say what is used.
    """

    request_id: int | str | None
    status: int
    result: bytes = b""
    error: Error | None = None
    limits: tuple[RateLimit, ...] = ()


class _Frame(msgspec.Struct, rename="camel"):
    status: int
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
    rate_limits: tuple[RateLimit, ...] = ()


class _Wrapped(msgspec.Struct):
    e: str | None = None
    event: msgspec.Raw = msgspec.Raw()
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Named(msgspec.Struct):
    e: str


_answer = msgspec.json.Decoder(_Frame)
_wrapped = msgspec.json.Decoder(_Wrapped)
_named = msgspec.json.Decoder(_Named)


def read_answer(venue: str, frame: bytes) -> Answer | None:
    """The answer in a frame of the WS API; None where the frame is none (an event, or nothing that reads)."""
    try:
        said = _answer.decode(frame)
    except UNREADABLE:
        return None
    error = None if said.error is None else api_error(venue, said.error, said.status, said.id)
    if error is None and not 200 <= said.status < 300:
        error = unreadable(venue, f"status {said.status} without an error", said.id)
    return Answer(
        request_id=said.id, status=said.status, result=bytes(said.result), error=error, limits=said.rate_limits
    )  # fmt: skip


def order_messages(venue: str, answer: Answer) -> list[Message]:
    """What an answer says of the order, or the list of orders, that its request was about."""
    if answer.error is not None:
        return [answer.error]
    if answer.result[:1] not in (b"{", b"["):
        return [unknown_order(venue, answer.result, "a success without a result")]
    found = order_result(venue, answer.result)
    if not found and answer.result[:1] == b"{":
        return [unknown_order(venue, answer.result, "a success that names no order")]
    return found


def user_events(venue: str, frame: bytes) -> list[Message]:
    """The events in a frame of a user stream, however it is wrapped; nothing for a frame that holds none."""
    try:
        said = _wrapped.decode(frame)
        inner = frame if said.e is not None else bytes(said.event) or bytes(said.data)
        if not inner:
            return []
        name = said.e if said.e is not None else _named.decode(inner).e
    except UNREADABLE as error:
        return [unreadable(venue, f"unreadable frame of the user stream: {error}")]
    return user_event(venue, name, inner) if name in NAMES else []
