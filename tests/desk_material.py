"""Small desks, markets and runs for the laws of the core: one coin at three venues, two strategies."""

from __future__ import annotations

import itertools
import random
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from crossbook.commands import SubmitOrder
from crossbook.desk.config import Config, check_config
from crossbook.desk.journal import JournalWriter, journal_sha256, read_journal
from crossbook.desk.replay import Replay
from crossbook.desk.wire import Bundle, wire
from crossbook.engine import Engine
from crossbook.events import BookLevel, BookSnapshot, OrderFilled
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out
from crossbook.ledger.ledger import Ledger
from crossbook.market.instruments import load_instruments
from crossbook.rules.layout import EVENT, OUT, Rows
from crossbook.rules.orders import apply_order_event, apply_submit
from crossbook.rules.rows import pack, pack_out
from crossbook.tape.tape import Tape, tape_of_rows
from crossbook.types import Venue

E8 = 10**8
MS = 10**6
S = 10**9
T0 = 1_723_161_255 * S
SPOT, USDM, HYPER, DOLLAR = range(4)
"""Instruments in the desk's numbering: BTC at three venues, and what prices USDC."""
INSTRUMENTS = (
    load_instruments(Venue.BINANCE_SPOT)["BTCUSDT"],
    load_instruments(Venue.BINANCE_USDM)["BTCUSDT"],
    load_instruments(Venue.HYPERLIQUID)["BTC"],
    load_instruments(Venue.BINANCE_SPOT)["USDCUSDT"],
)
USD = [E8 // one.tick_e8 for one in INSTRUMENTS]
"""Ticks in a dollar."""
MILLI = [10**5 // one.lot_e8 for one in INSTRUMENTS[:3]]
"""Lots in a thousandth of a coin, which all three can trade."""
FEED_NS = MS
"""From a venue's stamp to our receipt."""

CONFIG = """
[venues.binance_spot]
opening = { USDT = 3000, BTC = 0.05 }
[venues.binance_usdm]
opening = { USDT = 4400 }
entry_latency_us = 3000
[venues.hyperliquid]
opening = { USDC = 4400 }
entry_latency_us = [20000, 90000, 250000]
response_latency_us = [5000, 40000]
quote_age_ms_max = 1500
[marks]
USDC = "binance_spot:USDCUSDT"
BTC = "binance_spot:BTCUSDT"
[pairs.A]
a = "binance_spot:BTCUSDT"
b = "binance_usdm:BTCUSDT"
[pairs.B]
a = "binance_usdm:BTCUSDT"
b = "hyperliquid:BTC"
[strategies.v0]
kind = "arbitrage_v0"
pairs = ["A"]
[strategies.v1]
kind = "arbitrage_v0"
pairs = ["B"]
hold_s_max = 3
"""


TRADES = itertools.count(1)


def config(text: str = CONFIG, **limits: Any) -> Config:
    """A configuration from TOML, with some limits given by keyword."""
    table = tomllib.loads(text, parse_float=Decimal)
    table["limits"] = table.get("limits", {}) | limits
    made = msgspec.convert(table, Config)
    check_config(made, "test")
    return made


Frame = Rows


def book(ts: int, i: int, bid_usd: int, spread_usd: int = 1, millis: Sequence[int] = (20,), step_usd: int = 6) -> Frame:
    """A snapshot at whole dollars: levels of so many thousandths of a coin, the same on both sides."""
    if i == DOLLAR:
        levels = [BookLevel(0, 9_999, 10**6), BookLevel(1, 10_001, 10**6)]
    else:
        levels = [BookLevel(0, (bid_usd - k * step_usd) * USD[i], q * MILLI[i]) for k, q in enumerate(millis)]
        ask = bid_usd + spread_usd
        levels += [BookLevel(1, (ask + k * step_usd) * USD[i], q * MILLI[i]) for k, q in enumerate(millis)]
    rows = pack(BookSnapshot(ts=ts, ts_venue=ts - FEED_NS, instrument=i, last_id=ts, levels=tuple(levels)))
    rows["venue"] = int(INSTRUMENTS[i].venue)
    return rows


def opening(ts: int = T0, usd: int = 60_000) -> list[Frame]:
    """One calm book of each instrument."""
    return [book(ts, i, usd) for i in (DOLLAR, SPOT, USDM, HYPER)]


def tape_of(frames: Iterable[Frame], kept: Sequence[int] = (SPOT, USDM, HYPER, DOLLAR)) -> Tape:
    """A tape in memory of frames in receive order, of these instruments only."""
    rows = np.concatenate([frame for frame in frames if frame["instrument"][0] in kept])
    rows["instrument"] = [kept.index(i) for i in rows["instrument"].tolist()]
    return tape_of_rows([INSTRUMENTS[i] for i in kept], rows)


def wandering(seed: int, frames: int, gap_ms: int = 60) -> Tape:
    """Prices wander apart and together, some books are thin: entries, exits, partial fills, failed legs."""
    draw = random.Random(seed)
    made, ts = opening(), T0
    apart = {SPOT: 0, USDM: 0, HYPER: 0}
    for k in range(frames):
        ts += draw.randrange(1, gap_ms) * MS
        if k % 50 == 0:
            made.append(book(ts, DOLLAR, 1))
            continue
        i = draw.choice((SPOT, USDM, HYPER))
        apart[i] += draw.randrange(-40, 41) - apart[i] // 3
        if draw.random() < 0.08:
            apart[i] = draw.choice((-260, -150, 150, 260))
        levels = [draw.choice((1, 2, 3, 8)) for _ in range(draw.randrange(1, 4))]
        made.append(book(ts, i, 60_000 + apart[i], draw.choice((1, 2, 12)), levels))
    return tape_of(made)


def desk(text: str = CONFIG, tape: Tape | None = None, **limits: Any) -> Rows:
    """The desk's record of a configuration, before its first event."""
    made = wire(config(text, **limits), tape or tape_of(opening())).engine.desk
    made[0].strategies["capital_e8"] = 1 << 55  # limits are judged here; capital has tests of its own
    return made


@dataclass
class Run:
    """A finished run: its parts, and what its journal says."""

    bundle: Bundle
    folder: Path
    entries: list[bytes]
    replay: Replay

    @property
    def desk(self) -> Any:
        """The state the engine kept."""
        return self.bundle.engine.desk[0]

    def ledger(self) -> Ledger:
        """The books folded from the journal."""
        return Ledger.of(self.entries)

    def sha256(self) -> str:
        """The hash of the journal."""
        return journal_sha256(self.folder / "journal")


def run(wanted: Config, tape: Tape, folder: Path, engine: Callable[[Bundle], Engine] | None = None) -> Run:
    """Replay a tape as `backtest` does, the journal in small segments. `engine` may put an observer in its place."""
    bundle = wire(wanted, tape)
    if engine is not None:
        bundle.engine = engine(bundle)
    with JournalWriter(folder / "journal", segment_bytes=1 << 18) as journal:
        replay = Replay(bundle, journal)
        replay.run()
    return Run(bundle, folder, [payload for _, payload in read_journal(folder / "journal")], replay)


def rows_of(entries: Iterable[bytes]) -> list[Any]:
    """The entries of a journal decoded, without the declaration and what was said in words."""
    return [
        decode_event(entry) if entry[0] == EVENT_TAG else decode_out(entry)
        for entry in entries
        if entry[0] in (EVENT_TAG, OUT_TAG)
    ]


def as_row(entry: bytes) -> Rows:
    """An entry as the one-row array that `State.apply` takes."""
    return np.frombuffer(entry, EVENT if entry[0] == EVENT_TAG else OUT, 1, 1)


def declaration_of(entries: Sequence[bytes]) -> Declaration:
    """What the run declared."""
    return Declaration.from_json(entries[0][1:])


def opened(text: str = CONFIG, ts: int = T0, **limits: Any) -> Rows:
    """A desk that has seen the opening books."""
    made = desk(text, **limits)
    engine = Engine(made)
    for frame in opening(ts):
        frame.flags.writeable = False
        engine.step_rows(frame)
    return made


def send(s: Any, number: int, i: int, side: int, lots: int, strategy: int = 0, **more: int) -> int:
    """An order of ours leaves, whatever the gate thinks; its slot."""
    fields = {"ts": T0, "tif": 0, "price": 60_000 * USD[i], "intent": number} | more
    command = SubmitOrder(
        strategy=strategy, instrument=i, venue=int(INSTRUMENTS[i].venue), side=side, lots=lots, order=number, **fields
    )
    return int(apply_submit(s, pack_out(command)[0]))


def hold(s: Any, i: int, lots: int, strategy: int = 0, usd: int = 60_000) -> None:
    """A strategy comes to hold so many lots more, signed, at a price in dollars."""
    if lots:
        event = OrderFilled(
            ts=T0, ts_venue=T0, instrument=i, venue=int(INSTRUMENTS[i].venue), strategy=strategy, order=0,
            trade=next(TRADES),
            side=0 if lots > 0 else 1, price=usd * USD[i], lots=abs(lots), fee_e8=0, fee_asset=0,
        )  # fmt: skip
        apply_order_event(s, pack(event)[0])
