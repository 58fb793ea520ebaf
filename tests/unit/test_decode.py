"""`crossbook decode`: any message of any venue, on any kind, and one line where it cannot."""

import io
import json
import sys
from pathlib import Path

import pytest
from captured import message, needed
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.venues.decode import decode, steps_of, texts_for_floats
from crossbook.venues.messages import KINDS, AnyMessage, to_json

FUNDING = b'[{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,"markPrice":"34287.54619963"}]'
INCOME = (
    b'[{"symbol":"BTCUSDT","incomeType":"FUNDING_FEE","income":"-0.37500000","asset":"USDT","info":"x",'
    b'"time":1570608000000,"tranId":9689322392,"tradeId":""},{"symbol":"","incomeType":"TRANSFER","income":"5",'
    b'"asset":"USDT","time":1570608000001,"tranId":1},{"symbol":"BTCUSDT","incomeType":"COMMISSION","income":"-1",'
    b'"asset":"USDT","time":1570608000002,"tranId":2}]'
)

PARTIAL = b'{"stream":"bnbbtc@depth5","data":{"lastUpdateId":160,"bids":[["0.1","10"]],"asks":[]}}'
PREMIUM = (
    b'{"symbol":"BTCUSDT","markPrice":"2.1","indexPrice":"2","lastFundingRate":"0.0003",'
    b'"nextFundingTime":1597392000000,"time":1597370495002}'
)


def events(venue: str, kind: str, raw: bytes) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(to_json(decode(venue, kind, raw)))
    return found


@pytest.mark.parametrize(
    ("venue", "kind", "raw", "expected"),
    [
        ("binance_usdm", "funding", FUNDING, [
            {"event": "funding", "venue": "binance_usdm", "instrument": "BTCUSDT", "rate": "-0.03750000",
             "mark_price": "34287.54619963", "time_ns": 1570608000000000000}]),
        ("binance_usdm", "funding", INCOME, [
            {"event": "funding", "venue": "binance_usdm", "instrument": "BTCUSDT", "amount": "-0.37500000",
             "asset": "USDT", "payment_id": 9689322392, "time_ns": 1570608000000000000}]),
        ("binance_usdm", "balance", INCOME, [
            {"event": "balance", "venue": "binance_usdm", "asset": "USDT", "change": "5", "reason": "transfer",
             "time_ns": 1570608000001000000}]),
        ("binance_spot", "error", b'{"code":-1121,"msg":"Invalid symbol."}', [
            {"event": "error", "venue": "binance_spot", "code": -1121, "text": "Invalid symbol.",
             "name": "unknown_symbol", "kind": "refused", "consequence": "instrument_close_only",
             "rejection": "UNKNOWN_INSTRUMENT"}]),
        ("binance_spot", "quote", b'{"symbol":"A","bidPrice":4.10,"bidQty":1e2,"askPrice":"5","askQty":"1"}', None),
        ("binance_usdm", "quote", b'{"symbol":"A","bidPrice":4.10,"bidQty":1.00,"askPrice":"5","askQty":"1"}', [
            {"event": "quote", "venue": "binance_usdm", "instrument": "A", "bid_price": "4.10", "bid_quantity": "1.00",
             "ask_price": "5", "ask_quantity": "1"}]),
        ("binance_spot", "depth", PARTIAL, [
            {"event": "depth", "venue": "binance_spot", "instrument": "BNBBTC", "snapshot": True,
             "bids": [["0.1", "10"]], "asks": [], "last_id": 160}]),
        ("binance_spot", "auto", b'{"result":null,"id":1}', []),
        ("binance_spot", "auto", b'{"listenKey":"abc"}', []),
        ("binance_spot", "auto", b"{}", []),
        ("binance_spot", "auto", b"[]", []),
        ("binance_spot", "auto", b"17", []),
        ("binance_spot", "auto", b'{"never":"seen"}', []),
        ("binance_spot", "order", b'{"never":"seen"}', [
            {"event": "order", "venue": "binance_spot", "status": "unknown", "reason": "no message that we know"}]),
        ("binance_usdm", "auto", b'{"e":"newEventOf2027","x":1}', []),
        ("binance_usdm", "auto", b'{"dualSidePosition":true}', [
            {"event": "account", "venue": "binance_usdm", "hedge_mode": True}]),
        ("binance_usdm", "auto", b'{"leverage":21,"maxNotionalValue":"1000000","symbol":"BTCUSDT"}', [
            {"event": "leverage", "venue": "binance_usdm", "instrument": "BTCUSDT", "leverage": "21"}]),
        ("binance_usdm", "auto", b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}', [
            {"event": "open_interest", "venue": "binance_usdm", "instrument": "BTCUSDT", "quantity": "10659.509",
             "time_ns": 1589437530011000000}]),
        ("binance_usdm", "auto", PREMIUM, [
            {"event": "mark", "venue": "binance_usdm", "instrument": "BTCUSDT", "mark_price": "2.1",
             "index_price": "2", "funding_rate": "0.0003", "next_funding_ns": 1597392000000000000,
             "time_ns": 1597370495002000000}]),
    ],
)  # fmt: skip
def test_what_a_message_prints(venue: str, kind: str, raw: bytes, expected: list[dict[str, object]] | None) -> None:
    if expected is None:
        with pytest.raises(Refused, match="not a message that can be read"):
            decode(venue, kind, raw)
        return
    assert events(venue, kind, raw) == expected


