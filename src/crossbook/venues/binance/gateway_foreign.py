"""Fills that no order which we follow explains: late ones of our own, other people's, and forced closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from crossbook.events import ForcedClose, OrderFilled
from crossbook.money import parse_e8, price_to_ticks, quantity_to_lots
from crossbook.types import Instrument, Level, Side
from crossbook.venues.binance.fill_keys import Report, SeenFills
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.messages import SELL, Fill
from crossbook.venues.order_ids import OrderId

NOBODY = -1


class Amount(TypedDict):
    """What a fill cost, in the desk's words."""

    fee_e8: int
    fee_asset: int


class Facts(Amount):
    """What every fill says, in the desk's words."""

    ts: int
    ts_venue: int
    instrument: int
    venue: int
    trade: int
    side: int
    price: int
    lots: int


def amount_of(said: Fill, instrument: Instrument, ground: Ground) -> Amount:
    """The fee of a fill. One in an asset that the desk does not know cannot be booked: a person is told."""
    asset = said.fee_asset or (instrument.quote if ground.is_spot else instrument.settle)
    fee_e8 = parse_e8(said.fee, f"{instrument.name} fee") if said.fee else 0
    number = ground.assets.get(asset)
    if number is None:
        if fee_e8:
            text = f"{instrument.name}: a fee of {said.fee} {asset}, which the desk does not keep: switch it off"
            ground.trouble("fee_in_foreign_asset", text, Level.CLOSE_ONLY)
        return Amount(fee_e8=0, fee_asset=ground.assets.get(instrument.quote, 0))
    return Amount(fee_e8=fee_e8, fee_asset=number)


class Foreign:
    """Tells each of them once."""

    def __init__(self, ground: Ground, own: Callable[[str | None], OrderId | None]) -> None:
        self._ground, self._own = ground, own
        self._seen = SeenFills()

    def knows(self, said: Fill) -> bool:
        """Whether it was told already."""
        return self._seen.knows(said)

    def on_fill(self, said: Fill, ts: int) -> None:
        """One more report of such a fill."""
        ground = self._ground
        number = ground.numbers.get(said.instrument or "")
        if self._seen.see(said) is not Report.NEW:
            return
        own = self._own(said.client_order_id)
        level = Level.KILLED if said.forced else Level.CLOSE_ONLY
        name = "forced_close" if said.forced else "foreign_trade"
        who = said.origin or said.client_order_id or f"order {said.venue_order_id}"
        text = f"{said.instrument}: {said.side} {said.quantity} at {said.price} by {who}"
        if number is None or said.trade_id is None:
            ground.trouble(name, f"{text}, which the desk does not trade", level if said.forced else Level.ACTIVE)
            return
        instrument = ground.instruments[number]
        facts = Facts(
            ts=ts, ts_venue=ground.ours_ns(said.time_ns, ts), instrument=number, venue=int(ground.venue),
            trade=said.trade_id, side=int(Side.SELL if said.side == SELL else Side.BUY),
            price=price_to_ticks(said.price, instrument), lots=quantity_to_lots(said.quantity, instrument),
            **amount_of(said, instrument, ground),
        )  # fmt: skip
        if said.forced:
            ground.desk.on_event(ForcedClose(strategy=NOBODY, order=0, **facts))
        elif own is not None:
            ground.desk.on_event(OrderFilled(strategy=own.strategy, order=own.order, maker=bool(said.maker), **facts))
            return
        else:
            ground.desk.on_event(OrderFilled(strategy=NOBODY, order=0, maker=bool(said.maker), **facts))
        ground.trouble(name, text, level, number)
