"""The shape of a page for the OpenAPI document: what all pages have, beside sections of their own."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.web.answers import Tile
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
