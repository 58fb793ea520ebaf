"""The gateway to Hyperliquid: perpetuals to trade, spot pairs to look at; one account, through an agent's key. See
`venues.gateway`.

One websocket carries market, account and orders; questions, and orders while it is down, go over REST. Without a key
only the public half is there: clock, rules and market.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk, Directory, OpenOrder, Report
from crossbook.venues.gateway_base import ACCOUNT, TICK_S, GatewayBase
from crossbook.venues.hyperliquid.gateway_account import AccountEvents
from crossbook.venues.hyperliquid.gateway_ground import Ground
from crossbook.venues.hyperliquid.gateway_look import Look
from crossbook.venues.hyperliquid.gateway_market import Market
from crossbook.venues.hyperliquid.gateway_orders import Orders
from crossbook.venues.hyperliquid.gateway_reports import Reports
from crossbook.venues.hyperliquid.gateway_resolve import Resolver
from crossbook.venues.hyperliquid.gateway_sending import EXPIRES_MS, Sender
from crossbook.venues.hyperliquid.gateway_watch import DeadMansSwitch, LimitWatch, RulesWatch, VenueClock
from crossbook.venues.hyperliquid.gateway_wire import Wire
from crossbook.venues.keys import AgentKey, Key
from crossbook.venues.network import Ports

DRIFT_NS_MAX = NS_PER_S
REFILL = 16
"""Signatures drawn beforehand at a time."""


class HyperliquidGateway(GatewayBase):
    """A `venues.gateway.Gateway`.

    `account`: the master's address, for which the agent `key` trades. `leverage_x`: what every instrument's leverage is
    set to, 0 to leave it. `build`, `run_s`: parts of order ids. `drift_ns_max`: how far the clocks may differ.
    `fast_nonces`: how many signatures are drawn beforehand, 0 for none; read `fast_signer` and its danger first.
    Raises `Refused` for a key of another venue, a key without account, or no symbols.
    """

    _sender: Sender
    _reports: Reports

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        *,
        environment: Environment,
        endpoints: Endpoints,
        symbols: Sequence[str],
        account: str = "",
        key: Key | None = None,
        build: int = 0,
        run_s: int = 0,
        leverage_x: int = 0,
        drift_ns_max: int = DRIFT_NS_MAX,
        fast_nonces: int = 0,
    ) -> None:
        label = Venue.HYPERLIQUID.label
        if key is not None and not isinstance(key, AgentKey):
            raise Refused(
                f"{Venue.HYPERLIQUID.label}: the key is of another kind of venue: give an agent's, one hex line"
            )
        if key is not None and not account:
            raise Refused(f"{label}: no account: name the address for which the agent trades")
        if not symbols:
            raise Refused(f"{label}: no symbols: name what is traded there")
        ground = self._ground = Ground(
            ports, desk, environment, endpoints, tuple(symbols), account, key, fast_nonces
        )  # fmt: skip
        self._leverage_x, self._drift_ns_max = leverage_x, drift_ns_max
        self._orders = Orders(ground, build, run_s)
        super().__init__(ground, self._orders)
        self._resolver = Resolver(
            ground, self._orders, lambda live: self._sender.take_back([live]), lambda: self._reports.query()
        )
        self._account = AccountEvents(ground, self._orders, self._resolver, self._look_if_ready)
        self._rules = RulesWatch(ground, self._resolver)
        self._market = Market(ground, lambda why: self._wire.rotate(why), self._rules.soon)
        channels = {**self._account.channels, "activeAssetCtx": self._market.take_context}
        self._wire = Wire(ground, self._market.take, channels, self._on_state)
        self._sender = Sender(ground, self._wire, self._orders, self._resolver)
        self._reports = Reports(ground, self._resolver, lambda: self._account.heard_ns)
        self._clock = VenueClock(ground, self._resolver, drift_ns_max)
        self._switch = DeadMansSwitch(ground, self._orders)
        self._limit = LimitWatch(ground, self._resolver)
        self._look: Look | None = None
        ground.on_clock_off = self._clock.again
        ground.on_closed = self._rules.soon

    def look(self, on_report: Callable[[Report], None]) -> None:
        """See `Gateway`."""
        self._look = Look(self._ground, self._clock.samples, self._leverage_x, self._drift_ns_max, on_report)
        self._ground.ports.loop.call_soon(self._look.start)

    def start(self, directory: Directory, open_orders: Sequence[OpenOrder], on_ready: Callable[[], None]) -> None:
        """See `Gateway`. Raises `Refused` before a look."""
        if self._look is None:
            raise Refused(f"{self.venue.label}: look before the start")
        ground = self._ground
        ground.adopt(directory)
        self._orders.adopt()
        self._market.adopt()
        self._on_ready = on_ready
        self._resolver.fills.begin(self._look.since_ms, self._look.positions)
        expires_ms = ground.venue_ms() + EXPIRES_MS
        self._waits_for = {self._orders.take_up(one, expires_ms).order for one in open_orders}
        ground.ports.loop.call_soon(self._begin)

    def _begin(self) -> None:
        ground = self._ground
        trades = ground.key is not None
        ground.flow.begin([*self._market.causes, ACCOUNT] if trades else self._market.causes)
        self._rules.start()
        self._clock.start()
        self._market.start()
        self._resolver.gap_begins()
        self._wire.start()
        self._ticking = ground.ports.loop.call_later(TICK_S, self._tick)

    def _reread(self) -> None:
        self._market.rehearse()

    def _shut(self) -> None:
        self._switch.tick(self._ground.monotonic_ns())
        self._ground.flow.end()
        self._resolver.is_closed = True
        for part in (self._market, self._rules, self._clock, self._wire):
            part.stop()
        if self._ground.fast is not None:
            self._ground.fast.drop()

    def _tick(self) -> None:
        ground = self._ground
        self._ticking = ground.ports.loop.call_later(TICK_S, self._tick)
        now_ns = ground.monotonic_ns()
        if ground.key is not None:
            self._wire.tick(now_ns)
            self._resolver.tick(now_ns)
            self._switch.tick(now_ns)
            if self._is_time_to_look(now_ns) and self._orders.rests():
                self._resolver.look_at_open()
            if ground.fast is not None:
                ground.fast.refill(min(ground.fast.ready + REFILL, ground.fast_nonces))
        self._limit.tick(now_ns)
        self._tell_budget(now_ns)
        self._look_if_ready()

    def _on_state(self, is_up: bool, why: str) -> None:
        self._market.on_state(is_up, why)
        if self._ground.key is not None:
            self._account.on_state(is_up, why)

    def _look_if_ready(self) -> None:
        """Ready: the socket is up, the account is known, and so is what became of the open orders."""
        if self._wire.is_up and ACCOUNT not in self._ground.flow.causes and self._are_known():
            self._is_ready()
