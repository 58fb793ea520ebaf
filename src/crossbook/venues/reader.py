"""What every codec reads with: symbols by number, times, numbers, rows written, and what is wrong with a frame.

The rows of a codec hold prices and quantities at 1e-8, the venue's own time in `ts_venue`, and as instrument the
number of a symbol in the order met; `frames.to_grid` turns them into ticks and lots of an instrument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import I8, record
from crossbook.timestamp import NS_PER_MS
from crossbook.venues.scan import BAD, NUMBER, STRING, decimal_e8, whole_number

SYMBOLS_MAX = 256
SYMBOL_BYTES = 32
SLOTS = 160
"""Where a codec notes which token holds which key of the frame in hand: by letter, longer keys above 127."""

COIN_M = 0
USD_M = 1
SPOT = 2
HYPERLIQUID = 3
EVIDENCE = 4

READER = record(
    ("slots", I8, (SLOTS,)),
    ("symbols", np.uint8, (SYMBOLS_MAX, SYMBOL_BYTES)),
    ("symbol_length", I8, (SYMBOLS_MAX,)),
    ("evidence", I8, (EVIDENCE,)),
    *((name, I8) for name in ("n_symbols", "n_rows", "ignored", "bad_at", "bad_end")),
)
"""A reader's scratch: symbols met so far, what the frames say of their venue, rows written, frames not understood."""

DONE = 0
NOT_JSON = 1
BAD_NUMBER = 2
BAD_STAMP = 3
MISSING_FIELD = 4
BAD_SYMBOL = 5
"""What can be wrong with a frame; `bad_at`, `bad_end` say where."""

NO_SYMBOL = -1
"""The instrument of a row whose frame names none: a bare snapshot."""

QUOTE = int(EventKind.QUOTE)
SNAPSHOT = int(EventKind.BOOK_SNAPSHOT)
DELTA = int(EventKind.BOOK_DELTA)
TRADE = int(EventKind.TRADE)
MARK_PRICE = int(EventKind.MARK_PRICE)
LAST = FLAG_LAST

EARLIEST_MS = 1_230_768_000_000
LATEST_MS = 4_102_444_800_000


def new_reader() -> Any:
    """A one-element array of `READER`."""
    return np.zeros(1, READER)


def symbol_at(reader: Any, number: int) -> str:
    """The symbol that a reader met as `number`."""
    one = reader[0]
    return bytes(one.symbols[number][: one.symbol_length[number]]).decode("utf-8", "replace")


@kernel
def fail(c: Any, reason: int, at: int, end: int) -> int:
    """Note where a frame is wrong, and say so."""
    c.bad_at = at
    c.bad_end = end
    return reason


@kernel
def symbol_number(c: Any, buf: Any, at: int, end: int) -> int:
    """The number of the symbol `buf[at:end]`; a new one is added. -1 if it is empty, too long, or one too many."""
    length = end - at
    if length <= 0 or length > SYMBOL_BYTES:
        return BAD
    for i in range(c.n_symbols):
        if c.symbol_length[i] == length:
            k = 0
            while k < length and c.symbols[i, k] == buf[at + k]:
                k += 1
            if k == length:
                return i
    if c.n_symbols == SYMBOLS_MAX:
        return BAD
    for k in range(length):
        c.symbols[c.n_symbols, k] = buf[at + k]
    c.symbol_length[c.n_symbols] = length
    c.n_symbols += 1
    return int(c.n_symbols - 1)


@kernel
def stamp_ns(buf: Any, token: Any) -> int:
    """A venue's time in ms as ns; -1 if it is no time between 2009 and 2100."""
    stamp = whole_number(buf, token.start, token.end)
    return stamp * NS_PER_MS if EARLIEST_MS <= stamp < LATEST_MS else BAD


@kernel
def number_e8(buf: Any, token: Any) -> int:
    """The decimal in a string or number, at 1e-8; -1 if it is none or negative."""
    if token.kind != STRING and token.kind != NUMBER:
        return BAD
    return decimal_e8(buf, token.start, token.end)


@kernel
def put_row(
    c: Any,
    rows: Any,
    kind: int,
    symbol: int,
    ts: int,
    ts_venue: int,
    id: int,
    id2: int,
    side: int,
    price: int,
    lots: int,
) -> Any:
    """Write the next row, flagged as the last of its frame, and give it back."""
    row = rows[c.n_rows]
    c.n_rows += 1
    row.kind = kind
    row.instrument = symbol
    row.ts = ts
    row.ts_venue = ts_venue
    row.id = id
    row.id2 = id2
    row.side = side
    row.price = price
    row.lots = lots
    row.price2 = 0
    row.lots2 = 0
    row.flags = LAST
    return row


@kernel
def end_depth(c: Any, rows: Any, first: int, kind: int, symbol: int, ts: int, ts_venue: int, id: int, id2: int) -> int:
    """Flag only the last of a depth frame's rows; a frame without levels is one row with price 0."""
    if c.n_rows == first:
        put_row(c, rows, kind, symbol, ts, ts_venue, id, id2, 0, 0, 0)
    for k in range(first, c.n_rows - 1):
        rows[k].flags = 0
    return DONE
