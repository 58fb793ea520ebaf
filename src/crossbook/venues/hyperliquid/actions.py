"""What we can ask of Hyperliquid: eight actions and no more. Nothing that moves money or lends authority has a type.

Fields stand in the order in which the venue hashes them. What is absent is left out, never null or false: the venue
writes an action anew before it hashes it, without them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from crossbook.errors import Refused

Uint = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Number = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]*)(\.[0-9]+)?\Z", max_length=40)]
"""A decimal without exponent. Ours have no trailing zeros, as `money.text_e8` writes them: so the venue hashes them."""
Cloid = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-f]{32}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-f]{40}\Z")]


class Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """A part of an action."""


class Limit(Part, frozen=True):
    """How long a limit order may wait; `Alo` never takes."""

    tif: Literal["Alo", "Ioc", "Gtc"]


class Trigger(Part, frozen=True):
    """Wait for the mark price to reach `trigger_px`, then send a stop (`sl`) or take-profit (`tp`) order."""

    is_market: bool
    trigger_px: Number
    tpsl: Literal["tp", "sl"]


class Kind(Part, frozen=True):
    """Exactly one of the two."""

    limit: Limit | None = None
    trigger: Trigger | None = None

    def __post_init__(self) -> None:
        if (self.limit is None) == (self.trigger is None):
            raise ValueError("An order has either `limit` or `trigger`")


class Order(Part, frozen=True):
    """Asset, is it a buy, price, size, reduce-only, kind, client order id."""

    a: Uint
    b: bool
    p: Number
    s: Number
    r: bool
    t: Kind
    c: Cloid | None = None


class Priority(Part, frozen=True):
    """A fee of p/1e8 of the notional for an earlier place in the block."""

    p: Uint


class Builder(Part, frozen=True):
    """Who routed the order, and his fee in tenths of a basis point."""

    b: Address
    f: Uint


class Cancel(Part, frozen=True):
    """Asset and the venue's order id."""

    a: Uint
    o: Uint


class CancelCloid(Part, frozen=True):
    """Asset and our order id."""

    asset: Uint
    cloid: Cloid


class Change(Part, frozen=True):
    """What replaces the order `oid`, the venue's id or ours."""

    oid: Uint | Cloid
    order: Order


class PlaceOrders(Part, frozen=True, tag_field="type", tag="order"):
    """New orders; one answer each."""

    orders: list[Order]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | Priority
    builder: Builder | None = None


class CancelOrders(Part, frozen=True, tag_field="type", tag="cancel"):
    """Cancel by the venue's ids; `f`: fast, which may not name trigger orders."""

    cancels: list[Cancel]
    f: bool = False


class CancelByCloid(Part, frozen=True, tag_field="type", tag="cancelByCloid"):
    """Cancel by our ids."""

    cancels: list[CancelCloid]
    f: bool = False


class Modify(Part, frozen=True, tag_field="type", tag="modify"):
    """Replace one order; `a`: place the new one even if the old one was gone."""

    oid: Uint | Cloid
    order: Order
    a: bool = False


class BatchModify(Part, frozen=True, tag_field="type", tag="batchModify"):
    """Replace several."""

    modifies: list[Change]
    a: bool = False


class ScheduleCancel(Part, frozen=True, tag_field="type", tag="scheduleCancel"):
    """Cancel everything at `time`, ms, unless told again before; without a time: take that back."""

    time: Uint | None = None


class UpdateLeverage(Part, frozen=True, tag_field="type", tag="updateLeverage"):
    """Leverage of an asset, cross or isolated."""

    asset: Uint
    is_cross: bool
    leverage: Uint


class Noop(Part, frozen=True, tag_field="type", tag="noop"):
    """Nothing, but it uses up its nonce: an action in flight with that nonce can no longer land."""


Action = (
    PlaceOrders | CancelOrders | CancelByCloid | Modify | BatchModify | ScheduleCancel | UpdateLeverage | Noop
)  # fmt: skip
ALLOWED = tuple(str(kind.__struct_config__.tag) for kind in get_args(Action))
"""The names of the actions, in words of the venue."""


class Checked(msgspec.Struct, frozen=True):
    """An allowed action whose keys stand in an order of somebody's own, as its msgpack. Made by `check_action`."""

    packed: bytes


def check_action(action: Any) -> Checked:
    """An action given as JSON, if it is one of ours; its key order is kept. Raises `Refused` otherwise."""
    kind = action.get("type") if isinstance(action, dict) else None
    if kind not in ALLOWED:
        said = "of no type" if kind is None else repr(kind)[:40]
        raise Refused(f"action {said}: is not signed here; allowed are {', '.join(ALLOWED)}")
    try:
        typed = msgspec.convert(action, Action)
    except msgspec.ValidationError as error:
        raise Refused(f"action {kind}: {error}; see the venue's documents for its fields") from None
    if msgspec.to_builtins(typed) != action:
        raise Refused(f"action {kind}: a flag is false or a field null; leave it out, as the venue does when it hashes")
    return Checked(msgspec.msgpack.encode(action))


def packed(action: Action | Checked) -> bytes:
    """The bytes that are hashed."""
    return action.packed if isinstance(action, Checked) else _ENCODER.encode(action)


_ENCODER = msgspec.msgpack.Encoder()
