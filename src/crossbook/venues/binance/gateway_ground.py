"""What all parts of a Binance gateway stand on: ports, budgets, the venue's time, the desk's numbers, what follows from
an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from crossbook.errors import Refused
from crossbook.events import Event, StreamDown, StreamUp
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument, Level, Venue
from crossbook.venues.binance.instruments import RateLimit
from crossbook.venues.binance.requests import Request, Security
from crossbook.venues.binance.signing import Signer, rest_payload
from crossbook.venues.budgets import RAW, Budgets, ConnectionBudget, Limit, Purpose
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk, Directory, Trouble
from crossbook.venues.keys import BinanceKey
from crossbook.venues.messages import Consequence, Error, ErrorKind
from crossbook.venues.network import Ports
from crossbook.venues.rest import Outcome, Rest

TELL_AGAIN_S = 10
"""The same trouble is told at most so often."""
VENUE_TROUBLE_S = 5.0
"""How long the venue counts as down after it said that it is in trouble."""
LEVELS = {
    Consequence.INSTRUMENT_CLOSE_ONLY: Level.CLOSE_ONLY,
    Consequence.VENUE_CLOSE_ONLY: Level.CLOSE_ONLY,
    Consequence.VENUE_KILLED: Level.KILLED,
}


class Ground:
    """`offset_ns` is the venue's clock less ours, as measured last."""

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        venue: Venue,
        environment: Environment,
        where: Endpoints,
        symbols: tuple[str, ...],
        api_key: str,
        key: BinanceKey | None,
    ) -> None:
        self.ports, self.desk, self.venue, self.label = ports, desk, venue, venue.label
        self.environment, self.where, self.symbols = environment, where, symbols
        self.key, self.api_key = key, api_key
        self.signer = None if key is None else Signer(key, api_key)
        self.is_spot = venue is Venue.BINANCE_SPOT
        self.budgets = Budgets(venue, ports.clock.monotonic_ns())
        self.connections = ConnectionBudget()
        self.rest = Rest(ports, where.rest, self.budgets)
        self.offset_ns = 0
        self.is_closed = False
        self.settles: dict[str, str] = {}
        """The asset in which each symbol of the venue settles."""
        self.instruments: dict[int, Instrument] = {}
        self.numbers: dict[str, int] = {}
        self.assets: dict[str, int] = {}
        self.strategies: tuple[str, ...] = ()
        self.flow = Flow(self)
        self.on_clock_off: Callable[[], None] = lambda: None
        self.on_stream_gone: Callable[[], None] = lambda: None
        self._told: dict[tuple[str, int], int] = {}

    def adopt(self, directory: Directory) -> None:
        """Take the desk's numbers."""
        self.numbers = directory.numbers(self.venue)
        self.instruments = {number: directory.instruments[number] for number in self.numbers.values()}
        self.assets = {asset: number for number, asset in enumerate(directory.assets)}
        self.strategies = directory.strategies

    # time

    def now_ns(self) -> int:
        """Our wall clock."""
        return self.ports.clock.now_ns()

    def monotonic_ns(self) -> int:
        """For deadlines."""
        return self.ports.clock.monotonic_ns()

    def venue_ms(self) -> int:
        """What time it is at the venue."""
        return (self.ports.clock.now_ns() + self.offset_ns) // NS_PER_MS

    def ours_ns(self, stamp_ns: int | None, ts: int) -> int:
        """A stamp of the venue on our clock; `ts` where it gave none."""
        return stamp_ns - self.offset_ns if stamp_ns else ts

    # asking

    def ask(
        self, request: Request, on_outcome: Callable[[Outcome], None], purpose: Purpose = Purpose.NORMAL
    ) -> None:  # fmt: skip
        """Ask over REST, signed where the request needs it. An answer after the end is not heard."""

        def came(outcome: Outcome) -> None:
            if not self.is_closed:
                self.guard(lambda: on_outcome(outcome))

        query = ""
        if request.security is Security.SIGNED and self.signer is not None:
            query = self.signer.sign_rest(request.params, self.venue_ms())
        elif request.params:
            query = rest_payload(request.params)
        headers: Mapping[str, str] = {}
        if request.security is not Security.NONE:
            headers = {"X-MBX-APIKEY": self.api_key}
        path = f"{request.path}?{query}" if query else request.path
        self.rest.ask(
            request.method, path, came, costs=with_raw(request.costs), headers=headers, purpose=purpose
        )  # fmt: skip

    def seen(self, limits: Iterable[RateLimit]) -> None:
        """The venue says what of its limits is used; or only what they are."""
        now_ns = self.monotonic_ns()
        for limit in limits:
            if limit.count is not None:
                self.budgets.seen(limit.rate_limit_type, limit.window_s, limit.count, now_ns)
            elif limit.window_s:
                self.budgets.adopt(Limit(limit.rate_limit_type, limit.limit, limit.window_s), now_ns)

    def guard(self, call: Callable[[], object]) -> bool:
        """Take something that the venue said. What does not fit the desk's grids cannot be booked: no entries then."""
        try:
            call()
        except Refused as error:
            self.trouble("unbookable", f"{self.label}: {error}", Level.CLOSE_ONLY)
            return False
        return True

    # telling

    def later(self, event: Event) -> None:
        """Tell the desk soon: what it asked for is never answered inside its own call."""
        self.ports.loop.call_soon(lambda: self.desk.on_event(event))

    def trouble(self, name: str, text: str, level: Level = Level.ACTIVE, instrument: int = -1) -> None:
        """Tell a person, and let something fall. The same one is not told again for a while."""
        now_ns = self.monotonic_ns()
        last_ns = self._told.get((name, instrument))
        if last_ns is None or now_ns - last_ns >= TELL_AGAIN_S * NS_PER_S:
            self._told[name, instrument] = now_ns
            self.desk.on_trouble(
                Trouble(venue=self.venue, name=name, text=text, level=level, instrument=instrument)
            )  # fmt: skip

    def heed(self, error: Error, symbol: str = "") -> None:
        """What an error means beyond its request. Not to be called from inside `Gateway.send`."""
        what = error.consequence
        instrument = self.numbers.get(symbol, -1)
        text = f"{self.label}{' ' + symbol if symbol else ''}: {error.code or ''} {error.text}".replace(":  ", ": ")
        if what is Consequence.INSTRUMENT_CLOSE_ONLY:
            level = Level.CLOSE_ONLY if instrument >= 0 or not symbol else Level.ACTIVE
            self.trouble(error.name, text, level, instrument)
        elif what in LEVELS:
            self.trouble(error.name, text, LEVELS[what])
        elif what is Consequence.HOLD_CLOCK:
            self.trouble(error.name, text)
            self.on_clock_off()
        elif what is Consequence.HOLD_RATE:
            self._hold_rate(error, text)
        elif what is Consequence.HOLD_VENUE:
            self.trouble(error.name, text)
            self.flow.hold("the venue is in trouble", VENUE_TROUBLE_S)
        elif what is Consequence.RESTART_STREAM:
            self.on_stream_gone()
        elif what is Consequence.ALERT or error.kind is ErrorKind.UNKNOWN:
            self.trouble(error.name, text)

    def tell_budget(self) -> None:
        """Say what is left of the tightest limit."""
        ts = self.now_ns()
        report = self.budgets.report(self.monotonic_ns())
        self.desk.on_event(msgspec.structs.replace(report, ts=ts, ts_venue=ts))

    def _hold_rate(self, error: Error, text: str) -> None:
        until_ns = self.monotonic_ns() + (error.retry_after_ms or 0) * NS_PER_MS
        if error.name == "ip_banned":
            self.budgets.banned(until_ns)
        else:
            self.budgets.back_off(until_ns)
        self.trouble(error.name, text)
        self.tell_budget()


