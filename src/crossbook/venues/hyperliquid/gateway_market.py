"""Hyperliquid's market as event rows with the desk's numbers and stamps; each stream of it watched by itself.

The hot path is `Market.take`: decode, stamp, the desk. Books and quotes are whole each time, so there is nothing to
sync; prints from before the subscription come first and are left out.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.errors import Refused
from crossbook.events import EventKind, MarkPrice
from crossbook.money import divide_half_even, parse_e8, parse_scaled
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack
from crossbook.timestamp import NS_PER_S
from crossbook.venues.frames import MarketCodec
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.messages import ActiveAssetContext
from crossbook.venues.market_streams import HYPERLIQUID_STREAMS
from crossbook.venues.watchdog import StreamAges, StreamReport

BOOK, TRADE = int(EventKind.BOOK_SNAPSHOT), int(EventKind.TRADE)
KINDS = {"l2Book": BOOK, "bbo": int(EventKind.QUOTE), "trades": TRADE}
HOUR_NS = 3_600 * NS_PER_S
OLD_NS = NS_PER_S
ODD_MAX = 20
_contexts = msgspec.json.Decoder(ActiveAssetContext)


class Market:
    """`on_silent(why)`: a stream has died on a socket that lives. `on_odd`: many frames cannot be read, as if the rules
    of an instrument had changed."""

    def __init__(self, ground: Ground, on_silent: Callable[[str], None], on_odd: Callable[[], None]) -> None:
        self.odd = 0
        self.causes: list[str] = []
        """What is down until it is heard."""
        self._ground, self._on_silent, self._on_odd = ground, on_silent, on_odd
        self._ages = StreamAges(ground.venue, ground.ports, self._on_stream)
        self._streams: dict[tuple[int, int], int] = {}
        self._since_ns = 0
        self._codec = MarketCodec((), ())
        self._codec.decode(b"{}", 0)  # compiles what reads frames, before anything is connected
        self._printed: dict[int, tuple[int, set[int]]] = {}

    def adopt(self) -> None:
        """The desk's numbers are known."""
        numbers = list(self._ground.instruments)
        self._codec = MarketCodec([self._ground.instruments[number] for number in numbers], numbers)
        for symbol, number in self._ground.numbers.items():
            for kind, floor_s in HYPERLIQUID_STREAMS:
                if floor_s:  # the others speak only of what changes: a quiet one may be well
                    name = f"{kind} of {symbol}"
                    self._streams[KINDS[kind], number] = self._ages.add(name, floor_s)
                    self.causes.append(name)

    def start(self) -> None:
        """Begin to watch."""
        self._ages.start()

    def stop(self) -> None:
        """Watch no more."""
        self._ages.stop()

    def on_state(self, is_up: bool, why: str) -> None:
        """The session is there, or not."""
        if not is_up:
            self._since_ns = 0
            self._ages.down(why)

    def take(self, frame: bytes, receive_ns: int) -> None:
        """A frame of a book, a quote or prints."""
        try:
            rows = self._codec.decode(frame, receive_ns)
        except Refused:
            self._count_odd()
            return
        if not len(rows):
            return
        self._since_ns = self._since_ns or receive_ns
        rows["ts_venue"] -= self._ground.settled_ns
        kind, number = rows["kind"].item(0), rows["instrument"].item(0)
        if kind == TRADE:
            rows = self._new_prints(rows)
            if not len(rows):
                return
        rows.flags.writeable = False
        self._ground.desk.on_market(rows, receive_ns)
        stream = self._streams.get((kind, number))
        if stream is not None:
            self._ages.heard(stream, receive_ns)

    def rehearse(self) -> None:
        """See `venues.gateway.Gateway`."""
        self._codec.again()

    def take_context(self, data: bytes, receive_ns: int) -> None:
        """Mark, oracle and funding of a perpetual: the rate is of the hour and paid at its end. Says no time."""
        ground = self._ground
        try:
            said = _contexts.decode(data)
            number, context = ground.numbers.get(said.coin, -1), said.ctx
            if number < 0 or context.oracle_px is None or context.funding is None:
                return
            rate_e12 = parse_scaled(context.funding, 12, f"{said.coin} funding")
            event = MarkPrice(
                ts=receive_ns, ts_venue=receive_ns, instrument=number,
                mark_e8=parse_e8(context.mark_px, f"{said.coin} mark"),
                index_e8=parse_e8(context.oracle_px, f"{said.coin} oracle"),
                rate_e8=divide_half_even(rate_e12, 10_000),
                next_funding_ns=(receive_ns + ground.settled_ns) // HOUR_NS * HOUR_NS + HOUR_NS - ground.settled_ns,
            )  # fmt: skip
        except (msgspec.DecodeError, Refused):
            self._count_odd()
            return
        rows = pack(event)
        rows["venue"] = int(ground.venue)
        rows.flags.writeable = False
        ground.desk.on_market(rows, receive_ns)

    def _new_prints(self, rows: Rows) -> Rows:
        """Those from after the subscription that were not there yet: each subscription begins with some old ones."""
        wanted = []
        for at, stamp, trade, number in zip(
            range(len(rows)), rows["ts_venue"].tolist(), rows["id"].tolist(), rows["instrument"].tolist(), strict=True
        ):
            last_ns, known = self._printed.get(number, (self._since_ns - OLD_NS, set()))
            if stamp > last_ns:
                self._printed[number] = (stamp, {trade})
                wanted.append(at)
            elif stamp == last_ns and trade not in known:
                known.add(trade)
                wanted.append(at)
        return rows if len(wanted) == len(rows) else rows[wanted]

    def _on_stream(self, report: StreamReport) -> None:
        if report.is_up:
            self._ground.flow.up(report.stream)
            return
        self._ground.flow.down(report.stream)
        if report.why == "silent":
            self._on_silent(f"{report.stream} is silent")

    def _count_odd(self) -> None:
        self.odd += 1
        if self.odd % ODD_MAX == 0:
            self._on_odd()
