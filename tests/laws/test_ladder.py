"""The ladder: the lowest of four scopes counts; only a person raises. long: anything may come in, so all does."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import control_material as three
import desk_material as make
import pytest
from control_material import Stage, denial, entered
from desk_material import DOLLAR, E8, HYPER, INSTRUMENTS, MILLI, MS, SPOT, T0, USD, USDM
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind, Reason
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.replay import Replay
from crossbook.desk.wire import wire
from crossbook.engine import Engine
from crossbook.events import (
    WISH_FLATTEN,
    ClockOffset,
    Event,
    ForcedClose,
    FundingPaid,
    Health,
    OperatorRequest,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReport,
    OrderUnknown,
    PositionReport,
    RateBudget,
    StreamDown,
    StreamUp,
    Timer,
    Transfer,
)
from crossbook.ledger.entries import OUT_TAG, TEXT_TAG
from crossbook.rules.ladder import effective_level, level_of, lower, raise_level, set_level
from crossbook.rules.rows import pack, pack_out, unpack_out
from crossbook.state import State
from crossbook.types import Level, Scope

KILLED, CLOSE_ONLY, ACTIVE = (int(level) for level in Level)
SCOPES = [(Scope.DESK, 0), (Scope.VENUE, 1), (Scope.INSTRUMENT, USDM), (Scope.STRATEGY, 0)]
WHY = (int(Reason.OPERATOR), 1, 0)


def wish(scope: int, index: int, level: int, ts: int = T0, **more: int) -> OperatorRequest:
    return OperatorRequest(ts=ts, ts_venue=ts, scope=int(scope), index=index, level=level, **more)


@pytest.mark.jit_off
@pytest.mark.parametrize("levels", list(product((KILLED, CLOSE_ONLY, ACTIVE), repeat=4)))
def test_the_lowest_of_four_scopes_counts(levels: tuple[int, ...]) -> None:
    s = make.desk()[0]
    for (scope, index), level in zip(SCOPES, levels, strict=True):
        set_level(s, int(scope), index, level)
        assert level_of(s, int(scope), index) == level
    assert effective_level(s, 0, USDM) == min(levels)
    assert effective_level(s, 1, HYPER) == levels[0]  # another strategy, instrument and venue: only the desk's applies


@pytest.mark.jit_off
@pytest.mark.parametrize("where", SCOPES)
@pytest.mark.parametrize("old", [KILLED, CLOSE_ONLY, ACTIVE])
@pytest.mark.parametrize("new", range(-2, 5))
def test_falls_freely_and_rises_one_way(where: tuple[Scope, int], old: int, new: int) -> None:
    scope, index = int(where[0]), where[1]
    for act, allowed in (
        (lower, KILLED <= new < old),
        (raise_level, old < new <= ACTIVE and (old, new) != (KILLED, ACTIVE)),
    ):
        desk = make.desk()
        s, out = desk[0], Engine(desk)._out
        set_level(s, scope, index, old)
        n = act(s, out, 0, scope, index, new, WHY)
        assert n == int(allowed)
        assert level_of(s, scope, index) == (new if allowed else old)
        if allowed:
            row = out[0]
            told = [int(row[name]) for name in ("kind", "count", "order", "price", "lots", "reason", "value")]
            assert told == [OutKind.TRANSITION, scope, index, old, new, Reason.OPERATOR, 1]


@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("scope", "index"),
    [(0, 1), (0, -1), (1, 4), (1, -1), (2, 4), (2, 8), (2, 10**6), (3, 2), (3, 7), (3, -1), (4, 0), (-1, 0), (99, 99)],
)
@pytest.mark.parametrize("level", [KILLED, CLOSE_ONLY, ACTIVE, -1, 3])
def test_a_wish_for_a_scope_that_is_not_there_changes_nothing(scope: int, index: int, level: int) -> None:
    engine = Engine(make.opened())
    before = engine.desk.tobytes()
    told = engine.step(wish(scope, index, level, request=5))
    assert [(one.reason, one.value) for one in told if one.kind is OutKind.ALERT] == [(Reason.RAISE_FORBIDDEN, 5)] or (
        level < KILLED and not told
    )
    assert engine.desk.tobytes() == before


@pytest.mark.parametrize("level", [-1, -(10**9), 3, 10**9])
def test_a_wish_for_a_level_that_is_none_changes_nothing(level: int) -> None:
    for scope, index in SCOPES:
        engine = Engine(make.opened())
        set_level(engine.desk[0], int(scope), index, CLOSE_ONLY)
        told = engine.step(wish(scope, index, level))
        assert not [one for one in told if one.kind is OutKind.TRANSITION]
        assert level_of(engine.desk[0], int(scope), index) == CLOSE_ONLY


def levels(s: Any) -> dict[tuple[int, int], int]:
    found = {(0, 0): int(s.level)}
    found |= {(1, k): int(s.venues[k].level) for k in range(4)}
    found |= {(2, k): int(s.instruments[k].level) for k in range(4)}
    return found | {(3, k): int(s.strategies[k].level) for k in range(2)}


def some_event(draw: random.Random, s: Any, ts: int, number: int) -> Event:
    """Anything that can come in, likely or not, that the life of an order allows."""
    i = draw.choice((SPOT, USDM, HYPER))
    venue = int(INSTRUMENTS[i].venue)
    at = {"ts": ts, "ts_venue": ts - MS}
    live = [k for k in range(32) if 1 <= s.orders[k].status <= 3]
    kind = draw.randrange(15)
    if live and draw.random() < 0.6:
        order = s.orders[draw.choice(live)]
        left = int(order.lots - order.filled)
        answer = draw.randrange(4)
        if answer == 0 and order.status != 2:
            return OrderRejected(**at, order=int(order.id), reason=1)
        if answer == 1:
            return OrderUnknown(**at, order=int(order.id))
        if answer == 2:
            return OrderExpired(**at, order=int(order.id), lots=left)
        fill = {
            "instrument": int(order.instrument), "venue": int(INSTRUMENTS[order.instrument].venue),
            "strategy": int(order.strategy), "side": int(order.side), "price": int(order.price),
            "lots": draw.randrange(1, left + 1), "fee_e8": 0, "fee_asset": 0,
        }  # fmt: skip
        return OrderFilled(**at, order=int(order.id), trade=number, **fill)
    stray = {
        "instrument": i, "venue": venue, "order": 10**6 + number, "trade": number, "side": draw.randrange(2),
        "price": 60_000 * USD[i], "lots": draw.randrange(1, 4) * MILLI[i], "fee_e8": 0, "fee_asset": 0,
    }  # fmt: skip
    scope = draw.randrange(-1, 5)
    choices: list[Event] = [
        StreamDown(**at, venue=venue),
        StreamUp(**at, venue=venue),
        ClockOffset(**at, venue=venue, offset_ns=draw.choice((-2, -1, 0, 1, 2)) * 500 * MS),
        RateBudget(**at, venue=venue, left=draw.randrange(1001), whole=1000),
        Health(**at, journal_lag_ns=draw.randrange(200) * MS, disk_bytes=draw.randrange(3) << 30, loop_lag_ns=0),
        PositionReport(**at, instrument=i, lots=draw.choice((0, int(s.positions[0, i].lots)))),
        OrderReport(**at, venue=venue, open_orders=draw.randrange(2)),
        FundingPaid(**at, instrument=i, venue=venue, strategy=0, asset=0, payment=number,
                    amount_e8=draw.choice((-60, -30, 0, 40)) * E8),
        Transfer(**at, venue=venue, asset=0, amount_e8=draw.choice((-500, 500)) * E8, transfer=number),
        OrderFilled(**at, strategy=draw.randrange(-1, 2), **stray),
        ForcedClose(**at, strategy=draw.randrange(-1, 2), **stray),
        Timer(**at, timer=draw.choice((0, 65))),
        wish(scope, draw.randrange(-1, 5), draw.randrange(-1, 4), ts, request=number),
        wish(draw.choice((0, 3)), 0, draw.choice((CLOSE_ONLY, ACTIVE)), ts, request=number),
        wish(0, 0, CLOSE_ONLY, ts, wish=WISH_FLATTEN, request=number),
    ]  # fmt: skip
    return choices[kind]


class Fold:
    """The desk half as the journal says, beside the one the engine keeps."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state = State(engine.desk.copy())

    def take(self, event: Event | None, outs: list[Any]) -> None:
        if event is not None:
            self.state.apply(pack(event))
        for one in outs:
            self.state.apply(pack_out(one))
        assert self.state.account_bytes() == State(self.engine.desk).account_bytes()


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.integers(20, 160))
def test_no_level_ever_rises_unasked(seed: int, length: int) -> None:
    """Over anything that may happen: only a person raises, one step, with nothing unknown and nothing unhedged; what a
    rule let fall is stated with its reason; after a kill nothing leaves that adds; the journal folds to the same."""
    draw = random.Random(seed)
    engine = Engine(make.opened())
    s = engine.desk[0]
    s.balances[:] = 20_000 * E8
    fold = Fold(engine)
    ts = T0
    for number in range(length):
        ts += draw.choice((0, 1, 20, 300, 2_000, 700_000)) * MS
        before, killed = levels(s), s.level == KILLED
        unknown = any(s.orders[k].status == 3 for k in range(32))
        if draw.random() < 0.45:
            i = draw.choice((SPOT, USDM, HYPER, DOLLAR))
            rows = make.book(ts, i, 60_000 + draw.choice((-260, -150, 0, 150, 260)), 1, (draw.randrange(1, 9), 8))
            rows.flags.writeable = False
            event = None
            outs = [unpack_out(row) for row in engine.step_rows(rows)]
        else:
            event = some_event(draw, s, ts, number)
            outs = engine.step(event)
        after = levels(s)
        told = {}
        for one in outs:
            if one.kind is OutKind.TRANSITION:
                where = (one.scope, one.index)
                assert one.old == told.get(where, before[where]) and one.reason != 0
                told[where] = one.new
        assert after == before | told, "a level changed unsaid"
        for where, level in after.items():
            if level > before[where]:
                assert isinstance(event, OperatorRequest) and (event.scope, event.index) == where
                assert event.level == level and not unknown
                assert before[where] > KILLED or level == CLOSE_ONLY
        if killed and s.level == KILLED:
            for one in outs:
                if one.kind is OutKind.SUBMIT_ORDER:
                    assert one.flags & FLAG_CLOSING and (one.flags & FLAG_HEDGE or s.flattening == 1)
        fold.take(event, outs)


