"""How much we may ask of a venue: a token bucket a limit, at half of what the venue allows, part of it kept.

In any window of a limit, however placed, no more than half the limit is spent: a bucket holds a quarter of it and
gains a quarter a window. A fifth of what a bucket holds is kept for cancels, reducing orders and the queries that
resolve an unknown. A refusal is a value that says why and until when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from crossbook.events import RateBudget
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue

KEPT_PERCENT = 20
NEVER = 1 << 62


class Purpose(Enum):
    """What a request is for. `SAFE` lowers risk or uncertainty, and may spend what is kept."""

    NORMAL = "normal"
    SAFE = "safe"


class Why(Enum):
    """Why a request may not be sent now."""

    SPENT = "spent"
    """The bucket does not hold enough."""
    KEPT = "kept"
    """What is left is kept for cancels and reducing orders."""
    BACK_OFF = "back_off"
    """The venue said 429, or to come back later."""
    BANNED = "banned"
    """The venue said 418: nothing may be sent, a cancel neither."""
    TOO_LARGE = "too_large"
    """The cost is above what the bucket can ever hold: split the request."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Not now: `limit` is the bucket's name, `allowed_ns` when the same request would pass, on the given clock."""

    why: Why
    limit: str
    allowed_ns: int


class Limit(msgspec.Struct, frozen=True):
    """A venue's own limit: so much in a window."""

    name: str
    most: int
    window_s: int


WEIGHT, RAW, ORDERS = "REQUEST_WEIGHT", "RAW_REQUESTS", "ORDERS"
MESSAGES = "MESSAGES"
LIMITS = {
    Venue.BINANCE_SPOT: (
        Limit(WEIGHT, 6000, 60), Limit(RAW, 300_000, 300), Limit(ORDERS, 100, 10), Limit(ORDERS, 200_000, 86_400),
    ),
    Venue.BINANCE_USDM: (Limit(WEIGHT, 2400, 60), Limit(ORDERS, 300, 10), Limit(ORDERS, 1200, 60)),
    Venue.HYPERLIQUID: (Limit(WEIGHT, 1200, 60), Limit(MESSAGES, 2000, 60)),
}  # fmt: skip
"""As documented; the venue's own answers replace them (`Budgets.adopt`)."""


