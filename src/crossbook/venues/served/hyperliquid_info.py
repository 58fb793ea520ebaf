"""What the served Hyperliquid answers on /info: the market to everybody, an account to whoever knows its address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from crossbook.money import E8
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Venue
from crossbook.venues.served import hyperliquid_account as account
from crossbook.venues.served import hyperliquid_market as market
from crossbook.venues.served.accounts import FOREVER_MS
from crossbook.venues.served.facts import Fees
from crossbook.venues.served.hyperliquid_asked import Asked, Undecodable
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_rules import INTERVALS_S, number
from crossbook.venues.served.world import UnknownOrder

HL = Venue.HYPERLIQUID
Json = dict[str, Any]
EVER_MS = 1 << 62
TRADES_MOST = 500
PPM = 1_000_000


def ask(floor: Floor, body: Json) -> Any:
    """The answer to a request. Raises `Undecodable` for one that the venue does not understand."""
    kind = body.get("type")
    answers = _ANSWERS.get(kind) if isinstance(kind, str) else None
    if answers is None:
        raise Undecodable
    return answers(Asked(floor, body))


def weight_of(kind: object) -> int:
    """What a request costs its IP, before the items it returns."""
    return 2 if kind in _LIGHT else 60 if kind == "userRole" else 20


def items_per_weight(kind: object) -> int:
    """So many returned items cost one more; 0: none do."""
    return 60 if kind == "candleSnapshot" else 20 if kind in _LONG else 0


def _meta(asked: Asked) -> Json:
    if not asked.is_first_dex():
        raise Undecodable
    return market.meta(asked.floor.world)


def _meta_and_contexts(asked: Asked) -> list[Any]:
    world = asked.floor.world
    return [_meta(asked), [market.asset_context(world, one) for one in market.perps(world)]]


def _spot_and_contexts(asked: Asked) -> list[Any]:
    world = asked.floor.world
    return [market.spot_meta(world), [market.asset_context(world, one) for one in market.spots(world)]]


def _book(asked: Asked) -> Json | None:
    instrument = asked.instrument()
    figures, mantissa = asked.choice("nSigFigs", (2, 3, 4, 5)), asked.choice("mantissa", (1, 2, 5))
    if mantissa is not None and figures != 5:
        raise Undecodable
    return None if instrument is None else market.book(asked.floor.world, instrument.symbol, figures, mantissa)


def _trades(asked: Asked) -> list[Json]:
    instrument = asked.instrument()
    if instrument is None:
        return []
    return [market.printed(one) for one in asked.floor.world.trades(HL, instrument.symbol, TRADES_MOST)][::-1]


def _candles(asked: Asked) -> list[Json]:
    request = asked.body.get("req")
    if not isinstance(request, dict):
        raise Undecodable
    inner = Asked(asked.floor, request)
    interval, instrument = inner.word("interval"), inner.instrument()
    if interval not in INTERVALS_S:
        raise Undecodable
    if instrument is None:
        return []
    start, end = inner.ms("startTime"), inner.ms("endTime", asked.floor.now_ms)
    return market.candles(asked.floor.world, instrument.symbol, interval, start, end)


def _fundings(asked: Asked) -> list[Json]:
    instrument = asked.instrument()
    start, end = asked.ms("startTime"), asked.ms("endTime", EVER_MS)
    return [] if instrument is None else market.fundings(asked.floor.world, instrument.symbol, start, end)


def _predicted(asked: Asked) -> list[Any]:
    world = asked.floor.world
    rows: list[Any] = []
    for instrument in market.perps(world):
        mark = world.mark(HL, instrument.symbol)
        due = {
            "fundingRate": number(mark.rate_e8),
            "nextFundingTime": mark.next_funding_ns // NS_PER_MS,
            "fundingIntervalHours": 1,
        }
        rows.append([instrument.symbol, [["HlPerp", due]]])
    return rows


_EMPTY_SUMMARY = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}


def _state(asked: Asked) -> Json:
    trader = asked.trader()
    if trader is not None and asked.is_first_dex():
        return account.clearinghouse_state(asked.floor.world, trader)
    return {
        "marginSummary": dict(_EMPTY_SUMMARY),
        "crossMarginSummary": dict(_EMPTY_SUMMARY),
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": "0.0",
        "assetPositions": [],
        "time": asked.floor.now_ms,
    }


def _spot_state(asked: Asked) -> Json:
    trader = asked.trader()
    if trader is None:
        return {"balances": []}
    return account.spot_state(asked.floor.world, trader, asked.floor.spot_usdc_e8[trader.account.address])


def _open_orders(asked: Asked) -> list[Json]:
    trader = asked.trader()
    if trader is None or not asked.is_first_dex():
        return []
    return [account.basic_order(order) for order in reversed(trader.open_orders(HL))]


def _frontend_orders(asked: Asked) -> list[Json]:
    trader = asked.trader()
    if trader is None or not asked.is_first_dex():
        return []
    return [account.full_order(order) for order in reversed(trader.open_orders(HL))]


def _order_status(asked: Asked) -> Json:
    trader, oid = asked.trader(), asked.body.get("oid")
    if isinstance(oid, bool) or not isinstance(oid, int | str):
        raise Undecodable
    try:
        if trader is None:
            raise UnknownOrder
        if isinstance(oid, int):
            order = trader.order(HL, venue_order_id=oid)
        else:
            order = trader.order(HL, client_order_id=oid.lower())
    except UnknownOrder:
        return {"status": "unknownOid"}
    return {"status": "order", "order": account.order_status(order)}


def _history(asked: Asked) -> list[Json]:
    trader = asked.trader()
    return [] if trader is None else account.order_history(trader.orders(HL))


def _fills(asked: Asked) -> list[Json]:
    trader = asked.trader()
    return [] if trader is None else account.fills(asked.floor.world, trader)


def _fills_by_time(asked: Asked) -> list[Json]:
    trader = asked.trader()
    start, end = asked.ms("startTime"), asked.ms("endTime", EVER_MS)
    return [] if trader is None else account.fills(asked.floor.world, trader, start, end)


def _user_funding(asked: Asked) -> list[Json]:
    trader = asked.trader()
    start, end = asked.ms("startTime", 0), asked.ms("endTime", EVER_MS)
    return [] if trader is None else account.fundings(trader, start, end)


def _ledger(asked: Asked) -> list[Json]:
    trader = asked.trader()
    start, end = asked.ms("startTime", 0), asked.ms("endTime", EVER_MS)
    return [] if trader is None else account.ledger_updates(trader, start, end)


def _rate_limit(asked: Asked) -> Json:
    floor, user = asked.floor, asked.user()
    traded = floor.traded_e8(user)
    return {
        "cumVlm": number(traded),
        "nRequestsUsed": floor.limits.actions_used(user),
        "nRequestsCap": floor.limits.cap(user, traded),
        "nRequestsSurplus": 0,
    }


def _fees(asked: Asked) -> Json:
    trader, perps = asked.trader(), market.perps(asked.floor.world)
    fees = Fees(maker_ppm=150, taker_ppm=450) if trader is None or not perps else trader.fees(HL, perps[0].symbol)
    add, cross = (number(ppm * E8 // PPM) for ppm in (fees.maker_ppm, fees.taker_ppm))
    today = datetime.fromtimestamp(asked.floor.now_ms // 1_000, UTC).date().isoformat()
    schedule = {
        "cross": cross, "add": add, "spotCross": "0.0007", "spotAdd": "0.0004",
        "tiers": {"vip": [], "mm": []}, "referralDiscount": "0.04", "stakingDiscountTiers": [],
    }  # fmt: skip
    return {
        "dailyUserVlm": [{"date": today, "userCross": "0.0", "userAdd": "0.0", "exchange": "0.0"}],
        "feeSchedule": schedule,
        "userCrossRate": cross,
        "userAddRate": add,
        "userSpotCrossRate": "0.0007",
        "userSpotAddRate": "0.0004",
        "activeReferralDiscount": "0.0",
        "trial": None,
        "feeTrialEscrow": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
    }


def _role(asked: Asked) -> Json:
    user = asked.user()
    if user in asked.floor.traders:
        return {"role": "user"}
    agent = asked.floor.agents.get(user)
    if agent is not None and agent.valid_until_ms > asked.floor.now_ms:
        return {"role": "agent", "data": {"user": agent.owner}}
    return {"role": "missing"}


def _agents(asked: Asked) -> list[Json]:
    return [
        {"name": agent.name, "address": agent.address, "validUntil": min(agent.valid_until_ms, FOREVER_MS)}
        for agent in asked.floor.agents_of(asked.user())
        if agent.name
    ]


def _active_asset(asked: Asked) -> Json | None:
    trader, instrument = asked.trader(), asked.instrument()
    if trader is None or instrument is None:
        return None
    return account.active_asset(trader, instrument, asked.floor.world.mark(HL, instrument.symbol).mark_e8)


def _builder_fee(asked: Asked) -> int:
    return asked.floor.builder_fees.get((asked.user(), asked.word("builder").lower()), 0)


def _referral(asked: Asked) -> Json:
    code = asked.floor.referrers.get(asked.user())
    return {
        "referredBy": None if code is None else {"referrer": "0x" + "0" * 40, "code": code},
        "cumVlm": number(asked.floor.traded_e8(asked.user())),
        "unclaimedRewards": "0.0",
        "claimedRewards": "0.0",
        "builderRewards": "0.0",
        "referrerState": {"stage": "needToTrade", "data": {"required": "10000.0"}},
        "rewardHistory": [],
    }


def _portfolio(asked: Asked) -> list[Any]:
    trader = asked.trader()
    if trader is None:
        return []
    value = [[asked.floor.now_ms, number(trader.balance(HL, account.COLLATERAL).equity_e8)]]
    kept = {
        "accountValueHistory": value,
        "pnlHistory": [[asked.floor.now_ms, "0.0"]],
        "vlm": number(trader.traded_e8(HL)),
    }
    spans = ("day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime")
    return [[span, kept] for span in spans]


def _web_data(asked: Asked) -> Json:
    world = asked.floor.world
    return {
        "clearinghouseState": _state(asked),
        "leadingVaults": [],
        "totalVaultEquity": "0.0",
        "openOrders": _frontend_orders(asked),
        "agentAddress": None,
        "agentValidUntil": None,
        "cumLedger": "0.0",
        "meta": market.meta(world),
        "assetCtxs": [market.asset_context(world, one) for one in market.perps(world)],
        "serverTime": asked.floor.now_ms,
        "isVault": False,
        "user": asked.user(),
        "twapStates": [],
        "spotState": _spot_state(asked),
        "spotAssetCtxs": [market.asset_context(world, one) for one in market.spots(world)],
    }


def _status(asked: Asked) -> Json:
    return {"time": asked.floor.now_ms, "specialStatuses": None}


def _nothing(asked: Asked) -> list[Any]:
    asked.user()
    return []


_ANSWERS: dict[str, Callable[[Asked], Any]] = {
    "meta": _meta,
    "metaAndAssetCtxs": _meta_and_contexts,
    "allPerpMetas": lambda asked: [market.meta(asked.floor.world)],
    "perpDexs": lambda asked: [None],
    "spotMeta": lambda asked: market.spot_meta(asked.floor.world),
    "spotMetaAndAssetCtxs": _spot_and_contexts,
    "allMids": lambda asked: market.all_mids(asked.floor.world) if asked.is_first_dex() else {},
    "l2Book": _book,
    "recentTrades": _trades,
    "candleSnapshot": _candles,
    "fundingHistory": _fundings,
    "predictedFundings": _predicted,
    "perpsAtOpenInterestCap": lambda asked: [],
    "exchangeStatus": _status,
    "clearinghouseState": _state,
    "spotClearinghouseState": _spot_state,
    "openOrders": _open_orders,
    "frontendOpenOrders": _frontend_orders,
    "orderStatus": _order_status,
    "historicalOrders": _history,
    "userFills": _fills,
    "userFillsByTime": _fills_by_time,
    "userFunding": _user_funding,
    "userNonFundingLedgerUpdates": _ledger,
    "userRateLimit": _rate_limit,
    "userFees": _fees,
    "userRole": _role,
    "extraAgents": _agents,
    "activeAssetData": _active_asset,
    "maxBuilderFee": _builder_fee,
    "referral": _referral,
    "portfolio": _portfolio,
    "webData2": _web_data,
    "userAbstraction": lambda asked: "default" if asked.user() else None,
    "userDexAbstraction": lambda asked: False if asked.user() else None,
    "subAccounts": lambda asked: None if asked.user() else [],
    "userToMultiSigSigners": lambda asked: None if asked.user() else [],
    "userVaultEquities": _nothing,
    "userTwapSliceFills": _nothing,
    "userTwapSliceFillsByTime": _nothing,
    "twapHistory": _nothing,
    "delegations": _nothing,
    "delegatorHistory": _nothing,
    "delegatorRewards": _nothing,
}
_LIGHT = frozenset(
    ("l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus")
)
_LONG = frozenset(
    (
        "recentTrades", "historicalOrders", "userFills", "userFillsByTime", "fundingHistory", "userFunding",
        "userNonFundingLedgerUpdates", "twapHistory", "userTwapSliceFills", "userTwapSliceFillsByTime",
        "delegatorHistory", "delegatorRewards",
    )
)  # fmt: skip
