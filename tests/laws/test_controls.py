"""The controls of an entry: each denies one unit beyond its limit and lets pass what fits. long: there are many.

Every case is a whole desk that would enter: the same edge is shown again with the limit just inside and just outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import desk_material as make
import numba
import pytest
from control_material import PLENTY, Stage, denial, entered
from desk_material import E8, HYPER, MILLI, MS, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind, Reason
from crossbook.events import Health, MarkPrice, OrderRejected, OrderUnknown, RateBudget
from crossbook.risk.limits import SWITCHABLE
from crossbook.rules.controls import elsewhere_reason, entry_reason, leg_reason, margin_reason
from crossbook.rules.limits import order_reason
from crossbook.rules.orders import apply_order_event
from crossbook.rules.rows import pack

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 60)
BUY, SELL = 0, 1
VENUE = [int(one.venue) for one in make.INSTRUMENTS]
MOST, BELOW, LEAST = "value <= limit", "value < limit", "value >= limit"
Prepare = Callable[[Stage], Any]


def nothing(stage: Stage) -> None:
    """The stage as it is."""


def healthy(stage: Stage) -> None:
    stage.tell(Health(ts=T0, ts_venue=T0, journal_lag_ns=70, disk_bytes=50, loop_lag_ns=60))


def other_holds(stage: Stage) -> None:
    make.hold(stage.s, USDM, -7, strategy=1)
    make.hold(stage.s, SPOT, 7 * MILLI[SPOT], strategy=1)


def lopsided(stage: Stage) -> None:
    make.hold(stage.s, HYPER, -3 * MILLI[HYPER], strategy=1)


def marked(stage: Stage) -> None:
    """The venue tells a funding of 3.01 bp to be paid by who is short, in ten minutes."""
    mark = MarkPrice(
        ts=T0,
        ts_venue=T0,
        instrument=USDM,
        mark_e8=60_100 * E8,
        index_e8=0,
        rate_e8=-30_100,
        next_funding_ns=T0 + 600 * S,
    )
    stage.tell(mark)


def has_sent(stage: Stage) -> None:
    for number in range(3):
        make.send(stage.s, 90 + number, HYPER, BUY, 1, strategy=1)
    stage.s.orders["status"] = 4  # filled since


def has_out(stage: Stage) -> None:
    for number in range(3):
        make.send(stage.s, 90 + number, USDM, SELL, 1, strategy=1)


def has_entered(stage: Stage) -> None:
    legs = stage.s.legs[1, 0]
    legs.arb_hour, legs.arbs_in_hour = T0 // (3600 * S), 4
    stage.s.rate.arb_day, stage.s.rate.arbs_in_day = T0 // (86_400 * S), 9


def has_just_entered(stage: Stage) -> None:
    legs = stage.s.legs[0, 0]
    for k, (ago_ms, side, millis) in enumerate(((300, 0, 3), (200, 0, 2), (100, 1, 3))):  # the first is the same again
        legs.intent_ts[k], legs.intent_side[k], legs.intent_quantity_e8[k] = T0 - ago_ms * MS, side, millis * E8 // 1000
    legs.intents = 3


CASES: dict[str, tuple[str, str, Reason, Prepare]] = {
    "C01": ("order_notional_e8_max", MOST, Reason.ORDER_TOO_LARGE, nothing),
    "C03 strategy": ("position_notional_e8_max", MOST, Reason.POSITION_TOO_LARGE, nothing),
    "C03 together": ("instrument_notional_e8_max", MOST, Reason.POSITION_TOO_LARGE, other_holds),
    "C04": ("gross_e8_max", MOST, Reason.GROSS_TOO_LARGE, other_holds),
    "C05 hard": ("delta_e8_max", MOST, Reason.DELTA_TOO_LARGE, other_holds),
    "C05 soft": ("delta_soft_e8_max", MOST, Reason.DELTA_SOFT, lopsided),
    "C07": ("collateral_ppm_min", LEAST, Reason.COLLATERAL_TOO_LOW, other_holds),
    "C08": ("liquidation_ppm_min", LEAST, Reason.LIQUIDATION_TOO_NEAR, other_holds),
    "C10 high": ("edge_ppm_max", MOST, Reason.EDGE_TOO_GOOD, nothing),
    "C10 low": ("edge_ppm_min", LEAST, Reason.EDGE_TOO_SMALL, nothing),
    "C12": ("drift_ns_max", MOST, Reason.CLOCK_DRIFT, nothing),
    "C13 day": ("orders_per_day_max", BELOW, Reason.ORDER_RATE, has_sent),
    "C14 hour": ("arbs_per_h_max", BELOW, Reason.ARBS_TOO_MANY, has_entered),
    "C14 day": ("arbs_per_day_max", BELOW, Reason.ARBS_TOO_MANY, has_entered),
    "C15": ("duplicate_ns", LEAST, Reason.DUPLICATE_INTENT, has_just_entered),
    "C18": ("open_orders_max", BELOW, Reason.OPEN_ORDERS, has_out),
    "C24": ("turnover_e8_max", MOST, Reason.TURNOVER, has_sent),
    "C25 rate": ("funding_ppm_max", MOST, Reason.FUNDING_AGAINST_US, marked),
    "C25 near": ("funding_before_ns", LEAST, Reason.FUNDING_TOO_NEAR, marked),
    "C28 lag": ("journal_lag_ns_max", MOST, Reason.JOURNAL_BEHIND, healthy),
    "C28 disk": ("disk_bytes_min", LEAST, Reason.JOURNAL_BEHIND, healthy),
    "C29": ("loop_lag_ns_max", MOST, Reason.LOOP_BEHIND, healthy),
}
"""The limit, how it is compared, the reason of its denial, and what makes it matter."""
EDGES = {
    "C03 together": 10 * 60_151 * E8 // 1000,  # seven thousandths short of the other's, and three more
    "C05 soft": 3 * 60_001 * E8 // 1000,
    "C12": make.FEED_NS,
    "C13 day": 3 + 2,
    "C14 hour": 4 + 1,
    "C14 day": 9 + 1,
    "C15": 310 * MS,
    "C18": 3 + 1,
    "C25 rate": 301,
    "C25 near": 600 * S - 10 * MS,
    "C28 lag": 70,
    "C28 disk": 50,
    "C29": 60,
}
"""The tightest limit that lets the entry pass, where a hand can tell."""


def attempt(prepare: Prepare, name: str, limit: int, off: list[str] | None = None) -> list[Any]:
    stage = Stage(off or [])
    prepare(stage)
    if name == "collateral_ppm_min":  # so that the venue's margin is worth looking at
        stage.s.balances[VENUE[USDM], 0] = 2_000 * E8 + 7 * 60_000 * E8 // 1000
    if name == "liquidation_ppm_min":
        stage.s.balances[VENUE[USDM], 0] = 300 * E8 - 7 * 60_000 * E8 // 1000
        stage.s.balances[VENUE[USDM], 0] += 2 * 7 * 60_000 * E8 // 1000
        stage.s.limits.collateral_ppm_min = -(10**9)
    stage.s.limits[name] = limit
    return stage.show()


def edge_of(name: str, how: str, prepare: Prepare) -> int:
    """The tightest limit that lets the entry pass."""
    low, high = 0, PLENTY
    if name in ("collateral_ppm_min", "liquidation_ppm_min"):
        high = 10**6
    while high - low > 1:  # the tightest that passes is `high` for a most, `low` for a least
        limit = (low + high) // 2
        passes = entered(attempt(prepare, name, limit))
        if passes == (how == LEAST):
            low = limit
        else:
            high = limit
    return low if how == LEAST else high


@pytest.mark.parametrize("case", CASES)
def test_denies_beyond_its_limit_and_lets_pass_inside(case: str) -> None:
    name, how, reason, prepare = CASES[case]
    edge = edge_of(name, how, prepare)
    assert 0 < edge < PLENTY - 1, "the case never comes to its limit"
    assert entered(attempt(prepare, name, edge))
    beyond = edge + 1 if how == LEAST else edge - 1
    outs = attempt(prepare, name, beyond)
    told = denial(outs)
    assert not entered(outs) and told is not None and told[0] == reason
    assert not any(one.kind is OutKind.INTENT for one in outs)
    value, limit = told[1:]
    if name != "collateral_ppm_min":  # it is said in money
        assert (value, limit) == (beyond if how == BELOW else edge, beyond)
    assert EDGES.get(case, edge) == edge


OFF = {
    "C10": ["C10 high", "C10 low"],
    "C13": ["C13 day"],
    "C14": ["C14 hour", "C14 day"],
    "C15": ["C15"],
    "C24": ["C24"],
}


@pytest.mark.parametrize("code", OFF)
def test_switched_off_by_name_it_is_off_and_nothing_else_is(code: str) -> None:
    others = sorted(set(SWITCHABLE) - {code})
    for case in OFF[code]:
        name, how, reason, prepare = CASES[case]
        limit = PLENTY if how == LEAST else 0
        assert entered(attempt(prepare, name, limit, [code]))
        told = denial(attempt(prepare, name, limit, others))
        assert told is not None and told[0] == reason


def test_what_cannot_be_switched_off_is_not() -> None:
    for case, (name, how, reason, prepare) in CASES.items():
        if case[:3] not in OFF:
            tightest = 0 if how != LEAST else 10**7 if name.endswith("_ppm_min") else PLENTY
            told = denial(attempt(prepare, name, tightest, sorted(SWITCHABLE)))
            assert told is not None and told[0] == reason, case


@FEW
@given(
    net=st.integers(-30, 30), sent=st.integers(0, 9), millis=st.integers(1, 9), side=st.integers(0, 1),
    cash=st.integers(-1_000, 4_000), most=st.integers(1, 3),
)  # fmt: skip
def test_leverage_and_distance_to_liquidation(
    net: int, sent: int, millis: int, side: int, cash: int, most: int
) -> None:
    """C06, C08: gross at the worst end against what is owned, both counted from the books."""
    s = Stage().s
    make.hold(s, USDM, net, strategy=1)
    if sent:
        make.send(s, 1, USDM, side, sent)
    venue, ask, bid = VENUE[USDM], 60_001 * E8 // 1000, 60_000 * E8 // 1000
    s.balances[venue, 0] = cash * E8 - net * bid
    equity = cash * E8 if net >= 0 else cash * E8 - net * bid + net * ask
    sign = 1 - 2 * side
    worst = max(abs(net), abs(net + sign * (sent + millis)))
    gross = worst * ask
    s.limits.leverage_max = most
    verdict = tuple(int(one) for one in margin_reason(s, 0, USDM, side, millis))
    if not (equity > 0 and gross <= equity * most):
        assert verdict == (Reason.LEVERAGE_TOO_HIGH, gross, equity * most)
        return
    assert verdict[0] == 0
    cushion = equity - gross * 12_500 // 10**6
    away = min(10**6, max(cushion, 0) * 10**6 // gross)
    s.limits.liquidation_ppm_min = away
    assert margin_reason(s, 0, USDM, side, millis)[0] == 0, "allowed at its own distance"
    if away < 10**6:
        s.limits.liquidation_ppm_min = away + 1
        assert margin_reason(s, 0, USDM, side, millis)[0] == Reason.LIQUIDATION_TOO_NEAR


def test_leverage_and_liquidation_to_the_last_digit() -> None:
    """C06: gross equal to what is owned, times the limit, passes; C08: maintenance margin is no cushion."""
    s = Stage().s
    gross = 5 * 60_001 * E8 // 1000
    s.limits.leverage_max = 1
    for missing, verdict in ((0, 0), (1, Reason.LEVERAGE_TOO_HIGH)):
        s.balances[VENUE[USDM], 0] = gross - missing
        assert margin_reason(s, 0, USDM, SELL, 5)[0] == verdict
    s.balances[VENUE[USDM], 0] = gross
    s.limits.liquidation_ppm_min = 987_500
    assert margin_reason(s, 0, USDM, SELL, 5)[0] == 0
    s.limits.liquidation_ppm_min = 987_501
    assert margin_reason(s, 0, USDM, SELL, 5)[0] == Reason.LIQUIDATION_TOO_NEAR


@pytest.mark.parametrize("kernel", ["margin", "collateral"])
def test_a_short_without_a_price_is_no_free_money(kernel: str) -> None:
    """The side we would buy back on has gone: what we owe is unknown, so there is no free equity."""
    s = Stage().s
    make.hold(s, HYPER, -5 * MILLI[HYPER], strategy=1)
    s.instruments[HYPER].venue = s.instruments[USDM].venue
    s.balances[VENUE[USDM], 0] = 350 * E8
    s.quotes[HYPER].ask = s.quotes[HYPER].ask_lots = 0
    s.limits.leverage_max = 3
    if kernel == "margin":
        assert margin_reason(s, 0, USDM, SELL, 1)[0] == Reason.LEVERAGE_TOO_HIGH
    else:
        assert order_reason(s, 0, USDM, SELL, 60_000 * USD[USDM], 2, 0, 0)[0] == Reason.COLLATERAL_TOO_LOW


@FEW
@given(off=st.integers(-900, 900), ppm=st.integers(0, 20_000), mark_off=st.integers(-900, 900))
def test_price_against_the_other_leg_and_the_venues_mark(off: int, ppm: int, mark_off: int) -> None:
    """C09."""
    s = Stage().s
    s.limits.other_ppm_max = ppm
    there = 60_000 * E8 + E8 // 2
    away, most = abs((60_000 + off) * E8 - there), there * ppm // 10**6
    price = (60_000 + off) * USD[USDM]
    verdict = tuple(int(one) for one in elsewhere_reason(s, USDM, SPOT, price))
    assert verdict == ((0, 0, 0) if away <= most else (Reason.PRICE_OFF_OTHER_VENUE, away, most))
    s.limits.other_ppm_max = 10**6
    assert elsewhere_reason(s, USDM, SPOT, price)[0] == 0
    s.marks[USDM].ts, s.marks[USDM].mark_e8 = T0, (60_000 + mark_off) * E8
    s.limits.other_ppm_max = max(ppm, 15_100)  # the other leg is never the one that speaks
    away, most = abs(off - mark_off) * E8, (60_000 + mark_off) * E8 * max(ppm, 15_100) // 10**6
    verdict = tuple(int(one) for one in elsewhere_reason(s, USDM, SPOT, price))
    assert verdict == ((0, 0, 0) if away <= most else (Reason.PRICE_OFF_OTHER_VENUE, away, most))
    s.quotes[SPOT].bid_lots = 0
    assert elsewhere_reason(s, USDM, SPOT, price)[0] == Reason.PRICE_OFF_OTHER_VENUE  # no middle there: denied


@pytest.mark.parametrize("usd", [58_000, 58_800, 58_801, 61_199, 61_200, 63_000])
def test_legs_of_another_size_are_no_pair(usd: int) -> None:
    """C19: a contract multiplier (1000PEPE) shows as a ratio of the middles."""
    stage = Stage()
    stage.s.limits.ratio_ppm_max = 20_000
    stage.frame(make.book(T0, USDM, usd))
    a, b = 60_000 * E8 + E8 // 2, usd * E8 + E8 // 2
    expected = (0, 0, 0) if abs(a - b) <= a * 2 // 100 else (Reason.PAIR_RATIO, abs(a - b), a * 2 // 100)
    assert tuple(int(one) for one in entry_reason(stage.s, 0, 0, 0, E8, 10**5)) == expected
    stage.s.quotes[USDM].ask_lots = 0
    assert entry_reason(stage.s, 0, 0, 0, E8, 10**5)[0] == Reason.PAIR_RATIO


@pytest.mark.parametrize("ahead", [750 * MS, 750 * MS + 1])
def test_clock_drift_counts_both_ways(ahead: int) -> None:
    """C12: a venue whose stamps run ahead of our clock is as strange as one that lags."""
    s = Stage().s
    s.limits.drift_ns_max = 750 * MS
    for sign in (1, -1):
        s.quotes[USDM].ts_venue = s.quotes[USDM].ts + sign * ahead
        why = leg_reason(s, 0, USDM, SPOT, SELL, 60_000 * USD[USDM], 1, 0)
        drift = -sign * ahead
        assert tuple(int(one) for one in why[:2]) == ((0, 0) if ahead <= 750 * MS else (Reason.CLOCK_DRIFT, drift))


def test_what_the_other_leg_takes_is_counted() -> None:
    """C18, C24: both legs leave in one step; at one venue they share its room, and the day's turnover is of both."""
    stage = Stage()
    s = stage.s
    s.limits.turnover_e8_max = 1_000 * E8
    price, lots = 60_000 * USD[USDM], 3
    assert leg_reason(s, 0, USDM, SPOT, SELL, price, lots, 820 * E8)[0] == 0
    verdict = leg_reason(s, 0, USDM, SPOT, SELL, price, lots, 820 * E8 + 1)
    assert tuple(int(one) for one in verdict) == (Reason.TURNOVER, 1_000 * E8 + 1, 1_000 * E8)
    s.limits.turnover_e8_max = PLENTY
    for number in range(2):
        make.send(s, number, USDM, SELL, 1)
    s.limits.open_orders_max = 3
    assert leg_reason(s, 0, USDM, SPOT, SELL, price, lots, 0)[0] == 0
    s.instruments[SPOT].venue = s.instruments[USDM].venue
    assert leg_reason(s, 0, USDM, SPOT, SELL, price, lots, 0)[0] == Reason.OPEN_ORDERS


