"""Runs: all that lie beside each other, each in its own mode, and one beside another; nothing is added over runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossbook.desk.control import is_alive
from crossbook.ledger.figure import Figure, plain
from crossbook.report import words
from crossbook.report.period_store import FOLDER
from crossbook.web.moment import Moment
from crossbook.web.page_waiting import SWEEPS
from crossbook.web.refusals import Missing
from crossbook.web.run_book import RunBook, facts_of
from crossbook.web.tiles import text, title

RUNS_MAX = 500
COMPARED = (
    "pnl.total", "nav", "round_trips", "wins", "win_rate", "drawdown.max", "sharpe", "orders", "fills",
    "fill_rate.quantity", "denials", "pnl.cause.edge", "pnl.cause.latency", "pnl.cause.slippage", "pnl.cause.fees",
    "pnl.cause.funding", "pnl.cause.mark",
)  # fmt: skip
NAME_MAX = 200
REPORTS = (".html", ".md")


def all_runs(runs: Path) -> dict[str, Any]:
    """The page of all runs, the newest first. Their figures stand on each run's own page."""
    folders = sorted((one for one in _folders(runs)), key=lambda one: one.name, reverse=True)
    return {
        "page": "runs", "title": "Runs", "runs": [_row(folder) for folder in folders[:RUNS_MAX]],
        "count": len(folders), "sweeps": {"missing": SWEEPS}, "jobs": [],
    }  # fmt: skip


def one_run(runs: Path, name: str, mine: Moment | None, here: Path | None) -> dict[str, Any]:
    """A run beside the one that is shown: figures, and differences where mode and currency are the same."""
    folder = next((one for one in _folders(runs) if one.name == name), None)
    if folder is None and here is not None and here.name == name:
        folder = here
    if folder is None:
        raise Missing(f"there is no run {name[:NAME_MAX]!r} under {runs}/; /api/pages/runs lists them")
    if mine is not None and here is not None and folder.resolve() == here.resolve():
        other = mine
    else:
        book = RunBook(folder)
        while book.advance() and book.trouble is None:
            pass
        other = book.now()
        book.close()
    return {
        "page": "run", "title": name, "as_of_seq": mine.seq if mine is not None else 0, "run": _row(folder),
        "run_as_of_seq": other.seq, "figures": other.tiles,
        "compared": None if mine is None or other is mine else _compared(mine, other),
    }  # fmt: skip


def reports(runs: Path) -> dict[str, Any]:
    """Reports that were written, of periods and of runs, each with where it is got."""
    found = [
        {"run": run, "name": file.name, "bytes": file.stat().st_size, "url": f"/api/reports/{name}{file.suffix}"}
        for name, run, file in _reports(runs)
    ]
    return {
        "page": "reports", "title": "Reports", "reports": found,
        "missing": None if found else "no report was written yet; `crossbook report run RUN` writes one",
    }  # fmt: skip


def report_file(runs: Path, name: str, kind: str) -> bytes:
    """The bytes of a report. Raises `Missing` for any name that is not listed."""
    for listed, _, file in _reports(runs):
        if (listed, file.suffix) == (name, f".{kind}"):
            return file.read_bytes()
    raise Missing(f"there is no report {name[:NAME_MAX]!r} as {kind}; /api/pages/reports lists them")


def _reports(runs: Path) -> Iterator[tuple[str, str | None, Path]]:
    """Name, run and file of each; files of periods first. A file that is a link to elsewhere is none."""
    for file in sorted((runs / FOLDER).glob("*")):
        if file.suffix in REPORTS and file.is_file() and not file.is_symlink():
            yield file.stem, None, file
    for folder in sorted(_folders(runs), key=lambda one: one.name, reverse=True)[:RUNS_MAX]:
        for file in sorted(folder.glob("*")):
            if file.suffix in REPORTS and file.is_file() and not file.is_symlink():
                yield f"{folder.name}-{file.stem}", folder.name, file


def _folders(runs: Path) -> list[Path]:
    try:
        return [one for one in runs.iterdir() if (one / "journal").is_dir()]
    except OSError:
        return []


def _row(folder: Path) -> dict[str, Any]:
    facts = facts_of(folder)
    kept = ("word", "environment", "complete", "stopped_at", "tape", "version", "not_traded")
    return {
        "run": folder.name, "mode": str(facts.get("mode", "backtest")), "alive": is_alive(folder),
        "written_ns": max((one.stat().st_mtime_ns for one in (folder / "journal").glob("*.seg")), default=None),
    } | {name: facts[name] for name in kept if name in facts}  # fmt: skip


def _compared(mine: Moment, other: Moment) -> dict[str, Any]:
    modes = [str(one.facts.get("mode", "backtest")) for one in (mine, other)]
    currencies = [one.known["nav"].unit for one in (mine, other)]
    same = currencies[0] == currencies[1]
    rows = []
    for name in COMPARED:
        a, b = mine.known.get(name), other.known.get(name)
        if a is not None and b is not None:
            rows.append(_difference(name, a, b, same or a.unit in ("ratio", "count", "ns")))
    return {
        "modes": modes, "currencies": currencies, "rows": rows,
        "note": "" if modes[0] == modes[1] else f"{modes[0]} beside {modes[1]}: compared, never added",
    }  # fmt: skip


def _difference(name: str, a: Figure, b: Figure, comparable: bool) -> dict[str, Any]:
    known = comparable and a.value is not None and b.value is not None
    difference = plain(b.value - a.value) if known and a.value is not None and b.value is not None else None
    return {
        "name": name, "title": title(name), "mine_text": text(name, a), "other_text": text(name, b),
        "difference": difference, "difference_text": words.exact(difference), "mine_n": a.n, "other_n": b.n,
        "unit": a.unit,
    }  # fmt: skip
