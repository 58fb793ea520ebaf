"""Our orders at Binance as the gateway follows them, and what the desk is told of each: every fact once, in order.

Whatever says something of an order (an answer, the user stream, a query) comes here. An order's end is told only after
all of its fills; a fill is told once, however many reports of it come.
"""

from __future__ import annotations

from crossbook.events import OrderFilled, Rejection
from crossbook.money import quantity_to_lots
from crossbook.venues import order_life
from crossbook.venues.binance.errors import EXPIRIES
from crossbook.venues.binance.gateway_foreign import Foreign
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.fill_facts import facts_of
from crossbook.venues.gateway import OpenOrder
from crossbook.venues.messages import Fill, OrderStatus, OrderUpdate
from crossbook.venues.order_life import OrderLife

ENDS = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED)


class Live(order_life.Live, kw_only=True, eq=False):
    """An order of ours, with its limit in ticks."""

    price: int


class Orders(OrderLife[Live]):
    """See `OrderLife`."""

    _ground: Ground

    def __init__(self, ground: Ground, build: int, run_s: int) -> None:
        super().__init__(ground, build, run_s, EXPIRIES)
        self._by_venue: dict[tuple[str, int], Live] = {}
        self.foreign = Foreign(ground, self.own)

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

    def find(self, client_id: str | None, venue_order_id: int | None, symbol: str | None) -> Live | None:
        """The order that a message is about, if it is one that we follow."""
        live = self._by_client.get(client_id) if client_id else None
        if live is None and venue_order_id is not None and symbol is not None:
            return self._by_venue.get((symbol, venue_order_id))
        return live

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
        if said.filled is not None:
            live.claimed = max(live.claimed, quantity_to_lots(said.filled, self._ground.instruments[live.instrument]))
        if said.status in ENDS and live.end is None:
            live.end = said.status
            if said.status is OrderStatus.FILLED:
                live.claimed = max(live.claimed, live.lots)
        self._number(live, said.venue_order_id)
        self.accept(live, said.time_ns, ts)
        self.settle(live, said.time_ns, ts)
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
        facts = facts_of(self._ground, said, live.instrument, said.trade_id, live.side, ts)
        event = OrderFilled(strategy=live.strategy, order=live.order, maker=bool(said.maker), **facts)
        self._number(live, said.venue_order_id)
        self.accept(live, said.time_ns, ts)
        self.filled(live, event, said.time_ns)

    def _number(self, live: Live, venue_order_id: int | None) -> None:
        if venue_order_id is not None and venue_order_id > 0 and not live.venue_order:
            live.venue_order = venue_order_id
            self._by_venue[self.symbol_of(live), venue_order_id] = live

    def _forget(self, old: Live) -> None:
        self._by_venue.pop((self.symbol_of(old), old.venue_order), None)
