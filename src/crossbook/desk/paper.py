"""The rim of paper trading on a tape: it keeps the market's pace, listens to people, and stops when asked to.

All deciding is the replay's, and with a tape nothing but a person's requests is added to it: however the way is paced,
the entries are those of a backtest. To stop it is to stop the market's time too: nothing is journalled, and it goes on
from there (docs/adr/0014-a-stop-is-no-end.md).
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from crossbook.desk.alerts import AlertLog
from crossbook.desk.control import ControlFolder
from crossbook.desk.journal import JournalWriter
from crossbook.desk.latency import LatencySink
from crossbook.desk.live_view import LiveView
from crossbook.desk.operator import LISTEN_EVERY_S, Operator
from crossbook.desk.replay import LOOK_EVERY, Replay
from crossbook.desk.restart import RepeatedJournal, Story, catch_up, story_of
from crossbook.desk.wire import Bundle
from crossbook.sim.exchange import FOREVER
from crossbook.timestamp import NS_PER_S

FLAT_OUT_FRAMES = 1024
FLUSH_EVERY_S = 1.0


class Pace:
    """The market's time as it passes here: `speed` market seconds a second, None flat out."""

    def __init__(self, speed: float | None, market: int) -> None:
        self._speed = speed
        self._market = market
        self._began = time.monotonic()

    def now(self) -> int:
        """How far the market may have come."""
        if self._speed is None:
            return FOREVER
        return self._market + int((time.monotonic() - self._began) * self._speed * NS_PER_S)

    def wait_s(self, ts: int) -> float:
        """How long until the market's time `ts`; 0 where it is past."""
        if self._speed is None:
            return 0.0
        due = self._began + (ts - self._market) / NS_PER_S / self._speed
        return max(0.0, due - time.monotonic())


def run_paper(
    bundle: Bundle,
    folder: Path,
    speed: float | None,
    say: Callable[[str], object],
    *,
    view: LiveView | None = None,
    finish: bool = False,
    going_on: Callable[[], object] = lambda: None,
) -> Paper:
    """Run a desk in its folder until its end or a request to stop, from its beginning or from where its journal ends.

    `speed`: market seconds a second, None flat out. `say`: gets alerts, and what else a person should read. `view`:
    shows it meanwhile. `finish`: end it where its journal ends. `going_on`: called once all that its
    journal holds has come again, before anything new is written. Raises what journal and replay do.
    """
    with JournalWriter(folder / "journal") as writer:
        story = story_of(writer.directory)
        journal = RepeatedJournal(writer, story, going_on)
        sink = LatencySink(folder / "latency.bin") if speed is not None else None
        control = ControlFolder(folder)
        try:
            with AlertLog(folder / "alerts.log", bundle.declaration, say) as alerts:

                def watch(payload: bytes) -> None:
                    alerts.aloud = journal.live
                    alerts.take(payload)
                    if view is not None:
                        view.watch(payload)

                replay = Replay(bundle, journal, watch=watch)
                operator = Operator(replay, control, say)
                paper = Paper(
                    replay, journal, operator, story=story, speed=speed, latency=sink, view=view, finish=finish
                )
                say(_greeting(folder.name, speed, story.entries))
                with view.showing() if view is not None else nullcontext():
                    paper.run()
                if paper.caught_up:
                    ended = replay.progress.ended
                    operator.dismiss(f"the run {'has ended' if ended else 'is stopped'}; nothing was done")
        finally:
            control.close()
            if sink is not None:
                sink.flush()
    return paper


def _greeting(run: str, speed: float | None, entries: int) -> str:
    pace = "flat out" if speed is None else f"{speed:g} market seconds a second"
    again = f", doing {entries:,} entries again" if entries else ""
    return f"run {run}: {pace}{again}; `crossbook level {run} lower desk CLOSE_ONLY --reason TEXT` reaches it"


class Paper:
    """One run at a pace. `story`: what its journal tells already, an empty one for a new run."""

    def __init__(
        self,
        replay: Replay,
        journal: RepeatedJournal,
        operator: Operator,
        *,
        story: Story,
        speed: float | None,
        latency: LatencySink | None,
        view: LiveView | None = None,
        finish: bool = False,
    ) -> None:
        self.stopped = False
        """Whether somebody asked it to stop before its end; it can go on."""
        self.caught_up = False
        """Whether it stood where its journal ends; before that nothing is written."""
        self.replay = replay
        self._journal = journal
        self._operator = operator
        self._story = story
        self._speed = speed
        self._latency = latency
        self._view = view
        self._finish = finish
        self._stop = asyncio.Event()

    def run(self) -> None:
        """Until its end, or a request to stop (Ctrl-C, SIGTERM). Raises what replay and journal raise."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        await self._catch_up()
        if not self.caught_up or self.replay.progress.ended:
            return
        if not self._finish:
            await self._follow()
        self.stopped = not (self._finish or self.replay.at_end)
        if self.stopped:
            self.replay.progress.last_step_s = time.perf_counter()
            return
        self.replay.finish()
        self._journal.check_exhausted()

    async def _catch_up(self) -> None:
        if self._story.entries == 0:
            self.replay.begin()
        else:
            for _ in catch_up(self.replay, self._journal, self._story, self._operator):
                self._show(f"doing {self._story.entries:,} entries again")
                await asyncio.sleep(0)
                if self._stop.is_set():
                    return
        self.caught_up = True

    async def _follow(self) -> None:
        """Keep the tape's time."""
        replay, operator = self.replay, self._operator
        replay.latency = self._latency
        if self._view is not None:
            self._view.latency = self._latency
        pace = Pace(self._speed, replay.moment)
        most = FLAT_OUT_FRAMES if self._speed is None else LOOK_EVERY
        flushed = time.monotonic()
        while not replay.at_end and not self._stop.is_set():
            now = pace.now()
            replay.advance(now, most)
            operator.listen(now if self._speed is not None else 0)
            self._show()
            if self._latency is not None and time.monotonic() - flushed > FLUSH_EVERY_S:
                self._latency.flush()
                flushed = time.monotonic()
            await asyncio.sleep(min(pace.wait_s(replay.next_time), LISTEN_EVERY_S))

    def _show(self, doing: str = "") -> None:
        if self._view is not None:
            self._view.refresh(self.replay.moment, self.replay.progress.steps, doing)
