"""A tape stepped many frames at a time is the tape stepped frame by frame."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossbook.desk.config import load_config
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.market import generated_tape
from crossbook.desk.replay import Replay
from crossbook.desk.warm import adopt
from crossbook.desk.wire import Bundle, wire
from crossbook.errors import Corrupt
from crossbook.events import EventKind
from crossbook.rules.layout import new_events
from crossbook.sim.exchange import FOREVER

CONFIG = load_config(Path(__file__).parents[2] / "configs" / "desk.toml")


@pytest.fixture(scope="module")
def tape() -> Any:
    return generated_tape(CONFIG, 3, Decimal("0.5"))


class FrameByFrame(Replay):
    """The same replay with the engine's other step."""

    def _follow(self, frame: int, end: int) -> int:
        tape = self.bundle.tape
        answers = self.bundle.engine.step_rows(tape.rows[tape.starts[frame] : tape.starts[frame + 1]])
        if len(answers):
            self._answer(answers)
        return frame + 1


def run(kind: type[Replay], tape: Any, folder: Path) -> tuple[Bundle, int, list[bytes]]:
    bundle = wire(CONFIG, tape)
    with JournalWriter(folder) as journal:
        replay = kind(bundle, journal)
        replay.run()
    return bundle, replay.progress.steps, [payload for _, payload in read_journal(folder)]


def test_a_replay_does_not_depend_on_how_many_frames_it_takes_at_a_time(tape: Any, tmp_path: Path) -> None:
    many, steps, journal = run(Replay, tape, tmp_path / "many")
    one, steps_one, journal_one = run(FrameByFrame, tape, tmp_path / "one")
    assert journal == journal_one and steps == steps_one
    assert many.engine.desk.tobytes() == one.engine.desk.tobytes()
    assert sum(many.engine.desk["counters"]["orders"][0]) > 0


def test_it_stops_at_the_end_asked_for_and_ahead_of_what_is_due(tape: Any) -> None:
    engine = wire(CONFIG, tape).engine
    times = tape.rows["ts"][tape.starts[:-1]]
    frame = 0
    for end in (1, 2, 50):
        while frame < end:
            frame, _ = engine.step_frames(tape.rows, tape.starts, frame, end, FOREVER)
        assert frame == end
    due = int(times[200])
    while frame < (until := int(np.searchsorted(times, due))):
        frame, _ = engine.step_frames(tape.rows, tape.starts, frame, len(times), due)
    assert frame == until
    assert engine.step_frames(tape.rows, tape.starts, frame, len(times), due)[0] == frame


def test_an_answer_that_cannot_be_stops_the_run(tape: Any, tmp_path: Path) -> None:
    bundle, _, _ = run(Replay, tape, tmp_path / "run")
    order = bundle.engine.desk[0].orders[0]
    rows = new_events(1)
    rows["kind"], rows["id"], rows["lots"] = EventKind.ORDER_REJECTED, order.id, 1
    rows["ts"] = bundle.engine.desk[0].now + 10**9
    rows["instrument"], rows["strategy"] = order.instrument, order.strategy
    rows.flags.writeable = False
    with pytest.raises(Corrupt, match="ORDER_REJECTED is impossible"):
        bundle.engine.step_rows(rows)


def test_kernels_compiled_beside_join_the_cache_and_replace_nothing(tmp_path: Path) -> None:
    ours, part = tmp_path / "ours", tmp_path / "part"
    for folder, words in ((ours, ["book.find"]), (part, ["book.find", "engine.step"])):
        (folder / "rooms").mkdir(parents=True)
        for word in words:
            for name in (f"{word}-7.nbi", f"{word}-7.1.nbc", f"{word}-7.2.nbc"):
                (folder / "rooms" / name).write_text(folder.name)
    adopt(part, ours)
    texts = {path.name: path.read_text() for path in (ours / "rooms").iterdir()}
    assert texts["book.find-7.nbi"] == texts["book.find-7.2.nbc"] == "ours"
    assert texts["engine.step-7.nbi"] == texts["engine.step-7.1.nbc"] == texts["engine.step-7.2.nbc"] == "part"
