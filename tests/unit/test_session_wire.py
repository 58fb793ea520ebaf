"""What the venues say on the wire of a session, where they are, and how a frame names its stream."""

import json

import msgspec
import pytest

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.market_streams import STREAMS_A_MESSAGE, feeds, message_of, twin_key
from crossbook.venues.wire_rules import GRANTED, announces_shutdown, binance_answer, hyperliquid_answer

SPOT, USDM, HYPERLIQUID = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID


@pytest.mark.parametrize(
    ("answer", "frame", "words"),
    [
        (binance_answer, '{"result":null,"id":1}', GRANTED),
        (binance_answer, '{"id":"a","status":200,"result":{}}', GRANTED),
        (binance_answer, '{"id":"a","status":401,"error":{"code":-2015,"msg":"no"}}', '{"code":-2015,"msg":"no"}'),
        (binance_answer, '{"error":{"code":2,"msg":"no"},"id":1}', '{"code":2,"msg":"no"}'),
        (binance_answer, '{"code":2,"msg":"no","id":1}', '{"code":2,"msg":"no","id":1}'),
        (binance_answer, '{"stream":"a@trade","data":{"e":"trade","id":1}}', None),
        (binance_answer, '{"e":"executionReport","id":1}', None),
        (binance_answer, "not json", None),
        (binance_answer, '{"result":nul', None),
        (hyperliquid_answer, '{"channel":"subscriptionResponse","data":{"method":"subscribe"}}', GRANTED),
        (hyperliquid_answer, '{"channel": "subscriptionResponse", "data": {}}', GRANTED),
        (hyperliquid_answer, '{"channel":"error","data":"Invalid subscription {}"}', "Invalid subscription {}"),
        (hyperliquid_answer, '{"channel":"error","data":"Already subscribed: {}"}', GRANTED),
        (hyperliquid_answer, '{"channel":"bbo","data":{"coin":"BTC"}}', None),
        (hyperliquid_answer, "Websocket connection established.", None),
    ],
)
def test_answers_to_subscriptions(answer: object, frame: str, words: str | None) -> None:
    assert answer(frame.encode()) == words


def test_the_notice_of_a_shutdown_is_seen_in_every_wrapping() -> None:
    for frame in ('{"e":"serverShutdown","E":1}', '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'):
        assert announces_shutdown(frame.encode())
    assert not announces_shutdown(b'{"stream":"btcusdt@trade","data":{}}')


@pytest.mark.parametrize(
    ("frame", "stream", "symbol", "key"),
    [
        ('{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT"}}', "btcusdt@bookTicker", "BTCUSDT", 7),
        ('{"stream": "btcusdt@trade", "data": {"e":"trade","E":5,"t":8}}', "btcusdt@trade", "BTCUSDT", 8),
        ('{"data":{"e":"markPriceUpdate","E":5},"stream":"btcusdt@markPrice"}', "btcusdt@markPrice", "BTCUSDT", 5),
        ('{"channel":"bbo","data":{"coin":"BTC","time":9,"bbo":[null,null]}}', "bbo:BTC", "BTC", 9),
        ('{"channel":"trades","data":[{"coin":"BTC","time":9,"tid":3},{"coin":"BTC"}]}', "trades:BTC", "BTC", 3),
        ('{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{}}}', "activeAssetCtx:BTC", "BTC",
         b'{"coin":"BTC","ctx":{}}'),
    ],
)  # fmt: skip
def test_a_frame_names_its_stream_and_its_twin(frame: str, stream: str, symbol: str, key: object) -> None:
    message = message_of(frame.encode())
    assert message is not None and (message.stream, message.symbol) == (stream, symbol)
    assert twin_key(frame.encode()) == (stream, key)


@pytest.mark.parametrize(
    "frame",
    ['{"result":null,"id":1}', '{"channel":"pong"}', '{"channel":"subscriptionResponse","data":{"method":"subscribe"}}',
     '{"channel":"trades","data":[]}', '{"channel":"error","data":"no"}', '{"lastUpdateId":1,"bids":[],"asks":[]}'],
)  # fmt: skip
def test_other_frames_are_no_market_frames(frame: str) -> None:
    assert message_of(frame.encode()) is None and twin_key(frame.encode()) is None


def test_what_is_no_json_is_said() -> None:
    with pytest.raises(msgspec.DecodeError):
        message_of(b"Websocket connection established.")


def test_every_stream_is_asked_for_once_in_messages_the_venue_takes() -> None:
    symbols = [f"S{n}USDT" for n in range(150)]
    for venue in (SPOT, USDM, HYPERLIQUID):
        for feed in feeds(venue, endpoints(venue, Environment.MAINNET), symbols):
            asked = [json.loads(message) for message in feed.hello]
            if venue is HYPERLIQUID:
                names = [f"{one['subscription']['type']}:{one['subscription']['coin']}" for one in asked]
            else:
                names = [name for one in asked for name in one["params"]]
                assert all(len(one["params"]) <= STREAMS_A_MESSAGE for one in asked)
                assert len({one["id"] for one in asked}) == len(asked)
            assert names == [name for name, _ in feed.streams] and len(names) <= 1000
    with pytest.raises(Refused, match="between 1 and 200"):
        feeds(SPOT, endpoints(SPOT, Environment.MAINNET), [f"S{n}" for n in range(201)])


def test_environments_do_not_mix() -> None:
    seen: dict[str, tuple[Venue, Environment]] = {}
    for venue in (SPOT, USDM, HYPERLIQUID):
        for world in (Environment.MAINNET, Environment.TESTNET):
            where = endpoints(venue, world)
            for url in {where.rest, where.api, *where.streams.values()}:
                assert url.startswith(("https://", "wss://")), "never in the clear"
                assert seen.setdefault(url, (venue, world)) == (venue, world)
    local = endpoints(USDM, Environment.LOCAL, "http://127.0.0.1:8080")
    assert local.rest == "http://127.0.0.1:8080" and local.streams["public"] == "ws://127.0.0.1:8080/public/stream"
    for url in ("", "https://fapi.binance.com", "http://10.0.0.1:80", "http://127.0.0.1", "ftp://127.0.0.1:1"):
        with pytest.raises(Refused, match="none on this machine"):
            endpoints(USDM, Environment.LOCAL, url)
    with pytest.raises(Refused, match="is for --env local"):
        endpoints(USDM, Environment.TESTNET, "http://127.0.0.1:8080")
