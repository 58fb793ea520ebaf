"""The official Python SDK, unmodified, trades on the served Hyperliquid through everything it offers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from clients.served_hyperliquid import good, needs_clients, run_script, served

Json = dict[str, Any]
OK = {"status": "ok", "response": {"type": "default"}}
SUCCESS = {"status": "ok", "response": {"type": "cancel", "data": {"statuses": ["success"]}}}


@pytest.fixture(scope="module")
def run() -> Json:
    needs_clients()
    with served() as venue:
        account = venue["accounts"][0]
        agent = account["agents"][0]["private_key"]
        steps = run_script("hyperliquid_sdk.py", venue["url"], account["private_key"], account["address"], agent)
        return steps | {"address": account["address"]}


def statuses(answer: Json) -> list[Any]:
    assert answer["status"] == "ok", answer
    found: list[Any] = answer["response"]["data"]["statuses"]
    return found


def refused(answer: Json) -> str:
    (status,) = statuses(answer)
    text: str = status["error"]
    return text


def test_quote(run: Json) -> None:
    quote = good(run, "quote")
    bids, asks = quote["book"]["levels"]
    assert 0 < Decimal(bids[0]["px"]) < Decimal(quote["mids"]["BTC"]) < Decimal(asks[0]["px"])
    assert quote["meta"]["universe"][0]["szDecimals"] == 5
    assert [Decimal(level["px"]) for level in bids] == sorted((Decimal(level["px"]) for level in bids), reverse=True)


def test_contexts(run: Json) -> None:
    contexts = good(run, "contexts")
    meta, rows = contexts["perp"]
    assert len(meta["universe"]) == len(rows)
    assert contexts["dexs"] == [None]


def test_history(run: Json) -> None:
    history = good(run, "history")
    assert all(candle["T"] - candle["t"] == 59_999 for candle in history["candles"])
    assert isinstance(history["funding"], list)


def test_an_order_rests_and_is_found(run: Json) -> None:
    order, query = good(run, "order"), good(run, "query")
    cloid = "0x" + "0" * 31 + "7"
    assert statuses(order["answer"]) == [{"resting": {"oid": query["oid"], "cloid": cloid}}]
    (resting,) = query["open"]
    assert resting["oid"] == query["oid"] and Decimal(resting["limitPx"]) == order["price"] and resting["side"] == "B"
    assert query["frontend"][0]["tif"] == "Gtc" and query["frontend"][0]["cloid"] == cloid
    assert query["by_oid"] == query["by_cloid"]
    assert query["by_oid"]["order"]["status"] == "open"
    assert query["unknown"] == {"status": "unknownOid"}


def test_cancel(run: Json) -> None:
    cancel = good(run, "cancel")
    assert cancel["first"] == SUCCESS and cancel["open"] == []
    assert refused(cancel["again"]) == "Order was never placed, already canceled, or filled. asset=0"
    assert cancel["status"]["order"]["status"] == "canceled"


def test_cancel_by_cloid(run: Json) -> None:
    cancel = good(run, "cancel_by_cloid")
    assert cancel["first"] == SUCCESS
    assert refused(cancel["again"]).startswith("Order was never placed")


def test_partial_fill(run: Json) -> None:
    """What filled and what was canceled add up to what was asked for."""
    partial = good(run, "partial_fill")
    order, canceled = partial["order"]["order"], partial["canceled"]["order"]
    assert order["status"] == "open" and 0 < Decimal(order["order"]["sz"]) < Decimal(order["order"]["origSz"])
    filled = sum(Decimal(fill["sz"]) for fill in partial["fills"])
    assert canceled["status"] == "canceled"
    assert (
        filled + Decimal(canceled["order"]["sz"])
        == Decimal(canceled["order"]["origSz"])
        == Decimal(str(partial["size"]))
    )
    for fill in partial["fills"]:
        rate = Decimal("0.00045") if fill["crossed"] else Decimal("0.00015")
        assert fill["dir"] == "Open Long"
        assert 0 <= Decimal(fill["fee"]) - Decimal(fill["px"]) * Decimal(fill["sz"]) * rate < Decimal("0.00000001")


def test_a_position_opens_and_closes(run: Json) -> None:
    market = good(run, "market")
    opened, closed = statuses(market["opened"])[0]["filled"], statuses(market["closed"])[0]["filled"]
    assert opened["totalSz"] == closed["totalSz"] == "0.5"
    (row,) = [row for row in market["state"]["assetPositions"] if row["position"]["coin"] == "ETH"]
    assert row["position"]["szi"] == "-0.5" and Decimal(row["position"]["entryPx"]) == Decimal(opened["avgPx"])
    summary = market["state"]["marginSummary"]
    notional = sum(
        Decimal(one["position"]["positionValue"]) * (1 if Decimal(one["position"]["szi"]) > 0 else -1)
        for one in market["state"]["assetPositions"]
    )
    assert Decimal(summary["totalRawUsd"]) + notional == Decimal(summary["accountValue"])
    assert not [row for row in market["after"]["assetPositions"] if row["position"]["coin"] == "ETH"]


def test_modify_makes_a_new_order(run: Json) -> None:
    modify = good(run, "modify")
    (order,) = modify["open"]
    assert modify["new"] > modify["old"] and order["oid"] == modify["new"] and order["sz"] == "0.02"
    assert refused(modify["gone"]) == "Cannot modify canceled or filled order"
    assert modify["was"]["order"]["status"] == "canceled"


def test_batch(run: Json) -> None:
    batch = good(run, "batch")
    first, bad, last = statuses(batch["answer"])
    assert "resting" in first and "resting" in last and "80% away" in bad["error"]
    *canceled, unknown = statuses(batch["canceled"])
    assert canceled == ["success", "success"] and unknown["error"].startswith("Order was never placed")


def test_refusals_are_the_venues_own_words(run: Json) -> None:
    refusals = good(run, "refusals")
    assert refused(refusals["tick"]) == "Price must be divisible by tick size. asset=0"
    assert refused(refusals["value"]) == "Order must have minimum value of $10. asset=0"
    assert refused(refusals["post_only"]).startswith("Post only order would have immediately matched, bbo was ")
    assert refused(refusals["ioc"]) == "Order could not immediately match against any resting orders. asset=0"
    assert refused(refusals["reduce_only"]).startswith("Reduce only order would increase position. asset=")
    assert refused(refusals["margin"]) == "Insufficient margin to place order. asset=0"
    assert refused(refusals["far"]).startswith("Order price cannot be more than 80% away from the reference price")


def test_leverage(run: Json) -> None:
    leverage = good(run, "leverage")
    assert leverage["answer"] == OK and leverage["too_high"]["status"] == "err"


def test_a_wrong_key_is_nobody(run: Json) -> None:
    wrong = good(run, "wrong_key")
    said = {"status": "err", "response": f"User or API Wallet {wrong['address']} does not exist."}
    assert wrong["order"] == wrong["cancel"] == said


def test_agents(run: Json) -> None:
    """A known agent trades, a new one after its approval, and none after another took its name; none moves money."""
    agent = good(run, "agent")
    assert "resting" in statuses(agent["known"])[0] and agent["canceled"] == SUCCESS
    assert agent["approved"] == agent["noop"] == OK
    assert "second" in [one["name"] for one in agent["agents"]]
    assert agent["role"] == {"role": "agent", "data": {"user": run["address"]}}
    assert agent["revoked"]["response"].startswith("User or API Wallet ")
    assert agent["transfer_by_agent"]["response"].startswith("Must deposit before performing actions. User: ")


def test_nonces(run: Json) -> None:
    nonces = good(run, "nonces")
    assert nonces["first"] == OK
    for name in ("again", "old", "future"):
        assert nonces[name]["status"] == "err" and nonces[name]["response"].startswith("Invalid nonce")


def test_expires_after(run: Json) -> None:
    expires = good(run, "expires_after")
    assert expires["valid"] == OK and expires["expired"]["status"] == "err"


def test_transfers_are_verified_and_done(run: Json) -> None:
    transfers = good(run, "transfers")
    assert transfers["class"] == transfers["back"] == transfers["referrer"] == transfers["builder"] == OK
    assert transfers["too_much"]["status"] == "err"


def test_account(run: Json) -> None:
    account = good(run, "account")
    assert account["role"] == {"role": "user"} and account["nobody"] == {"role": "missing"}
    limit = account["limit"]
    traded = sum(Decimal(fill["px"]) * Decimal(fill["sz"]) for fill in account["fills"])
    assert Decimal(limit["cumVlm"]) == traded and limit["nRequestsCap"] == 10_000 + int(traded)
    assert account["fees"]["userCrossRate"] == "0.00045" and account["abstraction"] == "default"
    assert {row["status"] for row in account["history"]} >= {"open", "canceled", "filled", "iocCancelRejected"}


def test_schedule_cancel(run: Json) -> None:
    schedule = good(run, "schedule_cancel")
    assert schedule["too_soon"]["status"] == "err"
    assert schedule["set"] == schedule["unset"] == schedule["again"] == OK
    assert schedule["order"]["order"]["status"] == "scheduledCancel"


def test_the_user_stream_tells_the_same_story(run: Json) -> None:
    """What the stream said of orders and fills is what the requests say, in order and once."""
    stream, account = good(run, "user_stream"), good(run, "account")
    assert stream["userFills"][0]["data"]["isSnapshot"] is True
    streamed = [fill for message in stream["userFills"][1:] for fill in message["data"]["fills"]]
    asked = account["fills"]
    assert [fill["tid"] for fill in streamed][: len(asked)] == [fill["tid"] for fill in asked]
    events = [fill for message in stream["userEvents"] for fill in message["data"].get("fills", [])]
    assert [fill["tid"] for fill in events] == [fill["tid"] for fill in streamed]
    oid = good(run, "query")["oid"]
    mine = [
        update["status"]
        for message in stream["orderUpdates"]
        for update in message["data"]
        if update["order"]["oid"] == oid
    ]
    assert mine == ["open", "canceled"]


def test_start_positions_chain(run: Json) -> None:
    position = Decimal(0)
    for fill in (fill for fill in good(run, "account")["fills"] if fill["coin"] == "BTC"):
        assert Decimal(fill["startPosition"]) == position
        position += Decimal(fill["sz"]) * (1 if fill["side"] == "B" else -1)


def test_the_market_streams(run: Json) -> None:
    stream = good(run, "market_stream")
    assert {name for name, messages in stream.items() if messages} == {
        "bbo", "l2Book", "trades", "activeAssetCtx", "allMids", "candle",
    }  # fmt: skip
    first, second = (message["data"]["time"] for message in stream["l2Book"][:2])
    assert second > first


def test_reconnect(run: Json) -> None:
    """What happened while nobody listened is in the snapshot of the next socket."""
    again = good(run, "reconnect")
    assert again["snapshot"]["data"]["isSnapshot"] is True
    assert again["snapshot"]["data"]["fills"] == again["fills"]
