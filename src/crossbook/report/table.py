"""A table of rows behind figures: capped for reading, summed and hashed over all rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from crossbook.ledger.figure import Figure, value_decimal
from crossbook.report.words import NA, amount, amounts

ROWS_MAX = 500
DECIMALS = 6
"""Of money in rows; largest remainders, so that the shown rows sum to the shown total."""

SUMMED = ("count", "money", "worth")

Cell = str | int | None


class Column(msgspec.Struct, frozen=True):
    """`kind`: text, number (text on the right), count (an integer, summed), money (P&L at 1e-18, summed, with its
    sign), worth (a value at 1e-18, summed), amount (one that is not to be summed), entry (a journal sequence)."""

    name: str
    kind: str = "text"

    @property
    def right(self) -> bool:
        """Whether it is aligned to the right."""
        return self.kind in ("number", "count", "money", "worth", "amount", "entry")


class Sum(msgspec.Struct, frozen=True):
    """A sum row: a text per column, and for each summed column whether it is the figure it should be (None: none)."""

    label: str
    cells: list[str]
    figures: list[str]
    """Per column the figure's name; empty where there is none."""
    holds: list[bool | None]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of the rows."""

    id: str
    title: str
    caption: str
    columns: list[Column]
    rows: list[list[str]]
    count: int
    sums: list[Sum]
    digest: str
    raw: Sequence[Sequence[Cell]] = ()
    """The cells of all rows as they were before they were shown."""

    @property
    def cut(self) -> bool:
        """Whether rows were left out."""
        return self.count > len(self.rows)


@contextmanager
def raw_rows() -> Iterator[None]:
    """While inside, tables are made of raw cells only: for whoever shows a window of their rows."""
    before = _RAW.set(True)
    try:
        yield
    finally:
        _RAW.reset(before)


_RAW: ContextVar[bool] = ContextVar("raw rows only", default=False)


def make_table(
    id: str,
    title: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    known: dict[str, Figure] | None = None,
    against: dict[str, str] | None = None,
    each: dict[str, str] | None = None,
    group: str = "",
    groups: Sequence[str] = (),
) -> Table:
    """A table from raw cells. `against`: per column the figure that its sum must be. With `group` (a column) each of
    `groups` gets a sum of its own, to be the figure `NAME.GROUP` of the same names, or of those in `each`."""
    if _RAW.get():
        return Table(
            id=id, title=title, caption=caption, columns=list(columns), rows=[], count=len(rows), sums=[], digest="",
            raw=rows,
        )  # fmt: skip
    shown: list[list[str]] = [[] for _ in rows]
    texts: list[list[str]] = []
    for place, column in enumerate(columns):
        texts.append(_texts(column, [row[place] for row in rows]))
    for number, row in enumerate(shown[:ROWS_MAX]):
        row += [texts[place][number] for place in range(len(columns))]
    known, against = known or {}, against or {}
    sums = []
    if any(column.kind in SUMMED for column in columns):
        at = [column.name for column in columns].index(group) if group else -1
        for name in groups if group else ():
            chosen = [row for row in rows if row[at] == name]
            if chosen:
                ends = {column: f"{figure}.{name}" for column, figure in (each or against).items()}
                sums.append(_sum(name, columns, chosen, known, ends))
        sums.append(_sum("all", columns, rows, known, against))
    digest = hashlib.sha256(repr([list(row) for row in rows]).encode()).hexdigest()[:12]
    return Table(
        id=id, title=title, caption=caption, columns=list(columns), rows=shown[:ROWS_MAX], count=len(rows), sums=sums,
        digest=digest, raw=rows,
    )  # fmt: skip


def _texts(column: Column, cells: list[Cell]) -> list[str]:
    if column.kind in ("money", "worth"):
        known = [cell for cell in cells if isinstance(cell, int)]
        parts = iter(_money(column, known))
        return [next(parts) if isinstance(cell, int) else NA for cell in cells]
    if column.kind == "amount":
        return [amount(cell, DECIMALS) if isinstance(cell, int) else NA for cell in cells]
    return [NA if cell is None else f"{cell:,}" if isinstance(cell, int) else cell for cell in cells]


def _money(column: Column, values: list[int]) -> list[str]:
    shown = amounts(values, DECIMALS)
    return shown if column.kind == "money" else [text.removeprefix("+") for text in shown]


def _sum(
    label: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    known: dict[str, Figure],
    against: dict[str, str],
) -> Sum:
    cells: list[str] = []
    figures: list[str] = []
    holds: list[bool | None] = []
    for place, column in enumerate(columns):
        figure = known.get(against.get(column.name, ""))
        if column.kind not in SUMMED:
            cells.append("")
            figure = None
        else:
            total = sum(cell for row in rows if isinstance(cell := row[place], int))
            cells.append(f"{total:,}" if column.kind == "count" else _money(column, [total])[0])
            if figure is not None and figure.value is not None:
                told = total if column.kind == "count" else value_decimal(total)
                holds.append(told == figure.value)
                figures.append(against[column.name])
                continue
        figures.append("")
        holds.append(None)
    return Sum(label, cells, figures, holds)
