"""Carrying out what the desk asks of Binance: orders over the WebSocket API, over REST where that is down; cancels."""

from __future__ import annotations

from collections.abc import Callable

from crossbook.commands import FLAG_CLOSING, FLAG_FILL_OR_KILL, FLAG_HEDGE, FLAG_REDUCE_ONLY
from crossbook.events import OrderRejected, Rejection
from crossbook.ledger.entries import OutRow
from crossbook.ledger.hops import Hop
from crossbook.timestamp import NS_PER_S
from crossbook.types import Side, TimeInForce
from crossbook.venues.binance import requests
from crossbook.venues.binance.answers import order_messages
from crossbook.venues.binance.gateway_api import Api
from crossbook.venues.binance.gateway_ground import Ground, with_raw
from crossbook.venues.binance.gateway_orders import Live, Orders
from crossbook.venues.binance.orders import order_answer
from crossbook.venues.binance.prepared import PreparedOrder
from crossbook.venues.binance.requests import TERMS, Terms
from crossbook.venues.budgets import Purpose, Refusal
from crossbook.venues.messages import Consequence, Error, ErrorKind, Fill, Message, OrderStatus, OrderUpdate
from crossbook.venues.order_life import FIRST_ASK_NS, MISSING_NS, may_rest
from crossbook.venues.rest import Fate, Outcome

REDUCES = FLAG_REDUCE_ONLY | FLAG_CLOSING | FLAG_HEDGE
TERMS_FLAGS = FLAG_REDUCE_ONLY | FLAG_FILL_OR_KILL
GONE = ("order_gone", "cancel_refused")
"""The order was not open when the cancel came: what became of it, a query tells."""
CANCEL_ALL_AGAIN_S = 1.0
HOPELESS = (Consequence.VENUE_KILLED, Consequence.INSTRUMENT_CLOSE_ONLY)
"""What asking again cannot mend."""


