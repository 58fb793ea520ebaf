"""Every message of Hyperliquid, recorded or documented, field by field as ours. long: a row a kind of message."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import captured
import msgspec
import pytest

from crossbook.errors import Refused
from crossbook.venues import messages as said
from crossbook.venues.hyperliquid.decode import decode

MS = 1_000_000

COUNTS: dict[str, dict[str, int]] = {
    "http_all_perp_metas_non_usdc_collateral": {"instrument": 3},
    "http_clearinghouse_state_negative_total_raw_usd": {"account": 1, "balance": 1},
    "http_funding_history": {"funding": 3},
    "http_l2_book_btc": {"depth": 1},
    "http_l2_book_snapshot": {"depth": 1},
    "http_meta_perp_sample": {"instrument": 3},
    "http_recent_trades_btc": {"trade": 3},
    "http_spot_clearinghouse_state": {"balance": 4},
    "http_spot_meta_non_usdc_collateral": {},
    "http_user_fills_dust_conversion": {"fill": 5},
    "ws_all_dexs_asset_ctxs": {},
    "ws_allmids": {"mark": 5},
    "ws_book_data": {"depth": 1},
    "ws_user_fill_liquidation": {"fill": 1},
    "test_delegator_history_0": {},
    "test_extra_agents_0": {},
    "test_get_all_mids_0": {"mark": 28},
    "test_get_candles_snapshot_0": {"instrument": 28},
    "test_get_candles_snapshot_1": {"bar": 24},
    "test_get_frontend_open_orders_0": {"order": 3},
    "test_get_funding_history_1684811870000__0": {"instrument": 28},
    "test_get_funding_history_1684811870000__1": {"funding": 34},
    "test_get_funding_history_None__0": {"instrument": 28},
    "test_get_funding_history_None__1": {"funding": 1038},
    "test_get_info_0": {"instrument": 28},
    "test_get_l2_snapshot_0": {"instrument": 28},
    "test_get_l2_snapshot_1": {"depth": 1},
    "test_get_open_orders_0": {"order": 196},
    "test_get_user_fills_0": {"fill": 500},
    "test_get_user_fills_by_time_0": {"fill": 500},
    "test_get_user_state_0": {"account": 1, "balance": 1, "position": 12},
    "test_historical_orders_0": {"order": 5},
    "test_portfolio_0": {},
    "test_user_funding_history_with_end_time_0": {"funding": 13},
    "test_user_funding_history_without_end_time_0": {"funding": 218},
    "test_user_non_funding_ledger_updates_with_end_time_0": {},
    "test_user_non_funding_ledger_updates_without_end_time_0": {"balance": 5},
    "test_user_rate_limit_0": {},
    "test_user_role_0": {},
    "test_user_twap_slice_fills_0": {},
    "test_user_vault_equities_0": {},
}


def shown(kind: str, raw: bytes | str) -> list[dict[str, Any]]:
    """What the command prints."""
    found = decode(kind, raw if isinstance(raw, bytes) else raw.encode())
    printed: list[dict[str, Any]] = json.loads(said.to_json(found))
    assert all(one.pop("venue") == "hyperliquid" for one in printed)
    assert msgspec.convert(msgspec.json.decode(said.to_json(found)), list[said.AnyMessage]) == found
    return printed


@captured.needed
def test_every_recorded_message_decodes_to_what_it_holds() -> None:
    recorded = captured.messages("hyperliquid") | captured.messages("hyperliquid_info")
    found = {name: dict(Counter(one["event"] for one in shown("auto", raw))) for name, raw in recorded.items()}
    assert found == COUNTS


@captured.needed
@pytest.mark.parametrize(
    ("name", "kind", "at", "expected"),
    [
        (
            "ws_user_fill_liquidation",
            "fill",
            0,
            {
                "event": "fill", "instrument": "BTC", "side": "sell", "price": "66653.0", "quantity": "0.001",
                "fee": "0.009997", "fee_asset": "USDC", "maker": True, "trade_id": 745210434703679,
                "client_order_id": "0xe8d5fd7ebbb4c3cff4d1803472a11463", "venue_order_id": 55030848197,
                "start_position": "-0.0213", "realized": "0.0", "time_ns": 1781528065899 * MS,
            },
        ),
        (
            "http_user_fills_dust_conversion",
            "fill",
            3,
            {
                "event": "fill", "instrument": "@142", "side": "sell", "price": "104730.168",
                "quantity": "0.0000086141", "fee": "0.0", "fee_asset": "USDC", "maker": False, "trade_id": 0,
                "venue_order_id": 229209068357, "start_position": "0.0000086141", "realized": "0.0",
                "origin": "Spot Dust Conversion", "time_ns": 1762732800049 * MS,
            },
        ),
        (
            "http_recent_trades_btc",
            "trade",
            0,
            {
                "event": "trade", "instrument": "BTC", "side": "sell", "price": "104320.0", "quantity": "0.01500",
                "trade_id": 300003, "time_ns": 1769916002000 * MS,
            },
        ),
        (
            "http_all_perp_metas_non_usdc_collateral",
            "instruments",
            1,
            {
                "event": "instrument", "instrument": "km:US500", "base": "US500", "quote": "token:360",
                "settle": "token:360", "kind": "linear", "status": "trading", "tradeable": True, "tick": "0.001",
                "lot": "0.001", "min_quantity": "0.001", "min_notional": "10", "significant_figures": 5,
                "size_decimals": 3, "asset_index": 110000, "max_leverage": 20,
            },
        ),
        (
            "http_spot_clearinghouse_state",
            "balance",
            1,
            {"event": "balance", "asset": "PURR", "free": "1900", "locked": "100", "total": "2000"},
        ),
        (
            "http_funding_history",
            "funding",
            1,
            {"event": "funding", "instrument": "BTC", "rate": "-0.0000081", "time_ns": 1769912400000 * MS},
        ),
        (
            "test_get_user_state_0",
            "position",
            0,
            {
                "event": "position", "instrument": "BTC", "quantity": "-0.00785", "entry_price": "26951.0",
                "unrealized": "-0.08007", "leverage": "20", "liquidation_price": "173198.69592357",
                "margin": "10.582271", "margin_type": "cross", "position_side": "both", "notional": "211.64542",
            },
        ),
        (
            "test_historical_orders_0",
            "order",
            0,
            {
                "event": "order", "instrument": "TON", "side": "buy", "order_type": "limit", "time_in_force": "ioc",
                "price": "3.2502", "quantity": "81.7", "filled": "0.0", "status": "expired",
                "reason": "iocCancelRejected", "reduce_only": False, "venue_order_id": 141682155424,
                "time_ns": 1755863118217 * MS,
            },
        ),
        (
            "test_get_frontend_open_orders_0",
            "order",
            0,
            {
                "event": "order", "instrument": "INJ", "side": "sell", "order_type": "take_profit_market",
                "price": "9.2037", "quantity": "12.5", "filled": "0.0", "status": "accepted", "reduce_only": True,
                "conditional": True, "trigger_price": "10.004", "venue_order_id": 3184595907,
                "time_ns": 1700126022555 * MS,
            },
        ),
        (
            "test_user_funding_history_with_end_time_0",
            "funding",
            3,
            {
                "event": "funding", "instrument": "AVAX", "amount": "-0.572915", "asset": "USDC", "rate": "0.0001",
                "quantity": "100.86333333", "time_ns": 1681948800000 * MS,
            },
        ),
        (
            "test_user_non_funding_ledger_updates_without_end_time_0",
            "balance",
            0,
            {
                "event": "balance", "asset": "USDC", "change": "2703997.4500000002", "reason": "deposit",
                "time_ns": 1731999196516 * MS,
            },
        ),
        (
            "test_get_candles_snapshot_1",
            "auto",
            0,
            {
                "event": "bar", "instrument": "kPEPE", "interval": "1h", "open_ns": 1684699200000 * MS,
                "close_ns": 1684702799999 * MS, "open": "0.001601", "high": "0.001616", "low": "0.001601",
                "close": "0.001604", "quantity": "520665683.0", "trades": 709,
            },
        ),
    ],
)  # fmt: skip
def test_fields(name: str, kind: str, at: int, expected: dict[str, Any]) -> None:
    recorded = captured.messages("hyperliquid") | captured.messages("hyperliquid_info")
    found = shown(kind, recorded[name])
    assert found[at] == expected
    assert {one["event"] for one in found} == {expected["event"]}


@captured.needed
@pytest.mark.parametrize("name", ["hyperliquid/ws_book_data.json", "hyperliquid/http_l2_book_btc.json"])
def test_a_book_is_the_levels_as_sent(name: str) -> None:
    raw = json.loads(captured.message(name))
    [book] = shown("depth", captured.message(name))
    bids, asks = ([[level["px"], level["sz"]] for level in side] for side in raw["levels"])
    assert book == {
        "event": "depth", "instrument": "BTC", "snapshot": True, "bids": bids, "asks": asks,
        "last_id": raw["time"], "time_ns": raw["time"] * MS,
    }  # fmt: skip
    [streamed] = shown("depth", json.dumps({"channel": "l2Book", "data": raw}))
    assert streamed == book


@captured.needed
def test_the_wallet_is_the_value_without_what_is_not_realised() -> None:
    raw = captured.messages("hyperliquid_info")["test_get_user_state_0"]
    positions = json.loads(raw)["assetPositions"]
    unrealized = sum((Decimal(one["position"]["unrealizedPnl"]) for one in positions), Decimal(0))
    [wallet] = shown("balance", raw)
    assert wallet["total"] == str(Decimal("1182.312496") - unrealized) and wallet["free"] == "1010.57173"
    [account] = [one for one in shown("auto", raw) if one["event"] == "account"]
    assert account["account_value"] == "1182.312496" and account["margin_used"] == "171.740766"


ORDER = '{"coin":"BTC","side":"B","limitPx":"65000.0","sz":"0.04","oid":1,"timestamp":1700000000000,"origSz":"0.1"}'
FILL = (
    '{"coin":"AVAX","px":"18.435","sz":"93.53","side":"B","time":1681222254710,"startPosition":"26.86",'
    '"dir":"Open Long","closedPnl":"0.0","hash":"0xa166","oid":90542681,"crossed":false,"fee":"-0.01",'
    '"feeToken":"USDC","tid":118906512037719}'
)
FILLED = '{"filled":{"totalSz":"0.02","avgPx":"1891.4","oid":77747314}}'
MARKET_ORDER = (
    '{"order":{"coin":"ETH","side":"A","limitPx":"2412.7","sz":"0.0","oid":1,"timestamp":1724361546645,'
    '"triggerCondition":"N/A","isTrigger":false,"triggerPx":"0.0","children":[],"isPositionTpsl":false,'
    '"reduceOnly":true,"orderType":"Market","origSz":"0.0076","tif":"FrontendMarket","cloid":null},'
    '"status":"filled","statusTimestamp":1724361546645}'
)
USER = "0x360878d351f05975e25f1807a27895e1e5e004fb"


def channel(name: str, data: str) -> str:
    return f'{{"channel":"{name}","data":{data}}}'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            channel("bbo", '{"coin":"BTC","time":1700000000000,"bbo":[null,{"px":"65000.5","sz":"0.1","n":2}]}'),
            {"event": "quote", "instrument": "BTC", "ask_price": "65000.5", "ask_quantity": "0.1",
             "update_id": 1700000000000, "time_ns": 1700000000000 * MS},
        ),
        (
            channel("trades", '[{"coin":"BTC","side":"B","px":"65000.0","sz":"0.1","hash":"0x","time":1700000000000,'
                              '"tid":118906512037719,"users":["0xa","0xb"]}]'),
            {"event": "trade", "instrument": "BTC", "side": "buy", "price": "65000.0", "quantity": "0.1",
             "trade_id": 118906512037719, "time_ns": 1700000000000 * MS},
        ),
        (
            channel("activeSpotAssetCtx", '{"coin":"@107","ctx":{"dayNtlVlm":"8906.0","markPx":"0.14","midPx":"0.2",'
                                          '"prevDayPx":"0.2","circulatingSupply":"1.5","coin":"@107"}}'),
            {"event": "mark", "instrument": "@107", "mark_price": "0.14", "mid_price": "0.2"},
        ),
        (
            channel("orderUpdates", f'[{{"order":{ORDER},"status":"open","statusTimestamp":1700000000001}}]'),
            {"event": "order", "instrument": "BTC", "side": "buy", "order_type": "limit", "price": "65000.0",
             "quantity": "0.1", "filled": "0.06", "status": "partial", "venue_order_id": 1,
             "time_ns": 1700000000001 * MS},
        ),
        (
            channel("userFills", f'{{"isSnapshot":true,"user":"{USER}","fills":[{FILL}]}}'),
            {"event": "fill", "instrument": "AVAX", "side": "buy", "price": "18.435", "quantity": "93.53",
             "fee": "-0.01", "fee_asset": "USDC", "maker": True, "trade_id": 118906512037719,
             "venue_order_id": 90542681, "start_position": "26.86", "realized": "0.0",
             "time_ns": 1681222254710 * MS},
        ),
        (
            channel("user", '{"funding":{"time":1700000000000,"coin":"ETH","usdc":"-3.6","szi":"49.1",'
                            '"fundingRate":"0.0000417"}}'),
            {"event": "funding", "instrument": "ETH", "amount": "-3.6", "asset": "USDC", "rate": "0.0000417",
             "quantity": "49.1", "time_ns": 1700000000000 * MS},
        ),
        (
            channel("user", '{"nonUserCancel":[{"coin":"ETH","oid":7}]}'),
            {"event": "order", "instrument": "ETH", "status": "canceled", "reason": "nonUserCancel",
             "venue_order_id": 7},
        ),
        (
            channel("user", '{"liquidation":{"lid":1,"liquidator":"0x1","liquidated_user":"0x2",'
                            '"liquidated_ntl_pos":"5.0","liquidated_account_value":"-1.0"}}'),
            {"event": "margin_call", "instruments": []},
        ),
        (
            '{"status":"ok","response":{"type":"order","data":{"statuses":[' + FILLED + "]}}}",
            {"event": "order", "status": "filled", "filled": "0.02", "average_price": "1891.4",
             "venue_order_id": 77747314},
        ),
        (
            '{"status":"order","order":' + MARKET_ORDER + "}",
            {"event": "order", "instrument": "ETH", "side": "sell", "order_type": "market", "time_in_force": "ioc",
             "price": "2412.7", "quantity": "0.0076", "filled": "0.0076", "status": "filled", "reduce_only": True,
             "venue_order_id": 1, "time_ns": 1724361546645 * MS},
        ),
        ('{"status":"unknownOid"}', {"event": "order", "status": "unknown", "reason": "unknownOid"}),
        (
            channel("error", '"Already subscribed: {}"'),
            {"event": "error", "text": "Already subscribed: {}", "name": "already_subscribed", "kind": "refused"},
        ),
        (
            "Failed to deserialize the JSON body into the target type",
            {"event": "error", "text": "Failed to deserialize the JSON body into the target type",
             "name": "not_understood", "kind": "refused", "consequence": "alert"},
        ),
        (
            channel("post", '{"id":256,"response":{"type":"error","payload":"429 Too Many Requests"}}'),
            {"event": "error", "code": 429, "text": "429 Too Many Requests", "name": "ip_budget_spent",
             "kind": "retryable", "consequence": "hold_rate", "rejection": "TOO_MANY_ORDERS",
             "retry_after_ms": 60000, "request_id": 256},
        ),
    ],
)  # fmt: skip
def test_what_the_documents_show(raw: str, expected: dict[str, Any]) -> None:
    assert shown("auto", raw) == [expected]


@pytest.mark.parametrize(
    "raw",
    [
        "Websocket connection established.",
        channel("pong", "null"),
        '{"channel":"pong"}',
        channel("subscriptionResponse", '{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC",'
                                        '"nSigFigs":null,"mantissa":null}}'),
        channel("notification", '{"notification":"hello"}'),
        channel("user", "{}"),
        '{"status":"ok","response":{"type":"default"}}',
        '{"status":"ok","response":{"type":"cancel","data":{"statuses":["success"]}}}',
        "[]",
        "{}",
        "null",
        '"default"',
        "17",
    ],
)  # fmt: skip
def test_what_tells_nothing_of_ours(raw: str) -> None:
    assert shown("auto", raw) == []


def test_the_contexts_of_a_dex_are_named_by_its_universe() -> None:
    meta = '{"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":40},{"name":"ETH","szDecimals":4}]}'
    ctx = (
        '{"markPx":"14.3","midPx":null,"funding":"0.0000125","openInterest":"688.11","oraclePx":"14.32","premium":null}'
    )
    marks = shown("funding", f"[{meta},[{ctx},{ctx}]]")
    assert [(one["instrument"], one["funding_rate"]) for one in marks] == [("BTC", "0.0000125"), ("ETH", "0.0000125")]
    with pytest.raises(Refused, match="2 instruments and 1 contexts"):
        decode("auto", f"[{meta},[{ctx}]]".encode())


@pytest.mark.parametrize("px", ["NaN", "Infinity", "1e5", "-1", "", "1,5", " 1", "1\\n", "٣", "1_000", "0x10", "1."])
def test_a_price_that_is_no_plain_decimal_is_refused(px: str) -> None:
    raw = channel("trades", f'[{{"coin":"B","side":"B","px":"{px}","sz":"1","time":1700000000000,"tid":1}}]')
    with pytest.raises(Refused):
        decode("auto", raw.encode())


@pytest.mark.parametrize(
    "raw",
    [
        channel("userFills", f'{{"fills":[{FILL.replace("}", ",")}"px":"1"}}]}}'),
        channel("trades", '[{"coin":"BTC"}]'),
        channel("trades", '{"coin":"BTC"}'),
        "<html>",
        "",
        '{"channel":"trades","data":[',
        "[" * 50_000,
        '{"a":' * 50_000,
    ],
    ids=["a name twice", "fields lacking", "not a list", "html", "nothing", "cut off", "nested", "nested objects"],
)
def test_what_is_refused(raw: str) -> None:
    with pytest.raises(Refused):
        decode("auto", raw.encode())


def test_a_liquidation_is_forced_only_if_it_is_ours() -> None:
    hit = FILL.replace('"tid"', f'"liquidation":{{"liquidatedUser":"{USER}","markPx":"1.0","method":"market"}},"tid"')
    for user, forced in ((USER, True), ("0x" + "1" * 40, None)):
        [fill] = shown("fill", channel("userFills", f'{{"user":"{user}","fills":[{hit}]}}'))
        assert fill.get("forced") is forced
    [fill] = shown("fill", channel("user", f'{{"fills":[{FILL.replace("Open Long", "Auto-Deleveraging")}]}}'))
    assert fill["forced"] is True and fill["origin"] == "Auto-Deleveraging"


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="kind 'x' is unknown"):
        decode("x", b"{}")
