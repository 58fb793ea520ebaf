"""Which reports of a fill are one and the same. Binance says a fill up to four times: in the order's answer, as a fast
notice, in the user stream and in a query, and again after a reconnect."""

from __future__ import annotations

from collections import deque
from enum import Enum

from crossbook.venues.messages import Fill

FillKey = tuple[str, int, int]


class Report(Enum):
    """What one more report of a fill is."""

    NEW = "new"
    COMPLETED = "completed"
    """Known so far by its early notice alone; now its fee is known."""
    REPEATED = "repeated"


def fill_key(fill: Fill) -> FillKey:
    """Symbol, trade id, order id. Trade ids are of a symbol; both sides of a trade with ourselves share one, so the
    order tells them apart."""
    return (fill.instrument or "", -1 if fill.trade_id is None else fill.trade_id, fill.venue_order_id or 0)


class SeenFills:
    """Tells new fills from repeated ones, for the last `kept` of them."""

    def __init__(self, kept: int = 20_000) -> None:
        self._kept = kept
        self._order: deque[FillKey] = deque()
        self._complete: dict[FillKey, bool] = {}

    def knows(self, fill: Fill) -> bool:
        """Whether a whole report of it was seen already."""
        return self._complete.get(fill_key(fill), False)

    def see(self, fill: Fill) -> Report:
        """What this report is; it is known from now on."""
        key = fill_key(fill)
        complete = fill.early is not True
        known = self._complete.get(key)
        if known is None:
            self._order.append(key)
            self._complete[key] = complete
            if len(self._order) > self._kept:
                del self._complete[self._order.popleft()]
            return Report.NEW
        if known or not complete:
            return Report.REPEATED
        self._complete[key] = True
        return Report.COMPLETED
