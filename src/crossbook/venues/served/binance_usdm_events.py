"""What happens to a futures account, in the words of its user data stream."""

from __future__ import annotations

from crossbook.types import Side
from crossbook.venues.served.binance_house import House, average, fraction_text
from crossbook.venues.served.binance_order_words import STATES, note_of, side_name
from crossbook.venues.served.binance_text import fixed, ms, times_e8
from crossbook.venues.served.binance_usdm_account import entry_text
from crossbook.venues.served.binance_usdm_orders import price_of
from crossbook.venues.served.facts import (
    AccountEvent,
    Change,
    Fill,
    FundingPaid,
    LeverageSet,
    Liquidated,
    OrderChanged,
    Status,
    Transferred,
    Wait,
)
from crossbook.venues.served.trader import Trader

Json = dict[str, object]
EXECUTIONS = {
    Change.NEW: "NEW", Change.TRADE: "TRADE", Change.CANCELED: "CANCELED", Change.EXPIRED: "EXPIRED",
    Change.MODIFIED: "AMENDMENT",
}  # fmt: skip
NONE, IOC_REST, REDUCE_ONLY, MARKET_REST = "0", "2", "4", "9"
"""Why an order expired."""


class UsdmVoice:
    """Tells one account's events. It sums up realised P&L by symbol, as ACCOUNT_UPDATE's `cr`."""

    def __init__(self, house: House, trader: Trader) -> None:
        self._house = house
        self._trader = trader
        self._realized: dict[str, int] = {}
        self._held: OrderChanged | None = None

    def tell(self, event: AccountEvent) -> list[Json]:
        """The messages that an event makes, in order."""
        if isinstance(event, OrderChanged):
            return self._order(event)
        if isinstance(event, Liquidated):
            return [self._liquidation(event), self._update(event, "ORDER", 0, event.fill)]
        if isinstance(event, FundingPaid):
            return [self._update(event, "FUNDING_FEE", event.income.amount_e8, None, event.income.asset)]
        if isinstance(event, Transferred):
            why = "DEPOSIT" if event.amount_e8 > 0 else "WITHDRAW"
            return [self._update(event, why, event.amount_e8, None, event.asset)]
        if isinstance(event, LeverageSet):
            return [{"e": "ACCOUNT_CONFIG_UPDATE", "E": self._now(event), "T": ms(event.time_ns),
                     "ac": {"s": event.symbol, "l": event.leverage}}]  # fmt: skip
        return []

    def _order(self, event: OrderChanged) -> list[Json]:
        """A fill-or-kill order is told of only once it is known to fill: one that does not never was."""
        if event.change not in EXECUTIONS:
            return []
        if event.change is Change.NEW and event.order.request.wait is Wait.FOK:
            self._held = event
            return []
        before, self._held = self._held, None
        if before is not None and event.order.number == before.order.number:
            if event.change is Change.EXPIRED and event.order.filled_e8 == 0:
                return []
            return [self._trade_update(before), *self._order(event)]
        if event.fill is None:
            return [self._trade_update(event)]
        return [self._lite(event, event.fill), self._trade_update(event), self._update(event, "ORDER", 0, event.fill)]

    def _now(self, event: AccountEvent) -> int:
        return max(self._house.now_ms(), ms(event.time_ns))

    def _lite(self, event: OrderChanged, fill: Fill) -> Json:
        order, form = event.order, self._house.form(event.order.symbol)
        return {
            "e": "TRADE_LITE", "E": self._now(event), "T": ms(event.time_ns), "s": order.symbol,
            "q": form.quantity(order.quantity_e8), "p": price_of(order, note_of(order), form), "m": fill.maker,
            "c": order.client_order_id, "S": side_name(order.side), "L": form.price(fill.price_e8),
            "l": form.quantity(fill.quantity_e8), "t": fill.trade_id, "i": order.venue_order_id,
        }  # fmt: skip

    def _trade_update(self, event: OrderChanged) -> Json:
        order, fill, form = event.order, event.fill, self._house.form(event.order.symbol)
        note = note_of(order)
        told: Json = {
            "s": order.symbol, "c": order.client_order_id, "S": side_name(order.side), "o": note.order_type,
            "f": note.time_in_force, "q": form.quantity(order.quantity_e8), "p": price_of(order, note, form),
            "ap": fraction_text(average(order.notional_e8, order.filled_e8), form.price_decimals + 2),
            "sp": "0", "x": EXECUTIONS[event.change], "X": STATES[order.status], "i": order.venue_order_id,
            "l": form.quantity(fill.quantity_e8 if fill else 0), "z": form.quantity(order.filled_e8),
            "L": form.price(fill.price_e8 if fill else 0),
            "N": fill.fee_asset if fill else self._house.instruments[order.symbol].settle,
            "n": fixed(fill.fee_e8) if fill else "0", "T": ms(event.time_ns), "t": fill.trade_id if fill else 0,
            **self._open_notional(order.symbol), "m": fill.maker if fill else False, "R": order.request.reduce_only,
            "wt": note.working_type, "ot": note.order_type, "ps": "BOTH", "cp": False, "AP": "0", "cr": "0",
            "pP": False, "si": 0, "ss": 0, "rp": fixed(fill.realized_e8) if fill else "0", "V": note.stp,
            "pm": note.price_match, "gtd": 0, "er": NONE,
        }  # fmt: skip
        if event.change is Change.EXPIRED:
            told["er"] = MARKET_REST if note.order_type == "MARKET" else IOC_REST
            if order.request.reduce_only and order.request.wait is Wait.GTC:
                told["er"] = REDUCE_ONLY
        return {"e": "ORDER_TRADE_UPDATE", "E": self._now(event), "T": ms(event.time_ns), "o": told}

    def _open_notional(self, symbol: str) -> Json:
        """What the symbol's open orders bid and ask for."""
        totals = {Side.BUY: 0, Side.SELL: 0}
        for order in self._trader.open_orders(self._house.venue, symbol):
            totals[order.side] += times_e8(order.price_e8, order.open_e8)
        return {"b": fixed(totals[Side.BUY]), "a": fixed(totals[Side.SELL])}

    def _liquidation(self, event: Liquidated) -> Json:
        fill, form = event.fill, self._house.form(event.fill.symbol)
        price, quantity = form.price(fill.price_e8), form.quantity(fill.quantity_e8)
        return {
            "e": "ORDER_TRADE_UPDATE", "E": self._now(event), "T": ms(event.time_ns),
            "o": {
                "s": fill.symbol, "c": fill.client_order_id or f"autoclose-{ms(fill.time_ns)}",
                "S": side_name(fill.side), "o": "LIMIT", "f": "IOC", "q": quantity, "p": price, "ap": price,
                "sp": "0", "x": "CALCULATED", "X": STATES[Status.FILLED], "i": fill.venue_order_id, "l": quantity,
                "z": quantity, "L": price, "N": fill.fee_asset, "n": fixed(fill.fee_e8), "T": ms(event.time_ns),
                "t": fill.trade_id, "b": "0", "a": "0", "m": False, "R": True, "wt": "CONTRACT_PRICE", "ot": "LIMIT",
                "ps": "BOTH", "cp": False, "AP": "0", "cr": "0", "pP": False, "si": 0, "ss": 0,
                "rp": fixed(fill.realized_e8), "V": "NONE", "pm": "NONE", "gtd": 0, "er": NONE,
            },
        }  # fmt: skip

    def _update(
        self, event: AccountEvent, why: str, change_e8: int, fill: Fill | None, asset: str = ""
    ) -> Json:  # fmt: skip
        """ACCOUNT_UPDATE: what the wallet and the position are now. `change_e8` is no P&L and no fee."""
        house = self._house
        if fill is not None:
            asset = house.instruments[fill.symbol].settle
            self._realized[fill.symbol] = self._realized.get(fill.symbol, 0) + fill.realized_e8
        wallet = fixed(self._trader.balance(house.venue, asset).total_e8)
        positions: list[Json] = []
        if fill is not None:
            held = self._trader.position(house.venue, fill.symbol)
            entry = entry_text(house, held)
            positions.append({
                "s": fill.symbol, "pa": house.form(fill.symbol).quantity(held.quantity_e8), "ep": entry, "bep": entry,
                "cr": fixed(self._realized[fill.symbol]), "up": fixed(held.unrealized_e8), "mt": "cross", "iw": "0",
                "ps": "BOTH",
            })  # fmt: skip
        return {
            "e": "ACCOUNT_UPDATE", "E": self._now(event), "T": ms(event.time_ns),
            "a": {"m": why, "B": [{"a": asset, "wb": wallet, "cw": wallet, "bc": fixed(change_e8)}], "P": positions},
        }  # fmt: skip
