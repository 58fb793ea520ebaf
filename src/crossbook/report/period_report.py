"""The report of a day, week, month or range: one page in a file of its own, and the same in Markdown.

Nothing of it depends on when or where it is made: the same runs and plan give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from crossbook.ledger.figure import Figure
from crossbook.report import words
from crossbook.report.levels import fall_rows, wrong_falls
from crossbook.report.period import Period
from crossbook.report.period_cut import Part
from crossbook.report.period_incidents import incidents
from crossbook.report.period_plan import Plan, evaluate
from crossbook.report.period_pool import pool, strategies
from crossbook.report.period_runs import OTHER, Choice, overlaps
from crossbook.report.period_sections import PoolContext, period_sections
from crossbook.report.run_report import template_environment, wrong
from crossbook.report.run_sections import raw
from crossbook.report.run_tables import rows_of, run_tables
from crossbook.report.table import ROWS_MAX, Table

ROWS_LEAST = 20
EDGE_DAYS = "A day beside the period stands for the moment at which its window opens or closes."
VERSUS = (
    "pnl.total", "pnl.fees", "pnl.funding", "pnl.cause.latency", "pnl.cause.slippage", "round_trips", "win_rate",
    "fill_rate.quantity", "fill_rate.orders", "error_rate", "denial_rate", "drawdown.max", "sharpe",
    "delay.decision_to_match.p50", "latency.tick_to_wire.p50",
)  # fmt: skip
"""What is compared between paper and live."""


def period_report(period: Period, choice: Choice, plan: Plan) -> dict[str, Any]:
    """Everything the page shows."""
    parts = choice.parts
    known = pool(parts)
    t = PoolContext(parts, known)
    each = [_run_tables(part, number, len(parts)) for number, part in enumerate(parts, start=1)]
    lines = [line for part, tables in zip(parts, each, strict=True) for line in _wrong(part, tables, len(parts) > 1)]
    spans = [span for part in parts if (span := part.span) is not None]
    sections = period_sections(period, parts, known)
    happened = incidents(parts)
    return {
        "period": period,
        "mode": choice.mode,
        "word": choice.mode,
        "currency": parts[0].currency,
        "window": (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None,
        "known": known,
        "plan": plan,
        "goals": [(goal, [evaluate(one, known) for one in goal.criteria]) for goal in plan.plans],
        "models": [
            (model, None if model.criterion is None else evaluate(model.criterion, known)) for model in plan.models
        ],
        "explained": [(words.signed(int(Fraction(one.amount) * 10**18)), one) for one in plan.explained],
        "incidents": happened,
        "falls": [row | {"run": part.run} for part in parts for row in fall_rows(part.context)],
        "versus": versus(choice, known),
        "overlaps": overlaps(parts),
        "left_out": choice.left_out,
        "physics": any(part.rows.declaration.physics for part in parts),
        "controls_off": sorted({one for part in parts for one in part.rows.declaration.controls_off}),
        "tables": each,
        "wrong": lines,
        "lead": lead(t, parts, known, len(happened)),
        "at": (lambda name: rows_of(name)) if len(parts) == 1 else (lambda name: "runs"),
        **sections,
    }  # fmt: skip


def lead(t: PoolContext, parts: Sequence[Part], known: dict[str, Figure], happened: int) -> list[str]:
    """The period in sentences."""
    told, currency = [], parts[0].currency
    total = raw(t, "pnl.total")
    if total is None:
        told.append("The window has not begun: a mark that is needed was never seen, so nothing can be valued.")
    else:
        own = sum(raw(t, f"pnl.total.{name}") or 0 for name in strategies(parts))
        values = [own, *(raw(t, f"pnl.total.{name}") or 0 for name in ("inventory", "unattributed"))]
        shown = words.amounts(values)
        text = f"The desk {'made' if total >= 0 else 'lost'} {words.amount(abs(total))} {currency}: "
        text += f"its strategies {'made' if own >= 0 else 'lost'} {shown[0].lstrip('+-')}"
        text += f", and {shown[2]} is unattributed, for no strategy caused it" if values[2] else ""
        text += f"; what was held from outside changed by {shown[1]}" if values[1] else ""
        told.append(text + ".")
    closed, won, lost = (known[name].n for name in ("round_trips", "wins", "losses"))
    if closed:
        low, high = (words.percent(known[f"win_rate.{end}"].value) for end in ("low", "high"))
        told.append(
            f"{closed:,} round trips closed, {won:,} won and {lost:,} lost: {words.percent(known['win_rate'].value)}, "
            f"with a 95 % interval of {low} to {high}. That is one rate over all trades, no mean of rates."
        )
    else:
        told.append("No round trip closed.")
    fall, amount = known["drawdown.max"], known["drawdown.max_amount"]
    if fall.value is not None:
        told.append(f"At its deepest the net asset value was {words.percent(fall.value, 2)} below its peak.")
    elif amount.value is not None:
        told.append(f"At its deepest the P&L of all runs was {words.figure_text(amount)} below its peak.")
    sharpe = known["sharpe"]
    if sharpe.value is None:
        told.append(f"There is no Sharpe ratio: n/a with {sharpe.n} whole days of the 30 that it takes.")
    denied, decided = known["denials"].n, known["denials"].n + known["intents"].n
    told.append(
        f"{words.percent(known['fill_rate.orders'].value)} of {known['orders'].n:,} orders had a fill; of {decided:,} "
        f"decisions the gate denied {denied:,}. {happened:,} {'incident' if happened == 1 else 'incidents'}."
    )
    return told


def versus(choice: Choice, known: dict[str, Figure]) -> dict[str, Any] | None:
    """The same figures of paper beside live; None where the other mode has no run. They share no total."""
    parts = [part for part in choice.others if part.currency == choice.parts[0].currency]
    if not parts:
        return None
    other = OTHER[choice.mode]
    again = pool(parts)
    rows = []
    for name in VERSUS:
        here, there = known.get(name), again.get(name)
        texts = [
            words.NA if one is None else words.percent(one.value) if _is_rate(name) else words.figure_text(one)
            for one in (here, there)
        ]  # fmt: skip
        counts = [0 if one is None else one.n for one in (here, there)]
        rows.append({"name": name, "texts": texts, "n": [f"{count:,}" for count in counts]})
    return {"modes": (choice.mode, other), "runs": [part.run for part in parts], "rows": rows}


def to_html(report: dict[str, Any]) -> str:
    """One self-contained page: no script, no request."""
    return template_environment(True).get_template("month.html").render(report)


def to_markdown(report: dict[str, Any]) -> str:
    """The same without the rows."""
    return template_environment(False).get_template("month.md").render(report)


def _is_rate(name: str) -> bool:
    return name.startswith(("win_rate", "fill_rate", "error_rate", "denial_rate", "drawdown.max"))


def _run_tables(part: Part, number: int, runs: int) -> list[Table]:
    """A run's tables; of many runs fewer rows each, and names that do not collide."""
    most = max(ROWS_LEAST, ROWS_MAX // runs)
    tables = []
    for table in run_tables(part.context, part.stamps):
        kept = msgspec.structs.replace(table, rows=table.rows[:most])
        if table.id == "t-days" and (part.begins or part.ends):
            kept = msgspec.structs.replace(kept, caption=f"{table.caption} {EDGE_DAYS}")
        tables.append(kept if runs == 1 else msgspec.structs.replace(kept, id=f"r{number}-{table.id}"))
    return tables


def _wrong(part: Part, tables: list[Table], several: bool) -> list[str]:
    lines = wrong(part.known, tables) + wrong_falls(part.rows.falls)
    return [f"{part.run}: {line}" for line in lines] if several else lines
