"""What a person sees of a run in a terminal: its tables, live (`live_view`) and in the summary at its end.

Both show the same figures from the same fold; nothing is computed here.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossbook.ledger.figure import display_parts
from crossbook.risk.limits import NOT_WIRED
from crossbook.timestamp import NS_PER_MS, iso

CAUSES = ("edge", "latency", "slippage", "fees", "funding", "mark", "rounding")
LEVEL_STYLE = {"ACTIVE": "bold green", "CLOSE_ONLY": "bold yellow", "KILLED": "bold red"}
TRANSITIONS = 8
WIDE = 106
"""Columns from which three tables fit beside each other."""


def screen() -> Console:
    """Standard output; where it is no terminal, a width at which nothing is cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=124, highlight=False)


def money(value: Any) -> Text:
    """An amount in the reporting asset, coloured by its sign; n/a where there is none."""
    if value is None:
        return Text("n/a", style="dim")
    style = "green" if value > 0 else "red" if value < 0 else ""
    return Text(f"{value:+,.2f}", style=style)


def percent(value: Any, n: int | None = None) -> str:
    """A ratio as per cent with its count; n/a where there is none."""
    if value is None:
        return "n/a"
    return f"{100 * Decimal(value):.1f}%" + (f" of {n}" if n is not None else "")


def drawdown(known: dict[str, Any]) -> str:
    """The deepest fall of NAV, as an amount and with digits enough that a loss never reads as 0."""
    share, amount = _value(known, "drawdown.max"), _value(known, "drawdown.max_amount")
    return "n/a" if share is None else f"{amount or 0:,.2f} USDT, {100 * Decimal(share):.3f}%"


MONEY = {
    "": "simulated venues, no real money",
    "local": "venues served on this machine, no real money",
    "testnet": "test networks, no real money",
    "mainnet": "REAL MONEY",
}


def pill(mode: str, physics: bool, controls_off: list[str], environment: str = "") -> Text:
    """Which kind of run this is, in a way that cannot be overlooked."""
    text = Text()
    text.append(f" {mode.upper()} ", style="bold white on blue")
    orders_at = environment if mode == "live" else ""
    text.append(f" {MONEY[orders_at]}", style="bold red" if orders_at == "mainnet" else "dim")
    if physics:
        text.append("  PHYSICS: exercises the machine, says nothing about money ", style="bold black on yellow")
    switched = [name for name in controls_off if name not in NOT_WIRED]
    if switched:
        text.append(f"  controls off: {', '.join(switched)}", style="yellow")
    idle = [name for name in controls_off if name in NOT_WIRED]
    if idle:
        text.append(f"\nnothing to speak on here: {', '.join(idle)}", style="dim")
    return text


def strategies_table(rows: dict[str, dict[str, Any]], known: dict[str, Any]) -> Table:
    """A row per strategy, what no strategy caused, and their total: the rows sum to it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("strategy", "level", "P&L", "round trips", "won", "orders", "fills", "filled"):
        table.add_column(name, justify="left" if name in ("strategy", "level") else "right", no_wrap=True)
    shown = [*rows, "inventory", "unattributed"]
    values = [Decimal(str(_value(known, f"pnl.total.{name}") or 0)) for name in shown]
    parts = dict(zip(shown, display_parts(list(values), 2), strict=True))
    for name, row in rows.items():
        table.add_row(
            Text(name, style="bold"),
            Text(row["level"], style=LEVEL_STYLE[row["level"]]),
            money(parts[name]),
            str(row["round_trips"]),
            percent(_value(known, f"win_rate.{name}"), row["round_trips"]),
            str(row["orders"]),
            str(row["fills"]),
            percent(row["fill_rate"]),
        )
    for name in ("inventory", "unattributed"):
        table.add_row(Text(name, style="dim"), "", money(parts[name]), "", "", "", "", "")
    total = _value(known, "pnl.total")
    table.add_row(
        Text("total", style="bold"), "", money(None if total is None else sum(parts.values())), "", "", "", "", ""
    )
    return table


def causes_table(known: dict[str, Any]) -> Table:
    """P&L by cause; the parts sum to the total."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("P&L by cause", no_wrap=True)
    table.add_column("USDT", justify="right", no_wrap=True)
    values = [Decimal(str(_value(known, f"pnl.cause.{cause}") or 0)) for cause in CAUSES]
    for cause, value in zip(CAUSES, display_parts(list(values), 2), strict=True):
        table.add_row(cause, money(value))
    return table


