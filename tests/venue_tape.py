"""Small tapes, instruments and orders for tests of the simulated venues."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from crossbook.commands import OutKind
from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.layout import EVENT, OUT
from crossbook.sim.latency import Constant, LatencyModel, Leg
from crossbook.sim.layout import Setup
from crossbook.sim.venue import FOREVER, SimulatedVenues
from crossbook.types import Chain, Instrument, InstrumentKind, Side, TimeInForce, Venue

E8 = 10**8
MS = 10**6
S = 10**9
BUY, SELL = int(Side.BUY), int(Side.SELL)
IOC, GTC, ALO = int(TimeInForce.IOC), int(TimeInForce.GTC), int(TimeInForce.ALO)
SPOT, LINEAR, INVERSE, HYPER = range(4)
"""The desk index of each instrument of `SETUP`."""

GRID: dict[str, Any] = {"base": "BTC", "max_lots": 10**7, "max_ticks": 10**7}
INSTRUMENTS = (
    Instrument(
        venue=Venue.BINANCE_SPOT, symbol="BTCUSDT", quote="USDT", settle="USDT", kind=InstrumentKind.SPOT,
        tick_e8=10**6, lot_e8=1000, chain=Chain.FIRST_ID, min_notional_e8=5 * E8, **GRID,
    ),
    Instrument(
        venue=Venue.BINANCE_USDM, symbol="BTCUSDT", quote="USDT", settle="USDT", kind=InstrumentKind.LINEAR,
        tick_e8=10**7, lot_e8=10**5, chain=Chain.PREVIOUS_ID, min_notional_e8=50 * E8, **GRID,
    ),
    Instrument(
        venue=Venue.BINANCE_COINM, symbol="BTCUSD_PERP", quote="USD", settle="BTC", kind=InstrumentKind.INVERSE,
        tick_e8=10**7, lot_e8=10**10, contract_e8=10**10, chain=Chain.PREVIOUS_ID, **GRID,
    ),
    Instrument(
        venue=Venue.HYPERLIQUID, symbol="BTC", quote="USDC", settle="USDC", kind=InstrumentKind.LINEAR,
        tick_e8=10**7, lot_e8=1000, chain=Chain.SNAPSHOT, min_notional_e8=10 * E8, significant_figures=5, **GRID,
    ),
)  # fmt: skip
ASSETS = ("USDT", "BTC", "USD", "USDC")
USDT, BTC, USD, USDC = range(4)
MAKER = (1_000, 200, -100, 150)
TAKER = (1_000, 500, 500, 450)
SETUP = Setup(instruments=INSTRUMENTS, maker_ppm=MAKER, taker_ppm=TAKER, assets=ASSETS, leverage=(1, 10, 10, 10))


def latency(entry_us: int = 1_000, response_us: int = 500) -> LatencyModel:
    """The same constant legs for every venue."""
    leg = Leg(entry=Constant(entry_us), response=Constant(response_us))
    return LatencyModel(1, dict.fromkeys(Venue, leg))


Frame = list[dict[str, int]]


def row(kind: EventKind, ts: int, i: int, **columns: int) -> dict[str, int]:
    """One row of instrument `i`, known when it happened."""
    return {"kind": kind, "ts": ts, "ts_venue": ts, "instrument": i, "venue": INSTRUMENTS[i].venue, **columns}


def depth(ts: int, i: int, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> Frame:
    """A snapshot of (price, lots) levels; `ts` is its id."""
    levels = [(0, *level) for level in bids] + [(1, *level) for level in asks]
    return [
        row(EventKind.BOOK_SNAPSHOT, ts, i, side=side, price=price, lots=lots, id=ts) for side, price, lots in levels
    ]


def quote(ts: int, i: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> Frame:
    """A best bid and ask; `ts` is its id."""
    return [row(EventKind.QUOTE, ts, i, price=bid, lots=bid_lots, price2=ask, lots2=ask_lots, id=ts)]


def trade(ts: int, i: int, taker: int, price: int, lots: int) -> Frame:
    """A public print."""
    return [row(EventKind.TRADE, ts, i, side=taker, price=price, lots=lots, id=ts)]


def funding(ts: int, i: int, rate_e8: int, mark_e8: int = 0) -> Frame:
    """A funding stamp."""
    return [row(EventKind.FUNDING, ts, i, lots=rate_e8, price=mark_e8)]


def tape(frames: Sequence[Frame]) -> tuple[Any, Any]:
    """The frames as rows and starts."""
    rows = np.zeros(sum(map(len, frames)), EVENT)
    starts = np.cumsum([0, *map(len, frames)])
    for at, columns in enumerate(columns for frame in frames for columns in frame):
        for name, value in columns.items():
            rows[at][name] = value
    rows["flags"][starts[1:] - 1] = FLAG_LAST
    return rows, starts


def venues(frames: Sequence[Frame], model: LatencyModel | None = None, setup: Setup = SETUP) -> SimulatedVenues:
    """Simulated venues over the frames, with plenty of money everywhere."""
    made = SimulatedVenues(setup, *tape(frames), model or latency())
    for venue, asset in ((0, USDT), (0, BTC), (1, USDT), (2, BTC), (3, USDC)):
        made.transfer(venue, asset, 10**17)
    return made


def order(ts: int, i: int, side: int, price: int, lots: int, number: int, **columns: int) -> Any:
    """A SUBMIT_ORDER, an IOC of strategy 0 unless said otherwise."""
    command = np.zeros(1, OUT)
    fields = {"kind": OutKind.SUBMIT_ORDER, "ts": ts, "instrument": i, "venue": INSTRUMENTS[i].venue, "side": side}
    fields |= {"price": price, "lots": lots, "order": number, **columns}
    for name, value in fields.items():
        command[name] = value
    return command


def cancel(ts: int, i: int, number: int) -> Any:
    """A CANCEL_ORDER."""
    return order(ts, i, 0, 0, 0, number, kind=OutKind.CANCEL_ORDER)


def replies(made: SimulatedVenues, until: int, commands: Sequence[Any] = ()) -> Any:
    """All replies due by `until`, the venues driven as the desk's loop drives them."""
    got = [np.zeros(0, EVENT)]
    waiting = sorted(commands, key=lambda command: int(command["ts"][0]))
    while True:
        due = made.next_due()
        if waiting and int(waiting[0]["ts"][0]) <= due:
            made.send(waiting.pop(0))
        elif due <= until and due < FOREVER:
            got.append(made.advance(due))
        else:
            return np.concatenate([*got, made.advance(until)])


def fills(rows: Any) -> list[tuple[int, int, int]]:
    """(order, price, lots) of the fills."""
    filled = rows[rows["kind"] == EventKind.ORDER_FILLED]
    return list(zip(filled["id"].tolist(), filled["price"].tolist(), filled["lots"].tolist(), strict=True))


def kinds(rows: Any) -> list[EventKind]:
    """What happened, in order."""
    return [EventKind(kind) for kind in rows["kind"].tolist()]
