"""What all parts of a Hyperliquid gateway stand on: the common ground, asking, and signed actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from crossbook.events import RateBudget
from crossbook.types import Venue
from crossbook.venues import gateway_common
from crossbook.venues.address_budget import AddressBudget
from crossbook.venues.budgets import WEIGHT, Purpose, Refusal
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk
from crossbook.venues.hyperliquid import info
from crossbook.venues.hyperliquid.actions import Action, CancelByCloid, CancelOrders
from crossbook.venues.hyperliquid.fast_signer import FastSigner
from crossbook.venues.hyperliquid.info import Question
from crossbook.venues.hyperliquid.nonces import NonceSource
from crossbook.venues.hyperliquid.orders import elements
from crossbook.venues.hyperliquid.rules import USDC
from crossbook.venues.hyperliquid.signing import sign_l1, signs_as_mainnet
from crossbook.venues.keys import AgentKey
from crossbook.venues.messages import Error
from crossbook.venues.messages import Instrument as Rules
from crossbook.venues.network import Ports
from crossbook.venues.rest import Outcome, Rest

ACTIONS_A_WEIGHT = 40
JSON = {"content-type": "application/json"}
Signed = dict[str, object]


class Ground(gateway_common.Ground):
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
        super().__init__(ports, desk, Venue.HYPERLIQUID, environment, where, symbols)
        self.account, self.key = account.lower(), key
        self.fast = FastSigner(key) if key is not None and fast_nonces else None
        self.fast_nonces = fast_nonces
        self._signer = self.fast or key
        self._nonces = NonceSource()
        self._as_mainnet = signs_as_mainnet(environment)
        self.address = AddressBudget()
        self.settled_ns = 0
        """The venue's clock less ours as it was measured before the start: by it stamps are moved onto our clock."""
        self.rules: dict[str, Rules] = {}
        """What the venue says of each symbol; its number in actions among it."""
        self._rest = Rest(ports, where.rest, self.budgets)

    @property
    def stamps_ns(self) -> int:
        return self.settled_ns

    def asset_index(self, symbol: str) -> int:
        """What actions call an instrument; -1 where the venue does not list it."""
        rules = self.rules.get(symbol)
        return -1 if rules is None or rules.asset_index is None else rules.asset_index

    @property
    def collateral(self) -> str:
        """What perpetuals are margined in."""
        return next((one.settle for one in self.rules.values() if one.kind == "linear" and one.settle), USDC)

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

    def rehearse(self, action: Action) -> Signed:
        """What `sign` makes, with nonce 1, which is too old for any venue to take; no nonce of ours is used up."""
        assert self.key is not None
        expires_ms = self.venue_ms()
        signature = sign_l1(self.key, action, 1, None, expires_ms, mainnet=self._as_mainnet)
        return {"action": action, "nonce": 1, "signature": signature, "vaultAddress": None, "expiresAfter": expires_ms}

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

    def budget(self) -> RateBudget:
        """The address' own limit is among them."""
        report = self.budgets.report(self.monotonic_ns())
        own = max(self.address.cap - self.address.used, 0)
        if own * report.whole < report.left * self.address.cap:
            return msgspec.structs.replace(report, left=own, whole=self.address.cap)
        return report

    def back_off(self, error: Error, until_ns: int) -> None:
        if error.name == "address_budget_spent":
            self.address.reported(self.address.cap, max(self.address.used, self.address.cap))
        else:
            self.budgets.back_off(until_ns)
