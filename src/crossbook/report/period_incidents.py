"""Incidents of a period: what the desk said to people, gathered where one thing followed another, as time lines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crossbook.commands import OutKind
from crossbook.desk.alerts import alert_line
from crossbook.ledger.entries import OUT_TAG, TEXT_TAG, decode_out, decode_text, kind_of
from crossbook.report import words
from crossbook.report.period_cut import Part, stamp_of
from crossbook.timestamp import NS_PER_S
from crossbook.types import Level

QUIET_NS = 1_800 * NS_PER_S
"""After so long without a word the next one is another incident."""
LINES_MAX = 40


class Line(msgspec.Struct, frozen=True):
    """One moment of an incident."""

    entry: int
    ts: int
    time: str
    text: str


class Incident(msgspec.Struct, frozen=True):
    """`lines` are the first of `count`. `lowest`: the lowest level that anything fell to, empty where none changed."""

    run: str
    title: str
    begins: str
    lasted: str
    lowest: str
    count: int
    lines: list[Line]


def incidents(parts: Sequence[Part]) -> list[Incident]:
    """All of them, by time."""
    found: list[tuple[int, Incident]] = []
    for part in parts:
        group: list[tuple[Line, int | None]] = []
        for line, level in _lines(part):
            if group and line.ts - group[-1][0].ts > QUIET_NS:
                found.append(_incident(part.run, group))
                group = []
            group.append((line, level))
        if group:
            found.append(_incident(part.run, group))
    return [one for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].run))]


def _lines(part: Part) -> list[tuple[Line, int | None]]:
    found = []
    last = part.span[0] if part.span else 0
    for sequence, payload in part.entries:
        ts = stamp_of(payload)
        last = ts if ts is not None else last
        text = _text(payload, part)
        if text is not None:
            level = None
            if payload[0] == OUT_TAG and kind_of(payload) == OutKind.TRANSITION:
                level = decode_out(payload).lots
            found.append((Line(sequence, last, words.moment(last), text), level))
    return found


def _text(payload: bytes, part: Part) -> str | None:
    """The alert of an entry without its time, or that the desk was started again."""
    if payload[0] == TEXT_TAG and "restart" in decode_text(payload):
        return "the desk was started again"
    line = alert_line(payload, part.rows.declaration)
    return None if line is None else line.partition("  ")[2]


def _incident(run: str, group: list[tuple[Line, int | None]]) -> tuple[int, Incident]:
    lines = [line for line, _ in group]
    levels = [level for _, level in group if level is not None]
    lowest = Level(min(levels)).name if levels and min(levels) in Level._value2member_map_ else ""
    first, last = lines[0], lines[-1]
    lasted = words.span(last.ts - first.ts) if last.ts > first.ts else "one moment"
    told = Incident(run, _title(lines), first.time, lasted, lowest, len(lines), lines[:LINES_MAX])
    return first.ts, told


def _title(lines: Sequence[Line]) -> str:
    """What it began with, without the numbers."""
    text = lines[0].text
    return text.partition(", ")[0] if len(text) > 60 else text
