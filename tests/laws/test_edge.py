"""The edge between two books: exact money, both ways round, and nothing where a price is missing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import desk_material as make
import numba
import pytest
from desk_material import DOLLAR, E8, HYPER, INSTRUMENTS, MILLI, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.rules.edge import clip_quantity_e8, edge_ppm, reversal_e8, top_edge
from crossbook.rules.fees import fee_e8
from crossbook.rules.limits import ppm_of
from crossbook.rules.prices import asset_mark_e8

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=8 if numba.config.DISABLE_JIT else 200)
PAIRS = {0: (SPOT, USDM), 1: (USDM, HYPER)}
TOUCH = st.tuples(st.integers(1, 200_000), st.integers(1, 50))
"""(bid in dollars, spread)."""


def put(s: Any, i: int, touch: tuple[int, int]) -> None:
    quote = s.quotes[i]
    quote.bid, quote.ask = touch[0] * USD[i], (touch[0] + touch[1]) * USD[i]


def two(pair: int, a: tuple[int, int], b: tuple[int, int]) -> Any:
    s = make.opened()[0]
    for i, touch in zip(PAIRS[pair], (a, b), strict=True):
        put(s, i, touch)
    return s


@FEW
@given(pair=st.integers(0, 1), a=TOUCH, b=TOUCH, millis=st.integers(1, 50))
def test_an_edge_is_what_the_sale_brings_less_the_purchase(pair: int, a: Any, b: Any, millis: int) -> None:
    s = two(pair, a, b)
    quantity = millis * E8 // 1000
    gross = []
    for direction, (buy, sell) in enumerate(((a, b), (b, a))):
        edge, fees, paid = top_edge(s, s.pairs[pair], direction, quantity)
        assert Fraction(paid, E8) == Fraction(millis, 1000) * (buy[0] + buy[1])
        assert Fraction(edge, E8) == Fraction(millis, 1000) * (sell[0] - buy[0] - buy[1])
        instruments = [s.instruments[PAIRS[pair][k]] for k in ((0, 1) if direction == 0 else (1, 0))]
        exact = (
            Fraction(paid * int(instruments[0].taker_ppm), 10**6),
            Fraction((paid + edge) * int(instruments[1].taker_ppm), 10**6),
        )
        assert sum(exact) <= fees < sum(exact) + 2  # each fee rounded up to the next 1e-8
        gross.append(edge)
    assert sum(gross) == -millis * E8 // 1000 * (a[1] + b[1])  # round and round costs both spreads
    assert min(gross) < 0


@FEW
@given(TOUCH, TOUCH, st.integers(0, 10_000 * E8))
def test_a_clip_is_what_both_legs_can_trade_within_the_notional(a: Any, b: Any, wanted: int) -> None:
    s = two(1, a, b)
    step = int(s.pairs[1].step_e8)
    quantity = int(clip_quantity_e8(s, s.pairs[1], wanted))
    assert all(quantity % int(s.instruments[i].lot_e8) == 0 for i in PAIRS[1]) and quantity % step == 0
    dearer = max(Fraction(2 * bid + spread, 2) for bid, spread in (a, b))
    assert Fraction(quantity, E8) * dearer <= Fraction(wanted, E8) + dearer / E8
    assert Fraction(quantity + step, E8) * dearer >= Fraction(wanted, E8) - dearer / E8


@FEW
@given(st.integers(-(10**14), 10**14), st.integers(1, 10**12))
def test_an_edge_in_ppm_is_rounded_down_and_capped(edge: int, notional: int) -> None:
    ppm = edge_ppm(edge, notional)
    exact = Fraction(edge * 10**6, notional)
    assert ppm == max(-(10**6), min(10**6, exact.numerator // exact.denominator))


@FEW
@given(st.integers(0, 1 << 52), st.integers(-1_000, 10**6))
def test_parts_per_million(amount: int, ppm: int) -> None:
    exact = Fraction(amount * ppm, 10**6)
    assert exact <= fee_e8(amount, ppm) < exact + 1
    if ppm >= 0:
        assert exact - 1 < ppm_of(amount, ppm) <= exact


@FEW
@given(
    touch=TOUCH,
    fills=st.lists(st.tuples(st.integers(-20, 20), st.integers(59_000, 61_000)), max_size=6),
    i=st.sampled_from([SPOT, USDM, HYPER]),
)
def test_reversing_brings_what_all_fills_and_one_closing_would(touch: Any, fills: list[Any], i: int) -> None:
    s = two(0, touch, touch)
    put(s, i, touch)
    held, cash = 0, Fraction(0)
    for millis, usd in fills:
        fill(s, i, millis * MILLI[i], usd)
        held, cash = held + millis, cash - Fraction(millis * usd, 1000)
        cash = Fraction(0) if held == 0 else cash  # a new round trip begins
    closing = touch[0] if held > 0 else touch[0] + touch[1]
    result = Fraction(int(reversal_e8(s, 0, i)), E8)
    assert result == cash + Fraction(held * closing, 1000)


def fill(s: Any, i: int, lots: int, usd: int) -> None:
    """A fill of strategy 0 at a price in dollars."""
    if lots:
        make.hold(s, i, lots, usd=usd)


def test_without_a_price_there_is_no_edge() -> None:
    for i, direction, side in ((SPOT, 0, "ask"), (USDM, 0, "bid"), (SPOT, 1, "bid"), (USDM, 1, "ask")):
        s = make.opened()[0]
        assert top_edge(s, s.pairs[0], direction, E8)[2] > 0
        s.quotes[i][side] = s.quotes[i][f"{side}_lots"] = 0
        assert tuple(top_edge(s, s.pairs[0], direction, E8)) == (0, 0, 0)
        s.quotes["bid_lots"] = 0
        assert clip_quantity_e8(s, s.pairs[0], 200 * E8) == 0


def test_a_stale_price_of_the_quote_asset_is_none() -> None:
    s = make.opened()[0]
    usdc = int(s.instruments[HYPER].settle)
    assert asset_mark_e8(s, usdc) == E8
    s.now = T0 + 60 * S
    assert asset_mark_e8(s, usdc) == E8
    s.now += 1
    assert asset_mark_e8(s, usdc) == 0 and tuple(top_edge(s, s.pairs[1], 0, E8)) == (0, 0, 0)
    assert asset_mark_e8(s, int(s.reporting)) == E8
    assert INSTRUMENTS[DOLLAR].base == "USDC"
