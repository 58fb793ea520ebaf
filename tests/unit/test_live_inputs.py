"""What a live run hears is kept: frames come back as they were, damage is named, and a killed run's desk stands again
to the last byte, wherever it was cut off."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import paper_runs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.desk import keeping, live_resume
from crossbook.desk.desk_snapshot import Standing, latest_desk, snapshots, write_desk
from crossbook.desk.inputs import Inputs, last_chapter, read_frames
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.live import LiveDesk
from crossbook.desk.live_resume import Resumed, resume
from crossbook.desk.live_run import NOT_WIRED_PAPER
from crossbook.desk.wire_live import simulation_of, wire_live
from crossbook.errors import Corrupt, Refused
from crossbook.events import OperatorRequest, RunStopped
from crossbook.ledger.entries import encode_event
from crossbook.rules.kernel import KERNELS
from crossbook.rules.layout import DESK, EVENT, new_events
from crossbook.rules.rows import pack
from crossbook.sim.fed import FedVenues
from crossbook.sim.world import World
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue

CODE = "0123456789abcdef"
NO_DESK = bytes(DESK.itemsize)
SEGMENT = "000001.seg"


def frame(seed: int, rows: int) -> np.ndarray:
    made = new_events(rows)
    made.view(np.uint8)[:] = np.frombuffer(Random(seed).randbytes(rows * EVENT.itemsize), np.uint8)
    return made


def standing(sequence: int) -> Standing:
    return Standing(sequence=sequence, kernels=CODE)


def kept(folder: Path, chapters: list[list[int]]) -> list[bytes]:
    """Write frames of so many rows, by chapter, each behind its own number; their bytes."""
    inputs, frames = Inputs(folder, CODE), []
    for sizes in chapters:
        inputs.turn(standing(len(frames)), NO_DESK)
        for size in sizes:
            frames.append(frame(len(frames), size).tobytes())
            inputs.frame(len(frames), np.frombuffer(frames[-1], EVENT))
    inputs.close()
    return frames


def read(folder: Path, first: int = 1) -> list[bytes]:
    found = list(read_frames(folder, first, CODE))
    assert [sequence for sequence, _ in found] == sorted(sequence for sequence, _ in found)
    return [rows.tobytes() for _, rows in found]


@given(st.lists(st.lists(st.integers(1, 40), max_size=5), min_size=1, max_size=2))
@settings(max_examples=8, deadline=None)
def test_frames_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, chapters: list[list[int]]) -> None:
    folder = tmp_path_factory.mktemp("inputs")
    frames = kept(folder, chapters)
    assert read(folder) == frames
    assert last_chapter(folder) == len(chapters)


def test_a_frame_larger_than_a_record_is_one_frame(tmp_path: Path) -> None:
    frames = kept(tmp_path, [[3, 30_000, 1]])
    assert read(tmp_path) == frames


def test_frames_are_as_the_step_was_compiled_for(tmp_path: Path) -> None:
    kept(tmp_path, [[3]])
    rows = next(read_frames(tmp_path, 1, CODE))[1]
    assert rows.dtype is EVENT or rows.dtype == EVENT
    assert rows.flags.aligned and rows.flags.c_contiguous and not rows.flags.writeable


@given(cut=st.integers(1, 5 * 80 + 16 + 13))
@settings(max_examples=10, deadline=None)
def test_a_cut_off_last_frame_is_left_out(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("inputs")
    frames = kept(folder, [[4, 4, 5]])
    path = folder / "000001" / SEGMENT
    path.write_bytes(path.read_bytes()[:-cut])
    assert read(folder) == frames[:-1]


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    kept(tmp_path, [[4, 4, 4]])
    path = tmp_path / "000001" / SEGMENT
    content = bytearray(path.read_bytes())
    content[-600] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"000001/000001\.seg offset \d+"):
        read(tmp_path)


def test_a_missing_chapter_is_named(tmp_path: Path) -> None:
    kept(tmp_path, [[1], [1], [1]])
    shutil.rmtree(tmp_path / "000002")
    with pytest.raises(Refused, match="000002: this part of what the run heard is missing"):
        read(tmp_path, 2)


def test_other_code_is_refused(tmp_path: Path) -> None:
    kept(tmp_path, [[1]])
    with pytest.raises(Refused, match="another build of crossbook"):
        list(read_frames(tmp_path, 1, "fedcba9876543210"))


def test_the_disk_stays_bounded(tmp_path: Path) -> None:
    frames = kept(tmp_path, [[1]] * 5)
    assert [path.stem for path in snapshots(tmp_path)] == ["000004", "000005"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["000004", "000005"]
    assert read(tmp_path, 4) == frames[3:]


def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    for chapter in (1, 2):
        write_desk(tmp_path, chapter, standing(chapter), bytes([chapter]) * DESK.itemsize)
    newest = tmp_path / "000002.desk"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    found = latest_desk(tmp_path)
    assert found is not None and found[:2] == (1, standing(1))
    (tmp_path / "000001.desk").write_bytes(b"")
    assert latest_desk(tmp_path) is None


# a run that is cut off


class Cut:
    """A run over a made-up market, on paper so that its orders fill, with what a live run keeps; copied as it stands
    once such parts of it are through, each copy with the bytes of the desk then."""

    def __init__(self, folder: Path, parts: Sequence[float]) -> None:
        self.folder = folder
        self.copies: list[tuple[Path, bytes]] = []
        self.answers = 0
        """How many entries answered the last frame of the run in `answered`."""
        tape = paper_runs.market()
        world = World(1)
        names = {one.name: one for one in tape.instruments}
        wallets = {Venue.BINANCE_USDM: {"USDT": 4400 * 10**8}, Venue.HYPERLIQUID: {"USDC": 4400 * 10**8}}
        bundle = wire_live(paper_runs.config(), names, {}, wallets, world.clock.now_ns(), NOT_WIRED_PAPER)
        (folder / "journal").mkdir(parents=True)
        paper_runs.config_file(folder).rename(folder / "config.toml")
        inputs = Inputs(folder / "inputs", KERNELS)
        order = [one.name for one in tape.instruments]
        numbers = np.array([[one.name for one in bundle.instruments].index(name) for name in order])
        rows = tape.rows.copy()
        shift = world.clock.now_ns() + NS_PER_S - int(rows["ts"][0])
        rows["ts"] += shift
        rows["ts_venue"] += shift
        rows["instrument"] = numbers[rows["instrument"]]
        with JournalWriter(folder / "journal") as writer:
            desk = LiveDesk(
                bundle, writer, world.ports(), {}, simulated=FedVenues(*simulation_of(bundle)), inputs=inputs
            )
            desk.begin(lambda: None)
            frames = len(tape.starts) - 1
            moments = {int(part * frames) for part in parts}
            for number in range(frames):
                one = rows[tape.starts[number] : tape.starts[number + 1]]
                ts = int(one["ts"][0])
                world.run((ts - world.clock.now_ns()) / NS_PER_S)
                inputs.wait()  # the world's time is faster than this machine's disk
                before = writer.sequence
                desk.on_market(one.copy(), ts)
                if not self.answers and number > frames // 2 and writer.sequence > before + 1:
                    answers = [payload for n, payload in read_journal(writer.directory) if n > before]
                    if all(payload[:1] == b"O" for payload in answers):
                        self.answers, self.answered = len(answers), self._copy("answered")
                if number == frames // 4:
                    desk.on_event(OperatorRequest(ts=ts, ts_venue=ts, scope=3, index=0, level=2))
                if number in moments:
                    self.copies.append((self._copy(f"cut-{number}"), bundle.engine.desk.tobytes()))
            inputs.close()

    def _copy(self, name: str) -> Path:
        for part in ("journal", "inputs"):
            shutil.copytree(self.folder / part, self.folder / name / part)
        shutil.copy(self.folder / "config.toml", self.folder / name)
        return self.folder / name


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "KEEP_EVERY_S", 4.0)
        patch.setattr(keeping, "PREPARED_WITHIN_S", 0.5)
        return Cut(tmp_path_factory.mktemp("run"), (0.1, 0.2, 0.55, 0.9))


def copy_with(run: Path, folder: Path, entries: list[bytes]) -> Path:
    """A copy of a run, with other entries in its journal."""
    shutil.copytree(run / "inputs", folder / "inputs")
    shutil.copy(run / "config.toml", folder)
    with JournalWriter(folder / "journal") as writer:
        for payload in entries:
            writer.append(payload)
    return folder


def bytes_of(resumed: Resumed) -> bytes:
    return resumed.bundle.engine.desk.tobytes()


def test_the_desk_stands_again_to_the_last_byte(cut: Cut) -> None:
    chapters, orders = set(), 0
    for folder, desk in cut.copies:
        resumed = resume(folder)
        assert bytes_of(resumed) == desk
        assert not resumed.missing
        chapters.add(resumed.chapter)
        orders += len(resumed.open_orders)
    assert len(chapters) > 2 and orders
    assert sum(1 for _ in read_journal(cut.copies[-1][0] / "journal")) > 100


def test_it_stands_again_from_the_beginning_too(cut: Cut, tmp_path: Path) -> None:
    source, desk = cut.copies[1]
    shutil.copytree(source, tmp_path / "run")
    for path in (tmp_path / "run" / "inputs").glob("*.desk"):
        path.unlink()
    assert bytes_of(resume(tmp_path / "run")) == desk


def test_answers_that_were_not_written_are_missing(cut: Cut, tmp_path: Path) -> None:
    """The process dies amid the answers to a frame: they come again, and are told to be written."""
    entries = [payload for _, payload in read_journal(cut.answered / "journal")]
    assert cut.answers > 1
    for lost in range(1, cut.answers + 1):
        folder = copy_with(cut.answered, tmp_path / str(lost), entries[:-lost])
        resumed = resume(folder)
        assert resumed.missing == entries[-lost:]
        assert bytes_of(resumed) == bytes_of(resume(cut.answered))


def test_no_process_dies_so_that_frames_are_ahead_of_the_journal(cut: Cut, tmp_path: Path) -> None:
    entries = [payload for _, payload in read_journal(cut.answered / "journal")]
    folder = copy_with(cut.answered, tmp_path / "run", entries[: -cut.answers - 1])
    with pytest.raises(Corrupt, match="do not fit together; nothing is written or sent"):
        resume(folder)


def test_a_changed_answer_is_corrupt_and_nothing_is_written(cut: Cut, tmp_path: Path) -> None:
    source, _ = cut.copies[2]
    entries = [payload for _, payload in read_journal(source / "journal")]
    found = latest_desk(source / "inputs")
    assert found is not None
    at = next(k for k in range(found[1].sequence, len(entries)) if entries[k][:1] == b"O")
    entries[at] = entries[at][:20] + bytes([entries[at][20] ^ 1]) + entries[at][21:]
    folder = copy_with(source, tmp_path / "run", entries)
    before = sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    with pytest.raises(Corrupt, match=f"entry {at + 1} does not come again.*nothing is written or sent"):
        resume(folder)
    assert before == sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def test_without_what_it_heard_a_run_is_refused(cut: Cut, tmp_path: Path) -> None:
    source, _ = cut.copies[0]
    shutil.copytree(source, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "inputs")
    with pytest.raises(Refused, match="inputs: what the run heard is missing"):
        resume(tmp_path / "run")


def test_another_build_is_refused(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_resume, "KERNELS", CODE)
    with pytest.raises(Refused, match="begun by another build of crossbook"):
        resume(cut.copies[-1][0])


def test_a_run_that_has_ended_is_refused(cut: Cut, tmp_path: Path) -> None:
    shutil.copytree(cut.copies[0][0], tmp_path / "run")
    with JournalWriter(tmp_path / "run" / "journal") as writer:
        writer.append(encode_event(pack(RunStopped(ts=1, ts_venue=1))))
    with pytest.raises(Refused, match="the run has ended"):
        resume(tmp_path / "run")
