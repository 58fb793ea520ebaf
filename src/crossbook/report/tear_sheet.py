"""The tear sheet of a run: what it came to, on one sheet of paper, from the run's folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossbook.report.period_store import keep
from crossbook.report.run_report import report_run, template_environment

FILE = "tear.html"


def tear_sheet(report: dict[str, Any]) -> str:
    """The sheet of a `report_run`: no script, no request."""
    days = next(table for table in report["tables"] if table.id == "t-days")
    trips = next(table for table in report["tables"] if table.id == "t-trips")
    nets = sorted(trip for row in trips.raw if isinstance(trip := row[9], int))
    gains = [row[-1] for row in days.raw if isinstance(row[-1], int)]
    shown = {"nets": nets, "gains": gains}
    return template_environment(True).get_template("tear.html").render(report | shown)


def write_tear(folder: Path, into: Path | None = None) -> tuple[Path, str, list[str]]:
    """Write the sheet of the run in `folder` (without `into` there): its place, its sha256, and what in it does not add
    up. Raises `Refused` where it cannot be written."""
    report = report_run(folder)
    path = folder / FILE if into is None else into
    return path, keep(path, tear_sheet(report).encode()), report["wrong"]
