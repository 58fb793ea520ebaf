"""The survival table: looked up with care, written whole, measured as a hand counts, and strictly of the past."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

import control_material as three
import desk_material as make
import numba
import pytest
from desk_material import DOLLAR, MS, SPOT, T0, USDM
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.desk.survival import N_MIN, check_survival, load_survival, table_text, write_survival
from crossbook.desk.wire import clips_e8, wire, wire_market
from crossbook.errors import Refused
from crossbook.lab.survival import DELAYS_MS, EDGES_PPM, Cell, Row, Source, SurvivalTable, survival_table
from crossbook.rules.layout import SURVIVAL_DELAYS, SURVIVAL_EDGES
from crossbook.rules.survival import survival_ppm

FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 200)

SEEN = (N_MIN - 1, N_MIN, 99)
TABLES = st.tuples(
    st.lists(st.integers(1, 100), min_size=1, max_size=SURVIVAL_EDGES, unique=True),
    st.lists(st.integers(1, 2_000), min_size=1, max_size=SURVIVAL_DELAYS, unique=True),
    st.randoms(use_true_random=False),
)


@pytest.mark.jit_off
@FEW
@given(TABLES, st.integers(-1, 101), st.integers(-1, 1), st.integers(0, 2_050), st.integers(-1, 1))
def test_the_lookup_errs_towards_less(
    table: tuple[list[int], list[int], Random], edge: int, edge_off: int, delay: int, delay_off: int
) -> None:
    """The largest edge not above, the shortest delay not below; nothing below the first or beyond the last; a cell
    that was seen too rarely, or is not in the file, never survives."""
    edges, delays, draw = table
    edge_ppm = edges[edge] * 100 + edge_off if 0 <= edge < len(edges) else edge * 100 + edge_off
    delay_ns = (delays[delay] if delay < len(delays) else delay) * MS + delay_off
    rows = [
        Row(edge_bps=Decimal(edge), delay_ms=delay, ppm=draw.randrange(10**6 + 1), n=draw.choice(SEEN))
        for edge in edges
        for delay in delays
        if draw.random() < 0.9
    ] or [Row(edge_bps=Decimal(1), delay_ms=1, ppm=1, n=99)]
    s = make.desk()[0]
    write_survival(s.survival, SurvivalTable(source=three.survival().source, row=rows))
    lower = [row.edge_bps for row in rows if row.edge_bps * 100 <= edge_ppm]
    longer = [row.delay_ms for row in rows if row.delay_ms * MS >= delay_ns]
    expected = 0
    if lower and longer:
        cells = {(row.edge_bps, row.delay_ms): row for row in rows}
        row = cells.get((max(lower), min(longer)))
        expected = row.ppm if row is not None and row.n >= N_MIN else 0
    assert survival_ppm(s, edge_ppm, delay_ns) == expected


@pytest.mark.jit_off
def test_a_bound_itself_is_in_its_row_and_a_delay_in_its_column() -> None:
    s = make.desk()[0]
    write_survival(s.survival, three.survival(lambda edge, delay: 1_000 * edge + delay))
    for edge_ppm, delay_ns, expected in (
        (499, 5 * MS, 0), (500, 5 * MS, 5_005), (500, 5 * MS + 1, 5_050), (999, 0, 5_005), (1_000, 50 * MS, 10_050),
        (10**6, 300 * MS, 40_300), (10**6, 300 * MS + 1, 0), (-1, 0, 0),
    ):  # fmt: skip
        assert survival_ppm(s, edge_ppm, delay_ns) == expected


@pytest.mark.jit_off
def test_without_a_table_nothing_survives() -> None:
    s = make.desk()[0]
    assert survival_ppm(s, 10**6, 0) == 0


def test_a_table_that_does_not_fit_is_refused() -> None:
    s = make.desk()[0]
    for table in (
        three.survival(edges=range(1, SURVIVAL_EDGES + 2)),
        three.survival(delays=range(1, SURVIVAL_DELAYS + 2)),
    ):
        with pytest.raises(Refused, match="fit"):
            write_survival(s.survival, table)


def test_only_what_was_measured_strictly_before() -> None:
    """The window ends before the first moment traded; ending at it is too late."""
    check_survival(three.survival(last_ns=T0 - 1), "v2", T0)
    with pytest.raises(Refused, match="strictly before"):
        check_survival(three.survival(last_ns=T0), "v2", T0)
    tape = make.tape_of(make.opening())
    wire(three.three(three.survival(last_ns=T0 - 1)), tape)
    with pytest.raises(Refused, match="strictly before"):
        wire(three.three(three.survival(last_ns=T0)), tape)


def test_v2_without_a_table_is_refused() -> None:
    with pytest.raises(Refused, match="survival table"):
        make.config(three.THREE.replace('survival = "made by hand"\n', ""))


def hand_made() -> make.Frame:
    """Spot stays at 60,000 / 60,001. The perpetual's bid, by the venue's own time, in ms after the start:
    0 60,000 | 100 60,100 (16.6 bp) | 130 60,000 | 300 60,100 | 700 60,100 still | 1,900 60,000."""
    frames = [make.book(T0, DOLLAR, 1), make.book(T0, SPOT, 60_000), make.book(T0, USDM, 60_000)]
    for at_ms, usd in ((100, 60_100), (130, 60_000), (300, 60_100), (700, 60_100), (1_900, 60_000)):
        frames.append(make.book(T0 + at_ms * MS, USDM, usd))
    return frames


def measured(frames: list[make.Frame]) -> dict[tuple[float, int], Cell]:
    only = make.config(
        make.CONFIG.replace("[pairs.B]", "[unused]").partition("[unused]")[0]
        + """
