"""The world behind the served venues: one market, several accounts, the simulated venues' own kernels.

Nothing here is asynchronous, reads a clock by itself or draws: the rim hands in a clock and drives it,

    world = World(clock, source, accounts)
    while ...: world.tick(clock.now_ns()); sleep until world.next_due()

and every question or order first lets the world catch up with the clock. Accounts do not trade with each other: the
market shown is the source's, each account's orders meet it as if they were alone, and take displayed lots once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Protocol

from crossbook.errors import Refused
from crossbook.rules.layout import MAX_VENUES
from crossbook.sim.layout import Setup, new_venues
from crossbook.timestamp import NS_PER_S
from crossbook.types import Instrument, Venue
from crossbook.venues.served.accounts import Account
from crossbook.venues.served.candles import MINUTE_NS
from crossbook.venues.served.facts import (
    Candle,
    Depth,
    DuplicateOrder,
    Marked,
    MarketEvent,
    Printed,
    Quoted,
    TradingChanged,
    UnknownOrder,
)
from crossbook.venues.served.public_market import PublicMarket
from crossbook.venues.served.source import MarketSource
from crossbook.venues.served.standing import AccountListener, Reply
from crossbook.venues.served.trader import Trader
from crossbook.venues.served.truth import truth_of

__all__ = [
    "AccountListener", "DuplicateOrder", "MarketListener", "Trader", "UnknownOrder", "World", "WorldClock",
]  # fmt: skip
IDS_A_SECOND = 4_000
IDS_AN_ACCOUNT = 10**13
EPOCH_S = 1_700_000_000


class WorldClock(Protocol):
    """Where the world's time comes from."""

    def now_ns(self) -> int:
        """UTC nanoseconds."""


class MarketListener(Protocol):
    """Hears the market. Must not call anything that changes the world; it may ask. What it asks may already know of
    events that it hears next, up to the moment of the `tick`."""

    def on_market(self, event: MarketEvent) -> None:
        """It happened now."""


