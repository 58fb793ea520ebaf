"""Write an instrument into the record that kernels read: one way for the desk and for the simulated venues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossbook.errors import Refused
from crossbook.money import factor_of
from crossbook.types import Instrument

_COPIED = (
    "venue", "kind", "chain", "tick_e8", "lot_e8", "contract_e8", "min_lots", "max_lots", "max_ticks",
    "min_notional_e8", "significant_figures",
)  # fmt: skip


def declare_instrument(row: Any, instrument: Instrument, assets: Sequence[str], maker_ppm: int, taker_ppm: int) -> None:
    """Fill a `layout.INSTRUMENT` record. Raises `Refused` for an inexact grid or an asset that has no number."""
    for name in _COPIED:
        row[name] = getattr(instrument, name)
    row["factor"] = factor_of(instrument)
    row["maker_ppm"] = maker_ppm
    row["taker_ppm"] = taker_ppm
    row["tradeable"] = 1
    for name in ("base", "quote", "settle"):
        asset = getattr(instrument, name)
        if asset not in assets:
            raise Refused(f"{name} asset {asset} of {instrument.name} is not among {', '.join(assets)}")
        row[name] = assets.index(asset)
