"""python-binance, unmodified, trades on the served Binance spot and USD-M, where it is installed."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from clients.served_binance import hmac_key, served
from clients.served_hyperliquid import CLIENTS, good, needs_clients, run_script

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> Json:
    needs_clients()
    if subprocess.run([str(CLIENTS), "-c", "import binance"], capture_output=True, check=False).returncode:
        pytest.skip(f"python-binance is not installed for {CLIENTS}")
    venue = served(4)
    return run_script("binance_python.py", venue["spot"], *hmac_key(venue), venue["usdm"])


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    assert quote["info"]["symbol"] == "BTCUSDT" and float(quote["mark"]["markPrice"]) > 0
    assert float(quote["book"]["bidPrice"]) < float(quote["book"]["askPrice"])


def test_spot(run: Json) -> None:
    spot = good(run, "spot")
    number = spot["placed"]["orderId"]
    assert spot["queried"]["orderId"] == spot["canceled"]["orderId"] == number == spot["open"][0]["orderId"]
    assert spot["market"]["status"] == "FILLED" and spot["fills"][-1]["orderId"] == spot["market"]["orderId"]
    assert "-2010" in spot["refused"][1] and "Unknown order sent." in spot["unknown"][1]


def test_usdm(run: Json) -> None:
    usdm = good(run, "usdm")
    number = usdm["placed"]["orderId"]
    assert usdm["queried"]["orderId"] == usdm["canceled"]["orderId"] == number
    assert usdm["position"][0]["positionAmt"] == "0.010" and "-2019" in usdm["refused"][1]


def test_streams(run: Json) -> None:
    spot, usdm = good(run, "spot_streams"), good(run, "usdm_streams")
    assert spot["depth"][0]["e"] == "depthUpdate" and len(spot["partial"][0]["bids"]) == 5
    assert "bookTicker" in spot["many"][0]["stream"] and len(usdm["depth"][0]["data"]["b"]) == 10
    assert usdm["mark"][0]["data"]["e"] == "markPriceUpdate"


def test_user_streams(run: Json) -> None:
    assert [event.get("x") for event in good(run, "spot_user")] == ["NEW", None, "TRADE", None]
    assert [event["e"] for event in good(run, "usdm_user")] == [
        "ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
    ]  # fmt: skip


def test_a_cut_socket_is_opened_anew(run: Json) -> None:
    first, later = good(run, "reconnect")
    assert later["u"] > first["u"]
