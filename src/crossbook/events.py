"""What can happen: every event as a typed record, and the columns of its packed row. long: one row of a table each.

The core runs on packed rows (`rules.layout.EVENT`); these structs are the same facts for people, codecs and tests.
`ts` is when we knew it, `ts_venue` when it happened at the venue, both integer nanoseconds on our clock.
Prices are ticks, quantities lots, amounts and rates 1e-8 units, ids integers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import msgspec


class EventKind(IntEnum):
    """The number an event carries in its row; market events come first, so one comparison tells them."""

    QUOTE = 1
    BOOK_SNAPSHOT = 2
    BOOK_DELTA = 3
    TRADE = 4
    BAR = 5
    MARK_PRICE = 6
    FUNDING = 7
    INSTRUMENT_CHANGED = 8

    ORDER_ACCEPTED = 20
    ORDER_FILLED = 21
    ORDER_CANCELED = 22
    ORDER_EXPIRED = 23
    ORDER_REJECTED = 24
    ORDER_UNKNOWN = 25

    ORDER_REPORT = 40
    POSITION_REPORT = 41
    BALANCE_REPORT = 42
    FUNDING_PAID = 43
    FEE_TIER = 44
    TRANSFER = 45
    FORCED_CLOSE = 46

    STREAM_UP = 60
    STREAM_DOWN = 61
    CLOCK_OFFSET = 62
    RATE_BUDGET = 63
    HEALTH = 64
    TIMER = 65
    FORECAST = 66
    OPERATOR_REQUEST = 67
    RUN_STOPPED = 68
    RESTRICTED = 69


LAST_MARKET_KIND = 8
WISH_LEVEL, WISH_FLATTEN = range(2)

FLAG_LAST = 1
"""The last row of an event: a book frame is one row per level, all in one step."""
FLAG_MAKER = 2
"""This fill rested; without it, it took."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event says: when we knew it, when it happened there, and where."""

    kind: ClassVar[EventKind]
    columns: ClassVar[dict[str, str]]
    ts: int
    ts_venue: int


class Quote(Event, frozen=True, kw_only=True):
    """Best bid and ask; 0 lots on a side means that it is empty."""

    kind = EventKind.QUOTE
    columns = {"bid": "price", "bid_lots": "lots", "ask": "price2", "ask_lots": "lots2", "update_id": "id"}
    instrument: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int
    update_id: int


class BookLevel(msgspec.Struct, frozen=True):
    """One price of a book and what stands there now; 0 lots removes it. `side` 0 = bid, 1 = ask."""

    side: int
    price: int
    lots: int


class BookSnapshot(Event, frozen=True, kw_only=True):
    """The whole displayed book. In rows: one per level, the last flagged."""

    kind = EventKind.BOOK_SNAPSHOT
    columns = {"last_id": "id", "chain_id": "id2"}
    instrument: int
    last_id: int
    chain_id: int = 0
    levels: tuple[BookLevel, ...]


class BookDelta(Event, frozen=True, kw_only=True):
    """Changed levels, absolute. `chain_id` is what the venue links by: first id (spot) or previous id (futures)."""

    kind = EventKind.BOOK_DELTA
    columns = {"last_id": "id", "chain_id": "id2"}
    instrument: int
    last_id: int
    chain_id: int
    levels: tuple[BookLevel, ...]


class Trade(Event, frozen=True, kw_only=True):
    """A public print; `side` is the taker's."""

    kind = EventKind.TRADE
    columns = {"price": "price", "lots": "lots", "side": "side", "trade_id": "id"}
    instrument: int
    price: int
    lots: int
    side: int
    trade_id: int


class Bar(Event, frozen=True, kw_only=True):
    """Open, high, low, close of one interval; `ts` is its close, the first moment it could be known."""

    kind = EventKind.BAR
    columns = {
        "open": "price", "close": "price2", "high": "id", "low": "id2", "lots": "lots", "interval_ns": "lots2",
    }  # fmt: skip
    instrument: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    interval_ns: int


