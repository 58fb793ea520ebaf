"""Unmodified ccxt, REST, against a Hyperliquid on this machine; run by the clients' Python, not by pytest.

Arguments: base URL, master's key, master's address. Prints one JSON object: step -> what it returned, or {"raised"}.
"""

import json
import sys
import time

import ccxt

BASE, KEY, ADDRESS = sys.argv[1:4]
PERP = "BTC/USDC:USDC"
did = {}


def step(call):
    try:
        did[call.__name__] = call()
    except Exception as error:
        did[call.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    return call


def raised(call, *arguments, **more):
    """The class and the text of what a call raises; None if it does not."""
    try:
        call(*arguments, **more)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


def made(key=KEY, **options):
    exchange = ccxt.hyperliquid(
        {"walletAddress": ADDRESS, "privateKey": key, "options": options, "enableRateLimit": False}
    )
    exchange.urls["api"] = {"public": BASE, "private": BASE}
    return exchange


hl = made(approvedBuilderFee=True, refSet=True)


def below(by=0.9):
    return round(hl.fetch_order_book(PERP)["bids"][0][0] * by)


@step
def load_markets():
    """With the client's own defaults: it approves a builder and sets a referrer first."""
    eager = made()
    markets = eager.load_markets()
    eager.create_order(PERP, "limit", "buy", 0.01, below(), {"timeInForce": "Alo"})
    eager.cancel_all_orders(PERP) if eager.has.get("cancelAllOrders") else None
    for order in eager.fetch_open_orders(PERP):
        eager.cancel_order(order["id"], PERP)
    return {"market": markets[PERP], "n": len(markets)}


@step
def quote():
    hl.load_markets()
    return {
        "book": hl.fetch_order_book(PERP),
        "ticker": hl.fetch_ticker(PERP),
        "candles": hl.fetch_ohlcv(PERP, "1m", limit=5),
        "funding": hl.fetch_funding_rate(PERP),
        "status": hl.fetch_status(),
    }


@step
def order():
    price = below()
    placed = hl.create_order(PERP, "limit", "buy", 0.01, price, {"clientOrderId": "0x" + "ab" * 16})
    return {
        "price": price,
        "placed": placed,
        "fetched": hl.fetch_order(placed["id"], PERP),
        "by_cloid": hl.fetch_order(None, PERP, {"clientOrderId": "0x" + "ab" * 16}),
        "open": hl.fetch_open_orders(PERP),
    }


@step
def edit():
    edited = hl.edit_order(did["order"]["placed"]["id"], PERP, "limit", "buy", 0.02, did["order"]["price"] - 5)
    return {"edited": edited, "open": hl.fetch_open_orders(PERP)}


@step
def cancel():
    last = hl.fetch_open_orders(PERP)[0]
    answer = hl.cancel_order(last["id"], PERP)
    return {
        "answer": answer,
        "again": raised(hl.cancel_order, last["id"], PERP),
        "fetched": hl.fetch_order(last["id"], PERP),
        "open": hl.fetch_open_orders(PERP),
        "unknown": raised(hl.fetch_order, "1", PERP),
    }


@step
def cancel_by_cloid():
    cloid = "0x" + "cd" * 16
    hl.create_order(PERP, "limit", "buy", 0.01, below(), {"clientOrderId": cloid, "postOnly": True})
    return {"answer": hl.cancel_order(None, PERP, {"clientOrderId": cloid}), "open": hl.fetch_open_orders(PERP)}


@step
def partial_fill():
    """A buy for more than stands up to the tenth ask: what stands there is filled, the rest rests."""
    asks = hl.fetch_order_book(PERP)["asks"][:10]
    placed = hl.create_order(PERP, "limit", "buy", round(sum(level[1] for level in asks) + 2, 5), asks[-1][0])
    fetched = hl.fetch_order(placed["id"], PERP)
    hl.cancel_order(placed["id"], PERP)
    return {
        "fetched": fetched,
        "after": hl.fetch_order(placed["id"], PERP),
        "trades": [trade for trade in hl.fetch_my_trades(PERP) if trade["order"] == placed["id"]],
    }


@step
def market():
    price = hl.fetch_ticker(PERP)["close"]
    opened = hl.create_order(PERP, "market", "buy", 0.05, price)
    return {
        "opened": opened,
        "positions": hl.fetch_positions([PERP]),
        "balance": hl.fetch_balance(),
        "closed": hl.create_order(PERP, "market", "sell", 0.05, price, {"reduceOnly": True}),
        "trades": hl.fetch_my_trades(PERP),
    }


@step
def batch():
    price = below()
    rows = [{"symbol": PERP, "type": "limit", "side": "buy", "amount": 0.01, "price": price - n} for n in range(3)]
    placed = hl.create_orders(rows)
    return {"placed": placed, "canceled": hl.cancel_orders([one["id"] for one in placed], PERP)}


@step
def errors():
    price = below()
    hl_wrong = made("0x" + "11" * 32, approvedBuilderFee=True, refSet=True)
    hl_wrong.set_markets_from_exchange(hl)
    return {
        "margin": raised(hl.create_order, PERP, "limit", "buy", 10_000, price),
        "value": raised(hl.create_order, PERP, "limit", "buy", 0.0001, price),
        "post_only": raised(hl.create_order, PERP, "limit", "buy", 0.01, round(price * 1.2), {"postOnly": True}),
        "ioc": raised(hl.create_order, PERP, "limit", "buy", 0.01, price, {"timeInForce": "Ioc"}),
        "wrong_key": raised(hl_wrong.create_order, PERP, "limit", "buy", 0.01, price),
    }


@step
def leverage():
    return {"set": hl.set_leverage(4, PERP), "mode": hl.set_margin_mode("cross", PERP, {"leverage": 5})}


@step
def account():
    return {
        "fee": hl.fetch_trading_fee(PERP),
        "funding": hl.fetch_funding_history(PERP),
        "ledger": hl.fetch_ledger(),
        "orders": hl.fetch_orders(PERP),
        "interest": hl.fetch_open_interest(PERP),
    }


@step
def transfer():
    before = hl.fetch_balance()["USDC"]
    out = hl.transfer("USDC", 3, "swap", "spot")
    spot = hl.fetch_balance({"type": "spot"})
    back = hl.transfer("USDC", 3, "spot", "swap")
    return {"before": before, "out": out, "spot": spot["USDC"], "back": back, "after": hl.fetch_balance()["USDC"]}


@step
def schedule_cancel():
    hl.create_order(PERP, "limit", "buy", 0.01, below(), {"clientOrderId": "0x" + "ef" * 16})
    answer = hl.cancel_all_orders_after(5_500)
    time.sleep(5.7)
    return {"answer": answer, "order": hl.fetch_order(None, PERP, {"clientOrderId": "0x" + "ef" * 16})}


json.dump(did, sys.stdout)
