"""The official binance-sdk-spot, unmodified, against a spot venue on this machine; run by the clients' Python.

Arguments: host:port, HMAC api key and secret, Ed25519 api key, path of its private PEM.
"""

import asyncio
import sys

from binance_sdk_spot.spot import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
    Spot,
)
from binance_steps import astep, did, partly, plain, raised, step, tell, until

HOST, KEY, SECRET, ED_KEY, ED_PEM = sys.argv[1:6]
BASE, WS = f"http://{HOST}", f"ws://{HOST}"
SYMBOL = "BTCUSDT"


def made(**key):
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=BASE, **key),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{WS}/ws-api/v3", reconnect_delay=50, **key),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS, reconnect_delay=50),
    )


client = made(api_key=KEY, api_secret=SECRET)
rest = client.rest_api


def best_ask():
    quote = rest.ticker_book_ticker(symbol=SYMBOL).data().to_dict()
    return float(quote["askPrice"]), float(quote["askQty"])


def below():
    return round(best_ask()[0] * 0.9, 2)


def limit(quantity, price, **more):
    return rest.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=quantity, price=price, **more
    ).data()


@step
def quote():
    return {
        "time": rest.time().data(),
        "info": rest.exchange_info(symbol=SYMBOL).data(),
        "depth": rest.depth(symbol=SYMBOL, limit=20).data(),
        "trades": rest.get_trades(symbol=SYMBOL, limit=5).data(),
        "aggregates": rest.agg_trades(symbol=SYMBOL, limit=5).data(),
        "klines": rest.klines(symbol=SYMBOL, interval="1m", limit=5).data(),
        "average": rest.avg_price(symbol=SYMBOL).data(),
        "day": rest.ticker24hr(symbol=SYMBOL).data(),
        "price": rest.ticker_price(symbol=SYMBOL).data(),
        "book": rest.ticker_book_ticker().data(),
        "limits": [vars(one) for one in rest.time().rate_limits],
    }


@step
def account():
    return {
        "account": rest.get_account().data(),
        "commission": rest.account_commission(symbol=SYMBOL).data(),
        "counts": rest.rate_limit_order().data(),
    }


@step
def order():
    placed = limit(0.01, below(), new_client_order_id="sdk-rest-1")
    return {
        "placed": placed,
        "queried": rest.get_order(symbol=SYMBOL, order_id=placed.order_id).data(),
        "by_client": rest.get_order(symbol=SYMBOL, orig_client_order_id="sdk-rest-1").data(),
        "open": rest.get_open_orders(symbol=SYMBOL).data(),
        "tested": rest.order_test(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=below()
        ).data(),
    }


@step
def amend():
    number = did["order"]["placed"]["orderId"]
    return rest.order_amend_keep_priority(symbol=SYMBOL, order_id=number, new_qty=0.005).data()


@step
def replace():
    return rest.order_cancel_replace(
        symbol=SYMBOL, side="BUY", type="LIMIT", cancel_replace_mode="STOP_ON_FAILURE", time_in_force="GTC",
        quantity=0.01, price=below(), cancel_order_id=did["order"]["placed"]["orderId"],
    ).data()  # fmt: skip


@step
def cancel():
    number = did["replace"]["newOrderResponse"]["orderId"]
    return {
        "answer": rest.delete_order(symbol=SYMBOL, order_id=number).data(),
        "again": raised(rest.delete_order, symbol=SYMBOL, order_id=number),
        "queried": rest.get_order(symbol=SYMBOL, order_id=number).data(),
        "open": rest.get_open_orders(symbol=SYMBOL).data(),
        "all": raised(rest.delete_open_orders, symbol=SYMBOL),
    }


@step
def partial_fill():
    placed, _ = partly(
        best_ask, limit, lambda order: order.status,
        lambda order: rest.delete_order(symbol=SYMBOL, order_id=order.order_id), 5,
    )  # fmt: skip
    return {
        "placed": placed,
        "fills": rest.my_trades(symbol=SYMBOL, order_id=placed.order_id).data(),
        "after": rest.get_order(symbol=SYMBOL, order_id=placed.order_id).data(),
        "all": rest.all_orders(symbol=SYMBOL).data(),
    }


@step
def market():
    return rest.new_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.01).data()


