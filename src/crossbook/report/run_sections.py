"""What stands in the sections of a run's page: tiles, charts and small tables; every number a figure or its rows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from crossbook.commands import Reason
from crossbook.ledger.audit import CAUSES
from crossbook.ledger.figure import Number
from crossbook.ledger.hops import STRETCHES
from crossbook.ledger.metrics import SHARPE_DAYS_MIN
from crossbook.ledger.statement import PERCENTILES
from crossbook.money import VALUE_SCALE
from crossbook.report import charts, words
from crossbook.report.capture import captures, latency_losses
from crossbook.report.context import Context
from crossbook.report.contradiction import fixed
from crossbook.report.levels import fall_rows
from crossbook.report.rounding import round_matrix
from crossbook.report.row_kinds import Held

DOTS_MAX = 400
CAUSE_DECIMALS = 4
DELAYS = ("delay.decision_to_match", "delay.match_to_known")
UNFILLED = ("expired", "canceled", "rejected", "unknown", "open")


class Tile(msgspec.Struct, frozen=True):
    """A headline figure: its name, a label, the value as shown, and a line that says more."""

    figure: str
    label: str
    value: str
    more: str
    bad: bool = False


def sections(t: Context) -> dict[str, Any]:
    """The content of every section, for the templates."""
    return {
        "tiles": tiles(t),
        **curves(t),
        "strategies": strategy_rows(t),
        "falls": fall_rows(t),
        **causes(t),
        **edges(t),
        "fill_rows": fill_rows(t),
        "denial_rows": denial_rows(t),
        "decisions": t.known["denials"].n + t.known["intents"].n,
        **latencies(t),
        **exposures(t),
    }


def tiles(t: Context) -> list[Tile]:
    """The headline figures."""
    known = t.known
    total = raw(t, "pnl.total")
    parts = [sum(raw(t, f"pnl.total.{name}") or 0 for name in t.names)]
    parts += [raw(t, f"pnl.total.{name}") or 0 for name in ("inventory", "unattributed")]
    others = "strategies {}, inventory {}, unattributed {}".format(*words.amounts(parts))
    if total is None:
        others = "n/a until the window begins"
    won, lost = known["wins"].n, known["losses"].n
    low, high = (words.percent(known[f"win_rate.{end}"].value) for end in ("low", "high"))
    closed = known["round_trips"].n
    sharpe, days = known["sharpe"].value, known["sharpe"].n
    ends = [words.figure_text(known[f"sharpe.{end}"]) for end in ("low", "high")]
    wire = known["latency.tick_to_wire.p50"]
    return [
        Tile("pnl.total", "P&L", words.signed(total), others, bad=(total or 0) < 0),
        Tile("nav", "net asset value", words.amount(raw(t, "nav")), f"from {words.amount(raw(t, 'nav.start'))}"),
        Tile(
            "win_rate", "win rate", words.percent(known["win_rate"].value),
            f"{won} won, {lost} lost of {closed}; 95 % interval {low} to {high}" if closed else "no closed round trip",
        ),
        Tile(
            "drawdown.max", "max drawdown", words.percent(known["drawdown.max"].value, 2),
            f"{words.amount(raw(t, 'drawdown.max_amount'))} below the peak of P&L",
        ),
        Tile(
            "sharpe", "Sharpe", words.NA if sharpe is None else fixed(Fraction(sharpe)),
            f"95 % interval {ends[0]} to {ends[1]}" if sharpe is not None
            else f"{days} whole days of {SHARPE_DAYS_MIN}" if days < SHARPE_DAYS_MIN else "returns do not vary",
        ),
        Tile(
            "fill_rate.quantity", "fill rate", words.percent(known["fill_rate.quantity"].value),
            f"of what was submitted; {words.percent(known['fill_rate.orders'].value)} of {known['orders'].n} orders",
        ),
        Tile(
            "exposure.gross", "exposure now", words.amount(raw(t, "exposure.gross")),
            f"gross; net {words.signed(raw(t, 'exposure.net'))}",
        ),
        Tile(
            "latency.tick_to_wire.p50", "tick to wire, p50", words.span(wire.value),
            f"p99 {words.span(known['latency.tick_to_wire.p99'].value)}" if wire.n else "no stamps were taken",
        ),
    ]  # fmt: skip


def curves(t: Context) -> dict[str, Any]:
    """Net asset value and drawdown over time."""
    points = t.rows.points
    if len(points) < 2:
        return {"equity": None, "drawdown": None}
    worth = [(float(one.ts), _float(one.nav)) for one in points]
    below = [(float(one.ts), -100 * (one.peak - one.nav) / one.peak if one.peak > 0 else 0.0) for one in points]
    return {
        "equity": charts.line("net asset value", worth, lambda value: f"{value:,.2f}"),
        "drawdown": charts.line("below the running peak, %", below, lambda value: f"{value:.3g} %", "down", 0.0),
    }


def strategy_rows(t: Context) -> list[dict[str, Any]]:
    """A row per strategy, then what none of them caused; the shown P&L sum to the shown total."""
    names = [*t.names, "inventory", "unattributed"]
    values = [raw(t, f"pnl.total.{name}") or 0 for name in names]
    result: list[dict[str, Any]] = []
    for number, (name, pnl) in enumerate(zip(names, words.amounts(values), strict=True)):
        row: dict[str, Any] = {"name": name, "pnl": pnl, "level": None}
        if number < len(t.names):
            known = t.known
            row["level"] = t.ledger.level_of(number).name
            row["trips"] = known[f"round_trips.{name}"].n
            row["won"] = words.percent(known[f"win_rate.{name}"].value)
            ends = [words.percent(known[f"win_rate.{end}.{name}"].value) for end in ("low", "high")]
            row["interval"] = f"{ends[0]} to {ends[1]}" if row["trips"] else words.NA
            row["orders"] = known[f"orders.{name}"].n
            row["fills"] = known[f"fills.{name}"].n
            row["filled"] = words.percent(known[f"fill_rate.quantity.{name}"].value)
        result.append(row)
    return result


def causes(t: Context) -> dict[str, Any]:
    """The waterfall from nothing to the total, and the causes of every row; shown parts sum in both directions."""
    names = [*t.names, "inventory", "unattributed"]
    values = [[raw(t, f"pnl.cause.{cause}.{name}") or 0 for cause in CAUSES] for name in names]
    shown = both_ways(values, CAUSE_DECIMALS)
    totals = [sum(row[place] for row in values) for place in range(len(CAUSES))]
    bars = [
        (cause, _float(value), text)
        for cause, value, text in zip(CAUSES, totals, words.amounts(totals), strict=True)
    ]  # fmt: skip
    known = t.known["pnl.total"].value is not None
    losses, differences = latency_losses(t.rows)
    return {
        "waterfall": charts.waterfall("P&L by cause", bars, words.amounts([sum(totals)])[0]) if known else None,
        "cause_names": CAUSES,
        "cause_rows": list(zip([*names, "total"], shown, strict=True)),
        "latency_rows": [
            {"name": one.name, "trips": one.trips, "total": words.signed(one.total, 4),
             "mean": words.NA if one.mean_bps is None else f"{one.mean_bps:+.3f}",
             "interval": words.NA if one.low_bps is None else f"{one.low_bps:+.3f} to {one.high_bps:+.3f}"}
            for one in losses
        ],
        "latency_told": [one.sentence for one in differences],
    }  # fmt: skip


def edges(t: Context) -> dict[str, Any]:
    """Expected against captured edge, in total and as dots."""
    caught = captures(t.rows)
    rows = []
    for number, name in [*enumerate(t.names), (-1, "all")]:
        own = [one for one in caught if number in (-1, one.wish.strategy)]
        entries = sum(one.reason == Reason.ENTRY and number in (-1, one.strategy) for one in t.rows.wishes.values())
        expected, captured = sum(one.expected for one in own), sum(one.captured for one in own)
        share = words.percent(Fraction(captured, expected)) if expected > 0 else words.NA
        rows.append(
            {"name": name, "n": f"{len(own):,} of {entries:,}",
             "expected": words.signed(expected, 4), "captured": words.signed(captured, 4),
             "difference": words.signed(captured - expected, 4), "share": share}
        )  # fmt: skip
    dots = [(_float(one.expected), _float(one.captured)) for one in caught[:DOTS_MAX]]
    return {
        "edge_rows": rows,
        "edge_count": len(caught),
        "edge_dots": len(dots),
        "scatter": charts.scatter("expected and captured edge", dots, lambda value: f"{value:,.3g}") if dots else None,
    }


def fill_rows(t: Context) -> list[dict[str, Any]]:
    """What became of each strategy's orders."""
    result = []
    for number, name in [*enumerate(t.names), (-1, "all")]:
        own = [one for one in t.rows.orders.values() if number in (-1, one.strategy)]
        suffix = "" if number < 0 else f".{name}"
        filled = sum(one.filled >= one.lots for one in own)
        part = sum(0 < one.filled < one.lots for one in own)
        ends = {end: sum(one.end == end and not one.filled for one in own) for end in UNFILLED}
        result.append(
            {"name": name, "orders": t.known[f"orders{suffix}"].n, "filled": filled, "part": part, "ends": ends,
             "by_quantity": words.percent(t.known[f"fill_rate.quantity{suffix}"].value),
             "by_orders": words.percent(t.known[f"fill_rate.orders{suffix}"].value)}
        )  # fmt: skip
    return result


