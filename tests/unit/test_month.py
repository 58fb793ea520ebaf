"""The desk's first month as a ledger: what was true where the old screen was wrong in five ways."""

from decimal import Decimal
from pathlib import Path

import pytest
from month import FIRST_MONTH, write_month

from crossbook.desk.summary import ledger_of, strategy_rows
from crossbook.ledger.figure import Figure, display_parts
from crossbook.ledger.metrics import figures
from crossbook.report.audit import audit
from crossbook.report.claims import parse_claims
from crossbook.report.prove import prove_run

D = Decimal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_month(tmp_path_factory.mktemp("runs") / "first-month", FIRST_MONTH)


@pytest.fixture(scope="module")
def known(folder: Path) -> dict[str, Figure]:
    return prove_run(folder).figures


def test_every_figure_is_proved(folder: Path) -> None:
    proof = prove_run(folder)
    assert proof.ok and proof.differing() == []
    assert proof.figures["marks.unexplained"].value is None  # no tape is n/a, not a failure
    assert all(check.ok for check in proof.checks)


def test_rows_and_unattributed_sum_to_the_total(known: dict[str, Figure]) -> None:
    assert [known[f"pnl.total.{name}"].value for name in ("v0", "v1", "v2")] == [D("-7.45"), D("-2.41"), D("-0.46")]
    assert known["pnl.total.unattributed"].value == D("1.96")
    assert known["pnl.total.inventory"].value == 0
    assert known["pnl.total"].value == D("-8.36") == D("-10.32") + D("1.96")
    assert known["nav.start"].value == D("8816.11") and known["nav"].value == D("8807.75")
    assert known["nav.flows"].value == 0
    parts = display_parts([known[f"pnl.total.{name}"].value or 0 for name in ("v0", "v1", "v2", "unattributed")], 2)
    assert sum(parts) == D("-8.36")


def test_the_win_rate_is_that_of_all_trades(known: dict[str, Figure]) -> None:
    trips = {name: (known[f"wins.{name}"].value, known[f"round_trips.{name}"].value) for name in ("v0", "v1", "v2")}
    assert trips == {"v0": (0, 1), "v1": (5, 14), "v2": (1, 3)}
    assert (known["wins"].value, known["round_trips"].value, known["round_trips.open"].value) == (6, 18, 0)
    assert known["win_rate"].value == D("0.333333333333333333") and known["win_rate"].n == 18
    low, high = known["win_rate.low"].value, known["win_rate.high"].value
    assert low is not None and high is not None
    assert D("0.162") < D(low) < D("0.163") and D("0.562") < D(high) < D("0.563")  # Wilson, 6 of 18


def test_a_loss_is_a_drawdown(known: dict[str, Figure]) -> None:
    deepest = known["drawdown.max"].value
    assert deepest is not None and D(deepest) >= D("8.36") / D("8816.11")
    assert known["drawdown.max_amount"].value is not None and D(known["drawdown.max_amount"].value) >= D("8.36")


def test_eighteen_trades_were_filled_orders(known: dict[str, Figure]) -> None:
    assert known["fill_rate.quantity"].value is not None and D("0.8") < D(known["fill_rate.quantity"].value) < 1
    assert known["fill_rate.orders"].value == D("0.837209302325581395") and known["orders"].value == 86
    assert known["fills"].value is not None and known["fills"].value >= 4 * 18


def test_a_month_has_no_sharpe_ratio(known: dict[str, Figure]) -> None:
    assert known["sharpe"].value is None and known["sharpe"].n == 28


def test_latency_is_of_stamps_of_one_process(known: dict[str, Figure]) -> None:
    wire = known["latency.tick_to_wire.p50"]
    assert wire.unit == "ns" and wire.n > 0 and 0 < D(wire.value or 0) < 10**6
    assert known["delay.clock_suspect"].value == 0


def test_levels_stand_as_the_journal_left_them(folder: Path) -> None:
    ledger = ledger_of(folder)
    levels = {name: row["level"] for name, row in strategy_rows(ledger, figures(ledger)).items()}
    assert levels == {"v0": "KILLED", "v1": "CLOSE_ONLY", "v2": "CLOSE_ONLY"}


def test_its_own_figures_pass_the_audit(known: dict[str, Figure]) -> None:
    def shown(name: str, factor: int = 1, decimals: int = 2) -> str:
        return f"{factor * D(known[name].value or 0):.{decimals}f}"

    lines = ["[summary]", f"pnl = {shown('pnl.total')}", f"nav = {shown('nav')}", f"nav_start = {shown('nav.start')}"]
    lines += [f"win_rate_pct = {shown('win_rate', 100, 1)}", f"max_drawdown_pct = {shown('drawdown.max', 100)}"]
    lines += [f"exposure = {shown('exposure.gross')}", f"fill_rate_pct = {shown('fill_rate.quantity', 100, 1)}"]
    lines += [f"latency_ms = {D(known['latency.tick_to_wire.p50'].value or 0) / 10**6}", "trades = 18"]
    for name in ("v0", "v1", "v2"):
        lines += ["[[strategy]]", f'name = "{name}"', f"pnl = {shown(f'pnl.total.{name}')}"]
        lines += [f"win_rate_pct = {shown(f'win_rate.{name}', 100, 1)}", f"trades = {known[f'round_trips.{name}'].n}"]
    lines += ["[[strategy]]", 'name = "unattributed"', f"pnl = {shown('pnl.total.unattributed')}"]
    assert audit(parse_claims("\n".join(lines), "month")) == []
