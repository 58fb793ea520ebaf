"""The official binance-sdk-derivatives-trading-usds-futures, unmodified, against a venue on this machine; run by the
clients' Python.

Arguments: host:port, HMAC api key and secret, Ed25519 api key, path of its private PEM.
"""

import asyncio
import sys

from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
    DerivativesTradingUsdsFutures,
)
from binance_steps import astep, did, partly, plain, raised, step, tell, until

HOST, KEY, SECRET, ED_KEY, ED_PEM = sys.argv[1:6]
BASE, WS = f"http://{HOST}", f"ws://{HOST}"
SYMBOL = "BTCUSDT"


def made(**key):
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(base_path=BASE, **key),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{WS}/ws-fapi/v1", reconnect_delay=50, **key),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS, reconnect_delay=50),
    )


client = made(api_key=KEY, api_secret=SECRET)
rest = client.rest_api


def best_ask():
    quote = rest.symbol_order_book_ticker(symbol=SYMBOL).data().to_dict()
    return float(quote["askPrice"]), float(quote["askQty"])


def below():
    return round(best_ask()[0] * 0.97, 1)


def limit(quantity, price, **more):
    return rest.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=quantity, price=price, **more
    ).data()


@step
def quote():
    return {
        "time": rest.check_server_time().data(),
        "info": rest.exchange_information().data(),
        "depth": rest.order_book(symbol=SYMBOL, limit=20).data(),
        "trades": rest.recent_trades_list(symbol=SYMBOL, limit=5).data(),
        "aggregates": rest.compressed_aggregate_trades_list(symbol=SYMBOL, limit=5).data(),
        "klines": rest.kline_candlestick_data(symbol=SYMBOL, interval="1m", limit=5).data(),
        "mark": rest.mark_price(symbol=SYMBOL).data(),
        "funding": rest.get_funding_rate_history(symbol=SYMBOL).data(),
        "interest": rest.open_interest(symbol=SYMBOL).data(),
        "price": rest.symbol_price_ticker_v2(symbol=SYMBOL).data(),
        "day": rest.ticker24hr_price_change_statistics(symbol=SYMBOL).data(),
    }


@step
def account():
    return {
        "v3": rest.account_information_v3().data(),
        "v2": rest.account_information_v2().data(),
        "balance": rest.futures_account_balance_v3().data(),
        "config": rest.futures_account_configuration().data(),
        "symbols": rest.symbol_configuration(symbol=SYMBOL).data(),
        "brackets": rest.notional_and_leverage_brackets(symbol=SYMBOL).data(),
        "commission": rest.user_commission_rate(symbol=SYMBOL).data(),
        "mode": rest.get_current_position_mode().data(),
        "leverage": rest.change_initial_leverage(symbol=SYMBOL, leverage=10).data(),
        "margin": raised(rest.change_margin_type, symbol=SYMBOL, margin_type="CROSSED"),
        "position_mode": raised(rest.change_position_mode, dual_side_position="false"),
    }


@step
def order():
    placed = limit(0.01, below(), new_client_order_id="sdk.rest:1")
    return {
        "placed": placed,
        "queried": rest.query_order(symbol=SYMBOL, order_id=placed.order_id).data(),
        "by_client": rest.query_order(symbol=SYMBOL, orig_client_order_id="sdk.rest:1").data(),
        "one_open": rest.query_current_open_order(symbol=SYMBOL, order_id=placed.order_id).data(),
        "open": rest.current_all_open_orders(symbol=SYMBOL).data(),
    }


@step
def modify():
    old = did["order"]["placed"]
    return rest.modify_order(
        symbol=SYMBOL, side="BUY", quantity=0.02, price=float(old["price"]) - 1, order_id=old["orderId"]
    ).data()


@step
def cancel():
    number = did["order"]["placed"]["orderId"]
    return {
        "answer": rest.cancel_order(symbol=SYMBOL, order_id=number).data(),
        "again": raised(rest.cancel_order, symbol=SYMBOL, order_id=number),
        "queried": rest.query_order(symbol=SYMBOL, order_id=number).data(),
        "open": rest.current_all_open_orders().data(),
        "all": rest.cancel_all_open_orders(symbol=SYMBOL).data(),
    }


