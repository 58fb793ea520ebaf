"""Signing: one order to its signature, per signer, one call after another on one core."""

from __future__ import annotations

import gc
import hashlib
import hmac
import time
from collections.abc import Callable

from tables import Row, present

from crossbook.types import Venue
from crossbook.venues.binance.signing import Signer
from crossbook.venues.endpoints import Environment
from crossbook.venues.hyperliquid.actions import Kind, Limit, Order, PlaceOrders
from crossbook.venues.hyperliquid.fast_signer import READY_MAX, FastSigner
from crossbook.venues.hyperliquid.signing import l1_digest, l1_hash, recover_l1, sign_l1
from crossbook.venues.keys import AgentKey, Ed25519Key, HmacKey
from crossbook.venues.order_ids import order_ids
from crossbook.venues.secp256k1 import keccak

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
PEM += "-----END PRIVATE KEY-----\n"
AGENT = AgentKey("0123456789" * 6 + "0123")
PARAMS = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "quantity": "0.003", "price": "65000.1",
    "newClientOrderId": "cb-63622e5585000366f000000000000007", "newOrderRespType": "RESULT", "recvWindow": 2000,
}  # fmt: skip
"""An order of ours."""
PAYLOAD = "&".join(f"{name}={value}" for name, value in PARAMS.items()).encode()
NOW = 1_700_000_000_000
REPEATS = 20_000
WARM_UP = 500


def action(cloid: str = "0x63622e5585000366f000000000000007") -> PlaceOrders:
    order = Order(a=0, b=True, p="65000", s="0.003", r=False, t=Kind(limit=Limit(tif="Ioc")), c=cloid)
    return PlaceOrders(orders=[order], grouping="na")


def timed(case: str, call: Callable[[], object], repeats: int = REPEATS, asked: str = "") -> Row:
    """The row of a call, its percentiles from one clock reading around each."""
    taken = []
    gc.disable()
    for _ in range(repeats + WARM_UP):
        begun = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - begun)
    gc.enable()
    taken = sorted(taken[WARM_UP:])
    p50, p99 = (taken[len(taken) * part // 100] / 1_000 for part in (50, 99))
    return {"case": case, "n": repeats, "p50_us": round(p50, 2), "p99_us": round(p99, 2), "asked": asked}


def pycryptodome_row(content: bytes) -> Row:
    """The other keccak there is as a wheel."""
    case = "keccak of 170 bytes, pycryptodome (not used)"
    try:
        from Crypto.Hash import keccak as other
    except ImportError:
        return {"case": case, "note": "not installed"}
    return timed(case, lambda: other.new(digest_bits=256, data=content).digest())


def measure() -> list[Row]:
    key, ed25519 = HmacKey(SECRET), Ed25519Key(PEM)
    rest, ids = Signer(key, "k" * 64), order_ids(Environment.LOCAL, 1, 2, 3)
    fast, order = FastSigner(AGENT), action()
    fast.refill(READY_MAX)
    signature = sign_l1(AGENT, order, NOW, mainnet=False)
    read = {"type": "order", "orders": [], "grouping": "na"}
    content = bytes(170)

    def refill() -> None:
        fresh.drop()
        fresh.refill(1)

    fresh = FastSigner(AGENT)
    return [
        timed(
            "HMAC of a payload, hmac.new (not used)",
            lambda: hmac.new(SECRET.encode(), PAYLOAD, hashlib.sha256).hexdigest(),
        ),
        timed("HMAC of a payload, pre-keyed", lambda: key.sign(PAYLOAD)),
        timed("Ed25519 of a payload", lambda: ed25519.sign(PAYLOAD), 5_000),
        timed("Binance REST order to signed query, HMAC", lambda: rest.sign_rest(PARAMS.items(), NOW)),
        timed("Binance WS order to signed params, HMAC", lambda: rest.sign_ws(PARAMS, NOW)),
        timed("keccak of 170 bytes, safe-pysha3", lambda: keccak(content)),
        pycryptodome_row(content),
        timed("Hyperliquid order to digest", lambda: l1_digest(l1_hash(b"x" * 110, NOW), False)),
        timed("Hyperliquid order to signature, RFC 6979", lambda: sign_l1(AGENT, order, NOW, mainnet=False), 5_000),
        timed(
            "Hyperliquid order to signature, fast signer",
            lambda: sign_l1(fast, order, NOW, mainnet=False),
            READY_MAX - WARM_UP,
        ),
        timed("fast signer: draw one nonce, off the hot path", refill, 2_000),
        timed("Hyperliquid: recover who signed, both networks", lambda: recover_l1(read, NOW, signature), 2_000),
        timed("order id to text", lambda: ids.text(Venue.HYPERLIQUID, 7)),
    ]


if __name__ == "__main__":
    present(__file__, __doc__, measure)
