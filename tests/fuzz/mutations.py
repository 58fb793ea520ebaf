"""Ways to spoil a message: of its bytes, and of its JSON by splicing values, names and members as text."""

from __future__ import annotations

import json
from random import Random
from typing import NamedTuple


class Span(NamedTuple):
    start: int
    end: int


class Anatomy(NamedTuple):
    """Where in a JSON text its values stand, the names of its objects, and its members (name and value)."""

    raw: bytes
    values: list[Span]
    names: list[Span]
    members: list[Span]


HUGE = b"9" * 400
VALUES = (
    b"null", b"true", b"false", b"0", b"-1", b"1", b'""', b'"0"', b'"-1"', b'"-0"', b'"1e5"', b"1e5", b"1E400",
    b"-1e-400", b'"NaN"', b"NaN", b'"Infinity"', b"Infinity", b"-Infinity", b'"-Infinity"', b'"inf"', b'"nan"',
    b"0.1", b'"0.1"', b"[]", b"{}", b"[[]]", b'{"a":1}', b'[{"a":[]}]', b"9223372036854775807",
    b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"4611686018427387904",
    b'"4611686018427387904"', b'"46116860184.27387904"', b'"46116860185"', b"1700000000000.5", b'"1700000000000"',
    b"1700000000000000", b'"0.00000001"', b'"0.000000001"', b'"0.0000000010"', b'"1.23456789"', b'"1.234567890"',
    b'"01.5"', b'"1."', b'".5"', b'"+1"', b'" 1"', b'"1 "', b'"1_000"', b'"1,5"', b'"0x10"', b'"\xd9\xa1"',
    b'"\xef\xbc\x91"', b'"1\\u0030"', b'"\\u0031"', b'"1\\n"', b'"\\ud800"', b'"\xff"', b'"a\x00b"', b'"\\x"',
    b'"\xed\xa0\x80"', b'"B"', b'"A"', b'"Ax"', b'"BUY"', b'"SELL"', b'"success"', b'"open"', b'"filled"',
    b'"FILLED"', b'"ok"', b'"err"', b"1.0", b"-0", b"01", b"1.", b"+1", b".5", b"--1",
    HUGE, b'"' + HUGE + b'"', b"0." + HUGE, b'"0.' + HUGE + b'"', b'"' + b"x" * 300 + b'"',
)  # fmt: skip
"""What a value is replaced by: wrong types, numbers that are huge, tiny, none, or written in ways that JSON or the
venues do not have."""
BYTES = b'{}[]":,.\\-+eE0123456789 \n\t\x00\x7f\x80\xff\xed\xc0tfnulabAB'
NESTING = (b"[", b'{"a":', b"[[", b'[{"b":')


def anatomy(raw: bytes) -> Anatomy:
    """The anatomy of a compact JSON text (no white space between tokens)."""
    values: list[Span] = []
    names: list[Span] = []
    members: list[Span] = []

    def value(at: int) -> int:
        if raw[at : at + 1] == b"{":
            end = at + 1
            while raw[end : end + 1] != b"}":
                end += raw[end : end + 1] == b","
                after_name = string(end)
                names.append(Span(end, after_name))
                after = value(after_name + 1)
                members.append(Span(end, after))
                end = after
            end += 1
        elif raw[at : at + 1] == b"[":
            end = at + 1
            while raw[end : end + 1] != b"]":
                end = value(end + (raw[end : end + 1] == b","))
            end += 1
        elif raw[at : at + 1] == b'"':
            end = string(at)
        else:
            end = at
            while end < len(raw) and raw[end : end + 1] not in b",]}":
                end += 1
        values.append(Span(at, end))
        return end

    def string(at: int) -> int:
        end = at + 1
        while raw[end] != 34:
            end += 2 if raw[end] == 92 else 1
        return end + 1

    assert value(0) == len(raw) and json.loads(raw) is not Ellipsis
    return Anatomy(raw, values, names, members)


def mutated(body: Anatomy, random: Random) -> bytes:
    """The message spoilt once, sometimes twice or thrice (then as bytes)."""
    raw = MUTATIONS[int(random.random() * len(MUTATIONS))](body, random)
    for _ in range(REPEATS[int(random.random() * len(REPEATS))]):
        raw = flip(Anatomy(raw, [], [], []), random)
    return raw


def one(spans: list[Span], random: Random) -> Span:
    return spans[int(random.random() * len(spans))] if spans else Span(0, 0)


def put(raw: bytes, span: Span, piece: bytes) -> bytes:
    return raw[: span.start] + piece + raw[span.end :]


def flip(body: Anatomy, random: Random) -> bytes:
    """One bit, or one byte for another."""
    raw = bytearray(body.raw)
    if raw:
        at = int(random.random() * len(raw))
        if random.random() < 0.5:
            raw[at] ^= 1 << int(random.random() * 8)
        else:
            raw[at] = BYTES[int(random.random() * len(BYTES))]
    return bytes(raw)


