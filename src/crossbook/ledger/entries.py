"""Journal entries: one tag byte, then a packed event row, a packed answer row, or the run's declaration."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from crossbook.errors import Corrupt
from crossbook.rules.layout import EVENT, OUT

TAG_EVENT = b"E"
TAG_OUT = b"O"
TAG_DECLARATION = b"D"
EVENT_TAG, OUT_TAG, DECLARATION_TAG = TAG_EVENT[0], TAG_OUT[0], TAG_DECLARATION[0]

_EVENT = struct.Struct("<8q8h")
_OUT = struct.Struct("<8q12h")
_KIND = struct.Struct("<h")
_KIND_AT = 1 + 64
assert EVENT.fields is not None and OUT.fields is not None
assert (_EVENT.size, _OUT.size) == (EVENT.itemsize, OUT.itemsize)
assert EVENT.fields["kind"][1] == OUT.fields["kind"][1] == _KIND_AT - 1


class EventRow(NamedTuple):
    """The columns of `rules.layout.EVENT` as Python integers; `events.py` says what each means for a kind."""

    ts: int
    ts_venue: int
    price: int
    lots: int
    price2: int
    lots2: int
    id: int
    id2: int
    kind: int
    instrument: int
    venue: int
    asset: int
    strategy: int
    side: int
    flags: int
    reason: int


class OutRow(NamedTuple):
    """The columns of `rules.layout.OUT` as Python integers; `commands.py` says what each means for a kind. `count_` is
    `count`, a word that tuples use themselves."""

    ts: int
    order: int
    intent: int
    price: int
    lots: int
    value: int
    limit: int
    count_: int
    kind: int
    strategy: int
    instrument: int
    venue: int
    side: int
    tif: int
    reason: int
    flags: int
    pair: int


def encode_event(row: Any) -> bytes:
    """The entry of one EVENT record (a numpy record, or anything with `tobytes`)."""
    return TAG_EVENT + bytes(row.tobytes())


def encode_out(row: Any) -> bytes:
    """The entry of one OUT record."""
    return TAG_OUT + bytes(row.tobytes())


def encode_outs(rows: Any) -> list[bytes]:
    """The entries of an array of OUT records."""
    packed, size = rows.tobytes(), _OUT.size
    return [TAG_OUT + packed[at : at + size] for at in range(0, len(packed), size)]


def encode_declaration(canonical: bytes) -> bytes:
    """The first entry of a run, from `Declaration.to_json`."""
    return TAG_DECLARATION + canonical


def kind_of(payload: bytes) -> int:
    """The kind of an event or answer without unpacking the rest. Raises `Corrupt` for an entry of no known form."""
    if len(payload) == 1 + (_EVENT.size if payload[0] == EVENT_TAG else _OUT.size):
        return int(_KIND.unpack_from(payload, _KIND_AT)[0])
    raise Corrupt(f"journal entry {payload[:8]!r}... of {len(payload)} bytes has no known form; was it edited?")


def decode_event(payload: bytes) -> EventRow:
    """The event of an entry with `TAG_EVENT`."""
    return EventRow._make(_EVENT.unpack_from(payload, 1))


def decode_out(payload: bytes) -> OutRow:
    """The answer of an entry with `TAG_OUT`."""
    return OutRow._make(_OUT.unpack_from(payload, 1)[:17])
