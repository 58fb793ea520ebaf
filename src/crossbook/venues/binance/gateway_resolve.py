"""Finding out what became of our orders at Binance: one of them by query, all of an instrument after a gap.

"Not found" is no evidence while the order may still arrive, and Binance's queries may lag behind its engine: it counts
three times, and only once the order's own window has passed. Nothing is ever sent again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues.binance import requests
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.gateway_orders import Live, Orders
from crossbook.venues.binance.orders import order_answer, user_trades
from crossbook.venues.binance.requests import RECV_WINDOW_MS
from crossbook.venues.budgets import Purpose
from crossbook.venues.messages import Consequence, Error, Fill, Message, OrderStatus, OrderUpdate
from crossbook.venues.rest import Fate, Outcome

AGAIN_NS = tuple(round(s * NS_PER_S) for s in (0.5, 1, 2, 2, 2, 2, 5))
NOT_FOUND_MIN = 3
LATE_NS = {True: NS_PER_S, False: 10 * NS_PER_S}
"""How long after its window an order may still reach the engine. Spot looks at the window again right before; of
futures the documents do not say so, and a backend may wait ten seconds."""
TRADES_MOST = 1_000
OVERLAP_MS = 300_000
"""How far before a gap trades are asked for: what is known already is not told again."""
AGAIN_S = 2.0
HOPELESS_FACTOR = 15
"""A key that the venue does not take is not shown to it every second."""
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Resolver:
    """`on_open(live)` is called where a query found an order open that should be taken back."""

    def __init__(self, ground: Ground, orders: Orders, on_open: Callable[[Live], None]) -> None:
        self.since_ms = 0
        """Trades before this moment of the venue are not ours to tell: the first report holds them."""
        self.is_closed = False
        self._ground, self._orders, self._on_open = ground, orders, on_open
        self._good_ms = 0
        self._gaps = 0
        self._is_reconciling = self._once_more = False
        self._waiting: list[Callable[[], None]] = []

    # one order

    def tick(self, now_ns: int) -> None:
        """Ask about the orders in doubt whose time has come."""
        for live in list(self._orders.doubts.values()):
            if live.ask_ns <= now_ns and not live.is_asking:
                self._ask(live)

    def _ask(self, live: Live) -> None:
        live.is_asking = True
        asked_ns, symbol = self._ground.monotonic_ns(), self._orders.symbol_of(live)

        def came(outcome: Outcome) -> None:
            live.is_asking = False
            if live.is_over:
                return
            live.ask_ns = self._ground.monotonic_ns() + AGAIN_NS[min(live.asks, len(AGAIN_NS) - 1)]
            live.asks += 1
            if outcome.fate is Fate.ANSWERED:
                for one in self._read(outcome):
                    if isinstance(one, Error):
                        self._on_error(live, one, asked_ns, outcome.receive_ns)
                    elif isinstance(one, OrderUpdate) and one.status is not OrderStatus.UNKNOWN:
                        self._orders.on_update(one, outcome.receive_ns)
                        self._go_on(live)

        query = requests.query(self._ground.venue, symbol, client_order_id=live.client_id)
        self._ground.ask(query, came, Purpose.SAFE)

    def _on_error(self, live: Live, error: Error, asked_ns: int, ts: int) -> None:
        if error.name == "order_archived":
            live.end = live.end or OrderStatus.EXPIRED
            self._orders.vanish(live, ts)
        elif error.name != "order_not_found":
            self._ground.heed(error, self._orders.symbol_of(live))
        elif asked_ns > live.sent_ns + RECV_WINDOW_MS * NS_PER_MS + LATE_NS[self._ground.is_spot]:
            live.not_found += 1
            if live.not_found >= NOT_FOUND_MIN:
                self._orders.vanish(live, ts)

    def _go_on(self, live: Live) -> None:
        if live.is_over:
            return
        if live.claimed > live.filled and live.venue_order:
            self._ask_trades(live)
        elif live.wants_cancel:
            self._on_open(live)
        else:
            self._orders.clear(live)

    def _ask_trades(self, live: Live) -> None:
        symbol = self._orders.symbol_of(live)
        self._trades(
            symbol, requests.my_trades(self._ground.venue, symbol, order_id=live.venue_order),
            lambda: None if live.is_over else self._orders.clear(live), lambda: None,
        )  # fmt: skip

    # all of them

    def gap_begins(self) -> None:
        """From here on events may be missed."""
        self._gaps += 1
        self._good_ms = self._good_ms or self._ground.venue_ms()

    def reconcile(self, on_done: Callable[[], None]) -> None:
        """Ask for what was missed: trades since the gap began, and what is open; then `on_done`, once. Asked for again
        meanwhile, all of it is asked once more, for what came between."""
        self._waiting.append(on_done)
        self._once_more = self._is_reconciling
        if not self._is_reconciling:
            self._is_reconciling = True
            self._reconcile()

    def _reconcile(self) -> None:
        left = list(self._ground.numbers)
        gaps, began_ms = self._gaps, self._ground.venue_ms()
        start_ms = max(self.since_ms, (self._good_ms or began_ms) - OVERLAP_MS)

        def next_symbol() -> None:
            if left:
                symbol = left.pop()
                self._missed(symbol, start_ms, lambda: self.look_at_open(symbol, next_symbol))
            elif self._once_more:
                self._once_more = False
                self._reconcile()
            else:
                self._is_reconciling = False
                self._good_ms = 0 if gaps == self._gaps else began_ms  # another gap may have begun meanwhile
                waiting, self._waiting = self._waiting, []
                for on_done in waiting:
                    on_done()

        next_symbol()

    def look_at_open(self, symbol: str, on_done: Callable[[], None] = lambda: None) -> None:
        """Ask what is open; of our orders that should be and are not, the venue is asked one by one."""
        asked_ns = self._ground.monotonic_ns()

        def came(outcome: Outcome) -> None:
            found = self._read(outcome) if outcome.fate is Fate.ANSWERED else []
            errors = [one for one in found if isinstance(one, Error)]
            for error in errors:
                self._ground.heed(error, symbol)
            if errors or outcome.fate is not Fate.ANSWERED:
                self._again(outcome, lambda: self.look_at_open(symbol, on_done))
                return
            there = set()
            for one in found:
                if isinstance(one, OrderUpdate) and one.status is not OrderStatus.UNKNOWN:
                    there.add(one.client_order_id)
                    self._orders.on_update(one, outcome.receive_ns)
            for live in list(self._orders.open.values()):
                if live.sent_ns < asked_ns and live.client_id not in there and self._orders.symbol_of(live) == symbol:
                    self._orders.doubt(live, 0)
            on_done()

        self._ground.ask(requests.open_orders(self._ground.venue, symbol), came, Purpose.SAFE)

    def _missed(self, symbol: str, start_ms: int, on_done: Callable[[], None]) -> None:
        request = requests.my_trades(self._ground.venue, symbol, start_ms=start_ms)
        self._trades(symbol, request, on_done, lambda: self._missed(symbol, start_ms, on_done))

    def _trades(
        self, symbol: str, request: requests.Request, on_done: Callable[[], None], again: Callable[[], None]
    ) -> None:
        """Tell the trades of an answer, and those of further pages."""

        def came(outcome: Outcome) -> None:
            fills: list[Message] | None = None
            if outcome.fate is Fate.ANSWERED and outcome.status == 200:
                try:
                    fills = user_trades(self._ground.label, outcome.body)
                except UNREADABLE as error:
                    self._ground.trouble("unreadable_trades", f"{symbol}: {error}")
            if fills is None:
                for one in self._read(outcome) if outcome.fate is Fate.ANSWERED else []:
                    if isinstance(one, Error):
                        self._ground.heed(one, symbol)
                self._again(outcome, again)
                return
            told = [one for one in fills if isinstance(one, Fill)]
            self._tell(symbol, told, outcome.receive_ns)
            if len(told) >= TRADES_MOST and (last := told[-1].trade_id) is not None:
                page = requests.my_trades(self._ground.venue, symbol, from_id=last + 1)
                self._trades(symbol, page, on_done, again)
            else:
                on_done()

        self._ground.ask(request, came, Purpose.SAFE)

    def _tell(self, symbol: str, fills: list[Fill], ts: int) -> None:
        """A trade of a query names its order by the venue's number only: of an unknown one, whose it is is asked."""
        orphans: dict[int, list[Fill]] = {}
        for fill in fills:
            if fill.venue_order_id is None or self._orders.find(None, fill.venue_order_id, symbol) is not None:
                self._orders.on_fill(fill, ts)
            elif not self._orders.foreign.knows(fill):
                orphans.setdefault(fill.venue_order_id, []).append(fill)
        for number, theirs in orphans.items():
            self._ask_whose(symbol, number, theirs)

    def _ask_whose(self, symbol: str, number: int, fills: list[Fill]) -> None:
        def came(outcome: Outcome) -> None:
            found = self._read(outcome) if outcome.fate is Fate.ANSWERED else []
            update = next((one for one in found if isinstance(one, OrderUpdate) and one.client_order_id), None)
            if update is None:
                self._again(outcome, lambda: self._ask_whose(symbol, number, fills))
                return
            for fill in fills:
                self._orders.on_fill(
                    msgspec.structs.replace(fill, client_order_id=update.client_order_id), outcome.receive_ns
                )
            self._orders.on_update(update, outcome.receive_ns)

        self._ground.ask(requests.query(self._ground.venue, symbol, venue_order_id=number), came, Purpose.SAFE)

    def _again(self, outcome: Outcome, call: Callable[[], None]) -> None:
        found = self._read(outcome) if outcome.fate is Fate.ANSWERED else []
        hopeless = any(isinstance(one, Error) and one.consequence is Consequence.VENUE_KILLED for one in found)
        wait_s = self._ground.ports.random.uniform(AGAIN_S / 2, AGAIN_S) * (HOPELESS_FACTOR if hopeless else 1)
        if outcome.refusal is not None:
            wait_s += min(max(outcome.refusal.allowed_ns - self._ground.monotonic_ns(), 0) / NS_PER_S, 60.0)
        self._ground.ports.loop.call_later(wait_s, lambda: None if self.is_closed else call())

    def _read(self, outcome: Outcome) -> list[Message]:
        return order_answer(self._ground.label, outcome.body, outcome.status, outcome.headers.get("retry-after"))
