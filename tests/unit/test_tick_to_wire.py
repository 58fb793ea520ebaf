"""The arithmetic of `benchmarks/tick_to_wire.py`: percentiles, ratios, verdicts, and the row of an absent peer.

Nothing is timed here.
"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    """`benchmarks/tick_to_wire.py` as it is imported there."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        specification = importlib.util.spec_from_file_location("tick_to_wire_script", BENCHMARKS / "tick_to_wire.py")
        module = importlib.util.module_from_spec(specification)
        sys.modules[specification.name] = module
        specification.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("tick_to_wire_script", None)


@pytest.fixture(scope="module")
def rows(bench):
    return importlib.import_module("tick_to_wire.rows")


OURS = [40_000] * 100


def test_a_row_has_percentiles_and_the_ratio_of_medians(rows):
    taken = [1_000 * n for n in range(1, 1_001)]
    row = rows.row_of(rows.Case("peer", "ours", 7), taken, OURS)
    assert (row["n"], row["p50_us"], row["p90_us"], row["p99_us"], row["p99.9_us"]) == (1_000, 501, 901, 991, 1_000)
    assert row["times_ours"] == 12.53 and row["asked"] == ">= 7x met"


@pytest.mark.parametrize(
    ("times", "target", "asked"),
    [(7, 7, ">= 7x met"), (6.99, 7, ">= 7x MISSED"), (3.5, 3.5, ">= 3.5x met"), (0.5, 3.5, ">= 3.5x MISSED")],
)
def test_a_peer_has_to_be_so_many_times_slower(rows, times, target, asked):
    row = rows.row_of(rows.Case("peer", "ours", target), [round(40_000 * times)] * 9, OURS)
    assert row["asked"] == asked


@pytest.mark.parametrize(("floor_ns", "asked"), [(20_000, "ours <= 3x: 2.00 met"), (10_000, "ours <= 3x: 4.00 MISSED")])
def test_we_may_be_so_many_times_slower_than_the_floor(rows, floor_ns, asked):
    row = rows.row_of(rows.Case("floor", "ours", -3), [floor_ns] * 9, OURS)
    assert row["asked"] == asked


@pytest.mark.parametrize("ours", [[], OURS, None])
def test_what_is_absent_has_no_figure_and_meets_nothing(rows, ours):
    row = rows.row_of(rows.Case("peer", "ours", 7), [], ours, "not installed")
    assert row == {"case": "peer", "note": "not installed"}


def test_without_our_own_row_nothing_is_met(rows):
    for target in (7, -3):
        row = rows.row_of(rows.Case("peer", "ours", target), [1_000] * 9, [])
        assert "met" not in row.get("asked", "") and "times_ours" not in row


def test_an_absent_peer_is_a_row_that_says_so(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSBOOK_PEERS", str(tmp_path))
    table = {client.case.name: client for client in bench.clients(None)}
    absent = {name for name, client in table.items() if client.command is None}
    assert absent == {name for name in table if " ours" not in name}
    assert table["BIN ccxt async"].why == "not installed"
    assert table["BIN C only, spin"].why == "not measured: no C compiler"
    assert bench.peer_signer("ccxt", "ccxt") is None


def test_an_environment_that_was_not_filled_counts_as_absent(bench, monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSBOOK_PEERS", str(tmp_path))
    (tmp_path / "ccxt" / "bin").mkdir(parents=True)
    (tmp_path / "ccxt" / "bin" / "python").touch()
    assert bench.python_of("ccxt") is None
    (tmp_path / "ccxt" / "made.txt").write_text("3.11.0\nccxt==1")
    assert bench.python_of("ccxt") is None


def test_signatures_are_compared_as_numbers(bench):
    one = {"r": "0x0a", "s": "0x1", "v": 27}
    assert bench.same(one, {"r": "0xa", "s": "0x01", "v": 27})
    assert not bench.same(one, {"r": "0xa", "s": "0x01", "v": 28})


def test_the_script_of_the_venue_names_its_texts(bench, tmp_path):
    script = bench.write_script(tmp_path, "0x" + "22" * 20, "hyperliquid", 2)
    lines = [line.split("\t") for line in script.read_text().splitlines()]
    assert lines[0] == ["legs", "2"]
    assert all(len(line) == 5 and Path(line[4]).is_file() for line in lines[1:])
    assert sum(line[0] == "fire" for line in lines) == 8 and sum(line[0] == "calm" for line in lines) == 1


@pytest.mark.skipif(not Path("/usr/bin/cc").exists(), reason="no C compiler")
def test_the_c_programs_compile_without_a_warning(bench, tmp_path):
    for name in ("venue", "floor"):
        source = BENCHMARKS / "tick_to_wire" / f"{name}.c"
        command = ["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / name), str(source)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
