"""The report's tables of money: P&L, value by venue, days, the path, balances, positions, funding and flows."""

from __future__ import annotations

from fractions import Fraction

from crossbook.ledger.audit import CAUSES
from crossbook.ledger.marks import notional_value
from crossbook.ledger.postings import CASH, NOBODY
from crossbook.report import words
from crossbook.report.context import SEQ, TIME, WHAT, WHO, Context, Line
from crossbook.report.row_kinds import Point
from crossbook.report.table import Column, Table, make_table
from crossbook.timestamp import day_label, day_of


def pnl(t: Context) -> Table:
    """What every row made, and why."""
    ledger, marks = t.ledger, t.ledger.marks
    lines: list[Line] = []
    for (owner, index), cell in sorted(ledger.cells.items(), key=lambda item: (item[0][0] < 0, item[0])):
        parts = [cell.mark(marks) if cause == "mark" else int(getattr(cell, cause)) for cause in CAUSES]
        lines.append([t.who(owner), t.what(index), cell.fills, *parts, cell.pnl(marks)])
    inventory = [ledger.inventory_pnl() if cause == "mark" else 0 for cause in CAUSES]
    lines.append(["inventory", "opening balances and transfers", 0, *inventory, ledger.inventory_pnl()])
    against = {cause: f"pnl.cause.{cause}" for cause in CAUSES} | {"P&L": "pnl.total"}
    return make_table(
        "t-pnl", "P&L by strategy, instrument and cause",
        "What every row made in the window, and why. Causes that were known at their time stand in the fills and "
        "fundings; mark is the rest: open lots and revaluation.",
        [WHO, WHAT, Column("fills", "count"), *(Column(cause, "money") for cause in CAUSES), Column("P&L", "money")],
        lines, known=t.known, against=against, group="strategy",
        groups=[*t.names, "inventory", "unattributed"],
    )  # fmt: skip


def venues(t: Context) -> Table:
    """What lies at each venue."""
    ledger = t.ledger
    lines: list[Line] = []
    for number, venue in enumerate(t.declaration.venues):
        start = ledger.start_venues[number] if ledger.start_venues else 0
        now, flow = ledger.venue_worth(number), ledger.venue_flow_value[number]
        if start or now or flow:
            lines.append([venue.label, start, now, flow, now - start - flow])
    columns = [Column("venue"), *(Column(name, "worth") for name in ("start", "now", "flows")), Column("P&L", "money")]
    ends = {"start": "nav.start", "now": "nav", "flows": "nav.flows", "P&L": "pnl.total"}
    return make_table(
        "t-venues", "Value by venue", "P&L = now - start - flows.", columns, lines, known=t.known, against=ends,
        each={"P&L": "pnl.venue"}, group="venue", groups=[venue.label for venue in t.declaration.venues],
    )  # fmt: skip


def days(t: Context) -> Table:
    """P&L of each UTC day."""
    seen: dict[int, tuple[int, int]] = {}
    for point in t.rows.points:
        samples, most = seen.get(day_of(point.ts), (0, 0))
        seen[day_of(point.ts)] = samples + 1, max(most, point.peak - point.nav)
    return days_seen(t, seen)


def days_seen(t: Context, seen: dict[int, tuple[int, int]]) -> Table:
    """The same, where it was counted how many samples each day had, and the most that one was below the peak."""
    path = t.ledger.settled_path()
    lines: list[Line] = []
    if path is not None:
        for day, pnl in path.pnl_by_day().items():
            samples, most = seen.get(day, (0, 0))
            lines.append([day_label(day), samples, path.days[day][0], most, pnl])
    columns = [Column("UTC day"), Column("samples", "count"), Column("NAV at its end", "amount")]
    columns += [Column("deepest below the peak", "amount"), Column("P&L", "money")]
    return make_table(
        "t-days", "Days", "The Sharpe ratio takes whole days only, without the first and the last; n/a below 30.",
        columns, lines, known=t.known, against={"P&L": "pnl.total"},
    )  # fmt: skip


def points(t: Context) -> Table:
    """Where the path of net asset value turned."""
    points = t.rows.points
    lines: list[Line] = []
    if points:
        deepest = max(range(len(points)), key=lambda k: _below(points[k]))
        top = next(k for k in range(len(points)) if points[k].peak == points[deepest].peak)
        for what, k in (("start", 0), ("peak", top), ("deepest below it", deepest), ("end", len(points) - 1)):
            lines.append(_point(t, what, points[k]))
    columns = [SEQ, TIME, Column("what"), Column("NAV", "amount"), Column("running peak", "amount")]
    return make_table(
        "t-points", "The path's turning points",
        f"Of {len(points):,} samples, one at the end of each moment in which a mark or a posting changed something. "
        "A flow moves the peak in proportion.",
        [*columns, Column("below the peak", "number")], lines,
    )  # fmt: skip


