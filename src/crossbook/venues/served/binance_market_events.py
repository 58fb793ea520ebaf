"""Market stream messages of a served Binance: how each event reads, and how depth changes are gathered."""

from __future__ import annotations

from crossbook.types import Instrument, Side
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_market import aggregate_row, average_of, day_row
from crossbook.venues.served.binance_prints import Aggregate
from crossbook.venues.served.binance_text import Forms, fixed, ms
from crossbook.venues.served.facts import Candle, Depth, Marked, Printed, Quoted

Json = dict[str, object]
UM = 1
"""`st` of USD-M."""


def _head(kind: str, house: House, time_ns: int) -> Json:
    return {"e": kind, "E": max(house.now_ms(), ms(time_ns))}


def book_ticker(house: House, quote: Quoted) -> Json:
    """The best bid and ask: spot's names no type and no time."""
    form = house.form(quote.symbol)
    best: Json = {
        "s": quote.symbol, "b": form.price(quote.bid_e8), "B": form.quantity(quote.bid_quantity_e8),
        "a": form.price(quote.ask_e8), "A": form.quantity(quote.ask_quantity_e8),
    }  # fmt: skip
    if house.is_spot:
        return {"u": quote.update_id, **best}
    head = _head("bookTicker", house, quote.time_ns)
    return {"e": "bookTicker", "u": quote.update_id, "E": head["E"], "T": ms(quote.time_ns), **best,
            "ps": quote.symbol, "st": UM}  # fmt: skip


def trade(house: House, one: Printed) -> Json:
    """A public trade."""
    form = house.form(one.symbol)
    told = _head("trade", house, one.time_ns) | {
        "s": one.symbol, "t": one.trade_id, "p": form.price(one.price_e8), "q": form.quantity(one.quantity_e8),
        "T": ms(one.time_ns), "m": one.side is Side.SELL,
    }  # fmt: skip
    return told | ({"M": True} if house.is_spot else {"X": "MARKET", "st": UM})


def aggregate_trade(house: House, symbol: str, one: Aggregate) -> Json:
    """An aggregate trade, once it is complete."""
    told: Json = {"e": "aggTrade", "E": max(house.now_ms(), one.time), "s": symbol}
    told |= aggregate_row(one, house.form(symbol), house.is_spot)
    return told if house.is_spot else told | {"st": UM}


def mark_price(house: House, mark: Marked) -> Json:
    """Mark and index price with the coming funding."""
    return _head("markPriceUpdate", house, mark.time_ns) | {
        "s": mark.symbol, "p": fixed(mark.mark_e8), "ap": fixed(mark.mark_e8), "i": fixed(mark.index_e8),
        "P": fixed(mark.index_e8), "r": fixed(mark.rate_e8), "T": ms(mark.next_funding_ns), "st": UM,
    }  # fmt: skip


def kline(house: House, symbol: str, interval: str, candle: Candle, is_closed: bool) -> Json:
    """A candle, running or closed."""
    form = house.form(symbol)
    return {
        "e": "kline", "E": house.now_ms(), "s": symbol,
        "k": {
            "t": ms(candle.open_ns), "T": ms(candle.close_ns) - 1, "s": symbol, "i": interval,
            "f": candle.first_trade_id, "L": candle.last_trade_id, "o": form.price(candle.open_e8),
            "c": form.price(candle.close_e8), "h": form.price(candle.high_e8), "l": form.price(candle.low_e8),
            "v": form.quantity(candle.quantity_e8), "n": candle.trades, "x": is_closed,
            "q": fixed(candle.notional_e8), "V": form.quantity(candle.taker_buy_e8),
            "Q": fixed(candle.taker_buy_notional_e8), "B": "0",
        },
    }  # fmt: skip


TICKER = {
    "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice",
    "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty",
    "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
    "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
}  # fmt: skip
MINI_TICKER = ("s", "c", "o", "h", "l", "v", "q")


