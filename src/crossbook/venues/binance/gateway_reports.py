"""The account at Binance as it stands, and the answer to a QUERY: positions, balances, open orders.

The amount of a balance is what the ledger calls the wallet: of spot, free and locked; of futures, the wallet less the
signed cost of open positions. Binance does not say that cost, and its entry prices are rounded; but unrealised profit
is value less cost, so it follows from one answer: wallet + unrealised profit - value of the positions at the mark.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.errors import Refused
from crossbook.events import BalanceReport, Event, OrderReport, PositionReport
from crossbook.money import parse_e8, quantity_to_lots
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Level
from crossbook.venues.binance import accounts, requests
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.orders import order_answer
from crossbook.venues.budgets import Purpose
from crossbook.venues.messages import Balance, Error, Message, OrderUpdate, Position
from crossbook.venues.rest import Fate, Outcome

AGAIN_S = 1.0
QUIET_NS = 250 * NS_PER_MS
"""A report counts only if nothing was heard of the account from its asking until so long after its answer."""
TRIES_MAX = 10
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_account(ground: Ground, outcome: Outcome) -> list[Message]:
    """An answer to `requests.account`; an error that it is, or nothing where nothing can be read."""
    if outcome.fate is not Fate.ANSWERED:
        return []
    if outcome.status != 200:
        return order_answer(ground.label, outcome.body, outcome.status, outcome.headers.get("retry-after"))
    try:
        read = accounts.spot_account if ground.is_spot else accounts.futures_account
        return read(ground.label, outcome.body)
    except UNREADABLE as error:
        ground.trouble("unreadable_account", str(error))
        return []


def owned_e8(ground: Ground, found: list[Message]) -> dict[str, int]:
    """By asset, the amount as the ledger has it."""
    owned: dict[str, int] = {}
    for one in found:
        if isinstance(one, Balance):
            parts = (one.free, one.locked) if ground.is_spot else (one.total, one.unrealized)
            owned[one.asset] = sum(parse_e8(part, f"{ground.label} {one.asset}") for part in parts if part)
        elif isinstance(one, Position) and one.notional is not None:
            asset = ground.settles.get(one.instrument, "")
            owned[asset] = owned.get(asset, 0) - parse_e8(one.notional, f"{ground.label} {one.instrument} value")
    return owned


class Reports:
    """Answers one QUERY after the other. `heard_ns` says when something was last heard of the account."""

    def __init__(self, ground: Ground, heard_ns: Callable[[], int]) -> None:
        self.is_closed = False
        self._ground, self._heard_ns = ground, heard_ns
        self._waiting = 0
        self._tries = 0

    def query(self) -> None:
        """One is wanted."""
        self._waiting += 1
        if self._waiting == 1:
            self._ask()

    def _ask(self) -> None:
        asked_ns = self._ground.monotonic_ns()
        self._tries += 1
        symbols = list(self._ground.numbers)
        orders: list[OrderUpdate] = []

        def account_came(outcome: Outcome) -> None:
            found = read_account(self._ground, outcome)
            if not any(isinstance(one, Balance) for one in found):
                self._fail(found)
                return
            next_symbol(found)

        def next_symbol(account: list[Message]) -> None:
            if symbols:
                request = requests.open_orders(self._ground.venue, symbols.pop())
                self._ground.ask(request, lambda outcome: orders_came(account, outcome), Purpose.SAFE)
            else:
                self._ground.ports.loop.call_later(
                    QUIET_NS / 1_000_000_000, lambda: self._judge(asked_ns, account, len(orders))
                )

        def orders_came(account: list[Message], outcome: Outcome) -> None:
            found: list[Message] = []
            if outcome.fate is Fate.ANSWERED:
                found = order_answer(
                    self._ground.label, outcome.body, outcome.status, outcome.headers.get("retry-after")
                )
            if outcome.fate is not Fate.ANSWERED or any(isinstance(one, Error) for one in found):
                self._fail(found)
                return
            orders.extend(one for one in found if isinstance(one, OrderUpdate))
            next_symbol(account)

        self._ground.ask(requests.account(self._ground.venue), account_came, Purpose.SAFE)

    def _fail(self, found: list[Message]) -> None:
        for one in found:
            if isinstance(one, Error):
                self._ground.heed(one)
        self._again()

    def _again(self) -> None:
        if not self.is_closed:
            self._ground.ports.loop.call_later(AGAIN_S, lambda: None if self.is_closed else self._ask())

    def _judge(self, asked_ns: int, account: list[Message], open_orders: int) -> None:
        if self.is_closed:
            return
        if self._heard_ns() >= asked_ns and self._tries < TRIES_MAX:
            self._again()
            return
        self._tries = 0
        ts = self._ground.now_ns()
        try:
            events = [*self._positions(account, ts), *self._balances(account, ts)]
        except Refused as error:
            self._ground.trouble("unbookable", str(error), Level.CLOSE_ONLY)
            events = []
        report = OrderReport(ts=ts, ts_venue=ts, venue=int(self._ground.venue), open_orders=open_orders)
        waiting, self._waiting = self._waiting, 0
        for _ in range(waiting):
            for event in [*events, report]:
                self._ground.desk.on_event(event)

    def _positions(self, account: list[Message], ts: int) -> list[Event]:
        """Spot has balances and no positions."""
        if self._ground.is_spot:
            return []
        held = {one.instrument: one.quantity for one in account if isinstance(one, Position)}
        events: list[Event] = []
        for symbol, number in self._ground.numbers.items():
            said = held.get(symbol, "0")
            size = quantity_to_lots(said.removeprefix("-"), self._ground.instruments[number])
            lots = -size if said.startswith("-") else size
            events.append(PositionReport(ts=ts, ts_venue=ts, instrument=number, lots=lots))
        return events

    def _balances(self, account: list[Message], ts: int) -> list[Event]:
        ground = self._ground
        owned = owned_e8(ground, account)
        traded: set[str] = set()
        for one in ground.instruments.values():
            traded |= {one.base, one.quote} if ground.is_spot else {one.settle}
        told = [asset for asset in ground.assets if asset in traded or owned.get(asset)]
        return [
            BalanceReport(
                ts=ts, ts_venue=ts, venue=int(ground.venue), asset=ground.assets[asset], amount_e8=owned.get(asset, 0)
            )
            for asset in told
        ]
