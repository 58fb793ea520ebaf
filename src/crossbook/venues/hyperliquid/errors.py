"""Every error Hyperliquid is known to say, as a row: what it means for the request, and beyond it.

The venue has no numbers, only sentences, some with figures in them and an ` asset=N` behind; a row is found by how the
sentence begins. Its code is the venue's own word for it where `orderStatus` has one. What no row matches is UNKNOWN.
"""

from __future__ import annotations

from crossbook.events import Rejection
from crossbook.types import Venue
from crossbook.venues.messages import Consequence, Error, ErrorKind, ErrorRow

LABEL = Venue.HYPERLIQUID.label
ADDRESS_LIMIT_MS = 10_000
"""An address without budget may ask once in ten seconds."""
IP_LIMIT_MS = 60_000
"""The weight of an IP is counted by the minute."""

_refused, _retryable, _unknown = ErrorKind.REFUSED, ErrorKind.RETRYABLE, ErrorKind.UNKNOWN


def _row(
    match: str,
    name: str,
    kind: ErrorKind = _refused,
    rejection: Rejection | None = None,
    consequence: Consequence = Consequence.NONE,
    code: str = "",
) -> ErrorRow:
    word = rejection.name if rejection is not None else None
    return ErrorRow(code=code or name, name=name, kind=kind, consequence=consequence, rejection=word, match=match)


ORDER_ERRORS = (
    _row("Price must be divisible by tick size", "off_tick", rejection=Rejection.PRICE_FILTER, code="tickRejected"),
    _row("Order must have minimum value of", "too_small", rejection=Rejection.MIN_NOTIONAL, code="minTradeNtlRejected"),
    _row(
        "Insufficient margin to place order",
        "no_margin",
        rejection=Rejection.INSUFFICIENT_MARGIN,
        code="perpMarginRejected",
    ),
    _row(
        "Reduce only order would increase position",
        "not_reducing",
        rejection=Rejection.REDUCE_ONLY,
        code="reduceOnlyRejected",
    ),
    _row(
        "Post only order would have immediately matched",
        "would_take",
        rejection=Rejection.WOULD_TAKE,
        code="badAloPxRejected",
    ),
    _row("Order could not immediately match against any resting orders", "nothing_to_take", code="iocCancelRejected"),
    _row("No liquidity available for market order", "nothing_to_take_market", code="marketOrderNoLiquidityRejected"),
    _row("Invalid TP/SL price", "bad_trigger_price", rejection=Rejection.PRICE_FILTER, code="badTriggerPxRejected"),
    _row(
        "Order would increase open interest while open interest is capped",
        "open_interest_capped",
        rejection=Rejection.NOT_TRADING,
        consequence=Consequence.INSTRUMENT_CLOSE_ONLY,
        code="positionIncreaseAtOpenInterestCapRejected",
    ),
    _row(
        "Order rejected due to price more aggressive than oracle while at open interest cap",
        "beyond_oracle_at_cap",
        rejection=Rejection.PRICE_BAND,
        code="tooAggressiveAtOpenInterestCapRejected",
    ),
    _row(
        "Order would increase open interest too quickly",
        "open_interest_too_fast",
        rejection=Rejection.NOT_TRADING,
        code="openInterestIncreaseRejected",
    ),
    _row(
        "Order has insufficient spot balance to trade",
        "no_spot_balance",
        rejection=Rejection.INSUFFICIENT_BALANCE,
        code="insufficientSpotBalanceRejected",
    ),
    _row(
        "Insufficient spot balance",
        "no_spot_balance",
        rejection=Rejection.INSUFFICIENT_BALANCE,
        code="insufficientSpotBalanceRejected",
    ),
    _row("Order price too far from oracle", "beyond_oracle", rejection=Rejection.PRICE_BAND, code="oracleRejected"),
    _row(
        "Order price cannot be more than 80% away from the reference price",
        "beyond_reference",
        rejection=Rejection.PRICE_BAND,
    ),
    _row(
        "Order would cause position to exceed margin tier limit at current leverage",
        "beyond_margin_tier",
        rejection=Rejection.INSUFFICIENT_MARGIN,
        code="perpMaxPositionRejected",
    ),
    _row("Order has zero size", "zero_size", rejection=Rejection.LOT_FILTER, consequence=Consequence.ALERT),
    _row("Order has invalid size", "off_lot", rejection=Rejection.LOT_FILTER, consequence=Consequence.ALERT),
    _row("Order has invalid price", "bad_price", rejection=Rejection.PRICE_FILTER, consequence=Consequence.ALERT),
    _row(
        "Only post-only orders allowed immediately after a network upgrade",
        "post_only_after_upgrade",
        _retryable,
        Rejection.NOT_TRADING,
        Consequence.VENUE_CLOSE_ONLY,
    ),
    _row("Cannot place order: too many open orders", "too_many_orders", rejection=Rejection.TOO_MANY_ORDERS),
    _row(
        "Invalid perp DEX or asset",
        "unknown_asset",
        rejection=Rejection.UNKNOWN_INSTRUMENT,
        consequence=Consequence.INSTRUMENT_CLOSE_ONLY,
    ),
    _row(
        "Asset not found",
        "unknown_asset",
        rejection=Rejection.UNKNOWN_INSTRUMENT,
        consequence=Consequence.INSTRUMENT_CLOSE_ONLY,
    ),
    _row("Modified order must be post-only", "would_take_modified", rejection=Rejection.WOULD_TAKE),
    _row("Order was never placed, already canceled, or filled", "order_gone"),
    _row("Cannot modify canceled or filled order", "order_gone_modify"),
    _row("TWAP was never placed, already canceled, or filled", "twap_gone"),
    _row("Invalid TWAP duration", "bad_twap"),
    _row("Duplicate cloid", "duplicate_cloid", _unknown, consequence=Consequence.ALERT),
)
"""What an element of `statuses` may say. A duplicate cloid proves that an order with it is there: ask for it."""

