"""Candles of a market's prints, kept by the minute in bounded memory."""

from __future__ import annotations

from collections import deque

import msgspec

from crossbook.money import E8
from crossbook.timestamp import NS_PER_DAY, NS_PER_S
from crossbook.venues.served.facts import Candle

MINUTE_NS = 60 * NS_PER_S
MINUTES_KEPT = 2 * 24 * 60


class _Minute(msgspec.Struct):
    open_ns: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    first_trade_id: int
    last_trade_id: int = 0
    quantity_e8: int = 0
    notional_e8: int = 0
    trades: int = 0
    bought_e8: int = 0
    bought_notional_e8: int = 0


class Minutes:
    """The prints of one instrument, folded by the minute; two days of them."""

    def __init__(self) -> None:
        self._minutes: deque[_Minute] = deque(maxlen=MINUTES_KEPT)

    def add(self, time_ns: int, price_e8: int, quantity_e8: int, is_buy: bool, trade_id: int) -> None:
        """A print; times never go back."""
        start = time_ns - time_ns % MINUTE_NS
        if not self._minutes or self._minutes[-1].open_ns != start:
            self._minutes.append(_Minute(start, price_e8, price_e8, price_e8, price_e8, trade_id))
        one = self._minutes[-1]
        one.high_e8 = max(one.high_e8, price_e8)
        one.low_e8 = min(one.low_e8, price_e8)
        one.close_e8 = price_e8
        one.last_trade_id = trade_id
        one.quantity_e8 += quantity_e8
        one.notional_e8 += (notional := price_e8 * quantity_e8 // E8)
        one.trades += 1
        if is_buy:
            one.bought_e8 += quantity_e8
            one.bought_notional_e8 += notional

    def candles(
        self, interval_ns: int, start_ns: int | None, end_ns: int | None, limit: int, now_ns: int
    ) -> list[Candle]:
        """Whole intervals up to the one that is open now; see `World.candles`."""
        if not self._minutes:
            return []
        groups: dict[int, list[_Minute]] = {}
        for one in self._minutes:
            groups.setdefault(one.open_ns // interval_ns, []).append(one)
        first, last = min(groups), now_ns // interval_ns
        if end_ns is not None:
            last = min(last, end_ns // interval_ns)
        if start_ns is not None:
            wanted = range(max(first, -(-start_ns // interval_ns)), last + 1)[:limit]
        else:
            wanted = range(first, last + 1)[-limit:]
        close, found = 0, []
        for number in range(first, wanted.stop):
            minutes = groups.get(number, [])
            if number >= wanted.start:
                found.append(_fold(minutes, number * interval_ns, interval_ns, close))
            close = minutes[-1].close_e8 if minutes else close
        return found

    def day(self, now_ns: int) -> Candle:
        """The last 24 hours as one candle; all 0 without a print."""
        since = now_ns - NS_PER_DAY
        return _fold([one for one in self._minutes if one.open_ns > since], since, NS_PER_DAY, 0)


def _fold(minutes: list[_Minute], open_ns: int, interval_ns: int, before_e8: int) -> Candle:
    return Candle(
        open_ns=open_ns,
        close_ns=open_ns + interval_ns,
        open_e8=minutes[0].open_e8 if minutes else before_e8,
        high_e8=max((one.high_e8 for one in minutes), default=before_e8),
        low_e8=min((one.low_e8 for one in minutes), default=before_e8),
        close_e8=minutes[-1].close_e8 if minutes else before_e8,
        quantity_e8=sum(one.quantity_e8 for one in minutes),
        notional_e8=sum(one.notional_e8 for one in minutes),
        trades=sum(one.trades for one in minutes),
        taker_buy_e8=sum(one.bought_e8 for one in minutes),
        taker_buy_notional_e8=sum(one.bought_notional_e8 for one in minutes),
        first_trade_id=minutes[0].first_trade_id if minutes else -1,
        last_trade_id=minutes[-1].last_trade_id if minutes else -1,
    )
