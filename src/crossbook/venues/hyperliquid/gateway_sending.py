"""Carrying out what the desk asks of Hyperliquid: orders as signed actions over the websocket, over REST where that is
down; cancels by our own ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossbook.commands import FLAG_CLOSING, FLAG_FILL_OR_KILL, FLAG_HEDGE, FLAG_REDUCE_ONLY
from crossbook.errors import Refused
from crossbook.events import OrderRejected, Rejection
from crossbook.ledger.entries import OutRow
from crossbook.ledger.hops import Hop
from crossbook.timestamp import NS_PER_S
from crossbook.types import Side, TimeInForce
from crossbook.venues.budgets import Purpose, Refusal
from crossbook.venues.hyperliquid import answers, info, orders, stream
from crossbook.venues.hyperliquid.actions import Action, Cancel, CancelByCloid, CancelCloid, CancelOrders
from crossbook.venues.hyperliquid.answers import Became
from crossbook.venues.hyperliquid.gateway_ground import Ground, Signed
from crossbook.venues.hyperliquid.gateway_orders import Live, Orders
from crossbook.venues.hyperliquid.gateway_resolve import Resolver
from crossbook.venues.hyperliquid.gateway_wire import POST_COSTS, OnLost, OnOutcomes, Wire
from crossbook.venues.hyperliquid.messages import Order
from crossbook.venues.messages import Consequence, Error
from crossbook.venues.order_life import FIRST_ASK_NS, MISSING_NS, may_rest
from crossbook.venues.rest import Fate, Outcome

REDUCES = FLAG_REDUCE_ONLY | FLAG_CLOSING | FLAG_HEDGE
EXPIRES_MS = 3_000
"""How long after it was signed the venue may take an order."""
GONE = "order_gone"
"""The order was not open when the cancel came: what became of it, a query tells."""
CANCELS_MAX = 40
CANCEL_ALL_AGAIN_S = 1.0


class Sender:
    """Sends nothing new any more once `is_closed`."""

    def __init__(self, ground: Ground, wire: Wire, kept: Orders, resolver: Resolver) -> None:
        self.is_closed = False
        self._ground, self._wire, self._orders, self._resolver = ground, wire, kept, resolver
        self._cancels_all = False

    def submit(self, row: OutRow) -> None:
        """Send an order, now."""
        _, order, _, price, lots, _, _, _, _, strategy, number, _, side, tif, _, flags, _ = row
        ground = self._ground
        instrument = ground.instruments.get(number)
        if self.is_closed or ground.key is None or instrument is None:
            self._turn_down(order, "not_sent", f"order {order}: nothing can be sent now")
            return
        if flags & FLAG_FILL_OR_KILL:
            self._turn_down(order, "not_sent", f"order {order}: the venue has no fill-or-kill")
            return
        cloid = self._orders.id_text(strategy, order)
        expires_ms = ground.venue_ms() + EXPIRES_MS
        try:
            wire_order = orders.new_order(
                instrument, ground.asset_index(instrument.symbol), Side(side), price, lots, TimeInForce(tif),
                reduce_only=bool(flags & FLAG_REDUCE_ONLY), cloid=cloid,
            )  # fmt: skip
            action = orders.place([wire_order])
        except Refused as error:
            self._turn_down(order, "not_sent", f"order {order}: {error}")
            return
        live = Live(
            order=order, strategy=strategy, instrument=number, side=side, lots=lots, client_id=cloid,
            may_rest=may_rest(tif), expires_ms=expires_ms, sent_ns=ground.monotonic_ns(),
        )  # fmt: skip
        purpose = Purpose.SAFE if flags & REDUCES else Purpose.NORMAL

        def outcomes(found: list[answers.Outcome], ts: int) -> None:
            self._orders.on_outcome(live, found[0], ts)

        refusal = self._act(
            action, "order", expires_ms, purpose, outcomes,
            lambda why: self._orders.lose(live, ground.now_ns()), lambda why: self._not_sent(live, why), order,
            lambda: self._orders.add(live),
        )  # fmt: skip
        if refusal is not None:
            text = f"order {order}: our own budget holds it back: {refusal.limit} is {refusal.why.value}"
            self._turn_down(order, "held_back", text)
            ground.ports.loop.call_soon(ground.tell_budget)

    def rehearse(self, row: OutRow) -> bool:
        """See `venues.gateway.Gateway`; the steps are those of `submit`, in its order."""
        _, order, _, price, lots, _, _, _, _, strategy, number, _, side, tif, _, flags, _ = row
        ground = self._ground
        instrument = ground.instruments.get(number)
        if self.is_closed or ground.key is None or instrument is None or flags & FLAG_FILL_OR_KILL:
            return False
        try:
            wire_order = orders.new_order(
                instrument, ground.asset_index(instrument.symbol), Side(side), price, lots, TimeInForce(tif),
                reduce_only=bool(flags & FLAG_REDUCE_ONLY), cloid=self._orders.id_text(strategy, order),
            )  # fmt: skip
            action = orders.place([wire_order])
        except Refused:
            return False
        ground.budgets.refuse(POST_COSTS, ground.monotonic_ns(), Purpose.NORMAL)
        stream.post_action(0, ground.rehearse(action))
        return True

    def cancel(self, order: int) -> None:
        """Take an order back; an order that is over stays over."""
        live = self._orders.open.get(order)
        if live is not None:
            live.wants_cancel = True
            self.take_back([live])

    def take_back(self, wanted: Sequence[Live]) -> None:
        """Send a cancel of these, in one action; those of which one is out already are left out."""
        ground = self._ground
        if ground.key is None:
            return
        lives = [live for live in wanted if not live.is_over and not live.is_canceling][:CANCELS_MAX]
        if not lives:
            return
        indices = [ground.asset_index(self._orders.symbol_of(live)) for live in lives]
        action = CancelByCloid(
            cancels=[CancelCloid(index, live.client_id) for index, live in zip(indices, lives, strict=True)]
        )
        for live in lives:
            live.is_canceling = True

        def lost(why: str) -> None:
            for live in lives:
                live.is_canceling = False
                self._orders.doubt(live, FIRST_ASK_NS)

        def outcomes(found: list[answers.Outcome], ts: int) -> None:
            for live, outcome in zip(lives, found, strict=True):
                self._canceled(live, outcome)

        refusal = self._act(action, "cancelByCloid", None, Purpose.SAFE, outcomes, lost, lost)
        if refusal is not None:
            for live in lives:
                live.is_canceling = False
                self._orders.doubt(live, _wait_ns(refusal, ground.monotonic_ns()))

    def cancel_all(self) -> None:
        """Take back everything at the venue: ours at once, then whatever else is open there, until nothing is."""
        lives = list(self._orders.open.values())
        for live in lives:
            live.wants_cancel = True
            self._orders.doubt(live, MISSING_NS)
        for at in range(0, len(lives), CANCELS_MAX):
            self.take_back(lives[at : at + CANCELS_MAX])
        if not self._cancels_all and self._ground.key is not None:
            self._cancels_all = True
            self._cancel_what_is_open()

    def _cancel_what_is_open(self) -> None:
        ground = self._ground

        def again() -> None:
            if not self._resolver.is_closed:
                ground.ports.loop.call_later(CANCEL_ALL_AGAIN_S, self._cancel_what_is_open)

        def came(outcome: Outcome) -> None:
            found = self._resolver.read(outcome, list[Order])
            if found is None:
                again()
                return
            indices = [(ground.asset_index(order.coin), order.oid) for order in found]
            cancels = [Cancel(index, oid) for index, oid in indices if index >= 0][:CANCELS_MAX]
            left_out = {order.coin for order in found if ground.asset_index(order.coin) < 0}
            if left_out:
                text = f"orders are open in {', '.join(sorted(left_out))}, which this run does not know"
                ground.trouble("foreign_orders", text)
            if not cancels:
                self._cancels_all = False
                return
            refusal = self._act(
                CancelOrders(cancels=cancels), "cancel", None, Purpose.SAFE,
                lambda found, ts: self._canceled_all(found, again), lambda why: again(), lambda why: again(),
            )  # fmt: skip
            if refusal is not None:
                again()

        ground.ask(info.open_orders(ground.account), came, Purpose.SAFE)

    def _canceled_all(self, found: list[answers.Outcome], again: Callable[[], None]) -> None:
        errors = [one.error for one in found if one.became is Became.ERROR and one.error is not None]
        if self._heed(errors):
            again()
        else:
            self._cancels_all = False

    def _canceled(self, live: Live, said: answers.Outcome) -> None:
        live.is_canceling = False
        error = said.error if said.became in (Became.ERROR, Became.UNKNOWN) else None
        if error is not None and error.name != GONE:
            self._ground.heed(error, self._orders.symbol_of(live))
        if not live.is_over:
            sure = said.became is Became.ERROR and error is not None and error.name == GONE
            self._orders.doubt(live, MISSING_NS if said.became is Became.DONE else 0 if sure else FIRST_ASK_NS)

    def _heed(self, errors: Sequence[Error]) -> bool:
        """Whether to try again."""
        for error in errors:
            if error.name != GONE:
                self._ground.heed(error)
        return not any(error.consequence is Consequence.VENUE_KILLED for error in errors)

    # on its way

    def _act(
        self,
        action: Action,
        kind: str,
        expires_ms: int | None,
        purpose: Purpose,
        on_outcomes: OnOutcomes,
        on_lost: OnLost,
        on_unsent: OnLost,
        order: int = -1,
        when_sent: Callable[[], None] = lambda: None,
    ) -> Refusal | None:
        """Sign and send, by the best way that there is; a refusal of our budget, and then nothing was sent."""
        ground, count = self._ground, orders.elements(action)
        if self._wire.takes_posts:
            refusal = ground.spend(action, POST_COSTS, purpose, counted=True)
            if refusal is not None:
                return refusal
            signed = self._sign(action, expires_ms, order)
            if self._wire.post(kind, count, signed, on_outcomes, on_lost):
                self._stamp(Hop.WRITTEN, order)
                when_sent()
                return None
        else:
            signed = self._sign(action, expires_ms, order)

        def came(outcome: Outcome) -> None:
            if outcome.fate is Fate.ANSWERED:
                on_outcomes(answers.read_answer(kind, count, outcome.body, outcome.status), outcome.receive_ns)
            elif outcome.fate is Fate.UNKNOWN:
                on_lost(outcome.why)
            else:
                on_unsent(outcome.why)

        refusal = ground.act(action, signed, came, purpose)
        if refusal is None:
            self._stamp(Hop.WRITTEN, order)
            when_sent()
        return refusal

    def _sign(self, action: Action, expires_ms: int | None, order: int) -> Signed:
        signed = self._ground.sign(action, expires_ms)
        self._stamp(Hop.SIGNED, order)
        return signed

    def _stamp(self, hop: Hop, order: int) -> None:
        if order >= 0:
            self._ground.desk.stamp(hop, order)

    def _not_sent(self, live: Live, why: str) -> None:
        self._ground.trouble("not_sent", f"order {live.client_id}: {why}")
        self._orders.refuse(live, Rejection.OTHER, self._ground.now_ns())
        self._ground.tell_budget()

    def _turn_down(self, order: int, name: str, text: str) -> None:
        ground = self._ground
        ts = ground.now_ns()
        ground.later(OrderRejected(ts=ts, ts_venue=ts, order=order, reason=int(Rejection.OTHER)))
        ground.ports.loop.call_soon(lambda: ground.trouble(name, text))


def _wait_ns(refusal: Refusal, now_ns: int) -> int:
    return min(max(refusal.allowed_ns - now_ns, FIRST_ASK_NS), 60 * NS_PER_S)
