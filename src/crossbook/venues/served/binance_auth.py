"""Whether a request to a served Binance is who it claims to be, in time, and allowed to.

The checks come in the venue's order: key format, key, time stamp, signature, permission.
"""

from __future__ import annotations

from enum import IntEnum

from crossbook.errors import Refused
from crossbook.money import parse_scaled
from crossbook.venues.served.accounts import Account, ApiKey
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_problem import Problem, early, illegal, late, missing
from crossbook.venues.served.binance_request import Ask

WINDOW_US, WINDOW_US_MOST, AHEAD_US = 5_000_000, 60_000_000, 1_000_000


class Security(IntEnum):
    """What a request has to show."""

    NONE = 0
    KEY = 1
    """The API key alone (listenKey)."""
    READ = 2
    """Key, time stamp, signature."""
    TRADE = 3
    """And the permission to trade."""


def authorise(house: House, ask: Ask, security: Security, session: tuple[Account, ApiKey] | None = None) -> None:
    """Set `ask.account`, or raise the venue's problem. `session`: who logged on to this connection; a request that
    brings its own key overrides it."""
    if security is Security.NONE:
        return
    if ask.api_key == "" and session is not None:
        account, key = session
        if house.key(key.api_key) is None:
            raise Problem(-2015)
        if security is not Security.KEY:
            check_time(house, ask)
    else:
        account, key = identify(house, ask)
        if security is not Security.KEY:
            check_time(house, ask)
            check_signature(house, ask, key)
    if security is Security.TRADE and not (key.may_trade and house.may_trade(account)):
        raise Problem(-2015)
    ask.account = account


def identify(house: House, ask: Ask) -> tuple[Account, ApiKey]:
    """Whose key a request shows."""
    if not ask.api_key or not ask.api_key.isascii() or not ask.api_key.isalnum():
        raise Problem(-2014)
    found = house.key(ask.api_key)
    if found is None:
        raise Problem(-2015)
    return found


def check_signature(house: House, ask: Ask, key: ApiKey) -> None:
    """Whether the key signed these very bytes."""
    if not ask.signature:
        raise missing("signature")
    if not house.verifiers[key.api_key].verify(ask.payload, ask.signature):
        raise Problem(-1022)


def check_time(house: House, ask: Ask) -> None:
    """Whether the request is at most recvWindow old and at most a second early, to the microsecond."""
    stamp = ask.integer("timestamp")
    stamp_us = stamp if stamp >= 10**14 else stamp * 1_000
    window_us = WINDOW_US
    if ask.has("recvWindow"):
        try:
            window_us = parse_scaled(ask.text("recvWindow"), 3, "recvWindow")
        except Refused:
            raise illegal("recvWindow", "^[0-9]{1,20}(\\.[0-9]{1,3})?$") from None
        if window_us > WINDOW_US_MOST:
            raise Problem(-1131, "recvWindow must be less than 60000.")
    now_us = house.now_ns() // 1_000
    if stamp_us >= now_us + AHEAD_US:
        raise early()
    if now_us - stamp_us > window_us:
        raise late()
