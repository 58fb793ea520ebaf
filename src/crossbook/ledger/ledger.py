"""The ledger: folds journal entries into postings, positions, marks and counters. Every figure is read from it.

Entries go in one by one, in journal order; nothing is ever taken back. A venue event is booked once, however often
and in whatever order it arrives; a venue's report of a balance or position is compared, never booked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from crossbook.commands import OutKind
from crossbook.errors import Corrupt
from crossbook.events import EventKind
from crossbook.ledger.cells import Cell, traded_value
from crossbook.ledger.counts import Counts
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import DECLARATION_TAG, EVENT_TAG, EventRow, OutRow, decode_event, decode_out, kind_of
from crossbook.ledger.marks import Marks
from crossbook.ledger.path import Path
from crossbook.ledger.positions import change, closing_lots, share_half_even
from crossbook.ledger.postings import (
    CASH,
    FUNDING,
    NOBODY,
    Key,
    Leg,
    Posting,
    fill_cash_e8,
    fill_legs,
    funding_legs,
    funding_share_e8,
    key_of,
    transfer_legs,
)
from crossbook.ledger.trips import Trips
from crossbook.types import Level, Scope

FillId = tuple[int, int, int, int]
"""Venue, instrument, order, trade."""


class Ledger:
    """The books of one run. Build it with `Ledger.of(entries)` or feed it with `apply`."""

    def __init__(self, declaration: Declaration) -> None:
        declaration.check()
        self.declaration = declaration
        self.terms = declaration.terms()
        self.marks = Marks(declaration, self.terms)
        self.accounts: dict[tuple[int, int, int, int], int] = {}
        """Balance of each account (venue, asset, kind, strategy) at 1e-8; they sum to zero per asset."""
        self.cells: dict[tuple[int, int], Cell] = {}
        self.postings: list[Posting] = []
        self.booked: dict[Key, EventRow] = {}
        self.costs: dict[FillId, tuple[int, int]] = {}
        """What a fill's lots would have cost on our book when decided and when they arrived, in ticks x lots."""
        self.costed: list[FillId] = []
        """The fills in the order in which their costs became known."""
        self.trips = Trips()
        self.counts = Counts(declaration, self.terms)
        self.path: Path | None = None
        """None until every mark that is needed was seen once: the window of all figures begins there."""
        self.levels: dict[tuple[int, int], int] = {}
        """Per (scope, index) whose level ever changed."""
        self.entries = 0
        self.ts = 0
        self.breaks = 0
        self.duplicates = 0
        self.flow_value = 0
        """Flows of the window at 1e-18, each at the price of its time."""
        self.venue_flow_value = [0] * len(declaration.venues)
        self.flow_amounts = [0] * len(declaration.assets)
        """All flows since the run began, at 1e-8 per asset."""
        self.first_prices: dict[int, int] = {}
        """Per asset the first price seen: what money that came in before it is worth."""
        self.start_nav = 0
        self.start_flow_worth = 0
        self.start_venues: list[int] = []
        self.start_prices: tuple[int, ...] = ()
        self.start_sums: tuple[int, ...] = ()
        self._cash = [0] * len(declaration.assets)
        self._uncosted: dict[FillId, tuple[Cell, int, int, int, int]] = {}
        self._unpriced_flows: list[tuple[int, int, int]] = []
        self._changed = False
        self._pairs_of = [
            [number for number, pair in enumerate(declaration.pairs) if index in (pair.a, pair.b)]
            for index in range(len(self.terms))
        ]

    @staticmethod
    def of(entries: Iterable[bytes]) -> Ledger:
        """The books after all `entries` (payloads, the declaration first). Raises `Corrupt` if it is not first."""
        iterator = iter(entries)
        first = next(iterator, b"")
        if not first or first[0] != DECLARATION_TAG:
            raise Corrupt("the journal does not begin with a declaration; it is no journal of a run")
        ledger = Ledger(Declaration.from_json(first[1:]))
        for payload in iterator:
            ledger.apply(payload)
        return ledger

    def apply(self, payload: bytes) -> None:
        """Fold one entry. What was said in words changes no figure."""
        self.entries += 1
        kind = kind_of(payload)
        if payload[0] == EVENT_TAG:
            row = decode_event(payload)
            self._at(row.ts)
            handler = _ON_EVENT.get(kind)
            if handler is not None:
                handler(self, row)
        elif (answer := _ON_OUT.get(kind)) is not None:
            out = decode_out(payload)
            self._at(out.ts)
            answer(self, out)

    def nav(self) -> int:
        """Net asset value at the present marks, at 1e-18 of the reporting asset: all cash, and open contracts."""
        total = sum(amount * price for amount, price in zip(self._cash, self.marks.prices, strict=True))
        return total + sum(cell.open(self.marks) for cell in self.cells.values())

    def venue_worth(self, venue: int) -> int:
        """A venue's part of the net asset value."""
        worth = sum(cell.open(self.marks) for cell in self.cells.values() if cell.terms.venue == venue)
        for asset, price in enumerate(self.marks.prices):
            worth += self.accounts.get((venue, asset, CASH, NOBODY), 0) * price
        return worth

    def wallet_e8(self, venue: int, asset: int) -> int:
        """What the venue should say we own of an asset: cash, less the signed cost of open contracts settled in it."""
        cash = self.accounts.get((venue, asset, CASH, NOBODY), 0)
        open_cells = (cell for cell in self.cells.values() if not cell.terms.spot and cell.terms.venue == venue)
        return cash - sum(cell.cost for cell in open_cells if cell.terms.settle == asset)

    def pnl(self) -> int:
        """P&L of the window by the path of net asset value, at 1e-18; 0 before it begins."""
        return self.nav() - self.start_nav - self.flow_value if self.path else 0

    def inventory_pnl(self) -> int:
        """What holding the opening balances and later transfers earned by change of their marks."""
        return self._flow_worth() - self.start_flow_worth - self.flow_value if self.path else 0

    def settled_path(self) -> Path | None:
        """The path with the present moment taken in; the ledger itself is not changed by looking."""
        if self.path is None or not self._changed:
            return self.path
        path = Path(0, 0)
        path.__dict__.update(self.path.__dict__, days=dict(self.path.days))
        path.sample(self.ts, self.nav(), self.pnl())
        return path

    def level_of(self, strategy: int) -> Level:
        """What a strategy may do: the lower of its own level and the desk's, as the journal's transitions left them."""
        own = self.levels.get((Scope.STRATEGY, strategy), Level.ACTIVE)
        return Level(min(own, self.levels.get((Scope.DESK, 0), Level.ACTIVE)))

    def digest(self) -> str:
        """A hash of what was booked that does not depend on the order of arrival: the venue events, and per account
        what no averaging can change (contracts: cash less open cost; realised and trading are left out)."""
        facts = sorted((key, tuple(row)[1:]) for key, row in self.booked.items())
        wallets = sorted(
            (venue, asset, self.wallet_e8(venue, asset))
            for venue in range(len(self.declaration.venues))
            for asset in range(len(self.declaration.assets))
        )
        lots = sorted((key, cell.lots) for key, cell in self.cells.items() if cell.fills)
        return hashlib.sha256(repr((facts, wallets, lots)).encode()).hexdigest()

    # -- the moment ---------------------------------------------------------------------------------------------

    def _at(self, ts: int) -> None:
        """A new moment closes the one before: the path is sampled once for all that happened in it."""
        if ts > self.ts:
            if self._changed and self.path is not None:
                nav = self.nav()
                self.path.sample(self.ts, nav, nav - self.start_nav - self.flow_value)
                self._changed = False
            self.ts = ts

    def _begin_if_known(self) -> None:
        """The window starts once every balance that can be priced and every open contract has a mark."""
        for asset, mark in enumerate(self.declaration.asset_marks):
            if mark >= 0 and self.marks.prices[asset] == 0 and (self._cash[asset] or self._touches(asset)):
                return
        for cell in self.cells.values():
            if cell.lots and not cell.terms.spot and self.marks.sums[cell.terms.index] == 0:
                return
        for cell in self.cells.values():
            cell.begin(self.marks)
        self.start_nav = self.nav()
        self.start_flow_worth = self._flow_worth()
        self.start_venues = [self.venue_worth(venue) for venue in range(len(self.declaration.venues))]
        self.start_prices, self.start_sums = tuple(self.marks.prices), tuple(self.marks.sums)
        self._uncosted.clear()
        self.path = Path(self.ts, self.start_nav)

    def _touches(self, asset: int) -> bool:
        return bool(self.flow_amounts[asset]) or any(cell.gain[asset] for cell in self.cells.values())

    def _flow_worth(self) -> int:
        return sum(amount * price for amount, price in zip(self.flow_amounts, self.marks.prices, strict=True))

    # -- booking ------------------------------------------------------------------------------------------------

    def _cell(self, strategy: int, instrument: int) -> Cell:
        cell = self.cells.get((strategy, instrument))
        if cell is None:
            cell = Cell(self.terms[instrument], len(self.declaration.assets))
            self.cells[strategy, instrument] = cell
        return cell

    def _is_new(self, row: EventRow) -> bool:
        """Whether this venue event was never booked. The same event with other numbers is a break; the first stands."""
        key = key_of(row)
        before = self.booked.get(key)
        if before is None:
            self.booked[key] = row
            return True
        self.duplicates += 1
        if before[2:6] + before[9:14] != row[2:6] + row[9:14]:
            self.breaks += 1
        return False

    def _post(self, row: EventRow, legs: tuple[Leg, ...], strategy: int = NOBODY, lots: int = 0) -> None:
        for venue, asset, account, owner, amount in legs:
            key = (venue, asset, int(account), owner)
            self.accounts[key] = self.accounts.get(key, 0) + amount
            if account == CASH:
                self._cash[asset] += amount
        self.postings.append(
            Posting(
                key=key_of(row),
                ts=row.ts,
                ts_venue=row.ts_venue,
                instrument=row.instrument if row.kind != EventKind.TRANSFER else -1,
                strategy=strategy,
                lots=lots,
                price=row.price,
                legs=legs,
                prices=tuple(self.marks.prices),
                counted=self.path is not None,
            )
        )
        self._changed = True

    def _owner(self, strategy: int) -> int:
        return strategy if 0 <= strategy < len(self.declaration.strategies) else NOBODY

    def _on_fill(self, row: EventRow) -> None:
        if not self._is_new(row):
            return
        terms, strategy = self.terms[row.instrument], self._owner(row.strategy)
        if self.marks.sums[row.instrument] == 0:
            self._mark(row.instrument, row.price, row.price)  # until a middle is seen, the fill is what we know
        cell = self._cell(strategy, row.instrument)
        signed_lots = (1 - 2 * row.side) * row.lots
        cash = fill_cash_e8(terms, row.side, row.price, row.lots)
        closed = closing_lots(cell.lots, signed_lots)
        closing_cash = cash if closed == row.lots else fill_cash_e8(terms, row.side, row.price, closed)
        done = change(cell.lots, cell.cost, signed_lots, cash, closing_cash)
        legs = fill_legs(terms, row, strategy, done)
        self._post(row, legs, strategy, signed_lots)
        for leg in legs:
            if leg.account != CASH:
                cell.gain[leg.asset] -= leg.amount
        cell.lots, cell.cost = done.lots_after, done.cost_after
        cell.fills += 1
        price, fee_value = self.marks.prices[terms.quote], -row.lots2 * self.marks.prices[row.asset]
        cell.fees += fee_value
        cell.realised += done.realised * price
        exact = traded_value(terms, 1 - 2 * row.side, row.price * row.lots, row.lots, price)
        cell.edge += exact
        cell.rounding += cash * price - exact
        fill_id = (row.venue, row.instrument, row.id, row.id2)
        self._uncosted[fill_id] = (cell, 1 - 2 * row.side, row.lots, price, exact)
        if row.kind == EventKind.ORDER_FILLED:
            self.counts.fill(row, strategy)
        if strategy != NOBODY:
            order = self.counts.orders.get(row.id) if row.kind == EventKind.ORDER_FILLED else None
            pair = order.pair if order is not None else -1
            if pair < 0:
                pair = self.trips.find(strategy, row.instrument, self._pairs_of[row.instrument])
            if pair >= 0:
                self.trips.fill((strategy, pair), row.instrument, signed_lots, cash * price, fee_value)

    def _on_fill_cost(self, row: OutRow) -> None:
        """Split a fill's cash into edge at decision, latency and slippage. A cost that is not known (0) is the next."""
        fill_id = (row.venue, row.instrument, row.order, row.count_)
        fill = self._uncosted.pop(fill_id, None)
        if fill is None:
            return
        cell, sign, lots, price, exact = fill
        self.costs[fill_id] = (row.value, row.limit)
        self.costed.append(fill_id)
        arrival = traded_value(cell.terms, sign, row.limit, lots, price) if row.limit > 0 else exact
        decision = traded_value(cell.terms, sign, row.value, lots, price) if row.value > 0 else arrival
        cell.edge += decision - exact
        cell.latency += arrival - decision
        cell.slippage += exact - arrival

    def _on_funding(self, row: EventRow) -> None:
        if not self._is_new(row):
            return
        terms, given = self.terms[row.instrument], self._owner(row.strategy)
        held = {owner: cell for (owner, i), cell in sorted(self.cells.items()) if i == row.instrument and cell.lots}
        shares: dict[int, int] = {}
        if given != NOBODY:
            shares[given] = row.lots
        elif row.price > 0:
            shares = {o: funding_share_e8(terms, cell.lots, row.price, row.lots2) for o, cell in held.items()}
        elif whole := sum(cell.lots for cell in held.values()):
            sign = 1 if whole > 0 else -1
            shares = {o: share_half_even(row.lots * sign, cell.lots, abs(whole)) for o, cell in held.items()}
        legs = funding_legs(row, shares)
        self._post(row, legs)
        price = self.marks.prices[row.asset]
        for leg in legs:
            if leg.account != CASH:
                cell = self._cell(leg.strategy, row.instrument)
                cell.gain[row.asset] -= leg.amount
                cell.funding -= leg.amount * price
                cell.fundings += 1
                if leg.account == FUNDING and leg.strategy != NOBODY:
                    self.trips.funding(leg.strategy, row.instrument, -leg.amount * price)

    def _on_transfer(self, row: EventRow) -> None:
        if not self._is_new(row):
            return
        price = self.marks.prices[row.asset]
        if self.path is not None:
            before = self.nav()
            self.path.flow(before, before + row.lots * price)
            self._flow(row.venue, row.lots * price)
            if price == 0:
                self._unpriced_flows.append((row.venue, row.asset, row.lots))
        self.flow_amounts[row.asset] += row.lots
        self._post(row, transfer_legs(row))

    def _flow(self, venue: int, value: int) -> None:
        self.flow_value += value
        self.venue_flow_value[venue] += value

    # -- assertions and marks -----------------------------------------------------------------------------------

    def _on_balance_report(self, row: EventRow) -> None:
        self.breaks += self.wallet_e8(row.venue, row.asset) != row.lots

    def _on_position_report(self, row: EventRow) -> None:
        lots = sum(cell.lots for (_, instrument), cell in self.cells.items() if instrument == row.instrument)
        self.breaks += lots != row.lots

    def _on_transition(self, row: OutRow) -> None:
        self.levels[row.count_, row.order] = row.lots

    def _on_marked(self, row: OutRow) -> None:
        if row.price > 0 and row.lots > 0:
            self._mark(row.instrument, row.price, row.lots)
            if self.path is None:
                self._begin_if_known()

    def _mark(self, instrument: int, bid: int, ask: int) -> None:
        for asset in self.marks.set(instrument, bid, ask):
            self.first_prices[asset] = self.marks.prices[asset]
            for venue, _, amount in (flow for flow in self._unpriced_flows if flow[1] == asset):
                value = amount * self.marks.prices[asset]
                self._flow(venue, value)
                if self.path is not None:
                    self.path.flow(self.nav() - value, self.nav())
            self._unpriced_flows = [flow for flow in self._unpriced_flows if flow[1] != asset]
        self._changed = True


