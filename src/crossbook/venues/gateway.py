"""What a gateway is to the desk: market frames and answers in, commands out, and nothing else.

A gateway speaks to one venue through the ports of `network`, so that it runs unchanged over real sockets and in the
simulated world. It decides nothing: it carries orders out, says what became of them, and says UNKNOWN when it cannot
tell. Prices and quantities cross here between the venue's decimals and the desk's ticks and lots, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from crossbook.events import Event
from crossbook.ledger.entries import OutRow
from crossbook.rules.layout import Rows
from crossbook.types import Instrument, Level, Venue
from crossbook.venues import messages


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """How the desk numbers what a venue calls by name: all of its instruments, assets and strategies, in its order; a
    gateway picks those of its venue."""

    instruments: tuple[Instrument, ...]
    assets: tuple[str, ...]
    strategies: tuple[str, ...]

    def numbers(self, venue: Venue) -> dict[str, int]:
        """The desk's number of each of a venue's symbols."""
        return {one.symbol: number for number, one in enumerate(self.instruments) if one.venue is venue}


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order of this run that the journal does not know the end of: what a gateway is given to ask about at start."""

    order: int
    strategy: int
    instrument: int
    side: int
    price: int
    lots: int
    filled: int
    trades: frozenset[int] = frozenset()
    """The venue's numbers of the trades that are booked already."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The venue (or a check of ours) says that something is wrong beyond one request: a named error and what follows.

    `level`: what the venue (or the one instrument) may fall to; ACTIVE: nothing falls, it is told to a person."""

    venue: Venue
    name: str
    text: str
    level: Level = Level.ACTIVE
    instrument: int = -1


class Desk(Protocol):
    """Who hears a gateway. Everything arrives on one thread, in the order in which it was received."""

    def on_market(self, rows: Rows, receive_ns: int) -> None:
        """One frame as event rows with the desk's numbers and stamps; valid during the call. What the desk decides
        comes back as `Gateway.send` before this returns: no queue stands between a tick and the wire."""

    def on_event(self, event: Event) -> None:
        """What became of an order, what the venue reports of the account, how streams, clock and budgets are."""

    def on_trouble(self, trouble: Trouble) -> None:
        """See `Trouble`."""

    def stamp(self, hop: int, order: int) -> None:
        """Our order reached a hop (`ledger.hops.Hop`) just now: signed, written, acknowledged, filled."""


class Gateway(Protocol):
    """One venue. It is made for some symbols there, looks, is started with the desk's numbers, sends, stops."""

    venue: Venue

    def look(self, on_report: Callable[[Report], None]) -> None:
        """Assert who and how we are there (account identity, permissions, one-way mode, leverage, clock), read the
        rules of the symbols and the account as it stands; then `on_report`, once. What is wrong comes as `Trouble`; no
        report comes where orders could not be sent."""

    def start(self, directory: Directory, open_orders: Sequence[OpenOrder], on_ready: Callable[[], None]) -> None:
        """Connect the streams of market and account, find out what became of `open_orders` (their fills that are not
        booked, their ends), then call `on_ready` once. STREAM_DOWN is said at first, STREAM_UP once prices and our own
        events flow, and so on through reconnections; what happened meanwhile is asked for and said, each fill once."""

    def send(self, command: OutRow) -> None:
        """Carry out a SUBMIT_ORDER, CANCEL_ORDER, CANCEL_ALL or QUERY, now. The answer comes as events: ACCEPTED,
        FILLED (each trade once), CANCELED, EXPIRED, REJECTED, or UNKNOWN when nobody can tell, followed by what a query
        found. A QUERY brings a POSITION_REPORT for each instrument (of spot none: what is held there are balances), a
        BALANCE_REPORT for each asset, and last one ORDER_REPORT. An order that our own budget refuses is REJECTED, and
        nothing is sent."""

    def rehearse(self, command: OutRow) -> bool:
        """Do for a SUBMIT_ORDER what leads to it, decoding the last market frame, and what `send` does, up to the
        signed bytes, and throw all away: nothing is told, written, spent or remembered, no nonce is taken. Whether
        there were bytes; any other command: False."""

    def stop(self, on_stopped: Callable[[], None]) -> None:
        """Send no more, take back what rests, close the connections."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says at start: the rules in force, and the account as it stands. `open_orders`: of ours and foreign,
    `balances` of the wallet (margin venues: without unrealised profit), `positions` signed."""

    venue: Venue
    account: messages.Account
    instruments: tuple[Instrument, ...]
    balances: tuple[messages.Balance, ...]
    positions: tuple[messages.Position, ...]
    open_orders: tuple[messages.OrderUpdate, ...]
    clock_offset_ns: int = 0
    """What is added to the venue's stamps to move them onto our clock."""
    leverage: dict[str, int] = {}
    maker_fee: messages.Decimal | None = None
    taker_fee: messages.Decimal | None = None
