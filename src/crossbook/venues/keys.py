"""Keys that hide themselves: they sign, and show a fingerprint; not in a repr, a log, an error, a pickle, a file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues import secp256k1

_PERSONAL = 0o077
_FILE_BYTES_MAX = 16_384


class Hidden:
    """Whatever holds a secret. `fingerprint` names it: 16 hex digits, the same however the secret is written."""

    __slots__ = ("fingerprint",)

    fingerprint: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.fingerprint}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not copied or written anywhere")


class HmacKey(Hidden):
    """A Binance secret, HMAC-SHA256. The key is hashed once, here; a signature copies the two states."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: str) -> None:
        content = _one_line(secret, "HMAC secret").encode()
        self.fingerprint = fingerprint_of(secret)
        block = (hashlib.sha256(content).digest() if len(content) > 64 else content).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, payload: bytes) -> str:
        """The signature in 64 lower-case hex digits."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.hexdigest()


class Ed25519Key(Hidden):
    """A Binance Ed25519 key, of a PEM; the only kind that `session.logon` takes."""

    __slots__ = ("_private", "public_pem")

    public_pem: str
    """What is registered at the venue."""

    def __init__(self, pem: str) -> None:
        private = _private_of(pem)
        if not isinstance(private, ed25519.Ed25519PrivateKey):
            raise Refused("the PEM holds no Ed25519 private key: make one with `openssl genpkey -algorithm ed25519`")
        self.fingerprint = fingerprint_of(pem)
        self._private = private
        self.public_pem = _public_pem(private)

    def sign(self, payload: bytes) -> str:
        """The signature in base64; a query has to percent-encode it."""
        return base64.b64encode(self._private.sign(payload)).decode()


class RsaKey(Hidden):
    """A Binance RSA key, of a PEM: PKCS#1 v1.5 with SHA-256. Slow; prefer Ed25519."""

    __slots__ = ("_private", "public_pem")

    public_pem: str
    """What is registered at the venue."""

    def __init__(self, pem: str) -> None:
        private = _private_of(pem)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise Refused("the PEM holds no RSA private key: Binance takes RSA or Ed25519")
        self.fingerprint = fingerprint_of(pem)
        self._private = private
        self.public_pem = _public_pem(private)

    def sign(self, payload: bytes) -> str:
        """The signature in base64; a query has to percent-encode it."""
        return base64.b64encode(self._private.sign(payload, padding.PKCS1v15(), hashes.SHA256())).decode()


BinanceKey = HmacKey | Ed25519Key | RsaKey


class AgentKey(Hidden):
    """A Hyperliquid agent wallet: it may trade for its account and can neither withdraw nor transfer.

    `address` is the agent's own, never the account's: `must_be_agent_of` refuses the account's own key.
    """

    __slots__ = ("_secret", "address")

    address: str
    """Lower case, with 0x."""

    def __init__(self, private_key: str) -> None:
        content = _hex_of(private_key)
        if content is None:
            raise Refused(f"agent key: not 64 hex digits (it has {len(private_key.strip())} characters); one hex line")
        secret = secp256k1.new_buffer(content)
        if not secp256k1.is_secret(secret):
            raise Refused("agent key: zero or beyond the order of the curve, so no key at all; make a new agent")
        self.fingerprint = fingerprint_of(private_key)
        self._secret = secret
        self.address = secp256k1.address_of(secret)

    def sign_digest(self, digest: bytes) -> tuple[int, int, int]:
        """`(r, s, parity)` of a 32-byte digest, RFC 6979 with low s, as every Ethereum wallet signs it."""
        return secp256k1.sign_digest(self._secret, digest)

    def times_secret(self, scalar: bytes) -> secp256k1.Buffer:
        """`scalar` times the private key, in a C buffer that the caller zeroes: half of a signature made beforehand."""
        product = secp256k1.copy_of(self._secret)
        secp256k1.multiply(product, scalar)
        return product

    def must_be_agent_of(self, account: str) -> None:
        """Raises `Refused` if this is the key of the account itself, which could move its money."""
        if account.lower() == self.address:
            raise Refused(f"key of {self.address}: it is the account's own; approve an agent and give the agent's key")

    def forget(self) -> None:
        """Overwrite the secret; the key signs nothing any more."""
        secp256k1.zero(self._secret)


Key = BinanceKey | AgentKey


def load_key(path: Path, venue: Venue, *, personal: bool = True) -> Key:
    """The key in a file: one hex line for Hyperliquid; an HMAC secret in one line, or a PEM, for Binance.

    `personal`: refuse a file that others than its owner may read. Raises `Refused`, never with a part of the secret.
    """
    text = read_key_text(path, personal=personal)
    try:
        if venue is Venue.HYPERLIQUID:
            return AgentKey(text)
        if "-----BEGIN" not in text:
            return HmacKey(text)
        return RsaKey(text) if isinstance(_private_of(text), rsa.RSAPrivateKey) else Ed25519Key(text)
    except Refused as error:
        raise Refused(f"key file {path}: {error}") from None


def read_key_text(path: Path, *, personal: bool) -> str:
    """A key file's text. Raises `Refused` where it is absent, unreadable, large, no text, or open to others."""
    try:
        if personal and path.stat().st_mode & _PERSONAL:
            raise Refused(f"key file {path}: others may read it; run `chmod 600 {path}`")
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            raise Refused(f"key file {path}: more than {_FILE_BYTES_MAX} bytes, so no key; name the right file")
        return content.decode()
    except FileNotFoundError:
        raise Refused(f"key file {path}: not there; give the path of a file with the key") from None
    except OSError as error:
        raise Refused(f"key file {path}: {error.strerror}; make it readable") from None
    except UnicodeDecodeError:
        raise Refused(f"key file {path}: no text; it takes one hex line, an HMAC secret or a PEM") from None


def fingerprint_of(text: str) -> str:
    """16 hex digits that name the secret in a key's text, whatever its letter case, 0x or line ends."""
    material = _hex_of(text)
    if material is None and "-----BEGIN" in text:
        private = _private_of(text)
        material = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    if material is None:
        material = text.strip().encode()
    return hashlib.sha256(b"crossbook key\0" + material).hexdigest()[:16]


def _hex_of(text: str) -> bytes | None:
    digits = text.strip().removeprefix("0x").removeprefix("0X")
    if len(digits) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return None
    return bytes.fromhex(digits)


def _one_line(text: str, what: str) -> str:
    line = text.strip()
    if not line or not line.isascii() or not line.isprintable() or " " in line:
        raise Refused(f"{what}: must be one line of printable characters (it has {len(line)} characters)")
    return line


def _private_of(pem: str) -> Any:
    try:
        return serialization.load_pem_private_key(pem.strip().encode() + b"\n", password=None)
    except TypeError:
        raise Refused("the PEM is encrypted: decrypt it, and guard the file by its owner and mode") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("the PEM cannot be read: it must be a whole PKCS#8 private key, Ed25519 or RSA") from None


def _public_pem(private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(encoding, form).decode()
