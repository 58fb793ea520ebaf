"""Double entry: every venue event becomes one posting whose legs sum to zero in every asset."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import msgspec

from crossbook.events import EventKind
from crossbook.ledger.declaration import Terms
from crossbook.ledger.entries import EventRow
from crossbook.ledger.positions import Change
from crossbook.money import divide_half_even


class Account(IntEnum):
    """What an account is for. Cash is the venue's wallet; all others say why it changed."""

    CASH = 0
    POSITION_COST = 1
    """Signed cost of open contracts; its contra is TRADING, for no cash moves when a contract opens."""
    TRADING = 2
    REALISED = 3
    FEE = 4
    FUNDING = 5
    FLOW = 6
    """Money from or to outside, opening balances included."""
    UNATTRIBUTED = 7
    """What no strategy caused: the rest of a funding payment that no strategy's position explains."""


CASH, POSITION_COST, TRADING, REALISED = Account.CASH, Account.POSITION_COST, Account.TRADING, Account.REALISED
FEE, FUNDING, FLOW, UNATTRIBUTED = Account.FEE, Account.FUNDING, Account.FLOW, Account.UNATTRIBUTED

NOBODY = -1
"""The strategy of what no strategy of this run caused."""

Key = tuple[int, int, int, int, int]
"""A venue event's identity: kind, venue, instrument (-1: none), the venue's id, our order (0: none)."""


class Leg(NamedTuple):
    """One side of a posting: `amount` (1e-8 of `asset`) moves into the account (venue, asset, kind, strategy)."""

    venue: int
    asset: int
    account: Account
    strategy: int
    amount: int


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One venue event, booked. Never changed; a correction is another posting.

    `prices` are the asset prices (1e-10) when it was booked, `lots` the signed position change of `strategy`,
    `price` the ticks of a fill, `counted` whether the window of the figures had begun.
    """

    key: Key
    ts: int
    ts_venue: int
    instrument: int
    strategy: int
    lots: int
    price: int
    legs: tuple[Leg, ...]
    prices: tuple[int, ...]
    counted: bool


def key_of(row: EventRow) -> Key:
    """Who this event is, whatever way and however often it reached us."""
    if row.kind == EventKind.TRANSFER:
        return (row.kind, row.venue, -1, row.id2, 0)
    if row.kind == EventKind.FUNDING_PAID:
        return (row.kind, row.venue, row.instrument, row.id2, 0)
    return (row.kind, row.venue, row.instrument, row.id2, row.id)


def packed_key(row: EventRow) -> int:
    """The same as one number: for those who remember many."""
    return packed(key_of(row))


@lru_cache(maxsize=8)
def packed(key: Key) -> int:
    """A key as one number; those who ask for the same key in turn share it."""
    kind, venue, instrument, number, order = key
    return ((number << 64 | order & _MASK) << 48) | (kind << 32) | ((venue + 1) << 16) | (instrument + 1)


_MASK = (1 << 64) - 1


def fill_cash_e8(terms: Terms, side: int, price: int, lots: int) -> int:
    """The signed cash of a fill in 1e-8 of `terms.quote`, before fees. Inverse: half-even to 1e-8 coin."""
    sign = 1 - 2 * side
    if terms.inverse:
        return sign * divide_half_even(lots * terms.factor, price)
    return -sign * lots * price * terms.factor


def fill_legs(terms: Terms, row: EventRow, strategy: int, change: Change) -> tuple[Leg, ...]:
    """Spot: coin and quote change hands. Contracts: cost moves; what a close realised moves to cash. Then the fee."""
    venue, quote = row.venue, terms.quote
    legs = []
    if terms.spot:
        coin = (1 - 2 * row.side) * row.lots * terms.lot_e8
        legs += [Leg(venue, terms.base, CASH, NOBODY, coin), Leg(venue, terms.base, TRADING, strategy, -coin)]
        legs += [Leg(venue, quote, CASH, NOBODY, change.cash), Leg(venue, quote, TRADING, strategy, -change.cash)]
        if change.realised:
            legs += [Leg(venue, quote, TRADING, strategy, change.realised)]
            legs += [Leg(venue, quote, REALISED, strategy, -change.realised)]
    else:
        cost = change.cost_after - change.cost_before
        legs += [Leg(venue, quote, POSITION_COST, strategy, cost), Leg(venue, quote, TRADING, strategy, -cost)]
        if change.realised:
            legs += [Leg(venue, quote, CASH, NOBODY, change.realised)]
            legs += [Leg(venue, quote, REALISED, strategy, -change.realised)]
    if row.lots2:
        legs += [Leg(venue, row.asset, CASH, NOBODY, -row.lots2), Leg(venue, row.asset, FEE, strategy, row.lots2)]
    return tuple(legs)


def transfer_legs(row: EventRow) -> tuple[Leg, ...]:
    """Money in or out: a flow."""
    return (
        Leg(row.venue, row.asset, CASH, NOBODY, row.lots),
        Leg(row.venue, row.asset, FLOW, NOBODY, -row.lots),
    )


def funding_legs(row: EventRow, shares: dict[int, int]) -> tuple[Leg, ...]:
    """The venue's payment, each strategy's share of it, and the rest that nobody's position explains."""
    legs = [Leg(row.venue, row.asset, CASH, NOBODY, row.lots)]
    legs += [Leg(row.venue, row.asset, FUNDING, strategy, -share) for strategy, share in shares.items() if share]
    rest = row.lots - sum(shares.values())
    if rest or len(legs) == 1:
        legs.append(Leg(row.venue, row.asset, UNATTRIBUTED, NOBODY, -rest))
    return tuple(legs)


def funding_share_e8(terms: Terms, lots: int, mark_e8: int, rate_e8: int) -> int:
    """What a position of `lots` (signed) is paid at a funding stamp, half-even to 1e-8 of the settle asset."""
    if terms.inverse:
        return divide_half_even(-lots * terms.contract_e8 * rate_e8, mark_e8)
    return divide_half_even(-lots * terms.lot_e8 * mark_e8 * rate_e8, 10**16)
