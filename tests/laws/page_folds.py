"""A figure again from the rows that the API lists for it: plain sums over decoded JSON, none of the desk's code."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

Cells = dict[str, Any]
Z95 = Decimal("1.959963984540054")
DIGITS = Context(prec=40)
EIGHTEEN = Context(prec=18, rounding=ROUND_HALF_EVEN)
CAUSES = ("edge", "latency", "slippage", "fees", "funding", "rounding", "mark")
SUMS = {
    "nav": "value", "nav.flows": "value in the window", "pnl.funding": "value", "exposure.gross": "gross",
    "exposure.net": "net", "exposure.venue": "gross", "round_trips": "closed", "round_trips.open": "open",
    "wins": "won", "losses": "lost", "orders": "orders", "fills": "fills", "intents": "intents",
    "denials": "denials", "breaks": "breaks", "events.duplicate": "repeats", "postings": "postings",
    "pnl.realised": "realised", "pnl.unrealised": "unrealised", "pnl.fees": "fees",
    "unhedged.quantity_time": "quantity x s", "pnl.cause.funding": "value",
} | {f"pnl.cause.{cause}": cause for cause in CAUSES if cause != "funding"}  # fmt: skip
SHARES = {
    "win_rate": ("won", "closed"), "fill_rate.orders": ("with a fill", "orders"), "error_rate": ("failed", "orders"),
    "fill_rate.quantity": ("filled value", "submitted value"),
}  # fmt: skip


def again(name: str, rows: list[Cells]) -> Decimal | int | None:
    """The figure `name` from its rows; None where there is nothing to tell."""
    for count in range(name.count(".") + 1, 0, -1):
        stem = ".".join(name.split(".")[:count])
        if stem in ("win_rate.low", "win_rate.high"):
            return _wilson(stem, rows)
        if stem in SHARES:
            part, whole = (sum_of(rows, column) for column in SHARES[stem])
            return _ratio(part, whole)
        if stem in SUMS:
            return sum_of(rows, SUMS[stem])
        if stem == "denial_rate":
            return _ratio(sum_of(rows, "denials"), sum_of(rows, "denials") + sum_of(rows, "intents"))
        if stem in ("fees.paid", "fees.rebate"):
            sign = -1 if stem == "fees.paid" else 1
            return exact_sum([abs(row["fees"]) for row in rows if row["fees"] * sign > 0])
        if stem in ("pnl.total", "pnl.unattributed", "pnl.venue", "pnl.instrument", "pnl.day"):
            return sum_of(rows, "P&L")
        if stem in ("sharpe.low", "sharpe.high", "sharpe"):
            return _sharpe(stem, rows)
        if stem in ("delay.clock_suspect",):
            return sum(row[at] is not None and row[at] < 0 for row in rows for at in ("to match", "to know"))
        if stem in ("delay.decision_to_match", "delay.match_to_known"):
            column = "to match" if "decision" in stem else "to know"
            return _rank([row[column] for row in rows if row[column] is not None and row[column] >= 0], name)
        if stem == "latency":
            column = name.split(".")[1].replace("_", " ")
            return _rank([row[column] for row in rows if row[column] is not None], name)
        if stem == "nav.start":
            return next((row["NAV"] for row in rows if row["what"] == "start"), None)
        if stem in ("drawdown.max", "drawdown.max_amount"):
            return _drawdown(stem, rows)
        if stem == "unhedged.time_max":
            return _longest(rows)
        if stem == "assets.unpriced":
            return len({row["what"] for row in rows if row["mark"] == "n/a"})
    raise AssertionError(f"no plain fold is written for {name}")


def sum_of(rows: list[Cells], column: str) -> Decimal | int:
    """The exact sum of a column."""
    return exact_sum([row[column] for row in rows if row[column] is not None])


def exact_sum(cells: list[Any]) -> Decimal | int:
    whole = sum((Fraction(cell) for cell in cells), Fraction(0))
    return DIGITS.divide(Decimal(whole.numerator), Decimal(whole.denominator))


def as_written(number: Decimal | int) -> Decimal:
    """As figures are written: 18 digits."""
    return EIGHTEEN.plus(Decimal(number))


def _ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    return EIGHTEEN.divide(Decimal(part), Decimal(whole)) if whole else None


def _rank(values: list[int], name: str) -> int | None:
    permille = {"p50": 500, "p99": 990, "p999": 999}[name.rsplit(".", 1)[1]]
    return sorted(values)[math.ceil(Fraction(len(values) * permille, 1000)) - 1] if values else None


def _wilson(stem: str, rows: list[Cells]) -> Decimal | None:
    """The roots of (r - w/n)^2 = z^2 r (1 - r) / n."""
    won, n = Decimal(sum_of(rows, "won")), Decimal(sum_of(rows, "closed"))
    if not n:
        return None
    z2 = Z95 * Z95
    root = DIGITS.sqrt((n * (2 * won + z2)) ** 2 - 4 * n * (n + z2) * won * won)
    end = root if stem.endswith("high") else -root
    return DIGITS.divide(n * (2 * won + z2) + end, 2 * n * (n + z2))


def _drawdown(stem: str, rows: list[Cells]) -> Decimal | int | None:
    at = {row["what"]: row for row in rows}
    if not at:
        return None
    if stem.endswith("amount"):
        return exact_sum([at["peak of P&L"]["P&L"], -at["deepest below it by P&L"]["P&L"]])
    deep = at["deepest below it"]
    if deep["running peak"] <= 0:
        return 0
    return EIGHTEEN.divide(Decimal(exact_sum([deep["running peak"], -deep["NAV"]])), Decimal(deep["running peak"]))


def _longest(rows: list[Cells]) -> int | None:
    running: dict[tuple[str, str], int] = {}
    longest = 0
    for row in rows:
        key = (row["strategy"], row["pair"])
        running[key] = running.get(key, 0) + row["lasted"] if row["difference"] != "0" else 0
        longest = max(longest, running[key])
    return longest if rows else None


def _sharpe(stem: str, rows: list[Cells]) -> Decimal | None:
    """By the sums of returns and their squares; a day without a row made nothing."""
    from datetime import date, timedelta

    days = {date.fromisoformat(row["UTC day"]): row for row in rows}
    if not days:
        return None
    nav, returns = days[min(days)]["NAV at its end"], []
    for k in range(1, (max(days) - min(days)).days):
        row = days.get(min(days) + timedelta(k))
        if nav <= 0:
            return None
        returns.append(Fraction(row["P&L"]) / Fraction(nav) if row else Fraction(0))
        nav = row["NAV at its end"] if row else nav
    n, whole, squares = len(returns), sum(returns), sum(one * one for one in returns)
    spread = n * squares - whole * whole
    if n < 30 or spread == 0:
        return None
    daily = _decimal(whole) / DIGITS.sqrt(_decimal(Fraction(spread) * n / (n - 1)))
    half = Z95 * DIGITS.sqrt((1 + daily * daily / 2) / n)
    end = {"sharpe": 0, "sharpe.low": -half, "sharpe.high": half}[stem]
    return (daily + end) * DIGITS.sqrt(Decimal(365))


def _decimal(value: Fraction | int) -> Decimal:
    exact = Fraction(value)
    return DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
