"""What is asked of Binance: nothing that moves money, nothing that the venue could read in two ways."""

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.market.instruments import load_instruments
from crossbook.money import parse_e8
from crossbook.types import Instrument, Side, TimeInForce, Venue
from crossbook.venues.binance import requests
from crossbook.venues.binance.prepared import Grid, PreparedOrder
from crossbook.venues.binance.requests import TERMS, Request, Security, Terms, frame, place
from crossbook.venues.binance.signing import Signer, check_name, ws_payload
from crossbook.venues.keys import HmacKey

SPOT, USDM = Venue.BINANCE_SPOT, Venue.BINANCE_USDM
BTC: dict[Venue, Instrument] = {venue: load_instruments(venue)["BTCUSDT"] for venue in (SPOT, USDM)}
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
KEY = HmacKey("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")

EVERY: list[Request] = [
    *(place(BTC[venue], side, terms, 5, None if terms is Terms.MARKET else 700, "cb-1")
      for venue in BTC for side in Side for terms in Terms),
    place(BTC[USDM], Side.SELL, Terms.IOC, 5, 700, "cb-1", reduce_only=True),
    *(make(venue, "BTCUSDT", client_order_id="cb-1") for venue in BTC for make in (requests.cancel, requests.query)),
    *(make(venue, "BTCUSDT", venue_order_id=5) for venue in BTC for make in (requests.cancel, requests.query)),
    *(requests.cancel_all(venue, "BTCUSDT") for venue in BTC),
    *(requests.open_orders(venue, symbol) for venue in BTC for symbol in (None, "BTCUSDT")),
    *(make(venue) for venue in BTC for make in (requests.account, requests.balances, requests.session_logon,
                                                requests.session_status, requests.server_time)),
    *(requests.my_trades(venue, "BTCUSDT", from_id=3) for venue in BTC),
    *(requests.exchange_info(venue, symbols) for venue in BTC for symbols in ((), ("BTCUSDT",))),
    *(requests.depth(venue, "BTCUSDT", 100) for venue in BTC),
    *(requests.klines(venue, "BTCUSDT", "1m", start_ms=5) for venue in BTC),
    *(requests.subscribe_user_stream(signed=signed) for signed in (True, False)),
    *(requests.listen_key(method) for method in ("POST", "PUT", "DELETE")),
    requests.positions(), requests.positions("BTCUSDT"), requests.income(start_ms=5), requests.position_mode(),
    requests.set_one_way(), requests.symbol_config("BTCUSDT"), requests.account_config(),
    requests.set_leverage("BTCUSDT", 5), requests.countdown_cancel_all("BTCUSDT", 120_000),
    requests.commission_rate("BTCUSDT"),
    requests.premium_index("BTCUSDT"), requests.funding_rates("BTCUSDT", 5), requests.open_interest("BTCUSDT"),
]  # fmt: skip


@pytest.mark.parametrize("request_", EVERY, ids=lambda one: f"{one.venue.label} {one.method} {one.path} {one.api}")
def test_every_request_is_whole_and_may_be_signed(request_: Request) -> None:
    assert request_.path or request_.api
    assert not request_.path or request_.path.startswith("/api/v3/" if request_.venue is SPOT else "/fapi/v")
    assert not request_.path or request_.method in ("GET", "POST", "PUT", "DELETE")
    names = [name for name, _ in request_.params]
    assert len(set(names)) == len(names)
    for name in names:
        assert name in ("interval",) or check_name(name) is None
    assert all(cost >= 0 for cost in request_.costs.values())
    if request_.security is Security.SIGNED:
        Signer(KEY, API_KEY).sign_rest(request_.params, 1_700_000_000_000)


def test_every_builder_is_looked_at() -> None:
    builders = {
        name for name, made in inspect.getmembers(requests, inspect.isfunction)
        if made.__module__ == requests.__name__ and not name.startswith("_") and name != "frame"
    }  # fmt: skip
    assert len(builders) == 28
    words = " ".join(f"{one.path} {one.api} {one.params}" for one in EVERY).lower()
    assert not any(word in words for word in ("withdraw", "transfer", "sapi", "approve", "amount", "address"))


