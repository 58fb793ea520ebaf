"""The grid of legal prices and quantities."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel

E8 = 100_000_000


@kernel
def price_step(instrument: Any, ticks: int) -> int:
    """The step, in ticks, of legal prices near `ticks`.

    A tick, unless the venue counts significant figures (Hyperliquid: five, whole numbers always legal).
    """
    figures = instrument.significant_figures
    if figures == 0:
        return 1
    rest = ticks * instrument.tick_e8
    for _ in range(figures):
        rest //= 10
    zeros = 1
    while rest > 0:
        rest //= 10
        zeros *= 10
    if zeros > E8:
        zeros = E8
    return max(zeros // instrument.tick_e8, 1)


@kernel
def round_price_down(instrument: Any, ticks: int) -> int:
    """The highest legal price not above `ticks`."""
    step = price_step(instrument, ticks)
    return ticks // step * step


@kernel
def round_price_up(instrument: Any, ticks: int) -> int:
    """The lowest legal price not below `ticks`."""
    step = price_step(instrument, ticks)
    return -(-ticks // step) * step


@kernel
def is_legal_price(instrument: Any, ticks: int) -> bool:
    """Whether the venue accepts this price at all."""
    return bool(0 < ticks <= instrument.max_ticks and ticks % price_step(instrument, ticks) == 0)
