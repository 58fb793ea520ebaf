"""Every table that the page can show of a moment: those of the report, some with columns of exact numbers beside."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from crossbook.ledger.hops import STAMP, STRETCHES, TICK_TO_WIRE, Hop
from crossbook.report import levels, words
from crossbook.report import tables_money as money
from crossbook.report import tables_trading as trading
from crossbook.report.context import SEQ, TIME, WHAT, WHO, Context
from crossbook.report.row_kinds import Point
from crossbook.report.table import Cell, Column
from crossbook.web.grid import Grid, grid_of
from crossbook.web.past import FAILED
from crossbook.web.path_seen import PathSeen


def _fills(t: Context) -> Grid:
    fills = t.rows.fills
    own = [(one, not one.forced and one.order in t.rows.orders) for one in fills]
    return grid_of(
        trading.fills(t),
        [
            (Column("to match", "ns"), [one.to_match if ours else None for one, ours in own]),
            (Column("to know", "ns"), [one.to_know if ours else None for one, ours in own]),
            (Column("intent", "number"), [str(one.intent) if one.intent else None for one in fills]),
            (Column("pair"), [t.pair(_pair(t, one.order)) for one in fills]),
            (Column("fills", "count"), [int(not one.forced) for one in fills]),
            (Column("counted", "count"), [int(one.counted) for one in fills]),
        ],
    )


def _pair(t: Context, order: int) -> int:
    sent = t.rows.orders.get(order)
    return sent.pair if sent is not None else -1


def _orders(t: Context) -> Grid:
    failed = [int(any(end in FAILED for _, end in one.story)) for one in t.rows.orders.values()]
    pairs = [t.pair(one.pair) for one in t.rows.orders.values()]
    return grid_of(trading.orders(t), [(Column("failed", "count"), failed), (Column("pair"), pairs)])


def _apart(t: Context) -> Grid:
    lasted: list[Cell] = [one.lasted if one.quantity_e8 else 0 for one in t.rows.apart]
    return grid_of(trading.unhedged(t), [(Column("lasted", "ns"), lasted)])


def _components(t: Context) -> Grid:
    """The P&L of every row as its components, not as its causes."""
    ledger, marks = t.ledger, t.ledger.marks
    lines: list[list[Cell]] = []
    for (owner, index), cell in sorted(ledger.cells.items(), key=lambda item: (item[0][0] < 0, item[0])):
        parts = [cell.realised, cell.unrealised(marks), cell.fees, cell.funding]
        lines.append([t.who(owner), t.what(index), *parts, cell.pnl(marks)])
    lines.append(
        ["inventory", "opening balances and transfers", 0, ledger.inventory_pnl(), 0, 0, ledger.inventory_pnl()]
    )
    names = ("realised", "unrealised", "fees", "funding", "P&L")
    return Grid(
        id="t-components", title="P&L by component", lines=lines,
        caption="What every row made in the window: realised, fees and funding at the marks of their times, the rest.",
        columns=[WHO, WHAT, *(Column(name, "money") for name in names)],
    )  # fmt: skip


def below(point: Point) -> Fraction:
    """How far below the running peak, as a part of it."""
    return Fraction(point.peak - point.nav, point.peak) if point.peak > 0 else Fraction(0)


def path(seen: PathSeen) -> Grid:
    """Where the path turned."""
    lines: list[list[Cell]] = [
        [one.sequence, words.moment(one.ts), what, one.nav, one.peak, one.pnl, words.percent(below(one), 3)]
        for what, one in seen.turns()
    ]
    columns = [SEQ, TIME, Column("what"), *(Column(name, "amount") for name in ("NAV", "running peak", "P&L"))]
    return Grid(
        id="t-path", title="The path's turning points", columns=[*columns, Column("below the peak", "number")],
        caption=f"Of {seen.n:,} samples, one at the end of each moment in which a mark or a posting changed something. "
        "A flow moves the peak in proportion.", lines=lines,
    )  # fmt: skip


def _decisions(t: Context) -> Grid:
    """What the gate decided, counted."""
    counts = t.ledger.counts
    lines: list[list[Cell]] = [
        [t.who(who), "denied", words.reason_text(reason).replace(" ", "_"), times, 0]
        for (who, reason), times in sorted(counts.denials.items())
    ]
    lines += [[name, "passed", "", 0, counts.intents[number]] for number, name in enumerate(t.names)]
    return Grid(
        id="t-decisions", title="Decisions of the gate", lines=lines,
        caption="Denied by reason, and intents that passed. The rate is denied over both.",
        columns=[WHO, Column("decision"), Column("reason"), Column("denials", "count"), Column("intents", "count")],
    )  # fmt: skip


def postings(counts: dict[str, int]) -> Grid:
    """Venue events booked, by kind."""
    tables = {"fills": "t-fills", "forced closes": "t-fills", "funding payments": "t-funding", "transfers": "t-flows"}
    return Grid(
        id="t-postings", title="What was booked", caption="Each venue event is booked once.",
        columns=[Column("what"), Column("table"), Column("postings", "count")],
        lines=[[what, tables[what], n] for what, n in counts.items()],
    )  # fmt: skip


def latency(stamps: bytes) -> Grid:
    traces: dict[int, dict[int, int]] = {}
    whole = len(stamps) // STAMP.size * STAMP.size
    for trace, hop, _, ns in STAMP.iter_unpack(stamps[:whole]):
        traces.setdefault(trace, {}).setdefault(hop, ns)
    lines: list[list[Cell]] = []
    for trace, at in traces.items():
        found = {Hop(after).name.lower(): at[after] - at[before] for before, after in itertools.pairwise(sorted(at))}
        if Hop.RECEIVED in at and Hop.WRITTEN in at:
            found[TICK_TO_WIRE] = at[Hop.WRITTEN] - at[Hop.RECEIVED]
        lines.append([str(trace), *(found.get(stretch) for stretch in STRETCHES)])
    return Grid(
        id="t-latency", title="Latency of each intent", lines=lines,
        caption="Into each hop from the one before it, by monotonic stamps of one process (latency.bin, beside the "
        "journal).", columns=[Column("intent", "number"), *(Column(one.replace("_", " "), "ns") for one in STRETCHES)],
    )  # fmt: skip


GRIDS: dict[str, Callable[[Context], Grid]] = {
    "t-nav": lambda t: grid_of(money.nav(t)),
    "t-pnl": lambda t: grid_of(money.pnl(t)),
    "t-components": _components,
    "t-venues": lambda t: grid_of(money.venues(t)),
    "t-positions": lambda t: grid_of(money.positions(t)),
    "t-flows": lambda t: grid_of(money.flows(t)),
    "t-funding": lambda t: grid_of(money.funding(t)),
    "t-trips": lambda t: grid_of(trading.trips(t)),
    "t-intents": lambda t: grid_of(trading.intents(t)),
    "t-orders": _orders,
    "t-fills": _fills,
    "t-reasons": lambda t: grid_of(trading.reasons(t)),
    "t-decisions": _decisions,
    "t-denials": lambda t: grid_of(trading.denials(t)),
    "t-unhedged": _apart,
    "t-odd": lambda t: grid_of(trading.odd(t)),
    "t-levels": lambda t: grid_of(levels.falls(t)),
    "t-evidence": lambda t: grid_of(levels.evidence(t)),
}
NAMES = (*GRIDS, "t-days", "t-path", "t-postings", "t-latency")
