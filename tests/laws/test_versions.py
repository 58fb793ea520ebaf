# long: one judge of three versions
"""Three versions on one account over random markets: no order that adds, and no fill of one, beyond any limit; each
version keeps its own promise about what it enters."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import control_material as three
import desk_material as make
import pytest
from desk_material import E8, HYPER, INSTRUMENTS, MS, SPOT, T0, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind, Reason
from crossbook.desk.wire import Bundle, wire
from crossbook.engine import Engine
from crossbook.events import EventKind
from crossbook.ledger.metrics import figures
from crossbook.rules.layout import Rows
from crossbook.rules.rows import unpack_out
from crossbook.state import State
from crossbook.types import Level

PAIR_OF = ((SPOT, USDM), (SPOT, USDM), (USDM, HYPER))
"""The legs of v0, v1 and v2."""
CELLS = [(k, i) for k in range(3) for i in (SPOT, USDM, HYPER)]
TAKER_PPM = {SPOT: 1_000, USDM: 500, HYPER: 450}
DELAY_MS = {SPOT: 5, USDM: 3, HYPER: 250}
"""The way that three of four orders do not exceed."""


@dataclass
class Sent:
    """An order, what is left of it, and where its strategy's position may end at most, as known when it was sent."""

    order: Any
    left: int
    ends: tuple[int, int] = (0, 0)
    adds: bool = False


