"""What we ask of Binance, spot and USD-M, on REST and WS API: parameters without key, stamp or signature. Pure.

Only orders, cancels, queries and the account's settings can be built; nothing here can move money.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

import msgspec

from crossbook.errors import Refused
from crossbook.money import text_e8
from crossbook.types import Instrument, Side, TimeInForce, Venue

Value = str | int | bool
Params = tuple[tuple[str, Value], ...]
SPOT, USDM = Venue.BINANCE_SPOT, Venue.BINANCE_USDM
WEIGHT, ORDERS = "REQUEST_WEIGHT", "ORDERS"
RECV_WINDOW_MS = 2_000
"""How late an order may be read: far above any honest way, far below the 5 s that the venue grants by itself."""


class Security(Enum):
    """What a request must carry."""

    NONE = "none"
    KEY = "key"
    """The API key alone."""
    SIGNED = "signed"
    """Key, stamp and signature."""


class Terms(Enum):
    """How an order may trade. A post-only order never takes; a market order has no price."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "POST_ONLY"
    MARKET = "MARKET"


TERMS = {TimeInForce.GTC: Terms.GTC, TimeInForce.IOC: Terms.IOC, TimeInForce.ALO: Terms.POST_ONLY}
ANSWERS = {SPOT: ("ACK", "RESULT", "FULL"), USDM: ("ACK", "RESULT")}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request: `method` and `path` on REST, `api` on the WS API ("" where it is not offered there)."""

    venue: Venue
    method: str
    path: str
    api: str = ""
    params: Params = ()
    security: Security = Security.SIGNED
    costs: Mapping[str, int] = msgspec.field(default_factory=lambda: {WEIGHT: 1})
    """What it takes of the venue's limits, by `rateLimitType`."""


_CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9_]{1,40}", re.ASCII)


def place(
    instrument: Instrument,
    side: Side,
    terms: Terms,
    lots: int,
    ticks: int | None,
    client_order_id: str,
    *,
    reduce_only: bool = False,
    answer: str = "RESULT",
    recv_window_ms: int = RECV_WINDOW_MS,
) -> Request:
    """An order of `lots` at `ticks` (None exactly for a market order).

    Raises `Refused` for what is no order at all; whether it passes the venue's filters is not looked at.
    """
    venue = _known(instrument.venue)
    if lots <= 0:
        raise Refused(f"{instrument.name}: an order of {lots} lots: give one or more")
    if (terms is Terms.MARKET) != (ticks is None) or (ticks is not None and ticks <= 0):
        raise Refused(f"{instrument.name}: price {ticks} ticks with {terms.value}: a market order alone has no price")
    if reduce_only and venue is SPOT:
        raise Refused(f"{instrument.name}: spot knows no reduce-only: leave it out")
    if answer not in ANSWERS[venue]:
        raise Refused(f"answer {answer!r}: {venue.label} gives {', '.join(ANSWERS[venue])}")
    params: list[tuple[str, Value]] = [("symbol", _symbol(instrument.symbol)), ("side", side.name)]
    params += _terms(venue, terms)
    params.append(("quantity", text_e8(lots * instrument.lot_e8)))
    if ticks is not None:
        params.append(("price", text_e8(ticks * instrument.tick_e8)))
    if reduce_only:
        params.append(("reduceOnly", True))
    params += [("newClientOrderId", _client_id(client_order_id)), ("newOrderRespType", answer)]
    params.append(("recvWindow", recv_window_ms))
    path = _path(venue, "order")
    costs = {WEIGHT: 1 if venue is SPOT else 0, ORDERS: 1}
    return Request(venue=venue, method="POST", path=path, api="order.place", params=tuple(params), costs=costs)


def _terms(venue: Venue, terms: Terms) -> Params:
    if terms is Terms.MARKET:
        return (("type", "MARKET"),)
    if terms is Terms.POST_ONLY:
        return (("type", "LIMIT_MAKER"),) if venue is SPOT else (("type", "LIMIT"), ("timeInForce", "GTX"))
    return (("type", "LIMIT"), ("timeInForce", terms.value))


