"""What is watched while a gateway runs: the rules of the instruments, the venue's clock, the dead man's switch."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.events import ClockOffset
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues import rules_watch
from crossbook.venues.binance import instruments, requests
from crossbook.venues.binance.errors import http_error
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.gateway_orders import Orders
from crossbook.venues.binance.market_data import server_time
from crossbook.venues.budgets import Purpose
from crossbook.venues.clock_offset import ClockWatch, Offset
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.messages import ServerTime
from crossbook.venues.rest import Fate, Outcome

SWITCH_MS = 60_000
SWITCH_AGAIN_NS = 20 * NS_PER_S
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class RulesWatch(rules_watch.RulesWatch):
    """Reads exchangeInfo anew."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._ground = ground
        self._rules: list[Rules] = []

    def start(self, rules: list[Rules]) -> None:
        """See `begin`."""
        self._rules = rules
        self.begin({one.instrument: one for one in rules})

    def _ask_rules(self) -> None:
        names = tuple(self._ground.numbers)
        self._ground.ask(requests.exchange_info(self._ground.venue, names), self._came_by_name)

    def _came_by_name(self, outcome: Outcome) -> None:
        if outcome.fate is Fate.ANSWERED and outcome.status == 400:  # one of them is gone: the whole list tells which
            self._ground.ask(requests.exchange_info(self._ground.venue), self._came)
        else:
            self._came(outcome)

    def _came(self, outcome: Outcome) -> None:
        ground = self._ground
        if outcome.fate is not Fate.ANSWERED or outcome.status != 200 or self.is_stopped:
            return
        try:
            info = instruments.exchange_info(outcome.body)
        except UNREADABLE as error:
            ground.trouble("unreadable_rules", str(error))
            return
        ground.seen(info.rate_limits)
        old = self._rules
        self._rules = [instruments.rules_of(ground.label, one) for one in info.symbols if one.symbol in ground.numbers]
        self._compare(old, self._rules)


class VenueClock:
    """Keeps the venue's offset; each new median is an event."""

    def __init__(self, ground: Ground, drift_ns_max: int) -> None:
        self._ground, self._drift_ns_max = ground, drift_ns_max
        self._watch = ClockWatch(ground.venue, ground.ports, self._ask, self._on_offset)
        self.samples = self._watch.samples

    def start(self) -> None:
        """Go on watching."""
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
            if outcome.fate is Fate.ANSWERED and outcome.status == 200:
                try:
                    (said,) = server_time(self._ground.label, outcome.body)
                except UNREADABLE:
                    return
                if isinstance(said, ServerTime):
                    on_stamp(said.time_ns, outcome.sent_ns, outcome.receive_ns)

        self._ground.ask(requests.server_time(self._ground.venue), came, Purpose.SAFE)

    def _on_offset(self, event: ClockOffset, offset: Offset) -> None:
        ground = self._ground
        was_off = not abs(ground.offset_ns) <= self._drift_ns_max
        ground.offset_ns = offset.offset_ns
        ground.desk.on_event(event)
        if not was_off and not abs(offset.offset_ns) <= self._drift_ns_max:
            text = f"our clock is {abs(offset.offset_ns) // NS_PER_MS} ms off the venue's"
            ground.trouble("clock_off", text)


class DeadMansSwitch:
    """Futures: while an order may rest, the venue takes everything back if it does not hear of us for a minute."""

    def __init__(self, ground: Ground, orders: Orders) -> None:
        self._ground, self._orders = ground, orders
        self._armed_ns: dict[int, int] = {}

    def tick(self, now_ns: int) -> None:
        """Wind it up where it is time, switch it off where nothing rests any more: it would take later orders."""
        for number, instrument in self._ground.instruments.items():
            armed_ns = self._armed_ns.get(number)
            if self._orders.rests(number):
                if armed_ns is None or now_ns - armed_ns >= SWITCH_AGAIN_NS:
                    self._armed_ns[number] = now_ns
                    self._set(instrument.symbol, SWITCH_MS)
            elif armed_ns is not None:
                del self._armed_ns[number]
                self._set(instrument.symbol, 0)

    def _set(self, symbol: str, after_ms: int) -> None:
        def came(outcome: Outcome) -> None:
            if outcome.fate is Fate.ANSWERED and outcome.status != 200:
                retry_after_s = outcome.headers.get("retry-after")
                self._ground.heed(http_error(self._ground.label, outcome.status, outcome.body, retry_after_s), symbol)

        self._ground.ask(requests.countdown_cancel_all(symbol, after_ms), came, Purpose.SAFE)
