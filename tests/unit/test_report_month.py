"""The report of a month: true to the ledger, the same bytes each time, and plain where there is nothing to say."""

import re
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from first_month import PERIOD, write_first_month
from month import Month, Trip, write_month

from crossbook.cli.call import call
from crossbook.cli.report import app
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.runs import read_run, write_run
from crossbook.errors import Corrupt, Refused
from crossbook.ledger.figure import figures_json
from crossbook.report.period import parse_any, parse_period, period_of
from crossbook.report.period_pool import pool
from crossbook.report.period_report import period_report, to_html, to_markdown
from crossbook.report.period_runs import choose
from crossbook.report.period_store import Written, stored_reports, write_period
from crossbook.report.prove import prove_run
from crossbook.report.second_route import compare
from crossbook.timestamp import NS_PER_DAY

D = Decimal
JUNE = parse_period("month", PERIOD)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        call(app, "crossbook report", list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    write_first_month(runs)
    return runs


@pytest.fixture(scope="module")
def written(runs: Path) -> Written:
    return write_period(JUNE, runs)


def other_run(runs: Path, name: str, mode: str = "live", **month: Any) -> Path:
    """Two more round trips, won and lost, in the first days of June."""
    trips = (Trip(0, 0, 5, 2 * 10**8), Trip(1, 1, 30, -(10**8)))
    folder = write_month(runs / name, Month(**({"trips": trips, "hours": 60, "seed": 7} | month)))
    write_run(folder, read_run(folder) | {"mode": mode})
    return folder


def test_it_tells_the_first_month_as_it_was(written: Written) -> None:
    report = written.report
    assert written.wrong == [] and written.name == "month-2026-06-live"
    tiles = {tile.figure: (tile.value, tile.more) for tile in report["tiles"]}
    assert tiles["pnl.total"] == ("-8.36", "strategies -10.32, inventory 0.00, unattributed +1.96")
    assert tiles["win_rate"] == ("33.3 %", "6 won, 12 lost of 18; 95 % interval 16.3 % to 56.3 %")
    assert tiles["sharpe"] == ("n/a", "28 whole days of 30")
    assert tiles["drawdown.max"][0] == "0.14 %" and D(report["known"]["drawdown.max"].value) > 0
    assert [row["pnl"] for row in report["strategies"]] == ["-7.45", "-2.41", "-0.46", "0.00", "+1.96"]
    assert [row["remark"] for row in report["strategies"][:3]] == [
        "1 trade: no conclusion", "14 trades: no conclusion", "3 trades: no conclusion",
    ]  # fmt: skip
    assert sum(D(row["amount"]) for row in report["nobody"]) == D("1.96")
    assert sum(D(row["pnl"]) for row in report["days"]) == D("-8.36") and len(report["days"]) == 30
    assert sum(row["trips"] for row in report["days"]) == 18 and sum(row["won"] for row in report["days"]) == 6
    assert "and +1.96 is unattributed, for no strategy caused it" in report["lead"][0]
    assert [one.lowest for one in report["incidents"]] == ["CLOSE_ONLY", "KILLED", "CLOSE_ONLY", "CLOSE_ONLY"]
    page = written.files[0].read_text()
    assert "Not explained:" in page and "no paper run lies in this period" in page


def test_its_figures_are_the_runs_own_to_the_byte(written: Written, runs: Path) -> None:
    proof = prove_run(runs / "first-month")
    shown = {name: one for name, one in proof.figures.items() if name in written.report["known"]}
    assert figures_json(written.report["known"]) == figures_json(shown)
    said = msgspec.json.decode(written.to_json(), type=dict[str, msgspec.Raw])
    assert bytes(said["figures"]) == figures_json(dict(sorted(shown.items())))


def test_the_plan_is_judged_by_the_ledger(written: Written) -> None:
    judged = {one.figure: (one.status, one.value, one.remark) for _, rows in written.report["goals"] for one in rows}
    assert judged["pnl.total"] == ("not met", "-8.36 USDT", "")
    assert judged["win_rate"] == ("not met", "33.3 %", "the 95 % interval holds the target: no conclusion")
    assert judged["sharpe"] == ("no data", "n/a", "n/a with n 28")
    assert judged["pnl.unattributed"] == ("not met", "1.96 USDT", "")
    assert judged["breaks"] == ("met", "0", "")


def test_made_again_it_has_the_same_bytes_wherever(written: Written, runs: Path, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in written.files]
    copy = tmp_path / "elsewhere"
    shutil.copytree(runs, copy)
    again = write_period(JUNE, copy)
    assert again.hashes == written.hashes and [path.read_bytes() for path in again.files] == first
    kept = {one.name: one for one in stored_reports(copy)}["month-2026-06-live"]
    assert kept.sound and kept.hashes == written.hashes
    again.files[1].write_text("edited")
    assert not {one.name: one for one in stored_reports(copy)}["month-2026-06-live"].sound


def test_every_link_leads_somewhere_and_it_asks_for_nothing(written: Written, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "first-month", tmp_path / "first-month")
    other_run(tmp_path, "more")
    for page in (written.files[0].read_text(), write_period(JUNE, tmp_path).files[0].read_text()):
        places = Counter(re.findall(r'\bid="([^"]+)"', page))
        assert [place for place, count in places.items() if count > 1] == []
        assert sorted({target for target in re.findall(r'href="#([^"]+)"', page) if target not in places}) == []
        assert "<script" not in page and "@import" not in page and "url(" not in page and "://" not in page
        assert "default-src 'none'" in page


def test_runs_are_pooled_by_their_sums(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "first-month", tmp_path / "first-month")
    other_run(tmp_path, "more")
    written = write_period(JUNE, tmp_path)
    known = written.report["known"]
    assert (known["wins"].value, known["round_trips"].value) == (7, 20)
    assert known["win_rate"].value == D("0.35") and known["win_rate"].n == 20
    assert known["pnl.total"].value == D("-8.36") + D("1.00") and known["pnl.total"].residual == 0
    assert known["nav"].value is None and known["nav"].n == 2 and known["exposure.gross"].value is None
    parts = choose(JUNE, tmp_path).parts
    for rate in ("fill_rate.orders", "error_rate"):
        wholes = sum(part.known[rate].n for part in parts)
        part_of = sum(D(part.known[rate].value or 0) * part.known[rate].n for part in parts)
        assert compare("win_rate.low", known[rate], part_of / wholes).residual == 0
    assert len(written.report["overlaps"]) == 1 and "count that time more than once" in written.files[0].read_text()
    assert D(known["drawdown.max_amount"].value or 0) > 0 and known["drawdown.max"].value is None
    assert sum(D(row["amount"]) for row in written.report["nobody"]) == D("1.96")


def test_modes_share_no_report(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "first-month", tmp_path / "first-month")
    other_run(tmp_path, "on-paper", "paper")
    with pytest.raises(Refused, match="live and paper runs, which share no total; say --mode live"):
        write_period(JUNE, tmp_path)
    live = write_period(JUNE, tmp_path, "live")
    assert live.report["known"]["round_trips"].value == 18
    assert live.report["versus"]["runs"] == ["on-paper"]
    rows = {row["name"]: row["texts"] for row in live.report["versus"]["rows"]}
    assert rows["pnl.total"] == ["-8.36 USDT", "1.00 USDT"] and rows["win_rate"] == ["33.3 %", "50.0 %"]
    assert write_period(JUNE, tmp_path, "paper").report["known"]["round_trips"].value == 2


def test_weeks_of_a_run_add_up_to_it(runs: Path) -> None:
    whole = choose(JUNE, runs).parts[0].known
    weeks = [choose(parse_period("week", f"2026-W{week}"), runs).parts[0] for week in range(23, 28)]
    assert [(part.begins, part.ends) for part in weeks] == [(False, True), *[(True, True)] * 3, (True, False)]
    for name in ("pnl.total", "pnl.cause.fees", "pnl.total.unattributed", "orders", "fills", "round_trips", "wins",
                 "denials", "intents", "unhedged.quantity_time.BTC"):  # fmt: skip
        assert sum(D(part.known[name].value or 0) for part in weeks) == D(whole[name].value or 0), name
    for part in weeks:
        assert {name for name, one in part.known.items() if one.residual not in (0, None)} == set()
        assert part.known["latency.tick_to_wire.p50"].n == part.known["intents"].n
        days = {name for name in part.known if name.startswith("pnl.day.")}
        assert len(days) <= 7
    assert [part.known["sharpe"].n for part in weeks] == [6, 7, 7, 7, 1]
    pooled = pool(weeks)
    assert pooled["win_rate"].value == whole["win_rate"].value and pooled["pnl.total"].value == whole["pnl.total"].value
    assert pooled["sharpe"].n == 28


def test_a_report_of_a_cut_run_does_not_change_when_the_run_goes_on(runs: Path, tmp_path: Path) -> None:
    week, whole = parse_period("week", "2026-W24"), write_period(parse_period("week", "2026-W24"), runs)
    shorter = tmp_path / "first-month"
    shorter.mkdir()
    with JournalWriter(shorter / "journal") as journal:
        for _, payload in list(read_journal(runs / "first-month" / "journal"))[:2_500]:
            journal.append(payload)
    (shorter / "latency.bin").write_bytes((runs / "first-month" / "latency.bin").read_bytes())
    write_run(shorter, read_run(runs / "first-month") | {"complete": False})
    assert write_period(week, tmp_path).hashes == whole.hashes
    assert whole.report["run_rows"][0]["cut"] == "begins before and goes on after"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    write_month(tmp_path / "quiet", Month(trips=(), hours=30))
    written = write_period(JUNE, tmp_path)
    page, text = (path.read_text() for path in written.files)
    assert written.wrong == []
    for told in ("no plan lies beside this report", "no note was written", "the plan names no model",
                 "Nothing happened that a person was told of", "No round trip closed", "n/a"):  # fmt: skip
        assert told in page and told in text, told
    assert [row["on"] for row in written.report["days"]].count(True) == 2


def test_a_damaged_run_is_left_out_and_named(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "first-month", tmp_path / "first-month")
    (tmp_path / "broken" / "journal").mkdir(parents=True)
    (tmp_path / "broken" / "journal" / "000001.seg").write_bytes(b"no journal")
    shutil.copytree(runs / "first-month", tmp_path / "second")
    (tmp_path / "second" / "run.json").write_text("[]")
    shutil.copytree(runs / "first-month", tmp_path / "third")
    (tmp_path / "third" / "latency.bin").write_bytes(b"\xff" * 24)
    report = period_report(JUNE, choose(JUNE, tmp_path), write_period(JUNE, tmp_path).report["plan"])
    assert [line.partition(":")[0] for line in report["left_out"]] == ["broken", "second", "third"]
    assert report["known"]["round_trips"].value == 18
    with pytest.raises(Corrupt, match="broken"):
        choose(JUNE, tmp_path, named=["broken"])
    assert "broken: " in to_html(report) and "broken: " in to_markdown(report)


def test_hostile_words_stay_words(runs: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('title = "<script>alert(1)</script>"\nnotes = ["a | b <img src=x>"]\n')
    page, text = (path.read_text() for path in write_period(JUNE, runs, plan=plan, into=tmp_path).files)
    assert "<script" not in page and "&lt;script&gt;" in page and "<img" not in page
    assert "<img" not in text and "a \\| b" in text


@pytest.mark.parametrize(
    "text",
    ["title = 1", "colour = 3", "[[plans]]", '[[plans]]\nname="a"\n[[plans.criteria]]\nfigure="pnl.total"',
     '[[plans]]\nname="a"\n[[plans.criteria]]\nfigure="winrate"\nat_least=1', "notes = [", "x" * (1 << 20) + "x",
     '[[plans]]\nname="a"\n[[plans.criteria]]\nfigure="nav"\nat_least=nan', "\x00", "\xff",
     '[[explained]]\namount=inf\ntext=""', "a=" + "[" * 5_000],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused_in_a_line(
    text: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(text, "latin-1")
    assert run("month", PERIOD, "--runs", str(runs), "--plan", str(plan)) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["month", "2026-6"], ["month", "2026-13"], ["month", "0000-01"], ["day", "2026-02-30"], ["week", "2026-W54"],
     ["range", "2026-06-02", "2026-06-01"], ["month", "2025-01"], ["month", PERIOD, "nobody"],
     ["month", PERIOD, "--mode", "paper"], ["month", PERIOD, "--mode", "=x"], ["tax", "20x6"], ["tear", "nobody"],
     ["month", "٢٠٢٦-٠٦"]],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--runs", str(runs)) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("crossbook: ") and told.err.count("\n") == 1


def test_the_command_prints_hashes_or_json(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("month", PERIOD, "--runs", str(runs), "--into", str(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == [
        str(tmp_path / f"month-2026-06-live{end}") for end in (".html", ".md")
    ]
    assert (tmp_path / "month-2026-06-live.sha256").read_text().split()[0] == lines[0].split()[0]
    assert run("month", PERIOD, "first-month", "--runs", str(runs), "--into", str(tmp_path), "--json") == 0
    said = msgspec.json.decode(capsys.readouterr().out)
    assert said["runs"][0]["run"] == "first-month" and said["figures"]["wins"]["value"] == 6
    assert (
        said["report"].startswith("month-2026-06-live-") and said["period"]["begin"] == "2026-06-01T00:00:00.000000000Z"
    )
    assert run("tear", "first-month", "--runs", str(runs)) == 0
    assert "-8.36" in (runs / "first-month" / "tear.html").read_text()


def test_periods_are_half_open_days_of_utc() -> None:
    february = parse_any("2024-02")
    assert february.days == 29 and february.begin_ns == 19_754 * NS_PER_DAY and february.title == "February 2024"
    assert parse_any("2025-12").end_ns == parse_any("2026-01").begin_ns == parse_any("2026").begin_ns
    week = parse_any("2026-W53")
    assert week.title == "week 53, 28 December 2026 to 3 January 2027" and week.days == 7
    assert parse_period("range", "2025-11-01", "2025-11-01").days == 1
    for kind in ("day", "week", "month"):
        for text in ("2024-02-29", "2027-01-01", "2025-12-31"):
            moment = parse_any(text).end_ns - 1
            found = period_of(kind, moment)
            assert found.begin_ns <= moment < found.end_ns and parse_any(found.label) == found
