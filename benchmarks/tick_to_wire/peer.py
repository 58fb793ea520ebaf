"""The other clients of tick_to_wire.py, each run by its own environment's Python (long: one program a peer).

`peer.py NAME PORT CORE` does what the client's documentation shows for an order that has to leave at once: hear the
tick, read the bid, sell above `THRESHOLD` for 180 USDT at five basis points below it, IOC. `peer.py sign NAME N` signs
N Hyperliquid orders offline and prints one JSON object: the time each took, in ns, and a signature of a fixed order.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

API_KEY, SECRET = "k0123456789012345678901234567890123456789012345678901234567890ab", "s" * 64
AGENT_KEY = "0x" + "0123456789" * 6 + "0123"
ACCOUNT = "0x" + "11" * 20
THRESHOLD = 60_100
QUANTITY = 0.003
NONCE = 1_700_000_000_000
CLOID = "0x63622e5585000366f0000000000000"
STREAM = "/public/stream?streams=btcusdt@bookTicker"
BBO = json.dumps({"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}})


def ready() -> None:
    print("ready", flush=True)


def binance_bid(text: str | bytes) -> float:
    return float(json.loads(text)["data"]["b"])


def hyperliquid_bid(text: str | bytes) -> float:
    if text == "Websocket connection established.":
        return 0.0
    said = json.loads(text)
    return float(said["data"]["bbo"][0]["px"]) if said["channel"] == "bbo" else 0.0


def price_of(bid: float) -> float:
    return round(bid * 0.9995, 1)


async def websockets_quotes(port: int, path: str, hello: str, bid_of: Any, send: Any) -> None:
    """Ticks over the `websockets` library; `send(bid)` is awaited."""
    import websockets

    async with websockets.connect(f"ws://127.0.0.1:{port}{path}", compression=None) as socket:
        if hello:
            await socket.send(hello)
        ready()
        async for text in socket:
            bid = bid_of(text)
            if bid >= THRESHOLD:
                await send(bid)


# Binance


def binance_ccxt(port: int) -> None:
    import ccxt.async_support as ccxt

    async def work() -> None:
        exchange = ccxt.binanceusdm({
            "apiKey": API_KEY, "secret": SECRET, "enableRateLimit": False,
            "options": {"fetchCurrencies": False, "recvWindow": 2000},
        })  # fmt: skip
        for name, url in list(exchange.urls["api"].items()):
            if isinstance(url, str) and "/fapi" in url:
                exchange.urls["api"][name] = f"http://127.0.0.1:{port}/fapi/{url.rpartition('/')[2]}"
        await exchange.load_markets()

        async def send(bid: float) -> None:
            await exchange.create_order(
                "BTC/USDT:USDT", "limit", "sell", QUANTITY, price_of(bid), {"timeInForce": "IOC"}
            )  # fmt: skip

        await websockets_quotes(port, STREAM, "", binance_bid, send)

    asyncio.run(work())


def binance_python(port: int) -> None:
    from binance import AsyncClient

    local = type("Local", (AsyncClient,), {"FUTURES_URL": f"http://127.0.0.1:{port}/fapi"})

    async def work() -> None:
        client = local(API_KEY, SECRET)

        async def send(bid: float) -> None:
            await client.futures_create_order(
                symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="IOC", quantity=f"{QUANTITY:.3f}",
                price=f"{price_of(bid):.1f}", recvWindow=2000,
            )  # fmt: skip

        await websockets_quotes(port, STREAM, "", binance_bid, send)

    asyncio.run(work())


def binance_by_hand(port: int) -> None:
    """Both sockets with `websockets`, `json`, `Decimal` and `hmac`, over the WebSocket API."""
    import hashlib
    import hmac
    from decimal import Decimal

    import websockets

    async def work() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws-fapi/v1", compression=None) as api:

            async def drain() -> None:
                async for text in api:
                    json.loads(text)

            answers = asyncio.create_task(drain())
            number = 0

            async def send(bid: Decimal) -> None:
                nonlocal number
                number += 1
                params: dict[str, Any] = {
                    "apiKey": API_KEY, "newClientOrderId": f"hand-{number}", "newOrderRespType": "RESULT",
                    "price": str((bid * Decimal("0.9995")).quantize(Decimal("0.1"))), "quantity": "0.003",
                    "recvWindow": 2000, "side": "SELL", "symbol": "BTCUSDT", "timeInForce": "IOC",
                    "timestamp": int(time.time() * 1000), "type": "LIMIT",
                }  # fmt: skip
                payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
                params["signature"] = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
                await api.send(json.dumps({"id": number, "method": "order.place", "params": params}))

            def bid_of(text: str | bytes) -> Decimal:
                return Decimal(json.loads(text)["data"]["b"])

            await websockets_quotes(port, STREAM, "", bid_of, send)
            await answers

    asyncio.run(work())


def binance_nautilus(port: int) -> None:
    """nautilus' building blocks alone: engines, bus, cache and risk are left out, so this is a lower bound."""
    import msgspec
    from nautilus_trader.adapters.binance.common.schemas.market import BinanceQuoteMsg
    from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
    from nautilus_trader.common.component import LiveClock
    from nautilus_trader.core.nautilus_pyo3 import HttpMethod, WebSocketClient, WebSocketConfig
    from nautilus_trader.model.identifiers import InstrumentId

    async def work() -> None:
        loop = asyncio.get_running_loop()
        instrument = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
        decoder = msgspec.json.Decoder(BinanceQuoteMsg)
        http = BinanceHttpClient(LiveClock(), API_KEY, SECRET, f"http://127.0.0.1:{port}")
        clock = LiveClock()
        tasks: set[Any] = set()

        def on_message(raw: bytes) -> None:  # called by a thread of the Rust runtime
            tick = decoder.decode(raw).data.parse_to_quote_tick(instrument, clock.timestamp_ns())
            loop.call_soon_threadsafe(decide, tick)

        def decide(tick: Any) -> None:
            bid = float(tick.bid_price)
            if bid >= THRESHOLD:
                task = loop.create_task(http.sign_request(HttpMethod.POST, "/fapi/v1/order", {
                    "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "IOC",
                    "quantity": f"{QUANTITY:.3f}", "price": f"{price_of(bid):.1f}", "newClientOrderId": "nautilus-1",
                    "newOrderRespType": "RESULT", "recvWindow": "2000", "timestamp": str(clock.timestamp_ms()),
                }))  # fmt: skip
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        config = WebSocketConfig(url=f"ws://127.0.0.1:{port}{STREAM}", handler=on_message, headers=[])
        socket = await WebSocketClient.connect(config)
        ready()
        await asyncio.Event().wait()
        await socket.disconnect()

    _with_uvloop(work)