class World:
    """`instruments`: all that is traded, in the source's order. `traders`: by account name. `clock`: the one given.
    `frames`: how many events of the market have happened.

    The world begins at `source.start_ns`. Raises `Refused` for more instruments or assets than the kernels hold.
    """

    def __init__(self, clock: WorldClock, source: MarketSource, accounts: Sequence[Account]) -> None:
        self.clock = clock
        self.instruments = source.instruments
        self._source = source
        self._index = {(one.venue, one.symbol): i for i, one in enumerate(self.instruments)}
        self._listeners: dict[Venue, list[MarketListener]] = {venue: [] for venue in Venue}
        self._market = PublicMarket(self.instruments, self._tell)
        self._now = source.start_ns
        self._ticking = True  # nothing happens before the first piece is there
        self._at = 0
        self.frames = 0
        self._second = source.start_ns // NS_PER_S * NS_PER_S
        assets = _assets(self.instruments, accounts)
        self.traders = {
            one.name: self._open(one, number, assets, source.start_ns) for number, one in enumerate(accounts)
        }
        self._load()
        self._ticking = False

    # time

    def tick(self, now_ns: int) -> None:
        """Let everything up to and including `now_ns` happen: market, fills, funding, margin, countdowns. Time never
        goes back: an earlier `now_ns` does nothing."""
        if self._ticking or now_ns <= self._now:
            return
        self._ticking = True
        try:
            while self._now < now_ns:
                countdown = min((trader.next_due() for trader in self.traders.values()), default=now_ns)
                self._play(min(now_ns, self._piece.end_ns, max(countdown, self._now)))
                if self._now >= self._piece.end_ns and self._now < now_ns:
                    self._load()
        finally:
            self._ticking = False

    def warm(self) -> None:
        """Compile what the first requests need, by taking back no orders of each account."""
        self.catch_up()
        for trader in self.traders.values():
            for venue in sorted({one.venue for one in self.instruments}):
                trader.cancel_all(venue)
                trader.balances(venue)

    def catch_up(self) -> int:
        """`tick` to the clock's now; how far the world has come."""
        self.tick(self.clock.now_ns())
        return self._now

    def next_due(self) -> int:
        """The next moment at which something happens by itself."""
        times = self._market.times
        frame = times[self._at] if self._at < len(times) else self._piece.end_ns
        countdown = min((trader.next_due() for trader in self.traders.values()), default=frame)
        return max(min(frame, countdown, self._second + NS_PER_S), self._now + 1)

    @property
    def now_ns(self) -> int:
        """How far the world has come."""
        return self._now

    def _load(self) -> None:
        self._piece = self._source.piece()
        self._market.load(self._piece)
        self._at = 0
        for trader in self.traders.values():
            trader.load()

    def _play(self, until: int) -> None:
        """Let one stretch of the market happen at all accounts, and tell of it in the order of time."""
        times, began = self._market.times, self._at
        replies: list[tuple[int, int, Trader, Reply]] = []
        for number, trader in enumerate(self.traders.values()):
            replies += [(reply[0], number, trader, reply) for reply in trader.advance(self._piece, until)]
        replies.sort(key=lambda one: one[:2])
        self._now = max(self._now, until)
        for ts, _, trader, reply in replies:
            end = bisect_right(times, ts, self._at)
            self._market.play(end)
            self._at = end
            trader.settle(reply)
        end = bisect_right(times, until, self._at)
        self._market.play(end)
        self._at = end
        self.frames += end - began
        for trader in self.traders.values():
            trader.run_countdowns(until)
        if until >= self._second + NS_PER_S:
            self._second = until // NS_PER_S * NS_PER_S
            self._market.tell_marks(until)

    def _tell(self, event: MarketEvent) -> None:
        for listener in list(self._listeners[event.venue]):
            listener.on_market(event)

    # market

    def subscribe(self, venue: Venue, listener: MarketListener) -> None:
        """Hear every market event of a venue from now on."""
        self._listeners[venue].append(listener)
        self._market.heard.add(venue)

    def unsubscribe(self, venue: Venue, listener: MarketListener) -> None:
        """Hear no more; nothing happens to who did not."""
        if listener in self._listeners[venue]:
            self._listeners[venue].remove(listener)
        if not self._listeners[venue]:
            self._market.heard.discard(venue)

    def listed(self, venue: Venue) -> list[Instrument]:
        """What is traded at a venue."""
        return [one for one in self.instruments if one.venue is venue]

    def index(self, venue: Venue, symbol: str) -> int:
        """The number of an instrument. Raises `Refused` for an unknown one."""
        found = self._index.get((venue, symbol))
        if found is None:
            names = ", ".join(one.symbol for one in self.listed(venue)) or "nothing"
            raise Refused(f"{venue.label} has no {symbol!r}: it has {names}")
        return found

    def instrument(self, venue: Venue, symbol: str) -> Instrument:
        """One instrument. Raises `Refused` for an unknown one."""
        return self.instruments[self.index(venue, symbol)]

    def is_open(self, venue: Venue, symbol: str) -> bool:
        """Whether the market takes orders."""
        return self._market.open[self.index(venue, symbol)]

    def set_open(self, venue: Venue, symbol: str, is_open: bool) -> None:
        """Open or close a market; resting orders stay."""
        now, i = self.catch_up(), self.index(venue, symbol)
        self._market.open[i] = is_open
        for trader in self.traders.values():
            trader.state[0].instruments[i].tradeable = int(is_open)
        self._tell(TradingChanged(venue=venue, instrument=i, symbol=symbol, time_ns=now, is_open=is_open))

    def quote(self, venue: Venue, symbol: str) -> Quoted:
        """The best bid and ask."""
        now = self.catch_up()
        return self._market.quote(self.index(venue, symbol), now)

    def book(self, venue: Venue, symbol: str, depth: int = 0) -> Depth:
        """The displayed book, best first, `depth` levels a side (0 = all), as a snapshot with its `last_id`."""
        now = self.catch_up()
        return self._market.book(self.index(venue, symbol), depth, now)

    def trades(self, venue: Venue, symbol: str, limit: int = 500, from_id: int | None = None) -> list[Printed]:
        """The last prints, oldest first; at most 1,000 are kept. `from_id`: those from this trade id on."""
        self.catch_up()
        kept = self._market.trades[self.index(venue, symbol)]
        if from_id is not None:
            return [one for one in kept if one.trade_id >= from_id][:limit]
        return list(kept)[max(len(kept) - limit, 0) :]

    def mark(self, venue: Venue, symbol: str) -> Marked:
        """Mark and index price, coming funding. Where the market tells none, the mid, and the last rate."""
        now = self.catch_up()
        return self._market.mark(self.index(venue, symbol), now)

    def fundings(self, venue: Venue, symbol: str, limit: int = 100) -> list[tuple[int, int, int]]:
        """Past funding stamps `(time_ns, rate_e8, mark_e8)`, oldest first; at most 1,000 are kept."""
        self.catch_up()
        kept = self._market.fundings[self.index(venue, symbol)]
        return list(kept)[max(len(kept) - limit, 0) :]

    def candles(
        self,
        venue: Venue,
        symbol: str,
        interval_ns: int,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int = 500,
    ) -> list[Candle]:
        """Candles of whole intervals, oldest first, the last one still open; two days are kept.

        Opening in `[start_ns, end_ns]`; the last `limit` of them, or the first if `start_ns` is given. Raises
        `Refused` unless `interval_ns` is whole minutes.
        """
        if interval_ns <= 0 or interval_ns % MINUTE_NS:
            raise Refused(f"candles of {interval_ns} ns: whole minutes are kept")
        now = self.catch_up()
        return self._market.minutes[self.index(venue, symbol)].candles(interval_ns, start_ns, end_ns, limit, now)

    def day(self, venue: Venue, symbol: str) -> Candle:
        """All prints of the last 24 hours as one candle, to the minute; without a print all is 0 and the ids -1."""
        now = self.catch_up()
        return self._market.minutes[self.index(venue, symbol)].day(now)

    # accounts

    def trader(self, account: str) -> Trader:
        """An account's hand. Raises `Refused` for an unknown one."""
        if account not in self.traders:
            raise Refused(f"no account {account!r}: there are {', '.join(self.traders)}")
        return self.traders[account]

    def truth(self, account: str) -> dict[str, Any]:
        """Everything the venues know of an account, to the last unit, as exact decimal strings (see `truth`)."""
        now, trader = self.catch_up(), self.trader(account)
        return truth_of(trader, sorted({one.venue for one in self.instruments}), now)

    def _open(self, account: Account, number: int, assets: tuple[str, ...], start_ns: int) -> Trader:
        """Ids of an account begin where no other account's are, nor those of a world that began before."""
        state = new_venues(_setup(self.instruments, account, assets))
        first = number * IDS_AN_ACCOUNT + max(start_ns // NS_PER_S - EPOCH_S, 0) * IDS_A_SECOND
        for venue in range(MAX_VENUES):
            state[0].next_id[venue] += first
        trader = Trader(self, account, state, self.instruments, assets)
        for place, money in account.balances.items():
            for asset, amount in money.items():
                trader.transfer(place, asset, amount)
        return trader


def _assets(instruments: Sequence[Instrument], accounts: Sequence[Account]) -> tuple[str, ...]:
    names = [name for one in instruments for name in (one.base, one.quote, one.settle)]
    names += [asset for one in accounts for money in one.balances.values() for asset in money]
    return tuple(dict.fromkeys(names))


def _setup(instruments: tuple[Instrument, ...], account: Account, assets: tuple[str, ...]) -> Setup:
    fees = [account.fees_ppm[one.venue] for one in instruments]
    return Setup(
        instruments=instruments,
        maker_ppm=tuple(maker for maker, _ in fees),
        taker_ppm=tuple(taker for _, taker in fees),
        assets=assets,
        leverage=(1, account.leverage, account.leverage, account.leverage),
    )
