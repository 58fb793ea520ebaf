"""The rim of a run on live streams: frames and answers of gateways in, commands out, nothing between tick and wire.

What a gateway hears is stepped inside its callback; an order that comes of it is journalled and written before the
callback returns. On paper the commands go to simulated venues that see the same frames. Everything arrives on one
thread; the desk's time is the rim's clock, which never runs back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from crossbook.commands import Query
from crossbook.desk.core import SUBMIT_ORDER, Core, Journal
from crossbook.desk.desk_snapshot import Standing
from crossbook.desk.health import watch_health
from crossbook.desk.inputs import Inputs
from crossbook.desk.keeping import Keeper
from crossbook.desk.latency import FrameTimes, LatencySink
from crossbook.desk.live_resume import Resumed
from crossbook.desk.wire_live import LiveBundle
from crossbook.engine import Engine
from crossbook.events import (
    Event,
    OperatorRequest,
    OrderReport,
    Restricted,
    RunStopped,
    StreamDown,
    StreamUp,
    Timer,
)
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import decode_out, encode_declaration, encode_text, row_of, rows_of_out
from crossbook.rules.kernel import KERNELS
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack
from crossbook.sim.exchange import FOREVER
from crossbook.sim.fed import FedVenues
from crossbook.timestamp import NS_PER_S
from crossbook.types import Level, Venue
from crossbook.venues.gateway import Directory, Gateway, OpenOrder, Trouble
from crossbook.venues.network import Handle, Ports

ORDERS_TRACED = 1_024
REPORTS_WITHIN_S = 5.0
"""How long the venues' last reports are waited for."""


