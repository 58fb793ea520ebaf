"""Unmodified ccxt, REST, against Binance spot and USD-M on this machine; run by the clients' Python, not by pytest.

Arguments: host:port of spot, HMAC api key and secret, then host:port of USD-M as the last.
"""

import re
import sys
import time

import ccxt
from binance_steps import did, partly, raised, step, tell

SPOT, KEY, SECRET, USDM = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[-1]
PAIR, PERP = "BTC/USDT", "BTC/USDT:USDT"


def made(kind=ccxt.binance, **options):
    """Only scheme and host are replaced: futures' addresses go to one venue, all others to the other."""
    exchange = kind({"apiKey": KEY, "secret": SECRET, "options": options, "enableRateLimit": False})
    for name, url in list(exchange.urls["api"].items()):
        if isinstance(url, str):
            host = USDM if "/fapi" in url else SPOT
            exchange.urls["api"][name] = re.sub(r"^https?://[^/]+", f"http://{host}", url)
    return exchange


spot = made(fetchMarkets={"types": ["spot"]}, fetchMargins=False, fetchCurrencies=False)
usdm = made(ccxt.binanceusdm, fetchCurrencies=False)


def best_ask(exchange, symbol):
    price, there = exchange.fetch_order_book(symbol, 5)["asks"][0][:2]
    return price, there


def part(exchange, symbol, decimals):
    def place(quantity, price):
        return exchange.create_order(symbol, "limit", "buy", quantity, price)

    placed, canceled = partly(
        lambda: best_ask(exchange, symbol), place,
        lambda order: "PARTIALLY_FILLED" if 0 < order["filled"] < order["amount"] else order["info"]["status"],
        lambda order: exchange.cancel_order(order["id"], symbol), decimals,
    )  # fmt: skip
    return {
        "placed": placed,
        "canceled": canceled,
        "fetched": exchange.fetch_order(placed["id"], symbol),
        "trades": [one for one in exchange.fetch_my_trades(symbol) if one["order"] == placed["id"]],
        "orders": [one["id"] for one in exchange.fetch_orders(symbol)],
    }


@step
def load_markets():
    """With trimmed options, and with the client's own: currencies, margin pairs, all kinds of markets."""
    eager = made()
    return {"spot": spot.load_markets()[PAIR], "usdm": usdm.load_markets()[PERP], "eager": list(eager.load_markets())}


@step
def quote():
    return {
        "book": spot.fetch_order_book(PAIR, 20),
        "ticker": spot.fetch_ticker(PAIR),
        "trades": spot.fetch_trades(PAIR, limit=5),
        "candles": spot.fetch_ohlcv(PAIR, "1m", limit=5),
        "bids": spot.fetch_bids_asks([PAIR]),
        "perp_book": usdm.fetch_order_book(PERP, 20),
        "perp_ticker": usdm.fetch_ticker(PERP),
        "funding": usdm.fetch_funding_rate(PERP),
        "perp_candles": usdm.fetch_ohlcv(PERP, "1m", limit=5),
        "interest": usdm.fetch_open_interest(PERP),
        "time": abs(spot.fetch_time() - time.time() * 1000) < 1_000,
    }


@step
def spot_order():
    price = round(best_ask(spot, PAIR)[0] * 0.9, 2)
    placed = spot.create_order(PAIR, "limit", "buy", 0.01, price)
    found = {"placed": placed, "fetched": spot.fetch_order(placed["id"], PAIR), "open": spot.fetch_open_orders(PAIR)}
    edited = spot.edit_order(placed["id"], PAIR, "limit", "buy", 0.02, price - 1)
    canceled = spot.cancel_order(edited["id"], PAIR)
    post_only = spot.create_order(PAIR, "limit", "buy", 0.01, price, {"postOnly": True})
    return found | {
        "edited": edited,
        "canceled": canceled,
        "again": raised(spot.cancel_order, edited["id"], PAIR),
        "post_only": spot.fetch_order(post_only["id"], PAIR),
        "all": [one["id"] for one in spot.cancel_all_orders(PAIR)],
        "none": spot.fetch_open_orders(PAIR),
    }


@step
def spot_partial():
    return part(spot, PAIR, 5)


@step
def spot_market():
    return {
        "sold": spot.create_order(PAIR, "market", "sell", 0.01),
        "bought": spot.create_order(PAIR, "market", "buy", 0.01),
        "balance": spot.fetch_balance(),
        "fee": spot.fetch_trading_fee(PAIR) if spot.has["fetchTradingFee"] else None,
    }


@step
def usdm_order():
    price = round(best_ask(usdm, PERP)[0] * 0.97, 1)
    placed = usdm.create_order(PERP, "limit", "buy", 0.01, price)
    found = {"placed": placed, "fetched": usdm.fetch_order(placed["id"], PERP), "open": usdm.fetch_open_orders(PERP)}
    edited = usdm.edit_order(placed["id"], PERP, "limit", "buy", 0.02, price - 1)
    canceled = usdm.cancel_order(edited["id"], PERP)
    batch = usdm.create_orders(
        [
            {"symbol": PERP, "type": "limit", "side": "buy", "amount": 0.01, "price": price - offset}
            for offset in (1, 2, 3)
        ]
    )
    return found | {
        "edited": edited,
        "canceled": canceled,
        "batch": batch,
        "batch_canceled": usdm.cancel_orders([one["id"] for one in batch[:2]], PERP),
        "all": usdm.cancel_all_orders(PERP),
        "none": usdm.fetch_open_orders(PERP),
        "post_only": raised(usdm.create_order, PERP, "limit", "buy", 0.01, round(price * 1.04, 1), {"postOnly": True}),
        "stop": raised(usdm.create_order, PERP, "market", "sell", 0.01, None, {"stopPrice": price}),
    }


@step
def usdm_partial():
    return part(usdm, PERP, 3)


@step
def usdm_position():
    held = usdm.fetch_positions([PERP])
    closed = usdm.create_order(PERP, "market", "sell", held[0]["contracts"], None, {"reduceOnly": True})
    return {
        "held": held,
        "closed": closed,
        "flat": usdm.fetch_positions([PERP]),
        "balance": usdm.fetch_balance(),
        "leverage": usdm.set_leverage(10, PERP),
        "mode": usdm.fetch_position_mode(PERP),
        "brackets": usdm.fetch_leverage_tiers([PERP]),
        "income": usdm.fetch_income() if usdm.has.get("fetchIncome") else usdm.fapiPrivateGetIncome(),
        "funding": usdm.fetch_funding_history(PERP),
        "commission": usdm.fetch_trading_fee(PERP),
    }


@step
def refused():
    price = did["spot_order"]["placed"]["price"]
    stranger = made(fetchMarkets={"types": ["spot"]}, fetchMargins=False, fetchCurrencies=False)
    stranger.secret = "0" * 64
    return {
        "funds": raised(spot.create_order, PAIR, "limit", "buy", 100, price),
        "order": raised(spot.fetch_order, "1", PAIR),
        "signature": raised(stranger.fetch_balance),
        "margin": raised(usdm.create_order, PERP, "limit", "buy", 900, round(best_ask(usdm, PERP)[0] * 0.97, 1)),
    }


tell()
