"""What gateways of all venues stand on: ports, the venue's time, the desk's numbers, named causes of a venue being
down, troubles that are not told twice, and what follows from an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from crossbook.events import Event, RateBudget, StreamDown, StreamUp
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument, Level, Venue
from crossbook.venues.budgets import Budgets, ConnectionBudget
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk, Directory, Trouble
from crossbook.venues.messages import LEVELS, Consequence, Error, ErrorKind
from crossbook.venues.network import Ports

TELL_AGAIN_S = 10
"""The same trouble is told at most so often."""
VENUE_TROUBLE_S = 5.0
"""How long the venue counts as down after it said that it is in trouble."""


class Flow:
    """Why a venue's streams count as down. The first cause is STREAM_DOWN, the end of the last one STREAM_UP."""

    def __init__(self, ports: Ports, desk: Desk, venue: Venue) -> None:
        self.causes: set[str] = set()
        self._ports, self._desk, self._venue = ports, desk, venue
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

        self._ports.loop.call_later(seconds, end)

    def end(self) -> None:
        """Say nothing any more."""
        self._began = False

    def _say(self, is_up: bool) -> None:
        ts = self._ports.clock.now_ns()
        event = StreamUp if is_up else StreamDown
        self._desk.on_event(event(ts=ts, ts_venue=ts, venue=int(self._venue)))


class Troubles:
    """Tells the desk, each trouble again only after a while."""

    def __init__(self, ports: Ports, desk: Desk, venue: Venue) -> None:
        self._ports, self._desk, self._venue = ports, desk, venue
        self._told: dict[tuple[str, int, Level], int] = {}

    def anew(self) -> None:
        """A desk hears from now on: what stands is told to it too, with what it lets fall."""
        self._told.clear()

    def tell(self, name: str, text: str, level: Level, instrument: int) -> None:
        """See `gateway.Trouble`."""
        now_ns = self._ports.clock.monotonic_ns()
        which = (name, instrument, level)
        last_ns = self._told.get(which)
        if last_ns is None or now_ns - last_ns >= TELL_AGAIN_S * NS_PER_S:
            self._told[which] = now_ns
            self._desk.on_trouble(
                Trouble(venue=self._venue, name=name, text=text, level=level, instrument=instrument)
            )  # fmt: skip


class Ground:
    """`offset_ns`: the venue's clock less ours, as measured last. `stamps_ns`: the offset by which the venue's stamps
    are moved onto our clock."""

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        venue: Venue,
        environment: Environment,
        where: Endpoints,
        symbols: tuple[str, ...],
    ) -> None:
        self.ports, self.desk, self.venue, self.label = ports, desk, venue, venue.label
        self.environment, self.where, self.symbols = environment, where, symbols
        self.budgets = Budgets(venue, ports.clock.monotonic_ns())
        self.connections = ConnectionBudget()
        self.flow = Flow(ports, desk, venue)
        self.offset_ns = 0
        self.instruments: dict[int, Instrument] = {}
        self.numbers: dict[str, int] = {}
        self.assets: dict[str, int] = {}
        self.strategies: tuple[str, ...] = ()
        self.on_clock_off: Callable[[], None] = lambda: None
        self.on_closed: Callable[[], None] = lambda: None
        self.on_stream_gone: Callable[[], None] = lambda: None
        self._troubles = Troubles(ports, desk, venue)

    @property
    def stamps_ns(self) -> int:
        return self.offset_ns

    def adopt(self, directory: Directory) -> None:
        """Take the desk's numbers; there is a desk to be told of what stands."""
        self._troubles.anew()
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
        return stamp_ns - self.stamps_ns if stamp_ns else ts

    # telling

    def later(self, event: Event) -> None:
        """Tell the desk soon: what it asked for is never answered inside its own call."""
        self.ports.loop.call_soon(lambda: self.desk.on_event(event))

    def trouble(self, name: str, text: str, level: Level = Level.ACTIVE, instrument: int = -1) -> None:
        """Tell a person, and let something fall. The same one is not told again for a while."""
        self._troubles.tell(name, text, level, instrument)

    def heed(self, error: Error, symbol: str = "") -> None:
        """What an error means beyond its request. Not to be called from inside `Gateway.send`."""
        what = error.consequence
        instrument = self.numbers.get(symbol, -1)
        text = ": ".join(part for part in (symbol, f"{error.code or ''} {error.text}".strip()) if part)
        if what is Consequence.INSTRUMENT_CLOSE_ONLY:
            level = Level.CLOSE_ONLY if instrument >= 0 or not symbol else Level.ACTIVE
            self.trouble(error.name, text, level, instrument)
            self.on_closed()
        elif what in LEVELS:
            self.trouble(error.name, text, LEVELS[what])
        elif what is Consequence.HOLD_CLOCK:
            self.trouble(error.name, text)
            self.on_clock_off()
        elif what is Consequence.HOLD_RATE:
            self.back_off(error, self.monotonic_ns() + (error.retry_after_ms or 0) * NS_PER_MS)
            self.trouble(error.name, text)
            self.tell_budget()
        elif what is Consequence.HOLD_VENUE:
            self.trouble(error.name, text)
            self.flow.hold("the venue is in trouble", VENUE_TROUBLE_S)
        elif what is Consequence.RESTART_STREAM:
            self.on_stream_gone()
        elif what is Consequence.ALERT or error.kind is ErrorKind.UNKNOWN:
            self.trouble(error.name, text)

    def back_off(self, error: Error, until_ns: int) -> None:
        """We asked too much: ask nothing until then."""
        self.budgets.back_off(until_ns)

    def tell_budget(self) -> None:
        """Say what is left of the tightest limit."""
        ts = self.now_ns()
        self.desk.on_event(msgspec.structs.replace(self.budget(), ts=ts, ts_venue=ts))

    def budget(self) -> RateBudget:
        """What is left of the tightest limit, and the whole of it."""
        return self.budgets.report(self.monotonic_ns())
