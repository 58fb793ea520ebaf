"""The unmodified hyperliquid-python-sdk against a venue on this machine; run by the clients' Python, not by pytest.

Arguments: base URL, master's key, master's address, a known agent's key. Prints one JSON object: step -> what it
returned, or {"raised": ...}. A step that needs an earlier one reads `did`.
"""

import json
import sys
import time

import eth_account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

BASE, KEY, ADDRESS, AGENT = sys.argv[1:5]
STRANGER = "0x" + "11" * 32
did = {}
heard = {}


def step(call):
    try:
        did[call.__name__] = call()
    except Exception as error:
        did[call.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    return call


def until(is_true, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = is_true()
        if found:
            return found
        time.sleep(0.01)
    raise TimeoutError("it did not happen")


def listen(info, kinds):
    for kind in kinds:
        heard.setdefault(kind["type"], [])
        info.subscribe(kind, lambda message, name=kind["type"]: heard[name].append(message))


def act(call, *arguments, **more):
    """An action, not within one millisecond of the one before: this client's nonce is the time."""
    time.sleep(0.002)
    return call(*arguments, **more)


def trading(key):
    """Another wallet that trades for the account; the metas are known, so it asks for none."""
    return Exchange(
        eth_account.Account.from_key(key), BASE, META, account_address=ADDRESS, spot_meta={"universe": [], "tokens": []}
    )


def touch():
    bids, asks = info.l2_snapshot("BTC")["levels"]
    return bids, asks


def below():
    """A price far enough below the market to rest."""
    return float(round(float(touch()[0][0]["px"]) * 0.9))


info = Info(BASE, skip_ws=False)
META = info.meta()
exchange = Exchange(eth_account.Account.from_key(KEY), BASE, account_address=ADDRESS)
PRIVATE = [{"type": name, "user": ADDRESS} for name in ("orderUpdates", "userFills", "userEvents", "userFundings")]
PUBLIC = [{"type": name, "coin": "BTC"} for name in ("bbo", "l2Book", "trades", "activeAssetCtx")]
listen(info, [*PRIVATE, *PUBLIC, {"type": "allMids"}, {"type": "candle", "coin": "BTC", "interval": "1m"}])
until(lambda: heard["userFills"])


@step
def quote():
    return {"mids": info.all_mids(), "book": info.l2_snapshot("BTC"), "meta": META}


@step
def contexts():
    return {"perp": info.meta_and_asset_ctxs(), "spot": info.spot_meta_and_asset_ctxs(), "dexs": info.perp_dexs()}


@step
def history():
    now = int(time.time() * 1000)
    return {
        "candles": info.candles_snapshot("BTC", "1m", now - 3_600_000, now),
        "funding": info.funding_history("BTC", now - 86_400_000),
    }


@step
def order():
    price = below()
    answer = act(exchange.order, "BTC", True, 0.01, price, {"limit": {"tif": "Gtc"}}, cloid=Cloid.from_int(7))
    return {"price": price, "answer": answer}


@step
def query():
    oid = did["order"]["answer"]["response"]["data"]["statuses"][0]["resting"]["oid"]
    return {
        "oid": oid,
        "open": info.open_orders(ADDRESS),
        "frontend": info.frontend_open_orders(ADDRESS),
        "by_oid": info.query_order_by_oid(ADDRESS, oid),
        "by_cloid": info.query_order_by_cloid(ADDRESS, Cloid.from_int(7)),
        "unknown": info.query_order_by_oid(ADDRESS, 1),
    }


@step
def cancel():
    oid = did["query"]["oid"]
    return {
        "first": act(exchange.cancel, "BTC", oid),
        "again": act(exchange.cancel, "BTC", oid),
        "open": info.open_orders(ADDRESS),
        "status": info.query_order_by_oid(ADDRESS, oid),
    }


@step
def cancel_by_cloid():
    act(exchange.order, "BTC", True, 0.01, below(), {"limit": {"tif": "Alo"}}, cloid=Cloid.from_int(8))
    return {
        "first": act(exchange.cancel_by_cloid, "BTC", Cloid.from_int(8)),
        "again": act(exchange.cancel_by_cloid, "BTC", Cloid.from_int(8)),
    }


@step
def partial_fill():
    """A buy for more than stands up to the tenth ask: what stands there is filled, the rest rests."""
    asks = touch()[1][:10]
    size = round(sum(float(level["sz"]) for level in asks) + 2, 5)
    answer = act(exchange.order, "BTC", True, size, float(asks[-1]["px"]), {"limit": {"tif": "Gtc"}})
    oid = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    found = {"answer": answer, "size": size, "order": info.query_order_by_oid(ADDRESS, oid)}
    act(exchange.cancel, "BTC", oid)
    found |= {
        "canceled": info.query_order_by_oid(ADDRESS, oid),
        "fills": [fill for fill in info.user_fills(ADDRESS) if fill["oid"] == oid],
    }
    act(exchange.market_close, "BTC")  # what stood there may be much: held, a falling market would eat the account
    return found


@step
def market():
    opened = act(exchange.market_open, "ETH", False, 0.5)
    state = info.user_state(ADDRESS)
    return {
        "opened": opened,
        "state": state,
        "closed": act(exchange.market_close, "ETH"),
        "after": info.user_state(ADDRESS),
    }


@step
def modify():
    price = below()
    first = act(exchange.order, "BTC", True, 0.01, price, {"limit": {"tif": "Gtc"}}, cloid=Cloid.from_int(9))
    oid = first["response"]["data"]["statuses"][0]["resting"]["oid"]
    answer = act(exchange.modify_order, oid, "BTC", True, 0.02, price - 10, {"limit": {"tif": "Gtc"}})
    new = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    found = {"old": oid, "new": new, "open": info.open_orders(ADDRESS), "answer": answer}
    act(exchange.cancel, "BTC", new)
    return found | {
        "gone": act(exchange.modify_order, oid, "BTC", True, 0.02, price, {"limit": {"tif": "Gtc"}}),
        "was": info.query_order_by_oid(ADDRESS, oid),
    }


@step
def batch():
    price = below()
    wanted = [
        {"coin": coin, "is_buy": True, "sz": 0.01, "limit_px": px, "order_type": {"limit": {"tif": "Gtc"}},
         "reduce_only": False}
        for coin, px in (("BTC", price), ("BTC", 5_000.0), ("BTC", price - 5))
    ]  # fmt: skip
    answer = act(exchange.bulk_orders, wanted)
    oids = [s["resting"]["oid"] for s in answer["response"]["data"]["statuses"] if "resting" in s]
    return {
        "answer": answer,
        "canceled": act(exchange.bulk_cancel, [{"coin": "BTC", "oid": oid} for oid in [*oids, 1]]),
    }


@step
def refusals():
    price = below()
    ask = float(touch()[1][0]["px"])
    gtc, alo, ioc = ({"limit": {"tif": tif}} for tif in ("Gtc", "Alo", "Ioc"))
    return {
        "tick": act(exchange.order, "BTC", True, 0.01, price + 0.123, gtc),
        "value": act(exchange.order, "BTC", True, 0.0001, price, gtc),
        "post_only": act(exchange.order, "BTC", True, 0.01, ask + 100, alo),
        "ioc": act(exchange.order, "BTC", True, 0.01, price, ioc),
        "reduce_only": act(exchange.order, "ETH", False, 1, 5000.0, gtc, reduce_only=True),
        "margin": act(exchange.order, "BTC", True, 10_000, price, gtc),
        "far": act(exchange.order, "BTC", True, 1, 10.0, gtc),
    }


@step
def leverage():
    answer = act(exchange.update_leverage, 3, "BTC", True)
    return {"answer": answer, "too_high": act(exchange.update_leverage, 1_000, "BTC", True)}


@step
def wrong_key():
    stranger = trading(STRANGER)
    return {
        "address": stranger.wallet.address.lower(),
        "order": act(stranger.order, "BTC", True, 0.01, 50_000, {"limit": {"tif": "Gtc"}}),
        "cancel": act(stranger.cancel, "BTC", 1),
    }


@step
def agent():
    """A known agent trades; a new one is approved and trades; approving again revokes it."""
    known = trading(AGENT)
    rest = act(known.order, "BTC", True, 0.01, below(), {"limit": {"tif": "Gtc"}})
    found = {
        "known": rest,
        "canceled": act(known.cancel, "BTC", rest["response"]["data"]["statuses"][0]["resting"]["oid"]),
    }
    approved, key = act(exchange.approve_agent, "second")
    second = trading(key)
    found |= {"approved": approved, "noop": second.noop(int(time.time() * 1000)), "agents": info.extra_agents(ADDRESS)}
    found["role"] = info.user_role(second.wallet.address)
    act(exchange.approve_agent, "second")
    return found | {
        "revoked": second.noop(int(time.time() * 1000)),
        "transfer_by_agent": act(known.usd_transfer, 1, "0x" + "22" * 20),
    }


@step
def nonces():
    nonce = int(time.time() * 1000) - 1_000
    found = {"first": exchange.noop(nonce), "again": exchange.noop(nonce)}
    return found | {"old": exchange.noop(nonce - 3 * 86_400_000), "future": exchange.noop(nonce + 2 * 86_400_000)}


@step
def expires_after():
    now = int(time.time() * 1000)
    exchange.set_expires_after(now + 60_000)
    found = {"valid": exchange.noop(now - 500)}
    exchange.set_expires_after(now - 1)
    found["expired"] = exchange.noop(now - 499)
    exchange.set_expires_after(None)
    return found


@step
def transfers():
    before = info.user_state(ADDRESS)["withdrawable"]
    sent = act(exchange.usd_class_transfer, 5, False)
    return {
        "before": before,
        "class": sent,
        "back": act(exchange.usd_class_transfer, 5, True),
        "too_much": act(exchange.usd_class_transfer, 10**9, False),
        "after": info.user_state(ADDRESS)["withdrawable"],
        "referrer": act(exchange.set_referrer, "CROSSBOOK"),
        "builder": act(exchange.approve_builder_fee, "0x" + "33" * 20, "0.01%"),
    }


@step
def account():
    return {
        "role": info.user_role(ADDRESS),
        "nobody": info.user_role("0x" + "44" * 20),
        "limit": info.user_rate_limit(ADDRESS),
        "fees": info.user_fees(ADDRESS),
        "spot": info.spot_user_state(ADDRESS),
        "history": info.historical_orders(ADDRESS),
        "fills": info.user_fills_by_time(ADDRESS, 0),
        "funding": info.user_funding_history(ADDRESS, 0),
        "abstraction": info.query_user_abstraction_state(ADDRESS),
        "referral": info.query_referral_state(ADDRESS),
        "sub_accounts": info.query_sub_accounts(ADDRESS),
        "portfolio": info.portfolio(ADDRESS),
    }


@step
def schedule_cancel():
    act(exchange.order, "BTC", True, 0.01, below(), {"limit": {"tif": "Gtc"}}, cloid=Cloid.from_int(10))
    now = int(time.time() * 1000)
    found = {
        "too_soon": act(exchange.schedule_cancel, now + 1_000),
        "set": act(exchange.schedule_cancel, now + 60_000),
        "unset": act(exchange.schedule_cancel, None),
        "again": act(exchange.schedule_cancel, int(time.time() * 1000) + 5_200),
    }
    time.sleep(5.3)
    return found | {"order": info.query_order_by_cloid(ADDRESS, Cloid.from_int(10)), "open": info.open_orders(ADDRESS)}


@step
def user_stream():
    until(lambda: len(heard["orderUpdates"]) > 5)
    return {name: list(heard[name]) for name in ("orderUpdates", "userFills", "userEvents", "userFundings")}


@step
def market_stream():
    until(lambda: all(heard[name] for name in ("bbo", "l2Book", "trades", "activeAssetCtx", "allMids", "candle")), 10)
    return {name: messages[:3] for name, messages in heard.items() if not name.startswith(("user", "order"))}


@step
def reconnect():
    """The socket goes away; a new one tells with its snapshot what the old one may have missed."""
    info.disconnect_websocket()
    act(exchange.market_open, "BTC", True, 0.001)
    heard["userFills"].clear()
    again = Info(BASE, skip_ws=False)
    listen(again, [{"type": "userFills", "user": ADDRESS}])
    until(lambda: heard["userFills"])
    again.disconnect_websocket()
    return {"snapshot": heard["userFills"][0], "fills": info.user_fills(ADDRESS)}


json.dump(did, sys.stdout)