_ON_EVENT: dict[int, Callable[[Ledger, EventRow], None]] = {
    EventKind.ORDER_FILLED: Ledger._on_fill,
    EventKind.FORCED_CLOSE: Ledger._on_fill,
    EventKind.FUNDING_PAID: Ledger._on_funding,
    EventKind.TRANSFER: Ledger._on_transfer,
    EventKind.BALANCE_REPORT: Ledger._on_balance_report,
    EventKind.POSITION_REPORT: Ledger._on_position_report,
    EventKind.ORDER_REJECTED: lambda ledger, row: ledger.counts.fail(row),
    EventKind.ORDER_UNKNOWN: lambda ledger, row: ledger.counts.fail(row),
}
_ON_OUT: dict[int, Callable[[Ledger, OutRow], None]] = {
    OutKind.MARKED: Ledger._on_marked,
    OutKind.TRANSITION: Ledger._on_transition,
    OutKind.FILL_COST: Ledger._on_fill_cost,
    OutKind.SUBMIT_ORDER: lambda ledger, row: ledger.counts.submit(row),
    OutKind.DENIAL: lambda ledger, row: ledger.counts.deny(row),
    OutKind.INTENT: lambda ledger, row: ledger.counts.intend(row),
    OutKind.UNHEDGED: lambda ledger, row: ledger.counts.unhedge(row),
}