def denial_rows(t: Context) -> list[dict[str, Any]]:
    """Why it did not trade: denials by reason, as a part of all decisions."""
    decisions = t.known["denials"].n + t.known["intents"].n
    found = []
    for name, figure in t.known.items():
        parts = name.split(".")
        if name.startswith("denials.reason.") and len(parts) == 3:
            each = {who: t.known[f"{name}.{who}"].n for who in t.names if f"{name}.{who}" in t.known}
            found.append(
                {"figure": name, "reason": parts[2].replace("_", " "), "count": figure.n,
                 "share": words.percent(Fraction(figure.n, decisions)), "each": each}
            )  # fmt: skip
    return sorted(found, key=lambda row: (-row["count"], row["reason"]))


def latencies(t: Context) -> dict[str, Any]:
    """Hops inside the process, and delays by the journal's stamps."""
    rows: list[dict[str, Any]] = []
    bars: list[tuple[str, float, float, float]] = []
    for name in [f"latency.{stretch}" for stretch in STRETCHES] + list(DELAYS):
        figures = {end: t.known.get(f"{name}.{end}") for end in PERCENTILES}
        first = figures["p50"]
        if first is None:
            continue
        texts = {end: words.NA if one is None else words.span(one.value) for end, one in figures.items()}
        rows.append({"name": name, "label": name.partition(".")[2].replace("_", " "), "n": first.n, **texts})
        p50, p99, p999 = (None if one is None else one.value for one in figures.values())
        if p50 is not None and p99 is not None and p999 is not None:
            bars.append((name.partition(".")[2].replace("_", " "), float(p50), float(p99), float(p999)))
    return {
        "hop_rows": rows,
        "hops": charts.ranges("latency per hop", bars, _power) if bars else None,
    }  # fmt: skip