def cancel(venue: Venue, symbol: str, *, client_order_id: str = "", venue_order_id: int | None = None) -> Request:
    """Take one order back, by one of its ids."""
    return _order(venue, "DELETE", "order.cancel", symbol, client_order_id, venue_order_id, 1)


def query(venue: Venue, symbol: str, *, client_order_id: str = "", venue_order_id: int | None = None) -> Request:
    """Ask how one order stands. Right after it was placed the answer may be -2013: ask again, conclude nothing."""
    return _order(venue, "GET", "order.status", symbol, client_order_id, venue_order_id, 4 if venue is SPOT else 1)


def _order(
    venue: Venue, method: str, api: str, symbol: str, client_id: str, order_id: int | None, cost: int
) -> Request:
    if (client_id == "") == (order_id is None):
        raise Refused(f"order of {symbol}: name it by client_order_id or by venue_order_id, one of the two")
    which: Value = _client_id(client_id) if order_id is None else order_id
    params = (("symbol", _symbol(symbol)), ("origClientOrderId" if order_id is None else "orderId", which))
    return Request(
        venue=venue, method=method, path=_path(venue, "order"), api=api, params=params, costs={WEIGHT: cost}
    )  # fmt: skip


def cancel_all(venue: Venue, symbol: str) -> Request:
    """Take every order of an instrument back. Spot says -2011 where none is open; futures leave conditionals alone."""
    name, api = ("openOrders", "openOrders.cancelAll") if _known(venue) is SPOT else ("allOpenOrders", "")
    return Request(venue=venue, method="DELETE", path=_path(venue, name), api=api, params=_of(symbol))


def open_orders(venue: Venue, symbol: str | None = None) -> Request:
    """Every open order, of one instrument or of all (which costs a lot)."""
    spot = _known(venue) is SPOT
    cost = ((6 if spot else 1) if symbol else 80) if spot or symbol else 40
    api = "openOrders.status" if spot else ""
    params = _of(symbol) if symbol else ()
    return Request(
        venue=venue, method="GET", path=_path(venue, "openOrders"), api=api, params=params, costs={WEIGHT: cost}
    )  # fmt: skip


def account(venue: Venue) -> Request:
    """What the account may do; its balances, on futures its positions too."""
    if _known(venue) is SPOT:
        return Request(
            venue=venue, method="GET", path=_path(venue, "account"), api="account.status", costs={WEIGHT: 20}
        )
    path = "/fapi/v3/account"
    return Request(venue=venue, method="GET", path=path, api="v2/account.status", costs={WEIGHT: 5})


def balances(venue: Venue) -> Request:
    """The balances of futures; spot's stand in its account."""
    if _known(venue) is SPOT:
        return account(venue)
    return Request(venue=venue, method="GET", path="/fapi/v3/balance", api="v2/account.balance", costs={WEIGHT: 5})


def positions(symbol: str | None = None) -> Request:
    """Futures positions; an instrument without position and orders is not in the answer."""
    params = _of(symbol) if symbol else ()
    return Request(
        venue=USDM, method="GET", path="/fapi/v3/positionRisk", api="v2/account.position", params=params,
        costs={WEIGHT: 5},
    )  # fmt: skip


def my_trades(
    venue: Venue, symbol: str, *, from_id: int | None = None, order_id: int | None = None,
    start_ms: int | None = None, limit: int = 1_000,
) -> Request:  # fmt: skip
    """Our fills of an instrument: those of one order, from a trade id on, or from a time on. Futures exclude `from_id`
    with a time."""
    given: list[tuple[str, int | None]] = [
        ("orderId", order_id), ("fromId", from_id), ("startTime", start_ms), ("limit", limit)
    ]  # fmt: skip
    params = (*_of(symbol), *((name, value) for name, value in given if value is not None))
    if _known(venue) is SPOT:
        cost = 20 if order_id is None else 5
        return Request(
            venue=venue, method="GET", path=_path(venue, "myTrades"), api="myTrades", params=params,
            costs={WEIGHT: cost},
        )  # fmt: skip
    return Request(venue=venue, method="GET", path=_path(venue, "userTrades"), params=params, costs={WEIGHT: 5})


