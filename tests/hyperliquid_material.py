"""A served Hyperliquid without a wire: a floor over a short market, and signed actions to put to it."""

from __future__ import annotations

from typing import Any

import msgspec
from served_material import HandClock, new_world

from crossbook.venues import secp256k1
from crossbook.venues.hyperliquid.signing import l1_digest, l1_hash
from crossbook.venues.served.accounts import Account, make_accounts
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.hyperliquid_actions import parse_envelope
from crossbook.venues.served.hyperliquid_exchange import Failed, perform
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_identity import Turned, authenticate
from crossbook.venues.served.limits import Limits

Json = dict[str, Any]


class Wallet:
    """Somebody's key, which here may sign anything."""

    def __init__(self, private_key: str) -> None:
        self.secret = secp256k1.new_buffer(bytes.fromhex(private_key.removeprefix("0x")))
        self.address = secp256k1.address_of(self.secret)

    def signed(self, digest: bytes) -> Json:
        """A signature as clients send it."""
        r, s, parity = secp256k1.sign_digest(self.secret, digest)
        return {"r": hex(r), "s": hex(s), "v": 27 + parity}

    def envelope(
        self, action: Json, nonce: int, *, mainnet: bool = False, vault: str | None = None, expires: int | None = None
    ) -> Json:
        """An L1 action ready to be posted."""
        vault_bytes = None if vault is None else bytes.fromhex(vault.removeprefix("0x"))
        digest = l1_digest(l1_hash(msgspec.msgpack.encode(action), nonce, vault_bytes, expires), mainnet)
        return {
            "action": action,
            "nonce": nonce,
            "signature": self.signed(digest),
            "vaultAddress": vault,
            "expiresAfter": expires,
        }


class Venue:
    """The floor, its clock, and the wallets of its first account."""

    def __init__(
        self, accounts: tuple[Account, ...] = (), *, count: int = 1, limits: Limits | None = None,
        faults: Faults | None = None,
    ) -> None:  # fmt: skip
        self.world, self.clock = new_world(accounts or tuple(make_accounts(1, count)))
        self.floor = Floor(self.world, limits or Limits(), faults or Faults())
        self.account = next(iter(self.world.traders.values())).account
        self.master = Wallet(self.account.private_key) if self.account.private_key else None
        self.agents = [Wallet(agent.private_key) for agent in self.account.agents if agent.private_key]
        self._nonce = self.floor.now_ms

    def nonce(self) -> int:
        """A new one."""
        self._nonce += 1
        return self._nonce

    def post(self, envelope: Json) -> Json:
        """What /exchange answers."""
        parsed, action = parse_envelope(msgspec.json.encode(envelope))
        self.floor.catch_up()
        try:
            trader = authenticate(self.floor, parsed, action)
            return {"status": "ok", "response": perform(self.floor, trader, action)}
        except (Turned, Failed) as no:
            return {"status": "err", "response": str(no)}

    def act(self, action: Json, wallet: Wallet | None = None, **more: Any) -> Json:
        """Sign and post."""
        who = wallet or self.master
        assert who is not None
        return self.post(who.envelope(action, self.nonce(), **more))


def order(price: str, size: str = "0.01", *, buy: bool = True, tif: str = "Gtc", cloid: str | None = None) -> Json:
    """An action of one BTC order, its keys in the order of the official SDK."""
    wire: Json = {"a": 0, "b": buy, "p": price, "s": size, "r": False, "t": {"limit": {"tif": tif}}}
    if cloid is not None:
        wire["c"] = cloid
    return {"type": "order", "orders": [wire], "grouping": "na"}


__all__ = ["HandClock", "Json", "Venue", "Wallet", "order"]
