"""What all parts of one served Binance share: the world, its accounts, who is connected, the clock it shows."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from fractions import Fraction

import msgspec

from crossbook.types import Instrument, Venue
from crossbook.venues.binance.verification import verifier
from crossbook.venues.served.accounts import Account, Accounts, ApiKey
from crossbook.venues.served.binance_prints import Aggregates
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_text import Forms, forms_of, ms
from crossbook.venues.served.facts import MarketEvent, Printed
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.trader import Trader
from crossbook.venues.served.world import World

_BASE62 = string.digits + string.ascii_letters


class House:
    """One served Binance. `clock` is the world's, in ns UTC; the time that the venue shows may be off it (a fault)."""

    def __init__(self, world: World, venue: Venue, limits: Limits, faults: Faults) -> None:
        self.world = world
        self.venue = venue
        self.limits = limits
        self.faults = faults
        self.clock: Callable[[], int] = world.clock.now_ns
        self.accounts = Accounts([trader.account for trader in world.traders.values()])
        self.instruments = {one.symbol: one for one in world.listed(venue)}
        self.forms = {symbol: forms_of(one) for symbol, one in self.instruments.items()}
        self.aggregates = {symbol: Aggregates(world.trades(venue, symbol)) for symbol in self.instruments}
        self.verifiers = {
            key.api_key: verifier(secret=key.secret, public_pem=key.public_key)
            for account in self.accounts.accounts
            for key in account.keys
        }
        self._random = random.Random(f"client order ids of {venue.label}")
        world.subscribe(venue, self)

    @property
    def is_spot(self) -> bool:
        """Spot or USD-M futures."""
        return self.venue is Venue.BINANCE_SPOT

    def on_market(self, event: MarketEvent) -> None:
        """A public trade joins its aggregate."""
        if isinstance(event, Printed):
            self.aggregates[event.symbol].add(event)

    def now_ns(self) -> int:
        """The time as this venue tells it."""
        now_ns = self.clock()
        return now_ns + self.faults.skew_ns(self.venue, now_ns)

    def now_ms(self) -> int:
        """The same in milliseconds."""
        return ms(self.now_ns())

    def fresh_id(self) -> str:
        """A client order id for who sent none: 22 characters, as the venue makes them."""
        return "".join(self._random.choices(_BASE62, k=22))

    def fresh_key(self) -> str:
        """A listen key: 64 characters."""
        return "".join(self._random.choices(_BASE62, k=64))

    def uid(self, account: Account) -> int:
        """The account's number at the venue."""
        return 354_937_868 + self.accounts.accounts.index(account)

    def alias(self, account: Account) -> str:
        """The account's short name at the venue."""
        return f"Cb{self.uid(account) % 100:02d}"

    def may_trade(self, account: Account) -> bool:
        """Whether any of its keys may place orders now."""
        revoked = self.faults.is_revoked(self.venue, account.name, self.clock())
        return not revoked and any(key.may_trade for key in account.keys)

    def symbol(self, ask: Ask, name: str = "symbol") -> Instrument:
        """The instrument that a request names."""
        found = self.instruments.get(ask.text(name))
        if found is None:
            raise Problem(-1121)
        return found

    def form(self, symbol: str) -> Forms:
        """How a symbol's numbers are written."""
        return self.forms[symbol]

    def trader(self, ask: Ask) -> Trader:
        """The hand of the account that a request was authorised for."""
        account = ask.account
        if not isinstance(account, Account):
            raise Problem(-2015)
        return self.world.trader(account.name)

    def key(self, api_key: str) -> tuple[Account, ApiKey] | None:
        """Whose key this is, if it is valid now."""
        found = self.accounts.by_api_key(api_key)
        return found if found is not None and self.now_ms() < found[1].valid_until_ms else None

    def last_price(self, symbol: str) -> int:
        """The last trade's price, the middle of the quote before the first trade."""
        trades = self.world.trades(self.venue, symbol, 1)
        if trades:
            return trades[-1].price_e8
        quote = self.world.quote(self.venue, symbol)
        return (quote.bid_e8 + quote.ask_e8) // 2


class Answer(msgspec.Struct):
    """An answer that needs more than a 200 with a JSON body."""

    body: object
    status: int = 200


def average(notional_e8: int, quantity_e8: int) -> Fraction:
    """An average price in quote units, exact; 0 for nothing."""
    return Fraction(notional_e8, quantity_e8) if quantity_e8 else Fraction(0)


def fraction_text(value: Fraction, decimals: int) -> str:
    """An exact fraction with so many decimals, nearest, ties to even."""
    scaled = round(value * 10**decimals)
    sign = "-" if scaled < 0 else ""
    whole, rest = divmod(abs(scaled), 10**decimals)
    return f"{sign}{whole}.{rest:0{decimals}d}" if decimals else f"{sign}{whole}"
