"""Our orders at Binance as the gateway follows them, and what the desk is told of each: every fact once, in order.

Whatever says something of an order (an answer, the user stream, a query) comes here. An order's end is told only after
all of its fills; a fill is told once, however many reports of it come.
"""

from __future__ import annotations

from collections import deque

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
from crossbook.money import price_to_ticks, quantity_to_lots
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level, TimeInForce
from crossbook.venues.binance.errors import EXPIRIES
from crossbook.venues.binance.gateway_foreign import Foreign, amount_of
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.gateway import OpenOrder
from crossbook.venues.messages import Error, ErrorKind, Fill, OrderStatus, OrderUpdate
from crossbook.venues.order_ids import OrderIds, order_ids

ENDED_KEPT = 20_000
"""Orders that are over and may still be told of again."""
FIRST_ASK_NS = 200 * NS_PER_MS
MISSING_NS = NS_PER_S
"""How long a fill that an answer speaks of may take to come by the user stream before it is asked for."""
SETTLED = {
    OrderStatus.FILLED: None,
    OrderStatus.CANCELED: OrderCanceled,
    OrderStatus.EXPIRED: OrderExpired,
}


class Live(msgspec.Struct, kw_only=True, eq=False):
    """An order of ours. `claimed`: the most lots that the venue ever said are filled; `filled`: those that the desk was
    told. `end`: how it ended, once the venue said so; `is_over`: and the desk knows it."""

    order: int
    strategy: int
    instrument: int
    side: int
    price: int
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
    """When to ask the venue about it next; 0: no need to."""
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
        self._by_client: dict[str, Live] = {}
        self._by_venue: dict[tuple[str, int], Live] = {}
        self._ended: deque[Live] = deque()
        self.foreign = Foreign(ground, build, run_s)

    def adopt(self) -> None:
        """The desk's numbers are known."""
        self._ids = [
            order_ids(self._ground.environment, self._build, strategy, self._run_s)
            for strategy in range(len(self._ground.strategies))
        ]

    def id_text(self, strategy: int, order: int) -> str:
        """What an order is called at the venue."""
        return self._ids[strategy].text(self._ground.venue, order)

    def take_up(self, known: OpenOrder) -> Live:
        """Follow an order of an earlier process of this run."""
        live = Live(
            order=known.order, strategy=known.strategy, instrument=known.instrument, side=known.side,
            price=known.price, lots=known.lots, client_id=self.id_text(known.strategy, known.order), may_rest=True,
            sent_ns=self._ground.monotonic_ns(), is_old=True, filled=known.filled, claimed=known.filled,
            trades=set(known.trades),
        )  # fmt: skip
        self.add(live)
        return live

    def add(self, live: Live) -> None:
        """Follow an order from here on."""
        self.open[live.order] = live
        self._by_client[live.client_id] = live

    def find(self, client_id: str | None, venue_order_id: int | None, symbol: str | None) -> Live | None:
        """The order that a message is about, if it is one that we follow."""
        live = self._by_client.get(client_id) if client_id else None
        if live is None and venue_order_id is not None and symbol is not None:
            return self._by_venue.get((symbol, venue_order_id))
        return live

    def resting(self, instrument: int) -> bool:
        """Whether an order may rest there."""
        return any(one.may_rest and one.instrument == instrument for one in self.open.values())

    def symbol_of(self, live: Live) -> str:
        """The venue's name of its instrument."""
        return self._ground.instruments[live.instrument].symbol

    # what the venue says

    def on_update(self, said: OrderUpdate, ts: int) -> Live | None:
        """How the venue says that an order stands. Old news changes nothing."""
        live = self.find(said.client_order_id, said.venue_order_id, said.instrument)
        if live is None or live.is_over or said.conditional:
            return live
        if said.status is OrderStatus.UNKNOWN:
            self.lose(live, ts)
            return live
        if said.status is OrderStatus.REJECTED:
            self.refuse(live, Rejection.OTHER, ts)
            return live
        live.not_found = 0
        instrument = self._ground.instruments[live.instrument]
        if said.filled is not None:
            live.claimed = max(live.claimed, quantity_to_lots(said.filled, instrument))
        if said.status in SETTLED and live.end is None:
            live.end = said.status
            if said.status is OrderStatus.FILLED:
                live.claimed = max(live.claimed, live.lots)
        self._accept(live, said.venue_order_id, said.time_ns, ts)
        self._settle(live, said.time_ns, ts)
        return live

    def on_fill(self, said: Fill, ts: int) -> None:
        """Some of an order traded, as one more report of it says. A notice without fee is not the report."""
        if said.early or said.trade_id is None or said.instrument is None:
            return
        live = None
        if said.client_order_id is not None or said.venue_order_id is not None:
            live = self.find(said.client_order_id, said.venue_order_id, said.instrument)
        if live is None or said.forced:
            self.foreign.on_fill(said, ts)
            return
        if said.trade_id in live.trades:
            return
        ground = self._ground
        instrument = ground.instruments[live.instrument]
        lots = quantity_to_lots(said.quantity, instrument)
        event = OrderFilled(
            ts=ts, ts_venue=ground.ours_ns(said.time_ns, ts), instrument=live.instrument, venue=int(ground.venue),
            strategy=live.strategy, order=live.order, trade=said.trade_id, side=live.side,
            price=price_to_ticks(said.price, instrument), lots=lots, maker=bool(said.maker),
            **amount_of(said, instrument, ground),
        )  # fmt: skip
        live.trades.add(said.trade_id)
        self._accept(live, said.venue_order_id, said.time_ns, ts)
        live.filled += lots
        live.claimed = max(live.claimed, live.filled)
        live.is_unknown = False
        ground.desk.stamp(Hop.FILLED, live.order)
        ground.desk.on_event(event)
        if live.filled > live.lots:
            text = f"{instrument.name}: order {live.client_id} of {live.lots} lots has {live.filled} filled"
            ground.trouble("overfilled", text, Level.CLOSE_ONLY, live.instrument)
        self._settle(live, said.time_ns, ts)

    def on_error(self, live: Live, error: Error, ts: int) -> None:
        """The venue answers an order with an error: what its row says became of the order, and what follows."""
        if error.name in EXPIRIES:
            live.end = live.end or OrderStatus.EXPIRED
            self._settle(live, error.time_ns, ts)
        elif error.kind is ErrorKind.UNKNOWN:
            self.lose(live, ts)
        else:
            self.refuse(live, Rejection[error.rejection] if error.rejection else Rejection.OTHER, ts)
        self._ground.heed(error, self.symbol_of(live))

    # what we conclude

    def refuse(self, live: Live, reason: Rejection, ts: int) -> None:
        """It never was an order. What the venue had taken before cannot be refused: then ask."""
        if live.is_over:
            return
        if live.is_accepted or live.filled:
            self.doubt(live, 0)
            return
        self._over(live)
        if live.is_old:
            event = OrderExpired(ts=ts, ts_venue=ts, order=live.order, lots=live.left)
            self._ground.desk.on_event(event)
        else:
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
            text = f"{self.symbol_of(live)}: the venue no longer knows order {live.client_id}"
            self._ground.trouble("order_forgotten", text, Level.ACTIVE, live.instrument)
            live.end = OrderStatus.EXPIRED
            self._settle(live, None, ts)
        else:
            self.refuse(live, Rejection.OTHER, ts)

    def doubt(self, live: Live, after_ns: int) -> None:
        """Ask the venue about it, at the latest in so long; what is over is no more in doubt."""
        if live.is_over:
            return
        at_ns = self._ground.monotonic_ns() + after_ns
        if live.order not in self.doubts or at_ns < live.ask_ns:
            live.ask_ns = at_ns
        self.doubts[live.order] = live

    def clear(self, live: Live) -> None:
        """What was asked about is answered; unless fills are still missing, there is no doubt."""
        if live.claimed <= live.filled and not live.is_unknown and live.end is None and not live.wants_cancel:
            live.asks = 0
            self.doubts.pop(live.order, None)

    def _accept(self, live: Live, venue_order_id: int | None, stamp_ns: int | None, ts: int) -> None:
        """The venue has it: say so once, and once more where the desk holds it for unknown and it is open."""
        ground = self._ground
        if venue_order_id is not None and venue_order_id > 0 and not live.venue_order:
            live.venue_order = venue_order_id
            self._by_venue[self.symbol_of(live), venue_order_id] = live
        if live.is_accepted and not (live.is_unknown and live.end is None):
            return
        live.is_accepted, live.is_unknown = True, False
        if not live.is_over:
            ground.desk.stamp(Hop.ACKNOWLEDGED, live.order)
            ground.desk.on_event(
                OrderAccepted(
                    ts=ts, ts_venue=ground.ours_ns(stamp_ns, ts), order=live.order, venue_order=live.venue_order
                )
            )

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
            ends = SETTLED[live.end]
            if ends is not None:
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
            self._by_client.pop(old.client_id, None)
            self._by_venue.pop((self.symbol_of(old), old.venue_order), None)


def may_rest(tif: int) -> bool:
    """Whether an order may stand in the book."""
    return tif != TimeInForce.IOC
