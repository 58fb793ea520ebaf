"""What gateways of all venues do alike: carry out a command, stop, know when they are ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from crossbook.commands import OutKind
from crossbook.errors import Refused
from crossbook.ledger.entries import OutRow
from crossbook.timestamp import NS_PER_S
from crossbook.types import Instrument
from crossbook.venues.gateway import Report
from crossbook.venues.gateway_common import Ground
from crossbook.venues.messages import Account, Balance, OrderUpdate, Position
from crossbook.venues.network import Handle
from crossbook.venues.order_life import OrderLife

SUBMIT, CANCEL = int(OutKind.SUBMIT_ORDER), int(OutKind.CANCEL_ORDER)
CANCEL_ALL, QUERY = int(OutKind.CANCEL_ALL), int(OutKind.QUERY)
TICK_S = 0.1
STOP_NS = 5 * NS_PER_S
"""How long a stop waits for orders that are taken back; what is still unknown then stays so."""
LOOK_AT_OPEN_NS = 30 * NS_PER_S
BUDGET_NS = NS_PER_S
ACCOUNT = "account events"
"""The cause of being down while our own events do not come, or are not known to be whole."""


class Sends(Protocol):
    """A venue's hand."""

    is_closed: bool

    def submit(self, row: OutRow) -> None:
        """Send an order, now."""

    def rehearse(self, row: OutRow) -> bool:
        """Make the bytes of an order and throw them away."""

    def cancel(self, order: int) -> None:
        """Take an order back."""

    def cancel_all(self) -> None:
        """Take back everything at the venue."""


class Asks(Protocol):
    """A venue's reports."""

    def query(self) -> None:
        """Ask for positions, balances and open orders, and tell them."""


class GatewayBase:
    """Its venue's gateway makes `_sender` and `_reports`, and closes what it opened in `_shut`."""

    _sender: Sends
    _reports: Asks

    def __init__(self, ground: Ground, orders: OrderLife[Any]) -> None:
        self.venue = ground.venue
        self._footing, self._life = ground, orders
        self._waits_for: set[int] = set()
        self._on_ready: Callable[[], None] | None = None
        self._ticking: Handle | None = None
        self._looked_ns = self._told_ns = 0
        self._left = (0, 0)

    def send(self, command: OutRow) -> None:
        """See `Gateway`."""
        if command.kind == SUBMIT:
            self._sender.submit(command)
        elif command.kind == CANCEL:
            self._sender.cancel(command.order)
        elif command.kind == CANCEL_ALL:
            self._sender.cancel_all()
        elif command.kind == QUERY:
            self._reports.query()
        else:
            raise Refused(f"{self.venue.label}: command kind {command.kind} is none that goes to a venue")

    def rehearse(self, command: OutRow) -> bool:
        """See `Gateway`."""
        if command.kind != SUBMIT:
            return False
        self._reread()
        return self._sender.rehearse(command)

    def stop(self, on_stopped: Callable[[], None]) -> None:
        """See `Gateway`. What rests is taken back."""
        loop, ground = self._footing.ports.loop, self._footing
        self._sender.is_closed = True
        if self._life.open:
            self._sender.cancel_all()
        until_ns = ground.monotonic_ns() + STOP_NS

        def look() -> None:
            if self._life.open and ground.monotonic_ns() < until_ns:
                loop.call_later(TICK_S, look)
                return
            self._close()
            loop.call_soon(on_stopped)

        loop.call_soon(look)

    def _close(self) -> None:
        """Be gone at once, whatever is open at the venue."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._shut()

    def _reread(self) -> None:
        """Decode the last market frame once more."""
        raise NotImplementedError

    def _shut(self) -> None:
        """Close what the venue's own gateway opened."""
        raise NotImplementedError

    def _is_time_to_look(self, now_ns: int) -> bool:
        """Now and then: does the venue see the same orders rest? A stream of events may die without a word."""
        if now_ns - self._looked_ns < LOOK_AT_OPEN_NS:
            return False
        self._looked_ns = now_ns
        return True

    def _tell_budget(self, now_ns: int) -> None:
        """Once a second while less than half of a budget is left, and once it is more again."""
        if now_ns - self._told_ns < BUDGET_NS:
            return
        self._told_ns = now_ns
        report = self._footing.budget()
        before, self._left = self._left, (report.left, report.whole)
        was_low, is_low = 2 * before[0] < before[1], 2 * report.left < report.whole
        if (is_low or was_low) and self._left != before:
            self._footing.tell_budget()

    def _are_known(self) -> bool:
        """Whether it is known what became of the orders that were open at the start."""
        open_, doubts = self._life.open, self._life.doubts
        return not any(
            order in doubts or (order in open_ and not open_[order].is_accepted) for order in self._waits_for
        )

    def _is_ready(self) -> None:
        """Say so, once."""
        on_ready, self._on_ready = self._on_ready, None
        if on_ready is not None:
            on_ready()


class LookBase:
    """One look at a venue, step by step, into a `Report`. A step goes on by `_next`; one that does not ends the look.

    `leverage`: of each symbol, as it is there now."""

    def __init__(self, ground: Ground, account_id: str | None, on_report: Callable[[Report], None]) -> None:
        self.since_ms = 0
        """The venue's time of the account that is reported."""
        self.leverage: dict[str, int] = {}
        self._footing, self._on_report = ground, on_report
        self._steps: list[Callable[[], None]] = []
        self._at = self._tries = 0
        self._seen = Account(venue=ground.label, account_id=account_id)
        self._balances: list[Balance] = []
        self._held: list[Position] = []
        self._orders: list[OrderUpdate] = []
        self._traded: list[Instrument] = []

    def start(self) -> None:
        """Begin."""
        self._next()

    def _next(self) -> None:
        if self._at < len(self._steps):
            step = self._steps[self._at]
            self._at += 1
            step()
            return
        self._on_report(
            Report(
                venue=self._footing.venue, account=self._seen, instruments=tuple(self._traded),
                balances=tuple(self._balances), positions=tuple(self._held), open_orders=tuple(self._orders),
                clock_offset_ns=-self._footing.stamps_ns, leverage=self.leverage, maker_fee=self._seen.maker_fee,
                taker_fee=self._seen.taker_fee,
            )
        )  # fmt: skip


class Mending:
    """The stream of our own events is there, or not: what was missed is asked for before it counts as up.

    `gap_begins` is told when it is gone, `reconcile(on_done)` asks; `on_mended` hears that all is known again."""

    def __init__(
        self,
        ground: Ground,
        gap_begins: Callable[[], None],
        reconcile: Callable[[Callable[[], None]], None],
        on_mended: Callable[[], None],
    ) -> None:
        self._ground, self._gap_begins, self._reconcile, self._on_mended = ground, gap_begins, reconcile, on_mended
        self._generation = 0

    def on_state(self, is_up: bool) -> None:
        """It came, or went."""
        self._generation += 1
        mine = self._generation
        if not is_up:
            self._gap_begins()
            self._ground.flow.down(ACCOUNT)
            return

        def done() -> None:
            if mine == self._generation:
                self._ground.flow.up(ACCOUNT)
                self._on_mended()

        self._reconcile(done)
