"""Hyperliquid market frames: l2Book (the whole displayed book, its time is its id), bbo and trades."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.venues.reader import (
    BAD_NUMBER,
    BAD_STAMP,
    BAD_SYMBOL,
    DONE,
    HYPERLIQUID,
    MISSING_FIELD,
    QUOTE,
    SNAPSHOT,
    TRADE,
    end_depth,
    fail,
    number_e8,
    put_row,
    stamp_ns,
    symbol_number,
)
from crossbook.venues.scan import ARRAY, NULL, OBJECT, STRING, whole_number, word, word_of

L2_BOOK = word_of(b"l2Book")
BBO = word_of(b"bbo")
TRADES = word_of(b"trades")

COIN = word_of(b"coin")
TIME = word_of(b"time")
LEVELS = word_of(b"levels")
PX = word_of(b"px")
SZ = word_of(b"sz")
SIDE = word_of(b"side")
TID = word_of(b"tid")


@kernel
def member(buf: Any, tokens: Any, at: int, key: int) -> int:
    """The token that the object at `at` holds under `key`, the last one as every JSON reader has it; -1: none."""
    found = -1
    i = at + 1
    while tokens[at].kind == OBJECT and i < tokens[at].skip:
        if word(buf, tokens[i].key, tokens[i].key_end) == key:
            found = i
        i = int(tokens[i].skip)
    return found


@kernel
def decode(c: Any, buf: Any, tokens: Any, channel: int, data: int, ts: int, rows: Any) -> int:
    """Write the rows of one message; DONE or what is wrong."""
    kind = word(buf, tokens[channel].start, tokens[channel].end)
    c.evidence[HYPERLIQUID] += 1
    if kind == L2_BOOK:
        return one_book(c, buf, tokens, data, LEVELS, ts, rows)
    if kind == BBO:
        return one_book(c, buf, tokens, data, BBO, ts, rows)
    if kind == TRADES and tokens[data].kind == ARRAY:
        i = data + 1
        while i < tokens[data].skip:
            wrong = one_trade(c, buf, tokens, i, ts, rows)
            if wrong != DONE:
                return wrong
            i = tokens[i].skip
        return DONE
    c.ignored += 1
    return DONE


@kernel
def one_book(c: Any, buf: Any, tokens: Any, data: int, key: int, ts: int, rows: Any) -> int:
    """A book of two sides, or a bbo: one level (or null) a side."""
    coin = member(buf, tokens, data, COIN)
    time = member(buf, tokens, data, TIME)
    sides = member(buf, tokens, data, key)
    if coin < 0 or time < 0 or sides < 0 or not is_pair(tokens, sides):
        return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    symbol = symbol_number(c, buf, tokens[coin].start, tokens[coin].end)
    if symbol < 0:
        return fail(c, BAD_SYMBOL, tokens[coin].start, tokens[coin].end)
    ts_venue = stamp_ns(buf, tokens[time])
    if ts_venue < 0:
        return fail(c, BAD_STAMP, tokens[time].start, tokens[time].end)
    id = whole_number(buf, tokens[time].start, tokens[time].end)
    first = c.n_rows
    if key == BBO:
        put_row(c, rows, QUOTE, symbol, ts, ts_venue, id, 0, 0, 0, 0)
    side = 0
    i = sides + 1
    while i < tokens[sides].skip:
        if key == LEVELS and tokens[i].kind != ARRAY:
            return fail(c, MISSING_FIELD, tokens[i].start, tokens[i].end)
        level = i + 1 if key == LEVELS or tokens[i].kind == NULL else i
        while level < tokens[i].skip:
            px = member(buf, tokens, level, PX)
            sz = member(buf, tokens, level, SZ)
            if px < 0 or sz < 0:
                return fail(c, MISSING_FIELD, tokens[level].start, tokens[level].end)
            price = number_e8(buf, tokens[px])
            lots = number_e8(buf, tokens[sz])
            if price <= 0 or lots < 0:
                bad = px if price <= 0 else sz
                return fail(c, BAD_NUMBER, tokens[bad].start, tokens[bad].end)
            if key == LEVELS:
                put_row(c, rows, SNAPSHOT, symbol, ts, ts_venue, id, 0, side, price, lots)
            elif side == 0:
                rows[first].price = price
                rows[first].lots = lots
            else:
                rows[first].price2 = price
                rows[first].lots2 = lots
            level = tokens[level].skip
        side += 1
        i = tokens[i].skip
    if key == LEVELS:
        return end_depth(c, rows, first, SNAPSHOT, symbol, ts, ts_venue, id, 0)
    return DONE


@kernel
def is_pair(tokens: Any, at: int) -> bool:
    """Whether this is an array of two."""
    if tokens[at].kind != ARRAY or tokens[at].skip == at + 1:
        return False
    second = tokens[at + 1].skip
    return bool(second < tokens[at].skip and tokens[second].skip == tokens[at].skip)


@kernel
def one_trade(c: Any, buf: Any, tokens: Any, at: int, ts: int, rows: Any) -> int:
    """A print; `side` B: the taker bought, A: sold."""
    coin = member(buf, tokens, at, COIN)
    time = member(buf, tokens, at, TIME)
    px = member(buf, tokens, at, PX)
    sz = member(buf, tokens, at, SZ)
    side = member(buf, tokens, at, SIDE)
    tid = member(buf, tokens, at, TID)
    if coin < 0 or time < 0 or px < 0 or sz < 0 or side < 0 or tid < 0:
        return fail(c, MISSING_FIELD, tokens[at].start, tokens[at].end)
    symbol = symbol_number(c, buf, tokens[coin].start, tokens[coin].end)
    if symbol < 0:
        return fail(c, BAD_SYMBOL, tokens[coin].start, tokens[coin].end)
    ts_venue = stamp_ns(buf, tokens[time])
    if ts_venue < 0:
        return fail(c, BAD_STAMP, tokens[time].start, tokens[time].end)
    id = whole_number(buf, tokens[tid].start, tokens[tid].end)
    price = number_e8(buf, tokens[px])
    lots = number_e8(buf, tokens[sz])
    if id < 0 or price <= 0 or lots < 0:
        bad = tid if id < 0 else px if price <= 0 else sz
        return fail(c, BAD_NUMBER, tokens[bad].start, tokens[bad].end)
    taker = int(buf[tokens[side].start])
    if tokens[side].kind != STRING or tokens[side].end != tokens[side].start + 1 or not 65 <= taker <= 66:
        return fail(c, MISSING_FIELD, tokens[at].start, tokens[at].end)
    put_row(c, rows, TRADE, symbol, ts, ts_venue, id, 0, 1 if taker == 65 else 0, price, lots)
    return DONE
