"""A run as far as it lies in a period: its rows and figures, cut by time where it crosses an edge.

At the beginning the books are carried forward: the window begins with what was held then, at the marks of then. At the
end nothing later is read. Windows that meet add up: what one ends with, the next begins with.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import msgspec

from crossbook.commands import Marked, OutKind, Unhedged
from crossbook.desk.journal import journal_sha256, read_journal
from crossbook.desk.latency import read_latency
from crossbook.desk.runs import read_run
from crossbook.errors import Corrupt
from crossbook.ledger.carried import carry_forward
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out, encode_out, kind_of
from crossbook.ledger.figure import Figure
from crossbook.ledger.hops import STAMP
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.postings import Key, key_of
from crossbook.report.context import Context
from crossbook.report.period import Period
from crossbook.report.recount import BOOKED
from crossbook.report.run_rows import Recorded, RunRows
from crossbook.report.second_route import figures_twice
from crossbook.rules.rows import pack_out
from crossbook.timestamp import day_label, day_of

Entries = list[tuple[int, bytes]]
_TS = struct.Struct("<q")
"""The first column of events and of answers alike."""


class PartRows(RunRows):
    """The rows of a run from a moment on."""

    earlier: frozenset[Key] = frozenset()
    """The venue events that were booked before."""

    @staticmethod
    def opened(before: RunRows, edge: int) -> PartRows:
        """Begin with what `before` holds at `edge`. It is used up: open round trips and evidence move over."""
        rows = PartRows(carry_forward(before.ledger, edge))
        rows.earlier = frozenset(before.ledger.booked)
        rows.last = before.last
        rows.marked = dict(before.marked)
        rows._under_way = before._under_way
        rows._evidence = before._evidence
        rows.falls.clear()
        if rows.ledger.path is not None:
            rows.ledger.path = Recorded(rows.ledger.path, rows)
        return rows

    def repeats(self, payload: bytes) -> bool:
        """Whether an event was booked before the edge."""
        return payload[0] == EVENT_TAG and kind_of(payload) in BOOKED and key_of(decode_event(payload)) in self.earlier

    def restate(self, payload: bytes) -> None:
        """Say again what was so before the edge; it is evidence of nothing."""
        self._out(self.last, kind_of(payload), decode_out(payload), payload)


class Part(msgspec.Struct, kw_only=True):
    """What of one run lies in a period. `begins`, `ends`: whether it is cut at that edge."""

    run: str
    folder: Path = Path()
    facts: dict[str, Any]
    rows: RunRows
    known: dict[str, Figure]
    stamps: bytes
    entries: Entries
    """Those of the window, as they stand in the journal."""
    digest: str
    begins: bool
    ends: bool
    repeats: int
    """Events of before the edge that reached the desk again after it; they are in no figure."""

    @property
    def mode(self) -> str:
        """`live`, `paper` or `backtest`."""
        return str(self.facts.get("mode", "backtest"))

    @property
    def currency(self) -> str:
        """The asset that amounts are in."""
        return self.rows.declaration.assets[self.rows.declaration.reporting]

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last stamp of its entries in the period; None where it has none."""
        stamps = [ts for _, payload in self.entries if (ts := stamp_of(payload)) is not None]
        return (min(stamps), max(stamps)) if stamps else None

    @property
    def context(self) -> Context:
        """What tables and sections are made from."""
        return Context(self.rows, self.known)


def stamp_of(payload: bytes) -> int | None:
    """When an entry was; None for what has no stamp of its own."""
    return int(_TS.unpack_from(payload, 1)[0]) if payload[0] in (EVENT_TAG, OUT_TAG) else None


def facts_of(folder: Path) -> dict[str, Any]:
    """What `run.json` says. Raises `Corrupt` where it cannot be read."""
    try:
        facts: Any = read_run(folder)
    except msgspec.DecodeError as error:
        raise Corrupt(f"{folder / 'run.json'} cannot be read ({error}); restore it, or remove it") from None
    if not isinstance(facts, dict):
        raise Corrupt(f"{folder / 'run.json'} holds no object; restore it, or remove it")
    return facts


def lies_in(folder: Path, period: Period) -> bool:
    """Whether a run has an entry in the period; reads no further than it takes. Raises `Corrupt` as reading does."""
    for _, payload in read_journal(folder / "journal"):
        ts = stamp_of(payload)
        if ts is not None and ts >= period.begin_ns:
            return ts < period.end_ns
    return False