def ticker(house: House, instrument: Instrument) -> Json:
    """The last 24 hours."""
    row = day_row(house, instrument)
    told: Json = {"e": "24hrTicker", "E": house.now_ms()}
    told |= {letter: row[name] for letter, name in TICKER.items() if name in row}
    return told if house.is_spot else told | {"st": UM}


def mini_ticker(house: House, instrument: Instrument) -> Json:
    """The last 24 hours in short."""
    row = day_row(house, instrument)
    return {"e": "24hrMiniTicker", "E": house.now_ms(), **{letter: row[TICKER[letter]] for letter in MINI_TICKER}}


def average_price(house: House, symbol: str) -> Json:
    """The average of five minutes."""
    price = house.form(symbol).price(average_of(house, symbol))
    return {"e": "avgPrice", "E": house.now_ms(), "s": symbol, "i": "5m", "w": price, "T": house.now_ms()}


def partial_depth(house: House, symbol: str, levels: int, previous_id: int | None) -> tuple[Json, int]:
    """The best levels, and the id of the book they are of; `previous_id` of the message before, if there was one."""
    book = house.world.book(house.venue, symbol, levels)
    form = house.form(symbol)
    bids, asks = form.levels(book.bids), form.levels(book.asks)
    if house.is_spot:
        return {"lastUpdateId": book.last_id, "bids": bids, "asks": asks}, book.last_id
    before = book.last_id - 1 if previous_id is None else previous_id
    told = _head("depthUpdate", house, book.time_ns) | {
        "T": ms(book.time_ns), "s": symbol, "U": before + 1, "u": book.last_id, "pu": before, "b": bids,
        "a": asks, "ps": symbol, "st": UM,
    }  # fmt: skip
    return told, book.last_id


def quote_changes(before: Quoted, now: Quoted) -> Depth:
    """What a new quote changes in a book of which only the best is known."""
    bids, asks = [(now.bid_e8, now.bid_quantity_e8)], [(now.ask_e8, now.ask_quantity_e8)]
    if before.bid_e8 != now.bid_e8:
        bids.append((before.bid_e8, 0))
    if before.ask_e8 != now.ask_e8:
        asks.append((before.ask_e8, 0))
    return Depth(
        venue=now.venue, instrument=now.instrument, symbol=now.symbol, time_ns=now.time_ns,
        bids=[level for level in bids if level[0] > 0], asks=[level for level in asks if level[0] > 0],
        first_id=before.update_id + 1, last_id=now.update_id, previous_id=before.update_id, snapshot=False,
    )  # fmt: skip


class Batch:
    """Depth changes of one symbol, gathered until their stream's next moment."""

    def __init__(self) -> None:
        self._levels: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._first_id = self._last_id = self._previous_id = self._time_ns = 0

    def add(self, event: Depth) -> None:
        """An event joins; the first book ever counts as a change of an empty one."""
        if self._last_id == 0:
            self._first_id, self._previous_id = max(event.first_id, 1), event.previous_id
        self._last_id, self._time_ns = event.last_id, event.time_ns
        for side, levels in zip(self._levels, (event.bids, event.asks), strict=True):
            side.update(levels)

    def take(self, house: House, symbol: str) -> Json | None:
        """The message of what was gathered, None if nothing was; the batch is empty after it."""
        if self._last_id == 0:
            return None
        form: Forms = house.form(symbol)
        told = _head("depthUpdate", house, self._time_ns)
        if not house.is_spot:
            told["T"] = ms(self._time_ns)
        told |= {"s": symbol, "U": self._first_id, "u": self._last_id}
        if not house.is_spot:
            told["pu"] = self._previous_id
        told |= {"b": form.levels(list(self._levels[0].items())), "a": form.levels(list(self._levels[1].items()))}
        self._levels, self._last_id = ({}, {}), 0
        return told if house.is_spot else told | {"ps": symbol, "st": UM}
