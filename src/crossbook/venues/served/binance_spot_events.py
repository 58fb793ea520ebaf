"""What happens to a spot account, in the words of its user data stream."""

from __future__ import annotations

from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_order_words import STATES, note_of, side_name
from crossbook.venues.served.binance_spot_orders import expiry_reason, price_of
from crossbook.venues.served.binance_text import ZERO, fixed, ms
from crossbook.venues.served.facts import AccountEvent, Change, OrderChanged, Transferred
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
EXECUTIONS = {
    Change.NEW: "NEW", Change.TRADE: "TRADE", Change.CANCELED: "CANCELED", Change.EXPIRED: "EXPIRED",
    Change.MODIFIED: "REPLACED",
}  # fmt: skip
"""A refused order is told to who asked, and to nobody else."""


class SpotVoice:
    """Tells one account's events."""

    def __init__(self, house: House, trader: Trader) -> None:
        self._house = house
        self._trader = trader

    def tell(self, event: AccountEvent) -> list[Json]:
        """The messages that an event makes, in order."""
        if isinstance(event, OrderChanged):
            if event.change not in EXECUTIONS:
                return []
            instrument = self._house.instruments[event.order.symbol]
            return [self._report(event), self._position(event, [instrument.base, instrument.quote])]
        if isinstance(event, Transferred):
            told: Json = {"e": "balanceUpdate", "E": self._now(event), "a": event.asset, "d": fixed(event.amount_e8),
                          "T": ms(event.time_ns)}  # fmt: skip
            return [told, self._position(event, [event.asset])]
        return []

    def _now(self, event: AccountEvent) -> int:
        return max(self._house.now_ms(), ms(event.time_ns))

    def _report(self, event: OrderChanged) -> Json:
        order, fill = event.order, event.fill
        note = note_of(order)
        own, other = order.client_order_id, ""
        if event.change is Change.CANCELED and note.other_id:
            own, other = note.other_id, own
        elif event.change is Change.CANCELED or event.change is Change.MODIFIED:
            other = note.other_id or own
        row: Json = {
            "e": "executionReport", "E": self._now(event), "s": order.symbol, "c": own, "S": side_name(order.side),
            "o": note.order_type, "f": note.time_in_force, "q": fixed(order.quantity_e8), "p": price_of(order, note),
            "P": ZERO, "F": ZERO, "g": -1, "C": other, "x": EXECUTIONS[event.change], "X": STATES[order.status],
            "r": "NONE", "i": order.venue_order_id, "l": fixed(fill.quantity_e8 if fill else 0),
            "z": fixed(order.filled_e8), "L": fixed(fill.price_e8 if fill else 0),
            "n": fixed(fill.fee_e8) if fill else "0", "N": fill.fee_asset if fill else None, "T": ms(event.time_ns),
            "t": fill.trade_id if fill else -1, "I": event.sequence, "w": order.is_open,
            "m": fill.maker if fill else False, "M": fill is not None, "O": ms(order.created_ns),
            "Z": fixed(order.notional_e8), "Y": fixed(fill.notional_e8 if fill else 0),
            "Q": fixed(note.quote_amount_e8), "V": note.stp,
        }  # fmt: skip
        if order.is_open:
            row["W"] = ms(order.created_ns)
        if note.strategy_id is not None:
            row["j"] = note.strategy_id
        if note.strategy_type is not None:
            row["J"] = note.strategy_type
        if event.change is Change.EXPIRED:
            row["eR"] = expiry_reason(note)
        return row

    def _position(self, event: AccountEvent, assets: list[str]) -> Json:
        money = [self._trader.balance(self._house.venue, asset) for asset in assets]
        return {
            "e": "outboundAccountPosition", "E": self._now(event), "u": ms(event.time_ns),
            "B": [{"a": one.asset, "f": fixed(one.free_e8), "l": fixed(one.locked_e8)} for one in money],
        }  # fmt: skip
