"""A second account of a run with three versions: kept from commands, fills and frames alone, it judges every step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from desk_material import E8, HYPER, INSTRUMENTS, MS, SPOT, USDM, S

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind, Reason
from crossbook.desk.wire import Bundle
from crossbook.engine import Engine
from crossbook.events import EventKind
from crossbook.rules.layout import Rows
from crossbook.rules.rows import unpack_out
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