def test_no_order_meets_one_of_ours() -> None:
    """C21: an own order on the other side of the instrument, of any strategy, is in the way; on the same it is not."""
    for side, passes in ((SELL, True), (BUY, False)):
        stage = Stage()
        make.send(stage.s, 77, USDM, side, 1, strategy=1)
        outs = stage.show()
        assert entered(outs) == passes
        assert passes or denial(outs) == (Reason.SELF_MATCH, 77, side)


@pytest.mark.parametrize(("left", "passes"), [(201, True), (200, False)])
def test_a_part_of_the_budget_is_kept(left: int, passes: bool) -> None:
    """C22: a fifth of the venue's request budget is for cancelling and reducing."""
    stage = Stage()
    stage.s.limits.budget_reserve_ppm = 200_000
    stage.s.venues[1].budget_whole, stage.s.venues[1].budget_left = 1_000, left
    outs = stage.show()
    assert entered(outs) == passes
    assert passes or denial(outs) == (Reason.RATE_BUDGET, 200, 200)
    told = stage.tell(RateBudget(ts=T0 + S, ts_venue=T0, venue=1, left=left, whole=1_000))
    assert any(one.kind is OutKind.ALERT and one.reason == Reason.HELD for one in told) == (not passes)


def test_the_funding_of_a_venue_that_names_no_time_still_counts() -> None:
    """C25: rate and nearness are two things; half a ppm beyond the limit is beyond it."""
    for next_ns in (0, T0 - S, T0 + 600 * S):
        for rate, passes in ((-50_000, True), (-50_001, False), (50_001, True)):
            stage = Stage()
            stage.s.limits.funding_ppm_max = 500
            stage.tell(
                MarkPrice(ts=T0, ts_venue=T0, instrument=USDM, mark_e8=60_100 * E8, index_e8=0, rate_e8=rate,
                          next_funding_ns=next_ns)
            )  # fmt: skip
            outs = stage.show()
            assert entered(outs) == passes
            assert passes or denial(outs) == (Reason.FUNDING_AGAINST_US, 501, 500)


