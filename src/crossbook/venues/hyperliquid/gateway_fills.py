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
from typing import TypedDict

from crossbook.errors import Refused
from crossbook.events import ForcedClose, OrderFilled
from crossbook.money import factor_of, parse_e8, price_to_ticks, quantity_to_lots
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, InstrumentKind, Level, Side
from crossbook.venues import messages as said
from crossbook.venues.hyperliquid import normalise
from crossbook.venues.hyperliquid.fills import Chain, Seen, end_position, in_order, is_spot
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_orders import Live, Orders
from crossbook.venues.hyperliquid.messages import Fill

NOBODY = -1
SAME_PAIR = 1 << 50
"""A match's `tid` has 50 bits and belongs to its two orders: a second match of them is the same number and this."""
LINKS_KEPT = 5_000
PAIRS_KEPT = 20_000


class Common(TypedDict):
    """What a fill is, whoever's."""

    ts: int
    ts_venue: int
    instrument: int
    venue: int
    trade: int
    side: int
    price: int
    lots: int
    fee_e8: int
    fee_asset: int


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
            level = Level.KILLED if whole.forced else Level.ACTIVE
            ground.trouble(
                "forced_close" if whole.forced else "foreign_trade",
                f"{_words(whole)}, which the desk does not trade", level,
            )  # fmt: skip
            return
        instrument = ground.instruments[number]
        common = self._common(fill, instrument, number, trade, ts)
        if instrument.kind is not InstrumentKind.SPOT:
            ground.address.traded(common["price"] * common["lots"] * factor_of(instrument))
        if live is not None and not whole.forced:
            if trade not in live.trades:
                event = OrderFilled(strategy=live.strategy, order=live.order, maker=not fill.crossed, **common)
                self._orders.on_fill(live, event, fill.oid)
            return
        self._tell_foreign(whole, common, cloid, number)

    def _tell_foreign(self, whole: said.Fill, common: Common, cloid: str | None, number: int) -> None:
        ground = self._ground
        own = self._orders.own(cloid)
        maker = bool(whole.maker)
        if whole.forced:
            ground.desk.on_event(ForcedClose(strategy=NOBODY, order=0, **common))
            ground.trouble("forced_close", _words(whole), Level.KILLED, number)
        elif own is not None:
            ground.desk.on_event(OrderFilled(strategy=own.strategy, order=own.order, maker=maker, **common))
        else:
            ground.desk.on_event(OrderFilled(strategy=NOBODY, order=0, maker=maker, **common))
            ground.trouble("foreign_trade", _words(whole), Level.CLOSE_ONLY, number)

    def _common(self, fill: Fill, instrument: Instrument, number: int, trade: int, ts: int) -> Common:
        ground = self._ground
        asset = fill.fee_token or instrument.settle
        fee_e8 = parse_e8(fill.fee, f"{instrument.name} fee")
        fee_asset = ground.assets.get(asset)
        if fee_asset is None:
            if fee_e8:
                text = f"{instrument.name}: a fee of {fill.fee} {asset}, which the desk does not keep"
                ground.trouble("fee_in_foreign_asset", text, Level.CLOSE_ONLY)
            fee_e8, fee_asset = 0, ground.assets.get(instrument.settle, 0)
        return Common(
            ts=ts, ts_venue=ground.ours_ns(fill.time * NS_PER_MS, ts), instrument=number, venue=int(ground.venue),
            trade=trade, side=int(Side.BUY if fill.side == "B" else Side.SELL),
            price=price_to_ticks(fill.px, instrument), lots=quantity_to_lots(fill.sz, instrument), fee_e8=fee_e8,
            fee_asset=fee_asset,
        )  # fmt: skip


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


def _words(fill: said.Fill) -> str:
    who = fill.origin or fill.client_order_id or f"order {fill.venue_order_id}"
    return f"{fill.instrument}: {fill.side} {fill.quantity} at {fill.price} by {who}"
