"""A run on the screen while it goes: the figures of the summary, redrawn a few times a second."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from crossbook.commands import OutKind, Reason
from crossbook.desk.latency import LatencySink
from crossbook.desk.operator import LISTEN_EVERY_S
from crossbook.desk.summary import denial_rows, strategy_rows
from crossbook.desk.view import body, pill
from crossbook.desk.wire import Bundle
from crossbook.ledger.entries import OUT_TAG, TEXT_TAG, decode_out, decode_text, kind_of
from crossbook.ledger.figure import for_json
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.report.words import gate_number, reason_text
from crossbook.timestamp import NS_PER_S, iso

REDRAW_S = 0.25
DRAWING_SHARE = 10
"""A long run's figures take long to fold: no more than one part in so many of the time goes into drawing."""
RECENT = 6
HOW_IT_ENDS = "Ctrl-C ends the run cleanly"
HOW_IT_STOPS = "Ctrl-C stops it, --resume goes on"


class LiveView:
    """Draws a run from its journal's entries. `word`: what kind of run; `speed`: market seconds a second."""

    def __init__(
        self, bundle: Bundle, run: str, word: str, speed: float, console: Console, ends: str = HOW_IT_ENDS
    ) -> None:
        self._bundle = bundle
        self._run = run
        self._word = word
        self._speed = speed
        self._console = console
        self._ends = ends
        self._ledger = Ledger(bundle.declaration)
        self._recent: deque[Text] = deque(maxlen=RECENT)
        self._first = bundle.tape.manifest.first_ns
        self._last = bundle.tape.manifest.last_ns
        self._due = 0.0
        self._live: Live | None = None
        self.latency: LatencySink | None = None
        """Where the run's stamps go, once they are taken."""
        self.last: RenderableType = Text()
        """What was drawn last."""

    @contextmanager
    def showing(self) -> Iterator[None]:
        """While inside, the view is on the screen; what else is printed there scrolls above it."""
        aside = not sys.stderr.isatty()
        with Live(console=self._console, auto_refresh=False, transient=True, redirect_stderr=not aside) as live:
            self._live = live
            yield
        self._live = None

    def watch(self, payload: bytes) -> None:
        """Take a journal entry."""
        self._ledger.apply(payload)
        if payload[0] == OUT_TAG:
            self._note(payload)
        elif payload[0] == TEXT_TAG and "request" in (words := decode_text(payload)):
            what = "flatten" if words["wish"] == "flatten" else f"{words['wish']} {words['scope']} to {words['level']}"
            self._recent.append(_line(words["ts"], words["who"] or "somebody", f"{what}: {words['reason']}", "bold"))

    def refresh(self, now: int, steps: int, doing: str = "") -> None:
        """Redraw if it is time: at the market's time `now`, after so many `steps`. `doing`: what it is busy with, if
        that is not the market."""
        clock = time.monotonic()
        if self._live is None or clock < self._due:
            return
        self.last = self._panel(now, steps, doing)
        self._live.update(self.last, refresh=True)
        drawn = time.monotonic()
        self._due = drawn + max(REDRAW_S, DRAWING_SHARE * (drawn - clock))

    def _panel(self, now: int, steps: int, doing: str) -> Panel:
        stamps = self.latency.so_far() if self.latency is not None else None
        found = figures(self._ledger, stamps)
        known = {name: for_json(figure) for name, figure in found.items()}
        declaration = self._bundle.declaration
        span = max(self._last - self._first, 1)
        where = Text(
            f"{iso(now)[:19]}Z market time   {(now - self._first) / span:4.0%}   speed {self._speed:g}x   ", style="dim"
        )
        where.append(f"{steps:,} events   {self._ends}", style="dim")
        if doing:
            where.append(f"\n{doing}", style="bold cyan")
        recent = Group(*self._recent) if self._recent else Text("no edge above the entry fees yet", style="dim")
        content = Group(
            pill(self._word, declaration.physics, declaration.controls_off),
            where,
            Text(),
            body(strategy_rows(self._ledger, found), denial_rows(self._ledger), known, self._console.width),
            Text(),
            recent,
        )
        return Panel(content, title=f"crossbook  {self._run}", title_align="left")

    def _note(self, payload: bytes) -> None:
        kind = kind_of(payload)
        if kind not in (OutKind.INTENT, OutKind.DENIAL, OutKind.TRANSITION, OutKind.ALERT):
            return
        row = decode_out(payload)
        declaration = self._bundle.declaration
        who = declaration.strategies[row.strategy] if row.strategy >= 0 else "desk"
        pair = declaration.pairs[row.pair].name if row.pair >= 0 else ""
        reason = reason_text(row.reason)
        if kind == OutKind.INTENT:
            edge = f" {row.value / max(row.limit, 1) * 10_000:+.1f} bp" if row.value else ""
            line = _line(row.ts, who, f"{reason} {pair}{edge}", "cyan")
        elif kind == OutKind.DENIAL:
            was, limit = (gate_number(row.reason, number) for number in (row.value, row.limit))
            line = _line(row.ts, who, f"denied {pair}: {reason} ({was} against {limit}), {row.count_}x", "yellow")
        elif kind == OutKind.TRANSITION:
            moved = "rises" if row.lots > row.price else "falls"
            by = f" (request {row.value})" if row.reason == Reason.OPERATOR else ""
            line = _line(row.ts, who, f"level {moved}: {reason}{by}", "bold red" if moved == "falls" else "bold green")
        else:
            line = _line(row.ts, who, f"alert: {reason}", "bold red")
        self._recent.append(line)


class Wish(Protocol):
    """Whether someone asked the run to end."""

    asked: bool


class ScreenPace:
    """Keeps a replay to its speed, drawing it and listening meanwhile. `listen` gets the market's time: a person may
    have asked for something."""

    def __init__(
        self, view: LiveView, bundle: Bundle, speed: float, stop: Wish, steps: Callable[[], int],
        listen: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._view = view
        self._first = bundle.tape.manifest.first_ns
        self._speed = speed
        self._stop = stop
        self._steps = steps
        self._listen = listen
        self._began = 0.0

    def __call__(self, now: int) -> bool:
        """Wait until the market's time has come; True to end the run."""
        clock = time.monotonic()
        if self._began == 0.0:
            self._began = clock
        due = self._began + (now - self._first) / NS_PER_S / self._speed
        while not self._stop.asked:
            self._listen(now)
            self._view.refresh(now, self._steps())
            clock = time.monotonic()
            if due <= clock:
                break
            time.sleep(min(due - clock, LISTEN_EVERY_S))
        return self._stop.asked


def _line(ts: int, who: str, what: str, style: str) -> Text:
    text = Text(f"{iso(ts)[11:23]}  ", style="dim")
    text.append(f"{who} ", style="bold")
    text.append(what, style=style)
    return text
