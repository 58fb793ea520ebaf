"""Order answers and events are read strictly: what does not read leaves its order UNKNOWN, and nothing raises."""

import msgspec
import pytest
from captured import message, needed
from hypothesis import given
from hypothesis import strategies as st

from crossbook.venues.binance.answers import order_messages, read_answer, user_events
from crossbook.venues.binance.fill_keys import Report, SeenFills, fill_key
from crossbook.venues.binance.orders import is_unknown, order_answer, order_result, user_trades
from crossbook.venues.binance.user_stream import user_event
from crossbook.venues.messages import Error, ErrorKind, Fill, Funding, OrderStatus, OrderUpdate, to_json

SPOT, USDM = "binance_spot", "binance_usdm"
ACK = b'{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"cb-1","transactTime":1507725176595}'
FUTURES = (
    b'{"clientOrderId":"cb-1","cumQty":"0","executedQty":"0","orderId":22542179,"origQty":"10","price":"0.5",'
    b'"reduceOnly":true,"side":"SELL","positionSide":"BOTH","status":"EXPIRED_IN_MATCH","stopPrice":"0",'
    b'"closePosition":false,"symbol":"BTCUSDT","timeInForce":"GTX","type":"LIMIT","updateTime":1566818724722}'
)
VENUES = st.sampled_from([SPOT, USDM])
NAMES = st.sampled_from(["symbol", "orderId", "clientOrderId", "status", "transactTime", "e", "o", "code", "msg", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=5)
    ),
    max_leaves=8,
)  # fmt: skip


def one(found: list[object]) -> OrderUpdate:
    assert len(found) == 1 and isinstance(found[0], OrderUpdate)
    return found[0]


def test_an_ack_says_that_the_venue_has_it() -> None:
    update = one(order_answer(SPOT, ACK))
    assert (update.status, update.client_order_id, update.venue_order_id) == (OrderStatus.ACCEPTED, "cb-1", 28)
    assert update.filled is None and not is_unknown([update])


