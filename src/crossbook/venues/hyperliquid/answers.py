"""Answers to actions, read strictly: an answer that is not exactly one that was documented leaves its orders UNKNOWN.

`read_answer` never raises: bytes left us, so whatever comes back (or does not parse) is an answer to be weighed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Literal

import msgspec
from msgspec import Raw

from crossbook.venues.hyperliquid.errors import LABEL, NEVER_SEEN, error_of, http_error
from crossbook.venues.hyperliquid.messages import Amount, Cloid, Id, PostAnswer, Said
from crossbook.venues.messages import Error, ErrorKind

ANSWERED_AS = {
    "order": "order",
    "batchModify": "order",
    "cancel": "cancel",
    "cancelByCloid": "cancel",
    "modify": "default",
    "scheduleCancel": "default",
    "updateLeverage": "default",
    "noop": "default",
}
"""The type that an action's answer names, for each action that we send."""
ANSWER_BYTES_MAX = 1 << 20


class Became(Enum):
    """What an element of an answer says of its order."""

    RESTING = "resting"
    """It stands in the book; it may have been filled in part already: only fills tell."""
    FILLED = "filled"
    """It traded and is over; an IOC may have traded less than it asked for."""
    WAITING = "waiting"
    """It waits for its trigger or its parent."""
    DONE = "done"
    """The cancel, the leverage, the switch: done."""
    ERROR = "error"
    """The venue says an error; `error.kind` tells whether anything is certain."""
    UNKNOWN = "unknown"
    """Not an answer that we know: ask what became of it."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one element of an action became. `quantity` and `average_price` are what was filled."""

    became: Became
    venue_order_id: int | None = None
    client_order_id: str | None = None
    quantity: str | None = None
    average_price: str | None = None
    error: Error | None = None
    why: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether the answer settles what became of the request."""
        if self.became is Became.ERROR:
            return self.error is not None and self.error.kind is not ErrorKind.UNKNOWN
        return self.became is not Became.UNKNOWN


class _Strict(Said, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that was not documented makes the answer unknown."""


class _Resting(_Strict, frozen=True, kw_only=True):
    oid: Id
    cloid: Cloid | None = None


class _Filled(_Strict, frozen=True, kw_only=True):
    total_sz: Amount
    avg_px: Amount
    oid: Id
    cloid: Cloid | None = None


class _Element(_Strict, frozen=True, kw_only=True):
    resting: _Resting | None = None
    filled: _Filled | None = None
    error: str | None = None


class _Statuses(_Strict, frozen=True, kw_only=True):
    statuses: list[_Element | Literal["success", "waitingForFill", "waitingForTrigger"]]


class _Response(_Strict, frozen=True, kw_only=True):
    type: str
    data: _Statuses | None = None


class _Answer(_Strict, frozen=True, kw_only=True):
    status: Literal["ok", "err"]
    response: Raw


_answers = msgspec.json.Decoder(_Answer)
_responses = msgspec.json.Decoder(_Response)
_texts = msgspec.json.Decoder(str)
_posts = msgspec.json.Decoder(PostAnswer)


def read_answer(action: str, count: int, body: bytes, status: int = 200) -> list[Outcome]:
    """What became of the `count` elements of an action (1 where it has no elements), from the answer's body.

    An error for the whole action, or one element for all (the venue checks some things before), is everyone's.
    """
    if status != 200:
        return [_error(http_error(status, body[:200].decode("utf-8", "replace")))] * count
    try:
        if len(body) > ANSWER_BYTES_MAX:
            return _unknown(f"an answer of {len(body)} bytes", count)
        answer = _answers.decode(body)
        refuse_repeated_names(body)
        if answer.status == "err":
            return [_error(error_of(_texts.decode(answer.response)))] * count
        response = _responses.decode(answer.response)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return _unknown(f"{str(error)[:120]} in {_shown(body)}", count)
    if response.type != ANSWERED_AS.get(action):
        return _unknown(f"{action} was answered as {response.type[:40]!r}", count)
    if response.data is None:
        if response.type == "default":
            return [Outcome(became=Became.DONE)] * count
        return _unknown(f"{action} was answered without statuses", count)
    return _outcomes(action, count, response.data.statuses)


def read_post_answer(action: str, count: int, data: bytes) -> tuple[int | None, list[Outcome]]:
    """The same for the `data` of a websocket's `post`: the number of the request that it answers, and what became."""
    try:
        post = _posts.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return None, _unknown(f"{str(error)[:120]} in {_shown(data)}", count)
    return post.id, read_post_response(action, count, post)


def read_post_response(action: str, count: int, post: PostAnswer) -> list[Outcome]:
    """What became of an action whose `post` was read already."""
    payload = bytes(post.response.payload)
    if post.response.type == "action":
        return read_answer(action, count, payload)
    if post.response.type == "error":
        return [_error(post_error(payload, post.id))] * count
    return _unknown(f"{action} was answered as {post.response.type}", count)


def post_error(payload: bytes, request_id: int | None = None) -> Error:
    """The `payload` of a post that failed: the HTTP status it would have been, and its text."""
    try:
        text = _texts.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return http_error(0, _shown(payload), request_id)
    number, _, rest = text.partition(" ")
    if len(number) == 3 and number.isascii() and number.isdigit():
        return http_error(int(number), rest, request_id)
    return error_of(text, request_id)


def _outcomes(action: str, count: int, elements: Sequence[_Element | str]) -> list[Outcome]:
    found = [_outcome(action, element) for element in elements]
    if len(found) == count:
        return found
    if len(found) == 1 and found[0].became is Became.ERROR:
        return found * count
    return _unknown(f"{count} were asked and {len(found)} answered", count)


def _outcome(action: str, element: _Element | str) -> Outcome:
    placing = ANSWERED_AS[action] == "order"
    if isinstance(element, str):
        if element == "success":
            return _unknown("an order has no success", 1)[0] if placing else Outcome(became=Became.DONE)
        return Outcome(became=Became.WAITING) if placing else _unknown(f"a cancel is not {element}", 1)[0]
    resting, filled, error = element.resting, element.filled, element.error
    if (resting is not None) + (filled is not None) + (error is not None) != 1:
        return _unknown("not one of resting, filled and error", 1)[0]
    if error is not None:
        return _error(error_of(error))
    if not placing:
        return _unknown("a cancel was answered as an order", 1)[0]
    if resting is not None:
        return Outcome(became=Became.RESTING, venue_order_id=resting.oid, client_order_id=resting.cloid)
    assert filled is not None
    if not filled.total_sz.strip("0.") or not filled.avg_px.strip("0."):
        return _unknown("filled with nothing", 1)[0]
    return Outcome(
        became=Became.FILLED,
        venue_order_id=filled.oid,
        client_order_id=filled.cloid,
        quantity=filled.total_sz,
        average_price=filled.avg_px,
    )


def _error(error: Error) -> Outcome:
    return Outcome(became=Became.ERROR, error=error, why=error.text)


def _unknown(why: str, count: int) -> list[Outcome]:
    error = Error(venue=LABEL, text=why, name=NEVER_SEEN.name, kind=NEVER_SEEN.kind, consequence=NEVER_SEEN.consequence)
    return [Outcome(became=Became.UNKNOWN, error=error, why=why)] * count


def refuse_repeated_names(body: bytes) -> None:
    """Raise ValueError where an object says a name twice: which of the two holds is anyone's guess."""
    json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def _shown(body: bytes) -> str:
    return repr(body[:60].decode("utf-8", "replace"))
