"""Where the world's market comes from: a tape played again and again, or the generator; piece by piece, in bounded
memory, stamped with the world's time.

A frame happens when we would have received it, counted from the source's start: the feed's latency is in the tape's
pace, not on the wire a second time. `ts` and `ts_venue` are both that moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from crossbook.errors import Refused
from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.layout import EVENT, Rows, new_events
from crossbook.sim.market import market_chunks, market_instruments
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Chain, Instrument, InstrumentKind, Venue

PIECE_FRAMES = 4_096
PIECE_ROWS = 4_096
SEAM_NS = NS_PER_S
"""How long the market is silent where a tape begins anew."""
FUNDING_EVERY_NS = {Venue.BINANCE_USDM: 28_800 * NS_PER_S, Venue.HYPERLIQUID: 3_600 * NS_PER_S}
FUNDING_RATE_E8 = {Venue.BINANCE_USDM: 10_000, Venue.HYPERLIQUID: 1_250}
"""When a venue pays, and the rate where the market says none: both venues' base rate."""
SCATTERED = 1 << 42
"""Ids that reach further than this are drawn, not counted."""
YEARS_MINUTES = 60 * 24 * 366 * 50
_IDS = (EventKind.QUOTE, EventKind.BOOK_SNAPSHOT, EventKind.BOOK_DELTA)


class Piece(NamedTuple):
    """Frame k is `rows[starts[k]:starts[k + 1]]`, in order of time, none later than `end_ns`; the next piece has none
    that is earlier."""

    rows: Rows
    starts: Rows
    end_ns: int


class MarketSource(Protocol):
    """A market that goes on for ever. `instruments[i]` is what a row's `instrument` i means."""

    instruments: tuple[Instrument, ...]
    start_ns: int

    def piece(self) -> Piece:
        """What happens next."""


