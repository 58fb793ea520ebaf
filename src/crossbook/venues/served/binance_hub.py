"""The market streams of a served Binance: who subscribed to what, and what each gets when.

A message is encoded once for all its subscribers. Streams in real time leave as the event happens; the others at their
own pace, counted in beats of 100 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from crossbook.types import Instrument
from crossbook.venues.served import binance_market_events as told
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_market import candles
from crossbook.venues.served.binance_prints import INTERVALS, TOGETHER_MS, Aggregate
from crossbook.venues.served.facts import Depth, Marked, MarketEvent, Printed, Quoted

Sink = Callable[[str, bytes], None]
"""Takes a stream's name and a message as JSON."""
BEAT_MS = 100
SECOND_BEATS = 10
SPEEDS = {"0ms": 0, "100ms": 1, "250ms": 2, "500ms": 5, "1000ms": 10}
"""Beats between two messages; 0: each event by itself."""
DEPTHS = (5, 10, 20)


class Hub:
    """Hears the market of one venue. `beat` is to be called every 100 ms."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._sinks: dict[str, list[Sink]] = {}
        self._batches: dict[str, tuple[str, int, told.Batch]] = {}
        self._has_depth: set[str] = set()
        self._quotes: dict[str, Quoted] = {}
        self._open: dict[str, Aggregate] = {}
        self._sent_ids: dict[str, int] = {}
        self._candles: dict[str, int] = {}
        self._marks = 0
        self._beats = 0
        self._symbols = {symbol.lower(): symbol for symbol in house.instruments}
        house.world.subscribe(house.venue, self)

    # who hears what

    def subscribe(self, stream: str, sink: Sink) -> None:
        """Hear a stream from now on. An unknown one is accepted and stays silent, as at the venue."""
        self._sinks.setdefault(stream, []).append(sink)
        symbol, _, what = stream.partition("@")
        if symbol in self._symbols and stream not in self._batches:
            speed = self._depth_speed(what)
            if speed is not None:
                self._batches[stream] = (self._symbols[symbol], speed, told.Batch())

    def unsubscribe(self, stream: str, sink: Sink) -> None:
        """Hear it no more."""
        sinks = self._sinks.get(stream, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self._sinks.pop(stream, None)
            self._batches.pop(stream, None)
            self._sent_ids.pop(stream, None)
            self._candles.pop(stream, None)

    def _depth_speed(self, what: str) -> int | None:
        """Of `depth` or `depth@100ms`; None for anything else."""
        name, _, speed = what.partition("@")
        if name != "depth":
            return None
        return SPEEDS.get(speed or ("1000ms" if self._house.is_spot else "250ms"))

    def _say(self, streams: Iterable[str], make: Callable[[], object]) -> None:
        heard = [stream for stream in streams if stream in self._sinks]
        if not heard:
            return
        frame = msgspec.json.encode(make())
        for stream in heard:
            for sink in tuple(self._sinks[stream]):
                sink(stream, frame)

    # in real time

    def on_market(self, event: MarketEvent) -> None:
        """Something happened."""
        symbol, house = event.symbol, self._house
        if isinstance(event, Quoted):
            self._say((f"{symbol.lower()}@bookTicker", "!bookTicker"), lambda: told.book_ticker(house, event))
            before, self._quotes[symbol] = self._quotes.get(symbol), event
            if before is not None and symbol not in self._has_depth:
                self._gather(told.quote_changes(before, event))
        elif isinstance(event, Depth):
            self._has_depth.add(symbol)
            self._gather(event)
        elif isinstance(event, Printed):
            self._say((f"{symbol.lower()}@trade",), lambda: told.trade(house, event))
            self._aggregate(symbol)
        elif isinstance(event, Marked):
            every_third = (f"{symbol.lower()}@markPrice",) if self._marks % 3 == 0 else ()
            self._say((f"{symbol.lower()}@markPrice@1s", *every_third), lambda: told.mark_price(house, event))

    def _gather(self, event: Depth) -> None:
        for stream, (symbol, speed, batch) in self._batches.items():
            if symbol == event.symbol:
                batch.add(event)
                if speed == 0:
                    self._flush(stream, symbol, batch)

    def _flush(self, stream: str, symbol: str, batch: told.Batch) -> None:
        message = batch.take(self._house, symbol)
        if message is not None:
            self._say((stream,), lambda: message)

    def _aggregate(self, symbol: str) -> None:
        """A trade joined an aggregate or opened one, which completes the one before."""
        now = self._house.aggregates[symbol].kept[-1]
        before = self._open.get(symbol)
        if before is not None and before is not now:
            self._complete(symbol, before)
        self._open[symbol] = now

    def _complete(self, symbol: str, one: Aggregate) -> None:
        self._say((f"{symbol.lower()}@aggTrade",), lambda: told.aggregate_trade(self._house, symbol, one))

    # at their own pace

    def beat(self) -> None:
        """Another 100 ms have passed."""
        self._beats += 1
        for stream, (symbol, speed, batch) in tuple(self._batches.items()):
            if speed and self._beats % speed == 0:
                self._flush(stream, symbol, batch)
        now_ms = self._house.clock() // 1_000_000
        for symbol, one in tuple(self._open.items()):
            if now_ms - one.time >= TOGETHER_MS:
                self._complete(symbol, one)
                del self._open[symbol]
        for stream in tuple(self._sinks):
            symbol, _, what = stream.partition("@")
            if symbol in self._symbols:
                self._beat_symbol(stream, self._house.instruments[self._symbols[symbol]], what)
            elif self._beats % SECOND_BEATS == 0:
                self._beat_all(stream)
        if self._beats % SECOND_BEATS == 0:
            self._marks += 1

    def _beat_symbol(self, stream: str, instrument: Instrument, what: str) -> None:
        name, _, speed = what.partition("@")
        if name.startswith("depth") and name[5:].isdigit() and int(name[5:]) in DEPTHS:
            beats = SPEEDS.get(speed or ("1000ms" if self._house.is_spot else "250ms"), SECOND_BEATS)
            if self._beats % max(beats, 1) == 0:
                self._partial(stream, instrument.symbol, int(name[5:]))
        if self._beats % SECOND_BEATS:
            return
        if name.startswith("kline_") and name[6:] in INTERVALS:
            self._kline(stream, instrument.symbol, name[6:])
        elif name == "ticker":
            self._say((stream,), lambda: told.ticker(self._house, instrument))
        elif name == "miniTicker":
            self._say((stream,), lambda: told.mini_ticker(self._house, instrument))
        elif name == "avgPrice":
            self._say((stream,), lambda: told.average_price(self._house, instrument.symbol))

    def _beat_all(self, stream: str) -> None:
        every = self._house.instruments.values()
        if stream == "!ticker@arr":
            self._say((stream,), lambda: [told.ticker(self._house, one) for one in every])
        elif stream == "!miniTicker@arr":
            self._say((stream,), lambda: [told.mini_ticker(self._house, one) for one in every])
        elif stream == "!markPrice@arr@1s" or (stream == "!markPrice@arr" and self._marks % 3 == 0):
            marks = [self._house.world.mark(self._house.venue, one.symbol) for one in every]
            self._say((stream,), lambda: [told.mark_price(self._house, mark) for mark in marks])

    def _partial(self, stream: str, symbol: str, levels: int) -> None:
        """The best levels, if the book has moved since they were last told."""
        message, last_id = told.partial_depth(self._house, symbol, levels, self._sent_ids.get(stream))
        if last_id != self._sent_ids.get(stream):
            self._sent_ids[stream] = last_id
            self._say((stream,), lambda: message)

    def _kline(self, stream: str, symbol: str, interval: str) -> None:
        """The running candle, and first the one that closed since."""
        last = candles(self._house, symbol, interval, None, None, 2)
        if not last:
            return
        running, told_open = last[-1], self._candles.get(stream)
        if len(last) == 2 and told_open == last[0].open_ns:
            self._say((stream,), lambda: told.kline(self._house, symbol, interval, last[0], True))
        self._candles[stream] = running.open_ns
        self._say((stream,), lambda: told.kline(self._house, symbol, interval, running, False))
