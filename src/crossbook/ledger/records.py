"""Journal records and segment headers as bytes. Pure: the file itself is `desk.journal`.

A record is `length u32 | crc32c u32 | sequence u64 | payload`, little endian, without padding. The checksum covers
length, sequence and payload. The length word is written last, so a record that was cut off has length 0.
A segment is a header of `HEADER_BYTES` and then records; the zeros behind them are room, not content.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from crc32c import crc32c

from crossbook.errors import Corrupt
from crossbook.rules.layout import EVENT, OUT

MAGIC = b"XBOOKJNL"
SCHEMA = 1
HEADER_BYTES = 64
RECORD_BYTES = 16
"""What a record adds to its payload."""
PAYLOAD_BYTES_MAX = 1 << 20

_HEADER = struct.Struct("<8sI16sQI")
_RECORD = struct.Struct("<IIQ")
_LENGTH = struct.Struct("<I")
_WORD_SEQUENCE = struct.Struct("<IQ")


def layout_hash() -> bytes:
    """Sixteen bytes that change with the schema number or the columns of the rows that a journal holds."""
    words = f"{SCHEMA} {EVENT.descr} {OUT.descr}"
    return hashlib.sha256(words.encode()).digest()[:16]


def encode_header(first_sequence: int) -> bytes:
    """The head of a segment whose first record has `first_sequence`."""
    words = _HEADER.pack(MAGIC, SCHEMA, layout_hash(), first_sequence, 0)[:-4]
    return (words + crc32c(words).to_bytes(4, "little")).ljust(HEADER_BYTES, b"\0")


def decode_header(head: bytes, where: str) -> int:
    """The first sequence of a segment. Raises `Corrupt` naming `where` for anything but a header of this layout."""
    if len(head) < HEADER_BYTES or head[:8] != MAGIC:
        raise Corrupt(f"{where} offset 0: no journal header; restore the file from a backup")
    _, schema, layout, first, seal = _HEADER.unpack_from(head)
    if seal != crc32c(head[: _HEADER.size - 4]) or any(head[_HEADER.size : HEADER_BYTES]):
        raise Corrupt(f"{where} offset 0: the header's checksum does not fit; restore the file from a backup")
    if schema != SCHEMA or layout != layout_hash():
        raise Corrupt(f"{where} offset 8: written by another version (schema {schema}); read it with that version")
    return int(first)


def seal(sequence: int, payload: bytes) -> int:
    """The checksum of a record."""
    return int(crc32c(payload, crc32c(_WORD_SEQUENCE.pack(len(payload), sequence))))


def encode_record(sequence: int, payload: bytes) -> bytes:
    """One record, whole."""
    return _RECORD.pack(len(payload), seal(sequence, payload), sequence) + payload


def put_record(memory: Any, offset: int, sequence: int, payload: bytes) -> int:
    """Write one record into mapped memory, the length word last; the offset behind it."""
    length = len(payload)
    crc = crc32c(payload, crc32c(_WORD_SEQUENCE.pack(length, sequence)))
    _WORD_SEQUENCE.pack_into(memory, offset + 4, crc, sequence)
    end = offset + RECORD_BYTES + length
    memory[offset + RECORD_BYTES : end] = payload
    _LENGTH.pack_into(memory, offset, length)
    return end


def record_at(segment: bytes, offset: int, sequence: int) -> bytes | None:
    """The payload of the record `sequence` at `offset`, or None if no such whole and true record stands there."""
    if offset + RECORD_BYTES > len(segment):
        return None
    length, crc, found = _RECORD.unpack_from(segment, offset)
    end = offset + RECORD_BYTES + length
    if found != sequence or not 0 < length <= PAYLOAD_BYTES_MAX or end > len(segment):
        return None
    payload = segment[offset + RECORD_BYTES : end]
    return payload if crc == seal(sequence, payload) else None


def later_record(segment: bytes, offset: int, sequence: int) -> int | None:
    """Where, from `offset` on, a true record with a number above `sequence` stands: proof that nothing was cut off."""
    used = len(segment.rstrip(b"\0"))
    for at in range(offset, min(used, len(segment) - RECORD_BYTES)):
        length, _, found = _RECORD.unpack_from(segment, at)
        if 0 < length <= PAYLOAD_BYTES_MAX and sequence < found <= sequence + len(segment):
            if record_at(segment, at, found) is not None:
                return at
    return None


class Record(NamedTuple):
    """A true record: where it stands in its segment, its number and what it says."""

    offset: int
    sequence: int
    payload: bytes


class Scan(NamedTuple):
    """The records of a segment, and what follows them: `end` is the first byte behind the last true record;
    `torn` says that bytes of a cut-off record stand there."""

    end: int
    next_sequence: int
    torn: bool


def scan(segment: bytes, first_sequence: int) -> Iterator[Record | Scan]:
    """Each record of a segment (header included in `segment`) in order, then one `Scan`."""
    used = segment.rstrip(b"\0")
    offset, sequence = HEADER_BYTES, first_sequence
    while (payload := record_at(segment, offset, sequence)) is not None:
        yield Record(offset, sequence, payload)
        offset += RECORD_BYTES + len(payload)
        sequence += 1
    yield Scan(offset, sequence, torn=len(used) > offset)
