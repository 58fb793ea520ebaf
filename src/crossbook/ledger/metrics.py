"""Every figure that anyone quotes, each a named fold over the ledger, with the difference between two routes to it.

The first route reads the running totals of the ledger, the second (`audit`) the raw postings. `figures` is the only
function that states figures: page, report, command line and promotion gates take them from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from crossbook.ledger import figures_money, figures_trading
from crossbook.ledger.facts import Facts
from crossbook.ledger.figure import Figure
from crossbook.ledger.hops import STRETCHES, durations
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.ranks import Ranks
from crossbook.ledger.statement import Statement

DAYS_PER_YEAR = 365
"""This market never closes."""
SHARPE_DAYS_MIN = 30
Z95 = 1.959963984540054
DIGITS = 12

GROUPS = (
    figures_money.value,
    figures_money.rows,
    figures_money.causes,
    figures_money.parts,
    figures_money.trips,
    figures_money.drawdown,
    figures_money.exposure,
    figures_trading.orders,
    figures_trading.denials,
    figures_trading.unhedged,
    figures_trading.delays,
)


def figures(ledger: Ledger, latency: bytes | None = None) -> dict[str, Figure]:
    """Every figure of a run by its flat name. `latency`: the bytes of `latency.bin`, None if there is none."""
    stretches = {name: Ranks(values) for name, values in durations(latency or b"").items()}
    return figures_now(Facts.of(ledger), stretches)


def figures_now(facts: Facts, stretches: dict[str, Ranks]) -> dict[str, Figure]:
    """The same from what is kept up: `facts` that have advanced to the ledger's present, and samples by stretch."""
    book = Statement(facts.ledger, facts)
    for group in GROUPS:
        group(book)
    _win_rate_interval(book)
    _sharpe(book)
    for name in STRETCHES:
        book.quantiles(f"latency.{name}", stretches[name], ("p50", "p99", "p999"))
    return book.figures


def sharpe(returns: Sequence[float]) -> tuple[float, float, float] | None:
    """Annualised Sharpe ratio of daily returns (ddof 1, risk-free 0) and its 95 % interval (Lo 2002, independent
    returns). None below `SHARPE_DAYS_MIN` days or where the returns do not vary."""
    n = len(returns)
    if n < SHARPE_DAYS_MIN or max(returns) == min(returns):
        return None
    mean = math.fsum(returns) / n
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in returns) / (n - 1))
    daily = mean / deviation
    half = Z95 * math.sqrt((1 + daily * daily / 2) / n)
    year = math.sqrt(DAYS_PER_YEAR)
    return daily * year, (daily - half) * year, (daily + half) * year


def wilson(wins: int, n: int) -> tuple[float, float] | None:
    """The 95 % interval of a rate of `wins` out of `n` (Wilson's score interval); None of nothing."""
    if n == 0:
        return None
    rate, z2 = wins / n, Z95 * Z95 / n
    middle, half = rate + z2 / 2, Z95 * math.sqrt((rate * (1 - rate) + z2 / 4) / n)
    low = (middle - half) / (1 + z2) if wins else 0.0  # where it is exactly 0 or 1, rounding must not leave a speck
    high = (middle + half) / (1 + z2) if wins < n else 1.0
    return low, high


def _win_rate_interval(book: Statement) -> None:
    for suffix, _ in book.per_strategy():
        n = int(book.figures[f"round_trips{suffix}"].value or 0)
        found = wilson(int(book.figures[f"wins{suffix}"].value or 0), n)
        for place, end in enumerate(("low", "high")):
            value = None if found is None else Decimal(f"{found[place]:.{DIGITS}g}")
            book.put(f"win_rate.{end}{suffix}", value, "ratio", n)


def _sharpe(book: Statement) -> None:
    days = book.path.full_days() if book.path else []
    returns = [pnl / nav for pnl, nav in days if nav > 0]
    found = sharpe(returns) if len(returns) == len(days) else None
    for place, name in enumerate(("sharpe", "sharpe.low", "sharpe.high")):
        value = None if found is None else Decimal(f"{found[place]:.{DIGITS}g}")
        book.put(name, value, "ratio", len(days))
