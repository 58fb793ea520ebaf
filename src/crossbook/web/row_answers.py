"""The answer to a request for rows: a window of a table, exact and as shown, with sums over all that was chosen."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import polars as pl

from crossbook.ledger.figure import Figure, Number, plain, value_decimal
from crossbook.report import words
from crossbook.report.csv_text import safe_text
from crossbook.report.second_route import compare
from crossbook.report.table import Column, Sum
from crossbook.web.answers import ColumnTold
from crossbook.web.behind import Behind, behind
from crossbook.web.grid import (
    Asked,
    Grid,
    Line,
    chosen,
    column_of,
    digest,
    exact,
    shown,
    sum_text,
    summed,
    total,
    unit_of,
)
from crossbook.web.moment import Moment
from crossbook.web.refusals import Missing, Unclear
from crossbook.web.slim import window

LIMIT_MAX = 1_000
SMALL_ROWS = 50


class Row(msgspec.Struct, frozen=True):
    """A row: its cells exact (number, text or null: a union that msgspec cannot describe), and as they are shown."""

    raw: list[Any]
    text: list[str]


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A figure beside what its rows, as they are listed, give by a plain fold."""

    name: str
    value: Number | None
    text: str
    said: str
    """What is done with the rows."""
    again: Number | None
    holds: bool | None
    """None: the rows tell it, but it is not computed from them alone."""


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table. `n`: how many were chosen; `excluded`: how many more there are that the figure leaves out."""

    table: str
    title: str
    caption: str
    as_of_seq: int
    n: int
    offset: int
    columns: list[ColumnTold]
    rows: list[Row]
    sums: list[Sum]
    exact_sums: list[Number | None]
    excluded: int
    excluded_url: str | None
    digest: str
    figure: Again | None


class Small(msgspec.Struct, frozen=True, kw_only=True):
    """A table inside a page: its first rows as shown; `count`: how many there are, `rows_url`: all of them."""

    id: str
    title: str
    caption: str
    columns: list[ColumnTold]
    rows: list[list[str]]
    count: int
    sums: list[Sum]
    rows_url: str


class Chosen(msgspec.Struct):
    """Rows that were asked for: `lines` of `base`, of which `whole` makes the table's whole rows."""

    base: Grid
    lines: list[Line]
    whole: Callable[[list[Line]], Grid]
    rest: int = 0
    """Rows that the figure leaves out."""
    behind: Behind | None = None


def rows_told(moment: Moment, name: str, asked: Asked, figure: str = "", left_out: bool = False) -> Rows:
    """The window of rows that was asked for. `left_out`: those rows that `figure` does not take, instead of its own."""
    one = _selected(moment, name, asked, figure, left_out)
    lines = one.lines
    grid = one.whole(lines[asked.offset : asked.offset + min(asked.limit, LIMIT_MAX)])
    rows = [
        Row([exact(column, cell) for column, cell in zip(grid.columns, line, strict=True)], cells)
        for line, cells in zip(grid.lines, shown(grid, grid.lines), strict=True)
    ]
    url = None
    if one.rest and not left_out:
        url = f"/api/rows/{name}?figure={quote(figure, safe='')}&excluded=true&as_of={moment.seq}"
    again = None if one.behind is None or left_out else _again(moment.known[figure], figure, one.behind, one.base)
    sums = [_total(column, one.base, lines) for column in grid.columns]
    return Rows(
        table=name, title=grid.title, caption=grid.caption, as_of_seq=moment.seq, n=len(lines), offset=asked.offset,
        columns=columns_told(moment, grid), rows=rows, sums=_sums(grid, sums),
        exact_sums=[_exact_sum(column, amount) for column, amount in zip(grid.columns, sums, strict=True)],
        excluded=one.rest, excluded_url=url, digest=digest([*grid.lines, [len(lines), *sums]]), figure=again,
    )  # fmt: skip


def rows_file(moment: Moment, name: str, asked: Asked, kind: str, figure: str = "", left_out: bool = False) -> bytes:
    """All rows that were chosen as a file (csv, parquet, arrow): numbers exact, as text where they have decimals."""
    one = _selected(moment, name, asked, figure, left_out)
    grid = one.whole(one.lines)
    lines = grid.lines
    table: dict[str, pl.Series] = {}
    for place, column in enumerate(grid.columns):
        cells = [_flat(exact(column, line[place])) for line in lines]
        if kind == "csv":
            cells = [safe_text(cell) if column.kind == "text" and isinstance(cell, str) else cell for cell in cells]
        whole = all(cell is None or isinstance(cell, int) for cell in cells) and column.kind not in ("text", "number")
        whole = whole and column.kind in ("count", "ns", "entry")
        texts = cells if whole else [None if cell is None else str(cell) for cell in cells]
        table[_unused(column, table)] = pl.Series(values=texts, dtype=pl.Int64 if whole else pl.String)
    frame = pl.DataFrame(table)
    sink = io.BytesIO()
    if kind == "csv":
        frame.write_csv(sink)
    elif kind == "parquet":
        frame.write_parquet(sink)
    elif kind == "arrow":
        frame.write_ipc_stream(sink, compat_level=pl.CompatLevel.oldest())
    else:
        raise Missing(f"rows are no {kind!r}; ask for csv, parquet or arrow")
    return sink.getvalue()


