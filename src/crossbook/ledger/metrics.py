"""Every figure that anyone quotes, each a named fold over the ledger, with the difference between two routes to it.

The first route reads the running totals of the ledger, the second (`audit`) the raw postings. `figures` is the only
function that names a figure: page, report, command line and promotion gates take them from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from crossbook.commands import Reason
from crossbook.events import EventKind
from crossbook.ledger.audit import CAUSES, Audit
from crossbook.ledger.cells import Cell
from crossbook.ledger.definitions import definition_of
from crossbook.ledger.figure import Figure, Number, ratio, value_decimal
from crossbook.ledger.hops import STRETCHES, durations
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.marks import notional_value
from crossbook.ledger.postings import FEE, NOBODY
from crossbook.money import divide_half_even
from crossbook.timestamp import day_label

DAYS_PER_YEAR = 365
SHARPE_DAYS_MIN = 30
Z95 = 1.959963984540054
PERCENTILES = {"p50": 500, "p99": 990, "p999": 999}
"""Per mille."""


def figures(ledger: Ledger, latency: bytes | None = None) -> dict[str, Figure]:
    """Every figure of a run by its flat name. `latency`: the bytes of `latency.bin`, if there are any."""
    book = _Book(ledger)
    for group in (_value, _rows, _causes, _parts, _trips, _returns, _exposure, _orders, _denials, _unhedged, _delays):
        group(book)
    _latency(book, durations(latency or b""))
    return book.figures


class _Book:
    """What the groups below share: the ledger, its second route, and where figures are put."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.audit = Audit(ledger)
        self.path = ledger.settled_path()
        self.currency = ledger.declaration.assets[ledger.declaration.reporting]
        self.window = (self.path.first_ts, ledger.ts) if self.path else None
        self.strategies = list(enumerate(ledger.declaration.strategies))
        self.figures: dict[str, Figure] = {}

    def put(self, name: str, value: Number | None, unit: str, n: int, residual: Number | None = None) -> None:
        self.figures[name] = Figure(
            value=value,
            unit=unit,
            n=n,
            window=self.window,
            residual=residual if value is not None else None,
            definition=definition_of(name),
        )

    def money(self, name: str, value: int, n: int, *others: int) -> None:
        """A value at 1e-18 beside what other routes give for it."""
        known = self.path is not None
        residual = value_decimal(sum(abs(value - other) for other in others)) if others else None
        self.put(name, value_decimal(value) if known else None, self.currency, n, residual)

    def count(self, name: str, value: int, *others: int) -> None:
        self.put(name, value, "count", value, sum(abs(value - other) for other in others) if others else None)

    def share(self, name: str, part: int, whole: int, n: int, second: tuple[int, int] | None = None) -> None:
        """A ratio; n/a where the whole is 0. `second`: part and whole by another route."""
        residual = None if second is None else abs(part - second[0]) + abs(whole - second[1])
        self.put(name, ratio(part, whole), "ratio", n, residual)

    def cells(self, strategy: int | None = None, instrument: int | None = None) -> Iterator[Cell]:
        for (owner, index), cell in self.ledger.cells.items():
            if strategy in (None, owner) and instrument in (None, index):
                yield cell


def _value(book: _Book) -> None:
    ledger, audit = book.ledger, book.audit
    nav = ledger.nav()
    book.money("nav", nav, book.path.samples if book.path else 0, audit.nav())
    book.money("nav.start", ledger.start_nav, 1, audit.start_nav)
    flows = sum(posting.counted and posting.key[0] == EventKind.TRANSFER for posting in ledger.postings)
    book.money("nav.flows", ledger.flow_value, flows, audit.flows())
    pnl = {key: cell.pnl(ledger.marks) for key, cell in ledger.cells.items()}
    told = sum(getattr(cell, cause) for cell in ledger.cells.values() for cause in CAUSES[:-1])
    causes = told + sum(cell.mark(ledger.marks) for cell in ledger.cells.values()) + ledger.inventory_pnl()
    raw = sum(line.pnl for line in audit.lines.values()) + audit.inventory()
    by_day = sum(book.path.pnl_by_day().values()) if book.path else 0
    rows = sum(pnl.values()) + ledger.inventory_pnl()
    book.money("pnl.total", ledger.pnl(), len(ledger.postings), rows, causes, raw, by_day, sum(_venues(book)))
    prices = ledger.marks.prices
    held = [index for index, price in enumerate(prices) if price == 0 and _held(ledger, index)]
    book.count("assets.unpriced", len(held))
    book.count("breaks", ledger.breaks)
    book.count("events.duplicate", ledger.duplicates)
    book.count("postings", len(ledger.postings), len(ledger.booked), len(ledger.postings) + audit.unbalanced)


