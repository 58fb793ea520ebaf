"""The market in a message, read three ways: from a kernel's rows, from our messages, and plainly by Python's `json`.

The third is the oracle: it knows neither codec, only the documents. A fact is a tuple of what a row can hold, numbers
at 1e-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from crossbook.events import EventKind
from crossbook.money import E8
from crossbook.types import Chain, Instrument, InstrumentKind, Venue
from crossbook.venues import messages as said

Fact = tuple[Any, ...]
MS = 1_000_000
HYPERLIQUID_CHANNELS = ("l2Book", "bbo", "trades")
MOST = 1 << 62


def fine(venue: Venue, symbol: str, tick_e8: int = 1, lot_e8: int = 1) -> Instrument:
    """An instrument on whose grid everything is that is exact at 1e-8."""
    return Instrument(
        venue=venue, symbol=symbol, base="B", quote="Q", settle="Q", kind=InstrumentKind.LINEAR, tick_e8=tick_e8,
        lot_e8=lot_e8, max_lots=MOST, max_ticks=MOST // tick_e8, chain=Chain.SNAPSHOT,
    )  # fmt: skip


def from_rows(rows: Any, symbols: Sequence[str]) -> list[Fact]:
    """The facts in rows of a `MarketCodec` whose instruments are `fine`, numbered by their place."""
    found: list[Fact] = []
    for row in rows:
        symbol, kind, time = symbols[int(row["instrument"])], int(row["kind"]), int(row["ts_venue"])
        price, lots, price2, lots2 = (int(row[name]) for name in ("price", "lots", "price2", "lots2"))
        if kind == EventKind.QUOTE:
            found.append(("quote", symbol, price, lots, price2, lots2, int(row["id"]), time))
        elif kind == EventKind.TRADE:
            found.append(("trade", symbol, ("buy", "sell")[int(row["side"])], price, lots, int(row["id"]), time))
        elif kind == EventKind.MARK_PRICE:
            found.append(("mark", symbol, price, price2, lots, int(row["id"]), time))
        else:
            snapshot = kind == EventKind.BOOK_SNAPSHOT
            head = ("depth", symbol, snapshot, int(row["id"]), int(row["id2"]), time)
            if not found or found[-1][:6] != head:
                found.append((*head, ()))
            if price:
                found[-1] = (*head, (*found[-1][6], (("bid", "ask")[int(row["side"])], price, lots)))
    return found


def from_messages(messages: Iterable[said.Message], alone: str | None = None) -> list[Fact]:
    """The same facts in our messages. `alone`: whose a snapshot is that names no symbol."""
    found: list[Fact] = []
    for one in messages:
        time = getattr(one, "time_ns", None) or 0
        symbol = getattr(one, "instrument", None) or alone
        if isinstance(one, said.Quote):
            texts = (one.bid_price, one.bid_quantity, one.ask_price, one.ask_quantity)
            found.append(("quote", symbol, *(e8(text) for text in texts), one.update_id, time))
        elif isinstance(one, said.Trade):
            found.append(("trade", symbol, one.side, e8(one.price), e8(one.quantity), one.trade_id, time))
        elif isinstance(one, said.Mark):
            numbers = (e8(one.mark_price), e8(one.index_price), e8(one.funding_rate))
            found.append(("mark", symbol, *numbers, one.next_funding_ns, time))
        elif isinstance(one, said.Depth):
            chain = 0 if one.snapshot else one.first_id if one.prev_id is None else one.prev_id
            found.append(("depth", symbol, one.snapshot, one.last_id, chain, time, sides(one.bids, one.asks)))
    return found


def plainly(raw: bytes, alone: str | None = None) -> list[Fact] | None:
    """What the documents say that a stream's frame means; None: no valid JSON. Raises where a field is not what it has
    to be, whatever way that shows."""
    tree = parsed(raw)
    if tree is None or not isinstance(tree, dict):
        return None if tree is None else []
    if "channel" in tree and "data" in tree:
        return _hyperliquid(tree["channel"], tree["data"])
    stream = ""
    if "stream" in tree and isinstance(tree.get("data"), dict):
        stream, tree = tree["stream"], tree["data"]
    return _binance(tree, stream if isinstance(stream, str) else "", alone)


class TooDeep(Exception):
    """Python's own reader does not go so deep: nothing can be said of the message."""


