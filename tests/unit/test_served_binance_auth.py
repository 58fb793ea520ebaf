"""Who may speak to a served Binance: every way of sending a signed request counts, and no other."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from served_binance_material import hmac_key, signed
from served_material import MS, SPOT, HandClock, S, new_world

from crossbook.venues.served.accounts import Account, ApiKey
from crossbook.venues.served.binance_auth import Security, authorise, check_time
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask, Way, rest_ask, ws_ask
from crossbook.venues.served.fault_plan import read_faults
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import Limits

SHARED = Path(os.environ.get("CROSSBOOK_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
VECTORS = SHARED / "venues" / "vectors" / "binance_signing_vectors.json"
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason=f"no signing vectors: {VECTORS} is missing")
LATE = "Timestamp for this request is outside of the recvWindow."
EARLY = "Timestamp for this request was 1000ms ahead of the server's time."


@cache
def house() -> tuple[House, HandClock]:
    world, clock = new_world()
    return House(world, SPOT, Limits(), Faults()), clock


def key() -> ApiKey:
    return hmac_key(house()[0].accounts.accounts[0])


def problem_of(ask: Ask, security: Security = Security.READ, at: House | None = None) -> tuple[int, str] | None:
    try:
        authorise(at or house()[0], ask, security)
    except Problem as problem:
        return problem.code, problem.text
    return None


names = st.sampled_from(["symbol", "side", "quantity", "price", "newClientOrderId", "batchOrders"])
values = st.text(st.sampled_from('ABC019.-_%7B[{"é １'), min_size=1, max_size=12)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A rightly signed REST request: raw query and body, the parameters in either, the signature anywhere in either."""
    from urllib.parse import quote

    params = draw(st.dictionaries(names, values, max_size=5))
    pairs = [f"{name}={quote(value, safe='[{:')}" for name, value in params.items()]
    pairs.insert(draw(st.integers(0, len(pairs))), f"timestamp={house()[1].time_ns // MS}")
    cut = draw(st.integers(0, len(pairs)))
    query, body = pairs[:cut], pairs[cut:]
    signature = signed(key(), "&".join(query) + "&".join(body))
    signature = signature.upper() if draw(st.booleans()) else signature
    side = query if draw(st.booleans()) else body
    side.insert(draw(st.integers(0, len(side))), f"signature={signature}")
    return "&".join(query).encode(), "&".join(body).encode()


@given(requests())
def test_a_signature_counts_wherever_the_parameters_are(request: tuple[bytes, bytes]) -> None:
    ask = rest_ask(*request, key().api_key, "", 0)
    assert problem_of(ask) is None
    assert isinstance(ask.account, Account)


@given(requests(), st.data())
def test_one_changed_byte_breaks_it(request: tuple[bytes, bytes], data: st.DataObject) -> None:
    query, body = request
    whole = bytearray(query + body)
    at = data.draw(st.integers(0, len(whole) - 1))
    assume(chr(whole[at]) not in "&=" and chr(whole[at]).isalnum())
    whole[at] = ord("x") if whole[at] != ord("x") else ord("y")
    changed = rest_ask(bytes(whole[: len(query)]), bytes(whole[len(query) :]), key().api_key, "", 0)
    assert problem_of(changed) is not None


@needs_vectors
def test_published_vectors() -> None:
    vectors = json.loads(VECTORS.read_text())
    for case in vectors["hmac_published"] + vectors["hmac_computed"]:
        made = ApiKey(api_key="k", secret=case["secret"])
        assert signed(made, case["payload"]) == case["signature"], case["api"]


@needs_vectors
def test_websocket_parameters_are_signed_sorted_and_raw() -> None:
    """The two published WebSocket API payloads come out of parameters in any order."""
    import msgspec

    vectors = json.loads(VECTORS.read_text())["hmac_published"]
    payloads = [case["payload"] for case in vectors if "WS" in case["api"]]
    assert len(payloads) == 2
    for payload in payloads:
        params = dict(pair.split("=", 1) for pair in reversed(payload.split("&")))
        ask = ws_ask({name: msgspec.Raw(json.dumps(value).encode()) for name, value in params.items()}, "", 0)
        assert ask.payload == payload.encode()


def test_numbers_are_signed_as_they_were_written() -> None:
    import msgspec

    params = {"price": msgspec.Raw(b"60000.0"), "quantity": msgspec.Raw(b"1e-05"), "x": msgspec.Raw(b"true"),
              "none": msgspec.Raw(b"null"), "signature": msgspec.Raw(b'"s"')}  # fmt: skip
    ask = ws_ask(params, "", 0)
    assert ask.payload == b"price=60000.0&quantity=1e-05&x=true" and ask.signature == "s"
    assert ask.decimal("quantity") == 1_000


