"""C31: what a person's own order has to bring with it. A rule, not yet wired: there is no page to order from."""

from __future__ import annotations

import msgspec

from crossbook.timestamp import NS_PER_S

NOTIONAL_E8_MAX = 500 * 100_000_000
"""Largest notional of a manual order, in the reporting asset; the ceiling of C01."""
AUTHENTICATED_NS_MAX = 300 * NS_PER_S
"""How long ago the person may have proved who they are."""


class ManualOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants, asked and answered.

    `notional_e8`: of the order at its limit price, in 1e-8 of the reporting asset; `None` while it has no price.
    `authenticated_ns`: when the person last proved who they are; `None`: never. `asked` is the text that had to be
    typed, `typed` what was.
    """

    notional_e8: int | None
    asked: str
    typed: str
    authenticated_ns: int | None


def manual_reason(order: ManualOrder, now_ns: int) -> str:
    """Why the order is refused, empty if it may go to the gate, which judges it like any other."""
    notional = order.notional_e8
    if notional is None or not 0 < notional <= NOTIONAL_E8_MAX:
        return f"manual order of {notional} x 1e-8 must be above 0, at most {NOTIONAL_E8_MAX}; make it smaller"
    if not (order.asked != "" and order.typed == order.asked):
        return f"confirmation {order.typed!r} is not {order.asked!r}; type it exactly"
    since = order.authenticated_ns
    if since is None or not 0 <= now_ns - since <= AUTHENTICATED_NS_MAX:
        return f"proved who you are at {since}, now it is {now_ns}; log in again, at most 300 s before the order"
    return ""