class Digits(str):
    """A JSON number, by its text."""

    __slots__ = ()


def parsed(raw: bytes, errors: str = "strict") -> Any:
    """The tree of a JSON text with numbers as `Digits`; None if it is none (or null). `errors`: of its UTF-8."""
    try:
        text = raw.decode(errors=errors)
        return json.loads(text, parse_int=_whole, parse_float=Digits, parse_constant=_refuse)
    except RecursionError:
        raise TooDeep from None
    except ValueError:
        return None


def e8(text: str | None) -> int:
    """A number at 1e-8; what is not exact there, or not finite, raises."""
    if text is None or text == "":
        return 0
    value = Decimal(text) * E8
    if value != value.to_integral_value():
        raise ValueError(text)
    return int(value)


def sides(bids: Iterable[Any], asks: Iterable[Any]) -> tuple[tuple[str, int, int], ...]:
    """Levels as facts, bids first, as sent."""
    both = ((name, level) for name, side in (("bid", bids), ("ask", asks)) for level in side)
    return tuple((name, e8(level[0]), e8(level[1])) for name, level in both)


def _whole(text: str) -> Digits:
    return Digits("0" if text == "-0" else text)


def _refuse(word: str) -> None:
    raise ValueError(word)


def _hyperliquid(channel: Any, data: Any) -> list[Fact]:
    if channel == "trades" and isinstance(data, list):
        names = {"B": "buy", "A": "sell"}
        return [
            ("trade", one["coin"], names[one["side"]], e8(one["px"]), e8(one["sz"]), int(one["tid"]),
             int(one["time"]) * MS) for one in data
        ]  # fmt: skip
    if channel == "bbo":
        bid, ask = data["bbo"]
        top = [e8(level[name]) if level else 0 for level in (bid, ask) for name in ("px", "sz")]
        return [("quote", data["coin"], *top, int(data["time"]), int(data["time"]) * MS)]
    if channel == "l2Book":
        levels = ([(level["px"], level["sz"]) for level in side] for side in data["levels"])
        time = int(data["time"])
        return [("depth", data["coin"], True, time, 0, time * MS, sides(*levels))]
    return []


def _binance(tree: dict[str, Any], stream: str, alone: str | None) -> list[Fact]:
    event = tree.get("e")
    symbol = tree.get("s", tree.get("symbol"))
    time = int(tree.get("T", tree.get("E", 0))) * MS
    if event == "markPriceUpdate":
        numbers = (e8(tree["p"]), e8(tree.get("i")), e8(tree["r"]))
        return [("mark", symbol, *numbers, int(tree["T"]) * MS, int(tree["E"]) * MS)]
    if event == "trade":
        side = "sell" if tree["m"] else "buy"
        return [("trade", symbol, side, e8(tree["p"]), e8(tree["q"]), int(tree["t"]), int(tree["T"]) * MS)]
    if event == "depthUpdate":
        partial = re.match(r"[^@]*@depth(5|10|20)(@|\Z)", stream) is not None
        chain = 0 if partial else int(tree.get("pu", tree["U"]))
        return [("depth", symbol, partial, int(tree["u"]), chain, time, sides(tree["b"], tree["a"]))]
    if event == "bookTicker" or (event is None and "lastUpdateId" not in tree and "u" in tree and "B" in tree):
        return [("quote", symbol, *(e8(tree[name]) for name in "bBaA"), int(tree["u"]), time)]
    if event is None and "lastUpdateId" in tree:
        whose = tree.get("symbol", alone)
        return [("depth", whose, True, int(tree["lastUpdateId"]), 0, time, sides(tree["bids"], tree["asks"]))]
    return []


def bytes_of(raw: bytes) -> Any:
    """A message as a kernel reads it."""
    return np.frombuffer(raw, np.uint8)
