"""The plan of a period: what was wanted, in a TOML file beside the report, and what the ledger says came of it.

A criterion names a figure and what it should be; its result is that figure and nothing else. What a person learned, and
how money that nobody caused was explained, stands there in words; no figure is changed by it.
"""

from __future__ import annotations

import difflib
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.ledger.definitions import DEFINITIONS, definition_of
from crossbook.ledger.figure import Figure, Number
from crossbook.report import words
from crossbook.report.contradiction import fixed, telling

PLAN_BYTES_MAX = 1 << 20
MET, NOT_MET, NO_DATA, TOO_FEW = "met", "not met", "no data", "too few"
ENDS = {"win_rate": "win_rate.{}", "sharpe": "sharpe.{}"}
"""Figures that come with an interval."""


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Success: `figure` at least, at most, or both, with `n_min` facts or more."""

    figure: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    n_min: int = 0
    text: str = ""


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[plans]]`: what was to be done, and its criteria."""

    name: str
    text: str = ""
    criteria: list[Criterion] = []


class ModelGoal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[models]]`: what a model should reach, by a figure of the ledger if there is one."""

    name: str
    target: str = ""
    criterion: Criterion | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[explained]]`: what unattributed money was, and the journal entries that say so. It stays unattributed."""

    amount: Decimal
    text: str
    entries: list[int] = []


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole plan; every part of it may be missing."""

    title: str = ""
    text: str = ""
    plans: list[Goal] = []
    models: list[ModelGoal] = []
    explained: list[Explained] = []
    notes: list[str] = []


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion and what came of it, as shown. `remark`: what keeps it from being a conclusion."""

    figure: str
    text: str
    target: str
    value: str
    n: int
    interval: str
    status: str
    remark: str = ""


def read_plan(path: Path) -> Plan:
    """Raises `Refused` in one line naming file, key, value and remedy."""
    try:
        with path.open("rb") as file:
            text = file.read(PLAN_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(f"plan {path} cannot be read: {error.strerror}") from None
    if len(text) > PLAN_BYTES_MAX:
        raise Refused(f"plan {path} is larger than {PLAN_BYTES_MAX} bytes; a plan is a page of text")
    try:
        table: dict[str, Any] = tomllib.loads(text.decode(), parse_float=Decimal)
        plan = msgspec.convert(table, Plan)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"plan {path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise Refused(f"plan {path}: {error}; configs/plan.toml shows every key") from None
    goals = [one for goal in plan.plans for one in goal.criteria]
    for one in goals + [model.criterion for model in plan.models if model.criterion is not None]:
        _check(one, path)
    if any(not one.amount.is_finite() for one in plan.explained):
        raise Refused(f"plan {path}: an explained amount is no number; write a decimal such as 1.96")
    return plan


def evaluate(one: Criterion, known: dict[str, Figure]) -> Result:
    """What came of a criterion by the figures of the period."""
    figure = known.get(one.figure)
    value, n = (None, 0) if figure is None else (figure.value, figure.n)
    status, remark, interval = NO_DATA, "", _interval(one.figure, known)
    if figure is None:
        remark = "no such figure in this period"
    elif value is None:
        remark = "n/a" if n == 0 else f"n/a with n {n:,}"
    else:
        status = MET if _met(one, value) else NOT_MET
        if n < one.n_min:
            status, remark = TOO_FEW, f"n {n:,} of {one.n_min:,}: no conclusion"
        elif interval is not None and _met(one, interval[0]) != _met(one, interval[1]):
            remark = "the 95 % interval holds the target: no conclusion"
    shown = "" if interval is None else f"{_number(one.figure, interval[0])} to {_number(one.figure, interval[1])}"
    unit = "" if figure is None or figure.unit in ("count", "ratio", "ns") else f" {figure.unit}"
    return Result(
        figure=one.figure, text=one.text or definition_of(one.figure), target=_target(one, unit), n=n, interval=shown,
        value=words.NA if figure is None else _shown(one.figure, figure), status=status, remark=remark,
    )  # fmt: skip


def _met(one: Criterion, value: Number) -> bool:
    return (one.at_least is None or value >= one.at_least) and (one.at_most is None or value <= one.at_most)


def _interval(name: str, known: dict[str, Figure]) -> tuple[Number, Number] | None:
    """Of `win_rate`, `win_rate.v1` and `sharpe`."""
    head, _, rest = name.partition(".")
    if head not in ENDS:
        return None
    ends = [known.get(f"{head}.{end}{'.' if rest else ''}{rest}") for end in ("low", "high")]
    values = [end.value for end in ends if end is not None and end.value is not None]
    return (values[0], values[1]) if len(values) == 2 else None


def _target(one: Criterion, unit: str) -> str:
    if one.at_least is not None and one.at_least == one.at_most:
        return f"{_number(one.figure, one.at_least)}{unit}"
    told = []
    if one.at_least is not None:
        told.append(f"at least {_number(one.figure, one.at_least)}")
    if one.at_most is not None:
        told.append(f"at most {_number(one.figure, one.at_most)}")
    return " and ".join(told) + unit


def _shown(name: str, figure: Figure) -> str:
    if figure.unit == "ratio" and figure.value is not None:
        return _number(name, figure.value)
    return words.figure_text(figure)


def _number(name: str, value: Number) -> str:
    """As its figure is shown: rates in per cent, durations in their unit."""
    if name.startswith(("win_rate", "fill_rate", "error_rate", "denial_rate", "drawdown.max")) and "amount" not in name:
        return words.percent(value)
    if name.startswith(("latency.", "delay.", "unhedged.time")) and name != "delay.clock_suspect":
        return words.span(value)
    return fixed(Fraction(value), 0) if value == int(value) else telling(Fraction(value), 2)


def _check(one: Criterion, path: Path) -> None:
    if one.at_least is None and one.at_most is None:
        raise Refused(f"plan {path}: criterion of {one.figure!r} wants nothing; give at_least or at_most")
    if any(limit is not None and not limit.is_finite() for limit in (one.at_least, one.at_most)):
        raise Refused(f"plan {path}: criterion of {one.figure!r} has a limit that is no number")
    try:
        definition_of(one.figure)
    except KeyError:
        near = difflib.get_close_matches(one.figure, DEFINITIONS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`crossbook prove RUN --json` lists them"
        raise Refused(f"plan {path}: no figure is called {one.figure!r}; {hint}") from None
