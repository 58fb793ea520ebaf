"""ccxt, unmodified, trades on the served Binance spot and USD-M over REST."""

from __future__ import annotations

from typing import Any

import pytest
from clients.served_binance import hmac_key, served
from clients.served_hyperliquid import good, needs_clients, run_script

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> Json:
    needs_clients()
    venue = served(2)
    return run_script("binance_ccxt.py", venue["spot"], *hmac_key(venue), venue["usdm"])


def test_load_markets(run: Json) -> None:
    """With trimmed options, and with the client's own defaults and keys."""
    loaded = good(run, "load_markets")
    assert loaded["spot"]["precision"] == {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    assert loaded["usdm"]["precision"]["amount"] == 0.001 and loaded["usdm"]["linear"]
    assert {"BTC/USDT", "BTC/USDT:USDT"} <= set(loaded["eager"])


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    for book in (quote["book"], quote["perp_book"]):
        assert book["bids"][0][0] < book["asks"][0][0] and len(book["bids"]) == 20
    assert quote["ticker"]["last"] > 0 and quote["funding"]["fundingRate"] is not None and quote["time"]
    assert all(len(candle) == 6 for candle in quote["candles"] + quote["perp_candles"])


def test_a_spot_order_lives(run: Json) -> None:
    order = good(run, "spot_order")
    number = order["placed"]["id"]
    assert [one["id"] for one in (order["fetched"], *order["open"])] == [number, number]
    assert order["edited"]["id"] != number and order["edited"]["amount"] == 0.02
    assert order["canceled"]["status"] == "canceled" and order["again"][0] == "OrderNotFound"
    assert order["post_only"]["type"] == "limit" and order["post_only"]["postOnly"] and order["none"] == []
    assert order["all"] == [order["post_only"]["id"]]


def test_a_futures_order_lives(run: Json) -> None:
    order = good(run, "usdm_order")
    assert order["edited"]["id"] == order["placed"]["id"] and order["edited"]["amount"] == 0.02
    assert order["canceled"]["status"] == "canceled" and len(order["batch"]) == 3
    assert [one["status"] for one in order["batch_canceled"]] == ["canceled", "canceled"] and order["none"] == []
    assert "-5022" in order["post_only"][1] and order["stop"] is not None


@pytest.mark.parametrize("name", ["spot_partial", "usdm_partial"])
def test_partial_fill(run: Json, name: str) -> None:
    partial = good(run, name)
    order = partial["fetched"]
    assert 0 < order["filled"] < order["amount"] and order["status"] == "canceled"
    assert sum(trade["amount"] for trade in partial["trades"]) == pytest.approx(order["filled"])
    assert order["id"] in partial["orders"]


def test_spot_market_orders_and_balances(run: Json) -> None:
    market = good(run, "spot_market")
    assert market["sold"]["status"] == market["bought"]["status"] == "closed"
    assert market["bought"]["trades"][0]["fee"]["currency"] == "BTC" and market["balance"]["USDT"]["total"] > 0


def test_a_position_opens_and_closes(run: Json) -> None:
    position = good(run, "usdm_position")
    (held,) = position["held"]
    assert held["side"] == "long" and held["contracts"] > 0
    assert position["closed"]["filled"] == held["contracts"] and position["flat"] == []
    assert position["balance"]["USDT"]["total"] > 0 and position["mode"]["hedged"] is False


def test_errors_are_understood(run: Json) -> None:
    """As far as ccxt can away from the venue's own host names: -2019 is a plain error there."""
    refused = good(run, "refused")
    assert {name: told[0] for name, told in refused.items()} == {
        "funds": "InsufficientFunds", "order": "OrderNotFound", "signature": "AuthenticationError",
        "margin": "ExchangeError",
    }  # fmt: skip
    assert "Margin is insufficient." in refused["margin"][1]
