"""Every limit of the desk: its default for a net asset value of about $8,800, and the ceiling in code.

A configuration may choose any value up to the ceiling; it may switch a control off by name only where no real venue
can be reached, and every output then says so.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.money import PPM
from crossbook.timestamp import NS_PER_MS, NS_PER_S

D = Decimal


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[limits]` table of a configuration."""

    order_notional_usd_max: Decimal = D(250)
    """C01: notional of one order."""
    position_notional_usd_max: Decimal = D(1320)
    """C03: notional a strategy may hold at one venue, at the worst end of its interval."""
    gross_usd_max: Decimal = D(8800)
    """C04: sum of all positions' notionals, over strategies and venues."""
    delta_usd_max: Decimal = D(440)
    """C05: what all positions together may be long or short if every sent order fills on one side only."""
    collateral_pct_min: Decimal = D(40)
    """C07: free part of a margin venue's equity after the order."""
    collar_bps: Decimal = D(50)
    """C09: distance of an order's price from the middle of its own book."""
    edge_bps_max: Decimal = D(100)
    """C10: an edge beyond this is not believed."""
    quote_age_ms_max: Decimal = D(500)
    """C11: age of a quote by its receive stamp; a venue may have its own."""
    quote_skew_ms_max: Decimal = D(1000)
    """C11: difference between the ages of two legs' quotes."""
    orders_per_s_max: int = 5
    orders_per_min_max: int = 60
    orders_per_h_max: int = 600
    """C13: orders sent; what only reduces is exempt."""
    mark_age_s_max: Decimal = D(60)
    """Age of the price between two quote assets; older, and no pair across them is entered."""
    unhedged_usd_max: Decimal = D(250)
    unhedged_s_max: Decimal = D(2)
    flatten_s_max: Decimal = D(10)
    """C32: notional of one leg without the other; how long it may be completed; when the strategy falls."""
    hedge_retries: int = 2
    """C32: tries to complete a leg before it is taken back."""


CEILINGS: dict[str, Decimal] = {
    "order_notional_usd_max": D(500),
    "position_notional_usd_max": D(2640),
    "gross_usd_max": D(17600),
    "delta_usd_max": D(880),
    "collar_bps": D(100),
    "edge_bps_max": D(200),
    "quote_age_ms_max": D(3000),
    "quote_skew_ms_max": D(2000),
    "orders_per_s_max": D(10),
    "orders_per_min_max": D(120),
    "orders_per_h_max": D(1200),
    "mark_age_s_max": D(120),
    "unhedged_usd_max": D(500),
    "unhedged_s_max": D(4),
    "flatten_s_max": D(20),
    "hedge_retries": D(4),
}
FLOORS: dict[str, Decimal] = {"collateral_pct_min": D(20)}

SWITCHABLE = {"C10": "edge sanity", "C13": "order rate"}
"""Controls that a run on a tape may switch off, by name."""


def check_limits(limits: Limits, where: str) -> None:
    """Raises `Refused` naming the first limit that lies beyond its ceiling or is not positive."""
    for name in limits.__struct_fields__:
        value = Decimal(getattr(limits, name))
        if value < 0 or (value == 0 and name != "hedge_retries"):
            raise Refused(f"{where}: limits.{name} = {value} must be above 0")
        if name in CEILINGS and not value <= CEILINGS[name]:
            raise Refused(f"{where}: limits.{name} = {value} is above its ceiling of {CEILINGS[name]}; lower it")
        if name in FLOORS and not FLOORS[name] <= value <= 100:
            raise Refused(f"{where}: limits.{name} = {value} must lie between {FLOORS[name]} and 100")


def check_controls_off(names: list[str], where: str) -> int:
    """The bits of the controls switched off. Raises `Refused` for a name that cannot be."""
    bits = 0
    for name in names:
        if name not in SWITCHABLE:
            known = ", ".join(f"{code} ({what})" for code, what in SWITCHABLE.items())
            raise Refused(f"{where}: controls_off {name!r} cannot be switched off; these can: {known}")
        bits |= 1 << int(name[1:])
    return bits


def write_limits(record: Any, limits: Limits, off: int) -> None:
    """Fill the kernels' record (`rules.layout.LIMITS`): usd to 1e-8, bps and percent to ppm, times to ns."""
    record.order_notional_e8_max = _scaled(limits.order_notional_usd_max, 8)
    record.position_notional_e8_max = _scaled(limits.position_notional_usd_max, 8)
    record.gross_e8_max = _scaled(limits.gross_usd_max, 8)
    record.delta_e8_max = _scaled(limits.delta_usd_max, 8)
    record.collateral_ppm_min = int(limits.collateral_pct_min * PPM // 100)
    record.collar_ppm = _scaled(limits.collar_bps, 2)
    record.edge_ppm_max = _scaled(limits.edge_bps_max, 2)
    record.quote_skew_ns_max = int(limits.quote_skew_ms_max * NS_PER_MS)
    record.mark_age_ns_max = int(limits.mark_age_s_max * NS_PER_S)
    record.orders_per_s_max = limits.orders_per_s_max
    record.orders_per_min_max = limits.orders_per_min_max
    record.orders_per_h_max = limits.orders_per_h_max
    record.unhedged_notional_e8_max = _scaled(limits.unhedged_usd_max, 8)
    record.hedge_within_ns = int(limits.unhedged_s_max * NS_PER_S)
    record.flatten_within_ns = int(limits.flatten_s_max * NS_PER_S)
    record.hedge_retries = limits.hedge_retries
    record.off = off


def _scaled(value: Decimal, decimals: int) -> int:
    return int(value.scaleb(decimals))
