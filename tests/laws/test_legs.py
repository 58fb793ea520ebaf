"""Whole runs over random markets: no entry beyond a limit, both legs at once, no leg left alone, books that agree."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import desk_material as make
import pytest
from desk_material import E8, HYPER, INSTRUMENTS, MILLI, MS, SPOT, T0, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, FLAG_REDUCE_ONLY, OutKind, Reason
from crossbook.desk.wire import Bundle
from crossbook.engine import Engine
from crossbook.events import EventKind, OrderFilled, Timer
from crossbook.ledger.metrics import figures
from crossbook.rules.layout import Rows
from crossbook.rules.legs import note_unhedged
from crossbook.rules.rows import unpack_out
from crossbook.types import Level

PAIRS = ((SPOT, USDM), (USDM, HYPER))
SLACK_NS = 600 * MS
"""The longest way to a venue and back, one pause between two tries, and what the market lets pass between."""


class Watched(Engine):
    """An engine whose every step is judged by a second, simple account of what was sent, filled and shown."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle.engine.desk)
        self.config = bundle.config
        self.orders: dict[int, Any] = {}
        self.lots: Counter[tuple[int, int]] = Counter()
        self.sent_at: list[int] = []
        self.since: dict[int, int] = {}
        self.reasons: Counter[Reason] = Counter()
        self.stopped = False

    def step_frames(self, rows: Rows, starts: Rows, frame: int, end: int, before: int) -> tuple[int, Rows]:
        answers = self._none
        while not len(answers) and frame < end and rows["ts"][starts[frame]] < before:
            answers = self.step_rows(rows[starts[frame] : starts[frame + 1]])
            frame += 1
        return frame, answers

    def step_rows(self, rows: Rows) -> Rows:
        answers = super().step_rows(rows)
        self.hear(rows[0])
        outs = [unpack_out(row) for row in answers]
        submitted = [one for one in outs if one.kind is OutKind.SUBMIT_ORDER]
        assert not (submitted and self.stopped), "an order after the end"
        for intent in (one for one in outs if one.kind is OutKind.INTENT):
            legs = [one for one in submitted if one.intent == intent.intent]
            self.reasons[Reason(intent.reason)] += 1
            self.judge_intent(intent, legs)
            for leg in legs:
                self.orders[leg.order] = [leg, leg.lots]
                self.sent_at += [] if leg.flags else [leg.ts]
            for leg in legs if intent.reason == Reason.ENTRY else []:
                self.judge_entry(leg)
        self.judge_balance()
        return answers

    def hear(self, row: Any) -> None:
        kind, number = int(row.kind), int(row.id)
        if kind == EventKind.ORDER_FILLED:
            self.lots[int(row.strategy), int(row.instrument)] += int(row.lots) * (1 - 2 * int(row.side))
            self.orders[number][1] -= int(row.lots)
        if kind in (EventKind.ORDER_EXPIRED, EventKind.ORDER_CANCELED, EventKind.ORDER_REJECTED):
            self.orders[number][1] = 0
        self.stopped |= kind == EventKind.RUN_STOPPED

    def judge_intent(self, intent: Any, legs: list[Any]) -> None:
        a, b = PAIRS[intent.pair]
        if intent.reason == Reason.ENTRY:
            assert [leg.instrument for leg in legs] == [a, b]
            assert [leg.side for leg in legs] == [intent.side, 1 - intent.side]
            assert {leg.lots * INSTRUMENTS[leg.instrument].lot_e8 for leg in legs} == {intent.quantity_e8}
            assert not any(leg.flags for leg in legs)
            assert intent.edge_e8 > 0
        else:
            assert 1 <= len(legs) <= 2 and all(leg.flags & (FLAG_CLOSING | FLAG_HEDGE) for leg in legs)
        for leg in legs:
            if leg.flags & FLAG_CLOSING:
                held = self.lots[leg.strategy, leg.instrument]
                assert held * (1 - 2 * leg.side) < 0 and leg.lots <= abs(held)

    def worth(self, i: int, lots: int) -> int:
        """At the side it would close against, in 1e-8 dollars (a USDC is a USDT here), away from zero."""
        quote = self.desk[0].quotes[i]
        price = int(quote.bid if lots > 0 else quote.ask)
        return lots * price * INSTRUMENTS[i].tick_e8 * INSTRUMENTS[i].lot_e8 // E8

    def ends(self, strategy: int, i: int) -> tuple[int, int]:
        low = high = self.lots[strategy, i]
        for order, left in self.orders.values():
            if (order.strategy, order.instrument) == (strategy, i):
                low, high = (low, high + left) if order.side == 0 else (low - left, high)
        return low, high

    def judge_entry(self, leg: Any) -> None:
        """With both legs sent: nothing is beyond what the configuration allows, at the marks of now."""
        s, limits, i = self.desk[0], self.config.limits, leg.instrument
        now, venue = int(s.now), int(INSTRUMENTS[i].venue)
        cells = {(k, j): self.ends(k, j) for k in (0, 1) for j in (SPOT, USDM, HYPER)}
        worst = {cell: max(abs(self.worth(cell[1], end)) for end in ends) for cell, ends in cells.items()}
        at_venue = sum(worst[leg.strategy, j] for j in (SPOT, USDM, HYPER) if INSTRUMENTS[j].venue == venue)
        up = sum(self.worth(j, high) for (_, j), (_, high) in cells.items())
        down = -sum(self.worth(j, low) for (_, j), (low, _) in cells.items())
        middle = Decimal(int(s.quotes[i].bid + s.quotes[i].ask)) / 2
        usd = Decimal(E8)
        assert abs(self.worth(i, leg.lots)) <= limits.order_notional_usd_max * usd
        assert at_venue <= limits.position_notional_usd_max * usd
        assert sum(worst.values()) <= limits.gross_usd_max * usd
        assert max(up, down) <= limits.delta_usd_max * usd
        assert abs(leg.price - middle) <= middle * limits.collar_bps / 10_000
        given = self.config.venues[INSTRUMENTS[i].venue.label].quote_age_ms_max
        assert now - int(s.quotes[i].ts) <= (limits.quote_age_ms_max if given is None else given) * MS
        a, b = PAIRS[leg.pair]
        assert abs(int(s.quotes[a].ts) - int(s.quotes[b].ts)) <= limits.quote_skew_ms_max * MS
        for unit, most in ((1, limits.orders_per_s_max), (60, limits.orders_per_min_max)):
            assert sum(ts // (unit * S) == now // (unit * S) for ts in self.sent_at) <= most
        assert s.strategies[leg.strategy].level == Level.ACTIVE
        self.judge_money(i, venue)

    def judge_money(self, i: int, venue: int) -> None:
        s = self.desk[0]
        here = [j for j in (SPOT, USDM, HYPER) if INSTRUMENTS[j].venue == venue]
        if i == SPOT:
            out = [(order, left) for order, left in self.orders.values() if order.instrument == SPOT]
            dollars = sum(left * order.price for order, left in out if order.side == 0) * int(s.instruments[i].factor)
            coin = sum(left for order, left in out if order.side == 1) * INSTRUMENTS[i].lot_e8
            assert dollars <= s.balances[0, s.instruments[i].quote] and coin <= s.balances[0, s.instruments[i].base]
            return
        equity = int(s.balances[venue, s.venues[venue].collateral])
        used = 0
        for j in here:
            equity += self.worth(j, self.lots[0, j] + self.lots[1, j])
            ends = [self.ends(k, j) for k in (0, 1)]
            most = max(abs(sum(low for low, _ in ends)), abs(sum(high for _, high in ends)))
            used += abs(self.worth(j, -most)) // 2
        assert equity > 0 and equity - used >= math.floor(equity * self.config.limits.collateral_pct_min / 100)

    def judge_balance(self) -> None:
        """A difference between legs that can be traded does not outlive the limit of time or size while ACTIVE."""
        s, limits = self.desk[0], self.config.limits
        now = int(s.now)
        for pair, (a, b) in enumerate(PAIRS):
            open_e8 = sum(self.lots[pair, i] * INSTRUMENTS[i].lot_e8 for i in (a, b))
            if abs(open_e8) < 10**5:
                self.since.pop(pair, None)
                continue
            since = self.since.setdefault(pair, now)
            if now - since > limits.flatten_s_max * S + SLACK_NS:
                assert s.strategies[pair].level < Level.ACTIVE
            too_large = abs(open_e8) * 61_000 > limits.unhedged_usd_max * E8
            if too_large and abs(open_e8) * 59_000 > limits.unhedged_usd_max * E8 and now - since > SLACK_NS:
                assert s.strategies[pair].level < Level.ACTIVE


def some(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.one_of(st.just(Decimal(high)), st.decimals(low, high, places=2))


LIMITS = st.fixed_dictionaries(
    {
        "position_notional_usd_max": some("150", "1320"),
        "gross_usd_max": some("300", "8800"),
        "delta_usd_max": some("150", "440"),
        "collateral_pct_min": some("20", "99"),
        "collar_bps": some("5", "50"),
        "edge_bps_max": some("15", "200"),
        "quote_age_ms_max": some("40", "500"),
        "quote_skew_ms_max": some("20", "1000"),
        "orders_per_s_max": st.integers(1, 10),
        "orders_per_min_max": st.integers(2, 120),
        "unhedged_usd_max": some("50", "250"),
        "unhedged_s_max": some("0.01", "2"),
        "flatten_s_max": some("0.2", "10"),
        "hedge_retries": st.integers(0, 4),
    }
)


def check_books(run: make.Run) -> dict[str, Any]:
    """Ledger = desk = venues, all residuals 0, and what is open stays open; the figures."""
    ledger, s = run.ledger(), run.desk
    cells = {key: cell.lots for key, cell in ledger.cells.items()}
    for strategy in range(2):
        for i in range(4):
            assert cells.get((strategy, i), 0) == s.positions[strategy, i].lots
    truth = run.bundle.venues.state[0]
    for i in range(4):
        assert truth.net[i] == sum(lots for (_, j), lots in cells.items() if j == i)
    for venue in range(4):
        for asset in range(len(ledger.declaration.assets)):
            assert ledger.wallet_e8(venue, asset) == s.balances[venue, asset] == truth.balances[venue, asset]
    found = figures(ledger)
    assert found["breaks"].value == 0
    assert {name: one.residual for name, one in found.items() if one.residual not in (0, None)} == {}
    rows = make.rows_of(run.entries)
    end = next(k for k, row in enumerate(rows) if row.kind == EventKind.RUN_STOPPED)
    assert {row.kind for row in rows[end + 1 :]} <= {OutKind.MARKED, OutKind.DENIAL}
    return found


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(20, 250), LIMITS, st.sampled_from([20, 60, 150]))
def test_whatever_the_market_does_the_limits_hold(seed: int, frames: int, limits: dict[str, Any], gap_ms: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = make.run(make.config(**limits), make.wandering(seed, frames, gap_ms), Path(folder), Watched)
        check_books(run)


def test_these_markets_show_what_the_laws_are_about(tmp_path: Path) -> None:
    """Entries, both kinds of exit, completed and taken back legs, partial fills and failed legs all occur."""
    reasons: Counter[Reason] = Counter()
    ended: Counter[int] = Counter()
    partial = trips = 0
    for seed in range(4):
        config = make.config("controls_off = ['C14', 'C15', 'C39', 'C40']\n" + make.CONFIG, orders_per_min_max=120)
        run = make.run(config, make.wandering(seed, 500), tmp_path / str(seed), Watched)
        engine = run.bundle.engine
        assert isinstance(engine, Watched)
        reasons += engine.reasons
        found = check_books(run)
        trips += found["round_trips"].value
        for order in run.ledger().counts.orders.values():
            partial += 0 < order.filled < order.lots
            ended[order.filled == 0] += 1
    assert min(reasons[one] for one in (Reason.ENTRY, Reason.HEDGE, Reason.UNWIND)) >= 3
    assert min(reasons[one] for one in (Reason.EXIT_REVERSAL, Reason.EXIT_HOLD)) >= 1
    assert partial >= 3 and ended[True] >= 5 and trips >= 40


def test_a_fill_nobody_expects_is_taken_back() -> None:
    """Late news of an order long forgotten leaves a leg alone: it is booked, and goes back where it came from."""
    engine = Engine(make.opened())
    fill = OrderFilled(
        ts=T0 + MS, ts_venue=T0, instrument=USDM, venue=1, strategy=0, order=999, trade=1, side=0,
        price=600_000, lots=3, fee_e8=0, fee_asset=0,
    )  # fmt: skip
    outs = engine.step(fill)
    orders = [one for one in outs if one.kind is OutKind.SUBMIT_ORDER]
    assert [(one.instrument, one.side, one.lots) for one in orders] == [(USDM, 1, 3)]
    assert orders[0].flags == FLAG_CLOSING | FLAG_HEDGE | FLAG_REDUCE_ONLY
    assert [one.reason for one in outs if one.kind is OutKind.INTENT] == [Reason.UNWIND]
    assert [one.quantity_e8 for one in outs if one.kind is OutKind.UNHEDGED] == [3 * 10**5]


def test_a_leg_that_cannot_be_mended_in_time_lowers_the_level() -> None:
    """The market has gone away: every try is denied, at `flatten_s_max` the strategy falls and says why."""
    engine = Engine(make.opened())
    fill = {
        "ts_venue": T0,
        "instrument": USDM,
        "venue": 1,
        "strategy": 0,
        "trade": 1,
        "fee_e8": 9_000_000,
        "fee_asset": 0,
    }
    asked = engine.step(OrderFilled(ts=T0 + S, order=999, side=0, price=600_000, lots=3, **fill))
    fell = [one for one in asked if one.kind is OutKind.TRANSITION]
    waiting = [one.due for one in asked if one.kind is OutKind.SET_TIMER]
    assert waiting and not any(one.kind is OutKind.SUBMIT_ORDER for one in asked)
    while not fell:
        assert waiting[0] < T0 + 20 * S
        due = waiting.pop(0)
        asked = engine.step(Timer(ts=due, ts_venue=due, timer=0))
        waiting += [one.due for one in asked if one.kind is OutKind.SET_TIMER]
        fell = [one for one in asked if one.kind is OutKind.TRANSITION]
        assert not any(one.kind is OutKind.SUBMIT_ORDER for one in asked)
    assert (fell[0].old, fell[0].new, fell[0].reason) == (Level.ACTIVE, Level.CLOSE_ONLY, Reason.UNHEDGED_TOO_LONG)
    assert fell[0].limit == 10 * S < fell[0].value <= 10 * S + 100 * MS
    assert any(one.kind is OutKind.ALERT and one.reason == Reason.UNHEDGED_TOO_LONG for one in asked)


@pytest.mark.jit_off
def test_the_time_alone_counts_from_more_than_dust() -> None:
    """What a venue would not trade is no open leg; an imbalance an hour later starts its own time."""
    desk = make.opened()
    s = desk[0]
    out = Engine(desk)._out
    make.hold(s, SPOT, MILLI[SPOT] // 2)
    s.now = T0
    assert note_unhedged(s, out, 0, 0, 0) == 1
    s.now = T0 + 3600 * S
    make.hold(s, USDM, -3)
    assert note_unhedged(s, out, 0, 0, 0) == 1
    assert s.legs[0, 0].unhedged_since == T0 + 3600 * S
    s.now += S
    make.hold(s, USDM, 1)
    note_unhedged(s, out, 0, 0, 0)
    assert s.legs[0, 0].unhedged_since == T0 + 3600 * S
