"""The journal is the truth: the desk half folded from it is the one the run kept, from the start or any snapshot."""

from __future__ import annotations

from pathlib import Path

import desk_material as make
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.desk import core, journal
from crossbook.desk.journal import latest_snapshot, read_journal
from crossbook.state import State

WANDERING_7 = "4f95b5e446bfbc68535d187121718ca8304d2532ba6c37a4bc4260e8e5feb725"
"""The journal of 150 frames of market 7, compiled or not. Another hash means that decisions, rows or grids changed: if
that was the aim, state the new one and why in the commit."""


def fresh(run: make.Run) -> State:
    """The desk as it was declared."""
    desk = make.desk(tape=run.bundle.tape)
    desk[0].strategies["capital_e8"] = run.desk.strategies["capital_e8"]
    return State(desk)


def fold(state: State, entries: list[bytes]) -> State:
    for entry in entries:
        if entry[:1] in (b"E", b"O"):
            state.apply(make.as_row(entry))
    return state


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 250))
def test_the_state_kept_is_the_state_folded(tmp_path_factory: pytest.TempPathFactory, seed: int, frames: int) -> None:
    run = make.run(make.config(), make.wandering(seed, frames), tmp_path_factory.mktemp("run"))
    folded = fold(fresh(run), run.entries)
    assert folded.account_bytes() == run.bundle.state.account_bytes()
    assert folded.digest() == run.bundle.state.digest()


@pytest.mark.parametrize("every", [1, 10, 37])
def test_a_snapshot_and_what_follows_is_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Wherever a snapshot falls, its bytes are the fold up to its entry, and the rest leads to the same end."""
    monkeypatch.setattr(core, "SNAPSHOT_EVERY", every)
    monkeypatch.setattr(journal, "SNAPSHOTS_KEPT", 10**6)
    run = make.run(make.config(), make.wandering(3, 120), tmp_path)
    numbered = list(read_journal(tmp_path / "journal"))
    taken = sorted((tmp_path / "journal").glob("*.snap"))
    assert len(taken) >= min(10, len(numbered) // every // 4)
    newest = latest_snapshot(tmp_path / "journal")
    assert newest is not None and newest[0] == int(taken[-1].stem)
    state, at = fresh(run), 0
    for path in taken:
        sequence, blob = int(path.stem), path.read_bytes()[-len(newest[1]) :]
        state, at = fold(state, [entry for _, entry in numbered[at:sequence]]), sequence
        assert state.account_bytes() == blob, f"snapshot at entry {sequence}"
        again = fresh(run)
        again.restore(blob)
        assert again.account_bytes() == blob
    tail = fresh(run)
    tail.restore(newest[1])
    fold(tail, [entry for _, entry in numbered[newest[0] :]])
    assert tail.digest() == run.bundle.state.digest()


def test_a_snapshot_of_another_layout_is_refused() -> None:
    state = State(make.desk())
    with pytest.raises(ValueError, match="does not fit a desk half"):
        state.restore(state.account_bytes() + b"\0")


@pytest.mark.jit_off
def test_compiled_or_not_the_same_bytes(tmp_path: Path) -> None:
    run = make.run(make.config(), make.wandering(7, 150), tmp_path)
    assert run.desk.counters[0].orders + run.desk.counters[1].orders >= 10
    assert fold(fresh(run), run.entries).digest() == run.bundle.state.digest()
    assert run.sha256() == WANDERING_7