class SeedSource:
    """The generated market of a seed (docs/market-generator.md), from `start_ns` on.

    `speed`: market seconds a second. Raises `Refused` as `market_chunks` does.
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        venues: Sequence[Venue] = (Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID),
        speed: int = 1,
    ) -> None:
        start_ns -= start_ns % NS_PER_MS
        self.start_ns = start_ns
        self.instruments = market_instruments(venues)
        self._speed = _positive(speed)
        self._chunks = market_chunks(seed, YEARS_MINUTES, venues, start_ns, PIECE_ROWS)

    def piece(self) -> Piece:
        while not len(rows := next(self._chunks)):
            pass
        rows["ts"] = self.start_ns + (rows["ts"] - self.start_ns) // self._speed
        return _piece(rows, self.instruments, int(rows["ts"][-1]))


class TapeSource:
    """A tape's rows (`starts` its frames) from `start_ns` on, over and over.

    At the seam the market is silent for a second, and Binance's update ids go on behind the last ones. Instruments
    that pay funding and have none on the tape pay the base rate at their venue's hours. Raises `Refused` for no frames.
    """

    def __init__(
        self, instruments: Sequence[Instrument], rows: Rows, starts: Rows, start_ns: int, speed: int = 1
    ) -> None:
        if len(starts) < 2:
            raise Refused("the tape has no frames: choose another one")
        self.instruments = tuple(instruments)
        self.start_ns = start_ns
        self._rows, self._starts = rows, starts
        self._speed = _positive(speed)
        self._pieces = self._play()
        fundings = rows["instrument"][rows["kind"] == EventKind.FUNDING]
        self._unfunded = [
            i
            for i, instrument in enumerate(self.instruments)
            if instrument.venue in FUNDING_EVERY_NS and instrument.kind is not InstrumentKind.SPOT and i not in fundings
        ]

    def piece(self) -> Piece:
        return next(self._pieces)

    def _play(self) -> Iterator[Piece]:
        first, last = int(self._rows["ts"][0]), int(self._rows["ts"][-1])
        spans = _id_spans(self._rows, len(self.instruments))
        begin, shift = self.start_ns, np.zeros_like(spans)
        before = self.start_ns - 1
        while True:
            for at in range(0, len(self._starts) - 1, PIECE_FRAMES):
                edges = self._starts[at : at + PIECE_FRAMES + 1]
                rows = np.array(self._rows[edges[0] : edges[-1]], EVENT)
                rows["ts"] = begin + (rows["ts"] - first) // self._speed
                marks = rows["kind"] == EventKind.MARK_PRICE
                rows["id"][marks] = 0  # the tape's next funding lies at a moment of its own time
                rows = rows[rows["kind"] != EventKind.BAR]
                moved = shift[rows["instrument"]]
                books = np.isin(rows["kind"], _IDS)
                rows["id"][books] += moved[books, 0]
                rows["id2"][books] += moved[books, 0]
                trades = rows["kind"] == EventKind.TRADE
                rows["id"][trades] += moved[trades, 1]
                end = int(rows["ts"][-1]) if len(rows) else before
                yield _piece(self._with_fundings(rows, before, end), self.instruments, end)
                before = end
            begin += (last - first) // self._speed + SEAM_NS
            shift = shift + spans

    def _with_fundings(self, rows: Rows, after: int, until: int) -> Rows:
        """Put the stamps that the tape lacks among its rows."""
        paid = []
        for i in self._unfunded:
            venue = self.instruments[i].venue
            every = FUNDING_EVERY_NS[venue]
            for stamp in range((after // every + 1) * every, until + 1, every):
                row = new_events(1)
                row["ts"], row["kind"], row["instrument"], row["venue"] = stamp, EventKind.FUNDING, i, venue
                row["lots"], row["flags"] = FUNDING_RATE_E8[venue], FLAG_LAST
                paid.append(row)
        for row in paid:
            at = int(np.searchsorted(rows["ts"], row["ts"][0]))
            rows = np.concatenate([rows[:at], row, rows[at:]])
        return rows


def _piece(rows: Rows, instruments: Sequence[Instrument], end_ns: int) -> Piece:
    """Let venue time be our time, and Hyperliquid's books be numbered by it; frozen as kernels want it."""
    rows["ts_venue"] = rows["ts"]
    timed = [i for i, instrument in enumerate(instruments) if instrument.chain is Chain.SNAPSHOT]
    books = np.isin(rows["instrument"], timed) & np.isin(rows["kind"], _IDS)
    rows["id"][books] = rows["ts"][books] // NS_PER_MS
    edges = np.flatnonzero(rows["flags"] & FLAG_LAST) + 1
    starts = np.concatenate([np.zeros(1, np.int64), edges]).astype(np.int64)
    return Piece(_frozen(rows, EVENT), _frozen(starts, np.dtype(np.int64)), end_ns)


def _frozen(array: Rows, dtype: np.dtype[Any]) -> Rows:
    view = np.ascontiguousarray(array, dtype).view(dtype)
    view.flags.writeable = False
    return view


def _id_spans(rows: Rows, instruments: int) -> Any:
    """By instrument, how far its update ids and its trade ids reach, and some more, so that a tape played anew goes on
    behind itself. Hyperliquid's trade ids are large and in no order: there the next ones do."""
    spans = np.zeros((instruments, 2), np.int64)
    for column, kinds in enumerate((_IDS, (EventKind.TRADE,))):
        found = np.flatnonzero(np.isin(rows["kind"], kinds))
        owner, ids = rows["instrument"][found], rows["id"][found]
        for i in range(instruments):
            mine = ids[owner == i]
            span = int(mine.max()) - int(mine.min()) + 1_000 if len(mine) else 0
            spans[i, column] = span if span < SCATTERED else 1
    return spans


def _positive(speed: int) -> int:
    if speed < 1:
        raise Refused(f"speed {speed} is below 1: choose 1 or more market seconds a second")
    return speed
