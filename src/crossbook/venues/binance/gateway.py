"""The gateway to Binance, spot or USD-M futures: one venue, one account, through ports. See `venues.gateway`.

Orders leave over the WebSocket API, as prepared bytes; everything slower goes over REST. Without a key only the public
half is there: clock, rules and market.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Venue
from crossbook.venues.binance.gateway_account import AccountEvents
from crossbook.venues.binance.gateway_api import Api
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.gateway_listen import UserStream
from crossbook.venues.binance.gateway_look import Look
from crossbook.venues.binance.gateway_market import Book, Feed
from crossbook.venues.binance.gateway_orders import Orders
from crossbook.venues.binance.gateway_reports import Reports
from crossbook.venues.binance.gateway_resolve import Resolver
from crossbook.venues.binance.gateway_rules import DeadMansSwitch, RulesWatch, VenueClock
from crossbook.venues.binance.gateway_sending import Sender
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk, Directory, OpenOrder, Report
from crossbook.venues.gateway_base import ACCOUNT, TICK_S, GatewayBase
from crossbook.venues.keys import BinanceKey, Key
from crossbook.venues.market_streams import feeds
from crossbook.venues.network import Ports

DRIFT_NS_MAX = 500 * NS_PER_MS
VENUES = (Venue.BINANCE_SPOT, Venue.BINANCE_USDM)


class BinanceGateway(GatewayBase):
    """A `venues.gateway.Gateway`.

    `account`: what the venue must say that we are (spot: the uid; futures: the account's alias), "" for anything.
    `leverage_x`: what every instrument's leverage is set to, 0 to leave it. `build`, `run_s`: parts of order ids.
    Raises `Refused` for another venue, a Hyperliquid key, or no symbols.
    """

    _sender: Sender
    _reports: Reports

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        *,
        venue: Venue,
        environment: Environment,
        endpoints: Endpoints,
        symbols: Sequence[str],
        api_key: str = "",
        key: Key | None = None,
        account: str = "",
        build: int = 0,
        run_s: int = 0,
        leverage_x: int = 0,
        drift_ns_max: int = DRIFT_NS_MAX,
    ) -> None:
        if venue not in VENUES:
            raise Refused(f"{venue.label}: this gateway speaks binance_spot and binance_usdm")
        if key is not None and not isinstance(key, BinanceKey):
            raise Refused(f"{venue.label}: the key is of another kind of venue: give an HMAC secret or a PEM")
        if not symbols:
            raise Refused(f"{venue.label}: no symbols: name what is traded there")
        self._ground = Ground(ports, desk, venue, environment, endpoints, tuple(symbols), api_key, key)
        self._pinned, self._leverage_x, self._drift_ns_max = account, leverage_x, drift_ns_max
        self._orders = Orders(self._ground, build, run_s)
        super().__init__(self._ground, self._orders)
        self._resolver = Resolver(self._ground, self._orders, lambda live: self._sender.take_back(live))
        self._account = AccountEvents(
            self._ground, self._orders, self._resolver, self._renew_stream, self._look_if_ready
        )
        on_state = self._account.on_state if self._ground.is_spot else lambda is_up, why: None
        self._api = Api(self._ground, self._account.on_user, on_state)
        self._sender = Sender(self._ground, self._api, self._orders)
        self._stream = None if self._ground.is_spot else UserStream(
            self._ground, self._account.on_user, self._account.on_state
        )  # fmt: skip
        self._reports = Reports(self._ground, lambda: self._account.heard_ns)
        self._rules = RulesWatch(self._ground)
        self._clock = VenueClock(self._ground, drift_ns_max)
        self._switch = DeadMansSwitch(self._ground, self._orders)
        self._look: Look | None = None
        self._feeds: list[Feed] = []
        self._books: dict[int, Book] = {}
        self._feeds_up: set[int] = set()
        self._ground.on_clock_off = self._clock.again
        self._ground.on_stream_gone = self._renew_stream

    def look(self, on_report: Callable[[Report], None]) -> None:
        """See `Gateway`."""
        self._look = Look(
            self._ground, self._clock.samples, self._pinned, self._leverage_x, self._drift_ns_max, on_report
        )  # fmt: skip
        self._ground.ports.loop.call_soon(self._look.start)

    def start(self, directory: Directory, open_orders: Sequence[OpenOrder], on_ready: Callable[[], None]) -> None:
        """See `Gateway`. Raises `Refused` before a look."""
        if self._look is None:
            raise Refused(f"{self.venue.label}: look before the start")
        ground = self._ground
        ground.adopt(directory)
        self._orders.adopt()
        self._on_ready = on_ready
        self._resolver.since_ms = self._look.since_ms
        self._account.leverage = self._look.leverage if self._leverage_x else {}
        self._waits_for = {self._orders.take_up(one).order for one in open_orders}
        self._books = {number: Book(ground, number, one) for number, one in ground.instruments.items()}
        for number, plan in enumerate(feeds(self.venue, ground.where, list(ground.numbers))):
            self._feeds.append(Feed(ground, plan, self._books, self._feed_state(number), self._rules.soon))
        ground.ports.loop.call_soon(self._begin)

    def _begin(self) -> None:
        ground = self._ground
        causes = [cause for feed in self._feeds for cause in feed.causes]
        causes += [book.cause for book in self._books.values()]
        ground.flow.begin([*causes, ACCOUNT] if ground.signer is not None else causes)
        self._rules.start(self._look.rules if self._look is not None else [])
        self._clock.start()
        for feed in self._feeds:
            feed.start()
        if ground.signer is not None:
            self._sender.prepare()
            self._resolver.gap_begins()
            self._api.start()
            if self._stream is not None:
                self._stream.start()
        self._ticking = ground.ports.loop.call_later(TICK_S, self._tick)

    def _reread(self) -> None:
        for feed in self._feeds:
            feed.rehearse()

    def _shut(self) -> None:
        if not self._ground.is_spot:
            self._switch.tick(self._ground.monotonic_ns())
        self._ground.flow.end()
        self._resolver.is_closed = self._reports.is_closed = True
        self._ground.is_closed = True
        for feed in self._feeds:
            feed.stop()
        self._rules.stop()
        self._clock.stop()
        self._api.stop()
        if self._stream is not None:
            self._stream.stop()
        for book in self._books.values():
            book.close()

    def _tick(self) -> None:
        self._ticking = self._ground.ports.loop.call_later(TICK_S, self._tick)
        now_ns = self._ground.monotonic_ns()
        if self._ground.signer is not None:
            self._api.tick(now_ns)
            self._resolver.tick(now_ns)
            if not self._ground.is_spot:
                self._switch.tick(now_ns)
            if self._is_time_to_look(now_ns):
                for number, instrument in self._ground.instruments.items():
                    if self._orders.rests(number):
                        self._resolver.look_at_open(instrument.symbol)
        self._tell_budget(now_ns)
        self._look_if_ready()

    def _feed_state(self, number: int) -> Callable[[bool], None]:
        def tell(is_up: bool) -> None:
            (self._feeds_up.add if is_up else self._feeds_up.discard)(number)
            self._look_if_ready()

        return tell

    def _look_if_ready(self) -> None:
        """Ready: market and account are connected, and what became of the open orders is known."""
        if self._on_ready is None or len(self._feeds_up) < len(self._feeds):
            return
        if self._ground.signer is None or (ACCOUNT not in self._ground.flow.causes and self._are_known()):
            self._is_ready()

    def _renew_stream(self) -> None:
        if self._stream is not None:
            self._stream.renew()
        else:
            self._api.reopen("the venue ended the stream of events")
