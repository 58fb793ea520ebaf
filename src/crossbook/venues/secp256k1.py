"""Keccak-256 and the curve of Hyperliquid's wallets: sign a digest, recover who signed one. libsecp256k1 underneath.

Secrets are given as 32-byte C buffers that their owner can zero; nothing here keeps one.
"""

from __future__ import annotations

from typing import Any, NoReturn

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]
from coincurve.context import GLOBAL_CONTEXT
from sha3 import keccak_256  # type: ignore[import-untyped]

from crossbook.errors import Refused

Buffer = Any
"""A C buffer of 32 bytes."""

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = ORDER >> 1

_CTX = GLOBAL_CONTEXT.ctx
_EC_UNCOMPRESSED = 2
_ZEROS = bytes(64)


def keccak(content: bytes) -> bytes:
    """The 32 bytes of Ethereum's hash, which is not SHA3-256."""
    digest: bytes = keccak_256(content).digest()
    return digest


def new_buffer(content: bytes = b"") -> Buffer:
    """A zeroed C buffer of 32 bytes, or one with `content` in it."""
    return ffi.new("unsigned char[32]", content)


def copy_of(buffer: Buffer) -> Buffer:
    """Another C buffer with the same 32 bytes."""
    copy = new_buffer()
    ffi.memmove(copy, buffer, 32)
    return copy


def zero(buffer: Buffer) -> None:
    """Overwrite a C buffer."""
    ffi.memmove(buffer, _ZEROS, 32)


def bytes_of(buffer: Buffer) -> Any:
    """The 32 bytes themselves, to read from or into; no copy."""
    return ffi.buffer(buffer)


def int_of(buffer: Buffer) -> int:
    """The 32 bytes as a number. Never of a secret: Python's integers cannot be zeroed."""
    return int.from_bytes(ffi.buffer(buffer), "big")


def is_secret(buffer: Buffer) -> bool:
    """Whether the 32 bytes are a private key: neither zero nor beyond the order of the curve."""
    return bool(lib.secp256k1_ec_seckey_verify(_CTX, buffer))


def multiply(scalar: Buffer, factor: Buffer | bytes) -> bool:
    """`scalar *= factor` modulo the order, in place. False, and `scalar` void, where an operand is zero or too big."""
    return bool(lib.secp256k1_ec_seckey_tweak_mul(_CTX, scalar, factor))


class Prepared:
    """A signature but for its digest: `r` and `parity` of a nonce's point, and 1/k and r times the private key in C."""

    __slots__ = ("_both", "_inverse", "_r_secret", "_sum", "parity", "r")

    r: int
    parity: int

    def __init__(self, r: int, parity: int, inverse: Buffer, r_secret: Buffer) -> None:
        self.r, self.parity = r, parity
        self._both = ffi.new("unsigned char[64]")
        self._inverse, self._r_secret = self._both, self._both + 32
        self._sum = ffi.buffer(self._r_secret, 32)
        for place, scalar in ((self._inverse, inverse), (self._r_secret, r_secret)):
            ffi.memmove(place, scalar, 32)
            zero(scalar)

    def finish(self, digest: bytes) -> int:
        """`s` = (digest + r x secret) / k, for one digest ever: what made it is zeroed. 0: it cannot be signed."""
        made = (
            len(digest) == 32
            and lib.secp256k1_ec_seckey_tweak_add(_CTX, self._r_secret, digest)
            and lib.secp256k1_ec_seckey_tweak_mul(_CTX, self._r_secret, self._inverse)
        )
        s = int.from_bytes(self._sum, "big") if made else 0
        ffi.memmove(self._both, _ZEROS, 64)
        return s

    def zero(self) -> None:
        """Overwrite it unused."""
        ffi.memmove(self._both, _ZEROS, 64)

    @property
    def is_zero(self) -> bool:
        """Whether nothing of it is left."""
        return not any(bytes(ffi.buffer(self._both)))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a prepared signature is not copied or written anywhere")


def point(scalar: Buffer) -> tuple[int, int]:
    """The point `scalar * G` as (x, y); `scalar` must be a valid secret."""
    public = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(_CTX, public, scalar):
        raise Refused("a private key of secp256k1 lies between 1 and the order of the curve: make a new one")
    content = _serialize(public)
    return int.from_bytes(content[1:33], "big"), int.from_bytes(content[33:], "big")


def address_of(secret: Buffer) -> str:
    """The wallet's address, lower case."""
    x, y = point(secret)
    return _address(x.to_bytes(32, "big") + y.to_bytes(32, "big"))


def sign_digest(secret: Buffer, digest: bytes) -> tuple[int, int, int]:
    """`(r, s, parity)` of a 32-byte digest: RFC 6979, low s, so that a digest has one signature only."""
    signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
    if len(digest) != 32 or not lib.secp256k1_ecdsa_sign_recoverable(
        _CTX, signature, digest, secret, ffi.NULL, ffi.NULL
    ):
        raise Refused(f"a digest of {len(digest)} bytes cannot be signed with this key: it takes 32 bytes, a whole key")
    compact, parity = ffi.new("unsigned char[64]"), ffi.new("int *")
    lib.secp256k1_ecdsa_recoverable_signature_serialize_compact(_CTX, compact, parity, signature)
    content = ffi.buffer(compact)
    return int.from_bytes(content[0:32], "big"), int.from_bytes(content[32:64], "big"), parity[0]


def recover_address(digest: bytes, r: int, s: int, parity: int) -> str | None:
    """Whose signature this is, as a lower-case address; None where no key can have made it."""
    if not (len(digest) == 32 and 0 < r < ORDER and 0 < s < ORDER and 0 <= parity <= 3):
        return None
    signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if not lib.secp256k1_ecdsa_recoverable_signature_parse_compact(_CTX, signature, compact, parity):
        return None
    public = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ecdsa_recover(_CTX, public, signature, digest):
        return None
    return _address(_serialize(public)[1:])


def _serialize(public: Buffer) -> bytes:
    content, length = ffi.new("unsigned char[65]"), ffi.new("size_t *", 65)
    lib.secp256k1_ec_pubkey_serialize(_CTX, content, length, public, _EC_UNCOMPRESSED)
    return bytes(ffi.buffer(content))


def _address(public: bytes) -> str:
    return "0x" + keccak(public)[12:].hex()
