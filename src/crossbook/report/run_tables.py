"""The row tables of a run's report, and which of them holds the rows of a figure."""

from __future__ import annotations

from crossbook.report import levels
from crossbook.report import tables_money as money
from crossbook.report import tables_trading as trading
from crossbook.report.context import Context
from crossbook.report.table import Table

ROWS_OF = {
    "nav": "t-nav",
    "nav.start": "t-points",
    "nav.flows": "t-flows",
    "pnl": "t-pnl",
    "pnl.venue": "t-venues",
    "pnl.day": "t-days",
    "pnl.fees": "t-fills",
    "pnl.realised": "t-fills",
    "pnl.funding": "t-funding",
    "pnl.cause.edge": "t-fills",
    "pnl.cause.latency": "t-fills",
    "pnl.cause.slippage": "t-fills",
    "pnl.cause.fees": "t-fills",
    "pnl.cause.funding": "t-funding",
    "fees": "t-fills",
    "round_trips": "t-trips",
    "wins": "t-trips",
    "losses": "t-trips",
    "win_rate": "t-trips",
    "sharpe": "t-days",
    "drawdown": "t-points",
    "exposure": "t-positions",
    "fill_rate": "t-orders",
    "error_rate": "t-orders",
    "orders": "t-orders",
    "fills": "t-fills",
    "intents": "t-intents",
    "denials": "t-denials",
    "denials.reason": "t-reasons",
    "denial_rate": "t-reasons",
    "unhedged": "t-unhedged",
    "delay": "t-fills",
    "latency": "t-latency",
    "breaks": "t-odd",
    "events": "t-odd",
    "assets": "t-nav",
    "postings": "t-fills",
}


def rows_of(figure: str) -> str:
    """The table that holds a figure's rows: that of its longest known beginning."""
    parts = figure.split(".")
    for count in range(len(parts), 0, -1):
        found = ROWS_OF.get(".".join(parts[:count]))
        if found is not None:
            return found
    return "figures"


def run_tables(t: Context, stamps: bytes) -> list[Table]:
    """Every table, in the order of the page. `stamps`: the bytes of `latency.bin`."""
    return [
        money.pnl(t), money.venues(t), money.days(t), money.points(t), trading.trips(t), trading.intents(t),
        trading.orders(t), trading.fills(t), money.funding(t), trading.reasons(t), trading.denials(t),
        levels.falls(t), levels.evidence(t), trading.unhedged(t), trading.latency(t, stamps), money.nav(t),
        money.positions(t), money.flows(t), trading.odd(t),
    ]  # fmt: skip
