"""The survival table as a file: written by `crossbook survival`, read by the wire for v2."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.lab.survival import Cell, Source, SurvivalTable
from crossbook.rules.layout import SURVIVAL_DELAYS, SURVIVAL_EDGES
from crossbook.timestamp import iso

N_MIN = 20
"""Edges seen below which a cell is no evidence and counts as never surviving."""


def table_text(source: Source, cells: list[Cell]) -> str:
    """The file's text."""
    lines = [
        "# How long edges live, measured by `crossbook survival`: of n edges that reached edge_bps, so many ppm were",
        "# still there after delay_ms. v2 refuses a table whose window does not end before the one it trades.",
        "",
        "[source]",
        f'tape = "{source.tape}"',
        f"first_ns = {source.first_ns}  # {iso(source.first_ns)}",
        f"last_ns = {source.last_ns}  # {iso(source.last_ns)}",
        _pairs_line(source.pairs),
    ]
    for cell in cells:
        lines += ["", "[[row]]", f"edge_bps = {cell.edge_bps}", f"delay_ms = {cell.delay_ms}"]
        lines += [f"ppm = {cell.ppm}", f"n = {cell.n}"]
    return "\n".join(lines) + "\n"


def _pairs_line(pairs: list[str]) -> str:
    quoted = ", ".join('"' + pair + '"' for pair in pairs)
    return f"pairs = [{quoted}]"


def load_survival(path: Path) -> SurvivalTable:
    """Read a table. Raises `Refused` if it is missing or malformed."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(), parse_float=Decimal), SurvivalTable)
    except FileNotFoundError:
        raise Refused(f"v2 needs a survival table at {path}: make one with `crossbook survival TAPE`") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Refused(f"survival table {path}: {error}; make it anew with `crossbook survival TAPE`") from None
    if not table.row:
        raise Refused(f"survival table {path} has no rows: make it anew with `crossbook survival TAPE`")
    return table


def check_survival(table: SurvivalTable, name: str, trades_from_ns: int) -> None:
    """Raises `Refused` unless the table of strategy `name` was measured strictly before `trades_from_ns`."""
    if not table.source.last_ns < trades_from_ns:
        raise Refused(
            f"survival table of {name} was measured up to {iso(table.source.last_ns)}, not strictly before "
            f"{iso(trades_from_ns)} where this run begins: measure an earlier tape"
        )


def write_survival(record: Any, table: SurvivalTable) -> None:
    """Fill the kernels' table (`rules.layout.SURVIVAL`). Raises `Refused` if it does not fit."""
    edges = sorted({row.edge_bps for row in table.row})
    delays = sorted({row.delay_ms for row in table.row})
    if len(edges) > SURVIVAL_EDGES or len(delays) > SURVIVAL_DELAYS:
        raise Refused(f"survival table: at most {SURVIVAL_EDGES} edges and {SURVIVAL_DELAYS} delays fit")
    record.n_edges = len(edges)
    record.n_delays = len(delays)
    for k, edge in enumerate(edges):
        record.edges_ppm[k] = int(edge.scaleb(2))
    for j, delay in enumerate(delays):
        record.delays_ns[j] = delay * 1_000_000
    for row in table.row:
        enough = row.ppm if row.n >= N_MIN else 0
        record.survive_ppm[edges.index(row.edge_bps), delays.index(row.delay_ms)] = enough
