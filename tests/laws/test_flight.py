"""What an order in flight would have cost: the entry in force at any moment is the book as it then stood."""

from __future__ import annotations

from typing import Any

import desk_material as make
import numba
import pytest
from desk_material import MILLI, MS, T0, USD, USDM
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.rules.book import apply_market
from crossbook.rules.flight import cost_of, entry_at, slice_cost, start_flight, track_flights
from crossbook.rules.layout import FLIGHT_LEVELS, FLIGHT_RING

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 120)
LOTS = 12
Shown = list[tuple[int, int]]
"""The far side of a book, best first: (ticks, lots)."""


def walk(side: Shown, lots: int) -> int:
    """Ticks x lots of taking so much; beyond what is shown, at the last price; 0 of an empty side."""
    cost = 0
    for k, (price, there) in enumerate(side):
        take = lots if k == len(side) - 1 else min(lots, there)
        cost, lots = cost + take * price, lots - take
    return cost


def show(s: Any, ts: int, usd: int, millis: list[int]) -> Shown:
    """Let the desk see a book; its asks, of which the levels needed for the order are kept."""
    rows = make.book(ts, USDM, usd, millis=millis)
    s.now = ts
    apply_market(s.books[USDM], s.quotes[USDM], int(s.instruments[USDM].chain), rows)
    track_flights(s, USDM)
    kept: Shown = []
    for k, quantity in enumerate(millis[:FLIGHT_LEVELS]):
        if sum(lots for _, lots in kept) < LOTS:
            kept.append(((usd + 1 + 6 * k) * USD[USDM], quantity * MILLI[USDM]))
    return kept


BOOKS = st.tuples(st.integers(59_900, 60_100), st.lists(st.integers(1, 5), min_size=1, max_size=10))


@FEW
@given(
    first=BOOKS,
    later=st.lists(st.tuples(st.integers(1, 3), st.one_of(st.just(None), BOOKS)), max_size=20),
    at=st.integers(-2, 62),
    filled=st.integers(0, LOTS),
    lots=st.integers(1, LOTS),
)
def test_any_lots_at_any_moment_cost_what_the_book_then_said(
    first: Any, later: list[tuple[int, Any]], at: int, filled: int, lots: int
) -> None:
    s = make.desk()[0]
    history = [(T0, show(s, T0, *first))]
    slot = make.send(s, 1, USDM, 0, LOTS)
    assert start_flight(s, slot) == walk(history[0][1], LOTS)
    ts, now = T0, first
    for gap_ms, then in later:
        ts += gap_ms * MS
        now = now if then is None else then  # an update that changes nothing
        history.append((ts, show(s, ts, *now)))
    moment = T0 + at * MS
    book = [shown for when, shown in history if when <= moment or when == T0][-1]
    flight = s.flights[slot]
    expected = walk(book, filled + lots) - walk(book, filled)
    assert slice_cost(flight, entry_at(flight, moment), filled, lots) == expected
    assert slice_cost(flight, 0, filled, lots) == walk(history[0][1], filled + lots) - walk(history[0][1], filled)


@FEW
@given(st.integers(1, 3 * FLIGHT_RING), st.integers(0, 3), st.data())
def test_a_long_flight_forgets_its_oldest_books_first(changes: int, idle: int, data: st.DataObject) -> None:
    """The decision's book stays for good; of the others the newest; before them the oldest kept stands in."""
    s = make.desk()[0]
    show(s, T0, 60_000, [20])
    slot = make.send(s, 1, USDM, 0, LOTS)
    start_flight(s, slot)
    for k in range(1, changes + 1):
        show(s, T0 + k * MS, 60_000 + k, [20])
    for k in range(1, idle + 1):
        show(s, T0 + (changes + k) * MS, 60_000 + changes, [20])
    flight = s.flights[slot]
    kept = min(changes, FLIGHT_RING - 2)
    at = data.draw(st.integers(0, changes + idle))
    in_force = min(at, changes)
    if changes > kept:
        in_force = max(in_force, changes - kept + 1)
    assert cost_of(flight, entry_at(flight, T0 + at * MS), 1) == (60_001 + in_force) * USD[USDM]
    assert cost_of(flight, 0, 1) == 60_001 * USD[USDM]


def test_only_orders_the_venue_may_still_fill_are_followed() -> None:
    s = make.opened()[0]
    slot = make.send(s, 1, USDM, 0, LOTS)
    start_flight(s, slot)
    s.orders[slot].status = 5
    show(s, T0 + MS, 60_009, [20])
    assert s.flights[slot].size == 0


def test_an_empty_side_costs_nothing() -> None:
    s = make.desk()[0]
    slot = make.send(s, 1, USDM, 0, LOTS)
    assert start_flight(s, slot) == 0
    assert slice_cost(s.flights[slot], 0, 3, 4) == 0