class Sender:
    """Sends nothing any more once `is_closed`."""

    def __init__(self, ground: Ground, api: Api, orders: Orders) -> None:
        self.is_closed = False
        self._ground, self._api, self._orders = ground, api, orders
        self._prepared: dict[tuple[int, int, int, int], PreparedOrder] = {}
        self._costs = with_raw({requests.ORDERS: 1, requests.WEIGHT: 1 if ground.is_spot else 0})

    def prepare(self) -> None:
        """Make everything ready that is known of orders beforehand."""
        for number in self._ground.instruments:
            for side in Side:
                for tif in TimeInForce:
                    for flags in (0,) if self._ground.is_spot else (0, FLAG_REDUCE_ONLY):
                        self._template(number, int(side), int(tif), flags)

    def submit(self, row: OutRow) -> None:
        """Send an order, now."""
        _, order, _, price, lots, _, _, _, _, strategy, instrument, _, side, tif, _, flags, _ = row
        ground, api = self._ground, self._api
        if self.is_closed or ground.signer is None or instrument not in ground.instruments or price <= 0 or lots <= 0:
            self._turn_down(order, "not_sent", f"order {order}: nothing can be sent now")
            return
        client_id = self._orders.id_text(strategy, order)
        purpose, now_ns = Purpose.SAFE if flags & REDUCES else Purpose.NORMAL, ground.monotonic_ns()
        number, is_written = 0, False
        if api.is_up:
            refusal = ground.budgets.spend(self._costs, now_ns, purpose)
            if refusal is not None:
                self._turn_down_for(order, refusal)
                return
            number = api.next_number()
            frame = self._template(instrument, side, tif, flags & TERMS_FLAGS).encode(
                price, lots, client_id.encode(), ground.venue_ms(), number
            )
            ground.desk.stamp(Hop.SIGNED, order)
            is_written = api.write(frame)
            if is_written:
                ground.desk.stamp(Hop.WRITTEN, order)
        live = Live(  # only now: it is not on the order's way
            order=order, strategy=strategy, instrument=instrument, side=side, price=price, lots=lots,
            client_id=client_id, may_rest=may_rest(tif), sent_ns=now_ns,
        )  # fmt: skip
        if not is_written:
            self._submit_over_rest(live, tif, flags, purpose)
            return
        self._orders.add(live)
        api.expect(number, lambda answer, ts: self._placed(live, order_messages(ground.label, answer), ts),
                   lambda why: self._orders.lose(live, ground.now_ns()))  # fmt: skip

    def rehearse(self, row: OutRow) -> bool:
        """See `venues.gateway.Gateway`; the steps are those of `submit`, in its order."""
        _, order, _, price, lots, _, _, _, _, strategy, instrument, _, side, tif, _, flags, _ = row
        ground = self._ground
        if self.is_closed or ground.signer is None or instrument not in ground.instruments or price <= 0 or lots <= 0:
            return False
        client_id = self._orders.id_text(strategy, order)
        ground.budgets.refuse(self._costs, ground.monotonic_ns())
        self._template(instrument, side, tif, flags & TERMS_FLAGS).encode(
            price, lots, client_id.encode(), ground.venue_ms(), 0
        )
        return True

    def cancel(self, order: int) -> None:
        """Take an order back; an order that is over stays over."""
        live = self._orders.open.get(order)
        if live is not None:
            live.wants_cancel = True
            self.take_back(live)

    def take_back(self, live: Live) -> None:
        """Send a cancel, unless one is out."""
        ground = self._ground
        if live.is_over or live.is_canceling:
            return
        symbol = self._orders.symbol_of(live)
        request = requests.cancel(ground.venue, symbol, client_order_id=live.client_id)

        def lost(why: str) -> None:
            live.is_canceling = False
            self._orders.doubt(live, FIRST_ASK_NS)

        if self._api.is_up:
            refusal = ground.budgets.spend(with_raw(request.costs), ground.monotonic_ns(), Purpose.SAFE)
            if refusal is not None:
                self._orders.doubt(live, _wait_ns(refusal, ground.monotonic_ns()))
                return
            live.is_canceling = self._api.ask(
                request, lambda answer, ts: self._canceled(live, order_messages(ground.label, answer), ts), lost
            )
        if not live.is_canceling:
            live.is_canceling = True

            def came(outcome: Outcome) -> None:
                if outcome.fate is Fate.ANSWERED:
                    self._canceled(live, self._read(outcome), outcome.receive_ns)
                else:
                    lost(outcome.why)

            ground.ask(request, came, Purpose.SAFE)

    def cancel_all(self) -> None:
        """Take back everything at the venue, foreign orders too; try until the venue has done it."""
        for symbol, number in self._ground.numbers.items():
            for live in list(self._orders.open.values()):
                if live.instrument == number:
                    live.wants_cancel = True
                    self._orders.doubt(live, MISSING_NS)
            self.cancel_symbol(symbol)

    def cancel_symbol(self, symbol: str, on_done: Callable[[], None] = lambda: None) -> None:
        """Take back everything of an instrument."""

        def came(outcome: Outcome) -> None:
            found = self._read(outcome) if outcome.fate is Fate.ANSWERED else []
            errors = [one for one in found if isinstance(one, Error) and one.name not in GONE]
            for one in found:
                if isinstance(one, OrderUpdate) and one.status is not OrderStatus.UNKNOWN:
                    self._orders.on_update(one, outcome.receive_ns)
            for error in errors:
                self._ground.heed(error, symbol)
            if errors or outcome.fate is not Fate.ANSWERED:
                if not any(error.consequence in HOPELESS for error in errors):
                    self._ground.ports.loop.call_later(
                        CANCEL_ALL_AGAIN_S, lambda: self.cancel_symbol(symbol, on_done)
                    )  # fmt: skip
                    return
            on_done()

        self._ground.ask(requests.cancel_all(self._ground.venue, symbol), came, Purpose.SAFE)

    def _submit_over_rest(self, live: Live, tif: int, flags: int, purpose: Purpose) -> None:
        ground = self._ground
        request = requests.place(
            ground.instruments[live.instrument], Side(live.side), _terms(tif, flags), live.lots, live.price,
            live.client_id, reduce_only=bool(flags & FLAG_REDUCE_ONLY) and not ground.is_spot,
        )  # fmt: skip

        def came(outcome: Outcome) -> None:
            if outcome.fate is Fate.ANSWERED:
                if not ground.guard(lambda: self._placed(live, self._read(outcome), outcome.receive_ns)):
                    self._orders.lose(live, outcome.receive_ns)
            elif outcome.fate is Fate.UNKNOWN:
                self._orders.lose(live, outcome.receive_ns)
            else:
                ground.trouble("not_sent", f"order {live.client_id}: {outcome.why}")
                self._orders.refuse(live, Rejection.OTHER, outcome.receive_ns)
                if outcome.refusal is not None:
                    ground.tell_budget()

        self._orders.add(live)
        ground.ask(request, came, purpose)
        ground.desk.stamp(Hop.SIGNED, live.order)
        ground.desk.stamp(Hop.WRITTEN, live.order)

    def _placed(self, live: Live, found: list[Message], ts: int) -> None:
        """The answer to an order came: strictly one that is about it, or nothing is certain."""
        is_told = False
        for one in found:
            if isinstance(one, Error):
                is_told = True
                self._orders.on_error(live, one, ts)
            elif isinstance(one, OrderUpdate) and one.status is not OrderStatus.UNKNOWN:
                is_told = self._orders.on_update(one, ts) is live or is_told
            elif isinstance(one, Fill):
                self._orders.on_fill(one, ts)
        if not is_told:
            why = next((one.reason for one in found if isinstance(one, OrderUpdate) and one.reason), "no such answer")
            self._ground.trouble("unreadable_answer", f"order {live.client_id}: {why}")
            self._orders.lose(live, ts)

    def _canceled(self, live: Live, found: list[Message], ts: int) -> None:
        live.is_canceling = False
        for one in found:
            if isinstance(one, OrderUpdate) and one.status is not OrderStatus.UNKNOWN:
                self._orders.on_update(one, ts)
            elif isinstance(one, Error):
                self._ground.heed(one, self._orders.symbol_of(live))
                sure = one.kind is not ErrorKind.UNKNOWN and one.name in GONE
                self._orders.doubt(live, 0 if sure else FIRST_ASK_NS)
                return
        if not live.is_over:
            self._orders.doubt(live, MISSING_NS)

    def _read(self, outcome: Outcome) -> list[Message]:
        return order_answer(self._ground.label, outcome.body, outcome.status, outcome.headers.get("retry-after"))

    def _turn_down_for(self, order: int, refusal: Refusal) -> None:
        text = f"order {order}: our own budget holds it back: {refusal.limit} is {refusal.why.value}"
        self._turn_down(order, "held_back", text)
        self._ground.ports.loop.call_soon(self._ground.tell_budget)

    def _turn_down(self, order: int, name: str, text: str) -> None:
        ground = self._ground
        ts = ground.now_ns()
        ground.later(OrderRejected(ts=ts, ts_venue=ts, order=order, reason=int(Rejection.OTHER)))
        ground.ports.loop.call_soon(lambda: ground.trouble(name, f"{text}"))

    def _template(self, instrument: int, side: int, tif: int, flags: int) -> PreparedOrder:
        if self._ground.is_spot:
            flags &= ~FLAG_REDUCE_ONLY  # spot has no such thing: what is sold is owned
        which = (instrument, side, tif, flags)
        found = self._prepared.get(which)
        if found is None:
            signs = not self._api.logs_on
            found = self._prepared[which] = PreparedOrder(
                self._ground.instruments[instrument], Side(side), _terms(tif, flags),
                reduce_only=bool(flags & FLAG_REDUCE_ONLY),
                api_key=self._ground.api_key if signs else "", key=self._ground.key if signs else None,
            )  # fmt: skip
        return found


def _terms(tif: int, flags: int) -> Terms:
    return Terms.FOK if flags & FLAG_FILL_OR_KILL else TERMS[TimeInForce(tif)]


def _wait_ns(refusal: Refusal, now_ns: int) -> int:
    return min(max(refusal.allowed_ns - now_ns, FIRST_ASK_NS), 60 * NS_PER_S)