def read_part(folder: Path, period: Period) -> Part | None:
    """The part of the run in `folder` that lies in the period; None where nothing of it does. Raises `Corrupt` naming
    what is damaged."""
    entries = list(read_journal(folder / "journal"))
    part = cut(entries, period.begin_ns, period.end_ns, read_latency(folder) or b"")
    if part is None:
        return None
    part.folder = folder
    part.facts = facts_of(folder)
    part.run = str(part.facts.get("run", folder.name))
    if not (part.begins or part.ends):
        part.digest = journal_sha256(folder / "journal")
    return part


def cut(entries: Entries, begin_ns: int, end_ns: int, stamps: bytes = b"") -> Part | None:
    """The part of a run's entries in [begin, end); None where there is none. Entries keep their order: an edge lies
    before the first entry at or after its moment."""
    first, last = _place(entries, begin_ns), _place(entries, end_ns)
    if first >= last:
        return None
    begins, ends = any(stamp_of(payload) is not None for _, payload in entries[:first]), last < len(entries)
    first = first if begins else 0
    head, body, told = entries[:first], entries[first:last], list[bytes]()
    before: list[bytes] = []
    rows: RunRows
    if begins:
        part, told, before = _carried(head, begin_ns - 1)
        rows, inside = part, [one for one in body if not part.repeats(one[1])]
    else:
        rows, inside = _fold(body[:1]), body[1:]
    for sequence, payload in inside:
        rows.take(sequence, payload)
    folded = told + [payload for _, payload in (inside if begins else body)]
    if ends and rows.ledger.path is not None:
        mark = _marks(entries[:last], end_ns)[0]  # the run went on: its last day here is a whole one
        rows.take(rows.last, mark)
        folded.append(mark)
    rows.close()
    if begins or ends:
        stamps = _stamps_of(rows, stamps)
    known = figures_twice(rows.ledger, folded, stamps, before)
    for edge, is_cut in ((begin_ns - 1, begins), (end_ns, ends)):
        if is_cut:
            known.pop(f"pnl.day.{day_label(day_of(edge))}", None)  # one moment of the day beside the period: it made 0
    return Part(
        run="", facts={}, rows=rows, known=known, stamps=stamps, entries=body, begins=begins, ends=ends,
        digest=hashlib.sha256(b"".join(payload for _, payload in body)).hexdigest(),
        repeats=len(body) - len(inside) if begins else 0,
    )  # fmt: skip


def _place(entries: Entries, edge: int) -> int:
    for place, (_, payload) in enumerate(entries):
        ts = stamp_of(payload)
        if ts is not None and ts >= edge:
            return place
    return len(entries)


def _fold(entries: Entries) -> RunRows:
    """Like `RunRows.of`, but more may follow."""
    rows = RunRows(Ledger.of([entries[0][1]]))
    for sequence, payload in entries[1:]:
        rows.take(sequence, payload)
    return rows


def _carried(head: Entries, edge: int) -> tuple[PartRows, list[bytes], list[bytes]]:
    """Rows that go on behind `head`, what is said again to them, and the entries that lead there by the second path."""
    before = _fold(head)
    told = [
        encode_out(pack_out(Unhedged(ts=edge, strategy=one.strategy, pair=one.pair, quantity_e8=one.quantity_e8)))
        for one in before._open_apart.values()
        if one.quantity_e8
    ]
    rows = PartRows.opened(before, edge)
    for payload in told:
        rows.restate(payload)
    return rows, told, [_before(payload, edge) for _, payload in head] + _marks(head, edge)


def _before(payload: bytes, edge: int) -> bytes:
    """The entry, moved ahead of the moment at which the second path must begin: that is told by its stamp."""
    ts = stamp_of(payload)
    return payload if ts is None or ts < edge else payload[:1] + _TS.pack(edge - 1) + payload[1 + _TS.size :]


def _marks(entries: Entries, edge: int) -> list[bytes]:
    """The last mark of each instrument, stated again at the edge."""
    last: dict[int, Marked] = {}
    for _, payload in entries:
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.MARKED:
            row = decode_out(payload)
            if row.price > 0 and row.lots > 0:
                last[row.instrument] = Marked(ts=edge, instrument=row.instrument, bid=row.price, ask=row.lots)
    return [encode_out(pack_out(mark)) for mark in last.values()]


def _stamps_of(rows: RunRows, stamps: bytes) -> bytes:
    """Of `latency.bin` what belongs to intents of the window: its stamps have no date."""
    whole = len(stamps) // STAMP.size * STAMP.size
    kept = (stamps[at : at + STAMP.size] for at in range(0, whole, STAMP.size))
    return b"".join(one for one in kept if STAMP.unpack(one)[0] in rows.wishes)
