"""What matching does to our accounts at the simulated venues: fills, fees, funding, margin.

Assumptions. Spot buys pay their fee in the coin received, everything else in the asset it settles in; fees are rounded
up and rebates down to 1e-8. Margin is cross: one pool per venue and settle asset, no borrowing, no insurance fund (a
balance may end below 0). Positions are valued at the mid, not at a mark price of the venue's own making. Initial
margin is worst-case notional / leverage, maintenance margin `MAINTENANCE_PPM` of notional.
"""

from __future__ import annotations

from typing import Any

from crossbook.events import FLAG_LAST, FLAG_MAKER, EventKind
from crossbook.rules.fees import fee_e8
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import MAX_VENUES
from crossbook.rules.settlement import settle_fill
from crossbook.rules.value import mid_notional_e8, notional_e8, scale_half_even_e8, value_at_e8
from crossbook.types import InstrumentKind

SPOT = int(InstrumentKind.SPOT)
INVERSE = int(InstrumentKind.INVERSE)
FUNDING_PAID = int(EventKind.FUNDING_PAID)

MAINTENANCE_PPM = 12_500
"""1.25 % of notional: half the initial margin at 40x, Hyperliquid's rule for BTC; Binance asks less of small ones."""


@kernel
def new_id(s: Any, venue: int) -> int:
    """The venue's next order, trade or payment id."""
    given = s.next_id[venue]
    s.next_id[venue] = given + MAX_VENUES
    return int(given)


@kernel
def answer(
    s: Any, kind: int, venue: int, instrument: int, strategy: int, order: int, id2: int, lots: int, now: int
) -> Any:
    """A new reply row, stamped with the venue's time; the rest of its columns are 0 until the caller sets them."""
    row = s.replies[s.n_replies]
    s.n_replies += 1
    row.ts = now
    row.ts_venue = now
    row.price = 0
    row.lots = lots
    row.price2 = 0
    row.lots2 = 0
    row.id = order
    row.id2 = id2
    row.kind = kind
    row.instrument = instrument
    row.venue = venue
    row.asset = 0
    row.strategy = strategy
    row.side = 0
    row.flags = FLAG_LAST
    row.reason = 0
    return row


@kernel
def book_fill(
    s: Any, kind: int, i: int, strategy: int, order: int, side: int, price: int, lots: int, maker: bool, now: int
) -> None:
    """Book one fill and answer with it (`kind` ORDER_FILLED or FORCED_CLOSE)."""
    instrument = s.instruments[i]
    venue = instrument.venue
    ppm = instrument.maker_ppm if maker else instrument.taker_ppm
    if instrument.kind == SPOT and side == 0:
        asset = instrument.base
        fee = fee_e8(lots * instrument.lot_e8, ppm)
    else:
        asset = instrument.quote if instrument.kind == SPOT else instrument.settle
        fee = fee_e8(notional_e8(instrument, price, lots), ppm)
    settle_fill(s.balances[venue], instrument, side, price, lots, fee, asset)
    signed = lots if side == 0 else -lots
    s.net[i] += signed
    if strategy >= 0:
        s.positions[strategy, i] += signed
    row = answer(s, kind, venue, i, strategy, order, new_id(s, venue), lots, now)
    row.side = side
    row.price = price
    row.lots2 = fee
    row.asset = asset
    if maker:
        row.flags = FLAG_LAST | FLAG_MAKER


@kernel
def pay_funding(s: Any, i: int, rate_e8: int, mark_e8: int, now: int) -> None:
    """Pay or receive funding on the net position: -notional at the mark x rate, half-even to 1e-8.

    Without a mark the mid stands for it, rounded down to 1e-8. Inverse contracts pay in coin.
    """
    net = s.net[i]
    instrument = s.instruments[i]
    mark = mark_e8 if mark_e8 > 0 else s.mids[i] * instrument.tick_e8 // 2
    if net == 0 or mark <= 0 or instrument.kind == SPOT:
        return
    amount = -scale_half_even_e8(value_at_e8(instrument, net, mark), rate_e8)
    venue = instrument.venue
    s.balances[venue, instrument.settle] += amount
    row = answer(s, FUNDING_PAID, venue, i, -1, 0, new_id(s, venue), amount, now)
    row.asset = instrument.settle
    row.price = mark
    row.lots2 = rate_e8


