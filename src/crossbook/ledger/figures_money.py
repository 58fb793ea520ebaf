"""Figures of money: value, P&L by row, component, cause, venue, instrument and day, round trips, exposure."""

from __future__ import annotations

from collections.abc import Callable

from crossbook.ledger.audit import CAUSES, Line
from crossbook.ledger.cells import Cell
from crossbook.ledger.figure import value_decimal
from crossbook.ledger.marks import notional_value
from crossbook.ledger.postings import CASH, NOBODY
from crossbook.ledger.statement import Statement
from crossbook.timestamp import day_label


def value(book: Statement) -> None:
    """Net asset value, and total P&L by the path of it; beside it rows, causes, raw postings, venues and days."""
    ledger, audit = book.ledger, book.audit
    book.money("nav", ledger.nav(), book.path.samples if book.path else 0, audit.nav())
    book.money("nav.start", ledger.start_nav, int(book.path is not None), audit.start_nav)
    book.money("nav.flows", ledger.flow_value, book.facts.transfers_counted, audit.flows_at_time)
    cells = list(ledger.cells.values())
    inventory = ledger.inventory_pnl()
    rows = sum(cell.pnl(book.marks) for cell in cells) + inventory
    causes = sum(_cause(cell, cause, book) for cell in cells for cause in CAUSES) + inventory
    raw = sum(line.pnl for line in audit.lines.values()) + audit.inventory()
    days = sum(book.path.pnl_by_day().values()) if book.path else 0
    book.money("pnl.total", ledger.pnl(), book.facts.postings, rows, causes, raw, days, sum(_venues(book)))
    held = {asset for (_, asset, account, _), amount in ledger.accounts.items() if account == CASH and amount}
    again = {asset for (_, asset), amount in audit.cash.items() if amount}
    unpriced = [sum(book.marks.prices[asset] == 0 for asset in sorted(found)) for found in (held, again)]
    book.count("assets.unpriced", *unpriced)
    book.count("breaks", ledger.breaks, 0)  # the venue's report is a second route to what we own
    book.count("events.duplicate", ledger.duplicates)
    book.count("postings", book.facts.postings, len(ledger.booked), book.facts.postings + audit.unbalanced)


def rows(book: Statement) -> None:
    """Each strategy, the inventory and what nobody caused; and the components of the strategies."""
    ledger, audit = book.ledger, book.audit
    owned: list[Cell] = []
    owned_again: list[Line] = []
    for index, name in book.strategies:
        cells, lines = book.cells(index), book.lines(index)
        owned += cells
        owned_again += lines
        _row(book, f"pnl.total.{name}", cells, lines)
        _components(book, f".{name}", cells, lines)
    _row(book, "pnl.total.unattributed", book.cells(NOBODY), book.lines(NOBODY))
    _row(book, "pnl.unattributed", book.cells(NOBODY), book.lines(NOBODY))
    for name in ("pnl.total.inventory", "pnl.unrealised.inventory"):
        book.money(name, ledger.inventory_pnl(), book.facts.transfers, audit.inventory())
    _components(book, "", owned, owned_again, ledger.inventory_pnl(), audit.inventory())
    _fees(book)


def causes(book: Statement) -> None:
    """Why: the causes of every row, and of all rows together; they sum to the total."""
    inventory, again = book.ledger.inventory_pnl(), book.audit.inventory()
    for cause in CAUSES:
        total, total_again, n = 0, 0, 0
        for index, name in [*book.strategies, (NOBODY, "unattributed")]:
            cells, lines = book.cells(index), book.lines(index)
            own, own_again = sum(_cause(cell, cause, book) for cell in cells), sum(_told(line, cause) for line in lines)
            facts = sum(_facts(cell, cause) for cell in cells)
            book.money(f"pnl.cause.{cause}.{name}", own, facts, own_again)
            total, total_again, n = total + own, total_again + own_again, n + facts
        if cause == "mark":
            book.money("pnl.cause.mark.inventory", inventory, book.facts.transfers, again)
            total, total_again = total + inventory, total_again + again
        book.money(f"pnl.cause.{cause}", total, n, total_again)


def parts(book: Statement) -> None:
    """P&L by venue, instrument (with the inventory they sum to the total) and UTC day."""
    ledger, audit = book.ledger, book.audit
    now = audit.venues_now()
    for number, (venue, worth) in enumerate(zip(ledger.declaration.venues, _venues(book), strict=True)):
        again = now[number] - audit.start_venues[number] - audit.venue_flows[number] if audit.start_venues else 0
        n = book.facts.by_venue.get(number, 0)
        if n:
            book.money(f"pnl.venue.{venue.label}", worth, n, again)
    for terms in ledger.terms:
        cells = [cell for (_, index), cell in ledger.cells.items() if index == terms.index]
        lines = [line for (_, index), line in audit.lines.items() if index == terms.index]
        _row(book, f"pnl.instrument.{terms.name}", cells, lines)
    if book.path is not None:
        for day, pnl in book.path.pnl_by_day().items():
            book.money(f"pnl.day.{day_label(day)}", pnl, book.facts.by_day.get(day, 0))


