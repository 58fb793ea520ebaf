"""What the desk is worth, and the losses that let it fall: C37, C38, C41. Flows are neither gain nor loss."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import desk_material as make
import numba
import pytest
from desk_material import DOLLAR, E8, HYPER, MILLI, MS, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import OutKind, Reason
from crossbook.engine import Engine
from crossbook.events import FundingPaid, OrderFilled, StreamUp, Transfer
from crossbook.rules.worth import UNKNOWN_WORTH, nav_e8
from crossbook.types import Level, Scope

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 60)
DAY = 86_400 * S
MIDNIGHT = T0 // DAY * DAY + DAY
NAV = 8_816 * E8


class Valued:
    """A desk worth NAV in USDT, looked at whenever it is told a second."""

    def __init__(self, off: tuple[str, ...] = (), ts: int = T0, **limits: int) -> None:
        text = f"controls_off = {list(off)}".replace("'", '"') + make.CONFIG
        self.engine = Engine(make.opened(text, ts))
        self.s: Any = self.engine.desk[0]
        for name, value in limits.items():
            self.s.limits[name] = value
        self.s.limits.stale_ns_max = 1 << 60
        self.s.limits.mark_age_ns_max = 1 << 60
        self.s.worth.seen = 0
        self.s.balances[1, 0] = NAV
        self.payments = itertools.count(1)
        self.ts = ts
        self.look()

    def look(self, seconds: int = 1) -> list[Any]:
        """So many seconds later; what fell, as `(scope, index, new, reason, value, limit)`."""
        self.ts += seconds * S
        return fallen(self.engine.step(StreamUp(ts=self.ts, ts_venue=self.ts, venue=3)))

    def lose(self, amount: int) -> None:
        self.engine.step(
            FundingPaid(ts=self.ts, ts_venue=self.ts, instrument=USDM, venue=1, strategy=0, asset=0,
                        payment=next(self.payments), amount_e8=-amount)
        )  # fmt: skip

    def flow(self, amount: int, asset: int = 0, venue: int = 1) -> None:
        self.engine.step(Transfer(ts=self.ts, ts_venue=self.ts, venue=venue, asset=asset, amount_e8=amount, transfer=1))


def fallen(outs: list[Any]) -> list[Any]:
    return [
        (one.scope, one.index, one.new, one.reason, one.value, one.limit)
        for one in outs
        if one.kind is OutKind.TRANSITION
    ]


DESK, CLOSE_ONLY, KILLED = int(Scope.DESK), int(Level.CLOSE_ONLY), int(Level.KILLED)


@pytest.mark.parametrize("part", ["0.5", "1"])
def test_a_days_loss_closes_then_kills(part: str) -> None:
    """C37: exactly the limit is still allowed; one hundred-millionth of a dollar more is not."""
    level = CLOSE_ONLY if part == "0.5" else KILLED
    most = NAV // 200 if part == "0.5" else NAV // 100
    limits = {} if level == CLOSE_ONLY else {"daily_close_ppm": 500_000}
    desk = Valued(**limits)
    assert desk.s.worth.nav_e8 == NAV
    desk.lose(most)
    assert desk.look() == []
    desk.lose(1)
    assert desk.look() == [(DESK, 0, level, Reason.DAILY_LOSS, most + 1, most)]
    assert desk.look() == []


def test_a_new_day_counts_anew() -> None:
    """From what it is worth at the first look after midnight UTC."""
    desk = Valued(ts=MIDNIGHT - 5 * S)
    desk.lose(NAV // 200)
    assert desk.look(10) == []
    desk.lose((NAV - NAV // 200) // 200)
    assert desk.look() == []
    desk.lose(1)
    assert [one[2:4] for one in desk.look()] == [(CLOSE_ONLY, Reason.DAILY_LOSS)]


@pytest.mark.parametrize(("reason", "ppm"), [(Reason.WEEKLY_LOSS, 25_000), (Reason.DRAWDOWN, 30_000)])
def test_a_weeks_loss_and_the_fall_from_the_peak_kill(reason: Reason, ppm: int) -> None:
    """C38, over several days."""
    monday = MIDNIGHT // DAY
    monday += (4 - monday) % 7
    desk = Valued(("C37",), ts=monday * DAY + 10 * S)
    if reason == Reason.DRAWDOWN:
        desk.s.limits.weekly_kill_ppm = 10**6
    most = NAV * ppm // 10**6
    left = most
    for _ in range(6):
        part = min(left, NAV * 4 // 1000)
        desk.lose(part)
        left -= part
        assert desk.look(86_400) == []
    desk.lose(left)
    assert desk.look() == []
    desk.lose(1)
    assert desk.look() == [(DESK, 0, KILLED, reason, most + 1, most)]


def test_a_week_begins_on_monday_and_a_peak_never() -> None:
    monday = MIDNIGHT // DAY
    monday += (4 - monday) % 7
    assert monday % 7 == 4  # 1970-01-05 was a Monday
    desk = Valued(ts=monday * DAY - 5 * S)
    desk.lose(NAV * 4 // 1000)
    start = NAV - NAV * 4 // 1000
    desk.look(10)
    assert desk.s.worth.week_start_e8 == desk.s.worth.day_start_e8 == start
    assert desk.s.worth.peak_e8 == NAV


@pytest.mark.parametrize("off", ["C37", "C38"])
def test_switched_off(off: str) -> None:
    others = tuple({"C37", "C38"} - {off})
    desk = Valued((off,))
    desk.lose(NAV * 9 // 10)
    told = desk.look()
    assert [one[3] for one in told] == ([Reason.WEEKLY_LOSS] if off == "C37" else [Reason.DAILY_LOSS])
    assert not Valued((off, *others)).look()
    both = Valued(("C37", "C38"))
    both.lose(NAV * 9 // 10)
    assert both.look() == []


def test_a_desk_that_owes_more_than_it_has_is_killed() -> None:
    """A worth below zero is a loss like any other, not a number that is missing."""
    desk = Valued()
    desk.lose(NAV + 5)
    assert desk.look() == [(DESK, 0, KILLED, Reason.DAILY_LOSS, NAV + 5, NAV // 100)]


@FEW
@given(st.lists(st.tuples(st.sampled_from(["flow", "lose"]), st.integers(-500 * E8, 500 * E8)), max_size=12))
def test_flows_are_neither_gain_nor_loss(steps: list[tuple[str, int]]) -> None:
    """Starts and peak move with the money that comes and goes; only the rest is counted."""
    desk = Valued(("C37", "C38"))
    lost = flowed = best = 0
    for what, amount in steps:
        if what == "flow":
            desk.flow(amount)
            flowed += amount
        else:
            desk.lose(amount)
            lost += amount
        desk.look()
        best = max(best, -lost)
        worth = desk.s.worth
        assert worth.nav_e8 == NAV + flowed - lost
        assert worth.day_start_e8 - worth.nav_e8 == worth.week_start_e8 - worth.nav_e8 == lost
        assert worth.peak_e8 - worth.nav_e8 == best + lost


def test_the_opening_balances_are_where_the_day_starts(tmp_path: Path) -> None:
    """Coins come in before their prices are known: the first look waits until all can be valued."""
    run = make.run(make.config(), make.wandering(1, 60), tmp_path)
    worth = run.desk.worth
    opened = 3_000 + 4_400 + 4_400 + 0.05 * 60_000
    assert abs(worth.day_start_e8 / E8 - opened) < 50
    assert abs(worth.week_start_e8 - worth.nav_e8) < 50 * E8


def test_a_flow_whose_mark_is_old_moves_the_starts_too() -> None:
    desk = Valued()
    usdc = int(desk.s.instruments[HYPER].settle)
    desk.s.limits.mark_age_ns_max = 1
    desk.flow(1_000 * E8, usdc, 3)
    assert desk.s.worth.day_start_e8 == NAV + 1_000 * E8
    assert nav_e8(desk.s) == UNKNOWN_WORTH and desk.look() == []  # nothing falls on a number that is missing
    desk.s.limits.mark_age_ns_max = 1 << 60
    assert desk.look() == [] and desk.s.worth.nav_e8 == NAV + 1_000 * E8


@FEW
@given(
    usdt=st.integers(-(10**12), 10**12), usdc=st.integers(0, 10**12), coin=st.integers(0, 10**9),
    held=st.lists(st.integers(-20, 20), min_size=4, max_size=4), dollar=st.integers(9_000, 11_000),
    usd=st.integers(40_000, 90_000),
)  # fmt: skip
def test_worth_is_cash_at_its_marks_and_contracts_at_the_middle(
    usdt: int, usdc: int, coin: int, held: list[int], dollar: int, usd: int
) -> None:
    s = make.opened()[0]
    s.balances[0, s.instruments[SPOT].base] = coin
    s.balances[1, 0], s.balances[3, s.instruments[HYPER].settle] = usdt, usdc
    for i, (one, other) in ((USDM, held[:2]), (HYPER, held[2:])):
        s.positions[0, i].lots, s.positions[1, i].lots = one * MILLI[i], other * MILLI[i]
    s.positions[0, SPOT].lots = 7 * MILLI[SPOT]  # its coin is among the balances
    for i in (SPOT, USDM, HYPER):
        s.quotes[i].bid, s.quotes[i].ask = usd * USD[i], (usd + 1) * USD[i]
    s.quotes[DOLLAR].bid, s.quotes[DOLLAR].ask = dollar - 1, dollar + 1
    middle, per_usdc = usd * E8 + E8 // 2, dollar * 10**4
    expected = usdt + coin * middle // E8 + usdc * per_usdc // E8
    expected += sum(held[:2]) * middle // 1000 + sum(held[2:]) * middle // 1000 * per_usdc // E8
    assert abs(int(nav_e8(s)) - expected) <= 3
    s.quotes[USDM].ask_lots = 0
    assert (nav_e8(s) == UNKNOWN_WORTH) == (sum(held[:2]) != 0)


def stray(ts: int, usd: int, lots: int, side: int) -> OrderFilled:
    return OrderFilled(
        ts=ts, ts_venue=ts, instrument=USDM, venue=1, strategy=-1, order=1, trade=1, side=side,
        price=usd * USD[USDM], lots=lots, fee_e8=0, fee_asset=0,
    )  # fmt: skip


def test_money_that_no_strategy_caused_warns_then_closes() -> None:
    """C41: once above 0.50, above 5 the desk falls; the limits themselves still pass."""
    for amount, alerts, falls in (
        (E8 // 2, 0, []), (E8 // 2 + 1, 1, []), (5 * E8, 1, []),
        (5 * E8 + 1, 0, [(DESK, 0, CLOSE_ONLY, Reason.UNATTRIBUTED, 5 * E8 + 1, 5 * E8)]),
    ):  # fmt: skip
        for sign in (1, -1):
            desk = Valued(("C37", "C38"))
            desk.s.worth.unattributed_e8 = sign * amount
            desk.s.worth.start_e8 -= sign * 100 * E8
            desk.ts += S
            outs = desk.engine.step(StreamUp(ts=desk.ts, ts_venue=desk.ts, venue=3))
            found = [one for one in outs if one.kind is OutKind.ALERT and one.reason == Reason.UNATTRIBUTED]
            assert len(found) == alerts and fallen(outs) == falls
            assert desk.look() == []  # said once
    desk = Valued(("C37", "C38", "C40"))
    desk.engine.step(stray(desk.ts, 60_000, 1, 0))
    assert desk.s.worth.unattributed_e8 == -60 * E8
    assert [one[2:4] for one in desk.look()] == [(CLOSE_ONLY, Reason.UNATTRIBUTED)]


def test_a_part_of_the_pnl_warns_too() -> None:
    """C41: above 5 % of what was won or lost, or a cent where that is less."""
    for pnl, most in ((2 * E8, E8 // 10), (-2 * E8, E8 // 10), (0, E8 // 100), (1_000 * E8, E8 // 2)):
        for beyond in (0, 1):
            desk = Valued(("C37", "C38"))
            desk.s.worth.start_e8 -= pnl
            desk.s.worth.unattributed_e8 = most + beyond
            desk.ts += S
            outs = desk.engine.step(StreamUp(ts=desk.ts, ts_venue=desk.ts, venue=3))
            found = [(one.value, one.limit) for one in outs if one.kind is OutKind.ALERT]
            assert found == [(most + 1, most)] * beyond


def test_money_paid_in_is_no_pnl_to_take_a_part_of() -> None:
    desk = Valued(("C37", "C38"))
    desk.flow(1_000 * E8)
    assert desk.s.worth.start_e8 == NAV + 1_000 * E8


def test_funding_of_a_position_that_nobody_holds_is_unattributed() -> None:
    """C41: what strategies hold explains their funding; without a position it came from somewhere else."""
    for lots, expected in ((0, 7), (3, 0)):
        desk = Valued(("C37", "C38"))
        desk.s.positions[0, USDM].lots = lots
        paid = FundingPaid(
            ts=desk.ts, ts_venue=desk.ts, instrument=USDM, venue=1, strategy=-1, asset=0, amount_e8=7 * E8, payment=1
        )
        desk.engine.step(paid)
        assert desk.s.worth.unattributed_e8 == expected * E8


def test_looked_at_once_a_second() -> None:
    desk = Valued()
    desk.lose(NAV // 2)
    desk.s.next_mark = desk.ts + S
    assert fallen(desk.engine.step(StreamUp(ts=desk.ts + S - MS, ts_venue=0, venue=3))) == []
    assert [one[2] for one in fallen(desk.engine.step(StreamUp(ts=desk.ts + S, ts_venue=0, venue=3)))] == [KILLED]
