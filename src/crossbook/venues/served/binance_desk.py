"""How a served Binance takes a request, whichever way it came: weight, faults, authority, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues.served.accounts import Account, ApiKey
from crossbook.venues.served.binance_auth import Security, authorise
from crossbook.venues.served.binance_house import Answer, House
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_routes import Route
from crossbook.venues.served.faults import FaultKind, RequestFault
from crossbook.venues.served.faults import Route as FaultRoute
from crossbook.venues.served.limits import BANNED, Verdict

FAULT_ROUTES = {
    Security.NONE: FaultRoute.PUBLIC, Security.KEY: FaultRoute.ACCOUNT, Security.READ: FaultRoute.ACCOUNT,
    Security.TRADE: FaultRoute.TRADE,
}  # fmt: skip
INTERVALS = {"S": "SECOND", "M": "MINUTE", "D": "DAY"}
UNKNOWN_TEXT = "Unknown error, please check your request or try again later."


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request. `problem` None: it succeeded with `answer`. `is_silent`: the client is not told."""

    answer: Answer | None = None
    problem: Problem | None = None
    is_silent: bool = False


class Desk:
    """Takes requests for one venue."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def take(
        self, route: Route, ask: Ask, session: Callable[[], tuple[Account, ApiKey] | None] = lambda: None
    ) -> Done:
        """Do what is asked, unless a limit or a fault is in the way; never raises `Problem`."""
        house = self._house
        house.world.catch_up()
        try:
            self.weigh(ask, route.weigh(ask))
        except Problem as problem:
            return Done(problem=problem)
        fault = house.faults.request(house.venue, FAULT_ROUTES[route.security], house.clock())
        if fault is None:
            return self._do(route, ask, session())
        if fault.kind in (FaultKind.TOO_MANY, FaultKind.BANNED):
            return Done(problem=self._limited(fault))
        if fault.kind is FaultKind.ERROR_BEFORE:
            return Done(problem=Problem(-1001, status=fault.status))
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_ns / NS_PER_S)
            return self._do(route, ask, session())
        self._do(route, ask, session())
        if fault.kind is FaultKind.NO_ANSWER:
            return Done(is_silent=True)
        # the venue's words for "it may have happened": spot has a code for it, futures a text
        unknown = Problem(-1007, status=fault.status) if house.is_spot else Problem(
            -1000, UNKNOWN_TEXT, status=fault.status
        )  # fmt: skip
        return Done(problem=unknown)

    def weigh(self, ask: Ask, weight: int) -> None:
        """Count a request; raises -1003 where it is one too many."""
        verdict = self._house.limits.weigh(self._house.venue, ask.address, weight, self._house.clock())
        if not verdict.ok:
            raise self._over(verdict)

    def _do(self, route: Route, ask: Ask, session: tuple[Account, ApiKey] | None) -> Done:
        house = self._house
        try:
            authorise(house, ask, route.security, session)
            found = route.handler(house, ask)
        except Problem as problem:
            return Done(problem=problem)
        if route.is_free:
            house.limits.give_back(house.venue, ask.address, route.weigh(ask), house.clock())
        return Done(answer=found if isinstance(found, Answer) else Answer(found))

    def _over(self, verdict: Verdict) -> Problem:
        house = self._house
        until_ms = verdict.until_ns // NS_PER_MS
        extra = {"data": {"serverTime": house.now_ms(), "retryAfter": until_ms}}
        headers = {"Retry-After": str(verdict.retry_after_s)}
        if verdict.status == BANNED:
            text = (
                f"Way too much request weight used; IP banned until {until_ms}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
            return Problem(-1003, text, status=418, extra=extra, headers=headers)
        most = verdict.window.most if verdict.window is not None else 0
        text = (
            f"Too much request weight used; current limit is {most} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return Problem(-1003, text, status=429, extra=extra, headers=headers)

    def _limited(self, fault: RequestFault) -> Problem:
        now_ns = self._house.clock()
        is_ban = fault.kind is FaultKind.BANNED
        verdict = Verdict(
            status=418 if is_ban else 429, counts={}, retry_after_ns=fault.retry_after_s * NS_PER_S,
            until_ns=now_ns + fault.retry_after_s * NS_PER_S,
            window=self._house.limits.rules[self._house.venue].weight,
        )  # fmt: skip
        return self._over(verdict)

    def headers(self, ask: Ask, counts: bool) -> dict[str, str]:
        """What every REST answer tells of the limits."""
        house = self._house
        used = str(house.limits.weight_used(house.venue, ask.address, house.clock()))
        told = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if counts and isinstance(ask.account, Account):
            counted = house.limits.order_counts(house.venue, ask.account.name, house.clock())
            told |= {f"X-MBX-ORDER-COUNT-{name}": str(count) for name, count in counted.items()}
        return told

    def rate_limits(self, ask: Ask) -> list[dict[str, object]]:
        """What a WebSocket API answer tells of the limits."""
        house = self._house
        rules = house.limits.rules[house.venue]
        rows: list[dict[str, object]] = []
        if isinstance(ask.account, Account):
            counted = house.limits.order_counts(house.venue, ask.account.name, house.clock())
            rows = [_row("ORDERS", window.name, window.most, counted[window.name]) for window in rules.orders]
        used = house.limits.weight_used(house.venue, ask.address, house.clock())
        return [*rows, _row("REQUEST_WEIGHT", rules.weight.name, rules.weight.most, used)]


def _row(kind: str, name: str, most: int, count: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": INTERVALS[name[-1]], "intervalNum": int(name[:-1]), "limit": most,
            "count": count}  # fmt: skip
