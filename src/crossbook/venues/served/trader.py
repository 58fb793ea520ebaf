"""One account in the world: its orders and what became of them, over a state of the simulated venues of its own."""

from __future__ import annotations

import numpy as np

from crossbook.commands import OutKind
from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.rules.layout import OUT, Rows
from crossbook.sim.exchange import advance_market
from crossbook.sim.orders import arrive, shrink
from crossbook.types import Instrument, Venue
from crossbook.venues.served.accounts import Account
from crossbook.venues.served.facts import (
    Change,
    DuplicateOrder,
    LeverageSet,
    Order,
    OrderRequest,
    Status,
    Transferred,
)
from crossbook.venues.served.order_entry import onto_grid, terms
from crossbook.venues.served.source import Piece
from crossbook.venues.served.standing import REJECTED, Reply, Room, Standing

SUBMIT = int(OutKind.SUBMIT_ORDER)
CANCEL = int(OutKind.CANCEL_ORDER)
CANCEL_ALL = int(OutKind.CANCEL_ALL)
FOREVER = 1 << 62
LEVERAGE_MOST = {Venue.BINANCE_USDM: 125, Venue.HYPERLIQUID: 40}


class Trader(Standing):
    """One account in the world: its orders and its money at all venues.

    Every call that changes something first lets the world catch up with the clock. Events reach the listeners before a
    call returns.
    """

    def __init__(
        self, room: Room, account: Account, state: Rows, instruments: tuple[Instrument, ...], assets: tuple[str, ...]
    ) -> None:
        super().__init__(room, account, state, instruments, assets)
        self._venues = sorted({int(one.venue) for one in instruments})
        self._number = 0
        self._countdowns: dict[tuple[Venue, str | None], int] = {}
        self._command = np.zeros(1, OUT)
        self._spoken, self._replies = state["n_replies"], state["replies"][0]

    @property
    def order_count(self) -> int:
        """How many orders were asked for."""
        return self._number

    # orders

    def submit(self, request: OrderRequest) -> Order:
        """Place an order. It comes back as it stands after matching: `status` and `fills` tell; REJECTED with a
        `reason` if the venue refuses it. Raises `DuplicateOrder` for a client id that an open order has."""
        now = self._room.catch_up()
        self._check_free(request)
        order, lots = self._order_of(request, now)
        if order.reason is None:
            self._orders.add(order)
            self._send(SUBMIT, order, lots, now)
            self._settle(now)
        else:
            order.status = Status.REJECTED
            self._emit_order(order, Change.REJECTED, now)
        return order

    def cancel(
        self, venue: Venue, *, venue_order_id: int | None = None, client_order_id: str | None = None
    ) -> Order:  # fmt: skip
        """Take back an open order by either id. Raises `UnknownOrder` if no open order has it."""
        now = self._room.catch_up()
        order = self._orders.find_open(venue, venue_order_id, client_order_id)
        self._send(CANCEL, order, 0, now)
        self._settle(now)
        return order

    def cancel_all(self, venue: Venue, symbol: str | None = None) -> list[Order]:
        """Take back all open orders of a venue, or of one symbol; gives those that were canceled."""
        return self._cancel_all(venue, symbol, self._room.catch_up())

    def modify(
        self,
        venue: Venue,
        *,
        venue_order_id: int | None = None,
        client_order_id: str | None = None,
        request: OrderRequest,
        keep_id: bool,
    ) -> Order:
        """Replace an open order by `request` (its quantity counts what is filled already if `keep_id`), at the back of
        the queue.

        `keep_id` (Binance futures): the order keeps its ids and fills; a quantity not above what is filled cancels it.
        Else (Hyperliquid): cancel and place anew, with a new id. Either way, if the venue refuses the new terms the old
        order stays as it was, and a REJECTED order comes back. Raises `UnknownOrder` and, for a client id that another
        open order has, `DuplicateOrder`.
        """
        now = self._room.catch_up()
        old = self._orders.find_open(venue, venue_order_id, client_order_id)
        if request.client_order_id != old.client_order_id and not keep_id:
            self._check_free(request)
        order, lots = self._order_of(request, now)
        if order.reason is not None:
            order.status = Status.REJECTED
            return order
        filled = old.filled_e8 // self._instruments[old.instrument].lot_e8
        if keep_id and lots <= filled:
            self._send(CANCEL, old, 0, now)
            self._settle(now)
            return old
        replies = self._replace(old, order, lots - filled if keep_id else lots, now)
        if order.status is Status.REJECTED:
            return order
        if keep_id:
            self._orders.renumber(old, order.number)
            old.price_e8, old.quantity_e8, old.updated_ns = order.price_e8, order.quantity_e8, now
            old.request = request
            self._emit_order(old, Change.MODIFIED, now)
            replies = replies[1:]
        else:
            old.status, old.updated_ns = Status.CANCELED, now
            self._orders.end(old)
            self._emit_order(old, Change.CANCELED, now)
            self._orders.add(order)
        for reply in replies:
            self.settle(reply)
        return old if keep_id else order

    def shrink(
        self,
        venue: Venue,
        *,
        venue_order_id: int | None = None,
        client_order_id: str | None = None,
        quantity_e8: int,
        new_client_order_id: str = "",
    ) -> Order:
        """Lower an open order's quantity keeping its place in the queue (Binance's amend.keepPriority). Raises
        `UnknownOrder`; `DuplicateOrder`; `Refused` unless filled < new < old quantity on the lot grid."""
        now = self._room.catch_up()
        order = self._orders.find_open(venue, venue_order_id, client_order_id)
        lot = self._instruments[order.instrument].lot_e8
        if quantity_e8 % lot or not order.filled_e8 < quantity_e8 < order.quantity_e8:
            raise Refused(f"order {order.venue_order_id}: a new quantity lies between what is filled and the old one")
        if new_client_order_id:
            if self._orders.is_taken(venue, new_client_order_id):
                raise DuplicateOrder(f"client order id {new_client_order_id!r} is that of an open order")
            self._orders.rename(order, new_client_order_id)
        shrink(self.state, order.number, (quantity_e8 - order.filled_e8) // lot)
        order.quantity_e8, order.updated_ns = quantity_e8, now
        self._emit_order(order, Change.MODIFIED, now)
        return order

    def countdown(self, venue: Venue, symbol: str | None, after_ns: int) -> None:
        """Cancel all open orders (of a symbol) when this much time has passed; asked again it starts anew, 0 ends
        it."""
        now = self._room.catch_up()
        self._countdowns.pop((venue, symbol), None)
        if after_ns > 0:
            self._countdowns[venue, symbol] = now + after_ns

    # money

    def set_leverage(self, venue: Venue, symbol: str, leverage: int) -> None:
        """Choose it. Raises `Refused` outside 1 to the venue's most."""
        now, i = self._room.catch_up(), self._room.index(venue, symbol)
        most = LEVERAGE_MOST.get(venue, 1)
        if not 1 <= leverage <= most:
            raise Refused(f"{venue.label}:{symbol}: leverage {leverage} is not 1 to {most}")
        self.state[0].leverage[i] = leverage
        self._emit(LeverageSet(**self._stamp(venue, now), symbol=symbol, leverage=leverage))

    def transfer(self, venue: Venue, asset: str, amount_e8: int) -> None:
        """Money from outside, or out if negative. Raises `Refused` for an asset the world does not know."""
        now = self._room.catch_up()
        if asset not in self._assets:
            raise Refused(f"asset {asset!r} is none of {', '.join(self._assets)}")
        self._wallet.open_balance(venue, asset, amount_e8, now)
        self._emit(Transferred(**self._stamp(venue, now), asset=asset, amount_e8=amount_e8))

    # what the world does with it

    def load(self) -> None:
        """A new piece of the market begins."""
        self.state[0].cursor[:] = 0

    def advance(self, piece: Piece, until: int) -> list[Reply]:
        """Let its venues' market go on to `until`; what they said, by time, for `settle`."""
        replies: list[Reply] = []
        for venue in self._venues:
            while not advance_market(self.state, piece.rows, piece.starts, venue, until):
                replies += self._drain()
        if self._spoken[0]:
            replies += self._drain()
        replies.sort(key=lambda reply: reply[0])
        return replies

    def next_due(self) -> int:
        """The first countdown."""
        return min(self._countdowns.values(), default=FOREVER)

    def run_countdowns(self, now: int) -> None:
        """Cancel what is due."""
        for (venue, symbol), due in list(self._countdowns.items()):
            if due <= now:
                del self._countdowns[venue, symbol]
                self._cancel_all(venue, symbol, due)

    def _check_free(self, request: OrderRequest) -> None:
        if request.client_order_id and self._orders.is_taken(request.venue, request.client_order_id):
            raise DuplicateOrder(f"client order id {request.client_order_id!r} is that of an open order")

    def _order_of(self, request: OrderRequest, now: int) -> tuple[Order, int]:
        """The order that a request is, and its lots; with a `reason` if it lies off the grid."""
        self._number += 1
        order = Order(
            request=request, account=self.account.name, venue=request.venue, instrument=-1, symbol=request.symbol,
            side=request.side, venue_order_id=0, client_order_id=request.client_order_id, price_e8=request.price_e8,
            quantity_e8=request.quantity_e8, created_ns=now, updated_ns=now, number=self._number,
        )  # fmt: skip
        try:
            order.instrument = self._room.index(request.venue, request.symbol)
        except Refused:
            order.reason = Rejection.UNKNOWN_INSTRUMENT
            return order, 0
        instrument = self._instruments[order.instrument]
        ticks, lots, order.reason = onto_grid(request, instrument, self.state[0], order.instrument)
        if order.reason is None:
            order.price_e8, order.quantity_e8 = ticks * instrument.tick_e8, lots * instrument.lot_e8
        return order, lots

    def _send(self, kind: int, order: Order, lots: int, now: int) -> None:
        instrument = self._instruments[order.instrument]
        row = self._command[0]
        row.ts, row.order, row.kind, row.strategy = now, order.number, kind, -1
        row.instrument, row.venue, row.side = order.instrument, int(order.venue), int(order.side)
        row.tif, row.flags = terms(order.request)
        # one too many is refused as well as a number that no int64 holds
        row.price = min(order.price_e8 // instrument.tick_e8, instrument.max_ticks + 1)
        row.lots = min(lots, instrument.max_lots + 1)
        arrive(self.state, self._command, now)

    def _cancel_all(self, venue: Venue, symbol: str | None, now: int) -> list[Order]:
        orders = self._orders.open(venue, symbol)
        row = self._command[0]
        row.ts, row.kind, row.strategy, row.venue = now, CANCEL_ALL, -1, int(venue)
        row.instrument = self._room.index(venue, symbol) if symbol is not None else -1
        arrive(self.state, self._command, now)
        self._settle(now)
        return orders

    def _replace(self, old: Order, order: Order, lots: int, now: int) -> list[Reply]:
        """Cancel `old` and send `order` instead; the venue's answers to the second. If it is refused, `order` says
        why, and everything else is as before."""
        s = self.state[0]
        resting, n, ids = s.resting.copy(), int(s.n_resting), s.next_id.copy()
        self._send(CANCEL, old, 0, now)
        self._drain()
        self._send(SUBMIT, order, lots, now)
        replies = self._drain()
        if replies[0][8] == REJECTED:
            s.resting[:], s.next_id[:] = resting, ids
            s.n_resting = n
            order.status, order.reason = Status.REJECTED, Rejection(replies[0][15])
        return replies

    def _settle(self, now: int) -> None:
        for reply in self._drain():
            self.settle(reply)

    def _drain(self) -> list[Reply]:
        n = int(self._spoken[0])
        replies: list[Reply] = self._replies[:n].tolist()
        self._spoken[0] = 0
        return replies
