"""What ticks and lots are worth, exactly, in 1e-8 units; every rounding has its direction in its doc."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.types import InstrumentKind

E8 = 100_000_000
INVERSE = int(InstrumentKind.INVERSE)


@kernel
def half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, ties to the even one; `denominator` > 0, below 2**62."""
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator
    if remainder > denominator - remainder:
        return quotient + 1
    if remainder == denominator - remainder:
        return quotient + (quotient & 1)
    return quotient


@kernel
def notional_e8(instrument: Any, ticks: int, lots: int) -> int:
    """The notional of `lots` (signed) at `ticks`, 1e-8 units.

    Spot and linear: of quote, exact. Inverse: of coin, `lots * factor / ticks` rounded half-even. `ticks` > 0.
    """
    if instrument.kind == INVERSE:
        return half_even(lots * instrument.factor, ticks)
    return ticks * lots * instrument.factor


@kernel
def mid_notional_e8(instrument: Any, bid_plus_ask: int, lots: int) -> int:
    """The notional of `lots` (signed) at the exact middle `bid_plus_ask / 2` ticks, rounded half-even."""
    if instrument.kind == INVERSE:
        return half_even(2 * lots * instrument.factor, bid_plus_ask)
    return half_even(bid_plus_ask * lots * instrument.factor, 2)


@kernel
def quantity_e8(instrument: Any, lots: int) -> int:
    """`lots` as a quantity of base; of an inverse contract, as its quote value."""
    if instrument.kind == INVERSE:
        return lots * instrument.contract_e8
    return lots * instrument.lot_e8


@kernel
def scale_e8(amount: int, price_e8: int) -> int:
    """`amount * price_e8 / 1e8` rounded down (towards minus infinity), both split at 1e8 so that only the result
    has to fit."""
    whole = amount // E8
    part = amount % E8
    price_whole = price_e8 // E8
    price_part = price_e8 % E8
    return whole * price_e8 + part * price_whole + part * price_part // E8


@kernel
def scale_half_even_e8(amount: int, rate_e8: int) -> int:
    """`amount * rate_e8 / 1e8` rounded half-even, split at 1e8 so that only the result has to fit."""
    part = amount % E8
    rate_whole = rate_e8 // E8
    rate_part = rate_e8 % E8
    whole = amount // E8 * rate_e8 + part * rate_whole
    if whole & 1:  # the parity of the whole decides where a tie goes, so it has to take part in the rounding
        return whole - 1 + half_even(part * rate_part + E8, E8)
    return whole + half_even(part * rate_part, E8)


@kernel
def coin_e8(value_e8: int, price_e8: int) -> int:
    """`value_e8 * 1e8 / price_e8` rounded half-even: a quote value in coin. `price_e8` > 0, below 2**59."""
    quotient = value_e8 // price_e8
    rest = value_e8 % price_e8
    for _ in range(7):
        rest *= 10
        quotient = quotient * 10 + rest // price_e8
        rest %= price_e8
    last = half_even(rest * 10, price_e8)
    quotient *= 10
    # `quotient` is even here, so the parity of the last digit is that of the sum
    return quotient + last


@kernel
def value_at_e8(instrument: Any, lots: int, price_e8: int) -> int:
    """The notional of `lots` (signed) at a price in 1e-8 units of quote: a mark need not lie on the grid.

    Spot and linear: in quote, magnitude rounded down. Inverse: in coin, half-even.
    """
    if instrument.kind == INVERSE:
        return coin_e8(lots * instrument.contract_e8, price_e8)
    if lots < 0:
        return -scale_e8(-lots * instrument.lot_e8, price_e8)
    return scale_e8(lots * instrument.lot_e8, price_e8)
