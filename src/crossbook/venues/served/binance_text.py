"""How a served Binance writes numbers: decimal strings of fixed length, milliseconds."""

from __future__ import annotations

import msgspec

from crossbook.money import E8
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, Venue

ZERO = "0.00000000"


def fixed(amount_e8: int, decimals: int = 8) -> str:
    """An amount at 1e-8 with exactly `decimals` decimals; digits beyond them are cut."""
    sign = "-" if amount_e8 < 0 else ""
    whole, fraction = divmod(abs(amount_e8), E8)
    return f"{sign}{whole}.{fraction:08d}"[: None if decimals == 8 else decimals - 8] if decimals else f"{sign}{whole}"


def decimals_of(step_e8: int) -> int:
    """How many decimals a multiple of a grid step can have."""
    decimals = 8
    while decimals and step_e8 % 10 == 0:
        step_e8 //= 10
        decimals -= 1
    return decimals


def times_e8(left_e8: int, right_e8: int) -> int:
    """The product of two numbers at 1e-8, at 1e-8, cut."""
    return left_e8 * right_e8 // E8


def ms(time_ns: int) -> int:
    """Milliseconds since 1970."""
    return time_ns // NS_PER_MS


class Forms(msgspec.Struct, frozen=True):
    """How an instrument's prices and quantities are written: spot with eight decimals, futures on their grid."""

    price_decimals: int
    quantity_decimals: int

    def price(self, price_e8: int) -> str:
        """A price."""
        return fixed(price_e8, self.price_decimals)

    def quantity(self, quantity_e8: int) -> str:
        """A quantity."""
        return fixed(quantity_e8, self.quantity_decimals)

    def levels(self, levels: list[tuple[int, int]]) -> list[list[str]]:
        """Book levels `(price_e8, quantity_e8)`."""
        return [[self.price(price), self.quantity(quantity)] for price, quantity in levels]


def forms_of(instrument: Instrument) -> Forms:
    """The forms that an instrument's venue uses for it."""
    if instrument.venue is Venue.BINANCE_SPOT:
        return Forms(8, 8)
    return Forms(decimals_of(instrument.tick_e8), decimals_of(instrument.lot_e8))