class Watched(Engine):
    """An engine judged at every step by a second account kept from its commands, its fills and the frames alone."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle.engine.desk)
        self.config = bundle.config
        self.table = next(iter(bundle.config.survival_tables.values()))
        self.books: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
        self.heard: dict[int, tuple[int, int]] = {}
        self.orders: dict[int, Sent] = {}
        self.lots: Counter[tuple[int, int]] = Counter()
        self.sent: list[tuple[int, int]] = []
        self.entries: list[tuple[int, int, int, int, int]] = []
        self.reasons: Counter[tuple[int, Reason]] = Counter()
        self.denials: Counter[Reason] = Counter()
        self.fills = 0

    def step_frames(self, rows: Rows, starts: Rows, frame: int, end: int, before: int) -> tuple[int, Rows]:
        answers = self._none
        while not len(answers) and frame < end and rows["ts"][starts[frame]] < before:
            answers = self.step_rows(rows[starts[frame] : starts[frame + 1]])
            frame += 1
        return frame, answers

    def step_rows(self, rows: Rows) -> Rows:
        levels = self.levels()
        self.hear(rows)
        answers = super().step_rows(rows)
        outs = [unpack_out(row) for row in answers]
        assert all(now <= before for now, before in zip(self.levels(), levels, strict=True)), "a level rose unasked"
        for one in outs:
            if one.kind is OutKind.DENIAL:
                self.denials[Reason(one.reason)] += one.count
        submitted = [one for one in outs if one.kind is OutKind.SUBMIT_ORDER]
        for intent in (one for one in outs if one.kind is OutKind.INTENT):
            self.reasons[intent.strategy, Reason(intent.reason)] += 1
            self.judge(intent, [one for one in submitted if one.intent == intent.intent])
        return answers

    def levels(self) -> list[int]:
        s = self.desk[0]
        scopes = (*s.venues["level"], *s.instruments["level"][:4], *s.strategies["level"][:3])
        return [int(s.level), *map(int, scopes)]

    def hear(self, rows: Rows) -> None:
        """What comes in: frames are snapshots, fills must be of an order we sent, no worse and no more than it said."""
        row = rows[0]
        kind, i = int(row.kind), int(row.instrument)
        if kind == EventKind.BOOK_SNAPSHOT:
            sides = [
                sorted(((int(r.price), int(r.lots)) for r in rows if r.side == side), reverse=side == 0)
                for side in (0, 1)
            ]
            self.books[i] = (sides[0], sides[1])
            self.heard[i] = (int(row.ts), int(row.ts_venue))
        elif kind == EventKind.ORDER_FILLED:
            one = self.orders[int(row.id)]
            sign = 1 - 2 * int(row.side)
            cell = (int(row.strategy), i)
            self.lots[cell] += sign * int(row.lots)
            one.left -= int(row.lots)
            self.fills += 1
            assert one.left >= 0 and (int(row.price) - one.order.price) * sign <= 0
            if one.adds:
                assert one.ends[0] <= self.lots[cell] <= one.ends[1], "beyond what was allowed when it was decided"
        elif kind in (EventKind.ORDER_EXPIRED, EventKind.ORDER_CANCELED, EventKind.ORDER_REJECTED):
            self.orders[int(row.id)].left = 0

    def ends(self, strategy: int, i: int) -> tuple[int, int]:
        low = high = self.lots[strategy, i]
        for one in self.orders.values():
            if (one.order.strategy, one.order.instrument) == (strategy, i):
                low, high = (low, high + one.left) if one.order.side == 0 else (low - one.left, high)
        return low, high

    def touch(self, i: int, side: int) -> int:
        return self.books[i][side][0][0]

    def worth(self, i: int, lots: int) -> int:
        """At the side it would close against; 1e-8 dollars, a USDC being a USDT here."""
        price = self.touch(i, 0 if lots > 0 else 1)
        return lots * price * INSTRUMENTS[i].tick_e8 * INSTRUMENTS[i].lot_e8 // E8

    def middle(self, i: int) -> Decimal:
        return Decimal(self.touch(i, 0) + self.touch(i, 1)) / 2 * INSTRUMENTS[i].tick_e8

    def walk(self, i: int, side: int, lots: int) -> int:
        """Taking so many lots from a side of the displayed book, 1e-8 dollars; its last price for what is beyond."""
        cost = left = 0
        left, price = lots, 0
        for price, there in self.books[i][side]:
            take = min(there, left)
            cost += take * price
            left -= take
        return (cost + left * price) * INSTRUMENTS[i].tick_e8 * INSTRUMENTS[i].lot_e8 // E8

    def edge(self, strategy: int, direction: int, quantity_e8: int, deep: bool) -> tuple[int, int, int]:
        """`(gross, entry fees, paid)`: at the touch, or through the books."""
        a, b = PAIR_OF[strategy]
        buy, sell = (a, b) if direction == 0 else (b, a)
        lots = {i: quantity_e8 // INSTRUMENTS[i].lot_e8 for i in (a, b)}
        if deep:
            paid, got = self.walk(buy, 1, lots[buy]), self.walk(sell, 0, lots[sell])
        else:
            unit = {i: INSTRUMENTS[i].tick_e8 * INSTRUMENTS[i].lot_e8 // E8 for i in (a, b)}
            paid = self.touch(buy, 1) * lots[buy] * unit[buy]
            got = self.touch(sell, 0) * lots[sell] * unit[sell]
        fees = -(-paid * TAKER_PPM[buy] // 10**6) - (-got * TAKER_PPM[sell] // 10**6)
        return got - paid, fees, paid

    def judge(self, intent: Any, legs: Sequence[Any]) -> None:
        before = {cell: self.ends(*cell) for cell in CELLS}
        for leg in legs:
            adds = leg.flags & FLAG_CLOSING == 0
            self.orders[leg.order] = Sent(leg, leg.lots, adds=adds)
            if leg.flags & (FLAG_CLOSING | FLAG_HEDGE) == 0:
                self.sent.append((leg.ts, abs(leg.lots * leg.price) * INSTRUMENTS[leg.instrument].tick_e8
                                  * INSTRUMENTS[leg.instrument].lot_e8 // E8))  # fmt: skip
        for leg in legs:
            cell = (leg.strategy, leg.instrument)
            self.orders[leg.order].ends = self.ends(*cell)
            sign = 1 - 2 * leg.side
            if leg.flags & FLAG_CLOSING:
                held = self.lots[cell]
                assert held * sign < 0 and leg.lots <= abs(held), "a close may only reduce"
            elif leg.flags & FLAG_HEDGE:
                a, b = PAIR_OF[leg.strategy]
                alone = sum(self.lots[leg.strategy, i] * INSTRUMENTS[i].lot_e8 for i in (a, b))
                size = sign * leg.lots * INSTRUMENTS[leg.instrument].lot_e8
                assert alone * size < 0 and abs(size) <= abs(alone), "a hedge may only reduce what is alone"
                assert abs(self.worth(leg.instrument, leg.lots)) <= self.config.limits.order_notional_usd_max * E8
        if intent.reason == Reason.ENTRY:
            assert len(legs) == 2 and [leg.instrument for leg in legs] == list(PAIR_OF[intent.strategy])
            assert not any(leg.flags for leg in legs)
            assert all(before[intent.strategy, i][0] <= 0 <= before[intent.strategy, i][1] or
                       abs(before[intent.strategy, i][0]) * INSTRUMENTS[i].lot_e8 < 2 * 10**5
                       for i in PAIR_OF[intent.strategy])  # fmt: skip
            self.judge_size(intent, legs)
            self.judge_time(intent, legs)
            self.judge_promise(intent)
            self.entries.append((int(self.desk[0].now), intent.pair, intent.strategy, intent.side, intent.quantity_e8))

    def judge_size(self, intent: Any, legs: Sequence[Any]) -> None:
        """C01, C03 to C09, with everything sent filled, at the marks of now."""
        limits, usd = self.config.limits, Decimal(E8)
        cells = {cell: self.ends(*cell) for cell in CELLS}
        worst = {cell: max(abs(self.worth(cell[1], end)) for end in ends) for cell, ends in cells.items()}
        up = sum(self.worth(i, high) for (_, i), (_, high) in cells.items())
        down = -sum(self.worth(i, low) for (_, i), (low, _) in cells.items())
        assert sum(worst.values()) <= limits.gross_usd_max * usd
        assert max(up, down) <= limits.delta_usd_max * usd
        net = sum(self.worth(i, self.lots[k, i]) for k, i in CELLS)
        assert abs(net) <= limits.delta_soft_usd_max * usd
        for leg in legs:
            i = leg.instrument
            assert abs(self.worth(i, leg.lots)) <= limits.order_notional_usd_max * usd
            assert leg.lots * INSTRUMENTS[i].lot_e8 == intent.quantity_e8
            at_venue = sum(
                worst[intent.strategy, j] for j in (SPOT, USDM, HYPER) if INSTRUMENTS[j].venue is INSTRUMENTS[i].venue
            )
            assert at_venue <= limits.position_notional_usd_max * usd
            ends = [sum(cells[k, i][end] for k in range(3)) for end in (0, 1)]
            assert abs(self.worth(i, ends[1 - leg.side])) <= limits.instrument_notional_usd_max * usd
            other = legs[0].instrument if leg is legs[1] else legs[1].instrument
            price = Decimal(leg.price) * INSTRUMENTS[i].tick_e8
            assert abs(price - self.middle(i)) <= self.middle(i) * limits.collar_bps / 10_000
            assert abs(price - self.middle(other)) <= self.middle(other) * limits.other_venue_bps_max / 10_000
            if i != SPOT:
                self.judge_margin(i, ends)

    def judge_margin(self, i: int, ends: list[int]) -> None:
        s, limits = self.desk[0], self.config.limits
        venue = int(INSTRUMENTS[i].venue)
        net = sum(self.lots[k, i] for k in range(3))
        equity = int(s.balances[venue, s.venues[venue].collateral]) + self.worth(i, net)
        gross = abs(self.worth(i, -max(abs(end) for end in ends)))
        assert equity > 0 and gross <= equity * limits.leverage_x_max
        assert equity - gross // 2 >= math.floor(equity * limits.collateral_pct_min / 100)
        assert equity - gross * 12_500 // 10**6 >= gross * limits.liquidation_pct_min / 100 or equity >= 2 * gross

    def judge_time(self, intent: Any, legs: Sequence[Any]) -> None:
        """C11 to C15, C18, C24 and the levels."""
        s, limits = self.desk[0], self.config.limits
        now, (a, b) = int(s.now), PAIR_OF[intent.strategy]
        assert abs(self.heard[a][0] - self.heard[b][0]) <= limits.quote_skew_ms_max * MS
        for leg in legs:
            i = leg.instrument
            given_ms = self.config.venues[INSTRUMENTS[i].venue.label].quote_age_ms_max
            assert now - self.heard[i][0] <= (limits.quote_age_ms_max if given_ms is None else given_ms) * MS
            assert abs(self.heard[i][0] - self.heard[i][1]) <= limits.clock_drift_ms_max * MS
            live = [one.order for one in self.orders.values() if one.left > 0]
            here = [one for one in live if INSTRUMENTS[one.instrument].venue is INSTRUMENTS[i].venue]
            assert len(here) <= limits.open_orders_max
            assert not any(one.instrument == i and one.side != leg.side for one in live), "meets one of ours"
            scopes = (s.level, s.venues[int(leg.venue)].level, s.instruments[i].level, s.strategies[leg.strategy].level)
            assert min(scopes) == Level.ACTIVE
        rates = ((1, limits.orders_per_s_max), (60, limits.orders_per_min_max), (3600, limits.orders_per_h_max))
        for unit, most in rates:
            assert sum(ts // (unit * S) == now // (unit * S) for ts, _ in self.sent) <= most
        assert sum(value for _, value in self.sent) <= limits.turnover_usd_max * E8
        if "C14" not in self.config.controls_off:
            hour = [one for one in self.entries if one[1] == intent.pair and one[0] // (3600 * S) == now // (3600 * S)]
            assert len(hour) < limits.arbs_per_h_max and len(self.entries) < limits.arbs_per_day_max
        same = (intent.pair, intent.strategy, intent.side, intent.quantity_e8)
        assert not any(one[1:] == same and now - one[0] < limits.duplicate_s * S for one in self.entries[-6:])

    def judge_promise(self, intent: Any) -> None:
        """What each version says of its entries, recounted from the frames."""
        mine = list(self.config.strategies.values())[intent.strategy]
        k, limits = intent.strategy, self.config.limits
        gross, fees, paid = self.edge(k, intent.side, intent.quantity_e8, deep=False)
        deep_gross, deep_fees, deep_paid = self.edge(k, intent.side, intent.quantity_e8, deep=True)
        least = Decimal(mine.min_edge_bps) / 10_000
        assert (deep_gross - deep_fees) * 10**6 >= int(limits.edge_bps_min * 100) * deep_paid - 10**6  # C10
        if k == 0:
            assert gross - fees > 0 and gross - fees >= math.floor(paid * least)
            assert (gross - fees) * 10**6 < (int(limits.edge_bps_max * 100) + 1) * paid
            assert intent.edge_e8 == gross - fees
            return
        net = deep_gross - 2 * deep_fees
        assert net > 0 and net >= math.floor(deep_paid * least)
        assert intent.edge_e8 == deep_gross - deep_fees
        assert intent.notional_e8 == deep_paid <= self.config.limits.order_notional_usd_max * E8
        if k == 2:
            expected, asked = self.expected(deep_gross, deep_fees, deep_paid, mine)
            assert expected > asked

    def expected(self, gross: int, fees: int, paid: int, mine: Any) -> tuple[int, int]:
        """v2's sum, in ppm: what it brings if it survives, less the fees of a lone leg if it does not; and what is
        asked, with the shortfall its last entries had."""
        gross_ppm, fees_ppm = gross * 10**6 // paid, fees * 10**6 // paid
        delay = max(DELAY_MS[i] for i in PAIR_OF[2])
        rows = [row for row in self.table.row if row.edge_bps * 100 <= gross_ppm and row.delay_ms >= delay]
        survives = 0
        if rows:
            best = max(rows, key=lambda row: (row.edge_bps, -row.delay_ms))
            survives = best.ppm if best.n >= 20 else 0
        expected = max(gross_ppm - 2 * fees_ppm, 0) * survives // 10**6 - fees_ppm * (10**6 - survives) // 10**6
        short = max(int(self.desk[0].tracks[2].shortfall_ppm), 0)
        return expected, int(mine.min_edge_bps * 100) + short * int(mine.adapt_pct * 10_000) // 10**6


def some(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.one_of(st.just(Decimal(high)), st.decimals(low, high, places=2))


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "position_notional_usd_max": some("150", "1320"),
        "instrument_notional_usd_max": some("150", "1320"),
        "gross_usd_max": some("300", "8800"),
        "delta_usd_max": some("150", "440"),
        "delta_soft_usd_max": some("10", "176"),
        "collateral_pct_min": some("20", "99"),
        "leverage_x_max": st.integers(1, 3),
        "collar_bps": some("5", "50"),
        "other_venue_bps_max": some("20", "100"),
        "edge_bps_max": some("15", "200"),
        "edge_bps_min": some("1", "20"),
        "quote_age_ms_max": some("40", "500"),
        "quote_skew_ms_max": some("20", "1000"),
        "orders_per_s_max": st.integers(2, 10),
        "orders_per_min_max": st.integers(2, 120),
        "arbs_per_h_max": st.integers(1, 20),
        "duplicate_s": some("0.5", "3"),
        "open_orders_max": st.integers(1, 4),
        "turnover_usd_max": some("400", "9000"),
        "unhedged_usd_max": some("50", "250"),
        "flatten_s_max": some("0.2", "10"),
        "hedge_retries": st.integers(0, 4),
    },
)


def fold(run: make.Run, config: Any) -> None:
    """The journal's desk half is the one kept, and the books agree with the venues."""
    state = State(wire(config, run.bundle.tape).engine.desk)
    for entry in run.entries:
        if entry[:1] in (b"E", b"O"):
            state.apply(make.as_row(entry))
    assert state.account_bytes() == run.bundle.state.account_bytes()
    ledger, s = run.ledger(), run.desk
    truth = run.bundle.venues.state[0]
    for i in range(4):
        assert sum(int(s.positions[k, i].lots) for k in range(3)) == truth.net[i]
    found = figures(ledger)
    assert {name: one.residual for name, one in found.items() if one.residual not in (0, None)} == {}


