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
    instrument_notional_usd_max: Decimal = D(1320)
    """C03: notional of all strategies together in one instrument."""
    delta_soft_usd_max: Decimal = D(176)
    """C05: what is open already may be this far from neutral before entries are denied."""
    leverage_x_max: int = 2
    """C06: a margin venue's gross notional over its equity."""
    liquidation_pct_min: Decimal = D(25)
    """C08: distance to liquidation, of gross notional."""
    other_venue_bps_max: Decimal = D(100)
    """C09: an order's price against the other leg's middle and the venue's own mark."""
    edge_bps_min: Decimal = D(2)
    """C10: what the depth-priced edge must leave after entry fees."""
    clock_drift_ms_max: Decimal = D(750)
    """C12: drift of a venue's stamps from the established offset."""
    orders_per_day_max: int = 2000
    reduces_per_s_max: int = 10
    """C13."""
    arbs_per_h_max: int = 20
    arbs_per_day_max: int = 100
    """C14: entries into a pair this hour; into all pairs this day."""
    duplicate_s: Decimal = D(1)
    """C15: the same pair, side and size again within this time."""
    rejects_max: int = 5
    reject_pause_s: Decimal = D(300)
    rejects_per_min_max: int = 10
    """C16: rejections in a row pause an instrument; so many in a minute close the desk."""
    unknown_orders_max: int = 2
    """C17: orders of which nothing is known close the desk."""
    open_orders_max: int = 4
    """C18: orders out at one venue."""
    pair_ratio_pct_max: Decimal = D(2)
    """C19: legs' middles may differ by this much before they are taken for different things."""
    rate_reserve_pct: Decimal = D(20)
    """C22: part of a venue's request budget kept for cancelling and reducing."""
    turnover_usd_max: Decimal = D(88000)
    """C24: notional of the day's orders."""
    funding_bps_max: Decimal = D(5)
    funding_before_s: Decimal = D(180)
    """C25: coming funding against us; how near its stamp may be."""
    journal_lag_ms_max: Decimal = D(100)
    disk_gib_min: Decimal = D(1)
    """C28."""
    loop_lag_ms_max: Decimal = D(250)
    """C29."""
    daily_close_pct: Decimal = D("0.5")
    daily_kill_pct: Decimal = D(1)
    """C37: loss since midnight UTC, of the NAV then."""
    weekly_kill_pct: Decimal = D("2.5")
    drawdown_kill_pct: Decimal = D(3)
    """C38."""
    slippage_bps_max: Decimal = D(5)
    fee_off_pct_max: Decimal = D(10)
    """C40: mean shortfall of the last ten entries pauses a strategy; another fee than scheduled closes the venue."""
    unattributed_warn_usd: Decimal = D("0.5")
    unattributed_warn_pct: Decimal = D(5)
    unattributed_close_usd: Decimal = D(5)
    """C41: warned of at either, the amount or its part of the P&L."""
    stale_s_max: Decimal = D(5)
    hold_after_s: Decimal = D(60)
    holds_per_h_max: int = 3
    """Holds: silence that begins one, how long it lasts after its cause, how many in an hour close an instrument."""


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
    "instrument_notional_usd_max": D(2640),
    "delta_soft_usd_max": D(352),
    "leverage_x_max": D(3),
    "other_venue_bps_max": D(200),
    "clock_drift_ms_max": D(1500),
    "orders_per_day_max": D(4000),
    "reduces_per_s_max": D(20),
    "arbs_per_h_max": D(40),
    "arbs_per_day_max": D(200),
    "rejects_max": D(10),
    "rejects_per_min_max": D(20),
    "unknown_orders_max": D(4),
    "open_orders_max": D(8),
    "pair_ratio_pct_max": D(4),
    "turnover_usd_max": D(176000),
    "funding_bps_max": D(10),
    "journal_lag_ms_max": D(200),
    "loop_lag_ms_max": D(500),
    "daily_close_pct": D(1),
    "daily_kill_pct": D(2),
    "weekly_kill_pct": D(5),
    "drawdown_kill_pct": D(6),
    "slippage_bps_max": D(10),
    "fee_off_pct_max": D(20),
    "unattributed_warn_usd": D(1),
    "unattributed_warn_pct": D(10),
    "unattributed_close_usd": D(10),
    "stale_s_max": D(10),
    "holds_per_h_max": D(6),
}
FLOORS: dict[str, Decimal] = {
    "collateral_pct_min": D(20),
    "liquidation_pct_min": D("12.5"),
    "rate_reserve_pct": D(10),
    "edge_bps_min": D(1),
    "duplicate_s": D("0.5"),
    "reject_pause_s": D(150),
    "funding_before_s": D(90),
    "disk_gib_min": D("0.5"),
    "hold_after_s": D(30),
}
"""Limits that protect by being large: half the default is the least a configuration may say."""

