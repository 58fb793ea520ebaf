"""Reports made by themselves: what is due follows from folders and time, and nobody's address is told to anybody."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from first_month import write_first_month

from crossbook.errors import Refused
from crossbook.report.period import parse_any
from crossbook.report.period_store import stored_reports
from crossbook.timestamp import NS_PER_DAY
from crossbook.web import schedule as reports
from crossbook.web.schedule import Reporter, Schedule, Spans, due, load_schedule

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise looks for it
JULY = parse_any("2026-07").begin_ns


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_first_month(tmp_path)
    return tmp_path


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """Where alerts can be sent on this machine, and what came."""
    came: list[str] = []

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}/secret-word", came
        server.shutdown()


def labels(runs: Path, now_ns: int, **changes: object) -> list[str]:
    return [period.label for period, _ in due(Spans(runs), Schedule(**changes), now_ns)]  # type: ignore[arg-type]


def test_what_ended_and_has_no_report_is_due(runs: Path) -> None:
    after = JULY + NS_PER_DAY
    assert labels(runs, after, kinds=["month"]) == ["2026-06"]
    assert labels(runs, JULY + 1, kinds=["month"]) == []  # its last fills may still come
    assert labels(runs, after, kinds=["week"], catch_up_days=14) == ["2026-W25", "2026-W26"]
    assert labels(runs, parse_any("2026-06-04").begin_ns + NS_PER_DAY // 2, kinds=["day"]) == [
        "2026-06-01", "2026-06-02", "2026-06-03",
    ]  # fmt: skip
    assert labels(runs, after, modes=["paper"]) == []
    assert labels(runs, after + 100 * NS_PER_DAY) == []


def test_what_was_missed_is_made_once_and_told(
    runs: Path, listener: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, came = listener
    monkeypatch.setattr(time, "time_ns", lambda: JULY + NS_PER_DAY)
    said: list[str] = []
    reporter = Reporter(runs, Schedule(kinds=["month"], alerts=[url]), said.append)
    assert reporter.work() == ["month-2026-06-live"]
    assert [one.name for one in stored_reports(runs)] == ["month-2026-06-live"]
    assert len(came) == 1 and "lost 8.36 USDT" in came[0] and "sha256" in came[0]
    assert said == ["report month-2026-06-live was made"]
    assert reporter.work() == [] and len(came) == 1


def test_it_runs_beside_the_page_and_stops(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: JULY + NS_PER_DAY)
    config = runs / "reports.toml"
    config.write_text('kinds = ["month"]\nat = "23:59"\n')
    said: list[str] = []
    reports.start(runs, None, said.append)
    try:
        patience = time.monotonic() + 20
        while not said and time.monotonic() < patience:
            time.sleep(0.02)
        assert said == ["report month-2026-06-live was made"]
    finally:
        reports.stop()
    reports.stop()


def test_a_failure_is_said_and_no_address_with_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: JULY + NS_PER_DAY)
    (runs / "reports" / "month-2026-06.toml").write_text("nonsense")
    said: list[str] = []
    schedule = Schedule(kinds=["month"], alerts=["json://127.0.0.1:1/secret-word", "no address: secret-word"])
    assert Reporter(runs, schedule, said.append).work() == []
    assert len(said) == 2 and "could not be made" in said[0] and "not every alert address" in said[1]
    assert "secret-word" not in "".join(said)


@pytest.mark.parametrize(
    ("text", "told"),
    [("kinds = ['hour']", "hour"), ("modes = ['x']", "x"), ("at = '25:00'", "25:00"), ("colour = 1", "colour"),
     ("catch_up_days = 0", "catch_up_days"), ("kinds = 3", "kinds"), ("x", "TOML")],
)  # fmt: skip
def test_a_schedule_that_cannot_be_meant_is_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "reports.toml"
    path.write_text(text)
    with pytest.raises(Refused, match=told) as refusal:
        load_schedule(path)
    assert "\n" not in str(refusal.value)


def test_addresses_are_read_from_a_private_file_only(tmp_path: Path) -> None:
    path = tmp_path / "reports.toml"
    path.write_text('alerts = ["json://127.0.0.1/secret-word"]\n')
    path.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600") as refusal:
        load_schedule(path)
    assert "secret-word" not in str(refusal.value)
    path.chmod(0o600)
    assert len(load_schedule(path).alerts) == 1
