"""Three versions on one account over random markets: no order that adds, and no fill of one, beyond any limit; each
version keeps its own promise about what it enters."""

from __future__ import annotations

import tempfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import control_material as three
import desk_material as make
import pytest
from desk_material import HYPER, MS, SPOT, T0, USDM
from hypothesis import given, settings
from hypothesis import strategies as st
from watched import Watched

from crossbook.commands import OutKind, Reason
from crossbook.desk.wire import wire
from crossbook.engine import Engine
from crossbook.ledger.metrics import figures
from crossbook.rules.rows import unpack_out
from crossbook.state import State


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
        (190, (1, 5, 20), True, False),  # three thousandths cost 20 dollars a coin more on either side
        (230, (1, 5, 20), True, True),
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
    outs = shown(engine)
    gross, fees = 2_499, 952
    expected = (gross - 2 * fees) * survives // 10**6 - fees * (10**6 - survives) // 10**6
    entered = outs[0].kind is OutKind.INTENT
    assert entered == (survives > 0 and expected > 0)
    if not entered:
        denied = outs[0]
        assert denied.reason == Reason.NO_EDGE_EXPECTED and denied.limit == 0
        assert abs(denied.value - expected) <= 2


def shown(engine: Engine) -> list[Any]:
    """What v2 and its gate say to 150 dollars between its books."""
    for i, usd in ((USDM, 60_000), (HYPER, 60_151)):
        rows = make.book(T0 + MS, i, usd)
        rows.flags.writeable = False
        outs = [unpack_out(row) for row in engine.step_rows(rows)]
    return [one for one in outs if one.kind in (OutKind.INTENT, OutKind.DENIAL) and one.strategy == 2]


def test_v2_wants_more_than_it_asks() -> None:
    """Exactly what is asked is not enough; and a strategy that caught more than expected still asks for something."""
    tape = make.tape_of(make.opening())
    probe = _engine(three.three(three.survival(lambda edge, delay: 990_000)), tape)
    probe.desk[0].strategies[2].min_edge_ppm = 594
    expected = shown(probe)[0].value
    for asked, kind in ((expected, OutKind.DENIAL), (expected - 1, OutKind.INTENT)):
        engine = _engine(three.three(three.survival(lambda edge, delay: 990_000)), tape)
        engine.desk[0].strategies[2].min_edge_ppm = asked
        assert shown(engine)[0].kind is kind
    engine = _engine(three.three(three.survival(lambda edge, delay: 560_000)), tape)
    engine.desk[0].tracks[2].shortfall_ppm = -2_000
    (said,) = shown(engine)
    assert (said.reason, said.limit) == (Reason.NO_EDGE_EXPECTED, 0) and -200 < said.value < 0


def test_v2_asks_for_more_after_it_caught_less() -> None:
    """Half of the mean shortfall is asked on top; catching more than expected asks for nothing less."""
    table = three.survival(lambda edge, delay: 10**6)
    asked = []
    for shortfall in (-500, 0, 400, 1_180, 1_196, 4_000):
        engine = _engine(three.three(table), make.tape_of(make.opening()))
        engine.desk[0].tracks[2].shortfall_ppm = shortfall
        outs = shown(engine)
        entered = outs[0].kind is OutKind.INTENT
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
