"""Binance's errors: every documented code is a row, and what is not certain is UNKNOWN."""

import re

import msgspec
import pytest
from captured import FOLDER
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.events import Rejection
from crossbook.venues.binance.errors import CERTAIN_5XX, NEVER_SEEN, TABLES, api_error, http_error, row_of
from crossbook.venues.binance.errors import ErrorBody as Body
from crossbook.venues.messages import Consequence, ErrorKind

SPOT, USDM = "binance_spot", "binance_usdm"
DOCUMENTS = FOLDER.parent
CODE = re.compile(r"(?<![\w.])-(\d{4})\b")
RANGE = re.compile(r"-(\d{4})\.\.-?(\d{4})")


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason=f"no documents in {DOCUMENTS}")
@pytest.mark.parametrize("venue", [SPOT, USDM])
def test_every_documented_code_is_a_row(venue: str) -> None:
    text = (DOCUMENTS / f"{venue}.md").read_text()
    codes = {int(code) for code in CODE.findall(text)}
    table = {-int(row.code) for row in TABLES[venue] if int(row.code) < 0}
    assert len(codes) > 60
    assert sorted(codes - table) == []
    for first, last in RANGE.findall(text):
        if int(first) >= 2000:  # below, the lists say "as spot"
            assert set(range(int(first), int(last) + 1)) <= table


def test_every_row_is_whole() -> None:
    for rows in TABLES.values():
        seen: set[tuple[int, str]] = set()
        caught: set[int] = set()
        for row in rows:
            code = int(row.code)
            assert (code, row.match) not in seen and code not in caught, row
            seen.add((code, row.match))
            if not row.match:
                caught.add(code)
            assert row.rejection is None or row.rejection in Rejection.__members__
            assert row.name and row.name.replace("_", "").isalnum()
            if row.consequence is Consequence.VENUE_KILLED:
                assert row.kind is ErrorKind.REFUSED
        assert caught == {int(row.code) for row in rows}, "a code whose other words would match no row"


@pytest.mark.parametrize(
    ("venue", "code", "text", "name", "consequence"),
    [
        (SPOT, -2014, "API-key format invalid.", "key_malformed", Consequence.VENUE_KILLED),
        (SPOT, -2015, "Invalid API-key, IP, or permissions for action.", "key_refused", Consequence.VENUE_KILLED),
        (USDM, -1022, "Signature for this request is not valid.", "bad_signature", Consequence.VENUE_KILLED),
        (USDM, -1021, "Timestamp for this request is outside of the recvWindow.", "clock_off", Consequence.HOLD_CLOCK),
        (SPOT, -1021, "Timestamp for this request was 1000ms ahead of the server's time.", "clock_ahead",
         Consequence.HOLD_CLOCK),
        (SPOT, -1121, "Invalid symbol.", "unknown_symbol", Consequence.INSTRUMENT_CLOSE_ONLY),
        (SPOT, -2010, "Market is closed.", "market_closed", Consequence.INSTRUMENT_CLOSE_ONLY),
        (USDM, -4141, "Symbol is closed", "market_closed", Consequence.INSTRUMENT_CLOSE_ONLY),
        (USDM, -4061, "Order's position side does not match user's setting.", "wrong_position_mode",
         Consequence.VENUE_CLOSE_ONLY),
        (USDM, -1125, "This listenKey does not exist.", "listen_key_gone", Consequence.RESTART_STREAM),
        (SPOT, -1003, "Way too much request weight used; IP banned until 1659146400000.", "ip_banned",
         Consequence.HOLD_RATE),
    ],
)  # fmt: skip
def test_an_error_has_a_name_and_a_level(venue: str, code: int, text: str, name: str, consequence: Consequence) -> None:
    error = api_error(venue, Body(code=code, msg=text))
    assert (error.name, error.consequence) == (name, consequence)


