"""Going on with a live run that was killed: its inputs and its journal step the desk to where it was cut off.

The newest sound snapshot of the desk, else its beginning; from there every frame and every journalled event again, in
their order. What the steps answer has to be what the journal holds. Nothing is written and nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from crossbook.commands import OutKind
from crossbook.desk.capital import allocations
from crossbook.desk.config import load_config
from crossbook.desk.desk_snapshot import Standing, latest_desk
from crossbook.desk.inputs import BY_HAND, FOLDER, last_chapter, read_frames, refuse_other_code
from crossbook.desk.journal import read_journal
from crossbook.desk.wire import fill_desk
from crossbook.desk.wire_live import LiveBundle
from crossbook.engine import Engine
from crossbook.errors import Corrupt, Refused
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import (
    DECLARATION_TAG,
    EVENT_TAG,
    TEXT_TAG,
    decode_event,
    decode_text,
    encode_outs,
    kind_of,
)
from crossbook.rules.kernel import KERNELS
from crossbook.rules.layout import EVENT, MAX_ORDERS, Rows
from crossbook.rules.orders import is_live
from crossbook.state import State
from crossbook.types import Instrument
from crossbook.venues.gateway import OpenOrder

SET_TIMER = int(OutKind.SET_TIMER)
ORDER_FILLED = int(EventKind.ORDER_FILLED)
OPERATOR_REQUEST = int(EventKind.OPERATOR_REQUEST)
TIMER = int(EventKind.TIMER)
RUN_STOPPED = int(EventKind.RUN_STOPPED)

Request = tuple[dict[str, Any], list[bytes]]
"""What a person asked, in words, and the entries of the answer."""


class Told(msgspec.Struct, kw_only=True):
    """What a live run's journal tells at one look. `trades`: the venue's numbers of what was booked, by order."""

    declaration: Declaration
    restarts: int = 0
    requests: int = 0
    trades: dict[int, set[int]] = {}


class Resumed(msgspec.Struct, kw_only=True):
    """A run as it stood when it was cut off. `missing`: answers of its last step that did not come into the journal
    (nothing of them was sent); `open_orders`: what the venues may still fill, or did."""

    bundle: LiveBundle
    chapter: int
    missing: list[bytes]
    open_orders: list[OpenOrder]
    timers: list[tuple[int, int]]
    restarts: int
    requests: int
    frames: int
    steps: int
    heard: list[Request]

    @property
    def now(self) -> int:
        """The moment of the last thing that happened."""
        return int(self.bundle.engine.desk[0].now)


def tell(journal: Path) -> Told:
    """Look through the journal of a run. Raises `Refused` where there is nothing to go on with."""
    entries = read_journal(journal)
    _, first = next(entries, (0, b"\0"))
    if first[0] != DECLARATION_TAG:
        raise Refused(f"{journal}: the run was cut off before it had begun; nothing was sent, begin a new one")
    told = Told(declaration=Declaration.from_json(first[1:]))
    for _, payload in entries:
        if payload[0] == TEXT_TAG:
            words = decode_text(payload)
            told.restarts += "restart" in words
            told.requests = max(told.requests, int(words.get("request", 0)))
        elif payload[0] == EVENT_TAG:
            kind = kind_of(payload)
            if kind == ORDER_FILLED:
                row = decode_event(payload)
                told.trades.setdefault(row.id, set()).add(row.id2)
            elif kind == RUN_STOPPED:
                raise Refused(f"{journal.parent}: the run has ended; begin a new one with crossbook live CONFIG")
    return told


def resume(folder: Path) -> Resumed:
    """Bring a run to where it was cut off. Raises `Refused` where it has ended, had not begun, lacks what it heard, or
    was of other code; `Corrupt` where its journal does not come again."""
    journal, inputs = folder / "journal", folder / FOLDER
    told = tell(journal)
    if not inputs.is_dir() or last_chapter(inputs) == 0:
        raise Refused(
            f"{inputs}: what the run heard is missing, without it the market cannot be shown again; {BY_HAND}"
        )
    bundle = _wire(folder, told.declaration)
    found = latest_desk(inputs)
    chapter, standing = 1, Standing(sequence=0, kernels=KERNELS)
    if found is not None:
        chapter, standing, desk = found
        refuse_other_code(inputs, standing.kernels, KERNELS)
        bundle.engine.desk.view(np.uint8)[:] = np.frombuffer(desk, np.uint8)
    again = _Again(folder, bundle.engine, standing)
    again.go(chapter)
    return Resumed(
        bundle=bundle,
        chapter=last_chapter(inputs),
        missing=again.missing,
        open_orders=_open_orders(bundle.engine.desk, told.trades),
        timers=again.timers,
        restarts=told.restarts,
        requests=told.requests,
        frames=again.frames,
        steps=again.steps,
        heard=again.heard,
    )


class _Again:
    """Steps frames and events again behind what stands, and compares."""

    def __init__(self, folder: Path, engine: Engine, standing: Standing) -> None:
        self.missing: list[bytes] = []
        self.timers = list(standing.timers)
        self.frames, self.steps = standing.frames, standing.steps
        self.heard: list[Request] = []
        self._folder, self._engine = folder, engine
        self._kernels = standing.kernels
        self._at = 0
        self._from = standing.sequence
        self._entries: Iterator[tuple[int, bytes]] = read_journal(folder / "journal")

    def go(self, chapter: int) -> None:
        """Until journal and frames are at their end."""
        words: dict[str, Any] = {}
        while self._at < self._from:
            payload = self._next()
            if payload is None:
                raise Corrupt(
                    f"{self._folder / 'journal'}: ends with entry {self._at}, the desk was kept behind entry "
                    f"{self._from}; {BY_HAND}"
                )
            words = self._hear(payload, words)
        frames = read_frames(self._folder / FOLDER, chapter, self._kernels)
        sequence, rows = next(frames, (-1, None))
        while True:
            while rows is not None and sequence <= self._at:
                if sequence < self._at or self.missing:
                    raise self._differs(f"a frame was stepped behind entry {sequence}")
                self.frames += 1
                self._step(rows)
                sequence, rows = next(frames, (-1, None))
            payload = self._next()
            if payload is None:
                break
            if payload[0] == EVENT_TAG:
                self._event(payload, words)
            elif payload[0] == TEXT_TAG:
                words = decode_text(payload)
            elif payload[0] != DECLARATION_TAG:
                raise self._differs(f"entry {self._at} is the answer to nothing that the run heard")
        if rows is not None:
            raise self._differs(f"a frame was stepped behind entry {sequence}, the last one is {self._at}")

    def _event(self, payload: bytes, words: dict[str, Any]) -> None:
        row = np.frombuffer(payload[1:], EVENT).copy()
        row.flags.writeable = False
        kind = kind_of(payload)
        if kind == TIMER:
            self._fired(int(row["id"][0]))
        answers = self._step(row)
        if kind == OPERATOR_REQUEST:
            self.heard.append((words, answers))

    def _step(self, rows: Rows) -> list[bytes]:
        """One step; what it answers is what the journal says next, as far as that goes."""
        self.steps += 1
        answers = self._engine.step_rows(rows)
        if not len(answers):
            return []
        for k in np.flatnonzero(answers["kind"] == SET_TIMER):
            self.timers.append((int(answers["value"][k]), int(answers["count"][k])))
        entries = encode_outs(answers)
        for payload in entries:
            written = None if self.missing else self._next()
            if written is None:
                self.missing.append(payload)
            elif written != payload:
                raise self._differs(f"entry {self._at} does not come again")
        return entries

    def _hear(self, payload: bytes, words: dict[str, Any]) -> dict[str, Any]:
        """An entry that the snapshot has in it: of requests, at least that they were taken."""
        if payload[0] == TEXT_TAG:
            return decode_text(payload)
        if payload[0] == EVENT_TAG and kind_of(payload) == OPERATOR_REQUEST:
            self.heard.append((words, []))
        elif payload[0] not in (EVENT_TAG, DECLARATION_TAG) and self.heard and words is self.heard[-1][0]:
            self.heard[-1][1].append(payload)
        else:
            return {}
        return words

    def _fired(self, number: int) -> None:
        due = min((timer for timer in self.timers if timer[1] == number), default=None)
        if due is not None:
            self.timers.remove(due)

    def _next(self) -> bytes | None:
        entry = next(self._entries, None)
        if entry is None:
            return None
        self._at = entry[0]
        return entry[1]

    def _differs(self, what: str) -> Corrupt:
        return Corrupt(
            f"{self._folder}: {what}: journal and {FOLDER}/ do not fit together; nothing is written or sent, {BY_HAND}"
        )


def _wire(folder: Path, declaration: Declaration) -> LiveBundle:
    """The parts of the run as it declared them."""
    config = load_config(folder / "config.toml")
    names = Instrument.__struct_fields__
    instruments = tuple(
        Instrument(**{name: getattr(one, name) for name in names}) for one in declaration.instruments
    )  # fmt: skip
    capital = allocations(config)
    desk = fill_desk(config, declaration, instruments, capital)
    return LiveBundle(
        config=config, declaration=declaration, instruments=instruments, engine=Engine(desk), state=State(desk),
        transfers=[], capital=capital,
    )  # fmt: skip


def _open_orders(desk: Rows, trades: dict[int, set[int]]) -> list[OpenOrder]:
    found = []
    for k in range(MAX_ORDERS):
        order = desk[0].orders[k]
        if is_live(int(order.status)):
            found.append(
                OpenOrder(
                    order=int(order.id), strategy=int(order.strategy), instrument=int(order.instrument),
                    side=int(order.side), price=int(order.price), lots=int(order.lots), filled=int(order.filled),
                    trades=frozenset(trades.get(int(order.id), ())),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: one.order)
