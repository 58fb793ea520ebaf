"""Binance market frames: depth updates, snapshots, bookTicker, trade, markPrice of spot, USD-M and COIN-M.

The three differ only in fields that are there or not, so one codec reads them all and counts what tells them apart.
"""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.venues.reader import (
    BAD_NUMBER,
    BAD_STAMP,
    BAD_SYMBOL,
    COIN_M,
    DELTA,
    DONE,
    LATEST_MS,
    MARK_PRICE,
    MISSING_FIELD,
    NO_SYMBOL,
    QUOTE,
    SNAPSHOT,
    SPOT,
    TRADE,
    USD_M,
    end_depth,
    fail,
    number_e8,
    put_row,
    stamp_ns,
    symbol_number,
)
from crossbook.venues.scan import ARRAY, BAD, FALSE, STRING, TRUE, decimal_e8, whole_number, word, word_of

DEPTH = word_of(b"depth")
FIVE = word_of(b"5")
TEN = word_of(b"10")
TWENTY = word_of(b"20")
DEPTH_UPDATE = word_of(b"depthUpdate")
BOOK_TICKER = word_of(b"bookTicker")
PRINT = word_of(b"trade")
MARK_PRICE_UPDATE = word_of(b"markPriceUpdate")

LAST_UPDATE_ID = word_of(b"lastUpdateId")
BIDS = word_of(b"bids")
ASKS = word_of(b"asks")
SYMBOL = word_of(b"symbol")
PAIR = word_of(b"pair")
PS = word_of(b"ps")
PU = word_of(b"pu")
ST = word_of(b"st")

# slots of the longer keys; a key of one letter has its own code
S_LAST_ID = 128
S_BIDS = 129
S_ASKS = 130
S_SYMBOL = 131
S_PAIR = 132
S_PS = 133
S_PU = 134
S_ST = 135

UPPER_A = 65
UPPER_B = 66
UPPER_E = 69
UPPER_P = 80
UPPER_T = 84
UPPER_U = 85
LOWER_A = 97
LOWER_B = 98
LOWER_E = 101
LOWER_I = 105
LOWER_M = 109
LOWER_P = 112
LOWER_Q = 113
LOWER_R = 114
LOWER_S = 115
LOWER_T = 116
LOWER_U = 117


@kernel
def note_keys(c: Any, buf: Any, tokens: Any, data: int) -> None:
    """Note for each known key of the object which token holds it; -1: the key is absent."""
    for k in range(len(c.slots)):
        c.slots[k] = -1
    i = data + 1
    while i < tokens[data].skip:
        token = tokens[i]
        length = token.key_end - token.key
        if length == 1:
            if buf[token.key] < 128:
                c.slots[buf[token.key]] = i
        else:
            key = word(buf, token.key, token.key_end)
            if key == PS:
                c.slots[S_PS] = i
            elif key == PU:
                c.slots[S_PU] = i
            elif key == ST:
                c.slots[S_ST] = i
            elif key == LAST_UPDATE_ID:
                c.slots[S_LAST_ID] = i
            elif key == BIDS:
                c.slots[S_BIDS] = i
            elif key == ASKS:
                c.slots[S_ASKS] = i
            elif key == SYMBOL:
                c.slots[S_SYMBOL] = i
            elif key == PAIR:
                c.slots[S_PAIR] = i
        i = token.skip


