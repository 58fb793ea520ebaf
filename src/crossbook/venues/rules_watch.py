"""The rules of what is traded, read anew now and then: what follows where a venue changes them under us."""

from __future__ import annotations

from collections.abc import Mapping

from crossbook.events import InstrumentChanged
from crossbook.types import Level
from crossbook.venues.gateway_common import Ground
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.network import Handle
from crossbook.venues.rule_changes import GONE, rule_changes

RULES_S = 300.0
SOON_S = 1.0
GRID = ("tick", "lot", "settle", "base", "quote", "size_decimals", "asset_index", GONE)


class RulesWatch:
    """A market that closes or opens is told as an event; a changed grid ends what may be opened there, for the desk's
    numbers are on the old one. A venue's own watch asks in `_ask_rules`, and hands what came to `_compare`."""

    def __init__(self, ground: Ground) -> None:
        self.is_stopped = False
        self._footing = ground
        self._next: Handle | None = None

    def begin(self, rules: Mapping[str, Rules]) -> None:
        """Go on from the rules that were looked up; what is closed or absent already is told."""
        for symbol, number in self._footing.numbers.items():
            found = rules.get(symbol)
            if found is None:
                self._footing.trouble("unknown_symbol", f"{symbol} is not listed", Level.CLOSE_ONLY, number)
            elif not found.tradeable:
                self._closed(symbol, str(found.status))
        self._again(RULES_S)

    def stop(self) -> None:
        """Look no more."""
        self.is_stopped = True
        if self._next is not None:
            self._next.cancel()

    def soon(self) -> None:
        """Something says that they changed."""
        if not self.is_stopped and self._next is not None:
            self._next.cancel()
            self._again(SOON_S)

    def _again(self, seconds: float) -> None:
        self._next = self._footing.ports.loop.call_later(seconds, self._ask)

    def _ask(self) -> None:
        self._again(RULES_S)
        self._ask_rules()

    def _ask_rules(self) -> None:
        raise NotImplementedError

    def _compare(self, old: list[Rules], fresh: list[Rules]) -> None:
        ground = self._footing
        statuses = {one.instrument: str(one.status) for one in fresh}
        for change in rule_changes(old, fresh):
            number = ground.numbers.get(change.instrument, -1)
            if change.field == "tradeable" and change.new:
                self._tell(number, 1)
            elif change.field == "tradeable":
                self._closed(change.instrument, statuses[change.instrument])
            elif change.field != "status":  # what it means is told by `tradeable`
                level = Level.CLOSE_ONLY if change.field in GRID else Level.ACTIVE
                ground.trouble(f"rule_changed_{change.field}", str(change), level, number)

    def _closed(self, symbol: str, status: str) -> None:
        number = self._footing.numbers.get(symbol, -1)
        self._footing.trouble("market_closed", f"{symbol}: its status is {status}", Level.CLOSE_ONLY, number)
        self._tell(number, 0)

    def _tell(self, number: int, tradeable: int) -> None:
        ts = self._footing.now_ns()
        if number >= 0:
            self._footing.desk.on_event(InstrumentChanged(ts=ts, ts_venue=ts, instrument=number, tradeable=tradeable))
