"""What the fake venue says: its script and texts, for Binance spot, USD-M and Hyperliquid at once.

A tick that calls for orders shows a bid 40 basis points above the other venue's ask; the calm one after it shows none.
Every limit that a venue states is stated high, so that our own budgets, which are asked for each order, let one a tick
pass. An order of ours finds nothing and expires: positions, the one state that would hold the next tick's orders back,
stay as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

API_KEY, SECRET = "k0123456789012345678901234567890123456789012345678901234567890ab", "s" * 64
AGENT_KEY = "0123456789" * 6 + "0123"
ACCOUNT = "0x" + "11" * 20
CALM, FIRE, TURNS = 60_000, 60_240, 8
"""Middle prices in quote; the ticks that call for orders take turns, one apart."""
THRESHOLD = 60_100
"""A client without a strategy sells above it."""
LEVELS = 400
MANY = 1_000_000_000
LOTS = {"btcusdt": 1, "usdcusdt": 1_000}


def write_script(folder: Path, agent: str, tick: str, legs: int) -> Path:
    """Write script and texts to `folder`; `tick`: whose ticks call for orders (`usdm` or `hyperliquid`)."""
    lines = [f"legs\t{legs}"]

    def say(kind: str, method: str, path: str, inside: str, text: Any) -> None:
        file = folder / f"{len(lines):03d}.json"
        file.write_text(text if isinstance(text, str) else json.dumps(text, separators=(",", ":")))
        lines.append("\t".join((kind, method, path, inside, str(file))))

    _orders(say)
    _usdm(say)
    _spot(say)
    _hyperliquid(say, agent)
    ticks = (_usdm_tick, "/public/stream", "btcusdt@bookTicker") if tick == "usdm" else (
        _bbo, "/ws", '"bbo","coin":"BTC"'
    )  # fmt: skip
    text, path, stream = ticks
    for turn in range(TURNS):
        say("fire", "-", path, stream, text(FIRE + turn))
    say("calm", "-", path, stream, text(CALM))
    script = folder / "script.tsv"
    script.write_text("\n".join(lines) + "\n")
    return script


def _orders(say: Any) -> None:
    """What orders are answered with. A client over HTTP hears of a resting one: it asks for no more."""
    order = (
        '{"orderId":$u,"symbol":$(symbol),"status":"EXPIRED","clientOrderId":$(newClientOrderId),"price":$(price),'
        '"avgPrice":"0.00","origQty":$(quantity),"executedQty":"0.000","cumQuote":"0.00","timeInForce":"IOC",'
        '"type":"LIMIT","reduceOnly":false,"closePosition":false,"side":$(side),"positionSide":"BOTH",'
        '"stopPrice":"0.00","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"LIMIT",'
        '"priceMatch":"NONE","selfTradePreventionMode":"NONE","goodTillDate":0,"updateTime":$ms}'
    )
    spot = (
        '{"symbol":$(symbol),"orderId":$u,"orderListId":-1,"clientOrderId":$(newClientOrderId),"transactTime":$ms,'
        '"price":$(price),"origQty":$(quantity),"executedQty":"0.00000000","origQuoteOrderQty":"0.00000000",'
        '"cummulativeQuoteQty":"0.00000000","status":"EXPIRED","timeInForce":"IOC","type":"LIMIT","side":$(side),'
        '"workingTime":$ms,"selfTradePreventionMode":"NONE"}'
    )
    asked = (
        '{"orderId":$u,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"$[newClientOrderId]","price":"$[price]",'
        '"avgPrice":"0.00","origQty":"$[quantity]","executedQty":"0.000","cumQuote":"0.00","timeInForce":"IOC",'
        '"type":"LIMIT","reduceOnly":false,"closePosition":false,"side":"SELL","positionSide":"BOTH",'
        '"stopPrice":"0.00","workingType":"CONTRACT_PRICE","priceProtect":false,"origType":"LIMIT",'
        '"priceMatch":"NONE","selfTradePreventionMode":"NONE","goodTillDate":0,"updateTime":$ms}'
    )
    nothing = "Order could not immediately match against any resting orders. asset=0"
    expired = {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"error": nothing}]}}}
    resting = '{"status":"ok","response":{"type":"order","data":{"statuses":[{"resting":{"oid":$u}}]}}}'
    post = '{"channel":"post","data":{"id":$(id),"response":{"type":"action","payload":%s}}}'
    say("order", "WS", "/ws-fapi/", '"order.place"', f'{{"id":$(id),"status":200,"result":{order},"rateLimits":[]}}')
    say("order", "WS", "/ws-api/", '"order.place"', f'{{"id":$(id),"status":200,"result":{spot},"rateLimits":[]}}')
    say("order", "POST", "/fapi/v1/order", "-", asked)
    say("order", "WS", "/ws", '"order"', post % json.dumps(expired, separators=(",", ":")))
    say("order", "POST", "/exchange", '"order"', resting)
    say("order", "CONNECT", "api", "-", "{}")


def _usdm(say: Any) -> None:
    symbol = "BTCUSDT"
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "809484", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95", "multiplierDecimal": "4"},
    ]
    common = {
        "status": "TRADING", "contractType": "PERPETUAL", "quoteAsset": "USDT", "marginAsset": "USDT",
        "deliveryDate": 4133404800000, "onboardDate": 1569398400000, "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000", "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN",
        "underlyingSubType": [], "triggerProtect": "0.05", "liquidationFee": "0.0125", "marketTakeBound": "0.05",
        "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }  # fmt: skip
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": MANY},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": MANY},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": MANY},
    ]
    btc = common | {"symbol": symbol, "pair": symbol, "baseAsset": "BTC", "pricePrecision": 2, "quantityPrecision": 3}
    usdc = common | {
        "symbol": "USDCUSDT", "pair": "USDCUSDT", "baseAsset": "USDC", "pricePrecision": 6, "quantityPrecision": 0,
    }  # fmt: skip
    coarse = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.0001", "maxPrice": "100", "tickSize": "0.0001"},
        {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000000", "stepSize": "1"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    say("http", "GET", "/fapi/v1/exchangeInfo", "-", {
        "timezone": "UTC", "serverTime": "$ms", "futuresType": "U_MARGINED", "rateLimits": limits,
        "exchangeFilters": [], "assets": [],
        "symbols": [btc | {"filters": filters}, usdc | {"filters": coarse}],
    } | {"serverTime": 1_700_000_000_000})  # fmt: skip
    say("http", "GET", "/fapi/v1/time", "-", '{"serverTime":$ms}')
    say("http", "GET", "/fapi/v1/ping", "-", "{}")
    say("http", "GET", "/fapi/v1/accountConfig", "-", {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": False, "dualSidePosition": False,
        "multiAssetsMargin": False, "tradeGroupId": -1, "updateTime": 0,
    })  # fmt: skip
    money = {
        "accountAlias": "SgsR", "asset": "USDT", "balance": "4400.00000000", "crossWalletBalance": "4400.00000000",
        "crossUnPnl": "0.00000000", "availableBalance": "4400.00000000", "maxWithdrawAmount": "4400.00000000",
        "marginAvailable": True, "updateTime": 1_700_000_000_000,
    }  # fmt: skip
    say("http", "GET", "/fapi/v3/balance", "-", [money])
    asset = {
        "asset": "USDT", "walletBalance": "4400.00000000", "unrealizedProfit": "0.00000000",
        "marginBalance": "4400.00000000", "maintMargin": "0.00000000", "initialMargin": "0.00000000",
        "positionInitialMargin": "0.00000000", "openOrderInitialMargin": "0.00000000",
        "crossWalletBalance": "4400.00000000", "crossUnPnl": "0.00000000", "availableBalance": "4400.00000000",
        "maxWithdrawAmount": "4400.00000000", "updateTime": 1_700_000_000_000,
    }  # fmt: skip
    say("http", "GET", "/fapi/v3/account", "-", {
        "totalInitialMargin": "0", "totalMaintMargin": "0", "totalWalletBalance": "4400", "totalMarginBalance": "4400",
        "totalUnrealizedProfit": "0", "availableBalance": "4400", "maxWithdrawAmount": "4400", "assets": [asset],
        "positions": [],
    })  # fmt: skip
    for name in (symbol, "USDCUSDT"):
        say("http", "GET", "/fapi/v1/symbolConfig", name, [{
            "symbol": name, "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 2,
            "maxNotionalValue": "100000000",
        }])  # fmt: skip
        say("http", "GET", "/fapi/v1/depth", name, _depth(name, '"E":$ms,"T":$ms,'))
    say("http", "POST", "/fapi/v1/leverage", "-", '{"leverage":2,"maxNotionalValue":"1","symbol":"$[symbol]"}')
    say("http", "GET", "/fapi/v1/commissionRate", "-", {
        "symbol": symbol, "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0005",
    })  # fmt: skip
    for path in ("openOrders", "allOrders", "userTrades", "income"):
        say("http", "GET", f"/fapi/v1/{path}", "-", "[]")
    say("http", "POST", "/fapi/v1/listenKey", "-", {"listenKey": "l" * 64})
    say("http", "PUT", "/fapi/v1/listenKey", "-", {"listenKey": "l" * 64})
    for path in ("/public/stream", "/market/stream", "/private/stream"):
        say("frame", "WS", path, '"SUBSCRIBE"', '{"result":null,"id":$(id)}')
    say("frame", "WS", "/ws-fapi/", '"method"', '{"id":$(id),"status":200,"result":{},"rateLimits":[]}')
    say("side", "-", "/public/stream", "btcusdt@depth", _update("btcusdt", '"pu":$p,"T":$ms,', CALM))
    say("side", "-", "/public/stream", "usdcusdt@depth", _update("usdcusdt", '"pu":$p,"T":$ms,', 1))
    say(
        "side", "-", "/public/stream", "usdcusdt@bookTicker", _quote("usdcusdt", '"e":"bookTicker","T":$ms,"E":$ms,', 1)
    )
    for name, price in (("btcusdt", CALM), ("usdcusdt", 1)):
        say("side", "-", "/market/stream", f"{name}@markPrice", (
            f'{{"stream":"{name}@markPrice@1s","data":{{"e":"markPriceUpdate","E":$ms,"s":"{name.upper()}",'
            f'"p":"{price:.8f}","i":"{price:.8f}","P":"{price:.8f}","r":"0.00000000","T":4000000000000}}}}'
        ))  # fmt: skip
    say("side", "-", "/public/stream", "btcusdt@bookTicker", _usdm_tick(CALM))


def _spot(say: Any) -> None:
    filters = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional": "9000000"},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": MANY},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": MANY},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": MANY},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": MANY},
    ]
    say("http", "GET", "/api/v3/exchangeInfo", "-", {
        "timezone": "UTC", "serverTime": 1_700_000_000_000, "rateLimits": limits, "exchangeFilters": [],
        "symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
                     "filters": filters}],
    })  # fmt: skip
    say("http", "GET", "/api/v3/time", "-", '{"serverTime":$ms}')
    say("http", "GET", "/api/v3/account", "-", {
        "makerCommission": 10, "takerCommission": 10, "canTrade": True, "canWithdraw": False, "canDeposit": True,
        "commissionRates": {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0", "seller": "0"},
        "updateTime": 1_700_000_000_000, "accountType": "SPOT", "uid": 1,
        "balances": [{"asset": "USDT", "free": "4400.00000000", "locked": "0.00000000"}],
    })  # fmt: skip
    say("http", "GET", "/api/v3/depth", "-", _depth("BTCUSDT", "", spot=True))
    for path in ("openOrders", "allOrders", "myTrades"):
        say("http", "GET", f"/api/v3/{path}", "-", "[]")
    say("frame", "WS", "/stream", '"SUBSCRIBE"', '{"result":null,"id":$(id)}')
    say("frame", "WS", "/ws-api/", '"userDataStream', '{"id":$(id),"status":200,"result":{"subscriptionId":0}}')
    say("frame", "WS", "/ws-api/", '"method"', '{"id":$(id),"status":200,"result":{},"rateLimits":[]}')
    say("side", "-", "/stream", "btcusdt@depth", _update("btcusdt", "", CALM, spot=True))
    say("side", "-", "/stream", "btcusdt@bookTicker", _quote("btcusdt", "", CALM, spot=True))


def _hyperliquid(say: Any, agent: str) -> None:
    universe = [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "ETH", "szDecimals": 4, "maxLeverage": 25, "marginTableId": 55},
    ]
    context = {
        "funding": "0.0", "openInterest": "688.11", "prevDayPx": "60000.0", "dayNtlVlm": "1169046.29", "premium": "0.0",
        "oraclePx": f"{CALM}.0", "markPx": f"{CALM}.0", "midPx": f"{CALM}.0", "impactPxs": ["59999.0", "60001.0"],
        "dayBaseVlm": "19.0",
    }  # fmt: skip
    meta = {"universe": universe, "marginTables": [], "collateralToken": 0}
    spot_meta = {
        "tokens": [{"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0, "tokenId": "0x" + "6d" * 16,
                    "isCanonical": True, "evmContract": None, "fullName": None},
                   {"name": "PURR", "szDecimals": 0, "weiDecimals": 5, "index": 1, "tokenId": "0x" + "c1" * 16,
                    "isCanonical": True, "evmContract": None, "fullName": None}],
        "universe": [{"name": "PURR/USDC", "tokens": [1, 0], "index": 0, "isCanonical": True}],
    }  # fmt: skip
    margin = {"accountValue": "4400.0", "totalNtlPos": "0.0", "totalRawUsd": "4400.0", "totalMarginUsed": "0.0"}
    said: list[tuple[str, Any]] = [
        ('"metaAndAssetCtxs"', [meta, [context, context]]),
        ('"spotMetaAndAssetCtxs"', [spot_meta, [context | {"coin": "PURR/USDC", "circulatingSupply": "1.0"}]]),
        ('"spotMeta"', spot_meta),
        ('"meta"', meta),
        ('"exchangeStatus"', '{"time":$ms,"specialStatuses":null}'),
        ('"clearinghouseState"', (
            '{"assetPositions":[],"crossMarginSummary":%s,"marginSummary":%s,"crossMaintenanceMarginUsed":"0.0",'
            '"withdrawable":"4400.0","time":$ms}' % (json.dumps(margin), json.dumps(margin)))),
        ('"spotClearinghouseState"', {"balances": []}),
        ('"extraAgents"', [{"name": "desk", "address": agent, "validUntil": 4133404800000}]),
        ('"userRole"', {"role": "agent", "data": {"user": ACCOUNT}}),
        ('"userAbstraction"', '"disabled"'),
        ('"userFees"', {"userCrossRate": "0.00045", "userAddRate": "0.00015"}),
        ('"userRateLimit"', {"cumVlm": "1.0", "nRequestsUsed": 1, "nRequestsCap": MANY, "nRequestsSurplus": 0}),
        ("-", "[]"),
    ]  # fmt: skip
    for inside, text in said:
        say("http", "POST", "/info", inside, text)
    say("http", "POST", "/exchange", "-", {"status": "ok", "response": {"type": "default"}})
    say("greet", "-", "/ws", "-", "Websocket connection established.")
    say("greet", "-", "/ws", "-", '{"channel":"pong"}')  # nautilus 1.221 subscribes only once it could read something
    say("frame", "WS", "/ws", '"subscribe"', (
        '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":$(type)}}}'
    ))  # fmt: skip
    say("frame", "WS", "/ws", '"ping"', '{"channel":"pong"}')
    levels = [
        [{"px": f"{CALM - k}.0", "sz": "5.0", "n": 3} for k in range(20)],
        [{"px": f"{CALM + 1 + k}.0", "sz": "5.0", "n": 3} for k in range(20)],
    ]
    both_sides = json.dumps(levels, separators=(",", ":"))
    book = f'{{"channel":"l2Book","data":{{"coin":"BTC","time":$ms,"levels":{both_sides}}}}}'
    say("side", "-", "/ws", '"l2Book","coin":"BTC"', book)
    say("side", "-", "/ws", '"bbo","coin":"BTC"', _bbo(CALM))
    say("side", "-", "/ws", '"activeAssetCtx","coin":"BTC"', (
        f'{{"channel":"activeAssetCtx","data":{{"coin":"BTC","ctx":{json.dumps(context, separators=(",", ":"))}}}}}'
    ))  # fmt: skip


def _usdm_tick(price: int) -> str:
    return _quote("btcusdt", '"e":"bookTicker","T":$ms,"E":$ms,', price)


def _quote(name: str, more: str, price: int, *, spot: bool = False) -> str:
    bid, ask = _prices(name, price, spot)
    return (
        f'{{"stream":"{name}@bookTicker","data":{{{more}"u":$u,"s":"{name.upper()}",'
        f'"b":"{bid}","B":"{31 * LOTS[name]}","a":"{ask}","A":"{40 * LOTS[name]}"}}}}'
    )


def _update(name: str, more: str, price: int, *, spot: bool = False) -> str:
    bid, ask = _prices(name, price, spot)
    return (
        f'{{"stream":"{name}@depth@100ms","data":{{"e":"depthUpdate","E":$ms,{more}"s":"{name.upper()}","U":$f,"u":$u,'
        f'"b":[["{bid}","{31 * LOTS[name]}"]],"a":[["{ask}","{40 * LOTS[name]}"]]}}}}'
    )


def _depth(symbol: str, more: str, *, spot: bool = False) -> str:
    tick = 1e-4 if symbol == "USDCUSDT" else 0.01 if spot else 0.1
    digits, price = {1e-4: 4, 0.01: 2, 0.1: 1}[tick], 1 if symbol == "USDCUSDT" else CALM
    bids = [[f"{price - k * tick:.{digits}f}", f"{31 * LOTS[symbol.lower()]}"] for k in range(LEVELS)]
    asks = [[f"{price + (k + 1) * tick:.{digits}f}", f"{40 * LOTS[symbol.lower()]}"] for k in range(LEVELS)]
    return f'{{"lastUpdateId":$u,{more}"bids":{json.dumps(bids)},"asks":{json.dumps(asks)}}}'


def _prices(name: str, price: int, spot: bool) -> tuple[str, str]:
    if name == "usdcusdt":
        return f"{price}.0000", f"{price}.0001"
    return (f"{price}.00", f"{price}.01") if spot else (f"{price}.0", f"{price}.1")


def _bbo(price: int) -> str:
    return (
        f'{{"channel":"bbo","data":{{"coin":"BTC","time":$ms,"bbo":[{{"px":"{price}.0","sz":"3.5","n":4}},'
        f'{{"px":"{price + 1}.0","sz":"4.5","n":5}}]}}}}'
    )
