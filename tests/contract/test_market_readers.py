"""The compiled market kernels and the readers of messages give the same numbers, on every recorded market message."""

from __future__ import annotations

import json
from typing import Any

import captured
import market_reading as reading
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.decode import decode
from crossbook.venues.frames import MarketCodec
from crossbook.venues.scan import scan, tokens_for

RECEIVED = 1_800_000_000 * 10**9
MARKET = {
    "binance_usdm": ["book_ticker_stream", "depth_update_stream", "mark_price_stream", "trade_stream"],
    "binance_spot": ["depth_response"],
    "hyperliquid": ["ws_book_data", "http_l2_book_btc", "http_l2_book_snapshot", "http_recent_trades_btc"],
}
TOO_EARLY = (b"123456789", b"123456788", b"123456785")
"""Times of 1970 in messages that were written by hand; the kernels refuse them, so a recent one is put there."""


def frame(venue: str, name: str) -> bytes:
    """A recorded message as its stream would carry it."""
    raw = captured.message(f"{venue}/{name}.json")
    for early in TOO_EARLY:
        raw = raw.replace(early, b"1700000000001")
    if venue == "hyperliquid":
        channel = b"trades" if "trades" in name else b"l2Book"
        return b'{"channel":"' + channel + b'","data":' + raw.strip() + b"}"
    return raw


def read(venue: Venue, raw: bytes) -> tuple[list[reading.Fact], list[reading.Fact], list[reading.Fact] | None]:
    """What kernel, messages and plain reading find."""
    symbol = "BTC"
    for fact in reading.plainly(raw, symbol) or ():
        symbol = fact[1]
    codec = MarketCodec([reading.fine(venue, symbol)], [0])
    rows = reading.from_rows(codec.decode(raw, RECEIVED), [symbol])
    return rows, reading.from_messages(decode(venue.label, "auto", raw), symbol), reading.plainly(raw, symbol)


@captured.needed
@pytest.mark.parametrize(("venue", "name"), [(venue, name) for venue, names in MARKET.items() for name in names])
def test_recorded_messages(venue: str, name: str) -> None:
    kernel, messages, plain = read(Venue[venue.upper()], frame(venue, name))
    assert kernel == messages == plain and kernel


@captured.needed
def test_every_recorded_message_a_kernel_reads_is_in_the_list() -> None:
    for venue in MARKET:
        for name, raw in captured.messages(venue).items():
            with_time = raw
            for early in TOO_EARLY:
                with_time = with_time.replace(early, b"1700000000001")
            facts = reading.plainly(with_time, "X")
            assert bool(facts) == (name in MARKET[venue] and venue != "hyperliquid"), name


numbers = st.decimals("0.00000001", "999999", places=8).map(lambda value: f"{value:f}")
amounts = st.one_of(numbers, st.just("0.00000000"), st.just("0"))
stamps = st.integers(1_500_000_000_000, 1_900_000_000_000)
ids = st.integers(0, 1 << 60)
levels = st.lists(st.tuples(numbers, amounts).map(list), max_size=4)


def object_of(**fields: Any) -> Any:
    return st.fixed_dictionaries({name: one if isinstance(one, st.SearchStrategy) else st.just(one)
                                  for name, one in fields.items()})  # fmt: skip


point = object_of(px=numbers, sz=amounts, n=st.integers(1, 9))
HYPERLIQUID = st.one_of(
    object_of(channel="bbo", data=object_of(coin="X", time=stamps, bbo=st.tuples(*[st.none() | point] * 2).map(list))),
    object_of(
        channel="l2Book", data=object_of(coin="X", time=stamps, levels=st.tuples(*[st.lists(point, max_size=3)] * 2))
    ),
    object_of(
        channel="trades",
        data=st.lists(
            object_of(coin="X", side=st.sampled_from("AB"), px=numbers, sz=amounts, time=stamps, tid=ids), max_size=3
        ),
    ),
)
FUTURES = st.one_of(
    object_of(e="bookTicker", u=ids, E=stamps, T=stamps, s="X", b=numbers, B=amounts, a=numbers, A=amounts),
    object_of(e="depthUpdate", E=stamps, T=stamps, s="X", U=ids, u=ids, pu=ids, b=levels, a=levels),
    object_of(e="trade", E=stamps, s="X", t=ids, p=numbers, q=amounts, T=stamps, m=st.booleans()),
    object_of(
        e="markPriceUpdate", E=stamps, s="X", p=numbers, i=numbers, T=stamps,
        r=st.one_of(st.just(""), numbers, numbers.map("-{}".format)),
    ),
)  # fmt: skip
SPOT = st.one_of(
    object_of(u=ids, s="X", b=numbers, B=amounts, a=numbers, A=amounts),
    object_of(e="depthUpdate", E=stamps, s="X", U=ids, u=ids, b=levels, a=levels),
    object_of(lastUpdateId=ids, bids=levels, asks=levels),
    object_of(e="trade", E=stamps, s="X", t=ids, p=numbers, q=amounts, T=stamps, m=st.booleans()),
)