@needed
def test_every_recorded_message_reads_and_reads_back() -> None:
    import msgspec
    from captured import messages

    for folder, venue in (("binance_spot",) * 2, ("binance_usdm",) * 2, ("hyperliquid",) * 2):
        for raw in messages(folder).values():
            for kind in KINDS:
                found = decode(venue, kind, raw)
                assert msgspec.json.decode(to_json(found), type=list[AnyMessage]) == found


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=6), exponent=st.booleans())
def test_a_json_number_keeps_its_text(number: object, exponent: bool) -> None:
    text = f"{number}{'e-3' if exponent else ''}"
    assert json.loads(texts_for_floats(b'{"x":[%b]}' % text.encode()))["x"][0] == text


@pytest.mark.parametrize("raw", [b"", b"{", b"nope", b"\xff", b"[" * 100_000, b'{"a":1}x', b"NaN"])
def test_what_is_no_json_is_refused_in_one_line(raw: bytes) -> None:
    for venue in ("binance_spot", "binance_usdm", "hyperliquid"):
        with pytest.raises(Refused, match="the message is no JSON") as error:
            decode(venue, "auto", raw)
        assert "\n" not in str(error.value)


def test_unknown_words_are_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match="'okx': use binance_spot, binance_usdm, hyperliquid"):
        decode("okx", "auto", b"{}")
    with pytest.raises(Refused, match="'orders': use instruments, quote, depth"):
        decode("binance_spot", "orders", b"{}")


TOML = b"""
[binance_usdm.BNBUSDT]
quote = "USDT"
tick = "0.0001"
lot = "0.01"
max_quantity = "1000"
max_price = "100000"
"""


@needed
def test_rules_write_numbers_on_their_grid() -> None:
    steps = steps_of(TOML, "binance_usdm", "rules.toml")
    raw = message("binance_usdm/book_ticker_stream.json")
    (quote,) = json.loads(to_json(decode("binance_usdm", "quote", raw, steps)))
    assert (quote["bid_price"], quote["bid_quantity"]) == ("25.3519", "31.21")
    wrong = {"BNBUSDT": ("0.1", "0.01")}
    with pytest.raises(Refused, match=r"BNBUSDT price 25.35190000 is not a multiple of 0.1: are the instrument rules"):
        decode("binance_usdm", "quote", raw, wrong)
    meta = steps_of(message("hyperliquid/http_meta_perp_sample.json"), "hyperliquid", "meta.json")
    assert meta["BTC"] == ("0.1", "0.00001")
    with pytest.raises(Refused, match=r"empty.json: holds no instrument of binance_spot"):
        steps_of(b"{}", "binance_spot", "empty.json")
    with pytest.raises(Refused, match=r"x: neither JSON nor TOML"):
        steps_of(b"\xff\xff", "binance_spot", "x")


def run(arguments: list[str], given_: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    from crossbook.cli.call import call
    from crossbook.cli.decode import app

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given_)))
    with pytest.raises(SystemExit) as left:
        call(app, "crossbook decode", arguments)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_prints_a_json_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raw = b'{"e":"trade","E":1,"s":"BTCUSDT","t":2,"p":"0.10","q":"3","T":1,"m":false}'
    assert run(["--venue", "binance_usdm", "--kind", "trade"], b"[" + raw + b"," + raw + b"]", monkeypatch) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 2 and [each["price"] for each in json.loads(printed)] == ["0.10", "0.10"]
    assert run(["--venue", "binance_usdm"], b'{"id":1,"result":null}', monkeypatch) == 0
    assert capsys.readouterr().out == "[]\n"
    assert run(["--venue", "binance_usdm"], b"{nope", monkeypatch) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("crossbook: the message is no JSON") and said.err.count("\n") == 1
    rules = tmp_path / "rules.toml"
    rules.write_bytes(TOML.replace(b"BNBUSDT", b"BTCUSDT").replace(b'"0.0001"', b'"0.001"'))
    assert run(["--venue", "binance_usdm", "--instruments", str(rules)], raw, monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)[0]["price"] == "0.100"
    assert run(["--venue", "binance_usdm", "--instruments", str(tmp_path / "no")], raw, monkeypatch) == 2
    assert "no such file" in capsys.readouterr().err