def figures_table(known: dict[str, Any]) -> Table:
    """The headline figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    nav = _value(known, "nav")
    table.add_row("NAV", "n/a" if nav is None else f"{nav:,.2f} USDT")
    table.add_row("max drawdown", drawdown(known))
    gross, net = _value(known, "exposure.gross"), _value(known, "exposure.net")
    table.add_row("exposure gross / net", f"{gross or 0:,.0f} / {net or 0:+,.0f} USDT")
    for name in sorted(name for name in known if name.startswith("unhedged.quantity_time.")):
        table.add_row(f"unhedged {name.rsplit('.', 1)[1]}", f"{_value(known, name) or 0:.4f} x s")
    table.add_row("decision to match p50 / p99", _span(known, "delay.decision_to_match", "p50", "p99"))
    table.add_row("frame to journal p50 / p99.9", _span(known, "latency.tick_to_wire", "p50", "p999"))
    return table


def denials_table(rows: list[dict[str, Any]], known: dict[str, Any]) -> Table:
    """Why it did not trade."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"denials ({_value(known, 'denials') or 0})", no_wrap=True)
    table.add_column("count", justify="right")
    for row in rows[:5]:
        table.add_row(f"{row['strategy']} {row['reason']}", f"{row['count']:,}")
    if not rows:
        table.add_row(Text("none", style="dim"), "")
    return table


def body(
    rows: dict[str, dict[str, Any]], denials: list[dict[str, Any]], known: dict[str, Any], width: int
) -> RenderableType:
    """The figures of a run, side by side where there is room."""
    lower = Table.grid(padding=(0, 4, 0, 0))
    if width >= WIDE:
        lower.add_row(causes_table(known), figures_table(known), denials_table(denials, known))
        return Group(strategies_table(rows, known), Text(), lower)
    lower.add_row(causes_table(known), figures_table(known))
    return Group(strategies_table(rows, known), Text(), lower, Text(), denials_table(denials, known))


def print_summary(summary: dict[str, Any], folder: Path) -> None:
    """The end of a run on standard output."""
    console = screen()
    known = summary["metrics"]
    parts: list[RenderableType] = [
        pill(
            summary.get("word", summary["mode"]),
            summary["physics"],
            summary["controls_off"],
            summary.get("environment", ""),
        ),
        Text(),
        body(summary["strategies"], summary["denials"], known, console.width),
    ]
    if summary.get("edges"):
        parts += [Text(), edges_table(summary["edges"])]
    if summary.get("transitions"):
        parts += [Text(), transitions_table(summary["transitions"])]
    for words in summary["requests"]:
        what = "flatten" if words["wish"] == "flatten" else f"{words['wish']} {words['scope']} to {words['level']}"
        parts.append(Text(f"request {words['request']}, {words['who'] or 'somebody'}: {what} ({words['reason']})"))
    if summary["restarts"]:
        times = "once" if summary["restarts"] == 1 else f"{summary['restarts']} times"
        parts.append(Text(f"went on {times} after being stopped or cut off", style="dim"))
    if summary.get("allocation"):
        parts += [Text(), allocation_table(summary["allocation"])]
    if summary["not_traded"]:
        parts.append(Text(f"not traded, absent from the tape: {', '.join(summary['not_traded'])}", style="yellow"))
    console.print(Panel(Group(*parts), title=f"crossbook  {summary['run']}", title_align="left"))
    events, rate = summary.get("events"), summary.get("events_per_s")
    if events is None:
        console.print(f"{_unfinished(summary)}: figures as far as the journal is written", soft_wrap=True)
    else:
        pace = "" if rate is None else f", {rate:,} a second"  # live, the market's pace is no speed of ours
        console.print(f"{events:,} events{pace}   journal sha256 {summary['journal_sha256'][:16]}")
    if summary.get("stopped_at"):
        console.print(
            f"stopped at {iso(summary['stopped_at'])[:23]}Z of the market; it can go on: crossbook paper --resume "
            f"{summary['run']} (with --finish it ends there)",
            soft_wrap=True,
        )
    console.print(f"run folder {folder}", soft_wrap=True)
    console.print(f"prove it again: crossbook prove {summary['run']}", soft_wrap=True)


