"""Who hears what of the served Hyperliquid, and when: market data by the block, accounts at once and in order.

A block is the venue's own unit of time: within one, prints of a market come in one message, and a bbo only if it
changed. l2Book is a whole snapshot at least half a second after the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served import hyperliquid_account as account
from crossbook.venues.served import hyperliquid_market as market
from crossbook.venues.served.facts import (
    AccountEvent,
    Change,
    Fill,
    FundingPaid,
    Liquidated,
    MarketEvent,
    Order,
    OrderChanged,
    Printed,
    Transferred,
)
from crossbook.venues.served.faults import Stream
from crossbook.venues.served.hyperliquid_channels import STATES, Subscription, market_data, user_snapshot, user_state
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_rules import number

HL = Venue.HYPERLIQUID
Json = dict[str, Any]
BOOK_NS = 500 * NS_PER_MS
CONTEXT_NS = NS_PER_S
STATE_NS = 5 * NS_PER_S
EVERY_NS = {"l2Book": BOOK_NS, "allMids": CONTEXT_NS, "activeAssetCtx": CONTEXT_NS}


class Ear(Protocol):
    """A socket that hears."""

    def hear(self, frame: bytes, stream: Stream) -> None:
        """Send it."""


def frame_of(channel: str, told: Any) -> bytes:
    """A message of the venue."""
    return msgspec.json.encode({"channel": channel, "data": told})


class Hub:
    """All subscriptions. `soon(call)`: call after what runs now, so that an order's whole arrival is one message."""

    def __init__(self, floor: Floor, soon: Callable[[Callable[[], None]], object]) -> None:
        self.world = floor.world
        self._floor = floor
        self._soon = soon
        self._ears: dict[Subscription, list[Ear]] = {}
        self._sent_ns: dict[Subscription, int] = {}
        self._best: dict[str, Any] = {}
        self._prints: dict[str, list[Printed]] = {}
        self._pending: dict[str, list[AccountEvent]] = {}
        floor.world.subscribe(HL, self)
        for trader in floor.traders.values():
            trader.subscribe(HL, self)

    # subscriptions

    def subscribe(self, subscription: Subscription, ear: Ear) -> None:
        """Tell what stands, and from now on what happens."""
        now = self.world.now_ns
        self._sent_ns[subscription] = now
        if subscription.is_market:
            told = market_data(self.world, subscription)
            if subscription.kind == "bbo":
                self._best[subscription.coin] = told["bbo"]
        else:
            told = user_snapshot(self._floor, subscription)
        if told is not None:
            stream = Stream.MARKET if subscription.is_market else Stream.USER
            ear.hear(frame_of(subscription.channel, told), stream)
        self._ears.setdefault(subscription, []).append(ear)

    def unsubscribe(self, subscription: Subscription, ear: Ear) -> None:
        """Tell no more."""
        ears = self._ears.get(subscription, [])
        if ear in ears:
            ears.remove(ear)
        if not ears:
            self._ears.pop(subscription, None)
            self._sent_ns.pop(subscription, None)

    def _tell(self, subscription: Subscription, told: Any) -> None:
        ears = self._ears.get(subscription)
        if not ears:
            return
        frame = frame_of(subscription.channel, told)
        stream = Stream.MARKET if subscription.is_market else Stream.USER
        for ear in tuple(ears):
            ear.hear(frame, stream)

    # the market

    def on_market(self, event: MarketEvent) -> None:
        """Keep what the next block tells."""
        if isinstance(event, Printed):
            self._prints.setdefault(event.symbol, []).append(event)

    def block(self) -> None:
        """A block ends: tell what it brought."""
        world = self.world
        now = world.now_ns
        prints, self._prints = self._prints, {}
        for subscription in tuple(self._ears):
            kind, coin = subscription.kind, subscription.coin
            if kind == "trades":
                if coin in prints:
                    self._tell(subscription, [market.printed(one) for one in prints[coin]])
            elif kind == "candle":
                if coin in prints:
                    self._tell(subscription, market_data(world, subscription))
            elif kind == "bbo":
                self._tell_best(subscription)
            elif kind in EVERY_NS:
                every = 0 if subscription.fast else EVERY_NS[kind]
                if now - self._sent_ns[subscription] >= every:
                    self._sent_ns[subscription] = now
                    self._tell(subscription, market_data(world, subscription))
            elif kind in STATES and now - self._sent_ns[subscription] >= STATE_NS:
                self._tell_state(subscription)

    def _tell_best(self, subscription: Subscription) -> None:
        told = market.best(self.world.quote(HL, subscription.coin))
        if self._best.get(subscription.coin) != told["bbo"]:
            self._best[subscription.coin] = told["bbo"]
            self._tell(subscription, told)

    # accounts

    def on_account(self, event: AccountEvent) -> None:
        """Keep it until what runs now has run."""
        if not self._pending:
            self._soon(self.flush)
        self._pending.setdefault(event.account, []).append(event)

    def flush(self) -> None:
        """Tell the accounts' subscribers what happened to them."""
        pending, self._pending = self._pending, {}
        for name, events in pending.items():
            self._tell_account(self.world.traders[name].account.address, events)

    def _tell_account(self, user: str, events: list[AccountEvent]) -> None:
        def to(kind: str) -> Subscription:
            return Subscription(kind=kind, user=user)

        updates = order_updates([event for event in events if isinstance(event, OrderChanged)])
        if updates:
            self._tell(to("orderUpdates"), updates)
        canceled = [
            {"coin": event.order.symbol, "oid": event.order.venue_order_id}
            for event in events
            if isinstance(event, OrderChanged) and event.change is Change.EXPIRED and is_not_users(event.order)
        ]
        if canceled:
            self._tell(to("userEvents"), {"nonUserCancel": canceled})
        fills = [self._filled(event.fill, user) for event in events if isinstance(event, OrderChanged | Liquidated)
                 and event.fill is not None]  # fmt: skip
        if fills:
            self._tell(to("userFills"), {"user": user, "fills": fills})
            self._tell(to("userEvents"), {"fills": fills})
        for event in events:
            if isinstance(event, FundingPaid):
                self._tell_funding(user, account.funding_delta(event.income))
            elif isinstance(event, Liquidated):
                self._tell(to("userEvents"), {"liquidation": liquidation(event, user)})
            elif isinstance(event, Transferred):
                rows = account.ledger_updates(self._floor.traders[user], event.time_ns // NS_PER_MS, 1 << 62)
                told = {"isSnapshot": False, "user": user, "nonFundingLedgerUpdates": rows}
                self._tell(to("userNonFundingLedgerUpdates"), told)
        for subscription in tuple(self._ears):
            if subscription.user == user and subscription.kind in STATES:
                self._tell_state(subscription)

    def _filled(self, fill: Fill, user: str) -> Json:
        spot = fill.symbol in {instrument.symbol for instrument in market.spots(self.world)}
        mark = self.world.mark(HL, fill.symbol).mark_e8 if fill.liquidation else None
        return account.filled(fill, user, spot, mark)

    def _tell_funding(self, user: str, delta: Json) -> None:
        told = {"isSnapshot": False, "user": user, "fundings": [delta]}
        self._tell(Subscription(kind="userFundings", user=user), told)
        self._tell(Subscription(kind="userEvents", user=user), {"funding": delta})

    def _tell_state(self, subscription: Subscription) -> None:
        self._sent_ns[subscription] = self.world.now_ns
        self._tell(subscription, user_state(self._floor, subscription))


def is_not_users(order: Order) -> bool:
    """Whether the venue, not the order's terms, ended a resting order."""
    return account.status_of(order) in ("marginCanceled", "reduceOnlyCanceled")


def liquidation(event: Liquidated, user: str) -> Json:
    """A forced close as `userEvents` says it."""
    return {
        "lid": event.fill.trade_id,
        "liquidator": "0x" + "0" * 40,
        "liquidated_user": user,
        "liquidated_ntl_pos": number(event.fill.notional_e8),
        "liquidated_account_value": "0.0",
    }


def order_updates(events: list[OrderChanged]) -> list[Json]:
    """What `orderUpdates` says of a call's changes, in order.

    An order that arrives and ends at once says only how it ended; one that rests says open with what is left.
    """
    told: list[Json] = []
    last = {event.order.number: at for at, event in enumerate(events)}
    arrived = {event.order.number for event in events if event.change in (Change.NEW, Change.MODIFIED)}
    for at, event in enumerate(events):
        order = event.order
        if order.venue_order_id == 0 or (order.number in arrived and at != last[order.number]):
            continue
        told.append(
            {
                "order": account.basic_order(order),
                "status": account.status_of(order),
                "statusTimestamp": order.updated_ns // NS_PER_MS,
            }
        )
    return told
