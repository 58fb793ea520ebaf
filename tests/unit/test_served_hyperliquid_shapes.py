"""What the served Hyperliquid says has at least the keys of the messages recorded from the real one."""

from __future__ import annotations

from typing import Any

import captured
import msgspec
import pytest
from hyperliquid_material import Venue, order

from crossbook.types import Venue as Place
from crossbook.venues.served.hyperliquid_asked import Undecodable
from crossbook.venues.served.hyperliquid_channels import Subscription, market_data
from crossbook.venues.served.hyperliquid_hub import Hub
from crossbook.venues.served.hyperliquid_info import ask

HL = Place.HYPERLIQUID
pytestmark = captured.needed
S = 10**9

OPTIONAL = {"cloid", "liquidation", "growthMode", "delta"}
"""Keys that a message has only where there is something to say."""
RECORDED = {
    "http_clearinghouse_state_negative_total_raw_usd.json": {"type": "clearinghouseState"},
    "http_funding_history.json": {"type": "fundingHistory", "coin": "BTC", "startTime": 0},
    "http_l2_book_btc.json": {"type": "l2Book", "coin": "BTC"},
    "http_meta_perp_sample.json": {"type": "meta"},
    "http_recent_trades_btc.json": {"type": "recentTrades", "coin": "BTC"},
    "http_spot_clearinghouse_state.json": {"type": "spotClearinghouseState"},
    "http_spot_meta_non_usdc_collateral.json": {"type": "spotMeta"},
    "http_user_fills_dust_conversion.json": {"type": "userFills"},
    "http_all_perp_metas_non_usdc_collateral.json": {"type": "allPerpMetas"},
}


class Ear:
    """Keeps the messages of a hub."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, frame: bytes, stream: object) -> None:
        self.heard.append(msgspec.json.decode(frame))


def keys_missing(recorded: Any, served: Any, where: str = "") -> list[str]:
    """Keys of a recorded message that the served one lacks, by their paths; of lists the first elements stand for all.

    A list that is empty on either side says nothing; nor does a null.
    """
    if isinstance(recorded, dict):
        if not isinstance(served, dict):
            return [] if served is None else [f"{where}: no object"]
        return [
            missing
            for key, value in recorded.items()
            if key not in OPTIONAL
            for missing in (keys_missing(value, served[key], f"{where}.{key}") if key in served else [f"{where}.{key}"])
        ]
    if isinstance(recorded, list):
        if not isinstance(served, list):
            return [f"{where}: no list"]
        return keys_missing(recorded[0], served[0], f"{where}[]") if recorded and served else []
    return (
        [] if served is None or isinstance(served, type(recorded)) or recorded is None else [f"{where}: another type"]
    )


@pytest.fixture(scope="module")
def venue() -> Venue:
    """A venue where something has happened: fills, a position, an open order, an ended one, funding."""
    venue = Venue()
    trader = venue.floor.traders[venue.account.address]
    ask_price = str(venue.world.book(HL, "BTC").asks[3][0] // 10**8)
    for action in (order(ask_price, "0.05", tif="Ioc"), order("50000", cloid="0x" + "1" * 32), order("50001")):
        assert "error" not in venue.act(action)["response"]["data"]["statuses"][0]
    venue.act({"type": "cancel", "cancels": [{"a": 0, "o": trader.open_orders(HL)[-1].venue_order_id}]})
    venue.clock.time_ns = (venue.clock.time_ns // (3_600 * S) + 1) * 3_600 * S + S
    venue.world.tick(venue.clock.time_ns)
    return venue


def request_of(recorded: bytes, venue: Venue) -> dict[str, Any]:
    request: dict[str, Any] = msgspec.json.decode(recorded)
    if "user" in request:
        request["user"] = venue.account.address
    if "coin" in request:
        request |= {"coin": "BTC", "startTime": 0, "endTime": None}
    if "req" in request:
        now = venue.floor.now_ms
        request["req"] = {"coin": "BTC", "interval": "1m", "startTime": now - 300_000, "endTime": now}
    return request


@pytest.mark.parametrize("name", sorted(path.name for path in (captured.FOLDER / "hyperliquid_info").glob("*.yaml")))
def test_recorded_answers(name: str, venue: Venue) -> None:
    for request, answer in captured.exchanges(name):
        served = ask(venue.floor, request_of(request, venue))
        recorded = msgspec.json.decode(answer)
        if msgspec.json.decode(request)["type"] == "allMids":
            assert all(isinstance(middle, str) for middle in served.values())
            continue
        missing = keys_missing(recorded, msgspec.to_builtins(served))
        assert missing == [], f"{name}: {missing}"


def test_recorded_answers_have_something_to_be_compared_with(venue: Venue) -> None:
    """Where the recorded lists have elements, ours have some too."""
    user = venue.account.address
    for kind in ("userFills", "openOrders", "frontendOpenOrders", "historicalOrders", "userFunding", "extraAgents"):
        assert ask(venue.floor, {"type": kind, "user": user, "startTime": 0}), kind
    assert ask(venue.floor, {"type": "clearinghouseState", "user": user})["assetPositions"]
    assert ask(venue.floor, {"type": "fundingHistory", "coin": "BTC", "startTime": 0})


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded_answers_of_another_client(name: str, venue: Venue) -> None:
    served = ask(venue.floor, RECORDED[name] | {"user": venue.account.address})
    recorded = msgspec.json.decode(captured.message(f"hyperliquid/{name}"))
    assert keys_missing(recorded, served) == []


def test_recorded_streams(venue: Venue) -> None:
    """allMids, a book, all contexts, and a fill of ours as the recorded one of a liquidation."""

    def recorded(name: str) -> Any:
        return msgspec.json.decode(captured.message(f"hyperliquid/{name}"))

    mids = {"channel": "allMids", "data": market_data(venue.world, Subscription(kind="allMids"))}
    assert set(mids) == set(recorded("ws_allmids.json")) and "BTC" in mids["data"]["mids"]
    book = market_data(venue.world, Subscription(kind="l2Book", coin="BTC"))
    assert keys_missing(recorded("ws_book_data.json"), book) == []
    contexts = recorded("ws_all_dexs_asset_ctxs.json")["data"]["ctxs"][0][1][0]
    served = market_data(venue.world, Subscription(kind="activeAssetCtx", coin="BTC"))
    assert keys_missing(contexts, served["ctx"]) == []
    ear, soon = Ear(), []
    hub = Hub(venue.floor, soon.append)
    hub.subscribe(Subscription(kind="userEvents", user=venue.account.address), ear)
    venue.act(order(str(venue.world.book(HL, "BTC").asks[0][0] // 10**8), "0.001", tif="Ioc"))
    for call in soon:
        call()
    assert keys_missing(recorded("ws_user_fill_liquidation.json"), ear.heard[-1]) == []
    assert ear.heard[-1]["channel"] == "user"


def test_what_is_no_request_is_not_understood(venue: Venue) -> None:
    for body in (
        {}, {"type": "nonsense"}, {"type": 3}, {"type": "userFills"}, {"type": "userFills", "user": "0x1"},
        {"type": "l2Book"}, {"type": "l2Book", "coin": "BTC", "nSigFigs": 9}, {"type": "meta", "dex": "xyz"},
        {"type": "candleSnapshot", "req": {"coin": "BTC", "interval": "7m", "startTime": 0}},
    ):  # fmt: skip
        with pytest.raises(Undecodable):
            ask(venue.floor, body)
