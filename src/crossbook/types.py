"""The nouns of the desk: venues, sides, orders' words, instruments. No behaviour beyond naming things."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Venue(IntEnum):
    """A wallet: one place that holds balances and takes orders."""

    BINANCE_SPOT = 0
    BINANCE_USDM = 1
    BINANCE_COINM = 2
    HYPERLIQUID = 3

    @property
    def label(self) -> str:
        """The name used in configurations, files and on the screen."""
        return self.name.lower()


VENUE_BY_LABEL = {venue.label: venue for venue in Venue}


class InstrumentKind(IntEnum):
    """How a fill turns into money: coin changes hands, or P&L settles in quote, or in coin."""

    SPOT = 0
    LINEAR = 1
    INVERSE = 2


class Chain(IntEnum):
    """How a venue lets us see that no book update was lost."""

    FIRST_ID = 0
    """Binance spot: an update's first id is at most our last id + 1."""
    PREVIOUS_ID = 1
    """Binance futures: an update names the last id of the one before it."""
    SNAPSHOT = 2
    """Hyperliquid: every message is the whole displayed book; its time is its id."""


class Side(IntEnum):
    """BUY is 0 so that `1 - 2 * side` is the sign of the position it makes."""

    BUY = 0
    SELL = 1


class TimeInForce(IntEnum):
    """How long an order may wait: IOC not at all, GTC until cancelled, ALO (post-only) never takes."""

    IOC = 0
    GTC = 1
    ALO = 2


class Level(IntEnum):
    """What a scope may do. The effective level is the lowest of all scopes that apply."""

    KILLED = 0
    CLOSE_ONLY = 1
    ACTIVE = 2


class Scope(IntEnum):
    """What a level applies to."""

    DESK = 0
    VENUE = 1
    INSTRUMENT = 2
    STRATEGY = 3


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What is traded, with the grid of its prices and quantities.

    A price is `ticks * tick_e8` in 1e-8 units of `quote`. A quantity is `lots * lot_e8` in 1e-8 units of
    `base`; of an inverse contract a lot is `contract_e8` of quote value (COIN-M BTC: 100 USD = 1e10).
    """

    venue: Venue
    symbol: str
    base: str
    quote: str
    settle: str
    kind: InstrumentKind
    tick_e8: int
    lot_e8: int
    contract_e8: int = 0
    min_lots: int = 1
    max_lots: int
    max_ticks: int
    min_notional_e8: int = 0
    significant_figures: int = 0
    """Most significant figures a price may have; 0 = no such rule (Hyperliquid: 5, whole numbers always legal)."""
    chain: Chain

    @property
    def name(self) -> str:
        """`venue:SYMBOL`, the name used in configurations and figures."""
        return f"{self.venue.label}:{self.symbol}"