@step
def batch():
    orders = [
        {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": price}
        for price in (below(), 1.0)
    ]
    placed = rest.place_multiple_orders(batch_orders=orders).data()
    return {
        "placed": placed,
        "countdown": rest.auto_cancel_all_open_orders(symbol=SYMBOL, countdown_time=60_000).data(),
        "canceled": rest.cancel_multiple_orders(symbol=SYMBOL, order_id_list=[placed[0].order_id, 1]).data(),
    }


@step
def partial_fill():
    placed, _ = partly(
        best_ask, lambda quantity, price: limit(quantity, price, new_order_resp_type="RESULT"),
        lambda order: order.status, lambda order: rest.cancel_order(symbol=SYMBOL, order_id=order.order_id), 3,
    )  # fmt: skip
    return {
        "placed": placed,
        "fills": [
            one for one in plain(rest.account_trade_list(symbol=SYMBOL).data()) if one["orderId"] == placed.order_id
        ],
        "after": rest.query_order(symbol=SYMBOL, order_id=placed.order_id).data(),
        "all": rest.all_orders(symbol=SYMBOL).data(),
        "position": rest.position_information_v3(symbol=SYMBOL).data(),
        "position_v2": rest.position_information_v2(symbol=SYMBOL).data(),
        "income": rest.get_income_history().data(),
    }


@step
def close():
    """A reduce-only market order makes the position flat."""
    held = did["partial_fill"]["position"][0]["positionAmt"]
    closed = rest.new_order(
        symbol=SYMBOL,
        side="SELL",
        type="MARKET",
        quantity=float(held),
        reduce_only="true",
        new_order_resp_type="RESULT",
    ).data()
    return {"closed": closed, "position": rest.position_information_v3(symbol=SYMBOL).data()}


@step
def refused():
    price = below()
    stranger = made(api_key=KEY, api_secret="0" * 64).rest_api
    unknown = made(api_key="0" * 64, api_secret=SECRET).rest_api

    def stop():
        return rest.new_order(symbol=SYMBOL, side="SELL", type="STOP_MARKET", quantity=0.01)

    return {
        "margin": raised(limit, 900, price),
        "lot": raised(limit, 0.0005, price),
        "least": raised(limit, 0.0, price),
        "tick": raised(limit, 0.01, round(price + 0.01, 2)),
        "notional": raised(limit, 0.001, price),
        "high": raised(limit, 0.01, round(price * 1.2, 1)),
        "reduce": raised(limit, 0.01, price, reduce_only="true"),
        "post_only": raised(
            rest.new_order, symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTX", quantity=0.01,
            price=round(price * 1.04, 1),
        ),
        "fill_or_kill": raised(
            rest.new_order, symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="FOK", quantity=0.01, price=price
        ),
        "hedge": raised(limit, 0.01, price, position_side="LONG"),
        "stop": raised(stop),
        "depth": raised(rest.order_book, symbol=SYMBOL, limit=7),
        "order": raised(rest.query_order, symbol=SYMBOL, order_id=1),
        "signature": raised(stranger.account_information_v3),
        "key": raised(unknown.account_information_v3),
    }  # fmt: skip


@step
def ed25519():
    return made(api_key=ED_KEY, private_key=ED_PEM).rest_api.futures_account_balance_v3().data()


async def websockets():
    streams = await client.websocket_streams.create_connection()
    heard = {}

    async def listen(name, subscribe):
        heard[name] = []
        handle = await subscribe
        handle.on("message", lambda message: heard[name].append(plain(message)))
        return handle

    async def market_streams():
        low = SYMBOL.lower()
        for name, subscribe in (
            ("book", streams.individual_symbol_book_ticker_streams(symbol=low)),
            ("diff", streams.diff_book_depth_streams(symbol=low, update_speed="100ms")),
            ("partial", streams.partial_book_depth_streams(symbol=low, levels="5", update_speed="100ms")),
            ("aggregate", streams.aggregate_trade_streams(symbol=low)),
            ("mark", streams.mark_price_stream(symbol=low, update_speed="1s")),
            ("kline", streams.kline_candlestick_streams(symbol=low, interval="1m")),
        ):
            await listen(name, subscribe)
        await until(lambda: all(heard.values()))
        return {name: messages[0] for name, messages in heard.items()}

    async def user_stream():
        key = rest.start_user_data_stream().data().listen_key
        await listen("user", streams.user_data(key))
        placed = limit(0.01, below())
        rest.cancel_order(symbol=SYMBOL, order_id=placed.order_id)
        rest.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
        await until(lambda: len(heard["user"]) >= 6)
        return {
            "events": heard["user"],
            "again": rest.start_user_data_stream().data().listen_key == key,
            "extended": rest.keepalive_user_data_stream().data(),
        }

    async def reconnect():
        """Every socket is replaced; the client subscribes again, to its listen key too."""
        for messages in heard.values():
            messages.clear()
        for connection in list(streams.connections):
            await streams.reconnect(connection, streams.configuration)
        rest.new_order(symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.01)
        await until(lambda: heard["book"] and heard["mark"] and len(heard["user"]) >= 3)
        return {"events": heard["user"], "closed": rest.close_user_data_stream().data()}

    api = await client.websocket_api.create_connection()

    async def api_order():
        price = below()
        placed = await api.new_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=price
        )
        number = placed.data().result.order_id
        queried = await api.query_order(symbol=SYMBOL, order_id=number)
        changed = await api.modify_order(symbol=SYMBOL, side="BUY", order_id=number, quantity=0.02, price=price)
        canceled = await api.cancel_order(symbol=SYMBOL, order_id=number)
        refused = await api.new_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=900, price=price
        )
        return {
            "placed": placed.data(),
            "limits": placed.rate_limits,
            "queried": queried.data(),
            "changed": changed.data(),
            "canceled": canceled.data(),
            "refused": refused.data(),
            "account": (await api.account_information_v2()).data(),
            "balance": (await api.futures_account_balance_v2()).data(),
            "position": (await api.position_information_v2()).data(),
            "depth": (await api.order_book(symbol=SYMBOL, limit=5)).data(),
            "listen_key": (await api.start_user_data_stream()).data(),
        }

    for call in (market_streams, user_stream, reconnect, api_order):
        await astep(call)
    await streams.close_connection()
    await api.close_connection()


asyncio.run(websockets())
tell()
