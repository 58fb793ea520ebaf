"""Worlds for tests: a clock that is set by hand, a short generated market, ears that keep what they hear."""

from functools import cache

from crossbook.rules.layout import Rows
from crossbook.sim.market import START_NS, generate_market
from crossbook.tape.frames_of import starts_of
from crossbook.types import Instrument, Side, Venue
from crossbook.venues.served.accounts import Account, make_accounts
from crossbook.venues.served.facts import AccountEvent, MarketEvent, OrderKind, OrderRequest, Wait
from crossbook.venues.served.source import TapeSource
from crossbook.venues.served.world import Trader, World

E8 = 10**8
MS = 10**6
S = 10**9
SPOT, USDM, HL = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID
VENUES = (SPOT, USDM, HL)
SYMBOL = {SPOT: "BTCUSDT", USDM: "BTCUSDT", HL: "BTC"}
START = START_NS


class HandClock:
    """Stands until it is set."""

    def __init__(self, now_ns: int = START) -> None:
        self.time_ns = now_ns

    def now_ns(self) -> int:
        return self.time_ns


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.market: list[MarketEvent] = []
        self.account: list[AccountEvent] = []

    def on_market(self, event: MarketEvent) -> None:
        self.market.append(event)

    def on_account(self, event: AccountEvent) -> None:
        self.account.append(event)


@cache
def market(seconds: int = 12, seed: int = 3) -> tuple[tuple[Instrument, ...], Rows, Rows]:
    """A few seconds of the generated market: instruments, rows, starts."""
    from decimal import Decimal

    instruments, rows = generate_market(seed, Decimal(seconds) / 60, VENUES)
    return instruments, rows, starts_of(rows)


def new_world(accounts: tuple[Account, ...] = (), *, count: int = 1, seconds: int = 12) -> tuple[World, HandClock]:
    """A world over the short market, one second in."""
    instruments, rows, starts = market(seconds)
    clock = HandClock()
    world = World(clock, TapeSource(instruments, rows, starts, START), accounts or tuple(make_accounts(1, count)))
    clock.time_ns += S
    world.tick(clock.time_ns)
    return world, clock


def ask(
    world: World,
    venue: Venue,
    side: Side,
    quantity_e8: int,
    *,
    away_bp: int = 0,
    wait: Wait = Wait.GTC,
    market_order: bool = False,
    reduce_only: bool = False,
    client: str = "",
) -> OrderRequest:
    """An order of the venue's BTC, its limit so many bp into (> 0) or behind (< 0) the opposite best price."""
    quote = world.quote(venue, SYMBOL[venue])
    instrument = world.instrument(venue, SYMBOL[venue])
    best = quote.ask_e8 if side is Side.BUY else quote.bid_e8
    price = best * (10_000 + (away_bp if side is Side.BUY else -away_bp)) // 10_000
    step = E8 if venue is HL else instrument.tick_e8
    price = -(-price // step) * step if (side is Side.BUY) == (away_bp >= 0) else price // step * step
    return OrderRequest(
        venue=venue,
        symbol=SYMBOL[venue],
        side=side,
        quantity_e8=quantity_e8,
        price_e8=price,
        kind=OrderKind.MARKET if market_order else OrderKind.LIMIT,
        wait=wait,
        reduce_only=reduce_only,
        client_order_id=client,
    )


def only(world: World) -> Trader:
    """The trader of a world with one account."""
    (trader,) = world.traders.values()
    return trader
