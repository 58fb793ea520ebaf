"""Any recorded message of any venue as our messages: for people, tools and tests."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.market.instruments import PERP_DECIMALS, parse_overrides
from crossbook.money import text_e8
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.venues.messages import KINDS, Depth, Instrument, Message

READERS = {
    Venue.BINANCE_SPOT: "crossbook.venues.binance.decode",
    Venue.BINANCE_USDM: "crossbook.venues.binance.decode",
    Venue.HYPERLIQUID: "crossbook.venues.hyperliquid.decode",
}
Steps = Mapping[str, tuple[str, str]]
"""The tick and the lot of an instrument, by the venue's symbol."""
PRICES = ("price", "bid_price", "ask_price", "trigger_price")
QUANTITIES = ("quantity", "bid_quantity", "ask_quantity", "filled")

_plain = msgspec.json.Decoder(float_hook=str)


def decode(label: str, kind: str, raw: bytes, steps: Steps | None = None) -> list[Message]:
    """The messages of `kind` (a key of `KINDS`) that a venue's message holds; errors are in every kind.

    With `steps` prices and quantities of those instruments are written on their grid, else as the venue wrote them.
    Raises `Refused` for an unknown venue or kind, for what is no JSON, and for a number that is off its grid.
    """
    venue = VENUE_BY_LABEL.get(label)
    if venue not in READERS:
        raise Refused(f"venue {label!r}: use {', '.join(venue.label for venue in READERS)}")
    if kind not in KINDS:
        raise Refused(f"kind {kind!r}: use {', '.join(KINDS)}")
    raw = texts_for_floats(raw)
    module = importlib.import_module(READERS[venue])
    if venue is Venue.HYPERLIQUID:
        read: Callable[..., list[Message]] = module.decode
        found = read(kind, raw)
    else:
        found = module.decode(label, kind, raw)
    return found if not steps else [on_grid(message, steps) for message in found]


def texts_for_floats(raw: bytes) -> bytes:
    """The JSON with every number that has a point or an exponent as a string of the very same text.

    Raises `Refused` for what is no JSON.
    """
    try:
        return msgspec.json.encode(_plain.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise Refused(f"the message is no JSON: {error}") from None


def steps_of(raw: bytes, label: str, where: str) -> Steps:
    """Ticks and lots of a rules file: a venue's own exchangeInfo or meta in JSON, or a TOML of instruments.

    Raises `Refused` naming `where` for what is neither.
    """
    if _is_json(raw):
        found: dict[str, tuple[str, str]] = {}
        for rules in decode(label, "instruments", raw):
            steps = _steps(rules) if isinstance(rules, Instrument) else None
            if isinstance(rules, Instrument) and steps is not None:
                found[rules.instrument] = steps
        if not found:
            raise Refused(f"{where}: holds no instrument of {label} with tick and lot")
        return found
    try:
        venues = parse_overrides(raw.decode(), where)
    except UnicodeDecodeError:
        raise Refused(f"{where}: neither JSON nor TOML") from None
    venue = VENUE_BY_LABEL[label]
    return {
        symbol: (text_e8(instrument.tick_e8), text_e8(instrument.lot_e8))
        for symbol, instrument in venues.get(venue, {}).items()
    }


def _is_json(raw: bytes) -> bool:
    try:
        texts_for_floats(raw)
    except Refused:
        return False
    return True


def _steps(rules: Instrument) -> tuple[str, str] | None:
    if rules.tick is not None and rules.lot is not None:
        return rules.tick, rules.lot
    if rules.size_decimals is None:
        return None
    decimals = PERP_DECIMALS + (2 if rules.kind == "spot" else 0)
    return _power(decimals - rules.size_decimals), _power(rules.size_decimals)


def _power(decimals: int) -> str:
    return f"{Decimal(1).scaleb(-decimals):f}"


def on_grid(message: Message, steps: Steps) -> Message:
    """The message with its prices and quantities written with the decimals of their tick and lot.

    Raises `Refused` for one that is no multiple of its step.
    """
    name = getattr(message, "instrument", None)
    if not isinstance(name, str) or name not in steps or isinstance(message, Instrument):
        return message
    tick, lot = steps[name]
    changed: dict[str, Any] = {}
    for fields, step, what in ((PRICES, tick, "price"), (QUANTITIES, lot, "quantity")):
        for field in fields:
            value = getattr(message, field, None)
            if value is not None:
                changed[field] = _rescaled(value, step, f"{name} {what}")
    if isinstance(message, Depth):
        for side in ("bids", "asks"):
            changed[side] = [
                (_rescaled(price, tick, f"{name} price"), _rescaled(quantity, lot, f"{name} quantity"))
                for price, quantity in getattr(message, side)
            ]
    return msgspec.structs.replace(message, **changed)


def _rescaled(text: str, step_text: str, what: str) -> str:
    value, step = Decimal(text), Decimal(step_text).normalize()
    if value % step:
        raise Refused(f"{what} {text} is not a multiple of {step:f}: are the instrument rules of another day or venue?")
    exponent = step.as_tuple().exponent
    decimals = max(-exponent, 0) if isinstance(exponent, int) else 0
    return f"{value:.{decimals}f}"
