"""From Hyperliquid's words to those common to all venues. Nothing is read from bytes here."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from crossbook.timestamp import NS_PER_MS
from crossbook.types import Venue
from crossbook.venues import messages as said
from crossbook.venues.hyperliquid import messages as hl
from crossbook.venues.hyperliquid.answers import Became, Outcome
from crossbook.venues.hyperliquid.errors import EXPIRIES, REJECTED_STATUSES
from crossbook.venues.hyperliquid.fills import ATOMIC
from crossbook.venues.hyperliquid.info import AccountState, FundingRate, Position, SpotBalance
from crossbook.venues.messages import OrderStatus

LABEL = Venue.HYPERLIQUID.label
USDC = "USDC"
SIDES: dict[str, said.SideName] = {"B": said.BUY, "A": said.SELL}
TIME_IN_FORCE = {"Gtc": "gtc", "Ioc": "ioc", "Alo": "alo", "FrontendMarket": "ioc", "LiquidationMarket": "ioc"}
FORCED = ("Liquidated", "Auto-Deleveraging")
"""How the `dir` of a fill begins that the venue made of our position."""

CANCELED_STATUSES = frozenset({
    "canceled", "marginCanceled", "vaultWithdrawalCanceled", "openInterestCapCanceled", "selfTradeCanceled",
    "reduceOnlyCanceled", "siblingFilledCanceled", "delistedCanceled", "liquidatedCanceled", "scheduledCancel",
})  # fmt: skip


def quote(bbo: hl.Bbo) -> said.Quote:
    """A side that is empty is absent."""
    bid, ask = bbo.bbo
    return said.Quote(
        venue=LABEL,
        instrument=bbo.coin,
        bid_price=bid.px if bid else None,
        bid_quantity=bid.sz if bid else None,
        ask_price=ask.px if ask else None,
        ask_quantity=ask.sz if ask else None,
        update_id=bbo.time,
        time_ns=bbo.time * NS_PER_MS,
    )


def depth(book: hl.Book) -> said.Depth:
    bids, asks = ([(level.px, level.sz) for level in side] for side in book.levels)
    return said.Depth(
        venue=LABEL,
        instrument=book.coin,
        snapshot=True,
        bids=bids,
        asks=asks,
        last_id=book.time,
        time_ns=book.time * NS_PER_MS,
    )


def trade(print_: hl.Trade) -> said.Trade:
    return said.Trade(
        venue=LABEL,
        instrument=print_.coin,
        side=SIDES[print_.side],
        price=print_.px,
        quantity=print_.sz,
        trade_id=print_.tid,
        time_ns=print_.time * NS_PER_MS,
    )


def context(coin: str, found: hl.AssetContext) -> list[said.Message]:
    """Mark, oracle (as index) and hourly funding rate, and what is open."""
    mark = said.Mark(
        venue=LABEL,
        instrument=coin,
        mark_price=found.mark_px,
        index_price=found.oracle_px,
        mid_price=found.mid_px,
        funding_rate=found.funding,
    )
    if found.open_interest is None:
        return [mark]
    return [mark, said.OpenInterest(venue=LABEL, instrument=coin, quantity=found.open_interest)]


def mids(found: dict[str, hl.Amount]) -> list[said.Message]:
    return [said.Mark(venue=LABEL, instrument=coin, mid_price=price) for coin, price in found.items()]


def bar(candle: hl.Candle) -> said.Bar:
    return said.Bar(
        venue=LABEL,
        instrument=candle.s,
        interval=candle.i,
        open_ns=candle.t * NS_PER_MS,
        close_ns=candle.T * NS_PER_MS,
        open=candle.o,
        high=candle.h,
        low=candle.l,
        close=candle.c,
        quantity=candle.v,
        trades=candle.n,
    )


def order(found: hl.Order, status: str = "open", time_ms: int | None = None) -> said.OrderUpdate:
    """An order as it stands. What is filled is the difference of the two sizes, where both are said."""
    filled = None
    if found.orig_sz is not None:
        left = Decimal(found.orig_sz) - Decimal(found.sz)
        filled = f"{left:f}" if left >= 0 else None
    kind = found.order_type or "limit"
    return said.OrderUpdate(
        venue=LABEL,
        instrument=found.coin,
        side=SIDES[found.side],
        order_type=kind.lower().replace(" ", "_"),
        time_in_force=None if found.tif is None else TIME_IN_FORCE.get(found.tif, found.tif.lower()),
        price=found.limit_px,
        quantity=found.orig_sz or found.sz,
        filled=filled,
        status=order_status(status, partial=filled is not None and Decimal(filled) > 0),
        reason=None if status in ("open", "filled", "canceled") else status,
        reduce_only=found.reduce_only,
        conditional=found.is_trigger or None,
        trigger_price=found.trigger_px if found.is_trigger else None,
        client_order_id=found.cloid,
        venue_order_id=found.oid,
        time_ns=(found.timestamp if time_ms is None else time_ms) * NS_PER_MS,
    )


def order_status(word: str, *, partial: bool = False) -> OrderStatus:
    """The venue's word for an order; one that is not listed is UNKNOWN."""
    if word in ("open", "triggered"):
        return OrderStatus.PARTIAL if partial else OrderStatus.ACCEPTED
    if word == "filled":
        return OrderStatus.FILLED
    if word in CANCELED_STATUSES:
        return OrderStatus.CANCELED
    row = REJECTED_STATUSES.get(word)
    if row is not None:
        return OrderStatus.EXPIRED if row.name in EXPIRIES else OrderStatus.REJECTED
    return OrderStatus.REJECTED if word == "rejected" else OrderStatus.UNKNOWN


