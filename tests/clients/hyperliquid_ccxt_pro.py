"""Unmodified ccxt.pro, websockets, against a Hyperliquid on this machine; run by the clients' Python, not by pytest.

Arguments: base URL, master's key, master's address. Prints one JSON object: step -> what it returned, or {"raised"}.
"""

import asyncio
import json
import sys

import ccxt.pro

BASE, KEY, ADDRESS = sys.argv[1:4]
PERP = "BTC/USDC:USDC"
CLOID = "0x" + "5a" * 16


async def orders_until(hl, is_done):
    """Watch orders until one of them is it; all that were heard."""
    heard = []
    while True:
        heard += [dict(order) for order in await hl.watch_orders(PERP)]
        if any(is_done(order) for order in heard):
            return heard


async def run(hl):
    did = {}

    async def step(name, call):
        try:
            did[name] = await asyncio.wait_for(call, 15)
        except Exception as error:
            did[name] = {"raised": f"{type(error).__name__}: {error}"}

    async def order():
        price = round((await hl.watch_order_book(PERP))["bids"][0][0] * 0.9)
        seen = asyncio.create_task(orders_until(hl, lambda o: o["clientOrderId"] == CLOID))
        await asyncio.sleep(0.3)
        placed = await hl.create_order_ws(PERP, "limit", "buy", 0.01, price, {"clientOrderId": CLOID})
        return {"price": price, "placed": placed, "seen": await seen}

    async def edit():
        old = did["order"]
        seen = asyncio.create_task(orders_until(hl, lambda o: o["status"] == "open" and o["amount"] == 0.02))
        edited = await hl.edit_order_ws(old["placed"]["id"], PERP, "limit", "buy", 0.02, old["price"] - 5)
        return {"edited": edited, "seen": await seen}

    async def cancel():
        number = did["edit"]["edited"]["id"]
        seen = asyncio.create_task(orders_until(hl, lambda o: o["id"] == number and o["status"] == "canceled"))
        return {"answer": await hl.cancel_order_ws(number, PERP), "seen": await seen}

    async def fill():
        trades = asyncio.create_task(hl.watch_my_trades(PERP))
        await asyncio.sleep(0.3)
        price = (await hl.watch_ticker(PERP))["close"]
        placed = await hl.create_order_ws(PERP, "market", "buy", 0.01, price)
        return {"placed": placed, "trades": [dict(trade) for trade in await trades]}

    async def state():
        return {
            "balance": await hl.watch_balance(),
            "positions": await hl.watch_positions([PERP]),
            "tickers": (await hl.watch_tickers([PERP]))[PERP],
            "trades": await hl.watch_trades(PERP),
            "candles": await hl.watch_ohlcv(PERP, "1m"),
        }

    async def refused():
        try:
            await hl.create_order_ws(PERP, "limit", "buy", 10_000, did["order"]["price"])
        except Exception as error:
            return [type(error).__name__, str(error)]
        return None

    async def reconnect():
        """The socket is cut; watching again opens a new one, whose snapshot repeats the fills."""
        for client in list(hl.clients.values()):
            await client.close()
        hl.myTrades = None
        book = await hl.watch_order_book(PERP)
        return {"bid": book["bids"][0], "trades": [dict(trade) for trade in await hl.watch_my_trades(PERP)]}

    async def unsubscribe():
        return {"book": await hl.un_watch_order_book(PERP), "trades": await hl.un_watch_my_trades()}

    for call in (order, edit, cancel, fill, state, refused, reconnect, unsubscribe):
        await step(call.__name__, call())
    await hl.close()
    return did


async def main():
    options = {"approvedBuilderFee": True, "refSet": True}
    hl = ccxt.pro.hyperliquid(
        {"walletAddress": ADDRESS, "privateKey": KEY, "options": options, "enableRateLimit": False}
    )
    hl.urls["api"] = {"public": BASE, "private": BASE, "ws": {"public": BASE.replace("http", "ws") + "/ws"}}
    return await run(hl)


json.dump(asyncio.run(main()), sys.stdout, default=str)
