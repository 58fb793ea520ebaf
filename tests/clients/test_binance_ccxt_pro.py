"""ccxt.pro, unmodified, watches and trades on the served Binance spot and USD-M over websockets."""

from __future__ import annotations

from typing import Any

import pytest
from clients.served_binance import hmac_key, served
from clients.served_hyperliquid import good, needs_clients, run_script

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> Json:
    needs_clients()
    venue = served(3)
    return run_script("binance_ccxt_pro.py", venue["spot"], *hmac_key(venue), venue["usdm"])


def test_spot_market(run: Json) -> None:
    """Its own book, kept by the documented algorithm, is not crossed."""
    market = good(run, "spot_market")
    assert market["book"]["bids"][0][0] < market["book"]["asks"][0][0] and market["book"]["nonce"] > 0
    assert market["trades"] and market["candles"] and market["ticker"]["last"] > 0


@pytest.mark.parametrize("name", ["spot_order", "usdm_order"])
def test_an_order_is_placed_canceled_and_seen(run: Json, name: str) -> None:
    order = good(run, name)
    assert [(one["id"], one["status"]) for one in order["seen"]] == [
        (order["placed"]["id"], "open"),
        (order["placed"]["id"], "canceled"),
    ]


def test_spot_fill(run: Json) -> None:
    fill = good(run, "spot_fill")
    assert {trade["order"] for trade in fill["trades"]} == {fill["placed"]["id"]}
    assert fill["balance"]["BTC"]["free"] > 0 and fill["all"]["info"]["balances"]


def test_spot_refused(run: Json) -> None:
    assert good(run, "spot_refused")[0] == "InsufficientFunds"


def test_usdm_market(run: Json) -> None:
    market = good(run, "usdm_market")
    assert market["book"]["bids"][0][0] < market["book"]["asks"][0][0]
    assert market["mark"]["markPrice"] > 0 and market["trades"] and market["candles"]


def test_usdm_fill(run: Json) -> None:
    fill = good(run, "usdm_fill")
    assert fill["trades"][0]["amount"] == 0.01 and fill["balance"]["USDT"]["total"] > 0
    assert [(one["side"], one["contracts"]) for one in fill["positions"]] == [("long", 0.01)]


@pytest.mark.parametrize("name", ["spot_reconnect", "usdm_reconnect"])
def test_cut_sockets_are_opened_anew(run: Json, name: str) -> None:
    again = good(run, name)
    sold = [order for order in again["seen"] if order["side"] == "sell"]
    assert again["bid"][0] > 0 and sold[-1]["status"] == "closed"
    assert {order["id"] for order in sold} == {again["placed"]["id"]}
