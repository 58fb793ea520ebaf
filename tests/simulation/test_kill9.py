"""A paper desk is killed at random moments, again and again, and nothing is lost or doubled.

`python tests/simulation/test_kill9.py 50` is the campaign of as many kills; the test does a few.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import desk_process
import msgspec
import paper_runs

from crossbook.desk.restart import story_of
from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, decode_event, kind_of
from crossbook.report.prove import prove_run

KILLS = 6
SEED = 9
SECONDS_A_KILL = 4
"""Of the market, on the tape."""
SPEED = 5


def campaign(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Run a desk over a tape in processes that are killed at random moments: while they begin, while they do the past
    again, while they trade. Says where they were killed. Fails unless the journal, marks of restarts aside, is that of
    a run never interrupted, and the run is proved."""
    chance = random.Random(seed)
    seconds = max(20, SECONDS_A_KILL * kills)
    config, tape = paper_runs.config_file(folder), paper_runs.tape_folder(folder, seconds)
    arguments = ["paper", str(config), "--tape", str(tape), "--speed", str(SPEED), "--runs", str(folder / "runs")]
    process = desk_process.start(*arguments)
    run = desk_process.wait_alive(folder / "runs", process)
    hit: Counter[str] = Counter()
    for _ in range(kills):
        begun = story_of(run / "journal").entries
        if chance.random() < 0.7:
            _wait_for_more(run, begun, process)
            time.sleep(chance.uniform(0, 0.3))
        else:
            time.sleep(chance.uniform(0, 1))
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        hit["while it traded" if story_of(run / "journal").entries > begun else "before it wrote"] += 1
        process = desk_process.start(*_again(arguments, run))
    process.kill()
    process.communicate()
    last = desk_process.crossbook("paper", "--resume", run.name, "--flat-out", "--runs", folder / "runs", "--json")
    assert last.returncode == 0, last.stderr
    whole = folder / "whole"
    assert paper_runs.lasting(run) == paper_runs.backtest(whole, seconds)
    assert not _twice(run), "a fill was booked twice"
    assert prove_run(run).ok
    assert msgspec.json.decode(last.stdout)["restarts"] == story_of(run / "journal").restarts
    hit["marks of restarts"] = story_of(run / "journal").restarts
    hit["entries"] = story_of(run / "journal").entries
    return hit


def _wait_for_more(run: Path, entries: int, process: subprocess.Popen[str]) -> None:
    """Until the run has written something new."""
    patience = time.monotonic() + 60
    while story_of(run / "journal").entries <= entries:
        assert process.poll() is None and time.monotonic() < patience, process.communicate()
        time.sleep(0.01)


def _again(arguments: list[str], run: Path) -> list[str]:
    return ["paper", "--resume", run.name, *arguments[4:]]


def _twice(run: Path) -> list[tuple[int, int]]:
    """Fills that the journal holds more than once."""
    fills: Counter[tuple[int, int]] = Counter()
    for payload in paper_runs.entries(run):
        if payload[0] == EVENT_TAG and kind_of(payload) == EventKind.ORDER_FILLED:
            row = decode_event(payload)
            fills[row.venue, row.id2] += 1
    return [fill for fill, count in fills.items() if count > 1]


def test_a_killed_desk_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    hit = campaign(tmp_path, KILLS, SEED)
    assert hit["while it traded"] > 0 and hit["marks of restarts"] > 0


def test_a_desk_that_was_stopped_goes_on_and_may_be_killed(tmp_path: Path) -> None:
    """Ctrl-C, then on, then SIGTERM, then on, then `kill -9`, then on to the end: the journal of a backtest."""
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 30)
    runs = tmp_path / "runs"
    arguments = ["--speed", str(SPEED), "--runs", str(runs)]
    process = desk_process.start("paper", config, "--tape", tape, *arguments, "--json")
    run = desk_process.wait_alive(runs, process)
    for number in (signal.SIGINT, signal.SIGTERM):
        _wait_for_more(run, story_of(run / "journal").entries, process)
        process.send_signal(number)
        summary, err = process.communicate(timeout=60)
        assert process.returncode == 0 and "goes on" in err, err
        assert msgspec.json.decode(summary)["complete"] is False and prove_run(run).ok
        process = desk_process.start("paper", "--resume", run.name, *arguments, "--json")
        desk_process.wait_alive(runs, process)
    _wait_for_more(run, story_of(run / "journal").entries, process)
    process.kill()
    process.communicate()
    assert prove_run(run).ok, "what the stop showed is no longer claimed"
    last = desk_process.crossbook("paper", "--resume", run.name, "--flat-out", "--runs", runs, "--json")
    assert last.returncode == 0, last.stderr
    assert paper_runs.lasting(run) == paper_runs.backtest(tmp_path / "whole", 30)
    assert not _twice(run) and prove_run(run).ok and msgspec.json.decode(last.stdout)["complete"] is True


def test_only_one_process_runs_a_desk(tmp_path: Path) -> None:
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 20)
    process = desk_process.start("paper", config, "--tape", tape, "--speed", 2, "--runs", tmp_path / "runs")
    try:
        run = desk_process.wait_alive(tmp_path / "runs", process)
        second = desk_process.crossbook("paper", "--resume", run.name, "--runs", tmp_path / "runs")
        assert second.returncode == 2 and second.stderr.count("\n") == 1
        assert "another process is writing it" in second.stderr
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """The campaign: how many kills, and the seed."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        hit = campaign(Path(folder), kills, seed)
    told = ", ".join(f"{count} {what}" for what, count in hit.items())
    seconds = time.monotonic() - began
    sys.stdout.write(f"{kills} kills (seed {seed}) in {seconds:.0f} s: {told}; nothing lost, nothing doubled\n")


if __name__ == "__main__":
    main()
