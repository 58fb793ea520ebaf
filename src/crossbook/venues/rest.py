"""Requests over HTTP under a budget. An answer that does not come is UNKNOWN, never "failed"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import msgspec

from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues.budgets import ORDERS, WEIGHT, Budgets, Purpose, Refusal
from crossbook.venues.network import Handle, Headers, Ports

NO_HEADERS: Mapping[str, str] = {}
BACK_OFF_S = 60
"""How long we stay quiet after a 429 or 418 that does not say how long."""
WINDOWS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Fate(Enum):
    """What became of a request."""

    ANSWERED = "answered"
    """The venue's words are there, good or bad; a 5xx among them does not say whether the request took effect."""
    UNKNOWN = "unknown"
    """It may have arrived and taken effect."""
    NOT_SENT = "not_sent"
    """Certainly no byte of it left this machine."""
    HELD_BACK = "held_back"
    """Our own budget: `refusal` says until when."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing a request comes to. Times on our clock; `receive_ns` is when we knew."""

    fate: Fate
    sent_ns: int
    receive_ns: int
    status: int = 0
    headers: Headers = NO_HEADERS
    body: bytes = b""
    why: str = ""
    refusal: Refusal | None = None

    @property
    def is_certain(self) -> bool:
        """False where the request may or may not have taken effect: no answer, or a 5xx."""
        return self.fate is not Fate.UNKNOWN and self.status < 500


class Rest:
    """One venue's REST address. Every answer's headers feed the budgets."""

    def __init__(self, ports: Ports, base: str, budgets: Budgets, timeout_s: float = 5.0) -> None:
        self.unanswered = 0
        self._ports, self._base, self._budgets = ports, base, budgets
        self._timeout_s = timeout_s

    def ask(
        self,
        method: str,
        path: str,
        on_outcome: Callable[[Outcome], None],
        *,
        costs: Mapping[str, int],
        headers: Headers = NO_HEADERS,
        body: bytes = b"",
        purpose: Purpose = Purpose.NORMAL,
        timeout_s: float = 0.0,
    ) -> None:
        """Send a request if the budget allows; `on_outcome` is called once, later, never from inside."""
        clock = self._ports.clock
        sent_ns, began_ns = clock.now_ns(), clock.monotonic_ns()
        refusal = self._budgets.spend(costs, began_ns, purpose)
        if refusal is not None:
            held = Outcome(
                fate=Fate.HELD_BACK, sent_ns=sent_ns, receive_ns=sent_ns, refusal=refusal,
                why=f"{refusal.limit}: {refusal.why.value}",
            )  # fmt: skip
            self._ports.loop.call_soon(lambda: on_outcome(held))
            return
        timeout_s = timeout_s or self._timeout_s
        asked: list[Handle] = []

        def settle(outcome: Outcome) -> None:
            deadline.cancel()
            if asked:
                asked.clear()
                self.unanswered += outcome.fate is Fate.UNKNOWN
                on_outcome(outcome)

        def answered(status: int, said: Headers, answer: bytes, receive_ns: int) -> None:
            self._learn(status, said, clock.monotonic_ns())
            settle(
                Outcome(
                    fate=Fate.ANSWERED, sent_ns=sent_ns, receive_ns=receive_ns, status=status, headers=said, body=answer
                )
            )

        def failed(why: str, sent: bool) -> None:
            fate = Fate.UNKNOWN if sent else Fate.NOT_SENT
            settle(Outcome(fate=fate, sent_ns=sent_ns, receive_ns=clock.now_ns(), why=why))

        def late() -> None:  # the port's own timeout failed us
            for handle in asked:
                handle.cancel()
            failed(f"no answer within {timeout_s:g} s", True)

        deadline = self._ports.loop.call_later(timeout_s + 1.0, late)
        url = self._base + path
        asked.append(self._ports.network.request(method, url, headers, body, answered, failed, timeout_s))

    def _learn(self, status: int, headers: Headers, now_ns: int) -> None:
        if status in (429, 418):
            wait_s = _seconds(headers.get("retry-after", "")) or BACK_OFF_S
            until_ns = now_ns + wait_s * NS_PER_S
            if status == 418:
                self._budgets.banned(until_ns)
            else:
                self._budgets.back_off(until_ns)
        for name, value in headers.items():
            if name.startswith("x-mbx-used-weight-"):
                self._count(WEIGHT, name[18:], value, now_ns)
            elif name.startswith("x-mbx-order-count-"):
                self._count(ORDERS, name[18:], value, now_ns)

    def _count(self, limit: str, window: str, used: str, now_ns: int) -> None:
        unit, number = WINDOWS.get(window[-1:], 0), window[:-1]
        if unit and number.isascii() and number.isdecimal() and used.isascii() and used.isdecimal():
            self._budgets.seen(limit, unit * int(number), int(used), now_ns)


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def retry_after_ns(retry_after_ms: int, now_ns: int, wall_ns: int) -> int:
    """The WS API says when to come back as epoch ms (`retryAfter`): the same moment on the budgets' clock."""
    return now_ns + max(retry_after_ms * NS_PER_MS - wall_ns, 0)
