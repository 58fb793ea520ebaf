"""Budgets: never above half a venue's limit in any window; what is kept is kept; a refusal says when, and means it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.address_budget import AddressBudget
from crossbook.venues.budgets import (
    NEVER,
    ORDERS,
    WEIGHT,
    Bucket,
    Budgets,
    ConnectionBudget,
    Limit,
    Purpose,
    Why,
)

LIMITS = st.builds(Limit, st.just("X"), st.integers(4, 7000), st.integers(1, 300))
STEPS = st.lists(st.tuples(st.integers(0, 20 * NS_PER_S), st.integers(1, 60), st.sampled_from(Purpose)), max_size=200)


def most_in_a_window(spent: list[tuple[int, int]], window_ns: int) -> int:
    most = 0
    for k, (begin, _) in enumerate(spent):
        most = max(most, sum(cost for at, cost in spent[k:] if at <= begin + window_ns))
    return most


@given(LIMITS, STEPS)
def test_no_window_holds_more_than_half_the_limit(limit: Limit, steps: list[tuple[int, int, Purpose]]) -> None:
    now, spent = 0, []
    bucket = Bucket(limit, now)
    for wait, cost, purpose in steps:
        now += wait
        if bucket.refuse(cost, purpose, now) is None:
            bucket.spend(cost)
            spent.append((now, cost))
    assert most_in_a_window(spent, limit.window_s * NS_PER_S) <= max(limit.most // 2, 1)


@given(LIMITS, st.integers(1, 50), st.lists(st.sampled_from(Purpose), min_size=1, max_size=30))
def test_a_refusal_names_the_first_moment_at_which_the_same_request_passes(
    limit: Limit, cost: int, purposes: list[Purpose]
) -> None:
    now = 0
    bucket = Bucket(limit, now)
    for purpose in purposes:
        refusal = bucket.refuse(cost, purpose, now)
        if refusal is None:
            bucket.spend(cost)
        elif refusal.why is Why.TOO_LARGE:
            assert refusal.allowed_ns == NEVER and cost > bucket.holds * 80 // 100 - 1
            return
        else:
            assert bucket.refuse(cost, purpose, refusal.allowed_ns - 1) is not None
            now = refusal.allowed_ns
            assert bucket.refuse(cost, purpose, now) is None


@given(LIMITS)
def test_a_fifth_is_kept_for_what_lowers_risk(limit: Limit) -> None:
    bucket = Bucket(limit, 0)
    while bucket.refuse(1, Purpose.NORMAL, 0) is None:
        bucket.spend(1)
    kept = bucket.left(0)
    assert kept == bucket.holds * 20 // 100
    if kept:
        assert bucket.refuse(1, Purpose.NORMAL, 0).why is Why.KEPT
    for _ in range(kept):
        assert bucket.refuse(1, Purpose.SAFE, 0) is None
        bucket.spend(1)
    if bucket.holds > 1:
        assert bucket.refuse(1, Purpose.SAFE, 0).why is Why.SPENT


def test_costs_are_taken_from_all_buckets_or_none() -> None:
    budgets = Budgets(Venue.BINANCE_USDM, 0)
    n = 0
    while budgets.spend({WEIGHT: 1, ORDERS: 1}, 0) is None:
        n += 1
    assert n == 75 - 15, "300 orders in 10 s: a quarter held, a fifth of it kept"
    before = budgets.report(0)
    refusal = budgets.spend({WEIGHT: 1, ORDERS: 1}, 0)
    assert refusal.why is Why.KEPT and refusal.limit == "ORDERS 300/10s" and budgets.report(0) == before
    assert budgets.spend({WEIGHT: 1}, 0) is None, "a query counts no order"
    assert budgets.spend({WEIGHT: 1, ORDERS: 1}, 0, Purpose.SAFE) is None


def test_what_the_venue_counts_lowers_and_never_raises() -> None:
    budgets = Budgets(Venue.BINANCE_USDM, 0)
    budgets.seen(WEIGHT, 60, 5, 0)
    assert budgets.spend({WEIGHT: 400}, 0) is None
    budgets.seen(WEIGHT, 60, 1, 0)
    assert budgets.refuse({WEIGHT: 200}, 0).why is Why.KEPT
    budgets.seen(WEIGHT, 60, 1200, 0)
    assert budgets.refuse({WEIGHT: 1}, 0, Purpose.SAFE).why is Why.SPENT
    budgets.seen("NEW_KIND", 60, 1200, 0)


def test_a_429_stops_all_and_a_418_for_longer() -> None:
    budgets = Budgets(Venue.BINANCE_SPOT, 0)
    budgets.back_off(5 * NS_PER_S)
    refusal = budgets.refuse({WEIGHT: 1}, 0, Purpose.SAFE)
    assert refusal.why is Why.BACK_OFF and refusal.allowed_ns == 5 * NS_PER_S
    assert budgets.report(0).left == 0
    budgets.banned(120 * NS_PER_S)
    budgets.banned(60 * NS_PER_S)
    refusal = budgets.refuse({}, 119 * NS_PER_S, Purpose.SAFE)
    assert refusal.why is Why.BANNED and refusal.allowed_ns == 120 * NS_PER_S
    assert budgets.refuse({WEIGHT: 1}, 120 * NS_PER_S) is None and budgets.limited == 3


def test_a_changed_limit_keeps_how_full_it_was() -> None:
    budgets = Budgets(Venue.BINANCE_USDM, 0)
    assert budgets.spend({WEIGHT: 300}, 0) is None
    budgets.adopt(Limit(WEIGHT, 2400, 60), 0)
    budgets.adopt(Limit(WEIGHT, 1200, 60), 0)
    assert budgets.refuse({WEIGHT: 150}, 0, Purpose.SAFE) is None
    assert budgets.refuse({WEIGHT: 151}, 0, Purpose.SAFE) is not None


@given(st.lists(st.tuples(st.integers(0, 30 * NS_PER_S), st.booleans()), max_size=200))
def test_no_window_opens_more_connections_than_allowed(steps: list[tuple[int, bool]]) -> None:
    budget = ConnectionBudget()
    now, opened = 0, []
    for wait, closes in steps:
        now += wait
        if closes and budget.open:
            budget.closed()
        wait_ns = budget.wait_ns(now)
        if wait_ns == 0:
            budget.opened(now)
            opened.append((now, 1))
        elif wait_ns > 0:
            assert budget.wait_ns(now + wait_ns - 1) > 0 and budget.wait_ns(now + wait_ns) == 0
        assert 0 <= budget.open <= 8
    assert most_in_a_window(opened, 60 * NS_PER_S - 1) <= 10


def test_the_address_budget_earns_by_trading_and_lets_cancels_go_further() -> None:
    budget = AddressBudget()
    budget.reported(10_000, 9_400)
    assert budget.spend(100, 0, Purpose.NORMAL) is None
    assert budget.spend(1, 0, Purpose.NORMAL).why is Why.KEPT
    assert budget.spend(500, 0, Purpose.SAFE) is None
    assert budget.spend(1, 1, Purpose.SAFE).why is Why.SPENT
    assert budget.spend(10_000, 1, Purpose.SAFE, is_cancel=True) is None, "twice the cap"
    refusal = budget.spend(1, 2, Purpose.SAFE, is_cancel=True)
    assert refusal.allowed_ns == 1 + 10 * NS_PER_S
    assert budget.spend(1, refusal.allowed_ns, Purpose.SAFE, is_cancel=True) is None, "one request every 10 s"
    budget.reported(10_000, 9_600)
    budget.traded(150 * 100_000_000 // 100)
    budget.traded(-150 * 100_000_000 // 100)
    assert budget.cap == 10_003
    assert budget.spend(1, 0, Purpose.NORMAL).why is Why.KEPT


def test_a_refusal_is_a_value() -> None:
    refusal = Budgets(Venue.HYPERLIQUID, 0).spend({WEIGHT: 10_000}, 0)
    assert msgspec.to_builtins(refusal) == {
        "why": "too_large", "limit": "REQUEST_WEIGHT 1200/60s", "allowed_ns": NEVER,
    }  # fmt: skip
    with pytest.raises(AttributeError):
        refusal.limit = "x"
