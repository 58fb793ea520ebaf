"""A position at average cost in integers: what a fill opens, closes and realises."""

from __future__ import annotations

from typing import NamedTuple

from crossbook.money import divide_half_even


class Change(NamedTuple):
    """What one fill did to a position: lots and signed cost (1e-8) before and after, the fill's signed cash, the part
    of it that closed lots brought, and the P&L that closing realised."""

    lots_before: int
    lots_after: int
    cost_before: int
    cost_after: int
    cash: int
    closed_lots: int
    closed_cash: int
    realised: int


def change(lots: int, cost: int, signed_lots: int, cash: int, closing_cash: int) -> Change:
    """Apply a fill of `signed_lots` with signed `cash` to a position.

    `closing_cash` is the cash of the lots that close (see `closing_lots`). A fill through zero is a close and an
    open. The cost released by closing part of a position is its share rounded down; the rest stays, so that a flat
    position has cost 0 exactly.
    """
    closed = closing_lots(lots, signed_lots)
    released = cost * closed // abs(lots) if closed else 0
    realised = closing_cash - released if closed else 0
    opened = 0 if closed == abs(signed_lots) else -(cash - closing_cash)
    return Change(
        lots, lots + signed_lots, cost, cost - released + opened, cash, closed, closing_cash, realised
    )  # fmt: skip


def closing_lots(lots: int, signed_lots: int) -> int:
    """How many of a fill's lots reduce the position it meets."""
    return min(abs(lots), abs(signed_lots)) if lots * signed_lots < 0 else 0


def share_half_even(total: int, part: int, whole: int) -> int:
    """`total * part / whole`, half-even: a named rounding for splitting one amount."""
    return divide_half_even(total * part, whole)
