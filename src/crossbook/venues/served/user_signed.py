"""Who signed an action that only an account itself may sign: for a served venue, which clients send them to.

This is the one file that knows the typed data of transfers and approvals, and it can only recover a signer from a
signature: nothing here holds a key or signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossbook.errors import Refused
from crossbook.venues.hyperliquid.signing import Signature, domain_separator, recover
from crossbook.venues.secp256k1 import keccak

_CHAIN = ("hyperliquidChain", "string")
_NONCE = ("nonce", "uint64")

TYPES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "usdSend": ("UsdSend", (_CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "spotSend": (
        "SpotSend",
        (_CHAIN, ("destination", "string"), ("token", "string"), ("amount", "string"), ("time", "uint64")),
    ),
    "withdraw3": ("Withdraw", (_CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64"))),
    "usdClassTransfer": ("UsdClassTransfer", (_CHAIN, ("amount", "string"), ("toPerp", "bool"), _NONCE)),
    "sendAsset": (
        "SendAsset",
        (
            _CHAIN,
            *((name, "string") for name in ("destination", "sourceDex", "destinationDex", "token", "amount")),
            ("fromSubAccount", "string"),
            _NONCE,
        ),
    ),
    "approveAgent": ("ApproveAgent", (_CHAIN, ("agentAddress", "address"), ("agentName", "string"), _NONCE)),
    "approveBuilderFee": ("ApproveBuilderFee", (_CHAIN, ("maxFeeRate", "string"), ("builder", "address"), _NONCE)),
    "tokenDelegate": (
        "TokenDelegate",
        (_CHAIN, ("validator", "address"), ("wei", "uint64"), ("isUndelegate", "bool"), _NONCE),
    ),
    "userSetAbstraction": ("UserSetAbstraction", (_CHAIN, ("user", "address"), ("abstraction", "string"), _NONCE)),
    "userDexAbstraction": ("UserDexAbstraction", (_CHAIN, ("user", "address"), ("enabled", "bool"), _NONCE)),
    "convertToMultiSigUser": ("ConvertToMultiSigUser", (_CHAIN, ("signers", "string"), _NONCE)),
}
"""By `type` of the action: the name of its typed data, and its fields in their order."""

_ABSENT = {"agentName": ""}
"""Clients sign an unnamed agent with an empty name and then send none."""


def recover_user_signed(action: Mapping[str, Any], signature: Signature) -> str | None:
    """The address whose signature this is, lower case; None where no key can have made it.

    Raises `Refused` for an action of another kind, and for a field that is missing or of the wrong kind.
    """
    kind = action.get("type")
    if kind not in TYPES:
        raise Refused(f"action {str(kind)[:40]}: is not signed by an account as typed data")
    name, fields = TYPES[kind]
    declared = f"HyperliquidTransaction:{name}({','.join(f'{of} {field}' for field, of in fields)})"
    values = [_word(field, of, action.get(field, _ABSENT.get(field))) for field, of in fields]
    message = keccak(keccak(declared.encode()) + b"".join(values))
    try:
        chain_id = int(action["signatureChainId"], 16)
        domain = domain_separator("HyperliquidSignTransaction", chain_id)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Refused(f"action {kind}: signatureChainId must be a chain's number in hex") from None
    return recover(keccak(b"\x19\x01" + domain + message), signature)


def _word(field: str, of: str, value: object) -> bytes:
    """A value as the 32 bytes that EIP-712 hashes."""
    if of == "string" and isinstance(value, str):
        return keccak(value.encode("utf-8", "surrogatepass"))
    if of == "bool" and isinstance(value, bool):
        return int(value).to_bytes(32, "big")
    if of == "uint64" and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value.to_bytes(32, "big")
    if of == "address" and isinstance(value, str):
        digits = value.removeprefix("0x")
        if len(digits) == 40 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            return bytes.fromhex(digits).rjust(32, b"\0")
    raise Refused(f"field {field}: missing or no {of}")
