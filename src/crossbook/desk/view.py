"""What a person sees of a run in a terminal: live while it goes, and the summary at its end.

Both show the same figures from the same fold; nothing is computed here.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossbook.commands import OutKind, Reason
from crossbook.desk.latency import LatencySink
from crossbook.desk.operator import LISTEN_EVERY_S
from crossbook.desk.replay import Replay
from crossbook.desk.summary import denial_rows, strategy_rows
from crossbook.desk.wire import Bundle
from crossbook.ledger.entries import OUT_TAG, decode_out, kind_of
from crossbook.ledger.figure import Figure, display_parts, for_json
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.risk.limits import NOT_WIRED
from crossbook.timestamp import NS_PER_MS, NS_PER_S, iso

CAUSES = ("edge", "latency", "slippage", "fees", "funding", "mark", "rounding")
LEVEL_STYLE = {"ACTIVE": "bold green", "CLOSE_ONLY": "bold yellow", "KILLED": "bold red"}
REDRAW_S = 0.25
WIDE = 106
"""Columns from which three tables fit beside each other."""


def screen() -> Console:
    """Standard output; where it is no terminal, a width at which nothing is cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=124, highlight=False)


class Wish(Protocol):
    """Whether someone asked the run to end."""

    asked: bool


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


def pill(mode: str, physics: bool, controls_off: list[str]) -> Text:
    """Which kind of run this is, in a way that cannot be overlooked."""
    text = Text()
    text.append(f" {mode.upper()} ", style="bold white on blue")
    text.append(" simulated venues, no real money", style="dim")
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


class LiveView:
    """Draws a run while it goes and keeps it to its pace."""

    def __init__(
        self, bundle: Bundle, run: str, speed: float, console: Console, stop: Wish, latency: LatencySink | None
    ) -> None:
        self._bundle = bundle
        self._run = run
        self._speed = speed
        self._console = console
        self._stop = stop
        self._latency = latency
        self._ledger = Ledger(bundle.declaration)
        self._recent: deque[Text] = deque(maxlen=6)
        self._first = bundle.tape.manifest.first_ns
        self._last = bundle.tape.manifest.last_ns
        self._began = 0.0
        self._drawn = 0.0
        self._live: Live | None = None
        self._replay: Replay | None = None
        self.listen: Callable[[int], None] | None = None
        """Called while it waits, with the market's time: a person may have asked for something."""
        self.last: RenderableType = Text()
        """What was drawn last."""

    @contextmanager
    def showing(self, replay: Replay) -> Iterator[None]:
        """While inside, the view is on the screen."""
        self._replay = replay
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            self._live = live
            yield

    def watch(self, payload: bytes) -> None:
        """Take a journal entry."""
        self._ledger.apply(payload)
        if payload[0] == OUT_TAG:
            self._note(payload)

    def pace(self, now: int) -> bool:
        """Wait until the market's time has come, redrawing meanwhile; True to end the run."""
        clock = time.monotonic()
        if self._began == 0.0:
            self._began = clock
        due = self._began + (now - self._first) / NS_PER_S / self._speed
        while not self._stop.asked:
            if self.listen is not None:
                self.listen(now)
            clock = time.monotonic()
            if clock - self._drawn >= REDRAW_S:
                self._draw(now)
                self._drawn = time.monotonic()
            if due <= clock:
                break
            time.sleep(min(due - clock, LISTEN_EVERY_S))
        return self._stop.asked

    def _note(self, payload: bytes) -> None:
        kind = kind_of(payload)
        if kind not in (OutKind.INTENT, OutKind.DENIAL, OutKind.TRANSITION, OutKind.ALERT):
            return
        row = decode_out(payload)
        text = Text(f"{iso(row.ts)[11:23]}  ", style="dim")
        names = self._bundle.declaration.strategies
        text.append(f"{names[row.strategy] if row.strategy >= 0 else 'desk'} ", style="bold")
        reason = Reason(row.reason).name.lower().replace("_", " ")
        pair = self._bundle.declaration.pairs[row.pair].name if row.pair >= 0 else ""
        if kind == OutKind.INTENT:
            edge = f" {row.value / max(row.limit, 1) * 10_000:+.1f} bp" if row.value else ""
            text.append(f"{reason} {pair}{edge}", style="cyan")
        elif kind == OutKind.DENIAL:
            text.append(f"denied {pair}: {reason} ({row.value} against {row.limit}), {row.count_}x", style="yellow")
        else:
            text.append(f"{'level falls' if kind == OutKind.TRANSITION else 'alert'}: {reason}", style="bold red")
        self._recent.append(text)

    def _draw(self, now: int) -> None:
        if self._live is None or self._replay is None:
            return
        found: dict[str, Figure] = figures(self._ledger, self._latency.so_far() if self._latency is not None else None)
        known = {name: for_json(figure) for name, figure in found.items()}
        declaration = self._bundle.declaration
        span = max(self._last - self._first, 1)
        head = pill("demo", declaration.physics, declaration.controls_off)
        where = Text(
            f"{iso(now)[:19]}Z market time   {(now - self._first) / span:4.0%}   speed {self._speed:g}x   ", style="dim"
        )
        where.append(f"{self._replay.progress.steps:,} events   Ctrl-C ends the run cleanly", style="dim")
        recent = Group(*self._recent) if self._recent else Text("no edge above the entry fees yet", style="dim")
        content = Group(
            head,
            where,
            Text(),
            body(strategy_rows(self._ledger, found), denial_rows(self._ledger), known, self._console.width),
            Text(),
            recent,
        )
        self.last = Panel(content, title=f"crossbook  {self._run}", title_align="left")
        self._live.update(self.last, refresh=True)


