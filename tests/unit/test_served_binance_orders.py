"""Orders at a served Binance: answers and refusals in the venue's own words."""

from __future__ import annotations

from typing import Any

import pytest
from served_binance_material import Local, serve
from served_material import SPOT, USDM

from crossbook.types import Venue

POST_ONLY = "Due to the order could not be executed as maker, the Post Only order will be rejected."
KILLED = "Due to the order could not be filled immediately, the FOK order has been rejected."
SMALL = "Order's notional must be no smaller than 100 (unless you choose reduce only)."
PRECISE = "Precision is over the maximum defined for this asset."

SPOT_REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("funds", {"quantity": "100"}, -2010, "Account has insufficient balance for requested action."),
    ("lot", {"quantity": "0.0100001"}, -1013, "Filter failure: LOT_SIZE"),
    ("least lot", {"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
    ("tick", {"price": "50000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ("no price", {"price": "0"}, -1013, "Filter failure: PRICE_FILTER"),
    ("far", {"price": "1"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ("notional", {"quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
    ("precision", {"quantity": "0.012345678901"}, -1111, "Parameter 'quantity' has too much precision."),
    ("no number", {"quantity": "x"}, -1100,
     "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."),
    ("absent", {"quantity": None}, -1102,
     "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
    ("symbol", {"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
    ("side", {"side": "HOLD"}, -1117, "Invalid side."),
    ("type", {"type": "ODD"}, -1116, "Invalid orderType."),
    ("time in force", {"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ("unasked", {"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
    ("stop", {"type": "STOP_LOSS", "timeInForce": None}, -2010,
     "Stop loss orders are not supported for this symbol."),
    ("id", {"newClientOrderId": "no spaces"}, -1100,
     "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
    ("prevention", {"selfTradePreventionMode": "ODD"}, -1013,
     "This symbol does not allow the specified self-trade prevention mode."),
]  # fmt: skip
USDM_REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("margin", {"quantity": "900"}, -2019, "Margin is insufficient."),
    ("precision", {"quantity": "0.0105"}, -1111, PRECISE),
    ("tick precision", {"price": "60000.05"}, -1111, PRECISE),
    ("nothing", {"quantity": "0"}, -4003, "Quantity less than zero."),
    ("most", {"quantity": "100000"}, -4005, "Quantity greater than max quantity."),
    ("price", {"price": "-1"}, -4001, "Price less than 0."),
    ("high", {"price": "9000000"}, -4002, "Price greater than max price."),
    ("notional", {"quantity": "0.001"}, -4164, SMALL),
    ("reduce", {"reduceOnly": "true"}, -2022, "ReduceOnly Order is rejected."),
    ("hedge", {"positionSide": "LONG"}, -4061, "Order's position side does not match user's setting."),
    ("stop", {"type": "STOP_MARKET"}, -4120,
     "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."),
    ("long id", {"newClientOrderId": "x" * 37}, -4015, "Client order id is not valid."),
    ("symbol", {"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
    ("kill", {"timeInForce": "FOK"}, -5021, KILLED + " The order will not be recorded in the order history."),
]  # fmt: skip


def test_refused_spot_orders() -> None:
    async def run(venue: Local) -> None:
        for what, terms, code, text in SPOT_REFUSED:
            assert await venue.order(**terms) == (400, {"code": code, "msg": text}), what
        assert (await venue.rest("GET", "openOrders"))[1] == []
        assert (await venue.rest("GET", "rateLimit/order"))[1][0]["count"] == 0

    serve(SPOT, run)


def test_refused_futures_orders() -> None:
    async def run(venue: Local) -> None:
        for what, terms, code, text in USDM_REFUSED:
            assert await venue.order(**terms) == (400, {"code": code, "msg": text}), what
        assert (await venue.rest("GET", "allOrders", symbol="BTCUSDT"))[1] == []

    serve(USDM, run)


def test_crossing_post_only_orders_are_refused() -> None:
    async def spot(venue: Local) -> None:
        terms = {"type": "LIMIT_MAKER", "timeInForce": None, "price": venue.price(1.001)}
        text = "Order would immediately match and take."
        assert await venue.order(**terms) == (400, {"code": -2010, "msg": text})

    async def usdm(venue: Local) -> None:
        status, body = await venue.order(timeInForce="GTX", price=venue.price(1.001)[:-1])
        assert (status, body["code"]) == (400, -5022) and body["msg"].startswith(POST_ONLY)

    serve(SPOT, spot)
    serve(USDM, usdm)


@pytest.mark.parametrize("venue", [SPOT, USDM])
def test_a_duplicate_id_is_refused_while_its_order_is_open(venue: Venue) -> None:
    async def run(here: Local) -> None:
        assert (await here.order(newClientOrderId="mine"))[0] == 200
        code, text = (-2010, "Duplicate order sent.") if venue is SPOT else (-4116, "ClientOrderId is duplicated.")
        assert await here.order(newClientOrderId="mine") == (400, {"code": code, "msg": text})
        assert (await here.rest("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine"))[0] == 200
        assert (await here.order(newClientOrderId="mine"))[0] == 200

    serve(venue, run)


@pytest.mark.parametrize("venue", [SPOT, USDM])
def test_orders_that_are_not_there(venue: Venue) -> None:
    async def run(here: Local) -> None:
        unknown = 400, {"code": -2011, "msg": "Unknown order sent."}
        absent = 400, {"code": -2013, "msg": "Order does not exist."}
        assert await here.rest("DELETE", "order", symbol="BTCUSDT", orderId=1) == unknown
        assert await here.rest("GET", "order", symbol="BTCUSDT", orderId=1) == absent
        assert await here.rest("GET", "order", symbol="BTCUSDT", origClientOrderId="x") == absent
        _, order = await here.order()
        assert await here.rest("GET", "order", symbol="ETHUSDT", orderId=order["orderId"]) == absent
        neither = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        assert await here.rest("DELETE", "order", symbol="BTCUSDT") == (400, {"code": -1102, "msg": neither})
        assert (await here.rest("DELETE", "order", symbol="BTCUSDT", orderId=order["orderId"]))[0] == 200
        assert await here.rest("DELETE", "order", symbol="BTCUSDT", orderId=order["orderId"]) == unknown

    serve(venue, run)


def test_a_spot_cancel_swaps_the_ids_and_a_futures_cancel_does_not() -> None:
    async def spot(venue: Local) -> None:
        await venue.order(newClientOrderId="mine")
        _, gone = await venue.rest(
            "DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="its-end"
        )
        assert (gone["origClientOrderId"], gone["clientOrderId"]) == ("mine", "its-end")

    async def usdm(venue: Local) -> None:
        await venue.order(newClientOrderId="mine")
        _, gone = await venue.rest("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
        assert gone["clientOrderId"] == "mine" and gone["status"] == "CANCELED"

    serve(SPOT, spot)
    serve(USDM, usdm)


def test_cancel_restrictions() -> None:
    async def run(venue: Local) -> None:
        _, order = await venue.order()
        named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
        refused = {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."}
        restricted = "ONLY_PARTIALLY_FILLED"
        assert await venue.rest("DELETE", "order", **named, cancelRestrictions=restricted) == (400, refused)
        odd = {"code": -1145, "msg": "Invalid cancelRestrictions"}
        assert await venue.rest("DELETE", "order", **named, cancelRestrictions="ODD") == (400, odd)
        assert (await venue.rest("DELETE", "order", **named, cancelRestrictions="ONLY_NEW"))[0] == 200

    serve(SPOT, run)


def test_cancel_replace_tells_of_both_legs() -> None:
    """The table of the document: which leg failed, the code, the status."""

    async def run(venue: Local) -> None:
        async def replace(order_id: int, mode: str, **terms: Any) -> tuple[int, Any]:
            whole = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                     "price": venue.price(0.9), "cancelOrderId": order_id,
                     "cancelReplaceMode": mode} | terms  # fmt: skip
            return await venue.rest("POST", "order/cancelReplace", **whole)

        unknown = {"code": -2011, "msg": "Unknown order sent."}
        poor = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
        _, order = await venue.order()
        status, body = await replace(order["orderId"], "STOP_ON_FAILURE")
        assert status == 200 and body["cancelResult"] == body["newOrderResult"] == "SUCCESS"
        status, body = await replace(1, "STOP_ON_FAILURE")
        assert (status, body["code"], body["msg"]) == (400, -2022, "Order cancel-replace failed.")
        assert body["data"] == {"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": unknown,
                                "newOrderResponse": None}  # fmt: skip
        status, body = await replace(1, "ALLOW_FAILURE")
        assert (status, body["code"], body["data"]["newOrderResult"]) == (409, -2021, "SUCCESS")
        status, body = await replace(1, "ALLOW_FAILURE", quantity="100")
        assert (status, body["code"]) == (400, -2022)
        assert body["data"]["cancelResponse"] == unknown and body["data"]["newOrderResponse"] == poor
        _, order = await venue.order()
        status, body = await replace(order["orderId"], "STOP_ON_FAILURE", quantity="100")
        assert (status, body["code"], body["msg"]) == (409, -2021, "Order cancel-replace partially failed.")
        assert body["data"]["cancelResult"] == "SUCCESS" and body["data"]["newOrderResponse"] == poor

    serve(SPOT, run)


def test_amend_keeps_the_order_and_only_lowers() -> None:
    async def run(venue: Local) -> None:
        _, order = await venue.order(quantity="0.02", newClientOrderId="mine")

        async def amend(quantity: str) -> tuple[int, Any]:
            return await venue.rest(
                "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=order["orderId"], newQty=quantity
            )

        same = {"code": -2038, "msg": "The requested action would change no state; rejecting"}
        more = {"code": -2038, "msg": "Order amend (quantity increase) is not supported."}
        assert await amend("0.02") == (400, same) and await amend("0.03") == (400, more)
        status, body = await amend("0.01")
        amended = body["amendedOrder"]
        assert status == 200 and amended["qty"] == "0.01000000" and amended["origClientOrderId"] == "mine"
        assert amended["orderId"] == order["orderId"] and amended["clientOrderId"] != "mine"

    serve(SPOT, run)


def test_futures_modify() -> None:
    async def run(venue: Local) -> None:
        _, order = await venue.order()
        terms = {"symbol": "BTCUSDT", "side": "BUY", "orderId": order["orderId"]}
        nothing = {"code": -5027, "msg": "No need to modify the order."}
        assert await venue.rest("PUT", "order", **terms, quantity="0.01", price=order["price"]) == (400, nothing)
        status, changed = await venue.rest("PUT", "order", **terms, quantity="0.02", price=order["price"], modifyId=7)
        assert status == 200 and (changed["origQty"], changed["modifyId"]) == ("0.020", 7)
        assert changed["clientOrderId"] == order["clientOrderId"] and changed["pair"] == "BTCUSDT"
        _, bad = await venue.rest("PUT", "order", **terms, quantity="0.02", price="1000000")
        assert bad["code"] == -4016

    serve(USDM, run)


def test_batches_answer_each_element_in_order() -> None:
    async def run(venue: Local) -> None:
        import json

        good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
                "price": venue.price(0.97)}  # fmt: skip
        status, rows = await venue.rest("POST", "batchOrders", batchOrders=json.dumps([good, good | {"quantity": 900}]))
        assert status == 200 and rows[0]["status"] == "NEW" and rows[1]["code"] == -2019
        ids = f"[{rows[0]['orderId']},1]"
        status, gone = await venue.rest("DELETE", "batchOrders", symbol="BTCUSDT", orderidlist=ids)
        assert [row.get("status", row.get("code")) for row in gone] == ["CANCELED", -2011]
        many = {"code": -4082, "msg": "Invalid number of batch place orders."}
        assert await venue.rest("POST", "batchOrders", batchOrders=json.dumps([good] * 6)) == (400, many)

    serve(USDM, run)


def test_an_ack_of_futures_says_new_whatever_happened() -> None:
    async def run(venue: Local) -> None:
        market = {"type": "MARKET", "timeInForce": None, "price": None}
        _, ack = await venue.order(**market)
        _, result = await venue.order(**market, newOrderRespType="RESULT")
        assert (ack["status"], ack["executedQty"]) == ("NEW", "0.000")
        assert (result["status"], result["executedQty"]) == ("FILLED", "0.010")
        _, found = await venue.rest("GET", "order", symbol="BTCUSDT", orderId=ack["orderId"])
        assert found["status"] == "FILLED"

    serve(USDM, run)


def test_the_dead_mans_switch_cancels_one_symbol() -> None:
    async def run(venue: Local) -> None:
        await venue.order()
        answer = await venue.rest("POST", "countdownCancelAll", symbol="BTCUSDT", countdownTime=1_000)
        assert answer == (200, {"symbol": "BTCUSDT", "countdownTime": "1000"})
        venue.go(0.9)
        assert len((await venue.rest("GET", "openOrders"))[1]) == 1
        venue.go(0.2)
        assert (await venue.rest("GET", "openOrders"))[1] == []

    serve(USDM, run)


def test_a_closed_market_takes_no_orders() -> None:
    async def spot(venue: Local) -> None:
        venue.world.set_open(SPOT, "BTCUSDT", False)
        assert await venue.order() == (400, {"code": -2010, "msg": "Market is closed."})
        _, info = await venue.rest("GET", "exchangeInfo", sign=False, symbol="BTCUSDT")
        assert info["symbols"][0]["status"] == "BREAK"

    async def usdm(venue: Local) -> None:
        venue.world.set_open(USDM, "BTCUSDT", False)
        assert await venue.order() == (400, {"code": -4141, "msg": "Symbol is closed."})

    serve(SPOT, spot)
    serve(USDM, usdm)


def test_settings_that_are_what_they_are() -> None:
    async def run(venue: Local) -> None:
        assert (await venue.rest("POST", "marginType", symbol="BTCUSDT", marginType="CROSSED"))[1] == {
            "code": -4046,
            "msg": "No need to change margin type.",
        }
        assert (await venue.rest("POST", "positionSide/dual", dualSidePosition="False"))[1] == {
            "code": -4059,
            "msg": "No need to change position side.",
        }
        assert (await venue.rest("POST", "leverage", symbol="BTCUSDT", leverage=126))[1] == {
            "code": -4028,
            "msg": "Leverage 126 is not valid",
        }
        assert (await venue.rest("POST", "leverage", symbol="BTCUSDT", leverage=7))[1]["leverage"] == 7
        assert (await venue.rest("GET", "symbolConfig", symbol="BTCUSDT"))[1][0]["leverage"] == 7

    serve(USDM, run)