def open_pair(stage: Stage, alone: bool = False) -> None:
    """The first strategy holds three thousandths bought on spot and sold on the perpetual; or only the former."""
    s = stage.s
    fill = {"ts": T0, "ts_venue": T0, "strategy": 0, "order": 900, "trade": 1, "fee_asset": 0, "fee_e8": 0}
    stage.s.limits.off = 1 << 40
    make.hold(s, USDM, 0 if alone else -3)
    if not alone:
        make.hold(s, SPOT, 3 * MILLI[SPOT])
        s.legs[0, 0].phase, s.legs[0, 0].opened_ts, s.legs[0, 0].entry_notional_e8 = 2, T0, 180 * E8
    else:
        stage.tell(
            OrderFilled(instrument=SPOT, venue=0, side=0, price=60_000 * USD[SPOT], lots=3 * MILLI[SPOT], **fill)
        )


def answer_all(stage: Stage, ts: int, fill: bool) -> list[Any]:
    """The venue fills, or gives back, whatever is out."""
    told: list[Any] = []
    for k in range(32):
        order = stage.s.orders[k]
        if not 1 <= order.status <= 3:
            continue
        if fill:
            event: Event = OrderFilled(
                ts=ts, ts_venue=ts, instrument=int(order.instrument), venue=int(INSTRUMENTS[order.instrument].venue),
                strategy=int(order.strategy), order=int(order.id), trade=1, side=int(order.side),
                price=int(order.price), lots=int(order.lots - order.filled), fee_e8=0, fee_asset=0,
            )  # fmt: skip
        else:
            event = OrderExpired(ts=ts, ts_venue=ts, order=int(order.id), lots=int(order.lots))
        told += stage.tell(event)
    return told


