"""What a person asks of a run while it goes: from the control folder into the replay, and the outcome back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from crossbook.commands import OutKind, Reason
from crossbook.desk.control import (
    ControlFolder,
    Outcome,
    Request,
    check_direction,
    check_request,
    scope_name,
    transition_text,
    words_of,
)
from crossbook.engine import Engine
from crossbook.errors import Corrupt, Refused
from crossbook.events import WISH_FLATTEN, WISH_LEVEL
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import decode_out, kind_of
from crossbook.rules.ladder import level_of
from crossbook.types import Level

LISTEN_EVERY_S = 0.02


class Asked(Protocol):
    """A run that takes a person's wish: a `Replay`, or a `LiveDesk`."""

    requests: int

    @property
    def engine(self) -> Engine: ...

    @property
    def declaration(self) -> Declaration: ...

    def request(self, words: dict[str, Any], scope: int, index: int, level: int, wish: int, ts: int) -> list[bytes]: ...


class Operator:
    """Hands requests to a replay, each once however often its file is met."""

    def __init__(self, replay: Asked, folder: ControlFolder, say: Callable[[str], object]) -> None:
        self._replay = replay
        self._folder = folder
        self._say = say
        self._declaration = replay.declaration
        self._known: dict[str, Outcome] = {}
        self._listened = 0.0

    def listen(self, ts: int) -> None:
        """Take what has come in since the last look, at the market's time `ts`; looks every 20 ms, not oftener."""
        clock = time.monotonic()
        if clock - self._listened < LISTEN_EVERY_S:
            return
        self._listened = clock
        for path in self._folder.waiting():
            self._answer(path, ts)

    def knows(self, words: dict[str, Any], entries: list[bytes]) -> None:
        """A request that was taken before a restart, as the journal tells it: its file may still lie there."""
        fields = {name: words[name] for name in Request.__struct_fields__ if name in words}
        request = msgspec.convert(fields, Request)
        self._known[str(words.get("id", ""))] = _outcome(request, entries, words["request"], self._declaration)

    def dismiss(self, why: str = "the run has ended; nothing was done") -> None:
        """Nobody will listen from here on: refuse what still lies there."""
        for path in self._folder.waiting():
            late = Outcome(ok=False, text=why)
            self._folder.answer(path, None, self._known.get(path.stem, late))

    def again(self, words: dict[str, Any]) -> None:
        """Take a request as the journal tells it."""
        fields = {name: words[name] for name in Request.__struct_fields__ if name in words}
        try:
            request = msgspec.convert(fields, Request)
            self._known[str(words.get("id", ""))] = self._take(request, words, 0)
        except (msgspec.ValidationError, Refused) as error:
            raise Corrupt(f"the journal holds a request that cannot be meant ({error}); restore a backup") from None

    def _answer(self, path: Path, ts: int) -> None:
        request = None
        outcome = self._known.get(path.stem)
        try:
            request = self._folder.read(path)
            if outcome is None:
                self._check_direction(request)
                outcome = self._take(request, words_of(request, path.stem), ts)
        except Refused as refusal:
            outcome = outcome or Outcome(ok=False, text=str(refusal))
            self._say(f"request {path.stem} refused: {refusal}")
        self._known[path.stem] = outcome
        try:
            self._folder.answer(path, request, outcome)
        except Refused as refusal:  # whoever asked is told nothing, which is no reason to stop trading
            self._say(str(refusal))

    def _check_direction(self, request: Request) -> None:
        """The level may have changed since the person looked: a raise must not lower."""
        scope, index, level = check_request(request, self._declaration)
        present = level_of(self._replay.engine.desk[0], scope, index)
        check_direction(request, present, level)

    def _take(self, request: Request, words: dict[str, Any], ts: int) -> Outcome:
        scope, index, level = check_request(request, self._declaration)
        wish = WISH_FLATTEN if request.wish == "flatten" else WISH_LEVEL
        entries = self._replay.request(words, scope, index, level, wish, ts)
        return _outcome(request, entries, self._replay.requests, self._declaration)


def _outcome(request: Request, entries: list[bytes], number: int, declaration: Declaration) -> Outcome:
    """What the entries that a request gave say in words."""
    transitions, texts, orders = [], [], 0
    for payload in entries:
        row = decode_out(payload)
        kind = kind_of(payload)
        if kind == OutKind.TRANSITION:
            texts.append(transition_text(row, declaration))
            scope = scope_name(row.count_, row.order, declaration)
            transitions.append({"scope": scope, "old": Level(row.price).name, "new": Level(row.lots).name})
        elif kind == OutKind.ALERT and row.reason == Reason.RAISE_FORBIDDEN:
            why = "an order is unknown or a position unhedged at this moment; ask again once it is mended"
            return Outcome(ok=False, text=f"{request.scope} stays at {Level(row.limit).name}: {why}", request=number)
        elif kind == OutKind.SUBMIT_ORDER:
            orders += 1
    if request.wish == "flatten":
        texts.append(f"closing everything, {orders} orders sent so far")
    return Outcome(ok=bool(texts), text="; ".join(texts) or "nothing changed", request=number, transitions=transitions)
