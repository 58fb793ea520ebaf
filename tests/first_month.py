"""The desk's first month as a run folder with its plan: 18 round trips, 6 of them won, and 1.96 that nobody caused."""

from pathlib import Path

from month import FIRST_MONTH, write_month

PERIOD = "2026-06"
PLAN = Path(__file__).parents[1] / "configs" / "plan.toml"


def write_first_month(runs: Path) -> Path:
    """Write the run into a runs folder, and beside it the plan of its month. The folder of the run."""
    folder = write_month(runs / "first-month", FIRST_MONTH)
    reports = runs / "reports"
    reports.mkdir(exist_ok=True)
    (reports / f"month-{PERIOD}.toml").write_bytes(PLAN.read_bytes())
    return folder
