"""The answer to a QUERY: positions, balances and the number of open orders, as Hyperliquid asserts them.

What the ledger calls the wallet (cash, less the signed cost of open positions) is what the venue calls `totalRawUsd`:
the account's value less the signed value of its positions. Collateral that lies in the spot wallet is not in it, and
moves in and out of it as a transfer does; other coins are those of the spot wallet.
"""

from __future__ import annotations

from collections.abc import Callable

from crossbook.errors import Refused
from crossbook.events import BalanceReport, Event, OrderReport, PositionReport
from crossbook.money import parse_e8, quantity_to_lots
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import InstrumentKind, Level
from crossbook.venues.budgets import Purpose
from crossbook.venues.hyperliquid import info
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_resolve import Resolver
from crossbook.venues.hyperliquid.info import AccountState, SpotState
from crossbook.venues.hyperliquid.messages import Order
from crossbook.venues.rest import Outcome

AGAIN_S = 1.0
QUIET_NS = 250 * NS_PER_MS
"""A report counts only if nothing was heard of the account from its asking until so long after its answer."""
TRIES_MAX = 10


def owned_e8(ground: Ground, state: AccountState, spot: SpotState | None) -> dict[str, int]:
    """By asset, the amount as the ledger has it."""
    summary = state.margin_summary or state.cross_margin_summary
    owned = {ground.collateral: parse_e8(summary.total_raw_usd, f"{ground.label} {ground.collateral}")}
    for one in spot.balances if spot is not None else ():
        if one.coin != ground.collateral:
            owned[one.coin] = parse_e8(one.total, f"{ground.label} {one.coin}")
    return owned


class Reports:
    """Answers one QUERY after the other. `heard_ns` says when something was last heard of the account."""

    def __init__(self, ground: Ground, resolver: Resolver, heard_ns: Callable[[], int]) -> None:
        self._ground, self._resolver, self._heard_ns = ground, resolver, heard_ns
        self._waiting = 0
        self._tries = 0

    def query(self) -> None:
        """One is wanted."""
        if self._ground.key is None:
            return
        self._waiting += 1
        if self._waiting == 1:
            self._ask()

    def _ask(self) -> None:
        ground, read = self._ground, self._resolver.read
        asked_ns = ground.monotonic_ns()
        self._tries += 1

        def state_came(outcome: Outcome) -> None:
            state = read(outcome, AccountState)
            if state is None:
                self._again(outcome)
            else:
                ground.ask(info.spot_account(ground.account), lambda said: spot_came(state, said), Purpose.SAFE)

        def spot_came(state: AccountState, outcome: Outcome) -> None:
            spot = read(outcome, SpotState)
            if spot is None:
                self._again(outcome)
            else:
                ground.ask(info.open_orders(ground.account), lambda said: orders_came(state, spot, said), Purpose.SAFE)

        def orders_came(state: AccountState, spot: SpotState, outcome: Outcome) -> None:
            found = read(outcome, list[Order])
            if found is None:
                self._again(outcome)
            else:
                ground.ports.loop.call_later(
                    QUIET_NS / NS_PER_S, lambda: self._judge(asked_ns, state, spot, len(found))
                )  # fmt: skip

        ground.ask(info.account(ground.account), state_came, Purpose.SAFE)

    def _again(self, outcome: Outcome | None = None) -> None:
        wait_s = AGAIN_S
        if outcome is not None and outcome.refusal is not None:
            wait_s += min(max(outcome.refusal.allowed_ns - self._ground.monotonic_ns(), 0) / NS_PER_S, 60.0)
        self._ground.ports.loop.call_later(wait_s, lambda: None if self._resolver.is_closed else self._ask())

    def _judge(self, asked_ns: int, state: AccountState, spot: SpotState, open_orders: int) -> None:
        if self._resolver.is_closed:
            return
        if self._heard_ns() >= asked_ns and self._tries < TRIES_MAX:
            self._again()
            return
        self._tries = 0
        ground = self._ground
        ts = ground.now_ns()
        events: list[Event] = []
        try:
            events = [*self._positions(state, ts), *self._balances(state, spot, ts)]
        except Refused as error:
            ground.trouble("unbookable", str(error), Level.CLOSE_ONLY)
        report = OrderReport(ts=ts, ts_venue=ts, venue=int(ground.venue), open_orders=open_orders)
        waiting, self._waiting = self._waiting, 0
        for _ in range(waiting):
            for event in [*events, report]:
                ground.desk.on_event(event)

    def _positions(self, state: AccountState, ts: int) -> list[Event]:
        """Of perpetuals: spot has balances and no positions."""
        held = {one.position.coin: one.position.szi for one in state.asset_positions}
        events: list[Event] = []
        for symbol, number in self._ground.numbers.items():
            instrument = self._ground.instruments[number]
            if instrument.kind is not InstrumentKind.SPOT:
                szi = held.get(symbol, "0")
                size = quantity_to_lots(szi.removeprefix("-"), instrument)
                lots = -size if szi.startswith("-") else size
                events.append(PositionReport(ts=ts, ts_venue=ts, instrument=number, lots=lots))
        return events

    def _balances(self, state: AccountState, spot: SpotState, ts: int) -> list[Event]:
        ground = self._ground
        owned = owned_e8(ground, state, spot)
        traded: set[str] = set()
        for one in ground.instruments.values():
            traded |= {one.base, one.quote} if one.kind is InstrumentKind.SPOT else {one.settle}
        told = [asset for asset in ground.assets if asset in traded or owned.get(asset)]
        return [
            BalanceReport(
                ts=ts, ts_venue=ts, venue=int(ground.venue), asset=ground.assets[asset], amount_e8=owned.get(asset, 0)
            )
            for asset in told
        ]
