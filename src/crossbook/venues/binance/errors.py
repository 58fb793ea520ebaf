"""What an error answer of Binance means: its row, its HTTP status, and how long to stay quiet.

What no row matches is UNKNOWN and a person is told; so is a 5xx, save those that the documents say certainly failed.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.binance.error_rows import COMMON, SPOT, STREAM, USDM
from crossbook.venues.messages import Consequence, Error, ErrorKind, ErrorRow, Message

TABLES: Mapping[str, tuple[ErrorRow, ...]] = {
    Venue.BINANCE_SPOT.label: (*COMMON, *SPOT, *STREAM),
    Venue.BINANCE_USDM.label: (*COMMON, *USDM, *STREAM),
}
NEVER_SEEN = ErrorRow(0, "unlisted", ErrorKind.UNKNOWN, Consequence.ALERT)
UNREADABLE = ErrorRow(0, "unreadable", ErrorKind.UNKNOWN, Consequence.ALERT)
HTTP_ROWS: Mapping[int, ErrorRow] = {
    401: ErrorRow(0, "key_refused", ErrorKind.REFUSED, Consequence.VENUE_KILLED),
    403: ErrorRow(0, "firewall", ErrorKind.UNKNOWN, Consequence.HOLD_RATE),
    404: ErrorRow(0, "no_such_path", ErrorKind.REFUSED, Consequence.ALERT),
    418: ErrorRow(0, "ip_banned", ErrorKind.RETRYABLE, Consequence.HOLD_RATE, "TOO_MANY_ORDERS"),
    429: ErrorRow(0, "rate_limited", ErrorKind.RETRYABLE, Consequence.HOLD_RATE, "TOO_MANY_ORDERS"),
}
"""For a body that says no code. 403 is the firewall's, perhaps in HTML: it does not say how far the request came."""
TROUBLE = ErrorRow(0, "venue_trouble", ErrorKind.UNKNOWN, Consequence.HOLD_VENUE)
UNAVAILABLE = ErrorRow(0, "unavailable", ErrorKind.RETRYABLE, Consequence.HOLD_VENUE)
EXPIRIES = ("fok_unfilled",)
"""The venue says error, but nothing was wrong: an order that must fill found too little and ended."""
CERTAIN_5XX = (-1001, -1003, -1008, -1015)
"""Codes whose rows hold under a 5xx too. (The rows of -1001 and -1008 are UNKNOWN on spot.)"""
_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
RATE_LIMIT_MS = 60_000
"""How long to stay quiet where the venue does not say."""

_BY_CODE: Mapping[str, Mapping[int, tuple[ErrorRow, ...]]] = {
    venue: {
        code: tuple(row for row in rows if row.code == code) for code in {int(row.code) for row in rows}
    }
    for venue, rows in TABLES.items()
}  # fmt: skip


class ErrorData(msgspec.Struct, rename="camel"):
    """What a limit's error adds on the WS API; both epoch ms."""

    server_time: int | None = None
    retry_after: int | None = None


class ErrorBody(msgspec.Struct):
    """`{"code": -1121, "msg": "Invalid symbol."}`."""

    code: int
    msg: str
    data: msgspec.Raw = msgspec.Raw()


_body = msgspec.json.Decoder(ErrorBody)
_data = msgspec.json.Decoder(ErrorData)


def row_of(venue: str, code: int, text: str) -> ErrorRow:
    """The first row of the code whose words are in the text; `NEVER_SEEN` if there is none.

    Raises `Refused` for a venue label without table.
    """
    if venue not in _BY_CODE:
        raise Refused(f"{venue!r} has no table of Binance errors: use {', '.join(_BY_CODE)}")
    for row in _BY_CODE[venue].get(code, ()):
        if row.match in text:
            return row
    return NEVER_SEEN


def api_error(venue: str, body: ErrorBody, status: int = 400, request_id: int | str | None = None) -> Error:
    """What a code and its words mean. `status` is the HTTP status, on the WS API its twin in the answer."""
    row = row_of(venue, body.code, body.msg)
    if row is NEVER_SEEN and status in HTTP_ROWS:
        row = HTTP_ROWS[status]
    if status == 418 and row.consequence is Consequence.HOLD_RATE:
        row = HTTP_ROWS[418]
    if status >= 500 and body.code not in CERTAIN_5XX:
        row = _row_5xx(venue, body.msg) if row.kind is not ErrorKind.UNKNOWN or row is NEVER_SEEN else row
    return _error(venue, row, body.code, body.msg, request_id, _wait_ms(body.data))


def http_error(venue: str, status: int, body: bytes, retry_after_s: str | None = None) -> Error:
    """What an HTTP answer other than 2xx means. `retry_after_s`: its `Retry-After` header, if it has one."""
    seconds = retry_after_s or ""
    asked_ms = int(seconds) * 1_000 if seconds.isascii() and seconds.isdecimal() and len(seconds) < 9 else None
    try:
        found = api_error(venue, _body.decode(body), status)
    except _UNREADABLE:
        text = body[:200].decode("utf-8", "replace")
        row = _row_5xx(venue, text) if status >= 500 else HTTP_ROWS.get(status, UNREADABLE)
        found = _error(venue, row, None, f"{status} {text}".strip(), None, None)
    return found if asked_ms is None else msgspec.structs.replace(found, retry_after_ms=asked_ms)


def read_error(venue: str, raw: bytes, status: int = 400, request_id: int | str | None = None) -> list[Message]:
    """An error object as a message; `code` 200 is how futures say that all is well: no message."""
    body = _body.decode(raw)
    return [] if body.code == 200 else [api_error(venue, body, status, request_id)]


def unreadable(venue: str, why: str, request_id: int | str | None = None) -> Error:
    """An answer that nothing here matches: it may mean anything, so what was asked for is UNKNOWN."""
    return _error(venue, UNREADABLE, None, why, request_id, None)


def _row_5xx(venue: str, text: str) -> ErrorRow:
    certain = venue == Venue.BINANCE_USDM.label and text.strip('" \n') == "Service Unavailable."
    return UNAVAILABLE if certain else TROUBLE


def _error(
    venue: str, row: ErrorRow, code: int | None, text: str, request_id: int | str | None, after_ms: int | None
) -> Error:
    if after_ms is None and row.consequence is Consequence.HOLD_RATE:
        after_ms = RATE_LIMIT_MS
    return row.said(venue, text, code, request_id, after_ms)


def _wait_ms(raw: msgspec.Raw) -> int | None:
    if not bytes(raw).startswith(b"{"):
        return None
    try:
        data = _data.decode(raw)
    except msgspec.DecodeError:
        return None
    if data.retry_after is None or data.server_time is None:
        return None
    return max(data.retry_after - data.server_time, 0)
