"""A figure: a number that anyone will quote, with its unit, count, window and residual; and how it is printed."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import msgspec

from crossbook.money import VALUE_SCALE, divide_half_even

Number = Decimal | int
DIGITS = 18
_ROUND = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
_EXACT = Context(prec=200)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`value` None prints as "n/a": there is nothing to tell, which is not 0. `n`: how many facts it is made of.

    `window`: first and last stamp (ns) it covers. `residual`: how far two independent routes to the value differ,
    summed over all routes there are; 0 means that they agree, None that there is no second route.
    """

    value: Number | None
    unit: str
    n: int
    window: tuple[int, int] | None
    residual: Number | None
    definition: str


class _Json(msgspec.Struct, frozen=True, kw_only=True):
    value: Number | None
    unit: str
    n: int
    window: tuple[int, int] | None
    residual: Number | None


_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def value_decimal(amount: int) -> Decimal:
    """A value at 1e-18 as an exact Decimal."""
    return _EXACT.scaleb(Decimal(amount), -VALUE_SCALE)


def ratio(part: int, whole: int) -> Decimal | None:
    """`part / whole` to 18 digits; None where the whole is 0: an empty ratio is n/a."""
    return _ROUND.divide(Decimal(part), Decimal(whole)) if whole else None


def plain(number: Number | None) -> Number | None:
    """The number as it is written: exact up to 18 digits, then rounded half-even; 0 is the integer 0."""
    if number is None or isinstance(number, int):
        return number
    rounded = _ROUND.plus(number)
    if rounded == rounded.to_integral_value() and abs(rounded) < 10**DIGITS:
        return int(rounded)
    return rounded.normalize(_ROUND)


def figures_json(figures: dict[str, Figure]) -> bytes:
    """One flat object, name -> `{value, unit, n, window, residual}`, numbers exact. Everyone who shows figures as JSON
    shows these bytes."""
    return _ENCODER.encode({name: for_json(figure) for name, figure in figures.items()})


def for_json(figure: Figure) -> _Json:
    """What of a figure goes into JSON."""
    return _Json(
        value=plain(figure.value),
        unit=figure.unit,
        n=figure.n,
        window=figure.window,
        residual=plain(figure.residual),
    )


def display_parts(values: list[Number], decimals: int) -> list[Decimal]:
    """The values rounded to `decimals` so that the shown parts sum to the shown total.

    The total is rounded half-even; parts are rounded down and the units that are missing go to those with the largest
    remainders, the earlier one first where they are equal.
    """
    scaled = [Fraction(value) * 10**decimals for value in values]
    floors = [part.numerator // part.denominator for part in scaled]
    total = sum(scaled, Fraction(0))
    missing = divide_half_even(total.numerator, total.denominator) - sum(floors)
    order = sorted(range(len(values)), key=lambda i: (floors[i] - scaled[i], i))
    for i in order[:missing]:
        floors[i] += 1
    return [_EXACT.scaleb(Decimal(part), -decimals) for part in floors]
