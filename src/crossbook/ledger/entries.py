"""Journal entries: one tag byte, then a packed event row, a packed answer row, the run's declaration, or a text."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np

from crossbook.commands import Out
from crossbook.errors import Corrupt
from crossbook.rules.layout import EVENT, OUT, Rows
from crossbook.rules.rows import pack_out

TAG_EVENT = b"E"
TAG_OUT = b"O"
TAG_DECLARATION = b"D"
TAG_TEXT = b"T"
EVENT_TAG, OUT_TAG, DECLARATION_TAG, TEXT_TAG = TAG_EVENT[0], TAG_OUT[0], TAG_DECLARATION[0], TAG_TEXT[0]

_EVENT = struct.Struct("<8q8h")
_OUT = struct.Struct("<8q12h")
_KIND = struct.Struct("<h")
_KIND_AT = 1 + 64
_SIZES = {EVENT_TAG: 1 + _EVENT.size, OUT_TAG: 1 + _OUT.size}
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


def encode_text(facts: Any) -> bytes:
    """The entry of something said in words (a request's reason, a restart), as canonical JSON. No figure reads it."""
    return TAG_TEXT + _ENCODER.encode(facts)


def decode_text(payload: bytes) -> dict[str, Any]:
    """The facts of an entry with `TAG_TEXT`. Raises `Corrupt` where it holds no JSON object."""
    try:
        return _TEXT.decode(payload[1:])
    except msgspec.DecodeError as error:
        raise Corrupt(f"journal text {payload[:40]!r}... cannot be read: {error}; was it edited?") from None


def kind_of(payload: bytes) -> int:
    """The kind of an event or answer without unpacking the rest; 0 for the declaration and for texts. Raises `Corrupt`
    for an entry of no known form."""
    tag = payload[0]
    if len(payload) == _SIZES.get(tag):
        return int(_KIND.unpack_from(payload, _KIND_AT)[0])
    if tag in (DECLARATION_TAG, TEXT_TAG):
        return 0
    raise Corrupt(f"journal entry {payload[:8]!r}... of {len(payload)} bytes has no known form; was it edited?")


@lru_cache(maxsize=8)
def decode_event(payload: bytes) -> EventRow:
    """The event of an entry with `TAG_EVENT`. Several folds ask for the same entry in turn: they share one row."""
    return EventRow._make(_EVENT.unpack_from(payload, 1))


@lru_cache(maxsize=8)
def decode_out(payload: bytes) -> OutRow:
    """The answer of an entry with `TAG_OUT`."""
    return OutRow._make(_OUT.unpack_from(payload, 1)[:17])


def row_of(out: Out) -> OutRow:
    """A command or note as the row that its entry would give."""
    return decode_out(encode_out(pack_out(out)))


def rows_of_out(payload: bytes) -> Rows:
    """The same as a read-only array of one `OUT` record."""
    return np.frombuffer(payload, OUT, offset=1)


_ENCODER = msgspec.json.Encoder(order="deterministic")
_TEXT = msgspec.json.Decoder(dict[str, Any])