class Bucket:
    """One limit. Exact: the level is counted in tokens x nanoseconds of the window, in integers."""

    def __init__(self, limit: Limit, now_ns: int) -> None:
        self.limit = limit
        self.name = f"{limit.name} {limit.most}/{limit.window_s}s"
        self._window_ns = limit.window_s * NS_PER_S
        self.holds = max(limit.most // 4, 1)
        self._gain = max(limit.most // 4, 1)
        self._full = self.holds * self._window_ns
        self._kept = self.holds * KEPT_PERCENT // 100
        self._level = self._full
        self._at_ns = now_ns

    def left(self, now_ns: int) -> int:
        """Whole tokens there are now. Time that goes back gains nothing."""
        if now_ns > self._at_ns:
            level = self._level + (now_ns - self._at_ns) * self._gain
            self._level = level if level < self._full else self._full
            self._at_ns = now_ns
        return self._level // self._window_ns

    def refuse(self, cost: int, purpose: Purpose, now_ns: int) -> Refusal | None:
        """Why `cost` may not be spent now, if it may not."""
        left = self.left(now_ns)
        kept = 0 if purpose is Purpose.SAFE else self._kept
        if cost + kept <= left:
            return None
        if cost + kept > self.holds:
            return Refusal(why=Why.TOO_LARGE, limit=self.name, allowed_ns=NEVER)
        missing = (cost + kept) * self._window_ns - self._level
        why = Why.SPENT if cost > left else Why.KEPT
        return Refusal(why=why, limit=self.name, allowed_ns=self._at_ns - (-missing // self._gain))

    def spend(self, cost: int) -> None:
        """Take what `refuse` let pass."""
        self._level -= cost * self._window_ns

    def seen(self, used: int, now_ns: int) -> None:
        """The venue counts `used` in its own window: others may spend too. What is left is lowered, never raised."""
        room = max(self.limit.most // 2 - used, 0) * self._window_ns
        self.left(now_ns)
        self._level = min(self._level, room)


class Budgets:
    """All limits of one venue and address. Times are of one clock, any, as long as it does not go back."""

    def __init__(self, venue: Venue, now_ns: int, limits: Iterable[Limit] | None = None) -> None:
        self.venue = venue
        self._buckets: dict[tuple[str, int], Bucket] = {}
        self._back_off_ns = 0
        self._banned_ns = 0
        self.refused = 0
        """Requests that we held back ourselves."""
        self.limited = 0
        """429 and 418 that the venue sent: each is a fault of ours, or of a neighbour on the address."""
        for limit in LIMITS[venue] if limits is None else limits:
            self._buckets[limit.name, limit.window_s] = Bucket(limit, now_ns)

    def spend(
        self, costs: Mapping[str, int], now_ns: int, purpose: Purpose = Purpose.NORMAL
    ) -> Refusal | None:  # fmt: skip
        """Take `costs` (by limit's name) from all their buckets, or nothing and say why not."""
        refusal = self.refuse(costs, now_ns, purpose)
        if refusal is not None:
            self.refused += 1
            return refusal
        self.take(costs)
        return None

    def take(self, costs: Mapping[str, int]) -> None:
        """Take what `refuse` let pass just now."""
        for (name, _), bucket in self._buckets.items():
            if cost := costs.get(name, 0):
                bucket.spend(cost)

    def refuse(self, costs: Mapping[str, int], now_ns: int, purpose: Purpose = Purpose.NORMAL) -> Refusal | None:
        """Why these costs may not be spent now, if they may not; of several reasons the one that lasts longest."""
        if now_ns < self._banned_ns:
            return Refusal(why=Why.BANNED, limit="address", allowed_ns=self._banned_ns)
        if now_ns < self._back_off_ns:
            return Refusal(why=Why.BACK_OFF, limit="address", allowed_ns=self._back_off_ns)
        worst: Refusal | None = None
        for (name, _), bucket in self._buckets.items():
            cost = costs.get(name, 0)
            refusal = bucket.refuse(cost, purpose, now_ns) if cost else None
            if refusal is not None and (worst is None or refusal.allowed_ns > worst.allowed_ns):
                worst = refusal
        return worst

    def back_off(self, until_ns: int) -> None:
        """The venue said 429, or when to come back: nothing is sent before."""
        self.limited += 1
        self._back_off_ns = max(self._back_off_ns, until_ns)

    def banned(self, until_ns: int) -> None:
        """The venue said 418: nothing is sent before, and asking again would make the ban longer."""
        self.limited += 1
        self._banned_ns = max(self._banned_ns, until_ns)

    def adopt(self, limit: Limit, now_ns: int) -> None:
        """The venue states a limit: a changed one gets a new bucket, as empty in proportion as the old one."""
        old = self._buckets.get((limit.name, limit.window_s))
        if old is not None and old.limit == limit:
            return
        new = Bucket(limit, now_ns)
        if old is not None:
            new.spend(new.holds - new.holds * old.left(now_ns) // old.holds)
        self._buckets[limit.name, limit.window_s] = new

    def seen(self, name: str, window_s: int, used: int, now_ns: int) -> None:
        """The venue counts `used` against a limit. A limit that we do not know of is passed over."""
        bucket = self._buckets.get((name, window_s))
        if bucket is not None:
            bucket.seen(used, now_ns)

    def report(self, now_ns: int) -> RateBudget:
        """The tightest limit as an event: tokens left of those a bucket holds (0 while held off by the venue)."""
        held_off = now_ns < max(self._banned_ns, self._back_off_ns)
        left, whole = min(
            ((bucket.left(now_ns), bucket.holds) for bucket in self._buckets.values()), key=lambda one: one[0] / one[1]
        )
        return RateBudget(
            ts=now_ns, ts_venue=now_ns, venue=int(self.venue), left=0 if held_off else max(left, 0), whole=whole
        )  # fmt: skip


class ConnectionBudget:
    """New connections of one address to one venue: at most `new_max` in any window, `open_max` at once.

    Binance allows 300 new in 5 minutes, Hyperliquid 30 a minute and 10 at once (older copies of its page say more).
    Ten a minute is far below all of them, and more than a healthy desk ever opens.
    """

    def __init__(self, new_max: int = 10, window_s: int = 60, open_max: int = 8) -> None:
        self.open = 0
        self._open_max = open_max
        self._window_ns = window_s * NS_PER_S
        self._opened: deque[int] = deque(maxlen=new_max)

    def wait_ns(self, now_ns: int) -> int:
        """How long until one more may be opened: 0 now, -1 not before another is closed."""
        if self.open >= self._open_max:
            return -1
        if len(self._opened) < (self._opened.maxlen or 1):
            return 0
        return max(self._opened[0] + self._window_ns - now_ns, 0)

    def opened(self, now_ns: int) -> None:
        """One is being opened."""
        self.open += 1
        self._opened.append(now_ns)

    def closed(self) -> None:
        """One is gone."""
        self.open -= 1
