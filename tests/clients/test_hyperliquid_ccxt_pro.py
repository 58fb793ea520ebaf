"""ccxt.pro, unmodified, watches and trades on the served Hyperliquid over its websocket."""

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
        return run_script("hyperliquid_ccxt_pro.py", venue["url"], account["private_key"], account["address"])


def test_an_order_is_placed_and_seen(run: Json) -> None:
    order = good(run, "order")
    (seen,) = order["seen"]
    assert seen["id"] == order["placed"]["id"] and seen["status"] == "open" and seen["price"] == order["price"]


def test_edit(run: Json) -> None:
    edit = good(run, "edit")
    assert [(order["status"], order["amount"]) for order in edit["seen"]] == [("canceled", 0.01), ("open", 0.02)]
    assert edit["seen"][-1]["id"] == edit["edited"]["id"]


def test_cancel(run: Json) -> None:
    cancel = good(run, "cancel")
    assert cancel["answer"]["status"] == "success" and cancel["seen"][-1]["status"] == "canceled"


def test_fill(run: Json) -> None:
    fill = good(run, "fill")
    assert {trade["order"] for trade in fill["trades"]} == {fill["placed"]["id"]}
    assert sum(trade["amount"] for trade in fill["trades"]) == pytest.approx(0.01)


def test_state(run: Json) -> None:
    state = good(run, "state")
    (position,) = state["positions"]
    assert position["contracts"] == 0.01 and state["balance"]["USDC"]["free"] > 0
    assert state["tickers"]["last"] > 0 and state["trades"] and state["candles"]


def test_refused(run: Json) -> None:
    assert good(run, "refused")[0] == "InsufficientFunds"


def test_reconnect(run: Json) -> None:
    """A new socket goes on where the old one was cut: its snapshot repeats the fills."""
    again = good(run, "reconnect")
    assert again["bid"][0] > 0
    repeated, first = again["trades"], good(run, "fill")["trades"]
    assert {trade["id"] for trade in repeated} == {trade["id"] for trade in first}, "the client sorts by time alone"
    assert len(repeated) == len(first)


def test_unsubscribe(run: Json) -> None:
    good(run, "unsubscribe")
