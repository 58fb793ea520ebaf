"""Hyperliquid's signatures of L1 actions, bit for bit those of the official SDK: hash, sign, recover. Pure.

The signature does not cover the action as text but its msgpack, keys in their order, then nonce, vault and expiry.
Only allowed actions can be signed (`actions`), only by an agent's key. Mainnet signs as source "a", testnet and a
served venue on this machine as "b".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from crossbook.errors import Refused
from crossbook.venues.endpoints import Environment
from crossbook.venues.hyperliquid.actions import Action, Checked, packed
from crossbook.venues.secp256k1 import keccak, recover_address


class DigestSigner(Protocol):
    """An agent's key, or a fast signer over one."""

    def sign_digest(self, digest: bytes) -> tuple[int, int, int]:
        """`(r, s, parity)` with low s."""


class Signature(msgspec.Struct, frozen=True):
    """As the SDK writes it: `r` and `s` in hex without leading zeros, `v` 27 or 28."""

    r: str
    s: str
    v: int


class L1Signers(msgspec.Struct, frozen=True):
    """Who signed, if it was meant for mainnet, and if for testnet: addresses in lower case. None: nobody can have."""

    mainnet: str | None
    testnet: str | None


def sign_l1(
    signer: DigestSigner,
    action: Action | Checked,
    nonce: int,
    vault: bytes | None = None,
    expires_after: int | None = None,
    *,
    mainnet: bool,
) -> Signature:
    """The signature of an action. `vault`: 20 bytes; `nonce`, `expires_after`: ms."""
    return _signature(*signer.sign_digest(l1_digest(l1_hash(packed(action), nonce, vault, expires_after), mainnet)))


def l1_hash(content: bytes, nonce: int, vault: bytes | None = None, expires_after: int | None = None) -> bytes:
    """The 32-byte connection id of an action's msgpack `content`."""
    tail = nonce.to_bytes(8, "big") + (b"\x00" if vault is None else b"\x01" + vault)
    if expires_after is not None:
        tail += b"\x00" + expires_after.to_bytes(8, "big")
    return keccak(content + tail)


def l1_digest(connection_id: bytes, mainnet: bool) -> bytes:
    """What the wallet signs: EIP-712 of `Agent(source, connectionId)` in the domain Exchange, version 1, chain 1337."""
    return keccak(_DOMAIN + keccak((_MAINNET_AGENT if mainnet else _TESTNET_AGENT) + connection_id))


def signs_as_mainnet(environment: Environment) -> bool:
    """Whether the source is "a". LOCAL signs as testnet: no signature made for it is worth anything on mainnet."""
    return environment is Environment.MAINNET


def vault_of(text: str | None) -> bytes | None:
    """The 20 bytes of a vault's or sub-account's address, with or without 0x. Raises `Refused` for anything else."""
    if text is None:
        return None
    try:
        content = bytes.fromhex(text.removeprefix("0x"))
    except (ValueError, AttributeError, TypeError):
        content = b""
    if len(content) != 20 or len(text.removeprefix("0x")) != 40:
        raise Refused(f"vaultAddress {str(text)[:50]!r} is no address: 0x and 40 hex digits, or null")
    return content


def recover_l1(
    action: Mapping[str, Any],
    nonce: int,
    signature: Signature,
    vault: bytes | None = None,
    expires_after: int | None = None,
) -> L1Signers:
    """Who signed an action of any kind, given as decoded JSON in its key order: for the side that is spoken to."""
    try:
        connection_id = l1_hash(msgspec.msgpack.encode(action), nonce, vault, expires_after)
    except (OverflowError, TypeError, ValueError):
        return L1Signers(None, None)
    by_source = [recover(l1_digest(connection_id, mainnet), signature) for mainnet in (True, False)]
    return L1Signers(*by_source)


def recover(digest: bytes, signature: Signature) -> str | None:
    """Whose signature of `digest` this is; `r` and `s` may be padded, `v` may be 0 or 1. None: of no key."""
    try:
        r, s = int(signature.r, 16), int(signature.s, 16)
    except (ValueError, TypeError):
        return None
    return recover_address(digest, r, s, signature.v - 27 if signature.v >= 27 else signature.v)


def _signature(r: int, s: int, parity: int) -> Signature:
    return Signature(hex(r), hex(s), 27 + parity)


def domain_separator(name: str, chain_id: int) -> bytes:
    """EIP-712's of a domain of version 1 without a contract."""
    kind = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return keccak(keccak(kind) + keccak(name.encode()) + keccak(b"1") + chain_id.to_bytes(32, "big") + bytes(32))


_DOMAIN = b"\x19\x01" + domain_separator("Exchange", 1337)
_AGENT = keccak(b"Agent(string source,bytes32 connectionId)")
_MAINNET_AGENT = _AGENT + keccak(b"a")
_TESTNET_AGENT = _AGENT + keccak(b"b")
