"""One short run, served once for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import paper_runs
import pytest
from security.served import Page, serving

from crossbook.desk.runs import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with one finished run."""
    folder = tmp_path_factory.mktemp("runs")
    run = folder / "20260603-120000-backtest"
    paper_runs.backtest(run)
    write_run(run, {"run": run.name, "word": "backtest", "mode": "backtest", "complete": True, "not_traded": []})
    return folder


@pytest.fixture(scope="module")
def page(runs: Path) -> Iterator[Page]:
    """Its page."""
    with serving(runs, runs / "20260603-120000-backtest") as one:
        yield one
