"""Fills with their cost basis for a tax return: first in, first out, per account, in the reporting asset.

An account is a venue's coin (spot: instruments with one base share it) or a venue's contract, whoever traded it. A fill
that closes several earlier ones is a row for each. Cost and proceeds are at the mark of the fill's own time and without
fees; the fees of the fill and of the one that it closes stand beside, shared by quantity. Coin that came from outside
has no known cost, and so no gain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.journal import read_journal
from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.ledger.declaration import Terms
from crossbook.ledger.entries import EVENT_TAG, decode_event, kind_of
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.postings import CASH, FEE, Posting, fill_cash_e8
from crossbook.money import VALUE_SCALE, divide_half_even
from crossbook.report.csv_text import to_csv
from crossbook.report.words import quantity
from crossbook.timestamp import iso
from crossbook.types import Side

METHOD = "FIFO"
FILLS = (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE)
Account = tuple[int, str, int]
"""Venue, "coin" or "contract", and which."""


class Lot(msgspec.Struct):
    """What is held of one fill: units with its sign (1e-8 of coin, or contracts' lots), value and fee at 1e-18; `value`
    None: it came from outside."""

    units: int
    value: int | None
    fee: int
    ts: int
    entry: int


class TaxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fill, or the part of one that closed an earlier one. Money at 1e-18; None: not known, or opening."""

    run: str
    entry: int
    ts: int
    venue: str
    instrument: str
    side: str
    effect: str
    quantity: str
    price: str
    acquired: int | None
    acquired_entry: int | None
    cost: int | None
    proceeds: int | None
    fee: int
    """Of this fill, the share of this row."""
    opening_fee: int
    """Of the fill that is closed."""

    @property
    def gain(self) -> int | None:
        """Proceeds less cost, after fees; None for what opens, or where the cost is not known."""
        if self.effect == "open" or self.cost is None or self.proceeds is None:
            return None
        return self.proceeds - self.cost - self.fee - self.opening_fee


COLUMNS = (
    "time_utc", "run", "entry", "venue", "instrument", "side", "effect", "quantity", "price", "acquired_utc",
    "acquired_entry", "cost_basis", "proceeds", "fee", "opening_fee", "gain", "currency", "method",
)  # fmt: skip


def tax_rows(entries: Iterable[tuple[int, bytes]], run: str, begin_ns: int, end_ns: int) -> tuple[list[TaxRow], str]:
    """The rows of a run's fills in [begin, end), and the asset that money is in. What was before is the basis."""
    iterator = iter(entries)
    ledger = Ledger.of([next(iterator, (0, b""))[1]])
    names = ledger.declaration.assets
    book = _Book(ledger, run)
    rows: list[TaxRow] = []
    for sequence, payload in iterator:
        booked = len(ledger.postings)
        ledger.apply(payload)
        if payload[0] == EVENT_TAG and len(ledger.postings) > booked:
            found = book.take(sequence, ledger.postings[-1], kind_of(payload), decode_event(payload).price)
            rows += [row for row in found if begin_ns <= row.ts < end_ns]
    return rows, names[ledger.declaration.reporting]


def write_tax(folders: Iterable[tuple[str, Path]], begin_ns: int, end_ns: int) -> tuple[str, int]:
    """The CSV of runs (name, folder) in a period, and its rows. Raises `Refused` where runs are in several assets."""
    rows: list[TaxRow] = []
    assets: dict[str, str] = {}
    for name, folder in folders:
        found, assets[name] = tax_rows(read_journal(folder / "journal"), name, begin_ns, end_ns)
        rows += found
    if len(set(assets.values())) > 1:
        each = ", ".join(f"{name} in {asset}" for name, asset in assets.items())
        raise Refused(f"runs in different currencies share no file ({each}): name the runs of one currency")
    rows.sort(key=lambda row: (row.ts, row.run, row.entry))
    currency = next(iter(assets.values()), "")
    return to_csv(COLUMNS, (_cells(row, currency) for row in rows)), len(rows)


class _Book:
    """Lots per account, oldest first."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        self._ledger, self._run = ledger, run
        self._lots: dict[Account, deque[Lot]] = {}

    def take(self, entry: int, posting: Posting, kind: int, price: int) -> Iterator[TaxRow]:
        """The rows of a posting; coin from outside, and fees that are paid in coin, only move what is held."""
        if kind in FILLS:
            yield from self._fill(entry, posting, price)
        elif kind == EventKind.TRANSFER:
            for leg in posting.legs:
                if leg.account == CASH:
                    self._move((leg.venue, "coin", leg.asset), Lot(leg.amount, None, 0, posting.ts, entry))

    def _fill(self, entry: int, posting: Posting, price: int) -> Iterator[TaxRow]:
        terms = self._ledger.terms[posting.instrument]
        lots, side = abs(posting.lots), Side.BUY if posting.lots > 0 else Side.SELL
        cash = fill_cash_e8(terms, side, price, lots) * posting.prices[terms.quote]
        fee = sum(leg.amount * posting.prices[leg.asset] for leg in posting.legs if leg.account == FEE)
        units = posting.lots * (terms.lot_e8 if terms.spot else 1)
        account: Account = (terms.venue, "coin", terms.base) if terms.spot else (terms.venue, "contract", terms.index)
        fresh = Lot(units, cash, fee, posting.ts, entry)
        for closed, own, cost in self._move(account, fresh):
            yield self._row(terms, fresh, price, side, closed, own, cost)
        if terms.spot:
            for leg in posting.legs:
                if leg.account == FEE and leg.asset == terms.base and leg.amount:
                    self._move(account, Lot(-leg.amount, None, 0, posting.ts, entry))

    def _move(self, account: Account, fresh: Lot) -> Iterator[tuple[int, Lot, Lot | None]]:
        """Match against what is held, oldest first: (units, share of the fresh lot, share of the old one), an old one
        of None being the part that opens. A list, so that it happens whether it is looked at or not."""
        held = self._lots.setdefault(account, deque())
        pieces: list[tuple[int, Lot, Lot | None]] = []
        left = fresh
        while left.units and held and (held[0].units > 0) != (left.units > 0):
            size = min(abs(held[0].units), abs(left.units))
            old, own = _split(held[0], size), _split(left, size)
            pieces.append((size, own, old))
            if not held[0].units:
                held.popleft()
        if left.units:
            held.append(msgspec.structs.replace(left))
            pieces.append((abs(left.units), msgspec.structs.replace(left), None))
        return iter(pieces)

    def _row(
        self, terms: Terms, fill: Lot, price: int, side: Side, units: int, own: Lot, old: Lot | None
    ) -> TaxRow:  # fmt: skip
        buying = side == Side.BUY
        here = None if own.value is None else abs(own.value)
        there = None if old is None or old.value is None else abs(old.value)
        scale = 1 if terms.spot else terms.contract_e8 if terms.inverse else terms.lot_e8
        return TaxRow(
            run=self._run, entry=fill.entry, ts=fill.ts, venue=self._ledger.declaration.venues[terms.venue].label,
            instrument=terms.name, side=side.name, effect="open" if old is None else "close",
            quantity=quantity(units * scale), price=quantity(price * terms.tick_e8),
            acquired=None if old is None else old.ts, acquired_entry=None if old is None else old.entry,
            cost=here if buying else there, proceeds=there if buying else here,
            fee=own.fee, opening_fee=0 if old is None else old.fee,
        )  # fmt: skip


def _split(lot: Lot, size: int) -> Lot:
    """Take so many units off a lot; money is shared by units, half-even, the rest stays."""
    whole = abs(lot.units)
    sign = 1 if lot.units > 0 else -1
    value = None if lot.value is None else divide_half_even(lot.value * size, whole)
    fee = divide_half_even(lot.fee * size, whole)
    lot.units -= sign * size
    lot.fee -= fee
    if lot.value is not None and value is not None:
        lot.value -= value
    return Lot(sign * size, value, fee, lot.ts, lot.entry)


def _cells(row: TaxRow, currency: str) -> list[str]:
    def when(ts: int | None) -> str:
        return "" if ts is None else iso(ts)

    def number(value: Any) -> str:
        return "" if value is None else str(value)

    money = [_exact(value) for value in (row.cost, row.proceeds, row.fee, row.opening_fee, row.gain)]
    return [
        when(row.ts), row.run, number(row.entry), row.venue, row.instrument, row.side, row.effect,
        row.quantity.replace(",", ""), row.price.replace(",", ""), when(row.acquired), number(row.acquired_entry),
        *money, currency, METHOD,
    ]  # fmt: skip


def _exact(value: int | None) -> str:
    """All digits, without trailing zeros; empty where it is not known."""
    if value is None:
        return ""
    whole, rest = divmod(abs(value), 10**VALUE_SCALE)
    digits = f"{rest:0{VALUE_SCALE}d}".rstrip("0")
    sign = "-" if Fraction(value) < 0 else ""
    return f"{sign}{whole}" + (f".{digits}" if digits else "")