ACTION_ERRORS = (
    _row("User or API Wallet", "agent_unknown", consequence=Consequence.VENUE_KILLED),
    _row("Must deposit before performing actions", "no_deposit", rejection=Rejection.INSUFFICIENT_BALANCE,
         consequence=Consequence.VENUE_KILLED),
    _row("Vault not registered", "vault_unknown", consequence=Consequence.VENUE_KILLED),
    _row("Too many cumulative requests sent", "address_budget_spent", _retryable, Rejection.TOO_MANY_ORDERS,
         Consequence.HOLD_RATE),
    _row("Cannot set scheduled cancel time until enough volume traded", "no_dead_mans_switch"),
    _row("Scheduled cancel time too early", "schedule_too_soon", consequence=Consequence.ALERT),
    _row("Cannot schedule more than 10 cancels a day", "schedule_used_up"),
    _row("Invalid nonce: duplicate nonce", "nonce_used", _unknown, consequence=Consequence.ALERT),
    _row("Invalid nonce: nonce too low", "nonce_too_low", consequence=Consequence.HOLD_CLOCK),
    _row("Invalid nonce", "nonce_refused", _unknown, consequence=Consequence.HOLD_CLOCK),
    _row("Action already expired", "expired_on_the_way", consequence=Consequence.HOLD_CLOCK),
)  # fmt: skip
"""What the answer to a whole action may say. A used nonce proves that an action with it, perhaps this one, was done."""

RIM_ERRORS = (
    _row("Failed to deserialize the JSON body into the target type", "not_understood", consequence=Consequence.ALERT),
    _row("Invalid subscription", "bad_subscription", consequence=Consequence.ALERT),
    _row("Already subscribed", "already_subscribed"),
    _row("Already unsubscribed", "already_unsubscribed"),
)
"""What comes before any action is looked at: bodies that are none, subscriptions."""

ERRORS = ORDER_ERRORS + ACTION_ERRORS + RIM_ERRORS
NEVER_SEEN = _row("", "unlisted", _unknown, consequence=Consequence.ALERT)
HTTP_ERRORS = {
    422: _row("", "not_understood", consequence=Consequence.ALERT),
    429: _row("", "ip_budget_spent", _retryable, Rejection.TOO_MANY_ORDERS, Consequence.HOLD_RATE),
}
HTTP_TROUBLE = _row("", "http_trouble", _unknown, consequence=Consequence.HOLD_VENUE)
"""Any other status: the action may have been done all the same (2025-07-29: it was, for 37 minutes)."""

EXPIRIES = ("nothing_to_take", "nothing_to_take_market")
"""The venue says error, but nothing was wrong: an order that must take found nothing and ended unfilled."""

_PREFIXES = ("L1 error: ",)


def row_of(text: str) -> ErrorRow:
    """The row whose words begin the sentence; `NEVER_SEEN` if there is none."""
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    for row in ERRORS:
        if text.startswith(row.match):
            rest = text[len(row.match) :]
            if not rest or not rest[0].isalnum():
                return row
    return NEVER_SEEN


def error_of(text: str, request_id: int | None = None) -> Error:
    """What a sentence of the venue means."""
    row = row_of(text)
    return row.said(LABEL, text, None, request_id, ADDRESS_LIMIT_MS if row.name == "address_budget_spent" else None)


def http_error(status: int, body: str, request_id: int | None = None, retry_after_ms: int | None = None) -> Error:
    """What an HTTP status other than 200 means. `retry_after_ms`: as its header asks."""
    row = HTTP_ERRORS.get(status, HTTP_TROUBLE)
    if status == 429:
        retry_after_ms = retry_after_ms or IP_LIMIT_MS
    return row.said(LABEL, f"{status} {body[:200]}".strip(), status, request_id, retry_after_ms)


REJECTED_STATUSES = {row.code: row for row in ORDER_ERRORS if str(row.code).endswith("Rejected")} | {
    "positionFlipAtOpenInterestCapRejected": row_of("Order would increase open interest while open interest is capped"),
}
"""The words of `orderStatus` and `orderUpdates` for orders that were refused."""


def rejection_of(row: ErrorRow) -> Rejection | None:
    """The row's rejection as the core knows it."""
    return None if row.rejection is None else Rejection[row.rejection]
