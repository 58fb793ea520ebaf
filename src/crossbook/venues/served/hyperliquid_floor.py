"""What the served Hyperliquid keeps beside the world: whose wallet is whose, used nonces, countdowns."""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec

from crossbook.timestamp import NS_PER_DAY, NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.accounts import FOREVER_MS
from crossbook.venues.served.facts import AccountEvent, Change, OrderChanged
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.hyperliquid_account import Note
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import Trader, World

HL = Venue.HYPERLIQUID
DAY_MS = NS_PER_DAY // NS_PER_MS
NONCES_KEPT = 100
NONCE_PAST_MS = 2 * DAY_MS
NONCE_AHEAD_MS = DAY_MS
AGENT_DAYS_MOST = 180
NAMED_AGENTS_MOST = 3
COUNTDOWN_LEAST_NS = 5 * NS_PER_S
TRIGGERS_A_DAY = 10


class AgentWallet(msgspec.Struct, kw_only=True):
    """A wallet that may trade for an account; `name` "" for the one unnamed."""

    address: str
    owner: str
    name: str
    valid_until_ms: int


class Countdown(msgspec.Struct, kw_only=True):
    """An account's dead man's switch: when it cancels (0: not set), and how often it did on `day`."""

    at_ns: int = 0
    day: int = 0
    fired: int = 0


class Nonces:
    """The 100 highest nonces of each signer: a new one must be above the lowest of them, unused, and near the time."""

    def __init__(self) -> None:
        self._used: dict[str, list[int]] = {}

    def refusal(self, signer: str, nonce: int, now_ms: int) -> str | None:
        """Take a nonce (None), or say what is wrong with it."""
        if not now_ms - NONCE_PAST_MS < nonce < now_ms + NONCE_AHEAD_MS:
            way = "low" if nonce < now_ms else "high"
            return f"Invalid nonce: nonce too {way}"
        used = self._used.setdefault(signer, [])
        at = bisect_left(used, nonce)
        if at < len(used) and used[at] == nonce:
            return "Invalid nonce: duplicate nonce"
        if len(used) >= NONCES_KEPT:
            if at == 0:
                return "Invalid nonce: nonce too low"
            used.pop(0)
        insort(used, nonce)
        return None

    def forget(self, signer: str) -> None:
        """A wallet that is no agent any more loses its nonces."""
        self._used.pop(signer, None)


class Floor:
    """The state of the served venue. Hears every account, to know what its countdown canceled."""

    def __init__(self, world: World, limits: Limits, faults: Faults) -> None:
        self.world = world
        self.limits = limits
        self.faults = faults
        self.nonces = Nonces()
        self.traders: dict[str, Trader] = {}
        self.agents: dict[str, AgentWallet] = {}
        self.countdowns: dict[str, Countdown] = {}
        self.builder_fees: dict[tuple[str, str], int] = {}
        self.referrers: dict[str, str] = {}
        self.spot_usdc_e8: dict[str, int] = {}
        self.is_acting = False
        for trader in world.traders.values():
            account = trader.account
            if not account.address:
                continue
            self.traders[account.address] = trader
            self.spot_usdc_e8[account.address] = 0
            self.countdowns[account.address] = Countdown()
            for agent in account.agents:
                self.agents[agent.address] = AgentWallet(
                    address=agent.address, owner=account.address, name=agent.name, valid_until_ms=agent.valid_until_ms
                )
            trader.subscribe(HL, self)

    @property
    def now_ns(self) -> int:
        """The world's time."""
        return self.world.clock.now_ns()

    @property
    def now_ms(self) -> int:
        """What the venue's clock says."""
        now_ns = self.now_ns
        return (now_ns + self.faults.skew_ns(HL, now_ns)) // NS_PER_MS

    def catch_up(self) -> None:
        """Let the world come to this moment."""
        self.world.catch_up()

    def is_revoked(self, owner: str) -> bool:
        """Whether the account's agents may not trade just now."""
        return self.faults.is_revoked(HL, self.traders[owner].account.name, self.now_ns)

    def on_account(self, event: AccountEvent) -> None:
        """An order that was canceled while nobody asked for anything was canceled by the countdown."""
        if not isinstance(event, OrderChanged):
            return
        note = event.order.request.note
        if event.change is Change.CANCELED and isinstance(note, Note) and not self.is_acting:
            note.ended = "scheduledCancel"

    def set_countdown(self, trader: Trader, at_ms: int | None) -> str | None:
        """Cancel all orders of an account at a time, or (None) never. What is wrong, or None."""
        countdown = self.countdowns[trader.account.address]
        now_ns = self.now_ns
        if 0 < countdown.at_ns <= now_ns:
            day = countdown.at_ns // NS_PER_DAY
            countdown.fired = countdown.fired + 1 if day == countdown.day else 1
            countdown.at_ns, countdown.day = 0, day
        if at_ms is None:
            countdown.at_ns = 0
            trader.countdown(HL, None, 0)
            return None
        after_ns = (at_ms - self.now_ms) * NS_PER_MS
        if after_ns < COUNTDOWN_LEAST_NS:
            return "Scheduled cancel time too early, must be at least 5 seconds from now."
        if countdown.day == now_ns // NS_PER_DAY and countdown.fired >= TRIGGERS_A_DAY:
            return "Cannot schedule more than 10 cancels a day."
        countdown.at_ns = now_ns + after_ns
        trader.countdown(HL, None, after_ns)
        return None

    def traded_e8(self, user: str) -> int:
        """The volume an address has traded in all, in USDC."""
        trader = self.traders.get(user)
        return 0 if trader is None else trader.traded_e8(HL)

    def trader(self, user: str) -> Trader | None:
        """The account of an address; None for anybody else's."""
        return self.traders.get(user.lower())

    def agents_of(self, owner: str) -> list[AgentWallet]:
        """The wallets that may trade for an address now."""
        return [a for a in self.agents.values() if a.owner == owner and a.valid_until_ms > self.now_ms]

    def approve(self, owner: str, address: str, name: str | None) -> str | None:
        """Let a wallet trade for `owner`, in place of the one of that name. What is wrong, or None.

        A name may end in ` valid_until <ms>`, at most 180 days ahead.
        """
        label, _, until = (name or "").partition(" valid_until ")
        valid_until = FOREVER_MS
        if until:
            valid_until = int(until) if until.isdecimal() else 0
            if not self.now_ms < valid_until <= self.now_ms + AGENT_DAYS_MOST * DAY_MS:
                return "Invalid agent valid until"
        if address in self.traders or (address in self.agents and self.agents[address].owner != owner):
            return "Extra agent already used."
        same = [agent for agent in self.agents_of(owner) if agent.name == label]
        if label and not same and len([a for a in self.agents_of(owner) if a.name]) >= NAMED_AGENTS_MOST:
            return "Too many extra agents"
        for agent in same:
            del self.agents[agent.address]
            self.nonces.forget(agent.address)
        self.agents[address] = AgentWallet(address=address, owner=owner, name=label, valid_until_ms=valid_until)
        return None
