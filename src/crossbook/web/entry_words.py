"""A journal entry for people: what it is, and its columns by their names."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.desk.alerts import alert_line
from crossbook.errors import Corrupt
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import DECLARATION_TAG, EVENT_TAG, OUT_TAG, decode_event, decode_out, decode_text, kind_of
from crossbook.report import words
from crossbook.rules.rows import EVENT_CLASSES, OUT_CLASSES, name_of


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `fields`: its columns by name as the journal has them (integers); `trace`: its intent, or order."""

    entry: int
    ts: int | None
    time: str
    kind: str
    who: str
    what: str
    text: str
    intent: int | None
    order: int | None
    fields: dict[str, Any]


def entry_told(sequence: int, payload: bytes, declaration: Declaration) -> Told:
    """An entry in words."""
    kind = kind_of(payload)
    if payload[0] == DECLARATION_TAG:
        said = "what the run declares: instruments, assets, venues, strategies, pairs, configuration"
        return _told(sequence, None, "declaration", said, {})
    if payload[0] not in (EVENT_TAG, OUT_TAG):
        facts = decode_text(payload)
        ts = facts.get("ts")
        line = _line(payload, declaration)
        return _told(sequence, ts if isinstance(ts, int) else None, "text", line or _pairs(facts), facts)
    if payload[0] == EVENT_TAG:
        event = decode_event(payload)
        columns = EVENT_CLASSES[kind].columns if kind in EVENT_CLASSES else {}
        row: dict[str, Any] = event._asdict()
        order = event.id if "order" in columns else None
        intent = None
    else:
        out = decode_out(payload)
        columns = OUT_CLASSES[kind].columns if kind in OUT_CLASSES else {}
        row = out._asdict() | {"count": out.count_}
        order = out.order if "order" in columns else None
        intent = out.intent if out.intent else None
    fields = {name: row[column] for name, column in columns.items() if column in row}
    for name in ("instrument", "strategy"):
        fields.setdefault(name, row[name])
    shown = {name: _named(name, value, declaration) for name, value in fields.items()}
    text = _line(payload, declaration) or _pairs({name: told for name, told in shown.items() if told != ""})
    who = shown.get("strategy", "")
    return Told(
        entry=sequence, ts=row["ts"], time=words.moment(row["ts"]), kind=_name(kind), who=who,
        what=shown.get("instrument", ""), text=text, intent=intent, order=order or None, fields=fields,
    )  # fmt: skip


def _told(sequence: int, ts: int | None, kind: str, text: str, fields: dict[str, Any]) -> Told:
    time = "" if ts is None else words.moment(ts)
    return Told(entry=sequence, ts=ts, time=time, kind=kind, who=str(fields.get("who", "")), what="", text=text,
                intent=None, order=None, fields=fields)  # fmt: skip


def _name(kind: int) -> str:
    try:
        return name_of(kind).lower().replace("_", " ")
    except ValueError:
        return f"kind {kind}"


def _line(payload: bytes, declaration: Declaration) -> str:
    """As `alerts.log` says it, without the moment."""
    try:
        line = alert_line(payload, declaration)
    except (LookupError, ValueError, Corrupt):
        return ""
    return line.partition("  ")[2] if line else ""


def _named(name: str, value: int, declaration: Declaration) -> str:
    listed = {
        "instrument": [one.name for one in declaration.instruments], "strategy": declaration.strategies,
        "venue": [one.label for one in declaration.venues], "pair": [one.name for one in declaration.pairs],
        "fee_asset": declaration.assets, "asset": declaration.assets, "side": ["BUY", "SELL"],
    }.get(name)  # fmt: skip
    if name == "reason":
        return words.reason_text(value)
    if listed is None:
        return f"{value:,}"
    return listed[value] if 0 <= value < len(listed) else ""


def _pairs(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