def test_health_unknown_is_no_denial_and_known_is_judged() -> None:
    """With a tape nobody tells of the process: C28 and C29 wait for the first word."""
    stage = Stage()
    stage.s.limits.journal_lag_ns_max = stage.s.limits.loop_lag_ns_max = 0
    assert entered(stage.show())


def reject(s: Any, ts: int, number: int, i: int = USDM) -> None:
    make.send(s, number, i, SELL, 1, strategy=1)
    apply_order_event(s, pack(OrderRejected(ts=ts, ts_venue=ts, order=number, reason=1))[0])


def test_rejections_in_a_row_pause_an_instrument() -> None:
    """C16: the fifth in a row, for five minutes; an answer of another kind begins anew."""
    for rejections, passes in ((4, True), (5, False)):
        stage = Stage()
        for number in range(rejections):
            reject(stage.s, T0, 500 + number)
        outs = stage.show()
        assert entered(outs) == passes
        assert passes or denial(outs)[0] == Reason.TOO_MANY_REJECTS  # type: ignore[index]
        if not passes:
            stage.s.venues["quote_age_ns_max"] = PLENTY
            stage.s.quotes["ts"] = T0 + 300 * S  # all else is fresh
            price = 60_000 * USD[USDM]
            for ts, reason in ((T0 + 300 * S - 1, Reason.TOO_MANY_REJECTS), (T0 + 300 * S, Reason.ALLOWED)):
                stage.s.now = ts
                assert leg_reason(stage.s, 0, USDM, SPOT, SELL, price, 1, 0)[0] == reason
    stage = Stage(["C16"])
    for number in range(9):
        reject(stage.s, T0, 500 + number)
    assert entered(stage.show())


