"""Hyperliquid's budget of an address: 10,000 requests and one more for each USDC ever traded; more for cancels."""

from __future__ import annotations

from crossbook.money import E8
from crossbook.timestamp import NS_PER_S
from crossbook.venues.budgets import NEVER, Purpose, Refusal, Why

INITIAL = 10_000
EXHAUSTED_EVERY_NS = 10 * NS_PER_S
CANCELS_MORE = 100_000
STALE_COST = 5
"""What an action costs that arrives after its `expiresAfter`."""


class AddressBudget:
    """Counts actions; a batch of n orders or cancels costs n. The venue's own count (`userRateLimit`) replaces ours.

    `SAFE` here is what the venue itself calls so: cancels may use min(cap + 100,000, 2 x cap). Of what is below the
    cap, a fifth, at most 500, is kept from orders that do not reduce.
    """

    def __init__(self) -> None:
        self.cap = INITIAL
        self.used = 0
        self._traded_e8 = 0
        self._last_ns = -EXHAUSTED_EVERY_NS

    def spend(self, cost: int, now_ns: int, purpose: Purpose, *, is_cancel: bool = False) -> Refusal | None:
        """Take `cost`, or say why not. Beyond the cap one request passes every 10 s, whatever its cost."""
        most = min(self.cap + CANCELS_MORE, 2 * self.cap) if is_cancel else self.cap
        kept = 0 if is_cancel or purpose is Purpose.SAFE else min(self.cap // 5, 500)
        if self.used + cost > most - kept:
            allowed_ns = self._last_ns + EXHAUSTED_EVERY_NS
            if kept and self.used + cost <= most:
                return Refusal(why=Why.KEPT, limit="address actions", allowed_ns=NEVER)
            if now_ns < allowed_ns:
                return Refusal(why=Why.SPENT, limit="address actions", allowed_ns=allowed_ns)
        self.used += cost
        self._last_ns = now_ns
        return None

    def traded(self, notional_e8: int) -> None:
        """A fill of ours of so much USDC earns requests."""
        before = self._traded_e8 // E8
        self._traded_e8 += abs(notional_e8)
        self.cap += self._traded_e8 // E8 - before

    def reported(self, cap: int, used: int) -> None:
        """The venue's own count."""
        self.cap = cap
        self.used = used
