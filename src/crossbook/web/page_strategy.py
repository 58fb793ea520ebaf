"""A strategy: its life, its parameters, its money, and why it did not trade."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from crossbook.commands import Reason
from crossbook.desk.survival import load_survival
from crossbook.errors import Refused
from crossbook.ledger.audit import CAUSES
from crossbook.report import words
from crossbook.report.capture import captures
from crossbook.report.levels import fall_rows
from crossbook.report.run_sections import denial_rows, fill_rows
from crossbook.types import Level, Scope
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.page_body import number
from crossbook.web.page_overview import strategies
from crossbook.web.page_waiting import TWIN
from crossbook.web.refusals import Missing
from crossbook.web.row_answers import small
from crossbook.web.tiles import COMPONENTS

CONTROLS = {
    "order too large": "C01", "order too small": "C02", "position too large": "C03", "gross too large": "C04",
    "delta too large": "C05", "delta soft": "C05", "leverage too high": "C06", "collateral too low": "C07",
    "liquidation too near": "C08", "price outside collar": "C09", "price off other venue": "C09",
    "edge too good": "C10",
    "edge too small": "C10", "quote too old": "C11", "quote skew": "C11", "book untradeable": "C11",
    "clock drift": "C12",
    "order rate": "C13", "arbs too many": "C14", "duplicate intent": "C15", "too many rejects": "C16",
    "order unknown": "C17", "open orders": "C18", "pair ratio": "C19", "filter price": "C20", "filter lot": "C20",
    "self match": "C21", "rate budget": "C22", "not reducing": "C23", "turnover": "C24", "funding against us": "C25",
    "funding too near": "C25", "journal behind": "C28", "loop behind": "C29", "strategy paused": "C40",
}  # fmt: skip


def body(moment: Moment, name: str, folder: Path) -> dict[str, Any]:
    """Its body. Raises `Missing` for a strategy that the run does not have."""
    if name not in moment.strategies:
        raise Missing(f"there is no strategy {name!r}; this run has {', '.join(moment.strategies)}")
    index = moment.strategies.index(name)

    tables = ("t-pnl", "t-trips", "t-intents", "t-orders", "t-fills", "t-denials", "t-unhedged", "t-funding")
    config = moment.config.get("strategies", {}).get(name, {})
    return page_body(
        moment, "strategy", name,
        [
            ("P&L", [f"pnl.total.{name}", *(f"pnl.{part}.{name}" for part in COMPONENTS)]),
            ("P&L by cause", [f"pnl.cause.{cause}.{name}" for cause in CAUSES]),
            ("Round trips", [f"{part}.{name}" for part in ("round_trips", "wins", "losses", "win_rate", "win_rate.low",
                                                           "win_rate.high", "round_trips.open")]),
            ("Orders", [f"{part}.{name}" for part in ("orders", "fills", "fill_rate.quantity", "fill_rate.orders",
                                                      "error_rate", "intents", "denials", "denial_rate")]),
            ("Denials by reason", [one for one in moment.known
                                   if one.startswith("denials.reason.") and one.endswith(f".{name}")]),
        ],
        [small(moment, table, {"strategy": name}) for table in tables],
        strategy=strategies(moment)[index],
        life=life(moment, index),
        parameters={key: config[key] for key in sorted(config)},
        build=build(moment),
        edge=edge(moment, index),
        orders=next((row for row in fill_rows(moment.context) if row["name"] == name), None),
        denials=[
            {"reason": row["reason"], "control": CONTROLS.get(row["reason"], ""), "count": row["each"][name],
             "figure": f"{row['figure']}.{name}"}
            for row in denial_rows(moment.context)
            if name in row["each"]
        ],
        pnl=equity(moment, index),
        survival=survival(moment, name, folder),
        twin={"missing": TWIN},
    )  # fmt: skip


def life(moment: Moment, index: int) -> list[dict[str, Any]]:
    """Changes of its level and of the desk's, with the entries that they stand on; it began as ACTIVE."""
    rows = fall_rows(moment.context)
    return [
        row
        for row, one in zip(rows, moment.rows.falls, strict=True)
        if (one.row.count_, one.row.order) in ((Scope.STRATEGY, index), (Scope.DESK, 0))
    ]


def build(moment: Moment) -> dict[str, Any]:
    """What of the build and configuration its run tells."""
    facts = moment.facts
    told = {key: facts[key] for key in ("version", "config", "tape", "tape_hash", "environment") if key in facts}
    return told | {"level": Level.ACTIVE.name, "config_text": moment.rows.declaration.config}


def edge(moment: Moment, index: int) -> dict[str, Any]:
    """Expected and captured edge of its entries, as a waterfall; values exact and as shown."""
    caught = [one for one in captures(moment.rows) if one.wish.strategy == index]
    entries = sum(one.reason == Reason.ENTRY and one.strategy == index for one in moment.rows.wishes.values())
    expected, captured = sum(one.expected for one in caught), sum(one.captured for one in caught)
    fills = [fill for one in caught for fill in one.wish.fills]
    latency, slippage = sum(one.latency for one in fills), sum(one.slippage for one in fills)
    steps = [("expected", expected), ("latency", latency), ("slippage", slippage)]
    steps.append(("other", captured - expected - latency - slippage))
    return {
        "n": len(caught), "entries": entries, "expected": number(expected), "captured": number(captured),
        "expected_text": words.signed(expected, 4), "captured_text": words.signed(captured, 4),
        "share_text": words.percent(value_share(captured, expected)),
        "note": f"{len(caught)} trades: no conclusion" if len(caught) < 30 else "",
        "steps": [{"name": what, "value": number(value), "text": words.signed(value, 4)} for what, value in steps],
    }  # fmt: skip


def value_share(part: int, whole: int) -> Any:
    """A part of what is above 0."""
    return Fraction(part, whole) if whole > 0 else None


def equity(moment: Moment, index: int) -> list[list[Any]]:
    """What its closed round trips brought, added up: (ns, exact, text)."""
    total, points = 0, []
    for trip in moment.rows.trips:
        if trip.strategy == index and trip.net is not None:
            total += trip.net
            points.append([trip.closed, number(total), words.signed(total)])
    step = -(-len(points) // 1_000) or 1
    return points[::-1][::step][::-1]


def survival(moment: Moment, name: str, folder: Path) -> dict[str, Any]:
    """The table of how long edges live that it was given, if it was given one."""
    config = moment.config.get("strategies", {}).get(name, {})
    rows: Any = moment.config.get("survival_tables", {}).get(name)
    if not rows and config.get("survival"):
        try:
            rows = msgspec.to_builtins(load_survival(folder / Path(str(config["survival"])).name))
        except (Refused, OSError) as error:
            return {"missing": f"the survival table cannot be read: {error}"}
    if not rows:
        return {"missing": "this strategy has no survival table; `crossbook survival TAPE` makes one for v2"}
    return {"rows": rows.get("row", []), "source": rows.get("source", {})}
