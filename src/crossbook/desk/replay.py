"""Run the desk over a tape: merge the market with the simulated venues' replies, journal, step, send.

The loop of backtest and demo. A reply or timer due at T precedes the first market event stamped T or later. Every
event that is not on the tape, and every answer of the engine, is journalled before anything is sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import heappop, heappush

import msgspec
import numpy as np

from crossbook.commands import OutKind
from crossbook.desk.journal import JournalWriter, write_snapshot
from crossbook.desk.latency import LatencySink
from crossbook.desk.wire import Bundle
from crossbook.events import RunStopped, Timer
from crossbook.ledger.entries import encode_declaration, encode_event, encode_outs
from crossbook.ledger.hops import Hop
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack
from crossbook.timestamp import NS_PER_S

SUBMIT_ORDER = int(OutKind.SUBMIT_ORDER)
CANCEL_ALL = int(OutKind.CANCEL_ALL)
SET_TIMER = int(OutKind.SET_TIMER)
SNAPSHOT_EVERY = 50_000
DRAIN_NS = 30 * NS_PER_S
"""How long after the last market event answers to what is in flight are still waited for."""
LOOK_EVERY = 64
"""Market frames between two looks at the wish to stop and at the pace."""


class Progress(msgspec.Struct):
    """How far a replay has come; read by whoever shows it."""

    steps: int = 0
    frames: int = 0
    now: int = 0
    first_step_s: float = 0.0
    last_step_s: float = 0.0

    @property
    def events_per_s(self) -> float | None:
        """Engine steps over wall time from first to last step; None before there is a span."""
        span = self.last_step_s - self.first_step_s
        return self.steps / span if span > 0 else None


class Replay:
    """One run over a tape, from its declaration to its last mark.

    `pace`: called every few frames with the market's time, it may sleep (a demo) or note progress; returning True ends
    the run cleanly. `watch`: gets every journal entry after it is written. `latency`: where hop stamps go.
    """

    def __init__(
        self,
        bundle: Bundle,
        journal: JournalWriter,
        *,
        pace: Callable[[int], bool] | None = None,
        watch: Callable[[bytes], None] | None = None,
        latency: LatencySink | None = None,
    ) -> None:
        self.bundle = bundle
        self.progress = Progress()
        self._journal = journal
        self._pace = pace
        self._watch = watch
        self._latency = latency
        self._timers: list[tuple[int, int]] = []
        self._due = bundle.venues.next_due()
        self._next_snapshot = SNAPSHOT_EVERY

    def run(self) -> None:
        """Go through the whole tape. Raises what the journal raises; the journal is complete up to then."""
        bundle, progress = self.bundle, self.progress
        starts = bundle.tape.starts
        self._append(encode_declaration(bundle.declaration.to_json()))
        for transfer in bundle.transfers:
            bundle.venues.transfer(transfer.venue, transfer.asset, transfer.amount_e8)
            self._account(pack(transfer))
        times = bundle.tape.rows["ts"][starts[:-1]].tolist()
        steps = frame = 0
        look = min(LOOK_EVERY, len(times))
        progress.first_step_s = time.perf_counter()
        while frame < len(times):
            if self._due <= times[frame]:
                steps += self._drain(times[frame])
            frame = self._follow(frame, look)
            if frame == look:
                look = min(look + LOOK_EVERY, len(times))
                progress.steps, progress.frames, progress.now = steps + frame, frame, times[frame - 1]
                if self._pace is not None and self._pace(progress.now):
                    break
        now = times[frame - 1]
        steps += frame + self._drain(now + DRAIN_NS, only_in_flight=True)
        now = max(now, int(bundle.engine.desk[0].now))
        reports = bundle.venues.reports(now)
        for k in range(len(reports)):
            self._account(reports[k : k + 1])
        self._account(pack(RunStopped(ts=now, ts_venue=now)))
        progress.last_step_s = time.perf_counter()
        progress.steps, progress.frames, progress.now = steps, frame, now

    def _follow(self, frame: int, end: int) -> int:
        """Follow the tape up to the first answer, `end`, or what is due; returns the next frame."""
        tape = self.bundle.tape
        if self._latency is not None:
            self._timed_step(tape.rows[tape.starts[frame] : tape.starts[frame + 1]])
            return frame + 1
        frame, answers = self.bundle.engine.step_frames(tape.rows, tape.starts, frame, end, self._due)
        if len(answers):
            self._answer(answers)
        return frame

    def _drain(self, until: int, only_in_flight: bool = False) -> int:
        """Hand over all replies and timers due by `until`, in order of their time; how many steps that took."""
        venues, steps = self.bundle.venues, 0
        while self._due <= until:
            if only_in_flight and not venues.in_flight():
                break
            due = self._due
            if venues.next_due() <= due:
                replies = venues.advance(due)
                for k in range(len(replies)):
                    self._account(replies[k : k + 1])
                steps += len(replies)
            while self._timers and self._timers[0][0] <= due:
                _, timer = heappop(self._timers)
                self._account(pack(Timer(ts=due, ts_venue=due, timer=timer)))
                steps += 1
            self._refresh_due()
        return steps

    def _account(self, event: Rows) -> None:
        """Journal an event that is not on the tape, then let the engine take it (frozen, as the tape's rows are:
        the step is compiled for one kind of array)."""
        event.flags.writeable = False
        self._append(encode_event(event))
        answers = self.bundle.engine.step_rows(event)
        if len(answers):
            self._answer(answers)
        elif self._journal.sequence >= self._next_snapshot:
            self._snapshot()

    def _answer(self, answers: Rows) -> None:
        """Journal all answers of a step, then send its commands."""
        for payload in encode_outs(answers):
            self._append(payload)
        self._send(answers)
        if self._journal.sequence >= self._next_snapshot:
            self._snapshot()
        self._refresh_due()

    def _send(self, answers: Rows) -> None:
        """Hand commands to their venues, and note the timers asked for."""
        for k, kind in enumerate(answers["kind"].tolist()):
            if SUBMIT_ORDER <= kind <= CANCEL_ALL:
                self.bundle.venues.send(answers[k : k + 1])
            elif kind == SET_TIMER:
                heappush(self._timers, (int(answers["value"][k]), int(answers["count"][k])))

    def _timed_step(self, event: Rows) -> None:
        """A step with hop stamps, kept only where an order came of it."""
        sink = self._latency
        assert sink is not None
        sink.stamp(Hop.RECEIVED)
        answers = self.bundle.engine.step_rows(event)
        sink.stamp(Hop.DECIDED)
        if not len(answers):
            return
        intent = next((int(answers["intent"][k]) for k in np.flatnonzero(answers["kind"] == SUBMIT_ORDER)), 0)
        if intent:
            sink.trace(intent)
        self._answer(answers)
        if intent:
            sink.stamp(Hop.WRITTEN)

    def _refresh_due(self) -> None:
        due = self.bundle.venues.next_due()
        if self._timers and self._timers[0][0] < due:
            due = self._timers[0][0]
        self._due = due

    def _append(self, payload: bytes) -> None:
        self._journal.append(payload)
        if self._watch is not None:
            self._watch(payload)

    def _snapshot(self) -> None:
        """Between two steps only: amid the entries of one, the state is already further than they are."""
        write_snapshot(self._journal.directory, self._journal.sequence, self.bundle.state.account_bytes())
        self._next_snapshot += SNAPSHOT_EVERY
