"""A fill in the desk's words, and what is told of one that no order which we follow explains."""

from __future__ import annotations

from typing import TypedDict

from crossbook.events import ForcedClose, OrderFilled
from crossbook.money import parse_e8, price_to_ticks, quantity_to_lots
from crossbook.types import Instrument, Level, Side
from crossbook.venues.gateway_common import Ground
from crossbook.venues.messages import SELL, Fill
from crossbook.venues.order_ids import OrderId

NOBODY = -1


class Facts(TypedDict):
    """What a fill is, whoever's."""

    ts: int
    ts_venue: int
    instrument: int
    venue: int
    trade: int
    side: int
    price: int
    lots: int
    fee_e8: int
    fee_asset: int


def facts_of(ground: Ground, said: Fill, number: int, trade: int, side: int, ts: int) -> Facts:
    """A fill of the desk's instrument `number`, under the number `trade`. Raises `Refused` where it is off the grid."""
    instrument = ground.instruments[number]
    fee_e8, fee_asset = _fee_of(ground, said, instrument)
    return Facts(
        ts=ts, ts_venue=ground.ours_ns(said.time_ns, ts), instrument=number, venue=int(ground.venue), trade=trade,
        side=side, price=price_to_ticks(said.price, instrument), lots=quantity_to_lots(said.quantity, instrument),
        fee_e8=fee_e8, fee_asset=fee_asset,
    )  # fmt: skip


def side_of(said: Fill) -> int:
    """Its side, as its message says it."""
    return int(Side.SELL if said.side == SELL else Side.BUY)


def tell_foreign(ground: Ground, said: Fill, facts: Facts, own: OrderId | None) -> None:
    """One of nobody's orders: a forced close kills the venue's part, somebody else's trade closes it. `own`: the name
    of the order says that it is of this desk, of which it is then a late fill, and no trouble."""
    maker = bool(said.maker)
    if said.forced:
        ground.desk.on_event(ForcedClose(strategy=NOBODY, order=0, **facts))
        _trouble(ground, said, Level.KILLED, facts["instrument"])
    elif own is not None:
        ground.desk.on_event(OrderFilled(strategy=own.strategy, order=own.order, maker=maker, **facts))
    else:
        ground.desk.on_event(OrderFilled(strategy=NOBODY, order=0, maker=maker, **facts))
        _trouble(ground, said, Level.CLOSE_ONLY, facts["instrument"])


def tell_elsewhere(ground: Ground, said: Fill) -> None:
    """One of something that the desk does not trade: it cannot be booked, a person is told."""
    _trouble(ground, said, Level.KILLED if said.forced else Level.ACTIVE, -1, ", which the desk does not trade")


def _trouble(ground: Ground, said: Fill, level: Level, instrument: int, more: str = "") -> None:
    who = said.origin or said.client_order_id or f"order {said.venue_order_id}"
    text = f"{said.instrument}: {said.side} {said.quantity} at {said.price} by {who}{more}"
    ground.trouble("forced_close" if said.forced else "foreign_trade", text, level, instrument)


def _fee_of(ground: Ground, said: Fill, instrument: Instrument) -> tuple[int, int]:
    """Amount and asset. A fee in an asset that the desk does not know cannot be booked: a person is told."""
    asset = said.fee_asset or instrument.settle
    fee_e8 = parse_e8(said.fee, f"{instrument.name} fee") if said.fee else 0
    number = ground.assets.get(asset)
    if number is not None:
        return fee_e8, number
    if fee_e8:
        text = f"{instrument.name}: a fee of {said.fee} {asset}, which the desk does not keep: switch it off"
        ground.trouble("fee_in_foreign_asset", text, Level.CLOSE_ONLY)
    return 0, ground.assets.get(instrument.settle, 0)
