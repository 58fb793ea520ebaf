"""The loop of a run: what comes before what, that it stops cleanly anywhere, and that nothing knows the future."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import desk_material as make
import numpy as np
import pytest
from desk_material import DOLLAR, HYPER, MS, SPOT, T0, USDM
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.test_legs import Watched, check_books

from crossbook.commands import OutKind
from crossbook.desk import replay as loop
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.latency import LatencySink, read_latency
from crossbook.desk.replay import Replay
from crossbook.desk.wire import wire
from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG
from crossbook.rules.layout import Rows
from crossbook.tape.tape import tape_of_rows

TAPE = make.wandering(11, 400)
ANSWERS = (EventKind.ORDER_ACCEPTED, EventKind.ORDER_FILLED, EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED)
TERMINAL = (EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED, EventKind.ORDER_CANCELED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> make.Run:
    """One run over the whole of the tape."""
    return make.run(make.config(), TAPE, tmp_path_factory.mktemp("whole"))


def test_the_journal_tells_a_story_in_order(whole: make.Run) -> None:
    """Times never run back; an order is journalled before any answer to it, and every order comes to its end."""
    rows = make.rows_of(whole.entries)
    assert all(a.ts <= b.ts for a, b in pairwise(rows))
    left: dict[int, int] = {}
    told: set[int] = set()
    for entry, row in zip(whole.entries[1:], rows, strict=True):
        if entry[0] == OUT_TAG and row.kind == OutKind.SUBMIT_ORDER:
            left[row.order] = row.lots
        elif entry[0] == EVENT_TAG and row.kind in ANSWERS:
            told.add(row.id)
            assert row.id in left
            left[row.id] -= row.lots if row.kind == EventKind.ORDER_FILLED else 0
            left[row.id] = 0 if row.kind in TERMINAL else left[row.id]
    assert len(left) >= 20 and told == left.keys() and set(left.values()) == {0}


def test_every_wish_to_be_woken_is_heard_at_its_time(whole: make.Run) -> None:
    rows = make.rows_of(whole.entries)
    last = next(row.ts for row in rows if row.kind == EventKind.RUN_STOPPED)
    asked = sorted((row.value, row.count_) for row in rows if row.kind == OutKind.SET_TIMER)
    rung = sorted((row.ts, row.id) for row in rows if row.kind == EventKind.TIMER)
    assert len(rung) >= 5 and rung == [one for one in asked if one[0] <= rung[-1][0]]
    assert all(due > last - loop.DRAIN_NS for due, _ in asked[len(rung) :])


class Listening(Watched):
    """Remembers in which order it was told what."""

    def hear(self, row: Any) -> None:
        self.heard = [*getattr(self, "heard", []), (int(row.ts), EventKind(int(row.kind)))]
        super().hear(row)


def test_what_is_due_comes_before_the_market_of_the_same_moment(tmp_path: Path) -> None:
    """Orders leave at T0 + 10 ms; spot answers at T0 + 20 ms, exactly when a frame arrives: the answers come first."""
    frames = [*make.opening(), make.book(T0 + 10 * MS, USDM, 60_400), make.book(T0 + 20 * MS, SPOT, 60_111)]
    run = make.run(make.config(), make.tape_of(frames), tmp_path, Listening)
    engine = run.bundle.engine
    assert isinstance(engine, Listening)
    at_once = [kind for ts, kind in engine.heard if ts == T0 + 20 * MS]
    assert at_once == [EventKind.ORDER_ACCEPTED, EventKind.ORDER_FILLED, EventKind.BOOK_SNAPSHOT]


def test_the_three_ways_through_a_tape_are_one(whole: make.Run, tmp_path: Path) -> None:
    """Frame by frame under observation, in one compiled loop, or with hop stamps: the same bytes."""
    watched = make.run(make.config(), TAPE, tmp_path / "watched", Watched)
    assert watched.entries == whole.entries
    bundle = wire(make.config(), TAPE)
    heard: list[bytes] = []
    sink = LatencySink(tmp_path / "latency.bin")
    with JournalWriter(tmp_path / "journal", segment_bytes=1 << 18) as journal:
        timed = Replay(bundle, journal, latency=sink, watch=heard.append)
        timed.run()
    sink.flush()
    assert heard == whole.entries == [payload for _, payload in read_journal(tmp_path / "journal")]
    assert read_latency(tmp_path)
    assert timed.progress.steps == whole.replay.progress.steps
    assert timed.progress.frames == len(TAPE.starts) - 1


@settings(max_examples=12)
@given(at=st.integers(1, 400))
def test_a_run_that_is_stopped_is_the_beginning_of_the_whole_one(
    whole: make.Run, tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    """It ends between two events; what is in flight is waited for; the books agree; until then all is as it was."""
    folder = tmp_path_factory.mktemp("stopped")
    times = TAPE.rows["ts"][TAPE.starts[:-1]]
    bundle = wire(make.config(), TAPE)
    with JournalWriter(folder / "journal", segment_bytes=1 << 18) as journal:
        replay = Replay(bundle, journal, pace=lambda now: now >= times[at])
        replay.run()
    stopped = make.Run(bundle, folder, [payload for _, payload in read_journal(folder / "journal")], replay)
    frames = replay.progress.frames
    assert at < frames <= at + loop.LOOK_EVERY + 1 or frames == len(times)
    until = int(times[frames - 1])
    assert before(stopped.entries, until) == before(whole.entries, until)
    check_books(stopped)


def before(entries: list[bytes], moment: int) -> list[bytes]:
    """The entries up to the first that is stamped `moment` or later."""
    rows = make.rows_of(entries)
    end = next((k for k, row in enumerate(rows) if row.ts >= moment), len(rows))
    return entries[: end + 1]


def shuffled(rows: Rows, draw: np.random.Generator) -> Rows:
    """The same stamps, but the books of other moments: each instrument's frames change places."""
    made = rows.copy()
    for i in (SPOT, USDM, HYPER, DOLLAR):
        mine = np.flatnonzero(rows["instrument"] == i)
        sizes = {int(ts): mine[rows["ts"][mine] == ts] for ts in np.unique(rows["ts"][mine])}
        by_size: dict[int, list[int]] = {}
        for ts, places in sizes.items():
            by_size.setdefault(len(places), []).append(ts)
        for stamps in by_size.values():
            for ts, other in zip(stamps, draw.permutation(stamps), strict=True):
                made["price"][sizes[ts]] = rows["price"][sizes[int(other)]]
                made["lots"][sizes[ts]] = rows["lots"][sizes[int(other)]]
    return made


