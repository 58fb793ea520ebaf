"""Weights, order counts, bans and faults of a served Binance, as REST and the WebSocket API tell them."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp import ClientError
from served_binance_material import RULES, Local, serve
from served_material import SPOT, USDM

from crossbook.types import Venue
from crossbook.venues.served.limits import Limits

SCARCE = "Too much request weight used; current limit is {} request weight per 1 MINUTE. "


def limits(venue: Venue, weight: int = 0, orders: int = 0, after_429: int = 2) -> Limits:
    """The venue's own limits, but so much smaller that a test meets them."""
    rules = RULES[venue]
    narrow = msgspec.structs.replace(
        rules,
        weight=msgspec.structs.replace(rules.weight, most=weight or rules.weight.most),
        orders=(msgspec.structs.replace(rules.orders[0], most=orders or rules.orders[0].most), *rules.orders[1:]),
        after_429=after_429,
    )
    return Limits({**RULES, venue: narrow})


@pytest.mark.parametrize(
    ("venue", "path", "params", "weight"),
    [
        (SPOT, "ping", {}, 1), (SPOT, "exchangeInfo", {}, 20), (SPOT, "depth", {"symbol": "BTCUSDT", "limit": 100}, 5),
        (SPOT, "depth", {"symbol": "BTCUSDT", "limit": 101}, 25), (SPOT, "depth", {"symbol": "BTCUSDT"}, 5),
        (SPOT, "depth", {"symbol": "BTCUSDT", "limit": 5000}, 250), (SPOT, "ticker/bookTicker", {}, 4),
        (SPOT, "ticker/bookTicker", {"symbol": "BTCUSDT"}, 2), (USDM, "depth", {"symbol": "BTCUSDT", "limit": 50}, 2),
        (USDM, "depth", {"symbol": "BTCUSDT"}, 10), (USDM, "klines", {"symbol": "BTCUSDT", "interval": "1m"}, 5),
        (USDM, "klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 99}, 1), (USDM, "premiumIndex", {}, 10),
    ],
)  # fmt: skip
def test_weights(venue: Venue, path: str, params: dict[str, object], weight: int) -> None:
    async def run(here: Local) -> None:
        assert (await here.rest("GET", path, sign=False, **params))[0] == 200
        assert here.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)

    serve(venue, run)