def test_an_order_says_what_the_documents_say() -> None:
    order = place(BTC[SPOT], Side.BUY, Terms.GTC, 123, 6_000_001, "cb-1", answer="ACK")
    assert dict(order.params) == {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.00123",
        "price": "60000.01", "newClientOrderId": "cb-1", "newOrderRespType": "ACK", "recvWindow": 2000,
    }  # fmt: skip
    assert dict(place(BTC[SPOT], Side.BUY, Terms.POST_ONLY, 1, 1, "a").params)["type"] == "LIMIT_MAKER"
    assert "timeInForce" not in dict(place(BTC[SPOT], Side.BUY, Terms.POST_ONLY, 1, 1, "a").params)
    futures = dict(place(BTC[USDM], Side.SELL, Terms.POST_ONLY, 1, 1, "a", reduce_only=True).params)
    assert (futures["type"], futures["timeInForce"], futures["reduceOnly"]) == ("LIMIT", "GTX", True)
    market = dict(place(BTC[USDM], Side.SELL, Terms.MARKET, 1, None, "a").params)
    assert market["type"] == "MARKET" and "price" not in market and "timeInForce" not in market
    assert set(TERMS) == set(TimeInForce)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 0, 1, "a"), "an order of 0 lots"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 1, None, "a"), "a market order alone has no price"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.MARKET, 1, 1, "a"), "a market order alone has no price"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 1, 0, "a"), "price 0 ticks"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 1, 1, "a", reduce_only=True), "spot knows no reduce-only"),
        (lambda: place(BTC[USDM], Side.BUY, Terms.GTC, 1, 1, "a", answer="FULL"), "binance_usdm gives ACK, RESULT"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 1, 1, "a&b"), "client order id 'a&b'"),
        (lambda: place(BTC[SPOT], Side.BUY, Terms.GTC, 1, 1, "a" * 37), "1 to 36"),
        (lambda: requests.cancel(SPOT, "btcusdt", client_order_id="a"), "symbol 'btcusdt'"),
        (lambda: requests.cancel(SPOT, "BTCUSDT"), "one of the two"),
        (lambda: requests.query(SPOT, "BTCUSDT", client_order_id="a", venue_order_id=1), "one of the two"),
        (lambda: requests.cancel_all(Venue.HYPERLIQUID, "BTC"), "hyperliquid: this speaks binance"),
        (lambda: requests.set_leverage("BTCUSDT", 126), "give 1 to 125"),
        (lambda: requests.countdown_cancel_all("BTCUSDT", -1), "lies in the past"),
        (lambda: requests.listen_key("GET"), "use POST, PUT or DELETE"),
        (lambda: requests.depth(USDM, "BTCUSDT", 5_000), "binance_usdm gives 1 to 1000"),
        (lambda: frame(1, "", {}), "is not offered on the WS API"),
        (lambda: Grid(0), "the step must be positive"),
        (lambda: PreparedOrder(BTC[SPOT], Side.BUY, Terms.MARKET), "a market order is not prepared"),
        (lambda: PreparedOrder(BTC[SPOT], Side.BUY, Terms.IOC, api_key="a"), "needs both api_key and key"),
        (lambda: PreparedOrder(BTC[SPOT], Side.BUY, Terms.IOC, api_key='a"', key=KEY), "letters and digits only"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(make: object, words: str) -> None:
    with pytest.raises(Refused, match=words):
        make()  # type: ignore[operator]


@given(step=st.integers(1, 10**10), units=st.integers(0, 10**8))
def test_a_grid_writes_the_exact_number(step: int, units: int) -> None:
    assert parse_e8(Grid(step).text(units).decode(), "number") == step * units


@given(
    venue=st.sampled_from([SPOT, USDM]),
    side=st.sampled_from(Side),
    terms=st.sampled_from([Terms.GTC, Terms.IOC, Terms.FOK, Terms.POST_ONLY]),
    lots=st.integers(1, 10**6),
    ticks=st.integers(1, 10**9),
    number=st.integers(0, (1 << 40) - 1),
    signed=st.booleans(),
    closing=st.booleans(),
)
def test_a_prepared_order_is_the_order_that_is_built_and_signed_slowly(
    venue: Venue, side: Side, terms: Terms, lots: int, ticks: int, number: int, signed: bool, closing: bool
) -> None:
    closing = closing and venue is USDM
    client_id, stamp = f"cb-{number:032x}", 1_700_000_000_000 + number
    fast = PreparedOrder(
        BTC[venue], side, terms, reduce_only=closing, **({"api_key": API_KEY, "key": KEY} if signed else {})
    ).encode(ticks, lots, client_id.encode(), stamp, number)
    request = place(BTC[venue], side, terms, lots, ticks, client_id, reduce_only=closing)
    sent = json.loads(fast)
    params = sent["params"]
    if signed:
        signature = params.pop("signature")
        assert signature == KEY.sign(ws_payload(params).encode())
        assert list(params) == sorted(params) and params.pop("apiKey") == API_KEY
    assert params.pop("timestamp") == stamp
    expected = dict(request.params)
    for name in ("price", "quantity"):
        assert parse_e8(params.pop(name), name) == parse_e8(str(expected.pop(name)), name)
    assert params == expected
    assert (sent["id"], sent["method"]) == (number, "order.place")
