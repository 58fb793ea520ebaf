"""What we ask and what we state: the rows that a step gives back.

Commands go to the venue or the rim; notes are facts for the journal. Both are packed as `rules.layout.OUT`;
these structs are the same facts for people and tests.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import msgspec


class OutKind(IntEnum):
    """The number an answer carries in its row. Commands lie below `FIRST_NOTE`. No number is an `EventKind`."""

    SUBMIT_ORDER = 101
    CANCEL_ORDER = 102
    CANCEL_ALL = 103
    QUERY = 104
    FENCE = 105
    SET_TIMER = 106
    ALERT = 107

    INTENT = 120
    DENIAL = 121
    MARKED = 122
    BREAK = 123
    TRANSITION = 124
    FILL_COST = 125
    UNHEDGED = 126
    PROVED = 127


FIRST_NOTE = 120

FLAG_REDUCE_ONLY = 1
FLAG_CLOSING = 2
FLAG_HEDGE = 4
FLAG_FILL_OR_KILL = 8
"""Of an IOC: all of it trades on arrival, or none. The desk sends none; clients of the served venues do."""


class Reason(IntEnum):
    """Why the gate denied, a level fell, or an intent was formed. 0 is ALLOWED."""

    ALLOWED = 0

    # denials, by the control that speaks (C numbers: docs/controls.md)
    ORDER_TOO_LARGE = 1  # C01
    ORDER_TOO_SMALL = 2  # C02
    POSITION_TOO_LARGE = 3  # C03
    GROSS_TOO_LARGE = 4  # C04
    DELTA_TOO_LARGE = 5  # C05
    COLLATERAL_TOO_LOW = 7  # C07
    PRICE_OUTSIDE_COLLAR = 9  # C09
    EDGE_TOO_GOOD = 10  # C10
    QUOTE_TOO_OLD = 11  # C11
    QUOTE_SKEW = 12  # C11, the two legs' ages differ
    BOOK_UNTRADEABLE = 13  # C11, crossed, one-sided or out of step
    ORDER_RATE = 14  # C13
    NO_QUOTE_MARK = 15  # no fresh price between the two quote assets
    LEVEL_FORBIDS_ENTRY = 16
    LEVEL_FORBIDS_ORDER = 17
    FILTER_PRICE = 18  # C20
    FILTER_LOT = 19  # C20
    ORDER_UNKNOWN = 20  # C17
    SLOTS_FULL = 21
    NOT_REDUCING = 22  # C23
    LEVERAGE_TOO_HIGH = 6  # C06
    LIQUIDATION_TOO_NEAR = 8  # C08
    PRICE_OFF_OTHER_VENUE = 23  # C09, against the other leg's middle or the venue's mark
    EDGE_TOO_SMALL = 24  # C10
    CLOCK_DRIFT = 25  # C12
    ARBS_TOO_MANY = 26  # C14
    DUPLICATE_INTENT = 27  # C15
    TOO_MANY_REJECTS = 28  # C16
    OPEN_ORDERS = 29  # C18
    PAIR_RATIO = 30  # C19, the legs' prices differ by a contract size
    SELF_MATCH = 31  # C21
    RATE_BUDGET = 32  # C22
    TURNOVER = 33  # C24
    FUNDING_AGAINST_US = 34  # C25
    FUNDING_TOO_NEAR = 35  # C25
    JOURNAL_BEHIND = 36  # C28
    LOOP_BEHIND = 37  # C29
    DELTA_SOFT = 38  # C05, what is already open is too far from neutral to add to
    RAISE_FORBIDDEN = 39
    HELD = 50  # a hold: stream down, stale, clock, rate limit, pause
    NO_EDGE_EXPECTED = 51  # v2: the edge does not survive the way
    STRATEGY_PAUSED = 52  # C40

    # why a level fell
    UNHEDGED_TOO_LONG = 40  # C32
    UNHEDGED_TOO_LARGE = 41  # C32
    FORCED_CLOSE = 42  # C42
    OPERATOR = 43
    DAILY_LOSS = 45  # C37
    WEEKLY_LOSS = 46  # C38
    DRAWDOWN = 47  # C38
    STRATEGY_LOSES = 48  # C39
    FEE_DIFFERS = 49  # C40
    UNATTRIBUTED = 53  # C41
    UNKNOWN_ORDERS = 54  # C17
    HELD_TOO_OFTEN = 55
    SLIPPAGE = 56  # C40
    POSITION_DIFFERS = 57
    RESTRICTED = 66

    # why an alert
    ORDER_REJECTED = 58
    ORDER_LOST = 59

    # why an intent
    ENTRY = 60
    EXIT_REVERSAL = 61
    EXIT_HOLD = 62
    EXIT_FLATTEN = 65
    HEDGE = 63
    UNWIND = 64


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer says: when, and for which strategy (-1: none)."""

    kind: ClassVar[OutKind]
    columns: ClassVar[dict[str, str]]
    ts: int
    strategy: int = -1


