"""One account's money at the served venues, as its own people see it: wallets, positions at their cost, income.

The kernels' balances move by the notional of every fill; a wallet balance in the venues' sense adds the cost of what is
still open. Costs are folded by the ledger's rule (`ledger.positions`), so wallet + value - cost is the equity, exactly.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from math import floor
from typing import Any

from crossbook.ledger.positions import change, closing_lots
from crossbook.money import E8, PPM
from crossbook.rules.layout import Rows
from crossbook.sim.accounts import MAINTENANCE_PPM
from crossbook.sim.statement import new_statement, state_account
from crossbook.types import Instrument, InstrumentKind, Venue
from crossbook.venues.served.facts import Balance, Income, IncomeKind, Position

KEPT = 10_000


class Wallet:
    """Reads the state that the kernels keep; what it keeps itself is cost and income."""

    def __init__(self, state: Rows, instruments: tuple[Instrument, ...], assets: tuple[str, ...]) -> None:
        self.instruments = instruments
        self.assets = assets
        self._state = state
        self._statement = new_statement()
        self.lots = [0] * len(instruments)
        self.cost = [0] * len(instruments)
        self.changed_ns = [0] * len(instruments)
        self.income: deque[Income] = deque(maxlen=KEPT)
        self._payments = 0
        self._held = {
            venue: sorted(
                {
                    asset
                    for one in instruments
                    if one.venue is venue
                    for asset in ((one.base, one.quote) if one.kind is InstrumentKind.SPOT else (one.settle,))
                }
            )
            for venue in Venue
        }

    def open_balance(self, venue: Venue, asset: str, amount_e8: int, time_ns: int) -> None:
        """Money comes in, or goes out."""
        self._state[0].balances[int(venue), self.assets.index(asset)] += amount_e8
        if asset not in self._held[venue]:
            self._held[venue].append(asset)
        self.note(venue, IncomeKind.TRANSFER, "", asset, amount_e8, time_ns)

    def note(
        self,
        venue: Venue,
        kind: IncomeKind,
        symbol: str,
        asset: str,
        amount_e8: int,
        time_ns: int,
        trade_id: int = 0,
        rate_e8: int = 0,
        position_e8: int = 0,
    ) -> Income:
        """A movement of a wallet."""
        self._payments += 1
        income = Income(
            venue=venue, kind=kind, symbol=symbol, asset=asset, amount_e8=amount_e8, time_ns=time_ns,
            id=self._payments, trade_id=trade_id, rate_e8=rate_e8, position_e8=position_e8,
        )  # fmt: skip
        self.income.append(income)
        return income

    def fold_fill(self, i: int, signed_lots: int, notional_e8: int, time_ns: int) -> int:
        """A fill meets a margin position; the P&L it realized, before fees."""
        cash = -notional_e8 if signed_lots > 0 else notional_e8
        closed = closing_lots(self.lots[i], signed_lots)
        done = change(self.lots[i], self.cost[i], signed_lots, cash, cash * closed // abs(signed_lots))
        self.lots[i], self.cost[i] = done.lots_after, done.cost_after
        self.changed_ns[i] = time_ns
        return done.realised

    def statement(self) -> Any:
        """How the account stands now, by the kernels."""
        state_account(self._state, self._statement)
        return self._statement[0]

    def balances(self, venue: Venue) -> list[Balance]:
        """Every asset that the wallet can hold."""
        statement = self.statement()
        return [self._balance(statement, venue, asset) for asset in self._held[venue]]

    def balance(self, venue: Venue, asset: str) -> Balance:
        """One asset; all 0 for one that nobody holds here."""
        if asset not in self.assets:
            return Balance(venue=venue, asset=asset, total_e8=0, locked_e8=0, free_e8=0, equity_e8=0)
        return self._balance(self.statement(), venue, asset)

    def _balance(self, statement: Any, venue: Venue, asset: str) -> Balance:
        wallet = statement.wallets[int(venue), self.assets.index(asset)]
        balance, locked, equity, maintenance = wallet.item()
        total = balance + sum(
            self.cost[i]
            for i, one in enumerate(self.instruments)
            if one.venue is venue and one.kind is not InstrumentKind.SPOT and one.settle == asset
        )
        return Balance(
            venue=venue, asset=asset, total_e8=total, locked_e8=locked, free_e8=equity - locked, equity_e8=equity,
            maintenance_e8=maintenance,
        )  # fmt: skip

    def positions(self, venue: Venue) -> list[Position]:
        """Every instrument of a margin venue."""
        statement = self.statement()
        return [
            self._position(statement, i)
            for i, one in enumerate(self.instruments)
            if one.venue is venue and one.kind is not InstrumentKind.SPOT
        ]

    def position(self, i: int) -> Position:
        """One net position."""
        return self._position(self.statement(), i)

    def _position(self, statement: Any, i: int) -> Position:
        instrument = self.instruments[i]
        net, value, margin, maintenance, _ = statement.holdings[i].item()
        return Position(
            venue=instrument.venue,
            instrument=i,
            symbol=instrument.symbol,
            quantity_e8=net * instrument.lot_e8,
            cost_e8=self.cost[i],
            value_e8=value,
            unrealized_e8=value - self.cost[i],
            leverage=int(self._state[0].leverage[i]),
            margin_e8=margin,
            maintenance_e8=maintenance,
            liquidation_price_e8=self._liquidation(statement, i),
            updated_ns=self.changed_ns[i],
        )

    def _liquidation(self, statement: Any, i: int) -> int | None:
        """Solve equity = maintenance for this instrument's mid: both are linear in it."""
        instrument = self.instruments[i]
        net, value, _, maintenance, _ = statement.holdings[i].item()
        if net == 0:
            return None
        _, _, equity, all_maintenance = statement.wallets[
            int(instrument.venue), self.assets.index(instrument.settle)
        ].item()  # fmt: skip
        surplus = equity - value - (all_maintenance - maintenance)
        slope = Fraction(net * instrument.lot_e8) - Fraction(abs(net) * instrument.lot_e8 * MAINTENANCE_PPM, PPM)
        price = floor(-surplus * E8 / slope)
        return price if price > 0 else None
