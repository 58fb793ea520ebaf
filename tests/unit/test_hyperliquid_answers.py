"""Answers to actions are read strictly: what was documented is what it says, anything else leaves orders unknown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.events import Rejection
from crossbook.venues.hyperliquid import errors
from crossbook.venues.hyperliquid.answers import Became, Outcome, read_answer, read_post_answer
from crossbook.venues.messages import Consequence, ErrorKind

CLOID = "0x1234567890abcdef1234567890abcdef"


def answer(kind: str, *statuses: Any) -> bytes:
    return json.dumps({"status": "ok", "response": {"type": kind, "data": {"statuses": list(statuses)}}}).encode()


def only(action: str, body: bytes, status: int = 200) -> Outcome:
    [outcome] = read_answer(action, 1, body, status)
    return outcome


def test_documented_answers() -> None:
    resting, filled, waiting, error = read_answer(
        "order",
        4,
        answer(
            "order",
            {"resting": {"oid": 77738308, "cloid": CLOID}},
            {"filled": {"totalSz": "0.02", "avgPx": "1891.4", "oid": 77747314}},
            "waitingForTrigger",
            {"error": "Order must have minimum value of $10. asset=1"},
        ),
    )
    assert (resting.became, resting.venue_order_id, resting.client_order_id) == (Became.RESTING, 77738308, CLOID)
    assert (filled.became, filled.quantity, filled.average_price) == (Became.FILLED, "0.02", "1891.4")
    assert waiting.became is Became.WAITING
    assert error.became is Became.ERROR and error.error is not None
    assert (error.error.name, error.error.rejection) == ("too_small", "MIN_NOTIONAL")
    assert all(one.is_certain for one in (resting, filled, waiting, error))


@pytest.mark.parametrize("action", ["modify", "scheduleCancel", "updateLeverage", "noop"])
def test_a_default_answer_is_done(action: str) -> None:
    assert only(action, b'{"status":"ok","response":{"type":"default"}}').became is Became.DONE


@pytest.mark.parametrize("action", ["cancel", "cancelByCloid"])
def test_a_cancel_succeeds_or_finds_nothing(action: str) -> None:
    done, gone = read_answer(
        action,
        2,
        answer("cancel", "success", {"error": "Order was never placed, already canceled, or filled. asset=1"}),
    )
    assert done.became is Became.DONE
    assert gone.error is not None and gone.error.name == "order_gone" and gone.is_certain


def test_an_error_for_all_is_everyones() -> None:
    whole = b'{"status":"err","response":"User or API Wallet 0xabc does not exist."}'
    outcomes = read_answer("order", 3, whole)
    assert len(outcomes) == 3
    for outcome in outcomes:
        assert outcome.error is not None and outcome.error.consequence is Consequence.VENUE_KILLED
    single = read_answer("order", 3, answer("order", {"error": "Order has zero size."}))
    assert [one.error and one.error.name for one in single] == ["zero_size"] * 3


UNKNOWN = {
    "one answer for two": ("order", 2, answer("order", {"resting": {"oid": 1}})),
    "three for two": ("order", 2, answer("order", *[{"resting": {"oid": 1}}] * 3)),
    "another action's type": ("order", 1, answer("cancel", "success")),
    "a cancel that rests": ("cancel", 1, answer("cancel", {"resting": {"oid": 1}})),
    "an order that succeeds": ("order", 1, answer("order", "success")),
    "both": ("order", 1, answer("order", {"resting": {"oid": 1}, "error": "x"})),
    "neither": ("order", 1, answer("order", {})),
    "another word": ("order", 1, answer("order", "queued")),
    "a field more": ("order", 1, answer("order", {"resting": {"oid": 1, "at": 5}})),
    "a number as text": ("order", 1, answer("order", {"resting": {"oid": "1"}})),
    "no id": ("order", 1, answer("order", {"resting": {}})),
    "filled with nothing": ("order", 1, answer("order", {"filled": {"totalSz": "0.0", "avgPx": "1", "oid": 1}})),
    "filled with no number": ("order", 1, answer("order", {"filled": {"totalSz": "x", "avgPx": "1", "oid": 1}})),
    "no statuses": ("order", 1, b'{"status":"ok","response":{"type":"order"}}'),
    "a name twice": ("order", 1, b'{"status":"ok","status":"ok","response":{"type":"default"}}'),
    "a text for ok": ("order", 1, b'{"status":"ok","response":"Order has zero size."}'),
    "another status": ("order", 1, b'{"status":"maybe","response":"x"}'),
    "html": ("order", 1, b"<html>502</html>"),
    "nothing": ("order", 1, b""),
    "null": ("order", 1, b"null"),
    "cut off": ("order", 1, answer("order", {"resting": {"oid": 1}})[:-3]),
    "nested without end": ("order", 1, b'{"status":"ok","response":' + b"[" * 100_000),
    "an action of no kind": ("transfer", 1, answer("order", {"resting": {"oid": 1}})),
    "an unlisted error": ("order", 1, answer("order", {"error": "The moon is full."})),
    "an unlisted error for all": ("order", 1, b'{"status":"err","response":"The moon is full."}'),
    "a word that only begins alike": ("order", 1, answer("order", {"error": "Order has zero sizes"})),
}  # fmt: skip


@pytest.mark.parametrize(("action", "count", "body"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_leaves_its_orders_unknown(action: str, count: int, body: bytes) -> None:
    outcomes = read_answer(action, count, body)
    assert len(outcomes) == count
    for outcome in outcomes:
        assert not outcome.is_certain and outcome.why
        assert outcome.error is not None and outcome.error.consequence is Consequence.ALERT


@given(st.binary(max_size=200), st.sampled_from(sorted({"order", "cancel", "noop"})), st.integers(1, 5))
def test_bytes_that_are_no_answer_are_never_certain(body: bytes, action: str, count: int) -> None:
    assert [outcome.is_certain for outcome in read_answer(action, count, body)] == [False] * count


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, ErrorKind.RETRYABLE), (422, ErrorKind.REFUSED), (500, ErrorKind.UNKNOWN), (502, ErrorKind.UNKNOWN),
     (503, ErrorKind.UNKNOWN), (504, ErrorKind.UNKNOWN), (400, ErrorKind.UNKNOWN), (403, ErrorKind.UNKNOWN)],
)  # fmt: skip
def test_http_statuses(status: int, kind: ErrorKind) -> None:
    outcome = only("order", answer("order", {"resting": {"oid": 1}}), status)
    assert outcome.error is not None and outcome.error.kind is kind and outcome.error.code == status
    assert (outcome.error.retry_after_ms is not None) == (status == 429)


def test_answers_by_websocket() -> None:
    inner = answer("order", {"resting": {"oid": 5}}).decode()
    number, [outcome] = read_post_answer(
        "order", 1, f'{{"id":256,"response":{{"type":"action","payload":{inner}}}}}'.encode()
    )
    assert number == 256 and outcome.venue_order_id == 5
    number, [outcome] = read_post_answer("order", 1, b'{"id":7,"response":{"type":"error","payload":"500 Internal"}}')
    assert number == 7 and not outcome.is_certain
    number, [outcome] = read_post_answer("order", 1, b'{"id":7,"response":{"type":"error","payload":"422 Failed"}}')
    assert outcome.is_certain and outcome.error is not None and outcome.error.kind is ErrorKind.REFUSED
    number, [outcome] = read_post_answer("order", 1, b'{"id":7,"response":{"type":"info","payload":{}}}')
    assert number == 7 and outcome.became is Became.UNKNOWN
    number, [outcome] = read_post_answer("order", 1, b"{}")
    assert number is None and outcome.became is Became.UNKNOWN


DOCUMENTED = {
    "Price must be divisible by tick size.": "PRICE_FILTER",
    "Order must have minimum value of $10.": "MIN_NOTIONAL",
    "Order must have minimum value of 10 USDC.": "MIN_NOTIONAL",
    "Insufficient margin to place order. asset=1": "INSUFFICIENT_MARGIN",
    "Reduce only order would increase position.": "REDUCE_ONLY",
    "Post only order would have immediately matched, bbo was 1.5@1.6.": "WOULD_TAKE",
    "Order could not immediately match against any resting orders.": None,
    "Invalid TP/SL price.": "PRICE_FILTER",
    "No liquidity available for market order.": None,
    "Order would increase open interest while open interest is capped": "NOT_TRADING",
    "Order rejected due to price more aggressive than oracle while at open interest cap": "PRICE_BAND",
    "Order would increase open interest too quickly": "NOT_TRADING",
    "Order has insufficient spot balance to trade": "INSUFFICIENT_BALANCE",
    "Insufficient spot balance asset=10107": "INSUFFICIENT_BALANCE",
    "Order price too far from oracle": "PRICE_BAND",
    "Order would cause position to exceed margin tier limit at current leverage": "INSUFFICIENT_MARGIN",
    "Order has zero size.": "LOT_FILTER",
    "Order has invalid size.": "LOT_FILTER",
    "Order price cannot be more than 80% away from the reference price": "PRICE_BAND",
    "Order was never placed, already canceled, or filled. asset=1": None,
    "Cannot modify canceled or filled order": None,
    "User or API Wallet 0x14791697260e4c9a71f18484c9f997b308e59325 does not exist.": None,
    "L1 error: User or API Wallet 0x14791697260e4c9a71f18484c9f997b308e59325 does not exist.": None,
    "Must deposit before performing actions. User: 0x14791697260e4c9a71f18484c9f997b308e59325": "INSUFFICIENT_BALANCE",
    "Too many cumulative requests sent (37986 > 10436) for cumulative volume traded $437.92. Place taker orders to "
    "free up 1 request per USDC traded.": "TOO_MANY_ORDERS",
    "Vault not registered: 0x14791697260e4c9a71f18484c9f997b308e59325": None,
    "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $1": None,
    "Invalid TWAP duration: 1 min(s)": None,
    "TWAP was never placed, already canceled, or filled.": None,
    "Only post-only orders allowed immediately after a network upgrade": "NOT_TRADING",
    "Invalid nonce: duplicate nonce 1700000000000": None,
    "Invalid nonce: nonce too low 1 < 2": None,
    "Action already expired": None,
    "Failed to deserialize the JSON body into the target type": None,
}


@pytest.mark.parametrize(("text", "rejection"), DOCUMENTED.items(), ids=[text[:40] for text in DOCUMENTED])
def test_every_documented_sentence_has_its_row(text: str, rejection: str | None) -> None:
    error = errors.error_of(text)
    assert error.name != "unlisted" and error.rejection == rejection
    assert rejection is None or rejection in Rejection.__members__


def test_what_decides_the_life_of_an_order_is_never_guessed() -> None:
    """A used nonce may be our own order that landed; a nonce that is too low, an expiry and a bad agent landed not."""
    kinds = {row.name: row.kind for row in errors.ERRORS}
    assert kinds["nonce_used"] is kinds["duplicate_cloid"] is kinds["nonce_refused"] is ErrorKind.UNKNOWN
    for name in ("nonce_too_low", "expired_on_the_way", "agent_unknown", "not_understood"):
        assert kinds[name] is ErrorKind.REFUSED


CODES = [
    "tickRejected",
    "minTradeNtlRejected",
    "perpMarginRejected",
    "reduceOnlyRejected",
    "badAloPxRejected",
    "iocCancelRejected",
    "badTriggerPxRejected",
    "marketOrderNoLiquidityRejected",
    "positionIncreaseAtOpenInterestCapRejected",
    "positionFlipAtOpenInterestCapRejected",
    "tooAggressiveAtOpenInterestCapRejected",
    "openInterestIncreaseRejected",
    "insufficientSpotBalanceRejected",
    "oracleRejected",
    "perpMaxPositionRejected",
]


def test_every_status_of_a_refused_order_is_listed() -> None:
    assert set(CODES) == set(errors.REJECTED_STATUSES)


def test_rows_are_told_apart() -> None:
    """No row hides behind an earlier one that begins its sentence."""
    matches = [row.match for row in errors.ERRORS]
    assert len(set(matches)) == len(matches)
    for at, match in enumerate(matches):
        assert errors.row_of(match) is errors.ERRORS[at]
        assert not re.search(r"[.\s]$", match)
