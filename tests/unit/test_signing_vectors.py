"""Known answers: the venues' published signatures, the SDKs' own tests, and those computed beside them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from sign_material import AGENT, K1_ADDRESS, SECRET, VENUES

from crossbook.venues.binance.signing import Signer, rest_payload
from crossbook.venues.binance.verification import verifier
from crossbook.venues.hyperliquid.actions import Cancel, CancelOrders, Kind, Limit, Order, PlaceOrders, packed
from crossbook.venues.hyperliquid.signing import Signature, l1_digest, l1_hash, recover, sign_l1, vault_of
from crossbook.venues.keys import Ed25519Key, HmacKey, RsaKey
from crossbook.venues.served.user_signed import recover_user_signed

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


def order(asset: int, price: str, size: str, tif: Any, cloid: str | None = None) -> PlaceOrders:
    one = Order(a=asset, b=True, p=price, s=size, r=False, t=Kind(limit=Limit(tif=tif)), c=cloid)
    return PlaceOrders(orders=[one], grouping="na")


ETH = order(4, "1670.1", "0.0147", "Ioc")
PLAIN = order(1, "100", "100", "Gtc")
WITH_CLOID = order(1, "100", "100", "Gtc", "0x00000000000000000000000000000001")
BTC = order(0, "65000", "0.001", "Gtc")
NKTKAS = order(0, "30000", "0.1", "Gtc")
VAULT = vault_of("0x1234567890123456789012345678901234567890")


@pytest.mark.parametrize(
    ("action", "nonce", "vault", "expires", "connection_id"),
    [
        (ETH, 1677777606040, None, None, "0fcbeda5ae3c4950a548021552a4fea2226858c4453571bf3f24ba017eac2908"),
        (NKTKAS, 1234567890, None, None, "25367e0dba84351148288c2233cd6130ed6cec5967ded0c0b7334f36f957cc90"),
        (NKTKAS, 1234567890, VAULT, None, "214e2ea3270981b6fd18174216691e69f56872663139d396b10ded319cb4bb1e"),
        (NKTKAS, 1234567890, None, 1234567890, "c30b002ba3775e4c31c43c1dfd3291dfc85c6ae06c6b9f393991de86cad5fac7"),
        (NKTKAS, 1234567890, VAULT, 1234567890, "2d62412aa0fc57441b5189841d81554a6a9680bf07204e1454983a9ca44f0744"),
        (BTC, 1700000000000, None, None, "6f9db5e9bc83a9f67a95b59d6691e27a0aa34abc54d5f06c69dcb13892bfb4f1"),
    ],
)
def test_hashes(action: PlaceOrders, nonce: int, vault: bytes | None, expires: int | None, connection_id: str) -> None:
    assert l1_hash(packed(action), nonce, vault, expires).hex() == connection_id


@pytest.mark.parametrize(
    ("action", "nonce", "r", "s", "v"),
    [
        (
            PLAIN, 0,
            "0xd65369825a9df5d80099e513cce430311d7d26ddf477f5b3a33d2806b100d78e",
            "0x2b54116ff64054968aa237c20ca9ff68000f977c93289157748a3162b6ea940e", 28,
        ),
        (
            WITH_CLOID, 0,
            "0x41ae18e8239a56cacbc5dad94d45d0b747e5da11ad564077fcac71277a946e3",
            "0x3c61f667e747404fe7eea8f90ab0e76cc12ce60270438b2058324681a00116da", 27,
        ),
        (
            BTC, 1700000000000,
            "0xfa78072b01d2e8608305e90cb8a53b542c8da99f3e942a042f9fdb213b13ef8f",
            "0xebbe6628331587afdb79c0b3739b38654ba5406bb011c37a98248ab20866d17", 27,
        ),
    ],
)  # fmt: skip
def test_mainnet_signatures(action: PlaceOrders, nonce: int, r: str, s: str, v: int) -> None:
    assert sign_l1(AGENT, action, nonce, mainnet=True) == Signature(r, s, v)


@pytest.mark.parametrize(
    ("mainnet", "r", "s", "v"),
    [
        (
            True, "0x53749d5b30552aeb2fca34b530185976545bb22d0b3ce6f62e31be961a59298",
            "0x755c40ba9bf05223521753995abb2f73ab3229be8ec921f350cb447e384d8ed8", 27,
        ),
        (
            False, "0x542af61ef1f429707e3c76c5293c80d01f74ef853e34b76efffcb57e574f9510",
            "0x17b8b32f086e8cdede991f1e2c529f5dd5297cbe8128500e00cbaf766204a613", 28,
        ),
    ],
)  # fmt: skip
def test_the_sdks_dummy_action(mainnet: bool, r: str, s: str, v: int) -> None:
    """No action of ours, so its hash is signed by hand."""
    dummy = msgspec.msgpack.encode({"type": "dummy", "num": 100_000_000_000})
    found_r, found_s, parity = AGENT.sign_digest(l1_digest(l1_hash(dummy, 0), mainnet))
    assert (hex(found_r), hex(found_s), parity + 27) == (r, s, v)


def test_msgpack() -> None:
    assert packed(BTC).hex() == (
        "83a474797065a56f72646572a66f72646572739186a16100a162c3a170a53635303030a173a5302e303031a172c2a17481a56c696d697481a3"
        "746966a3477463a867726f7570696e67a26e61"
    )
    cancel = CancelOrders(cancels=[Cancel(a=1, o=123456789012)])
    assert packed(cancel).hex() == "82a474797065a663616e63656ca763616e63656c739182a16101a16fcf0000001cbe991a14"
    assert l1_hash(packed(cancel), 1700000000000).hex() == (
        "008419ea549997688b36c2c22d8ad81a20876ffd37677516c24f2dc954959ada"
    )


def test_a_transfer_is_recognised_where_venues_are_served() -> None:
    """We cannot make this signature; the SDK's test did."""
    action = {
        "type": "usdSend", "hyperliquidChain": "Testnet", "signatureChainId": "0x66eee", "amount": "1",
        "destination": "0x5e9ee1089755c3435139848e47e6635505d5a13a", "time": 1687816341423,
    }  # fmt: skip
    signature = Signature(
        "0x637b37dd731507cdd24f46532ca8ba6eec616952c56218baeff04144e4a77073",
        "0x11a6a24900e6e314136d2592e2f8d502cd89b7c15b198e1bee043c9589f9fad7",
        27,
    )
    assert recover_user_signed(action, signature) == K1_ADDRESS
    assert recover_user_signed(action | {"amount": "2"}, signature) != K1_ADDRESS
    assert recover(bytes(32), signature) != K1_ADDRESS


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "symbol=１２３４５６&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_published_rest_orders(query: str, signature: str) -> None:
    sent = Signer(HmacKey(SECRET), API_KEY).sign_rest(parse_qsl(query), 1499827319559)
    assert sent == f"{rest_payload(parse_qsl(query))}&timestamp=1499827319559&signature={signature}"


