"""What Hyperliquid tells of our account: its streams read and passed on, gaps in them closed, money that moved."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from crossbook.errors import Refused
from crossbook.events import FundingPaid, Transfer
from crossbook.money import parse_e8
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Level
from crossbook.venues.gateway_base import Mending
from crossbook.venues.hyperliquid import normalise
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_orders import Orders
from crossbook.venues.hyperliquid.gateway_resolve import UNREADABLE, Resolver
from crossbook.venues.hyperliquid.messages import (
    LedgerDelta,
    LedgerUpdates,
    OrderUpdate,
    UserEvents,
    UserFills,
    UserFunding,
    UserFundings,
)

MOVED_KEPT = 10_000
SIGNS = {"deposit": 1, "withdraw": -1}
"""Of other movements it is not certain which way they went."""
SILENT = ("accountActivationGas", "rewardsClaim")
Take = Callable[[bytes, int], None]
_updates = msgspec.json.Decoder(list[OrderUpdate])
_fills = msgspec.json.Decoder(UserFills)
_events = msgspec.json.Decoder(UserEvents)
_fundings = msgspec.json.Decoder(UserFundings)
_ledger = msgspec.json.Decoder(LedgerUpdates)
_deltas = msgspec.json.Decoder(LedgerDelta)


class AccountEvents:
    """`on_reconciled`: called each time that a gap is closed."""

    def __init__(self, ground: Ground, orders: Orders, resolver: Resolver, on_reconciled: Callable[[], None]) -> None:
        self.heard_ns = 0
        """When something of our money or orders was last heard, monotonic."""
        self._ground, self._orders, self._resolver = ground, orders, resolver
        self._mending = Mending(ground, resolver.gap_begins, resolver.reconcile, on_reconciled)
        self._moved: deque[tuple[int, str]] = deque(maxlen=MOVED_KEPT)
        self._paid: deque[tuple[str, int]] = deque(maxlen=MOVED_KEPT)
        self._transfers = 0

    @property
    def channels(self) -> Mapping[str, Take]:
        """What takes the data of each channel."""
        return {
            "orderUpdates": self._guarded(self._on_orders),
            "userFills": self._guarded(self._on_fills),
            "user": self._guarded(self._on_events),
            "userFundings": self._guarded(self._on_fundings),
            "userNonFundingLedgerUpdates": self._guarded(self._on_ledger),
        }

    def on_state(self, is_up: bool, why: str) -> None:
        """The streams are there, or not."""
        self._mending.on_state(is_up)

    def _guarded(self, take: Take) -> Take:
        def taken(data: bytes, ts: int) -> None:
            self.heard_ns = self._ground.monotonic_ns()
            try:
                take(data, ts)
            except UNREADABLE as error:
                self._ground.trouble("unreadable_event", f"{error} in {data[:100]!r}")
                self._resolver.reconcile(lambda: None)
            except Refused as error:
                self._ground.trouble("unbookable", str(error), Level.CLOSE_ONLY)

        return taken

    def _is_ours(self, user: str | None) -> bool:
        return user is None or user.lower() == self._ground.account

    def _on_orders(self, data: bytes, ts: int) -> None:
        for update in _updates.decode(data):
            self._orders.on_update(normalise.order_update(update), ts)

    def _on_fills(self, data: bytes, ts: int) -> None:
        told = _fills.decode(data)
        if self._is_ours(told.user):
            self._resolver.fills.take(told.fills, ts)

    def _on_events(self, data: bytes, ts: int) -> None:
        """Fills and funding come by streams of their own, too; whichever is first counts."""
        told = _events.decode(data)
        if told.fills:
            self._resolver.fills.take(told.fills, ts)
        for gone in told.non_user_cancel or ():
            self._orders.on_update(normalise.canceled(gone), ts)
        if told.liquidation is not None and self._is_ours(told.liquidation.liquidated_user):
            self._ground.trouble("liquidated", "the venue liquidates this account", Level.KILLED)
        if told.funding is not None and told.funding.time is not None:
            self._pay(told.funding, ts)

    def _on_fundings(self, data: bytes, ts: int) -> None:
        told = _fundings.decode(data)
        if self._is_ours(told.user):
            for paid in sorted(told.fundings, key=lambda one: one.time or 0):
                self._pay(paid, ts)

    def _pay(self, paid: UserFunding, ts: int) -> None:
        """A coin is paid for once at a moment."""
        ground = self._ground
        time_ms = paid.time or 0
        which = (paid.coin, time_ms)
        if which in self._paid or time_ms <= self._resolver.fills.since_ms:
            return
        self._paid.append(which)
        number, asset = ground.numbers.get(paid.coin), ground.assets.get(ground.collateral)
        amount_e8 = parse_e8(paid.usdc, f"{paid.coin} funding")
        if number is None or asset is None:
            ground.trouble("foreign_funding", f"{paid.usdc} for {paid.coin}, which the desk does not trade")
            return
        ground.desk.on_event(
            FundingPaid(
                ts=ts, ts_venue=ground.ours_ns(time_ms * NS_PER_MS, ts), instrument=number, venue=int(ground.venue),
                strategy=-1, asset=asset, amount_e8=amount_e8, payment=time_ms,
            )
        )  # fmt: skip

    def _on_ledger(self, data: bytes, ts: int) -> None:
        told = _ledger.decode(data)
        if not self._is_ours(told.user):
            return
        for record in sorted(told.non_funding_ledger_updates, key=lambda one: one.time):
            which = (record.time, record.hash or bytes(record.delta).decode())
            if which in self._moved or record.time <= self._resolver.fills.since_ms:
                continue
            self._moved.append(which)
            self._move(_deltas.decode(record.delta), record.time, ts)

    def _move(self, delta: LedgerDelta, time_ms: int, ts: int) -> None:
        """Collateral that came or went; its fee went with it."""
        ground = self._ground
        asset = delta.token or ground.collateral
        sign, amount = SIGNS.get(delta.type or ""), delta.usdc or delta.amount
        number = ground.assets.get(asset)
        if sign is None or amount is None or number is None:
            if delta.type not in SILENT:
                ground.trouble("money_moved", f"{delta.type} of {amount} {asset}: the ledger cannot book it")
            return
        amount_e8 = sign * parse_e8(amount, asset)
        if sign < 0 and delta.fee:
            amount_e8 -= parse_e8(delta.fee, asset)
        self._transfers += 1
        ground.desk.on_event(
            Transfer(
                ts=ts, ts_venue=ground.ours_ns(time_ms * NS_PER_MS, ts), venue=int(ground.venue), asset=number,
                amount_e8=amount_e8, transfer=1_000 * time_ms + self._transfers % 1_000,
            )
        )  # fmt: skip
