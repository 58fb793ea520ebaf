"""Whatever a served Binance says has at least the keys of what was recorded from the real one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from captured import message, needed
from served_binance_material import Local, all_keys, heard, heard_until, serve
from served_material import SPOT, USDM

Json = Any
NOT_HERE = {
    # order lists, stop, trailing and liquidated orders' own fields
    "cancel_open_orders_response": ("contingencyType", "listClientOrderId", "listOrderStatus", "listStatusType",
                                    "orderReports", "orders", "transactionTime"),
}  # fmt: skip
SHARES = {"avgPrice", "cumQuote"}


def missing(venue: str, name: str, served: Json) -> list[str]:
    """The keys of a recorded message that a served one lacks."""
    recorded = json.loads(message(f"{venue}/{name}.json"))
    skipped = NOT_HERE.get(name, ())
    wanted = {key for key in all_keys(recorded) if not any(f"/{one}" in key for one in skipped)}
    return sorted(wanted - set(all_keys(served)))


def is_all_there(venue: str, served: dict[str, Json]) -> None:
    absent = {name: keys for name, told in served.items() if (keys := missing(venue, name, told))}
    assert absent == {}


@needed
def test_spot_answers() -> None:
    async def run(venue: Local) -> None:
        async def get(path: str, **params: Any) -> Json:
            return (await venue.rest("GET", path, sign=False, **params))[1]

        pair = {"symbol": "BTCUSDT"}
        _, market = await venue.order(type="MARKET", timeInForce=None, price=None)
        _, order = await venue.order()
        found = {
            "new_order_full_response": market,
            "order_response": (await venue.rest("GET", "order", **pair, orderId=order["orderId"]))[1],
            "open_orders_response": (await venue.rest("GET", "openOrders"))[1],
            "all_orders_response": (await venue.rest("GET", "allOrders", **pair))[1],
            "account_trades_response": (await venue.rest("GET", "myTrades", **pair))[1],
            "account_response": (await venue.rest("GET", "account"))[1],
            "cancel_order_response": (await venue.rest("DELETE", "order", **pair, orderId=order["orderId"]))[1],
        }
        await venue.order()
        found |= {
            "cancel_open_orders_response": (await venue.rest("DELETE", "openOrders", **pair))[1],
            "avg_price_response": await get("avgPrice", **pair),
            "book_ticker_response": await get("ticker/bookTicker", **pair),
            "depth_response": await get("depth", **pair),
            "exchange_info_response": await get("exchangeInfo"),
            "klines_response": await get("klines", **pair, interval="1m"),
            "ping_response": await get("ping"),
            "server_time_response": await get("time"),
            "ticker_24hr_response": await get("ticker/24hr", **pair),
            "ticker_price_response": await get("ticker/price", **pair),
            "trades_response": await get("trades", **pair),
        }
        found["exchange_info_response"]["sors"] = [{"baseAsset": "", "symbols": []}]  # nothing is routed here
        is_all_there("binance_spot", found)
        (row,) = json.loads(message("binance_spot/klines_response.json"))
        assert [type(one) for one in found["klines_response"][0]] == [type(one) for one in row]

    serve(SPOT, run)


@needed
def test_spot_events() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        await venue.api(socket, "userDataStream.subscribe.signature")
        await venue.order(newClientOrderId="mine")
        await venue.rest("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
        await venue.order(type="MARKET", timeInForce=None, price=None)
        await venue.order(timeInForce="IOC")
        venue.trader.transfer(SPOT, "USDT", 10**8)
        told = await heard_until(socket, lambda one: one["event"]["e"] == "balanceUpdate")
        told.append(await heard(socket))
        by = {one["event"].get("x", one["event"]["e"]): one for one in told}
        found = {
            "execution_report_new": by["NEW"]["event"],
            "execution_report_trade": by["TRADE"]["event"],
            "execution_report_canceled": by["CANCELED"]["event"],
            "execution_report_expired": by["EXPIRED"]["event"],
            "execution_report_wrapped": by["NEW"],
            "account_position": by["outboundAccountPosition"]["event"],
            "account_position_wrapped": by["outboundAccountPosition"],
            "balance_update": by["balanceUpdate"]["event"],
            "balance_update_wrapped": by["balanceUpdate"],
        }
        is_all_there("binance_spot", found)
        for name, event in found.items():
            recorded = json.loads(message(f"binance_spot/{name}.json"))
            for key in set(recorded) & set(event):
                if recorded[key] is not None and event[key] is not None:
                    assert type(recorded[key]) is type(event[key]), (name, key)

    serve(SPOT, run)


@needed
def test_futures_answers() -> None:
    async def run(venue: Local) -> None:
        _, order = await venue.order()
        await venue.order(type="MARKET", timeInForce=None, price=None)
        pair = {"symbol": "BTCUSDT"}
        found = {
            "order_response": (await venue.rest("GET", "order", **pair, orderId=order["orderId"]))[1],
            "account_info_v2": (await venue.rest("GET", "/fapi/v2/account"))[1],
            "balance": (await venue.rest("GET", "/fapi/v3/balance"))[1],
            "position_risk": (await venue.rest("GET", "/fapi/v2/positionRisk"))[1],
        }
        assert missing("binance_usdm", "order_response", order) == []
        is_all_there("binance_usdm", found)

    serve(USDM, run)


@needed
def test_futures_events() -> None:
    async def run(venue: Local) -> None:
        _, body = await venue.rest("POST", "listenKey", sign=False)
        socket = await venue.ws(f"/private/ws/{body['listenKey']}")
        await asyncio.sleep(0.02)
        await venue.order()
        await venue.order(type="MARKET", timeInForce=None, price=None)
        told = await heard_until(socket, lambda one: one["e"] == "ACCOUNT_UPDATE")
        by = {one["o"]["x"] if "o" in one else one["e"]: one for one in told}
        is_all_there(
            "binance_usdm",
            {
                "order_update_new": by["NEW"],
                "order_update_trade": by["TRADE"],
                "order_update_trade_partial": by["TRADE"],
                "trade_lite": by["TRADE_LITE"],
                "account_update": by["ACCOUNT_UPDATE"],
            },
        )

    serve(USDM, run)


@needed
def test_futures_liquidation_events() -> None:
    from crossbook.types import Side
    from crossbook.venues.served.binance_house import House
    from crossbook.venues.served.binance_usdm_events import UsdmVoice
    from crossbook.venues.served.facts import Fill, Liquidated

    async def run(venue: Local) -> None:
        house = House(venue.world, USDM, venue_limits(), venue.faults)  # type: ignore[attr-defined]
        fill = Fill(
            venue=USDM, instrument=house.world.instruments.index(house.instruments["BTCUSDT"]), symbol="BTCUSDT",
            side=Side.SELL, price_e8=60_000 * 10**8, quantity_e8=10**6, notional_e8=600 * 10**8, fee_e8=10**8,
            fee_asset="USDT", maker=False, trade_id=9, venue_order_id=0, client_order_id="", start_position_e8=10**6,
            realized_e8=-(10**8), time_ns=venue.clock.time_ns, liquidation=True,
        )  # fmt: skip
        event = Liquidated(account=venue.trader.account.name, venue=USDM, sequence=1, time_ns=fill.time_ns, fill=fill)
        update, account = UsdmVoice(house, venue.trader).tell(event)
        assert update["o"]["c"].startswith("autoclose-")  # type: ignore[index]
        plain = json.loads(json.dumps([update, account]))
        is_all_there("binance_usdm", {"order_update_calculated": plain[0], "account_update": plain[1]})

    serve(USDM, run)


def venue_limits() -> Any:
    from crossbook.venues.served.limits import Limits

    return Limits()


@needed
def test_futures_streams() -> None:
    async def run(venue: Local) -> None:
        names = {
            "agg_trade_stream": "aggTrade",
            "book_ticker_stream": "bookTicker",
            "depth_update_stream": "depth@100ms",
            "mark_price_stream": "markPrice@1s",
            "trade_stream": "trade",
            "kline_stream_open": "kline_1m",
            "kline_stream_closed": "kline_1m",
            "ticker_stream": "ticker",
        }
        socket = await venue.ws("/stream?streams=" + "/".join(f"btcusdt@{what}" for what in set(names.values())))
        found: dict[str, Json] = {}
        while len(found) < len(set(names.values())):
            venue.go(0.02)
            while True:
                try:
                    one = await asyncio.wait_for(socket.receive_json(), 0.02)
                except TimeoutError:
                    break
                found[one["stream"].partition("@")[2]] = one["data"]
        is_all_there("binance_usdm", {name: found[what] for name, what in names.items()})

    serve(USDM, run)