def _held(ledger: Ledger, asset: int) -> bool:
    return any(amount for (_, held, account, _), amount in ledger.accounts.items() if (held, account) == (asset, 0))


def _venues(book: _Book) -> list[int]:
    ledger = book.ledger
    if not ledger.start_venues:
        return [0] * len(ledger.declaration.venues)
    return [
        ledger.venue_worth(venue) - ledger.start_venues[venue] - ledger.venue_flow_value[venue]
        for venue in range(len(ledger.declaration.venues))
    ]


def _rows(book: _Book) -> None:
    """Strategies, inventory and unattributed: they sum to the total."""
    ledger, audit, marks = book.ledger, book.audit, book.ledger.marks
    for index, name in [*book.strategies, (NOBODY, "unattributed")]:
        cells = list(book.cells(index))
        lines = [line for (owner, _), line in audit.lines.items() if owner == index]
        n = sum(cell.fills + cell.fundings for cell in cells)
        total, raw = sum(cell.pnl(marks) for cell in cells), sum(line.pnl for line in lines)
        book.money(f"pnl.total.{name}", total, n, raw)
        if index == NOBODY:
            book.money("pnl.unattributed", total, n, raw)
            continue
        parts = _components(cells, book)
        again = _components_again(lines)
        for part, value in parts.items():
            book.money(f"pnl.{part}.{name}", value, n, again[part])
    inventory = ledger.inventory_pnl()
    transfers = sum(posting.key[0] == EventKind.TRANSFER for posting in ledger.postings)
    book.money("pnl.total.inventory", inventory, transfers, audit.inventory())
    book.money("pnl.unrealised.inventory", inventory, transfers, audit.inventory())
    owned = [cell for (owner, _), cell in ledger.cells.items() if owner != NOBODY]
    parts = _components(owned, book)
    again = _components_again([line for (owner, _), line in audit.lines.items() if owner != NOBODY])
    parts["unrealised"] += inventory
    again["unrealised"] += audit.inventory()
    for part, value in parts.items():
        book.money(f"pnl.{part}", value, sum(cell.fills + cell.fundings for cell in owned), again[part])
    amounts = [
        -leg.amount * posting.prices[leg.asset]
        for posting in ledger.postings
        if posting.counted
        for leg in posting.legs
        if leg.account == FEE
    ]
    paid, rebate = sum(-amount for amount in amounts if amount < 0), sum(amount for amount in amounts if amount > 0)
    all_fees = sum(cell.fees for cell in ledger.cells.values())
    book.money("fees.paid", paid, sum(amount < 0 for amount in amounts), rebate - all_fees)
    book.money("fees.rebate", rebate, sum(amount > 0 for amount in amounts), paid + all_fees)


def _components(cells: Sequence[Cell], book: _Book) -> dict[str, int]:
    marks = book.ledger.marks
    return {
        "realised": sum(cell.realised for cell in cells),
        "unrealised": sum(cell.unrealised(marks) for cell in cells),
        "fees": sum(cell.fees for cell in cells),
        "funding": sum(cell.funding for cell in cells),
    }


def _components_again(lines: Sequence[object]) -> dict[str, int]:
    raw = [line for line in lines if isinstance(line, Line)]
    settled = {
        "realised": sum(line.realised for line in raw),
        "fees": sum(line.told["fees"] for line in raw),
        "funding": sum(line.told["funding"] for line in raw),
    }
    return {**settled, "unrealised": sum(line.pnl for line in raw) - sum(settled.values())}