@pytest.mark.parametrize("off", [[], ["C16"]])
def test_ten_rejections_in_a_minute_close_the_desk(off: list[str]) -> None:
    stage = Stage(off)
    for number in range(10):
        make.send(stage.s, 500 + number, (USDM, SPOT, HYPER)[number % 3], SELL, 1, strategy=1)
        assert stage.s.level == 2
        told = stage.tell(OrderRejected(ts=T0, ts_venue=T0, order=500 + number, reason=1))
        falls = [(one.scope, one.new, one.reason, one.value) for one in told if one.kind is OutKind.TRANSITION]
        assert falls == ([(0, 1, Reason.TOO_MANY_REJECTS, 10)] if number == 9 and not off else [])
    assert stage.s.level == (2 if off else 1)


def test_two_unknown_orders_close_the_desk_and_one_its_instrument() -> None:
    """C17."""
    stage = Stage()
    for number, i in ((501, USDM), (502, HYPER)):
        make.send(stage.s, number, i, SELL, 1, strategy=1)
    stage.tell(OrderUnknown(ts=T0, ts_venue=T0, order=501))
    assert stage.s.level == 2
    assert denial(stage.show())[0] == Reason.ORDER_UNKNOWN  # type: ignore[index]
    told = stage.tell(OrderUnknown(ts=T0, ts_venue=T0, order=502))
    assert [(one.new, one.reason, one.value, one.limit) for one in told if one.kind is OutKind.TRANSITION] == [
        (1, Reason.UNKNOWN_ORDERS, 2, 2)
    ]


