"""Orders as they are signed, instruments as meta gives them, fills that are one and chains that are whole."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import captured
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.market.instruments import load_instruments
from crossbook.money import factor_of
from crossbook.types import Instrument, Side, TimeInForce, Venue
from crossbook.venues.hyperliquid import fills, info, orders, rules, stream
from crossbook.venues.hyperliquid.actions import ALLOWED, packed
from crossbook.venues.hyperliquid.messages import Fill

BTC = load_instruments(Venue.HYPERLIQUID)["BTC"]
CLOID = "0x1234567890abcdef1234567890abcdef"


AS_SENT = '{"a":0,"b":true,"p":"1","s":"0.0001","r":false,"t":{"limit":{"tif":"Ioc"}}}'
ORDER = orders.new_order(BTC, 3, Side.SELL, 650_001, 1, TimeInForce.ALO, reduce_only=True, cloid=CLOID)


def test_the_bytes_of_the_documents_order() -> None:
    """`0.001 BTC at 65000`: the msgpack of vector 10."""
    order = orders.new_order(BTC, 0, Side.BUY, 650_000, 100, TimeInForce.GTC)
    assert packed(orders.place([order])).hex() == (
        "83a474797065a56f72646572a66f72646572739186a16100a162c3a170a53635303030a173a5302e303031a172c2a17481a56c696d6974"
        "81a3746966a3477463a867726f7570696e67a26e61"
    )
    cancel = orders.cancel(1, 123456789012)
    assert packed(cancel).hex() == "82a474797065a663616e63656ca763616e63656c739182a16101a16fcf0000001cbe991a14"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            orders.place([ORDER]),
            '{"type":"order","orders":[{"a":3,"b":false,"p":"65000.1","s":"0.00001","r":true,'
            '"t":{"limit":{"tif":"Alo"}},"c":"' + CLOID + '"}],"grouping":"na"}',
        ),
        (orders.cancel_by_cloid(3, CLOID), '{"type":"cancelByCloid","cancels":[{"asset":3,"cloid":"' + CLOID + '"}]}'),
        (orders.schedule_cancel(None, 0), '{"type":"scheduleCancel"}'),
        (orders.schedule_cancel(6_000, 1_000), '{"type":"scheduleCancel","time":6000}'),
        (orders.update_leverage(1, 5, 40), '{"type":"updateLeverage","asset":1,"isCross":true,"leverage":5}'),
        (
            orders.batch_modify([(7, orders.new_order(BTC, 0, Side.BUY, 10, 10, TimeInForce.IOC))]),
            '{"type":"batchModify","modifies":[{"oid":7,"order":' + AS_SENT + "}]}",
        ),
    ],
)  # fmt: skip
def test_key_order_is_what_is_signed(action: Any, expected: str) -> None:
    assert msgspec.json.encode(action).decode() == expected
    assert orders.elements(action) == 1 and action.__struct_config__.tag in ALLOWED


@given(st.integers(1, BTC.max_ticks), st.integers(1, BTC.max_lots))
def test_numbers_have_no_trailing_zeros_and_are_exact(ticks: int, lots: int) -> None:
    order = orders.new_order(BTC, 0, Side.BUY, ticks, lots, TimeInForce.IOC)
    for text, amount in ((order.p, ticks * BTC.tick_e8), (order.s, lots * BTC.lot_e8)):
        assert re.fullmatch(r"[1-9][0-9]*(\.[0-9]*[1-9])?|0\.[0-9]*[1-9]", text)
        assert text == f"{Decimal(f'{Decimal(amount).scaleb(-8):.8f}').normalize():f}"  # as the SDK writes it


def test_what_is_no_order() -> None:
    for bad in ({"ticks": 0}, {"lots": 0}, {"ticks": -1}, {"lots": -5}, {"asset": -1}, {"cloid": "0x12"}):
        wanted: dict[str, Any] = {"ticks": 1, "lots": 1, "asset": 0, "cloid": None} | bad
        cloid = wanted.pop("cloid")
        with pytest.raises(Refused):
            orders.new_order(BTC, side=Side.BUY, tif=TimeInForce.IOC, cloid=cloid, **wanted)
    with pytest.raises(Refused, match="5000 ms at least"):
        orders.schedule_cancel(5_999, 1_000)
    with pytest.raises(Refused, match="not 1 to 40"):
        orders.update_leverage(0, 41, 40)


def perp(decimals: int, price: str | None = None) -> Instrument:
    meta = info.Meta(universe=[info.Asset(name="X", sz_decimals=decimals)])
    [message] = rules.perp_messages(meta)
    return rules.instrument_of(message, price)


def spot(decimals: int) -> Instrument:
    tokens = [
        info.Token(name=name, sz_decimals=decimals, wei_decimals=8, index=at) for at, name in ((0, "U"), (9, "P"))
    ]
    [message] = rules.spot_messages(
        info.SpotMeta(tokens=tokens, universe=[info.Pair(name="@5", tokens=(9, 0), index=5)])
    )
    assert (message.base, message.quote, message.asset_index) == ("P", "U", 10_005)
    return rules.instrument_of(message)


@pytest.mark.parametrize(
    ("instrument", "price", "legal"),
    [
        (perp(1), "1234.5", True), (perp(1), "1234.6", True), (perp(1, "99999"), "123456", True),
        (perp(1), "12345.6", False),
        (perp(0), "0.001234", True), (perp(1), "0.01234", True), (perp(1), "1234.56", False),
        (spot(0), "0.0001234", True), (spot(1), "0.0001234", True),
    ],
)  # fmt: skip
def test_the_documents_examples_of_prices(instrument: Instrument, price: str, legal: bool) -> None:
    ticks, rest = divmod(int(Decimal(price).scaleb(8)), instrument.tick_e8)
    assert rest == 0
    lots = 10**9
    found = rules.why_refused(rules.grid_of(instrument), factor_of(instrument), ticks, min(lots, instrument.max_lots))
    assert (found is None) == legal and found in (None, Rejection.PRICE_FILTER)


@pytest.mark.parametrize(
    ("instrument", "price"), [(perp(1), "0.012345"), (perp(0), "0.0012345"), (spot(3), "0.0001234")]
)
def test_prices_that_no_tick_can_say(instrument: Instrument, price: str) -> None:
    assert int(Decimal(price).scaleb(8)) % instrument.tick_e8


def test_an_order_is_worth_ten_unless_it_closes_what_is_left() -> None:
    grid, factor = rules.grid_of(BTC), factor_of(BTC)
    assert rules.why_refused(grid, factor, 650_000, 15) is Rejection.MIN_NOTIONAL
    assert rules.why_refused(grid, factor, 650_000, 16) is None
    assert rules.why_refused(grid, factor, 650_000, 15, reduce_only=True) is None
    assert rules.why_refused(grid, factor, 650_000, BTC.max_lots + 1) is Rejection.LOT_FILTER


@given(st.integers(0, 6), st.integers(1, 10**8), st.sampled_from([0, 50_000, 500]))
def test_a_far_price_is_legal_and_beyond(decimals: int, ticks: int, ppm: int) -> None:
    instrument = perp(decimals)
    grid, factor = rules.grid_of(instrument), factor_of(instrument)
    buy, sell = (rules.far_price(grid, side, ticks, ppm) for side in (Side.BUY, Side.SELL))
    assert buy * 10**6 >= ticks * (10**6 + ppm) and (sell * 10**6 <= ticks * (10**6 - ppm) or sell == 1)
    for price in (buy, sell):
        assert rules.why_refused(grid, factor, price, 10**4, reduce_only=True) is None


@given(st.integers(0, 6), st.decimals("0.000001", "60000", places=6))
def test_todays_price_fits_well_below_the_largest(decimals: int, price: Decimal) -> None:
    instrument = perp(decimals, str(price))
    assert price * 16 * 10**8 <= instrument.max_ticks * instrument.tick_e8
    factor_of(instrument)


@captured.needed
def test_recorded_meta_agrees_with_what_ships() -> None:
    meta = msgspec.json.decode(captured.messages("hyperliquid_info")["test_get_info_0"], type=info.Meta)
    found = {one.instrument: rules.instrument_of(one) for one in rules.perp_messages(meta)}
    assert len(found) == 28
    for symbol, ours in load_instruments(Venue.HYPERLIQUID).items():
        if symbol in found:
            theirs = found[symbol]
            assert (theirs.tick_e8, theirs.lot_e8, theirs.quote) == (ours.tick_e8, ours.lot_e8, ours.quote), symbol


def test_questions_and_subscriptions() -> None:
    assert (
        stream.subscribe(stream.book("BTC")) == b'{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC"}}'
    )
    assert stream.post_info(1, info.book("BTC")) == (
        b'{"method":"post","id":1,"request":{"type":"info","payload":{"type":"l2Book","coin":"BTC"}}}'
    )
    assert info.body(info.order_status("0xabc", 7)) == b'{"type":"orderStatus","user":"0xabc","oid":7}'


def fill(start: int, size: int, **words: Any) -> Fill:
    plain: dict[str, Any] = {
        "coin": "BTC", "side": "B" if size > 0 else "A", "px": "1", "sz": str(abs(size)), "time": 1_700_000_000_000,
        "start_position": str(start), "dir": "", "closed_pnl": "0", "oid": 1, "crossed": True, "fee": "0", "tid": 5,
    }  # fmt: skip
    return Fill(**(plain | words))


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=20), st.data())
def test_a_chain_breaks_exactly_where_fills_are_missing(sizes: list[int], data: st.DataObject) -> None:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    told = [fill(start, size) for start, size in zip(starts, sizes, strict=True)]
    missing = data.draw(st.sets(st.integers(1, len(sizes)), max_size=3))
    chain, gaps, position = fills.Chain({"BTC": "0"}), 0, 0
    for at, one in enumerate(told):
        if at in missing:
            continue
        gap = chain.take(one)
        assert (gap is not None) == (position != starts[at])
        gaps += gap is not None
        position = starts[at] + sizes[at]
    assert chain.position("BTC") == position


def test_a_fill_is_let_through_once() -> None:
    """Two matches of the same two orders in one block share time, coin, tid and oid, not where they start."""
    seen = fills.Seen(kept=3)
    first, second = fill(0, 2), fill(2, 2)
    assert [seen.is_new(one) for one in (first, second, first, second)] == [True, True, False, False]
    later = [fill(at, 1, oid=at) for at in range(10, 14)]
    assert all(seen.is_new(one) for one in later) and not seen.is_new(later[-1])


def test_spot_is_not_followed() -> None:
    chain = fills.Chain()
    assert chain.take(fill(5, 1, coin="@107")) is None and chain.take(fill(0, 1, coin="@107")) is None
    assert chain.position("@107") is None


@captured.needed
def test_recorded_fills_are_all_different() -> None:
    recorded = msgspec.json.decode(captured.messages("hyperliquid_info")["test_get_user_fills_0"], type=list[Fill])
    seen = fills.Seen()
    assert all(seen.is_new(one) for one in fills.in_order(recorded))
    assert not any(seen.is_new(one) for one in recorded)
