"""Client order ids that say whose order it is: 128 bits, written as each venue likes it, read back, foreign ids told.

    63 62 | e | bbbbb | ssss | rrrrrrrr | oooooooooo      in hex digits
    'cb'  environment, build, strategy, run (the second it began), order: our id of the order within the run

Binance takes `cb-` and the 32 digits (35 of at most 36 characters), Hyperliquid `0x` and the 32 digits.
"""

from __future__ import annotations

import re
import zlib

import msgspec

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.endpoints import Environment

MAGIC = "6362"
ENVIRONMENTS = (Environment.LOCAL, Environment.TESTNET, Environment.MAINNET)
BUILD_MAX, STRATEGY_MAX, RUN_MAX, ORDER_MAX = (1 << 20) - 1, (1 << 16) - 1, (1 << 32) - 1, (1 << 40) - 1

_OURS = re.compile(MAGIC + r"([0-2])([0-9a-f]{5})([0-9a-f]{4})([0-9a-f]{8})([0-9a-f]{10})", re.ASCII)


class OrderId(msgspec.Struct, frozen=True, kw_only=True):
    """What an id says. `build`: 20 bits of the version that sent it; `run_s`: when its run began, in seconds."""

    environment: Environment
    build: int
    strategy: int
    run_s: int
    order: int


class OrderIds(msgspec.Struct, frozen=True):
    """The ids of one strategy's orders in one run: all but the last ten digits is decided once."""

    stem: str

    def text(self, venue: Venue, order: int) -> str:
        """The id of order `order` as `venue` takes it. Raises `Refused` beyond 40 bits."""
        return self.form(venue) % within(order)

    def form(self, venue: Venue) -> str:
        """The id with `%010x` for the order, for who writes many: `ids.form(venue) % within(order)`."""
        return f"{'0x' if venue is Venue.HYPERLIQUID else 'cb-'}{self.stem}%010x"


def within(order: int) -> int:
    """The order's number. Raises `Refused` beyond 40 bits."""
    if not 0 <= order <= ORDER_MAX:
        raise Refused(f"order {order} does not fit in an id of 40 bits: begin a new run")
    return order


def order_ids(environment: Environment, build: int, strategy: int, run_s: int) -> OrderIds:
    """The ids of a strategy in a run. Raises `Refused` for a part that does not fit."""
    for what, part, most in (
        ("build", build, BUILD_MAX),
        ("strategy", strategy, STRATEGY_MAX),
        ("run", run_s, RUN_MAX),
    ):
        if not 0 <= part <= most:
            raise Refused(f"{what} {part} does not fit in an order id: 0 to {most}")
    return OrderIds(f"{MAGIC}{ENVIRONMENTS.index(environment)}{build:05x}{strategy:04x}{run_s:08x}")


def text_of(order_id: OrderId, venue: Venue) -> str:
    """An id as `venue` takes it."""
    ids = order_ids(order_id.environment, order_id.build, order_id.strategy, order_id.run_s)
    return ids.text(venue, order_id.order)


def parse(text: str | None) -> OrderId | None:
    """What one of our ids says, in either spelling; None for a foreign one, or none."""
    if not text or not text.startswith(("cb-", "0x")):
        return None
    match = _OURS.fullmatch(text.removeprefix("cb-") if text[0] == "c" else text.removeprefix("0x"))
    if match is None:
        return None
    environment, build, strategy, run_s, order = (int(digits, 16) for digits in match.groups())
    return OrderId(
        environment=ENVIRONMENTS[environment], build=build, strategy=strategy, run_s=run_s, order=order
    )  # fmt: skip


def build_of(version: str) -> int:
    """20 bits of a version's text: of a commit its first five digits, otherwise of a checksum."""
    head = version.strip().lower()[:5]
    if re.fullmatch(r"[0-9a-f]{5}", head, re.ASCII):
        return int(head, 16)
    return zlib.crc32(version.encode()) & BUILD_MAX
