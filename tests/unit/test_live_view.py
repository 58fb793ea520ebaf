"""The screen of a run: the same tables in paper as in the demo, on a terminal and nowhere else."""

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import desk_process
import paper_runs
from rich.console import Console

from crossbook.desk.live_view import DRAWING_SHARE, HOW_IT_STOPS, LiveView
from crossbook.desk.view import save_picture
from crossbook.events import WISH_LEVEL
from crossbook.types import Level, Scope

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(*words: str | Path, interrupt: bytes = b"") -> tuple[int, str]:
    """Run a command on a terminal; its exit code and what stood on it. Ctrl-C when `interrupt` is there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    environment = desk_process.environment() | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "50"}
    process = subprocess.Popen(
        desk_process.command(*words),
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + 90
    try:
        while time.monotonic() < until:
            try:
                more = os.read(ours, 1 << 16)
            except OSError:  # the other side is gone
                break
            if not more:
                break
            shown += more
            if interrupt and interrupt in shown:
                process.send_signal(signal.SIGINT)
                interrupt = b""
        return process.wait(timeout=10), ESCAPES.sub(b"", shown).decode(errors="replace")
    finally:
        process.kill()
        os.close(ours)


def test_paper_shows_the_live_screen_on_a_terminal(tmp_path: Path) -> None:
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 30)
    words = ("paper", config, "--tape", tape, "--runs", tmp_path / "runs")
    code, shown = on_a_terminal(*words, "--speed", "10", interrupt=b"market time")
    assert code == 0, shown
    run = next((tmp_path / "runs").iterdir()).name
    screen, _, end = shown.partition("stopped on request")
    for word in ("PAPER", "speed 10x", HOW_IT_STOPS, "P&L by cause", "round trips", f"crossbook  {run}"):
        assert word in screen, word
    assert f"crossbook paper --resume {run}" in end and "every residual is 0" in end
    plain = desk_process.crossbook("paper", "--resume", run, "--speed", "1000", "--runs", tmp_path / "runs")
    assert plain.returncode == 0 and "market time" not in plain.stdout + plain.stderr
    assert "doing" in plain.stderr and "entries again" in plain.stderr
    code, shown = on_a_terminal("paper", "--resume", run, "--runs", tmp_path / "runs")
    assert code == 2 and "has ended" in shown


def test_what_it_draws_is_the_fold_of_the_entries(tmp_path: Path) -> None:
    """Requests with their reasons and levels in words; a picture of it asks for nothing."""
    told = paper_runs.asked(tmp_path / "run", [(900, int(Scope.STRATEGY), 0, int(Level.CLOSE_ONLY), WISH_LEVEL)])
    desk = paper_runs.bundle()
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    view = LiveView(desk, "one", "paper", 20, console)
    shown = {}
    with view.showing():
        for number, payload in enumerate(told):
            view.watch(payload)
            view._due = 0.0
            if b'"request":1' in payload or number in (len(told) // 3, len(told) - 1):
                view.refresh(desk.tape.manifest.first_ns, number, "" if shown else "doing 7 entries again")
                Console(file=(text := io.StringIO()), width=120).print(view.last)
                shown[number] = text.getvalue()
    first, *_, last = shown.values()
    assert "doing 7 entries again" in first and "doing 7" not in last
    assert any("lower strategy:v0 to CLOSE_ONLY: a test" in text for text in shown.values())
    assert "CLOSE_ONLY" in last and f"{len(told) - 1:,} events" in last
    save_picture(view.last, tmp_path / "picture.svg")
    picture = (tmp_path / "picture.svg").read_text()
    assert "@font-face" not in picture and "href" not in picture and "round trips" in picture.replace("&#160;", " ")


def test_drawing_takes_no_more_than_its_share(tmp_path: Path) -> None:
    told = paper_runs.backtest(tmp_path / "run", 5)
    desk = paper_runs.bundle(5)
    view = LiveView(desk, "one", "paper", 20, Console(file=io.StringIO(), force_terminal=True, width=120))
    with view.showing():
        for payload in told:
            view.watch(payload)
        began = time.monotonic()
        view.refresh(0, 1)
        took = time.monotonic() - began
        assert view._due - time.monotonic() >= min(0.2, DRAWING_SHARE * took * 0.5)
        before = view.last
        view.refresh(0, 2)
        assert view.last is before
