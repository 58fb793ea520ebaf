"""One engine step, two venues, v0, v1, v2 and all controls, with its answers journalled: how long each took."""

from __future__ import annotations

import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from tables import ROOT, Row, present, quantiles

from crossbook.commands import OutKind
from crossbook.desk.config import load_config
from crossbook.desk.journal import JournalWriter
from crossbook.desk.market import generated_tape
from crossbook.desk.replay import Replay
from crossbook.desk.wire import wire
from crossbook.events import EventKind

SEED = 1
MINUTES = Decimal(10)
ORDER_ANSWERS = range(EventKind.ORDER_ACCEPTED, EventKind.ORDER_UNKNOWN + 1)
ALL = "every step"
QUIET = "market frame, nothing to say"
PAIR = "market frame, both legs leave"
SAID = "market frame, other answers"
ANSWER = "answer to an order"
OTHER = "timer, transfer, report"

clock = time.perf_counter_ns


class TimedReplay(Replay):
    """A replay that steps frame by frame, as live does, and times each step.

    A step lasts from the rows in hand until the last of its answers (and the event itself, where it is not on the
    tape) is in the journal. Handing the orders to the simulated venue is not part of it.
    """

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.taken: dict[str, list[int]] = {case: [] for case in (QUIET, PAIR, SAID, ANSWER, OTHER)}
        self._sending = 0
        self._orders = 0

    def _follow(self, frame: int, end: int) -> int:
        tape, step = self.bundle.tape, self.bundle.engine.step_rows
        rows = tape.rows[tape.starts[frame] : tape.starts[frame + 1]]
        self._sending = self._orders = 0
        start = clock()
        answers = step(rows)
        if len(answers):
            self._answer(answers)
        taken = clock() - start - self._sending
        case = QUIET if not len(answers) else PAIR if self._orders == 2 else SAID
        self.taken[case].append(taken)
        return frame + 1

    def _account(self, event: Any) -> None:
        self._sending = 0
        start = clock()
        super()._account(event)
        taken = clock() - start - self._sending
        self.taken[ANSWER if event[0].kind in ORDER_ANSWERS else OTHER].append(taken)

    def _send(self, answers: Any) -> None:
        start = clock()
        super()._send(answers)
        self._orders = answers["kind"].tolist().count(OutKind.SUBMIT_ORDER)
        self._sending = clock() - start


def timed_run() -> dict[str, list[int]]:
    """Times in ns by kind of step, of a whole run."""
    config = load_config(ROOT / "configs" / "desk.toml")
    tape = generated_tape(config, SEED, MINUTES)
    for _ in range(2):  # the first compiles
        with tempfile.TemporaryDirectory() as folder, JournalWriter(Path(folder) / "journal") as journal:
            replay = TimedReplay(wire(config, tape), journal)
            replay.run()
    return replay.taken


def overhead(times: int = 200_000) -> list[Row]:
    """What the clock adds to every figure, and a loop that does nothing, for scale."""
    taken = []
    for _ in range(times):
        start = clock()
        taken.append(clock() - start)
    start = clock()
    for _ in range(times):
        pass
    empty = (clock() - start) / times / 1e3
    loop: Row = {"case": "empty loop, one turn", "n": times, "p50_us": round(empty, 4)}
    return [quantiles("the clock itself", taken), loop]


def measure() -> list[Row]:
    taken = timed_run()
    rows = [quantiles(ALL, [ns for each in taken.values() for ns in each], asked="p50 <= 6")]
    rows += [quantiles(case, each) for case, each in taken.items()]
    rows[2]["asked"] = "p50 <= 25"
    rows += overhead()
    for row in rows:
        if row.get("p50_us"):
            row["per_s"] = round(1e6 / row["p50_us"])
    return rows


if __name__ == "__main__":
    present(__file__, __doc__, measure)