def small(moment: Moment, name: str, values: dict[str, str] | None = None, rows: int = SMALL_ROWS) -> Small:
    """A table as it stands on a page. `values`: of its columns, which choose the rows."""
    one = _selected(moment, name, Asked(values=values or {}), "", False)
    grid = one.whole(one.lines[:rows])
    sums = [_total(column, one.base, one.lines) for column in grid.columns]
    query = "".join(f"&{key}={quote(value, safe='')}" for key, value in (values or {}).items())
    return Small(
        id=name, title=grid.title, caption=grid.caption, columns=columns_told(moment, grid),
        rows=shown(grid, grid.lines), count=len(one.lines), sums=_sums(grid, sums),
        rows_url=f"/api/rows/{name}?as_of={moment.seq}{query}",
    )  # fmt: skip


def columns_told(moment: Moment, grid: Grid) -> list[ColumnTold]:
    """The columns with what their numbers are counted in."""
    currency = currency_of(moment)
    return [ColumnTold(name=one.name, kind=one.kind, unit=unit_of(one, currency)) for one in grid.columns]


def currency_of(moment: Moment) -> str:
    """The reporting asset."""
    declared = moment.rows.declaration
    return declared.assets[declared.reporting]


def again_of(moment: Moment, name: str) -> tuple[Behind, Grid | None, list[Line]]:
    """What stands behind a figure: the rule, its table, its rows there."""
    one = behind(name, moment.strategies, moment.known[name].window is not None)
    if one.table == "figures":
        return one, None, []
    grid = moment.grid(one.table)
    takes = one.takes(grid)
    return one, grid, [line for line in grid.lines if takes(line)]


def _selected(moment: Moment, name: str, asked: Asked, figure: str, left_out: bool) -> Chosen:
    one = None
    if figure:
        if figure not in moment.known:
            raise Missing(f"there is no figure {figure[:80]!r} at entry {moment.seq}; /api/figures lists them")
        one = behind(figure, moment.strategies, moment.known[figure].window is not None)
        if one.table != name:
            raise Unclear(f"the rows of {figure} are in {one.table}, not in {name}")
    base, whole = _base(moment, name, asked)
    if one is None:
        return Chosen(base, chosen(base, asked), whole)
    takes = one.takes(base)
    mine, rest = chosen(base, asked, takes), chosen(base, asked, lambda line: not takes(line))
    return Chosen(base, rest if left_out else mine, whole, len(rest), one)


def _base(moment: Moment, name: str, asked: Asked) -> tuple[Grid, Callable[[list[Line]], Grid]]:
    """What rows are chosen from, and how whole ones are made of them."""
    short = moment.slim(name) if not asked.text else None
    if short is not None and all(column_of(short.grid, word) for word in (*asked.values, asked.sort) if word):
        return short.grid, lambda lines: window(name, moment.context, short, lines)
    grid = moment.grid(name)
    return grid, lambda lines: msgspec.structs.replace(grid, lines=lines)


def _again(figure: Figure, name: str, one: Behind, grid: Grid) -> Again:
    takes = one.takes(grid)
    told = Again(
        name=name, value=plain(figure.value), text=words.figure_text(figure), said=one.said, again=None, holds=None
    )  # fmt: skip
    if one.fold is None:
        return told
    value = one.fold(grid, [line for line in grid.lines if takes(line)])
    bare = msgspec.structs.replace(figure, residual=0)
    holds = (value is None and figure.value is None) or compare(name, bare, value).residual == 0
    return msgspec.structs.replace(told, again=plain(value), holds=holds)


def _total(column: Column, base: Grid, lines: list[Line]) -> int | None:
    """The sum of a column; None for one that is not summed."""
    return total(base, base.place(column.name), lines) if summed(column) else None


def _sums(grid: Grid, sums: list[int | None]) -> list[Sum]:
    if all(amount is None for amount in sums):
        return []
    pairs = zip(grid.columns, sums, strict=True)
    cells = ["" if amount is None else sum_text(column, amount) for column, amount in pairs]
    return [Sum(label="all", cells=cells, figures=[""] * len(cells), holds=[None] * len(cells))]


def _exact_sum(column: Column, amount: int | None) -> Number | None:
    return amount if amount is None or column.kind == "count" else exact_number(column, amount)


def exact_number(column: Column, amount: int) -> Number:
    """A sum as it goes into JSON."""
    told: Any = exact(column, amount)
    number: Number = told
    return number


def _flat(cell: Number | str | None) -> int | str | None:
    return cell if cell is None or isinstance(cell, int | str) else f"{cell:f}"


def _unused(column: Column, table: dict[str, pl.Series]) -> str:
    return column.name if column.name not in table else f"{column.name} ({len(table)})"


def money(amount: int) -> Number | None:
    """A value at 1e-18 for JSON."""
    return plain(value_decimal(amount))