@pytest.mark.parametrize(
    ("venue", "code", "text", "rejection"),
    [
        (SPOT, -2010, "Account has insufficient balance for requested action.", Rejection.INSUFFICIENT_BALANCE),
        (SPOT, -2010, "Order would immediately match and take.", Rejection.WOULD_TAKE),
        (SPOT, -1013, "Filter failure: LOT_SIZE", Rejection.LOT_FILTER),
        (SPOT, -1013, "Filter failure: MARKET_LOT_SIZE", Rejection.LOT_FILTER),
        (SPOT, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", Rejection.PRICE_BAND),
        (SPOT, -1013, "Filter failure: NOTIONAL", Rejection.MIN_NOTIONAL),
        (SPOT, -1013, "Filter failure: MAX_NUM_ORDERS", Rejection.TOO_MANY_ORDERS),
        (SPOT, -1111, "Parameter 'quantity' has too much precision.", Rejection.LOT_FILTER),
        (USDM, -2019, "Margin is insufficient.", Rejection.INSUFFICIENT_MARGIN),
        (USDM, -2022, "ReduceOnly Order is rejected.", Rejection.REDUCE_ONLY),
        (USDM, -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected.",
         Rejection.WOULD_TAKE),
        (USDM, -4164, "Order's notional must be no smaller than 100", Rejection.MIN_NOTIONAL),
    ],
)  # fmt: skip
def test_a_refused_order_says_why(venue: str, code: int, text: str, rejection: Rejection) -> None:
    error = api_error(venue, Body(code=code, msg=text))
    assert error.kind is ErrorKind.REFUSED and error.rejection == rejection.name


def test_one_number_means_two_things_on_two_venues() -> None:
    assert row_of(SPOT, -2022, "Order cancel-replace failed.").name == "replace_refused"
    assert row_of(USDM, -2022, "ReduceOnly Order is rejected.").name == "not_reducing"


def test_a_duplicate_of_our_id_is_no_refusal() -> None:
    """The order that it duplicates is ours, from a request whose answer was lost."""
    assert row_of(SPOT, -2010, "Duplicate order sent.").kind is ErrorKind.UNKNOWN
    assert row_of(USDM, -4116, "ClientOrderId is duplicated.").kind is ErrorKind.UNKNOWN


def test_three_kinds_of_503_on_futures() -> None:
    unknown = http_error(USDM, 503, b'{"code":-1000,"msg":"Unknown error, please check your request or try again."}')
    failed = http_error(USDM, 503, b"Service Unavailable.")
    again = http_error(
        USDM, 503, b'{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}'
    )
    assert [one.kind for one in (unknown, failed, again)] == ["unknown", "retryable", "retryable"]
    assert http_error(SPOT, 503, b"Service Unavailable.").kind is ErrorKind.UNKNOWN


@given(venue=st.sampled_from(sorted(TABLES)), status=st.integers(500, 599), body=st.binary(max_size=60))
def test_a_5xx_is_unknown_whatever_it_says(venue: str, status: int, body: bytes) -> None:
    assert http_error(venue, status, body).kind is ErrorKind.UNKNOWN


@given(venue=st.sampled_from(sorted(TABLES)), status=st.integers(500, 599), data=st.data())
def test_a_5xx_is_unknown_for_any_code(venue: str, status: int, data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(sorted({int(row.code) for row in TABLES[venue]} - set(CERTAIN_5XX))))
    assert http_error(venue, status, msgspec.json.encode({"code": code, "msg": "x"})).kind is ErrorKind.UNKNOWN


@given(venue=st.sampled_from(sorted(TABLES)), code=st.integers(-9999, 9999), text=st.text(max_size=30))
def test_a_code_without_a_row_is_unknown_and_tells_a_person(venue: str, code: int, text: str) -> None:
    error = api_error(venue, Body(code=code, msg=text))
    if code not in {int(row.code) for row in TABLES[venue]}:
        assert row_of(venue, code, text) is NEVER_SEEN
        assert (error.kind, error.consequence) == (ErrorKind.UNKNOWN, Consequence.ALERT)


@given(venue=st.sampled_from(sorted(TABLES)), status=st.integers(400, 499), body=st.binary(max_size=60))
def test_no_body_makes_an_error_raise(venue: str, status: int, body: bytes) -> None:
    error = http_error(venue, status, body, "99999999999999999999")
    assert error.name in ("key_refused", "firewall", "no_such_path", "ip_banned", "rate_limited", "unreadable")
    if error.name == "unreadable":
        assert error.kind is ErrorKind.UNKNOWN


def test_how_long_to_stay_quiet() -> None:
    body = b'{"code":-1003,"msg":"Too many requests queued."}'
    assert http_error(SPOT, 429, body, "7").retry_after_ms == 7_000
    assert http_error(SPOT, 429, body).retry_after_ms == 60_000
    limited = Body(code=-1003, msg="x", data=msgspec.Raw(b'{"serverTime":1659142907531,"retryAfter":1659142967531}'))
    assert api_error(SPOT, limited, 418).retry_after_ms == 60_000
    assert api_error(SPOT, limited, 418).name == "ip_banned"


def test_only_binance_has_these_tables() -> None:
    with pytest.raises(Refused, match="'okx' has no table of Binance errors: use binance_spot, binance_usdm"):
        row_of("okx", -1000, "")
