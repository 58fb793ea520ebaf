"""What a person may ask of a running desk, and what comes of it."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import desk_process
import msgspec
import numpy as np
import paper_runs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_tape import GTC, LINEAR, MS, SELL, depth, order, replies, venues
from venue_tape import S as SECOND

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind, Reason
from crossbook.desk.control import ControlFolder, Request, ask, check_direction, is_alive, scope_name, scope_of
from crossbook.desk.operator import Operator
from crossbook.desk.replay import Replay
from crossbook.errors import Refused
from crossbook.events import WISH_FLATTEN, WISH_LEVEL, EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, TEXT_TAG, decode_event, decode_out, decode_text, kind_of
from crossbook.ledger.ledger import Ledger
from crossbook.report.prove import prove_run
from crossbook.rules.layout import OUT
from crossbook.types import Level, Scope

DESK = int(Scope.DESK)
ACTIVE, CLOSE_ONLY, KILLED = int(Level.ACTIVE), int(Level.CLOSE_ONLY), int(Level.KILLED)
FRAMES = len(paper_runs.market().starts) - 1
SPEED = "4"


def outs(told: list[bytes], *kinds: OutKind) -> list[tuple[int, object]]:
    """The answers of these kinds with their place in the journal."""
    return [(n, decode_out(p)) for n, p in enumerate(told) if p[0] == OUT_TAG and kind_of(p) in kinds]


# -- the desk's side, in this process ---------------------------------------------------------------------------------


@settings(max_examples=12)
@given(frames=st.integers(1, FRAMES * 7 // 10))
def test_a_killed_desk_cancels_mends_and_has_it_proved(frames: int) -> None:
    """Whenever it is killed: at once cancel everything, open nothing, and once nothing is out and nothing unhedged ask
    every venue, which reports no open order."""
    with tempfile.TemporaryDirectory() as folder:
        told = paper_runs.asked(Path(folder), [(frames, DESK, 0, KILLED, WISH_LEVEL)])
    killed = next(n for n, row in outs(told, OutKind.TRANSITION) if row.lots == KILLED)
    canceled = [row.venue for n, row in outs(told, OutKind.CANCEL_ALL)]
    queried = [row.venue for n, row in outs(told, OutKind.QUERY)]
    assert canceled == queried == [1, 3]
    assert all(n > killed for n, _ in outs(told, OutKind.CANCEL_ALL, OutKind.QUERY))
    proofs = outs(told, OutKind.PROVED)
    assert [(row.value, row.limit) for _, row in proofs] == [(0, 0)]
    for n, row in outs(told, OutKind.SUBMIT_ORDER):
        assert n < killed or row.flags & (FLAG_CLOSING | FLAG_HEDGE), "a killed desk opens nothing"
    reports = [kind_of(p) for p in told[: proofs[0][0]] if p[0] == EVENT_TAG and decode_event(p).kind in range(40, 42)]
    assert reports.count(EventKind.ORDER_REPORT) == 2
    assert not outs(told, OutKind.BREAK)


def test_flatten_closes_what_is_open_and_opens_nothing(tmp_path: Path) -> None:
    told = paper_runs.asked(tmp_path, [(FRAMES // 2, DESK, 0, CLOSE_ONLY, WISH_FLATTEN)])
    asked = next(n for n, payload in enumerate(told) if payload[0] == TEXT_TAG)
    closing = [row for n, row in outs(told, OutKind.INTENT) if n > asked]
    assert closing and all(row.reason != Reason.ENTRY for row in closing)
    ledger = Ledger.of(told)
    assert any(cell.lots for cell in Ledger.of(told[:asked]).cells.values())
    assert not any(cell.lots for cell in ledger.cells.values())


def test_killed_goes_to_close_only_and_no_further(tmp_path: Path) -> None:
    """By the kernel, whoever asks."""
    told = paper_runs.asked(tmp_path, [(500, DESK, 0, KILLED, WISH_LEVEL), (3000, DESK, 0, ACTIVE, WISH_LEVEL)])
    assert [row.lots for _, row in outs(told, OutKind.TRANSITION)] == [KILLED]
    assert [row.reason for _, row in outs(told, OutKind.ALERT)] == [Reason.RAISE_FORBIDDEN]


@pytest.mark.parametrize(
    ("wish", "present", "level", "why"),
    [
        ("raise", KILLED, ACTIVE, "raise it to CLOSE_ONLY first"),
        ("raise", ACTIVE, ACTIVE, "is no raise"),
        ("raise", CLOSE_ONLY, KILLED, "is no raise"),
        ("lower", CLOSE_ONLY, ACTIVE, "is not lower"),
        ("lower", KILLED, KILLED, "is not lower"),
    ],
)
def test_a_request_in_the_wrong_direction_is_refused(wish: str, present: int, level: int, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_direction(Request(wish=wish, reason="x"), present, level)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["desk", "venue:hyperliquid", "instrument:binance_usdm:ETHUSDT", "strategy:v0"])
def test_a_scope_reads_as_it_is_written(text: str) -> None:
    declaration = paper_runs.bundle(5).declaration
    assert scope_name(*scope_of(text, declaration), declaration) == text


@pytest.mark.parametrize(
    "text", ["", "desk:1", "v0", "strategy:", "strategy:v7", "venue:binance_coinm", "instrument:BTCUSDT", "venue"]
)
def test_a_scope_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="scope"):
        scope_of(text, paper_runs.bundle(5).declaration)


def test_a_request_is_taken_once_and_rubbish_never(tmp_path: Path) -> None:
    """A request that the journal knows is only answered again; a file that is none is put aside with the reason."""
    said: list[str] = []
    control = ControlFolder(tmp_path)
    request = msgspec.json.encode(Request(wish="lower", level="CLOSE_ONLY", reason="why not"))
    with paper_runs.JournalWriter(tmp_path / "journal") as journal:
        replay = Replay(paper_runs.bundle(5), journal)
        replay.begin()
        operator = Operator(replay, control, said.append)
        for name, content in (("1", request), ("2", b"{"), ("3", b'{"wish":"lower","reason":"x","level":"DEAD"}')):
            (control.folder / f"{name}.json").write_bytes(content)
        (control.folder / "4.json").write_bytes(b" " * 20_000)
        (control.folder / "5.part").write_bytes(request)
        (control.folder / "6.json").mkdir()
        operator.listen(0)
        (control.folder / "1.json").write_bytes(request)
        time.sleep(0.03)
        operator.listen(0)
        replay.finish()
    outcomes = {
        path.stem: msgspec.json.decode(path.read_bytes())["outcome"] for path in (control.folder / "done").glob("*")
    }
    assert {name: outcome["ok"] for name, outcome in outcomes.items()} == {
        "1": True,
        "2": False,
        "3": False,
        "4": False,
    }
    assert outcomes["1"]["text"] == "desk: ACTIVE -> CLOSE_ONLY" and outcomes["1"]["request"] == 1
    assert len(said) == 3 and not any("\n" in line for line in said)
    texts = [decode_text(p) for p in paper_runs.entries(tmp_path) if p[0] == TEXT_TAG and b"request" in p]
    assert [(words["id"], words["reason"], words["frames"]) for words in texts] == [("1", "why not", 0)]
    assert is_alive(tmp_path)
    control.close()
    assert not is_alive(tmp_path)
    with pytest.raises(Refused, match="not running"):
        ask(tmp_path, Request(wish="lower", reason="x"))


@pytest.mark.jit_off
def test_a_venue_answers_a_query_with_positions_and_then_its_open_orders() -> None:
    calm = [depth(SECOND, LINEAR, [(600_000, 50)], [(600_001, 50)])]
    rests = order(2 * SECOND, LINEAR, SELL, 600_100, 7, 1, tif=GTC)
    takes = order(2 * SECOND, LINEAR, SELL, 600_000, 5, 2)
    query = np.zeros(1, OUT)
    query["kind"], query["ts"], query["venue"] = OutKind.QUERY, 3 * SECOND, 1
    rows = replies(venues(calm), 9 * SECOND, [rests, takes, query])[-2:]
    assert rows["kind"].tolist() == [EventKind.POSITION_REPORT, EventKind.ORDER_REPORT]
    assert rows["lots"].tolist() == [-5, 1]
    assert rows["venue"].tolist() == [1, 1] and rows["instrument"].tolist() == [LINEAR, -1]
    assert rows["ts"].tolist() == [3 * SECOND + 3 * MS // 2] * 2


# -- a desk in a process of its own -----------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A paper desk that trades a minute of market at four times its pace, and its folder."""
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 60)
    process = desk_process.start("paper", config, "--tape", tape, "--speed", SPEED, "--runs", tmp_path / "runs")
    try:
        yield process, desk_process.wait_alive(tmp_path / "runs", process)
    finally:
        process.kill()
        process.communicate()


