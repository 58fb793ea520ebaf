"""What trades brought against what was expected of them: C39, C40, C32, and what v2 learns."""

from __future__ import annotations

from typing import Any

import desk_material as make
import numba
import pytest
from control_material import Stage, denial, entered
from desk_material import E8, HYPER, MILLI, MS, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import OutKind, Reason
from crossbook.engine import Engine
from crossbook.events import FLAG_MAKER, OrderExpired, OrderFilled
from crossbook.rules.legs import mend, note_unhedged
from crossbook.rules.rows import pack, unpack_out
from crossbook.rules.track import CONFORM, LEARN, TRIPS, fee_reason, note_closed, note_fill, note_opened
from crossbook.types import Level, Scope

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 60)


def desk(*off: str) -> tuple[Any, Any]:
    text = f"controls_off = {list(off)}".replace("'", '"') + make.CONFIG
    made = make.opened(text)
    return made[0], Engine(made)._out


def filled(i: int, side: int, lots: int, fee: int, *, maker: bool = False, asset: int = 0, usd: int = 60_000) -> Any:
    return pack(
        OrderFilled(
            ts=T0, ts_venue=T0, instrument=i, venue=int(make.INSTRUMENTS[i].venue), strategy=0, order=9, trade=1,
            side=side, price=usd * USD[i], lots=lots, fee_e8=fee, fee_asset=asset, maker=maker,
        )
    )[0]  # fmt: skip


