"""JSON walked once by a kernel: every value becomes a token that says where in the frame it stands.

Nothing is copied or converted here; codecs read the numbers they need straight from the frame's bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.rules.kernel import kernel
from crossbook.rules.layout import I8, record

TOKEN = record(*((name, I8) for name in ("kind", "key", "key_end", "start", "end", "skip", "up")))
"""A value: its key's bytes (empty outside objects), its own bytes (of a string: without the quotes), the token after
it and everything inside it, and its container (-1: none)."""

OBJECT = 1
ARRAY = 2
STRING = 3
NUMBER = 4
TRUE = 5
FALSE = 6
NULL = 7

BAD = -1
"""What the readers below return for text that is no such number."""

_VALUE = 0
_VALUE_OR_END = 1
_KEY_OR_END = 2
_KEY = 3
_AFTER = 4

_ROOM = (1 << 62) // 10 - 1
WORD_FACTOR = 1_000_003
WORD_MASK = (1 << 56) - 1


def tokens_for(length: int) -> Any:
    """Room for the tokens of any JSON text of `length` bytes: a value takes two at least, with its separator."""
    return np.zeros(length // 2 + 2, TOKEN)


@kernel
def scan(buf: Any, at: int, end: int, tokens: Any) -> int:
    """Tokens found in `buf[at:end]`, or -1 - position where it stops being JSON (or `tokens` has no room left)."""
    n = 0
    parent = -1
    key = 0
    key_end = 0
    state = _VALUE
    while True:
        while at < end and (buf[at] == 32 or buf[at] == 9 or buf[at] == 13 or buf[at] == 10):
            at += 1
        if at >= end:
            return n if state == _AFTER and parent == -1 else -1 - at
        c = buf[at]
        closes = c == 125 or c == 93
        if closes and (state == _AFTER or state == _KEY_OR_END or state == _VALUE_OR_END):
            if parent == -1 or (c == 125) != (tokens[parent].kind == OBJECT):
                return -1 - at
            tokens[parent].end = at + 1
            tokens[parent].skip = n
            parent = int(tokens[parent].up)
            state = _AFTER
            at += 1
        elif state == _AFTER:
            if parent == -1 or c != 44:
                return -1 - at
            state = _KEY if tokens[parent].kind == OBJECT else _VALUE
            at += 1
        elif state == _KEY or state == _KEY_OR_END:
            if c != 34:
                return -1 - at
            key = at + 1
            key_end = string_end(buf, key, end)
            if key_end < 0:
                return -1 - at
            at = key_end + 1
            while at < end and (buf[at] == 32 or buf[at] == 9 or buf[at] == 13 or buf[at] == 10):
                at += 1
            if at >= end or buf[at] != 58:
                return -1 - at
            at += 1
            state = _VALUE
        elif n >= len(tokens):  # JSON that ends always fits; brackets that never close do not
            return -1 - at
        else:
            token = tokens[n]
            token.key = key
            token.key_end = key_end
            token.up = parent
            token.start = at
            key = 0
            key_end = 0
            if c == 34:
                token.kind = STRING
                token.start = at + 1
                token.end = string_end(buf, at + 1, end)
                at = int(token.end) + 1
            elif c == 123 or c == 91:
                token.kind = OBJECT if c == 123 else ARRAY
                token.end = 0
                at += 1
            elif c == 45 or 48 <= c <= 57:
                token.kind = NUMBER
                token.end = number_end(buf, at, end)
                at = int(token.end)
            else:
                token.kind = word_kind(buf, at, end)
                token.end = at + (5 if token.kind == FALSE else 4) if token.kind > 0 else BAD
                at = int(token.end)
            if token.end < 0:
                return -1 - int(token.start)
            n += 1
            token.skip = n
            if token.kind == OBJECT or token.kind == ARRAY:
                parent = n - 1
                state = _KEY_OR_END if token.kind == OBJECT else _VALUE_OR_END
            else:
                state = _AFTER


@kernel
def string_end(buf: Any, at: int, end: int) -> int:
    """Where the closing quote stands; -1 without one, or at what no JSON string may hold: a raw control character, an
    escape that is none, bytes that are no UTF-8."""
    while at < end:
        c = buf[at]
        if c == 34:
            return at
        if c < 32:
            return BAD
        if c == 92:
            at = escape_end(buf, at + 1, end)
            if at < 0:
                return BAD
        elif c < 128:
            at += 1
        else:
            at = rune_end(buf, at, end)
            if at < 0:
                return BAD
    return BAD


@kernel
def escape_end(buf: Any, at: int, end: int) -> int:
    """Where an escape ends of which the letter stands at `at`; -1 if it is none. A lone surrogate passes."""
    if at >= end:
        return BAD
    c = buf[at]
    if c == 117:
        if at + 5 > end:
            return BAD
        for k in range(at + 1, at + 5):
            h = buf[k]
            if not (48 <= h <= 57 or 65 <= h <= 70 or 97 <= h <= 102):
                return BAD
        return at + 5
    if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:
        return at + 1
    return BAD


@kernel
def rune_end(buf: Any, at: int, end: int) -> int:
    """Where a character of more than one byte ends; -1 if its bytes are no UTF-8: cut off, overlong, a surrogate."""
    c = buf[at]
    if 194 <= c <= 223:
        more = 1
    elif 224 <= c <= 239:
        more = 2
    elif 240 <= c <= 244:
        more = 3
    else:
        return BAD
    if at + more >= end:
        return BAD
    for k in range(at + 1, at + more + 1):
        if not 128 <= buf[k] <= 191:
            return BAD
    second = buf[at + 1]
    if (c == 224 and second < 160) or (c == 237 and second > 159):
        return BAD
    if (c == 240 and second < 144) or (c == 244 and second > 143):
        return BAD
    return at + more + 1


@kernel
def number_end(buf: Any, at: int, end: int) -> int:
    """Where a JSON number ends; -1 if it is none."""
    if buf[at] == 45:
        at += 1
    first = at
    while at < end and 48 <= buf[at] <= 57:
        at += 1
    if at == first or (buf[first] == 48 and at > first + 1):
        return BAD
    if at < end and buf[at] == 46:
        at += 1
        first = at
        while at < end and 48 <= buf[at] <= 57:
            at += 1
        if at == first:
            return BAD
    if at < end and (buf[at] == 69 or buf[at] == 101):
        at += 1
        if at < end and (buf[at] == 43 or buf[at] == 45):
            at += 1
        first = at
        while at < end and 48 <= buf[at] <= 57:
            at += 1
        if at == first:
            return BAD
    return at


@kernel
def word_kind(buf: Any, at: int, end: int) -> int:
    """TRUE, FALSE or NULL, whichever word stands here; -1 for any other (`NaN` is no JSON)."""
    left = end - at
    if left >= 4 and buf[at] == 116 and buf[at + 1] == 114 and buf[at + 2] == 117 and buf[at + 3] == 101:
        return TRUE
    if left >= 4 and buf[at] == 110 and buf[at + 1] == 117 and buf[at + 2] == 108 and buf[at + 3] == 108:
        return NULL
    if left >= 5 and buf[at] == 102 and buf[at + 1] == 97 and buf[at + 2] == 108 and buf[at + 3] == 115:
        return FALSE if buf[at + 4] == 101 else BAD
    return BAD


@kernel
def whole_number(buf: Any, at: int, end: int) -> int:
    """The digits `buf[at:end]` as an integer below 2**62; -1 if they are anything else."""
    if at >= end:
        return BAD
    value = 0
    for i in range(at, end):
        if not 48 <= buf[i] <= 57 or value > _ROOM:
            return BAD
        value = value * 10 + int(np.int64(buf[i]) - 48)
    return value


@kernel
def decimal_e8(buf: Any, at: int, end: int) -> int:
    """The unsigned decimal `buf[at:end]` in 1e-8 units, exactly.

    -1 for a sign, an exponent, NaN, a digit beyond the eighth decimal that is not 0, or 2**62 and more: the same
    numbers that `money.parse_e8` refuses, and the negative ones.
    """
    value = 0
    decimals = -1
    digits = 0
    for i in range(at, end):
        c = buf[i]
        if c == 46:
            if decimals >= 0 or digits == 0:
                return BAD
            decimals = 0
            digits = 0
        elif not 48 <= c <= 57:
            return BAD
        else:
            digits += 1
            if decimals >= 8:
                if c != 48:
                    return BAD
            elif value > _ROOM:
                return BAD
            else:
                value = value * 10 + int(np.int64(c) - 48)
                if decimals >= 0:
                    decimals += 1
    if digits == 0:
        return BAD
    for _ in range(8 - (decimals if decimals > 0 else 0)):
        if value > _ROOM:
            return BAD
        value *= 10
    return value


@kernel
def word(buf: Any, at: int, end: int) -> int:
    """A word as one integer: its length, and its bytes or, beyond seven, a mix of them. A protocol's words differ."""
    length = min(end - at, 63)
    packed = 0
    for i in range(min(length, 7)):
        packed |= int(np.int64(buf[at + i]) << (8 * i))
    for i in range(7, length):
        packed = (packed * WORD_FACTOR + int(np.int64(buf[at + i]))) & WORD_MASK
    return length << 56 | packed


def word_of(text: bytes) -> int:
    """`word` of a constant, for use at module level."""
    length = min(len(text), 63)
    packed = int.from_bytes(text[:7], "little")
    for byte in text[7:length]:
        packed = packed * WORD_FACTOR + byte & WORD_MASK
    return length << 56 | packed
