"""Long tables by what is chosen, summed and counted of their rows only: whole rows are made for a window of them.

What a cell is, is said in the report's tables; here stand the same numbers without their texts, and each row's place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import msgspec

from crossbook.report import words
from crossbook.report.context import WHAT, WHO, Context
from crossbook.report.row_kinds import Apart, Denied, Fill, Order, Payment
from crossbook.report.table import Cell, Column, raw_rows
from crossbook.report.tables_trading import order_value
from crossbook.web.grid import Grid
from crossbook.web.grids import GRIDS
from crossbook.web.past import FAILED

ENTRY, PAIR, PLACE = Column("entry", "entry"), Column("pair"), Column("place", "number")


class Slim(msgspec.Struct, frozen=True):
    """`grid`: a row's keys and numbers, and last its place in `rows`."""

    grid: Grid
    rows: Sequence[Any]


def slim(name: str, t: Context) -> Slim | None:
    """A long table's rows; None for one that is short."""
    found = SLIM.get(name)
    if found is None:
        return None
    kind, columns, cells = found
    listed = getattr(t.rows, kind)
    rows = list(listed.values()) if isinstance(listed, dict) else listed
    make = cells(t)
    lines = [(*make(one), place) for place, one in enumerate(rows)]
    grid = Grid(id=name, title="", caption="", columns=[*columns, PLACE], lines=lines)
    return Slim(grid, rows)


def window(name: str, t: Context, of: Slim, lines: Sequence[Sequence[Cell]]) -> Grid:
    """The whole table, of the rows of these lines only."""
    kind = SLIM[name][0]
    chosen = [of.rows[int(line[-1] or 0)] for line in lines]
    rows = copy(t.rows)
    setattr(rows, kind, {one.number: one for one in chosen} if kind == "orders" else chosen)
    if kind == "fills":
        rows.orders = t.rows.orders
    with raw_rows():
        return GRIDS[name](Context(rows, t.known))


def _fill(t: Context) -> Callable[[Fill], tuple[Cell, ...]]:
    orders = t.rows.orders

    def cells(one: Fill) -> tuple[Cell, ...]:
        order = orders.get(one.order)
        ours = order is not None and not one.forced
        return (
            one.sequence, t.who(one.strategy), t.what(one.instrument), t.pair(order.pair if order else -1),
            str(one.order), str(one.intent) if one.intent else None, one.to_match if ours else None,
            one.to_know if ours else None, one.realised, one.edge, one.latency, one.slippage, one.fees,
            int(not one.forced), int(one.counted),
        )  # fmt: skip

    return cells


def _order(t: Context) -> Callable[[Order], tuple[Cell, ...]]:
    ledger = t.ledger
    return lambda one: (
        one.sequence, t.who(one.strategy), t.what(one.instrument), t.pair(one.pair), str(one.number), str(one.intent),
        one.end, order_value(ledger, one.instrument, one.price, one.lots),
        order_value(ledger, one.instrument, one.price, one.filled), 1, int(one.filled > 0),
        int(any(end in FAILED for _, end in one.story)),
    )  # fmt: skip


def _apart(t: Context) -> Callable[[Apart], tuple[Cell, ...]]:
    declared = t.declaration
    bases = [declared.instruments[pair.a].base for pair in declared.pairs]
    return lambda one: (
        one.sequence, t.who(one.strategy), t.pair(one.pair), bases[one.pair], words.quantity(one.quantity_e8),
        one.lasted if one.quantity_e8 else 0, abs(one.quantity_e8) * one.lasted * 10,
    )  # fmt: skip


def _denied(t: Context) -> Callable[[Denied], tuple[Cell, ...]]:
    return lambda one: (
        one.sequence, t.who(one.row.strategy), t.what(one.row.instrument), t.pair(one.row.pair),
        words.reason_text(one.row.reason), one.row.count_,
    )  # fmt: skip


def _payment(t: Context) -> Callable[[Payment], tuple[Cell, ...]]:
    return lambda one: (one.sequence, t.who(one.strategy), t.what(one.instrument), one.value)


MONEY = [Column(name, "money") for name in ("realised", "edge", "latency", "slippage", "fees")]
SLIM: dict[str, tuple[str, list[Column], Callable[[Context], Callable[[Any], tuple[Cell, ...]]]]] = {
    "t-fills": (
        "fills",
        [ENTRY, WHO, WHAT, PAIR, Column("order", "number"), Column("intent", "number"), Column("to match", "ns"),
         Column("to know", "ns"), *MONEY, Column("fills", "count"), Column("counted", "count")],
        _fill,
    ),
    "t-orders": (
        "orders",
        [ENTRY, WHO, WHAT, PAIR, Column("order", "number"), Column("intent", "number"), Column("ended"),
         Column("submitted value", "worth"), Column("filled value", "worth"),
         *(Column(name, "count") for name in ("orders", "with a fill", "failed"))],
        _order,
    ),
    "t-unhedged": (
        "apart",
        [ENTRY, WHO, PAIR, Column("base"), Column("difference", "number"), Column("lasted", "ns"),
         Column("quantity x s", "worth")],
        _apart,
    ),
    "t-denials": ("denials", [ENTRY, WHO, WHAT, PAIR, Column("reason"), Column("denials", "count")], _denied),
    "t-funding": ("payments", [ENTRY, WHO, WHAT, Column("value", "money")], _payment),
}  # fmt: skip