@FEW
@given(st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=50))
def test_a_strategy_whose_last_twenty_lost_falls(trips: list[int]) -> None:
    """C39: a mean below zero of the last twenty round trips; not one before there are twenty, not at zero."""
    s, out = desk()
    off, out_off = desk("C39")
    fell = False
    for number, trip in enumerate(trips, 1):
        for one, rows in ((s, out), (off, out_off)):
            one.legs[0, 0].trip_e8 = trip
            n = note_closed(one, rows, 0, 0, 0)
            assert one.legs[0, 0].trip_e8 == 0
            recent = sum(trips[max(0, number - TRIPS) : number])
            falls = number >= TRIPS and recent < 0 and not fell and one is s
            assert n == int(falls)
            if falls:
                fell = True
                told = unpack_out(rows[0])
                assert (told.scope, told.index, told.new) == (Scope.STRATEGY, 0, Level.CLOSE_ONLY)
                assert (told.reason, told.value, told.limit) == (Reason.STRATEGY_LOSES, recent // TRIPS, 0)
        assert s.tracks[0].pnl_e8 == sum(trips[:number])
        assert s.tracks[0].peak_e8 == max(0, *(sum(trips[:k]) for k in range(number + 1)))
    assert off.strategies[0].level == Level.ACTIVE


def test_twenty_are_needed_and_enough() -> None:
    s, out = desk()
    for number in range(1, TRIPS + 1):
        s.legs[0, 0].trip_e8 = -1
        assert note_closed(s, out, 0, 0, 0) == int(number == TRIPS)


def test_zero_on_average_is_no_loss() -> None:
    s, out = desk()
    for number in range(TRIPS):
        s.legs[0, 0].trip_e8 = 5 if number % 2 else -5
        assert note_closed(s, out, 0, 0, 0) == 0
    s.legs[0, 0].trip_e8 = -6  # the oldest, -5, goes
    assert note_closed(s, out, 0, 0, 0) == 1


@FEW
@given(st.lists(st.integers(-300, 4_000), min_size=1, max_size=35), st.integers(1, 400))
def test_ten_entries_that_fell_short_pause_a_strategy(shortfalls_ppm: list[int], notional_usd: int) -> None:
    """C40: mean of the last ten beyond 5 bp of what was filled, five minutes without entries, then ten new ones."""
    s, out = desk()
    off, out_off = desk("C40")
    notional = notional_usd * 10**6 * 100
    kept: list[int] = []
    learnt = 0
    for short in shortfalls_ppm:
        s.now += 1000 * S
        off.now = s.now
        for one, rows in ((s, out), (off, out_off)):
            one.legs[0, 0].expected_e8 = 10**9
            captured = 10**9 - short * notional // 10**6
            one.tracks[0].paused_until = 0
            n = note_opened(one, rows, 0, 0, 0, captured, notional)
            if one is off:
                assert n == 0 and one.tracks[0].paused_until == 0
        kept.append(short)
        learnt += (short - learnt) // LEARN
        assert s.tracks[0].shortfall_ppm == learnt
        pauses = len(kept) >= CONFORM and sum(kept[-CONFORM:]) > 500 * CONFORM
        assert s.tracks[0].paused_until == (s.now + 300 * S if pauses else 0)
        if pauses:
            told = unpack_out(out[0])
            assert (told.kind, told.reason, told.limit) == (OutKind.ALERT, Reason.SLIPPAGE, 500)
            assert told.value == sum(kept[-CONFORM:]) // CONFORM
            kept = []


@pytest.mark.parametrize("off", [[], ["C40"]])
def test_a_paused_strategy_makes_no_entries_until_its_time_is_up(off: list[str]) -> None:
    for left, passes in ((1, False), (0, True), (-1, True)):
        stage = Stage(off)
        stage.s.tracks[0].paused_until = T0 + 10 * MS + left
        outs = stage.show(T0 + 10 * MS)
        assert entered(outs) == (passes or bool(off))
        assert entered(outs) or denial(outs) == (Reason.STRATEGY_PAUSED, left, 0)


FEES = {
    "spot buy": (SPOT, 0, 3 * MILLI[SPOT], 3 * E8 // 1000 * 1000),
    "spot sell": (SPOT, 1, 3 * MILLI[SPOT], 180 * E8 * 1000),
    "perpetual": (USDM, 0, 3, 180 * E8 * 500),
    "maker": (USDM, 0, 3, 180 * E8 * 200),
    "hyperliquid": (HYPER, 1, 3 * MILLI[HYPER], 180 * E8 * 450),
}


@pytest.mark.parametrize("case", FEES)
def test_another_fee_than_scheduled(case: str) -> None:
    """C40: off by more than a tenth, either way, of what the schedule says for maker or taker, in the asset it is
    taken in."""
    i, side, lots, millionths = FEES[case]
    expected = millionths // 10**6
    slack = 1 + expected // 10
    maker = case == "maker"
    s, _ = desk()
    for fee, passes in (
        (expected, True), (expected + slack, True), (expected - slack, True),
        (expected + slack + 1, False), (expected - slack - 1, False), (0, False),
    ):  # fmt: skip
        why = tuple(int(one) for one in fee_reason(s, filled(i, side, lots, fee, maker=maker), FLAG_MAKER))
        assert why == ((0, 0, 0) if passes else (Reason.FEE_DIFFERS, fee, expected))
    s.limits.off = 1 << 40
    assert fee_reason(s, filled(i, side, lots, 0), FLAG_MAKER)[0] == 0


@pytest.mark.parametrize("off", [[], ["C40"]])
def test_a_venue_that_takes_another_fee_is_closed(off: list[str]) -> None:
    stage = Stage(off)
    assert entered(stage.show())
    order = next(one for one in stage.s.orders if one.status == 1 and one.instrument == USDM)
    outs = stage.tell(
        OrderFilled(ts=T0 + 20 * MS, ts_venue=T0, instrument=USDM, venue=1, strategy=0, order=int(order.id), trade=1,
                    side=1, price=int(order.price), lots=1, fee_e8=4 * E8, fee_asset=0)
    )  # fmt: skip
    falls = [(one.scope, one.index, one.new, one.reason) for one in outs if one.kind is OutKind.TRANSITION]
    assert falls == ([] if off else [(Scope.VENUE, 1, Level.CLOSE_ONLY, Reason.FEE_DIFFERS)])


@FEW
@given(st.lists(st.tuples(st.sampled_from([SPOT, USDM, HYPER]), st.integers(0, 1), st.integers(1, 9),
                          st.integers(59_000, 61_000), st.integers(0, 10**7)), max_size=10))  # fmt: skip
def test_a_round_trips_money_is_the_sum_of_its_fills(fills: list[tuple[int, int, int, int, int]]) -> None:
    s, _ = desk()
    total = 0
    for i, side, millis, usd, fee in fills:
        note_fill(s, 0, 0, filled(i, side, millis * MILLI[i], fee, usd=usd))
        total += (1 if side else -1) * millis * usd * E8 // 1000 - fee
    assert s.legs[0, 0].trip_e8 == total


def lone(millis: int, since: int = 0) -> tuple[Any, Any]:
    """The first strategy opened, and only its spot leg came: so many thousandths alone."""
    s, out = desk()
    s.now = T0
    make.hold(s, SPOT, millis * MILLI[SPOT])
    legs = s.legs[0, 0]
    legs.phase = 1
    note_unhedged(s, out, 0, 0, 0)
    s.balances[:] = 10**14
    s.now = T0 + since
    s.quotes["ts"] = s.now
    return s, out


def act(s: Any, out: Any) -> list[Any]:
    return [unpack_out(out[k]) for k in range(mend(s, out, 0, 0, 0))]


@pytest.mark.parametrize(
    ("since", "reason", "falls"),
    [(0, Reason.HEDGE, False), (2 * S, Reason.HEDGE, False), (2 * S + 1, Reason.UNWIND, False),
     (10 * S, Reason.UNWIND, False), (10 * S + 1, Reason.UNWIND, True)],
)  # fmt: skip
def test_a_lone_leg_is_completed_then_taken_back_then_the_strategy_falls(
    since: int, reason: Reason, falls: bool
) -> None:
    """C32: two seconds to complete it, ten until a person is called; the taking back goes on."""
    s, out = lone(3, since)
    outs = act(s, out)
    assert [one.reason for one in outs if one.kind is OutKind.INTENT] == [reason]
    fell = [(one.scope, one.new, one.reason, one.value) for one in outs if one.kind is OutKind.TRANSITION]
    assert fell == ([(Scope.STRATEGY, Level.CLOSE_ONLY, Reason.UNHEDGED_TOO_LONG, since)] if falls else [])
    assert any(one.kind is OutKind.ALERT for one in outs) == falls


def test_a_lone_leg_is_completed_only_so_often() -> None:
    s, out = lone(3)
    reasons = []
    for number in range(4):
        s.now = T0 + number * 100 * MS
        reasons += [one.reason for one in act(s, out) if one.kind is OutKind.INTENT]
        s.orders["status"] = 6  # expired, nothing came
        s.positions["buy_open"] = s.positions["sell_open"] = 0
    assert reasons == [Reason.HEDGE, Reason.HEDGE, Reason.UNWIND, Reason.UNWIND]


def test_a_lone_leg_beyond_its_notional_falls_at_once() -> None:
    for worth, passes in ((3 * 60_001 * E8 // 1000, True), (3 * 60_001 * E8 // 1000 - 1, False)):
        s, out = lone(3)
        s.limits.unhedged_notional_e8_max = worth
        fell = [(one.reason, one.value, one.limit) for one in act(s, out) if one.kind is OutKind.TRANSITION]
        assert fell == ([] if passes else [(Reason.UNHEDGED_TOO_LARGE, worth + 1, worth)])


def test_a_lone_leg_without_a_price_is_too_large() -> None:
    """A missing number is beyond every limit."""
    s, out = lone(3)
    s.quotes[SPOT].ask = s.quotes[SPOT].ask_lots = 0
    assert [one.reason for one in act(s, out) if one.kind is OutKind.TRANSITION] == [Reason.UNHEDGED_TOO_LARGE]


def test_a_partial_entry_is_measured_by_what_was_filled() -> None:
    """Half came, and fell short by 12 bp of it: that is 12 bp, not 6."""
    stage = Stage()
    assert entered(stage.show())
    s = stage.s
    s.limits.off = 1 << 40
    fall = 18  # dollars a coin below what was seen, of 60,001
    orders = [one for one in s.orders if one.status == 1]
    fee = {"fee_e8": 0, "fee_asset": 0, "strategy": 0, "ts_venue": T0}
    for order in orders:
        i = int(order.instrument)
        usd = 60_001 if i == SPOT else 60_150 - fall * 4
        stage.tell(
            OrderFilled(ts=T0 + 20 * MS, instrument=i, venue=int(make.INSTRUMENTS[i].venue), order=int(order.id),
                        trade=1, side=int(order.side), price=usd * USD[i], lots=2 * MILLI[i], **fee)
        )  # fmt: skip
    for order in orders:
        stage.tell(OrderExpired(ts=T0 + 21 * MS, ts_venue=T0, order=int(order.id), lots=0))
    assert s.tracks[0].n_slips == 1
    assert abs(s.tracks[0].slips[0] - 72 * 10**6 // 60_001) <= 2