def dearer(rows: Rows, draw: np.random.Generator) -> Rows:
    """All prices move by a hundred dollars."""
    made = rows.copy()
    for i in (SPOT, USDM, HYPER):
        made["price"][rows["instrument"] == i] += 100 * make.USD[i]
    return made


def silent(rows: Rows, draw: np.random.Generator) -> Rows:
    """Nothing comes any more but one book."""
    return rows[-4:].copy()


@pytest.mark.parametrize("alter", [shuffled, dearer, silent])
@settings(max_examples=12)
@given(at=st.integers(5, 395))
def test_nothing_knows_the_future(
    whole: make.Run,
    tmp_path_factory: pytest.TempPathFactory,
    alter: Callable[[Rows, np.random.Generator], Rows],
    at: int,
) -> None:
    """Whatever happens at the venues from a moment on, the journal until then stays as it was, byte for byte."""
    moment = int(TAPE.rows["ts_venue"][TAPE.starts[at]])
    cut = int(TAPE.starts[np.searchsorted(TAPE.rows["ts_venue"][TAPE.starts[:-1]], moment)])
    future = alter(TAPE.rows[cut:], np.random.default_rng(at))
    future["flags"][-1] |= 1
    other = tape_of_rows(make.INSTRUMENTS, np.concatenate([TAPE.rows[:cut], future]))
    run = make.run(make.config(), other, tmp_path_factory.mktemp("other"))
    assert before(run.entries, moment) == before(whole.entries, moment)
    assert len(before(whole.entries, moment)) > 1


def test_an_instrument_that_the_tape_lacks_takes_its_pairs_along(tmp_path: Path) -> None:
    short = make.tape_of(make.opening(), kept=(SPOT, USDM, DOLLAR))
    bundle = wire(make.config(), short)
    assert bundle.not_traded == ["hyperliquid:BTC"]
    assert [pair.name for pair in bundle.declaration.pairs] == ["A"]
    assert [int(one.pairs) for one in bundle.engine.desk[0].strategies[:2]] == [1, 0]
    with pytest.raises(Refused, match=r"^--strict: the tape has no hyperliquid:BTC; it has binance_spot:BTCUSDT"):
        wire(make.config(), short, strict=True)
    with pytest.raises(Refused, match=r"^no configured pair is on the tape: it lacks binance_usdm:BTCUSDT"):
        wire(make.config(), make.tape_of(make.opening(), kept=(SPOT, HYPER, DOLLAR)))


def test_a_journal_may_be_read_while_its_writer_ends(whole: make.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spare segment was there when the reader looked, and is gone when he opens it."""
    seen = sorted((whole.folder / "journal").glob("*.seg"))
    spare = seen[-1].with_name(f"{len(seen) + 1:06d}.seg")
    monkeypatch.setattr("crossbook.desk.journal._segments", lambda directory: [*seen, spare])
    assert [payload for _, payload in read_journal(whole.folder / "journal")] == whole.entries
