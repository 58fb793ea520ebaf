"""A contradiction between claims, the laws that one can break, and how its numbers are written."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from crossbook.money import divide_half_even

LAWS = {
    "C04": "exposure is an amount at risk, within the NAV's reach",
    "L04": "strategies and unattributed sum to the total",
    "L05": "P&L is the change of NAV less flows",
    "L10": "drawdown comes from the path of NAV",
    "L11": "win rate is all wins over all closed trades",
    "L12": "a trade is defined once: a round trip, closed",
    "L13": "Sharpe is of daily returns, n/a where there are few",
    "L14": "fill rate is filled over submitted",
    "L15": "latency is a difference of two stamps, in its unit",
    "L16": "a ratio has its n; of nothing it is n/a",
}


class Contradiction(msgspec.Struct, frozen=True):
    """What cannot be true together: the law, what was claimed, what the other claims show, and why they exclude it."""

    law: str
    claimed: str
    shown: str
    why: str


def breaks(law: str, claimed: str, shown: str, why: str) -> Contradiction:
    """A contradiction of a law given by its number."""
    return Contradiction(f"{law} {LAWS[law]}", claimed, shown, why)


def fixed(value: Fraction, decimals: int = 2) -> str:
    """`-1,234.50`: rounded half-even, a value that rounds to 0 without a sign."""
    scaled = divide_half_even(value.numerator * 10**decimals, value.denominator)
    whole, rest = divmod(abs(scaled), 10**decimals)
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")


def telling(value: Fraction, decimals: int = 2) -> str:
    """Like `fixed`, with as many decimals as it takes for two digits that are not 0: 0.0948 is `0.095`."""
    while value and abs(value) * 10**decimals < 10 and decimals < 18:
        decimals += 1
    return fixed(value, decimals)


def decimals_of(half: Fraction) -> int:
    """The decimals of a number whose rounding is `half` a unit of its last digit."""
    return len(str(1 / (2 * half))) - 1
