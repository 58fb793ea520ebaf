"""Market frames of any venue: bytes in, event rows out. The same kernels read a socket and a recording.

Two steps, because a recording does not say whose it is: `decode_frame` gives rows at 1e-8 by symbol number, `to_grid`
puts them on their instrument's ticks and lots. `MarketCodec` does both for frames whose venue is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from crossbook.errors import Refused
from crossbook.money import price_to_ticks, text_e8
from crossbook.rules.kernel import bulk_kernel, kernel
from crossbook.rules.layout import Rows, new_events
from crossbook.types import Instrument
from crossbook.venues.binance import codec as binance
from crossbook.venues.hyperliquid import codec as hyperliquid
from crossbook.venues.reader import (
    BAD_NUMBER,
    BAD_STAMP,
    BAD_SYMBOL,
    DONE,
    MISSING_FIELD,
    NO_SYMBOL,
    NOT_JSON,
    QUOTE,
    SYMBOL_BYTES,
    SYMBOLS_MAX,
    TRADE,
    fail,
    new_reader,
)
from crossbook.venues.scan import OBJECT, scan, tokens_for, word_of

STREAM = word_of(b"stream")
CHANNEL = word_of(b"channel")
DATA = word_of(b"data")

_binance = binance.decode
_hyperliquid = hyperliquid.decode
_member = hyperliquid.member

WHAT = {
    NOT_JSON: "is not valid JSON",
    BAD_NUMBER: "is not a number of zero or more (a price: more than zero)",
    BAD_STAMP: "has no time between 2009 and 2100",
    MISSING_FIELD: "lacks a field of its kind of message",
    BAD_SYMBOL: "names no symbol",
}

BYTES_PER_ROW = 5
"""No level is shorter than `[1,1]`: a frame of n bytes has at most n // 5 + 1 rows."""


@kernel
def decode_frame(c: Any, buf: Any, at: int, end: int, tokens: Any, ts: int, rows: Any) -> int:
    """Append the rows of the frame `buf[at:end]`, received at `ts`; DONE or what is wrong, then no row is added."""
    before = c.n_rows
    n = scan(buf, at, end, tokens)
    if n < 0:
        return fail(c, NOT_JSON, at, end)
    if tokens[0].kind != OBJECT:
        c.ignored += 1
        return DONE
    channel = _member(buf, tokens, 0, CHANNEL)
    stream = _member(buf, tokens, 0, STREAM)
    data = _member(buf, tokens, 0, DATA)
    if channel >= 0 and data >= 0:
        wrong = _hyperliquid(c, buf, tokens, channel, data, ts, rows)
    else:
        if stream < 0 or data < 0 or tokens[data].kind != OBJECT:
            stream = -1
            data = 0
        wrong = _binance(c, buf, tokens, data, stream, ts, rows)
    if wrong != DONE:
        c.n_rows = before
    return wrong


@bulk_kernel
def to_grid(rows: Any, first: int, end: int, grid: Any, alone: int) -> int:
    """Put quotes, books and trades on their grids; -1, or the first row that does not fit.

    `grid[symbol]`: tick_e8, lot_e8, max_ticks, the instrument's number, its venue, quantities rounded so far.
    `alone`: the symbol of rows that name none, -1 if that cannot be known. A price off its grid is wrong. A displayed
    quantity may be off it (orders older than the venue's lot stand in real books): it is rounded down to whole lots,
    what is less than a lot cannot be traded.
    """
    for k in range(first, end):
        row = rows[k]
        symbol = int(row.instrument)
        if symbol == NO_SYMBOL:
            symbol = alone
        if symbol < 0:
            return k
        if row.kind <= TRADE:
            tick = grid[symbol, 0]
            lot = grid[symbol, 1]
            most = grid[symbol, 2]
            ticks = row.price // tick
            lots = row.lots // lot
            if ticks * tick != row.price or ticks > most:
                return k
            if ticks == 0 and (lots > 0 or row.kind == TRADE):
                return k
            if lots * lot != row.lots:
                grid[symbol, 5] += 1
            if row.kind == QUOTE:
                ticks2 = row.price2 // tick
                lots2 = row.lots2 // lot
                if ticks2 * tick != row.price2 or ticks2 > most:
                    return k
                if ticks2 == 0 and lots2 > 0:
                    return k
                if lots2 * lot != row.lots2:
                    grid[symbol, 5] += 1
                row.price2 = ticks2
                row.lots2 = lots2
            row.price = ticks
            row.lots = lots
        row.instrument = grid[symbol, 3]
        row.venue = grid[symbol, 4]
    return -1


