"""Shapes of pages and rows for the OpenAPI document: what all pages have, beside sections of their own."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.report.table import Sum
from crossbook.web.answers import ColumnTold, Number, Tile
from crossbook.web.page_body import Group
from crossbook.web.row_answers import Small


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`groups`: how its figures stand together; `missing`: what it will hold and how to get it, where there is nothing
    yet. More fields belong to single pages."""

    as_of_seq: int
    head: dict[str, Any]
    page: str = ""
    title: str = ""
    ts: int | None = None
    groups: list[Group] = []
    figures: list[Tile] = []
    tables: list[Small] = []
    missing: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row: its cells exact (number, text or null), and as they are shown."""

    raw: list[Any]
    text: list[str]


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A figure beside what its rows give by a plain fold; `holds` null: the rows tell it, but not they alone."""

    name: str
    value: Number | None
    text: str
    said: str
    again: Number | None
    holds: bool | None


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows behind figures. `n`: how many there are in all; `rows`: those from `offset` on; `excluded`: how many the
    figure leaves out."""

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
