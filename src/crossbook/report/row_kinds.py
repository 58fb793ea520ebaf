"""The kinds of rows behind a run's figures. Values are integers at 1e-18 of the reporting asset, times ns."""

from __future__ import annotations

import msgspec

from crossbook.ledger.entries import OutRow


class Fill(msgspec.Struct, gc=False):
    """One fill with what it did to the P&L; before the window of the figures it did nothing."""

    sequence: int
    ts: int
    strategy: int
    instrument: int
    side: int
    price: int
    lots: int
    order: int
    intent: int
    cash: int
    """Signed, at the mark of its time."""
    counted: bool
    to_match: int
    """From the order's leaving the core to the match at the venue; -1 where there is no order of ours."""
    to_know: int
    realised: int = 0
    edge: int = 0
    latency: int = 0
    slippage: int = 0
    fees: int = 0
    forced: bool = False
    """The venue closed it: a fill without an order of ours."""
    trade: int = 0
    """The venue's id of it."""
    costed: int = 0
    """The entry that said what its lots would have cost before; 0: none did."""


class Payment(msgspec.Struct, gc=False):
    """A share of a funding payment."""

    sequence: int
    ts: int
    strategy: int
    instrument: int
    amount_e8: int
    asset: int
    value: int


class Flow(msgspec.Struct, gc=False):
    """Money that came or went; `value` at the mark of its time, 0 before the window."""

    sequence: int
    ts: int
    venue: int
    asset: int
    amount_e8: int
    value: int


class Order(msgspec.Struct, gc=False):
    """One order of ours and how it ended."""

    sequence: int
    ts: int
    strategy: int
    instrument: int
    pair: int
    side: int
    price: int
    lots: int
    intent: int
    number: int
    filled: int = 0
    end: str = "open"
    story: tuple[tuple[int, str], ...] = ()
    """Each entry that changed `end`, and to what."""


class Wish(msgspec.Struct):
    """An intent with the fills that came of it."""

    sequence: int
    ts: int
    strategy: int
    pair: int
    reason: int
    number: int
    edge_e8: int
    notional_e8: int
    quantity_e8: int
    orders: int = 0
    fills: list[Fill] = []


class RoundTrip(msgspec.Struct):
    """From flat on both legs to flat on both legs; `net` None while it is under way."""

    strategy: int
    pair: int
    fills: list[Fill]
    closed: int = 0
    net: int | None = None


class Denied(msgspec.Struct, gc=False):
    """A denial entry: the gate's numbers, and how often it said so since the last such entry."""

    sequence: int
    row: OutRow


class Apart(msgspec.Struct, gc=False):
    """From `ts` on a pair's legs differed by `quantity_e8`, for `lasted` ns."""

    sequence: int
    ts: int
    strategy: int
    pair: int
    quantity_e8: int
    lasted: int = 0


class Odd(msgspec.Struct, gc=False):
    """A venue's event that differs from the ledger (a break), or that reached us again."""

    sequence: int
    ts: int
    kind: int
    breaks: int
    repeats: int


class Point(msgspec.Struct, gc=False):
    """The net asset value at the end of a moment, and the running peak then."""

    sequence: int
    ts: int
    nav: int
    pnl: int
    peak: int


class Held(msgspec.Struct, gc=False):
    """What the strategies' positions were worth after a fill."""

    ts: int
    gross: int
    net: int
