"""What the world behind the served venues says: orders, fills, money, and the market as it happens.

All prices, quantities, amounts and rates are integers at 1e-8; `text_e8` prints them exactly. Quantities are in base
units (never lots), times are ns UTC of the venue's clock. `instrument` counts in `World.instruments`.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

import msgspec

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.types import Side, Venue


class OrderKind(StrEnum):
    """What an order asks for. MARKET takes what stands, at any price."""

    LIMIT = "limit"
    MARKET = "market"


class Wait(StrEnum):
    """How long an order waits: GTC rests, IOC not at all, FOK all at once or nothing, POST_ONLY never takes
    (Hyperliquid's ALO, Binance's GTX and LIMIT_MAKER). A market order is always IOC."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class Status(StrEnum):
    """Where an order stands. EXPIRED: ended by its own terms (an IOC's rest, a failed FOK, nothing left to reduce, a
    liquidation), CANCELED: by a wish, REJECTED: never was an order."""

    NEW = "new"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a client asks for it. Nothing is checked before `Trader.submit`.

    `price_e8` is ignored for MARKET. `quantity_e8` may be 0 for a MARKET order that says `quote_amount_e8` instead:
    spend (BUY) or raise (SELL) that much quote, rounded down to whole lots. `client_order_id`: free text, unique among
    the open orders of an account at a venue; "" for none. `note`: whatever the server wants back with the order.
    """

    venue: Venue
    symbol: str
    side: Side
    quantity_e8: int = 0
    price_e8: int = 0
    kind: OrderKind = OrderKind.LIMIT
    wait: Wait = Wait.GTC
    reduce_only: bool = False
    client_order_id: str = ""
    quote_amount_e8: int = 0
    note: object = None


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One of our fills. `fee_e8` >= 0 is a cost, < 0 a rebate, in `fee_asset`.

    `start_position_e8`: the signed net position before it (spot: 0); `realized_e8`: P&L of what it closed, before fees,
    in the settle asset (spot: 0). `order` is None for a liquidation.
    """

    venue: Venue
    instrument: int
    symbol: str
    side: Side
    price_e8: int
    quantity_e8: int
    notional_e8: int
    fee_e8: int
    fee_asset: str
    maker: bool
    trade_id: int
    venue_order_id: int
    client_order_id: str
    start_position_e8: int
    realized_e8: int
    time_ns: int
    liquidation: bool = False


class Order(msgspec.Struct, kw_only=True):
    """An order as the venue knows it: live, so copy what must not move on.

    `venue_order_id` 0: rejected before it got one. `notional_e8`: of all fills (the average price is
    `notional_e8 / filled_e8`). `reason`: why it was rejected. `updated_ns`: its last change. `request` is what was
    asked for; `price_e8` and `quantity_e8` are what stands after modifications and, for MARKET, the price it may reach.
    """

    request: OrderRequest
    account: str
    venue: Venue
    instrument: int
    symbol: str
    side: Side
    venue_order_id: int
    client_order_id: str
    price_e8: int
    quantity_e8: int
    filled_e8: int = 0
    notional_e8: int = 0
    status: Status = Status.NEW
    reason: Rejection | None = None
    created_ns: int = 0
    updated_ns: int = 0
    fills: list[Fill] = []
    number: int = 0
    """The world's own number for it, unique within the account."""

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status is Status.NEW or self.status is Status.PARTIAL

    @property
    def open_e8(self) -> int:
        """The quantity not filled."""
        return self.quantity_e8 - self.filled_e8


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What is owned of an asset in a wallet.

    Spot: `total_e8` = `free_e8` + `locked_e8`, which open orders hold; `equity_e8` is the total. Margin: `total_e8` is
    the wallet balance (deposits + realized P&L - fees + funding, no unrealized P&L), `equity_e8` adds unrealized P&L at
    the mid, `locked_e8` is the initial margin of positions and open orders, `free_e8` the rest of the equity; it can
    be below 0.
    """

    venue: Venue
    asset: str
    total_e8: int
    locked_e8: int
    free_e8: int
    equity_e8: int
    maintenance_e8: int = 0


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A one-way net position. `cost_e8`: signed notional at which its lots were opened, exact, so that
    `entry_price` = cost / quantity and unrealized = value - cost; 0 where flat.

    `liquidation_price_e8`: where equity would meet maintenance if this price alone moved; None if nowhere above 0.
    """

    venue: Venue
    instrument: int
    symbol: str
    quantity_e8: int
    cost_e8: int
    value_e8: int
    unrealized_e8: int
    leverage: int
    margin_e8: int
    maintenance_e8: int
    liquidation_price_e8: int | None
    updated_ns: int

    @property
    def entry_price(self) -> Fraction:
        """The average price in quote units, exact; 0 where flat."""
        return Fraction(self.cost_e8, self.quantity_e8) if self.quantity_e8 else Fraction(0)


