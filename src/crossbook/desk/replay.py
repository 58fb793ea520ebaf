"""Run the desk over a tape: merge the market with the simulated venues' replies, journal, step, send.

The loop of backtest, demo and paper. A reply or timer due at T precedes the first market event stamped T or later.
Every event that is not on the tape, and every answer of the engine, is journalled before anything is sent.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import msgspec
import numpy as np

from crossbook.desk.core import SUBMIT_ORDER, Core, Journal
from crossbook.desk.latency import LatencySink
from crossbook.desk.wire import Bundle
from crossbook.engine import Engine
from crossbook.errors import Corrupt
from crossbook.events import OperatorRequest, RunStopped, Timer
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import encode_declaration, rows_of_out
from crossbook.ledger.hops import Hop
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack
from crossbook.sim.exchange import FOREVER
from crossbook.timestamp import NS_PER_S

DRAIN_NS = 30 * NS_PER_S
"""How long after the last market event answers to what is in flight are still waited for."""
LOOK_EVERY = 64
"""Market frames between two looks at the wish to stop, at the pace and at what a person asked for."""


class Progress(msgspec.Struct):
    """How far a replay has come; read by whoever shows it."""

    steps: int = 0
    frames: int = 0
    now: int = 0
    first_step_s: float = 0.0
    last_step_s: float = 0.0
    ended: bool = False

    @property
    def events_per_s(self) -> float | None:
        """Engine steps over wall time from first to last step; None before there is a span."""
        span = self.last_step_s - self.first_step_s
        return self.steps / span if span > 0 else None


class Replay:
    """One run over a tape, from its declaration to its last mark.

    `run` goes through it in one go. `pace`: called by it every few frames with the market's time, it may sleep (a
    demo) or note progress; returning True ends the run cleanly. Whoever keeps a time of his own calls `begin`,
    `advance` as often as he likes and `finish`: the entries do not depend on how the way is cut up. `watch`: gets
    every journal entry after it is written. `latency`: where hop stamps go.
    """

    def __init__(
        self,
        bundle: Bundle,
        journal: Journal,
        *,
        pace: Callable[[int], bool] | None = None,
        watch: Callable[[bytes], None] | None = None,
        latency: LatencySink | None = None,
    ) -> None:
        self.bundle = bundle
        self.progress = Progress()
        self.latency = latency
        self.pace = pace
        self._core = Core(bundle.engine, bundle.state, journal, self._send, self._wake, watch)
        self._timers: list[tuple[int, int]] = []
        self._times: list[int] = bundle.tape.rows["ts"][bundle.tape.starts[:-1]].tolist()
        self._due: int = bundle.venues.next_due()
        self._drained: int = self._times[0]
        self.requests = 0
        """How many requests of a person came in."""

    @property
    def engine(self) -> Engine:
        return self.bundle.engine

    @property
    def declaration(self) -> Declaration:
        return self.bundle.declaration

    @property
    def frames(self) -> int:
        """How many of the tape's frames were taken."""
        return self.progress.frames

    @property
    def at_end(self) -> bool:
        """Whether the tape has no more frames."""
        return self.frames == len(self._times)

    @property
    def moment(self) -> int:
        """The market's time: everything up to it has happened."""
        return max(self._drained, self._times[max(self.frames - 1, 0)])

    @property
    def next_time(self) -> int:
        """When something happens next: the next frame, or what is due before it."""
        frame = self.frames
        return self._due if self.at_end else min(self._due, self._times[frame])

    def run(self) -> None:
        """Go through the whole tape. Raises what the journal raises; the journal is complete up to then."""
        self.begin()
        while not self.at_end:
            self.advance(FOREVER)
            if self.pace is not None and self.pace(self.progress.now):
                break
        self.finish()

    def begin(self) -> None:
        """Declare the run and bring its money in."""
        self._core.append(encode_declaration(self.bundle.declaration.to_json()))
        for transfer in self.bundle.transfers:
            self.bundle.venues.transfer(transfer.venue, transfer.asset, transfer.amount_e8)
            self._account(pack(transfer))
        self.progress.first_step_s = time.perf_counter()

    def advance(self, until: int, most: int = LOOK_EVERY) -> None:
        """Let everything up to and including the market's time `until` happen, but at most so many frames of it."""
        times, progress = self._times, self.progress
        first = frame = progress.frames
        end = min(first + most, len(times))
        reached = end if until >= times[end - 1] else bisect_right(times, until, frame, end)
        while frame < reached:
            if self._due <= times[frame]:
                progress.steps += self._drain(times[frame])
            frame = self._follow(frame, reached)
        if frame > first:
            progress.steps += frame - first
            progress.frames, progress.now = frame, times[frame - 1]
        if frame < end:
            self._settle(until)

    def request(self, words: dict[str, Any], scope: int, index: int, level: int, wish: int, ts: int) -> list[bytes]:
        """A person's wish comes in, at the market's time `ts` as far as the tape allows: journal its words, then the
        event, then handle it. `words` may say where it came in before (`request`, `frames`, `ts`). Returns the entries
        of the answer.
        """
        last = self._times[-1] if self.at_end else self._times[self.frames]
        number = self.requests = self.requests + 1
        ts = min(max(ts, self.moment), last)
        words = {"request": number, "frames": self.frames, "ts": ts} | words
        if (words["request"], words["frames"]) != (number, self.frames) or words["ts"] < self.moment:
            raise Corrupt(
                f"request {words} of the journal cannot have come in at frame {self.frames}; restore a backup"
            )
        self._settle(words["ts"])
        self._core.say(words)
        event = OperatorRequest(
            ts=words["ts"], ts_venue=words["ts"], scope=scope, index=index, level=level, wish=wish, request=number,
            frames=self.frames,
        )  # fmt: skip
        self.progress.steps += 1
        return self._account(pack(event))

    def finish(self, ts: int = 0) -> None:
        """Wait for the answers to what is in flight, compare with the venues, take the last marks.

        Where the tape is not at its end, the journal first says that the run was stopped here (at `ts`, if it said so
        before)."""
        self._settle(max(ts, self.moment))
        now, progress = self.moment, self.progress
        progress.ended = True
        if not self.at_end:
            self._core.say({"stop": "asked to", "frames": self.frames, "ts": now})
        progress.steps += self._drain(now + DRAIN_NS, only_in_flight=True)
        now = max(now, int(self.bundle.engine.desk[0].now))
        reports = self.bundle.venues.reports(now)
        for k in range(len(reports)):
            self._account(reports[k : k + 1])
        self._account(pack(RunStopped(ts=now, ts_venue=now)))
        while self.engine.has_unstated_denials():  # more kinds of them than one step has room for
            self._account(pack(RunStopped(ts=now, ts_venue=now)))
        progress.last_step_s = time.perf_counter()
        progress.now = now

    def _settle(self, until: int) -> None:
        """Between two frames: what is due by `until` happens, and until then no more will."""
        if self._due <= until:
            self.progress.steps += self._drain(until)
        self._drained = max(self._drained, until)

    def _follow(self, frame: int, end: int) -> int:
        """Follow the tape up to the first answer, `end`, or what is due; returns the next frame."""
        tape = self.bundle.tape
        if self.latency is not None:
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

    def _account(self, event: Rows) -> list[bytes]:
        entries = self._core.account(event)
        if entries:
            self._refresh_due()
        return entries

    def _answer(self, answers: Rows) -> None:
        self._core.answer(answers)
        self._refresh_due()

    def _send(self, entry: bytes) -> None:
        self.bundle.venues.send(rows_of_out(entry))

    def _wake(self, due: int, number: int) -> None:
        heappush(self._timers, (due, number))

    def _timed_step(self, event: Rows) -> None:
        """A step with hop stamps, kept only where an order came of it."""
        sink = self.latency
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
