"""Three versions on one account, and a desk that is about to enter: what the laws of the controls are tried on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import desk_material as make
import msgspec
from desk_material import DOLLAR, HYPER, MILLI, MS, SPOT, T0, USDM, S

from crossbook.commands import OutKind, Reason
from crossbook.desk.config import Config
from crossbook.engine import Engine
from crossbook.events import Event
from crossbook.lab.survival import Row, Source, SurvivalTable
from crossbook.rules.layout import Rows
from crossbook.rules.rows import unpack_out
from crossbook.tape.tape import Tape

PLENTY = 1 << 60
APART = (-330, -200, -120, 120, 200, 330)
THREE = (
    make.CONFIG.partition("[strategies.v0]")[0]
    + """
[strategies.v0]
kind = "arbitrage_v0"
pairs = ["A"]
hold_s_max = 5
[strategies.v1]
kind = "arbitrage_v1"
pairs = ["A"]
hold_s_max = 4
[strategies.v2]
kind = "arbitrage_v2"
pairs = ["B"]
hold_s_max = 3
survival = "made by hand"
"""
)


def survival(
    ppm: Callable[[int, int], int] = lambda edge, delay: max(0, 990_000 - 2_000 * delay + 20 * edge),
    n: int = 100,
    last_ns: int = T0 - 1,
    edges: Sequence[int] = (5, 10, 20, 30, 40),
    delays: Sequence[int] = (5, 50, 100, 200, 300),
) -> SurvivalTable:
    """A table by a rule of edge (bp) and delay (ms)."""
    rows = [
        Row(edge_bps=Decimal(edge), delay_ms=delay, ppm=min(ppm(edge, delay), 10**6), n=n)
        for edge in edges
        for delay in delays
    ]
    return SurvivalTable(source=Source(tape="a" * 64, first_ns=T0 - S, last_ns=last_ns, pairs=["A", "B"]), row=rows)


def three(table: SurvivalTable | None = None, text: str = THREE, **limits: Any) -> Config:
    """v0, v1 and v2 on one account."""
    return msgspec.structs.replace(
        make.config(text, **limits), survival_tables={"v2": survival() if table is None else table}
    )


def market(seed: int, frames: int, gap_ms: int = 60) -> Tape:
    """Prices part and stay apart for a while, on books of several levels: what all three versions find edges in."""
    draw = random.Random(seed)
    made, ts = make.opening(), T0
    apart = {SPOT: 0, USDM: 0, HYPER: 0}
    until = dict.fromkeys(apart, 0)
    for k in range(frames):
        ts += draw.randrange(1, gap_ms) * MS
        if k % 40 == 0:
            made.append(make.book(ts, DOLLAR, 1))
            continue
        i = draw.choice((SPOT, USDM, HYPER))
        if ts >= until[i]:
            apart[i] = (
                draw.choice((-330, -200, -120, 120, 200, 330)) if draw.random() < 0.4 else draw.randrange(-20, 21)
            )
            until[i] = ts + draw.choice((40, 300, 1500)) * MS
        levels = [draw.choice((2, 3, 8, 20)) for _ in range(draw.randrange(1, 5))]
        made.append(make.book(ts, i, 60_000 + apart[i], draw.choice((1, 2, 12)), levels))
    return make.tape_of(made)


class Stage:
    """A desk whose first strategy will buy spot and sell the perpetual as soon as it is shown the edge.

    No limit is in the way but those of the configuration that a case puts there; the second strategy only holds.
    """

    def __init__(self, off: Sequence[str] = ()) -> None:
        text = f"controls_off = {list(off)}".replace("'", '"') + make.CONFIG
        self.engine = Engine(make.opened(text))
        self.s: Any = self.engine.desk[0]
        for name in RELAXED:
            self.s.limits[name] = PLENTY
        for name in ("edge_ppm_min", "liquidation_ppm_min", "collateral_ppm_min", "duplicate_ns", "disk_bytes_min",
                     "funding_before_ns", "budget_reserve_ppm"):  # fmt: skip
            self.s.limits[name] = 0
        self.s.limits.collar_ppm = self.s.limits.other_ppm_max = self.s.limits.ratio_ppm_max = 10**6
        self.s.limits.leverage_max = 100
        self.s.balances[:] = 10**12
        self.s.strategies[1].pairs = 0
        self.s.worth.seen = 0

    def show(self, ts: int = T0 + 10 * MS, ask_usd: int = 60_001, bid_usd: int = 60_150) -> list[Any]:
        """Both books again, apart by an edge; what the engine answers to the second."""
        self.frame(make.book(ts, SPOT, ask_usd - 1))
        return self.frame(make.book(ts, USDM, bid_usd))

    def frame(self, rows: Rows) -> list[Any]:
        rows.flags.writeable = False
        return [unpack_out(row) for row in self.engine.step_rows(rows)]

    def tell(self, event: Event) -> list[Any]:
        return self.engine.step(event)


RELAXED = (
    "order_notional_e8_max", "position_notional_e8_max", "gross_e8_max", "delta_e8_max", "edge_ppm_max",
    "quote_skew_ns_max", "orders_per_s_max", "orders_per_min_max", "orders_per_h_max", "orders_per_day_max",
    "unhedged_notional_e8_max", "delta_soft_e8_max", "instrument_notional_e8_max", "drift_ns_max", "reduces_per_s_max",
    "arbs_per_h_max", "arbs_per_day_max", "open_orders_max", "turnover_e8_max", "funding_ppm_max",
    "journal_lag_ns_max", "loop_lag_ns_max", "stale_ns_max",
)  # fmt: skip


def entered(outs: Sequence[Any]) -> bool:
    """Whether both legs of an entry left."""
    legs = sum(one.kind is OutKind.SUBMIT_ORDER for one in outs)
    assert legs in (0, 2), "a leg left alone"
    return legs == 2


def denial(outs: Sequence[Any]) -> tuple[Reason, int, int] | None:
    """The denial among the answers, as `(reason, value, limit)`."""
    found = [one for one in outs if one.kind is OutKind.DENIAL]
    assert len(found) <= 1
    return (Reason(found[0].reason), found[0].value, found[0].limit) if found else None


__all__ = ["MILLI", "PLENTY", "THREE", "Stage", "denial", "entered", "market", "survival", "three"]
