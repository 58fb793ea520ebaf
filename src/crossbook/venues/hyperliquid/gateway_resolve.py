"""Finding out what became of our orders at Hyperliquid: one of them by query, all of them after a gap.

"Unknown" is no evidence while the order may still arrive, and the venue's index may lag behind its engine: it counts
three times, and only from five seconds after the moment at which the order expires unseen. Nothing is ever sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.types import Level
from crossbook.venues.budgets import Purpose
from crossbook.venues.hyperliquid import info, normalise
from crossbook.venues.hyperliquid.errors import http_error
from crossbook.venues.hyperliquid.gateway_fills import Fills
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_orders import Live, Orders
from crossbook.venues.hyperliquid.messages import Fill, Order
from crossbook.venues.rest import Fate, Outcome

AGAIN_NS = tuple(round(s * NS_PER_S) for s in (0.5, 1, 2, 2, 2, 2, 5))
NOT_FOUND_MIN = 3
LATE_MS = 5_000
"""How long after its expiry an order may still be on its way into the venue's index."""
FILLS_MOST = 2_000
OVERLAP_MS = 60_000
"""How far before a gap fills are asked for: what is known already is not told again."""
AGAIN_S = 2.0
ORPHAN_S = 0.3
"""How long a fill waits for the answer to its order before the venue is asked whose it is."""
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
T = TypeVar("T")


