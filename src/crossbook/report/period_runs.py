"""Which runs a period's report is made from: all of one mode that lie in it, or those that were named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from crossbook.desk.runs import find_run
from crossbook.errors import Corrupt, Refused
from crossbook.report import words
from crossbook.report.period import Period
from crossbook.report.period_cut import Part, facts_of, lies_in, read_part

MODES = ("live", "paper", "backtest")
OTHER = {"live": "paper", "paper": "live"}
"""What a mode is compared with."""


class Choice(msgspec.Struct, kw_only=True):
    """`parts` are reported. `others` are runs of other modes in the period, never added to them. `left_out` says, in a
    line each, which runs were not looked at any further, and why."""

    parts: list[Part]
    others: list[Part] = []
    left_out: list[str] = []

    @property
    def mode(self) -> str:
        """The mode of all parts."""
        return self.parts[0].mode


def choose(period: Period, runs: Path, mode: str | None = None, named: Sequence[str] = ()) -> Choice:
    """The runs of a period. Raises `Refused` where there are none, or where they cannot stand in one report."""
    if mode is not None and mode not in MODES:
        raise Refused(f"mode {mode!r} is none of {', '.join(MODES)}")
    left_out: list[str] = []
    if named:
        folders = list(dict.fromkeys(find_run(name, runs) for name in named))
    else:
        folders = sorted(path.parent for path in runs.glob("*/journal") if path.is_dir())
    modes = _modes(folders, period, None if named else left_out)
    if not modes:
        where = f"the named runs ({', '.join(named)})" if named else f"any run under {runs}/"
        raise Refused(f"nothing of {where} lies in {period.label} (UTC); `crossbook status` lists the runs")
    found = [one for one in MODES if one in modes.values()]
    if mode is None and len(found) > 1:
        raise Refused(f"{period.label} has {' and '.join(found)} runs, which share no total; say --mode {found[0]}")
    wanted = mode or found[0]
    if wanted not in found:
        raise Refused(f"{period.label} has no {wanted} run, but {' and '.join(found)}; say --mode {found[0]}")
    chosen = _parts(modes, wanted, period, None if named else left_out)
    others = _parts(modes, OTHER[wanted], period, left_out) if wanted in OTHER else []
    if not chosen:
        raise Refused(f"no run of {period.label} can be read: {'; '.join(left_out)}")
    real = [part for part in chosen if not part.rows.declaration.physics]
    if real and not named:
        left_out += [f"{part.run}: PHYSICS, it says nothing about money" for part in chosen if part not in real]
        chosen = real
    currencies = sorted({part.currency for part in chosen})
    if len(currencies) > 1:
        each = ", ".join(f"{part.run} in {part.currency}" for part in chosen)
        raise Refused(f"runs in different currencies share no total ({each}): name the runs of one currency")
    chosen.sort(key=lambda part: (part.span or (0, 0), part.run))
    return Choice(parts=chosen, others=others, left_out=sorted(left_out))


def overlaps(parts: Sequence[Part]) -> list[str]:
    """Pairs of runs that lie at the same time in the market: their sums count that time twice."""
    told = []
    for place, one in enumerate(parts):
        for other in parts[place + 1 :]:
            a, b = one.span, other.span
            if a and b and a[0] < b[1] and b[0] < a[1]:
                told.append(f"{one.run} and {other.run}, {words.span(min(a[1], b[1]) - max(a[0], b[0]))}")
    return told


def _modes(folders: Sequence[Path], period: Period, left_out: list[str] | None) -> dict[Path, str]:
    """The mode of each run that lies in the period. What is damaged is left out, or raised where that is None."""
    found = {}
    for folder in folders:
        try:
            if lies_in(folder, period):
                mode = str(facts_of(folder).get("mode", "backtest"))
                found[folder] = mode if mode in MODES else "backtest"
        except (Corrupt, Refused, OSError) as error:
            if left_out is None:
                raise Corrupt(f"run {folder.name}: {error}") from None
            left_out.append(f"{folder.name}: {' '.join(str(error).split())}")
    return found


def _parts(modes: dict[Path, str], mode: str, period: Period, left_out: list[str] | None) -> list[Part]:
    parts = []
    for folder in (folder for folder, one in modes.items() if one == mode):
        try:
            part = read_part(folder, period)
        except (Corrupt, Refused, OSError) as error:
            if left_out is None:
                raise
            left_out.append(f"{folder.name}: {' '.join(str(error).split())}")
            continue
        if part is not None:
            parts.append(part)
    return parts
