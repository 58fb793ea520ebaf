"""Which fills are one and the same, and whether any is missing between two: the venue's own keys and its chain.

A fill comes by stream, in a snapshot after each reconnect and by query. `tid` is a hash of two orders, so only time,
coin and tid (with the order) name a match. `startPosition` says the position before a fill: it must be what the fill
before it left.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import msgspec

from crossbook.venues.hyperliquid.messages import Fill

FillKey = tuple[int, str, int, int, str, str]
"""Time, coin, tid, oid; and size and start position, which tell apart two matches of one block."""

ATOMIC = ("Spot Dust Conversion", "Net Child Vaults", "Settlement")
"""What a fill's `dir` says where no match on the book made it."""


def fill_key(fill: Fill) -> FillKey:
    """What two reports of one fill share and two fills do not."""
    return (fill.time, fill.coin, fill.tid or 0, fill.oid, fill.sz, fill.start_position)


def signed_size(fill: Fill) -> Decimal:
    """What the fill did to the position."""
    size = Decimal(fill.sz)
    return size if fill.side == "B" else -size


def end_position(fill: Fill) -> Decimal:
    """The position after a fill. Spot: buys lose their fee if it is paid in the coin received."""
    return Decimal(fill.start_position) + signed_size(fill)


class Gap(msgspec.Struct, frozen=True):
    """A fill that does not start where the one before it ended: some are missing, ask for them."""

    coin: str
    time: int
    expected: Decimal
    found: Decimal


class Seen:
    """Lets each fill through once, and remembers the last `kept` of them."""

    def __init__(self, kept: int = 20_000) -> None:
        self._kept = kept
        self._order: deque[FillKey] = deque()
        self._keys: set[FillKey] = set()

    def is_new(self, fill: Fill) -> bool:
        """Whether this is the first report of it; from now on it is not."""
        key = fill_key(fill)
        if key in self._keys:
            return False
        self._keys.add(key)
        self._order.append(key)
        if len(self._order) > self._kept:
            self._keys.discard(self._order.popleft())
        return True


class Chain:
    """Follows each perpetual's position through its fills. Feed it new fills only, oldest first.

    Spot coins are not followed: deposits, fees and transfers move them between fills.
    """

    def __init__(self, positions: dict[str, str] | None = None) -> None:
        self._positions = {coin: Decimal(text) for coin, text in (positions or {}).items()}

    def take(self, fill: Fill) -> Gap | None:
        """The gap before this fill, if there is one; either way the chain goes on from it."""
        if is_spot(fill.coin):
            return None
        found = Decimal(fill.start_position)
        expected = self._positions.get(fill.coin, found)
        self._positions[fill.coin] = end_position(fill)
        return None if expected == found else Gap(fill.coin, fill.time, expected, found)

    def position(self, coin: str) -> Decimal | None:
        """Where the chain stands; None before the first fill of a coin."""
        return self._positions.get(coin)


def is_spot(coin: str) -> bool:
    """Spot pairs are called `@107` or, the first, `PURR/USDC`."""
    return coin.startswith("@") or "/" in coin


def in_order(fills: list[Fill]) -> list[Fill]:
    """Oldest first. Answers list the newest time first, but the fills of one time in the order they happened."""
    return sorted(fills, key=lambda fill: fill.time)
