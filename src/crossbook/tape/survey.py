"""Fold every book of a tape once, with the desk's own kernels, and note what is wrong: gaps, crossed, stale, order."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from crossbook.rules.book import DELTA, GAP, QUOTE, SNAPSHOT, apply_market, chain_verdict
from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import BOOK, BOOK_SYNCED, EVENT, I8, Rows, record
from crossbook.rules.layout import QUOTE as QUOTE_RECORD
from crossbook.tape.manifest import LIST_MAX, Gap, Health, Stretch
from crossbook.timestamp import NS_PER_S
from crossbook.types import Instrument

STALE_NS = 5 * NS_PER_S
ROOM = 1 << 14

FOUND_GAP = 0
FOUND_CROSSED = 1
FOUND_STALE = 2
FOUND_DISORDER = 3

FINDING = record(*((name, I8) for name in ("what", "instrument", "ts", "end", "expected", "got")))
WATCH = record(*((name, I8) for name in ("chain", "crossed_since", "heard")))
SURVEY = record(*((name, I8) for name in ("frame", "found", "last_ts")), ("venue_ts", I8, (16,)))


@bulk_kernel
def survey(
    state: Any, rows: Any, starts: Any, books: Any, quotes: Any, watches: Any, findings: Any, lane: int, lanes: int
) -> None:
    """Fold on from frame `state.frame` until the end or until `findings` is nearly full.

    Lane k of n sees to the instruments k, k + n, ...; lane 0 also to the order of all frames.
    """
    s = state[0]
    n = len(starts) - 1
    while s.frame < n and s.found < len(findings) - 4:
        first = starts[s.frame]
        row = rows[first]
        s.frame += 1
        if lane == 0:
            venue = row.venue
            if row.ts < s.last_ts or row.ts_venue > row.ts or row.ts_venue < s.venue_ts[venue]:
                note(s, findings, FOUND_DISORDER, row.instrument, row.ts, row.ts, s.last_ts, row.ts_venue)
            s.last_ts = row.ts
            s.venue_ts[venue] = row.ts_venue
        i = row.instrument
        kind = row.kind
        if i % lanes != lane or (kind != QUOTE and kind != SNAPSHOT and kind != DELTA):
            continue
        book = books[i]
        quote = quotes[i]
        watch = watches[i]
        if watch.heard > 0 and row.ts - watch.heard >= STALE_NS:
            note(s, findings, FOUND_STALE, i, watch.heard, row.ts, 0, 0)
        watch.heard = row.ts
        if kind == DELTA and book.status == BOOK_SYNCED:
            if chain_verdict(watch.chain, book.id, book.chained, row.id2, row.id) == GAP:
                note(s, findings, FOUND_GAP, i, row.ts, row.ts, book.id, row.id2)
        apply_market(book, quote, watch.chain, rows[first : starts[s.frame]])
        crossed = quote.bid_lots > 0 and quote.ask_lots > 0 and quote.bid >= quote.ask
        if crossed and watch.crossed_since == 0:
            watch.crossed_since = row.ts
        elif not crossed and watch.crossed_since > 0:
            note(s, findings, FOUND_CROSSED, i, watch.crossed_since, row.ts, 0, 0)
            watch.crossed_since = 0


@bulk_kernel
def note(s: Any, findings: Any, what: int, instrument: int, ts: int, end: int, expected: int, got: int) -> None:
    """Write one finding."""
    found = findings[s.found]
    s.found += 1
    found.what = what
    found.instrument = instrument
    found.ts = ts
    found.end = end
    found.expected = expected
    found.got = got


def examine(rows: Rows, starts: Any, instruments: Sequence[Instrument], pool: Executor, lanes: int = 2) -> Health:
    """The health of a tape. `starts`: the first row of every frame, and the end."""
    view = np.ascontiguousarray(rows, EVENT).view()
    view.flags.writeable = False  # one compiled form, whether the rows are mapped from a file or made in memory
    edges = np.ascontiguousarray(starts, np.int64).view()
    edges.flags.writeable = False
    jobs = [pool.submit(_lane, view, edges, instruments, lane, lanes) for lane in range(lanes)]
    results = [job.result() for job in jobs]
    found = [finding for findings, _, _ in results for finding in findings]
    found.sort(key=lambda finding: (finding[2], finding[1], finding[0]))
    counts = [sum(counted[what] for _, counted, _ in results) for what in range(4)]
    names = [instrument.name for instrument in instruments]
    return Health(
        gaps=tuple(
            Gap(instrument=names[i], ts=ts, expected=expected, got=got)
            for what, i, ts, _, expected, got in found if what == FOUND_GAP
        )[:LIST_MAX],
        crossed=_stretches(found, FOUND_CROSSED, names),
        stale=_stretches(found, FOUND_STALE, names),
        gap_count=counts[FOUND_GAP],
        crossed_count=counts[FOUND_CROSSED],
        stale_count=counts[FOUND_STALE],
        disorder_count=counts[FOUND_DISORDER],
        dropped_levels=sum(dropped for _, _, dropped in results),
    )  # fmt: skip


Finding = tuple[int, int, int, int, int, int]


def _stretches(found: list[Finding], kind: int, names: list[str]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(instrument=names[i], ts=ts, end=end) for what, i, ts, end, _, _ in found if what == kind
    )[:LIST_MAX]  # fmt: skip


def _lane(
    rows: Rows, starts: Any, instruments: Sequence[Instrument], lane: int, lanes: int
) -> tuple[list[Finding], list[int], int]:
    n = len(instruments)
    books, quotes = np.zeros(n, BOOK), np.zeros(n, QUOTE_RECORD)
    watches, findings, state = np.zeros(n, WATCH), np.zeros(ROOM, FINDING), np.zeros(1, SURVEY)
    watches["chain"] = [int(instrument.chain) for instrument in instruments]
    kept: list[Finding] = []
    counts = [0, 0, 0, 0]
    while int(state[0].frame) < len(starts) - 1:
        survey(state, rows, starts, books, quotes, watches, findings, lane, lanes)
        for finding in findings[: int(state[0].found)].tolist():
            counts[finding[0]] += 1
            if counts[finding[0]] <= LIST_MAX:
                kept.append(finding)
        state[0].found = 0
    last = int(rows[-1]["ts"]) if len(rows) else 0
    for i in np.flatnonzero(watches["crossed_since"]).tolist():
        counts[FOUND_CROSSED] += 1
        kept.append((FOUND_CROSSED, i, int(watches[i]["crossed_since"]), last, 0, 0))
    return kept, counts, int(books["dropped"].sum())
