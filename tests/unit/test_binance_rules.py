"""exchangeInfo becomes instruments on their grid, or is refused; what changed between two of them is named."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.money import LIMIT, factor_of
from crossbook.types import Chain, InstrumentKind, Venue
from crossbook.venues.binance.instruments import exchange_info, instrument_of, instruments
from crossbook.venues.messages import Instrument
from crossbook.venues.rule_changes import rule_changes

FUTURES = b"""{"timezone":"UTC","serverTime":1565613908500,"rateLimits":[
 {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":2400},
 {"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300}],"exchangeFilters":[],
 "symbols":[{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING","baseAsset":"BTC",
 "quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,"quantityPrecision":3,
 "filters":[{"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"},
 {"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},
 {"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"},
 {"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"100"},
 {"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500","multiplierDecimal":"4"}]}]}"""
SPOT = b"""{"symbols":[{"symbol":"BTCUSDT","status":"CANCEL_ONLY","baseAsset":"BTC","quoteAsset":"USDT","filters":[
 {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000.00","tickSize":"0.01000000"},
 {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001000"},
 {"filterType":"MARKET_LOT_SIZE","minQty":"0","maxQty":"90","stepSize":"0"},
 {"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true},
 {"filterType":"MAX_NUM_ORDERS","maxNumOrders":200}]}]}"""


def rules(venue: str, body: bytes) -> Instrument:
    (found,) = instruments(venue, body)
    assert isinstance(found, Instrument)
    return found


def test_a_futures_instrument() -> None:
    said = rules("binance_usdm", FUTURES)
    assert (said.min_notional, said.max_open_orders, said.market_max_quantity, said.settle) == (
        "100",
        200,
        "120",
        "USDT",
    )
    made = instrument_of(said)
    assert (made.name, made.kind, made.chain) == ("binance_usdm:BTCUSDT", InstrumentKind.LINEAR, Chain.PREVIOUS_ID)
    assert (made.tick_e8, made.lot_e8, made.min_lots, made.max_lots) == (10_000_000, 100_000, 1, 1_000_000)
    assert (made.max_ticks, made.min_notional_e8) == (45_297_640, 100 * 10**8)
    assert [limit.window_s for limit in exchange_info(FUTURES).rate_limits] == [60, 10]


def test_a_spot_instrument() -> None:
    said = rules("binance_spot", SPOT)
    assert (said.status, said.tradeable, said.min_notional) == ("cancel_only", False, "5.00000000")
    made = instrument_of(said)
    assert (made.venue, made.settle, made.tick_e8, made.lot_e8) == (Venue.BINANCE_SPOT, "USDT", 1_000_000, 1_000)
    assert made.max_lots == 900_000_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tick": None}, "says no tick"),
        ({"max_price": None}, "says no largest price"),
        ({"min_price": "556.85"}, "smallest price 556.85 is no multiple of its step"),
        ({"min_quantity": "0.0015"}, "smallest quantity 0.0015 is no multiple"),
        ({"tick": "0.00001", "lot": "0.0001"}, "finer than 1e-8"),
        ({"min_quantity": "2000"}, "leave no quantity between them"),
        ({"venue": "binance_coinm"}, "binance_spot or binance_usdm"),
    ],
)
def test_rules_that_make_no_grid_are_refused(change: dict[str, str | None], words: str) -> None:
    said = msgspec.structs.replace(rules("binance_usdm", FUTURES), **change)
    with pytest.raises(Refused, match=words):
        instrument_of(said)


@given(price=st.integers(1, 10**9), quantity=st.integers(1, 10**11))
def test_the_largest_order_always_fits(price: int, quantity: int) -> None:
    said = msgspec.structs.replace(
        rules("binance_usdm", FUTURES), min_price=None, max_price=str(price), max_quantity=str(quantity)
    )
    made = instrument_of(said)
    assert made.max_ticks * made.max_lots * factor_of(made) < LIMIT
    assert made.max_lots <= quantity * 1_000


def test_changes_are_named() -> None:
    old = rules("binance_usdm", FUTURES)
    new = msgspec.structs.replace(old, tick="0.01", status="close", tradeable=False)
    other = msgspec.structs.replace(old, instrument="ETHUSDT")
    assert [str(change) for change in rule_changes([old], [new, other])] == [
        "BTCUSDT status: trading -> close", "BTCUSDT tradeable: True -> False", "BTCUSDT tick: 0.10 -> 0.01",
        "ETHUSDT appeared",
    ]  # fmt: skip
    assert [str(change) for change in rule_changes([old], [])] == ["BTCUSDT gone"]
    assert rule_changes([old], [old]) == []