def _point(t: Context, what: str, point: Point) -> Line:
    share = words.percent(_below(point), 3)
    return [point.sequence, words.moment(point.ts), what, point.nav, point.peak, share]


def _below(point: Point) -> Fraction:
    return Fraction(point.peak - point.nav, point.peak) if point.peak > 0 else Fraction(0)


def nav(t: Context) -> Table:
    """What we own."""
    ledger, assets = t.ledger, t.declaration.assets
    lines: list[Line] = []
    for (venue, asset, account, _), held in sorted(ledger.accounts.items()):
        if account == CASH and held:
            price = ledger.marks.prices[asset]
            mark = t.declaration.asset_marks[asset]
            entry = t.rows.marked[mark][0] if mark in t.rows.marked else None
            lines.append([
                entry, t.declaration.venues[venue].label, f"{assets[asset]} cash", words.quantity(held),
                words.amount(price * 10**8, 10).rstrip("0").rstrip(".") if price else words.NA, held * price,
            ])  # fmt: skip
    for (owner, index), cell in sorted(ledger.cells.items()):
        if cell.lots and not cell.terms.spot:
            entry = t.rows.marked[index][0] if index in t.rows.marked else None
            mid = words.quantity(ledger.marks.sums[index] * cell.terms.tick_e8 // 2)
            lots = t.quantity(index, cell.lots)
            label = t.declaration.venues[cell.terms.venue].label
            lines.append([entry, label, f"{cell.terms.name} of {t.who(owner)}", lots, mid, cell.open(ledger.marks)])
    columns = [Column("marked by entry", "entry"), Column("venue"), Column("what"), Column("amount", "number")]
    return make_table(
        "t-nav", "Net asset value", "All cash at the marks of now, and what closing open contracts would add.",
        [*columns, Column("mark", "number"), Column("value", "worth")], lines, known=t.known,
        against={"value": "nav"},
    )  # fmt: skip


def positions(t: Context) -> Table:
    """What is open."""
    lines: list[Line] = []
    marks = t.ledger.marks
    for (owner, index), cell in sorted(t.ledger.cells.items()):
        if owner != NOBODY and cell.lots:
            terms = cell.terms
            size = notional_value(terms, abs(cell.lots), marks.sums[index], marks.prices[terms.quote])
            entry = t.rows.marked[index][0] if index in t.rows.marked else None
            net = size if cell.lots > 0 else -size
            lines.append([entry, t.who(owner), terms.name, t.quantity(index, cell.lots), size, net])
    columns = [Column("marked by entry", "entry"), WHO, WHAT, Column("quantity", "number")]
    return make_table(
        "t-positions", "Open positions", "The strategies' positions at the middle of now.",
        [*columns, Column("gross", "worth"), Column("net", "money")], lines, known=t.known,
        against={"gross": "exposure.gross", "net": "exposure.net"},
    )  # fmt: skip


def flows(t: Context) -> Table:
    """Money in and out."""
    lines: list[Line] = [
        [one.sequence, words.moment(one.ts), t.declaration.venues[one.venue].label,
         f"{words.quantity(one.amount_e8)} {t.declaration.assets[one.asset]}", one.value]
        for one in t.rows.flows
    ]  # fmt: skip
    return make_table(
        "t-flows", "Money in and out", "Opening balances lie before the window: they are its start, not a flow of it.",
        [SEQ, TIME, Column("venue"), Column("amount", "number"), Column("value in the window", "money")], lines,
        known=t.known, against={"value in the window": "nav.flows"},
    )  # fmt: skip


def funding(t: Context) -> Table:
    """Funding payments, by share."""
    lines: list[Line] = [
        [one.sequence, words.moment(one.ts), t.who(one.strategy), t.what(one.instrument),
         f"{words.quantity(one.amount_e8)} {t.declaration.assets[one.asset]}", one.value]
        for one in t.rows.payments
    ]  # fmt: skip
    return make_table(
        "t-funding", "Funding", "Received above 0, paid below it; each at the mark of its time.",
        [SEQ, TIME, WHO, WHAT, Column("amount", "number"), Column("value", "money")], lines, known=t.known,
        against={"value": "pnl.cause.funding"}, group="strategy", groups=t.owners,
    )  # fmt: skip
