"""Hyperliquid's instruments, from its meta: numbers in actions, grids, and what an order must keep to.

A perpetual's price has at most `6 - szDecimals` decimals, a spot pair's `8 - szDecimals`, and either at most five
significant figures, whole numbers excepted; a quantity has at most `szDecimals` decimals.
"""

from __future__ import annotations

import numpy as np

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.market.instruments import FIGURES, PERP_DECIMALS
from crossbook.money import E8, PPM, factor_of, parse_scaled, text_e8
from crossbook.rules.grid import is_legal_price, round_price_down, round_price_up
from crossbook.rules.layout import INSTRUMENT, Rows
from crossbook.types import Chain, Instrument, InstrumentKind, Side, Venue
from crossbook.venues import messages as said
from crossbook.venues.hyperliquid.info import Asset, Meta, Pair, SpotMeta, Token

LABEL = Venue.HYPERLIQUID.label
SPOT_DECIMALS = 8
SPOT_ASSETS = 10_000
"""A spot pair's number in actions is this and its index."""
DEX_ASSETS, DEX_SIZE = 100_000, 10_000
"""The perpetuals of dex number n (the first is 0) are numbered from `DEX_ASSETS + n * DEX_SIZE`."""
MIN_NOTIONAL = "10"
USDC = "USDC"
SPAN = 1 << 55
"""Of ticks times lots: times the factor of 100 that every perpetual has, it fits in 2^62."""
MAX_TICKS = 1 << 28
PRICE_ROOM = 16
"""How many times today's price the largest one is, where today's is known."""


def perp_messages(meta: Meta, dex: int | None = 0, collateral: str = USDC) -> list[said.Instrument]:
    """The perpetuals of a dex, numbered as actions name them. `dex` None: unknown, so they have no numbers.

    `collateral`: the token they are margined in.
    """
    first = None if dex is None else DEX_ASSETS + dex * DEX_SIZE if dex else 0
    numbers = (None if first is None else first + place for place in range(len(meta.universe)))
    return [_perp(asset, number, collateral) for asset, number in zip(meta.universe, numbers, strict=True)]


def spot_messages(meta: SpotMeta) -> list[said.Instrument]:
    """The spot pairs. Raises `Refused` where a pair names a token that the list does not have."""
    tokens = {token.index: token for token in meta.tokens}
    missing = [pair for pair in meta.universe if not set(pair.tokens) <= set(tokens)]
    if missing:
        raise Refused(f"spot pair {missing[0].name}: token {missing[0].tokens} is not listed: ask for spotMeta anew")
    return [_pair(pair, tokens[pair.tokens[0]], tokens[pair.tokens[1]]) for pair in meta.universe]


def collateral_of(meta: Meta, spot: SpotMeta) -> str:
    """The name of the token in which a dex is margined."""
    names = {token.index: token.name for token in spot.tokens}
    if meta.collateral_token not in names:
        raise Refused(f"collateral token {meta.collateral_token} is not listed: ask for spotMeta anew")
    return names[meta.collateral_token]


def instrument_of(message: said.Instrument, price: str | None = None) -> Instrument:
    """The instrument that a message tells of; `price` (today's mid) makes its largest price and quantity fit it.

    Raises `Refused` where the grid is finer than 1e-8.
    """
    decimals = message.size_decimals
    spot = message.kind == "spot"
    most = SPOT_DECIMALS if spot else PERP_DECIMALS
    if decimals is None or not 0 <= decimals <= most:
        raise Refused(f"{message.instrument}: size decimals {decimals} are not 0 to {most}")
    tick_e8 = 10 ** (8 - most + decimals)
    max_ticks = MAX_TICKS
    if price is not None:
        today = -(-parse_scaled(price, 12, f"{message.instrument} price") // (10_000 * tick_e8))
        max_ticks = min(max(today, 1) * PRICE_ROOM, 1 << 40)
    instrument = Instrument(
        venue=Venue.HYPERLIQUID,
        symbol=message.instrument,
        base=message.base,
        quote=message.quote,
        settle=message.settle or message.quote,
        kind=InstrumentKind.SPOT if spot else InstrumentKind.LINEAR,
        tick_e8=tick_e8,
        lot_e8=10 ** (8 - decimals),
        max_ticks=max_ticks,
        max_lots=SPAN // max_ticks,
        min_notional_e8=int(MIN_NOTIONAL) * E8,
        significant_figures=FIGURES,
        chain=Chain.SNAPSHOT,
    )
    factor_of(instrument)
    return instrument


def grid_of(instrument: Instrument) -> Rows:
    """What the kernels of `rules.grid` read: a row for `why_refused` and `far_price`, made once."""
    row = np.zeros(1, INSTRUMENT)
    for name in ("tick_e8", "lot_e8", "min_lots", "max_lots", "max_ticks", "min_notional_e8", "significant_figures"):
        row[name] = getattr(instrument, name)
    return row


def why_refused(grid: Rows, factor: int, ticks: int, lots: int, *, reduce_only: bool = False) -> Rejection | None:
    """Why the venue would refuse a price and quantity, or None. `factor`: `money.factor_of` the instrument.

    An order that only reduces may be smaller than 10 of quote: it closes what is left.
    """
    row = grid[0]
    if not is_legal_price(row, ticks):
        return Rejection.PRICE_FILTER
    if not row.min_lots <= lots <= row.max_lots:
        return Rejection.LOT_FILTER
    if not reduce_only and ticks * lots * factor < row.min_notional_e8:
        return Rejection.MIN_NOTIONAL
    return None


def far_price(grid: Rows, side: Side, ticks: int, slippage_ppm: int) -> int:
    """A legal price that lies `slippage_ppm` beyond `ticks`, on the side where an order takes: a market order's."""
    row = grid[0]
    if side == Side.BUY:
        return min(int(round_price_up(row, -(-ticks * (PPM + slippage_ppm) // PPM))), int(row.max_ticks))
    return max(int(round_price_down(row, ticks * (PPM - slippage_ppm) // PPM)), 1)


def _perp(asset: Asset, number: int | None, collateral: str) -> said.Instrument:
    gone = bool(asset.is_delisted)
    decimals = asset.sz_decimals
    return said.Instrument(
        venue=LABEL,
        instrument=asset.name,
        base=asset.name.rpartition(":")[2],
        quote=collateral,
        settle=collateral,
        kind="linear",
        status="delisted" if gone else "trading",
        tradeable=not gone,
        tick=_power(decimals - PERP_DECIMALS),
        lot=_power(-decimals),
        min_quantity=_power(-decimals),
        min_notional=MIN_NOTIONAL,
        significant_figures=FIGURES,
        size_decimals=decimals,
        asset_index=number,
        max_leverage=asset.max_leverage,
    )


def _pair(pair: Pair, base: Token, quote: Token) -> said.Instrument:
    return said.Instrument(
        venue=LABEL,
        instrument=pair.name,
        base=base.name,
        quote=quote.name,
        settle=quote.name,
        kind="spot",
        status="trading",
        tradeable=True,
        tick=_power(base.sz_decimals - SPOT_DECIMALS),
        lot=_power(-base.sz_decimals),
        min_quantity=_power(-base.sz_decimals),
        min_notional=MIN_NOTIONAL,
        significant_figures=FIGURES,
        size_decimals=base.sz_decimals,
        asset_index=SPOT_ASSETS + pair.index,
    )


def _power(exponent: int) -> str | None:
    """Ten to the `exponent`, which no venue puts beyond these bounds."""
    return text_e8(10 ** (8 + exponent)) if -8 <= exponent <= 0 else None
