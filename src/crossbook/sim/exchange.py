"""How a simulated venue's time passes, as kernels: its market moves on, funding is paid, margin is looked at.

Assumptions beside those of `orders` and `accounts`: what is not on the tape did not happen; margin is checked once a
second of venue time, on the market as it stands then; a liquidation takes displayed lots at displayed prices, at the
taker's fee, as far as there are any, and goes on at the next check.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.events import EventKind
from crossbook.rules.book import apply_market, is_tradeable
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK_EMPTY, DEPTH, MAX_STRATEGIES, MAX_VENUES
from crossbook.rules.matching import (
    closable_lots,
    level_price,
    mirror_quote,
    take_level,
)
from crossbook.sim.accounts import (
    book_fill,
    equity_e8,
    maintenance_e8,
    pay_funding,
)
from crossbook.sim.layout import MAX_REPLIES, MAX_RESTING
from crossbook.sim.orders import end_order, serve_book, serve_trade
from crossbook.types import InstrumentKind

TRADE = int(EventKind.TRADE)
FUNDING = int(EventKind.FUNDING)
INSTRUMENT_CHANGED = int(EventKind.INSTRUMENT_CHANGED)
ORDER_EXPIRED = int(EventKind.ORDER_EXPIRED)
FORCED_CLOSE = int(EventKind.FORCED_CLOSE)
SPOT = int(InstrumentKind.SPOT)

MARGIN_CHECK_NS = 1_000_000_000
FOREVER = 1 << 62
ROOM = DEPTH + MAX_STRATEGIES + 4 * MAX_RESTING
"""Replies that the closing of one position can make at most, and more than an ordinary frame ever does."""


@kernel
def _fold(s: Any, rows: Any) -> None:
    """One frame of the tape happens at its venue."""
    first = rows[0]
    i: Any = np.int64(first.instrument)
    if i < 0 or i >= s.n_instruments:
        return
    now = first.ts_venue
    if first.kind == TRADE:
        if s.n_resting > 0:
            for k in range(len(rows)):
                serve_trade(s, rows[k], now)
    elif first.kind == FUNDING:
        pay_funding(s, i, first.lots, first.price, now)
    elif first.kind == INSTRUMENT_CHANGED:
        s.instruments[i].tradeable = first.lots
    elif apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, rows):
        book = s.books[i]
        quote = s.quotes[i]
        if book.status == BOOK_EMPTY:
            mirror_quote(book, quote)
        if quote.bid_lots > 0 and quote.ask_lots > 0 and quote.bid < quote.ask:
            s.mids[i] = quote.bid + quote.ask
        if s.n_resting > 0:
            serve_book(s, i, now)


@kernel
def _close_position(s: Any, i: int, now: int) -> None:
    """The venue closes our net position into the book, taking from the strategies that hold its sign, in order."""
    net = s.net[i]
    side = 1 if net > 0 else 0
    left = abs(net)
    book = s.books[i]
    at = book.n[1 - side] - 1
    strategy = 0
    while at >= 0 and left > 0:
        taken = take_level(book, 1 - side, at, left)
        left -= taken
        while taken > 0 and strategy < MAX_STRATEGIES:
            held = closable_lots(side, s.positions[strategy, i])
            lots = min(taken, held)
            if lots > 0:
                book_fill(s, FORCED_CLOSE, i, strategy, 0, side, level_price(book, 1 - side, at), lots, False, now)
                taken -= lots
            if lots == held:
                strategy += 1
        if taken > 0:
            book_fill(s, FORCED_CLOSE, i, -1, 0, side, level_price(book, 1 - side, at), taken, False, now)
        at -= 1


@kernel
def _check_margin(s: Any, venue: int, now: int) -> None:
    """Where equity is below maintenance: our resting orders end, then positions close until it is not."""
    if s.venues[venue].margin == 0:
        return
    for i in range(s.n_instruments):
        instrument = s.instruments[i]
        if instrument.venue != venue or s.net[i] == 0 or instrument.kind == SPOT:
            continue
        asset = instrument.settle
        if equity_e8(s, venue, asset) >= maintenance_e8(s, venue, asset):
            continue
        k = 0
        while k < s.n_resting:
            if s.resting[k].venue == venue:
                end_order(s, k, ORDER_EXPIRED, now)
            else:
                k += 1
        if is_tradeable(s.books[i], s.quotes[i]) and s.n_replies < MAX_REPLIES - ROOM:
            _close_position(s, i, now)


@kernel
def advance_market(state: Any, rows: Any, starts: Any, venue: int, until: int) -> bool:
    """Let everything happen at one venue up to and including `until`; False if the replies must be read first.

    `rows[starts[k]:starts[k + 1]]` is frame k of the tape; a venue's frames are in order of `ts_venue`, and those of
    other venues are skipped. What stands at a margin check is the market of all frames not later than it.
    """
    s = state[0]
    k = s.cursor[venue]
    end = len(starts) - 1
    while k < end:
        first = rows[starts[k]]
        if first.venue == venue:
            if first.ts_venue > until:
                break
            if s.n_replies > MAX_REPLIES - 2 * ROOM:
                s.cursor[venue] = k
                return False
            if first.ts_venue > s.next_check[venue]:
                _check_margin(s, venue, s.next_check[venue])
                s.next_check[venue] = -(-first.ts_venue // MARGIN_CHECK_NS) * MARGIN_CHECK_NS
            _fold(s, rows[starts[k] : starts[k + 1]])
        k += 1
    s.cursor[venue] = k
    if until >= s.next_check[venue]:
        _check_margin(s, venue, s.next_check[venue])
        s.next_check[venue] = (until // MARGIN_CHECK_NS + 1) * MARGIN_CHECK_NS
    return True


@kernel
def next_watch(state: Any, rows: Any, starts: Any, watch: Any) -> None:
    """Write into `watch`, by venue, the next time the market itself could concern us there; FOREVER if never.

    With resting orders: the next frame of one of their instruments. With an open margin position: the next check.
    """
    s = state[0]
    for venue in range(MAX_VENUES):
        due = FOREVER
        if s.venues[venue].margin == 1:
            for i in range(s.n_instruments):
                if s.instruments[i].venue == venue and s.net[i] != 0:
                    due = min(due, s.next_check[venue])
        watched = 0
        for k in range(s.n_resting):
            if s.resting[k].venue == venue:
                watched |= 1 << s.resting[k].instrument
        if watched != 0:
            k = s.cursor[venue]
            while k < len(starts) - 1:
                first = rows[starts[k]]
                if first.venue == venue and first.instrument >= 0 and (watched >> first.instrument) & 1:
                    due = min(due, first.ts_venue)
                    break
                k += 1
        watch[venue] = due
