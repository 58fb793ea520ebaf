"""Fills that no order which we follow explains: late ones of our own, other people's, and forced closes."""

from __future__ import annotations

from collections.abc import Callable

from crossbook.venues.binance.fill_keys import Report, SeenFills
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.fill_facts import facts_of, side_of, tell_elsewhere, tell_foreign
from crossbook.venues.messages import Fill
from crossbook.venues.order_ids import OrderId


class Foreign:
    """Tells each of them once."""

    def __init__(self, ground: Ground, own: Callable[[str | None], OrderId | None]) -> None:
        self._ground, self._own = ground, own
        self._seen = SeenFills()

    def knows(self, said: Fill) -> bool:
        """Whether it was told already."""
        return self._seen.knows(said)

    def on_fill(self, said: Fill, ts: int) -> None:
        """One more report of such a fill."""
        ground = self._ground
        number = ground.numbers.get(said.instrument or "")
        if self._seen.see(said) is not Report.NEW:
            return
        if number is None or said.trade_id is None:
            tell_elsewhere(ground, said)
            return
        facts = facts_of(ground, said, number, said.trade_id, side_of(said), ts)
        tell_foreign(ground, said, facts, self._own(said.client_order_id))
