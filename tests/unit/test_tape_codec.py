"""The codecs: JSON as Python's own reader has it, numbers as `money` has them, messages as the venues write them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit import tape_material as make

from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.market.instruments import load_instruments
from crossbook.money import parse_e8
from crossbook.types import Chain, Venue
from crossbook.venues.depth_sync import DepthSync
from crossbook.venues.frames import MarketCodec
from crossbook.venues.scan import decimal_e8, scan, tokens_for

T0 = make.T0


def bytes_of(text: str | bytes) -> Any:
    return np.frombuffer(text if isinstance(text, bytes) else text.encode(), np.uint8)


@pytest.mark.jit_off
@given(st.one_of(st.from_regex(r"\A[0-9]{1,14}(\.[0-9]{1,9})?\Z"), st.text("0123456789.eE-+N", max_size=9)))
def test_a_decimal_is_what_money_parses_or_refused(text: str) -> None:
    found = decimal_e8(bytes_of(text), 0, len(text))
    plain = text.replace(".", "", 1).isdigit() and text[0] != "." and text[-1] != "."
    try:
        expected = parse_e8(text, "number") if plain else -1
    except Refused:
        expected = -1
    assert found == expected


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


def count(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(count(one) for one in inside)


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.jit_off
@given(values, st.booleans(), st.integers(0, 200), st.sampled_from(['"', "{", "]", ",", ":", "x", "0", "-", "\\", ""]))
def test_json_is_what_python_reads_or_refused(value: Any, spaced: bool, at: int, piece: str) -> None:
    text = json.dumps(value, separators=None if spaced else (",", ":"))
    raw = bytes_of(text)
    assert scan(raw, 0, len(raw), tokens_for(len(raw))) == count(value)
    broken = text[: at % (len(text) + 1)] + piece + text[at % (len(text) + 1) + 1 :]
    try:
        strict(broken)
        legal = True
    except ValueError:
        legal = False
    raw = bytes_of(broken)
    # an escape's letters are not looked at: nothing that is read holds one
    assert (scan(raw, 0, len(raw), tokens_for(len(raw))) >= 0) == legal or "\\" in broken


def spot() -> MarketCodec:
    return MarketCodec([load_instruments(Venue.BINANCE_SPOT)["BTCUSDT"]], [4])


def decoded(codec: MarketCodec, frame: Any) -> list[dict[str, int]]:
    rows = codec.decode(json.dumps(frame, separators=(",", ":")).encode(), T0)
    return [dict(zip(rows.dtype.names or (), row, strict=True)) for row in rows.tolist()]


def test_a_spot_update_is_a_row_a_level() -> None:
    rows = decoded(spot(), make.depth(9, 10, [("100.00000000", "1.50000000")], [("100.01", "0.00000000")]))
    assert [(r["side"], r["price"], r["lots"], r["flags"]) for r in rows] == [
        (0, 10_000, 150_000, 0),
        (1, 10_001, 0, 1),
    ]
    assert {(r["kind"], r["id"], r["id2"], r["instrument"], r["ts"]) for r in rows} == {(3, 10, 9, 4, T0)}
    assert rows[0]["ts_venue"] == T0


def test_a_futures_update_is_linked_by_its_previous_id_and_stamped_by_the_engine() -> None:
    codec = MarketCodec([load_instruments(Venue.BINANCE_USDM)["BTCUSDT"]], [0])
    (row,) = decoded(codec, make.depth(9, 10, [], [], pu=7, T=1_723_161_254_999))
    assert (row["id"], row["id2"], row["price"], row["lots"], row["flags"]) == (10, 7, 0, 0, 1)
    assert row["ts_venue"] == 1_723_161_254_999 * make.MS


def test_tickers_trades_and_marks() -> None:
    (quote,) = decoded(spot(), make.ticker(5, ("100.00", "2"), ("0.00", "0")))
    assert (quote["price"], quote["lots"], quote["price2"], quote["lots2"], quote["id"]) == (10_000, 200_000, 0, 0, 5)
    assert quote["ts_venue"] == 0, "spot does not say when"
    (sold,) = decoded(spot(), make.trade(3, "100.01", "0.001", maker_buys=True))
    assert (sold["kind"], sold["side"], sold["price"], sold["lots"], sold["id"]) == (EventKind.TRADE, 1, 10_001, 100, 3)
    words = {"e": "markPriceUpdate", "E": T0 // make.MS, "s": "BTCUSDT", "p": "61.5", "i": "61.4", "r": "-0.00012"}
    (mark,) = decoded(spot(), make.stream("btcusdt@markPrice@1s", words | {"T": 1_723_161_600_000}))
    assert (mark["price"], mark["price2"], mark["lots"]) == (6_150_000_000, 6_140_000_000, -12_000)
    assert mark["id"] == 1_723_161_600_000 * make.MS


def test_hyperliquid_books_quotes_and_trades() -> None:
    codec = MarketCodec([load_instruments(Venue.HYPERLIQUID)["BTC"]], [2])
    book = {"coin": "BTC", "time": T0 // make.MS, "levels": [[{"px": "105055.0", "sz": "3.1", "n": 5}], []]}
    (row,) = decoded(codec, {"channel": "l2Book", "data": book})
    assert (row["kind"], row["id"], row["price"], row["lots"]) == (2, T0 // make.MS, 1_050_550, 310_000)
    bbo = {"coin": "BTC", "time": T0 // make.MS, "bbo": [None, {"px": "105056", "sz": "0.00001", "n": 1}]}
    (row,) = decoded(codec, {"channel": "bbo", "data": bbo})
    assert (row["lots"], row["price2"], row["lots2"]) == (0, 1_050_560, 1)
    prints = [
        {"coin": "BTC", "side": s, "px": "1", "sz": "1", "time": T0 // make.MS, "tid": i} for i, s in enumerate("AB")
    ]
    rows = decoded(codec, {"channel": "trades", "data": prints})
    assert [(r["id"], r["side"], r["flags"]) for r in rows] == [(0, 1, 1), (1, 0, 1)]


def test_other_messages_are_nothing_and_wrong_ones_are_named() -> None:
    codec = spot()
    for frame in ({"result": None, "id": 1}, [1, 2], make.stream("x@kline_1m", {"e": "kline", "s": "BTCUSDT"})):
        assert decoded(codec, frame) == []
    for frame, words in [
        (make.ticker(5, ("NaN", "2"), ("1", "0")), "'NaN' is not a number"),
        (make.ticker(5, ("1", "2"), ("-1", "0")), "'-1' is not a number"),
        (make.trade(5, "1e3", "1"), "'1e3' is not a number"),
        (make.trade(5, "100.001", "1"), "not a multiple of 0.01"),
        (make.trade(5, "0", "1"), "'0' is not a number"),
        (make.ticker(5, ("1", "2"), ("1", "0"), s="ETHUSDT"), "names no symbol"),
        (make.depth(1, 2, [], [], E=5), "no time"),
        (make.stream("x", {"e": "depthUpdate", "s": "BTCUSDT", "u": 1}), "lacks a field"),
    ]:
        with pytest.raises(Refused, match=words):
            decoded(codec, frame)
    assert len(decoded(codec, make.ticker(5, ("1", "2"), ("2", "0")))) == 1, "a wrong frame leaves nothing behind"


ids = st.lists(st.integers(1, 3), min_size=1, max_size=12)


@given(ids, st.integers(0, 12), st.integers(0, 40), st.sampled_from([Chain.FIRST_ID, Chain.PREVIOUS_ID]))
def test_a_snapshot_at_any_moment_gives_all_newer_updates_once(
    steps: list[int], when: int, at: int, chain: Chain
) -> None:
    """Without a loss, what is usable is the snapshot and every update that goes on from it."""
    ends = np.cumsum([1, *steps]).tolist()
    updates = [(old + 1 if chain is Chain.FIRST_ID else old, new) for old, new in pairwise(ends)]
    last_id = min(at + 1, ends[min(when, len(updates))])
    sync: DepthSync[int] = DepthSync(chain)
    usable: list[int] = []
    for chain_id, new in updates[:when]:
        usable += sync.delta(chain_id, new, new)
    assert usable == [] and sync.needs_snapshot
    usable += sync.snapshot(last_id, -1)
    for chain_id, new in updates[when:]:
        usable += sync.delta(chain_id, new, new)
    assert usable[0] == -1 and not sync.needs_snapshot
    fresh = [new for new in usable[1:] if new > last_id]
    assert fresh == [new for _, new in updates if new > last_id]


def test_a_gap_is_shown_and_asks_for_a_snapshot() -> None:
    sync: DepthSync[str] = DepthSync(Chain.PREVIOUS_ID)
    assert sync.snapshot(10, "snapshot") == ["snapshot"]
    assert sync.delta(9, 12, "a") == ["a"]
    assert sync.delta(13, 15, "b") == ["b"] and sync.needs_snapshot
    assert sync.delta(15, 17, "c") == []
    assert sync.snapshot(12, "too old") == [] and sync.needs_snapshot
    assert sync.snapshot(16, "new") == ["new", "c"] and not sync.needs_snapshot
    assert sync.snapshot(3, "late answer") == []
