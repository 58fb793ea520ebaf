"""A market from a seed: venues' quotes, books, prints and funding as event rows, in the order we would receive them.

There to exercise the desk with input whose mechanics are known. Its dislocations are parameters, not findings: what a
strategy earns here is no evidence of what it would earn anywhere (docs/market-generator.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from crossbook.errors import Refused
from crossbook.market.instruments import load_instruments
from crossbook.rules.layout import Rows, new_events
from crossbook.sim.market_motion import ROOM, advance
from crossbook.sim.market_world import new_world
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, Venue

START_NS = 1_772_466_900_000_000_000
"""2026-03-02T15:55:00Z: ten minutes from here see an hourly and an eight-hourly funding stamp."""

SYMBOLS = {
    Venue.BINANCE_SPOT: ("BTCUSDT", "ETHUSDT"),
    Venue.BINANCE_USDM: ("BTCUSDT", "ETHUSDT"),
    Venue.HYPERLIQUID: ("BTC", "ETH"),
}
DOLLAR = (Venue.BINANCE_SPOT, "USDCUSDT")
"""Generated whenever a venue of the market counts in USDC."""
CHUNK_ROWS = 1 << 17
MINUTE_MS = 60_000


def generate_market(
    seed: int, minutes: Decimal | int, venues: Sequence[Venue], start_ns: int = START_NS
) -> tuple[tuple[Instrument, ...], Rows]:
    """The instruments of `venues` and `minutes` of their market from `start_ns`, as `EVENT` rows.

    Rows stand in receive order, frame by frame; `instrument` counts in the tuple returned. A longer market of the
    same arguments begins with the shorter one. Raises `Refused` as `market_chunks` does.
    """
    instruments = market_instruments(venues)
    return instruments, np.concatenate(list(market_chunks(seed, minutes, venues, start_ns)))


def market_instruments(venues: Sequence[Venue]) -> tuple[Instrument, ...]:
    """What is traded on `venues`, in their order, and USDCUSDT last if it is needed.

    Raises `Refused` for no venue, a venue named twice, or one that is not generated.
    """
    if not venues or len(set(venues)) < len(venues):
        named = ", ".join(venue.label for venue in venues) or "none"
        raise Refused(f"venues {named}: name one at least of {_labels()}, and none twice")
    for venue in venues:
        if venue not in SYMBOLS:
            raise Refused(f"venue {venue.label} has no generated market: choose among {_labels()}")
    names = [(venue, symbol) for venue in venues for symbol in SYMBOLS[venue]]
    if Venue.HYPERLIQUID in venues:
        names.append(DOLLAR)
    return tuple(load_instruments(venue)[symbol] for venue, symbol in names)


def market_chunks(
    seed: int,
    minutes: Decimal | int,
    venues: Sequence[Venue],
    start_ns: int = START_NS,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[Rows]:
    """The rows of `generate_market`, some `chunk_rows` at a time; their concatenation is the market.

    Raises `Refused` for a negative seed, no time, or a start that is no whole millisecond.
    """
    if seed < 0:
        raise Refused(f"seed {seed} is negative: choose 0 or above")
    if start_ns % NS_PER_MS or start_ns < 0:
        raise Refused(f"start {start_ns} ns is no whole millisecond since 1970: venues stamp in milliseconds")
    end_ms = int(Decimal(minutes) * MINUTE_MS)
    if end_ms <= 0:
        raise Refused(f"{minutes} minutes of market are none: ask for at least 0.001")
    worlds = new_world(seed, start_ns // NS_PER_MS, market_instruments(venues))
    out = new_events(chunk_rows + ROOM)
    waiting = new_events(0)
    while worlds[0].ms < end_ms:
        written = advance(worlds, out, 0, end_ms)
        rows = np.concatenate([waiting, out[:written]])
        rows = rows[np.argsort(rows["ts"], kind="stable")]
        # What happens later is received later still, so rows up to now are in their final places.
        final = np.searchsorted(rows["ts"], start_ns + int(worlds[0].ms) * NS_PER_MS)
        waiting = rows[final:]
        yield rows[:final]


def _labels() -> str:
    return ", ".join(venue.label for venue in SYMBOLS)
