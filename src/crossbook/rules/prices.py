"""What things are worth now: asset marks, middles, notionals in the reporting asset."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.rules.value import notional_e8, scale_e8

E8 = 100_000_000
UNPRICED = 1 << 55
"""Far above any limit, and small enough that all positions together still fit."""


@kernel
def mid_e8(s: Any, i: int) -> int:
    """The middle of an instrument's quote in 1e-8 units of its quote asset, rounded down; 0 if one side is empty."""
    quote = s.quotes[i]
    if quote.bid_lots <= 0 or quote.ask_lots <= 0:
        return 0
    return (quote.bid + quote.ask) * s.instruments[i].tick_e8 // 2


@kernel
def asset_mark_e8(s: Any, asset: int) -> int:
    """The price of an asset in the reporting asset; 0 where it is unknown or older than the limit allows."""
    if asset == s.reporting:
        return E8
    i = s.assets[asset].mark_instrument
    if i < 0 or not (s.now - s.quotes[i].ts <= s.limits.mark_age_ns_max):
        return 0
    return mid_e8(s, i)


@kernel
def order_value_e8(s: Any, i: int, price: int, lots: int) -> int:
    """The notional of `lots` at `price` ticks in the reporting asset, 1e-8 units; 0 if the quote asset has no mark."""
    instrument = s.instruments[i]
    return scale_e8(notional_e8(instrument, price, lots), asset_mark_e8(s, instrument.settle))


@kernel
def position_value_e8(s: Any, i: int, lots: int) -> int:
    """The signed notional of a position at the side it would close against, in the reporting asset.

    A position that cannot be priced counts as `UNPRICED`, more than any limit: a missing number denies.
    """
    if lots == 0:
        return 0
    quote = s.quotes[i]
    if lots < 0:
        value = order_value_e8(s, i, quote.ask, -lots) if quote.ask_lots > 0 else 0
        return -value if value > 0 else -UNPRICED
    value = order_value_e8(s, i, quote.bid, lots) if quote.bid_lots > 0 else 0
    return value if value > 0 else UNPRICED
