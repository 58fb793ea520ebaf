"""Every figure with the second routes to it: the ledger's own, a recount of the entries, and a second path of value.

Page and proof take the figures of a run from here. What they differ by stands in the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec
import numpy as np

from crossbook.ledger.figure import Figure, Number
from crossbook.ledger.hops import STAMP, STRETCHES, TICK_TO_WIRE, Hop
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.ledger.statement import PERCENTILES
from crossbook.report.recount import Recount, selected
from crossbook.report.second_path import Z95, SecondPath

FLOATS = ("sharpe", "sharpe.low", "sharpe.high", "win_rate.low", "win_rate.high")
AGREE_FLOATS = Decimal("1e-9")
"""Statistics are computed with floats by the first route: to so much of the value they must agree."""
AGREE_PEAK = Decimal("1e-15")
"""The first route moves its peak along with money from outside, rounded to 1e-18 of an amount each time."""
_DIGITS = Context(prec=40)
_STAMPS = np.dtype([("trace", "<i8"), ("hop", "<i4"), ("order", "<i4"), ("ns", "<i8")])
assert _STAMPS.itemsize == STAMP.size


def figures_twice(
    ledger: Ledger, payloads: Sequence[bytes], stamps: bytes | None, before: Sequence[bytes] = ()
) -> dict[str, Figure]:
    """The figures of a run, each with the difference between all routes to it. `payloads`: its journal's entries.
    `before`: those ahead of a window that begins within a run; they lead to what was held then and are counted nowhere.
    """
    found = figures(ledger, stamps)
    again = Recount.of(payloads, ledger.declaration).values(ledger.marks.prices)
    again |= SecondPath.of([*before, *payloads], ledger).values()
    return compared(found, again | latency_again(stamps or b""))


def compared(found: dict[str, Figure], again: dict[str, Number | None]) -> dict[str, Figure]:
    """The figures, each with its difference from what other routes gave `again`."""
    again = again | _wilson(found)
    return {name: compare(name, figure, again[name]) if name in again else figure for name, figure in found.items()}


def compare(name: str, figure: Figure, other: Number | None) -> Figure:
    """The figure with its distance from one more route in its residual."""
    if figure.value is None and other is None:
        return figure
    if figure.value is None or other is None:
        difference = abs(Decimal(figure.value or 0) - Decimal(other or 0)) or Decimal(1)
    else:
        difference = abs(Decimal(figure.value) - Decimal(other))
        if difference <= _agree(name, Decimal(other)):
            difference = Decimal(0)
    return msgspec.structs.replace(figure, residual=Decimal(figure.residual or 0) + difference)


def _agree(name: str, value: Decimal) -> Decimal:
    if name.startswith(FLOATS):
        return AGREE_FLOATS * max(Decimal(1), abs(value))
    return AGREE_PEAK if name == "drawdown.max" else Decimal(0)


def latency_again(stamps: bytes) -> dict[str, Number | None]:
    """The stretches of `latency.bin` by sorting its stamps as columns."""
    whole = len(stamps) // STAMP.size * STAMP.size
    rows = np.frombuffer(stamps[:whole], _STAMPS)
    rows = rows[np.lexsort((np.arange(len(rows)), rows["hop"], rows["trace"]))]
    if len(rows):
        kept = np.ones(len(rows), bool)
        kept[1:] = (rows["trace"][1:] != rows["trace"][:-1]) | (rows["hop"][1:] != rows["hop"][:-1])
        rows = rows[kept]
    same = rows["trace"][1:] == rows["trace"][:-1]
    steps, into = np.diff(rows["ns"])[same], rows["hop"][1:][same]
    spans: dict[str, Any] = {hop.name.lower(): steps[into == hop] for hop in Hop}
    begun, ended = (rows[rows["hop"] == hop] for hop in (Hop.RECEIVED, Hop.WRITTEN))
    _, first, last = np.intersect1d(begun["trace"], ended["trace"], assume_unique=True, return_indices=True)
    spans[TICK_TO_WIRE] = ended["ns"][last] - begun["ns"][first]
    return {
        f"latency.{stretch}.{percentile}": selected(spans[stretch].tolist(), permille)
        for stretch in STRETCHES
        for percentile, permille in PERCENTILES.items()
    }


def _wilson(found: dict[str, Figure]) -> dict[str, Number | None]:
    """The ends of the win rates' intervals as the roots of their equation, (r - w/n)^2 = z^2 r (1 - r) / n."""
    ends: dict[str, Number | None] = {}
    for name, figure in found.items():
        if not name.startswith("round_trips") or name.startswith("round_trips.open"):
            continue
        suffix = name.removeprefix("round_trips")
        n, wins = Decimal(figure.value or 0), Decimal(found[f"wins{suffix}"].value or 0)
        if not n:
            ends |= {f"win_rate.{end}{suffix}": None for end in ("low", "high")}
            continue
        z2 = Z95 * Z95
        a, b, c = n * (n + z2), n * (2 * wins + z2), wins * wins
        root = _DIGITS.sqrt(b * b - 4 * a * c)
        ends[f"win_rate.low{suffix}"] = max(Decimal(0), _DIGITS.divide(b - root, 2 * a))
        ends[f"win_rate.high{suffix}"] = min(Decimal(1), _DIGITS.divide(b + root, 2 * a))
    return ends