[strategies.v0]
kind = "arbitrage_v0"
pairs = ["A"]
"""
    )
    tape, declaration, fresh = wire_market(only, make.tape_of(frames))
    cells = survival_table(fresh, tape.rows, tape.starts, 1, clips_e8(only, declaration))
    return {(cell.edge_bps, cell.delay_ms): cell for cell in cells}


def test_the_estimator_counts_what_a_hand_counts() -> None:
    """Two edges of 16.5 bp, seen at 100 and 300 ms. The first is gone by the venue's time 29 ms after it was seen (the
    feed takes 1 ms) and back after 199; the second lasts 1.6 s. So both are there after 25 ms, one of two after 50 to
    150, and from 200 on both again: who arrives then finds the edge, whatever was between."""
    cells = measured(hand_made())
    assert {edge for edge, _ in cells} == {bound / 100 for bound in EDGES_PPM if bound <= 1_500}
    for bound in (5.0, 11.0, 15.0):
        assert {cells[bound, delay].n for delay in DELAYS_MS} == {2}
        assert [cells[bound, delay].ppm for delay in DELAYS_MS] == [10**6] * 3 + [500_000] * 3 + [10**6] * 4


def test_an_edge_is_counted_when_it_comes_not_while_it_stays() -> None:
    """And one that was there when the book came to be is not seen to come."""
    frames = [make.book(T0, DOLLAR, 1), make.book(T0, SPOT, 60_000), make.book(T0, USDM, 60_100)]
    frames += [make.book(T0 + k * 10 * MS, USDM, 60_100 + k % 3) for k in range(1, 20)]
    with pytest.raises(Refused, match="nothing to measure"):
        measured(frames)
    frames += [make.book(T0 + 1_000 * MS, USDM, 60_000), make.book(T0 + 1_100 * MS, USDM, 60_100)]
    frames += [make.book(T0 + (1_100 + k) * MS, USDM, 60_100 + k) for k in range(1, 9)]
    assert measured(frames)[5.0, 5].n == 1


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    cells = list(measured(hand_made()).values())
    source = Source(tape="b" * 64, first_ns=T0, last_ns=T0 + 5, pairs=["A"])
    (tmp_path / "survival.toml").write_text(table_text(source, cells))
    table = load_survival(tmp_path / "survival.toml")
    assert table.source == source
    assert [(float(row.edge_bps), row.delay_ms, row.ppm, row.n) for row in table.row] == [
        (cell.edge_bps, cell.delay_ms, cell.ppm, cell.n) for cell in cells
    ]
