"""A figure as the page shows it: its text, its rows, its check, what it is a part of, and what must be read with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from urllib.parse import quote

from crossbook.ledger.audit import CAUSES
from crossbook.ledger.figure import Figure, plain
from crossbook.ledger.metrics import SHARPE_DAYS_MIN
from crossbook.report import words
from crossbook.web.answers import Check, Parts, Tile
from crossbook.web.behind import behind

TRIPS_FEW = 30
"""Below so many round trips a rate of them allows no conclusion."""
RATES = ("win_rate", "fill_rate", "denial_rate", "error_rate", "drawdown.max")
REASON = re.compile(r"denials\.reason\.[^.]+")
COMPONENTS = ("realised", "unrealised", "fees", "funding")
TITLES = {
    "nav": "Net asset value", "nav.start": "NAV at the start", "nav.flows": "Money in and out", "pnl.total": "P&L",
    "pnl.realised": "Realised", "pnl.unrealised": "Unrealised", "pnl.fees": "Fees of strategies",
    "pnl.funding": "Funding of strategies", "pnl.unattributed": "Unattributed", "pnl.cause": "P&L by cause",
    "win_rate": "Win rate", "win_rate.low": "Win rate, lower end", "win_rate.high": "Win rate, upper end",
    "sharpe": "Sharpe ratio", "sharpe.low": "Sharpe ratio, lower end", "sharpe.high": "Sharpe ratio, upper end",
    "drawdown.max": "Max drawdown", "drawdown.max_amount": "Max drawdown of P&L", "exposure.gross": "Gross exposure",
    "exposure.net": "Net exposure", "exposure.venue": "Exposure", "fees.paid": "Fees paid", "fees.rebate": "Rebates",
    "fill_rate.quantity": "Fill rate by quantity", "fill_rate.orders": "Fill rate by orders",
    "round_trips": "Round trips", "round_trips.open": "Round trips open", "wins": "Won", "losses": "Lost",
    "orders": "Orders", "fills": "Fills", "intents": "Intents", "denials": "Denials", "denial_rate": "Denial rate",
    "error_rate": "Error rate", "denials.reason": "Denied", "breaks": "Breaks", "postings": "Postings",
    "events.duplicate": "Repeated events", "assets.unpriced": "Assets without a price",
    "delay.clock_suspect": "Backward stamps", "unhedged.time_max": "Longest unhedged",
    "unhedged.quantity_time": "Unhedged", "delay.decision_to_match": "Decision to match",
    "delay.match_to_known": "Match to known", "latency": "Latency", "pnl.venue": "P&L at", "pnl.day": "P&L of",
    "pnl.instrument": "P&L of",
}  # fmt: skip


def tiles_of(known: dict[str, Figure], strategies: Sequence[str], seq: int, stale: Collection[str] = ()) -> list[Tile]:
    """Every figure as a tile, in the order in which they are stated. `stale`: those whose second route is behind."""
    children, parents = _family(tuple(known), tuple(strategies))
    return [
        tile_of(name, figure, strategies, seq, name not in stale, parents.get(name), children.get(name, []))
        for name, figure in known.items()
    ]


def tile_of(
    name: str,
    figure: Figure,
    strategies: Sequence[str],
    seq: int,
    checked: bool = True,
    parent: str | None = None,
    children: Sequence[Parts] = (),
) -> Tile:
    """One figure as a tile."""
    return Tile(
        name=name,
        title=title(name),
        value=plain(figure.value),
        text=text(name, figure),
        unit=figure.unit,
        n=figure.n,
        window=figure.window,
        as_of_seq=seq,
        definition=figure.definition,
        rows_url=rows_url(name, strategies, seq),
        check=check(figure, checked),
        parent=parent,
        children=list(children),
        note=note(name, figure),
    )


@cache
def title(name: str) -> str:
    """A figure's name for people."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        known = TITLES.get(".".join(parts[:count]))
        if known is not None:
            rest = " ".join(parts[count:]).replace("_", " ")
            return f"{known} {rest}".strip()
    return name.replace("_", " ").replace(".", " ")


def text(name: str, figure: Figure) -> str:
    """The value as the report's headlines print it: rates as per cent, P&L with its sign."""
    if figure.value is not None and name.startswith(RATES) and figure.unit == "ratio":
        return words.percent(figure.value, 2 if name.startswith("drawdown") else 1)
    told = words.figure_text(figure)
    return f"+{told}" if name.startswith("pnl.") and figure.value is not None and figure.value > 0 else told


