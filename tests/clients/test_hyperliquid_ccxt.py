"""ccxt, unmodified, trades on the served Hyperliquid over REST."""

from __future__ import annotations

from typing import Any

import pytest
from clients.served_hyperliquid import good, needs_clients, run_script, served

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run() -> Json:
    needs_clients()
    with served() as venue:
        account = venue["accounts"][0]
        return run_script("hyperliquid_ccxt.py", venue["url"], account["private_key"], account["address"])


def test_load_markets_with_the_clients_own_defaults(run: Json) -> None:
    """It approves a builder and sets a referrer first, and its orders carry the builder."""
    loaded = good(run, "load_markets")
    assert loaded["market"]["baseId"] == "0" and loaded["market"]["precision"]["amount"] == 1e-5


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    assert quote["book"]["bids"][0][0] < quote["ticker"]["close"] < quote["book"]["asks"][0][0]
    assert quote["funding"]["fundingRate"] is not None and quote["status"]["status"] == "ok"
    assert all(len(candle) == 6 for candle in quote["candles"])


def test_an_order_rests_and_is_found(run: Json) -> None:
    order = good(run, "order")
    number = order["placed"]["id"]
    for found in (order["fetched"], order["by_cloid"], *order["open"]):
        assert found["id"] == number and found["clientOrderId"] == "0x" + "ab" * 16
        assert found["status"] == "open" and found["price"] == order["price"] and found["remaining"] == 0.01
    assert order["fetched"]["timeInForce"] == "GTC" and order["fetched"]["type"] == "limit"


def test_edit(run: Json) -> None:
    edit = good(run, "edit")
    (order,) = edit["open"]
    assert order["id"] == edit["edited"]["id"] != good(run, "order")["placed"]["id"] and order["amount"] == 0.02


def test_cancel(run: Json) -> None:
    cancel = good(run, "cancel")
    assert cancel["answer"]["status"] == "success" and cancel["open"] == []
    assert cancel["again"][0] == "OrderNotFound" and cancel["unknown"][0] == "OrderNotFound"
    assert cancel["fetched"]["status"] == "canceled"
    assert good(run, "cancel_by_cloid")["open"] == []


def test_partial_fill(run: Json) -> None:
    partial = good(run, "partial_fill")
    order = partial["fetched"]
    assert order["status"] == "open" and 0 < order["filled"] < order["amount"]
    after = partial["after"]
    assert after["status"] == "canceled"
    assert sum(trade["amount"] for trade in partial["trades"]) == pytest.approx(after["filled"])


def test_a_position_opens_and_closes(run: Json) -> None:
    market = good(run, "market")
    (position,) = market["positions"]
    assert position["side"] == "long" and position["contracts"] >= 0.05 and position["leverage"] == 20
    assert market["opened"]["filled"] == market["closed"]["filled"] == 0.05
    assert market["balance"]["USDC"]["total"] > 0
    assert all(trade["fee"]["cost"] > 0 for trade in market["trades"])


def test_batch(run: Json) -> None:
    batch = good(run, "batch")
    assert len({order["id"] for order in batch["placed"]}) == 3
    assert [order["status"] for order in batch["canceled"]] == ["success"] * 3


def test_errors_are_understood(run: Json) -> None:
    errors = good(run, "errors")
    assert errors["margin"][0] == "InsufficientFunds"
    assert errors["value"][0] == errors["post_only"][0] == errors["ioc"][0] == "InvalidOrder"
    assert errors["wrong_key"][0] == "InvalidOrder" and "User or API Wallet " in errors["wrong_key"][1]


def test_leverage_and_account(run: Json) -> None:
    assert good(run, "leverage")["set"]["status"] == "ok"
    account = good(run, "account")
    assert account["fee"]["taker"] == 0.00045 and account["ledger"][0]["type"] == "deposit"
    assert {order["status"] for order in account["orders"]} >= {"closed", "canceled"}


def test_transfer_between_the_wallets(run: Json) -> None:
    transfer = good(run, "transfer")
    assert transfer["out"]["status"] == transfer["back"]["status"] == "ok" and transfer["spot"]["total"] == 3


def test_schedule_cancel(run: Json) -> None:
    schedule = good(run, "schedule_cancel")
    assert schedule["answer"]["status"] == "ok" and schedule["order"]["status"] == "scheduledCancel"