class IncomeKind(StrEnum):
    """Why money of a wallet moved."""

    TRANSFER = "transfer"
    REALIZED = "realized"
    FEE = "fee"
    FUNDING = "funding"
    LIQUIDATION_FEE = "liquidation_fee"


class Income(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of a wallet: received > 0, paid < 0. `symbol` "" for transfers, `trade_id` 0 where none."""

    venue: Venue
    kind: IncomeKind
    symbol: str
    asset: str
    amount_e8: int
    time_ns: int
    id: int
    trade_id: int = 0
    rate_e8: int = 0
    position_e8: int = 0


# account events: what an account's listener hears, in order


class AccountEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to an account; `sequence` counts all events of the account from 1."""

    account: str
    venue: Venue
    sequence: int
    time_ns: int


class Change(StrEnum):
    """What an OrderChanged tells."""

    NEW = "new"
    TRADE = "trade"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    MODIFIED = "modified"


class OrderChanged(AccountEvent, frozen=True, kw_only=True):
    """An order's life went on: a copy of it as it then stood, and the fill if that was the change."""

    change: Change
    order: Order
    fill: Fill | None = None


class Liquidated(AccountEvent, frozen=True, kw_only=True):
    """The venue closed (part of) a position at the book."""

    fill: Fill


class FundingPaid(AccountEvent, frozen=True, kw_only=True):
    """Funding moved the wallet."""

    income: Income


class Transferred(AccountEvent, frozen=True, kw_only=True):
    """Money came in (> 0) or went out from outside."""

    asset: str
    amount_e8: int


class LeverageSet(AccountEvent, frozen=True, kw_only=True):
    """An instrument's leverage is now this."""

    symbol: str
    leverage: int


# market events: what a market listener hears, and what queries answer


class MarketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened in a market, for everybody to see."""

    venue: Venue
    instrument: int
    symbol: str
    time_ns: int


class Quoted(MarketEvent, frozen=True, kw_only=True):
    """The best bid and ask; quantity 0: that side is empty."""

    bid_e8: int
    bid_quantity_e8: int
    ask_e8: int
    ask_quantity_e8: int
    update_id: int


Level = tuple[int, int]
"""(price_e8, quantity_e8)."""


class Depth(MarketEvent, frozen=True, kw_only=True):
    """Levels of a book, best first where `snapshot` (the whole displayed book), else changed ones (0 = gone).

    Ids as Binance words them: `first_id` U, `last_id` u or lastUpdateId, `previous_id` pu. They chain, also over a
    tape's seam; what a tape's recorder lost is lost here too. Hyperliquid: `last_id` is the book's own time in ms.
    """

    bids: list[Level]
    asks: list[Level]
    first_id: int
    last_id: int
    previous_id: int
    snapshot: bool


class Printed(MarketEvent, frozen=True, kw_only=True):
    """A public trade; `side` is the taker's."""

    price_e8: int
    quantity_e8: int
    side: Side
    trade_id: int


class Marked(MarketEvent, frozen=True, kw_only=True):
    """Mark and index price, the coming funding rate and its moment (0, 0 for spot). Published once a second."""

    mark_e8: int
    index_e8: int
    rate_e8: int
    next_funding_ns: int


class FundingStamped(MarketEvent, frozen=True, kw_only=True):
    """Funding was due: longs paid this rate at this mark."""

    rate_e8: int
    mark_e8: int


class TradingChanged(MarketEvent, frozen=True, kw_only=True):
    """The market opened or closed."""

    is_open: bool


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """Prints of `[open_ns, close_ns)`; `taker_buy_*` is what takers bought. A candle without prints repeats the close
    before it, with quantity 0. `notional_e8` is the quote volume."""

    open_ns: int
    close_ns: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    quantity_e8: int
    notional_e8: int
    trades: int
    taker_buy_e8: int
    taker_buy_notional_e8: int
    first_trade_id: int
    last_trade_id: int


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """An account's rates at a venue, parts per million; a negative one is a rebate."""

    maker_ppm: int
    taker_ppm: int


class DuplicateOrder(Refused):
    """An open order of the account at this venue has the client id already."""


class UnknownOrder(Refused):
    """No such order of the account, or none that is open."""


def copy_order(order: Order) -> Order:
    """The order as it stands now; it does not move on."""
    return msgspec.structs.replace(order, fills=list(order.fills))