class MarkPrice(Event, frozen=True, kw_only=True):
    """The venue's mark and index price (1e-8 units of quote), the coming funding rate (1e-8) and its stamp."""

    kind = EventKind.MARK_PRICE
    columns = {"mark_e8": "price", "index_e8": "price2", "rate_e8": "lots", "next_funding_ns": "id"}
    instrument: int
    mark_e8: int
    index_e8: int
    rate_e8: int
    next_funding_ns: int


class Funding(Event, frozen=True, kw_only=True):
    """A funding stamp: holders of a long pay `rate_e8` (1e-8) of their notional at `mark_e8` (0: the mid)."""

    kind = EventKind.FUNDING
    columns = {"rate_e8": "lots", "mark_e8": "price"}
    instrument: int
    rate_e8: int
    mark_e8: int = 0


class InstrumentChanged(Event, frozen=True, kw_only=True):
    """The venue changed a grid or closed the instrument: `tradeable` 0 or 1."""

    kind = EventKind.INSTRUMENT_CHANGED
    columns = {"tradeable": "lots"}
    instrument: int
    tradeable: int


class OrderAccepted(Event, frozen=True, kw_only=True):
    """The venue has the order; it may rest."""

    kind = EventKind.ORDER_ACCEPTED
    columns = {"order": "id", "venue_order": "id2"}
    order: int
    venue_order: int


class OrderFilled(Event, frozen=True, kw_only=True):
    """Some of our order traded. `fee_e8` >= 0 is a cost, < 0 a rebate, in `fee_asset`; `trade` is the venue's id."""

    kind = EventKind.ORDER_FILLED
    columns = {
        "instrument": "instrument", "venue": "venue", "strategy": "strategy", "order": "id", "trade": "id2",
        "side": "side", "price": "price", "lots": "lots", "fee_e8": "lots2", "fee_asset": "asset",
    }  # fmt: skip
    instrument: int
    venue: int
    strategy: int
    order: int
    trade: int
    side: int
    price: int
    lots: int
    fee_e8: int
    fee_asset: int
    maker: bool = False


class OrderCanceled(Event, frozen=True, kw_only=True):
    """The order is gone by our wish, `lots` of it unfilled."""

    kind = EventKind.ORDER_CANCELED
    columns = {"order": "id", "lots": "lots"}
    order: int
    lots: int


class OrderExpired(Event, frozen=True, kw_only=True):
    """The order is gone by its terms (an IOC's rest), `lots` of it unfilled."""

    kind = EventKind.ORDER_EXPIRED
    columns = {"order": "id", "lots": "lots"}
    order: int
    lots: int


class OrderRejected(Event, frozen=True, kw_only=True):
    """The venue refused the order; `reason` is a `Rejection`."""

    kind = EventKind.ORDER_REJECTED
    columns = {"order": "id", "reason": "reason"}
    order: int
    reason: int


class OrderUnknown(Event, frozen=True, kw_only=True):
    """Bytes left and no answer says what became of them."""

    kind = EventKind.ORDER_UNKNOWN
    columns = {"order": "id"}
    order: int


class StreamUp(Event, frozen=True, kw_only=True):
    """A venue's stream is (again) there."""

    kind = EventKind.STREAM_UP
    columns = {"venue": "venue"}
    venue: int


class StreamDown(Event, frozen=True, kw_only=True):
    """A venue's stream is gone."""

    kind = EventKind.STREAM_DOWN
    columns = {"venue": "venue"}
    venue: int


class ClockOffset(Event, frozen=True, kw_only=True):
    """The measured difference between our clock and a venue's, beyond the established one."""

    kind = EventKind.CLOCK_OFFSET
    columns = {"venue": "venue", "offset_ns": "lots"}
    venue: int
    offset_ns: int


class RateBudget(Event, frozen=True, kw_only=True):
    """What is `left` of a venue's `whole` request budget."""

    kind = EventKind.RATE_BUDGET
    columns = {"venue": "venue", "left": "lots", "whole": "lots2"}
    venue: int
    left: int
    whole: int


class Health(Event, frozen=True, kw_only=True):
    """How the process is: how far the journal's sync is behind, free disk, the loop's lag."""

    kind = EventKind.HEALTH
    columns = {"journal_lag_ns": "lots", "disk_bytes": "lots2", "loop_lag_ns": "price"}
    journal_lag_ns: int
    disk_bytes: int
    loop_lag_ns: int


