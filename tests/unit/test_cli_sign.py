"""`crossbook sign`: what it prints, and all that it refuses, in one line and without a secret."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sign_material import AGENT, K1, PEM, SECRET, SEED

from crossbook.cli.call import call
from crossbook.cli.sign import app
from crossbook.venues.keys import fingerprint_of

ONE = {"a": 1, "b": True, "p": "100", "s": "100", "r": False, "t": {"limit": {"tif": "Gtc"}}}
ORDER = {"type": "order", "orders": [ONE], "grouping": "na"}
REQUEST = {"action": ORDER, "nonce": 0, "vaultAddress": None, "expiresAfter": None, "env": "mainnet"}
SIGNED = {
    "r": "0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e",
    "s": "0x2b54116ff64054968aa237c20ca9ff68000f977c93289157748a3162b6ea940e", "v": 28,
}  # fmt: skip
SPOT = {"symbol": "LTCBTC", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": "0.1"}
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
Sign = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CROSSBOOK_CONFIGS", raising=False)
    for name, content in (("hl", K1), ("hmac", SECRET), ("pem", PEM)):
        (tmp_path / name).write_text(content + "\n")


@pytest.fixture
def sign(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sign:
    """`crossbook sign --venue V --key-file F < request` in this process: (exit code, output, error)."""

    def signing(venue: str, key: str, request: Any, *more: str) -> tuple[int, str, str]:
        content = request if isinstance(request, bytes) else json.dumps(request).encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        with pytest.raises(SystemExit) as ended:
            call(app, "crossbook sign", ["--venue", venue, "--key-file", key, *more])
        out, err = capsys.readouterr()
        assert not any(secret in out + err for secret in (K1[2:], SECRET, SEED))
        return int(ended.value.code or 0), out, err

    return signing


def answered(result: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = result
    assert (code, err) == (0, "") and out.count("\n") == 1
    return dict(json.loads(out))


def refused(result: tuple[int, str, str], says: str) -> None:
    code, out, err = result
    assert (code, out) == (2, "") and err.count("\n") == 1 and err.startswith("crossbook: ")
    assert says in err


def test_a_hyperliquid_action_with_a_known_signature(sign: Sign) -> None:
    answer = answered(sign("hyperliquid", "hl", REQUEST))
    assert answer == REQUEST | {"signature": SIGNED}


def test_absent_vault_and_expiry_are_sent_as_null(sign: Sign) -> None:
    answer = answered(sign("hyperliquid", "hl", {"action": ORDER, "nonce": 0, "env": "mainnet"}))
    assert answer == REQUEST | {"signature": SIGNED}


def test_local_signs_as_testnet(sign: Sign) -> None:
    by_env = {
        env: answered(sign("hyperliquid", "hl", REQUEST | {"env": env})) for env in ("local", "testnet", "mainnet")
    }
    assert by_env["local"]["signature"] == by_env["testnet"]["signature"] != by_env["mainnet"]["signature"]


def test_the_key_order_of_the_request_is_kept(sign: Sign) -> None:
    turned = dict(reversed(ORDER.items()))
    answer = answered(sign("hyperliquid", "hl", REQUEST | {"action": turned}))
    assert list(answer["action"]) == list(turned) and answer["signature"] != SIGNED


@pytest.mark.parametrize(
    "kind",
    [
        *("usdSend", "spotSend", "withdraw3", "usdClassTransfer", "sendAsset", "approveAgent", "approveBuilderFee"),
        *("vaultTransfer", "subAccountTransfer", "createSubAccount", "setReferrer", "updateIsolatedMargin", "multiSig"),
        *("reserveRequestWeight", "twapOrder", "agentSetAbstraction", "dummy", "Order"),
    ],
)
def test_no_other_action_is_signed(sign: Sign, kind: str) -> None:
    refused(sign("hyperliquid", "hl", REQUEST | {"action": ORDER | {"type": kind}}), f"action '{kind}'")


@pytest.mark.parametrize(
    "action",
    [
        {"type": "cancel", "cancels": [{"a": 1, "o": 123456789012}]},
        {"type": "cancelByCloid", "cancels": [{"asset": 1, "cloid": "0x" + "0" * 31 + "1"}]},
        {"type": "modify", "oid": 7, "order": ONE},
        {"type": "batchModify", "modifies": [{"oid": "0x" + "0" * 31 + "1", "order": ONE}]},
        {"type": "scheduleCancel", "time": 1700000000000},
        {"type": "scheduleCancel"},
        {"type": "updateLeverage", "asset": 1, "isCross": True, "leverage": 5},
        {"type": "noop"},
        ORDER | {"builder": {"b": "0x" + "1" * 40, "f": 0}},
        ORDER | {"grouping": {"p": 3}},
    ],
    ids=lambda action: action["type"],
)
def test_the_listed_actions_are_signed(sign: Sign, action: dict[str, Any]) -> None:
    vault = "0x1234567890123456789012345678901234567890"
    answer = answered(sign("hyperliquid", "hl", REQUEST | {"action": action, "vaultAddress": vault, "expiresAfter": 9}))
    assert answer["action"] == action and set(answer["signature"]) == {"r", "s", "v"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"env": "prod"}, "local, mainnet, testnet"),
        ({"env": None}, "local, mainnet, testnet"),
        ({"nonce": 1.5}, "whole number"),
        ({"nonce": True}, "whole number"),
        ({"nonce": "1"}, "whole number"),
        ({"nonce": None}, "whole number"),
        ({"nonce": -1}, "whole number"),
        ({"nonce": 1 << 70}, "whole number"),
        ({"expiresAfter": "soon"}, "whole number"),
        ({"vaultAddress": "0x12"}, "no address"),
        ({"vaultAddress": 5}, "no address"),
        ({"signature": {}}, "unknown field"),
        ({"action": None}, "of no type"),
        ({"action": [ORDER]}, "of no type"),
        ({"action": ORDER | {"to": "me"}}, "unknown field `to`"),
        ({"action": ORDER | {"builder": None}}, "leave it out"),
        ({"action": {"type": "cancel", "cancels": [], "f": False}}, "leave it out"),
        ({"action": {"type": "cancel", "cancels": [{"a": 1.0, "o": 1}]}}, "$.cancels[0].a"),
        ({"action": {"type": "cancel", "cancels": [{"a": True, "o": 1}]}}, "$.cancels[0].a"),
        ({"action": {"type": "noop", "signers": []}}, "unknown field"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(sign: Sign, change: dict[str, Any], says: str) -> None:
    refused(sign("hyperliquid", "hl", REQUEST | change), says)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a":"\xff"}', "no JSON"),
        (b"[" * 99_999, "JSON"),
    ],
)
def test_no_json_is_refused(sign: Sign, content: bytes, says: str) -> None:
    refused(sign("hyperliquid", "hl", content), says)


def test_published_binance_orders(sign: Sign) -> None:
    request = {"kind": "rest", "params": SPOT | {"recvWindow": 5000}, "timestamp": 1499827319559}
    answer = answered(sign("binance_spot", "hmac", request))
    assert answer["signature"] == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert list(answer["params"].items()) == [*request["params"].items(), ("timestamp", 1499827319559)]
    request["params"] |= {"symbol": "１２３４５６"}
    answer = answered(sign("binance_spot", "hmac", request))
    assert answer["signature"] == "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    assert answer["payload"].startswith("symbol=%EF%BC%91%EF%BC%92") and answer["params"]["symbol"] == "１２３４５６"


def test_a_published_ws_order_with_a_number_as_written(sign: Sign) -> None:
    content = (
        '{"kind": "ws", "timestamp": 1645423376532, "params": {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT",'
        f'"timeInForce": "GTC", "quantity": 0.01000000, "price": 52000.00, "recvWindow": 100, "apiKey": "{API_KEY}"}}}}'
    )
    answer = answered(sign("binance_spot", "hmac", content.encode()))
    assert answer["signature"] == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert list(answer["params"]) == sorted(answer["params"]) and answer["payload"].startswith("apiKey=vmPU")


def test_an_ed25519_order_keeps_the_place_of_its_timestamp(sign: Sign) -> None:
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.2",
        "timestamp": 1668481559918, "recvWindow": 5000,
    }  # fmt: skip
    signature = "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg=="
    assert answered(sign("binance_usdm", "pem", {"kind": "rest", "params": params}))["signature"] == signature
    logon = {"apiKey": "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"}
    request = {"kind": "ws", "params": logon, "timestamp": 1649729878532}
    assert answered(sign("binance_spot", "pem", request))["signature"].startswith("NBJq5sX1RkU7ta3XDctr")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"kind": "rest", "params": {"coin": "USDT", "address": "x", "amount": "1"}, "timestamp": 1}, "parameter coin"),
        ({"kind": "rest", "params": SPOT | {"signature": "x"}, "timestamp": 1}, "leave it out"),
        ({"kind": "rest", "params": SPOT | {"price": None}, "timestamp": 1}, "parameter price"),
        ({"kind": "rest", "params": SPOT | {"symbols": ["BTCUSDT"]}, "timestamp": 1}, "parameter symbols"),
        ({"kind": "rest", "params": SPOT | {"timestamp": 2}, "timestamp": 1}, "give it once"),
        ({"kind": "rest", "params": SPOT}, "timestamp None"),
        ({"kind": "rest", "params": SPOT, "timestamp": 1.5}, "whole number"),
        ({"kind": "ws", "params": SPOT, "timestamp": 1}, "no apiKey"),
        ({"kind": "ws", "params": SPOT | {"apiKey": "a&amount=1"}, "timestamp": 1}, "parameter apiKey"),
        ({"kind": "fix", "params": SPOT, "timestamp": 1}, "rest or ws"),
        ({"kind": "rest", "params": "symbol=BTC", "timestamp": 1}, "an object"),
        ({"kind": "rest", "params": SPOT, "timestamp": 1, "url": "x"}, "unknown field"),
    ],
)  # fmt: skip
def test_a_wrong_binance_request_is_refused(sign: Sign, request_: dict[str, Any], says: str) -> None:
    refused(sign("binance_spot", "hmac", request_), says)


def test_wrong_words_are_refused(sign: Sign) -> None:
    refused(sign("binance", "hmac", {}), "binance_spot, binance_usdm")
    refused(sign("hyperliquid", "none", REQUEST), "not there")
    refused(sign("hyperliquid", "hmac", REQUEST), "64 hex digits")
    refused(sign("hyperliquid", "hl", REQUEST, "--config", "none.toml"), "not there")


def configure(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "place", ["configs/live.toml", "home/.config/crossbook/a/b.toml", "elsewhere/x.toml", "given.toml"]
)
def test_a_key_that_a_configuration_uses_is_refused(
    sign: Sign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    more = ["--config", "given.toml"] if place == "given.toml" else []
    monkeypatch.setenv("CROSSBOOK_CONFIGS", "elsewhere" if place.startswith("elsewhere") else "")
    path = configure(tmp_path / place, '[venues.hyperliquid]\nkey_file = "../nowhere"\n')
    answered(sign("hyperliquid", "hl", REQUEST, *more))
    shutil.copy(tmp_path / "hl", path.parent / "copy")
    (path.parent / "copy").write_text(K1.upper().replace("0X", ""))
    for text in (
        'key_file = "copy"',
        f'agent_key_file = "{tmp_path / "hl"}"',
        f'key_fingerprint = "{AGENT.fingerprint}"',
    ):
        configure(path, f"[[venues.hyperliquid.agents]]\n{text}\n")
        refused(sign("hyperliquid", "hl", REQUEST, *more), "uses this key")
        answered(sign("binance_spot", "pem", {"kind": "rest", "params": SPOT, "timestamp": 1}, *more))


def test_what_cannot_be_compared_refuses(sign: Sign, tmp_path: Path) -> None:
    config = configure(tmp_path / "configs" / "live.toml", "[venues\n")
    refused(sign("hyperliquid", "hl", REQUEST), "no valid TOML")
    configure(config, 'key_file = "bad.pem"')
    (config.parent / "bad.pem").write_text("-----BEGIN PRIVATE KEY-----\nbroken\n")
    refused(sign("hyperliquid", "hl", REQUEST), "cannot be read to compare")
    configure(config, f'key_fingerprint = "{fingerprint_of(SECRET)}"')
    answered(sign("hyperliquid", "hl", REQUEST))
