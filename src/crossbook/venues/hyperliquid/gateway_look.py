"""The look before the start: Hyperliquid's clock and rules, whether the key is an agent of the account, how the account
stands and is set; then one report, or none.

What is wrong is told by name. No report comes where orders could not be sent, or would not mean what the desk means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Level
from crossbook.venues.clock_offset import OffsetSamples
from crossbook.venues.endpoints import LOOPBACK, Environment, endpoints
from crossbook.venues.gateway import Report
from crossbook.venues.gateway_base import LookBase
from crossbook.venues.hyperliquid import answers, info, normalise, orders
from crossbook.venues.hyperliquid.answers import Became
from crossbook.venues.hyperliquid.errors import http_error
from crossbook.venues.hyperliquid.fills import is_spot
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_watch import clock_words, rules_of
from crossbook.venues.hyperliquid.info import (
    AccountState,
    Agent,
    Fees,
    Meta,
    Question,
    RateLimit,
    Role,
    SpotMeta,
    SpotState,
    Status,
)
from crossbook.venues.hyperliquid.messages import Order
from crossbook.venues.hyperliquid.rules import USDC, collateral_of, instrument_of
from crossbook.venues.messages import Account, Balance, Consequence, Error, Position
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.rest import Fate, Outcome

SAMPLES = 5
TRIES_MAX = 10
AGAIN_S = 1.0
AGENT_SOON_NS = 7 * 86_400 * NS_PER_S
JOINED = ("unifiedAccount", "portfolioMargin", "dexAbstraction")
"""Account modes in which the perpetuals' account does not hold its own money."""
NO_SPOT = SpotMeta(tokens=[], universe=[])
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
T = TypeVar("T")