def test_a_form_is_read_whatever_its_content_type_says_and_json_too() -> None:
    assert rest_ask(b"", b"symbol=BTCUSDT&side=BUY", "", "", 0).params == {"symbol": "BTCUSDT", "side": "BUY"}
    assert rest_ask(b"a=1", b'{"symbol": "BTCUSDT", "price": 60000.0}', "", "", 0).params["price"] == "60000.0"
    raw = b'batchOrders=[{"symbol":"BTCUSDT","price":"1"}]&timestamp=1'
    assert rest_ask(b"", raw, "", "", 0).params["batchOrders"] == '[{"symbol":"BTCUSDT","price":"1"}]'
    assert rest_ask(b"side=SELL", b"side=BUY", "", "", 0).params["side"] == "SELL"


@pytest.mark.parametrize(
    ("age_ms", "window", "text"),
    [
        (0, "", None), (5_000, "", None), (5_001, "", LATE), (-999, "", None), (-1_000, "", EARLY), (-1_001, "", EARLY),
        (100, "100", None), (101, "100", LATE), (1, "0.5", LATE), (60_000, "60000", None), (60_001, "60000", LATE),
    ],
)  # fmt: skip
def test_time_stamps(age_ms: int, window: str, text: str | None) -> None:
    where, clock = house()
    params = {"timestamp": str(clock.time_ns // MS - age_ms)} | ({"recvWindow": window} if window else {})
    ask = Ask(way=Way.REST, params=params)
    if text is None:
        check_time(where, ask)
    else:
        with pytest.raises(Problem) as caught:
            check_time(where, ask)
        assert (caught.value.code, caught.value.text) == (-1021, text)


def test_microseconds_and_too_wide_a_window() -> None:
    where, clock = house()
    check_time(where, Ask(way=Way.REST, params={"timestamp": str(clock.time_ns // 1_000)}))
    with pytest.raises(Problem, match="-1131"):
        check_time(where, Ask(way=Way.REST, params={"timestamp": str(clock.time_ns // MS), "recvWindow": "60001"}))


def asked(api_key: str, secret: str) -> Ask:
    query = f"timestamp={house()[1].time_ns // MS}"
    signature = signed(ApiKey(api_key=api_key, secret=secret), query)
    return rest_ask(f"{query}&signature={signature}".encode(), b"", api_key, "", 0)


def test_who_is_turned_away() -> None:
    assert problem_of(asked("", "x")) == (-2014, "API-key format invalid.")
    assert problem_of(asked("no such", "x")) == (-2014, "API-key format invalid.")
    assert problem_of(asked("0" * 64, "x")) == (-2015, "Invalid API-key, IP, or permissions for action.")
    assert problem_of(asked(key().api_key, "wrong")) == (-1022, "Signature for this request is not valid.")
    unsigned = rest_ask(f"timestamp={house()[1].time_ns // MS}".encode(), b"", key().api_key, "", 0)
    code, text = problem_of(unsigned) or (0, "")
    assert code == -1102 and "'signature'" in text


def test_permissions() -> None:
    reader = ApiKey(api_key="reader", secret="s", permissions=("read",))
    gone = ApiKey(api_key="gone", secret="s", valid_until_ms=1)
    world, clock = new_world((Account(name="one", keys=(reader, gone)), Account(name="two", keys=(key(),))))
    revoked = read_faults('[[fault]]\nkind = "revoked"\naccount = "two"\nfrom_s = 5', "here", clock.time_ns)
    where = House(world, SPOT, Limits(), revoked)
    assert problem_of(asked("reader", "s"), Security.READ, where) is None
    assert problem_of(asked("reader", "s"), Security.TRADE, where) == (
        -2015,
        "Invalid API-key, IP, or permissions for action.",
    )
    assert (problem_of(asked("gone", "s"), Security.READ, where) or (0, ""))[0] == -2015
    assert problem_of(asked(key().api_key, key().secret), Security.TRADE, where) is None
    clock.time_ns += 5 * S
    ask = rest_ask(b"", b"", key().api_key, "", 0)
    ask.params["timestamp"] = str(clock.time_ns // MS)
    ask.payload = f"timestamp={clock.time_ns // MS}".encode()
    ask.signature = signed(key(), ask.payload.decode())
    assert (problem_of(ask, Security.TRADE, where) or (0, ""))[0] == -2015
    assert problem_of(ask, Security.READ, where) is None


def test_a_skewed_clock_turns_good_requests_away() -> None:
    world, clock = new_world()
    skewed = read_faults('[[fault]]\nkind = "skew"\nskew_ms = 7000', "here", clock.time_ns)
    where = House(world, SPOT, Limits(), skewed)
    assert problem_of(asked(key().api_key, key().secret), Security.READ, where) == (-1021, LATE)
