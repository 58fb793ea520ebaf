"""The market as a served Binance tells it over REST and the WebSocket API: books, trades, candles, tickers, marks."""

from __future__ import annotations

from collections.abc import Callable

from crossbook.money import E8
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument, Side
from crossbook.venues.served.binance_house import House, average, fraction_text
from crossbook.venues.served.binance_info import exchange_info
from crossbook.venues.served.binance_prints import INTERVALS, Aggregate, average_price, second_candles
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_text import Forms, fixed, ms, times_e8
from crossbook.venues.served.facts import Candle, Printed

USDM_DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
AVERAGE_MINUTES = 5
INTEREST_E8 = 10_000
"""0.01 % each eight hours: the part of funding that never varies."""
Json = dict[str, object]


def ping(house: House, ask: Ask) -> object:
    """Nothing, quickly."""
    return {}


def server_time(house: House, ask: Ask) -> object:
    """The venue's clock."""
    return {"serverTime": house.now_ms()}


def info(house: House, ask: Ask) -> object:
    """exchangeInfo, of all symbols or those asked for."""
    chosen = _chosen(house, ask)
    closed = "BREAK" if house.is_spot else "SETTLING"
    statuses = {
        one.symbol: closed for one in house.instruments.values() if not house.world.is_open(house.venue, one.symbol)
    }
    return exchange_info(house.venue, chosen, statuses, house.now_ms())


def _chosen(house: House, ask: Ask) -> list[Instrument]:
    if ask.has("symbols"):
        names = ask.strings("symbols")
        if any(name not in house.instruments for name in names):
            raise Problem(-1121)
        return [house.instruments[name] for name in names]
    return [house.symbol(ask)] if ask.has("symbol") else list(house.instruments.values())


def _each(house: House, ask: Ask, tell: Callable[[House, Instrument], Json]) -> object:
    """One object for `symbol`, else a list."""
    if ask.has("symbol"):
        return tell(house, house.symbol(ask))
    return [tell(house, instrument) for instrument in _chosen(house, ask)]