def test_levels_are_lowered_and_raised_from_the_command_line(desk: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = desk
    runs = ("--runs", folder.parent)
    lowered = desk_process.crossbook("level", "last", "lower", "strategy:v0", "KILLED", "--reason", "it loses", *runs)
    assert (lowered.returncode, lowered.stdout, lowered.stderr) == (0, "strategy:v0: ACTIVE -> KILLED\n", "")
    wrong = desk_process.crossbook("level", folder.name, "raise", "strategy:v0", "ACTIVE", "--reason", "x", *runs)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and "raise it to CLOSE_ONLY first" in wrong.stderr
    began = time.monotonic()
    killed = ask(folder, Request(wish="lower", level="KILLED", reason="enough", who="tester"))
    assert killed.ok and killed.text == "desk: ACTIVE -> KILLED"
    assert time.monotonic() - began < 0.5, "read within 50 ms, on a machine that does other things too"
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "every residual is 0" in out and "PAPER" in out
    assert "stopped on request" in err and "proved at the venues: 0 open orders, orphan delta 0" in err
    assert prove_run(folder).ok
    facts = msgspec.json.decode((folder / "run.json").read_bytes())
    assert facts["mode"] == "paper" and [words["reason"] for words in facts["requests"]] == ["it loses", "enough"]
    assert facts["complete"] is False and f"crossbook paper --resume {folder.name}" in out
    stopped = msgspec.json.decode(desk_process.crossbook("status", folder.name, "--json", *runs).stdout)
    assert stopped["stopped_at"] == facts["stopped_at"] and not stopped["alive"]
    ended = desk_process.crossbook("paper", "--resume", folder.name, "--finish", "--json", *runs)
    assert ended.returncode == 0, ended.stderr
    facts = msgspec.json.decode((folder / "run.json").read_bytes())
    assert facts["complete"] is True and "stopped_at" not in facts and prove_run(folder).ok
    again = desk_process.crossbook("paper", "--resume", folder.name, *runs)
    assert again.returncode == 2 and "has ended" in again.stderr
    late = desk_process.crossbook("level", "last", "lower", "desk", "CLOSE_ONLY", "--reason", "x", *runs)
    assert late.returncode == 2 and late.stderr.count("\n") == 1 and "is not running" in late.stderr


def test_flattening_wants_the_run_written_out(desk: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = desk
    runs = ("--runs", folder.parent)
    unsure = desk_process.crossbook("flatten", "last", "--confirm", "last", "--reason", "x", *runs)
    assert unsure.returncode == 2 and unsure.stderr.count("\n") == 1 and folder.name in unsure.stderr
    sure = desk_process.crossbook("flatten", "last", "--confirm", folder.name, "--reason", "x", *runs, "--json")
    answer = msgspec.json.decode(sure.stdout)
    assert sure.returncode == 0 and answer["outcome"]["transitions"][0]["new"] == "CLOSE_ONLY"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("paper",), "which configuration"),
        (("paper", "CONFIG"), "--tape is missing"),
        (("paper", "CONFIG", "--tape", "nowhere"), "nowhere"),
        (("paper", "CONFIG", "--tape", "nowhere", "--speed", "0"), "--speed 0 must be above 0"),
        (("paper", "CONFIG", "--resume", "last"), "give neither"),
        (("paper", "CONFIG", "--finish"), "paper --resume RUN --finish"),
        (("paper", "--resume", "nothing"), "no run 'nothing'"),
        (("level", "nothing", "lower", "desk", "KILLED", "--reason", "x"), "no run 'nothing'"),
        (("level", "nothing", "up", "desk", "KILLED", "--reason", "x"), "neither raise nor lower"),
        (("flatten", "nothing", "--reason", "x"), "no run 'nothing'"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: tuple[str, ...], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib

    from crossbook.cli import COMMANDS
    from crossbook.cli.call import call

    words = [str(paper_runs.config_file(tmp_path)) if word == "CONFIG" else word for word in arguments[1:]]
    with pytest.raises(SystemExit) as left:
        call(importlib.import_module(COMMANDS[arguments[0]][0]).app, f"crossbook {arguments[0]}", words)
    said = capsys.readouterr()
    assert left.value.code == 2 and said.err.count("\n") == 1 and why in said.err and not said.out
