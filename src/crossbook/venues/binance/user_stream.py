"""Events of the user streams, spot and USD-M: typed, and as our messages.

An event about an order that does not read leaves the order UNKNOWN. Events of other things that do not read are an
error message for a person; an event whose name is new is passed over.
"""

from __future__ import annotations

import msgspec

from crossbook.venues.binance.errors import unreadable
from crossbook.venues.binance.user_messages import (
    AccountConfigUpdate,
    AccountUpdate,
    AlgoUpdate,
    BalanceUpdate,
    ConditionalReject,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    ListenKeyExpired,
    MarginCallEvent,
    OrderBody,
    OrderTradeUpdate,
    OutboundAccountPosition,
    ServerShutdown,
    TradeLite,
    UserEvent,
)
from crossbook.venues.binance.words import (
    SIDES,
    STATUSES,
    UNREADABLE,
    is_zero,
    order_type,
    refuse_repeated_names,
    stamp_ns,
    time_in_force,
    unknown_order,
    unless_none,
    unless_zero,
)
from crossbook.venues.messages import (
    Account,
    Balance,
    Fill,
    Funding,
    Leverage,
    MarginCall,
    Message,
    OrderStatus,
    OrderUpdate,
    Position,
    StreamEnded,
)

FORCED = (
    ("adl_autoclose", "adl"),
    ("settlement_autoclose", "settlement"),
    ("delivery_autoclose", "delivery"),
    ("autoclose-insurance", "insurance"),
    ("autoclose-", "liquidation"),
)
"""How a client order id begins where the venue closed us, in the order in which they are looked for."""
EXPIRY_REASONS = {
    "1": "self_trade_prevention", "2": "ioc_unfilled", "3": "ioc_self_trade", "4": "reduce_only_conflict",
    "5": "liquidation", "6": "gte_unsatisfied", "7": "delisting", "8": "stop_triggered", "9": "market_unfilled",
}  # fmt: skip
BY_QUANTITY = ("NEW_ADL", "NEW_INSURANCE")
"""Statuses that captured messages have and no document: they do not say how much was filled, the quantities do."""

ORDER_EVENTS = ("executionReport", "ORDER_TRADE_UPDATE", "TRADE_LITE", "ALGO_UPDATE")
_decoder: msgspec.json.Decoder[UserEvent] = msgspec.json.Decoder(UserEvent)
NAMES = frozenset(
    {
        "executionReport", "outboundAccountPosition", "balanceUpdate", "externalLockUpdate", "listStatus",
        "eventStreamTerminated", "serverShutdown", "listenKeyExpired", "ORDER_TRADE_UPDATE", "TRADE_LITE",
        "ALGO_UPDATE", "CONDITIONAL_ORDER_TRIGGER_REJECT", "ACCOUNT_UPDATE", "MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE",
    }
)  # fmt: skip
"""The events that are read here, by the name in their field `e`."""


def user_event(venue: str, name: str, raw: bytes) -> list[Message]:
    """An event of `NAMES`, without wrapping, as messages. Never raises for what a venue sent."""
    try:
        event = _decoder.decode(raw)
        if name in ORDER_EVENTS:
            refuse_repeated_names(raw)
    except UNREADABLE as error:
        if name in ORDER_EVENTS:
            return [unknown_order(venue, raw, f"unreadable {name}: {error}")]
        return [unreadable(venue, f"unreadable {name}: {error}")]
    match event:
        case ExecutionReport():
            return _execution(venue, event)
        case OrderTradeUpdate():
            return _futures_order(venue, event.o)
        case TradeLite():
            return [_early_fill(venue, event)]
        case AlgoUpdate():
            return [_algo(venue, event)]
        case OutboundAccountPosition():
            return [
                Balance(venue=venue, asset=row.a, free=row.f, locked=row.l, time_ns=stamp_ns(event.u or event.E))
                for row in event.B
            ]
        case BalanceUpdate():
            return [_moved(venue, event, "transfer")]
        case ExternalLockUpdate():
            return [_moved(venue, event, "external_lock")]
        case ConditionalReject():
            return [_trigger_refused(venue, event)]
        case AccountUpdate():
            return _account(venue, event)
        case AccountConfigUpdate():
            return _settings(venue, event)
        case MarginCallEvent():
            return [MarginCall(venue=venue, instruments=[row.s for row in event.p], time_ns=stamp_ns(event.E))]
        case EventStreamTerminated() | ListenKeyExpired() | ServerShutdown():
            return [StreamEnded(venue=venue, reason=name, time_ns=stamp_ns(event.E))]
        case _:
            return []


def _execution(venue: str, said: ExecutionReport) -> list[Message]:
    amended = said.x == "REPLACED"  # then `c` is the order's new id and `C` its old one
    client_id = said.c if amended or not said.C else said.C
    status = STATUSES.get(said.X, OrderStatus.UNKNOWN)
    reason = f"status {said.X}" if status is OrderStatus.UNKNOWN else unless_none(said.eR) or unless_none(said.r)
    update = OrderUpdate(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        order_type=order_type(said.o),
        time_in_force=time_in_force(said.f, said.o),
        price=said.p,
        quantity=said.q,
        filled=said.z,
        status=status,
        reason=reason,
        trigger_price=unless_zero(said.P),
        client_order_id=client_id,
        venue_order_id=said.i,
        time_ns=stamp_ns(said.T),
    )
    if said.x != "TRADE" or is_zero(said.l):
        return [update]
    fill = Fill(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        price=said.L,
        quantity=said.l,
        fee=said.n,
        fee_asset=said.N,
        maker=said.m,
        trade_id=said.t,
        client_order_id=client_id,
        venue_order_id=said.i,
        time_ns=stamp_ns(said.T),
    )
    return [update, fill]