class OrderReport(Event, frozen=True, kw_only=True):
    """The venue's answer to a query: how many orders of ours are open there."""

    kind = EventKind.ORDER_REPORT
    columns = {"venue": "venue", "open_orders": "lots"}
    venue: int
    open_orders: int


class PositionReport(Event, frozen=True, kw_only=True):
    """The venue's assertion of our net position in an instrument."""

    kind = EventKind.POSITION_REPORT
    columns = {"lots": "lots"}
    instrument: int
    lots: int


class BalanceReport(Event, frozen=True, kw_only=True):
    """The venue's assertion of what we own of an asset there: cash, and for margin venues unrealised P&L apart."""

    kind = EventKind.BALANCE_REPORT
    columns = {"venue": "venue", "asset": "asset", "amount_e8": "lots"}
    venue: int
    asset: int
    amount_e8: int


class FundingPaid(Event, frozen=True, kw_only=True):
    """Funding that moved our cash: `amount_e8` > 0 was received. `strategy` -1: no strategy held it."""

    kind = EventKind.FUNDING_PAID
    columns = {
        "instrument": "instrument", "venue": "venue", "strategy": "strategy", "asset": "asset",
        "amount_e8": "lots", "payment": "id2",
    }  # fmt: skip
    instrument: int
    venue: int
    strategy: int
    asset: int
    amount_e8: int
    payment: int


class Transfer(Event, frozen=True, kw_only=True):
    """Money that came in or went out from outside: a flow, never P&L. The opening balance is one."""

    kind = EventKind.TRANSFER
    columns = {"venue": "venue", "asset": "asset", "amount_e8": "lots", "transfer": "id2"}
    venue: int
    asset: int
    amount_e8: int
    transfer: int


class ForcedClose(Event, frozen=True, kw_only=True):
    """The venue closed (liquidated) `lots` of a strategy's position at `price`: a fill without an order of ours."""

    kind = EventKind.FORCED_CLOSE
    columns = OrderFilled.columns
    instrument: int
    venue: int
    strategy: int
    order: int
    trade: int
    side: int
    price: int
    lots: int
    fee_e8: int
    fee_asset: int


class Restricted(Event, frozen=True, kw_only=True):
    """A venue does not let us go on as we did (a key, a permission, a setting, a closed market): it, or one
    `instrument` of it (-1: all), may at most be at `level`. The entry before it has the error in words."""

    kind = EventKind.RESTRICTED
    columns = {"venue": "venue", "instrument": "instrument", "level": "lots"}
    venue: int
    level: int
    instrument: int = -1


class Timer(Event, frozen=True, kw_only=True):
    """A moment that a `SetTimer` asked for."""

    kind = EventKind.TIMER
    columns = {"timer": "id"}
    timer: int


class OperatorRequest(Event, frozen=True, kw_only=True):
    """The `request`-th wish of a person, after `frames` frames of the market: put `scope` number `index` to `level`, or
    (`wish` FLATTEN) close everything. The entry before it has it in words."""

    kind = EventKind.OPERATOR_REQUEST
    columns = {"scope": "id", "index": "id2", "level": "lots", "wish": "reason", "request": "price", "frames": "lots2"}
    scope: int
    index: int
    level: int
    wish: int = 0
    request: int = 0
    frames: int = 0


class RunStopped(Event, frozen=True, kw_only=True):
    """The run ends here: last marks are taken, nothing is sent any more."""

    kind = EventKind.RUN_STOPPED
    columns = {}


class Rejection(IntEnum):
    """Why a venue refused an order, in words common to all venues."""

    PRICE_FILTER = 1
    LOT_FILTER = 2
    MIN_NOTIONAL = 3
    PRICE_BAND = 4
    INSUFFICIENT_BALANCE = 5
    INSUFFICIENT_MARGIN = 6
    REDUCE_ONLY = 7
    WOULD_TAKE = 8
    NOT_TRADING = 9
    TOO_MANY_ORDERS = 10
    UNKNOWN_INSTRUMENT = 11
    OTHER = 12
    """The venue refused for a reason that has no word of its own here; the error beside it says which."""
