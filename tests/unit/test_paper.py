"""Paper trading is a backtest that takes its time; stopped or cut off, it goes on as if it had not been."""

import tempfile
from pathlib import Path

import paper_runs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import OutKind
from crossbook.desk.journal import JournalWriter
from crossbook.desk.replay import Replay
from crossbook.errors import Corrupt
from crossbook.events import WISH_FLATTEN, WISH_LEVEL, EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, TEXT_TAG, decode_text, encode_text, kind_of
from crossbook.ledger.ledger import Ledger
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Level, Scope

CLOSE_ONLY, ACTIVE, KILLED = int(Level.CLOSE_ONLY), int(Level.ACTIVE), int(Level.KILLED)
REQUESTS = (
    (900, int(Scope.STRATEGY), 0, CLOSE_ONLY, WISH_LEVEL),
    (1700, int(Scope.STRATEGY), 0, ACTIVE, WISH_LEVEL),
    (2400, int(Scope.DESK), 0, KILLED, WISH_LEVEL),
    (3600, int(Scope.DESK), 0, CLOSE_ONLY, WISH_LEVEL),
    (3900, int(Scope.DESK), 0, CLOSE_ONLY, WISH_FLATTEN),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    assert sum(payload[0] == OUT_TAG for payload in paper_runs.backtest(folder)) > 200
    return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs in which a person asked for the first none, one, two, ... of REQUESTS."""
    folders = [tmp_path_factory.mktemp(f"asked-{n}") for n in range(len(REQUESTS) + 1)]
    for n, folder in enumerate(folders):
        told = paper_runs.asked(folder, REQUESTS[:n])
        assert sum(payload[0] == TEXT_TAG for payload in told) == n
    assert sum(payload[0] == OUT_TAG and kind_of(payload) == OutKind.TRANSITION for payload in told) >= 4
    return folders


@pytest.fixture(scope="module")
def asked(known: list[Path]) -> Path:
    """The run in which a person asked for all of them."""
    return known[-1]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was ended before the tape's end."""
    folder = tmp_path_factory.mktemp("stopped")
    paper_runs.asked(folder, REQUESTS[:1], stop_after=1500)
    return folder


def said_in_words(folder: Path) -> list[str]:
    """What kinds of texts a journal holds."""
    texts = (decode_text(payload) for payload in paper_runs.entries(folder) if payload[0] == TEXT_TAG)
    return ["stop" if "stop" in words else "restart" if "restart" in words else "request" for words in texts]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1500 * NS_PER_MS), st.integers(1, 700)), min_size=1, max_size=40))