def test_a_futures_answer() -> None:
    update = one(order_answer(USDM, FUTURES))
    assert (update.status, update.time_in_force, update.reduce_only) == (OrderStatus.EXPIRED, "alo", True)
    assert (update.price, update.quantity, update.filled) == ("0.5", "10", "0")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"{}", b"[1]", b"7", b'"ok"', b"{", b"\xff",
        ACK.replace(b'"orderId":28,', b""), ACK.replace(b"28", b'"28"'), ACK.replace(b"28", b"99999999999999999999"),
        ACK.replace(b'"transactTime":1507725176595', b'"x":1'), ACK.replace(b'"BTCUSDT"', b'""'),
        FUTURES.replace(b"EXPIRED_IN_MATCH", b"LOST"), FUTURES.replace(b'"10"', b"10"),
        FUTURES.replace(b'"10"', b'"-10"'), FUTURES.replace(b'"10"', b'"1e1"'), FUTURES.replace(b'"10"', b'"NaN"'),
        FUTURES.replace(b'"price"', b'"status":"NEW","price"'),
        FUTURES.replace(b"SELL", b"HOLD"), FUTURES.replace(b"1566818724722", b"-1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("venue", [SPOT, USDM])
def test_what_is_no_order_is_unknown(venue: str, body: bytes) -> None:
    found = order_answer(venue, body)
    assert is_unknown(found)
    to_json(found)


def test_an_unknown_order_keeps_the_ids_that_can_be_read() -> None:
    update = one(order_answer(USDM, FUTURES.replace(b'"10"', b'"lots"')))
    assert (update.client_order_id, update.venue_order_id, update.instrument) == ("cb-1", 22542179, "BTCUSDT")
    cancel = b'{"symbol":"BTCUSDT","origClientOrderId":"cb-1","clientOrderId":"other","orderId":4,"status":7}'
    assert one(order_answer(SPOT, cancel)).client_order_id == "cb-1"
    event = b'{"e":"ORDER_TRADE_UPDATE","T":1,"o":{"s":"BTCUSDT","c":"cb-9","i":5,"X":"FILLED"}}'
    update = one(user_events(USDM, event))
    assert (update.status, update.client_order_id, update.venue_order_id) == (OrderStatus.UNKNOWN, "cb-9", 5)


@given(
    venue=VENUES, body=st.binary(max_size=80) | JSON.map(msgspec.json.encode), status=st.sampled_from([200, 400, 503])
)
def test_nothing_makes_an_answer_raise_or_pass(venue: str, body: bytes, status: int) -> None:
    found = order_answer(venue, body, status)
    msgspec.json.decode(to_json(found))
    if status == 503:
        assert is_unknown(found)
    for update in found:
        if isinstance(update, OrderUpdate) and update.status is not OrderStatus.UNKNOWN:
            assert update.instrument and update.venue_order_id is not None


@given(venue=VENUES, frame=st.binary(max_size=80) | JSON.map(msgspec.json.encode))
def test_nothing_makes_a_frame_raise(venue: str, frame: bytes) -> None:
    msgspec.json.decode(to_json(user_events(venue, frame)))
    answer = read_answer(venue, frame)
    if answer is not None:
        msgspec.json.decode(to_json(order_messages(venue, answer)))


@needed
@given(data=st.data())
def test_a_mutated_event_never_raises_and_never_loses_its_kind(data: st.DataObject) -> None:
    venue, name = data.draw(
        st.sampled_from([(SPOT, "execution_report_trade"), (USDM, "order_update_trade"), (USDM, "trade_lite")])
    )
    raw = bytearray(message(f"{venue}/{name}.json"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    event = {"execution_report_trade": "executionReport", "order_update_trade": "ORDER_TRADE_UPDATE"}
    found = user_event(venue, event.get(name, "TRADE_LITE"), bytes(raw))
    assert found
    msgspec.json.decode(to_json(found))


@needed
def test_a_cancel_on_spot_names_its_order_by_the_original_id() -> None:
    raw = message("binance_spot/execution_report_canceled.json")
    raw = raw.replace(b'"C": ""', b'"C": "cb-7"')
    assert one(user_event(SPOT, "executionReport", raw)).client_order_id == "cb-7"
    raw = raw.replace(b'"x": "CANCELED"', b'"x": "REPLACED"')
    assert one(user_event(SPOT, "executionReport", raw)).client_order_id == "x-TD67BGP9-T0000000000000"


def test_funding_of_a_cross_and_of_an_isolated_position() -> None:
    head = b'{"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{"m":"FUNDING_FEE","B":[{"a":"USDT",'
    cross = user_events(USDM, head + b'"wb":"9.5","cw":"9.5","bc":"-0.5"}]}}')
    assert [type(one).__name__ for one in cross] == ["Balance", "Funding"]
    assert isinstance(cross[1], Funding) and (cross[1].amount, cross[1].instrument) == ("-0.5", None)
    isolated = user_events(
        USDM, head + b'"wb":"9.5","cw":"9","bc":"0.5"}],"P":[{"s":"BTCUSDT","pa":"1","ep":"2","mt":"isolated"}]}}'
    )
    paid = isolated[-1]
    assert isinstance(paid, Funding) and (paid.amount, paid.instrument, paid.asset) == ("0.5", "BTCUSDT", "USDT")


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (b'{"e":"listenKeyExpired","E":1736996475556,"listenKey":"abc"}', "listenKeyExpired"),
        (b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1736996475556}}', "eventStreamTerminated"),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1736996475556}}', "serverShutdown"),
        (b'{"event":{"e":"serverShutdown","E":1736996475556}}', "serverShutdown"),
    ],
)
def test_a_stream_that_ends(frame: bytes, name: str) -> None:
    assert to_json(user_events(USDM, frame)) == (
        b'[{"event":"stream_ended","venue":"binance_usdm","reason":"%b","time_ns":1736996475556000000}]' % name.encode()
    )