@kernel
def decode_to_grid(reader: Any, buf: Any, tokens: Any, ts: int, rows: Any, grid: Any) -> int:
    """One frame of a known venue, all the way; DONE, or what is wrong (-1: off its grid)."""
    c = reader[0]
    known = c.n_symbols
    c.n_rows = 0
    wrong = decode_frame(c, buf, 0, len(buf), tokens, ts, rows)
    if c.n_symbols > known:
        c.n_symbols = known  # whatever else is wrong: a symbol that stayed would have no line in the grid
        if wrong == DONE:
            wrong = fail(c, BAD_SYMBOL, 0, len(buf))
    if wrong == DONE:
        c.bad_at = to_grid(rows, 0, c.n_rows, grid, 0 if known == 1 else -1)
        if c.bad_at >= 0:
            wrong = -1
    return wrong


class MarketCodec:
    """Reads the market frames of one connection.

    `instruments` are those subscribed to there; `numbers[i]` is the number that rows of `instruments[i]` carry.
    """

    def __init__(
        self, instruments: Sequence[Instrument], numbers: Sequence[int], frame_bytes_max: int = 1 << 20
    ) -> None:
        self.instruments = tuple(instruments)
        self._reader = new_reader()
        self._n_rows = self._reader["n_rows"]
        self._tokens = tokens_for(frame_bytes_max)
        self._rows = new_events(frame_bytes_max // BYTES_PER_ROW + 1)
        self._grid = grid_of(instruments, numbers)
        self._frame = b"{}"
        for instrument in instruments:
            add_symbol(self._reader, instrument.symbol)

    def decode(self, frame: bytes, ts: int) -> Rows:
        """The rows of a frame received at `ts`; valid until the next call. `ts_venue` is the venue's own time (0: not
        said). No rows: nothing for us in it. Raises `Refused` naming what is wrong."""
        if 2 * (len(self._tokens) - 2) < len(frame):
            raise Refused(f"frame of {len(frame)} bytes is longer than the {2 * len(self._tokens)} allowed")
        buf = np.frombuffer(frame, np.uint8)
        wrong = decode_to_grid(self._reader, buf, self._tokens, ts, self._rows, self._grid)
        if wrong != DONE:
            self._refuse(wrong, frame)
        self._frame = frame
        rows: Rows = self._rows[: self._n_rows.item(0)]
        return rows

    def again(self) -> None:
        """Decode the last frame once more, for nobody: see `Gateway.rehearse`."""
        self.decode(self._frame, 0)

    def _refuse(self, wrong: int, frame: bytes) -> NoReturn:
        one = self._reader[0]
        if wrong == -1:
            row = self._rows[int(one.bad_at)]
            if row["instrument"] < 0 and len(self.instruments) > 1:
                raise Refused("a snapshot names no symbol and several are subscribed to: ask for one at a time")
            refuse_off_grid((row["price"], row["price2"]), self.instruments[max(int(row["instrument"]), 0)])
        raise Refused(wrong_text(wrong, frame[int(one.bad_at) : int(one.bad_end)]))


def add_symbol(reader: Any, symbol: str) -> None:
    """Give a reader the next symbol. Raises `Refused` if it is too long or one too many."""
    raw = symbol.encode()
    one = reader[0]
    if len(raw) > SYMBOL_BYTES or one.n_symbols >= SYMBOLS_MAX:
        raise Refused(f"symbol {symbol!r}: at most {SYMBOLS_MAX} symbols of {SYMBOL_BYTES} bytes can be read at once")
    one.symbols[one.n_symbols][: len(raw)] = np.frombuffer(raw, np.uint8)
    one.symbol_length[one.n_symbols] = len(raw)
    one.n_symbols += 1


def grid_of(instruments: Sequence[Instrument], numbers: Sequence[int]) -> Any:
    """The table that `to_grid` reads, in the order of the symbols."""
    lines = [
        (one.tick_e8, one.lot_e8, one.max_ticks, number, int(one.venue), 0)
        for one, number in zip(instruments, numbers, strict=True)
    ]
    return np.array(lines, np.int64).reshape(len(lines), 6)


def wrong_text(wrong: int, text: bytes) -> str:
    """What is wrong with a frame, with the words it is about."""
    shown = text[:60].decode("utf-8", "replace") + ("..." if len(text) > 60 else "")
    return f"{shown!r} {WHAT[wrong]}"


def refuse_off_grid(prices_e8: Iterable[int], instrument: Instrument) -> NoReturn:
    """Raise the `Refused` that says which of the prices is off the instrument's grid."""
    for price in prices_e8:
        if price:
            price_to_ticks(text_e8(int(price)), instrument)
    raise Refused(f"{instrument.name} price 0 is out of range")
