"""How often one may ask the served venues, by their own rules, and how they answer who asks too often.

Binance: request weight per minute and IP, orders per window and account, a ban (418) for who goes on after a 429.
Hyperliquid: request weight per minute and IP, and a budget of actions per address that grows with what it traded.
Pure: the time is handed in. Windows are the clock's own (a minute begins at :00), as at Binance.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crossbook.money import E8
from crossbook.timestamp import NS_PER_DAY, NS_PER_S
from crossbook.types import Venue

MINUTE_NS = 60 * NS_PER_S
OK, TOO_MANY, BANNED = 200, 429, 418


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` in each `every_ns`. `name` as Binance's headers write it (10S, 1M, 1D)."""

    name: str
    every_ns: int
    most: int


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's limits. `after_429`: how many more requests in that window before the ban, whose length doubles from
    `ban_ns` up to `ban_ns_max`."""

    weight: Window
    orders: tuple[Window, ...] = ()
    after_429: int = 10
    ban_ns: int = 120 * NS_PER_S
    ban_ns_max: int = 3 * NS_PER_DAY


RULES: Mapping[Venue, Rules] = {
    Venue.BINANCE_SPOT: Rules(
        weight=Window(name="1M", every_ns=MINUTE_NS, most=6_000),
        orders=(
            Window(name="10S", every_ns=10 * NS_PER_S, most=100),
            Window(name="1D", every_ns=NS_PER_DAY, most=200_000),
        ),
    ),
    Venue.BINANCE_USDM: Rules(
        weight=Window(name="1M", every_ns=MINUTE_NS, most=2_400),
        orders=(
            Window(name="10S", every_ns=10 * NS_PER_S, most=300),
            Window(name="1M", every_ns=MINUTE_NS, most=1_200),
        ),
    ),
    Venue.HYPERLIQUID: Rules(weight=Window(name="1M", every_ns=MINUTE_NS, most=1_200), after_429=1 << 62),
}
ADDRESS_BUDGET = 10_000
ADDRESS_SLOW_NS = 10 * NS_PER_S
CANCEL_EXTRA = 100_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a request may go on: `status` 200, 429 or 418; then wait `retry_after_ns`, until `until_ns`.

    `counts`: what is used now, by window name, this request included. `window`: the one that said no.
    """

    status: int
    counts: dict[str, int]
    retry_after_ns: int = 0
    until_ns: int = 0
    window: Window | None = None

    @property
    def ok(self) -> bool:
        """Whether it may go on."""
        return self.status == OK

    @property
    def retry_after_s(self) -> int:
        """Whole seconds, rounded up, at least 1, for Retry-After."""
        return max(1, -(-self.retry_after_ns // NS_PER_S))


class _Count:
    """What one IP or account used in one window."""

    __slots__ = ("period", "used")

    def __init__(self) -> None:
        self.period = -1
        self.used = 0

    def at(self, window: Window, now_ns: int) -> int:
        period = now_ns // window.every_ns
        if period != self.period:
            self.period, self.used = period, 0
        return self.used


class _Peer:
    """What one IP did at one venue. `strikes`: bans so far; `refused`: requests since a 429 of this window."""

    __slots__ = ("banned_until", "refused", "strikes", "weight")

    def __init__(self) -> None:
        self.weight = _Count()
        self.refused = 0
        self.strikes = 0
        self.banned_until = 0


class _Budget:
    """What an address used of its actions. `last_ns`: when it was last let through beyond its budget."""

    __slots__ = ("bought", "last_ns", "used")

    def __init__(self) -> None:
        self.used = 0
        self.bought = 0
        self.last_ns = -ADDRESS_SLOW_NS


class Limits:
    """The counters of all venues. `rules`: others than the venues' own, for tests that want to meet them sooner."""

    def __init__(self, rules: Mapping[Venue, Rules] = RULES, *, address_budget: int = ADDRESS_BUDGET) -> None:
        self.rules = dict(rules)
        self.address_budget = address_budget
        self._peers: dict[tuple[Venue, str], _Peer] = {}
        self._orders: dict[tuple[Venue, str, str], _Count] = {}
        self._budgets: dict[str, _Budget] = {}

    def weigh(self, venue: Venue, ip: str, weight: int, now_ns: int) -> Verdict:
        """Count a request of this weight. A refused one counts too; a banned IP is told how long."""
        rules = self.rules[venue]
        peer = self._peers.setdefault((venue, ip), _Peer())
        before = peer.weight.at(rules.weight, now_ns)
        if now_ns < peer.banned_until:
            return self._ban(rules, peer, before, now_ns)
        if before == 0:
            peer.refused = 0
        peer.weight.used += weight
        counts = {rules.weight.name: peer.weight.used}
        if peer.weight.used <= rules.weight.most:
            return Verdict(status=OK, counts=counts)
        peer.refused += 1
        if peer.refused > rules.after_429:
            peer.banned_until = now_ns + min(rules.ban_ns << peer.strikes, rules.ban_ns_max)
            peer.strikes = min(peer.strikes + 1, 20)
            return self._ban(rules, peer, peer.weight.used, now_ns)
        return _too_many(rules.weight, counts, now_ns)

    def weight_used(self, venue: Venue, ip: str, now_ns: int) -> int:
        """What this IP used of this minute."""
        peer = self._peers.get((venue, ip))
        return peer.weight.at(self.rules[venue].weight, now_ns) if peer else 0

    def give_back(self, venue: Venue, ip: str, weight: int, now_ns: int) -> None:
        """Take weight off again: an order that succeeded costs none at Binance spot."""
        peer = self._peers.get((venue, ip))
        if peer is not None:
            peer.weight.used = max(0, peer.weight.at(self.rules[venue].weight, now_ns) - weight)

    def order(self, venue: Venue, account: str, now_ns: int, count: int = 1) -> Verdict:
        """Count new orders of an account in every window, or none of them if one is full."""
        windows = self.rules[venue].orders
        kept = [self._orders.setdefault((venue, account, window.name), _Count()) for window in windows]
        for window, one in zip(windows, kept, strict=True):
            if one.at(window, now_ns) + count > window.most:
                return _too_many(window, self.order_counts(venue, account, now_ns), now_ns)
        for one in kept:
            one.used += count
        return Verdict(status=OK, counts=self.order_counts(venue, account, now_ns))

    def order_filled(self, venue: Venue, account: str, now_ns: int) -> None:
        """An order got its first fill: Binance spot counts only unfilled orders."""
        for window in self.rules[venue].orders:
            one = self._orders.get((venue, account, window.name))
            if one is not None:
                one.used = max(0, one.at(window, now_ns) - 1)

    def order_counts(self, venue: Venue, account: str, now_ns: int) -> dict[str, int]:
        """Orders in each window now, by its name."""
        return {
            window.name: one.at(window, now_ns) if (one := self._orders.get((venue, account, window.name))) else 0
            for window in self.rules[venue].orders
        }

    def act(self, address: str, traded_e8: int, now_ns: int, *, count: int = 1, cancels: bool = False) -> Verdict:
        """Count `count` Hyperliquid actions of an address that has traded `traded_e8` of USDC in all.

        Beyond its budget it gets one every ten seconds; cancels have a budget that is larger by 100,000, at most
        twice as large.
        """
        budget = self._budgets.setdefault(address, _Budget())
        cap = self.cap(address, traded_e8)
        most = min(cap + CANCEL_EXTRA, 2 * cap) if cancels else cap
        counts = {"address": budget.used + count}
        if budget.used + count > most:
            waits = budget.last_ns + ADDRESS_SLOW_NS - now_ns
            if waits > 0:
                return Verdict(status=TOO_MANY, counts=counts, retry_after_ns=waits, until_ns=now_ns + waits)
            budget.last_ns = now_ns
        budget.used += count
        return Verdict(status=OK, counts=counts)

    def cap(self, address: str, traded_e8: int) -> int:
        """How many actions an address has in all: one for each USDC traded, the first ones, and those it bought."""
        budget = self._budgets.get(address)
        return self.address_budget + traded_e8 // E8 + (budget.bought if budget else 0)

    def actions_used(self, address: str) -> int:
        """How many of them it used."""
        budget = self._budgets.get(address)
        return budget.used if budget else 0

    def reserve(self, address: str, count: int) -> None:
        """An address bought more actions (reserveRequestWeight)."""
        self._budgets.setdefault(address, _Budget()).bought += count

    def _ban(self, rules: Rules, peer: _Peer, used: int, now_ns: int) -> Verdict:
        return Verdict(
            status=BANNED,
            counts={rules.weight.name: used},
            retry_after_ns=peer.banned_until - now_ns,
            until_ns=peer.banned_until,
            window=rules.weight,
        )


def _too_many(window: Window, counts: dict[str, int], now_ns: int) -> Verdict:
    until = (now_ns // window.every_ns + 1) * window.every_ns
    return Verdict(
        status=TOO_MANY, counts=counts, retry_after_ns=until - now_ns, until_ns=until, window=window
    )  # fmt: skip
