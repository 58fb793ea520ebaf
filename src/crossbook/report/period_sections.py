"""What stands in the sections of a period's report; every number is a figure of the period or a sum of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from crossbook.commands import Reason
from crossbook.ledger.figure import Figure
from crossbook.ledger.metrics import SHARPE_DAYS_MIN
from crossbook.ledger.postings import NOBODY
from crossbook.report import charts, words
from crossbook.report.capture import captures
from crossbook.report.context import Context
from crossbook.report.latency import Samples, samples_of, told
from crossbook.report.period import Period
from crossbook.report.period_charts import bars
from crossbook.report.period_cut import Part
from crossbook.report.period_pool import path, strategies
from crossbook.report.run_sections import UNFILLED, Tile, causes, curves, denial_rows, latencies, raw, tiles
from crossbook.timestamp import NS_PER_DAY, day_label, day_of

COSTS = ("pnl.fees", "pnl.funding", "pnl.cause.latency", "pnl.cause.slippage")
ONE = 10**18


class PoolContext(Context):
    """The figures of several parts under the names of all their strategies; the rows are those of the first."""

    def __init__(self, parts: Sequence[Part], known: dict[str, Figure]) -> None:
        super().__init__(parts[0].rows, known)
        self.names = strategies(parts)
        self.owners = [*self.names, "unattributed"]


def period_sections(period: Period, parts: Sequence[Part], known: dict[str, Figure]) -> dict[str, Any]:
    """The content of every section, for the templates."""
    t = PoolContext(parts, known)
    single = len(parts) == 1
    why = causes(t)
    if not single:
        why |= {"latency_rows": [], "latency_told": []}
    return {
        "single": single,
        "tiles": tiles(t) if single else [_of_many(tile, len(parts)) for tile in tiles(t)],
        "strategies": strategy_rows(t, parts),
        "nobody": nobody_rows(t, parts),
        **(curves(t) if single else _pooled_curve(parts)),
        **day_rows(period, parts, known),
        **why,
        "edge_rows": edge_rows(t, parts),
        "fill_rows": fill_rows(t, parts),
        "denial_rows": denial_rows(t),
        "decisions": known["denials"].n + known["intents"].n,
        **latencies(t),
        "hop_venues": hop_venues(parts),
        "cost_rows": cost_rows(t, parts),
        "run_rows": [run_row(part) for part in parts],
    }


def _of_many(tile: Tile, runs: int) -> Tile:
    """What belongs to one account at one moment has no sum over runs."""
    own = {"nav", "exposure.gross"}
    more = f"of {runs} runs no sum; each stands in its row"
    return msgspec.structs.replace(tile, more=more) if tile.figure in own else tile


def level_of(name: str, parts: Sequence[Part]) -> str:
    """A strategy's level at the end of the last run that had it."""
    for part in reversed(parts):
        if name in part.rows.declaration.strategies:
            return part.rows.ledger.level_of(part.rows.declaration.strategies.index(name)).name
    return words.NA


