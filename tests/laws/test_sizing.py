"""How much: each bound binds where it should, is named, and a wider bound never makes the trade smaller."""

from __future__ import annotations

import math
from typing import Any

import desk_material as make
import numba
import pytest
from desk_material import E8, MILLI, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.rules.book import apply_market
from crossbook.rules.controls import capital_left_e8
from crossbook.rules.sizing import (
    BY_CAPITAL,
    BY_CLIP,
    BY_DEPTH,
    BY_EDGE,
    BY_VOLATILITY,
    VARIANCE_MEMORY,
    near_depth_lots,
    note_motion,
    size,
    volatility_ppm,
)

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 100)
STEP = 10**5
"""A thousandth of a coin: what the pair's legs can both trade."""
MIDDLE = 60_000 * E8 + E8 // 2


def desk(millis: tuple[int, ...] = (1000,), other: tuple[int, ...] = ()) -> Any:
    """A desk whose first strategy may trade anything."""
    made = make.opened()
    s = made[0]
    for i in (SPOT, USDM):
        frame = make.book(T0 + 1, i, 60_000, 1, other if other and i == USDM else millis)
        apply_market(s.books[i], s.quotes[i], s.instruments[i].chain, frame)
    mine = s.strategies[0]
    mine.clip_e8, mine.capital_e8, mine.collar_ppm = 600 * E8, 10**15, 1_000
    mine.depth_ppm = mine.full_edge_ppm = mine.volatility_ppm = 0
    return s


def asked(s: Any, edge_ppm: int = 10**6, direction: int = 0) -> tuple[int, int]:
    quantity, bound = size(s, 0, 0, direction, edge_ppm)
    return int(quantity), int(bound)


def fitting(notional_e8: int) -> int:
    """The largest tradeable quantity whose notional at the middle is at most that."""
    return notional_e8 * E8 // MIDDLE // STEP * STEP


