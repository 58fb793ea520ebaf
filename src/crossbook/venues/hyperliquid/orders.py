"""Orders, cancels and settings as Hyperliquid's actions, from whole ticks and lots. Pure; the shapes are `actions`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from crossbook.errors import Refused
from crossbook.money import text_e8
from crossbook.types import Instrument, Side, TimeInForce
from crossbook.venues.hyperliquid.actions import (
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    CancelCloid,
    CancelOrders,
    Change,
    Kind,
    Limit,
    Modify,
    Order,
    PlaceOrders,
    ScheduleCancel,
    UpdateLeverage,
)

TIME_IN_FORCE: dict[TimeInForce, Literal["Alo", "Ioc", "Gtc"]] = {
    TimeInForce.IOC: "Ioc",
    TimeInForce.GTC: "Gtc",
    TimeInForce.ALO: "Alo",
}
SCHEDULE_NOTICE_MS = 5_000
"""A scheduled cancel must lie at least so far ahead."""
_CLOID = re.compile(r"0x[0-9a-f]{32}")


def new_order(
    instrument: Instrument,
    asset: int,
    side: Side,
    ticks: int,
    lots: int,
    tif: TimeInForce,
    *,
    reduce_only: bool = False,
    cloid: str | None = None,
) -> Order:
    """One order; a market order is an IOC at `rules.far_price`. Raises `Refused` for what is no order at all.

    `asset`: the instrument's number in actions. Whether the price is legal and the size allowed `rules.why_refused`
    knows.
    """
    if asset < 0:
        raise Refused(f"asset {asset} of {instrument.name} is no instrument's number: read it from the venue's meta")
    return Order(
        a=asset,
        b=side == Side.BUY,
        p=number_text(ticks * instrument.tick_e8, f"{instrument.name} price"),
        s=number_text(lots * instrument.lot_e8, f"{instrument.name} quantity"),
        r=reduce_only,
        t=Kind(limit=Limit(TIME_IN_FORCE[tif])),
        c=None if cloid is None else checked_cloid(cloid),
    )


def place(orders: Sequence[Order]) -> PlaceOrders:
    """Each on its own; answered one by one, in this order."""
    return PlaceOrders(orders=list(orders), grouping="na")


def cancel(asset: int, oid: int) -> CancelOrders:
    """Cancel by the venue's id."""
    return CancelOrders(cancels=[Cancel(asset, oid)])


def cancel_by_cloid(asset: int, cloid: str) -> CancelByCloid:
    """Cancel by our id, which works before the venue's is known."""
    return CancelByCloid(cancels=[CancelCloid(asset, checked_cloid(cloid))])


def modify(oid: int | str, order: Order) -> Modify:
    """Cancel and place anew: another oid, the end of the queue. The new one must be post-only, or is made so."""
    return Modify(oid=oid, order=order)


def batch_modify(changes: Sequence[tuple[int | str, Order]]) -> BatchModify:
    """Several `modify` in one; unlike it, answered with the new oids."""
    return BatchModify(modifies=[Change(oid, order) for oid, order in changes])


def schedule_cancel(time_ms: int | None, now_ms: int) -> ScheduleCancel:
    """Cancel everything at `time_ms`; None takes that back. Raises `Refused` for a time nearer than the venue takes."""
    if time_ms is not None and time_ms < now_ms + SCHEDULE_NOTICE_MS:
        raise Refused(f"scheduled cancel in {time_ms - now_ms} ms: the venue wants {SCHEDULE_NOTICE_MS} ms at least")
    return ScheduleCancel(time=time_ms)


def update_leverage(asset: int, leverage: int, most: int, *, cross: bool = True) -> UpdateLeverage:
    """Raises `Refused` beyond the instrument's `most`."""
    if not 1 <= leverage <= most:
        raise Refused(f"leverage {leverage} of asset {asset} is not 1 to {most}")
    return UpdateLeverage(asset=asset, is_cross=cross, leverage=leverage)


def elements(action: Action) -> int:
    """How many outcomes an answer to it must have, and what it costs of the address' budget."""
    if isinstance(action, PlaceOrders):
        return len(action.orders)
    if isinstance(action, CancelOrders | CancelByCloid):
        return len(action.cancels)
    return len(action.modifies) if isinstance(action, BatchModify) else 1


def number_text(amount_e8: int, what: str) -> str:
    """A price or size as the venue hashes it: no trailing zeros, no exponent. Raises `Refused` unless positive."""
    if amount_e8 <= 0:
        raise Refused(f"{what} {text_e8(amount_e8)} must be more than zero")
    return text_e8(amount_e8)


def checked_cloid(cloid: str) -> str:
    """Raises `Refused` for what is no client order id."""
    if not _CLOID.fullmatch(cloid):
        raise Refused(f"client order id {cloid[:50]!r} is not 0x and 32 lower-case hex digits")
    return cloid
