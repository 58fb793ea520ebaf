"""Random small journals for the laws of the ledger: a strategy draws operations, `entries` turns them into bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration, DeclaredInstrument, DeclaredPair, DeclaredVenue
from crossbook.ledger.entries import encode_declaration, encode_event, encode_out
from crossbook.rules.layout import EVENT, OUT
from crossbook.types import Chain, InstrumentKind, Venue

USDT, BTC, USDC, BNB = range(4)
SPOT, LINEAR, HYPER, INVERSE, DOLLAR = range(5)
T0 = 1_723_161_255_000_000_000
SECOND = 1_000_000_000
E8 = 10**8


def _instrument(venue: Venue, symbol: str, kind: InstrumentKind, **grid: Any) -> DeclaredInstrument:
    words = {"base": "BTC", "quote": "USDT", "settle": "USDT", "tick_e8": 10**6, "lot_e8": 1_000, "max_lots": 10**9}
    words |= {"max_ticks": 10**8, "chain": Chain.FIRST_ID, "maker_ppm": 200, "taker_ppm": 500}
    return DeclaredInstrument(venue=venue, symbol=symbol, kind=kind, **(words | grid))


DECLARATION = Declaration(
    instruments=[
        _instrument(Venue.BINANCE_SPOT, "BTCUSDT", InstrumentKind.SPOT),
        _instrument(
            Venue.BINANCE_USDM, "BTCUSDT", InstrumentKind.LINEAR, tick_e8=10**7, lot_e8=100_000, max_lots=10**6
        ),
        _instrument(
            Venue.HYPERLIQUID, "BTC", InstrumentKind.LINEAR, quote="USDC", settle="USDC", tick_e8=E8, max_ticks=10**6
        ),
        _instrument(
            Venue.BINANCE_COINM,
            "BTCUSD_PERP",
            InstrumentKind.INVERSE,
            quote="USD",
            settle="BTC",
            tick_e8=10**7,
            contract_e8=100 * E8,
            max_lots=10**6,
        ),
        _instrument(
            Venue.BINANCE_SPOT,
            "USDCUSDT",
            InstrumentKind.SPOT,
            base="USDC",
            tick_e8=10_000,
            lot_e8=E8,
            max_lots=10**8,
            max_ticks=10**6,
        ),
    ],
    assets=["USDT", "BTC", "USDC", "BNB"],
    asset_marks=[-1, SPOT, DOLLAR, -2],
    reporting=USDT,
    venues=[
        DeclaredVenue(label="binance_spot"),
        DeclaredVenue(label="binance_usdm", margin=True, collateral=USDT),
        DeclaredVenue(label="binance_coinm", margin=True, collateral=BTC),
        DeclaredVenue(label="hyperliquid", margin=True, collateral=USDC),
    ],
    strategies=["v0", "v1"],
    pairs=[
        DeclaredPair(name="spot_usdm", a=SPOT, b=LINEAR, step_e8=100_000),
        DeclaredPair(name="usdm_hyper", a=LINEAR, b=HYPER, step_e8=100_000),
    ],
)

VENUE = [int(one.venue) for one in DECLARATION.instruments]
SETTLE = [USDT, USDT, USDC, BTC, USDT]
PRICE_TICKS = [6_000_000, 600_000, 60_000, 600_000, 10_000]
"""About 60,000 USDT a BTC and 1 USDT a USDC on each grid."""

Op = dict[str, Any]


def _mark(instrument: int) -> st.SearchStrategy[Op]:
    middle = PRICE_TICKS[instrument]
    return st.builds(
        lambda bid, width: {"op": "mark", "instrument": instrument, "bid": bid, "ask": bid + width},
        st.integers(middle * 9 // 10, middle * 11 // 10),
        st.integers(1, 7),
    )


def _fill(instrument: int, kind: str) -> st.SearchStrategy[Op]:
    middle = PRICE_TICKS[instrument]
    ticks = st.integers(middle * 9 // 10, middle * 11 // 10)
    return st.fixed_dictionaries(
        {
            "op": st.just(kind),
            "instrument": st.just(instrument),
            "strategy": st.sampled_from([0, 1, -1]) if kind != "order" else st.sampled_from([0, 1]),
            "side": st.integers(0, 1),
            "lots": st.integers(1, 6),
            "extra": st.integers(0, 3),
            "price": ticks,
            "decision": st.one_of(st.just(0), ticks),
            "arrival": st.one_of(st.just(0), ticks),
            "fee": st.integers(-20_000, 60_000),
            "fee_asset": st.sampled_from([SETTLE[instrument], BTC] if instrument == SPOT else [SETTLE[instrument]]),
        }
    )


FUNDING = st.fixed_dictionaries(
    {
        "op": st.just("funding"),
        "instrument": st.sampled_from([LINEAR, LINEAR, HYPER, INVERSE]),
        "amount": st.integers(-(10**7), 10**7),
        "mark": st.sampled_from([0, 60_000 * E8, 60_123_45678901]),
        "rate": st.integers(-40_000, 40_000),
    }
)
TRANSFER = st.fixed_dictionaries(
    {
        "op": st.just("transfer"),
        "venue": st.integers(0, 3),
        "asset": st.sampled_from([USDT, BTC, USDC]),
        "amount": st.integers(-(10**9), 10**11),
    }
)
TICKS = st.sampled_from([0, 1, SECOND, 3_600 * SECOND, 86_400 * SECOND])
OPS = st.one_of(
    *[_mark(i) for i in range(5)],
    *[_fill(i, "order") for i in range(4)],
    *[_fill(i, "order") for i in (SPOT, LINEAR)],
    *[_fill(i, "forced") for i in (LINEAR, INVERSE)],
    FUNDING,
    FUNDING,
    TRANSFER,
)
STEP = st.tuples(TICKS, OPS)
OPENING = (
    {"op": "transfer", "venue": 0, "asset": USDT, "amount": 2_200 * E8},
    {"op": "transfer", "venue": 0, "asset": BTC, "amount": 4_000_000},
    {"op": "transfer", "venue": 1, "asset": USDT, "amount": 4_400 * E8},
    {"op": "transfer", "venue": 2, "asset": BTC, "amount": 10**8},
    {"op": "transfer", "venue": 3, "asset": USDC, "amount": 4_400 * E8},
)
FIRST_MARKS = tuple(
    {"op": "mark", "instrument": i, "bid": PRICE_TICKS[i] - 1, "ask": PRICE_TICKS[i] + 2} for i in range(5)
)


def opened(steps: list[tuple[int, Op]]) -> list[tuple[int, Op]]:
    """Opening balances and first marks, then `steps`; each with its absolute time."""
    timed, now = [], T0
    for after, op in [(0, one) for one in OPENING] + [(1, one) for one in FIRST_MARKS] + steps:
        now += after
        timed.append((now, op))
    return timed


JOURNALS = st.lists(STEP, max_size=25).map(opened)


def event(kind: EventKind, ts: int, **columns: int) -> bytes:
    row = np.zeros(1, EVENT)
    for name, value in {"kind": int(kind), "ts": ts, "ts_venue": ts, "strategy": -1, **columns}.items():
        row[name] = value
    return encode_event(row[0])


def out(kind: OutKind, ts: int, **columns: int) -> bytes:
    row = np.zeros(1, OUT)
    for name, value in {"kind": int(kind), "ts": ts, "pair": -1, **columns}.items():
        row[name] = value
    return encode_out(row[0])


def groups(timed: list[tuple[int, Op]]) -> list[list[bytes]]:
    """The entries of each operation."""
    return [_entries(number, ts, op) for number, (ts, op) in enumerate(timed, start=1)]


def entries(timed: list[tuple[int, Op]]) -> list[bytes]:
    """The payloads of a whole journal."""
    return [encode_declaration(DECLARATION.to_json())] + [one for group in groups(timed) for one in group]


def pair_of(op: Op) -> int:
    if op["instrument"] == SPOT:
        return 0
    return (0 if op["strategy"] == 0 else 1) if op["instrument"] == LINEAR else 1


def _entries(number: int, ts: int, op: Op) -> list[bytes]:
    if op["op"] == "mark":
        mark = {"instrument": op["instrument"], "price": op["bid"], "lots": op["ask"], "strategy": -1}
        return [out(OutKind.MARKED, ts, **mark)]
    if op["op"] == "transfer":
        columns = {"venue": op["venue"], "asset": op["asset"], "lots": op["amount"], "id2": number}
        return [event(EventKind.TRANSFER, ts, **columns)]
    instrument = op["instrument"]
    place = {"instrument": instrument, "venue": VENUE[instrument]}
    if op["op"] == "funding":
        columns = {"lots": op["amount"], "price": op["mark"], "lots2": op["rate"], "id2": number}
        return [event(EventKind.FUNDING_PAID, ts, asset=SETTLE[instrument], **columns, **place)]
    lots, side = op["lots"], op["side"]
    fill = {"side": side, "price": op["price"], "lots": lots, "lots2": op["fee"], "asset": op["fee_asset"]}
    fill |= {"strategy": op["strategy"], "id2": number, **place}
    if op["op"] == "forced":
        return [event(EventKind.FORCED_CLOSE, ts, id=0, **fill)]
    order = {"strategy": op["strategy"], "side": side, "price": op["price"] + 5, "lots": lots + op["extra"], **place}
    cost = {"value": op["decision"] * lots, "limit": op["arrival"] * lots, "count": number, "lots": lots}
    pair = pair_of(op) if instrument != INVERSE else -1
    return [
        out(OutKind.INTENT, ts, strategy=op["strategy"], intent=number),
        out(OutKind.SUBMIT_ORDER, ts, order=number, intent=number, pair=pair, **order),
        event(EventKind.ORDER_FILLED, ts, id=number, **fill),
        out(OutKind.FILL_COST, ts, strategy=op["strategy"], order=number, side=side, **cost, **place),
    ]
