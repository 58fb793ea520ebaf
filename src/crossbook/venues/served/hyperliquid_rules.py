"""Hyperliquid's numbers, names and refusals, as pure functions: how it writes, what it allows, what it says."""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.money import E8, parse_e8, text_e8
from crossbook.types import Instrument, InstrumentKind, Side

SPOT_ASSETS = 10_000
LEVELS = 20
FIGURES = 5
MIN_VALUE_E8 = 10 * E8

INTERVALS_S = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "2h": 7_200, "4h": 14_400, "8h": 28_800,
    "12h": 43_200, "1d": 86_400, "3d": 259_200, "1w": 604_800, "1M": 2_592_000,
}  # fmt: skip
"""Seconds of a candle; a month is taken as thirty days."""

CODES = {
    Rejection.PRICE_FILTER: "tickRejected",
    Rejection.LOT_FILTER: "tickRejected",
    Rejection.MIN_NOTIONAL: "minTradeNtlRejected",
    Rejection.PRICE_BAND: "oracleRejected",
    Rejection.INSUFFICIENT_BALANCE: "insufficientSpotBalanceRejected",
    Rejection.INSUFFICIENT_MARGIN: "perpMarginRejected",
    Rejection.REDUCE_ONLY: "reduceOnlyRejected",
    Rejection.WOULD_TAKE: "badAloPxRejected",
    Rejection.NOT_TRADING: "marketOrderNoLiquidityRejected",
    Rejection.TOO_MANY_ORDERS: "rejected",
    Rejection.UNKNOWN_INSTRUMENT: "rejected",
}
"""The status that `orderStatus` and `historicalOrders` show for a refused order."""

NEVER_PLACED = "Order was never placed, already canceled, or filled."
CLOSED = "Order would increase open interest while open interest is capped"
"""What a market that takes no orders says: no sentence of the venue for a halt is known, this one has its effect."""
NOT_MODIFIABLE = "Cannot modify canceled or filled order"
NO_IMMEDIATE_MATCH = "Order could not immediately match against any resting orders."


def refusal(reason: Rejection, asset: int, instrument: Instrument, bbo: tuple[int, int]) -> str:
    """The venue's own sentence for a refused order. `bbo`: best bid and ask in ticks, for the post-only one."""
    if reason is Rejection.PRICE_FILTER:
        return f"Price must be divisible by tick size. asset={asset}"
    if reason is Rejection.LOT_FILTER:
        return f"Order has invalid size. asset={asset}"
    if reason is Rejection.MIN_NOTIONAL:
        if instrument.kind is InstrumentKind.SPOT:
            return f"Order must have minimum value of 10 {instrument.quote}. asset={asset}"
        return f"Order must have minimum value of $10. asset={asset}"
    if reason is Rejection.PRICE_BAND:
        return f"Order price cannot be more than 80% away from the reference price asset={asset}"
    if reason is Rejection.INSUFFICIENT_BALANCE:
        return f"Insufficient spot balance asset={asset}"
    if reason is Rejection.INSUFFICIENT_MARGIN:
        return f"Insufficient margin to place order. asset={asset}"
    if reason is Rejection.REDUCE_ONLY:
        return f"Reduce only order would increase position. asset={asset}"
    if reason is Rejection.WOULD_TAKE:
        bid, ask = (number(ticks * instrument.tick_e8) for ticks in bbo)
        return f"Post only order would have immediately matched, bbo was {bid}@{ask}. asset={asset}"
    if reason is Rejection.NOT_TRADING:
        return f"No liquidity available for market order. asset={asset}"
    if reason is Rejection.TOO_MANY_ORDERS:
        return "Cannot place order: too many open orders."
    return f"Invalid perp DEX or asset. asset={asset}"


def number(amount_e8: int) -> str:
    """A number at 1e-8 as the venue writes it: always with a decimal point ('29792.0', '0.00045')."""
    text = text_e8(amount_e8)
    return text if "." in text else text + ".0"


def ratio(numerator: int, denominator: int) -> str:
    """A quotient as the venue writes it, rounded down to 1e-8; '0.0' where there is none."""
    return number(numerator * E8 // denominator) if denominator else "0.0"


def letter(side: int) -> str:
    """`B` for a bid or a buyer, `A` for an ask or a seller."""
    return "B" if side == Side.BUY else "A"


def size_decimals(instrument: Instrument) -> int:
    """How many decimals a size may have."""
    decimals, lot = 0, E8
    while lot > instrument.lot_e8:
        lot //= 10
        decimals += 1
    return decimals


def legal_price(price: str, instrument: Instrument) -> int | None:
    """A price in ticks, or None where the venue refuses it: off the grid, or of more than five figures, not whole."""
    try:
        price_e8 = parse_e8(price, "price")
    except Refused:
        return None
    ticks, rest = divmod(price_e8, instrument.tick_e8)
    if rest or not 0 < ticks <= instrument.max_ticks:
        return None
    figures = len(price.replace(".", "").strip("0")) if price_e8 % E8 else 0
    return ticks if figures <= FIGURES else None


def legal_size(size: str, instrument: Instrument) -> int | None:
    """A size in lots, or None where it is off the grid or negative."""
    try:
        lots, rest = divmod(parse_e8(size, "size"), instrument.lot_e8)
    except Refused:
        return None
    return lots if rest == 0 and lots >= 0 else None


def grouped(
    levels: Iterable[tuple[int, int]], side: int, figures: int | None, mantissa: int
) -> list[tuple[int, int, int]]:
    """Levels (price and quantity at 1e-8, best first) merged to `figures` significant figures, with a count of each.

    Bids are rounded down and asks up, so that the merged book never shows a better price than there is. `mantissa`
    makes the last of five figures a multiple of 1, 2 or 5.
    """
    merged: list[tuple[int, int, int]] = []
    for price, quantity in levels:
        step = 1
        if figures is not None:
            step = max(10 ** (len(str(price)) - figures), 1) * (mantissa if figures == FIGURES else 1)
        at = price // step * step if side == Side.BUY else -(-price // step) * step
        if merged and merged[-1][0] == at:
            _, held, count = merged[-1]
            merged[-1] = (at, held + quantity, count + 1)
        elif len(merged) == LEVELS:
            break
        else:
            merged.append((at, quantity, 1))
    return merged


def direction(side: int, start_e8: int, quantity_e8: int, spot: bool) -> str:
    """What a fill does to the position it met: 'Open Long', 'Close Short', 'Long > Short', or on spot 'Buy'."""
    if spot:
        return "Buy" if side == Side.BUY else "Sell"
    end = start_e8 + (quantity_e8 if side == Side.BUY else -quantity_e8)
    if start_e8 > 0 > end:
        return "Long > Short"
    if start_e8 < 0 < end:
        return "Short > Long"
    if abs(end) > abs(start_e8):
        return "Open Long" if side == Side.BUY else "Open Short"
    return "Close Short" if side == Side.BUY else "Close Long"