@kernel
def decode(c: Any, buf: Any, tokens: Any, data: int, stream: int, ts: int, rows: Any) -> int:
    """Write the rows of one message; DONE or what is wrong. `stream`: the token of the stream's name, or -1."""
    note_keys(c, buf, tokens, data)
    kind = 0
    if c.slots[LOWER_E] >= 0:
        event = tokens[c.slots[LOWER_E]]
        kind = word(buf, event.start, event.end)
    elif c.slots[S_LAST_ID] >= 0:
        return snapshot(c, buf, tokens, data, stream, ts, rows)
    elif c.slots[LOWER_U] >= 0 and c.slots[UPPER_B] >= 0:
        kind = BOOK_TICKER  # spot does not name it
    if kind == BOOK_TICKER:
        return book_ticker(c, buf, tokens, data, ts, rows)
    if kind == DEPTH_UPDATE:
        return depth_update(c, buf, tokens, data, stream, ts, rows)
    if kind == PRINT:
        return trade(c, buf, tokens, data, ts, rows)
    if kind == MARK_PRICE_UPDATE:
        return mark_price(c, buf, tokens, data, ts, rows)
    c.ignored += 1
    return DONE


@kernel
def note_venue(c: Any, buf: Any, tokens: Any, futures: bool) -> None:
    """Count what this frame says of its venue. Since 2026 USD-M names pairs too, and `st` tells: 1 USD-M, 2 COIN-M."""
    pair = c.slots[S_PS] >= 0 or c.slots[S_PAIR] >= 0
    st = c.slots[S_ST]
    if pair and (st < 0 or buf[tokens[st].start] != 49):
        c.evidence[COIN_M] += 1
    elif pair or futures:
        c.evidence[USD_M] += 1
    else:
        c.evidence[SPOT] += 1


@kernel
def time_of(c: Any, buf: Any, tokens: Any) -> int:
    """When the engine did it (`T`), else when the venue said so (`E`); 0: not said; -1: no time."""
    if c.slots[UPPER_T] >= 0:
        return stamp_ns(buf, tokens[c.slots[UPPER_T]])
    if c.slots[UPPER_E] >= 0:
        return stamp_ns(buf, tokens[c.slots[UPPER_E]])
    return 0


@kernel
def symbol_of(c: Any, buf: Any, tokens: Any) -> int:
    """The number of the symbol that the message names."""
    named = c.slots[LOWER_S] if c.slots[LOWER_S] >= 0 else c.slots[S_SYMBOL]
    if named < 0:
        return BAD
    return symbol_number(c, buf, tokens[named].start, tokens[named].end)


@kernel
def is_partial(buf: Any, tokens: Any, stream: int) -> bool:
    """`@depth5`, `@depth10`, `@depth20` repeat the whole top, they are no updates; `@depth@100ms` is."""
    if stream < 0 or tokens[stream].kind != STRING:
        return False
    end = int(tokens[stream].end)
    for at in range(tokens[stream].start, end - 6):
        if buf[at] == 64:
            levels_end = at + 6
            while levels_end < end and buf[levels_end] != 64:
                levels_end += 1
            shown = word(buf, at + 6, levels_end)
            return word(buf, at + 1, at + 6) == DEPTH and (shown == FIVE or shown == TEN or shown == TWENTY)
    return False


@kernel
def depth_update(c: Any, buf: Any, tokens: Any, data: int, stream: int, ts: int, rows: Any) -> int:
    first_id = c.slots[UPPER_U]
    last_id = c.slots[LOWER_U]
    bids = c.slots[LOWER_B]
    asks = c.slots[LOWER_A]
    if first_id < 0 or last_id < 0 or bids < 0 or asks < 0:
        return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    note_venue(c, buf, tokens, c.slots[S_PU] >= 0)
    link = c.slots[S_PU] if c.slots[S_PU] >= 0 else first_id
    id = whole_number(buf, tokens[last_id].start, tokens[last_id].end)
    id2 = whole_number(buf, tokens[link].start, tokens[link].end)
    if id < 0 or id2 < 0:
        return fail(c, BAD_NUMBER, tokens[link].start, tokens[link].end)
    symbol = symbol_of(c, buf, tokens)
    if symbol < 0:  # said in every update; only a bare snapshot may leave it to the one who asked
        return fail(c, BAD_SYMBOL, tokens[data].start, tokens[data].end)
    if is_partial(buf, tokens, stream):
        return levels(c, buf, tokens, data, SNAPSHOT, symbol, bids, asks, ts, id, 0, rows)
    return levels(c, buf, tokens, data, DELTA, symbol, bids, asks, ts, id, id2, rows)