def _with_uvloop(work: Any) -> None:
    """nautilus' own node runs on uvloop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work())
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())


# Hyperliquid


def _ccxt_hyperliquid(kind: Any, base: str) -> Any:
    exchange = kind({
        "walletAddress": ACCOUNT, "privateKey": AGENT_KEY, "enableRateLimit": False,
        "options": {"approvedBuilderFee": True, "builderFee": False, "refSet": True},
    })  # fmt: skip
    exchange.urls["api"] = {"public": base, "private": base}
    return exchange


def hyperliquid_ccxt(port: int) -> None:
    import ccxt.async_support as ccxt

    async def work() -> None:
        exchange = _ccxt_hyperliquid(ccxt.hyperliquid, f"http://127.0.0.1:{port}")
        await exchange.load_markets()

        async def send(bid: float) -> None:
            await exchange.create_order(
                "BTC/USDC:USDC", "limit", "sell", QUANTITY, round(bid * 0.9995), {"timeInForce": "Ioc"}
            )  # fmt: skip

        await websockets_quotes(port, "/ws", BBO, hyperliquid_bid, send)

    asyncio.run(work())


def hyperliquid_sdk(port: int) -> None:
    import eth_account
    from hyperliquid.exchange import Exchange
    from hyperliquid.info import Info

    base = f"http://127.0.0.1:{port}"
    exchange = Exchange(eth_account.Account.from_key(AGENT_KEY), base, account_address=ACCOUNT)
    info = Info(base)

    def on_tick(said: Any) -> None:
        bid = float(said["data"]["bbo"][0]["px"])
        if bid >= THRESHOLD:
            exchange.order("BTC", False, QUANTITY, round(bid * 0.9995), {"limit": {"tif": "Ioc"}})

    info.subscribe({"type": "bbo", "coin": "BTC"}, on_tick)
    time.sleep(0.5)
    ready()
    while True:
        time.sleep(60)


def hyperliquid_nautilus(port: int) -> None:
    """nautilus' Rust pieces: websocket -> msgspec -> QuoteTick -> HyperliquidHttpClient, which signs.

    Its Hyperliquid websocket client of 1.221 never gets to send a subscription, and its HTTP client posts to the
    venue's own address and no other: through a proxy that refuses, one sees it ask for a connection once the order is
    signed. TLS and the order's own bytes are missing from that, a TCP connect is in it.
    """
    os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = f"http://127.0.0.1:{port}"
    from decimal import Decimal

    import msgspec
    from nautilus_trader.common.component import LiveClock
    from nautilus_trader.core import nautilus_pyo3 as rust
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.objects import Price, Quantity

    class Level(msgspec.Struct, frozen=True):
        px: str
        sz: str
        n: int

    class Bbo(msgspec.Struct, frozen=True):
        coin: str
        time: int
        bbo: tuple[Level, Level]

    class Said(msgspec.Struct, frozen=True):
        channel: str
        data: Bbo

    decoder, clock = msgspec.json.Decoder(Said), LiveClock()
    old_id = InstrumentId.from_str("BTC-USD-PERP.HYPERLIQUID")
    instrument_id = rust.InstrumentId.from_str("BTC-USD-PERP.HYPERLIQUID")
    usd, usdc, btc = (rust.Currency.from_str(code) for code in ("USD", "USDC", "BTC"))
    instrument = rust.CryptoPerpetual(
        instrument_id=instrument_id, raw_symbol=rust.Symbol("BTC"), base_currency=btc, quote_currency=usd,
        settlement_currency=usdc, is_inverse=False, price_precision=1, size_precision=5,
        price_increment=rust.Price.from_str("0.1"), size_increment=rust.Quantity.from_str("0.00001"), ts_event=0,
        ts_init=0, maker_fee=Decimal(0), taker_fee=Decimal(0), margin_init=Decimal(0), margin_maint=Decimal(0),
    )  # fmt: skip

    async def work() -> None:
        loop = asyncio.get_running_loop()
        http = rust.HyperliquidHttpClient.from_credentials(AGENT_KEY, None, True)
        http.add_instrument(instrument)
        http.set_account_id("HYPERLIQUID-001")
        trader, strategy = rust.TraderId("T-1"), rust.StrategyId("S-1")
        quantity = rust.Quantity.from_str("0.00300")
        tasks: set[Any] = set()
        number = 0

        async def send(bid: float) -> None:
            nonlocal number
            number += 1
            order = rust.LimitOrder(
                trader_id=trader, strategy_id=strategy, instrument_id=instrument_id,
                client_order_id=rust.ClientOrderId(f"0x{number:032x}"), order_side=rust.OrderSide.SELL,
                quantity=quantity, price=rust.Price(round(bid * 0.9995), 1), time_in_force=rust.TimeInForce.IOC,
                post_only=False, reduce_only=False, quote_quantity=False, init_id=rust.UUID4(), ts_init=0,
            )  # fmt: skip
            try:
                await http.submit_order(order)
            except Exception as error:
                if number == 1:
                    print(f"first order: {error}", file=sys.stderr)

        def on_message(raw: bytes) -> None:  # called by a thread of the Rust runtime
            if raw.startswith(b'{"channel":"bbo"'):
                loop.call_soon_threadsafe(decide, *decoder.decode(raw).data.bbo)

        def decide(bid: Level, ask: Level) -> None:
            now = clock.timestamp_ns()
            tick = QuoteTick(
                old_id, Price.from_str(bid.px), Price.from_str(ask.px), Quantity.from_str(bid.sz),
                Quantity.from_str(ask.sz), now, now,
            )  # fmt: skip
            if float(tick.bid_price) >= THRESHOLD:
                task = loop.create_task(send(float(tick.bid_price)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        config = rust.WebSocketConfig(url=f"ws://127.0.0.1:{port}/ws", handler=on_message, headers=[])
        socket = await rust.WebSocketClient.connect(config)
        await socket.send_text(BBO.encode())
        ready()
        await asyncio.Event().wait()
        await socket.disconnect()

    _with_uvloop(work)


# signing alone


def sign_sdk(n: int) -> tuple[list[int], Any]:
    import eth_account
    from hyperliquid.utils.signing import order_request_to_order_wire, order_wires_to_order_action, sign_l1_action
    from hyperliquid.utils.types import Cloid

    wallet = eth_account.Account.from_key(AGENT_KEY)
    cloid = Cloid.from_str(CLOID + "07")

    def action() -> Any:
        request = {
            "coin": "BTC", "is_buy": True, "sz": 0.003, "limit_px": 65000, "reduce_only": False, "cloid": cloid,
            "order_type": {"limit": {"tif": "Ioc"}},
        }  # fmt: skip
        return order_wires_to_order_action([order_request_to_order_wire(request, 0)])

    ready_made = action()
    return _timed(n, lambda: sign_l1_action(wallet, ready_made, None, NONCE, None, False))


def sign_ccxt(n: int) -> tuple[list[int], Any]:
    import ccxt

    exchange = _ccxt_hyperliquid(ccxt.hyperliquid, "http://127.0.0.1:1")
    exchange.set_sandbox_mode(True)
    action = {
        "type": "order",
        "orders": [{"a": 0, "b": True, "p": "65000", "s": "0.003", "r": False, "t": {"limit": {"tif": "Ioc"}},
                    "c": CLOID + "07"}],
        "grouping": "na",
    }  # fmt: skip
    return _timed(n, lambda: exchange.sign_l1_action(action, NONCE))


def _timed(n: int, sign: Any) -> tuple[list[int], Any]:
    taken = []
    for _ in range(n + n // 10 + 2):
        begun = time.perf_counter_ns()
        signature = sign()
        taken.append(time.perf_counter_ns() - begun)
    return taken[n // 10 + 2 :], signature


CLIENTS = {
    "binance_ccxt": binance_ccxt,
    "binance_python": binance_python,
    "binance_by_hand": binance_by_hand,
    "binance_nautilus": binance_nautilus,
    "hyperliquid_ccxt": hyperliquid_ccxt,
    "hyperliquid_sdk": hyperliquid_sdk,
    "hyperliquid_nautilus": hyperliquid_nautilus,
}
SIGNERS = {"sdk": sign_sdk, "ccxt": sign_ccxt}


def main() -> None:
    if sys.argv[1] == "sign":
        taken, signature = SIGNERS[sys.argv[2]](int(sys.argv[3]))
        print(json.dumps({"taken": taken, "signature": signature}))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[3])})
    CLIENTS[sys.argv[1]](int(sys.argv[2]))


if __name__ == "__main__":
    main()