def strategy_rows(t: Context, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """A row per strategy, then what none of them caused; the shown P&L sum to the shown total."""
    names, known = [*t.names, "inventory", "unattributed"], t.known
    values = [raw(t, f"pnl.total.{name}") or 0 for name in names]
    rows: list[dict[str, Any]] = []
    for name, pnl in zip(names, words.amounts(values), strict=True):
        row: dict[str, Any] = {"name": name, "pnl": pnl, "level": None}
        if name in t.names:
            n = known[f"round_trips.{name}"].n
            ends = [words.percent(known[f"win_rate.{end}.{name}"].value) for end in ("low", "high")]
            row |= {
                "level": level_of(name, parts),
                "trips": n,
                "won": words.percent(known[f"win_rate.{name}"].value),
                "wins": known[f"wins.{name}"].n,
                "interval": f"{ends[0]} to {ends[1]}" if n else words.NA,
                "remark": few(n),
                "orders": known[f"orders.{name}"].n,
                "fills": known[f"fills.{name}"].n,
                "filled": words.percent(known[f"fill_rate.quantity.{name}"].value),
                "denials": known[f"denials.{name}"].n,
            }
        rows.append(row)
    return rows


def few(trips: int) -> str:
    """What so few round trips allow to say."""
    if trips >= SHARPE_DAYS_MIN:
        return ""
    return "no trades" if trips == 0 else f"{trips} {'trade' if trips == 1 else 'trades'}: no conclusion"


def nobody_rows(t: Context, parts: Sequence[Part]) -> list[dict[str, str]]:
    """The entries by which money moved that no strategy caused, and what the marks of the end leave."""
    rows: list[tuple[int, str, str, int]] = []
    for part in parts:
        names, at = part.context, "" if len(parts) == 1 else f"{part.run} "
        for fill in part.rows.fills:
            if fill.strategy == NOBODY and fill.counted:
                side = "sold" if fill.side else "bought"
                size = names.quantity(fill.instrument, fill.lots)
                what = f"foreign fill: {side} {size} {names.what(fill.instrument)}"
                rows.append((fill.ts, f"{at}{fill.sequence:,}", what, fill.realised + fill.fees))
        for one in part.rows.payments:
            if one.strategy == NOBODY and one.value:
                what = f"funding of {names.what(one.instrument)} that no position of a strategy explains"
                rows.append((one.ts, f"{at}{one.sequence:,}", what, one.value))
    rows.sort(key=lambda row: row[0])
    rest = (raw(t, "pnl.total.unattributed") or 0) - sum(amount for *_, amount in rows)
    if rest:
        rows.append((0, "", "revaluation at the marks of the end, open positions included", rest))
    shown = words.amounts([amount for *_, amount in rows], 4)
    return [
        {"entry": entry, "time": words.moment(ts) if ts else "", "what": what, "amount": text}
        for (ts, entry, what, _), text in zip(rows, shown, strict=True)
    ]


def day_rows(period: Period, parts: Sequence[Part], known: dict[str, Figure]) -> dict[str, Any]:
    """P&L of each UTC day of the period, days without a sample being 0 if a run spans them and empty otherwise."""
    figures = {name.removeprefix("pnl.day."): figure for name, figure in known.items() if name.startswith("pnl.day.")}
    covered = {
        day for part in parts if (span := part.known["pnl.total"].window)
        for day in range(day_of(max(span[0], period.begin_ns)), day_of(min(span[1], period.end_ns - 1)) + 1)
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    at = 0
    labels = [day_label(day) for day in range(period.begin_ns // NS_PER_DAY, period.end_ns // NS_PER_DAY)]
    values = [int(Fraction(figures[label].value or 0) * ONE) if label in figures else 0 for label in labels]
    nets = _trip_days(parts)
    for label, value, text in zip(labels, values, words.amounts(values), strict=True):
        at += value
        on = day_of(period.begin_ns) + len(rows) in covered
        won, closed = nets.get(label, (0, 0))
        rows.append(
            {"day": label, "on": on, "pnl": text if on else "", "trips": closed, "won": won,
             "so_far": words.signed(at) if on else ""}
        )  # fmt: skip
    shown = [(row["day"][8:], value / ONE if row["on"] else None) for row, value in zip(rows, values, strict=True)]
    chart = bars("P&L of each UTC day", shown) if 1 < len(shown) <= 400 and covered else None
    return {"days": rows, "day_chart": chart, "days_on": sum(row["on"] for row in rows)}


def _trip_days(parts: Sequence[Part]) -> dict[str, tuple[int, int]]:
    """Round trips won and closed, by the day on which they closed."""
    found: dict[str, tuple[int, int]] = {}
    for part in parts:
        for trip in part.rows.trips:
            if trip.net is not None:
                label = day_label(day_of(trip.closed))
                won, closed = found.get(label, (0, 0))
                found[label] = (won + (trip.net > 0), closed + 1)
    return found


def _pooled_curve(parts: Sequence[Part]) -> dict[str, Any]:
    """P&L of all runs together over time, and how far it is below its peak."""
    points = path(parts)
    if len(points) < 2:
        return {"equity": None, "drawdown": None}
    peak, below = 0, []
    for ts, pnl in points:
        peak = max(peak, pnl)
        below.append((float(ts), (pnl - peak) / ONE))
    worth = [(float(ts), pnl / ONE) for ts, pnl in points]
    return {
        "equity": charts.line("P&L of all runs", worth, lambda value: f"{value:,.2f}"),
        "drawdown": charts.line("below the running peak", below, lambda value: f"{value:,.3g}", "down", 0.0),
    }


def edge_rows(t: Context, parts: Sequence[Part]) -> list[dict[str, str]]:
    """Expected against captured edge of entries, by strategy and in total."""
    sums = {name: [0, 0, 0, 0] for name in t.names}
    for part in parts:
        for wish in part.rows.wishes.values():
            if wish.reason == Reason.ENTRY:
                sums[part.context.who(wish.strategy)][1] += 1
        for one in captures(part.rows):
            row = sums[part.context.who(one.wish.strategy)]
            row[0], row[2], row[3] = row[0] + 1, row[2] + one.expected, row[3] + one.captured
    sums["all"] = [sum(column) for column in zip(*sums.values(), strict=True)] if sums else [0] * 4
    return [
        {"name": name, "n": f"{matched:,} of {entries:,}", "expected": words.signed(expected, 4),
         "captured": words.signed(captured, 4), "difference": words.signed(captured - expected, 4),
         "share": words.percent(Fraction(captured, expected)) if expected > 0 else words.NA}
        for name, (matched, entries, expected, captured) in sums.items()
    ]  # fmt: skip


def fill_rows(t: Context, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What became of each strategy's orders."""
    result = []
    for name in [*t.names, "all"]:
        own = [
            one for part in parts for one in part.rows.orders.values()
            if name == "all" or part.context.who(one.strategy) == name
        ]  # fmt: skip
        suffix = "" if name == "all" else f".{name}"
        ends = {end: sum(one.end == end and not one.filled for one in own) for end in UNFILLED}
        result.append(
            {"name": name, "orders": t.known[f"orders{suffix}"].n,
             "filled": sum(one.filled >= one.lots for one in own),
             "part": sum(0 < one.filled < one.lots for one in own), "ends": ends,
             "by_quantity": words.percent(t.known[f"fill_rate.quantity{suffix}"].value),
             "by_orders": words.percent(t.known[f"fill_rate.orders{suffix}"].value)}
        )  # fmt: skip
    return result


def hop_venues(parts: Sequence[Part]) -> list[dict[str, str]]:
    """The way of orders per venue and hop, percentiles of the samples of all runs."""
    samples: Samples = {}
    for part in parts:
        payloads = [payload for _, payload in part.entries]
        for key, found in samples_of(part.stamps, payloads, part.rows.declaration).items():
            samples.setdefault(key, []).extend(found)
    return [
        {"venue": one.venue, "stretch": one.stretch.replace("_", " "), "n": f"{one.n:,}",
         "suspect": f"{one.suspect:,} left out" if one.suspect else "",
         **{end: words.span(ns) for end, ns in (("p50", one.p50_ns), ("p99", one.p99_ns), ("p999", one.p999_ns))}}
        for one in told(samples)
    ]  # fmt: skip


def cost_rows(t: Context, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What trading cost each strategy: fees, funding, latency and slippage, beside what it traded."""
    rows = []
    for name in [*t.names, "all"]:
        traded = sum(
            abs(fill.cash) for part in parts for fill in part.rows.fills
            if fill.counted and (fill.strategy != NOBODY if name == "all" else part.context.who(fill.strategy) == name)
        )  # fmt: skip
        costs = [
            sum(raw(t, f"{cost}.{one}") or 0 for one in (t.names if name == "all" else [name])) for cost in COSTS
        ]  # fmt: skip
        fees = words.NA if not traded else f"{float(Fraction(costs[0] * 10_000, traded)):+.2f} bp"
        rows.append(
            {"name": name, "traded": words.amount(traded), "costs": [words.signed(cost, 4) for cost in costs],
             "fees_bp": fees}
        )  # fmt: skip
    return rows


def run_row(part: Part) -> dict[str, Any]:
    """A run in one line; what belongs to its account alone stands here."""
    t, known, span = part.context, part.known, part.known["pnl.total"].window
    return {
        "run": part.run,
        "window": "not begun" if span is None else f"{words.moment(span[0])[:16]} to {words.moment(span[1])[:16]}",
        "cut": " and ".join(["begins before"] * part.begins + ["goes on after"] * part.ends),
        "entries": f"{len(part.entries):,}",
        "digest": part.digest,
        "start": words.amount(raw(t, "nav.start")),
        "nav": words.amount(raw(t, "nav")),
        "flows": words.signed(raw(t, "nav.flows")),
        "pnl": words.signed(raw(t, "pnl.total")),
        "trips": known["round_trips"].n,
        "won": words.percent(known["win_rate"].value),
        "drawdown": words.percent(known["drawdown.max"].value, 2),
        "exposure": words.amount(raw(t, "exposure.gross")),
        "complete": part.ends or bool(part.facts.get("complete", False)),
        "repeats": part.repeats,
        "physics": part.rows.declaration.physics,
        "controls_off": part.rows.declaration.controls_off,
    }
