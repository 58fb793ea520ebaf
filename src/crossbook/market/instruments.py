"""Known instruments: dated defaults that ship with the package, and files of one's own in the same form.

A file has `[defaults]` and a table per symbol; every number is a decimal string. Instead of `tick` and `lot` a
Hyperliquid table says `size_decimals`. Recorded exchange rules override these defaults.
"""

from __future__ import annotations

import pkgutil
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from crossbook.errors import Refused
from crossbook.money import E8, LIMIT, factor_of, parse_e8
from crossbook.types import VENUE_BY_LABEL, Chain, Instrument, InstrumentKind, Venue

CHAINS = {
    Venue.BINANCE_SPOT: Chain.FIRST_ID,
    Venue.BINANCE_USDM: Chain.PREVIOUS_ID,
    Venue.BINANCE_COINM: Chain.PREVIOUS_ID,
    Venue.HYPERLIQUID: Chain.SNAPSHOT,
}
KINDS = {
    Venue.BINANCE_SPOT: InstrumentKind.SPOT,
    Venue.BINANCE_USDM: InstrumentKind.LINEAR,
    Venue.BINANCE_COINM: InstrumentKind.INVERSE,
    Venue.HYPERLIQUID: InstrumentKind.LINEAR,
}
PERP_DECIMALS = 6
"""Hyperliquid: a perpetual's price has at most this many decimals less its `size_decimals`."""
FIGURES = 5
KEYS = {
    "base", "quote", "settle", "tick", "lot", "size_decimals", "contract", "min_quantity", "max_quantity", "max_price",
    "min_notional",
}  # fmt: skip


def load_instruments(venue: Venue) -> dict[str, Instrument]:
    """The instruments of a venue that ship with the package, by symbol."""
    raw = pkgutil.get_data("crossbook.market", f"instruments/{venue.label}.toml")
    return parse_instruments((raw or b"").decode(), venue, f"{venue.label}.toml")


def parse_instruments(text: str, venue: Venue, where: str) -> dict[str, Instrument]:
    """The instruments of one venue in a TOML text. Raises `Refused` naming `where`, the symbol and what is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{where}: not TOML: {error}") from None
    defaults = tables.pop("defaults", {})
    tables.pop("as_of", None)
    return {symbol: _instrument(venue, symbol, defaults | _table(table, symbol, where), where)
            for symbol, table in tables.items()}  # fmt: skip


def parse_overrides(text: str, where: str) -> dict[Venue, dict[str, Instrument]]:
    """A file of one's own: `[venue.SYMBOL]` tables for any venues, each with `[venue.defaults]` if wished."""
    try:
        venues = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{where}: not TOML: {error}") from None
    found: dict[Venue, dict[str, Instrument]] = {}
    for label, tables in venues.items():
        if label not in VENUE_BY_LABEL:
            raise Refused(f"{where}: {label!r} is no venue: use {', '.join(VENUE_BY_LABEL)}")
        venue = VENUE_BY_LABEL[label]
        tables = _table(tables, label, where)
        defaults = _table(tables.pop("defaults", {}), "defaults", where)
        found[venue] = {
            symbol: _instrument(venue, symbol, defaults | _table(table, symbol, where), where)
            for symbol, table in tables.items()
        }
    return found


def _table(value: object, name: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{where}: {name} is not a table: write [{name}] and its keys below")
    return dict(value)


def _instrument(venue: Venue, symbol: str, table: Mapping[str, Any], where: str) -> Instrument:
    what = f"{where}: {symbol}"
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise Refused(f"{what}: unknown key {unknown[0]!r}: use {', '.join(sorted(KEYS))}")
    tick_e8, lot_e8 = _grid(table, what)
    quote = _text(table, "quote", what)
    base = _text(table, "base", what) if "base" in table else symbol.removesuffix(quote).removesuffix("_PERP")
    base = base.removesuffix(quote)  # COIN-M: BTCUSD_PERP
    kind = KINDS[venue]
    contract_e8 = _number(table, "contract", what) if kind is InstrumentKind.INVERSE else 0
    max_ticks = _number(table, "max_price", what) // tick_e8
    instrument = Instrument(
        venue=venue,
        symbol=symbol,
        base=base,
        quote=quote,
        settle=_text(table, "settle", what) if "settle" in table else base if contract_e8 else quote,
        kind=kind,
        tick_e8=tick_e8,
        lot_e8=lot_e8,
        contract_e8=contract_e8,
        min_lots=_number(table, "min_quantity", what) // lot_e8 if "min_quantity" in table else 1,
        max_lots=_number(table, "max_quantity", what) // lot_e8,
        max_ticks=max_ticks,
        min_notional_e8=_number(table, "min_notional", what) if "min_notional" in table else 0,
        significant_figures=FIGURES if venue is Venue.HYPERLIQUID else 0,
        chain=CHAINS[venue],
    )
    factor_of(instrument)
    return instrument


def _grid(table: Mapping[str, Any], what: str) -> tuple[int, int]:
    if "size_decimals" not in table:
        return _number(table, "tick", what), _number(table, "lot", what)
    decimals = table["size_decimals"]
    if not isinstance(decimals, int) or not 0 <= decimals <= PERP_DECIMALS:
        raise Refused(f"{what}: size_decimals {decimals!r} is no whole number from 0 to {PERP_DECIMALS}")
    return E8 // 10 ** (PERP_DECIMALS - decimals), E8 // 10**decimals


def _number(table: Mapping[str, Any], key: str, what: str) -> int:
    value = parse_e8(_text(table, key, what), f"{what} {key}")
    if not 0 < value < LIMIT:
        raise Refused(f"{what}: {key} {table[key]} must be more than zero")
    return value


def _text(table: Mapping[str, Any], key: str, what: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise Refused(f'{what}: {key} {"is missing" if value is None else "is not a string"}: write {key} = "..."')
    return value


def by_name(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """Instruments by `venue:SYMBOL`."""
    return {instrument.name: instrument for instrument in instruments}
