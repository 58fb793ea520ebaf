"""What can be asked of Hyperliquid's /exchange: the envelope and its actions, as typed structs.

An action is signed over its JSON as sent, keys in their order; what the real venue loses when it writes the action
again before hashing (trailing zeros, flags that are false, nulls) is lost here too, so that a client that sends them
gets the real venue's answer: a signature of an unknown wallet.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from crossbook.venues.served.user_signed import TYPES

Decimal = Annotated[str, msgspec.Meta(pattern=r"^-?\d+(\.\d+)?$", max_length=40)]
Address = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{40}$")]
Cloid = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{32}$")]
Whole = Annotated[int, msgspec.Meta(ge=0)]


class Signature(msgspec.Struct):
    """`r` and `s` as hex, with or without leading zeros; `v` 27 or 28 (0 or 1 are taken as these)."""

    r: Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{1,64}$")]
    s: Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{1,64}$")]
    v: int


class Envelope(msgspec.Struct, rename="camel"):
    """What is posted. `action` keeps the key order of its JSON."""

    action: dict[str, Any]
    nonce: Whole
    signature: Signature
    vault_address: str | None = None
    expires_after: Whole | None = None


class LimitKind(msgspec.Struct):
    """How long a limit order may wait."""

    tif: Literal["Alo", "Ioc", "Gtc", "FrontendMarket"]


class TriggerKind(msgspec.Struct, rename="camel"):
    """An order that waits for the mark price to reach `trigger_px`."""

    is_market: bool
    trigger_px: Decimal
    tpsl: Literal["tp", "sl"]


class OrderKind(msgspec.Struct):
    """Exactly one of the two."""

    limit: LimitKind | UnsetType = UNSET
    trigger: TriggerKind | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.limit is UNSET) == (self.trigger is UNSET):
            raise ValueError("expected limit or trigger")


class OrderWire(msgspec.Struct):
    """One order: asset, is-buy, price, size, reduce-only, kind, client order id."""

    a: Whole
    b: bool
    p: Decimal
    s: Decimal
    r: bool
    t: OrderKind
    c: Cloid | None = None


class Builder(msgspec.Struct):
    """Who gets how many tenths of a basis point besides."""

    b: Address
    f: Whole


class PriorityGrouping(msgspec.Struct):
    """A priority fee in 1e-8 of the notional."""

    p: Whole


class Order(msgspec.Struct, tag="order"):
    """New orders, one answer each."""

    orders: Annotated[list[OrderWire], msgspec.Meta(min_length=1)]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | PriorityGrouping
    builder: Builder | None = None


class CancelWire(msgspec.Struct):
    """Asset and the venue's order id."""

    a: Whole
    o: Whole


class Cancel(msgspec.Struct, tag="cancel"):
    """Cancel by the venue's ids."""

    cancels: Annotated[list[CancelWire], msgspec.Meta(min_length=1)]
    f: bool = False


class CancelCloidWire(msgspec.Struct):
    """Asset and the client's order id."""

    asset: Whole
    cloid: Cloid


class CancelByCloid(msgspec.Struct, tag="cancelByCloid"):
    """Cancel by the client's ids."""

    cancels: Annotated[list[CancelCloidWire], msgspec.Meta(min_length=1)]
    f: bool = False


class ModifyWire(msgspec.Struct):
    """What replaces the order `oid`."""

    oid: Whole | Cloid
    order: OrderWire


class Modify(msgspec.Struct, tag="modify"):
    """Replace one order; `a`: place the new one even if the old one is gone."""

    oid: Whole | Cloid
    order: OrderWire
    a: bool = False


class BatchModify(msgspec.Struct, tag="batchModify"):
    """Replace several."""

    modifies: Annotated[list[ModifyWire], msgspec.Meta(min_length=1)]
    a: bool = False


class ScheduleCancel(msgspec.Struct, tag="scheduleCancel"):
    """Cancel all orders at `time`; without it, never."""

    time: Whole | None = None


class UpdateLeverage(msgspec.Struct, tag="updateLeverage", rename="camel"):
    """The leverage of an asset."""

    asset: Whole
    is_cross: bool
    leverage: Whole


class UpdateIsolatedMargin(msgspec.Struct, tag="updateIsolatedMargin", rename="camel"):
    """Money for an isolated position."""

    asset: Whole
    is_buy: bool
    ntli: int


class SetReferrer(msgspec.Struct, tag="setReferrer"):
    """Who sent us."""

    code: str


class Noop(msgspec.Struct, tag="noop"):
    """Nothing but a used nonce."""


class ReserveRequestWeight(msgspec.Struct, tag="reserveRequestWeight"):
    """Buy actions beyond the budget."""

    weight: Whole