def rows_url(name: str, strategies: Sequence[str], seq: int) -> str:
    """The rows of a figure at a sequence."""
    return f"{_rows_of(name, tuple(strategies))}&as_of={seq}"


@cache
def _rows_of(name: str, strategies: tuple[str, ...]) -> str:
    return f"/api/rows/{behind(name, strategies).table}?figure={quote(name, safe='')}"


def check(figure: Figure, checked: bool = True) -> Check:
    """What the second route says."""
    if figure.value is not None and not checked:
        return Check(state="stale", residual=plain(figure.residual), text="the second route is behind; it follows")
    if figure.residual is None:
        why = "n/a: there is nothing to check" if figure.value is None else "one route only"
        return Check(state="single", text=why)
    if figure.residual == 0:
        return Check(state="agree", residual=0, text="two routes agree: residual 0")
    told = words.exact(figure.residual)
    return Check(state="differ", residual=plain(figure.residual), text=f"two routes differ by {told}")


def note(name: str, figure: Figure) -> str:
    """What a small n forbids to conclude, and why there is no value."""
    if name.startswith("win_rate") and figure.n < TRIPS_FEW:
        return f"{figure.n} trade{'' if figure.n == 1 else 's'}: no conclusion"
    if name.startswith("sharpe") and figure.value is None:
        few = figure.n < SHARPE_DAYS_MIN
        return f"{figure.n} whole days of {SHARPE_DAYS_MIN}" if few else "returns do not vary, or NAV was not above 0"
    if figure.value is not None:
        return ""
    if figure.unit == "ns":
        return "no samples"
    if figure.unit == "ratio":
        return "n/a: nothing to divide by"
    return "n/a until every mark that is needed was seen"


@lru_cache(maxsize=64)
def _family(known: tuple[str, ...], strategies: tuple[str, ...]) -> tuple[dict[str, list[Parts]], dict[str, str]]:
    """For each figure the figures that sum to it, and for each of those what it is a part of."""
    children = _children(dict.fromkeys(known), strategies)
    return children, {name: parent for parent, parts in children.items() for part in parts for name in part.names}


def _children(known: dict[str, None], strategies: Sequence[str]) -> dict[str, list[Parts]]:
    """For each figure the sets of figures that sum to it."""
    rows = [*strategies, "inventory", "unattributed"]
    found: dict[str, list[Parts]] = {
        "nav": [Parts(by="where it comes from", names=["nav.start", "nav.flows", "pnl.total"])],
        "pnl.total": [
            Parts(by="strategy", names=[f"pnl.total.{name}" for name in rows]),
            Parts(by="cause", names=[f"pnl.cause.{cause}" for cause in CAUSES]),
            Parts(by="component", names=[*(f"pnl.{name}" for name in COMPONENTS), "pnl.unattributed"]),
            Parts(by="venue", names=[name for name in known if name.startswith("pnl.venue.")]),
            Parts(
                by="instrument",
                names=[*(name for name in known if name.startswith("pnl.instrument.")), "pnl.total.inventory"],
            ),
            Parts(by="day", names=[name for name in known if name.startswith("pnl.day.")]),
        ],
        "exposure.gross": [Parts(by="venue", names=[name for name in known if name.startswith("exposure.venue.")])],
        "denials": [Parts(by="reason", names=[name for name in known if REASON.fullmatch(name)])],
    }  # fmt: skip
    for cause in CAUSES:
        names = [f"pnl.cause.{cause}.{name}" for name in (*strategies, "unattributed")]
        found[f"pnl.cause.{cause}"] = [
            Parts(by="strategy", names=names + ["pnl.cause.mark.inventory"] * (cause == "mark"))
        ]
    for component in COMPONENTS:
        names = [f"pnl.{component}.{name}" for name in strategies]
        found[f"pnl.{component}"] = [
            Parts(by="strategy", names=names + ["pnl.unrealised.inventory"] * (component == "unrealised"))
        ]
    for counted in ("round_trips", "round_trips.open", "wins", "losses", "orders", "intents"):
        found[counted] = [Parts(by="strategy", names=[f"{counted}.{name}" for name in strategies])]
    return {
        parent: kept
        for parent, parts in found.items()
        if parent in known
        and (kept := [one for one in parts if one.names and all(name in known for name in one.names)])
    }
