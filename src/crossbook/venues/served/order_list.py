"""All orders of one account, found by any of their ids; those that ended are forgotten after a while."""

from __future__ import annotations

from collections import deque

from crossbook.types import Venue
from crossbook.venues.served.facts import Order, UnknownOrder

KEPT = 10_000


class OrderList:
    """Orders in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[int, Order] = {}
        self._open: dict[int, Order] = {}
        self._by_id: dict[tuple[Venue, int], Order] = {}
        self._by_client: dict[tuple[Venue, str], Order] = {}
        self._ended: deque[Order] = deque()

    def add(self, order: Order) -> None:
        """A new order, before the venue has said anything of it."""
        self._numbers[order.number] = order
        self._open[order.number] = order

    def accept(self, order: Order) -> None:
        """It has a venue id: it can be asked for from now on."""
        self._by_id[order.venue, order.venue_order_id] = order
        if order.client_order_id:
            self._by_client[order.venue, order.client_order_id] = order

    def renumber(self, order: Order, number: int) -> None:
        """The kernels know it under another number now."""
        self._numbers.pop(order.number, None)
        self._open.pop(order.number, None)
        order.number = number
        self.add(order)

    def rename(self, order: Order, client_order_id: str) -> None:
        """It has another client id now."""
        self._by_client.pop((order.venue, order.client_order_id), None)
        order.client_order_id = client_order_id
        self.accept(order)

    def end(self, order: Order) -> None:
        """It is open no more."""
        self._open.pop(order.number, None)
        self._numbers.pop(order.number, None)
        if order.venue_order_id == 0:
            return
        self._ended.append(order)
        if len(self._ended) > KEPT:
            old = self._ended.popleft()
            self._by_id.pop((old.venue, old.venue_order_id), None)
            if self._by_client.get((old.venue, old.client_order_id)) is old:
                del self._by_client[old.venue, old.client_order_id]

    def by_number(self, number: int) -> Order:
        """An open order by the kernels' number."""
        return self._numbers[number]

    def find(self, venue: Venue, venue_order_id: int | None, client_order_id: str | None) -> Order:
        """Raises `UnknownOrder`."""
        order = None
        if venue_order_id is not None:
            order = self._by_id.get((venue, venue_order_id))
            if order is not None and client_order_id not in (None, order.client_order_id):
                order = None
        elif client_order_id:
            order = self._by_client.get((venue, client_order_id))
        if order is None:
            raise UnknownOrder(
                f"{venue.label}: no order {venue_order_id if venue_order_id is not None else client_order_id}"
            )
        return order

    def find_open(self, venue: Venue, venue_order_id: int | None, client_order_id: str | None) -> Order:
        """Raises `UnknownOrder`."""
        order = self.find(venue, venue_order_id, client_order_id)
        if not order.is_open:
            raise UnknownOrder(f"{venue.label}: order {order.venue_order_id} is {order.status} already")
        return order

    def is_taken(self, venue: Venue, client_order_id: str) -> bool:
        """Whether an open order has this client id."""
        order = self._by_client.get((venue, client_order_id))
        return order is not None and order.is_open

    def open(self, venue: Venue, symbol: str | None) -> list[Order]:
        """Open ones, oldest first."""
        found = [one for one in self._open.values() if one.venue is venue and symbol in (None, one.symbol)]
        return sorted(found, key=lambda one: one.venue_order_id)

    def all(self, venue: Venue, symbol: str | None) -> list[Order]:
        """All that are known, oldest first."""
        return [one for one in self._by_id.values() if one.venue is venue and symbol in (None, one.symbol)]
