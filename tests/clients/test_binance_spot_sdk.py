"""The official binance-sdk-spot, unmodified, trades on the served Binance: REST, streams, WebSocket API."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clients.served_binance import ed25519_key, hmac_key, served
from clients.served_hyperliquid import good, needs_clients, run_script

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Json:
    needs_clients()
    pem: Path = tmp_path_factory.mktemp("keys") / "key.pem"
    venue = served(0)
    other, private = ed25519_key(venue)
    pem.write_text(private)
    return run_script("binance_spot_sdk.py", venue["spot"], *hmac_key(venue), other, str(pem))


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    bids, asks = quote["depth"]["bids"], quote["depth"]["asks"]
    assert Decimal(bids[0][0]) < Decimal(asks[0][0]) and len(bids) == len(asks) == 20
    assert quote["info"]["symbols"][0]["status"] == "TRADING" and quote["trades"] and quote["aggregates"]
    assert Decimal(quote["day"]["lastPrice"]) > 0 and Decimal(quote["average"]["price"]) > 0
    assert quote["limits"][0]["count"] > 0


def test_account(run: Json) -> None:
    account = good(run, "account")
    assert {row["asset"] for row in account["account"]["balances"]} >= {"BTC", "USDT"}
    assert [row["interval"] for row in account["counts"]] == ["SECOND", "DAY"]


def test_an_order_rests_and_is_found(run: Json) -> None:
    order = good(run, "order")
    assert order["placed"]["status"] == "NEW" and order["placed"]["fills"] == []
    for found in (order["queried"], order["by_client"], *order["open"]):
        assert found["orderId"] == order["placed"]["orderId"] and found["clientOrderId"] == "sdk-rest-1"


def test_amend_and_replace(run: Json) -> None:
    number = good(run, "order")["placed"]["orderId"]
    amended = good(run, "amend")["amendedOrder"]
    assert amended["orderId"] == number and amended["qty"] == "0.00500000"
    replaced = good(run, "replace")
    assert replaced["cancelResult"] == replaced["newOrderResult"] == "SUCCESS"
    assert replaced["cancelResponse"]["orderId"] == number != replaced["newOrderResponse"]["orderId"]


def test_cancel(run: Json) -> None:
    cancel = good(run, "cancel")
    unknown = ["BadRequestError", "(-2011, 'Unknown order sent.')"]
    assert cancel["answer"]["status"] == cancel["queried"]["status"] == "CANCELED" and cancel["open"] == []
    assert cancel["again"] == cancel["all"] == unknown


def test_partial_fill(run: Json) -> None:
    partial = good(run, "partial_fill")
    order, after = partial["placed"], partial["after"]
    assert order["status"] == "PARTIALLY_FILLED" and after["status"] == "CANCELED"
    filled = sum(Decimal(fill["qty"]) for fill in partial["fills"])
    assert 0 < filled == Decimal(after["executedQty"]) < Decimal(after["origQty"])
    assert all(fill["commissionAsset"] == "BTC" for fill in partial["fills"])
    assert order["orderId"] in [one["orderId"] for one in partial["all"]]


def test_market(run: Json) -> None:
    market = good(run, "market")
    assert market["status"] == "FILLED" and market["fills"][0]["commissionAsset"] == "USDT"


def test_refused(run: Json) -> None:
    refused = good(run, "refused")
    texts = {name: told[1] for name, told in refused.items()}
    for name, filter_name in (("lot", "LOT_SIZE"), ("tick", "PRICE_FILTER"), ("notional", "NOTIONAL")):
        assert texts[name] == f"(-1013, 'Filter failure: {filter_name}')"
    assert texts["far"] == "(-1013, 'Filter failure: PERCENT_PRICE_BY_SIDE')"
    assert texts["funds"] == "(-2010, 'Account has insufficient balance for requested action.')"
    assert texts["maker"] == "(-2010, 'Order would immediately match and take.')"
    assert texts["symbol"] == "(-1121, 'Invalid symbol.')" and texts["order"] == "(-2013, 'Order does not exist.')"
    assert texts["precision"].startswith("(-1111") and texts["signature"].startswith("(-1022")
    assert refused["key"][0] == "UnauthorizedError" and texts["key"].startswith("(-2015")


def test_ed25519(run: Json) -> None:
    assert good(run, "ed25519")["uid"] == good(run, "account")["account"]["uid"]


def test_market_streams(run: Json) -> None:
    heard = good(run, "market_streams")
    assert heard["book"]["s"] == "BTCUSDT" and Decimal(heard["book"]["b"]) < Decimal(heard["book"]["a"])
    assert heard["diff"]["U"] <= heard["diff"]["u"] and len(heard["partial"]["bids"]) == 5
    assert heard["trade"]["e"] == "trade" and heard["aggregate"]["f"] <= heard["aggregate"]["l"]
    assert heard["kline"]["k"]["i"] == "1m"


def test_a_replaced_socket_hears_on(run: Json) -> None:
    assert good(run, "stream_reconnect")["book"]["u"] > good(run, "market_streams")["book"]["u"]


def test_the_websocket_api(run: Json) -> None:
    api = good(run, "api_order")
    number = api["placed"]["result"]["orderId"]
    assert api["queried"]["result"]["status"] == "NEW" and api["canceled"]["result"]["orderId"] == number
    kinds = [event.get("x") for event in api["events"]]
    assert kinds == ["NEW", None, "CANCELED", None, "NEW", None, "TRADE", None]
    assert api["events"][0]["i"] == number and api["events"][6]["X"] == "FILLED"
    assert "insufficient balance" in str(run["api_refused"])
    assert "HMAC_SHA256" in str(run["logon_hmac"])


def test_user_data_comes_again_after_a_reconnect(run: Json) -> None:
    assert [event.get("x") for event in good(run, "api_reconnect")["events"]][:3] == ["NEW", None, "TRADE"]


def test_session_logon(run: Json) -> None:
    logon = good(run, "logon")
    assert logon["logon"]["result"]["authorizedSince"] > 0 and logon["status"]["result"]["userDataStream"]
    assert logon["placed"]["result"]["status"] == "FILLED"
    assert [event.get("x") for event in logon["events"]][:3] == ["NEW", None, "TRADE"]
