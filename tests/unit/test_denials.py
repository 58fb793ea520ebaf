"""How a denial is told: at its first, then once a second with its count; the counters count all."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import desk_material as make
import numba
import numpy as np
import pytest
from desk_material import MS, SPOT, T0, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import OutKind, Reason
from crossbook.desk.summary import denial_rows
from crossbook.engine import Engine
from crossbook.events import EventKind, RunStopped
from crossbook.ledger.metrics import figures
from crossbook.rules.layout import new_outs
from crossbook.rules.out import flush_denials, say_denial

KEYS = [(0, 0, Reason.QUOTE_TOO_OLD), (0, 0, Reason.ORDER_RATE), (1, 1, Reason.ORDER_RATE)]


@pytest.mark.jit_off
@settings(max_examples=10 if numba.config.DISABLE_JIT else 100)
@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from(KEYS)), max_size=40))
def test_one_entry_at_the_first_and_one_a_second(drawn: list[tuple[int, tuple[int, int, Reason]]]) -> None:
    s, out = make.opened()[0], new_outs()
    told: dict[tuple[int, int, int], list[tuple[int, int, int]]] = defaultdict(list)
    asked: Counter[tuple[int, int, int]] = Counter()
    latest = {}

    def note(n: int) -> None:
        for row in out[:n]:
            key = (int(row.strategy), int(row.pair), int(row.reason))
            told[key].append((int(row.ts), int(row["count"]), int(row.value)))
            assert (int(row.value), int(row.limit), int(row.instrument)) == latest[key]
            assert row.kind == OutKind.DENIAL and row.venue == s.instruments[row.instrument].venue

    now = T0
    for number, (gap_ms, key) in enumerate(drawn):
        now += gap_ms * MS
        s.now = now
        asked[key] += 1
        latest[key] = (number, 7, USDM)
        note(say_denial(s, out, 0, key[0], key[1], USDM, (int(key[2]), number, 7)))
        if asked[key] == 1:
            assert told[key] == [(now, 1, number)]
    note(flush_denials(s, out, 0, 100))
    for key, entries in told.items():
        times = [ts for ts, _, _ in entries]
        spoken = times if times[-1] != now else times[:-1]  # the last may be the flush at the end of a run
        assert all(later - earlier >= S for earlier, later in pairwise(spoken))
        assert sum(count for _, count, _ in entries) == asked[key]
    assert s.counters[0].denials + s.counters[1].denials == sum(asked.values())
    assert flush_denials(s, out, 0, 100) == 0


def test_a_run_tells_every_denial_with_its_numbers(tmp_path: Path) -> None:
    """A gap of 300 dollars (50 bp) for three seconds under a limit of 30 bp: nothing is sent, all is counted."""
    frames = [*make.opening(), make.book(T0 + MS, USDM, 60_300)]
    frames += [make.book(T0 + k * 50 * MS, (SPOT, USDM)[k % 2], (60_000, 60_300)[k % 2]) for k in range(1, 61)]
    run = make.run(make.config(edge_bps_max=30), make.tape_of(frames), tmp_path)
    ledger = run.ledger()
    entries = [row for row in make.rows_of(run.entries) if row.kind == OutKind.DENIAL and row.strategy == 0]
    assert {row.reason for row in entries} == {Reason.EDGE_TOO_GOOD}
    assert entries[0].count_ == 1 and [row.ts - T0 for row in entries[:4]] == [MS, S + 50 * MS, 2 * S + 50 * MS, 3 * S]
    for row in entries:
        assert (row.pair, row.instrument, row.limit) == (0, SPOT, 3_000)
        assert row.value == (299 * 10**6 - 60_001 * 1_000 - 60_300 * 500) // 60_001  # less both fees, of the purchase
    assert sum(row.count_ for row in entries) == 61 == run.desk.counters[0].denials
    assert not any(row.kind == OutKind.SUBMIT_ORDER and row.strategy == 0 for row in make.rows_of(run.entries))
    found = figures(ledger)
    assert found["denials.v0"].value == 61 == found["denials.reason.edge_too_good.v0"].value
    assert denial_rows(ledger)[0] == {"strategy": "v0", "reason": "EDGE_TOO_GOOD", "count": 61}


def test_what_was_not_yet_told_is_told_at_the_end(tmp_path: Path) -> None:
    run = make.run(make.config(orders_per_min_max=2), make.wandering(1, 300), tmp_path)
    rows = make.rows_of(run.entries)
    denials = [row for row in rows if row.kind == OutKind.DENIAL]
    assert not np.any(run.desk.denied["count"])
    for strategy in range(2):
        assert run.desk.counters[strategy].denials == sum(row.count_ for row in denials if row.strategy == strategy)
    end = next(k for k, row in enumerate(rows) if row.kind == EventKind.RUN_STOPPED)
    assert any(row.kind == OutKind.DENIAL for row in rows[end:])
    assert figures(run.ledger())["denials"].value == sum(row.count_ for row in denials)


def test_more_kinds_of_denial_than_a_step_has_room_for_are_all_told() -> None:
    engine = Engine(make.opened(make.CONFIG))
    desk = engine.desk
    strategies, pairs = int(desk[0].n_strategies), int(desk[0].n_pairs)
    desk["denied"]["count"][0, :strategies, :pairs, 1:] = 3
    expected = int(desk["denied"]["count"].sum())
    told = steps = 0
    while engine.has_unstated_denials():
        outs = engine.step(RunStopped(ts=T0 + 10 * S, ts_venue=T0 + 10 * S))
        told += sum(one.count for one in outs if one.kind is OutKind.DENIAL)
        steps += 1
    assert told == expected and steps > 1
