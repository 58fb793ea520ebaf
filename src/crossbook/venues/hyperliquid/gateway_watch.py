"""What is watched while a gateway runs: rules of instruments, the venue's clock, the dead man's switch, budgets."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.events import ClockOffset, InstrumentChanged
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level
from crossbook.venues.budgets import Purpose
from crossbook.venues.clock_offset import ClockWatch, Offset
from crossbook.venues.hyperliquid import answers, info, orders
from crossbook.venues.hyperliquid.answers import Became
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_orders import Orders
from crossbook.venues.hyperliquid.gateway_resolve import Resolver
from crossbook.venues.hyperliquid.info import Meta, RateLimit, SpotMeta, Status
from crossbook.venues.hyperliquid.rules import perp_messages, spot_messages
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.network import Handle
from crossbook.venues.rest import Fate, Outcome
from crossbook.venues.rule_changes import GONE, rule_changes

RULES_S = 300.0
SOON_S = 1.0
GRID = ("tick", "lot", "settle", "base", "quote", "size_decimals", "asset_index", GONE)
SWITCH_MS = 60_000
SWITCH_AGAIN_NS = 20 * NS_PER_S
SWITCH_REFUSED = ("no_dead_mans_switch", "schedule_used_up")
BUDGET_NS = NS_PER_S
LIMIT_NS = 300 * NS_PER_S


class RulesWatch:
    """Reads meta anew every five minutes: a market that closes or opens is told as an event; a changed grid ends what
    may be opened there, for the desk's numbers are on the old one."""

    def __init__(self, ground: Ground, resolver: Resolver) -> None:
        self._ground, self._read = ground, resolver.read
        self._next: Handle | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Go on from the rules that were looked up; what is closed or absent already is told."""
        for symbol, number in self._ground.numbers.items():
            rules = self._ground.rules.get(symbol)
            if rules is None:
                text = f"{symbol} is not listed"
                self._ground.trouble("unknown_symbol", text, Level.CLOSE_ONLY, number)
            elif not rules.tradeable:
                self._closed(symbol, str(rules.status))
        self._next = self._ground.ports.loop.call_later(RULES_S, self._ask)

    def stop(self) -> None:
        """Look no more."""
        self._is_stopped = True
        if self._next is not None:
            self._next.cancel()

    def soon(self) -> None:
        """Something says that they changed."""
        if not self._is_stopped and self._next is not None:
            self._next.cancel()
            self._next = self._ground.ports.loop.call_later(SOON_S, self._ask)

    def _ask(self) -> None:
        self._next = self._ground.ports.loop.call_later(RULES_S, self._ask)
        self._ground.ask(info.meta(), self._came)

    def _came(self, outcome: Outcome) -> None:
        found = None if self._is_stopped else self._read(outcome, Meta)
        if found is None:
            return
        ground = self._ground
        old = [rules for symbol, rules in ground.rules.items() if symbol in ground.numbers and rules.kind == "linear"]
        fresh = [one for one in perp_messages(found, 0, ground.collateral) if one.instrument in ground.numbers]
        for change in rule_changes(old, fresh):
            number = ground.numbers.get(change.instrument, -1)
            if change.field == "tradeable" and change.new:
                self._tell(number, 1)
            elif change.field == "tradeable":
                self._closed(change.instrument, next(str(o.status) for o in fresh if o.instrument == change.instrument))
            elif change.field != "status":
                level = Level.CLOSE_ONLY if change.field in GRID else Level.ACTIVE
                ground.trouble(f"rule_changed_{change.field}", str(change), level, number)
        ground.rules.update({one.instrument: one for one in fresh})

    def _closed(self, symbol: str, status: str) -> None:
        number = self._ground.numbers.get(symbol, -1)
        self._ground.trouble("market_closed", f"{symbol}: its status is {status}", Level.CLOSE_ONLY, number)
        self._tell(number, 0)

    def _tell(self, number: int, tradeable: int) -> None:
        ts = self._ground.now_ns()
        if number >= 0:
            self._ground.desk.on_event(InstrumentChanged(ts=ts, ts_venue=ts, instrument=number, tradeable=tradeable))


def rules_of(meta: Meta, spot: SpotMeta, collateral: str) -> dict[str, Rules]:
    """What there is, by symbol. Raises `Refused` where the venue's lists do not fit each other."""
    return {one.instrument: one for one in (*perp_messages(meta, 0, collateral), *spot_messages(spot))}