def income(kind: str = "FUNDING_FEE", *, start_ms: int | None = None, limit: int = 1_000) -> Request:
    """What moved a futures account's money: FUNDING_FEE, TRANSFER, ..."""
    params: list[tuple[str, Value]] = [("incomeType", kind), ("limit", limit)]
    if start_ms is not None:
        params.insert(1, ("startTime", start_ms))
    return Request(
        venue=USDM, method="GET", path=_path(USDM, "income"), params=tuple(params), costs={WEIGHT: 30}
    )  # fmt: skip


def position_mode() -> Request:
    """Whether the futures account is in hedge mode; the desk asserts that it is not."""
    return Request(venue=USDM, method="GET", path=_path(USDM, "positionSide/dual"), costs={WEIGHT: 30})


def set_one_way() -> Request:
    """Put the futures account in one-way mode; -4059 says that it is already."""
    params: Params = (("dualSidePosition", False),)
    return Request(venue=USDM, method="POST", path=_path(USDM, "positionSide/dual"), params=params)


def symbol_config(symbol: str | None = None) -> Request:
    """Leverage and margin type as they are set."""
    params = _of(symbol) if symbol else ()
    return Request(venue=USDM, method="GET", path=_path(USDM, "symbolConfig"), params=params, costs={WEIGHT: 5})


def account_config() -> Request:
    """What a futures account may do and is set to."""
    return Request(venue=USDM, method="GET", path=_path(USDM, "accountConfig"), costs={WEIGHT: 5})


def commission_rate(symbol: str) -> Request:
    """What a futures instrument's fills cost the account; spot's rates stand in its account."""
    return Request(
        venue=USDM, method="GET", path=_path(USDM, "commissionRate"), params=_of(symbol), costs={WEIGHT: 20}
    )  # fmt: skip


def set_leverage(symbol: str, leverage: int) -> Request:
    """Set an instrument's leverage. Raises `Refused` outside 1 to 125."""
    if not 1 <= leverage <= 125:
        raise Refused(f"leverage {leverage} of {symbol}: give 1 to 125")
    params: Params = (*_of(symbol), ("leverage", leverage))
    return Request(venue=USDM, method="POST", path=_path(USDM, "leverage"), params=params)


def countdown_cancel_all(symbol: str, after_ms: int) -> Request:
    """The dead man's switch of one futures instrument: its orders are cancelled after `after_ms`; 0 switches it off."""
    if after_ms < 0:
        raise Refused(f"countdown of {symbol}: {after_ms} ms lies in the past: give 0 (off) or more")
    params: Params = (*_of(symbol), ("countdownTime", after_ms))
    return Request(
        venue=USDM, method="POST", path=_path(USDM, "countdownCancelAll"), params=params, costs={WEIGHT: 10}
    )  # fmt: skip


def listen_key(method: str) -> Request:
    """Futures' user stream: POST begins it (or extends the one there is), PUT extends it, DELETE ends it."""
    api = {"POST": "userDataStream.start", "PUT": "userDataStream.ping", "DELETE": "userDataStream.stop"}
    if method not in api:
        raise Refused(f"listenKey {method!r}: use POST, PUT or DELETE")
    return Request(
        venue=USDM, method=method, path=_path(USDM, "listenKey"), api=api[method], security=Security.KEY
    )  # fmt: skip


def session_logon(venue: Venue) -> Request:
    """Say once who we are on this connection of the WS API (Ed25519 keys only)."""
    return _api(venue, "session.logon", Security.SIGNED)


def session_status(venue: Venue) -> Request:
    """Who this connection belongs to."""
    return _api(venue, "session.status", Security.NONE)


def subscribe_user_stream(*, signed: bool) -> Request:
    """Spot's user events on this connection: `signed` with any key, else after `session_logon`."""
    if signed:
        return _api(SPOT, "userDataStream.subscribe.signature", Security.SIGNED)
    return _api(SPOT, "userDataStream.subscribe", Security.NONE)


def _api(venue: Venue, api: str, security: Security) -> Request:
    return Request(venue=_known(venue), method="", path="", api=api, security=security, costs={WEIGHT: 2})


def server_time(venue: Venue) -> Request:
    """The venue's clock."""
    api = "time" if _known(venue) is SPOT else ""
    return Request(venue=venue, method="GET", path=_path(venue, "time"), api=api, security=Security.NONE)


