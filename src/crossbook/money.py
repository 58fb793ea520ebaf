"""Exact numbers: one scale of 1e-8 for prices, quantities, amounts and notionals; parse, round, print.

Every rounding has its direction in its name. No float is accepted anywhere.
Values in the reporting asset are Python integers at 1e-18 (amount at 1e-8 times price at 1e-10), so that a sum of
converted parts equals the converted sum exactly.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from crossbook.errors import Refused
from crossbook.types import Instrument, InstrumentKind

E8 = 100_000_000
PPM = 1_000_000
VALUE_SCALE = 18
LIMIT = 1 << 62
"""Every int64 the kernels may form stays below this: two of them still add up without overflow."""


def parse_e8(text: str, what: str) -> int:
    """The decimal string `text` in 1e-8 units, exactly. Raises `Refused` naming `what` if it is no such number."""
    return parse_scaled(text, 8, what)


def parse_scaled(text: str, decimals: int, what: str) -> int:
    """The decimal string `text` as an integer of `10**-decimals`. NaN, infinities and lost digits are refused."""
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError, TypeError):
        raise Refused(f"{what} {text!r} is not a decimal number") from None
    if not value.is_finite():
        raise Refused(f"{what} {text!r} is not finite")
    scaled = value.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise Refused(f"{what} {text} has more than {decimals} decimals")
    if abs(scaled) >= LIMIT:
        raise Refused(f"{what} {text} is out of range")
    return int(scaled)


def decimal_e8(amount: int) -> Decimal:
    """An amount at 1e-8 as an exact Decimal, for printing."""
    return Decimal(amount).scaleb(-8)


def text_e8(amount: int) -> str:
    """An amount at 1e-8 as the shortest exact decimal string: 6183763000000 -> '61837.63'."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), E8)
    return f"{sign}{whole}" if fraction == 0 else f"{sign}{whole}.{fraction:08d}".rstrip("0")


def round_down(amount: int, step: int) -> int:
    """The largest multiple of `step` that is not above `amount`."""
    return amount // step * step


def round_up(amount: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `amount`."""
    return -(-amount // step) * step


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, ties to the even one. `denominator` > 0."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient & 1 == 1))


def bp_to_ppm(text: str, what: str) -> int:
    """Basis points as parts per million: '4.5' -> 450. Raises `Refused` below a hundredth of a basis point."""
    return parse_scaled(text, 2, what)


def factor_of(instrument: Instrument) -> int:
    """What turns ticks and lots into money, as one integer; see `notional_e8`.

    Spot and linear: 1e-8 units of quote per tick and lot. Inverse: the coin, in 1e-8 units, of one lot at one tick.
    Raises `Refused` where the grid is inexact at 1e-8 or the largest notional would not fit (below 2**62).
    """
    if instrument.tick_e8 <= 0 or instrument.lot_e8 <= 0 or instrument.max_lots <= 0 or instrument.max_ticks <= 0:
        raise Refused(f"instrument {instrument.name}: tick, lot and their maxima must be positive")
    if instrument.kind is InstrumentKind.INVERSE:
        factor, rest = divmod(instrument.contract_e8 * E8, instrument.tick_e8)
        largest = instrument.max_lots * factor
    else:
        factor, rest = divmod(instrument.tick_e8 * instrument.lot_e8, E8)
        largest = instrument.max_ticks * instrument.max_lots * factor
    if rest or factor <= 0:
        raise Refused(f"instrument {instrument.name}: tick x lot is finer than 1e-8, its notional would be inexact")
    if largest >= LIMIT or instrument.max_ticks * instrument.tick_e8 >= LIMIT:
        raise Refused(f"instrument {instrument.name}: max ticks x max lots x factor = {largest} does not fit in 2^62")
    return factor


def price_to_ticks(text: str, instrument: Instrument) -> int:
    """A venue's price string in ticks. Raises `Refused` if not positive, off the grid or out of range."""
    return _on_grid(text, instrument.tick_e8, instrument.max_ticks, instrument, "price", least=1)


def quantity_to_lots(text: str, instrument: Instrument) -> int:
    """A venue's quantity string in lots; zero is a removed level. Raises `Refused` if negative or off the grid."""
    return _on_grid(text, instrument.lot_e8, LIMIT, instrument, "quantity", least=0)


def _on_grid(text: str, step: int, most: int, instrument: Instrument, what: str, least: int) -> int:
    scaled = parse_e8(text, f"{instrument.name} {what}")
    units, rest = divmod(scaled, step)
    if rest:
        raise Refused(f"{instrument.name} {what} {text} is not a multiple of {text_e8(step)}")
    if not least <= units <= most:
        raise Refused(f"{instrument.name} {what} {text} is out of range")
    return units
