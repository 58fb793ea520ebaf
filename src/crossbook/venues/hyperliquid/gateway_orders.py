"""Our orders at Hyperliquid as the gateway follows them, and what the desk is told of each: every fact once, in order.

Whatever says something of an order (an answer, a stream, a query) comes here. An order's end is told only after all of
its fills; a fill is told once, however many reports of it come.
"""

from __future__ import annotations

from collections.abc import Callable

from crossbook.errors import Refused
from crossbook.events import OrderFilled, Rejection
from crossbook.money import quantity_to_lots
from crossbook.types import Level
from crossbook.venues import order_life
from crossbook.venues.gateway import OpenOrder
from crossbook.venues.hyperliquid.answers import Became, Outcome
from crossbook.venues.hyperliquid.errors import EXPIRIES, REJECTED_STATUSES, rejection_of
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.messages import Error, OrderStatus, OrderUpdate
from crossbook.venues.order_life import OrderLife

BY_US = (None, "scheduledCancel")
"""Reasons of a cancel that say it was our wish."""


class Live(order_life.Live, kw_only=True, eq=False):
    """An order of ours."""

    expires_ms: int
    """After this moment of the venue the order can no longer arrive there."""
    created_ms: int = 0
    """When the venue says that it began."""


class Orders(OrderLife[Live]):
    """See `OrderLife`."""

    _ground: Ground

    def __init__(self, ground: Ground, build: int, run_s: int) -> None:
        super().__init__(ground, build, run_s, EXPIRIES)
        self._by_oid: dict[int, Live] = {}
        self.on_number: Callable[[Live, int], None] = lambda live, ts: None
        """Hears of each order that gets its number at the venue."""

    def take_up(self, known: OpenOrder, expires_ms: int) -> Live:
        """Follow an order of an earlier process of this run."""
        live = Live(
            order=known.order, strategy=known.strategy, instrument=known.instrument, side=known.side, lots=known.lots,
            client_id=self.id_text(known.strategy, known.order), may_rest=True, expires_ms=expires_ms,
            sent_ns=self._ground.monotonic_ns(), is_old=True, filled=known.filled, claimed=known.filled,
            trades=set(known.trades),
        )  # fmt: skip
        self.add(live)
        self.doubt(live, 0)
        return live

    def find(self, cloid: str | None, oid: int | None) -> Live | None:
        """The order that a message is about, if it is one that we follow."""
        live = self._by_client.get(cloid.lower()) if cloid else None
        return self._by_oid.get(oid) if live is None and oid is not None else live

    def on_outcome(self, live: Live, said: Outcome, ts: int) -> None:
        """The answer to an order: strictly one that was documented, or nothing is certain."""
        error = said.error
        if said.client_order_id is not None and said.client_order_id.lower() != live.client_id:
            self._ground.trouble("unreadable_answer", f"order {live.client_id}: answered as {said.client_order_id}")
            self.lose(live, ts)
        elif said.became is Became.RESTING:
            self._accept(live, said.venue_order_id, None, ts)
            self.settle(live, None, ts)
        elif said.became is Became.FILLED:
            lots = self._lots(live, said.quantity)
            self._accept(live, said.venue_order_id, None, ts)
            self._ends(live, OrderStatus.FILLED, lots)
            self.settle(live, None, ts)
        elif said.became is Became.ERROR and error is not None:
            self.on_error(live, error, ts)
        else:
            self._ground.trouble("unreadable_answer", f"order {live.client_id}: {said.why or said.became.value}")
            self.lose(live, ts)

    def on_update(self, said: OrderUpdate, ts: int) -> Live | None:
        """How the venue says that an order stands. Old news changes nothing."""
        live = self.find(said.client_order_id, said.venue_order_id)
        if live is None or live.is_over or said.conditional:
            return live
        if said.status is OrderStatus.UNKNOWN:
            self._ground.trouble("unlisted_status", f"order {live.client_id}: {said.reason}")
            self.lose(live, ts)
            return live
        live.not_found = 0
        if said.status is OrderStatus.REJECTED or (
            said.status is OrderStatus.EXPIRED and not live.is_accepted and not said.filled
        ):
            self._is_refused(live, said, ts)
            return live
        filled = self._lots(live, said.filled)
        self._accept(live, said.venue_order_id, said.time_ns, ts)
        if said.status in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED):
            ours = said.reason in BY_US and (live.may_rest or live.wants_cancel)
            canceled = said.status is OrderStatus.CANCELED
            status = OrderStatus.EXPIRED if canceled and not ours else said.status
            self._ends(live, status, filled if said.filled is not None else live.lots if not canceled else 0)
        else:
            live.claimed = max(live.claimed, filled)
        self.settle(live, said.time_ns, ts)
        return live

    def on_fill(self, live: Live, event: OrderFilled, oid: int) -> None:
        """A fill that was not told yet."""
        stamp_ns = event.ts_venue + self._ground.stamps_ns
        self._accept(live, oid, stamp_ns, event.ts)
        self.filled(live, event, stamp_ns)

    def on_error(self, live: Live, error: Error, ts: int) -> None:
        super().on_error(live, error, ts)
        if error.name in EXPIRIES or error.rejection == Rejection.NOT_TRADING.name:
            self._ground.on_closed()

    def _is_refused(self, live: Live, said: OrderUpdate, ts: int) -> None:
        """By its status an order was refused on arrival; of an IOC that found nothing it ended by its terms, and so did
        one that was taken before."""
        row = REJECTED_STATUSES.get(said.reason or "")
        if live.is_accepted or live.filled or (row is not None and row.name in EXPIRIES):
            self.expire(live, said.time_ns, ts)
        else:
            self.refuse(live, (None if row is None else rejection_of(row)) or Rejection.OTHER, ts)

    def _lots(self, live: Live, text: str | None) -> int:
        """What the venue says is filled. Off the grid it cannot be: then it is as if the venue had not said it."""
        try:
            return quantity_to_lots(text or "0", self._ground.instruments[live.instrument])
        except Refused as error:
            self._ground.trouble("unbookable", str(error), Level.CLOSE_ONLY, live.instrument)
            return live.claimed

    def _ends(self, live: Live, status: OrderStatus, filled: int) -> None:
        """An IOC may be called filled with less than it asked for: the rest of it expired."""
        live.claimed = max(live.claimed, filled)
        if live.end is None:
            partial = status is OrderStatus.FILLED and filled < live.lots
            live.end = OrderStatus.EXPIRED if partial else status

    def _accept(self, live: Live, oid: int | None, stamp_ns: int | None, ts: int) -> None:
        is_numbered = bool(oid) and not live.venue_order
        if oid and is_numbered:
            live.venue_order = oid
            self._by_oid[oid] = live
        self.accept(live, stamp_ns, ts)
        if is_numbered:
            self.on_number(live, ts)

    def _forget(self, old: Live) -> None:
        self._by_oid.pop(old.venue_order, None)