@pytest.mark.parametrize(("side", "usd"), [(BUY, 60_000), (SELL, 60_001)])
def test_soft_delta_counts_what_an_unknown_order_may_have_done(side: int, usd: int) -> None:
    """C05: the worst end of the interval, not the lots we know of; an order that is only on its way does not count."""
    most = 3 * usd * E8 // 1000
    for unknown, limit, passes in ((False, 0, True), (True, most, True), (True, most - 1, False)):
        stage = Stage()
        make.send(stage.s, 501, HYPER, side, 3 * MILLI[HYPER], strategy=1)
        if unknown:
            stage.tell(OrderUnknown(ts=T0, ts_venue=T0, order=501))
        stage.s.limits.delta_soft_e8_max = limit
        outs = stage.show()
        assert entered(outs) == passes
        assert passes or denial(outs) == (Reason.DELTA_SOFT, most, limit)


@pytest.mark.parametrize("flags", [FLAG_CLOSING, FLAG_HEDGE | FLAG_CLOSING])
def test_what_reduces_has_a_rate_of_its_own(flags: int) -> None:
    """C13: ten a second; a close of two legs counts both before either leaves."""
    s = Stage().s
    s.limits.reduces_per_s_max = 10
    make.hold(s, USDM, 30)
    s.instruments[USDM].min_notional_e8 = 0
    for number in range(8):
        make.send(s, number, HYPER, SELL, 1, strategy=1, flags=FLAG_CLOSING)
    price = 60_000 * USD[USDM]
    assert order_reason(s, 0, USDM, SELL, price, 1, flags, 1)[0] == 0
    make.send(s, 9, HYPER, SELL, 1, strategy=1, flags=FLAG_CLOSING)
    assert tuple(int(one) for one in order_reason(s, 0, USDM, SELL, price, 1, flags, 1)) == (Reason.ORDER_RATE, 10, 10)
    assert order_reason(s, 0, USDM, SELL, price, 1, flags, 0)[0] == 0
    s.now += S
    s.quotes["ts"] = s.now
    assert order_reason(s, 0, USDM, SELL, price, 1, flags, 1)[0] == 0
    s.limits.orders_per_s_max = s.limits.orders_per_min_max = 0  # the rates of entries are not its
    assert order_reason(s, 0, USDM, SELL, price, 1, flags, 1)[0] == 0


def test_closes_and_hedges_are_spared_what_guards_entries() -> None:
    """An open pair is closed though every control of an entry would say no."""
    stage = Stage()
    assert entered(stage.show())
    s = stage.s
    for order in s.orders[s.orders["status"] > 0]:
        sign = 1 - 2 * int(order.side)
        make.hold(s, int(order.instrument), sign * int(order.lots), usd=60_075)
    s.orders["status"] = 4  # filled
    s.positions["buy_open"] = s.positions["sell_open"] = 0
    s.legs[0, 0].phase = 2
    s.legs[0, 0].opened_ts = T0
    for name, how, _, _ in CASES.values():
        s.limits[name] = PLENTY if how == LEAST else 0
    s.limits.order_notional_e8_max = 0
    s.limits.drift_ns_max = -1
    outs = stage.show(T0 + 400 * MS, 60_001, 59_900)
    assert [one.reason for one in outs if one.kind is OutKind.INTENT] == [Reason.EXIT_REVERSAL]
    assert entered(outs)
