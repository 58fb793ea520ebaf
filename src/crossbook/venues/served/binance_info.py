"""exchangeInfo of a served Binance: what may be traded, on which grid, and how often one may ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crossbook.types import Instrument, Venue
from crossbook.venues.served.binance_text import decimals_of, fixed, forms_of

SPOT_LIMITS = (("REQUEST_WEIGHT", "MINUTE", 1, 6_000), ("ORDERS", "SECOND", 10, 100), ("ORDERS", "DAY", 1, 200_000),
               ("RAW_REQUESTS", "MINUTE", 5, 300_000))  # fmt: skip
USDM_LIMITS = (("REQUEST_WEIGHT", "MINUTE", 1, 2_400), ("ORDERS", "MINUTE", 1, 1_200), ("ORDERS", "SECOND", 10, 300))
"""(type, interval, number of intervals, limit), as production has them."""
MAX_OPEN_ORDERS = 200
SPOT_UP_PPM, SPOT_DOWN_PPM = 5_000_000, 200_000
"""How far a spot limit price may be from the five minutes' average."""
USDM_UP_PPM, USDM_DOWN_PPM = 1_050_000, 950_000
"""How far a futures buy may be above, a sell below the mark."""
SPOT_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
USDM_TYPES = ("LIMIT", "MARKET")
"""Orders that wait for a price to be touched are not served."""
STP_MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


def rate_limits(venue: Venue) -> list[dict[str, object]]:
    """The `rateLimits` of a venue."""
    rows = SPOT_LIMITS if venue is Venue.BINANCE_SPOT else USDM_LIMITS
    return [{"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in rows]  # fmt: skip


def exchange_info(
    venue: Venue, instruments: Iterable[Instrument], statuses: Mapping[str, str], now_ms: int
) -> dict[str, object]:
    """The whole answer; `statuses` by symbol where a symbol is not TRADING."""
    listed = list(instruments)
    common: dict[str, object] = {
        "timezone": "UTC", "serverTime": now_ms, "rateLimits": rate_limits(venue), "exchangeFilters": [],
    }  # fmt: skip
    if venue is Venue.BINANCE_SPOT:
        return common | {"symbols": [_spot_symbol(one, statuses.get(one.symbol, "TRADING")) for one in listed],
                         "sors": []}  # fmt: skip
    assets = sorted({one.settle for one in listed})
    return common | {
        "futuresType": "U_MARGINED",
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets],
        "symbols": [_usdm_symbol(one, statuses.get(one.symbol, "TRADING")) for one in listed],
    }


def _spot_symbol(instrument: Instrument, status: str) -> dict[str, object]:
    return {
        "symbol": instrument.symbol, "status": status, "baseAsset": instrument.base, "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8, "orderTypes": list(SPOT_TYPES), "icebergAllowed": False, "ocoAllowed": False,
        "otoAllowed": False, "opoAllowed": False, "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": False,
        "cancelReplaceAllowed": True, "amendAllowed": True, "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": spot_filters(instrument),
        "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": list(STP_MODES),
    }  # fmt: skip


def spot_filters(instrument: Instrument) -> list[dict[str, object]]:
    """The filters of a spot symbol."""
    tick, lot = instrument.tick_e8, instrument.lot_e8
    return [
        {"filterType": "PRICE_FILTER", "minPrice": fixed(tick), "maxPrice": fixed(instrument.max_ticks * tick),
         "tickSize": fixed(tick)},
        {"filterType": "LOT_SIZE", "minQty": fixed(instrument.min_lots * lot),
         "maxQty": fixed(instrument.max_lots * lot), "stepSize": fixed(lot)},
        {"filterType": "MARKET_LOT_SIZE", "minQty": fixed(0), "maxQty": fixed(instrument.max_lots * lot),
         "stepSize": fixed(0)},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
         "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "NOTIONAL", "minNotional": fixed(instrument.min_notional_e8), "applyMinToMarket": True,
         "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]  # fmt: skip


def _usdm_symbol(instrument: Instrument, status: str) -> dict[str, object]:
    return {
        "symbol": instrument.symbol, "pair": instrument.symbol, "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000, "onboardDate": 1569398400000, "status": status, "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000", "baseAsset": instrument.base, "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle, "pricePrecision": decimals_of(instrument.tick_e8),
        "quantityPrecision": decimals_of(instrument.lot_e8), "baseAssetPrecision": 8, "quotePrecision": 8,
        "underlyingType": "COIN", "underlyingSubType": ["PoW"], "settlePlan": 0, "triggerProtect": "0.0500",
        "liquidationFee": "0.012500", "marketTakeBound": "0.05", "maxMoveOrderLimit": 10000,
        "filters": usdm_filters(instrument), "orderTypes": list(USDM_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"], "permissionSets": ["GRID", "COPY"],
    }  # fmt: skip


def usdm_filters(instrument: Instrument) -> list[dict[str, object]]:
    """The filters of a futures symbol."""
    tick, lot, forms = instrument.tick_e8, instrument.lot_e8, forms_of(instrument)
    least, most = forms.quantity(instrument.min_lots * lot), forms.quantity(instrument.max_lots * lot)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": forms.price(tick),
         "maxPrice": forms.price(instrument.max_ticks * tick), "tickSize": forms.price(tick)},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": forms.quantity(lot)},
        {"filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": forms.quantity(lot)},
        {"filterType": "MAX_NUM_ORDERS", "limit": MAX_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": fixed(instrument.min_notional_e8, 0)},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500",
         "multiplierDecimal": "4"},
    ]  # fmt: skip