class Look(LookBase):
    """One look. `samples` are taken on by the watch of the clock; `since_ms` is the venue's time of what is reported,
    of which `positions` are the base."""

    def __init__(
        self, ground: Ground, samples: OffsetSamples, leverage_x: int, drift_ns_max: int,
        on_report: Callable[[Report], None],
    ) -> None:  # fmt: skip
        super().__init__(ground, ground.account or None, on_report)
        self.positions: dict[str, str] = {}
        self._ground, self._samples = ground, samples
        self._leverage_x, self._drift_ns_max = leverage_x, drift_ns_max
        self._steps = [self._place, *[self._clock] * SAMPLES, self._meta]
        if ground.key is not None:
            self._steps += [self._agents, self._mode]
            if leverage_x:
                self._steps += [partial(self._leverage_of, symbol) for symbol in ground.symbols]
            self._steps += [self._account, self._spot, self._open_orders, self._fees, self._budget]

    def _ask(self, question: Question, kind: type[T], take: Callable[[T, Outcome], bool]) -> None:
        """Ask, again where the venue or the way to it is in trouble; go on if `take` is content with the answer."""

        def came(outcome: Outcome) -> None:
            if outcome.fate is not Fate.ANSWERED or outcome.status != 200:
                self._again(str(question["type"]), outcome, lambda: self._ask(question, kind, take))
                return
            self._tries = 0
            try:
                if take(msgspec.json.decode(outcome.body, type=kind), outcome):
                    self._next()
            except (*UNREADABLE, Refused) as wrong:
                self._fail("unreadable_answer", f"{question['type']}: {wrong}", Level.ACTIVE)

        self._ground.ask(question, came)

    def _again(self, what: str, outcome: Outcome, again: Callable[[], None]) -> None:
        self._tries += 1
        error = None
        if outcome.fate is Fate.ANSWERED:
            error = http_error(outcome.status, outcome.body[:200].decode("utf-8", "replace"))
        text = f"{what}: {outcome.why if error is None else error.text}"
        name = "venue_unreachable" if error is None else error.name
        if self._tries >= TRIES_MAX:
            self._fail(name, f"{text}; given up after {TRIES_MAX} times", Level.CLOSE_ONLY)
            return
        if outcome.refusal is None:
            self._ground.trouble(name, text)
        wait_s = self._ground.ports.random.uniform(AGAIN_S / 2, AGAIN_S) * self._tries
        if outcome.refusal is not None:
            wait_s += max(outcome.refusal.allowed_ns - self._ground.monotonic_ns(), 0) / NS_PER_S
        self._ground.ports.loop.call_later(wait_s, again)

    def _fail(self, name: str, text: str, level: Level) -> bool:
        self._ground.trouble(name, text, level)
        return False

    # steps

    def _place(self) -> None:
        """The addresses must be those of the environment: it decides what our signatures are worth where."""
        ground = self._ground
        if ground.environment is Environment.LOCAL:
            host = ground.where.rest.partition("//")[2].rpartition(":")[0].strip("[]")
            fits = host in LOOPBACK
        else:
            fits = ground.where == endpoints(ground.venue, ground.environment)
        if not fits:
            text = f"{ground.where.rest} is not of environment {ground.environment.value}: name the right one"
            self._fail("wrong_environment", text, Level.KILLED)
            return
        self._next()

    def _clock(self) -> None:
        ground = self._ground

        def take(said: Status, outcome: Outcome) -> bool:
            self._samples.add(said.time * NS_PER_MS, outcome.sent_ns, outcome.receive_ns)
            offset = self._samples.offset()
            if offset is not None:
                ground.offset_ns = ground.settled_ns = offset.offset_ns
                if offset.n == SAMPLES and not abs(offset.offset_ns) <= self._drift_ns_max:
                    words = clock_words(offset.offset_ns, self._drift_ns_max)
                    ground.trouble("clock_off", words, Level.CLOSE_ONLY)
            return True

        self._ask(info.status(), Status, take)

    def _meta(self) -> None:
        ground = self._ground

        def perps_came(meta: Meta, outcome: Outcome) -> bool:
            if meta.collateral_token == 0 and not any(is_spot(symbol) for symbol in ground.symbols):
                return listed_are(rules_of(meta, NO_SPOT, USDC))  # each question costs weight that orders may need
            self._ask(info.spot_meta(), SpotMeta, lambda spot, outcome: spot_came(meta, spot))
            return False

        def spot_came(meta: Meta, spot: SpotMeta) -> bool:
            return listed_are(rules_of(meta, spot, collateral_of(meta, spot)))

        def listed_are(listed: dict[str, Rules]) -> bool:
            ground.rules = listed
            for symbol in ground.symbols:
                rules = listed.get(symbol)
                if rules is None:
                    ground.trouble("unknown_symbol", f"{symbol} is not listed")
                    continue
                self._traded.append(instrument_of(rules))
                if not rules.tradeable:
                    ground.trouble("market_closed", f"{symbol}: its status is {rules.status}")
            return True

        self._ask(info.meta(), Meta, perps_came)

    def _agents(self) -> None:
        """The key must be that of an agent of the account, and not the account's own, which could move its money."""
        ground = self._ground
        key = ground.key
        assert key is not None
        try:
            key.must_be_agent_of(ground.account)
        except Refused as error:
            self._fail("key_of_account", str(error), Level.KILLED)
            return

        def agents_came(found: list[Agent], outcome: Outcome) -> bool:
            mine = next((one for one in found if one.address.lower() == key.address), None)
            if mine is None:
                self._ask(info.role(key.address), Role, role_came)
                return False
            left_ns = 1 if mine.valid_until is None else mine.valid_until * NS_PER_MS - ground.venue_ms() * NS_PER_MS
            if left_ns <= 0:
                return self._fail("agent_expired", f"agent {key.address} has expired: approve another", Level.KILLED)
            if mine.valid_until is not None and left_ns < AGENT_SOON_NS:
                hours = left_ns // (3_600 * NS_PER_S)
                ground.trouble("agent_expires_soon", f"agent {key.address} is valid for {hours} h: approve another")
            return True

        def role_came(said: Role, outcome: Outcome) -> bool:
            master = str((said.data or {}).get("user", "")).lower()
            if said.role == "agent" and master == ground.account:
                return True  # the one agent without a name
            if said.role == "agent":
                text = f"the key is of an agent of {master}, the connections name {ground.account}"
                return self._fail("wrong_account", text, Level.KILLED)
            text = (
                f"{key.address} is no agent of {ground.account} (it is {said.role}): it expired, was never approved, "
                "or is of another environment; approve an agent and give its key"
            )
            return self._fail("agent_unknown", text, Level.KILLED)

        self._ask(info.agents(ground.account), list[Agent], agents_came)

    def _mode(self) -> None:
        def take(said: str | None, outcome: Outcome) -> bool:
            if said in JOINED:
                text = f"account mode {said}: the perpetuals' account does not hold its own money: switch it off there"
                return self._fail("joined_account", text, Level.CLOSE_ONLY)
            return True

        # mypy takes no union for a type[T]; msgspec does
        self._ask(info.abstraction(self._ground.account), str | None, take)  # type: ignore[arg-type]

    def _leverage_of(self, symbol: str) -> None:
        """It is not told where nothing is held, so it is set."""
        ground = self._ground
        rules = ground.rules.get(symbol)
        if rules is None or rules.kind != "linear":
            self._next()
            return
        try:
            action = orders.update_leverage(ground.asset_index(symbol), self._leverage_x, rules.max_leverage or 1)
        except Refused as error:
            self._fail("leverage_not_set", f"{symbol}: {error}", Level.CLOSE_ONLY)
            return

        def came(outcome: Outcome) -> None:
            if outcome.fate is not Fate.ANSWERED or outcome.status != 200:
                self._again("updateLeverage", outcome, lambda: self._leverage_of(symbol))
                return
            self._tries = 0
            said = answers.read_answer("updateLeverage", 1, outcome.body)[0]
            if said.became is Became.DONE:
                self.leverage[symbol] = self._leverage_x
                self._next()
            else:
                self._refused(said.error, f"{symbol}: leverage {self._leverage_x}: {said.why}")

        refusal = ground.act(action, ground.sign(action), came)
        if refusal is not None:
            self._fail("held_back", f"{symbol}: leverage: {refusal.limit} is {refusal.why.value}", Level.CLOSE_ONLY)

    def _refused(self, error: Error | None, text: str) -> None:
        if error is not None and error.consequence is not Consequence.ALERT:
            self._ground.heed(error)
        if error is None or error.consequence in (Consequence.NONE, Consequence.ALERT):
            self._fail("leverage_not_set", text, Level.CLOSE_ONLY)

    def _account(self) -> None:
        ground = self._ground

        def take(state: AccountState, outcome: Outcome) -> bool:
            self.since_ms = state.time or ground.venue_ms()
            self.positions = {symbol: "0" for symbol, one in ground.rules.items() if one.kind == "linear"}
            self.positions |= {one.position.coin: one.position.szi for one in state.asset_positions}
            for one in normalise.account(state):
                if isinstance(one, Account):
                    self._seen = msgspec.structs.replace(one, account_id=ground.account, can_trade=True)
                elif isinstance(one, Balance):
                    self._balances.append(msgspec.structs.replace(one, asset=ground.collateral))
                elif isinstance(one, Position):
                    self._held.append(one)
            isolated = [one.instrument for one in self._held if one.margin_type == "isolated"]
            if isolated:
                text = f"{isolated[0]}: margin is isolated, the desk reckons with cross: change it there"
                return self._fail("isolated_margin", text, Level.CLOSE_ONLY)
            return True

        self._ask(info.account(ground.account), AccountState, take)

    def _spot(self) -> None:
        """Collateral in the spot wallet bears no position: it is not counted."""
        ground = self._ground

        def take(state: SpotState, outcome: Outcome) -> bool:
            self._balances += [normalise.spot_balance(one) for one in state.balances if one.coin != ground.collateral]
            return True

        self._ask(info.spot_account(ground.account), SpotState, take)

    def _open_orders(self) -> None:
        def take(found: list[Order], outcome: Outcome) -> bool:
            self._orders = [normalise.order(one) for one in found]
            return True

        self._ask(info.open_orders(self._ground.account), list[Order], take)

    def _fees(self) -> None:
        def take(said: Fees, outcome: Outcome) -> bool:
            self._seen = msgspec.structs.replace(
                self._seen, maker_fee=said.user_add_rate, taker_fee=said.user_cross_rate
            )  # fmt: skip
            return True

        self._ask(info.fees(self._ground.account), Fees, take)

    def _budget(self) -> None:
        def take(said: RateLimit, outcome: Outcome) -> bool:
            self._ground.address.reported(said.n_requests_cap, said.n_requests_used)
            return True

        self._ask(info.rate_limit(self._ground.account), RateLimit, take)