def _unfinished(summary: dict[str, Any]) -> str:
    """Why a run has no summary of its own."""
    if summary.get("alive"):
        return "running now"
    if summary.get("word") == "paper" and not summary.get("environment"):
        return f"cut off, crossbook paper --resume {summary['run']} goes on with it"
    if summary.get("word") == "live":
        return f"cut off, crossbook live --resume {summary['run']} goes on with it"
    return "still running, or ended without its summary"


def save_picture(picture: RenderableType, path: Path) -> None:
    """Write what was drawn as an SVG that asks for nothing from elsewhere."""
    with open(os.devnull, "w") as nowhere:
        console = Console(width=WIDE + 12, record=True, file=nowhere, force_terminal=True, highlight=False)
        console.print(picture)
        form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        path.write_text(console.export_svg(title="crossbook demo", code_format=form, unique_id="crossbook"))


def transitions_table(rows: list[dict[str, Any]]) -> Table:
    """How levels changed, why, and which entries of the journal that stands on."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("level of", "to", "because", "stands on"):
        table.add_column(name, no_wrap=name in ("level of", "to"))
    for row in rows[-TRANSITIONS:]:
        parts = (row["reason"].lower().replace("_", " "), row["numbers"], row["said"])
        entries = ", ".join(f"{entry}" for entry in row["entries"][:3])
        entries += ", ..." if len(row["entries"]) > 3 else ""
        table.add_row(
            row["scope"],
            Text(row["new"], style=LEVEL_STYLE[row["new"]]),
            f"{iso(row['ts'])[11:19]}  {', '.join(part for part in parts if part)}",
            Text(f"{row['stands_on']}: {entries}", style="" if row["sound"] else "bold red"),
        )
    if len(rows) > TRANSITIONS:
        table.add_row(Text(f"the last {TRANSITIONS} of {len(rows)}", style="dim"), "", "", "")
    return table


def allocation_table(rows: list[dict[str, Any]]) -> Table:
    """What each strategy may hold where, and why."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("capital of", "at"):
        table.add_column(name, no_wrap=True)
    table.add_column("USD", justify="right", no_wrap=True)
    table.add_column("why")
    for row in rows:
        table.add_row(row["strategy"], row["venue"], f"{row['usd']:,.0f}", row["reason"])
    return table


def edges_table(edges: list[dict[str, Any]]) -> Table:
    """The best edge that was ever there, against what it would have cost."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("buy", "sell"):
        table.add_column(name, no_wrap=True)
    for name in ("best edge", "entry fees", "both ways", "seen", "above entry fees"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in edges:
        best = row["best_edge_bps"]
        table.add_row(
            row["buy"],
            row["sell"],
            "n/a" if best is None else f"{best:.2f} bp",
            f"{row['entry_fees_bps']:.1f} bp",
            f"{2 * row['entry_fees_bps']:.1f} bp",
            f"{row['moments']:,}",
            f"{row['moments_above_entry_fees']:,}",
        )
    return table


def _value(known: dict[str, Any], name: str) -> Any:
    figure = known.get(name)
    if figure is None:
        return None
    return figure["value"] if isinstance(figure, dict) else figure.value


def _span(known: dict[str, Any], name: str, low: str, high: str) -> str:
    first, second = _value(known, f"{name}.{low}"), _value(known, f"{name}.{high}")
    if first is None:
        return "n/a"
    if second is not None and second < NS_PER_MS:
        return f"{first / 1000:.1f} / {second / 1000:.1f} us"
    return f"{first / NS_PER_MS:.1f} / {(second or 0) / NS_PER_MS:.1f} ms"
