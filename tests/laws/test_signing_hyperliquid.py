"""What is signed for Hyperliquid recovers to the agent, for its environment only, and says nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sign_material import AGENT, K1_ADDRESS, actions, expiries, stamps, vaults

from crossbook.errors import Refused
from crossbook.venues.hyperliquid.actions import ALLOWED, Action, Checked, check_action, packed
from crossbook.venues.hyperliquid.fast_signer import FastSigner
from crossbook.venues.hyperliquid.signing import Signature, l1_digest, l1_hash, recover, recover_l1, sign_l1, vault_of
from crossbook.venues.secp256k1 import HALF_ORDER, ORDER

FAST = FastSigner(AGENT)


@given(action=actions, nonce=stamps, vault=vaults, expires=expiries, mainnet=st.booleans(), fast=st.booleans())
def test_a_signature_recovers_to_the_agent_in_its_environment_only(
    action: Action, nonce: int, vault: bytes | None, expires: int | None, mainnet: bool, fast: bool
) -> None:
    FAST.refill(2)
    signature = sign_l1(FAST if fast else AGENT, action, nonce, vault, expires, mainnet=mainnet)
    sent = msgspec.json.decode(msgspec.json.encode(action))
    signers = recover_l1(sent, nonce, signature, vault, expires)
    assert (signers.mainnet == K1_ADDRESS) == mainnet and (signers.testnet == K1_ADDRESS) == (not mainnet)
    assert 0 < int(signature.s, 16) <= HALF_ORDER and signature.v in (27, 28)
    assert not signature.r.startswith("0x0") and not signature.s.startswith("0x0")


@given(action=actions, nonce=stamps, vault=vaults, expires=expiries)
def test_nothing_of_what_is_signed_can_change(
    action: Action, nonce: int, vault: bytes | None, expires: int | None
) -> None:
    content = packed(action)
    other_vault = bytes(20) if vault != bytes(20) else None
    other_expiry = None if expires is not None else nonce
    hashes = [
        l1_hash(content, nonce, vault, expires),
        l1_hash(content, nonce + 1, vault, expires),
        l1_hash(content, nonce, other_vault, expires),
        l1_hash(content, nonce, vault, other_expiry),
        l1_hash(content + b"\0", nonce, vault, expires),
    ]
    assert len(set(hashes)) == 5
    assert len({l1_digest(one, mainnet) for one in hashes for mainnet in (True, False)}) == 10


@given(actions)
def test_an_action_is_hashed_as_its_json_reads(action: Action) -> None:
    sent = msgspec.json.decode(msgspec.json.encode(action))
    assert next(iter(sent)) == "type" and sent["type"] in ALLOWED
    assert check_action(sent) == Checked(packed(action)) == Checked(msgspec.msgpack.encode(sent))


@given(actions, st.randoms(use_true_random=False))
def test_the_key_order_of_a_given_action_is_kept(action: Action, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    other = shuffled(msgspec.to_builtins(action))
    checked = check_action(other)
    assert list(msgspec.msgpack.decode(checked.packed)) == list(other)
    assert (checked.packed == packed(action)) == (msgspec.json.encode(other) == msgspec.json.encode(action))
    signature = sign_l1(AGENT, checked, 1, mainnet=False)
    assert recover_l1(other, 1, signature).testnet == K1_ADDRESS


@given(st.binary(min_size=32, max_size=32))
def test_fast_and_plain_signatures_are_of_the_same_wallet(digest: bytes) -> None:
    FAST.refill(3)
    signatures = [AGENT.sign_digest(digest), FAST.sign_digest(digest), FAST.sign_digest(digest)]
    for r, s, parity in signatures:
        assert 0 < s <= HALF_ORDER
        assert recover(digest, Signature(hex(r), hex(s), 27 + parity)) == K1_ADDRESS
        assert recover(digest, Signature(f"0x{r:064x}", f"0x{s:064x}", parity)) == K1_ADDRESS
    if int.from_bytes(digest, "big") < ORDER:
        assert len({r for r, _, _ in signatures}) == 3, "a nonce was used twice"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(json_values | st.dictionaries(st.text(max_size=8), json_values).map(lambda d: d | {"type": "order"}))
def test_anything_else_is_refused_in_one_line(action: Any) -> None:
    with pytest.raises(Refused) as refused:
        check_action(action)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


@given(st.text(max_size=12), st.text(max_size=12), st.integers(-1000, 1000), st.binary(min_size=32, max_size=32))
def test_a_signature_of_nobody_recovers_to_none_or_somebody_else(r: str, s: str, v: int, digest: bytes) -> None:
    assert recover(digest, Signature(r, s, v)) != K1_ADDRESS


@given(st.text(max_size=45))
def test_a_vault_is_an_address_or_refused(text: str) -> None:
    with pytest.raises(Refused):
        vault_of(text)
    assert vault_of(K1_ADDRESS) == vault_of(K1_ADDRESS[2:].upper()) == bytes.fromhex(K1_ADDRESS[2:])