@settings(max_examples=70)
@given(
    st.integers(0, 10**6), st.integers(20, 220), LIMITS, st.sampled_from([20, 60, 150]),
    st.sampled_from([-100, 0, 100]), st.booleans(),
)  # fmt: skip
def test_nothing_that_adds_goes_beyond_a_limit(
    seed: int, frames: int, limits: dict[str, Any], gap_ms: int, bonus: int, switched: bool
) -> None:
    """At the marks of its decision, every sent order counted at its worst end, for orders and for the fills that leave
    the simulated venues; and the state folds to the same with all three versions."""
    table = three.survival(lambda edge, delay: max(0, 950_000 + 1_000 * bonus - 500 * delay))
    off = 'controls_off = ["C14"]\n' if switched else ""
    config = three.three(table, off + three.THREE, **limits)
    with tempfile.TemporaryDirectory() as folder:
        run = make.run(config, three.market(seed, frames, gap_ms), Path(folder), Watched)
        fold(run, config)


def test_these_markets_show_what_the_laws_are_about(tmp_path: Path) -> None:
    """All three versions enter, exit and mend, and many controls speak."""
    reasons: Counter[tuple[int, Reason]] = Counter()
    denials: Counter[Reason] = Counter()
    fills = 0
    off = 'controls_off = ["C14", "C39", "C40"]\n'
    for seed in range(5):
        config = three.three(
            three.survival(lambda edge, delay: 900_000),
            off + three.THREE,
            orders_per_min_max=120,
        )
        run = make.run(config, three.market(seed, 500), tmp_path / str(seed), Watched)
        fold(run, config)
        engine = run.bundle.engine
        assert isinstance(engine, Watched)
        reasons += engine.reasons
        denials += engine.denials
        fills += engine.fills
    for strategy in range(3):
        assert reasons[strategy, Reason.ENTRY] >= 5, reasons
    assert sum(count for (_, reason), count in reasons.items() if reason in (Reason.HEDGE, Reason.UNWIND)) >= 5
    assert sum(count for (_, reason), count in reasons.items() if reason == Reason.EXIT_HOLD) >= 1
    assert len(denials) >= 6 and fills >= 100, denials


