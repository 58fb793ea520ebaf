"""The shapes of what GETs answer, for the OpenAPI document and the typed client made from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Number = Decimal | int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Whether two routes to a figure agree; "single": there is one only; "stale": the second is behind."""

    state: Literal["agree", "differ", "single", "stale"]
    residual: Number | None = None
    text: str = ""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that a figure is the sum of, and by what it is split so."""

    by: str
    names: list[str]


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with all that belongs to it. `value` null: n/a. `window`: ns UTC. `parent`: the figure it is part of."""

    name: str
    title: str
    value: Number | None
    text: str
    unit: str
    n: int
    window: tuple[int, int] | None
    as_of_seq: int
    definition: str
    rows_url: str
    check: Check
    parent: str | None = None
    children: list[Parts] = []
    note: str = ""
    """What must be read with it: `3 trades: no conclusion`."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The run that is shown, and more of its facts beside these."""

    as_of_seq: int
    run: str
    mode: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Every tile, all at one sequence."""

    as_of_seq: int
    figures: list[Tile]


class OneFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One tile."""

    as_of_seq: int
    figure: Tile


class ColumnTold(msgspec.Struct, frozen=True, kw_only=True):
    """A column. `kind` as in the report's tables."""

    name: str
    kind: str
    unit: str = ""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One way to compute a figure, and how far it is from the value that is shown."""

    route: str
    value: Number | None
    residual: Number | None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Every route to a figure, and the rows behind it; `differs`: the routes that do not agree."""

    as_of_seq: int
    name: str
    check: Check
    routes: list[Route]
    differs: list[str]
    table: str
    rows_url: str
    count: int
    columns: list[ColumnTold]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Points of a line: when (ns), the exact value, its text, and the entry. `n`: of so many."""

    as_of_seq: int
    series: str
    unit: str
    n: int
    points: list[tuple[int, Number | None, str, int]]
