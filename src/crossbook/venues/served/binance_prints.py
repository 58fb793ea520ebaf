"""What a served Binance makes of the public trades it played: aggregate trades, seconds, averages. Bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.types import Side
from crossbook.venues.served.binance_text import ms, times_e8
from crossbook.venues.served.facts import Candle, Printed

KEPT = 1_000
TOGETHER_MS = 100
SECOND, MINUTE, DAY = 1_000, 60_000, 86_400_000
INTERVALS = {
    "1s": SECOND, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": 60 * MINUTE, "2h": 120 * MINUTE, "4h": 240 * MINUTE, "6h": 360 * MINUTE, "8h": 480 * MINUTE,
    "12h": 720 * MINUTE, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY, "1M": 30 * DAY,
}  # fmt: skip
"""Milliseconds by the venue's name. Weeks and months are counted from 1970 here."""


class Aggregate(msgspec.Struct):
    """Consecutive trades of one taker side at one price within 100 ms; `sold`: the taker sold. Time in ms."""

    id: int
    price_e8: int
    quantity_e8: int
    sold: bool
    time: int
    first: int
    last: int


class Aggregates:
    """The aggregate trades of one symbol. Feed it every public trade, in order."""

    def __init__(self, before: Sequence[Printed] = ()) -> None:
        self.kept: deque[Aggregate] = deque(maxlen=KEPT)
        self._id = 0
        for trade in before:
            self.add(trade)

    def add(self, trade: Printed) -> Aggregate:
        """A public trade happened. Returns the aggregate that it opened or joined."""
        sold = trade.side is Side.SELL
        time = ms(trade.time_ns)
        last = self.kept[-1] if self.kept else None
        if last is not None and (last.price_e8, last.sold) == (trade.price_e8, sold) and time - last.time < TOGETHER_MS:
            last.quantity_e8 += trade.quantity_e8
            last.last = trade.trade_id
            return last
        self._id += 1
        fresh = Aggregate(
            self._id, trade.price_e8, trade.quantity_e8, sold, time, trade.trade_id, trade.trade_id
        )  # fmt: skip
        self.kept.append(fresh)
        return fresh


def second_candles(trades: Sequence[Printed], now_ns: int) -> list[Candle]:
    """One-second candles of trades in order, up to the second that `now_ns` lies in; a silent second repeats the close.

    The world folds candles from a minute on; these come from the prints themselves.
    """
    folded: list[Candle] = []
    for trade in trades:
        start = trade.time_ns // NS_PER_S * NS_PER_S
        _silence(folded, start)
        value = times_e8(trade.price_e8, trade.quantity_e8)
        bought = trade.side is Side.BUY
        before = folded[-1] if folded and folded[-1].open_ns == start else None
        grown = Candle(
            open_ns=start,
            close_ns=start + NS_PER_S,
            open_e8=before.open_e8 if before else trade.price_e8,
            high_e8=max(before.high_e8, trade.price_e8) if before else trade.price_e8,
            low_e8=min(before.low_e8, trade.price_e8) if before else trade.price_e8,
            close_e8=trade.price_e8,
            quantity_e8=(before.quantity_e8 if before else 0) + trade.quantity_e8,
            notional_e8=(before.notional_e8 if before else 0) + value,
            trades=(before.trades if before else 0) + 1,
            taker_buy_e8=(before.taker_buy_e8 if before else 0) + (trade.quantity_e8 if bought else 0),
            taker_buy_notional_e8=(before.taker_buy_notional_e8 if before else 0) + (value if bought else 0),
            first_trade_id=before.first_trade_id if before else trade.trade_id,
            last_trade_id=trade.trade_id,
        )
        if before:
            folded[-1] = grown
        else:
            folded.append(grown)
    _silence(folded, now_ns // NS_PER_S * NS_PER_S + NS_PER_S)
    return folded


def _silence(folded: list[Candle], until_ns: int) -> None:
    """Fill the seconds between the last candle and `until_ns` with flat ones."""
    if not folded:
        return
    last = folded[-1]
    for start in range(last.open_ns + NS_PER_S, until_ns, NS_PER_S):
        folded.append(
            Candle(
                open_ns=start, close_ns=start + NS_PER_S, open_e8=last.close_e8, high_e8=last.close_e8,
                low_e8=last.close_e8, close_e8=last.close_e8, quantity_e8=0, notional_e8=0, trades=0, taker_buy_e8=0,
                taker_buy_notional_e8=0, first_trade_id=-1, last_trade_id=-1,
            )
        )  # fmt: skip


def average_price(candles: Sequence[Candle]) -> int:
    """The volume-weighted price of candles; 0 without a trade in them."""
    quantity = sum(candle.quantity_e8 for candle in candles)
    return sum(candle.notional_e8 for candle in candles) * 100_000_000 // quantity if quantity else 0
