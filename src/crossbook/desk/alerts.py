"""Alerts of a run as one line each: in `alerts.log` of its folder, and on standard error as they happen.

The file is a pure function of the journal: a restart writes it anew, so that no line is lost or doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from crossbook.commands import OutKind, Reason
from crossbook.desk.control import transition_text
from crossbook.events import Rejection
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import OUT_TAG, TEXT_TAG, OutRow, decode_out, decode_text, kind_of
from crossbook.report.words import against
from crossbook.rules.holds import CLOCK, CLOSED, PAUSE, RATE, STALE, STREAM
from crossbook.timestamp import iso

HOLDS = {
    STALE: "no update", STREAM: "stream down", CLOCK: "clock offset", RATE: "rate limit", PAUSE: "pause",
    CLOSED: "closed by the venue",
}  # fmt: skip
WORTH_A_LINE = (OutKind.ALERT, OutKind.TRANSITION, OutKind.BREAK, OutKind.PROVED)


class AlertLog:
    """Takes journal entries; `say` gets each line too, once `aloud`."""

    def __init__(self, path: Path, declaration: Declaration, say: Callable[[str], object]) -> None:
        self.aloud = True
        self._declaration = declaration
        self._say = say
        self._file = path.open("w", buffering=1)

    def __enter__(self) -> AlertLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def take(self, payload: bytes) -> None:
        """Take one entry of the journal."""
        line = alert_line(payload, self._declaration)
        if line is not None:
            self._file.write(line + "\n")
            if self.aloud:
                self._say(line)


def alert_line(payload: bytes, declaration: Declaration) -> str | None:
    """The entry in a line if a person should see it: alerts, levels, breaks, the proof after a kill, requests."""
    if payload[0] == TEXT_TAG:
        words = decode_text(payload)
        if "trouble" in words:
            name = _word(words["trouble"])
            return f"{_moment(words['ts'])}  trouble at {words['venue']}: {name}: {words['text']}"
        if "request" not in words:
            return None
        what = "flatten" if words["wish"] == "flatten" else f"{words['wish']} {words['scope']} to {words['level']}"
        reason = " ".join(str(words["reason"]).split())
        return f"{_moment(words['ts'])}  request {words['request']} of {words['who'] or 'somebody'}: {what} ({reason})"
    if payload[0] != OUT_TAG or (kind := kind_of(payload)) not in WORTH_A_LINE:
        return None
    row = decode_out(payload)
    return f"{_moment(row.ts)}  {_say(kind, row, declaration)}"


def _say(kind: int, row: OutRow, declaration: Declaration) -> str:
    if kind == OutKind.TRANSITION:
        by = f" (request {row.value})" if row.reason == Reason.OPERATOR else ""
        return f"level {transition_text(row, declaration)}: {_because(row)}{by}"
    if kind == OutKind.BREAK:
        name = declaration.instruments[row.instrument].name
        return f"break {name}: the venue reports {row.value} lots, booked are {row.limit}"
    if kind == OutKind.PROVED:
        return f"proved at the venues: {row.value} open orders, orphan delta {row.limit} e-8 of base"
    who = declaration.strategies[row.strategy] if row.strategy >= 0 else "desk"
    return f"alert {who}: {_alert(row, declaration)}"


def _alert(row: OutRow, declaration: Declaration) -> str:
    if row.reason == Reason.ORDER_LOST:
        return f"order {row.value} is unknown"
    if row.reason == Reason.ORDER_REJECTED:
        return f"order {row.value} rejected: {_word(Rejection(row.limit).name) if row.limit else 'no reason given'}"
    if row.reason == Reason.HELD:
        return f"hold of {declaration.instruments[row.value].name}: {HOLDS[row.limit]}"
    if row.reason == Reason.RAISE_FORBIDDEN:
        return f"request {row.value} may not raise"
    return _because(row)


def _because(row: OutRow) -> str:
    numbers = against(row.reason, row.value, row.limit)
    return _word(Reason(row.reason).name) + (f", {numbers}" if numbers else "")


def _moment(ts: int) -> str:
    return f"{iso(ts)[:23]}Z"


def _word(name: str) -> str:
    return name.lower().replace("_", " ")
