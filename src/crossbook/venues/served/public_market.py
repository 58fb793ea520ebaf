"""What everybody sees of the market: books, quotes, prints, marks, told to listeners as they happen.

Accounts have books of their own, which their orders consume; these here are the displayed ones. A depth book is folded
from depth alone, as a client folds it, so that a snapshot and the changes after it always fit together; where the
market brings a Binance snapshot in mid-stream (a tape's seam, a recorder's resync) it is told as the change it makes.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from crossbook.events import EventKind
from crossbook.rules.book import apply_depth, apply_quote
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK, BOOK_SYNCED, I8, MAX_INSTRUMENTS, QUOTE, Rows, record
from crossbook.types import Chain, Instrument, InstrumentKind, Side, Venue
from crossbook.venues.served.candles import Minutes
from crossbook.venues.served.facts import (
    Depth,
    FundingStamped,
    Level,
    Marked,
    MarketEvent,
    Printed,
    Quoted,
    TradingChanged,
)
from crossbook.venues.served.source import FUNDING_EVERY_NS, FUNDING_RATE_E8, Piece

KIND_QUOTE = int(EventKind.QUOTE)
SNAPSHOT = int(EventKind.BOOK_SNAPSHOT)
DELTA = int(EventKind.BOOK_DELTA)
TRADE = int(EventKind.TRADE)
MARK_PRICE = int(EventKind.MARK_PRICE)
FUNDING = int(EventKind.FUNDING)
INSTRUMENT_CHANGED = int(EventKind.INSTRUMENT_CHANGED)
TRADES_KEPT = 1_000
FUNDINGS_KEPT = 1_000
NOT_SHOWN = -1

SHOWN = record(
    ("chains", I8, (MAX_INSTRUMENTS,)),
    ("books", BOOK, (MAX_INSTRUMENTS,)),
    ("tops", QUOTE, (MAX_INSTRUMENTS,)),
    ("quotes", QUOTE, (MAX_INSTRUMENTS,)),
    ("quoted", I8, (MAX_INSTRUMENTS,)),
    ("none", BOOK),
)
"""`tops`: the best of each depth book; `quotes`: what quotes said, or (`quoted` 0: never a quote) the best of the
depth; `none`: the book that a quote alone has."""


@kernel
def show(shown: Any, rows: Any, starts: Any, first: int, end: int, before: Any, best: Any) -> None:
    """Fold frames `first` to `end` into the displayed books. `before[k]`: the book's id before depth frame k, 0 for a
    quote that was taken, NOT_SHOWN for what a client must not see (older than what he has, or out of step).
    `best[k]`: bid, lots, ask, lots and id where the depth is the quote too; else 0."""
    s = shown[0]
    for k in range(first, end):
        head = rows[starts[k]]
        i: Any = np.int64(head.instrument)
        before[k] = NOT_SHOWN
        if head.kind == KIND_QUOTE:
            if apply_quote(s.none, s.quotes[i], head):
                s.quoted[i] = 1
                before[k] = 0
        elif head.kind == SNAPSHOT or head.kind == DELTA:
            book = s.books[i]
            old = book.id
            top = s.tops[i]
            top.id = 0  # no quote rules these books
            if apply_depth(book, top, s.chains[i], rows[starts[k] : starts[k + 1]]):
                before[k] = old
                if s.quoted[i] == 0:
                    quote = s.quotes[i]
                    quote.bid = top.bid
                    quote.bid_lots = top.bid_lots
                    quote.ask = top.ask
                    quote.ask_lots = top.ask_lots
                    quote.id = top.id
                    best[k, 0] = top.bid
                    best[k, 1] = top.bid_lots
                    best[k, 2] = top.ask
                    best[k, 3] = top.ask_lots
                    best[k, 4] = top.id


class PublicMarket:
    """The displayed market of all instruments. `on_event` gets what happens, of the venues in `heard`."""

    def __init__(self, instruments: tuple[Instrument, ...], on_event: Any) -> None:
        self.heard: set[Venue] = set()
        self._instruments = instruments
        self._on_event = on_event
        self._shown = np.zeros(1, SHOWN)
        for i, instrument in enumerate(instruments):
            self._shown[0].chains[i] = int(instrument.chain)
        self._derived = [(0, 0, 0, 0)] * len(instruments)
        self.open = [True] * len(instruments)
        self.trades: list[deque[Printed]] = [deque(maxlen=TRADES_KEPT) for _ in instruments]
        self.minutes = [Minutes() for _ in instruments]
        self.fundings: list[deque[tuple[int, int, int]]] = [deque(maxlen=FUNDINGS_KEPT) for _ in instruments]
        self._told_mark: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(instruments)
        self._spot_of = _spots(instruments)

    def load(self, piece: Piece) -> None:
        """The next piece of the market begins."""
        heads = piece.rows[piece.starts[:-1]]
        self._piece = piece
        self.times: list[int] = heads["ts"].tolist()
        self._kinds: list[int] = heads["kind"].tolist()
        self._owners: list[int] = heads["instrument"].tolist()
        self._edges: list[int] = piece.starts.tolist()
        self._before = np.full(len(self.times), NOT_SHOWN, np.int64)
        self._best = np.zeros((len(self.times), 5), np.int64)
        self._at = 0

    def play(self, end: int) -> None:
        """Let the frames up to `end` be seen."""
        while self._at < end:
            start = self._at
            stop = next((k for k in range(start, end) if self._is_restated(k)), end)
            if stop > start:
                show(self._shown, self._piece.rows, self._piece.starts, start, stop, self._before, self._best)
                self._tell(start, stop)
            if stop < end:
                self._restate(stop)
                stop += 1
            self._at = stop

    def _is_restated(self, k: int) -> bool:
        return self._kinds[k] == SNAPSHOT and self._instruments[self._owners[k]].chain is not Chain.SNAPSHOT

    def _tell(self, start: int, stop: int) -> None:
        before = self._before[start:stop].tolist()
        rows, edges = self._piece.rows, self._edges
        for k in range(start, stop):
            i, kind, was = self._owners[k], self._kinds[k], before[k - start]
            instrument = self._instruments[i]
            if kind in (KIND_QUOTE, DELTA, SNAPSHOT):
                if was != NOT_SHOWN and instrument.venue in self.heard:
                    if kind == KIND_QUOTE:
                        _, _, bid, bid_lots, ask, ask_lots, id, *_ = rows[edges[k]].item()
                        self._on_event(self._quoted(i, self.times[k], bid, bid_lots, ask, ask_lots, id))
                    else:
                        self._on_event(self._depth(i, rows[edges[k] : edges[k + 1]], self.times[k], was))
                        self._derive(i, k)
            elif kind == TRADE:
                self._print(i, rows[edges[k] : edges[k + 1]], self.times[k])
            else:
                self._other(i, kind, rows[edges[k]], self.times[k])

    def _quoted(self, i: int, time_ns: int, bid: int, bid_lots: int, ask: int, ask_lots: int, id: int) -> Quoted:
        instrument = self._instruments[i]
        tick, lot = instrument.tick_e8, instrument.lot_e8
        return Quoted(
            venue=instrument.venue,
            instrument=i,
            symbol=instrument.symbol,
            time_ns=time_ns,
            bid_e8=bid * tick,
            bid_quantity_e8=bid_lots * lot,
            ask_e8=ask * tick,
            ask_quantity_e8=ask_lots * lot,
            update_id=id,
        )

    def _depth(self, i: int, rows: Rows, time_ns: int, was: int) -> Depth:
        instrument = self._instruments[i]
        tick, lot = instrument.tick_e8, instrument.lot_e8
        sides: tuple[list[Level], list[Level]] = ([], [])
        for side, price, lots in zip(rows["side"].tolist(), rows["price"].tolist(), rows["lots"].tolist(), strict=True):
            if price > 0:
                sides[side].append((price * tick, lots * lot))
        snapshot = instrument.chain is Chain.SNAPSHOT
        return Depth(
            venue=instrument.venue,
            instrument=i,
            symbol=instrument.symbol,
            time_ns=time_ns,
            bids=sides[0],
            asks=sides[1],
            first_id=0 if snapshot else was + 1,
            last_id=int(rows["id"][0]),
            previous_id=0 if snapshot else was,
            snapshot=snapshot,
        )

    def _derive(self, i: int, k: int) -> None:
        """Where the market has depth alone, the best of it is the quote."""
        bid, bid_lots, ask, ask_lots, id = self._best[k].tolist()
        if id > 0 and (bid, bid_lots, ask, ask_lots) != self._derived[i]:
            self._derived[i] = (bid, bid_lots, ask, ask_lots)
            self._on_event(self._quoted(i, self.times[k], bid, bid_lots, ask, ask_lots, id))

    def _restate(self, k: int) -> None:
        """A Binance snapshot: tell what it changes."""
        i = self._owners[k]
        first = self.book(i, 0, self.times[k])
        show(self._shown, self._piece.rows, self._piece.starts, k, k + 1, self._before, self._best)
        second = self.book(i, 0, self.times[k])
        instrument = self._instruments[i]
        if instrument.venue not in self.heard:
            return
        if first.last_id > 0:
            second = Depth(
                venue=instrument.venue,
                instrument=i,
                symbol=instrument.symbol,
                time_ns=self.times[k],
                bids=_changes(first.bids, second.bids),
                asks=_changes(first.asks, second.asks),
                first_id=first.last_id + 1,
                last_id=second.last_id,
                previous_id=first.last_id,
                snapshot=False,
            )
        self._on_event(second)
        self._derive(i, k)

    def _print(self, i: int, rows: Rows, time_ns: int) -> None:
        instrument = self._instruments[i]
        for price, lots, side, id in zip(
            rows["price"].tolist(), rows["lots"].tolist(), rows["side"].tolist(), rows["id"].tolist(), strict=True
        ):
            one = Printed(
                venue=instrument.venue,
                instrument=i,
                symbol=instrument.symbol,
                time_ns=time_ns,
                price_e8=price * instrument.tick_e8,
                quantity_e8=lots * instrument.lot_e8,
                side=Side(side),
                trade_id=id,
            )
            self.trades[i].append(one)
            self.minutes[i].add(time_ns, one.price_e8, one.quantity_e8, side == 0, id)
            if instrument.venue in self.heard:
                self._on_event(one)

    def _other(self, i: int, kind: int, row: Any, time_ns: int) -> None:
        instrument = self._instruments[i]
        venue, symbol = instrument.venue, instrument.symbol
        event: MarketEvent | None = None
        if kind == MARK_PRICE:
            self._told_mark[i] = (int(row.price), int(row.price2), int(row.lots), int(row.id))
        elif kind == FUNDING:
            rate, mark = int(row.lots), int(row.price) or self.mark(i, time_ns).mark_e8
            self.fundings[i].append((time_ns, rate, mark))
            event = FundingStamped(
                venue=venue, instrument=i, symbol=symbol, time_ns=time_ns, rate_e8=rate, mark_e8=mark
            )
        elif kind == INSTRUMENT_CHANGED:
            self.open[i] = bool(row.lots)
            event = TradingChanged(venue=venue, instrument=i, symbol=symbol, time_ns=time_ns, is_open=self.open[i])
        if event is not None and venue in self.heard:
            self._on_event(event)

    def tell_marks(self, now_ns: int) -> None:
        """Tell the marks of all margin instruments."""
        for i, instrument in enumerate(self._instruments):
            if instrument.kind is not InstrumentKind.SPOT and instrument.venue in self.heard:
                mark = self.mark(i, now_ns)
                if mark.mark_e8 > 0:
                    self._on_event(mark)

    def quote(self, i: int, now_ns: int) -> Quoted:
        """The best bid and ask."""
        bid, bid_lots, ask, ask_lots, id, *_ = self._shown[0].quotes[i].item()
        return self._quoted(i, now_ns, bid, bid_lots, ask, ask_lots, id)

    def book(self, i: int, depth: int, now_ns: int) -> Depth:
        """The displayed book, best first; without depth, the quote."""
        book = self._shown[0].books[i]
        instrument = self._instruments[i]
        if book.status != BOOK_SYNCED and book.id == 0:
            quote = self.quote(i, now_ns)
            sides = [
                [(quote.bid_e8, quote.bid_quantity_e8)] if quote.bid_quantity_e8 else [],
                [(quote.ask_e8, quote.ask_quantity_e8)] if quote.ask_quantity_e8 else [],
            ]
            last_id = quote.update_id
        else:
            sides = []
            for side in range(2):
                n = int(book.n[side])
                low = max(n - depth, 0) if depth > 0 else 0
                keys, lots = book.key[side, low:n][::-1].tolist(), book.lots[side, low:n][::-1].tolist()
                sign = instrument.tick_e8 if side == 0 else -instrument.tick_e8
                sides.append([(k * sign, q * instrument.lot_e8) for k, q in zip(keys, lots, strict=True)])
            last_id = int(book.id)
        return Depth(
            venue=instrument.venue,
            instrument=i,
            symbol=instrument.symbol,
            time_ns=now_ns,
            bids=sides[0],
            asks=sides[1],
            first_id=0,
            last_id=last_id,
            previous_id=0,
            snapshot=True,
        )

    def mark(self, i: int, now_ns: int) -> Marked:
        """The market's own mark, or the mid, rounded down; the index is the spot's mid where there is one."""
        instrument = self._instruments[i]
        mark, index, rate, coming = self._told_mark[i]
        if mark <= 0:
            mark = self._mid(i)
        if index <= 0:
            index = self._mid(self._spot_of[i]) or mark
        every = FUNDING_EVERY_NS.get(instrument.venue, 0) if instrument.kind is not InstrumentKind.SPOT else 0
        if every:
            coming = coming if coming > now_ns else (now_ns // every + 1) * every
            if rate == 0:
                rate = self.fundings[i][-1][1] if self.fundings[i] else FUNDING_RATE_E8[instrument.venue]
        return Marked(
            venue=instrument.venue,
            instrument=i,
            symbol=instrument.symbol,
            time_ns=now_ns,
            mark_e8=mark,
            index_e8=index,
            rate_e8=rate,
            next_funding_ns=coming if every else 0,
        )

    def _mid(self, i: int) -> int:
        quote = self._shown[0].quotes[i]
        if quote.bid_lots == 0 or quote.ask_lots == 0:
            return 0
        return int(quote.bid + quote.ask) * self._instruments[i].tick_e8 // 2


def _spots(instruments: tuple[Instrument, ...]) -> list[int]:
    """By instrument, the spot market of its coin, or itself."""
    spots = {one.base: i for i, one in enumerate(instruments) if one.kind is InstrumentKind.SPOT}
    return [spots.get(one.base, i) for i, one in enumerate(instruments)]


def _changes(old: list[Level], new: list[Level]) -> list[Level]:
    """What turns one side of a book into another: new or changed levels, and gone ones with 0."""
    before, after = dict(old), dict(new)
    return [level for level in new if before.get(level[0]) != level[1]] + [
        (price, 0) for price in before if price not in after
    ]
