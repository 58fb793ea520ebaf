"""Why do they differ: a figure by each route that there is, the rows of each, and those that only one of them has."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.ledger.figure import Number, plain
from crossbook.report import words
from crossbook.report.second_route import compare
from crossbook.web.grid import exact, shown
from crossbook.web.moment import Moment
from crossbook.web.row_answers import again_of, columns_told
from crossbook.web.run_book import RunBook
from crossbook.web.tiles import check, text

ROWS = 500


def why_of(moment: Moment, name: str, book: RunBook) -> dict[str, Any]:
    """The routes to a figure with their values, and the rows behind it; `differs` names what does not agree."""
    figure = moment.known[name]
    one, grid, lines = again_of(moment, name)
    routes = [_route("running totals of the ledger", figure.value, 0)]
    again = moment.again.get(name)
    if name in moment.again:
        routes.append(_route("a recount of the journal's entries", again, _apart(moment, name, again)))
    value = one.fold(grid, lines) if one.fold is not None and grid is not None else None
    if one.fold is not None and grid is not None:
        routes.append(_route(f"its rows in {one.table}: {one.said}", value, _apart(moment, name, value)))
    told = check(figure)
    differs = [route["route"] for route in routes if route["residual"] not in (0, None)]
    if told.state == "differ" and not differs:
        differs = ["the raw postings of the ledger"]
    parts = next((tile.children for tile in moment.tiles if tile.name == name), [])
    broken = [
        {"by": part.by, "names": part.names, "sum": plain(_sum(moment, part.names)), "of": plain(figure.value)}
        for part in parts
        if figure.value is not None and _sum(moment, part.names) != figure.value
    ]  # fmt: skip
    return {
        "as_of_seq": moment.seq, "name": name, "text": text(name, figure), "value": plain(figure.value),
        "check": told, "definition": figure.definition, "n": figure.n, "routes": routes, "differs": differs,
        "parts_that_do_not_sum": broken, "rows_url": f"/api/rows/{one.table}?figure={name}&as_of={moment.seq}",
        "table": one.table, "columns": [] if grid is None else columns_told(moment, grid), "count": len(lines),
        "rows": [] if grid is None else [
            {"raw": [exact(column, cell) for column, cell in zip(grid.columns, line, strict=True)], "text": cells}
            for line, cells in zip(lines[:ROWS], shown(grid, lines[:ROWS]), strict=True)
        ],
        "odd": [{"entry": odd.sequence, "ts": odd.ts, "breaks": odd.breaks, "repeats": odd.repeats}
                for odd in moment.rows.odd[-ROWS:]],
        "trouble": book.trouble,
    }  # fmt: skip


def _route(route: str, value: Number | None, residual: Number | None) -> dict[str, Any]:
    return {"route": route, "value": plain(value), "text": words.exact(value), "residual": plain(residual)}


def _apart(moment: Moment, name: str, value: Number | None) -> Number | None:
    """How far another route's value is off."""
    bare = msgspec.structs.replace(moment.known[name], residual=0)
    if bare.value is None and value is None:
        return 0
    return compare(name, bare, value).residual


def _sum(moment: Moment, names: list[str]) -> Number:
    return sum((value for name in names if (value := moment.known[name].value) is not None), 0)
