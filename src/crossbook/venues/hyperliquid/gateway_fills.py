"""Fills at Hyperliquid: each told once, under a number of its own, as ours or as somebody else's; and none missing.

A match is told by stream, in a snapshot after each reconnect and by query, in any order. A fill whose order we have not
heard of yet waits until the venue has said whose it is. Positions are a chain: what a fill says was held before it is
what the one before left; where that breaks, fills are missing and are asked for, and if they are not to be had, a
person is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from crossbook.errors import Refused
from crossbook.events import OrderFilled
from crossbook.money import factor_of
from crossbook.types import InstrumentKind, Level
from crossbook.venues import messages as said
from crossbook.venues.fill_facts import facts_of, side_of, tell_elsewhere, tell_foreign
from crossbook.venues.hyperliquid import normalise
from crossbook.venues.hyperliquid.fills import Chain, Seen, end_position, in_order, is_spot
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_orders import Live, Orders
from crossbook.venues.hyperliquid.messages import Fill

SAME_PAIR = 1 << 50
"""A match's `tid` has 50 bits and belongs to its two orders: a second match of them is the same number and this."""
LINKS_KEPT = 5_000
PAIRS_KEPT = 20_000


class Fills:
    """`on_missing(since_ms)`: fills before this moment of the venue are missing. `on_orphan(oid)`: whose is it?"""

    def __init__(
        self, ground: Ground, orders: Orders, on_missing: Callable[[int], None], on_orphan: Callable[[int], None]
    ) -> None:
        self.since_ms = 0
        """Fills up to this moment of the venue are not ours to tell, but for orders that we follow: the first report
        holds them."""
        self._ground, self._orders = ground, orders
        self._on_missing, self._on_orphan = on_missing, on_orphan
        self._seen = Seen()
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._waiting: dict[int, list[tuple[Fill, int]]] = {}
        self._links = Links()

    def begin(self, since_ms: int, positions: dict[str, str]) -> None:
        """Where the account stood at the first report."""
        self.since_ms = since_ms
        self._links.begin(positions)

    def take(self, fills: list[Fill], ts: int) -> None:
        """More reports of fills, new ones or not, in any order."""
        for fill in in_order(fills):
            live = self._orders.find(fill.cloid, fill.oid)
            if (fill.time <= self.since_ms and live is None) or not self._seen.is_new(fill):
                continue
            if fill.time > self.since_ms and self._links.add(fill):
                self._on_missing(fill.time)
            rank = self._rank(fill)
            whole = normalise.fill(fill, self._ground.account)
            if live is not None or fill.cloid or whole.forced:
                self._tell(fill, whole, live, fill.cloid, rank, ts)
            else:
                waiting = self._waiting.setdefault(fill.oid, [])
                waiting.append((fill, rank))
                if len(waiting) == 1:
                    self._on_orphan(fill.oid)

    def waits(self, oid: int) -> bool:
        """Whether there are fills of an order of which it is not known whose it is."""
        return oid in self._waiting

    def belongs(self, oid: int, cloid: str | None, ts: int) -> None:
        """The venue's order `oid` is the one that its owner calls `cloid`; None: it has no such name."""
        for fill, rank in self._waiting.pop(oid, []):
            whole = normalise.fill(fill, self._ground.account)
            self._tell(fill, whole, self._orders.find(cloid, oid), cloid, rank, ts)

    def broken(self) -> list[str]:
        """The coins whose fills do not join, now that everything was asked for. They begin anew from here."""
        return self._links.broken()

    def _rank(self, fill: Fill) -> int:
        """How many matches of the same two orders there were before."""
        pair = (fill.oid, fill.tid or 0)
        rank = self._pairs[pair]
        self._pairs[pair] += 1
        if len(self._pairs) > 2 * PAIRS_KEPT:
            for old in list(self._pairs)[:PAIRS_KEPT]:
                del self._pairs[old]
        return rank

    def _tell(self, fill: Fill, whole: said.Fill, live: Live | None, cloid: str | None, rank: int, ts: int) -> None:
        ground = self._ground
        number = ground.numbers.get(fill.coin)
        trade = (fill.tid or fill.time) + SAME_PAIR * rank
        try:
            self._book(fill, whole, live, cloid, trade, ts)
        except Refused as error:
            ground.trouble("unbookable", str(error), Level.CLOSE_ONLY, -1 if number is None else number)

    def _book(
        self, fill: Fill, whole: said.Fill, live: Live | None, cloid: str | None, trade: int, ts: int
    ) -> None:  # fmt: skip
        """Raises `Refused` where it is off the instrument's grid."""
        ground = self._ground
        number = ground.numbers.get(fill.coin)
        if number is None:
            tell_elsewhere(ground, whole)
            return
        instrument = ground.instruments[number]
        facts = facts_of(ground, whole, number, trade, side_of(whole), ts)
        if instrument.kind is not InstrumentKind.SPOT:
            ground.address.traded(facts["price"] * facts["lots"] * factor_of(instrument))
        if live is not None and not whole.forced:
            if trade not in live.trades:
                event = OrderFilled(strategy=live.strategy, order=live.order, maker=not fill.crossed, **facts)
                self._orders.on_fill(live, event, fill.oid)
            return
        tell_foreign(ground, whole, facts, self._orders.own(cloid))


class Links:
    """Whether the fills of each perpetual join: at once by `fills.Chain`, and once more over all of them when those
    that were missing have come in between."""

    def __init__(self) -> None:
        self._chain = Chain()
        self._base: dict[str, Decimal] = {}
        self._kept: dict[str, list[Fill]] = {}

    def begin(self, positions: dict[str, str]) -> None:
        """Where each coin stands; one that is not named is flat."""
        self._chain = Chain(positions)
        self._base = {coin: Decimal(text) for coin, text in positions.items()}

    def add(self, fill: Fill) -> bool:
        """A new fill; True if it does not join the one before."""
        if is_spot(fill.coin):
            return False
        self._base.setdefault(fill.coin, Decimal(fill.start_position))
        kept = self._kept.setdefault(fill.coin, [])
        kept.append(fill)
        if len(kept) > LINKS_KEPT:
            self._base[fill.coin] = end_position(kept[LINKS_KEPT // 2 - 1])
            del kept[: LINKS_KEPT // 2]
        return self._chain.take(fill) is not None

    def broken(self) -> list[str]:
        """The coins whose fills do not join in any order of equal moments; they begin anew at their last fill."""
        found, ends = [], {coin: self._chain.position(coin) for coin in self._base}
        for coin, kept in self._kept.items():
            ordered = self._walk(coin)
            if ordered is None:
                found.append(coin)
                ordered = in_order(kept)
                self._base[coin] = ends[coin] = end_position(ordered[-1])
                ordered = []
            elif ordered:
                ends[coin] = end_position(ordered[-1])
            self._kept[coin] = ordered
        self._chain = Chain({coin: f"{end:f}" for coin, end in ends.items() if end is not None})
        return found

    def _walk(self, coin: str) -> list[Fill] | None:
        """The fills in the order in which they join, oldest first; None where they do not."""
        position = self._base[coin]
        left = in_order(self._kept[coin])
        ordered: list[Fill] = []
        while left:
            at = next(
                (
                    k
                    for k, fill in enumerate(left)
                    if fill.time == left[0].time and Decimal(fill.start_position) == position
                ),
                None,
            )
            if at is None:
                return None
            ordered.append(left.pop(at))
            position = end_position(ordered[-1])
        return ordered
