"""Orders at the served Hyperliquid: place, cancel, modify; one status for each, in the venue's shapes and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from crossbook.events import Rejection
from crossbook.money import E8, divide_half_even
from crossbook.types import Instrument, Side, Venue
from crossbook.venues.served.facts import Order, OrderRequest, Status, Wait
from crossbook.venues.served.hyperliquid_account import Note
from crossbook.venues.served.hyperliquid_actions import OrderWire
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_market import by_asset
from crossbook.venues.served.hyperliquid_rules import (
    CLOSED,
    NEVER_PLACED,
    NO_IMMEDIATE_MATCH,
    NOT_MODIFIABLE,
    legal_price,
    legal_size,
    number,
    refusal,
)
from crossbook.venues.served.world import DuplicateOrder, Trader, UnknownOrder

HL = Venue.HYPERLIQUID
Answer = dict[str, Any] | str
"""An element of `statuses`."""

WAITS = {"Gtc": Wait.GTC, "Ioc": Wait.IOC, "Alo": Wait.POST_ONLY, "FrontendMarket": Wait.IOC}


def error(text: str) -> Answer:
    """The status of what was refused."""
    return {"error": text}


def malformed(floor: Floor, orders: Sequence[OrderWire]) -> Answer | None:
    """What is wrong with a batch on its face: the first such error stands for all of it, and nothing is placed."""
    for wire in orders:
        instrument = by_asset(floor.world, wire.a)
        if instrument is None:
            return error(f"Asset not found. asset={wire.a}")
        if wire.t.limit is UNSET:
            return error(f"Trigger orders are not available. asset={wire.a}")
        if legal_size(wire.s, instrument) is None:
            return error(refusal(Rejection.LOT_FILTER, wire.a, instrument, (0, 0)))
        if legal_size(wire.s, instrument) == 0:
            return error(f"Order has zero size. asset={wire.a}")
        if legal_price(wire.p, instrument) is None:
            return error(refusal(Rejection.PRICE_FILTER, wire.a, instrument, (0, 0)))
    return None


def request_of(wire: OrderWire, instrument: Instrument, note: Note, wait: Wait) -> OrderRequest:
    """An order in the world's words. Its price and size are known to be legal."""
    return OrderRequest(
        venue=HL,
        symbol=instrument.symbol,
        side=Side.BUY if wire.b else Side.SELL,
        quantity_e8=(legal_size(wire.s, instrument) or 0) * instrument.lot_e8,
        price_e8=(legal_price(wire.p, instrument) or 0) * instrument.tick_e8,
        wait=wait,
        reduce_only=wire.r,
        client_order_id=(wire.c or "").lower(),
        note=note,
    )


def place(floor: Floor, trader: Trader, wire: OrderWire) -> Answer:
    """Place one limit order."""
    instrument = by_asset(floor.world, wire.a)
    limit = wire.t.limit
    assert instrument is not None and limit is not UNSET
    note = Note(tif=limit.tif, order_type="Market" if limit.tif == "FrontendMarket" else "Limit")
    try:
        order = trader.submit(request_of(wire, instrument, note, WAITS[limit.tif]))
    except DuplicateOrder:
        return error(f"Duplicate cloid. asset={wire.a}")
    return answer(floor, order, instrument, wire.a)


def answer(floor: Floor, order: Order, instrument: Instrument, asset: int) -> Answer:
    """What became of an order on arrival. What was filled in part and rests is only said to rest."""
    named: dict[str, Any] = {"oid": order.venue_order_id}
    if order.client_order_id:
        named["cloid"] = order.client_order_id
    if order.status is Status.REJECTED:
        if order.reason is Rejection.NOT_TRADING and not floor.world.is_open(HL, instrument.symbol):
            return error(f"{CLOSED} asset={asset}")
        quote = floor.world.quote(HL, instrument.symbol)
        bbo = quote.bid_e8 // instrument.tick_e8, quote.ask_e8 // instrument.tick_e8
        return error(refusal(order.reason or Rejection.UNKNOWN_INSTRUMENT, asset, instrument, bbo))
    if order.is_open:
        return {"resting": named}
    if order.filled_e8 == 0:
        return error(f"{NO_IMMEDIATE_MATCH} asset={asset}")
    average = divide_half_even(order.notional_e8 * E8, order.filled_e8)
    return {"filled": {"totalSz": number(order.filled_e8), "avgPx": number(average), **named}}


def cancel(floor: Floor, trader: Trader, asset: int, oid: int | None = None, cloid: str | None = None) -> Answer:
    """Take one order back, by the venue's id or the client's."""
    instrument = by_asset(floor.world, asset)
    try:
        found = trader.order(HL, venue_order_id=oid, client_order_id=cloid and cloid.lower())
        if instrument is None or found.symbol != instrument.symbol:
            return error(f"{NEVER_PLACED} asset={asset}")
        trader.cancel(HL, venue_order_id=found.venue_order_id)
    except UnknownOrder:
        return error(f"{NEVER_PLACED} asset={asset}")
    return "success"


def modify(floor: Floor, trader: Trader, target: int | str, wire: OrderWire, always_place: bool) -> Answer:
    """Cancel and place anew, with a new id at the back of the queue.

    Unless `always_place`, the old order must still be open and the new one may not take: a GTC becomes post-only.
    """
    wrong = malformed(floor, [wire])
    if wrong is not None:
        return wrong
    instrument = by_asset(floor.world, wire.a)
    limit = wire.t.limit
    assert instrument is not None and limit is not UNSET
    if limit.tif not in ("Gtc", "Alo") and not always_place:
        return error(f"Modified order must be post-only or good till canceled. asset={wire.a}")
    by_id: dict[str, Any] = (
        {"venue_order_id": target} if isinstance(target, int) else {"client_order_id": target.lower()}
    )
    wait = WAITS[limit.tif] if always_place else Wait.POST_ONLY
    request = request_of(wire, instrument, Note(tif="Gtc" if limit.tif == "Gtc" else limit.tif), wait)
    try:
        order = trader.modify(HL, **by_id, request=request, keep_id=False)
    except UnknownOrder:
        return place(floor, trader, wire) if always_place else error(NOT_MODIFIABLE)
    except DuplicateOrder:
        return error(f"Duplicate cloid. asset={wire.a}")
    return answer(floor, order, instrument, wire.a)