def print_summary(summary: dict[str, Any], folder: Path) -> None:
    """The end of a run on standard output."""
    console = screen()
    known = summary["metrics"]
    parts: list[RenderableType] = [
        pill(summary.get("word", summary["mode"]), summary["physics"], summary["controls_off"]),
        Text(),
        body(summary["strategies"], summary["denials"], known, console.width),
    ]
    if summary.get("edges"):
        parts += [Text(), edges_table(summary["edges"])]
    for words in summary["requests"]:
        what = "flatten" if words["wish"] == "flatten" else f"{words['wish']} {words['scope']} to {words['level']}"
        parts.append(Text(f"request {words['request']}, {words['who'] or 'somebody'}: {what} ({words['reason']})"))
    if summary["restarts"]:
        parts.append(Text(f"went on {summary['restarts']} times after being cut off", style="dim"))
    if summary.get("allocation"):
        parts += [Text(), allocation_table(summary["allocation"])]
    if summary["not_traded"]:
        parts.append(Text(f"not traded, absent from the tape: {', '.join(summary['not_traded'])}", style="yellow"))
    console.print(Panel(Group(*parts), title=f"crossbook  {summary['run']}", title_align="left"))
    events, rate = summary.get("events"), summary.get("events_per_s")
    if events is None:
        console.print("still running, or ended without its summary: figures as far as the journal is written")
    else:
        console.print(f"{events:,} events, {rate or 0:,} a second   journal sha256 {summary['journal_sha256'][:16]}")
    console.print(f"run folder {folder}", soft_wrap=True)
    console.print(f"prove it again: crossbook prove {summary['run']}", soft_wrap=True)


def save_picture(picture: RenderableType, path: Path) -> None:
    """Write what was drawn as an SVG that asks for nothing from elsewhere."""
    with open(os.devnull, "w") as nowhere:
        console = Console(width=WIDE + 12, record=True, file=nowhere, force_terminal=True, highlight=False)
        console.print(picture)
        form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        path.write_text(console.export_svg(title="crossbook demo", code_format=form, unique_id="crossbook"))


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
