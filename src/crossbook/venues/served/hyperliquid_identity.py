"""Who asks, and may he: signature, agent, vault, nonce, expiry, budget. What fails is answered in the venue's words."""

from __future__ import annotations

from crossbook.errors import Refused
from crossbook.money import text_e8
from crossbook.venues.hyperliquid import signing
from crossbook.venues.served.hyperliquid_actions import (
    USER_SIGNED,
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    Envelope,
    Order,
    as_hashed,
)
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.user_signed import recover_user_signed
from crossbook.venues.served.world import Trader

NOBODY = "0x" + "0" * 40
STALE_COST = 5
"""What an action costs an address that arrives after its expiry."""


class Turned(Exception):  # it is an answer, not a fault
    """The whole action is refused; the text is the venue's."""


def authenticate(floor: Floor, envelope: Envelope, action: Action) -> Trader:
    """The account an action is for. Raises `Turned`, and `Refused` where a field of an action to be signed is missing.

    Only a signature that is accepted uses up its nonce, and only an action that got so far costs its address.
    """
    user_signed = envelope.action["type"] in USER_SIGNED
    owner, signer = _typed_signer(floor, envelope) if user_signed else _l1_signer(floor, envelope)
    trader = floor.traders[owner]
    wrong = floor.nonces.refusal(signer, envelope.nonce, floor.now_ms)
    if wrong is not None:
        raise Turned(wrong)
    if envelope.expires_after is not None and envelope.expires_after < floor.now_ms:
        _spend(floor, owner, STALE_COST, False)
        raise Turned("Action already expired")
    if not user_signed:
        _spend(floor, owner, cost_of(action), isinstance(action, Cancel | CancelByCloid))
    return trader


def cost_of(action: Action) -> int:
    """What an action costs its address: a batch of n costs n."""
    if isinstance(action, Order):
        return len(action.orders)
    if isinstance(action, Cancel | CancelByCloid):
        return len(action.cancels)
    return len(action.modifies) if isinstance(action, BatchModify) else 1


def _l1_signer(floor: Floor, envelope: Envelope) -> tuple[str, str]:
    """The account and the wallet that signed for it, whichever network it was signed for."""
    try:
        vault = signing.vault_of(envelope.vault_address)
    except Refused:
        raise Turned(f"Vault not registered: {envelope.vault_address}") from None
    signers = signing.recover_l1(
        as_hashed(envelope.action), envelope.nonce, _signature(envelope), vault, envelope.expires_after
    )
    for signer in (signers.testnet, signers.mainnet):
        owner = None if signer is None else _owner(floor, signer)
        if owner is None or signer is None:
            continue
        address = None if vault is None else "0x" + vault.hex()
        if address is not None and address != owner:
            raise Turned(f"Vault not registered: {address}")
        return owner, signer
    raise Turned(f"User or API Wallet {signers.testnet or signers.mainnet or NOBODY} does not exist.")


def _owner(floor: Floor, signer: str) -> str | None:
    """The account that a wallet may trade for now."""
    if signer in floor.traders:
        return signer
    agent = floor.agents.get(signer)
    if agent is None or agent.valid_until_ms <= floor.now_ms or floor.is_revoked(agent.owner):
        return None
    return agent.owner


def _typed_signer(floor: Floor, envelope: Envelope) -> tuple[str, str]:
    """The account itself: no agent moves money or lends authority."""
    signer = recover_user_signed(envelope.action, _signature(envelope))
    if signer not in floor.traders:
        raise Turned(f"Must deposit before performing actions. User: {signer or NOBODY}")
    return signer, signer


def _signature(envelope: Envelope) -> signing.Signature:
    return signing.Signature(envelope.signature.r, envelope.signature.s, envelope.signature.v)


def _spend(floor: Floor, address: str, cost: int, cancels: bool) -> None:
    traded = floor.traded_e8(address)
    verdict = floor.limits.act(address, traded, floor.now_ns, count=cost, cancels=cancels)
    if not verdict.ok:
        used, cap = verdict.counts["address"], floor.limits.cap(address, traded)
        raise Turned(
            f"Too many cumulative requests sent ({used} > {cap}) for cumulative volume traded ${text_e8(traded)}. "
            "Place taker orders to free up 1 request per USDC traded."
        )