def exposures(t: Context) -> dict[str, Any]:
    """Gross and net exposure after every fill, and now."""
    held, window = list(t.rows.held), t.known["pnl.total"].window
    if held and window is not None:
        held = [
            Held(window[0], 0, 0),
            *held,
            Held(window[1], raw(t, "exposure.gross") or 0, raw(t, "exposure.net") or 0),
        ]
    series = [
        ("a", [(float(one.ts), _float(one.gross)) for one in held]),
        ("b", [(float(one.ts), _float(one.net)) for one in held]),
    ]
    rows = [("gross", "exposure.gross"), ("net", "exposure.net")]
    rows += [(name.removeprefix("exposure.venue."), name) for name in t.known if name.startswith("exposure.venue.")]
    return {
        "exposure": charts.steps("exposure after each fill", series, lambda value: f"{value:,.0f}") if held else None,
        "exposure_rows": [
            {"label": label, "figure": name, "value": words.amount(raw(t, name))} for label, name in rows
        ],
    }


def both_ways(values: Sequence[Sequence[int]], decimals: int) -> list[list[str]]:
    """A matrix with its sums as text; shown cells sum to shown sums in rows and in columns."""
    unit = 10 ** (VALUE_SCALE - decimals)
    rows = [[*row, sum(row)] for row in round_matrix(values, unit)]
    rows.append([sum(column) for column in zip(*rows, strict=True)])
    return [[words.signed(number * unit, decimals) for number in row] for row in rows]


def raw(t: Context, name: str) -> int | None:
    """A figure of money as an integer at 1e-18; None where it is n/a, or there is no such figure."""
    figure = t.known.get(name)
    return None if figure is None or figure.value is None else _scaled(figure.value)


def _scaled(value: Number) -> int:
    return int(Fraction(value) * 10**VALUE_SCALE)


def _float(value: int) -> float:
    return value / _ONE


def _power(ns: float) -> str:
    """A power of ten of ns as it stands on an axis: `10 us`."""
    return words.span(int(ns)).replace(".00 ", " ").replace(".0 ", " ")


_ONE: int = 10**VALUE_SCALE
