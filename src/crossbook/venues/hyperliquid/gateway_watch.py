"""What is watched while a gateway runs: rules of instruments, the venue's clock, the dead man's switch, budgets."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.events import ClockOffset
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level
from crossbook.venues import rules_watch
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
from crossbook.venues.rest import Fate, Outcome

SWITCH_MS = 60_000
SWITCH_AGAIN_NS = 20 * NS_PER_S
SWITCH_REFUSED = ("no_dead_mans_switch", "schedule_used_up")
LIMIT_NS = 300 * NS_PER_S


class RulesWatch(rules_watch.RulesWatch):
    """Reads meta anew."""

    def __init__(self, ground: Ground, resolver: Resolver) -> None:
        super().__init__(ground)
        self._ground, self._read = ground, resolver.read

    def start(self) -> None:
        """See `begin`."""
        self.begin(self._ground.rules)

    def _ask_rules(self) -> None:
        self._ground.ask(info.meta(), self._came)

    def _came(self, outcome: Outcome) -> None:
        found = None if self.is_stopped else self._read(outcome, Meta)
        if found is None:
            return
        ground = self._ground
        old = [rules for symbol, rules in ground.rules.items() if symbol in ground.numbers and rules.kind == "linear"]
        fresh = [one for one in perp_messages(found, 0, ground.collateral) if one.instrument in ground.numbers]
        self._compare(old, fresh)
        ground.rules.update({one.instrument: one for one in fresh})


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
        if self._orders.rests():
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


class LimitWatch:
    """Asks the venue for its own count of the address now and then."""

    def __init__(self, ground: Ground, resolver: Resolver) -> None:
        self._ground, self._read = ground, resolver.read
        self._asked_ns = ground.monotonic_ns()

    def tick(self, now_ns: int) -> None:
        """Once in `LIMIT_NS`."""
        ground = self._ground
        if ground.key is not None and now_ns - self._asked_ns >= LIMIT_NS:
            self._asked_ns = now_ns
            ground.ask(info.rate_limit(ground.account), self._came)

    def _came(self, outcome: Outcome) -> None:
        said = self._read(outcome, RateLimit)
        if said is not None:
            self._ground.address.reported(said.n_requests_cap, said.n_requests_used)