def test_raising_waits_for_what_is_unknown_and_what_is_unhedged() -> None:
    for trouble in ("none", "unknown", "unhedged"):
        stage = Stage()
        stage.tell(wish(0, 0, CLOSE_ONLY))
        if trouble == "unknown":
            make.send(stage.s, 901, HYPER, 0, 1, strategy=1)
            stage.tell(OrderUnknown(ts=T0, ts_venue=T0, order=901))
        if trouble == "unhedged":
            open_pair(stage, alone=True)
        told = stage.tell(wish(0, 0, ACTIVE, request=7))
        raised = [(one.new, one.reason, one.value) for one in told if one.kind is OutKind.TRANSITION]
        refused = [(one.reason, one.value, one.limit) for one in told if one.kind is OutKind.ALERT]
        assert raised == ([(ACTIVE, Reason.OPERATOR, 7)] if trouble == "none" else [])
        assert trouble == "none" or (Reason.RAISE_FORBIDDEN, 7, CLOSE_ONLY) in refused
        assert stage.s.level == (ACTIVE if trouble == "none" else CLOSE_ONLY)


def test_a_killed_desk_cancels_neutralises_and_proves() -> None:
    """Everything is cancelled once per venue; the lone leg goes back; when nothing is out the venues are asked, and
    their answers are the proof. The hedged pair of the other strategy stays."""
    stage = Stage()
    s = stage.s
    make.hold(s, USDM, -4, strategy=1)
    make.hold(s, HYPER, 4 * MILLI[HYPER], strategy=1)
    s.strategies[1].pairs = 2
    s.legs[1, 1].phase, s.legs[1, 1].opened_ts, s.legs[1, 1].entry_notional_e8 = 2, T0, 240 * E8
    assert entered(stage.show())
    told = stage.tell(wish(0, 0, KILLED, T0 + 20 * MS))
    assert sorted(one.venue for one in told if one.kind is OutKind.CANCEL_ALL) == [0, 1, 3]
    spot, perpetual = (k for k in range(32) if s.orders[k].status == 1)
    if s.orders[spot].instrument != SPOT:
        spot, perpetual = perpetual, spot
    order = s.orders[spot]
    outs = stage.tell(
        OrderFilled(ts=T0 + 30 * MS, ts_venue=T0, instrument=SPOT, venue=0, strategy=0, order=int(order.id), trade=1,
                    side=0, price=int(order.price), lots=int(order.lots), fee_e8=0, fee_asset=0)
    )  # fmt: skip
    outs += stage.tell(
        OrderExpired(
            ts=T0 + 31 * MS, ts_venue=T0, order=int(s.orders[perpetual].id), lots=int(s.orders[perpetual].lots)
        )
    )
    sent = [one for one in outs if one.kind is OutKind.SUBMIT_ORDER]
    assert [(one.instrument, one.side, one.lots, one.flags & FLAG_HEDGE) for one in sent] == [
        (SPOT, 1, int(order.lots), FLAG_HEDGE)
    ]
    assert not [one for one in outs if one.kind in (OutKind.QUERY, OutKind.CANCEL_ALL)]
    told = answer_all(stage, T0 + 40 * MS, fill=True)
    assert sorted(one.venue for one in told if one.kind is OutKind.QUERY) == [0, 1, 3]
    for venue, last in ((0, False), (1, False), (3, True)):
        told = stage.tell(OrderReport(ts=T0 + 50 * MS, ts_venue=T0, venue=venue, open_orders=0))
        proved = [(one.open_orders, one.orphan_e8) for one in told if one.kind is OutKind.PROVED]
        assert proved == ([(0, 0)] if last else [])
    assert (s.positions[1, USDM].lots, s.positions[1, HYPER].lots) == (-4, 4 * MILLI[HYPER])
    for ts in range(T0 + 60 * MS, T0 + 460 * MS, 50 * MS):  # whatever the books show, nothing leaves any more
        stage.frame(make.book(ts, HYPER, 59_000))
        assert not [one for one in stage.show(ts, 60_001, 60_150) if one.kind is OutKind.SUBMIT_ORDER]
        assert not [one for one in stage.show(ts, 60_001, 59_800) if one.kind is OutKind.SUBMIT_ORDER]


