"""Bars and funding from Parquet files: BAR (of mark prices: MARK_PRICE) and FUNDING events on an instrument's grid.

These files hold floats. They enter here and only here, each by a named rounding: prices to the nearest tick,
quantities to the nearest lot, rates to the nearest 1e-8, ties to even. What was moved by it is counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import Refused
from crossbook.events import FLAG_LAST, EventKind
from crossbook.money import E8
from crossbook.rules.layout import Rows, new_events
from crossbook.tape.packed import FRAME, Stream, pack_all
from crossbook.timestamp import iso, stamp_to_ns
from crossbook.types import Instrument, Venue

TIMES = ("open_time", "date", "start", "timestamp")
PRICES = ("open", "high", "low", "close")
OFF_GRID = 1e-6
"""A float this close to a tick, relative to the tick, is that tick."""

PERPETUAL = re.compile(r"(\w+)_(USDC|USDT)_\2-\w+-(futures|mark)")
PAIR = re.compile(r"(\w+)_(USDT)-\w+")
SYMBOL = re.compile(r"([A-Z0-9]+USD[TC])_\w+")
DEPEG = re.compile(r"binance_([a-z]+)")

Lookup = Callable[[Venue, str, Path], Instrument]


@dataclass
class Bars:
    """What a file holds, on the grids of its instruments, and how many numbers were rounded."""

    sha256: str
    bytes: int
    venue: Venue
    stream: Stream
    rounded: int


def read_bars(path: Path, lookup: Lookup, venue: Venue | None, only: Iterable[str] | None) -> Bars:
    """Read a Parquet file of bars or funding. `only`: the symbols wanted of a file that holds several.

    Raises `Refused` naming the file, and the row or symbol that is wrong.
    """
    import polars as pl

    raw = path.read_bytes()
    try:
        table = pl.read_parquet(raw)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused(f"{path}: damaged or no Parquet file ({first}): fetch it again") from None
    if "funding_rate" in table.columns:
        made = _funding(path, table, lookup, venue, only)
    elif set(PRICES) <= set(table.columns):
        made = _bars(path, table, lookup, venue)
    else:
        raise Refused(f"{path}: neither bars (open, high, low, close) nor funding (funding_rate): leave it out")
    venue, instruments, rows, rounded = made
    order = np.argsort(rows["ts"], kind="stable")
    frames, levels = np.empty(len(rows), FRAME), np.empty((len(rows), 2), np.int64)
    pack_all(rows[order], frames, levels)
    stream = Stream(path, instruments, frames, levels)
    return Bars(hashlib.sha256(raw).hexdigest(), len(raw), venue, stream, rounded)


Made = tuple[Venue, tuple[Instrument, ...], Rows, int]


def _bars(path: Path, table: Any, lookup: Lookup, venue: Venue | None) -> Made:
    found, symbol, mark = _named(path)
    venue = found if venue is None else venue
    instrument = lookup(venue, symbol, path)
    opened = _times(path, table, next(name for name in TIMES if name in table.columns))
    if len(opened) < 2:
        raise Refused(f"{path}: {len(opened)} bars do not say how long a bar is: give at least two")
    steps = np.diff(opened)
    if steps.min() <= 0:
        row = int(np.argmin(steps > 0)) + 1
        raise Refused(f"{path}: row {row}: time {iso(int(opened[row]))} is not after the one above: sort the file, "
                      "leave out repetitions")  # fmt: skip
    interval = int(steps.min())
    rounded = 0
    ticks = {}
    for name in PRICES:
        ticks[name], moved = _units(path, table, name, 1 if mark else instrument.tick_e8, least=1)
        rounded += moved
    rows = _blank(len(table), opened + interval, venue)
    if mark:
        rows["kind"] = EventKind.MARK_PRICE
        rows["price"] = ticks["close"]
        return venue, (instrument,), rows, rounded
    lots, moved = _units(path, table, "volume", instrument.lot_e8, least=0)
    rows["kind"] = EventKind.BAR
    rows["price"], rows["price2"], rows["id"], rows["id2"] = (ticks[k] for k in ("open", "close", "high", "low"))
    rows["lots"], rows["lots2"] = lots, interval
    return venue, (instrument,), rows, rounded + moved


def _funding(path: Path, table: Any, lookup: Lookup, venue: Venue | None, only: Iterable[str] | None) -> Made:
    column = "coin" if "coin" in table.columns else "symbol"
    if column not in table.columns:
        raise Refused(f"{path}: funding without a symbol or coin column: leave it out")
    if venue is None:
        venue = Venue.HYPERLIQUID if column == "coin" else Venue.BINANCE_USDM
    table = table if only is None else table.filter(table[column].is_in(list(only)))
    symbols = sorted(set(table[column].to_list()))
    if not symbols:
        raise Refused(f"{path}: none of the symbols asked for is in it: ask for others with --only")
    instruments = tuple(lookup(venue, symbol, path) for symbol in symbols)
    rows = _blank(len(table), _times(path, table, "date"), venue)
    rows["kind"] = EventKind.FUNDING
    rows["instrument"] = np.searchsorted(np.array(symbols), table[column].to_numpy().astype(str))
    rates = table["funding_rate"].to_numpy().astype(np.float64)
    _finite(path, rates, "funding_rate", -1.0)
    rows["lots"] = np.rint(rates * E8)
    return venue, instruments, rows, int((np.abs(rates * E8 - rows["lots"]) > OFF_GRID).sum())


def _named(path: Path) -> tuple[Venue, str, bool]:
    """Venue, symbol and whether of mark prices, from the file's name."""
    name = path.name.removesuffix(".parquet")
    if match := PERPETUAL.fullmatch(name):
        coin, quote, kind = match.groups()
        if quote == "USDC":
            return Venue.HYPERLIQUID, coin, kind == "mark"
        return Venue.BINANCE_USDM, coin + quote, kind == "mark"
    if match := PAIR.fullmatch(name):
        return Venue.BINANCE_SPOT, match[1] + match[2], False
    if match := SYMBOL.fullmatch(name):
        return Venue.BINANCE_SPOT, match[1], False
    if match := DEPEG.fullmatch(name):
        return Venue.BINANCE_SPOT, match[1].upper(), False
    raise Refused(
        f"{path}: its name tells no venue and symbol known here: name it like BTC_USDT_USDT-1m-futures.parquet"
    )