@kernel
def snapshot(c: Any, buf: Any, tokens: Any, data: int, stream: int, ts: int, rows: Any) -> int:
    last_id = c.slots[S_LAST_ID]
    bids = c.slots[S_BIDS]
    asks = c.slots[S_ASKS]
    if bids < 0 or asks < 0:
        return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    if c.slots[S_PAIR] >= 0 or c.slots[UPPER_T] >= 0:
        note_venue(c, buf, tokens, True)  # without either it may still be of any: only spot's has no time
    symbol = NO_SYMBOL
    if c.slots[S_SYMBOL] >= 0:
        symbol = symbol_of(c, buf, tokens)
        if symbol < 0:
            return fail(c, BAD_SYMBOL, tokens[data].start, tokens[data].end)
    id = whole_number(buf, tokens[last_id].start, tokens[last_id].end)
    if id < 0:
        return fail(c, BAD_NUMBER, tokens[last_id].start, tokens[last_id].end)
    return levels(c, buf, tokens, data, SNAPSHOT, symbol, bids, asks, ts, id, 0, rows)


@kernel
def levels(
    c: Any, buf: Any, tokens: Any, data: int, kind: int, symbol: int, bids: int, asks: int, ts: int, id: int, id2: int,
    rows: Any,
) -> int:  # fmt: skip
    """One row a level, bids first, as sent."""
    ts_venue = time_of(c, buf, tokens)
    if ts_venue < 0:
        return fail(c, BAD_STAMP, tokens[data].start, tokens[data].end)
    first = c.n_rows
    for side in range(2):
        at = bids if side == 0 else asks
        if tokens[at].kind != ARRAY:
            return fail(c, BAD_NUMBER, tokens[at].start, tokens[at].end)
        i = at + 1
        while i < tokens[at].skip:
            if tokens[i].kind != ARRAY or tokens[i].skip < i + 3:
                return fail(c, BAD_NUMBER, tokens[i].start, tokens[i].end)
            price = number_e8(buf, tokens[i + 1])
            lots = number_e8(buf, tokens[i + 2])
            if price <= 0 or lots < 0:
                bad = i + 1 if price <= 0 else i + 2
                return fail(c, BAD_NUMBER, tokens[bad].start, tokens[bad].end)
            put_row(c, rows, kind, symbol, ts, ts_venue, id, id2, side, price, lots)
            i = tokens[i].skip
    return end_depth(c, rows, first, kind, symbol, ts, ts_venue, id, id2)


@kernel
def book_ticker(c: Any, buf: Any, tokens: Any, data: int, ts: int, rows: Any) -> int:
    last_id = c.slots[LOWER_U]
    for key in (LOWER_B, UPPER_B, LOWER_A, UPPER_A, LOWER_U):
        if c.slots[key] < 0:
            return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    note_venue(c, buf, tokens, c.slots[UPPER_T] >= 0)
    symbol = symbol_of(c, buf, tokens)
    if symbol < 0:
        return fail(c, BAD_SYMBOL, tokens[data].start, tokens[data].end)
    ts_venue = time_of(c, buf, tokens)
    if ts_venue < 0:
        return fail(c, BAD_STAMP, tokens[data].start, tokens[data].end)
    id = whole_number(buf, tokens[last_id].start, tokens[last_id].end)
    if id < 0:
        return fail(c, BAD_NUMBER, tokens[last_id].start, tokens[last_id].end)
    for key in (LOWER_B, UPPER_B, LOWER_A, UPPER_A):
        if number_e8(buf, tokens[c.slots[key]]) < 0:
            return fail(c, BAD_NUMBER, tokens[c.slots[key]].start, tokens[c.slots[key]].end)
    bid = number_e8(buf, tokens[c.slots[LOWER_B]])
    bid_lots = number_e8(buf, tokens[c.slots[UPPER_B]])
    row = put_row(c, rows, QUOTE, symbol, ts, ts_venue, id, 0, 0, bid, bid_lots)
    row.price2 = number_e8(buf, tokens[c.slots[LOWER_A]])
    row.lots2 = number_e8(buf, tokens[c.slots[UPPER_A]])
    return DONE


