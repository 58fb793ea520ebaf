"""Whether a Binance signature is right: for the side that is spoken to."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from crossbook.errors import Refused
from crossbook.venues.keys import HmacKey


class Verifier(Protocol):
    """Knows one account's key."""

    may_log_on: bool
    """Whether `session.logon` takes this kind of key: Ed25519 only."""

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether `signature`, as it reads once percent-decoded, is one of `payload`."""


class HmacVerifier:
    """Of a shared secret; a signature is hex in either letter case."""

    may_log_on = False

    def __init__(self, secret: str) -> None:
        self._key = HmacKey(secret)

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether it is the HMAC of the payload."""
        return signature.isascii() and hmac.compare_digest(self._key.sign(payload), signature.lower())


class PublicVerifier:
    """Of a public key, Ed25519 or RSA; a signature is base64."""

    def __init__(self, public_pem: str) -> None:
        try:
            public = serialization.load_pem_public_key(public_pem.strip().encode() + b"\n")
        except (ValueError, UnsupportedAlgorithm):
            raise Refused(
                "public key: no PEM of a public key; give the block that begins -----BEGIN PUBLIC KEY"
            ) from None
        if not isinstance(public, ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
            raise Refused("public key: neither Ed25519 nor RSA, which is all that Binance takes")
        self._public = public
        self.may_log_on = isinstance(public, ed25519.Ed25519PublicKey)

    def verify(self, payload: bytes, signature: str) -> bool:
        """Whether the private half signed the payload."""
        try:
            content = base64.b64decode(signature, validate=True)
            if isinstance(self._public, ed25519.Ed25519PublicKey):
                self._public.verify(content, payload)
            else:
                self._public.verify(content, payload, padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


def verifier(*, secret: str = "", public_pem: str = "") -> Verifier:
    """Of an account's secret or public key. Raises `Refused` unless exactly one is given and right."""
    if bool(secret) == bool(public_pem):
        raise Refused("an account has a secret or a public key, one of the two")
    return HmacVerifier(secret) if secret else PublicVerifier(public_pem)
