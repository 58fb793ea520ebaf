"""What Binance tells of our account: its events read and passed on, gaps in them closed, money that moved by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from crossbook.errors import Refused
from crossbook.events import FundingPaid, Transfer
from crossbook.money import parse_e8
from crossbook.timestamp import NS_PER_MS
from crossbook.types import Level
from crossbook.venues.binance import accounts, requests
from crossbook.venues.binance.answers import user_events
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.gateway_orders import Orders
from crossbook.venues.binance.gateway_resolve import Resolver
from crossbook.venues.gateway_base import Mending
from crossbook.venues.messages import (
    Account,
    Balance,
    Error,
    Fill,
    Funding,
    Leverage,
    MarginCall,
    Message,
    OrderStatus,
    OrderUpdate,
    StreamEnded,
)
from crossbook.venues.rest import Fate, Outcome

IN_ORDERS = ("order", "funding_fee")
"""Reasons of a balance's change that are told otherwise: by fills, and as funding."""
INCOME_S = (1.0, 3.0, 10.0, 30.0, 60.0)
"""When funding that was announced is looked up: the venue's list of payments lags."""
FAILED_S = 5.0
OVERLAP_MS = 3_600_000
MOVED_KEPT = 10_000
_rows = msgspec.json.Decoder(list[msgspec.Raw])