class Resolver:
    """`on_open(live)` is called where a query found an order open that should be taken back; `on_broken` where fills
    are missing that the venue does not tell."""

    def __init__(
        self, ground: Ground, orders: Orders, on_open: Callable[[Live], None], on_broken: Callable[[], None]
    ) -> None:
        self.is_closed = False
        self.fills = Fills(ground, orders, self._fills_missing, self._orphan)
        self._ground, self._orders = ground, orders
        self._on_open, self._on_broken = on_open, on_broken
        self._good_ms = 0
        self._is_healing = False
        self._heal_again = False
        orders.on_number = lambda live, ts: self.fills.belongs(live.venue_order, live.client_id, ts)

    # one order

    def tick(self, now_ns: int) -> None:
        """Ask about the orders in doubt whose time has come."""
        for live in list(self._orders.doubts.values()):
            if live.ask_ns <= now_ns and not live.is_asking:
                self._ask(live)

    def _ask(self, live: Live) -> None:
        live.is_asking = True
        asked_ms = self._ground.venue_ms()

        def came(outcome: Outcome) -> None:
            live.is_asking = False
            if live.is_over:
                return
            live.ask_ns = self._ground.monotonic_ns() + AGAIN_NS[min(live.asks, len(AGAIN_NS) - 1)]
            live.asks += 1
            found = self.read(outcome, info.FoundOrder)
            if found is None:
                return
            if found.order is not None:
                live.created_ms = found.order.order.timestamp
                self._orders.on_update(normalise.order_update(found.order), outcome.receive_ns)
                self._go_on(live)
            elif found.status != "unknownOid":
                self._ground.trouble("unreadable_answer", f"orderStatus of {live.client_id}: {found.status}")
            elif asked_ms > live.expires_ms + LATE_MS:
                live.not_found += 1
                if live.not_found >= NOT_FOUND_MIN:
                    self._orders.vanish(live, outcome.receive_ns)

        self._ground.ask(info.order_status(self._ground.account, live.client_id), came, Purpose.SAFE)

    def _go_on(self, live: Live) -> None:
        if live.is_over:
            return
        if live.claimed > live.filled:
            self._ask_fills(live.created_ms - 1_000, lambda: None)
        elif live.wants_cancel:
            self._on_open(live)
        else:
            self._orders.clear(live)

    # all of them

    def gap_begins(self) -> None:
        """From here on events may be missed."""
        self._good_ms = self._good_ms or self._ground.venue_ms()

    def reconcile(self, on_done: Callable[[], None]) -> None:
        """Ask for what was missed: fills since the gap began, and what is open; then `on_done`, once."""
        start_ms = max(self.fills.since_ms, (self._good_ms or self._ground.venue_ms()) - OVERLAP_MS)

        def done() -> None:
            self._good_ms = 0
            self._look_at_links()
            on_done()

        self._ask_fills(start_ms, lambda: self.look_at_open(done) if self._orders.open else done())

    def look_at_open(self, on_done: Callable[[], None] = lambda: None) -> None:
        """Ask what is open; of our orders that should be and are not, the venue is asked one by one."""
        asked_ns = self._ground.monotonic_ns()

        def came(outcome: Outcome) -> None:
            found = self.read(outcome, list[Order])
            if found is None:
                self._again(outcome, lambda: self.look_at_open(on_done))
                return
            there = {(order.cloid or "").lower() for order in found}
            for order in found:
                self._orders.on_update(normalise.order(order), outcome.receive_ns)
            for live in list(self._orders.open.values()):
                if live.sent_ns < asked_ns and live.client_id not in there:
                    self._orders.doubt(live, 0)
            on_done()

        self._ground.ask(info.open_orders(self._ground.account), came, Purpose.SAFE)

    # fills

    def _ask_fills(self, start_ms: int, on_done: Callable[[], None]) -> None:
        """Tell the fills from a moment of the venue on, page by page."""

        def came(outcome: Outcome) -> None:
            found = self.read(outcome, list[Fill])
            if found is None:
                self._again(outcome, lambda: self._ask_fills(start_ms, on_done))
                return
            self._ground.brought(len(found))
            self.fills.take(found, outcome.receive_ns)
            last_ms = max((fill.time for fill in found), default=0)
            if len(found) >= FILLS_MOST and last_ms > start_ms:
                self._ask_fills(last_ms, on_done)
            else:
                on_done()

        self._ground.ask(info.fills_by_time(self._ground.account, max(start_ms, 0)), came, Purpose.SAFE)

    def _fills_missing(self, before_ms: int) -> None:
        """A fill does not join the one before: ask for what lies between, then look again."""
        if self._is_healing:
            self._heal_again = True
            return
        self._is_healing = True

        def done() -> None:
            self._is_healing = False
            again, self._heal_again = self._heal_again, False
            if again:
                self._fills_missing(before_ms)
            else:
                self._look_at_links()

        start_ms = max(self.fills.since_ms, before_ms - OVERLAP_MS)

        def ask() -> None:
            if not self.is_closed:
                self._ask_fills(start_ms, done)

        self._ground.ports.loop.call_later(ORPHAN_S, ask)

    def _look_at_links(self) -> None:
        broken = self.fills.broken() if not self._is_healing else []
        for coin in broken:
            number = self._ground.numbers.get(coin, -1)
            text = f"{coin}: fills are missing, and the venue does not tell them: positions do not join"
            self._ground.trouble("position_chain_broken", text, Level.CLOSE_ONLY, number)
        if broken:
            self._on_broken()

    def _orphan(self, oid: int) -> None:
        self._ground.ports.loop.call_later(ORPHAN_S, lambda: self._ask_whose(oid))

    def _ask_whose(self, oid: int) -> None:
        if self.is_closed or not self.fills.waits(oid):
            return

        def came(outcome: Outcome) -> None:
            found = self.read(outcome, info.FoundOrder)
            if found is None or found.order is None:
                self._again(outcome, lambda: self._ask_whose(oid))
                return
            ts = outcome.receive_ns
            self.fills.belongs(oid, found.order.order.cloid, ts)
            self._orders.on_update(normalise.order_update(found.order), ts)

        self._ground.ask(info.order_status(self._ground.account, oid), came, Purpose.SAFE)

    # answers

    def read(self, outcome: Outcome, kind: type[T]) -> T | None:
        """An answer of `/info` as it should be; None where there is none, and what that means is heeded."""
        if outcome.fate is not Fate.ANSWERED:
            return None
        if outcome.status != 200:
            self._ground.heed(http_error(outcome.status, outcome.body[:200].decode("utf-8", "replace")))
            return None
        try:
            return msgspec.json.decode(outcome.body, type=kind)
        except UNREADABLE as error:
            self._ground.trouble("unreadable_answer", f"an answer to a question cannot be read: {error}")
            return None

    def _again(self, outcome: Outcome, call: Callable[[], None]) -> None:
        wait_s = self._ground.ports.random.uniform(AGAIN_S / 2, AGAIN_S)
        if outcome.refusal is not None:
            wait_s += min(max(outcome.refusal.allowed_ns - self._ground.monotonic_ns(), 0) / NS_PER_S, 60.0)
        self._ground.ports.loop.call_later(wait_s, lambda: None if self.is_closed else call())
