"""Unmodified python-binance against Binance spot and USD-M on this machine; run by the clients' Python.

Arguments: host:port of spot, HMAC api key and secret, then host:port of USD-M as the last.
"""

import asyncio
import sys

from binance import AsyncClient, BinanceSocketManager, Client
from binance_steps import astep, raised, step, tell, until

SPOT, KEY, SECRET, USDM = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[-1]
SYMBOL = "BTCUSDT"
ADDRESSES = {
    "API_URL": f"http://{SPOT}/api", "MARGIN_API_URL": f"http://{SPOT}/sapi", "FUTURES_URL": f"http://{USDM}/fapi",
    "FUTURES_DATA_URL": f"http://{USDM}/futures/data",
}  # fmt: skip
Local = type("Local", (Client,), ADDRESSES)
AsyncLocal = type("AsyncLocal", (AsyncClient,), ADDRESSES)
client = Local(KEY, SECRET)


@step
def quote():
    return {
        "info": client.get_symbol_info(SYMBOL),
        "depth": client.get_order_book(symbol=SYMBOL, limit=5),
        "book": client.get_orderbook_ticker(symbol=SYMBOL),
        "klines": client.get_klines(symbol=SYMBOL, interval="1m", limit=5),
        "futures": client.futures_orderbook_ticker(symbol=SYMBOL),
        "mark": client.futures_mark_price(symbol=SYMBOL),
    }


@step
def spot():
    price = f"{float(client.get_orderbook_ticker(symbol=SYMBOL)['bidPrice']) * 0.9:.2f}"
    placed = client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=price)
    return {
        "placed": placed,
        "queried": client.get_order(symbol=SYMBOL, orderId=placed["orderId"]),
        "open": client.get_open_orders(symbol=SYMBOL),
        "canceled": client.cancel_order(symbol=SYMBOL, orderId=placed["orderId"]),
        "market": client.order_market_buy(symbol=SYMBOL, quantity="0.01"),
        "account": client.get_account(),
        "fills": client.get_my_trades(symbol=SYMBOL),
        "fee": client.get_trade_fee(symbol=SYMBOL),
        "refused": raised(client.order_limit_buy, symbol=SYMBOL, quantity="100", price=price),
        "unknown": raised(client.cancel_order, symbol=SYMBOL, orderId=1),
    }


@step
def usdm():
    price = f"{float(client.futures_orderbook_ticker(symbol=SYMBOL)['bidPrice']) * 0.97:.1f}"
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price}
    placed = client.futures_create_order(**order)
    return {
        "placed": placed,
        "queried": client.futures_get_order(symbol=SYMBOL, orderId=placed["orderId"]),
        "canceled": client.futures_cancel_order(symbol=SYMBOL, orderId=placed["orderId"]),
        "market": client.futures_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01"),
        "position": client.futures_position_information(symbol=SYMBOL),
        "account": client.futures_account(),
        "balance": client.futures_account_balance(),
        "fills": client.futures_account_trades(symbol=SYMBOL),
        "refused": raised(client.futures_create_order, **order | {"quantity": "900"}),
    }


async def sockets():
    here = await AsyncLocal.create(KEY, SECRET)
    here.ws_api._url = f"ws://{SPOT}/ws-api/v3"
    manager = BinanceSocketManager(here)
    manager.STREAM_URL, manager.FSTREAM_URL = f"ws://{SPOT}/", f"ws://{USDM}/um/"

    async def first(socket, act=None, count=1):
        heard = []
        async with socket as stream:
            if act is not None:
                await asyncio.sleep(0.2)
                await act()
            while len(heard) < count:
                heard.append(await asyncio.wait_for(stream.recv(), 8))
        return heard

    async def spot_streams():
        return {
            "depth": await first(manager.depth_socket(SYMBOL)),
            "partial": await first(manager.depth_socket(SYMBOL, depth="5")),
            "trade": await first(manager.trade_socket(SYMBOL)),
            "many": await first(manager.multiplex_socket(["btcusdt@bookTicker", "ethusdt@bookTicker"])),
        }

    async def spot_user():
        async def buy():
            await here.order_market_buy(symbol=SYMBOL, quantity="0.01")

        return await first(manager.user_socket(), buy, 4)

    async def usdm_streams():
        return {
            "depth": await first(manager.futures_depth_socket(SYMBOL, depth="10")),
            "mark": await first(manager.symbol_mark_price_socket(SYMBOL)),
        }

    async def usdm_user():
        """Not left again: this client waits for a message to leave a quiet stream."""
        stream = await manager.futures_user_socket().__aenter__()
        await here.futures_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01")
        return [await asyncio.wait_for(stream.recv(), 8) for _ in range(4)]

    async def reconnect():
        """The socket is cut; the client opens another by itself."""
        heard = []
        async with manager.symbol_book_ticker_socket(SYMBOL) as stream:
            heard.append(await asyncio.wait_for(stream.recv(), 8))
            await stream.ws.close(code=1012)
            await until(lambda: stream.ws_state.name == "STREAMING" and stream.ws.state.name == "OPEN", 8)
            while "u" not in (message := await asyncio.wait_for(stream.recv(), 8)) or message["u"] <= heard[0]["u"]:
                pass
            heard.append(message)
        return heard

    for call in (spot_streams, spot_user, usdm_streams, usdm_user, reconnect):
        await astep(call)
    await here.close_connection()


asyncio.run(sockets())
tell()
