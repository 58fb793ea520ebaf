"""Begin, watch and end a run on live streams: look at every venue first, then make its folder, then trade."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossbook import __version__
from crossbook.desk.alerts import AlertLog
from crossbook.desk.config import Config
from crossbook.desk.connections import Place
from crossbook.desk.control import ControlFolder
from crossbook.desk.inputs import FOLDER, Inputs
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.latency import LatencySink
from crossbook.desk.live import LiveDesk
from crossbook.desk.live_resume import Resumed
from crossbook.desk.operator import LISTEN_EVERY_S, Operator
from crossbook.desk.rehearsal import Rehearsal
from crossbook.desk.sockets import Rim
from crossbook.desk.wire import wanted_names
from crossbook.desk.wire_live import LiveBundle, simulation_of, wire_live
from crossbook.errors import Refused, Retryable
from crossbook.events import Event
from crossbook.risk.identity import Identity, identity_reason
from crossbook.risk.limits import NOT_WIRED_LIVE
from crossbook.rules.kernel import KERNELS
from crossbook.rules.layout import Rows
from crossbook.sim.fed import FedVenues
from crossbook.types import VENUE_BY_LABEL, Instrument, Level, Venue
from crossbook.venues import messages
from crossbook.venues.endpoints import Environment
from crossbook.venues.gateway import Desk, Gateway, Report, Trouble

NOT_WIRED_PAPER = ("C06 read-back", "C22 read-back", *NOT_WIRED_LIVE)
LOOK_WITHIN_S = 20.0
LOOKS_ON = ("clock_off",)
"""Troubles that let a level fall and yet end no look: stamps are moved by what was measured."""
STOP_WITHIN_S = 10.0
FLUSH_EVERY_S = 1.0

Make = Callable[[Place, tuple[str, ...], Desk], Gateway]


class Switch:
    """What a gateway is given as its desk before there is one: troubles are kept, nothing else can come yet.

    `on_ended` hears once a trouble has ended a venue's look; what passes, or is asked for again, is said once."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.desk: LiveDesk | None = None
        self.told: dict[Venue, Trouble] = {}
        """The last that was said of a venue."""
        self.ended: dict[Venue, Trouble] = {}
        """What ended its look. It is said with the refusal."""
        self.on_ended: Callable[[], None] = lambda: None
        self._known: set[tuple[Venue, str]] = set()
        self._say = say

    def on_market(self, rows: Rows, receive_ns: int) -> None:
        if self.desk is not None:
            self.desk.on_market(rows, receive_ns)

    def on_event(self, event: Event) -> None:
        if self.desk is not None:
            self.desk.on_event(event)

    def on_trouble(self, trouble: Trouble) -> None:
        if self.desk is not None:
            self.desk.on_trouble(trouble)
        elif trouble.level < Level.ACTIVE and trouble.name not in LOOKS_ON:
            self.ended[trouble.venue] = trouble
            self.on_ended()
        else:
            self.told[trouble.venue] = trouble
            if (trouble.venue, trouble.name) not in self._known:
                self._known.add((trouble.venue, trouble.name))
                self._say(f"{trouble.venue.label}: {trouble.name}: {trouble.text}")

    def stamp(self, hop: int, order: int) -> None:
        if self.desk is not None:
            self.desk.stamp(hop, order)