def _limit(ask: Ask, default: int, most: int) -> int:
    limit = ask.integer("limit", default)
    if limit < 1:
        raise Problem(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def depth(house: House, ask: Ask) -> object:
    """The book."""
    instrument = house.symbol(ask)
    limit = _limit(ask, 100 if house.is_spot else 500, 5000)
    if not house.is_spot and limit not in USDM_DEPTHS:
        raise Problem(-4021)
    book = house.world.book(house.venue, instrument.symbol, limit)
    form = house.form(instrument.symbol)
    stamps: Json = {} if house.is_spot else {"E": house.now_ms(), "T": ms(book.time_ns)}
    return {"lastUpdateId": book.last_id, **stamps, "bids": form.levels(book.bids), "asks": form.levels(book.asks)}


def trades(house: House, ask: Ask) -> object:
    """The last public trades."""
    symbol = house.symbol(ask).symbol
    from_id = ask.integer("fromId") if ask.has("fromId") else None
    found = house.world.trades(house.venue, symbol, _limit(ask, 500, 1000), from_id)
    return [trade_row(trade, house.form(symbol), house.is_spot) for trade in found]


def trade_row(trade: Printed, form: Forms, is_spot: bool) -> Json:
    """A public trade as REST tells it."""
    row: Json = {
        "id": trade.trade_id, "price": form.price(trade.price_e8), "qty": form.quantity(trade.quantity_e8),
        "quoteQty": fixed(times_e8(trade.price_e8, trade.quantity_e8), 8 if is_spot else 2),
        "time": ms(trade.time_ns), "isBuyerMaker": trade.side is Side.SELL,
    }  # fmt: skip
    return row | ({"isBestMatch": True} if is_spot else {"isRPITrade": False})


def agg_trades(house: House, ask: Ask) -> object:
    """Aggregate trades; of a time range the oldest, else the most recent."""
    symbol = house.symbol(ask).symbol
    limit = _limit(ask, 500, 1000)
    kept = list(house.aggregates[symbol].kept)
    if ask.has("fromId"):
        first = ask.integer("fromId")
        kept = [one for one in kept if one.id >= first][:limit]
    else:
        start, end = ask.integer("startTime", 0), ask.integer("endTime", 1 << 62)
        kept = [one for one in kept if start <= one.time <= end]
        kept = kept[:limit] if ask.has("startTime") else kept[-limit:]
    return [aggregate_row(one, house.form(symbol), house.is_spot) for one in kept]


def aggregate_row(one: Aggregate, form: Forms, is_spot: bool) -> Json:
    """An aggregate trade in the letters that REST and the stream share."""
    quantity = form.quantity(one.quantity_e8)
    row: Json = {"a": one.id, "p": form.price(one.price_e8), "q": quantity}
    if not is_spot:
        row["nq"] = quantity
    row |= {"f": one.first, "l": one.last, "T": one.time, "m": one.sold}
    return row | {"M": True} if is_spot else row


def klines(house: House, ask: Ask) -> object:
    """Candles of what was played."""
    symbol = house.symbol(ask, "symbol" if ask.has("symbol") else "pair").symbol
    interval = ask.text("interval")
    if interval not in INTERVALS or (interval == "1s" and not house.is_spot):
        raise Problem(-1120)
    start = ask.integer("startTime") * NS_PER_MS if ask.has("startTime") else None
    end = ask.integer("endTime") * NS_PER_MS if ask.has("endTime") else None
    limit = _limit(ask, 500, 1000 if house.is_spot else 1500)
    found = candles(house, symbol, interval, start, end, limit)
    return [kline_row(candle, house.form(symbol)) for candle in found]


def candles(
    house: House, symbol: str, interval: str, start_ns: int | None, end_ns: int | None, limit: int
) -> list[Candle]:
    """The last candles of an interval, or the first from `start_ns` on."""
    if interval != "1s":
        return house.world.candles(
            house.venue, symbol, INTERVALS[interval] * NS_PER_MS, start_ns, end_ns, limit
        )  # fmt: skip
    found = [
        candle
        for candle in second_candles(house.world.trades(house.venue, symbol, 1000), house.world.now_ns)
        if (start_ns or 0) <= candle.open_ns <= (end_ns or 1 << 62)
    ]
    return found[-limit:] if start_ns is None else found[:limit]


def kline_row(candle: Candle, form: Forms) -> list[object]:
    """A candle as REST tells it."""
    return [
        ms(candle.open_ns), form.price(candle.open_e8), form.price(candle.high_e8), form.price(candle.low_e8),
        form.price(candle.close_e8), form.quantity(candle.quantity_e8), ms(candle.close_ns) - 1,
        fixed(candle.notional_e8), candle.trades, form.quantity(candle.taker_buy_e8),
        fixed(candle.taker_buy_notional_e8), "0",
    ]  # fmt: skip


def avg_price(house: House, ask: Ask) -> object:
    """The volume-weighted price of five minutes."""
    symbol = house.symbol(ask).symbol
    return {
        "mins": AVERAGE_MINUTES, "price": house.form(symbol).price(average_of(house, symbol)),
        "closeTime": house.now_ms(),
    }  # fmt: skip


def average_of(house: House, symbol: str) -> int:
    """The price that spot's percent and notional filters refer to."""
    recent = house.world.candles(house.venue, symbol, 60 * NS_PER_S, limit=AVERAGE_MINUTES)
    return average_price(recent) or house.last_price(symbol)


def book_ticker(house: House, ask: Ask) -> object:
    """Best bids and asks."""
    return _each(house, ask, _book_ticker)


def _book_ticker(house: House, instrument: Instrument) -> Json:
    quote, form = house.world.quote(house.venue, instrument.symbol), house.form(instrument.symbol)
    row: Json = {
        "symbol": instrument.symbol, "bidPrice": form.price(quote.bid_e8),
        "bidQty": form.quantity(quote.bid_quantity_e8), "askPrice": form.price(quote.ask_e8),
        "askQty": form.quantity(quote.ask_quantity_e8),
    }  # fmt: skip
    return row if house.is_spot else row | {"lastUpdateId": quote.update_id, "time": ms(quote.time_ns)}


def price_ticker(house: House, ask: Ask) -> object:
    """Last prices."""
    return _each(house, ask, _price_ticker)


def _price_ticker(house: House, instrument: Instrument) -> Json:
    price = house.form(instrument.symbol).price(house.last_price(instrument.symbol))
    row: Json = {"symbol": instrument.symbol, "price": price}
    return row if house.is_spot else row | {"time": house.now_ms()}


def day_ticker(house: House, ask: Ask) -> object:
    """The last 24 hours."""
    return _each(house, ask, day_row)


def day_row(house: House, instrument: Instrument) -> Json:
    """The last 24 hours of a symbol as REST tells them."""
    symbol, form = instrument.symbol, house.form(instrument.symbol)
    day, quote = house.world.day(house.venue, symbol), house.world.quote(house.venue, symbol)
    last = house.world.trades(house.venue, symbol, 1)
    change = day.close_e8 - day.open_e8
    row: Json = {
        "symbol": symbol, "priceChange": form.price(change),
        "priceChangePercent": fraction_text(100 * average(change, day.open_e8), 3),
        "weightedAvgPrice": form.price(day.notional_e8 * E8 // day.quantity_e8 if day.quantity_e8 else 0),
    }  # fmt: skip
    if house.is_spot:
        row["prevClosePrice"] = form.price(day.open_e8)
    row |= {"lastPrice": form.price(day.close_e8), "lastQty": form.quantity(last[-1].quantity_e8 if last else 0)}
    if house.is_spot:
        row |= {
            "bidPrice": form.price(quote.bid_e8), "bidQty": form.quantity(quote.bid_quantity_e8),
            "askPrice": form.price(quote.ask_e8), "askQty": form.quantity(quote.ask_quantity_e8),
        }  # fmt: skip
    return row | {
        "openPrice": form.price(day.open_e8), "highPrice": form.price(day.high_e8), "lowPrice": form.price(day.low_e8),
        "volume": form.quantity(day.quantity_e8), "quoteVolume": fixed(day.notional_e8), "openTime": ms(day.open_ns),
        "closeTime": ms(day.close_ns), "firstId": day.first_trade_id, "lastId": day.last_trade_id, "count": day.trades,
    }  # fmt: skip


def premium_index(house: House, ask: Ask) -> object:
    """Mark and index prices with the coming funding."""
    return _each(house, ask, _premium_index)


def _premium_index(house: House, instrument: Instrument) -> Json:
    mark = house.world.mark(house.venue, instrument.symbol)
    return {
        "symbol": instrument.symbol, "markPrice": fixed(mark.mark_e8), "indexPrice": fixed(mark.index_e8),
        "estimatedSettlePrice": fixed(mark.index_e8), "lastFundingRate": fixed(mark.rate_e8),
        "interestRate": fixed(INTEREST_E8), "nextFundingTime": ms(mark.next_funding_ns), "time": ms(mark.time_ns),
    }  # fmt: skip


def funding_rates(house: House, ask: Ask) -> object:
    """Past fundings, oldest first."""
    chosen = _chosen(house, ask)
    limit, start, end = _limit(ask, 100, 1000), ask.integer("startTime", 0), ask.integer("endTime", 1 << 62)
    rows: list[tuple[int, str, int, int]] = []
    for instrument in chosen:
        for time_ns, rate, mark in house.world.fundings(house.venue, instrument.symbol, 1000):
            if start <= ms(time_ns) <= end:
                rows.append((ms(time_ns), instrument.symbol, rate, mark))
    rows.sort()
    rows = rows[:limit] if ask.has("startTime") else rows[-limit:]
    return [
        {"symbol": symbol, "fundingRate": fixed(rate), "fundingTime": time, "markPrice": fixed(mark),
         "rateType": "Regular"}
        for time, symbol, rate, mark in rows
    ]  # fmt: skip


def funding_info(house: House, ask: Ask) -> object:
    """Symbols with other than the usual funding: none."""
    return []


def open_interest(house: House, ask: Ask) -> object:
    """What the accounts of this venue hold together; the market that is played does not say more."""
    instrument = house.symbol(ask)
    held = 0
    for trader in house.world.traders.values():
        held += abs(trader.position(house.venue, instrument.symbol).quantity_e8)
    return {"openInterest": house.form(instrument.symbol).quantity(held), "symbol": instrument.symbol,
            "time": house.now_ms()}  # fmt: skip
