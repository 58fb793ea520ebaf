"""The log: journal entries in words, chosen by kind, by trace (an intent or an order) or by a text in them."""

from __future__ import annotations

from typing import Any

from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out, kind_of
from crossbook.web.entry_words import Told, entry_told
from crossbook.web.moment import Moment
from crossbook.web.run_book import RunBook

LINES = 200
LOOKED_AT = 20_000
"""Entries that one request looks through."""


def body(
    moment: Moment, book: RunBook, text: str = "", trace: str = "", kind: str = "", after: int | None = None
) -> dict[str, Any]:
    """The newest lines, or (with `after`) the first behind that entry. `looked_from` and `looked_to` say what was
    looked through; `more` that there is more to look at."""
    forward = after is not None
    first = after + 1 if after is not None else max(1, moment.seq - LOOKED_AT + 1)
    last = min(first + LOOKED_AT - 1, moment.seq)
    number = int(trace) if trace.isdecimal() and len(trace) < 20 else None
    if trace and number is None:
        number = -1
    if number is not None and number > 0 and not forward:
        first, last = _around(moment, number, first, last)
    found: list[Told] = []
    for sequence, payload in book.entries(first, last):
        if number is not None and not _traced(payload, number, moment):
            continue
        told = entry_told(sequence, payload, moment.rows.declaration)
        if kind and told.kind.replace(" ", "_") != kind.strip().lower().replace(" ", "_"):
            continue
        if text and text.casefold() not in f"{told.kind} {told.who} {told.what} {told.text}".casefold():
            continue
        found.append(told)
        if forward and len(found) >= LINES:
            last = sequence
            break
    if not forward:
        first = found[-LINES].entry if len(found) > LINES else first
        found = found[-LINES:]
    return {
        "as_of_seq": moment.seq, "page": "log", "title": "Log", "lines": found, "looked_from": first,
        "looked_to": last, "more": last < moment.seq if forward else first > 1,
        "kinds": sorted({one.name.lower() for one in EventKind if one > 8} | {"declaration", "text"}),
    }  # fmt: skip


def _around(moment: Moment, number: int, first: int, last: int) -> tuple[int, int]:
    """Where the entries of an intent or order lie."""
    wish, order = moment.rows.wishes.get(number), moment.rows.orders.get(number)
    starts = [one.sequence for one in (wish, order) if one is not None]
    if not starts:
        return first, last
    return max(1, min(starts) - 1), min(min(starts) + LOOKED_AT, moment.seq)


def _traced(payload: bytes, number: int, moment: Moment) -> bool:
    """Whether an entry is about the intent or the order of that number."""
    if payload[0] == EVENT_TAG:
        row = decode_event(payload)
        if not EventKind.ORDER_ACCEPTED <= kind_of(payload) <= EventKind.ORDER_UNKNOWN:
            return False
        order = moment.rows.orders.get(row.id)
        return row.id == number or (order is not None and order.intent == number)
    if payload[0] == OUT_TAG:
        out = decode_out(payload)
        return number in (out.order, out.intent)
    return False
