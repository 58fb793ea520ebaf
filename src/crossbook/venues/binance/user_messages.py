"""The events of Binance's user streams as it sends them, by the name in their field `e`; the keys are Binance's own.

Fields that are not listed here are passed over: the venue adds some every few months.
"""

from __future__ import annotations

import msgspec

from crossbook.venues.binance.words import Amount, Id, Name, Number, SideWord, Stamp


class Event(msgspec.Struct, tag_field="e", kw_only=True):
    """`E` is when the venue said it, `T` (where there is one) when it happened."""


class ExecutionReport(Event, tag="executionReport", kw_only=True):
    """Spot: something happened to an order. On a cancel `c` is the cancel's id and `C` the order's."""

    s: Name
    c: str
    C: str | None = None
    S: SideWord
    o: Name
    f: Name
    q: Amount
    p: Amount
    P: Amount | None = None
    x: Name
    X: Name
    r: str | None = None
    i: Id
    l: Amount  # noqa: E741
    z: Amount
    L: Amount
    n: Number | None = None
    N: str | None = None
    T: Stamp
    t: Id
    m: bool
    eR: str | None = None  # noqa: N815


class BalanceRow(msgspec.Struct, kw_only=True):
    a: Name
    f: Number
    l: Number  # noqa: E741


class OutboundAccountPosition(Event, tag="outboundAccountPosition", kw_only=True):
    """Spot: balances that may have changed, whole."""

    E: Stamp
    u: Stamp | None = None
    B: list[BalanceRow]


class BalanceUpdate(Event, tag="balanceUpdate", kw_only=True):
    """Spot: money came or went (deposit, withdrawal, transfer)."""

    a: Name
    d: Number
    T: Stamp


class ExternalLockUpdate(Event, tag="externalLockUpdate", kw_only=True):
    """Spot: money was locked or released from outside."""

    a: Name
    d: Number
    T: Stamp


class ListStatus(Event, tag="listStatus", kw_only=True):
    """Spot: an order list changed; its orders have reports of their own."""


class EventStreamTerminated(Event, tag="eventStreamTerminated", kw_only=True):
    E: Stamp | None = None


class ListenKeyExpired(Event, tag="listenKeyExpired", kw_only=True):
    E: Stamp | None = None


class ServerShutdown(Event, tag="serverShutdown", kw_only=True):
    E: Stamp | None = None


class TradeLite(Event, tag="TRADE_LITE", kw_only=True):
    """USD-M: the fast notice of a fill; `ORDER_TRADE_UPDATE` says it whole."""

    s: Name
    c: str
    S: SideWord
    i: Id
    l: Amount  # noqa: E741
    L: Amount
    t: Id
    m: bool
    T: Stamp


class OrderBody(msgspec.Struct, kw_only=True):
    s: Name
    c: str
    S: SideWord
    o: Name
    f: Name
    q: Amount
    p: Amount
    ap: Amount | None = None
    sp: Amount | None = None
    x: Name
    X: Name
    i: Id
    l: Amount  # noqa: E741
    z: Amount
    L: Amount
    n: Number | None = None
    N: str | None = None
    T: Stamp
    t: Id
    m: bool
    R: bool
    ps: str | None = None
    rp: Number | None = None
    er: str | None = None


class OrderTradeUpdate(Event, tag="ORDER_TRADE_UPDATE", kw_only=True):
    """USD-M: something happened to an order."""

    o: OrderBody


class AlgoBody(msgspec.Struct, kw_only=True):
    caid: str
    aid: Id
    o: Name
    s: Name
    S: SideWord
    f: Name
    q: Amount
    X: Name
    p: Amount | None = None
    tp: Amount | None = None
    aq: Amount | None = None
    R: bool | None = None
    ps: str | None = None
    rm: str | None = None


class AlgoUpdate(Event, tag="ALGO_UPDATE", kw_only=True):
    """USD-M: something happened to a conditional order."""

    T: Stamp
    o: AlgoBody


class TriggerBody(msgspec.Struct, kw_only=True):
    s: Name
    i: Id
    r: str


class ConditionalReject(Event, tag="CONDITIONAL_ORDER_TRIGGER_REJECT", kw_only=True):
    """USD-M: a conditional order triggered, and its order was refused."""

    T: Stamp
    body: TriggerBody = msgspec.field(name="or")


class WalletRow(msgspec.Struct, kw_only=True):
    a: Name
    wb: Number
    cw: Number | None = None
    bc: Number | None = None


class PositionRow(msgspec.Struct, kw_only=True):
    s: Name
    pa: Number
    ep: Number
    up: Number | None = None
    mt: str | None = None
    iw: Number | None = None
    ps: str | None = None


class AccountBody(msgspec.Struct, kw_only=True):
    m: Name
    B: list[WalletRow] = []
    P: list[PositionRow] = []


class AccountUpdate(Event, tag="ACCOUNT_UPDATE", kw_only=True):
    """USD-M: balances and positions that changed, and why (`m`). `bc` leaves out profit and commission."""

    T: Stamp
    a: AccountBody


class MarginPosition(msgspec.Struct, kw_only=True):
    s: Name


class MarginCallEvent(Event, tag="MARGIN_CALL", kw_only=True):
    """USD-M: positions are near liquidation."""

    E: Stamp | None = None
    p: list[MarginPosition]


class LeverageBody(msgspec.Struct, kw_only=True):
    s: Name
    l: Id  # noqa: E741


class MultiAssetsBody(msgspec.Struct, kw_only=True):
    j: bool


class AccountConfigUpdate(Event, tag="ACCOUNT_CONFIG_UPDATE", kw_only=True):
    """USD-M: a leverage or the multi-assets mode was changed, by us or by somebody."""

    T: Stamp
    ac: LeverageBody | None = None
    ai: MultiAssetsBody | None = None


SpotEvent = (
    ExecutionReport | OutboundAccountPosition | BalanceUpdate | ExternalLockUpdate | ListStatus
    | EventStreamTerminated | ServerShutdown
)  # fmt: skip
FuturesEvent = (
    OrderTradeUpdate | TradeLite | AlgoUpdate | ConditionalReject | AccountUpdate | MarginCallEvent
    | AccountConfigUpdate | ListenKeyExpired
)  # fmt: skip
UserEvent = SpotEvent | FuturesEvent
