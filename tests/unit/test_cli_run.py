"""The commands that run the desk, by example: what they print where, how they end, and what they refuse in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import desk_material as make
import pytest
from desk_material import DOLLAR, SPOT, USDM

from crossbook.cli import COMMANDS, main
from crossbook.desk.journal import read_journal
from crossbook.events import EventKind
from crossbook.ledger.entries import kind_of
from crossbook.report.prove import prove_run
from crossbook.risk.limits import NOT_WIRED
from crossbook.tape.tape import Tape, write_tape

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossbook.tape.tape.cache_root", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call `crossbook WORDS...` in this process: (exit code, standard output, standard error)."""

    def calling(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crossbook", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return calling


def keep(folder: Path, tape: Tape) -> Path:
    write_tape(folder, tape.rows, tape.manifest)
    return folder


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A configuration and a tape as files."""
    config = tmp_path / "mine.toml"
    config.write_text(make.CONFIG)
    return config, keep(tmp_path / "tape", make.wandering(5, 300))


def refused(result: tuple[int, str, str]) -> str:
    """The one line on standard error of a refusal."""
    code, out, err = result
    assert (code, out, err.count("\n")) == (2, "", 1), result
    assert err.startswith("crossbook: ")
    return err


def check_summary(summary: dict[str, Any], strategies: set[str]) -> None:
    """What every run answers to `--json`."""
    assert summary.keys() >= {
        "run", "events", "events_per_s", "journal_sha256", "strategies", "metrics", "not_traded", "controls_off",
    }  # fmt: skip
    assert isinstance(summary["events"], int) and summary["events_per_s"] > 0
    assert len(summary["journal_sha256"]) == 64
    assert summary["strategies"].keys() == strategies
    for row in summary["strategies"].values():
        assert row.keys() >= {"level", "pnl", "round_trips", "wins", "orders", "fills", "fill_rate"}
    for name in ("nav", "pnl.total", "orders", "fills", "round_trips", "win_rate", "sharpe", "drawdown.max"):
        assert summary["metrics"][name].keys() >= {"value", "unit", "n", "window", "residual"}
    exact = {name: one["residual"] for name, one in summary["metrics"].items() if one["residual"] is not None}
    assert set(map(repr, exact.values())) == {"0"}  # the number 0, not 0.0 and no string


def test_backtest_says_one_object_and_the_run_can_be_proved(call: Call, files: tuple[Path, Path]) -> None:
    config, tape = files
    code, out, err = call("backtest", config, "--tape", tape, "--json")
    assert (code, err) == (0, "") and out.count("\n") == 1
    summary = json.loads(out)
    check_summary(summary, {"v0", "v1"})
    assert summary["not_traded"] == [] and summary["controls_off"] == [*NOT_WIRED] and summary["physics"] is False
    assert summary["metrics"]["pnl.total.v0"]["value"] == summary["strategies"]["v0"]["pnl"]
    assert summary["strategies"]["v0"]["orders"] + summary["strategies"]["v1"]["orders"] >= 20
    again = json.loads(call("backtest", config, "--tape", tape, "--json")[1])
    same = summary.keys() - {"run", "events_per_s", "metrics"}
    assert {key: again[key] for key in same} == {key: summary[key] for key in same}
    assert again["run"] != summary["run"]

    code, out, _ = call("prove", summary["run"], "--json")
    proof = json.loads(out)
    assert code == 0 and proof["ok"] is True
    assert proof["metrics"].keys() >= summary["metrics"].keys()
    code, out, _ = call("status", "last", "--json")
    told = json.loads(out)
    assert code == 0 and told["run"] == again["run"] and told["strategies"] == again["strategies"]
    code, out, _ = call("status", "--json")
    assert json.loads(out) == {"runs": sorted([summary["run"], again["run"]])}


def test_for_people_the_summary_ends_with_the_proof(call: Call, files: tuple[Path, Path]) -> None:
    config, tape = files
    code, out, err = call("backtest", config, "--tape", tape)
    assert code == 0 and err == ""
    for word in ("v0", "v1", "total", "crossbook prove", "residual"):
        assert word in out
    code, out, _ = call("prove", "last")
    assert code == 0 and "marks on the tape" in out


def test_status_says_whose_money_it_is_and_no_pace_that_nobody_measured(
    call: Call, files: tuple[Path, Path], tmp_path: Path
) -> None:
    config, tape = files
    run = tmp_path / "runs" / json.loads(call("backtest", config, "--tape", tape, "--json")[1])["run"] / "run.json"
    facts = json.loads(run.read_text())
    assert "simulated venues, no real money" in call("status", "last")[1]
    of_live = {"word": "live", "mode": "live", "events_per_s": None}
    for environment, told in (("local", "venues served on this machine"), ("testnet", "test networks")):
        run.write_text(json.dumps(facts | of_live | {"environment": environment}))
        code, out, _ = call("status", "last")
        assert code == 0 and f" LIVE  {told}, no real money" in out and "simulated venues" not in out
        assert f"{facts['events']:,} events   journal" in out and "a second" not in out
    begun = {key: facts[key] for key in ("run", "not_traded")} | {"word": "live", "mode": "live"}
    run.write_text(json.dumps(begun | {"environment": "local"}))
    assert f"cut off, crossbook live --resume {facts['run']} goes on with it" in call("status", "last")[1]


def test_physics_stands_on_every_output(call: Call, files: tuple[Path, Path]) -> None:
    config, tape = files
    config.write_text('physics = true\ncontrols_off = ["C13"]\n' + make.CONFIG)
    summary = json.loads(call("backtest", config, "--tape", tape, "--json")[1])
    assert summary["physics"] is True and summary["controls_off"] == ["C13", *NOT_WIRED]
    for words in (("backtest", config, "--tape", tape), ("prove", "last"), ("status", "last")):
        code, out, _ = call(*words)
        assert code == 0 and "PHYSICS" in out and "C13" in out


def test_what_the_tape_lacks_is_a_warning_or_with_strict_an_error(call: Call, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text(make.CONFIG)
    tape = keep(tmp_path / "short", make.tape_of(make.opening(), kept=(SPOT, USDM, DOLLAR)))
    code, out, err = call("backtest", config, "--tape", tape, "--json")
    assert code == 0 and json.loads(out)["not_traded"] == ["hyperliquid:BTC"]
    assert err == "warning: hyperliquid:BTC is not on the tape; its pairs are not traded\n"
    said = refused(call("backtest", config, "--tape", tape, "--strict"))
    assert said.startswith("crossbook: --strict: the tape has no hyperliquid:BTC; it has ")
    config.write_text(make.CONFIG.replace("binance_usdm:BTCUSDT", "binance_usdm:ETHUSDT"))
    said = refused(call("backtest", config, "--tape", tape))
    assert "no configured pair is on the tape: it lacks binance_usdm:ETHUSDT" in said


def test_refusals_are_one_line(call: Call, files: tuple[Path, Path], tmp_path: Path) -> None:
    config, tape = files
    said = refused(call("backtest", config, "--tape", tmp_path / "nowhere"))
    assert said.endswith("nowhere is no tape (no manifest.json): make one with crossbook tape import\n")
    said = refused(call("backtest", tmp_path / "none.toml", "--tape", tape))
    assert "no configuration at" in said and "configs/" in said
    config.write_text(make.CONFIG.replace("hold_s_max", "hold_ms_max"))
    said = refused(call("backtest", config, "--tape", tape))
    assert "unknown key 'strategies.v1.hold_ms_max'; did you mean hold_s_max?" in said
    for words in (("prove", "last"), ("status", "last")):
        assert "there is no run under runs/ yet; `crossbook demo` makes one" in refused(call(*words))
    assert "no run 'gone'" in refused(call("prove", "gone"))
    assert "--minutes 0 must be above 0" in refused(call("demo", "--minutes", "0"))
    assert "--speed nan must be above 0" in refused(call("demo", "--speed", "nan"))
    assert not (tmp_path / "runs").exists()


def test_an_unknown_command_is_asked_back(call: Call) -> None:
    assert refused(call("backtset")) == "crossbook: no command 'backtset'; did you mean backtest?\n"
    said = refused(call("zzz"))
    assert all(name in said for name in COMMANDS)


def test_help_and_version(call: Call) -> None:
    for words in ((), ("--help",), ("-h",)):
        code, out, err = call(*words)
        assert (code, err) == (0, "") and all(name in out for name in COMMANDS)
    assert call("--version")[1].startswith("crossbook ")
    for name in COMMANDS:
        code, out, _ = call(name, "--help")
        assert code == 0 and "Usage: crossbook" in out


def test_a_flipped_byte_is_found_by_prove(call: Call, files: tuple[Path, Path], tmp_path: Path) -> None:
    config, tape = files
    run = json.loads(call("backtest", config, "--tape", tape, "--json")[1])["run"]
    segment = tmp_path / "runs" / run / "journal" / "000001.seg"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    said = refused(call("prove", run))
    assert "000001.seg offset" in said and "is damaged" in said


def test_a_figure_that_was_shown_otherwise_fails_the_proof(
    call: Call, files: tuple[Path, Path], tmp_path: Path
) -> None:
    config, tape = files
    run = json.loads(call("backtest", config, "--tape", tape, "--json")[1])["run"]
    path = tmp_path / "runs" / run / "run.json"
    facts = json.loads(path.read_text())
    facts["figures"]["fills"]["value"] += 1
    path.write_text(json.dumps(facts))
    code, out, _ = call("prove", run, "--json")
    proof = json.loads(out)
    assert (code, proof["ok"], proof["metrics"]["fills"]["residual"]) == (1, False, 1)


def start(*words: str | Path, cwd: Path) -> subprocess.Popen[str]:
    code = "from crossbook.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(CONFIGS.parent / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_an_interrupted_demo_ends_cleanly_and_proves(tmp_path: Path) -> None:
    words = ("demo", "--headless", "--json", "--minutes", "40", "--config", CONFIGS / "desk.toml")
    with start(*words, cwd=tmp_path) as process:
        try:
            wait_for(lambda: running(tmp_path), process)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    summary = json.loads(out)
    check_summary(summary, {"v0", "v1", "v2"})
    assert "stopped on request; the journal is complete up to here" in err
    folder = tmp_path / "runs" / summary["run"]
    kinds = [kind_of(payload) for _, payload in read_journal(folder / "journal") if payload[:1] != b"D"]
    assert kinds.count(EventKind.RUN_STOPPED) == 1
    proof = prove_run(folder)
    assert proof.ok, proof.sentence()
    assert proof.figures["marks.unexplained"].value == 0 < proof.figures["marks.unexplained"].n


def running(folder: Path) -> bool:
    """Whether a run has journalled more than its opening: some 200 entries."""
    for segment in folder.glob("runs/*/journal/000001.seg"):
        with segment.open("rb") as file:
            file.seek(20_000)
            return any(file.read(200))
    return False


def wait_for(seen: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if seen():
            return
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.05)
    raise AssertionError("the run did not begin")


def test_a_full_disk_is_said_so_and_leaves_the_run_readable(tmp_path: Path) -> None:
    """No room for the journal's segments: one line, exit 2."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
    code += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from crossbook.cli import main; main()"
    config = tmp_path / "mine.toml"
    config.write_text(make.CONFIG)
    tape = keep(tmp_path / "tape", make.tape_of(make.opening()))
    environment = os.environ | {"PYTHONPATH": str(CONFIGS.parent / "src")}
    told = subprocess.run(
        [sys.executable, "-c", code, "backtest", str(config), "--tape", str(tape), "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1), told.stderr
    assert "cannot reserve" in told.stderr and "free space on that disk" in told.stderr
