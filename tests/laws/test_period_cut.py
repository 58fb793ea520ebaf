"""A run cut by time: every figure of a part has its second route, and parts that meet add up to the whole."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from laws.journals import JOURNALS, T0, Op, entries

from crossbook.ledger.figure import Number
from crossbook.report.context import Context
from crossbook.report.period_cut import Part, cut, stamp_of
from crossbook.report.period_pool import deepest, path, pool
from crossbook.report.run_report import wrong
from crossbook.report.run_tables import run_tables

ADDITIVE = ("pnl.total", "pnl.cause.", "pnl.realised", "pnl.fees", "pnl.funding", "pnl.venue.", "pnl.instrument.",
            "nav.flows", "fees.", "orders", "fills", "intents", "denials", "round_trips", "wins", "losses")  # fmt: skip
NOT = ("round_trips.open",)
WHERE = st.integers(0, 60)


def parts(timed: list[tuple[int, Op]], where: int) -> tuple[Part, Part | None, Part | None]:
    """The whole journal, and its two sides of a moment among its stamps."""
    journal = list(enumerate(entries(timed), start=1))
    stamps = sorted({ts for _, payload in journal if (ts := stamp_of(payload)) is not None})
    edge = stamps[where % len(stamps)]
    whole = cut(journal, 0, 2**62)
    assert whole is not None
    return whole, cut(journal, 0, edge), cut(journal, edge, 2**62)


def check(part: Part) -> None:
    """Residuals are 0, and rows sum to their figures."""
    off = {name: (one.value, one.residual) for name, one in part.known.items() if one.residual not in (0, None)}
    assert off == {}
    assert wrong(part.known, run_tables(Context(part.rows, part.known), part.stamps)) == []


@settings(max_examples=200)
@given(JOURNALS, WHERE)
def test_every_figure_of_a_part_is_proved_and_parts_add_up(timed: list[tuple[int, Op]], where: int) -> None:
    whole, first, last = parts(timed, where)
    for part in (whole, first, last):
        if part is not None:
            check(part)
    if first is None or last is None or first.known["pnl.total"].value is None:
        return
    if last.known["nav.start"].value is None:
        return
    assert last.known["nav.start"].value == first.known["nav"].value
    assert last.known["nav"].value == whole.known["nav"].value
    again = first.repeats + last.repeats
    for name, figure in whole.known.items():
        if name.startswith(ADDITIVE) and not name.startswith(NOT) and not again:
            told: list[Number] = [part.known[name].value or 0 for part in (first, last) if name in part.known]
            assert sum(map(Decimal, told)) == Decimal(figure.value or 0), name
    if not again:
        pooled = pool([first, last])
        for name in ("pnl.total", "orders", "fills", "win_rate", "win_rate.low", "win_rate.v1", "denial_rate"):
            assert pooled[name].value == whole.known[name].value, name
        assert {name for name, one in pooled.items() if one.residual not in (0, None)} == set()
        assert deepest(path([first, last])) <= Decimal(whole.known["drawdown.max_amount"].value or 0) * 10**18


@given(JOURNALS)
def test_a_run_inside_a_period_is_the_run(timed: list[tuple[int, Op]]) -> None:
    journal = list(enumerate(entries(timed), start=1))
    part, other = cut(journal, T0 - 10**15, 2**62), cut(journal, 0, 2**62)
    assert part is not None and other is not None and not part.begins and not part.ends
    assert part.known == other.known
    assert cut(journal, 2**61, 2**62) is None and cut(journal, 0, 1) is None
