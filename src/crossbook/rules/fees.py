"""Fees: the one rounding of parts per million that every part of the desk and the simulated venue shares."""

from __future__ import annotations

from crossbook.rules.kernel import kernel

PPM = 1_000_000


@kernel
def fee_e8(amount_e8: int, ppm: int) -> int:
    """The fee on `amount_e8` >= 0, rounded up to the next 1e-8: a cost grows, a rebate (`ppm` < 0) shrinks.

    The amount is split at a million, so that nothing overflows as long as the fee itself fits.
    """
    return amount_e8 // PPM * ppm - (-(amount_e8 % PPM) * ppm) // PPM
