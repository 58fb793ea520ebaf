"""A Binance signature is of what is sent, whole and in its order; only parameters that move no money are signed."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.venues.binance.signing import SIGNABLE, Signer, rest_payload, ws_payload
from crossbook.venues.binance.verification import verifier
from crossbook.venues.keys import Ed25519Key, HmacKey

secrets = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1, max_size=150)
names = st.sampled_from(sorted(SIGNABLE - {"apiKey", "timestamp"}))
values = st.one_of(st.text(max_size=20), st.integers(0, 10**15), st.booleans())
params = st.dictionaries(names, values, max_size=8)
plain = st.dictionaries(names, st.text("abcXYZ019._-１２", max_size=12) | st.integers(0, 10**15) | st.booleans())
PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""


@given(secrets, st.binary(max_size=300))
def test_pre_keyed_copies_are_an_hmac(secret: str, payload: bytes) -> None:
    key = HmacKey(secret)
    for _ in range(2):  # a signature leaves the key as it was
        assert key.sign(payload) == hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


@given(secrets, params, st.integers(0, 10**13))
def test_a_query_reads_back_and_verifies(secret: str, given_params: dict[str, str], now: int) -> None:
    query = Signer(HmacKey(secret), "k").sign_rest(given_params.items(), now)
    assert query.isascii() and " " not in query
    payload, _, signature = query.rpartition("&signature=")
    read = parse_qsl(payload, keep_blank_values=True, strict_parsing=True, errors="strict")
    texts = {True: "true", False: "false"}
    written = [(n, texts[v] if isinstance(v, bool) else str(v)) for n, v in given_params.items()]
    assert read == [*written, ("timestamp", str(now))]
    assert verifier(secret=secret).verify(payload.encode(), signature)
    assert verifier(secret=secret).verify(payload.encode(), signature.upper())
    assert not verifier(secret=secret).verify(payload.encode() + b"0", signature)
    assert not verifier(secret=secret + "x").verify(payload.encode(), signature)


@given(plain, st.integers(0, 10**13))
def test_ws_parameters_are_sorted_and_raw(given_params: dict[str, str], now: int) -> None:
    key = Ed25519Key(PEM)
    sent = Signer(key, "KEY").sign_ws(given_params, now)
    assert list(sent) == [*sorted({*given_params, "apiKey", "timestamp"}), "signature"]
    assert sent["apiKey"] == "KEY" and sent["timestamp"] == now
    payload = ws_payload({name: value for name, value in sent.items() if name != "signature"})
    assert "%" not in payload
    assert verifier(public_pem=key.public_pem).verify(payload.encode(), str(sent["signature"]))
    assert not verifier(public_pem=key.public_pem).verify(payload.encode() + b"0", str(sent["signature"]))


@given(st.text(max_size=20))
def test_only_known_parameters_are_signed(name: str) -> None:
    if name not in SIGNABLE:
        for payload in (lambda: rest_payload([(name, "1")]), lambda: ws_payload({name: "1"})):
            with pytest.raises(Refused, match="parameter"):
                payload()


@given(st.text(max_size=10), st.sampled_from("&=%\n\0"), st.text(max_size=10))
def test_no_ws_value_reads_as_a_further_parameter(before: str, breaks: str, after: str) -> None:
    with pytest.raises(Refused):
        ws_payload({"symbol": before + breaks + after})


@pytest.mark.parametrize("name", ["amount", "asset", "coin", "address", "network", "toEmail", "addressTag", "enable"])
def test_nothing_that_moves_money_is_signed(name: str) -> None:
    assert name not in SIGNABLE


@given(st.text(max_size=100), st.binary(max_size=20))
def test_a_signature_of_any_text_is_no_signature(signature: str, payload: bytes) -> None:
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert not verifier(public_pem=pem).verify(payload, signature)
    assert not verifier(secret="s").verify(payload, signature)
