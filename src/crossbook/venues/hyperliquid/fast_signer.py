"""A signer with the curve's work done beforehand: an order is signed in a few microseconds instead of thirty.

DANGER. ECDSA gives the private key away as soon as one nonce k signs two different digests, or as k becomes known.
RFC 6979, what `AgentKey` signs with, makes k from the digest and cannot fail so; here k is drawn before the digest is
known and kept in memory until it is used. Use it only where microseconds earn money, with an agent's key that can
only trade, and switch core dumps and swap off. What stands between us and a lost key:

- k comes from the kernel's random source and from nowhere else, so that no seed can make it twice;
- a nonce is taken out of the pool before it signs, and nothing puts it back: popped once, used once;
- it lives in C memory only, zeroed as soon as it was used; the inverse of k is computed of a blinded k, so that no
  Python integer ever holds it;
- it is never written: a signer cannot be pickled or copied;
- after a fork the child's pool is dropped and zeroed, else parent and child would sign with the same nonces.

An empty pool, or a digest outside the curve's order, signs with RFC 6979, only slower: `slow` counts these.
"""

from __future__ import annotations

import os
import weakref
from io import FileIO

from crossbook.errors import Refused
from crossbook.venues.keys import AgentKey, Hidden
from crossbook.venues.secp256k1 import (
    HALF_ORDER,
    ORDER,
    Buffer,
    Prepared,
    bytes_of,
    int_of,
    is_secret,
    multiply,
    new_buffer,
    point,
    zero,
)

READY_MAX = 4_096


class FastSigner(Hidden):
    """Signs digests as an `AgentKey` does, with other and equally valid `r` and `s`. Read the module's danger first.

    `refill` belongs off the hot path: it takes some 50 us a nonce.
    """

    __slots__ = ("__weakref__", "_key", "_pid", "_ready", "slow")

    slow: int
    """Signatures that took the slow way."""

    def __init__(self, key: AgentKey) -> None:
        self.fingerprint = key.fingerprint
        self._key = key
        self._ready: list[Prepared] = []
        self._pid = os.getpid()
        self.slow = 0
        _SIGNERS.add(self)

    @property
    def address(self) -> str:
        """The agent's."""
        return self._key.address

    @property
    def ready(self) -> int:
        """How many fast signatures are left."""
        return len(self._ready)

    def refill(self, ready: int) -> None:
        """Draw nonces until `ready` are left. Raises `Refused` above 4,096."""
        if not 0 <= ready <= READY_MAX:
            raise Refused(f"fast signer: {ready} nonces are not kept; ask for 0 to {READY_MAX}")
        self._own()
        if self.ready >= ready:
            return
        with open("/dev/urandom", "rb", buffering=0) as source:
            while self.ready < ready:
                self._ready.append(self._draw(source))

    def sign_digest(self, digest: bytes) -> tuple[int, int, int]:
        """`(r, s, parity)` of a 32-byte digest, low s."""
        self._own()
        try:
            nonce = self._ready.pop()
        except IndexError:
            return self._sign_slowly(digest)
        s = nonce.finish(digest)
        if not s:
            return self._sign_slowly(digest)
        return (nonce.r, s, nonce.parity) if s <= HALF_ORDER else (nonce.r, ORDER - s, nonce.parity ^ 1)

    def drop(self) -> None:
        """Zero and forget every nonce."""
        self._pid = os.getpid()
        while self._ready:
            self._ready.pop().zero()

    def _own(self) -> None:
        if self._pid != os.getpid():  # forked by C code, which runs no hook of Python's
            self.drop()

    def _sign_slowly(self, digest: bytes) -> tuple[int, int, int]:
        self.slow += 1
        return self._key.sign_digest(digest)

    def _draw(self, source: FileIO) -> Prepared:
        k, blind = _random_scalar(source), _random_scalar(source)
        x, y = point(k)
        r = x % ORDER
        multiply(k, blind)
        inverse = new_buffer(pow(int_of(k), -1, ORDER).to_bytes(32, "big"))
        multiply(inverse, blind)
        zero(k)
        zero(blind)
        return Prepared(r, y & 1 | (x >= ORDER) << 1, inverse, self._key.times_secret(r.to_bytes(32, "big")))


def _random_scalar(source: FileIO) -> Buffer:
    scalar = new_buffer()
    while source.readinto(bytes_of(scalar)) != 32 or not is_secret(scalar):  # a draw beyond the order: odds of 2**-128
        pass
    return scalar


def _drop_all() -> None:
    for signer in list(_SIGNERS):
        signer.drop()


_SIGNERS: weakref.WeakSet[FastSigner] = weakref.WeakSet()
os.register_at_fork(after_in_child=_drop_all)