class SubmitOrder(Out, frozen=True, kw_only=True):
    """Send an order. `order` is our id for it, unique in a run; `decision` is what its lots would have cost on our
    book when it was decided, in ticks x lots; `notional_e8` is what it counts in the day's turnover."""

    kind = OutKind.SUBMIT_ORDER
    columns = {
        "instrument": "instrument", "venue": "venue", "side": "side", "tif": "tif", "price": "price", "lots": "lots",
        "order": "order", "intent": "intent", "pair": "pair", "decision": "value", "notional_e8": "limit",
        "flags": "flags",
    }  # fmt: skip
    instrument: int
    venue: int
    side: int
    tif: int
    price: int
    lots: int
    order: int
    intent: int
    pair: int = -1
    decision: int = 0
    notional_e8: int = 0
    flags: int = 0


class CancelOrder(Out, frozen=True, kw_only=True):
    """Take an order back."""

    kind = OutKind.CANCEL_ORDER
    columns = {"instrument": "instrument", "venue": "venue", "order": "order"}
    instrument: int
    venue: int
    order: int


class SetTimer(Out, frozen=True, kw_only=True):
    """Wake me at `due`."""

    kind = OutKind.SET_TIMER
    columns = {"due": "value", "timer": "count"}
    due: int
    timer: int


class Alert(Out, frozen=True, kw_only=True):
    """A person should look."""

    kind = OutKind.ALERT
    columns = {"reason": "reason", "value": "value", "limit": "limit"}
    reason: int
    value: int
    limit: int


class Intent(Out, frozen=True, kw_only=True):
    """A decision to trade a pair: expected edge after entry fees (1e-8 of the reporting asset) for `lots`."""

    kind = OutKind.INTENT
    columns = {
        "intent": "intent", "pair": "pair", "reason": "reason", "edge_e8": "value", "notional_e8": "limit",
        "quantity_e8": "count", "side": "side", "bound": "flags",
    }  # fmt: skip
    intent: int
    pair: int
    reason: int
    edge_e8: int
    notional_e8: int
    quantity_e8: int
    side: int
    bound: int = 0


class Denial(Out, frozen=True, kw_only=True):
    """The gate said no: `value` against `limit`, and how often since the last such entry (`count`)."""

    kind = OutKind.DENIAL
    columns = {
        "instrument": "instrument", "venue": "venue", "pair": "pair", "reason": "reason",
        "value": "value", "limit": "limit", "count": "count",
    }  # fmt: skip
    instrument: int
    venue: int
    pair: int
    reason: int
    value: int
    limit: int
    count: int


class Marked(Out, frozen=True, kw_only=True):
    """Best bid and ask of an instrument as they stood at `ts`; its mark is their exact middle."""

    kind = OutKind.MARKED
    columns = {"instrument": "instrument", "bid": "price", "ask": "lots"}
    instrument: int
    bid: int
    ask: int


class Transition(Out, frozen=True, kw_only=True):
    """A level changed, by which rule, with the numbers that made it."""

    kind = OutKind.TRANSITION
    columns = {
        "scope": "count", "index": "order", "old": "price", "new": "lots", "reason": "reason",
        "value": "value", "limit": "limit",
    }  # fmt: skip
    scope: int
    index: int
    old: int
    new: int
    reason: int
    value: int
    limit: int


class FillCost(Out, frozen=True, kw_only=True):
    """What the filled lots would have cost on our own book, in ticks x lots: when decided, and when they arrived."""

    kind = OutKind.FILL_COST
    columns = {
        "instrument": "instrument", "venue": "venue", "side": "side", "order": "order", "trade": "count",
        "lots": "lots", "decision": "value", "arrival": "limit", "intent": "intent",
    }  # fmt: skip
    instrument: int
    venue: int
    side: int
    order: int
    trade: int
    lots: int
    decision: int
    arrival: int
    intent: int


class CancelAll(Out, frozen=True, kw_only=True):
    """Take back every order at a venue."""

    kind = OutKind.CANCEL_ALL
    columns = {"venue": "venue"}
    venue: int


class Query(Out, frozen=True, kw_only=True):
    """Ask a venue for our open orders and positions."""

    kind = OutKind.QUERY
    columns = {"venue": "venue"}
    venue: int


class Break(Out, frozen=True, kw_only=True):
    """A venue reports `theirs` lots where we have booked `ours`."""

    kind = OutKind.BREAK
    columns = {"instrument": "instrument", "venue": "venue", "theirs": "value", "ours": "limit"}
    instrument: int
    venue: int
    theirs: int
    ours: int


class Proved(Out, frozen=True, kw_only=True):
    """After a kill all venues were asked: so many open orders, so much base that no pair hedges (1e-8)."""

    kind = OutKind.PROVED
    columns = {"open_orders": "value", "orphan_e8": "limit"}
    open_orders: int
    orphan_e8: int


class Unhedged(Out, frozen=True, kw_only=True):
    """From `ts` on this pair's open difference between its legs is `quantity_e8` of base, signed; 0 ends it."""

    kind = OutKind.UNHEDGED
    columns = {"pair": "pair", "quantity_e8": "value"}
    pair: int
    quantity_e8: int