@step
def refused():
    price = below()
    stranger = made(api_key=KEY, api_secret="0" * 64).rest_api
    unknown = made(api_key="0" * 64, api_secret=SECRET).rest_api
    return {
        "funds": raised(limit, 100, price),
        "lot": raised(limit, 0.0000001, price),
        "tick": raised(limit, 0.01, round(price + 0.001, 3)),
        "notional": raised(limit, 0.00001, price),
        "far": raised(limit, 0.01, 1.0),
        "precision": raised(limit, 0.012345678901, price),
        "symbol": raised(rest.depth, symbol="NOSUCH"),
        "order": raised(rest.get_order, symbol=SYMBOL, order_id=1),
        "maker": raised(
            rest.new_order, symbol=SYMBOL, side="BUY", type="LIMIT_MAKER", quantity=0.01, price=best_ask()[0] + 100
        ),
        "signature": raised(stranger.get_account),
        "key": raised(unknown.get_account),
    }


@step
def ed25519():
    return made(api_key=ED_KEY, private_key=ED_PEM).rest_api.get_account().data()


async def websockets():
    streams = await client.websocket_streams.create_connection()
    heard = {}

    async def listen(name, subscribe):
        heard[name] = []
        handle = await subscribe
        handle.on("message", lambda message: heard[name].append(plain(message)))
        return handle

    async def market_streams():
        for name, subscribe in (
            ("book", streams.book_ticker(symbol=SYMBOL.lower())),
            ("diff", streams.diff_book_depth(symbol=SYMBOL.lower(), update_speed="100ms")),
            ("partial", streams.partial_book_depth(symbol=SYMBOL.lower(), levels="5", update_speed="100ms")),
            ("trade", streams.trade(symbol=SYMBOL.lower())),
            ("aggregate", streams.agg_trade(symbol=SYMBOL.lower())),
            ("kline", streams.kline(symbol=SYMBOL.lower(), interval="1m")),
        ):
            await listen(name, subscribe)
        await until(lambda: all(heard.values()))
        return {name: messages[0] for name, messages in heard.items()} | {"list": await streams.list_subscribe()}

    async def stream_reconnect():
        for messages in heard.values():
            messages.clear()
        (connection,) = streams.connections
        await streams.reconnect(connection, streams.configuration)
        await until(lambda: heard["book"] and heard["diff"])
        return {"book": heard["book"][0]}

    api = await client.websocket_api.create_connection()

    async def api_order():
        events = heard["events"] = []
        subscribed = await api.user_data_stream_subscribe_signature()
        subscribed.stream.on("message", lambda message: events.append(plain(message)))
        price = below()
        placed = await api.order_place(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=price
        )
        number = placed.data().result.order_id
        queried = await api.order_status(symbol=SYMBOL, order_id=number)
        canceled = await api.order_cancel(symbol=SYMBOL, order_id=number)
        bought = await api.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
        await until(lambda: [one for one in events if one.get("x") == "TRADE"] and "B" in events[-1])
        return {
            "subscription": subscribed.response.data(),
            "placed": placed.data(),
            "limits": placed.rate_limits,
            "queried": queried.data(),
            "canceled": canceled.data(),
            "bought": bought.data(),
            "account": (await api.account_status()).data(),
            "depth": (await api.depth(symbol=SYMBOL, limit=5)).data(),
            "events": events,
        }

    async def api_refused():
        answer = await api.order_place(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=100, price=below()
        )
        return answer.data()

    async def api_reconnect():
        """The socket is replaced; the client subscribes to its user data again by itself."""
        heard["events"].clear()
        (connection,) = api.connections
        await api.reconnect(connection, api.configuration)
        await api.order_place(symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.01)
        await until(lambda: [one for one in heard["events"] if one.get("x") == "TRADE"])
        return {"events": heard["events"]}

    async def logon():
        owner = made(api_key=ED_KEY, private_key=ED_PEM)
        session = await owner.websocket_api.create_connection()
        events = []
        on = await session.session_logon()
        subscribed = await session.user_data_stream_subscribe()
        subscribed.stream.on("message", lambda message: events.append(plain(message)))
        placed = await session.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
        await until(lambda: [one for one in events if one.get("x") == "TRADE"])
        status = await session.session_status()
        await session.session_logout()
        await session.close_connection()
        return {"logon": on.data(), "status": status.data(), "placed": placed.data(), "events": events}

    async def logon_hmac():
        return (await api.session_logon()).data()

    for call in (market_streams, stream_reconnect, api_order, api_refused, api_reconnect, logon_hmac, logon):
        await astep(call)
    await streams.close_connection()
    await api.close_connection()


asyncio.run(websockets())
tell()