def test_v1_asks_for_the_whole_round_trip_through_the_books() -> None:
    """An edge that pays one way but not back, or at the touch but not in the depth, is v0's and not v1's."""
    # entry fees of the pair 15 bp, both ways 30 bp: 180 dollars of 60,000
    for gap, millis, v0, v1 in (
        (60, (20,), False, False),
        (150, (20,), True, False),
        (180, (20,), True, False),
        (185, (20,), True, True),
        (190, (1, 1, 20), True, False),
    ):
        tape = make.tape_of(make.opening())
        engine = _engine(three.three(), tape)
        rows = make.book(T0 + MS, SPOT, 60_000, 1, millis, 30)
        rows.flags.writeable = False
        engine.step_rows(rows)
        rows = make.book(T0 + MS, USDM, 60_001 + gap, 1, millis, 30)
        rows.flags.writeable = False
        outs = [unpack_out(row) for row in engine.step_rows(rows)]
        who = {one.strategy for one in outs if one.kind is OutKind.INTENT}
        assert who == {k for k, enters in ((0, v0), (1, v1)) if enters}, gap


@pytest.mark.parametrize("survives", [0, 500_000, 899_999, 900_000, 1_000_000])
def test_v2_enters_only_what_is_expected_to_arrive(survives: int) -> None:
    """150 dollars are 25 bp, entry fees 9.5 bp: it brings 6 bp if it survives and costs 9.5 if it does not."""
    table = three.survival(lambda edge, delay: survives)
    engine = _engine(three.three(table), make.tape_of(make.opening()))
    for i, usd in ((USDM, 60_000), (HYPER, 60_151)):
        rows = make.book(T0 + MS, i, usd)
        rows.flags.writeable = False
        outs = [unpack_out(row) for row in engine.step_rows(rows)]
    gross, fees = 2_499, 952
    expected = (gross - 2 * fees) * survives // 10**6 - fees * (10**6 - survives) // 10**6
    entered = any(one.kind is OutKind.INTENT and one.strategy == 2 for one in outs)
    assert entered == (survives > 0 and expected > 0)
    if not entered:
        denied = next(one for one in outs if one.kind is OutKind.DENIAL and one.strategy == 2)
        assert denied.reason == Reason.NO_EDGE_EXPECTED and denied.limit == 0
        assert abs(denied.value - expected) <= 2