def test_the_way_may_be_cut_up_as_one_likes(pieces: list[tuple[int, int]]) -> None:
    """Entries do not depend on how far the market's time is let on at once, nor on how many frames."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        with JournalWriter(Path(one) / "journal", segment_bytes=1 << 20) as journal:
            replay = Replay(paper_runs.bundle(5), journal)
            replay.begin()
            until = replay.moment
            while not replay.at_end:
                for span, most in pieces:
                    until += span
                    if not replay.at_end:
                        replay.advance(until, most)
                until += NS_PER_MS
            replay.finish()
        assert paper_runs.entries(Path(one)) == paper_runs.backtest(Path(other), 5)


@pytest.mark.parametrize("speed", [None, 30.0])
def test_paper_writes_the_journal_of_a_backtest(speed: float | None, whole: Path, tmp_path: Path) -> None:
    paper = paper_runs.resume(tmp_path, speed)
    assert not paper.stopped and paper.replay.at_end
    assert paper_runs.entries(tmp_path) == paper_runs.entries(whole)


@settings(max_examples=12)
@given(at=st.floats(0, 1), again=st.floats(0, 1))
def test_a_run_cut_off_anywhere_goes_on_as_if_it_had_not_been(known: list[Path], at: float, again: float) -> None:
    """Twice: amid a record, amid the entries of one step, between a request's words and its event. A request whose
    words were not yet whole in the journal was never made."""
    with tempfile.TemporaryDirectory() as scratch:
        before = known[-1]
        for name, part in (("first", at), ("second", again)):
            run = Path(scratch) / name
            paper_runs.cut(before, run, part)
            made = said_in_words(run).count("request") if paper_runs.begun(run) else 0
            paper_runs.resume(run)
            assert paper_runs.lasting(run) == paper_runs.entries(known[made])
            before = run


@settings(max_examples=6)
@given(after=st.lists(st.integers(1, 900), min_size=1, max_size=3), at=st.floats(0, 1))
def test_a_run_stopped_again_and_again_is_the_one_never_stopped(whole: Path, after: list[int], at: float) -> None:
    """A stop writes nothing: what is there is the beginning of the whole run, and it can be gone on with; also where
    the process that goes on is killed."""
    with tempfile.TemporaryDirectory() as scratch:
        run, again = Path(scratch) / "run", Path(scratch) / "again"
        told = paper_runs.entries(whole)
        for more in after:
            paper = paper_runs.stop(run, more)
            found = paper_runs.lasting(run)
            assert found == told[: len(found)] and set(said_in_words(run)) <= {"restart"}
            assert paper.stopped == (not paper.replay.progress.ended) == (len(found) < len(told))
        paper_runs.cut(run, again, at)
        for folder in (run, again):
            assert paper_runs.resume(folder).replay.at_end
            assert paper_runs.lasting(folder) == told


@settings(max_examples=4)
@given(at=st.floats(0, 1), more=st.integers(1, 400))
def test_what_a_person_asked_stands_through_a_stop(known: list[Path], at: float, more: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        paper_runs.cut(known[-1], run, at)
        made = said_in_words(run).count("request") if paper_runs.begun(run) else 0
        paper_runs.stop(run, more)
        paper_runs.resume(run)
        assert paper_runs.lasting(run) == paper_runs.entries(known[made])


def test_a_stopped_run_may_be_ended_where_it_stands(tmp_path: Path) -> None:
    assert paper_runs.stop(tmp_path, 300).stopped
    before = paper_runs.lasting(tmp_path)
    paper = paper_runs.resume(tmp_path, finish=True)
    told = paper_runs.lasting(tmp_path)
    assert paper.replay.progress.ended and not paper.stopped and not paper.replay.at_end
    assert told[: len(before)] == before and said_in_words(tmp_path) == ["restart", "stop"]
    ends = [
        kind_of(payload) for payload in told if payload[0] == EVENT_TAG and kind_of(payload) == EventKind.RUN_STOPPED
    ]
    assert len(ends) == 1
    assert paper_runs.resume(tmp_path).replay.progress.ended
    assert paper_runs.lasting(tmp_path) == told, "what has ended stays as it is"


@settings(max_examples=8)
@given(at=st.floats(0.9, 1))
def test_a_run_cut_off_while_it_is_ended_still_ends_there(known: list[Path], stopped: Path, at: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        paper_runs.cut(stopped, run, at)
        ends = "stop" in said_in_words(run)
        paper_runs.resume(run)
        assert paper_runs.lasting(run) == paper_runs.entries(stopped if ends else known[1])


def test_alerts_are_those_of_the_whole_run(asked: Path, tmp_path: Path) -> None:
    said: list[str] = []
    paper_runs.cut(asked, tmp_path / "run", 1)
    paper_runs.resume(tmp_path / "run", say=said.append)
    lines = (tmp_path / "run" / "alerts.log").read_text().splitlines()
    assert [line for line in lines if "request 3 of tester: lower desk to KILLED (a test)" in line]
    assert [line for line in lines if "level desk: ACTIVE -> KILLED: operator (request 3)" in line]
    assert len(said) == 1, "what was alerted before is not said again"


@pytest.mark.parametrize("part", [0.2, 0.8])
def test_an_entry_that_does_not_come_again_is_named_and_nothing_written(
    asked: Path, tmp_path: Path, part: float
) -> None:
    told = paper_runs.entries(asked)
    number = next(n for n in range(int(part * len(told)), len(told)) if told[n][0] == OUT_TAG)
    told[number] = told[number][:20] + bytes([told[number][20] ^ 1]) + told[number][21:]
    with JournalWriter(tmp_path / "journal") as journal:
        for payload in told[: number + 50]:
            journal.append(payload)
    before = paper_runs.entries(tmp_path)
    with pytest.raises(Corrupt, match=f"entry {number + 1} does not come again"):
        paper_runs.resume(tmp_path)
    assert paper_runs.entries(tmp_path) == before


def test_a_journal_that_goes_on_where_the_run_would_not_is_refused(whole: Path, tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "journal") as journal:
        for payload in paper_runs.entries(whole)[:100]:
            journal.append(payload)
        journal.append(encode_text({"stop": "asked to", "frames": 1, "ts": 0}))
    with pytest.raises(Corrupt, match="does not come again"):
        paper_runs.resume(tmp_path)


def test_what_was_said_in_words_changes_no_figure(whole: Path) -> None:
    told = paper_runs.entries(whole)
    with_words = [told[0], encode_text({"restart": 1}), *told[1:], encode_text({"request": 1, "reason": "x" * 60})]
    assert Ledger.of(with_words).digest() == Ledger.of(told).digest()
    assert Ledger.of(with_words).nav() == Ledger.of(told).nav()