@pytest.mark.parametrize(
    ("symbol", "side", "price", "quantity", "window", "signature"),
    [
        (
            "BTCUSDT", "SELL", "52000.00", "0.01000000", 100,
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            "１２３４５６", "BUY", "0.10000000", "1.00000000", 5000,
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ],
)  # fmt: skip
def test_published_ws_orders(symbol: str, side: str, price: str, quantity: str, window: int, signature: str) -> None:
    params = {
        "symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity,
        "recvWindow": window,
    }  # fmt: skip
    assert Signer(HmacKey(SECRET), API_KEY).sign_ws(params, 1645423376532)["signature"] == signature


def recorded() -> dict[str, Any]:
    """The vectors' file. Where it is absent its cases are skipped, with the reason."""
    path = VENUES / "vectors" / "binance_signing_vectors.json"
    if not path.is_file():
        pytest.skip(f"no {path}; set CROSSBOOK_SHARED to the folder that holds venues/")
    return dict(json.loads(path.read_text()))


def test_every_recorded_hmac() -> None:
    cases = recorded()["hmac_published"] + recorded()["hmac_computed"]
    assert len(cases) >= 8
    for case in cases:
        payload = case["payload"].encode()
        assert HmacKey(case["secret"]).sign(payload) == case["signature"], case["api"]
        assert verifier(secret=case["secret"]).verify(payload, case["signature"].upper())


@pytest.mark.parametrize(("family", "kind", "logs_on"), [("ed25519", Ed25519Key, True), ("rsa", RsaKey, False)])
def test_every_recorded_public_key_signature(family: str, kind: Any, logs_on: bool) -> None:
    vectors = recorded()[f"{family}_computed"]
    key, verify = kind(vectors["private_pem"]), verifier(public_pem=vectors["public_pem"])
    assert key.public_pem == vectors["public_pem"] and verify.may_log_on is logs_on
    assert len(vectors["cases"]) >= 3
    for case in vectors["cases"]:
        payload = case["payload"].encode()
        assert key.sign(payload) == case["signature_b64"]
        assert verify.verify(payload, case["signature_b64"]) and not verify.verify(
            payload + b"0", case["signature_b64"]
        )
