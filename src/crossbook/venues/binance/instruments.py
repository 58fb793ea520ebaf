"""`exchangeInfo` of spot and USD-M as instrument rules, and the rules as an instrument on its grid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.market.instruments import CHAINS, KINDS
from crossbook.money import E8, LIMIT, factor_of, parse_e8
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.types import Instrument as Traded
from crossbook.venues.binance.words import Amount, Name, Stamp, unless_zero
from crossbook.venues.messages import Instrument, Message


class RateLimit(msgspec.Struct, rename="camel", kw_only=True):
    """One of the venue's limits: `limit` in `interval_num` times `interval` (SECOND, MINUTE, DAY)."""

    rate_limit_type: Name
    interval: Name
    interval_num: int
    limit: int
    count: int | None = None

    @property
    def window_s(self) -> int:
        """The window in seconds; 0 for a unit that is not known."""
        return {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}.get(self.interval, 0) * self.interval_num


class Filter(msgspec.Struct, rename="camel", kw_only=True):
    """One filter; which fields it has follows from its type."""

    filter_type: Name
    tick_size: Amount | None = None
    min_price: Amount | None = None
    max_price: Amount | None = None
    step_size: Amount | None = None
    min_qty: Amount | None = None
    max_qty: Amount | None = None
    min_notional: Amount | None = None
    notional: Amount | None = None
    limit: int | None = None
    max_num_orders: int | None = None


class Symbol(msgspec.Struct, rename="camel", kw_only=True):
    """One instrument. `pricePrecision` and its like are for display, the filters are the rules."""

    symbol: Name
    status: Name
    base_asset: Name
    quote_asset: Name
    margin_asset: str | None = None
    contract_type: str | None = None
    filters: list[Filter] = []


class ExchangeInfo(msgspec.Struct, rename="camel", kw_only=True):
    """The whole answer."""

    symbols: list[Symbol]
    server_time: Stamp | None = None
    rate_limits: list[RateLimit] = []


_info = msgspec.json.Decoder(ExchangeInfo)


def exchange_info(body: bytes) -> ExchangeInfo:
    """The answer as it is. Raises `msgspec.DecodeError`."""
    return _info.decode(body)


def instruments(venue: str, body: bytes) -> list[Message]:
    """Every instrument's rules. Raises `msgspec.DecodeError`."""
    return [rules_of(venue, symbol) for symbol in exchange_info(body).symbols]


def rules_of(venue: str, said: Symbol) -> Instrument:
    """One instrument's rules; a filter that is switched off (0) or not there is left out."""
    by_type = {each.filter_type: each for each in said.filters}
    none = Filter(filter_type="-")
    price, lot = by_type.get("PRICE_FILTER", none), by_type.get("LOT_SIZE", none)
    market, orders = by_type.get("MARKET_LOT_SIZE", none), by_type.get("MAX_NUM_ORDERS", none)
    notional = by_type.get("NOTIONAL", by_type.get("MIN_NOTIONAL", none))
    return Instrument(
        venue=venue,
        instrument=said.symbol,
        base=said.base_asset,
        quote=said.quote_asset,
        settle=said.margin_asset,
        kind=KINDS[VENUE_BY_LABEL[venue]].name.lower(),
        status=said.status.lower(),
        tradeable=said.status == "TRADING",
        tick=unless_zero(price.tick_size),
        lot=unless_zero(lot.step_size),
        min_price=unless_zero(price.min_price),
        max_price=unless_zero(price.max_price),
        min_quantity=unless_zero(lot.min_qty),
        max_quantity=unless_zero(lot.max_qty),
        market_max_quantity=unless_zero(market.max_qty),
        min_notional=unless_zero(notional.min_notional or notional.notional),
        max_open_orders=orders.max_num_orders if orders.max_num_orders is not None else orders.limit,
    )


def instrument_of(rules: Instrument) -> Traded:
    """The instrument on its grid. Its largest quantity is lowered where the notional would not fit below 2^62.

    Raises `Refused` where a rule is missing, or the grid cannot be kept exactly at 1e-8.
    """
    venue = VENUE_BY_LABEL.get(rules.venue)
    if venue not in (Venue.BINANCE_SPOT, Venue.BINANCE_USDM):
        raise Refused(f"instrument {rules.venue}:{rules.instrument}: rules of binance_spot or binance_usdm are meant")
    what = f"{rules.venue}:{rules.instrument}"
    tick_e8, lot_e8 = _step(rules.tick, what, "tick"), _step(rules.lot, what, "lot")
    fields: dict[str, Any] = {
        "venue": venue,
        "symbol": rules.instrument,
        "base": rules.base,
        "quote": rules.quote,
        "settle": rules.settle or rules.quote,
        "kind": KINDS[venue],
        "tick_e8": tick_e8,
        "lot_e8": lot_e8,
        "min_lots": _multiple(rules.min_quantity or rules.lot, lot_e8, what, "smallest quantity"),
        "max_ticks": _largest(rules.max_price, what, "largest price") // tick_e8,
        "min_notional_e8": parse_e8(rules.min_notional or "0", f"{what} smallest notional"),
        "chain": CHAINS[venue],
    }
    if venue is Venue.BINANCE_USDM and rules.min_price is not None:
        _multiple(rules.min_price, tick_e8, what, "smallest price")  # futures count ticks from it
    wanted = _largest(rules.max_quantity, what, "largest quantity") // lot_e8
    per_lot = max(fields["max_ticks"] * (tick_e8 * lot_e8 // E8), 1)
    fields["max_lots"] = min(wanted, (LIMIT - 1) // per_lot)
    if fields["max_lots"] < fields["min_lots"]:
        raise Refused(f"instrument {what}: its largest and smallest order leave no quantity between them below 2^62")
    instrument = Traded(**fields)
    factor_of(instrument)
    return instrument


def _step(text: str | None, what: str, name: str) -> int:
    if text is None:
        raise Refused(f"instrument {what}: exchangeInfo says no {name}: ask for the symbol's filters")
    return parse_e8(text, f"{what} {name}")


def _largest(text: str | None, what: str, name: str) -> int:
    """A bound; the venue has some beyond what fits at 1e-8, and a lower one is still a bound."""
    if text is None:
        return _step(text, what, name)
    return min(int(Decimal(text) * E8), LIMIT - 1)


def _multiple(text: str | None, step_e8: int, what: str, name: str) -> int:
    units, rest = divmod(_step(text, what, name), step_e8)
    if rest:
        raise Refused(f"instrument {what}: {name} {text} is no multiple of its step, so its grid begins elsewhere")
    return units
