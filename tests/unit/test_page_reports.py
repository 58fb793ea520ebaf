"""Reports on the page: every one that is listed is got by its address, byte for byte, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossbook.web.page_runs import report_file, reports
from crossbook.web.refusals import Missing


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A month's report, a run's, a file that is none, and a link to what is nobody's business."""
    home = tmp_path / "runs"
    (home / "reports").mkdir(parents=True)
    (home / "one" / "journal").mkdir(parents=True)
    (home / "reports" / "month-2026-06-live.html").write_bytes(b"<p>month")
    (home / "reports" / "month-2026-06-live.md").write_bytes(b"# month")
    (home / "reports" / "month-2026-06-live.sha256").write_bytes(b"0" * 64)
    (home / "one" / "report.html").write_bytes(b"<p>run")
    (tmp_path / "secret.html").write_bytes(b"key")
    (home / "reports" / "secret.html").symlink_to(tmp_path / "secret.html")
    return home


def test_what_is_listed_is_got(runs: Path) -> None:
    listed = {one["url"]: one for one in reports(runs)["reports"]}
    assert set(listed) == {
        "/api/reports/month-2026-06-live.html", "/api/reports/month-2026-06-live.md", "/api/reports/one-report.html"
    }  # fmt: skip
    for url, one in listed.items():
        name, _, kind = url.removeprefix("/api/reports/").rpartition(".")
        folder = runs / one["run"] if one["run"] else runs / "reports"
        assert report_file(runs, name, kind) == (folder / one["name"]).read_bytes()
        assert one["bytes"] == len(report_file(runs, name, kind))


@pytest.mark.parametrize("name", ["secret", "../secret", "month-2026-06-live.sha256", "", "..", "/etc/passwd", "one"])
def test_nothing_else_is_got(runs: Path, name: str) -> None:
    with pytest.raises(Missing, match="there is no report"):
        report_file(runs, name, "html")


def test_without_reports_it_says_how_to_write_one(tmp_path: Path) -> None:
    assert "crossbook report run RUN" in reports(tmp_path)["missing"]