class Flow:
    """Why the venue's streams count as down: named causes. The first one is STREAM_DOWN, the end of the last one
    STREAM_UP."""

    def __init__(self, ground: Ground) -> None:
        self.causes: set[str] = set()
        self._ground = ground
        self._holds: dict[str, int] = {}
        self._began = False

    def begin(self, causes: Iterable[str]) -> None:
        """All these are down at first, and STREAM_DOWN is said."""
        self.causes.update(causes)
        self._began = True
        self._say(False)

    def down(self, cause: str) -> None:
        """A cause is there."""
        first = not self.causes
        self.causes.add(cause)
        if first and self._began:
            self._say(False)

    def up(self, cause: str) -> None:
        """A cause is gone."""
        if cause in self.causes:
            self.causes.discard(cause)
            if not self.causes and self._began:
                self._say(True)

    def hold(self, cause: str, seconds: float) -> None:
        """A cause that is there for a while."""
        number = self._holds[cause] = self._holds.get(cause, 0) + 1
        self.down(cause)

        def end() -> None:
            if self._holds[cause] == number:
                self.up(cause)

        self._ground.ports.loop.call_later(seconds, end)

    def end(self) -> None:
        """Say nothing any more."""
        self._began = False

    def _say(self, is_up: bool) -> None:
        ground = self._ground
        ts = ground.now_ns()
        event = StreamUp if is_up else StreamDown
        ground.desk.on_event(event(ts=ts, ts_venue=ts, venue=int(ground.venue)))


def with_raw(costs: Mapping[str, int]) -> Mapping[str, int]:
    """The costs of a request; each one counts as a raw request too."""
    return {**costs, RAW: 1}