class LiveRun:
    """One run over a rim's loop. `make` builds a venue's gateway for some symbols there; `on_paper`: commands go to
    simulated venues. `go` returns when the run has ended or was stopped."""

    def __init__(
        self,
        config: Config,
        places: Mapping[Venue, Place],
        make: Make,
        rim: Rim,
        say: Callable[[str], object],
        *,
        on_paper: bool,
        seconds: float | None = None,
    ) -> None:
        self.desk: LiveDesk | None = None
        self.bundle: LiveBundle | None = None
        self._config = config
        self._rim = rim
        self._say = say
        self._on_paper = on_paper
        self._places = dict(places)
        self._seconds = seconds
        self._switch = Switch(say)
        self._reports: dict[Venue, Report] = {}
        symbols = symbols_of(config)
        self._gateways = {venue: make(places[venue], symbols[venue], self._switch) for venue in symbols}
        self._stopping = False
        self._resumed: Resumed | None = None

    def look(self) -> LiveBundle:
        """Ask every venue who we are and how it stands, and wire the run. Raises `Retryable` where one does not answer,
        `Refused` where a new run cannot begin."""
        self._ask()
        if not self._on_paper:
            self._refuse_what_is_open()
        instruments: dict[str, Instrument] = {}
        for report in self._reports.values():
            instruments |= {one.name: one for one in report.instruments}
        now = self._rim.ports.clock.now_ns()
        offsets = {venue: report.clock_offset_ns for venue, report in self._reports.items()}
        self.bundle = wire_live(self._config, instruments, offsets, self._wallets(), now, self._not_wired())
        return self.bundle

    def look_again(self, resumed: Resumed, accounts: Mapping[str, str]) -> None:
        """Ask every venue, to go on with a run that traded with `accounts` there (by venue). Raises `Retryable` where
        one does not answer, `Refused` where account or grids are no longer what they were."""
        self._ask()
        for label, account in self.accounts().items():
            if account != accounts.get(label, account):
                raise Refused(
                    f"{label}: this key is of account {account}, the run traded with {accounts[label]}; name the "
                    "connections it was begun with"
                )
        self._refuse_other_grids(resumed.bundle.instruments)
        self.bundle = resumed.bundle
        self._resumed = resumed

    def accounts(self) -> dict[str, str]:
        """What each venue calls our account, by venue."""
        return {venue.label: report.account.account_id or "" for venue, report in self._reports.items()}

    def _ask(self) -> None:
        loop = self._rim.ports.loop
        self._say(f"looking at {', '.join(venue.label for venue in self._gateways)} ...")
        failed = loop.call_later(LOOK_WITHIN_S, self._rim.stop)

        def stop_if_all_said() -> None:
            if self._reports.keys() | self._switch.ended.keys() == self._gateways.keys():
                loop.call_soon(self._rim.stop)

        def reported(report: Report) -> None:
            self._reports[report.venue] = report
            stop_if_all_said()

        self._switch.on_ended = stop_if_all_said
        for gateway in self._gateways.values():
            gateway.look(reported)
        self._rim.turn()
        failed.cancel()
        missing = [venue for venue in self._gateways if venue not in self._reports]
        if missing:
            raise _no_report(missing, self._switch)
        if not self._on_paper:
            self._refuse_another_identity()

    def go(self, folder: Path, writer: JournalWriter | None = None) -> None:
        """Trade until a request to stop, or until so many seconds have passed. `writer`: of a run that is gone on
        with, its journal."""
        assert self.bundle is not None
        loop, bundle, resumed = self._rim.ports.loop, self.bundle, self._resumed
        sink = LatencySink(folder / "latency.bin")
        with (
            writer or JournalWriter(folder / "journal") as writer,
            closing(self._inputs(folder)) if not self._on_paper else nullcontext() as inputs,
            AlertLog(folder / "alerts.log", bundle.declaration, self._say) as alerts,
        ):
            simulated = FedVenues(*simulation_of(bundle)) if self._on_paper else None
            self.desk = LiveDesk(
                bundle, writer, self._rim.ports, self._gateways, simulated=simulated,
                journal_lag_ns=writer.lag_ns, watch=alerts.take, latency=sink, inputs=inputs,
            )  # fmt: skip
            self._switch.desk = self.desk
            control = ControlFolder(folder)
            operator = Operator(self.desk, control, self._say)

            def listen() -> None:
                if not self._stopping:
                    operator.listen(0)
                    loop.call_later(LISTEN_EVERY_S, listen)

            def flush() -> None:
                sink.flush()
                loop.call_later(FLUSH_EVERY_S, flush)

            for number in (signal.SIGINT, signal.SIGTERM):
                self._rim.loop.add_signal_handler(number, self.stop)
            if self._seconds is not None:
                loop.call_later(self._seconds, self.stop)
            if resumed is None:
                self.desk.begin(lambda: self._told(f"run {folder.name}: all venues are ready"))
            else:
                self._go_on(resumed, writer, alerts, operator, folder.name)
            listen()
            flush()
            try:
                self._rim.run()
            finally:
                operator.dismiss("the run has ended; nothing was done")
                control.close()
                sink.flush()

    def _go_on(self, resumed: Resumed, writer: JournalWriter, alerts: AlertLog, operator: Operator, name: str) -> None:
        assert self.desk is not None
        alerts.aloud = False
        for _, payload in read_journal(writer.directory):
            alerts.take(payload)
        alerts.aloud = True
        for words, entries in resumed.heard:
            operator.knows(words, entries)
        self.desk.go_on(resumed, lambda: self._told(f"run {name}: all venues are ready and compared; it goes on"))

    def _inputs(self, folder: Path) -> Inputs:
        return Inputs(folder / FOLDER, KERNELS, self._resumed.chapter if self._resumed else 0)

    def _told(self, line: str) -> None:
        if self._rim.spinning and not self._on_paper and self.desk is not None:
            self._rim.between = Rehearsal(self.desk, self._gateways).between
        _keep_what_is_there()
        self._say(line)

    def stop(self) -> None:
        """End the run cleanly: no new command, the venues' last word, last marks."""
        if self._stopping or self.desk is None:
            return
        self._stopping = True
        self._rim.ports.loop.call_later(STOP_WITHIN_S, self._rim.stop)
        self.desk.finish(self._rim.stop)

    def _refuse_another_identity(self) -> None:
        """C27: where money could be, account and key are those that were written down."""
        for venue, report in self._reports.items():
            place = self._places[venue]
            if place.environment is Environment.LOCAL or place.key is None:
                continue
            world = place.environment.value
            pinned = Identity(
                environment=world, account=place.account, fingerprint=place.key_fingerprint, build=__version__
            )
            found = Identity(
                environment=world, account=report.account.account_id or "", fingerprint=place.key.fingerprint,
                build=__version__,
            )  # fmt: skip
            why = identity_reason(pinned, found)
            if why:
                raise Refused(f"{venue.label}: {why}")

    def _not_wired(self) -> tuple[str, ...]:
        if self._on_paper:
            return NOT_WIRED_PAPER
        local = any(place.environment is Environment.LOCAL for place in self._places.values())
        return tuple(name for name in NOT_WIRED_LIVE if local or name != "C27")

    def _refuse_what_is_open(self) -> None:
        """A new run begins flat: what is open at the venue would be nobody's."""
        for venue, report in self._reports.items():
            held = [one for one in report.positions if Decimal(one.quantity) != 0]
            if held:
                raise Refused(
                    f"{venue.label}: the account holds {held[0].quantity} {held[0].instrument}, which no strategy of "
                    "this run opened; close it at the venue, then begin"
                )
            if report.open_orders:
                raise Refused(
                    f"{venue.label}: {len(report.open_orders)} orders are open in {report.open_orders[0].instrument}; "
                    "cancel them at the venue, then begin"
                )

    def _refuse_other_grids(self, declared: Sequence[Instrument]) -> None:
        """Prices and quantities are kept in ticks and lots: on another grid they would mean something else."""
        found = {one.name: one for report in self._reports.values() for one in report.instruments}
        for one in declared:
            now = found.get(one.name)
            if now is None:
                raise Refused(f"{one.name}: the venue no longer lists it; close by hand what is open, begin a new run")
            for word in ("tick_e8", "lot_e8", "contract_e8"):
                was, is_now = getattr(one, word), getattr(now, word)
                if was != is_now:
                    raise Refused(
                        f"{one.name}: its {word} was {was} when the run began and is {is_now}; close at the venue what "
                        "is open, then begin a new run"
                    )

    def _wallets(self) -> dict[Venue, dict[str, int]]:
        if self._on_paper:
            return {
                VENUE_BY_LABEL[label]: {asset: int(amount.scaleb(8)) for asset, amount in venue.opening.items()}
                for label, venue in self._config.venues.items()
            }
        return {
            venue: {balance.asset: _total_e8(balance) for balance in report.balances}
            for venue, report in self._reports.items()
        }