def exchange_info(venue: Venue, symbols: tuple[str, ...] = ()) -> Request:
    """The rules of all instruments; spot can be asked for some (futures always say all)."""
    spot = _known(venue) is SPOT
    names = [_symbol(name) for name in symbols] if spot else []
    params: Params = (("symbols", msgspec.json.encode(names).decode()),) if names else ()
    return Request(
        venue=venue, method="GET", path=_path(venue, "exchangeInfo"), api="exchangeInfo" if spot and not names else "",
        params=params, security=Security.NONE, costs={WEIGHT: 20 if spot else 1},
    )  # fmt: skip


def depth(venue: Venue, symbol: str, limit: int = 1_000) -> Request:
    """A snapshot of the book. Futures take 5, 10, 20, 50, 100, 500 or 1000 levels, spot any up to 5000."""
    steps = ((100, 5), (500, 25), (1_000, 50), (5_000, 250)) if _known(venue) is SPOT else (
        (50, 2), (100, 5), (500, 10), (1_000, 20)
    )  # fmt: skip
    cost = next((cost for most, cost in steps if limit <= most), 0)
    if not cost or limit < 1:
        raise Refused(f"depth of {symbol}: {limit} levels: {venue.label} gives 1 to {steps[-1][0]}")
    params: Params = (*_of(symbol), ("limit", limit))
    return _market(venue, "depth", "depth", params, cost)


def klines(venue: Venue, symbol: str, interval: str, start_ms: int | None = None, limit: int = 1_000) -> Request:
    """Bars, oldest first."""
    params: list[tuple[str, Value]] = [*_of(symbol), ("interval", interval), ("limit", limit)]
    if start_ms is not None:
        params.insert(2, ("startTime", start_ms))
    return _market(venue, "klines", "klines" if venue is SPOT else "", tuple(params), 2 if venue is SPOT else 5)


def premium_index(symbol: str) -> Request:
    """Mark, index and the coming funding rate."""
    return _market(USDM, "premiumIndex", "", _of(symbol), 1)


def funding_rates(symbol: str, start_ms: int | None = None, limit: int = 1_000) -> Request:
    """Past funding stamps."""
    params: list[tuple[str, Value]] = [*_of(symbol), ("limit", limit)]
    if start_ms is not None:
        params.insert(1, ("startTime", start_ms))
    return _market(USDM, "fundingRate", "", tuple(params), 1)


def open_interest(symbol: str) -> Request:
    """How much of a contract is open."""
    return _market(USDM, "openInterest", "", _of(symbol), 1)


def _market(venue: Venue, name: str, api: str, params: Params, cost: int) -> Request:
    return Request(
        venue=venue, method="GET", path=_path(venue, name), api=api, params=params, security=Security.NONE,
        costs={WEIGHT: cost},
    )  # fmt: skip


def frame(request_id: int | str, api: str, params: Mapping[str, object]) -> bytes:
    """A request of the WS API as it is sent."""
    if not api:
        raise Refused(f"request {request_id}: is not offered on the WS API: send it over REST")
    return msgspec.json.encode({"id": request_id, "method": api, "params": params})


def _known(venue: Venue) -> Venue:
    if venue not in (SPOT, USDM):
        raise Refused(f"{venue.label}: this speaks binance_spot and binance_usdm")
    return venue


def _path(venue: Venue, name: str) -> str:
    return f"/api/v3/{name}" if _known(venue) is SPOT else f"/fapi/v1/{name}"


def _of(symbol: str) -> tuple[tuple[str, Value], ...]:
    return (("symbol", _symbol(symbol)),)


def _symbol(symbol: str) -> str:
    if _SYMBOL.fullmatch(symbol) is None:
        raise Refused(f"symbol {symbol[:60]!r}: Binance writes capital letters, digits and _ only")
    return symbol


def _client_id(client_order_id: str) -> str:
    if _CLIENT_ID.fullmatch(client_order_id) is None:
        raise Refused(f"client order id {client_order_id[:60]!r}: give 1 to 36 letters, digits, - and _")
    return client_order_id