def trips(book: Statement) -> None:
    """Round trips and how they ended."""
    trips = book.ledger.trips
    for suffix, strategies in book.per_strategy():
        opened = sum(n for (owner, _), n in trips.opened.items() if owner in strategies)
        under_way = sum(owner in strategies for owner, _ in trips.open)
        closed = sum(len(nets) for (owner, _), nets in trips.closed.items() if owner in strategies)
        ended = [book.facts.trips.get(owner, (0, 0, 0)) for owner in strategies]
        wins, losses, even = (sum(one[place] for one in ended) for place in range(3))
        book.count(f"round_trips{suffix}", closed, opened - under_way)
        book.count(f"round_trips.open{suffix}", under_way, opened - closed)
        book.count(f"wins{suffix}", wins, closed - losses - even)
        book.count(f"losses{suffix}", losses, closed - wins - even)
        book.share(f"win_rate{suffix}", wins, closed, closed, (closed - losses - even, opened - under_way))


def exposure(book: Statement) -> None:
    """What the strategies' positions are worth at the middle: gross, net and per venue."""
    ledger = book.ledger
    sizes: list[tuple[int, int, int]] = []
    for (owner, _), cell in ledger.cells.items():
        if owner != NOBODY and cell.lots:
            terms = cell.terms
            price = book.marks.prices[terms.quote]
            sizes.append(
                (terms.venue, cell.lots, notional_value(terms, abs(cell.lots), book.marks.sums[terms.index], price))
            )
    again = sum(
        notional_value(
            ledger.terms[index], abs(line.lots), book.marks.sums[index], book.marks.prices[ledger.terms[index].quote]
        )
        for (owner, index), line in book.audit.lines.items()
        if owner != NOBODY
    )
    gross = sum(size for _, _, size in sizes)
    book.money("exposure.gross", gross, len(sizes), again)
    book.money("exposure.net", sum(size if lots > 0 else -size for _, lots, size in sizes), len(sizes))
    for number, venue in enumerate(ledger.declaration.venues):
        here = [size for at, _, size in sizes if at == number]
        if any(terms.venue == number for terms in ledger.terms):
            book.money(f"exposure.venue.{venue.label}", sum(here), len(here))


def drawdown(book: Statement) -> None:
    """Deepest falls of the path of net asset value."""
    path = book.path
    if path is None:
        book.put("drawdown.max", None, "ratio", 0)
        book.put("drawdown.max_amount", None, book.currency, 0)
        return
    book.share("drawdown.max", *path.fall, path.samples)
    book.put("drawdown.max_amount", value_decimal(path.fall_pnl), book.currency, path.samples)


def _row(book: Statement, name: str, cells: list[Cell], lines: list[Line]) -> None:
    n = sum(cell.fills + cell.fundings for cell in cells)
    book.money(name, sum(cell.pnl(book.marks) for cell in cells), n, sum(line.pnl for line in lines))


def _components(
    book: Statement, suffix: str, cells: list[Cell], lines: list[Line], inventory: int = 0, inventory_again: int = 0
) -> None:
    fills = sum(cell.fills for cell in cells)
    fundings = sum(cell.fundings for cell in cells)
    realised, fees, funding = (
        _sum(cells, lambda c: c.realised),
        _sum(cells, lambda c: c.fees),
        _sum(cells, lambda c: c.funding),
    )
    realised_again = sum(line.realised for line in lines)
    fees_again, funding_again = (sum(line.told[cause] for line in lines) for cause in ("fees", "funding"))
    unrealised = _sum(cells, lambda cell: cell.unrealised(book.marks)) + inventory
    unrealised_again = sum(line.pnl for line in lines) + inventory_again - realised_again - fees_again - funding_again
    book.money(f"pnl.realised{suffix}", realised, fills, realised_again)
    book.money(f"pnl.unrealised{suffix}", unrealised, fills, unrealised_again)
    book.money(f"pnl.fees{suffix}", fees, fills, fees_again)
    book.money(f"pnl.funding{suffix}", funding, fundings, funding_again)


def _fees(book: Statement) -> None:
    facts = book.facts
    net = _sum(list(book.ledger.cells.values()), lambda cell: cell.fees)
    book.money("fees.paid", facts.paid, facts.paid_n, facts.rebate - net)
    book.money("fees.rebate", facts.rebate, facts.rebate_n, facts.paid + net)


def _venues(book: Statement) -> list[int]:
    """P&L per venue."""
    ledger = book.ledger
    if not ledger.start_venues:
        return [0] * len(ledger.declaration.venues)
    return [
        ledger.venue_worth(venue) - start - flow
        for venue, (start, flow) in enumerate(zip(ledger.start_venues, ledger.venue_flow_value, strict=True))
    ]


def _cause(cell: Cell, cause: str, book: Statement) -> int:
    if cause == "mark":
        return cell.mark(book.marks)
    return int(getattr(cell, cause))


def _told(line: Line, cause: str) -> int:
    return line.mark if cause == "mark" else line.told[cause]


def _facts(cell: Cell, cause: str) -> int:
    return cell.fundings if cause == "funding" else cell.fills


def _sum(cells: list[Cell], of: Callable[[Cell], int]) -> int:
    return sum(of(cell) for cell in cells)
