"""Our orders at Hyperliquid as the gateway follows them, and what the desk is told of each: every fact once, in order.

Whatever says something of an order (an answer, a stream, a query) comes here. An order's end is told only after all of
its fills; a fill is told once, however many reports of it come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from crossbook.errors import Refused
from crossbook.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    Rejection,
)
from crossbook.ledger.hops import Hop
from crossbook.money import quantity_to_lots
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level, TimeInForce
from crossbook.venues.gateway import OpenOrder
from crossbook.venues.hyperliquid.answers import Became, Outcome
from crossbook.venues.hyperliquid.errors import EXPIRIES, REJECTED_STATUSES, rejection_of
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.messages import Error, ErrorKind, OrderStatus, OrderUpdate
from crossbook.venues.order_ids import OrderId, OrderIds, order_ids, parse

ENDED_KEPT = 20_000
"""Orders that are over and may still be told of again."""
FIRST_ASK_NS = 200 * NS_PER_MS
MISSING_NS = NS_PER_S
"""How long a fill that an answer speaks of may take to come by the stream before it is asked for."""
BY_US = (None, "scheduledCancel")
"""Reasons of a cancel that say it was our wish."""


class Live(msgspec.Struct, kw_only=True, eq=False):
    """An order of ours. `claimed`: the most lots that the venue ever said are filled; `filled`: those that the desk was
    told. `end`: how it ended, once the venue said so; `is_over`: and the desk knows it."""

    order: int
    strategy: int
    instrument: int
    side: int
    lots: int
    cloid: str
    may_rest: bool
    expires_ms: int
    """After this moment of the venue the order can no longer arrive there."""
    sent_ns: int
    """When it left at the latest, monotonic."""
    is_old: bool = False
    """Of an earlier process: the desk may know it as accepted."""
    filled: int = 0
    claimed: int = 0
    trades: set[int] = msgspec.field(default_factory=set)
    venue_order: int = 0
    created_ms: int = 0
    """When the venue says that it began."""
    is_accepted: bool = False
    is_unknown: bool = False
    is_over: bool = False
    end: OrderStatus | None = None
    wants_cancel: bool = False
    is_canceling: bool = False
    ask_ns: int = 0
    """When to ask the venue about it next."""
    asks: int = 0
    not_found: int = 0
    is_asking: bool = False

    @property
    def left(self) -> int:
        """Lots that are not filled, as far as the desk knows."""
        return max(self.lots - self.filled, 0)


class Orders:
    """`open` are those that are not over, by our number; `doubts` those of them that the venue has to be asked
    about."""

    def __init__(self, ground: Ground, build: int, run_s: int) -> None:
        self.open: dict[int, Live] = {}
        self.doubts: dict[int, Live] = {}
        self._ground = ground
        self._build, self._run_s = build, run_s
        self._ids: list[OrderIds] = []
        self._by_cloid: dict[str, Live] = {}
        self._by_oid: dict[int, Live] = {}
        self._ended: deque[Live] = deque()
        self.on_number: Callable[[Live, int], None] = lambda live, ts: None
        """Hears of each order that gets its number at the venue."""

    def adopt(self) -> None:
        """The desk's numbers are known."""
        self._ids = [
            order_ids(self._ground.environment, self._build, strategy, self._run_s)
            for strategy in range(len(self._ground.strategies))
        ]

    def cloid(self, strategy: int, order: int) -> str:
        """What an order is called at the venue."""
        return self._ids[strategy].text(self._ground.venue, order)

    def own(self, cloid: str | None) -> OrderId | None:
        """Which order of this run an id names; None for any other id."""
        found = parse(cloid)
        if found is None or found.run_s != self._run_s or found.environment is not self._ground.environment:
            return None
        return found if found.strategy < len(self._ids) else None

    def take_up(self, known: OpenOrder, expires_ms: int) -> Live:
        """Follow an order of an earlier process of this run."""
        live = Live(
            order=known.order, strategy=known.strategy, instrument=known.instrument, side=known.side, lots=known.lots,
            cloid=self.cloid(known.strategy, known.order), may_rest=True, expires_ms=expires_ms,
            sent_ns=self._ground.monotonic_ns(), is_old=True, filled=known.filled, claimed=known.filled,
            trades=set(known.trades),
        )  # fmt: skip
        self.add(live)
        self.doubt(live, 0)
        return live

    def add(self, live: Live) -> None:
        """Follow an order from here on."""
        self.open[live.order] = live
        self._by_cloid[live.cloid] = live

    def find(self, cloid: str | None, oid: int | None) -> Live | None:
        """The order that a message is about, if it is one that we follow."""
        live = self._by_cloid.get(cloid.lower()) if cloid else None
        return self._by_oid.get(oid) if live is None and oid is not None else live

    @property
    def rests(self) -> bool:
        """Whether an order may stand in a book."""
        return any(one.may_rest for one in self.open.values())

    def symbol_of(self, live: Live) -> str:
        """The venue's name of its instrument."""
        return self._ground.instruments[live.instrument].symbol

    # what the venue says

    def on_outcome(self, live: Live, said: Outcome, ts: int) -> None:
        """The answer to an order: strictly one that was documented, or nothing is certain."""
        error = said.error
        if said.client_order_id is not None and said.client_order_id.lower() != live.cloid:
            self._ground.trouble("unreadable_answer", f"order {live.cloid}: answered as {said.client_order_id}")
            self.lose(live, ts)
        elif said.became is Became.RESTING:
            self._accept(live, said.venue_order_id, None, ts)
            self._settle(live, None, ts)
        elif said.became is Became.FILLED:
            lots = self._lots(live, said.quantity)
            self._accept(live, said.venue_order_id, None, ts)
            self._ends(live, OrderStatus.FILLED, lots)
            self._settle(live, None, ts)
        elif said.became is Became.ERROR and error is not None:
            self._on_error(live, error, ts)
        else:
            self._ground.trouble("unreadable_answer", f"order {live.cloid}: {said.why or said.became.value}")
            self.lose(live, ts)

    def on_update(self, said: OrderUpdate, ts: int) -> Live | None:
        """How the venue says that an order stands. Old news changes nothing."""
        live = self.find(said.client_order_id, said.venue_order_id)
        if live is None or live.is_over or said.conditional:
            return live
        if said.status is OrderStatus.UNKNOWN:
            self._ground.trouble("unlisted_status", f"order {live.cloid}: {said.reason}")
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
        self._settle(live, said.time_ns, ts)
        return live

    def on_fill(self, live: Live, event: OrderFilled, oid: int) -> None:
        """A fill that was not told yet."""
        ground = self._ground
        live.trades.add(event.trade)
        self._accept(live, oid, event.ts_venue + ground.settled_ns, event.ts)
        live.filled += event.lots
        live.claimed = max(live.claimed, live.filled)
        live.is_unknown = False
        ground.desk.stamp(Hop.FILLED, live.order)
        ground.desk.on_event(event)
        if live.filled > live.lots:
            text = f"{self.symbol_of(live)}: order {live.cloid} of {live.lots} lots has {live.filled} filled"
            ground.trouble("overfilled", text, Level.CLOSE_ONLY, live.instrument)
        self._settle(live, event.ts_venue + ground.settled_ns, event.ts)

    # what we conclude

    def refuse(self, live: Live, reason: Rejection, ts: int) -> None:
        """It never was an order. What the venue had taken before cannot be refused: then it is over, by its terms."""
        if live.is_over:
            return
        if live.is_accepted or live.filled or live.is_old:
            live.end = live.end or OrderStatus.EXPIRED
            self._settle(live, None, ts)
            return
        self._over(live)
        self._ground.desk.on_event(OrderRejected(ts=ts, ts_venue=ts, order=live.order, reason=int(reason)))

    def lose(self, live: Live, ts: int) -> None:
        """Nobody can tell what became of it: the venue is asked until it is certain. It is never sent again."""
        if live.is_over:
            return
        self.doubt(live, FIRST_ASK_NS)
        if not live.is_unknown:
            live.is_unknown = True
            self._ground.desk.on_event(OrderUnknown(ts=ts, ts_venue=ts, order=live.order))

    def vanish(self, live: Live, ts: int) -> None:
        """The venue has no such order, and it can no longer arrive."""
        if live.is_accepted or live.filled:
            text = f"{self.symbol_of(live)}: the venue no longer knows order {live.cloid}"
            self._ground.trouble("order_forgotten", text, Level.ACTIVE, live.instrument)
        self.refuse(live, Rejection.OTHER, ts)

    def doubt(self, live: Live, after_ns: int) -> None:
        """Ask the venue about it, at the latest in so long."""
        at_ns = self._ground.monotonic_ns() + after_ns
        if live.order not in self.doubts or at_ns < live.ask_ns:
            live.ask_ns = at_ns
        self.doubts[live.order] = live

    def clear(self, live: Live) -> None:
        """What was asked about is answered; unless fills are still missing, there is no doubt."""
        if live.claimed <= live.filled and not live.is_unknown and live.end is None and not live.wants_cancel:
            live.asks = 0
            self.doubts.pop(live.order, None)

    def _on_error(self, live: Live, error: Error, ts: int) -> None:
        if error.name in EXPIRIES:
            live.end = live.end or OrderStatus.EXPIRED
            self._settle(live, None, ts)
        elif error.kind is ErrorKind.UNKNOWN:
            self.lose(live, ts)
        else:
            self.refuse(live, Rejection[error.rejection] if error.rejection else Rejection.OTHER, ts)
        self._ground.heed(error, self.symbol_of(live))
        if error.name in EXPIRIES or error.rejection == Rejection.NOT_TRADING.name:
            self._ground.on_closed()

    def _is_refused(self, live: Live, said: OrderUpdate, ts: int) -> None:
        """By its status an order was refused on arrival; of an IOC that found nothing it ended by its terms."""
        row = REJECTED_STATUSES.get(said.reason or "")
        if row is not None and row.name in EXPIRIES:
            live.end = live.end or OrderStatus.EXPIRED
            self._settle(live, said.time_ns, ts)
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
        """The venue has it: say so once, and once more where the desk holds it for unknown and it is open."""
        ground = self._ground
        is_numbered = bool(oid) and not live.venue_order
        if oid and is_numbered:
            live.venue_order = oid
            self._by_oid[oid] = live
        if not live.is_accepted or (live.is_unknown and live.end is None):
            live.is_accepted, live.is_unknown = True, False
            if not live.is_over:
                ground.desk.stamp(Hop.ACKNOWLEDGED, live.order)
                ts_venue = ground.ours_ns(stamp_ns, ts)
                ground.desk.on_event(
                    OrderAccepted(ts=ts, ts_venue=ts_venue, order=live.order, venue_order=live.venue_order)
                )
        if is_numbered:
            self.on_number(live, ts)

    def _settle(self, live: Live, stamp_ns: int | None, ts: int) -> None:
        """Tell the end once all fills before it are told; doubt what is missing."""
        if live.is_over:
            return
        if live.filled >= live.lots:
            self._over(live)
        elif live.claimed > live.filled:
            self.doubt(live, MISSING_NS)
        elif live.end is not None:
            self._over(live)
            ends = OrderCanceled if live.end is OrderStatus.CANCELED else OrderExpired
            ts_venue = self._ground.ours_ns(stamp_ns, ts)
            self._ground.desk.on_event(ends(ts=ts, ts_venue=ts_venue, order=live.order, lots=live.left))
        else:
            self.clear(live)

    def _over(self, live: Live) -> None:
        live.is_over, live.is_unknown = True, False
        self.open.pop(live.order, None)
        self.doubts.pop(live.order, None)
        self._ended.append(live)
        if len(self._ended) > ENDED_KEPT:
            old = self._ended.popleft()
            self._by_cloid.pop(old.cloid, None)
            self._by_oid.pop(old.venue_order, None)


def may_rest(tif: int) -> bool:
    """Whether an order may stand in the book."""
    return tif != TimeInForce.IOC
