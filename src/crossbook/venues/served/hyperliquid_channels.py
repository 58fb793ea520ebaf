"""What a Hyperliquid subscription names, and what it is told first. Pure: no sockets here."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.types import Instrument, Venue
from crossbook.venues.served import hyperliquid_account as account
from crossbook.venues.served import hyperliquid_market as market
from crossbook.venues.served.facts import IncomeKind
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_info import ask
from crossbook.venues.served.hyperliquid_rules import INTERVALS_S, LEVELS
from crossbook.venues.served.world import World

HL = Venue.HYPERLIQUID
Json = dict[str, Any]
FAST_LEVELS = 5

MARKET_KINDS = ("allMids", "l2Book", "bbo", "trades", "candle", "activeAssetCtx")
USER_KINDS = (
    "orderUpdates", "userFills", "userEvents", "userFundings", "userNonFundingLedgerUpdates", "notification",
    "webData2", "clearinghouseState", "openOrders", "spotState", "activeAssetData", "twapStates",
    "userTwapSliceFills", "userTwapHistory",
)  # fmt: skip
STATES = ("webData2", "clearinghouseState", "openOrders", "spotState", "activeAssetData")
"""Channels that repeat a whole state whenever it changed."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of a socket; two with equal fields are the same one. `kind` "user" is known as "userEvents"."""

    kind: str
    coin: str = ""
    user: str = ""
    interval: str = ""
    figures: int | None = None
    mantissa: int | None = None
    fast: bool = False

    @property
    def channel(self) -> str:
        """The name its messages carry."""
        if self.kind == "userEvents":
            return "user"
        return "activeSpotAssetCtx" if self.kind == "activeAssetCtx" and self._is_spot else self.kind

    @property
    def is_market(self) -> bool:
        """Whether everybody hears the same."""
        return self.kind in MARKET_KINDS

    @property
    def _is_spot(self) -> bool:
        return self.coin.startswith("@") or "/" in self.coin


def parse(world: World, asked: Any) -> Subscription | None:
    """The subscription that a client names; None for an invalid one."""
    if not isinstance(asked, dict):
        return None
    kind = asked.get("type")
    kind = "userEvents" if kind == "user" else kind
    if kind not in MARKET_KINDS and kind not in USER_KINDS:
        return None
    coin, user, interval, fast = (asked.get(key) for key in ("coin", "user", "interval", "fast"))
    figures, mantissa = asked.get("nSigFigs"), asked.get("mantissa")
    if kind in USER_KINDS:
        if not isinstance(user, str) or len(user) != 42 or not user.startswith("0x"):
            return None
    if kind in ("l2Book", "bbo", "trades", "candle", "activeAssetCtx", "activeAssetData"):
        if not isinstance(coin, str) or instrument_of(world, coin) is None:
            return None
    if kind == "candle" and interval not in INTERVALS_S:
        return None
    if kind == "l2Book" and (figures not in (None, 2, 3, 4, 5) or mantissa not in (None, 1, 2, 5)):
        return None
    return Subscription(
        kind=kind,
        coin=coin if isinstance(coin, str) and kind != "allMids" else "",
        user=user.lower() if isinstance(user, str) and kind in USER_KINDS else "",
        interval=interval if kind == "candle" and isinstance(interval, str) else "",
        figures=figures if kind == "l2Book" else None,
        mantissa=mantissa if kind == "l2Book" else None,
        fast=fast is True and kind == "l2Book",
    )


def echo(subscription: Subscription, asked: Json) -> Json:
    """The subscription as its answer repeats it."""
    if subscription.kind == "l2Book":
        return {
            "type": "l2Book",
            "coin": subscription.coin,
            "nSigFigs": subscription.figures,
            "mantissa": subscription.mantissa,
        }
    said = {key: value for key, value in asked.items() if key in ("type", "coin", "user", "interval", "dex")}
    if subscription.user:
        said["user"] = subscription.user
    if subscription.kind == "userFills":
        said["aggregateByTime"] = bool(asked.get("aggregateByTime", False))
    return said


def instrument_of(world: World, coin: str) -> Instrument | None:
    """The market of this name; None for an unknown one."""
    try:
        return world.instrument(HL, coin)
    except Refused:
        return None


def market_data(world: World, subscription: Subscription) -> Any:
    """What stands now, as the channel says it; None where there is nothing to say."""
    kind, coin = subscription.kind, subscription.coin
    if kind == "allMids":
        return {"mids": market.all_mids(world)}
    if kind == "l2Book":
        depth = FAST_LEVELS if subscription.fast else LEVELS
        return market.book(world, coin, subscription.figures, subscription.mantissa, depth)
    if kind == "bbo":
        return market.best(world.quote(HL, coin))
    if kind == "trades":
        return [market.printed(one) for one in world.trades(HL, coin, market.SOME_TRADES)] or None
    if kind == "candle":
        return market.last_candle(world, coin, subscription.interval)
    instrument = instrument_of(world, coin)
    return None if instrument is None else {"coin": coin, "ctx": market.asset_context(world, instrument)}


def user_state(floor: Floor, subscription: Subscription) -> Any:
    """A whole state of an account, for the channels that repeat it."""
    kind, user = subscription.kind, subscription.user
    if kind == "webData2":
        return ask(floor, {"type": "webData2", "user": user})
    if kind == "activeAssetData":
        return ask(floor, {"type": "activeAssetData", "user": user, "coin": subscription.coin})
    if kind == "clearinghouseState":
        state = ask(floor, {"type": "clearinghouseState", "user": user})
        return {"dex": "", "user": user, "clearinghouseState": state}
    if kind == "openOrders":
        return {"dex": "", "user": user, "orders": ask(floor, {"type": "frontendOpenOrders", "user": user})}
    return {"user": user, "spotState": ask(floor, {"type": "spotClearinghouseState", "user": user})}


def user_snapshot(floor: Floor, subscription: Subscription) -> Any:
    """What a subscriber to an account is told first: what he may have missed, marked as a snapshot."""
    kind, user = subscription.kind, subscription.user
    trader = floor.trader(user)
    if kind in STATES:
        return user_state(floor, subscription)
    if kind == "userFills":
        fills = account.fills(floor.world, trader) if trader is not None else []
        return {"isSnapshot": True, "user": user, "fills": fills}
    if kind == "userFundings":
        income = [] if trader is None else trader.income(HL, kind=IncomeKind.FUNDING)
        rows = [account.funding_delta(one) for one in income[-account.SPAN_MOST :]]
        return {"isSnapshot": True, "user": user, "fundings": rows}
    if kind == "userNonFundingLedgerUpdates":
        rows = [] if trader is None else account.ledger_updates(trader, 0, 1 << 62)
        return {"isSnapshot": True, "user": user, "nonFundingLedgerUpdates": rows}
    if kind == "twapStates":
        return {"dex": "", "user": user, "states": []}
    if kind == "userTwapSliceFills":
        return {"isSnapshot": True, "user": user, "twapSliceFills": []}
    if kind == "userTwapHistory":
        return {"isSnapshot": True, "user": user, "history": []}
    return None