@kernel
def trade(c: Any, buf: Any, tokens: Any, data: int, ts: int, rows: Any) -> int:
    for key in (LOWER_P, LOWER_Q, LOWER_T, LOWER_M, UPPER_T):
        if c.slots[key] < 0:
            return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    symbol = symbol_of(c, buf, tokens)
    if symbol < 0:
        return fail(c, BAD_SYMBOL, tokens[data].start, tokens[data].end)
    ts_venue = time_of(c, buf, tokens)
    if ts_venue < 0:
        return fail(c, BAD_STAMP, tokens[data].start, tokens[data].end)
    number = tokens[c.slots[LOWER_T]]
    id = whole_number(buf, number.start, number.end)
    if id < 0:
        return fail(c, BAD_NUMBER, number.start, number.end)
    price = number_e8(buf, tokens[c.slots[LOWER_P]])
    lots = number_e8(buf, tokens[c.slots[LOWER_Q]])
    if price <= 0 or lots < 0:
        bad = tokens[c.slots[LOWER_P] if price <= 0 else c.slots[LOWER_Q]]
        return fail(c, BAD_NUMBER, bad.start, bad.end)
    maker_buys = tokens[c.slots[LOWER_M]].kind
    if maker_buys != TRUE and maker_buys != FALSE:
        return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    put_row(c, rows, TRADE, symbol, ts, ts_venue, id, 0, 1 if maker_buys == TRUE else 0, price, lots)
    return DONE


@kernel
def mark_price(c: Any, buf: Any, tokens: Any, data: int, ts: int, rows: Any) -> int:
    """Mark `p`, index `i` (COIN-M sends it apart: 0), coming rate `r`, which may be negative, and its stamp `T`."""
    for key in (LOWER_P, LOWER_R, UPPER_T, UPPER_E):
        if c.slots[key] < 0:
            return fail(c, MISSING_FIELD, tokens[data].start, tokens[data].end)
    symbol = symbol_of(c, buf, tokens)
    if symbol < 0:
        return fail(c, BAD_SYMBOL, tokens[data].start, tokens[data].end)
    ts_venue = stamp_ns(buf, tokens[c.slots[UPPER_E]])
    next_funding = whole_number(buf, tokens[c.slots[UPPER_T]].start, tokens[c.slots[UPPER_T]].end)
    if ts_venue < 0 or next_funding < 0 or next_funding >= LATEST_MS:
        return fail(c, BAD_STAMP, tokens[data].start, tokens[data].end)
    mark = number_e8(buf, tokens[c.slots[LOWER_P]])
    index = 0 if c.slots[LOWER_I] < 0 else number_e8(buf, tokens[c.slots[LOWER_I]])
    rate = tokens[c.slots[LOWER_R]]
    negative = rate.end > rate.start and buf[rate.start] == 45
    rate_e8 = 0  # a contract without funding says ""
    if rate.end > rate.start:
        rate_e8 = decimal_e8(buf, rate.start + (1 if negative else 0), rate.end)
    if mark <= 0 or index < 0 or rate_e8 < 0:
        bad = tokens[c.slots[LOWER_P]]
        return fail(c, BAD_NUMBER, bad.start, bad.end)
    row = put_row(c, rows, MARK_PRICE, symbol, ts, ts_venue, next_funding * 1_000_000, 0, 0, mark, 0)
    row.price2 = index
    row.lots = -rate_e8 if negative else rate_e8
    return DONE
