"""The rows of a report sum to its figures, whatever happened; and a rounded matrix sums both ways."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from laws.journals import JOURNALS, Op, entries

from crossbook.ledger.figure import value_decimal
from crossbook.ledger.metrics import figures, wilson
from crossbook.report.context import Context
from crossbook.report.rounding import round_matrix
from crossbook.report.run_report import wrong
from crossbook.report.run_rows import RunRows
from crossbook.report.run_sections import sections
from crossbook.report.run_tables import rows_of, run_tables

CAUSES = ("edge", "latency", "slippage", "fees")


@settings(max_examples=150)
@given(JOURNALS)
def test_rows_sum_to_figures_in_any_journal(timed: list[tuple[int, Op]]) -> None:
    rows = RunRows.of(enumerate(entries(timed), start=1))
    known = figures(rows.ledger)
    tables = run_tables(Context(rows, known), b"")
    assert wrong(known, tables) == []
    assert {rows_of(name) for name in known} <= {table.id for table in tables}
    for cause in CAUSES:
        assert value_decimal(sum(getattr(fill, cause) for fill in rows.fills)) == known[f"pnl.cause.{cause}"].value
    deepest = max(Fraction(one.peak - one.nav, one.peak) if one.peak > 0 else Fraction(0) for one in rows.points)
    assert rows.ledger.settled_path() is not None
    assert deepest == Fraction(*rows.ledger.settled_path().fall)  # type: ignore[union-attr]
    assert len(rows.points) == known["drawdown.max"].n


@settings(max_examples=30)
@given(JOURNALS)
def test_every_section_can_be_drawn_of_any_journal(timed: list[tuple[int, Op]]) -> None:
    rows = RunRows.of(enumerate(entries(timed), start=1))
    drawn = sections(Context(rows, figures(rows.ledger)))
    assert all("nan" not in str(chart) for chart in (drawn["equity"], drawn["waterfall"], drawn["exposure"]))


@given(
    st.integers(1, 7).flatmap(
        lambda width: st.lists(
            st.lists(st.one_of(st.just(0), st.integers(-1_000, 1_000)), min_size=width, max_size=width),
            min_size=1,
            max_size=8,
        )
    ),
    st.sampled_from([1, 7, 100]),
)
def test_a_rounded_matrix_sums_both_ways(values: list[list[int]], unit: int) -> None:
    shown = round_matrix(values, unit)

    def near(exact: int, rounded: int) -> bool:
        return abs(exact - rounded * unit) < unit

    for row, cells in zip(values, shown, strict=True):
        assert near(sum(row), sum(cells))
        assert all(near(value, cell) for value, cell in zip(row, cells, strict=True))
        assert all(cell == 0 for value, cell in zip(row, cells, strict=True) if value == 0)
    for column, cells_of in zip(zip(*values, strict=True), zip(*shown, strict=True), strict=True):
        assert near(sum(column), sum(cells_of))
    whole = sum(map(sum, values))
    assert abs(whole - unit * sum(map(sum, shown))) * 2 <= unit


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_an_interval_of_a_rate_holds_the_rate(n: int, wins: int) -> None:
    found = wilson(min(wins, n), n)
    assert found is not None
    low, high = found
    assert 0 <= low <= min(wins, n) / n + 1e-12 and min(wins, n) / n - 1e-12 <= high <= 1
    assert high - low < 1
