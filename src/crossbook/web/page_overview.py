"""The overview: the desk at a glance."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.ledger.audit import CAUSES
from crossbook.ledger.figure import Number, plain
from crossbook.report import words
from crossbook.report.run_sections import raw, strategy_rows
from crossbook.types import Level, Scope
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.page_body import exposures, number
from crossbook.web.page_venues import feeds
from crossbook.web.series import series_of

ALERTS = 20
HEAD = ("nav", "nav.start", "nav.flows", "pnl.total", "drawdown.max", "win_rate", "sharpe", "fill_rate.quantity")
TRADING = ("round_trips", "orders", "fills", "intents", "denials", "denial_rate", "error_rate", "breaks")
RISK = (
    "exposure.gross",
    "exposure.net",
    "unhedged.time_max",
    "delay.decision_to_match.p50",
    "latency.tick_to_wire.p50",
)


class StrategyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy in the overview; each number's figure is named in `figures` by the field it stands in."""

    name: str
    level: str
    own_level: str
    pnl: Number | None
    pnl_text: str
    win_rate: Number | None
    win_rate_text: str
    interval_text: str
    round_trips: int
    note: str
    sharpe_text: str
    sharpe_why: str
    trades: int
    orders: int
    denials: int
    capital: Number | None
    capital_text: str
    figures: dict[str, str]


def body(moment: Moment) -> dict[str, Any]:
    """Its body."""
    watch, known = moment.watch, moment.known
    return page_body(
        moment, "overview", "Overview",
        [
            ("The desk", HEAD),
            ("P&L by cause", [f"pnl.cause.{cause}" for cause in CAUSES]),
            ("P&L by row", [name for name in known if name.startswith("pnl.total.")]),
            ("Trading", TRADING),
            ("Risk", RISK),
            ("Exposure", [name for name in known if name.startswith("exposure.venue.")]),
        ],
        ["t-positions", "t-nav", "t-venues"],
        level=Level(moment.ledger.levels.get((Scope.DESK, 0), Level.ACTIVE)).name,
        equity=series_of(moment, "equity", 600),
        drawdown=series_of(moment, "drawdown", 600),
        exposures=exposures(moment),
        strategies=strategies(moment),
        others=[
            {"name": row["name"], "pnl_text": row["pnl"], "figure": f"pnl.total.{row['name']}"}
            for row in strategy_rows(moment.context)[len(moment.strategies) :]
        ],
        alerts=list(reversed(watch.alerts_to(moment.seq)[-ALERTS:])),
        alerts_in_all=len(watch.alerts_to(moment.seq)),
        feeds=feeds(moment),
        process=watch.process,
        unknown_orders=len(watch.unknown),
        restarts=watch.restarts,
    )  # fmt: skip


def strategies(moment: Moment) -> list[StrategyRow]:
    """A row for each strategy, whether it traded or not; shown P&L sum to the shown total."""
    known, ledger = moment.known, moment.ledger
    told = strategy_rows(moment.context)
    rows = []
    for index, name in enumerate(moment.strategies):
        row, closed = told[index], known[f"round_trips.{name}"].n
        capital = capital_of(moment, name)
        rows.append(
            StrategyRow(
                name=name, level=ledger.level_of(index).name,
                own_level=Level(ledger.levels.get((Scope.STRATEGY, index), Level.ACTIVE)).name,
                pnl=plain(known[f"pnl.total.{name}"].value),
                pnl_text=row["pnl"] if raw(moment.context, f"pnl.total.{name}") is not None else words.NA,
                win_rate=plain(known[f"win_rate.{name}"].value), win_rate_text=row["won"],
                interval_text=row["interval"], round_trips=closed,
                note=f"{closed} trade{'' if closed == 1 else 's'}: no conclusion" if closed < 30 else "",
                sharpe_text=words.NA, sharpe_why="NAV is the desk's: its Sharpe ratio stands in the overview",
                trades=known[f"fills.{name}"].n, orders=known[f"orders.{name}"].n,
                denials=known[f"denials.{name}"].n, capital=None if capital is None else number(capital),
                capital_text=words.amount(capital),
                figures={
                    "pnl": f"pnl.total.{name}", "win_rate": f"win_rate.{name}", "round_trips": f"round_trips.{name}",
                    "trades": f"fills.{name}", "orders": f"orders.{name}", "denials": f"denials.{name}",
                },
            )
        )  # fmt: skip
    return rows


def capital_of(moment: Moment, strategy: str) -> int | None:
    """What the run's configuration gave a strategy over all venues, at 1e-18; None where it is not told."""
    allocation = moment.facts.get("allocation")
    if not isinstance(allocation, list):
        return None
    given = [one.get("usd") for one in allocation if isinstance(one, dict) and one.get("strategy") == strategy]
    known = [round(float(one) * 10**6) * 10**12 for one in given if isinstance(one, int | float)]
    return sum(known) if known else None
