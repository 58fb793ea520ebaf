"""The official SDK of USD-M futures, unmodified, trades on the served Binance: REST, streams, WebSocket API."""

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
    venue = served(1)
    other, private = ed25519_key(venue)
    pem.write_text(private)
    return run_script("binance_usdm_sdk.py", venue["usdm"], *hmac_key(venue), other, str(pem))


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    bids, asks = quote["depth"]["bids"], quote["depth"]["asks"]
    assert Decimal(bids[0][0]) < Decimal(asks[0][0]) and len(bids) == 20
    assert Decimal(quote["mark"]["markPrice"]) > 0 and quote["mark"]["nextFundingTime"] % 28_800_000 == 0
    assert quote["info"]["symbols"][0]["contractType"] == "PERPETUAL" and quote["trades"] and quote["aggregates"]


def test_account(run: Json) -> None:
    account = good(run, "account")
    assert account["mode"]["dualSidePosition"] is False and account["leverage"]["leverage"] == 10
    assert account["margin"][1] == "(-4046, 'No need to change margin type.')"
    assert account["position_mode"][1] == "(-4059, 'No need to change position side.')"
    assert account["balance"][0]["asset"] == account["v3"]["assets"][0]["asset"] == "USDT"
    assert {row["symbol"] for row in account["v2"]["positions"]} >= {"BTCUSDT"} and account["v3"]["positions"] == []


def test_an_order_rests_is_found_modified_and_canceled(run: Json) -> None:
    order, modified, cancel = good(run, "order"), good(run, "modify"), good(run, "cancel")
    number = order["placed"]["orderId"]
    for found in (order["queried"], order["by_client"], order["one_open"], *order["open"], modified, cancel["answer"]):
        assert found["orderId"] == number and found["clientOrderId"] == "sdk.rest:1"
    assert modified["origQty"] == "0.020" and cancel["queried"]["status"] == "CANCELED" and cancel["open"] == []
    assert cancel["again"][1] == "(-2011, 'Unknown order sent.')" and cancel["all"]["code"] == 200


def test_batch(run: Json) -> None:
    batch = good(run, "batch")
    assert batch["placed"][0]["status"] == "NEW" and batch["placed"][1]["code"] == -4164
    assert batch["canceled"][0]["status"] == "CANCELED" and batch["canceled"][1]["code"] == -2011
    assert batch["countdown"]["countdownTime"] == "60000"


def test_partial_fill_makes_a_position_that_closes(run: Json) -> None:
    partial, close = good(run, "partial_fill"), good(run, "close")
    filled = sum(Decimal(fill["qty"]) for fill in partial["fills"])
    assert partial["placed"]["status"] == "PARTIALLY_FILLED" and partial["after"]["status"] == "CANCELED"
    assert 0 < filled == Decimal(partial["after"]["executedQty"]) < Decimal(partial["after"]["origQty"])
    (position,) = partial["position"]
    assert Decimal(position["positionAmt"]) >= filled and Decimal(position["initialMargin"]) > 0
    assert {row["incomeType"] for row in partial["income"]} >= {"TRANSFER", "COMMISSION"}
    assert close["closed"]["status"] == "FILLED" and close["position"] == []


def test_refused(run: Json) -> None:
    codes = {name: told[1].split(",")[0].strip("(") for name, told in good(run, "refused").items()}
    assert codes == {
        "margin": "-2019", "lot": "-1111", "least": "-4003", "tick": "-1111", "notional": "-4164", "high": "-4016",
        "reduce": "-2022", "post_only": "-5022", "fill_or_kill": "-5021", "hedge": "-4061", "stop": "-4120",
        "depth": "-4021", "order": "-2013", "signature": "-1022", "key": "-2015",
    }  # fmt: skip


def test_ed25519(run: Json) -> None:
    assert good(run, "ed25519")[0]["accountAlias"] == good(run, "account")["balance"][0]["accountAlias"]


def test_market_streams(run: Json) -> None:
    heard = good(run, "market_streams")
    assert Decimal(heard["book"]["b"]) < Decimal(heard["book"]["a"]) and heard["diff"]["pu"] < heard["diff"]["u"]
    assert len(heard["partial"]["b"]) == 5 and heard["mark"]["e"] == "markPriceUpdate"
    assert heard["aggregate"]["e"] == "aggTrade" and heard["kline"]["k"]["i"] == "1m"


def kinds(events: list[Json]) -> list[str]:
    """What happened, the SDK having taken the type off each event."""
    return [event["o"]["x"] if "o" in event else "account" if "a" in event else "lite" for event in events]


def test_user_stream(run: Json) -> None:
    user = good(run, "user_stream")
    assert kinds(user["events"])[:6] == ["NEW", "CANCELED", "NEW", "lite", "TRADE", "account"]
    assert user["again"] is True


def test_user_stream_after_a_reconnect(run: Json) -> None:
    assert kinds(good(run, "reconnect")["events"])[:3] == ["NEW", "lite", "TRADE"]


def test_the_websocket_api(run: Json) -> None:
    api = good(run, "api_order")
    number = api["placed"]["result"]["orderId"]
    assert api["queried"]["result"]["orderId"] == api["canceled"]["result"]["orderId"] == number
    assert api["changed"]["result"]["origQty"] == "0.020" and "Margin is insufficient." in str(api["refused"])
    assert [row["interval"] for row in api["limits"]][:2] == ["SECOND", "MINUTE"]
    assert api["listen_key"]["result"]["listenKey"] and len(api["depth"]["result"]["bids"]) == 5
