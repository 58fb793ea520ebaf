"""How an account stands at the served venues: what they said becomes orders, fills, money, and news for listeners."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from crossbook.events import FLAG_MAKER, EventKind, Rejection
from crossbook.rules.layout import Rows
from crossbook.types import Instrument, InstrumentKind, Side, Venue
from crossbook.venues.served.accounts import Account
from crossbook.venues.served.facts import (
    AccountEvent,
    Balance,
    Change,
    Fees,
    Fill,
    FundingPaid,
    Income,
    IncomeKind,
    Liquidated,
    Order,
    OrderChanged,
    Position,
    Status,
    copy_order,
)
from crossbook.venues.served.order_list import OrderList
from crossbook.venues.served.wallet import KEPT, Wallet

ACCEPTED = int(EventKind.ORDER_ACCEPTED)
FILLED = int(EventKind.ORDER_FILLED)
CANCELED = int(EventKind.ORDER_CANCELED)
REJECTED = int(EventKind.ORDER_REJECTED)
FUNDING_PAID = int(EventKind.FUNDING_PAID)
FORCED_CLOSE = int(EventKind.FORCED_CLOSE)
Reply = tuple[int, ...]
"""A reply row of the kernels, its columns in the order of `layout.EVENT`."""


class AccountListener(Protocol):
    """Hears an account. Must not call anything that changes the world; it may ask."""

    def on_account(self, event: AccountEvent) -> None:
        """It happened now. Called before `submit`, `cancel` ... return."""


class Room(Protocol):
    """What a trader needs of the world around it."""

    def catch_up(self) -> int:
        """Let everything up to now happen; now."""

    def index(self, venue: Venue, symbol: str) -> int:
        """The number of an instrument. Raises `Refused` for an unknown one."""


class Standing:
    """The asking half of a trader. Questions first let the world catch up with the clock."""

    def __init__(
        self, room: Room, account: Account, state: Rows, instruments: tuple[Instrument, ...], assets: tuple[str, ...]
    ) -> None:
        self.account = account
        self.state = state
        self._room = room
        self._instruments = instruments
        self._assets = assets
        self._factors = [int(one.factor) for one in state[0].instruments[: len(instruments)]]
        self._wallet = Wallet(state, instruments, assets)
        self._orders = OrderList()
        self._fills: deque[Fill] = deque(maxlen=KEPT)
        self._fill_count = 0
        self._traded: dict[Venue, int] = {}
        self._listeners: dict[Venue, list[AccountListener]] = {venue: [] for venue in Venue}
        self._sequence = 0

    def subscribe(self, venue: Venue, listener: AccountListener) -> None:
        """Hear every event of this account at a venue from now on."""
        self._listeners[venue].append(listener)

    def unsubscribe(self, venue: Venue, listener: AccountListener) -> None:
        """Hear no more; nothing happens to who did not."""
        if listener in self._listeners[venue]:
            self._listeners[venue].remove(listener)

    # orders

    def order(self, venue: Venue, *, venue_order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """The order of this id, open or not; of a client id used more than once, the latest. Raises `UnknownOrder`."""
        self._room.catch_up()
        return self._orders.find(venue, venue_order_id, client_order_id)

    def open_orders(self, venue: Venue, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        self._room.catch_up()
        return self._orders.open(venue, symbol)

    def orders(self, venue: Venue, symbol: str | None = None) -> list[Order]:
        """All orders that got a venue id, oldest first; the last 10,000 that ended are kept."""
        self._room.catch_up()
        return self._orders.all(venue, symbol)

    def fills(self, venue: Venue, symbol: str | None = None) -> list[Fill]:
        """All fills, liquidations included, oldest first; the last 10,000 are kept."""
        self._room.catch_up()
        return [one for one in self._fills if one.venue is venue and symbol in (None, one.symbol)]

    # money

    def balances(self, venue: Venue) -> list[Balance]:
        """Every asset that the wallet can hold."""
        self._room.catch_up()
        return self._wallet.balances(venue)

    def balance(self, venue: Venue, asset: str) -> Balance:
        """One asset of a wallet."""
        self._room.catch_up()
        return self._wallet.balance(venue, asset)

    def cash_e8(self, venue: Venue, asset: str) -> int:
        """Transfers - fees + funding - signed notional of all fills: what the simulated venues' books hold."""
        return int(self.state[0].balances[int(venue), self._assets.index(asset)])

    def positions(self, venue: Venue) -> list[Position]:
        """Every instrument of a margin venue, flat ones included; empty for spot."""
        self._room.catch_up()
        return self._wallet.positions(venue)

    def position(self, venue: Venue, symbol: str) -> Position:
        """One net position."""
        self._room.catch_up()
        return self._wallet.position(self._room.index(venue, symbol))

    def leverage(self, venue: Venue, symbol: str) -> int:
        """The leverage whose initial margin orders are asked for."""
        return int(self.state[0].leverage[self._room.index(venue, symbol)])

    def fees(self, venue: Venue, symbol: str) -> Fees:
        """What its fills cost."""
        instrument = self.state[0].instruments[self._room.index(venue, symbol)]
        return Fees(maker_ppm=int(instrument.maker_ppm), taker_ppm=int(instrument.taker_ppm))

    @property
    def fill_count(self) -> int:
        """How many fills there were."""
        return self._fill_count

    def traded_e8(self, venue: Venue) -> int:
        """The notional of all its fills at a venue, liquidations included."""
        return self._traded.get(venue, 0)

    def income(self, venue: Venue, symbol: str | None = None, kind: IncomeKind | None = None) -> list[Income]:
        """Movements of the wallet, oldest first; the last 10,000 are kept. Spot: transfers alone."""
        self._room.catch_up()
        return [
            one
            for one in self._wallet.income
            if one.venue is venue and symbol in (None, one.symbol) and kind in (None, one.kind)
        ]

    # what the venues say

    def settle(self, reply: Reply) -> None:
        """Take one answer of the venues into the account."""
        ts, _, price, lots, _, extra, number, own, kind, i, _, asset, _, side, flags, reason = reply
        if kind == FUNDING_PAID:
            self._pay(i, lots, extra, asset, ts)
            return
        if kind == FORCED_CLOSE:
            fill = self._fill(None, i, Side(side), price, lots, extra, asset, False, own, ts)
            self._emit(Liquidated(**self._stamp(fill.venue, ts), fill=fill))
            return
        order = self._orders.by_number(number)
        order.updated_ns = ts
        if kind == ACCEPTED:
            order.venue_order_id = own
            self._orders.accept(order)
            self._emit_order(order, Change.NEW, ts)
        elif kind == FILLED:
            fill = self._fill(order, i, Side(side), price, lots, extra, asset, flags & FLAG_MAKER != 0, own, ts)
            if order.status is Status.FILLED:
                self._orders.end(order)
            self._emit_order(order, Change.TRADE, ts, fill)
        elif kind == REJECTED:
            order.status, order.reason = Status.REJECTED, Rejection(reason)
            self._orders.end(order)
            self._emit_order(order, Change.REJECTED, ts)
        else:
            order.status = Status.CANCELED if kind == CANCELED else Status.EXPIRED
            self._orders.end(order)
            self._emit_order(order, Change(order.status.value), ts)

    def _fill(
        self,
        order: Order | None,
        i: int,
        side: Side,
        price: int,
        lots: int,
        fee: int,
        asset: int,
        maker: bool,
        trade: int,
        ts: int,
    ) -> Fill:
        instrument = self._instruments[i]
        venue, symbol, lot = instrument.venue, instrument.symbol, instrument.lot_e8
        notional, before, realized = price * lots * self._factors[i], 0, 0
        if instrument.kind is not InstrumentKind.SPOT:
            before = self._wallet.lots[i]
            realized = self._wallet.fold_fill(i, lots if side is Side.BUY else -lots, notional, ts)
            kind = IncomeKind.FEE if order is not None else IncomeKind.LIQUIDATION_FEE
            if realized:
                self._wallet.note(venue, IncomeKind.REALIZED, symbol, instrument.settle, realized, ts, trade)
            if fee:
                self._wallet.note(venue, kind, symbol, self._assets[asset], -fee, ts, trade)
        fill = Fill(
            venue=venue, instrument=i, symbol=symbol, side=side, price_e8=price * instrument.tick_e8,
            quantity_e8=lots * lot, notional_e8=notional, fee_e8=fee, fee_asset=self._assets[asset], maker=maker,
            trade_id=trade, venue_order_id=order.venue_order_id if order is not None else trade,
            client_order_id=order.client_order_id if order is not None else f"autoclose-{trade}",
            start_position_e8=before * lot, realized_e8=realized, time_ns=ts, liquidation=order is None,
        )  # fmt: skip
        self._fills.append(fill)
        self._fill_count += 1
        self._traded[venue] = self._traded.get(venue, 0) + notional
        if order is not None:
            order.fills.append(fill)
            order.filled_e8 += fill.quantity_e8
            order.notional_e8 += notional
            order.status = Status.FILLED if order.open_e8 == 0 else Status.PARTIAL
        return fill

    def _pay(self, i: int, amount: int, rate: int, asset: int, ts: int) -> None:
        instrument = self._instruments[i]
        income = self._wallet.note(
            instrument.venue, IncomeKind.FUNDING, instrument.symbol, self._assets[asset], amount, ts,
            rate_e8=rate, position_e8=self._wallet.lots[i] * instrument.lot_e8,
        )  # fmt: skip
        self._emit(FundingPaid(**self._stamp(instrument.venue, ts), income=income))

    def _stamp(self, venue: Venue, ts: int) -> dict[str, Any]:
        self._sequence += 1
        return {"account": self.account.name, "venue": venue, "sequence": self._sequence, "time_ns": ts}

    def _emit_order(self, order: Order, what: Change, ts: int, fill: Fill | None = None) -> None:
        stamp = self._stamp(order.venue, ts)
        if self._listeners[order.venue]:
            self._emit(OrderChanged(**stamp, change=what, order=copy_order(order), fill=fill))

    def _emit(self, event: AccountEvent) -> None:
        for listener in list(self._listeners[event.venue]):
            listener.on_account(event)