def test_what_is_still_open_after_a_kill_is_in_the_proof() -> None:
    stage = Stage()
    told = stage.tell(wish(0, 0, KILLED))
    assert sum(one.kind is OutKind.QUERY for one in told) == 3
    for venue, count in ((0, 1), (1, 0), (3, 2)):
        told = stage.tell(OrderReport(ts=T0, ts_venue=T0, venue=venue, open_orders=count))
    assert [(one.open_orders, one.orphan_e8) for one in told if one.kind is OutKind.PROVED] == [(3, 0)]


@pytest.mark.jit_off
@pytest.mark.parametrize("killed", [False, True])
def test_flatten_closes_all_that_is_hedged_too(killed: bool) -> None:
    """A command of its own, at any level: the pair goes home, and no new one is begun until a person says ACTIVE."""
    stage = Stage()
    open_pair(stage)
    if killed:
        stage.tell(wish(0, 0, KILLED, T0 + MS))
    told = stage.tell(wish(0, 0, CLOSE_ONLY, T0 + 2 * MS, wish=WISH_FLATTEN))
    assert [one.reason for one in told if one.kind is OutKind.INTENT] == [Reason.EXIT_FLATTEN]
    sent = [(one.instrument, one.side, one.lots) for one in told if one.kind is OutKind.SUBMIT_ORDER]
    assert sent == [(SPOT, 1, 3 * MILLI[SPOT]), (USDM, 0, 3)]
    answer_all(stage, T0 + 3 * MS, fill=True)
    assert stage.s.positions["lots"].tolist() == [[0] * 8] * 8
    assert not entered(stage.show(T0 + 10 * MS))
    assert stage.s.level == (KILLED if killed else CLOSE_ONLY)
    for step in (CLOSE_ONLY, ACTIVE) if killed else (ACTIVE,):
        stage.tell(wish(0, 0, step, T0 + 11 * MS))
    assert entered(stage.show(T0 + 2000 * MS))