def test_a_spot_order_that_succeeds_weighs_nothing_and_counts_until_it_fills() -> None:
    async def run(venue: Local) -> None:
        await venue.order()
        assert venue.headers["X-MBX-USED-WEIGHT-1M"] == "0"
        assert (venue.headers["X-MBX-ORDER-COUNT-10S"], venue.headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")
        await venue.order(quantity="100")
        assert venue.headers["X-MBX-USED-WEIGHT-1M"] == "1"
        await venue.order(type="MARKET", timeInForce=None, price=None)
        assert venue.headers["X-MBX-ORDER-COUNT-10S"] == "1"

    serve(SPOT, run)


def test_too_much_weight_is_429_and_then_418() -> None:
    async def run(venue: Local) -> None:
        for _ in range(4):
            assert (await venue.rest("GET", "ping", sign=False))[0] == 200
        left = 60 - venue.now_ms() // 1_000 % 60
        status, body = await venue.rest("GET", "ping", sign=False)
        assert status == 429 and body["code"] == -1003 and body["msg"].startswith(SCARCE.format(4))
        assert int(venue.headers["Retry-After"]) == left
        await venue.rest("GET", "ping", sign=False)
        status, body = await venue.rest("GET", "ping", sign=False)
        assert status == 418 and body["code"] == -1003 and "IP banned until" in body["msg"]
        assert int(venue.headers["Retry-After"]) == 120
        venue.go(121)
        assert (await venue.rest("GET", "ping", sign=False))[0] == 200

    serve(SPOT, run, limits=limits(SPOT, weight=4))


def test_too_many_orders() -> None:
    async def run(venue: Local) -> None:
        await venue.order()
        await venue.order()
        status, body = await venue.order()
        text = "Too many new orders; current limit is 2 orders per 10 SECOND."
        assert (status, body) == (429, {"code": -1015, "msg": text}) and "Retry-After" in venue.headers
        venue.go(10)
        assert (await venue.order())[0] == 200

    serve(SPOT, run, limits=limits(SPOT, orders=2))


def test_the_websocket_api_tells_when_to_come_back() -> None:
    async def run(venue: Local) -> None:
        socket = await venue.ws("/ws-api/v3")
        answer = await venue.api(socket, "ping", sign=False)
        assert answer["status"] == 200
        answer = await venue.api(socket, "ping", sign=False)
        assert answer["status"] == 429 and answer["error"]["code"] == -1003
        told = answer["error"]["data"]
        assert told["retryAfter"] == (told["serverTime"] // 60_000 + 1) * 60_000

    serve(SPOT, run, limits=limits(SPOT, weight=3))


def fault(kind: str, **more: object) -> str:
    lines = [f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in more.items()]
    return "\n".join(["[[fault]]", f'kind = "{kind}"', *lines])


def test_a_fault_before_did_nothing_and_one_after_did_it() -> None:
    async def before(venue: Local) -> None:
        status, body = await venue.order()
        assert (status, body["code"]) == (503, -1001)
        assert len((await venue.rest("GET", "openOrders"))[1]) == 0
        assert (await venue.order())[0] == 200

    async def after(venue: Local) -> None:
        status, body = await venue.order()
        assert status == 503 and body == {
            "code": -1007,
            "msg": "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        }
        assert len((await venue.rest("GET", "openOrders"))[1]) == 1

    async def usdm_after(venue: Local) -> None:
        status, body = await venue.order()
        assert (status, body["msg"]) == (503, "Unknown error, please check your request or try again later.")
        assert len((await venue.rest("GET", "openOrders"))[1]) == 1

    serve(SPOT, before, fault("error_before", route="trade", at_s=0))
    serve(SPOT, after, fault("error_after", route="trade", at_s=0))
    serve(USDM, usdm_after, fault("error_after", route="trade", at_s=0))


def test_no_answer_but_done() -> None:
    async def run(venue: Local) -> None:
        with pytest.raises(ClientError):
            await venue.order()
        assert len((await venue.rest("GET", "openOrders"))[1]) == 1

    serve(SPOT, run, fault("no_answer", route="trade", at_s=0))


def test_429_and_418_by_fault() -> None:
    async def run(venue: Local) -> None:
        assert (await venue.order())[0] == 429 and venue.headers["Retry-After"] == "7"
        assert (await venue.order())[0] == 200

    async def ban(venue: Local) -> None:
        for _ in range(2):
            assert (await venue.rest("GET", "ping", sign=False))[0] == 418
        venue.go(5)
        assert (await venue.rest("GET", "ping", sign=False))[0] == 200

    serve(SPOT, run, fault("429", route="trade", at_s=0, retry_after_s=7))
    serve(SPOT, ban, fault("418", at_s=0, retry_after_s=5))


def test_cancel_replace_beyond_the_order_limit() -> None:
    """The document's three rows: nothing is done, or the cancel alone."""

    async def run(venue: Local) -> None:
        async def replace(mode: str, exceeded: str) -> tuple[int, int, str]:
            (order,) = (await venue.rest("GET", "openOrders"))[1]
            status, body = await venue.rest(
                "POST", "order/cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                quantity="0.01", price=venue.price(0.9), cancelOrderId=order["orderId"], cancelReplaceMode=mode,
                orderRateLimitExceededMode=exceeded,
            )  # fmt: skip
            new = body.get("data", {}).get("newOrderResponse", body)
            assert new["msg"] == "Too many new orders; current limit is 1 orders per 10 SECOND."
            return status, body["code"], body.get("data", {}).get("cancelResult", "")

        await venue.order()
        assert await replace("STOP_ON_FAILURE", "DO_NOTHING") == (429, -1015, "")
        assert await replace("STOP_ON_FAILURE", "CANCEL_ONLY") == (429, -2021, "SUCCESS")
        venue.go(10)
        await venue.order()
        assert await replace("ALLOW_FAILURE", "CANCEL_ONLY") == (409, -2021, "SUCCESS")

    serve(SPOT, run, limits=limits(SPOT, orders=1))
