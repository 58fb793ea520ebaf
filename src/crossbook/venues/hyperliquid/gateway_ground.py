"""What all parts of a Hyperliquid gateway stand on: ports, budgets, the venue's time, signatures, the desk's numbers,
what follows from an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from crossbook.events import Event
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Instrument, Level, Venue
from crossbook.venues.address_budget import AddressBudget
from crossbook.venues.budgets import WEIGHT, Budgets, ConnectionBudget, Purpose, Refusal
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk, Directory
from crossbook.venues.gateway_common import Flow, Troubles
from crossbook.venues.hyperliquid import info
from crossbook.venues.hyperliquid.actions import Action, CancelByCloid, CancelOrders
from crossbook.venues.hyperliquid.fast_signer import FastSigner
from crossbook.venues.hyperliquid.info import Question
from crossbook.venues.hyperliquid.nonces import NonceSource
from crossbook.venues.hyperliquid.orders import elements
from crossbook.venues.hyperliquid.rules import USDC
from crossbook.venues.hyperliquid.signing import sign_l1, signs_as_mainnet
from crossbook.venues.keys import AgentKey
from crossbook.venues.messages import LEVELS, Consequence, Error, ErrorKind
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.network import Ports
from crossbook.venues.rest import Outcome, Rest

VENUE_TROUBLE_S = 5.0
"""How long the venue counts as down after it said that it is in trouble."""
ACTIONS_A_WEIGHT = 40
JSON = {"content-type": "application/json"}
Signed = dict[str, object]


class Ground:
    """`account`: the master's address, for which the agent `key` trades. `fast_nonces`: how many signatures are drawn
    beforehand, 0 for none (`fast_signer` says what that risks)."""

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        environment: Environment,
        where: Endpoints,
        symbols: tuple[str, ...],
        account: str,
        key: AgentKey | None,
        fast_nonces: int = 0,
    ) -> None:
        self.ports, self.desk = ports, desk
        self.venue, self.label = Venue.HYPERLIQUID, Venue.HYPERLIQUID.label
        self.environment, self.where, self.symbols = environment, where, symbols
        self.account, self.key = account.lower(), key
        self.fast = FastSigner(key) if key is not None and fast_nonces else None
        self.fast_nonces = fast_nonces
        self._signer = self.fast or key
        self._nonces = NonceSource()
        self._as_mainnet = signs_as_mainnet(environment)
        self.budgets = Budgets(self.venue, ports.clock.monotonic_ns())
        self.address = AddressBudget()
        self.connections = ConnectionBudget()
        self.flow = Flow(ports, desk, self.venue)
        self.offset_ns = 0
        """The venue's clock less ours, as measured last: by it orders are stamped."""
        self.settled_ns = 0
        """The same as it was measured before the start: by it the venue's stamps are moved onto our clock."""
        self.rules: dict[str, Rules] = {}
        """What the venue says of each symbol; its number in actions among it."""
        self.instruments: dict[int, Instrument] = {}
        self.numbers: dict[str, int] = {}
        self.assets: dict[str, int] = {}
        self.strategies: tuple[str, ...] = ()
        self.on_clock_off: Callable[[], None] = lambda: None
        self.on_closed: Callable[[], None] = lambda: None
        self._troubles = Troubles(ports, desk, self.venue)
        self._rest = Rest(ports, where.rest, self.budgets)

    def adopt(self, directory: Directory) -> None:
        """Take the desk's numbers."""
        self._troubles.anew()
        self.numbers = directory.numbers(self.venue)
        self.instruments = {number: directory.instruments[number] for number in self.numbers.values()}
        self.assets = {asset: number for number, asset in enumerate(directory.assets)}
        self.strategies = directory.strategies

    def asset_index(self, symbol: str) -> int:
        """What actions call an instrument; -1 where the venue does not list it."""
        rules = self.rules.get(symbol)
        return -1 if rules is None or rules.asset_index is None else rules.asset_index

    @property
    def collateral(self) -> str:
        """What perpetuals are margined in."""
        return next((one.settle for one in self.rules.values() if one.kind == "linear" and one.settle), USDC)

    # time

    def now_ns(self) -> int:
        """Our wall clock."""
        return self.ports.clock.now_ns()

    def monotonic_ns(self) -> int:
        """For deadlines."""
        return self.ports.clock.monotonic_ns()

    def venue_ms(self) -> int:
        """What time it is at the venue."""
        return (self.ports.clock.now_ns() + self.offset_ns) // NS_PER_MS

    def ours_ns(self, stamp_ns: int | None, ts: int) -> int:
        """A stamp of the venue on our clock; `ts` where it gave none."""
        return stamp_ns - self.settled_ns if stamp_ns else ts

    # asking

    def ask(
        self, question: Question, on_outcome: Callable[[Outcome], None], purpose: Purpose = Purpose.NORMAL
    ) -> None:  # fmt: skip
        """Ask `/info`."""
        costs = {WEIGHT: info.weight(question)}
        self._rest.ask(
            "POST", "/info", on_outcome, costs=costs, headers=JSON, body=info.body(question), purpose=purpose
        )  # fmt: skip

    def brought(self, items: int) -> None:
        """A list of so many items came: what it costs besides is spent, whether or not there is so much."""
        extra = info.items_weight(items)
        if extra:
            self.budgets.spend({WEIGHT: extra}, self.monotonic_ns(), Purpose.SAFE)

    # acting

    def sign(self, action: Action, expires_ms: int | None = None) -> Signed:
        """The envelope of an action, with the next nonce. Raises `Refused` where none can be given."""
        assert self._signer is not None
        nonce = self._nonces.take(self.venue_ms())
        signature = sign_l1(self._signer, action, nonce, None, expires_ms, mainnet=self._as_mainnet)
        signed: Signed = {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None}
        if expires_ms is not None:
            signed["expiresAfter"] = expires_ms
        return signed

    def spend(self, action: Action, costs: Mapping[str, int], purpose: Purpose, *, counted: bool) -> Refusal | None:
        """Take what an action costs of the address' budget and, if `counted`, of the connection's; or say why not."""
        now_ns = self.monotonic_ns()
        refusal = self.budgets.refuse(costs, now_ns, purpose)
        if refusal is None:
            cancels = isinstance(action, CancelOrders | CancelByCloid)
            refusal = self.address.spend(elements(action), now_ns, purpose, is_cancel=cancels)
        if refusal is None and counted:
            self.budgets.take(costs)
        return refusal

    def act(
        self, action: Action, signed: Signed, on_outcome: Callable[[Outcome], None], purpose: Purpose = Purpose.SAFE
    ) -> Refusal | None:  # fmt: skip
        """Send a signed action over REST; a refusal of the address' budget, and then nothing is sent."""
        costs = {WEIGHT: 1 + elements(action) // ACTIONS_A_WEIGHT}
        refusal = self.spend(action, costs, purpose, counted=False)
        if refusal is None:
            body = msgspec.json.encode(signed)
            self._rest.ask("POST", "/exchange", on_outcome, costs=costs, headers=JSON, body=body, purpose=purpose)
        return refusal

    # telling

    def later(self, event: Event) -> None:
        """Tell the desk soon: what it asked for is never answered inside its own call."""
        self.ports.loop.call_soon(lambda: self.desk.on_event(event))

    def trouble(self, name: str, text: str, level: Level = Level.ACTIVE, instrument: int = -1) -> None:
        """Tell a person, and let something fall. The same one is not told again for a while."""
        self._troubles.tell(name, f"{self.label}: {text}", level, instrument)

    def heed(self, error: Error, symbol: str = "") -> None:
        """What an error means beyond its request. Not to be called from inside `Gateway.send`."""
        what = error.consequence
        instrument = self.numbers.get(symbol, -1)
        text = f"{symbol}: {error.text}" if symbol else error.text
        if what is Consequence.INSTRUMENT_CLOSE_ONLY:
            level = Level.CLOSE_ONLY if instrument >= 0 or not symbol else Level.ACTIVE
            self.trouble(error.name, text, level, instrument)
            self.on_closed()
        elif what in LEVELS:
            self.trouble(error.name, text, LEVELS[what])
        elif what is Consequence.HOLD_CLOCK:
            self.trouble(error.name, text)
            self.on_clock_off()
        elif what is Consequence.HOLD_RATE:
            self._hold_rate(error, text)
        elif what is Consequence.HOLD_VENUE:
            self.trouble(error.name, text)
            self.flow.hold("the venue is in trouble", VENUE_TROUBLE_S)
        elif what is Consequence.ALERT or error.kind is ErrorKind.UNKNOWN:
            self.trouble(error.name, text)

    def tell_budget(self) -> None:
        """Say what is left of the tightest limit, the address' own among them."""
        ts = self.now_ns()
        report = self.budgets.report(self.monotonic_ns())
        left, whole = report.left, report.whole
        own = max(self.address.cap - self.address.used, 0)
        if own * whole < left * self.address.cap:
            left, whole = own, self.address.cap
        self.desk.on_event(msgspec.structs.replace(report, ts=ts, ts_venue=ts, left=left, whole=whole))

    def _hold_rate(self, error: Error, text: str) -> None:
        if error.name == "address_budget_spent":
            self.address.reported(self.address.cap, max(self.address.used, self.address.cap))
        else:
            self.budgets.back_off(self.monotonic_ns() + (error.retry_after_ms or 0) * NS_PER_MS)
        self.trouble(error.name, text)
        self.tell_budget()
