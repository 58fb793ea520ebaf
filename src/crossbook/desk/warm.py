"""Compile the kernels of a run, once for each change of the code: the engine's in a process beside, the rest here.

numba compiles one kernel at a time in a process, and the engine takes as long as all others together.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from crossbook.commands import OutKind
from crossbook.engine import Engine
from crossbook.events import EventKind
from crossbook.lab.survey import survey_edges
from crossbook.rules.kernel import CACHE_FOLDER, PACKAGE, is_compiled
from crossbook.rules.layout import MAX_VENUES, OUT, Rows, new_desk, new_events
from crossbook.sim.exchange import FOREVER, advance_market, next_watch
from crossbook.sim.layout import VENUES
from crossbook.sim.orders import arrive


@contextmanager
def compiled(say: Callable[[str], object]) -> Iterator[None]:
    """On leaving, what a replay calls is compiled and loaded; `say` is told if that takes a while. What the block
    itself needs compiled is so meanwhile."""
    if is_compiled() or os.environ.get("NUMBA_DISABLE_JIT"):
        yield
    else:
        say("compiling the desk's kernels, once for this version of the code (a minute, or several if busy) ...")
        with _engine_beside():
            yield
            load_venues()
    load_engine()
    load_venues()


def load_engine() -> None:
    """Have the engine's steps ready, by taking one that does nothing."""
    rows, starts = _nothing()
    engine = Engine(new_desk())
    engine.step_rows(rows)
    engine.step_frames(rows, starts, 0, 1, FOREVER)


def load_venues() -> None:
    """Have the simulated venues and the survey of edges ready, by letting nothing happen there."""
    rows, starts = _nothing()
    state, command = np.zeros(1, VENUES), np.zeros(1, OUT)
    command["kind"] = OutKind.CANCEL_ALL
    next_watch(state, rows, starts, np.full(MAX_VENUES, FOREVER))
    advance_market(state, rows, starts, 0, 0)
    arrive(state, command, 0)
    survey_edges(new_desk(), rows, starts, [])


def adopt(part: Path, cache: Path) -> None:
    """Move what was compiled beside into our cache, except kernels that were compiled here too."""
    for index in part.glob("*/*.nbi"):
        target = cache / index.relative_to(part)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        for code in index.parent.glob(f"{index.stem}.*.nbc"):
            code.replace(target.with_name(code.name))
        index.replace(target)  # last: it says that the code is there


@contextmanager
def _engine_beside() -> Iterator[None]:
    """A process compiles the engine; on leaving, its kernels are in our cache. Without it they are compiled here."""
    CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="engine-", dir=CACHE_FOLDER.parent) as folder:
        beside = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=os.environ | {"CROSSBOOK_CACHE_DIR": folder, "PYTHONPATH": _python_path()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
            beside.wait()
        finally:
            beside.kill()
            beside.wait()
        adopt(Path(folder) / "kernels" / CACHE_FOLDER.name, CACHE_FOLDER)


def _nothing() -> tuple[Rows, Rows]:
    """A tape of one frame that changes nothing, frozen as tapes are: a kernel is compiled for one kind of array."""
    rows, starts = new_events(1), np.array([0, 1])
    rows["kind"] = EventKind.TRADE
    rows.flags.writeable = starts.flags.writeable = False
    return rows, starts


def _python_path() -> str:
    return os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])


if __name__ == "__main__":
    gc.disable()  # a twentieth of the compiling, and the process ends with it
    load_engine()
