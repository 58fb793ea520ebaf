"""The market as Hyperliquid words it: metas, asset contexts, books, prints, candles, funding."""

from __future__ import annotations

import hashlib
from typing import Any

from crossbook.money import E8, text_e8
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument, InstrumentKind, Side, Venue
from crossbook.venues.served.facts import Candle, Level, Printed, Quoted
from crossbook.venues.served.hyperliquid_rules import (
    INTERVALS_S,
    LEVELS,
    SPOT_ASSETS,
    grouped,
    letter,
    number,
    ratio,
    size_decimals,
)
from crossbook.venues.served.trader import LEVERAGE_MOST
from crossbook.venues.served.world import World

HL = Venue.HYPERLIQUID
Json = dict[str, Any]

MAX_LEVERAGE = LEVERAGE_MOST[HL]
"""Half the initial margin at 40x is 1.25 %, the maintenance margin that the simulated venue asks of every market."""
MARGIN_TABLE = 56
BASE_RATE_E8 = 10_000
BASE_BAND_E8 = 50_000
IMPACT_E8 = {"BTC": 20_000 * E8, "ETH": 20_000 * E8}
IMPACT_OTHER_E8 = 6_000 * E8
CANDLES_KEPT = 5_000
SOME_TRADES = 10
"""How many prints a new subscriber is told of."""


def perps(world: World) -> list[Instrument]:
    """The perpetuals in the order of their asset ids."""
    return [instrument for instrument in world.listed(HL) if instrument.kind is not InstrumentKind.SPOT]


def spots(world: World) -> list[Instrument]:
    """The spot pairs in the order of their indices."""
    return [instrument for instrument in world.listed(HL) if instrument.kind is InstrumentKind.SPOT]


def meta(world: World) -> Json:
    """All perpetuals."""
    universe: list[Json] = []
    for instrument in perps(world):
        row: Json = {
            "szDecimals": size_decimals(instrument),
            "name": instrument.symbol,
            "maxLeverage": MAX_LEVERAGE,
            "marginTableId": MARGIN_TABLE,
            "onlyIsolated": False,
        }
        row["isDelisted"] = not world.is_open(HL, instrument.symbol)
        universe.append(row)
    tiers = [{"lowerBound": "0.0", "maxLeverage": MAX_LEVERAGE}]
    tables = [[MARGIN_TABLE, {"description": "", "marginTiers": tiers}]]
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def tokens(world: World) -> list[str]:
    """Coins by token index: the collateral first, then the bases of the spot pairs."""
    return ["USDC", *dict.fromkeys(instrument.base for instrument in spots(world) if instrument.base != "USDC")]


def spot_meta(world: World) -> Json:
    """All spot pairs and their tokens."""
    names = tokens(world)
    decimals = {instrument.base: size_decimals(instrument) for instrument in spots(world)}
    return {
        "tokens": [
            {
                "name": name,
                "szDecimals": decimals.get(name, 8),
                "weiDecimals": 8,
                "index": index,
                "tokenId": "0x" + hashlib.sha256(name.encode()).hexdigest()[:32],
                "isCanonical": True,
                "evmContract": None,
                "fullName": None,
            }
            for index, name in enumerate(names)
        ],
        "universe": [
            {
                "name": instrument.symbol,
                "tokens": [names.index(instrument.base), 0],
                "index": index,
                "isCanonical": True,
            }
            for index, instrument in enumerate(spots(world))
        ],
    }


def impact_price(levels: list[Level], amount_e8: int) -> int | None:
    """The average price at which this much quote trades; None where the book is too thin."""
    left, quantity = amount_e8 * E8, 0
    for price, standing in levels:
        taken = min(left, price * standing)
        left -= taken
        quantity += taken // price
        if left == 0:
            return amount_e8 * E8 // quantity if quantity else None
    return None


def middle(quote: Quoted) -> int | None:
    """Twice the mid at 1e-8, exact; None where a side is empty."""
    return quote.bid_e8 + quote.ask_e8 if quote.bid_quantity_e8 and quote.ask_quantity_e8 else None