def _times(path: Path, table: Any, column: str) -> Any:
    values = table[column]
    if values.dtype.is_temporal():
        return values.dt.epoch("ns").to_numpy().astype(np.int64)
    stamps = values.cast(int).to_numpy().astype(np.int64)
    return stamps * (stamp_to_ns(int(stamps[0])) // int(stamps[0])) if len(stamps) else stamps


def _units(path: Path, table: Any, column: str, step_e8: int, least: int) -> tuple[Any, int]:
    """A column of floats as multiples of a step, to the nearest, and how many had to move."""
    values = table[column].to_numpy().astype(np.float64)
    _finite(path, values, column, 0.0)
    exact = values * E8 / step_e8
    units = np.rint(exact).astype(np.int64)
    low = np.flatnonzero(units < least)
    if len(low):
        raise Refused(
            f"{path}: row {int(low[0]) + 1}: {column} {values[low[0]]} is no {column}: mend or remove the row"
        )
    return units, int((np.abs(exact - units) > OFF_GRID * np.maximum(np.abs(exact) / E8, 1)).sum())


def _finite(path: Path, values: Any, column: str, least: float) -> None:
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= least)))
    if len(wrong):
        where = f"{path}: row {int(wrong[0]) + 1}: {column} {values[wrong[0]]}"
        raise Refused(f"{where} is not a number of {least:g} or more: mend or remove the row")


def _blank(n: int, ts: Any, venue: Venue) -> Rows:
    rows = new_events(n)
    rows["ts"] = ts
    rows["venue"] = venue
    rows["flags"] = FLAG_LAST
    return rows