class VenueClock:
    """Keeps the venue's offset; each new median is an event: how far it is from what it was at the start."""

    def __init__(self, ground: Ground, resolver: Resolver, drift_ns_max: int) -> None:
        self._ground, self._read, self._drift_ns_max = ground, resolver.read, drift_ns_max
        self._watch = ClockWatch(ground.venue, ground.ports, self._ask, self._on_offset)
        self.samples = self._watch.samples

    def start(self) -> None:
        """Go on watching. A clock that is off already is told once more, for the first time was before the desk."""
        self._judge(self._ground.offset_ns, Level.CLOSE_ONLY)
        self._watch.start()

    def stop(self) -> None:
        """Watch no more."""
        self._watch.stop()

    def again(self) -> None:
        """The venue does not take our stamps: measure now."""
        self._watch.stop()
        self._watch.start()

    def _ask(self, on_stamp: Callable[[int, int, int], None]) -> None:
        def came(outcome: Outcome) -> None:
            said = self._read(outcome, Status)
            if said is not None:
                on_stamp(said.time * NS_PER_MS, outcome.sent_ns, outcome.receive_ns)

        self._ground.ask(info.status(), came, Purpose.SAFE)

    def _on_offset(self, event: ClockOffset, offset: Offset) -> None:
        ground = self._ground
        ground.offset_ns = offset.offset_ns
        ground.desk.on_event(msgspec.structs.replace(event, offset_ns=offset.offset_ns - ground.settled_ns))
        self._judge(offset.offset_ns - ground.settled_ns, Level.ACTIVE)

    def _judge(self, off_ns: int, level: Level) -> None:
        if not abs(off_ns) <= self._drift_ns_max:
            self._ground.trouble("clock_off", clock_words(off_ns, self._drift_ns_max), level)


def clock_words(off_ns: int, most_ns: int) -> str:
    """What is said of a clock that is off."""
    return (
        f"our clock and the venue's differ by {off_ns // NS_PER_MS} ms, at most {most_ns // NS_PER_MS} ms may be: "
        "set the clock of this machine"
    )


class DeadMansSwitch:
    """While an order may rest, the venue takes everything back if it does not hear of us for a minute. It permits that
    only to who has traded enough."""

    def __init__(self, ground: Ground, kept: Orders) -> None:
        self._ground, self._orders = ground, kept
        self._armed_ns: int | None = None
        self._is_forbidden = False

    def tick(self, now_ns: int) -> None:
        """Wind it up where it is time, switch it off where nothing rests any more: it would take later orders."""
        if self._is_forbidden:
            return
        if self._orders.rests:
            if self._armed_ns is None or now_ns - self._armed_ns >= SWITCH_AGAIN_NS:
                self._armed_ns = now_ns
                self._set(self._ground.venue_ms() + SWITCH_MS)
        elif self._armed_ns is not None:
            self._armed_ns = None
            self._set(None)

    def _set(self, time_ms: int | None) -> None:
        ground = self._ground
        action = orders.schedule_cancel(time_ms, ground.venue_ms())

        def came(outcome: Outcome) -> None:
            if outcome.fate is not Fate.ANSWERED:
                return
            said = answers.read_answer("scheduleCancel", 1, outcome.body, outcome.status)[0]
            if said.became is Became.ERROR and said.error is not None:
                if said.error.name in SWITCH_REFUSED:
                    self._is_forbidden = True
                    ground.trouble(said.error.name, said.error.text)
                else:
                    ground.heed(said.error)

        ground.act(action, ground.sign(action), came)


class BudgetWatch:
    """Tells the desk what is left while it is little; asks the venue for its own count of the address now and then."""

    def __init__(self, ground: Ground, resolver: Resolver) -> None:
        self._ground, self._read = ground, resolver.read
        self._told_ns = 0
        self._asked_ns = ground.monotonic_ns()
        self._was_low = False

    def tick(self, now_ns: int) -> None:
        """Once a second while less than half of a budget is left, and once it is more again."""
        ground = self._ground
        if ground.key is not None and now_ns - self._asked_ns >= LIMIT_NS:
            self._asked_ns = now_ns
            ground.ask(info.rate_limit(ground.account), self._came)
        if now_ns - self._told_ns < BUDGET_NS:
            return
        self._told_ns = now_ns
        report = ground.budgets.report(now_ns)
        is_low = 2 * report.left < report.whole or 2 * ground.address.used > ground.address.cap
        if is_low or self._was_low:
            ground.tell_budget()
        self._was_low = is_low

    def _came(self, outcome: Outcome) -> None:
        said = self._read(outcome, RateLimit)
        if said is not None:
            self._ground.address.reported(said.n_requests_cap, said.n_requests_used)
