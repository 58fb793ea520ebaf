"""What becomes of our orders at a venue, as a gateway learns it: the part that no venue has of its own.

The venue's word comes by several ways, late, twice or not at all. Here each order's facts are told to the desk once: it
is accepted, it traded, it ended; or nobody can tell, and the venue is asked until it is certain. Nothing is sent again.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import msgspec

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
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level, TimeInForce
from crossbook.venues.gateway_common import Ground
from crossbook.venues.messages import Error, ErrorKind, OrderStatus
from crossbook.venues.order_ids import OrderId, order_ids, parse, within

ENDED_KEPT = 20_000
"""Orders that are over and may still be told of again."""
FIRST_ASK_NS = 200 * NS_PER_MS
MISSING_NS = NS_PER_S
"""How long a fill that an answer speaks of may take to come by the stream before it is asked for."""


class Live(msgspec.Struct, kw_only=True, eq=False):
    """An order of ours. `claimed`: the most lots that the venue ever said are filled; `filled`: those that the desk was
    told. `end`: how it ended, once the venue said so; `is_over`: and the desk knows it."""

    order: int
    strategy: int
    instrument: int
    side: int
    lots: int
    client_id: str
    may_rest: bool
    sent_ns: int
    """When it left at the latest, monotonic."""
    is_old: bool = False
    """Of an earlier process: the desk may know it as accepted."""
    filled: int = 0
    claimed: int = 0
    trades: set[int] = msgspec.field(default_factory=set)
    venue_order: int = 0
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


L = TypeVar("L", bound=Live)


class OrderLife(Generic[L]):
    """`open` are the orders that are not over, by our number; `doubts` those of them that the venue has to be asked
    about. `expiries`: names of errors that say that an order ended by its terms."""

    def __init__(self, ground: Ground, build: int, run_s: int, expiries: tuple[str, ...]) -> None:
        self.open: dict[int, L] = {}
        self.doubts: dict[int, L] = {}
        self._ground = ground
        self._build, self._run_s = build, run_s
        self._expiries = expiries
        self._ids: list[str] = []
        self._by_client: dict[str, L] = {}
        self._ended: deque[L] = deque()

    def adopt(self) -> None:
        """The desk's numbers are known."""
        self._ids = [
            order_ids(self._ground.environment, self._build, strategy, self._run_s).form(self._ground.venue)
            for strategy in range(len(self._ground.strategies))
        ]

    def id_text(self, strategy: int, order: int) -> str:
        """What an order is called at the venue."""
        return self._ids[strategy] % within(order)

    def own(self, client_id: str | None) -> OrderId | None:
        """Which order of this run an id names; None for any other id."""
        found = parse(client_id)
        if found is None or found.run_s != self._run_s or found.environment is not self._ground.environment:
            return None
        return found if found.strategy < len(self._ids) else None

    def add(self, live: L) -> None:
        """Follow an order from here on."""
        self.open[live.order] = live
        self._by_client[live.client_id] = live

    def symbol_of(self, live: L) -> str:
        """The venue's name of its instrument."""
        return self._ground.instruments[live.instrument].symbol

    def rests(self, instrument: int = -1) -> bool:
        """Whether an order may stand in a book (of one instrument)."""
        return any(one.may_rest and instrument in (-1, one.instrument) for one in self.open.values())

    # what the venue says

    def accept(self, live: L, stamp_ns: int | None, ts: int) -> None:
        """The venue has it: say so once, and once more where the desk holds it for unknown and it is open."""
        ground = self._ground
        if live.is_accepted and not (live.is_unknown and live.end is None):
            return
        live.is_accepted, live.is_unknown = True, False
        if not live.is_over:
            ground.desk.stamp(Hop.ACKNOWLEDGED, live.order)
            ts_venue = ground.ours_ns(stamp_ns, ts)
            ground.desk.on_event(
                OrderAccepted(ts=ts, ts_venue=ts_venue, order=live.order, venue_order=live.venue_order)
            )  # fmt: skip

    def filled(self, live: L, event: OrderFilled, stamp_ns: int | None) -> None:
        """A trade of it that was not told yet; the venue is known to have the order."""
        ground = self._ground
        live.trades.add(event.trade)
        live.filled += event.lots
        live.claimed = max(live.claimed, live.filled)
        live.is_unknown = False
        ground.desk.stamp(Hop.FILLED, live.order)
        ground.desk.on_event(event)
        if live.filled > live.lots:
            text = f"{self.symbol_of(live)}: order {live.client_id} of {live.lots} lots has {live.filled} filled"
            ground.trouble("overfilled", text, Level.CLOSE_ONLY, live.instrument)
        self.settle(live, stamp_ns, event.ts)

    def on_error(self, live: L, error: Error, ts: int) -> None:
        """The venue answers an order with an error: what its row says became of the order, and what follows."""
        if error.name in self._expiries:
            self.expire(live, error.time_ns, ts)
        elif error.kind is ErrorKind.UNKNOWN:
            self.lose(live, ts)
        else:
            self.refuse(live, Rejection[error.rejection] if error.rejection else Rejection.OTHER, ts)
        self._ground.heed(error, self.symbol_of(live))

    # what we conclude

    def refuse(self, live: L, reason: Rejection, ts: int) -> None:
        """It never was an order. What the venue had taken before cannot be refused: then ask. What an earlier process
        sent may be known as accepted, and ends by its terms."""
        if live.is_over:
            return
        if live.is_accepted or live.filled:
            self.doubt(live, 0)
        elif live.is_old:
            self.expire(live, None, ts)
        else:
            self._over(live)
            self._ground.desk.on_event(OrderRejected(ts=ts, ts_venue=ts, order=live.order, reason=int(reason)))

    def expire(self, live: L, stamp_ns: int | None, ts: int) -> None:
        """It is over, by its terms unless the venue said otherwise before."""
        live.end = live.end or OrderStatus.EXPIRED
        self.settle(live, stamp_ns, ts)

    def lose(self, live: L, ts: int) -> None:
        """Nobody can tell what became of it: the venue is asked until it is certain. It is never sent again."""
        if live.is_over:
            return
        self.doubt(live, FIRST_ASK_NS)
        if not live.is_unknown:
            live.is_unknown = True
            self._ground.desk.on_event(OrderUnknown(ts=ts, ts_venue=ts, order=live.order))

    def vanish(self, live: L, ts: int) -> None:
        """The venue has no such order, and it can no longer arrive."""
        if live.is_accepted or live.filled:
            text = f"{self.symbol_of(live)}: the venue no longer knows order {live.client_id}"
            self._ground.trouble("order_forgotten", text, Level.ACTIVE, live.instrument)
            self.expire(live, None, ts)
        else:
            self.refuse(live, Rejection.OTHER, ts)

    def doubt(self, live: L, after_ns: int) -> None:
        """Ask the venue about it, at the latest in so long; what is over is no more in doubt."""
        if live.is_over:
            return
        at_ns = self._ground.monotonic_ns() + after_ns
        if live.order not in self.doubts or at_ns < live.ask_ns:
            live.ask_ns = at_ns
        self.doubts[live.order] = live

    def clear(self, live: L) -> None:
        """What was asked about is answered; unless fills are still missing, there is no doubt."""
        if live.claimed <= live.filled and not live.is_unknown and live.end is None and not live.wants_cancel:
            live.asks = 0
            self.doubts.pop(live.order, None)

    def settle(self, live: L, stamp_ns: int | None, ts: int) -> None:
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

    def _over(self, live: L) -> None:
        live.is_over, live.is_unknown = True, False
        self.open.pop(live.order, None)
        self.doubts.pop(live.order, None)
        self._ended.append(live)
        if len(self._ended) > ENDED_KEPT:
            old = self._ended.popleft()
            self._by_client.pop(old.client_id, None)
            self._forget(old)

    def _forget(self, old: L) -> None:
        """It will not be told of any more."""


def may_rest(tif: int) -> bool:
    """Whether an order may stand in the book."""
    return tif != TimeInForce.IOC
