"""Market streams of Binance as event rows with the desk's numbers and stamps; books begun, followed and begun anew.

The hot path is `Feed.on_frame`: decode, put the stamps on our clock, the desk. A book's updates are held back until a
snapshot fits them; the kernels of `rules.book` see every gap themselves, here one asks for a new snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.rules.layout import Rows
from crossbook.timestamp import NS_PER_S
from crossbook.types import Instrument
from crossbook.venues import market_streams
from crossbook.venues.binance import requests
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.depth_sync import DepthSync
from crossbook.venues.frames import MarketCodec
from crossbook.venues.rest import Fate, Outcome
from crossbook.venues.session import Session, SessionState
from crossbook.venues.watchdog import StreamAges, StreamReport
from crossbook.venues.wire_rules import STREAM_RULES, announces_shutdown

DELTA = int(EventKind.BOOK_DELTA)
KINDS = {
    "bookTicker": int(EventKind.QUOTE),
    "depth@100ms": DELTA,
    "trade": int(EventKind.TRADE),
    "markPrice@1s": int(EventKind.MARK_PRICE),
}
LEVELS = 1000
SNAPSHOT_BYTES_MAX = 1 << 18
SOON_S = 0.3
AGAIN_S = 2.0
HELD_MAX = 20_000
ODD_MAX = 20


class Book:
    """One instrument's depth: its updates linked to a snapshot."""

    def __init__(self, ground: Ground, number: int, instrument: Instrument) -> None:
        self.snapshots = 0
        self._ground, self._symbol = ground, instrument.symbol
        self._chain = instrument.chain
        self._codec = MarketCodec([instrument], [number], SNAPSHOT_BYTES_MAX)
        self._sync: DepthSync[Rows] = DepthSync(self._chain)
        self._held = 0
        self._is_asking = False
        self._asked_ns = -(1 << 62)
        self._is_closed = False

    @property
    def cause(self) -> str:
        """What is down until the book is there for the first time."""
        return f"book of {self._symbol}"

    def close(self) -> None:
        """Ask no more."""
        self._is_closed = True

    def update(self, rows: Rows) -> list[Rows]:
        """The frames that the desk may see now."""
        usable = self._sync.delta(int(rows["id2"][0]), int(rows["id"][0]), rows.copy())
        if self._sync.needs_snapshot:
            self._held += 1
            if self._held > HELD_MAX:
                self._sync, self._held = DepthSync(self._chain), 0
            self.want()
        return usable

    def want(self) -> None:
        """Ask for a snapshot soon, unless one is on its way; at most one in two seconds."""
        if self._is_asking or self._is_closed:
            return
        self._is_asking = True
        since_s = (self._ground.monotonic_ns() - self._asked_ns) / NS_PER_S
        wait_s = max(self._ground.ports.random.uniform(0.05, SOON_S), AGAIN_S - since_s)
        self._ground.ports.loop.call_later(wait_s, self._ask)

    def _ask(self) -> None:
        if not self._is_closed:
            self._asked_ns = self._ground.monotonic_ns()
            self._ground.ask(requests.depth(self._ground.venue, self._symbol, LEVELS), self._came)

    def _came(self, outcome: Outcome) -> None:
        self._is_asking = False
        if self._is_closed:
            return
        if outcome.fate is not Fate.ANSWERED or outcome.status != 200:
            if outcome.refusal is not None:
                self._asked_ns = min(outcome.refusal.allowed_ns, self._ground.monotonic_ns() + 60 * NS_PER_S)
            self.want()
            return
        try:
            rows = self._codec.decode(outcome.body, outcome.receive_ns).copy()
        except Refused as error:
            self._ground.trouble("unreadable_book", f"{self._symbol}: {error}")
            self.want()
            return
        self.snapshots += 1
        for frame in self._sync.snapshot(int(rows["id"][0]), rows):
            frame["ts"] = outcome.receive_ns  # held back until now: this is when the desk knows it
            show(self._ground, frame, outcome.receive_ns)
        if self._sync.needs_snapshot:
            self.want()
            return
        self._held = 0
        self._ground.flow.up(self.cause)


class Feed:
    """One connection of market streams; a `session.Owner`. `on_up` hears of its session."""

    def __init__(
        self, ground: Ground, plan: market_streams.Feed, books: dict[int, Book], on_up: Callable[[bool], None],
        on_odd: Callable[[], None],
    ) -> None:  # fmt: skip
        self.odd = 0
        """Frames that could not be read."""
        self._ground, self._books, self._on_up, self._on_odd = ground, books, on_up, on_odd
        numbers = list(ground.instruments)
        self._codec = MarketCodec([ground.instruments[number] for number in numbers], numbers)
        self._ages = StreamAges(ground.venue, ground.ports, self._on_stream)
        self._streams: dict[tuple[int, int], int] = {}
        self.causes: list[str] = []
        for name, floor_s in plan.streams:
            symbol, _, kind = name.partition("@")
            if floor_s:  # a stream that speaks only of trades may be silent for long, and be well
                number = ground.numbers[symbol.upper()]
                self._streams[KINDS[kind], number] = self._ages.add(name, floor_s)
                self.causes.append(name)
        self._session = Session(
            ground.ports, lambda: plan.url, lambda: plan.hello, self, STREAM_RULES[ground.venue], ground.connections
        )

    def start(self) -> None:
        """Connect."""
        self._session.start()
        self._ages.start()

    def stop(self) -> None:
        """Close."""
        self._ages.stop()
        self._session.stop()

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """See `session.Owner`."""
        try:
            rows = self._codec.decode(frame, receive_ns)
        except Refused:
            self._count_odd()
            return
        if not len(rows):
            if announces_shutdown(frame):
                self._session.rotate("the venue announces a shutdown")
            return
        kind, number = rows["kind"].item(0), rows["instrument"].item(0)
        if kind == DELTA:
            for usable in self._books[number].update(rows):
                show(self._ground, usable, receive_ns)
        else:
            show(self._ground, rows, receive_ns)
        stream = self._streams.get((kind, number))
        if stream is not None:
            self._ages.heard(stream, receive_ns)

    def rehearse(self) -> None:
        """See `venues.gateway.Gateway`."""
        self._codec.again()

    def on_session(self, state: SessionState, why: str) -> None:
        """See `session.Owner`."""
        if state in (SessionState.WAITING, SessionState.STOPPED):
            self._ages.down(why)
        if state in (SessionState.WAITING, SessionState.UP):
            self._on_up(state is SessionState.UP)

    def on_refused(self, words: str) -> None:
        """See `session.Owner`."""
        self._ground.trouble("subscription_refused", words)

    def key_of(self, frame: bytes) -> Hashable | None:
        """See `session.Owner`."""
        return market_streams.twin_key(frame)

    def _on_stream(self, report: StreamReport) -> None:
        if report.is_up:
            self._ground.flow.up(report.stream)
            return
        self._ground.flow.down(report.stream)
        if report.why == "silent":
            self._session.rotate(f"{report.stream} is silent")

    def _count_odd(self) -> None:
        """One that cannot be read is passed over; many say that our rules of the instruments are old."""
        self.odd += 1
        if self.odd % ODD_MAX == 0:
            self._on_odd()


def show(ground: Ground, rows: Rows, receive_ns: int) -> None:
    """Give the desk a frame, its venue's time moved onto our clock."""
    stamps = rows["ts_venue"]
    stamp = stamps.item(0)
    stamps[:] = stamp - ground.offset_ns if stamp else receive_ns
    rows.flags.writeable = False
    ground.desk.on_market(rows, receive_ns)
