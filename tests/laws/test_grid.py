"""The grid of legal prices, against the venues' rules said in decimals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.rules.grid import is_legal_price, price_step, round_price_down, round_price_up
from crossbook.rules.layout import INSTRUMENT

pytestmark = pytest.mark.jit_off
MAX_TICKS = 10**9


def grid(tick_e8: int, figures: int) -> np.void:
    row = np.zeros(1, INSTRUMENT)
    row["tick_e8"], row["max_ticks"], row["significant_figures"] = tick_e8, MAX_TICKS, figures
    return row[0]


TICKS = st.sampled_from([1, 10**2, 10**5, 10**6, 10**7, 10**8])
"""A tick of 1e-8 to one."""


@given(TICKS, st.sampled_from([0, 5]), st.integers(1, MAX_TICKS - 10**6))
def test_rounding_finds_the_nearest_legal_price_on_its_side(tick_e8: int, figures: int, ticks: int) -> None:
    row = grid(tick_e8, figures)
    down, up = round_price_down(row, ticks), round_price_up(row, ticks)
    assert down <= ticks <= up
    assert is_legal_price(row, up) and (down == 0 or is_legal_price(row, down))
    assert (down == ticks) == (up == ticks) == is_legal_price(row, ticks)
    assert up - down in (0, price_step(row, ticks))


@given(TICKS, st.integers(1, MAX_TICKS))
def test_five_figures_or_a_whole_number(tick_e8: int, ticks: int) -> None:
    price = Decimal(ticks * tick_e8).scaleb(-8)
    figures = len(price.normalize().as_tuple().digits)
    whole = price == price.to_integral_value()
    assert is_legal_price(grid(tick_e8, 5), ticks) == (whole or figures <= 5)
    assert is_legal_price(grid(tick_e8, 0), ticks)


@pytest.mark.parametrize("ticks", [0, -1, MAX_TICKS + 1])
def test_what_is_no_price(ticks: int) -> None:
    assert not is_legal_price(grid(10**6, 0), ticks)
