"""A request to the served Hyperliquid's /info, its fields read as what they must be."""

from __future__ import annotations

from typing import Any

from crossbook.errors import Refused
from crossbook.types import Instrument, Venue
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.world import Trader

HL = Venue.HYPERLIQUID
Json = dict[str, Any]


class Undecodable(Exception):  # it is an answer, not a fault
    """The body is no request of this venue: 422."""


class Asked:
    """The fields of a request, each read as what it must be. Raises `Undecodable`."""

    def __init__(self, floor: Floor, body: Json) -> None:
        self.floor = floor
        self.body = body

    def word(self, key: str) -> str:
        """A string."""
        value = self.body.get(key)
        if not isinstance(value, str):
            raise Undecodable
        return value

    def ms(self, key: str, default: int | None = None) -> int:
        """A time."""
        value = self.body.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Undecodable
        return value

    def user(self) -> str:
        """An address, lower case."""
        user = self.word("user").lower()
        if len(user) != 42 or not user.startswith("0x") or not set(user[2:]) <= set("0123456789abcdef"):
            raise Undecodable
        return user

    def trader(self) -> Trader | None:
        """Whose account it is; None for an address without one."""
        return self.floor.trader(self.user())

    def instrument(self) -> Instrument | None:
        """The market named; None for an unknown one."""
        coin = self.word("coin")
        try:
            return self.floor.world.instrument(HL, coin)
        except Refused:
            return None

    def is_first_dex(self) -> bool:
        """Whether it is about the venue's own perpetuals; there are no others here."""
        return self.body.get("dex") in (None, "")

    def choice(self, key: str, allowed: tuple[int, ...]) -> int | None:
        """One of some numbers, or None."""
        value = self.body.get(key)
        if value is not None and (isinstance(value, bool) or value not in allowed):
            raise Undecodable
        return value