def middle_text(quote: Quoted) -> str | None:
    """The mid as text."""
    twice = middle(quote)
    if twice is None:
        return None
    return number(twice // 2) if twice % 2 == 0 else text_e8(twice // 2) + "5"


def asset_context(world: World, instrument: Instrument) -> Json:
    """What `metaAndAssetCtxs` and `activeAssetCtx` say of one market. The tape tells no open interest: 0."""
    symbol = instrument.symbol
    mark = world.mark(HL, symbol)
    day = world.day(HL, symbol)
    context: Json = {
        "prevDayPx": number(day.open_e8),
        "dayNtlVlm": number(day.notional_e8),
        "markPx": number(mark.mark_e8),
        "midPx": middle_text(world.quote(HL, symbol)),
        "dayBaseVlm": number(day.quantity_e8),
    }
    if instrument.kind is InstrumentKind.SPOT:
        return context | {"circulatingSupply": "0.0", "totalSupply": "0.0", "coin": symbol}
    book = world.book(HL, symbol)
    amount = IMPACT_E8.get(symbol, IMPACT_OTHER_E8)
    bid, ask = impact_price(book.bids, amount), impact_price(book.asks, amount)
    premium, impacts = None, None
    if bid is not None and ask is not None:
        oracle = mark.index_e8
        premium = ratio(max(bid - oracle, 0) - max(oracle - ask, 0), oracle)
        impacts = [number(bid), number(ask)]
    return context | {
        "funding": number(mark.rate_e8),
        "openInterest": "0.0",
        "premium": premium,
        "oraclePx": number(mark.index_e8),
        "impactPxs": impacts,
    }


def all_mids(world: World) -> dict[str, str]:
    """The middle of every market; of an empty book, its mark."""
    return {
        instrument.symbol: middle_text(world.quote(HL, instrument.symbol))
        or number(world.mark(HL, instrument.symbol).mark_e8)
        for instrument in world.listed(HL)
    }


def book(
    world: World, symbol: str, figures: int | None = None, mantissa: int | None = None, depth: int = LEVELS
) -> Json:
    """An l2Book: bids and asks, best first, 20 a side. `n` is 1 an original level: the tape counts no orders."""
    whole = world.book(HL, symbol, 0 if figures is not None else depth)
    sides = ((whole.bids, Side.BUY), (whole.asks, Side.SELL))
    return {
        "coin": symbol,
        "time": whole.last_id,
        "levels": [
            [
                {"px": number(price), "sz": number(quantity), "n": count}
                for price, quantity, count in grouped(levels, side, figures, mantissa or 1)[:depth]
            ]
            for levels, side in sides
        ],
    }


def best(quote: Quoted) -> Json:
    """A bbo."""
    sides = ((quote.bid_e8, quote.bid_quantity_e8), (quote.ask_e8, quote.ask_quantity_e8))
    return {
        "coin": quote.symbol,
        "time": quote.time_ns // NS_PER_MS,
        "bbo": [{"px": number(price), "sz": number(size), "n": 1} if size else None for price, size in sides],
    }


def transaction(*parts: object) -> str:
    """A hash for something that happened on no chain: the same for the same thing."""
    return "0x" + hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()


def printed(event: Printed) -> Json:
    """A public trade. Who they were the tape does not know."""
    buyer, seller = (transaction(event.symbol, event.trade_id, side)[:42] for side in ("buyer", "seller"))
    return {
        "coin": event.symbol,
        "side": letter(event.side),
        "px": number(event.price_e8),
        "sz": number(event.quantity_e8),
        "time": event.time_ns // NS_PER_MS,
        "hash": transaction(event.symbol, event.trade_id),
        "tid": event.trade_id,
        "users": [buyer, seller],
    }


def candle(symbol: str, interval: str, made: Candle) -> Json:
    """One candle."""
    return {
        "t": made.open_ns // NS_PER_MS,
        "T": made.close_ns // NS_PER_MS - 1,
        "s": symbol,
        "i": interval,
        "o": number(made.open_e8),
        "c": number(made.close_e8),
        "h": number(made.high_e8),
        "l": number(made.low_e8),
        "v": number(made.quantity_e8),
        "n": made.trades,
    }


def candles(world: World, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Json]:
    """Candles from the one that `start_ms` lies in to the one that `end_ms` lies in, the newest 5,000 of them."""
    length = INTERVALS_S[interval] * NS_PER_S
    first = max(start_ms * NS_PER_MS, world.now_ns - CANDLES_KEPT * length) // length * length
    made = world.candles(HL, symbol, length, first, end_ms * NS_PER_MS, CANDLES_KEPT)
    return [candle(symbol, interval, one) for one in made]


def last_candle(world: World, symbol: str, interval: str) -> Json | None:
    """The candle that is still open; None before the first print."""
    made = world.candles(HL, symbol, INTERVALS_S[interval] * NS_PER_S, limit=1)
    return candle(symbol, interval, made[-1]) if made else None


def premium_of(rate_e8: int) -> int:
    """The premium behind an hourly rate: the venue's formula backwards, 0 where its band hides it. At 1e-8."""
    eight_hours = 8 * rate_e8
    if eight_hours == BASE_RATE_E8:
        return 0
    return eight_hours + (BASE_BAND_E8 if eight_hours > BASE_RATE_E8 else -BASE_BAND_E8)


def fundings(world: World, symbol: str, start_ms: int, end_ms: int) -> list[Json]:
    """Past funding rates, at most 500."""
    return [
        {"coin": symbol, "fundingRate": number(rate), "premium": number(premium_of(rate)), "time": time // NS_PER_MS}
        for time, rate, _ in world.fundings(HL, symbol, CANDLES_KEPT)
        if start_ms <= time // NS_PER_MS <= end_ms
    ][:500]


def asset_of(world: World, symbol: str) -> int:
    """The asset id of a market. Raises `ValueError` for an unknown one."""
    for first, listed in ((0, perps(world)), (SPOT_ASSETS, spots(world))):
        for index, instrument in enumerate(listed):
            if instrument.symbol == symbol:
                return first + index
    raise ValueError(f"unknown coin {symbol}")


def by_asset(world: World, asset: int) -> Instrument | None:
    """The market of an asset id; None if there is none."""
    listed, index = (spots(world), asset - SPOT_ASSETS) if asset >= SPOT_ASSETS else (perps(world), asset)
    return listed[index] if 0 <= index < len(listed) else None
