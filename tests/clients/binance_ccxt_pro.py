"""Unmodified ccxt.pro, websockets, against Binance spot and USD-M on this machine; run by the clients' Python.

Arguments: host:port of spot, HMAC api key and secret, then host:port of USD-M as the last.
"""

import asyncio
import logging
import re
import sys

import ccxt.pro
from binance_steps import astep, did, tell

logging.disable(logging.CRITICAL)  # a socket that is cut is what this script does
SPOT, KEY, SECRET, USDM = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[-1]
PAIR, PERP = "BTC/USDT", "BTC/USDT:USDT"


def rebased(exchange, host):
    for name, url in list(exchange.urls["api"].items()):
        if isinstance(url, str):
            exchange.urls["api"][name] = re.sub(r"^https?://[^/]+", f"http://{host}", url)
    return exchange


async def orders_until(exchange, symbol, is_done):
    """Watch orders until one of them is it; all that were heard."""
    heard = []
    while True:
        heard += [dict(order) for order in await exchange.watch_orders(symbol)]
        if any(is_done(order) for order in heard):
            return heard


def is_sold(order):
    """ccxt repeats what it remembers: the order after the reconnect is the one that sells."""
    return order["status"] == "closed" and order["side"] == "sell"


async def run(spot, usdm):
    async def spot_market():
        book = await spot.watch_order_book(PAIR)
        for _ in range(5):
            book = await spot.watch_order_book(PAIR)
        return {
            "book": {"bids": book["bids"][:5], "asks": book["asks"][:5], "nonce": book["nonce"]},
            "snapshot": await spot.fetch_order_book(PAIR, 5),
            "trades": await spot.watch_trades(PAIR),
            "ticker": await spot.watch_ticker(PAIR),
            "bids": await spot.watch_bids_asks([PAIR]),
            "candles": await spot.watch_ohlcv(PAIR, "1m"),
        }

    async def spot_order():
        price = round((await spot.fetch_order_book(PAIR, 5))["bids"][0][0] * 0.9, 2)
        seen = asyncio.create_task(orders_until(spot, PAIR, lambda order: order["status"] == "canceled"))
        await asyncio.sleep(0.3)
        placed = await spot.create_order_ws(PAIR, "limit", "buy", 0.01, price)
        fetched = await spot.fetch_order_ws(placed["id"], PAIR)
        opened = await spot.fetch_open_orders_ws(PAIR)
        canceled = await spot.cancel_order_ws(placed["id"], PAIR)
        return {"placed": placed, "fetched": fetched, "open": opened, "canceled": canceled, "seen": await seen}

    async def spot_fill():
        balance = asyncio.create_task(spot.watch_balance())
        trades = asyncio.create_task(spot.watch_my_trades(PAIR))
        await asyncio.sleep(0.3)
        placed = await spot.create_order_ws(PAIR, "market", "buy", 0.01)
        return {
            "placed": placed,
            "trades": [dict(one) for one in await trades],
            "balance": await balance,
            "all": await spot.fetch_balance_ws(),
        }

    async def spot_refused():
        try:
            await spot.create_order_ws(PAIR, "limit", "buy", 100, did["spot_order"]["placed"]["price"])
        except Exception as error:
            return [type(error).__name__, str(error)]

    async def spot_reconnect():
        """Every socket is cut; watching again opens new ones."""
        for client in list(spot.clients.values()):
            await client.close()
        book = await spot.watch_order_book(PAIR)
        seen = asyncio.create_task(orders_until(spot, PAIR, is_sold))
        await asyncio.sleep(0.5)
        placed = await spot.create_order(PAIR, "market", "sell", 0.01)
        return {"bid": book["bids"][0], "placed": placed, "seen": await seen}

    async def usdm_market():
        book = await usdm.watch_order_book(PERP)
        for _ in range(5):
            book = await usdm.watch_order_book(PERP)
        return {
            "book": {"bids": book["bids"][:5], "asks": book["asks"][:5]},
            "trades": await usdm.watch_trades(PERP),
            "mark": await usdm.watch_mark_price(PERP),
            "bids": await usdm.watch_bids_asks([PERP]),
            "candles": await usdm.watch_ohlcv(PERP, "1m"),
        }

    async def usdm_order():
        price = round((await usdm.fetch_order_book(PERP, 5))["bids"][0][0] * 0.97, 1)
        seen = asyncio.create_task(orders_until(usdm, PERP, lambda order: order["status"] == "canceled"))
        await asyncio.sleep(0.5)
        placed = await usdm.create_order_ws(PERP, "limit", "buy", 0.01, price)
        canceled = await usdm.cancel_order_ws(placed["id"], PERP)
        return {"placed": placed, "canceled": canceled, "seen": await seen}

    async def usdm_fill():
        trades = asyncio.create_task(usdm.watch_my_trades(PERP))
        positions = asyncio.create_task(usdm.watch_positions([PERP]))
        balance = asyncio.create_task(usdm.watch_balance())
        await asyncio.sleep(0.5)
        await usdm.create_order(PERP, "market", "buy", 0.01)
        return {
            "trades": [dict(one) for one in await trades],
            "positions": [dict(one) for one in await positions],
            "balance": await balance,
        }

    async def usdm_reconnect():
        """The same for futures, whose user data comes by a listen key."""
        for client in list(usdm.clients.values()):
            await client.close()
        book = await usdm.watch_order_book(PERP)
        seen = asyncio.create_task(orders_until(usdm, PERP, is_sold))
        await asyncio.sleep(0.5)
        placed = await usdm.create_order(PERP, "market", "sell", 0.01)
        return {"bid": book["bids"][0], "placed": placed, "seen": await seen}

    for call in (
        spot_market, spot_order, spot_fill, spot_refused, spot_reconnect, usdm_market, usdm_order, usdm_fill,
        usdm_reconnect,
    ):  # fmt: skip
        await astep(call)


async def main():
    keys = {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False}
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
    spot = rebased(ccxt.pro.binance({**keys, "options": options}), SPOT)
    usdm = rebased(ccxt.pro.binanceusdm({**keys, "options": {"fetchCurrencies": False}}), USDM)
    spot.urls["api"]["ws"]["spot"] = f"ws://{SPOT}/stream-sim/ws"  # "/stream" is how ccxt tells spot
    spot.urls["api"]["ws"]["ws-api"]["spot"] = f"ws://{SPOT}/ws-api/v3"
    usdm.urls["api"]["ws"]["linear"] = f"ws://{USDM}/um/ws"
    usdm.urls["api"]["ws"]["ws-api"]["linear"] = f"ws://{USDM}/ws-fapi/v1"
    try:
        await run(spot, usdm)
    finally:
        await spot.close()
        await usdm.close()


asyncio.run(main())
tell()