@kernel
def equity_e8(s: Any, venue: int, asset: int) -> int:
    """What we own of a settle asset at a margin venue: its balance and all positions settling in it, at the mid."""
    equity = s.balances[venue, asset]
    for i in range(s.n_instruments):
        instrument = s.instruments[i]
        if instrument.venue == venue and instrument.settle == asset and s.net[i] != 0 and instrument.kind != SPOT:
            value = mid_notional_e8(instrument, s.mids[i], s.net[i])
            equity += -value if instrument.kind == INVERSE else value
    return int(equity)


@kernel
def maintenance_e8(s: Any, venue: int, asset: int) -> int:
    """The equity below which the venue liquidates; 0 without a position."""
    need = 0
    for i in range(s.n_instruments):
        instrument = s.instruments[i]
        if instrument.venue == venue and instrument.settle == asset and s.net[i] != 0 and instrument.kind != SPOT:
            need += fee_e8(mid_notional_e8(instrument, s.mids[i], abs(s.net[i])), MAINTENANCE_PPM)
    return need


@kernel
def open_lots(s: Any, i: int, side: int) -> int:
    """Lots of our orders resting on one side of an instrument."""
    lots = 0
    for k in range(s.n_resting):
        order = s.resting[k]
        if order.instrument == i and order.side == side:
            lots += order.lots
    return lots


@kernel
def has_margin_for(s: Any, i: int, side: int, lots: int) -> bool:
    """Whether equity covers the initial margin of the worst net position after this and all resting orders.

    What only reduces the net position is always allowed.
    """
    target = s.instruments[i]
    net = s.net[i]
    resting = open_lots(s, i, side)
    if (side == 1 and lots + resting <= net) or (side == 0 and lots + resting <= -net):
        return True
    need = initial_margin_e8(s, target.venue, target.settle, i, side, lots)
    return bool(need <= equity_e8(s, target.venue, target.settle))


@kernel
def initial_margin_e8(s: Any, venue: int, asset: int, i: int, side: int, lots: int) -> int:
    """The initial margin of all positions and resting orders that settle in an asset, and of one order more.

    Each instrument counts at its worst net position; `i` -1: no order more.
    """
    need = 0
    for j in range(s.n_instruments):
        instrument = s.instruments[j]
        if instrument.venue != venue or instrument.settle != asset or instrument.kind == SPOT:
            continue
        buys = open_lots(s, j, 0)
        sells = open_lots(s, j, 1)
        if j == i:
            if side == 0:
                buys += lots
            else:
                sells += lots
        worst = max(abs(s.net[j] + buys), abs(s.net[j] - sells))
        if worst > 0:
            need += -(-mid_notional_e8(instrument, s.mids[j], worst) // s.leverage[j])
    return need


@kernel
def has_cash_for(s: Any, i: int, side: int, price: int, lots: int) -> bool:
    """Spot: whether the coin (sell) or the quote at the limit price (buy) is there, less what resting orders hold."""
    target = s.instruments[i]
    asset = target.quote if side == 0 else target.base
    need = notional_e8(target, price, lots) if side == 0 else lots * target.lot_e8
    return bool(need <= s.balances[target.venue, asset] - held_e8(s, target.venue, asset))


@kernel
def held_e8(s: Any, venue: int, asset: int) -> int:
    """Spot: what resting orders hold of an asset, buys at their limit price."""
    held = 0
    for k in range(s.n_resting):
        order = s.resting[k]
        instrument = s.instruments[order.instrument]
        if order.venue != venue or instrument.kind != SPOT:
            continue
        if order.side == 0 and instrument.quote == asset:
            held += notional_e8(instrument, order.price, order.lots)
        elif order.side == 1 and instrument.base == asset:
            held += order.lots * instrument.lot_e8
    return held
