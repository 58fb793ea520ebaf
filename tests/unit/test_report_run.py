"""The report of a run: every figure leads to rows that sum to it, and the same run gives the same bytes."""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from month import DECLARATION, FIRST_MONTH, Month, Trip, write_month

from crossbook.cli.call import call
from crossbook.cli.report import app
from crossbook.commands import OutKind
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.runs import read_run, write_run
from crossbook.desk.summary import summarise
from crossbook.ledger.entries import OUT_TAG, decode_out, encode_declaration
from crossbook.ledger.figure import Figure
from crossbook.report.charts import envelope, nice_ticks, time_ticks
from crossbook.report.prove import prove_run
from crossbook.report.run_report import report_run, to_html, to_markdown, write_report, wrong
from crossbook.report.run_tables import rows_of
from crossbook.report.table import ROWS_MAX, Column, make_table
from crossbook.timestamp import NS_PER_DAY, NS_PER_S


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_month(tmp_path_factory.mktemp("runs") / "first-month", FIRST_MONTH)


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    return report_run(folder)


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> str:
    return to_html(report)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        call(app, "crossbook report", list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def small(folder: Path, **changes: Any) -> Path:
    """A few hours with one trip, its declaration changed."""
    return write_month(
        folder, Month(trips=(Trip(0, 0, 3, 10**8),), hours=6), msgspec.structs.replace(DECLARATION, **changes)
    )


def test_the_same_run_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    for markdown, name in ((False, "report.html"), (True, "report.md")):
        first, _ = write_report(folder, markdown=markdown)
        kept = first.read_bytes()
        assert first == folder / name
        assert write_report(folder, markdown=markdown)[0].read_bytes() == kept
        assert write_report(copy, tmp_path / "elsewhere", markdown)[0].read_bytes() == kept


def test_every_link_leads_somewhere_and_every_place_is_one(page: str) -> None:
    places = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [place for place, count in places.items() if count > 1] == []
    assert sorted({target for target in re.findall(r'href="#([^"]+)"', page) if target not in places}) == []


def test_every_figure_leads_to_rows(report: dict[str, Any], page: str) -> None:
    tables = {table.id for table in report["tables"]}
    for name in report["known"]:
        assert rows_of(name) in tables, name
        assert f'id="f-{name}"' in page


def test_rows_sum_to_their_figures(report: dict[str, Any]) -> None:
    assert report["wrong"] == []
    compared = Counter(name for table in report["tables"] for one in table.sums for name in one.figures if name)
    for name in ("nav", "nav.start", "pnl.total", "pnl.total.v1", "pnl.cause.fees", "pnl.cause.latency.v2", "wins.v1",
                 "pnl.realised.v0", "pnl.cause.funding.unattributed", "orders", "denials.reason.quote_skew",
                 "pnl.venue.hyperliquid", "exposure.gross", "unhedged.quantity_time.BTC", "intents.v2"):  # fmt: skip
        assert compared[name] > 0, name


def test_a_sum_that_is_not_its_figure_is_named(report: dict[str, Any]) -> None:
    table = make_table(
        "t", "Fees", "", [Column("fees", "money")], [[10**18], [10**18]], known=report["known"],
        against={"fees": "pnl.total"},
    )  # fmt: skip
    assert wrong({}, [table]) == ["pnl.total: its rows in Fees sum to something else"]
    off = Figure(value=1, unit="count", n=1, window=None, residual=3, definition="")
    assert wrong({"orders": off}, []) == ["orders: two routes differ by 3"]


def test_the_page_asks_for_nothing(page: str) -> None:
    assert "<script" not in page and "@import" not in page and "url(" not in page
    assert "://" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_it_tells_the_month_as_it_was(report: dict[str, Any], page: str) -> None:
    tiles = {tile.figure: (tile.value, tile.more) for tile in report["tiles"]}
    assert tiles["pnl.total"] == ("-8.36", "strategies -10.32, inventory 0.00, unattributed +1.96")
    assert tiles["nav"] == ("8,807.75", "from 8,816.11")
    assert tiles["win_rate"] == ("33.3 %", "6 won, 12 lost of 18; 95 % interval 16.3 % to 56.3 %")
    assert tiles["drawdown.max"][0] == "0.14 %"
    assert tiles["sharpe"] == ("n/a", "28 whole days of 30")
    assert tiles["fill_rate.quantity"][0].startswith("83.")
    rows = {row["name"]: (row["level"], row["pnl"]) for row in report["strategies"]}
    assert rows["v0"] == ("KILLED", "-7.45") and rows["unattributed"] == (None, "+1.96")
    whys = [one["why"] for one in report["falls"]]
    assert whys[0].startswith("unhedged too long: 10.3 s against 10.0 s, by rule, after entry")
    assert whys[1].startswith("operator, asked for in entry")
    assert report["cause_rows"][-1][1][-1] == "-8.3600"
    assert 'class="pill live">LIVE' in page and "no real money" not in page


def test_entries_of_rows_are_those_of_the_journal(report: dict[str, Any]) -> None:
    levels = next(table for table in report["tables"] if table.id == "t-levels")
    by_rule, by_person = levels.rows[0], levels.rows[1]
    assert by_rule[-1].startswith("rule, ")
    assert by_person[-1] == f"request {int(by_person[0].replace(',', '')) - 1:,}"


def test_a_change_of_level_leads_to_the_entries_it_stands_on(report: dict[str, Any], page: str) -> None:
    alone, asked = report["falls"][0], report["falls"][1]
    assert alone["again"] == "1 entry; it gives 10.3 s, residual 0"
    assert [(one["what"], one["amount"]) for one in alone["stands"]] == [("legs of BTC apart by -0.003", "10.3 s")]
    assert f'<a href="#{alone["id"]}">' in page and f'<p id="{alone["id"]}">' in page
    assert [one["what"] for one in asked["stands"]] == ["operator request"]
    evidence = next(table for table in report["tables"] if table.id == "t-evidence")
    assert evidence.rows[0][:3] == [alone["entry"], "unhedged too long", alone["stands"][0]["entry"]]
    assert evidence.count == sum(one["count"] for one in report["falls"])


def test_a_level_that_fell_by_another_number_is_named(folder: Path, tmp_path: Path) -> None:
    """In the report, in the proof and in its summary."""
    copy = tmp_path / "runs" / "other"
    shutil.copytree(folder, copy)
    payloads = [payload for _, payload in read_journal(copy / "journal")]
    place = next(
        n for n, one in enumerate(payloads) if one[0] == OUT_TAG and decode_out(one).kind == OutKind.TRANSITION
    )
    row = decode_out(payloads[place])
    other = payloads[place].replace(row.value.to_bytes(8, "little"), (row.value + 10**9).to_bytes(8, "little"))
    shutil.rmtree(copy / "journal")
    with JournalWriter(copy / "journal", segment_bytes=1 << 22) as writer:
        for payload in (*payloads[:place], other, *payloads[place + 1 :]):
            writer.append(payload)
    found = report_run(copy)
    said = f"level in entry {place + 1:,}: unhedged too long states 11,300,000,000 against 10,000,000,000, its entries "
    assert found["wrong"] == [said + "give 10,300,000,000"]
    assert "not what it states" in to_html(found)
    proof = prove_run(copy)
    assert not proof.ok and {"levels", "journal"} == set(proof.differing())
    assert [row["sound"] for row in summarise(copy, {})["transitions"]][:2] == [False, True]


def test_every_figure_of_the_page_has_two_routes(report: dict[str, Any], page: str) -> None:
    assert [name for name, one in report["known"].items() if one.value is not None and one.residual is None] == []
    assert "one route" not in page.replace("residual", "").partition("<main>")[0]


def test_markdown_says_the_same(report: dict[str, Any]) -> None:
    text = to_markdown(report)
    assert "| P&L | -8.36 | strategies -10.32, inventory 0.00, unattributed +1.96 |" in text
    assert "| **total** | | **-8.36** | 18 | 33.3 % |" in text
    for table in re.split(r"\n\n", text):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1, table


def test_what_kind_of_run_it_is_cannot_be_overlooked(tmp_path: Path) -> None:
    folder = small(tmp_path / "toy", physics=True, controls_off=["C10", "C13"])
    write_run(
        folder,
        read_run(folder)
        | {"mode": "backtest", "word": "backtest", "complete": False, "not_traded": ["hyperliquid:BTC"]},
    )
    report = report_run(folder)
    for text in (to_html(report), to_markdown(report)):
        for words in ("BACKTEST", "PHYSICS", "says nothing about money", "C10, C13", "Not finished", "hyperliquid:BTC"):
            assert words in text
        assert "no real money" in text


def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    folder = small(tmp_path / "toy", strategies=["<b>v0</b>", "a|b", "v2"])
    report = report_run(folder)
    assert "<b>v0</b></td>" not in to_html(report) and "&lt;b&gt;v0" in to_html(report)
    assert "a\\|b" in to_markdown(report) and "<b>" not in to_markdown(report)


def test_a_run_without_marks_has_no_window_and_says_so(tmp_path: Path) -> None:
    folder = small(tmp_path / "toy")
    shutil.rmtree(folder / "journal")
    (folder / "latency.bin").unlink()
    with JournalWriter(folder / "journal", segment_bytes=1 << 20) as writer:
        writer.append(encode_declaration(DECLARATION.to_json()))
    report = report_run(folder)
    assert report["wrong"] == []
    assert {tile.figure: tile.value for tile in report["tiles"]}["pnl.total"] == "n/a"
    assert "The window has not begun" in to_html(report)
    assert "The window has not begun" in to_markdown(report)


def test_a_long_table_is_cut_and_says_so_and_sums_all() -> None:
    rows = [[str(number % 2), 10**18 // 3] for number in range(ROWS_MAX + 100)]
    table = make_table("t", "T", "", [Column("who"), Column("P&L", "money")], rows, group="who", groups=["0", "1"])
    assert table.cut and len(table.rows) == ROWS_MAX and table.count == ROWS_MAX + 100
    assert [(one.label, one.cells[1]) for one in table.sums] == [
        ("0", "+100.000000"),
        ("1", "+100.000000"),
        ("all", "+200.000000"),
    ]
    other = make_table("t", "T", "", [Column("who"), Column("P&L", "money")], rows[:-1])
    assert other.digest != table.digest


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "month.html"
    assert run("run", str(folder), "--into", str(place)) == 0
    assert capsys.readouterr().out == f"{place}\n"
    assert place.read_text().startswith("<!doctype html>")
    assert run("run", folder.name, "--runs", str(folder.parent), "--md") == 0
    capsys.readouterr()
    assert run("run", "nowhere", "--runs", str(tmp_path)) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "no run 'nowhere'" in said.err
    assert run("run", str(folder), "--into", str(tmp_path / "no" / "such" / "place")) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_thinned_line_keeps_its_extremes() -> None:
    points = [(float(x), float((x * 7919) % 1000)) for x in range(5_000)]
    thin = envelope(points, 50)
    assert len(thin) <= 200 and thin[0] == points[0] and thin[-1] == points[-1]
    assert max(y for _, y in thin) == 999 and min(y for _, y in thin) == 0
    assert thin == sorted(thin)


def test_ticks_are_round_and_inside() -> None:
    assert nice_ticks(-0.4, 10.3, 5) == [0.0, 2.5, 5.0, 7.5, 10.0]
    assert nice_ticks(8_803.2, 8_817.1, 5) == [8_805.0, 8_810.0, 8_815.0]
    start = 1_780_300_800 * NS_PER_S
    assert [text for _, text in time_ticks(start, start + 240 * NS_PER_S, 4)] == [
        "08:00", "08:01", "08:02", "08:03", "08:04",
    ]  # fmt: skip
    assert [text for _, text in time_ticks(start, start + 4 * NS_PER_DAY, 4)] == ["06-02", "06-03", "06-04", "06-05"]