def _futures_order(venue: str, said: OrderBody) -> list[Message]:
    origin = next((name for begins, name in FORCED if said.c.startswith(begins)), None)
    status = STATUSES.get(said.X, OrderStatus.UNKNOWN)
    if said.X in BY_QUANTITY:
        status = OrderStatus.ACCEPTED if is_zero(said.z) else OrderStatus.PARTIAL
        if _same(said.z, said.q):
            status = OrderStatus.FILLED
    reason = f"status {said.X}" if status is OrderStatus.UNKNOWN else origin
    if said.er and said.er != "0":
        reason = EXPIRY_REASONS.get(said.er, f"expiry {said.er}")
    update = OrderUpdate(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        order_type=order_type(said.o),
        time_in_force=time_in_force(said.f, said.o),
        price=said.p,
        quantity=said.q,
        filled=said.z,
        average_price=unless_zero(said.ap),
        status=status,
        reason=reason,
        reduce_only=said.R,
        position_side=unless_none(said.ps),
        trigger_price=unless_zero(said.sp),
        client_order_id=said.c,
        venue_order_id=said.i,
        time_ns=stamp_ns(said.T),
    )
    if said.x not in ("TRADE", "CALCULATED") or is_zero(said.l):
        return [update]
    fill = Fill(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        price=said.L,
        quantity=said.l,
        fee=said.n,
        fee_asset=said.N,
        maker=said.m,
        trade_id=said.t,
        client_order_id=said.c,
        venue_order_id=said.i,
        realized=said.rp,
        position_side=unless_none(said.ps),
        forced=True if origin is not None or said.x == "CALCULATED" else None,
        origin=origin,
        time_ns=stamp_ns(said.T),
    )
    return [update, fill]


def _early_fill(venue: str, said: TradeLite) -> Fill:
    return Fill(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        price=said.L,
        quantity=said.l,
        maker=said.m,
        trade_id=said.t,
        client_order_id=said.c,
        venue_order_id=said.i,
        early=True,
        time_ns=stamp_ns(said.T),
    )


def _algo(venue: str, event: AlgoUpdate) -> OrderUpdate:
    said = event.o
    status = STATUSES.get(said.X, OrderStatus.UNKNOWN)
    if said.X in ("TRIGGERING", "TRIGGERED"):
        status = OrderStatus.ACCEPTED
    elif said.X == "FINISHED":  # its order is over: filled, if all of it traded
        status = OrderStatus.FILLED if said.aq is not None and _same(said.aq, said.q) else OrderStatus.CANCELED
    ended = status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED)
    return OrderUpdate(
        venue=venue,
        instrument=said.s,
        side=SIDES[said.S],
        order_type=order_type(said.o),
        time_in_force=time_in_force(said.f, said.o),
        price=said.p,
        quantity=said.q,
        filled=said.aq,
        status=status,
        reason=f"status {said.X}" if status is OrderStatus.UNKNOWN else (said.rm or None) if ended else None,
        reduce_only=said.R,
        position_side=unless_none(said.ps),
        conditional=True,
        trigger_price=said.tp,
        client_order_id=said.caid,
        venue_order_id=said.aid,
        time_ns=stamp_ns(event.T),
    )


def _account(venue: str, event: AccountUpdate) -> list[Message]:
    """Balances, positions, and of a funding fee what it was: `bc` is the fee then, in its sign."""
    said, at_ns = event.a, stamp_ns(event.T)
    found: list[Message] = [
        Balance(
            venue=venue,
            asset=row.a,
            total=row.wb,
            change=unless_zero(row.bc),
            reason=said.m.lower(),
            time_ns=at_ns,
        )
        for row in said.B
    ]
    found += [
        Position(
            venue=venue,
            instrument=row.s,
            quantity=row.pa,
            entry_price=row.ep,
            unrealized=row.up,
            margin=row.iw if row.mt == "isolated" else None,
            margin_type=unless_none(row.mt),
            position_side=unless_none(row.ps),
            time_ns=at_ns,
        )
        for row in said.P
    ]
    if said.m == "FUNDING_FEE":
        name = said.P[0].s if len(said.P) == 1 else None  # of a cross position the event does not say whose it is
        found += [
            Funding(venue=venue, instrument=name, amount=row.bc, asset=row.a, time_ns=at_ns)
            for row in said.B
            if row.bc is not None
        ]
    return found


def _settings(venue: str, event: AccountConfigUpdate) -> list[Message]:
    found: list[Message] = []
    if event.ac is not None:
        found.append(Leverage(venue=venue, instrument=event.ac.s, leverage=str(event.ac.l), time_ns=stamp_ns(event.T)))
    if event.ai is not None:
        found.append(Account(venue=venue, multi_assets_margin=event.ai.j, time_ns=stamp_ns(event.T)))
    return found


def _moved(venue: str, said: BalanceUpdate | ExternalLockUpdate, reason: str) -> Balance:
    return Balance(venue=venue, asset=said.a, change=said.d, reason=reason, time_ns=stamp_ns(said.T))


def _trigger_refused(venue: str, event: ConditionalReject) -> OrderUpdate:
    return OrderUpdate(
        venue=venue,
        instrument=event.body.s,
        status=OrderStatus.REJECTED,
        reason=event.body.r,
        venue_order_id=event.body.i,
        time_ns=stamp_ns(event.T),
    )


def _same(left: str, right: str) -> bool:
    """Whether two decimals of one instrument are the same number, however many noughts they end in."""
    return _bare(left) == _bare(right)


def _bare(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
