"""Holds: entries are denied while the cause lasts and a minute after; the third of a kind in an hour is no longer
transient."""

from __future__ import annotations

from collections.abc import Callable

import desk_material as make
import pytest
from control_material import Stage, denial, entered
from desk_material import DOLLAR, HYPER, MS, SPOT, T0, USDM, S
from hypothesis import example, given
from hypothesis import strategies as st

from crossbook.commands import OutKind, Reason
from crossbook.events import ClockOffset, Event, InstrumentChanged, RateBudget, StreamDown, StreamUp
from crossbook.rules.holds import CLOCK, CLOSED, RATE, STALE, STREAM, begin_hold, end_hold, hold_reason
from crossbook.types import Level, Scope

pytestmark = pytest.mark.jit_off
Say = Callable[[int, bool], Event]


def stream(ts: int, on: bool) -> Event:
    return StreamDown(ts=ts, ts_venue=ts, venue=1) if on else StreamUp(ts=ts, ts_venue=ts, venue=1)


def clock(ts: int, on: bool) -> Event:
    return ClockOffset(ts=ts, ts_venue=ts, venue=1, offset_ns=-(750 * MS + int(on)))


def rate(ts: int, on: bool) -> Event:
    return RateBudget(ts=ts, ts_venue=ts, venue=1, left=200 + int(not on), whole=1000)


def closed(ts: int, on: bool) -> Event:
    return InstrumentChanged(ts=ts, ts_venue=ts, instrument=USDM, tradeable=int(not on))


KINDS: dict[int, Say] = {STREAM: stream, CLOCK: clock, RATE: rate, CLOSED: closed}


def stage_at() -> Stage:
    stage = Stage()
    limits = stage.s.limits
    limits.drift_ns_max, limits.budget_reserve_ppm = 750 * MS, 200_000
    return stage


@pytest.mark.parametrize("kind", KINDS)
def test_denied_while_the_cause_lasts_and_a_minute_after(kind: int) -> None:
    for since_end, passes in ((-1, False), (0, False), (60 * S - 1, False), (60 * S, True)):
        stage = stage_at()
        began = stage.tell(KINDS[kind](T0 + MS, True))
        assert [(one.reason, one.value, one.limit) for one in began if one.kind is OutKind.ALERT] == [
            (Reason.HELD, USDM, kind)
        ]
        assert not stage.tell(KINDS[kind](T0 + 2 * MS, True)), "a hold that is on does not begin again"
        end = T0 + 5 * S
        if since_end >= 0:
            stage.tell(KINDS[kind](end, False))
        outs = stage.show(end + max(since_end, 0))
        assert entered(outs) == passes
        until = 0 if since_end < 0 else end + 60 * S
        if not passes:
            told = denial(outs)
            # C22 speaks for itself while the budget lasts; the hold is looked at before it
            assert told == (Reason.HELD, kind, until)
        assert stage.s.instruments[USDM].level == Level.ACTIVE and stage.s.level == Level.ACTIVE


def test_only_the_instruments_of_the_venue_are_held() -> None:
    stage = stage_at()
    stage.tell(stream(T0 + MS, True))
    for i, held in ((USDM, True), (SPOT, False), (HYPER, False), (DOLLAR, False)):
        assert (hold_reason(stage.s, i)[0] == Reason.HELD) == held


@pytest.mark.parametrize(("silence", "held"), [(5 * S, False), (5 * S + 1, True)])
def test_silence_holds_an_instrument(silence: int, held: bool) -> None:
    """Looked for once a second, from the last word of the instrument's own quote."""
    stage = stage_at()
    stage.s.limits.stale_ns_max = 5 * S
    stage.s.quotes["ts"] = T0 - T0 % S + 7 * S
    stage.s.quotes[USDM].ts = T0 - T0 % S + 7 * S - silence
    stage.s.next_mark = T0 - T0 % S + 7 * S
    told = stage.tell(StreamUp(ts=T0 - T0 % S + 7 * S, ts_venue=T0, venue=3))
    alerts = [(one.reason, one.value, one.limit) for one in told if one.kind is OutKind.ALERT]
    assert alerts == ([(Reason.HELD, USDM, STALE)] if held else [])
    assert (hold_reason(stage.s, USDM)[0] == Reason.HELD) == held


@example([1, 30, 30], 3)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=9), st.integers(1, 6))
def test_so_many_of_a_kind_within_an_hour_close_the_instrument(gaps_min: list[int], most: int) -> None:
    """Any sixty minutes, not those of the clock; latched: what ends the hold does not give the level back."""
    stage = stage_at()
    s, out = stage.s, stage.engine._out
    s.limits.holds_per_h_max = most
    began: list[int] = []
    for gap in gaps_min:
        ts = (began[-1] if began else T0) + gap * 60 * S
        s.now = ts
        before = int(s.instruments[USDM].level)
        begin_hold(s, out, 0, USDM, STREAM)
        assert begin_hold(s, out, 0, USDM, STREAM) == 0
        began.append(ts)
        recent = sum(ts - one < 3600 * S for one in began)
        expected = Level.CLOSE_ONLY if recent >= most or before == Level.CLOSE_ONLY else Level.ACTIVE
        assert s.instruments[USDM].level == expected
        end_hold(s, USDM, STREAM, 60 * S)
        assert s.instruments[USDM].level == expected
    assert s.instruments[SPOT].level == s.instruments[HYPER].level == s.level == Level.ACTIVE


def test_kinds_are_counted_apart() -> None:
    """Two of one kind and two of another are no third of either."""
    stage = stage_at()
    for number in range(2):
        for say in KINDS.values():
            stage.tell(say(T0 + (2 * number) * 120 * S, True))
            stage.tell(say(T0 + (2 * number + 1) * 120 * S, False))
    assert stage.s.instruments[USDM].level == Level.ACTIVE
    told = stage.tell(stream(T0 + 1000 * S, True))
    falls = [(one.scope, one.index, one.new, one.reason, one.value) for one in told if one.kind is OutKind.TRANSITION]
    assert falls == [(Scope.INSTRUMENT, USDM, Level.CLOSE_ONLY, Reason.HELD_TOO_OFTEN, 3)]
    stage.tell(stream(T0 + 1001 * S, False))
    assert denial(stage.show(T0 + 5000 * S))[:2] == (Reason.LEVEL_FORBIDS_ENTRY, Level.CLOSE_ONLY)  # type: ignore[index]


def test_a_hold_is_no_reason_to_keep_what_is_open() -> None:
    """Closing goes on while entries are held: the gate of a close does not look at holds."""
    stage = stage_at()
    stage.tell(stream(T0 + MS, True))
    s = stage.s
    make.hold(s, SPOT, 3 * make.MILLI[SPOT], usd=60_075)
    make.hold(s, USDM, -3, usd=60_075)
    s.legs[0, 0].phase, s.legs[0, 0].opened_ts, s.legs[0, 0].entry_notional_e8 = 2, T0, 180 * make.E8
    assert entered(stage.show(T0 + 10 * MS, 60_001, 59_900))
