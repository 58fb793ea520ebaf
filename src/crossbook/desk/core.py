"""The engine and its journal: an event in, the answers journalled, then sent. The same for every kind of run.

Nothing here knows where events come from, where commands go, or what time it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from crossbook.commands import OutKind
from crossbook.desk.journal import write_snapshot
from crossbook.engine import Engine
from crossbook.ledger.entries import decode_out, encode_event, encode_outs, encode_text, kind_of
from crossbook.rules.layout import Rows
from crossbook.state import State

SUBMIT_ORDER = int(OutKind.SUBMIT_ORDER)
QUERY = int(OutKind.QUERY)
SET_TIMER = int(OutKind.SET_TIMER)
SNAPSHOT_EVERY = 50_000


class Journal(Protocol):
    """Where entries go: a `JournalWriter`, or one that is compared with what it holds already."""

    @property
    def directory(self) -> Path: ...

    @property
    def sequence(self) -> int: ...

    def append(self, payload: bytes) -> int: ...


class Core:
    """`send` gets the entry of each command after it is journalled, `wake` each timer `(due, number)`, `watch` every
    entry after it is written."""

    def __init__(
        self,
        engine: Engine,
        state: State,
        journal: Journal,
        send: Callable[[bytes], None],
        wake: Callable[[int, int], None],
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        self.engine = engine
        self.state = state
        self.journal = journal
        self._send = send
        self._wake = wake
        self._watch = watch
        self._next_snapshot = SNAPSHOT_EVERY

    def account(self, event: Rows) -> list[bytes]:
        """Journal an event that is not on a tape, then let the engine take it (frozen, as a tape's rows are: the step
        is compiled for one kind of array). Returns the entries of the answer."""
        event.flags.writeable = False
        self.append(encode_event(event))
        answers = self.engine.step_rows(event)
        if len(answers):
            return self.answer(answers)
        self.snapshot_if_due()
        return []

    def answer(self, answers: Rows) -> list[bytes]:
        """Journal all answers of a step, then send its commands, then show the entries: a look may take its time."""
        entries = encode_outs(answers)
        append = self.journal.append
        for payload in entries:
            append(payload)
        for payload in entries:
            kind = kind_of(payload)
            if SUBMIT_ORDER <= kind <= QUERY:
                self._send(payload)
            elif kind == SET_TIMER:
                row = decode_out(payload)
                self._wake(row.value, row.count_)
        if self._watch is not None:
            for payload in entries:
                self._watch(payload)
        self.snapshot_if_due()
        return entries

    def say(self, words: dict[str, Any]) -> None:
        """Journal words: they change no figure."""
        self.append(encode_text(words))

    def append(self, payload: bytes) -> None:
        """Write an entry and show it."""
        self.journal.append(payload)
        if self._watch is not None:
            self._watch(payload)

    def snapshot_if_due(self) -> None:
        """Between two steps only: amid the entries of one, the state is already further than they are."""
        if self.journal.sequence >= self._next_snapshot:
            write_snapshot(self.journal.directory, self.journal.sequence, self.state.account_bytes())
            self._next_snapshot = (self.journal.sequence // SNAPSHOT_EVERY + 1) * SNAPSHOT_EVERY