@FEW
@given(st.integers(0, 2_000 * 100))
def test_the_clip(cents: int) -> None:
    s = desk()
    s.strategies[0].clip_e8 = cents * 10**6
    quantity, bound = asked(s)
    assert bound == BY_CLIP and quantity in (fitting(cents * 10**6), fitting(cents * 10**6 + MIDDLE // E8))
    assert quantity % STEP == 0


@FEW
@given(st.integers(0, 3_000), st.integers(1, 3_000))
def test_the_edge(edge: int, full: int) -> None:
    """In proportion to the edge up to the full one."""
    s = desk()
    s.strategies[0].full_edge_ppm = full
    quantity, bound = asked(s, edge)
    if edge >= full:
        assert (quantity, bound) == (fitting(600 * E8), BY_CLIP)
    else:
        assert bound == BY_EDGE
        assert abs(quantity - fitting(600 * E8 * edge // full)) <= STEP


@FEW
@given(st.integers(0, 4_000), st.integers(1, 4_000))
def test_volatility(moving: int, target: int) -> None:
    s = desk()
    s.strategies[0].volatility_ppm = target
    s.motions[USDM].variance = moving * moving + moving // 2
    quantity, bound = asked(s)
    if moving <= target:
        assert (quantity, bound) == (fitting(600 * E8), BY_CLIP)
    else:
        assert bound == BY_VOLATILITY
        assert abs(quantity - fitting(600 * E8 * target // moving)) <= STEP


@FEW
@given(st.integers(0, 1_000), st.integers(-12, 12), st.integers(0, 5))
def test_capital(capital_usd: int, held: int, sent: int) -> None:
    """What the strategy's capital at the fuller venue leaves, its orders out counted as filled."""
    s = desk()
    s.strategies[0].capital_e8 = capital_usd * E8
    make.hold(s, USDM, held)
    if sent:
        make.send(s, 1, USDM, 0, sent)
    worst = max(abs(lots) * (60_000 if lots > 0 else 60_001) for lots in (held, held + sent)) * E8 // 1000
    left = max(capital_usd * E8 - worst, 0)
    assert capital_left_e8(s, 0, USDM) == left
    assert capital_left_e8(s, 0, SPOT) == capital_usd * E8
    quantity, bound = asked(s)
    assert (quantity, bound) == ((fitting(left), BY_CAPITAL) if left < 600 * E8 else (fitting(600 * E8), BY_CLIP))


LEVELS = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(tuple)


@FEW
@given(LEVELS, LEVELS, st.integers(0, 600), st.integers(1, 100), st.integers(0, 1))
def test_depth(spot: tuple[int, ...], perpetual: tuple[int, ...], collar_ppm: int, pct: int, direction: int) -> None:
    """The part of what is displayed within the collar of the touch, on the thinner of the two sides."""
    s = desk(spot, perpetual)
    mine = s.strategies[0]
    mine.depth_ppm, mine.collar_ppm = pct * 10**4, collar_ppm
    near = {}
    for i, millis in ((SPOT, spot), (USDM, perpetual)):
        for side, touch in ((0, 60_000), (1, 60_001)):
            ticks = touch * USD[i] * collar_ppm // 10**6
            near[i, side] = sum(one for k, one in enumerate(millis) if 6 * k * USD[i] <= ticks)
            assert near_depth_lots(s, i, side, collar_ppm) == near[i, side] * MILLI[i]
    seen = min(near[SPOT, 1 - direction], near[USDM, direction])
    deep = seen * STEP * pct // 100 // STEP * STEP
    quantity, bound = asked(s, direction=direction)
    whole = fitting(600 * E8)
    assert (quantity, bound) == ((deep, BY_DEPTH) if deep < whole else (whole, BY_CLIP))


WIDER = {
    "clip_e8": st.integers(0, 1_000 * E8), "capital_e8": st.integers(0, 1_000 * E8),
    "depth_ppm": st.integers(1, 10**6), "volatility_ppm": st.integers(1, 2_000),
}  # fmt: skip


@FEW
@given(
    a=st.fixed_dictionaries(WIDER), b=st.fixed_dictionaries(WIDER), edges=st.tuples(*[st.integers(0, 3000)] * 2),
    moving=st.integers(0, 4_000), direction=st.integers(0, 1),
)  # fmt: skip
def test_a_wider_bound_never_makes_less(
    a: dict[str, int], b: dict[str, int], edges: tuple[int, int], moving: int, direction: int
) -> None:
    sizes = []
    for values, edge in (
        ({name: min(a[name], b[name]) for name in a}, min(edges)),
        ({name: max(a[name], b[name]) for name in a}, max(edges)),
    ):
        s = desk((3, 5, 7))
        s.strategies[0].full_edge_ppm = 2_000
        s.motions[SPOT].variance = moving * moving
        for name, value in values.items():
            s.strategies[0][name] = value
        quantity, bound = asked(s, edge, direction)
        assert quantity % STEP == 0 and 0 <= bound <= 4
        assert quantity * MIDDLE // E8 <= min(values["clip_e8"], values["capital_e8"]) + 60_001
        sizes.append(quantity)
    assert sizes[0] <= sizes[1]


@FEW
@given(st.lists(st.integers(59_000, 61_000), min_size=1, max_size=40))
def test_volatility_is_the_moving_root_of_squared_returns(prices: list[int]) -> None:
    s = desk()
    s.motions[SPOT].mid_e8 = s.motions[SPOT].second = 0
    variance, last = 0, 0
    for k, usd in enumerate(prices):
        s.now = T0 + k * S
        s.quotes[SPOT].bid, s.quotes[SPOT].ask = usd * USD[SPOT], (usd + 1) * USD[SPOT]
        note_motion(s, SPOT)
        note_motion(s, SPOT)  # a second is counted once
        middle = (2 * usd + 1) * USD[SPOT]
        if last:
            change = (middle - last) * 10**6 // last
            variance += (change * change - variance) // VARIANCE_MEMORY
        last = middle
        assert s.motions[SPOT].variance == variance
        assert volatility_ppm(s, SPOT) == math.isqrt(variance)