def test_v2_asks_for_more_after_it_caught_less() -> None:
    """Half of the mean shortfall is asked on top; catching more than expected asks for nothing less."""
    table = three.survival(lambda edge, delay: 10**6)
    asked = []
    for shortfall in (-500, 0, 400, 1_180, 1_196, 4_000):
        engine = _engine(three.three(table), make.tape_of(make.opening()))
        engine.desk[0].tracks[2].shortfall_ppm = shortfall
        for i, usd in ((USDM, 60_000), (HYPER, 60_151)):
            rows = make.book(T0 + MS, i, usd)
            rows.flags.writeable = False
            outs = [unpack_out(row) for row in engine.step_rows(rows)]
        entered = any(one.kind is OutKind.INTENT and one.strategy == 2 for one in outs)
        asked.append((shortfall, entered))
        for one in outs:
            if one.kind is OutKind.DENIAL and one.reason == Reason.NO_EDGE_EXPECTED:
                assert one.limit == shortfall // 2
    assert asked == [(-500, True), (0, True), (400, True), (1_180, True), (1_196, False), (4_000, False)]


def _engine(config: Any, tape: Any) -> Engine:
    engine = wire(config, tape).engine
    s = engine.desk[0]
    for frame in make.opening():
        frame.flags.writeable = False
        engine.step_rows(frame)
    s.balances[:] = 10**13
    s.limits.off |= 1 << 37 | 1 << 38
    return engine