def cut(body: Anatomy, random: Random) -> bytes:
    """The end is missing, or the beginning, or the middle; or a part stands twice."""
    raw = body.raw
    start, end = sorted((int(random.random() * (len(raw) + 1)), int(random.random() * (len(raw) + 1))))
    which = random.random()
    if which < 0.4:
        return raw[:start]
    if which < 0.5:
        return raw[start:]
    return raw[:start] + raw[end:] if which < 0.8 else raw[:end] + raw[start:]


def insert(body: Anatomy, random: Random) -> bytes:
    at = int(random.random() * (len(body.raw) + 1))
    count = 1 + int(random.random() * 3)
    return body.raw[:at] + bytes(BYTES[int(random.random() * len(BYTES))] for _ in range(count)) + body.raw[at:]


def replace(body: Anatomy, random: Random) -> bytes:
    """A value of another kind."""
    return put(body.raw, one(body.values, random), VALUES[int(random.random() * len(VALUES))])


def digits(body: Anatomy, random: Random) -> bytes:
    """Another number, still a plain one."""
    span = one(body.values, random)
    raw = body.raw[span.start : span.end]
    quoted = raw[:1] == b'"'
    number = str(int(random.random() * 10 ** int(1 + random.random() * 12)))
    if random.random() < 0.5:
        number += "." + str(int(random.random() * 10 ** int(1 + random.random() * 9)))
    if random.random() < 0.1:
        number = "-" + number
    return put(body.raw, span, f'"{number}"'.encode() if quoted else number.encode())


def swap(body: Anatomy, random: Random) -> bytes:
    """Two values change places."""
    first, second = sorted((one(body.values, random), one(body.values, random)))
    if first.end > second.start:
        return body.raw
    raw = body.raw
    return (
        raw[: first.start] + raw[second.start : second.end] + raw[first.end : second.start]
        + raw[first.start : first.end] + raw[second.end :]
    )  # fmt: skip


def copy(body: Anatomy, random: Random) -> bytes:
    """A value overwrites another."""
    source = one(body.values, random)
    return put(body.raw, one(body.values, random), body.raw[source.start : source.end])


def twice(body: Anatomy, random: Random) -> bytes:
    """A member stands twice, the second time perhaps with another value."""
    member = one(body.members, random)
    again = body.raw[member.start : member.end]
    if random.random() < 0.6:
        name = again[: again.find(b'":') + 2]
        other = one(body.values, random)
        value = VALUES[int(random.random() * len(VALUES))]
        again = name + (value if random.random() < 0.5 else body.raw[other.start : other.end])
    where = one(body.members, random).start if random.random() < 0.2 else member.end
    piece = b"," + again if where == member.end else again + b","
    return body.raw[:where] + piece + body.raw[where:] if again else body.raw


def drop(body: Anatomy, random: Random) -> bytes:
    """A member is missing, mostly with its comma."""
    span = one(body.members, random)
    end = span.end + (body.raw[span.end : span.end + 1] == b",")
    start = span.start - (end == span.end and body.raw[span.start - 1 : span.start] == b",")
    return put(body.raw, Span(start, end), b"")


def rename(body: Anatomy, random: Random) -> bytes:
    """A member under another's name, or under one that differs in its last letter."""
    span, other = one(body.names, random), one(body.names, random)
    name = body.raw[other.start : other.end]
    if random.random() < 0.4:
        name = body.raw[span.start : span.end][:-2] + b'x"'
    return put(body.raw, span, name) if name else body.raw


def nest(body: Anatomy, random: Random) -> bytes:
    """A value inside many brackets, closed or not."""
    span = one(body.values, random)
    depth = int(2 ** (random.random() * 13))
    opening = NESTING[int(random.random() * len(NESTING))] * depth
    closing = bytes(reversed(opening)).translate(CLOSING, b'"ab:') if random.random() < 0.5 else b""
    return put(body.raw, span, opening + body.raw[span.start : span.end] + closing)


def empty_or_long(body: Anatomy, random: Random) -> bytes:
    """Nothing, blanks, or the message many times over."""
    return (b"", b" ", b"\n" * 50, body.raw * 3, body.raw + b" " * 5_000, b"\xef\xbb\xbf" + body.raw, b"null")[
        int(random.random() * 7)
    ]


CLOSING = bytes.maketrans(b"[{", b"]}")
REPEATS = (0, 0, 0, 0, 0, 1, 1, 2)
MUTATIONS = (
    flip, flip, cut, insert, replace, replace, replace, replace, digits, digits, digits, swap, swap, copy, copy, twice,
    twice, drop, rename, nest, empty_or_long,
)  # fmt: skip
"""The likelier ones stand more than once. What leaves the message valid and known is what tests the oracles."""