def order_update(update: hl.OrderUpdate) -> said.OrderUpdate:
    return order(update.order, update.status, update.status_timestamp)


def fill(found: hl.Fill, user: str | None = None) -> said.Fill:
    """`user`: the account, where the message names it; a liquidation may be someone else's."""
    liquidated = found.liquidation.liquidated_user if found.liquidation else None
    ours = liquidated is not None and user is not None and liquidated.lower() == user.lower()
    forced = ours or found.dir.startswith(FORCED)
    return said.Fill(
        venue=LABEL,
        instrument=found.coin,
        side=SIDES[found.side],
        price=found.px,
        quantity=found.sz,
        fee=found.fee,
        fee_asset=found.fee_token,
        maker=not found.crossed,
        trade_id=found.tid,
        client_order_id=found.cloid,
        venue_order_id=found.oid,
        start_position=found.start_position,
        realized=found.closed_pnl,
        forced=forced or None,
        origin=found.dir if forced or found.dir in ATOMIC else None,
        time_ns=found.time * NS_PER_MS,
    )


def funding(paid: hl.UserFunding, time_ms: int | None = None) -> said.Funding:
    stamp = time_ms or paid.time
    return said.Funding(
        venue=LABEL,
        instrument=paid.coin,
        amount=paid.usdc,
        asset=USDC,
        rate=paid.funding_rate,
        quantity=paid.szi,
        time_ns=None if stamp is None else stamp * NS_PER_MS,
    )


def moved(delta: hl.LedgerDelta, time_ms: int) -> said.Balance:
    """Money that came, went or moved. Only of the ways in and out is the sign certain without knowing who asks."""
    amount = delta.usdc or delta.amount
    change = None
    if amount is not None and delta.type == "deposit":
        change = amount
    elif amount is not None and delta.type == "withdraw":
        change = f"-{amount}"
    asset = delta.token or USDC
    return said.Balance(venue=LABEL, asset=asset, change=change, reason=delta.type, time_ns=time_ms * NS_PER_MS)


def canceled(gone: hl.Canceled) -> said.OrderUpdate:
    """The venue took an order away and says no more of it."""
    return said.OrderUpdate(
        venue=LABEL,
        instrument=gone.coin,
        venue_order_id=gone.oid,
        status=OrderStatus.CANCELED,
        reason="nonUserCancel",
    )


def liquidation(found: hl.OwnLiquidation) -> said.MarginCall:
    """An account is being liquidated: its fills follow."""
    return said.MarginCall(venue=LABEL, instruments=[])


def funding_rate(found: FundingRate) -> said.Funding:
    return said.Funding(venue=LABEL, instrument=found.coin, rate=found.funding_rate, time_ns=found.time * NS_PER_MS)


def position(found: Position, time_ms: int | None) -> said.Position:
    return said.Position(
        venue=LABEL,
        instrument=found.coin,
        quantity=found.szi,
        entry_price=found.entry_px,
        unrealized=found.unrealized_pnl,
        leverage=str(found.leverage.value),
        liquidation_price=found.liquidation_px,
        margin=found.margin_used,
        margin_type=found.leverage.type,
        position_side="both",
        notional=found.position_value,
        time_ns=None if time_ms is None else time_ms * NS_PER_MS,
    )


def account(state: AccountState) -> list[said.Message]:
    """The whole account, its wallet (its value without unrealised profit) and its positions."""
    summary = state.margin_summary or state.cross_margin_summary
    time_ns = None if state.time is None else state.time * NS_PER_MS
    unrealized = _sum(one.position.unrealized_pnl for one in state.asset_positions)
    whole = said.Account(
        venue=LABEL,
        account_value=summary.account_value,
        withdrawable=state.withdrawable,
        margin_used=summary.total_margin_used,
        time_ns=time_ns,
    )
    wallet = said.Balance(
        venue=LABEL,
        asset=USDC,
        free=state.withdrawable,
        total=f"{Decimal(summary.account_value) - unrealized:f}",
        unrealized=f"{unrealized:f}",
        time_ns=time_ns,
    )
    return [whole, wallet, *(position(one.position, state.time) for one in state.asset_positions)]


def spot_balance(found: SpotBalance) -> said.Balance:
    free = f"{Decimal(found.total) - Decimal(found.hold):f}"
    return said.Balance(venue=LABEL, asset=found.coin, free=free, locked=found.hold, total=found.total)


def outcome(found: Outcome) -> list[said.Message]:
    """What an element of an answer says of its order; a cancel that was done says nothing that is an event."""
    if found.became in (Became.ERROR, Became.UNKNOWN):
        return [] if found.error is None else [found.error]
    if found.became is Became.DONE:
        return []
    filled = found.became is Became.FILLED
    return [
        said.OrderUpdate(
            venue=LABEL,
            status=OrderStatus.FILLED if filled else OrderStatus.ACCEPTED,
            filled=found.quantity,
            average_price=found.average_price,
            conditional=True if found.became is Became.WAITING else None,
            client_order_id=found.client_order_id,
            venue_order_id=found.venue_order_id,
        )
    ]


def _sum(texts: Iterable[str]) -> Decimal:
    return sum((Decimal(text) for text in texts), Decimal(0))