class TwapWire(msgspec.Struct):
    """Asset, is-buy, size, reduce-only, minutes, randomised."""

    a: Whole
    b: bool
    s: Decimal
    r: bool
    m: Whole
    t: bool


class TwapOrder(msgspec.Struct, tag="twapOrder"):
    """An order in slices."""

    twap: TwapWire


class TwapCancel(msgspec.Struct, tag="twapCancel"):
    """Stop one."""

    a: Whole
    t: Whole


class AgentSetAbstraction(msgspec.Struct, tag="agentSetAbstraction"):
    """How wallets are joined, asked by an agent."""

    abstraction: str


class VaultTransfer(msgspec.Struct, tag="vaultTransfer", rename="camel"):
    """Money to or from a vault."""

    vault_address: Address
    is_deposit: bool
    usd: Whole


class CreateSubAccount(msgspec.Struct, tag="createSubAccount"):
    """A new sub-account."""

    name: str


class SubAccountTransfer(msgspec.Struct, tag="subAccountTransfer", rename="camel"):
    """Money to or from a sub-account."""

    sub_account_user: Address
    is_deposit: bool
    usd: Whole


L1Action = (
    Order | Cancel | CancelByCloid | Modify | BatchModify | ScheduleCancel | UpdateLeverage | UpdateIsolatedMargin
    | SetReferrer | Noop | ReserveRequestWeight | TwapOrder | TwapCancel | AgentSetAbstraction | VaultTransfer
    | CreateSubAccount | SubAccountTransfer
)  # fmt: skip


class UsdSend(msgspec.Struct, tag="usdSend"):
    """Collateral to another address."""

    destination: Address
    amount: Decimal
    time: Whole


class SpotSend(msgspec.Struct, tag="spotSend"):
    """A coin to another address."""

    destination: Address
    token: str
    amount: Decimal
    time: Whole


class Withdraw(msgspec.Struct, tag="withdraw3"):
    """Collateral out to the other chain."""

    destination: Address
    amount: Decimal
    time: Whole


class UsdClassTransfer(msgspec.Struct, tag="usdClassTransfer", rename="camel"):
    """Collateral between the two wallets of an account."""

    amount: str
    to_perp: bool
    nonce: Whole


class SendAsset(msgspec.Struct, tag="sendAsset", rename="camel"):
    """A coin between wallets and addresses."""

    destination: Address
    source_dex: str
    destination_dex: str
    token: str
    amount: Decimal
    from_sub_account: str
    nonce: Whole


class ApproveAgent(msgspec.Struct, tag="approveAgent", rename="camel"):
    """Let a wallet trade for this account."""

    agent_address: Address
    nonce: Whole
    agent_name: str | None = None


class ApproveBuilderFee(msgspec.Struct, tag="approveBuilderFee", rename="camel"):
    """The most a builder may take."""

    max_fee_rate: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?%$")]
    builder: Address
    nonce: Whole


class TokenDelegate(msgspec.Struct, tag="tokenDelegate", rename="camel"):
    """Stake with a validator."""

    validator: Address
    wei: Whole
    is_undelegate: bool
    nonce: Whole


class UserSetAbstraction(msgspec.Struct, tag="userSetAbstraction"):
    """How wallets are joined."""

    user: Address
    abstraction: str
    nonce: Whole


class UserDexAbstraction(msgspec.Struct, tag="userDexAbstraction"):
    """Whether wallets of other exchanges are joined."""

    user: Address
    enabled: bool
    nonce: Whole


UserAction = (
    UsdSend | SpotSend | Withdraw | UsdClassTransfer | SendAsset | ApproveAgent | ApproveBuilderFee | TokenDelegate
    | UserSetAbstraction | UserDexAbstraction
)  # fmt: skip
Action = L1Action | UserAction

USER_SIGNED = frozenset(TYPES)
"""Actions that the account itself signs as typed data of their own; an agent cannot."""

_OPTIONAL = {"f", "a", "c", "time", "builder"}
_DECIMALS = {"p", "s", "triggerPx"}


def parse_envelope(body: bytes) -> tuple[Envelope, Action]:
    """What was posted, and its action typed. Raises `msgspec.MsgspecError` where the venue answers 422."""
    envelope = msgspec.json.decode(body, type=Envelope)
    return envelope, msgspec.convert(envelope.action, type=Action)


def as_hashed(value: Any, key: str = "") -> Any:
    """An action as the venue writes it again before it hashes: same keys, same order, numbers in shortest form."""
    if isinstance(value, dict):
        return {k: as_hashed(v, k) for k, v in value.items() if not (k in _OPTIONAL and (v is None or v is False))}
    if isinstance(value, list):
        return [as_hashed(item) for item in value]
    if isinstance(value, str) and key in _DECIMALS and "." in value:
        return value.rstrip("0").rstrip(".")
    return value
