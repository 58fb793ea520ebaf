"""The world behind the served venues: market events a second, by accounts and by whether anybody listens.

Each block plays the same two minutes of a seeded market in ticks of 5 ms; accounts have two resting orders each. The
making of the market is timed apart.
"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from tables import Row, present

from crossbook.sim.market import START_NS, generate_market
from crossbook.tape.frames_of import starts_of
from crossbook.types import Side, Venue
from crossbook.venues.served.accounts import make_accounts
from crossbook.venues.served.facts import MarketEvent, OrderRequest
from crossbook.venues.served.source import SeedSource, TapeSource
from crossbook.venues.served.world import World

E8 = 10**8
VENUES = (Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID)
SECONDS = 120
TICK_NS = 5_000_000
BLOCKS = 5


class Clock:
    """Set by hand."""

    time_ns = START_NS

    def now_ns(self) -> int:
        return self.time_ns


class Ear:
    """Hears, and forgets."""

    heard = 0

    def on_market(self, event: MarketEvent) -> None:
        self.heard += 1


def play(market: tuple[Any, Any, Any], accounts: int, listening: bool) -> tuple[float, int, int]:
    """Seconds, market events and told events of one block."""
    clock, ear = Clock(), Ear()
    world = World(clock, TapeSource(*market, START_NS), tuple(make_accounts(1, accounts)))
    if listening:
        for venue in VENUES:
            world.subscribe(venue, ear)
    clock.time_ns += TICK_NS * 100
    world.tick(clock.time_ns)
    for trader in world.traders.values():
        for side in Side:
            quote = world.quote(Venue.BINANCE_USDM, "BTCUSDT")
            price = (quote.bid_e8 if side is Side.BUY else quote.ask_e8) * (97 if side is Side.BUY else 103) // 100
            trader.submit(
                OrderRequest(
                    venue=Venue.BINANCE_USDM,
                    symbol="BTCUSDT",
                    side=side,
                    quantity_e8=10**7,
                    price_e8=price // 10**8 * 10**8,
                )
            )
    began, frames = time.perf_counter(), world.frames
    while clock.time_ns < START_NS + SECONDS * 10**9:
        clock.time_ns += TICK_NS
        world.tick(clock.time_ns)
    return time.perf_counter() - began, world.frames - frames, ear.heard


def measure() -> list[Row]:
    """The median block of each case, and the making of the market."""
    instruments, rows = generate_market(1, Decimal(SECONDS + 1) / 60, VENUES)
    market = (instruments, rows, starts_of(rows))
    table = []
    for accounts in (1, 4):
        for listening in (False, True):
            play(market, accounts, listening)
            blocks = sorted(
                (play(market, accounts, listening) for _ in range(BLOCKS)), key=lambda block: block[0] / block[1]
            )
            seconds, frames, told = blocks[BLOCKS // 2]
            case = f"{accounts} account{'s' if accounts > 1 else ''}, {'all heard' if listening else 'nobody listens'}"
            table.append({"case": case, "n": frames, "told": told, "events_per_s": round(frames / seconds)})
    source, clock = SeedSource(1, START_NS), time.perf_counter
    began, made, end = clock(), 0, 0
    while end < START_NS + 300 * 10**9:
        piece = source.piece()
        made, end = made + len(piece.starts) - 1, piece.end_ns
    table.append({"case": "making the market", "n": made, "told": 0, "events_per_s": round(made / (clock() - began))})
    return table


if __name__ == "__main__":
    present(__file__, __doc__, measure, figure="events_per_s")