def test_answers_of_the_ws_api() -> None:
    answer = read_answer(SPOT, b'{"id":"a-1","status":200,"result":' + ACK + b',"rateLimits":[{"rateLimitType":'
                               b'"ORDERS","interval":"SECOND","intervalNum":10,"limit":100,"count":12}]}')  # fmt: skip
    assert answer is not None and answer.request_id == "a-1"
    assert (answer.limits[0].window_s, answer.limits[0].count) == (10, 12)
    assert one(order_messages(SPOT, answer)).venue_order_id == 28
    refused = read_answer(SPOT, b'{"id":7,"status":400,"error":{"code":-2010,"msg":"Market is closed."}}')
    assert refused is not None and refused.error is not None and refused.error.request_id == 7
    revoked = read_answer(SPOT, b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP"}}')
    assert revoked is not None and revoked.request_id is None
    assert revoked.error is not None and revoked.error.consequence == "venue_killed"
    lost = read_answer(USDM, b'{"id":8,"status":503,"error":{"code":-1007,"msg":"Timeout waiting for response"}}')
    assert lost is not None and lost.error is not None and lost.error.kind is ErrorKind.UNKNOWN
    empty = read_answer(USDM, b'{"id":9,"status":200,"result":null}')
    assert empty is not None and is_unknown(order_messages(USDM, empty))
    none_open = read_answer(SPOT, b'{"id":9,"status":200,"result":[]}')
    assert none_open is not None and order_messages(SPOT, none_open) == []
    assert read_answer(USDM, b'{"e":"serverShutdown","E":1}') is None


def test_cancel_all_of_futures_says_that_all_is_well() -> None:
    done = b'{"code":200,"msg":"The operation of cancel all open order is done."}'
    assert order_result(USDM, done) == []
    mixed = order_result(USDM, b"[" + FUTURES + b',{"code":-2011,"msg":"Unknown order sent."}]')
    assert [type(each) for each in mixed] == [OrderUpdate, Error]


@needed
def test_a_fill_is_booked_once_however_often_it_is_said() -> None:
    seen = SeenFills()
    lite = user_events(USDM, message("binance_usdm/trade_lite.json"))
    whole = user_events(USDM, message("binance_usdm/order_update_trade.json"))
    fills = [one for one in (*lite, *whole, *lite, *whole) if isinstance(one, Fill)]
    assert [seen.see(fill) for fill in fills] == [Report.NEW, Report.COMPLETED, Report.REPEATED, Report.REPEATED]


def test_both_sides_of_a_trade_with_ourselves_are_two_fills() -> None:
    row = b'{"symbol":"A","id":5,"orderId":%d,"price":"1","qty":"2","commission":"0","commissionAsset":"B","time":9,'
    rows = b"[" + row % 1 + b'"isBuyer":true,"isMaker":true},' + row % 2 + b'"isBuyer":false,"isMaker":false}]'
    keys = {fill_key(fill) for fill in user_trades(SPOT, rows) if isinstance(fill, Fill)}
    assert keys == {("A", 5, 1), ("A", 5, 2)}
    with pytest.raises(msgspec.ValidationError, match="neither `isBuyer` nor `buyer`"):
        user_trades(SPOT, b"[" + row % 1 + b'"x":1}]')


@given(kept=st.integers(1, 5), trades=st.lists(st.integers(0, 20), max_size=60))
def test_fills_are_remembered_within_bounds(kept: int, trades: list[int]) -> None:
    seen = SeenFills(kept)
    fresh: list[int] = []
    for trade in trades:
        fill = Fill(venue=SPOT, instrument="A", price="1", quantity="1", trade_id=trade, venue_order_id=1)
        expected = Report.REPEATED if trade in fresh[-kept:] else Report.NEW
        assert seen.see(fill) is expected
        if expected is Report.NEW:
            fresh.append(trade)