class AccountEvents:
    """`on_stream_gone`: the stream has to be opened anew; `on_reconciled`: called each time that a gap is closed."""

    def __init__(
        self, ground: Ground, orders: Orders, resolver: Resolver, on_stream_gone: Callable[[], None],
        on_reconciled: Callable[[], None],
    ) -> None:  # fmt: skip
        self.leverage: dict[str, int] = {}
        """What each instrument's leverage has to be."""
        self.heard_ns = 0
        """When something of our money or orders was last heard, monotonic."""
        self._ground, self._orders, self._resolver = ground, orders, resolver
        self._on_stream_gone = on_stream_gone
        self._mending = Mending(ground, resolver.gap_begins, resolver.reconcile, on_reconciled)
        self._moved: deque[tuple[str, str, int]] = deque(maxlen=MOVED_KEPT)
        self._asked_ms: dict[str, int] = {}
        """When each kind of payment was last looked up."""
        self._paid: deque[int] = deque(maxlen=MOVED_KEPT)

    def on_state(self, is_up: bool, why: str) -> None:
        """The streams are there, or not."""
        self._mending.on_state(is_up)
        if is_up and not self._ground.is_spot:
            self._ask_income("FUNDING_FEE", ())
            self._ask_income("TRANSFER", ())

    def on_user(self, frame: bytes, receive_ns: int) -> None:
        """A frame of the user stream."""
        for message in user_events(self._ground.label, frame):
            self.heard_ns = self._ground.monotonic_ns()
            self._ground.guard(partial(self._take, message, receive_ns))

    def _take(self, message: Message, ts: int) -> None:
        ground = self._ground
        match message:
            case OrderUpdate(status=OrderStatus.UNKNOWN):
                ground.trouble("unreadable_event", f"{message.reason}")
                self._orders.on_update(message, ts)
                self._resolver.reconcile(lambda: None)
            case OrderUpdate():
                self._orders.on_update(message, ts)
            case Fill():
                self._orders.on_fill(message, ts)
            case Funding():
                self._ask_income("FUNDING_FEE", INCOME_S)
            case Balance(change=str(), reason=str()) if message.reason not in IN_ORDERS:
                self._transfer(message, ts)
            case StreamEnded(reason="serverShutdown"):
                pass
            case StreamEnded():
                self._on_stream_gone()
            case Leverage():
                self._check_leverage(message)
            case Account(multi_assets_margin=True):
                ground.trouble("multi_assets_margin", "switched on meanwhile", Level.CLOSE_ONLY)
            case MarginCall():
                text = f"the venue warns of liquidation: {', '.join(message.instruments)}"
                ground.trouble("margin_call", text, Level.CLOSE_ONLY)
            case Error():
                ground.heed(message)
            case _:
                pass

    def _check_leverage(self, said: Leverage) -> None:
        wanted, number = self.leverage.get(said.instrument), self._ground.numbers.get(said.instrument)
        if wanted is not None and number is not None and said.leverage != str(wanted):
            text = f"{said.instrument}: somebody set it to {said.leverage}, it has to be {wanted}"
            self._ground.trouble("leverage_changed", text, Level.CLOSE_ONLY, number)

    def _transfer(self, said: Balance, ts: int) -> bool:
        """Money came or went. The stream and the list of payments name no common number: asset, amount and time do."""
        ground = self._ground
        amount_e8 = parse_e8(said.change or "0", f"{ground.label} {said.asset}")
        time_ms = (said.time_ns or ts) // NS_PER_MS
        which = (said.asset, str(amount_e8), time_ms)
        number = ground.assets.get(said.asset)
        if number is None or not amount_e8 or which in self._moved or time_ms <= self._resolver.since_ms:
            return False
        alike = sum(time == time_ms for _, _, time in self._moved)
        self._moved.append(which)
        ground.desk.on_event(
            Transfer(
                ts=ts, ts_venue=ground.ours_ns(said.time_ns, ts), venue=int(ground.venue), asset=number,
                amount_e8=amount_e8, transfer=1_000 * time_ms + alike,
            )
        )  # fmt: skip
        return True

    def _ask_income(self, kind: str, again_s: tuple[float, ...]) -> None:
        """Look up payments; again after each of `again_s`, until one comes that is new."""
        if again_s:
            self._ground.ports.loop.call_later(again_s[0], lambda: self._ask_now(kind, again_s[1:]))
        else:
            self._ask_now(kind, ())

    def _ask_now(self, kind: str, again_s: tuple[float, ...]) -> None:
        ground = self._ground
        asked_ms = ground.venue_ms()

        def came(outcome: Outcome) -> None:
            if self._resolver.is_closed:
                return
            if outcome.fate is not Fate.ANSWERED or outcome.status != 200:
                self._ask_income(kind, again_s or (FAILED_S,))
                return
            new = 0
            try:
                rows = _rows.decode(outcome.body)
                found = [one for row in rows for one in accounts.income(ground.label, bytes(row))]
                new = sum(self._paid_by(one, outcome.receive_ns) for one in found)
                self._asked_ms[kind] = asked_ms
            except (msgspec.DecodeError, Refused) as error:
                ground.trouble("unreadable_income", str(error))
            if not new and again_s:
                self._ask_income(kind, again_s)

        if not self._resolver.is_closed:
            start_ms = max(self._resolver.since_ms, self._asked_ms.get(kind, 0) - OVERLAP_MS)
            ground.ask(requests.income(kind, start_ms=start_ms), came)

    def _paid_by(self, said: Message, ts: int) -> bool:
        """Tell a payment that is new."""
        ground = self._ground
        if isinstance(said, Balance):
            return self._transfer(said, ts)
        if not isinstance(said, Funding) or said.payment_id is None or said.payment_id in self._paid:
            return False
        if (said.time_ns or 0) // NS_PER_MS <= self._resolver.since_ms:
            return False
        number, asset = ground.numbers.get(said.instrument or ""), ground.assets.get(said.asset or "")
        if number is None or asset is None:
            return False
        self._paid.append(said.payment_id)
        ground.desk.on_event(
            FundingPaid(
                ts=ts, ts_venue=ground.ours_ns(said.time_ns, ts), instrument=number, venue=int(ground.venue),
                strategy=-1, asset=asset, amount_e8=parse_e8(said.amount or "0", f"{ground.label} funding"),
                payment=said.payment_id,
            )
        )  # fmt: skip
        return True