@pytest.mark.parametrize(
    ("venue", "messages"),
    [(Venue.HYPERLIQUID, HYPERLIQUID), (Venue.BINANCE_USDM, FUTURES), (Venue.BINANCE_SPOT, SPOT)],
    ids=lambda one: one.label if isinstance(one, Venue) else "",
)
@given(data=st.data(), spaced=st.booleans())
def test_any_message(venue: Venue, messages: st.SearchStrategy[Any], data: st.DataObject, spaced: bool) -> None:
    tree = data.draw(messages)
    kernel, told, plain = read(venue, json.dumps(tree, indent=2 if spaced else None).encode())
    assert kernel == told == plain


inside_a_string = st.one_of(
    st.binary(max_size=24),
    st.text(max_size=12).map(str.encode),
    st.from_regex(r"\\[a-z]?u?[0-9a-fg]{0,6}").map(str.encode),
)


@pytest.mark.jit_off
@given(inside_a_string)
def test_a_string_is_json_exactly_if_python_says_so(inside: bytes) -> None:
    raw = b'{"a":"' + inside + b'"}'
    assert (scan(reading.bytes_of(raw), 0, len(raw), tokens_for(len(raw))) >= 0) == (reading.parsed(raw) is not None)


@pytest.mark.jit_off
@pytest.mark.parametrize("piece", [b"[", b'{"":', b"[[],", b"1 ", b'""', b"[1,"])
def test_what_never_closes_writes_no_token_beyond_its_room(piece: bytes) -> None:
    raw = piece * (2_000 // len(piece))
    room = len(tokens_for(len(raw)))
    tokens = tokens_for(4 * len(raw) + 8)
    tokens["kind"] = -77
    assert scan(reading.bytes_of(raw), 0, len(raw), tokens[:room]) < 0
    assert (tokens["kind"][room:] == -77).all()


def test_a_symbol_of_a_wrong_frame_is_not_kept() -> None:
    """Found by the campaign: the second frame was read with a line of the grid that does not exist."""
    codec = MarketCodec([reading.fine(Venue.HYPERLIQUID, "BTC")], [0])
    level = '{"px":"1.5","sz":"2"}'
    for sizes in ("x", "2"):
        top = f'[{level},{{"px":"1","sz":"{sizes}"}}]'
        raw = f'{{"channel":"bbo","data":{{"coin":"ETH","time":1700000000000,"bbo":{top}}}}}'
        with pytest.raises(Refused):
            codec.decode(raw.encode(), RECEIVED)


@pytest.mark.parametrize(
    ("venue", "raw"),
    [
        (Venue.HYPERLIQUID, '{"channel":"bbo","data":{"coin":"BTC","time":1700000000000,"bbo":[{"px":"1","sz":"2"}]}}'),
        (Venue.HYPERLIQUID, '{"channel":"l2Book","data":{"coin":"BTC","time":1700000000000,"levels":[[],null]}}'),
        (Venue.HYPERLIQUID, '{"channel":"l2Book","data":{"coin":"BTC","time":1700000000000,"levels":[[null],[]]}}'),
        (Venue.HYPERLIQUID, '{"channel":"l2Book","data":{"coin":"BTC","time":1700000000000,"levels":[[],[],[]]}}'),
        (
            Venue.HYPERLIQUID,
            '{"channel":"trades","data":[{"coin":"BTC","side":"Ask","px":"1","sz":"1","time":1700000000000,"tid":1}]}',
        ),
        (
            Venue.BINANCE_USDM,
            '{"e":"markPriceUpdate","E":1562305380000,"s":"BTC","p":"1","i":"1","r":"0","T":9562306400000}',
        ),
        (
            Venue.BINANCE_SPOT,
            '{"stream":"btc@depth5","data":{"e":"depthUpdate","E":1700000000001,"U":157,"u":160,"b":[],"a":[]}}',
        ),
    ],
    ids=["one side", "no side", "no level", "three sides", "a long side", "a stamp that does not fit", "no symbol"],
)
def test_what_a_kernel_took_and_must_refuse(venue: Venue, raw: str) -> None:
    with pytest.raises(Refused):
        MarketCodec([reading.fine(venue, "BTC")], [0]).decode(raw.encode(), RECEIVED)


def test_a_stream_is_partial_only_by_its_whole_name() -> None:
    data = '{"e":"depthUpdate","E":1700000000001,"s":"BTC","U":157,"u":160,"b":[["1","1"]],"a":[]}'
    codec = MarketCodec([reading.fine(Venue.BINANCE_SPOT, "BTC")], [0])
    for stream, snapshot in (
        ("btc@depth5", True),
        ("btc@depth@100ms", False),
        ("btc@depth20@100ms", True),
        ("btc@deqth5", False),
    ):
        raw = f'{{"stream":"{stream}","data":{data}}}'.encode()
        [fact] = reading.from_rows(codec.decode(raw, RECEIVED), ["BTC"])
        assert fact[2] is snapshot


def test_a_word_is_told_by_all_its_letters() -> None:
    codec = MarketCodec([reading.fine(Venue.BINANCE_SPOT, "BTC")], [0])
    for name, rows in (("lastUpdateId", 1), ("lastUpdateIx", 0)):
        raw = f'{{"{name}":160,"bids":[["1","1"]],"asks":[]}}'.encode()
        assert len(codec.decode(raw, RECEIVED)) == rows