SWITCHABLE = {
    "C10": "edge sanity",
    "C13": "order rate",
    "C14": "repeated execution",
    "C15": "duplicate intent",
    "C16": "consecutive rejects",
    "C24": "daily turnover",
    "C37": "daily loss",
    "C38": "weekly loss and drawdown",
    "C39": "strategy that loses",
    "C40": "slippage and fee conformity",
}
"""Controls that a run on a tape may switch off, by name."""


NOT_WIRED = ("C06 read-back", "C12 live offset", "C22 read-back", "C27", "C28", "C29", "C30", "C31")
"""Controls that have nothing to speak on yet, or not on a tape: rules with their tests, listed as off in every run."""
NOT_WIRED_LIVE = ("C27", "C30", "C31")
"""Of these, what has nothing to speak on at venues either: forecasts, orders by hand; and on a machine's own served
venues, whose accounts are made for the day, the pinned identity."""


def check_limits(limits: Limits, where: str) -> None:
    """Raises `Refused` naming the first limit that lies beyond its ceiling or is not positive."""
    for name in limits.__struct_fields__:
        value = Decimal(getattr(limits, name))
        if value < 0 or (value == 0 and name != "hedge_retries"):
            raise Refused(f"{where}: limits.{name} = {value} must be above 0")
        if name in CEILINGS and not value <= CEILINGS[name]:
            raise Refused(f"{where}: limits.{name} = {value} is above its ceiling of {CEILINGS[name]}; lower it")
        if name in FLOORS and not value >= FLOORS[name]:
            raise Refused(f"{where}: limits.{name} = {value} is below its floor of {FLOORS[name]}; raise it")
        if name.endswith("_pct_min") and not value <= 100:
            raise Refused(f"{where}: limits.{name} = {value} is above 100 per cent; lower it")


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
    record.instrument_notional_e8_max = _scaled(limits.instrument_notional_usd_max, 8)
    record.delta_soft_e8_max = _scaled(limits.delta_soft_usd_max, 8)
    record.leverage_max = limits.leverage_x_max
    record.liquidation_ppm_min = _scaled(limits.liquidation_pct_min, 4)
    record.other_ppm_max = _scaled(limits.other_venue_bps_max, 2)
    record.edge_ppm_min = _scaled(limits.edge_bps_min, 2)
    record.drift_ns_max = int(limits.clock_drift_ms_max * NS_PER_MS)
    record.orders_per_day_max = limits.orders_per_day_max
    record.reduces_per_s_max = limits.reduces_per_s_max
    record.arbs_per_h_max = limits.arbs_per_h_max
    record.arbs_per_day_max = limits.arbs_per_day_max
    record.duplicate_ns = int(limits.duplicate_s * NS_PER_S)
    record.rejects_max = limits.rejects_max
    record.reject_pause_ns = int(limits.reject_pause_s * NS_PER_S)
    record.rejects_per_min_max = limits.rejects_per_min_max
    record.unknown_max = limits.unknown_orders_max
    record.open_orders_max = limits.open_orders_max
    record.ratio_ppm_max = _scaled(limits.pair_ratio_pct_max, 4)
    record.budget_reserve_ppm = _scaled(limits.rate_reserve_pct, 4)
    record.turnover_e8_max = _scaled(limits.turnover_usd_max, 8)
    record.funding_ppm_max = _scaled(limits.funding_bps_max, 2)
    record.funding_before_ns = int(limits.funding_before_s * NS_PER_S)
    record.journal_lag_ns_max = int(limits.journal_lag_ms_max * NS_PER_MS)
    record.disk_bytes_min = int(limits.disk_gib_min * (1 << 30))
    record.loop_lag_ns_max = int(limits.loop_lag_ms_max * NS_PER_MS)
    record.daily_close_ppm = _scaled(limits.daily_close_pct, 4)
    record.daily_kill_ppm = _scaled(limits.daily_kill_pct, 4)
    record.weekly_kill_ppm = _scaled(limits.weekly_kill_pct, 4)
    record.drawdown_kill_ppm = _scaled(limits.drawdown_kill_pct, 4)
    record.slippage_ppm_max = _scaled(limits.slippage_bps_max, 2)
    record.fee_off_ppm_max = _scaled(limits.fee_off_pct_max, 4)
    record.unattributed_warn_e8 = _scaled(limits.unattributed_warn_usd, 8)
    record.unattributed_warn_ppm = _scaled(limits.unattributed_warn_pct, 4)
    record.unattributed_close_e8 = _scaled(limits.unattributed_close_usd, 8)
    record.stale_ns_max = int(limits.stale_s_max * NS_PER_S)
    record.hold_after_ns = int(limits.hold_after_s * NS_PER_S)
    record.holds_per_h_max = limits.holds_per_h_max


def _scaled(value: Decimal, decimals: int) -> int:
    return int(value.scaleb(decimals))