def test_a_lowered_scope_denies_entries_and_says_which_level() -> None:
    for scope, index in SCOPES:
        stage = Stage()
        stage.tell(wish(scope, index, CLOSE_ONLY))
        assert denial(stage.show()) == (Reason.LEVEL_FORBIDS_ENTRY, CLOSE_ONLY, ACTIVE)


def test_a_venue_that_reports_another_position_is_closed_and_a_forced_close_kills_its_strategy() -> None:
    stage = Stage()
    told = stage.tell(PositionReport(ts=T0, ts_venue=T0, instrument=USDM, lots=0))
    assert not told
    told = stage.tell(PositionReport(ts=T0, ts_venue=T0, instrument=USDM, lots=2))
    assert [(one.instrument, one.theirs, one.ours) for one in told if one.kind is OutKind.BREAK] == [(USDM, 2, 0)]
    falls = [(one.scope, one.index, one.new, one.reason) for one in told if one.kind is OutKind.TRANSITION]
    assert falls == [(Scope.VENUE, 1, CLOSE_ONLY, Reason.POSITION_DIFFERS)]
    open_pair(stage)
    told = stage.tell(
        ForcedClose(ts=T0, ts_venue=T0, instrument=USDM, venue=1, strategy=0, order=0, trade=9, side=0,
                    price=60_000 * USD[USDM], lots=3, fee_e8=0, fee_asset=0)
    )  # fmt: skip
    falls = [(one.scope, one.index, one.new, one.reason) for one in told if one.kind is OutKind.TRANSITION]
    assert falls == [(Scope.STRATEGY, 0, KILLED, Reason.FORCED_CLOSE)]
    sent = [(one.instrument, one.side, one.lots) for one in told if one.kind is OutKind.SUBMIT_ORDER]
    assert sent == [(SPOT, 1, 3 * MILLI[SPOT])]  # the twin goes back too


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.integers(60, 200))
def test_a_kill_in_the_middle_of_a_run_ends_in_its_proof(
    tmp_path_factory: pytest.TempPathFactory, seed: int, frames: int
) -> None:
    """Against the simulated venues: zero open orders, no orphan, and hedged pairs as they were."""
    folder = tmp_path_factory.mktemp("kill")
    tape = three.market(seed, frames + 250, 20)
    bundle = wire(three.three(orders_per_min_max=120), tape)
    with JournalWriter(folder / "journal", segment_bytes=1 << 20) as journal:
        replay = Replay(bundle, journal)
        replay.begin()
        while replay.frames < frames:
            replay.advance(int(tape.rows["ts"][tape.starts[frames]]), 10)
        replay.request({"reason": "test"}, 0, 0, KILLED, 0, replay.moment)
        while not replay.at_end:
            replay.advance(1 << 62)
        replay.finish()
    entries = [payload for _, payload in read_journal(folder / "journal")]
    kill = next(k for k, entry in enumerate(entries) if entry[0] == TEXT_TAG)
    after = [unpack_out(make.as_row(entry)[0]) for entry in entries[kill:] if entry[0] == OUT_TAG]
    assert sorted(one.venue for one in after if one.kind is OutKind.CANCEL_ALL) == [0, 1, 3]
    for one in after:
        if one.kind is OutKind.SUBMIT_ORDER:
            assert one.flags & FLAG_HEDGE and one.flags & FLAG_CLOSING
    proofs = [(one.open_orders, one.orphan_e8) for one in after if one.kind is OutKind.PROVED]
    assert proofs == [(0, 0)]
    s = bundle.engine.desk[0]
    for strategy, (a, b) in enumerate(((SPOT, USDM), (SPOT, USDM), (USDM, HYPER))):
        held = [int(s.positions[strategy, i].lots) * INSTRUMENTS[i].lot_e8 for i in (a, b)]
        assert abs(sum(held)) < 2 * 10**5
    assert not any(1 <= order["status"] <= 3 for order in s.orders)