def _no_report(venues: Sequence[Venue], heard: Switch) -> Retryable:
    """What is said where venues did not report: what ended the look, or what it still waited for."""
    why = []
    for venue in venues:
        if venue in heard.ended:
            why.append(f"{venue.label}: {heard.ended[venue].name}: {heard.ended[venue].text}")
        elif venue in heard.told:
            why.append(f"{venue.label}: still {heard.told[venue].name} after {LOOK_WITHIN_S:g} s")
        else:
            why.append(f"{venue.label}: no answer in full within {LOOK_WITHIN_S:g} s")
    return Retryable(f"cannot trade: {'; '.join(why)}; no order was sent, begin again once that is mended")


def _keep_what_is_there() -> None:
    """Venues are ready: what was made for that lives as long as the run, so a collection need not walk it again. It
    would take milliseconds, between a tick and its order."""
    gc.freeze()


def _total_e8(balance: messages.Balance) -> int:
    """All that is owned of an asset: the wallet's total, or what is free and what orders hold."""
    parts = [balance.total] if balance.total is not None else [balance.free or "0", balance.locked or "0"]
    return sum(int(Decimal(part).scaleb(8)) for part in parts)


def symbols_of(config: Config) -> dict[Venue, tuple[str, ...]]:
    """What a configuration trades or marks by, by venue."""
    found: dict[Venue, list[str]] = {}
    for name in wanted_names(config):
        label, _, symbol = name.partition(":")
        found.setdefault(VENUE_BY_LABEL[label], []).append(symbol)
    return {venue: tuple(symbols) for venue, symbols in found.items()}


def live_facts(folder: Path, path: Path, bundle: LiveBundle, mode: str, environment: str, run_s: int) -> dict[str, Any]:
    """What `run.json` says from the beginning. `run_s`: as order ids have it."""
    return {
        "run": folder.name,
        "config": str(path),
        "word": mode,
        "mode": mode,
        "environment": environment,
        "run_s": run_s,
        "version": __version__,
        "not_traded": [],
        "allocation": [
            {"strategy": one.strategy, "venue": one.venue, "usd": one.capital_e8 / 10**8, "reason": one.reason}
            for one in bundle.capital
        ],
    }


def fingerprint(places: Sequence[Place]) -> dict[str, str]:
    """Which keys a run used, by venue: fingerprints only."""
    return {place.venue.label: place.key.fingerprint for place in places if place.key is not None}
