"""One run, followed from its journal: its figures at the present sequence, and again at any earlier one."""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.control import is_alive
from crossbook.desk.runs import read_run
from crossbook.errors import Corrupt, Refused
from crossbook.ledger.entries import DECLARATION_TAG
from crossbook.ledger.evidence import Evidence, Fall
from crossbook.types import Level, Scope
from crossbook.web.answers import Tile
from crossbook.web.moment import Fold, Moment
from crossbook.web.refusals import Ahead, Missing, Unclear
from crossbook.web.stamps import Stamps
from crossbook.web.tail import Tail
from crossbook.web.watch import Alert

TAKEN_AT_ONCE = 20_000
"""Entries of one `advance`: a second's work, so that a long journal does not keep others waiting."""
MOMENTS_KEPT = 240
WITH_ROWS = 3
REFOLDED_KEPT = 3


class RunBook:
    """The run in `folder`. One thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble: str | None = None
        """Why it cannot be read on; None: it can."""
        self.appended_ns = 0
        """When the last entry was read."""
        self.lock = threading.RLock()
        self._tail = Tail(folder / "journal")
        self._stamps = Stamps(folder / "latency.bin")
        self._fold: Fold | None = None
        self._now: Moment | None = None
        self._past: OrderedDict[int, Moment] = OrderedDict()
        """Moments that were shown, and are kept for whoever looks closer at them."""
        self._refolded: OrderedDict[int, Moment] = OrderedDict()
        self._with_rows: OrderedDict[int, Moment] = OrderedDict()
        self._evidence: Evidence | None = None
        self._explained = 1
        self._stuck = False

    @property
    def as_of_seq(self) -> int:
        """The sequence of the last entry that was read; 0 before the first."""
        return self._fold.rows.last if self._fold is not None else 0

    @property
    def ts(self) -> int:
        """The stamp of the last entry."""
        return self._fold.rows.ledger.ts if self._fold is not None else 0

    def advance(self) -> bool:
        """Take what is new; whether there was anything. What is damaged is told in `trouble` and not read past."""
        with self.lock:
            before, trouble = self.as_of_seq, self.trouble
            self._read_on()
            stamped = self._stamps.advance()
            if self.as_of_seq == before and not (stamped and self._fold is not None):
                return self.trouble != trouble
            self.appended_ns = time.time_ns()
            self._now = None
            if self._fold is not None:
                self._fold.settle(next(iter(self._past), None))
                if self.as_of_seq - before == TAKEN_AT_ONCE:
                    gc.freeze()  # what a journal left stays: nobody need look through it again
            return True

    def _read_on(self) -> None:
        """Take what the journal has, as far as it can be taken."""
        try:
            found = self._tail.new(TAKEN_AT_ONCE) if not self._stuck else []
            if not self._stuck:
                self.trouble = None
        except (Corrupt, OSError) as error:
            found, self.trouble = [], _line(error)
        for sequence, payload in found:
            try:
                self._take(sequence, payload)
            except (Corrupt, Refused, LookupError, ValueError, ArithmeticError, TypeError) as error:
                self._stuck = True  # what comes behind an entry that was not taken cannot be told
                self.trouble = f"entry {sequence} cannot be read: {_line(error)}"
                break

    def now(self) -> Moment:
        """The run at the present sequence. Raises `Missing` before its journal begins."""
        if self._now is None:
            if self._fold is None:
                raise Missing(f"run {self.folder.name} has no journal yet; it fills as soon as the run begins")
            self._now = Moment(self._fold, self._stamps, facts_of(self.folder), self._explain)
            self._past[self._now.seq] = self._now
            while len(self._past) > MOMENTS_KEPT:
                self._past.popitem(last=False)
        return self._now

    def at(self, seq: int | None) -> Moment:
        """The run at a sequence, folded again from its journal where that is long past. Raises `Ahead` for one that is
        not reached."""
        with self.lock:
            moment = self._at(seq)
            self._with_rows[moment.seq] = moment
            self._with_rows.move_to_end(moment.seq)
            while len(self._with_rows) > WITH_ROWS:
                self._with_rows.popitem(last=False)[1].let_go()
            return moment

    def entries(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """Entries of the journal by their numbers, as far as they were read."""
        return list(self._tail.between(first, last))

    def tiles(self) -> list[Tile]:
        """Every figure at the present sequence; none before the journal begins."""
        return self.now().tiles if self._fold is not None else []

    def row_counts(self) -> dict[str, int]:
        """How many rows each table that only grows has."""
        if self._fold is None:
            return {}
        rows = self._fold.rows
        return {
            "t-fills": len(rows.fills), "t-orders": len(rows.orders), "t-intents": len(rows.wishes),
            "t-funding": len(rows.payments), "t-flows": len(rows.flows), "t-denials": len(rows.denials),
            "t-unhedged": len(rows.apart), "t-odd": len(rows.odd), "t-trips": len(rows.trips),
        }  # fmt: skip

    def alerts(self, after: int) -> list[Alert]:
        """What a person should have seen since the entry `after`."""
        return self._fold.watch.alerts_after(after) if self._fold is not None else []

    def head(self) -> dict[str, Any]:
        """What a page shows of the run at its top."""
        facts = facts_of(self.folder)
        head: dict[str, Any] = {
            "run": str(facts.get("run", self.folder.name)), "mode": str(facts.get("mode", "backtest")),
            "word": str(facts.get("word", facts.get("mode", "backtest"))), "environment": facts.get("environment"),
            "complete": bool(facts.get("complete", False)), "alive": is_alive(self.folder),
            "as_of_seq": self.as_of_seq, "ts": self.ts or None, "read_ns": self.appended_ns,
            "trouble": self.trouble or self._stamps.trouble,
        }  # fmt: skip
        if self._fold is None:
            return head
        ledger = self._fold.rows.ledger
        declared = ledger.declaration
        traded = {int(one.venue) for one in declared.instruments}
        venues = [venue.label for number, venue in enumerate(declared.venues) if number in traded]
        scopes = ["desk", *(f"venue:{name}" for name in venues)]
        scopes += [f"instrument:{one.name}" for one in declared.instruments]
        scopes += [f"strategy:{name}" for name in declared.strategies]
        known = self.now().known
        return head | {
            "currency": declared.assets[declared.reporting], "physics": declared.physics,
            "controls_off": declared.controls_off, "strategies": declared.strategies, "venues": venues,
            "scopes": scopes, "instruments": [one.name for one in declared.instruments],
            "pairs": [one.name for one in declared.pairs],
            "level": Level(ledger.levels.get((Scope.DESK, 0), Level.ACTIVE)).name,
            "differ": [name for name, figure in known.items() if figure.residual not in (0, None)],
            "window": known["pnl.total"].window,
        }  # fmt: skip

    def close(self) -> None:
        """Let go of the journal."""
        self._tail.close()

    def _at(self, seq: int | None) -> Moment:
        if seq is None or seq == self.as_of_seq:
            return self.now()
        if seq > self.as_of_seq:
            raise Ahead(f"as_of {seq} is not reached: the journal is at {self.as_of_seq}; ask again when it is")
        if seq < 1:
            raise Unclear(f"as_of {seq} is no entry: they count from 1")
        for kept in (self._past, self._refolded):
            found = kept.get(seq)
            if found is not None and (found.begun or not (self._fold and self._fold.begun)):
                return found
        found = self._refolded[seq] = self._refold(seq)
        while len(self._refolded) > REFOLDED_KEPT:
            self._refolded.popitem(last=False)
        return found

    def _take(self, sequence: int, payload: bytes) -> None:
        if self._fold is not None:
            self._fold.take(sequence, payload)
            return
        if payload[0] != DECLARATION_TAG:
            raise Corrupt("the journal does not begin with a declaration; it is no journal of a run")
        self._fold = Fold(sequence, payload)

    def _refold(self, seq: int) -> Moment:
        entries = self._tail.between(1, seq)
        fold = Fold(*next(entries))
        for number, (sequence, payload) in enumerate(entries):
            fold.take(sequence, payload)
            if number % TAKEN_AT_ONCE == 0:
                fold.settle()
        return Moment(fold, self._stamps, facts_of(self.folder), self._explain)

    def _explain(self, seq: int) -> list[Fall]:
        """Changes of levels up to an entry. What they stand on is looked up only once there are some."""
        if self._fold is None:
            return []
        if self._evidence is None:
            self._evidence = Evidence(self._fold.rows.declaration)
        for sequence, payload in self._tail.between(self._explained + 1, self.as_of_seq):
            self._evidence.take(sequence, payload)
            self._explained = sequence
        return [one for one in self._evidence.falls if one.sequence <= seq]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def facts_of(folder: Path) -> dict[str, Any]:
    """What `run.json` says; nothing where it is not there or cannot be read."""
    try:
        facts = read_run(folder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}
