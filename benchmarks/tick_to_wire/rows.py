"""From samples to rows: percentiles, the ratio to our own spin row, and whether the target was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
SHARES = (("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("p99.9_us", 0.999))


@dataclass(frozen=True)
class Case:
    """One row. `target`: how many times slower than `ours` it must be at least; below 0: how many times it may be at
    most slower than this one (the floor); 0: none is asked."""

    name: str
    ours: str = ""
    target: float = 0.0


def row_of(case: Case, taken: Sequence[int], ours: Sequence[int] | None, note: str = "") -> Row:
    """The row of times in ns. `note` says why there are none: such a row has no ratio, and meets no target."""
    if note or not taken:
        return {"case": case.name, "note": note or "no order came"}
    row: Row = {"case": case.name, "n": len(taken)}
    row |= {word: round(share_of(taken, share) / 1e3, 1) for word, share in SHARES}
    if not case.ours:
        return row
    if not ours:
        return row | ({"asked": "ours did not play"} if case.target else {})
    slower = share_of(taken, 0.5) / share_of(ours, 0.5)
    row["times_ours"] = round(slower, 2)
    if case.target > 0:
        row["asked"] = f">= {case.target:g}x {_verdict(slower >= case.target)}"
    elif case.target:
        row["asked"] = f"ours <= {-case.target:g}x: {1 / slower:.2f} {_verdict(1 / slower <= -case.target)}"
    return row


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def share_of(taken: Sequence[int], share: float) -> int:
    """The sample below which this part of them lies; the same rule as the other benchmarks'."""
    ordered = sorted(taken)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
