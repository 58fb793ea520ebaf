"""Tables as the page needs them: every cell exact beside how it is shown; chosen, ordered and summed on request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from crossbook.ledger.figure import Number, value_decimal
from crossbook.report import words
from crossbook.report.table import DECIMALS, SUMMED, Cell, Column, Table
from crossbook.web.refusals import Unclear

VALUES = ("money", "worth", "amount")
"""Kinds of columns whose cells are values at 1e-18."""
Line = Sequence[Cell]


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A table with all of its rows as raw cells (see `report.table.Column`; kind `ns` is a duration)."""

    id: str
    title: str
    caption: str
    columns: list[Column]
    lines: Sequence[Line]

    def place(self, name: str) -> int:
        """Where the column of that name stands; -1: nowhere."""
        return next((place for place, column in enumerate(self.columns) if column.name == name), -1)

    def column(self, name: str, lines: Sequence[Line] | None = None) -> list[Cell]:
        """The cells of a column, of all rows or of `lines`."""
        place = self.place(name)
        return [line[place] for line in (self.lines if lines is None else lines)]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, in what order: values of columns, a text in any of them, a column to sort by, and where to begin."""

    values: dict[str, str] = {}
    text: str = ""
    sort: str = ""
    descending: bool = False
    offset: int = 0
    limit: int = 100


def grid_of(table: Table, more: Sequence[tuple[Column, Sequence[Cell]]] = ()) -> Grid:
    """A report's table. `more`: columns that stand instead of those of their names, or behind them all."""
    columns, lines = list(table.columns), [list(line) for line in table.raw]
    for column, cells in more:
        place = next((k for k, one in enumerate(columns) if one.name == column.name), len(columns))
        columns[place : place + 1] = [column]
        for line, cell in zip(lines, cells, strict=True):
            line[place : place + 1] = [cell]
    return Grid(id=table.id, title=table.title, caption=table.caption, columns=columns, lines=lines)


def chosen(grid: Grid, asked: Asked, only: Callable[[Line], bool] | None = None) -> list[Line]:
    """The rows that were asked for, in that order. Raises `Unclear` for a column that the table does not have."""
    found = [line for line in grid.lines if only is None or only(line)]
    for name, value in asked.values.items():
        place, wanted = _place_of(grid, name), _plain(value)
        if name == "venue" and grid.columns[place].name == "instrument":
            found = [line for line in found if str(line[place]).partition(":")[0] == value]
        else:
            found = [line for line in found if _plain(line[place]) == wanted]
    if asked.text:
        wanted = asked.text.casefold()
        found = [line for line in found if any(wanted in cell for cell in _searched(grid, line))]
    if asked.sort:
        place = grid.place(asked.sort)
        if place < 0:
            raise Unclear(f"table {grid.id} has no column {asked.sort!r} to sort by; it has {_names(grid)}")
        found.sort(key=lambda line: _order(line[place]), reverse=asked.descending)
    return found


def column_of(grid: Grid, name: str) -> bool:
    """Whether the table has a column of that name, or one that stands for it."""
    return any(grid.place(word) >= 0 for word in _SYNONYMS.get(name, (name,)))


def shown(grid: Grid, lines: Sequence[Line]) -> list[list[str]]:
    """The cells as a report writes them; money so that what is shown of `lines` sums to what is shown of their sum."""
    columns = [_texts(column, [line[place] for line in lines]) for place, column in enumerate(grid.columns)]
    return [list(cells) for cells in zip(*columns, strict=True)] if lines else []


def exact(column: Column, cell: Cell) -> Number | str | None:
    """A cell as it goes into JSON: values as decimals, all else as it is."""
    if column.kind in VALUES and isinstance(cell, int):
        return _short(value_decimal(cell))
    return cell


def total(grid: Grid, place: int, lines: Sequence[Line]) -> int:
    """The exact sum of a column."""
    return sum(cell for line in lines if isinstance(cell := line[place], int))


def sum_text(column: Column, amount: int) -> str:
    """A sum as it stands under its column."""
    return f"{amount:,}" if column.kind == "count" else _texts(column, [amount])[0]


def summed(column: Column) -> bool:
    """Whether the column has a sum."""
    return column.kind in SUMMED


def digest(lines: Sequence[Line]) -> str:
    """Twelve digits that change with any cell."""
    return hashlib.sha256(repr([list(line) for line in lines]).encode()).hexdigest()[:12]


def unit_of(column: Column, currency: str) -> str:
    """What the numbers of a column are counted in; empty for texts."""
    if column.kind in VALUES:
        return currency
    return {"count": "count", "ns": "ns", "entry": "entry"}.get(column.kind, "")


def _texts(column: Column, cells: Sequence[Cell]) -> list[str]:
    numbers = [cell for cell in cells if isinstance(cell, int)]
    if column.kind in ("money", "worth"):
        parts = words.amounts(numbers, DECIMALS)
        told = iter(parts if column.kind == "money" else [text.removeprefix("+") for text in parts])
    elif column.kind == "amount":
        told = iter([words.amount(cell, DECIMALS) for cell in numbers])
    elif column.kind == "ns":
        told = iter([words.span(cell) if cell >= 0 else f"-{words.span(-cell)}" for cell in numbers])
    else:
        told = iter([f"{cell:,}" for cell in numbers])
    return [next(told) if isinstance(cell, int) else words.NA if cell is None else cell for cell in cells]


def _short(value: Decimal) -> Number:
    """Without zeros that say nothing."""
    return int(value) if value == value.to_integral_value() else value.normalize()


_SYNONYMS = {"reason": ("reason", "why", "rule"), "venue": ("venue", "instrument"), "entry": ("entry",)}


def _place_of(grid: Grid, name: str) -> int:
    for word in _SYNONYMS.get(name, (name,)):
        if (place := grid.place(word)) >= 0:
            return place
    raise Unclear(f"table {grid.id} has no column {name!r}; it has {_names(grid)}")


def _names(grid: Grid) -> str:
    return ", ".join(column.name for column in grid.columns)


def _plain(cell: Cell) -> str:
    return str(cell).replace("_", " ").replace(",", "").casefold()


def _searched(grid: Grid, line: Line) -> list[str]:
    return [str(cell).casefold() for column, cell in zip(grid.columns, line, strict=True) if column.kind not in VALUES]


def _order(cell: Cell) -> tuple[int, int | Decimal, str]:
    """None first, then numbers (also those that stand as text), then texts."""
    if cell is None:
        return 0, 0, ""
    if isinstance(cell, int):
        return 1, cell, ""
    try:
        number = Decimal(cell.replace(",", ""))
        return (1, number, "") if number.is_finite() else (2, 0, cell.casefold())
    except ArithmeticError:
        return 2, 0, cell.casefold()