class LiveDesk:
    """One run. `simulated`: where commands go on paper, None: to the gateways. `journal_lag_ns`: how far the disk is
    behind. `inputs`: where what it hears is kept. `begin` or `go_on`, then it lives by callbacks; `finish` ends it."""

    def __init__(
        self,
        bundle: LiveBundle,
        journal: Journal,
        ports: Ports,
        gateways: Mapping[Venue, Gateway],
        *,
        simulated: FedVenues | None = None,
        journal_lag_ns: Callable[[], int] = lambda: 0,
        watch: Callable[[bytes], None] | None = None,
        latency: LatencySink | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        self.bundle = bundle
        self.requests = 0
        """How many requests of a person came in."""
        self.steps = 0
        self.frames = 0
        self.ended = self._is_finishing = False
        self.times = FrameTimes()
        self._core = Core(bundle.engine, bundle.state, journal, self._send, self._wake, watch)
        self._step = bundle.engine.step_rows
        self._ports = ports
        self._gateways = gateways
        self._by_number = {int(venue): gateway for venue, gateway in gateways.items()}
        self._simulated = simulated
        self._journal_lag_ns = journal_lag_ns
        self._latency = latency
        self._timers: list[tuple[int, int]] = []
        self._withheld: set[int] | None = None
        self._now = 0
        self._intents: dict[int, int] = {}
        self._sent = 0
        """The intent of the last order that left."""
        self._keeper = Keeper(inputs, ports, bundle.engine.desk, self._standing) if inputs is not None else None
        self._due: Handle | None = None
        self._due_ns = FOREVER
        self._reports_missing: set[int] = set()
        self._on_reports: Callable[[], None] | None = None

    @property
    def ports(self) -> Ports:
        return self._ports

    @property
    def engine(self) -> Engine:
        return self.bundle.engine

    @property
    def declaration(self) -> Declaration:
        return self.bundle.declaration

    @property
    def moment(self) -> int:
        """The desk's time: that of the last thing that happened."""
        return self._now

    def begin(self, on_running: Callable[[], None]) -> None:
        """Declare the run, bring its money in, start the gateways; `on_running` once all are ready."""
        self._core.append(encode_declaration(self.bundle.declaration.to_json()))
        for transfer in self.bundle.transfers:
            if self._simulated is not None:
                self._simulated.transfer(transfer.venue, transfer.asset, transfer.amount_e8)
            self.on_event(transfer)
        self._start(on_running, ())

    def go_on(self, resumed: Resumed, on_running: Callable[[], None]) -> None:
        """Go on from where a run was cut off; `on_running` once all are ready and have reported. Until then streams
        count as down: nothing is entered before orders, fills, positions and balances are compared."""
        self._now = resumed.now
        self.requests, self.frames, self.steps = resumed.requests, resumed.frames, resumed.steps
        for payload in resumed.missing:
            self._core.append(payload)
        self._core.append(encode_text({"restart": resumed.restarts + 1}))
        self._timers = list(resumed.timers)
        self._withheld = set()

        def trade() -> None:
            withheld, self._withheld = self._withheld or set(), None
            for venue in sorted(withheld):
                now = self._tick()
                self.on_event(StreamUp(ts=now, ts_venue=now, venue=venue))
            for due, number in resumed.timers:
                self._set(due, number)
            on_running()

        self._start(lambda: self._compare(trade), resumed.open_orders)

    def _compare(self, on_compared: Callable[[], None]) -> None:
        """Have every venue report how we stand there."""
        self._reports_missing = {int(venue) for venue in self._gateways}
        self._on_reports = on_compared
        for venue, gateway in self._gateways.items():
            gateway.send(row_of(Query(ts=self._tick(), venue=int(venue))))

    def _standing(self) -> Standing:
        return Standing(
            sequence=self._core.journal.sequence, kernels=KERNELS, timers=tuple(self._timers),
            requests=self.requests, frames=self.frames, steps=self.steps,
        )  # fmt: skip

    def _start(self, on_running: Callable[[], None], open_orders: Sequence[OpenOrder]) -> None:
        if self._keeper is not None:
            self._keeper.keep()
        waiting = set(self._gateways)
        declared = self.bundle.declaration
        directory = Directory(
            instruments=self.bundle.instruments, assets=tuple(declared.assets), strategies=tuple(declared.strategies)
        )

        def ready(venue: Venue) -> None:
            waiting.discard(venue)
            if not waiting:
                on_running()

        for venue, gateway in self._gateways.items():
            numbers = directory.numbers(venue).values()
            own = [order for order in open_orders if order.instrument in numbers]
            gateway.start(directory, own, partial(ready, venue))
        watch_health(
            self._ports, self._core.journal.directory, self._journal_lag_ns,
            lambda: None if self.ended else self._tick(), self.on_event,
        )  # fmt: skip

    # what gateways say

    def on_market(self, rows: Rows, receive_ns: int) -> None:
        """See `venues.gateway.Desk`."""
        if self.ended or self._is_finishing:
            return
        clock = self._ports.clock
        decoded_ns = clock.now_ns()
        if receive_ns > self._now:
            self._now = receive_ns
        rows.flags.writeable = False
        if self._keeper is not None:
            self._keeper.frame(self._core.journal.sequence, rows)
        if self._simulated is not None:
            self._drain(receive_ns - 1)
            self._simulated.feed(rows)
        self.frames += 1
        self.steps += 1
        answers = self._step(rows)
        if len(answers):
            self._decide(answers, receive_ns, decoded_ns)
        self.times.add(clock.now_ns() - receive_ns)
        if self._simulated is not None:
            self._wait_for_venues()

    def _decide(self, answers: Rows, receive_ns: int, decoded_ns: int) -> None:
        """Journal and send. What the frame's own stamps need is noted beforehand, and written once all are sent."""
        decided_ns, self._sent = self._ports.clock.now_ns(), 0
        self._core.answer(answers)
        if self._sent and self._latency is not None:
            self._latency.led_to(self._sent, self._ports.clock.now_ns(), receive_ns, decoded_ns, decided_ns)
            while len(self._intents) > ORDERS_TRACED:
                del self._intents[next(iter(self._intents))]

    def on_event(self, event: Event) -> None:
        """See `venues.gateway.Desk`."""
        if self.ended:
            return
        if self._withheld is not None:
            if isinstance(event, StreamUp):
                self._withheld.add(event.venue)
                return
            if isinstance(event, StreamDown):
                self._withheld.discard(event.venue)
        self._take(pack(event))
        if isinstance(event, OrderReport) and event.venue in self._reports_missing:
            self._reports_missing.discard(event.venue)
            if not self._reports_missing and self._on_reports is not None:
                self._on_reports()

    def on_trouble(self, trouble: Trouble) -> None:
        """The error in words, then the fall that it asks for."""
        if self.ended:
            return
        now = self._tick()
        self._core.say(
            {"trouble": trouble.name, "venue": trouble.venue.label, "text": trouble.text, "ts": now,
             "level": trouble.level.name}
        )  # fmt: skip
        if trouble.level < Level.ACTIVE:
            event = Restricted(
                ts=now, ts_venue=now, venue=int(trouble.venue), level=int(trouble.level), instrument=trouble.instrument
            )
            self._take(pack(event))

    def stamp(self, hop: int, order: int) -> None:
        """See `venues.gateway.Desk`."""
        if self._latency is not None and (intent := self._intents.get(order)) is not None:
            self._latency.stamp(hop, intent, order)

    # what people and clocks say

    def request(self, words: dict[str, Any], scope: int, index: int, level: int, wish: int, ts: int) -> list[bytes]:
        """A person's wish: journal its words, then the event, then handle it. Returns the entries of the answer."""
        now = self._tick()
        self.requests += 1
        self._core.say({"request": self.requests, "frames": 0, "ts": now} | words)
        event = OperatorRequest(
            ts=now, ts_venue=now, scope=scope, index=index, level=level, wish=wish, request=self.requests
        )
        return self._take(pack(event))

    def _wake(self, due: int, number: int) -> None:
        """Timers are the rim's: a fired one is an event like any other."""
        self._timers.append((due, number))
        self._set(due, number)

    def _set(self, due: int, number: int) -> None:
        def fire() -> None:
            if not self.ended and not self._is_finishing:
                self._timers.remove((due, number))
                now = self._tick()
                self._take(pack(Timer(ts=now, ts_venue=now, timer=number)))

        self._ports.loop.call_later(max(due - self._ports.clock.now_ns(), 0) / NS_PER_S, fire)

    # commands

    def _send(self, entry: bytes) -> None:
        command = decode_out(entry)
        if command.kind == SUBMIT_ORDER:
            self._sent = self._intents[command.order] = command.intent
        if self._simulated is not None:
            self._simulated.send(rows_of_out(entry))
            return
        gateway = self._by_number.get(command.venue)
        if gateway is not None:
            gateway.send(command)
            return
        for gateway in self._gateways.values():  # CANCEL_ALL of everywhere
            gateway.send(command._replace(venue=int(gateway.venue)))

    def _take(self, event: Rows) -> list[bytes]:
        self._now = max(self._now, int(event["ts"][0]))
        self.steps += 1
        entries = self._core.account(event)
        if self._simulated is not None:
            self._wait_for_venues()
        return entries

    def _tick(self) -> int:
        self._now = max(self._now, self._ports.clock.now_ns())
        return self._now

    # simulated venues

    def _drain(self, until: int) -> None:
        """Hand over what the simulated venues have said by `until`; nothing is told before what was told already."""
        venues = self._simulated
        assert venues is not None
        while venues.next_due() <= until:
            replies = venues.advance(venues.next_due())
            for k in range(len(replies)):
                reply = replies[k : k + 1]
                reply["ts"] = max(int(reply["ts"][0]), self._now)
                self._now = int(reply["ts"][0])
                self.steps += 1
                self._core.account(reply)

    def _wait_for_venues(self) -> None:
        assert self._simulated is not None
        due = self._simulated.next_due()
        if due == self._due_ns:
            return
        if self._due is not None:
            self._due.cancel()
        self._due_ns, self._due = due, None
        if due < FOREVER:
            self._due = self._ports.loop.call_later(
                max(due - self._ports.clock.now_ns(), 0) / NS_PER_S, self._venues_are_due
            )

    def _venues_are_due(self) -> None:
        self._due, self._due_ns = None, FOREVER
        if not self.ended:
            self._drain(self._tick())
            self._wait_for_venues()

    # the end

    def finish(self, on_ended: Callable[[], None]) -> None:
        """Look at the market no more, so that nothing is entered; ask the venues how we stand, take the last marks,
        close; then `on_ended`. What an answer still asks for, a leg to be made good, is sent."""
        self._is_finishing = True
        if self._simulated is not None:
            now = self._tick()
            self._drain(now)
            reports = self._simulated.reports(now)
            for k in range(len(reports)):
                self._core.account(reports[k : k + 1])
            self._stop(on_ended)
            return
        self._reports_missing = {int(venue) for venue in self._gateways}
        late = self._ports.loop.call_later(REPORTS_WITHIN_S, lambda: self._stop(on_ended))

        def all_said() -> None:
            late.cancel()
            self._ports.loop.call_soon(lambda: self._stop(on_ended))

        self._on_reports = all_said
        for venue, gateway in self._gateways.items():
            gateway.send(row_of(Query(ts=self._tick(), venue=int(venue))))

    def _stop(self, on_ended: Callable[[], None]) -> None:
        if self.ended:
            return
        now = self._tick()
        self._core.account(pack(RunStopped(ts=now, ts_venue=now)))
        while self.engine.has_unstated_denials():
            self._core.account(pack(RunStopped(ts=now, ts_venue=now)))
        self.ended = True
        self.leave(on_ended)

    def leave(self, on_left: Callable[[], None]) -> None:
        """Close the gateways; nothing is journalled."""
        self.ended = True
        if self._keeper is not None:
            self._keeper.end()
        open_still = set(self._gateways)

        def closed(venue: Venue) -> None:
            open_still.discard(venue)
            if not open_still:
                on_left()

        for venue, gateway in self._gateways.items():
            gateway.stop(partial(closed, venue))
