"""The look before the start: Binance's clock and rules, who we are there and how we are set; then one report, or none.

What is wrong is told by name. No report comes where orders could not be sent, or would not mean what the desk means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from crossbook.errors import Refused
from crossbook.money import parse_e8, text_e8
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Level
from crossbook.venues.binance import accounts, instruments, requests
from crossbook.venues.binance.errors import http_error
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.gateway_reports import read_account
from crossbook.venues.binance.market_data import server_time
from crossbook.venues.binance.orders import order_answer
from crossbook.venues.binance.requests import Request
from crossbook.venues.clock_offset import OffsetSamples
from crossbook.venues.gateway import Report
from crossbook.venues.gateway_base import LookBase
from crossbook.venues.messages import (
    Account,
    Balance,
    Consequence,
    Error,
    Leverage,
    Message,
    OrderUpdate,
    Position,
    ServerTime,
)
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.rest import Fate, Outcome

SAMPLES = 5
TRIES_MAX = 10
AGAIN_S = 1.0
ALREADY, UNKNOWN_SYMBOL = "no_change", "unknown_symbol"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Look(LookBase):
    """One look. `samples` are taken on by the watch of the clock; `rules` are those that are in force."""

    def __init__(
        self, ground: Ground, samples: OffsetSamples, account: str, leverage_x: int, drift_ns_max: int,
        on_report: Callable[[Report], None],
    ) -> None:  # fmt: skip
        super().__init__(ground, None, on_report)
        self.rules: list[Rules] = []
        self._ground, self._samples, self._pinned = ground, samples, account
        self._leverage_x, self._drift_ns_max = leverage_x, drift_ns_max
        self._steps = [self._clock] * SAMPLES + [self._exchange]
        if ground.signer is not None:
            self._steps += [self._settings, self._identity] if not ground.is_spot else []
            self._steps += [partial(self._leverage_of, symbol) for symbol in self._margined()]
            self._steps += [self._account, self._fees]
            self._steps += [partial(self._open_orders, symbol) for symbol in ground.symbols]

    def _ask(self, request: Request, take: Callable[[Outcome], bool], excused: tuple[str, ...] = ()) -> None:
        """Ask, again where the venue or the way to it is in trouble; go on if `take` is content with the answer.

        `excused`: names of errors that are handed to `take` too."""

        def came(outcome: Outcome) -> None:
            error = None
            if outcome.fate is Fate.ANSWERED and outcome.status != 200:
                error = http_error(self._ground.label, outcome.status, outcome.body, outcome.headers.get("retry-after"))
            if outcome.fate is not Fate.ANSWERED or (error is not None and _may_pass(error)):
                self._again(request, take, excused, error, outcome.why)
            elif error is not None and error.name not in excused:
                self._ground.heed(error)
                if error.consequence is Consequence.NONE:
                    self._ground.trouble(error.name, error.text, Level.CLOSE_ONLY)
            else:
                self._tries = 0
                try:
                    if take(outcome):
                        self._next()
                except (*UNREADABLE, Refused) as wrong:
                    self._ground.trouble("unreadable_answer", f"{request.path}: {wrong}")

        self._ground.ask(request, came)

    def _again(
        self, request: Request, take: Callable[[Outcome], bool], excused: tuple[str, ...], error: Error | None, why: str
    ) -> None:
        self._tries += 1
        text = f"{request.path}: {error.text if error is not None else why}"
        name = "venue_unreachable" if error is None else error.name
        if self._tries >= TRIES_MAX:
            self._ground.trouble(name, f"{text}; given up after {TRIES_MAX} times", Level.CLOSE_ONLY)
            return
        self._ground.trouble(name, text)
        wait_s = (error.retry_after_ms or 0) / 1_000 if error is not None else 0.0
        wait_s += self._ground.ports.random.uniform(AGAIN_S / 2, AGAIN_S) * self._tries
        self._ground.ports.loop.call_later(wait_s, lambda: self._ask(request, take, excused))

    # steps

    def _clock(self) -> None:
        def take(outcome: Outcome) -> bool:
            (said,) = server_time(self._ground.label, outcome.body)
            assert isinstance(said, ServerTime)
            self._samples.add(said.time_ns, outcome.sent_ns, outcome.receive_ns)
            offset = self._samples.offset()
            self._ground.offset_ns = 0 if offset is None else offset.offset_ns
            if self._at == SAMPLES and not abs(self._ground.offset_ns) <= self._drift_ns_max:
                text = (
                    "our clock and the venue's differ by"
                    f" {abs(self._ground.offset_ns) // NS_PER_MS} ms, at most {self._drift_ns_max // NS_PER_MS} ms may"
                    " be: set the clock of this machine"
                )
                self._ground.trouble("clock_off", text, Level.CLOSE_ONLY)
            return True

        self._ask(requests.server_time(self._ground.venue), take)

    def _exchange(self) -> None:
        ground = self._ground

        def take(outcome: Outcome) -> bool:
            if outcome.status != 200:  # one of them is not listed: which, the whole list tells
                self._ask(requests.exchange_info(ground.venue), take)
                return False
            info = instruments.exchange_info(outcome.body)
            ground.seen(info.rate_limits)
            ground.settles = {one.symbol: one.margin_asset or one.quote_asset for one in info.symbols}
            listed = {one.symbol: one for one in info.symbols}
            for symbol in ground.symbols:
                if symbol not in listed:
                    ground.trouble(UNKNOWN_SYMBOL, f"{symbol} is not listed")
                    continue
                rules = instruments.rules_of(ground.label, listed[symbol])
                self.rules.append(rules)
                self._traded.append(instruments.instrument_of(rules))
                if not rules.tradeable:
                    ground.trouble("market_closed", f"{symbol}: its status is {rules.status}")
            return True

        self._ask(requests.exchange_info(ground.venue, ground.symbols), take, (UNKNOWN_SYMBOL,))

    def _settings(self) -> None:
        """Futures: the mode of positions and margin, and whether the key may trade."""

        def take(outcome: Outcome) -> bool:
            said = accounts.account_config(self._ground.label, outcome.body)[0]
            assert isinstance(said, Account)
            self._seen = said
            if said.multi_assets_margin:
                text = "multi-assets margin is on, so that other assets are lent: switch it off"
                self._ground.trouble("multi_assets_margin", text, Level.CLOSE_ONLY)
                return False
            if not self._may_trade(said):
                return False
            if said.hedge_mode:
                self._set_one_way()
                return False
            return True

        self._ask(requests.account_config(), take)

    def _set_one_way(self) -> None:
        def take(outcome: Outcome) -> bool:
            if outcome.status == 200 or http_error(self._ground.label, outcome.status, outcome.body).name == ALREADY:
                self._seen = msgspec.structs.replace(self._seen, hedge_mode=False)
                return True
            text = "hedge mode is on and cannot be left: close what is open, and switch it off"
            self._ground.trouble("hedge_mode", text, Level.CLOSE_ONLY)
            return False

        self._ask(requests.set_one_way(), take, (ALREADY, "setting_refused"))

    def _identity(self) -> None:
        """Futures say only the short name of an account."""

        def take(outcome: Outcome) -> bool:
            rows = msgspec.json.decode(outcome.body, type=list[accounts.FuturesAsset])
            alias = next((row.account_alias for row in rows if row.account_alias), None)
            self._seen = msgspec.structs.replace(self._seen, account_id=alias)
            return self._is_pinned(alias)

        self._ask(requests.balances(self._ground.venue), take)

    def _leverage_of(self, symbol: str) -> None:
        ground = self._ground
        if all(one.symbol != symbol for one in self._traded):
            self._next()
            return

        def take(outcome: Outcome) -> bool:
            row = msgspec.json.decode(outcome.body, type=list[msgspec.Raw])[0]
            said = accounts.symbol_config(ground.label, bytes(row))[0]
            assert isinstance(said, Leverage)
            if said.margin_type == "isolated":
                text = f"{symbol}: margin is isolated, the desk reckons with cross: change it there"
                ground.trouble("isolated_margin", text, Level.CLOSE_ONLY)
                return False
            self.leverage[symbol] = int(said.leverage)
            if self._leverage_x and self.leverage[symbol] != self._leverage_x:
                self._ask(requests.set_leverage(symbol, self._leverage_x), was_set)
                return False
            return True

        def was_set(outcome: Outcome) -> bool:
            said = accounts.symbol_config(ground.label, outcome.body)[0]
            assert isinstance(said, Leverage)
            self.leverage[symbol] = int(said.leverage)
            if self.leverage[symbol] != self._leverage_x:
                text = f"{symbol}: leverage is {said.leverage}, it has to be {self._leverage_x}"
                ground.trouble("leverage_not_set", text, Level.CLOSE_ONLY)
                return False
            return True

        self._ask(requests.symbol_config(symbol), take)

    def _account(self) -> None:
        def take(outcome: Outcome) -> bool:
            found = read_account(self._ground, outcome)
            said = next((one for one in found if isinstance(one, Account)), None)
            if said is None:
                return False
            self.since_ms = (outcome.receive_ns + self._ground.offset_ns) // NS_PER_MS
            self._balances = [_with_total(one) for one in found if isinstance(one, Balance)]
            self._held = [one for one in found if isinstance(one, Position)]
            if self._ground.is_spot:
                self._seen = said
                return self._may_trade(said) and self._is_pinned(said.account_id)
            known = {name: getattr(self._seen, name) for name in said.__struct_fields__}
            fresh = {name: value for name, value in known.items() if value is not None}
            self._seen = msgspec.structs.replace(said, **fresh)
            return True

        self._ask(requests.account(self._ground.venue), take)

    def _fees(self) -> None:
        """Spot's account says them."""
        if self._ground.is_spot or not self._traded:
            self._next()
            return

        def take(outcome: Outcome) -> bool:
            said = accounts.commission_rate(self._ground.label, outcome.body)[0]
            assert isinstance(said, Account)
            self._seen = msgspec.structs.replace(self._seen, maker_fee=said.maker_fee, taker_fee=said.taker_fee)
            return True

        self._ask(requests.commission_rate(self._traded[0].symbol), take)

    def _open_orders(self, symbol: str) -> None:
        if all(one.symbol != symbol for one in self._traded):
            self._next()
            return

        def take(outcome: Outcome) -> bool:
            found: list[Message] = order_answer(self._ground.label, outcome.body)
            self._orders += [one for one in found if isinstance(one, OrderUpdate)]
            return True

        self._ask(requests.open_orders(self._ground.venue, symbol), take)

    # assertions

    def _may_trade(self, said: Account) -> bool:
        if said.can_trade is not False:
            return True
        text = "this account or key may not trade: permit it there, or use another"
        self._ground.trouble("no_permission", text, Level.KILLED)
        return False

    def _is_pinned(self, account_id: str | None) -> bool:
        if not self._pinned or account_id == self._pinned:
            return True
        text = f"the key is of account {account_id}, the connections pin {self._pinned}"
        self._ground.trouble("wrong_account", text, Level.KILLED)
        return False

    def _margined(self) -> tuple[str, ...]:
        return () if self._ground.is_spot else self._ground.symbols


def _may_pass(error: Error) -> bool:
    """Whether the same request may succeed later."""
    waits = (Consequence.HOLD_RATE, Consequence.HOLD_VENUE)
    return error.consequence in waits or error.kind != "refused"


def _with_total(said: Balance) -> Balance:
    """Spot says what is free and what is locked, not what both are together."""
    if said.total is not None or said.free is None or said.locked is None:
        return said
    return msgspec.structs.replace(
        said, total=text_e8(parse_e8(said.free, said.asset) + parse_e8(said.locked, said.asset))
    )
