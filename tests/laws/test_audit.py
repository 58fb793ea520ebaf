"""The audit accuses nobody who tells the truth, and nobody who lies by more than the rounding gets away."""

import math
import tomllib
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import month
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from month import Month, Trip

from crossbook.ledger.figure import Figure, display_parts
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures, sharpe
from crossbook.report.audit import audit
from crossbook.report.claims import parse_claims
from crossbook.types import Level

HOURS = 40
STRATEGIES = month.DECLARATION.strategies
MORE = Decimal("0.01")


@st.composite
def months(draw: st.DrawFn) -> Month:
    """Short months with everything in them: wins, losses, late legs, open ends, foreign money, a drop."""
    hours = draw(st.lists(st.integers(1, HOURS - 9), unique=True, max_size=7))
    trips = [
        Trip(
            strategy=draw(st.integers(0, 2)),
            pair=draw(st.integers(0, 1)),
            hour=hour,
            net_e8=draw(st.integers(-8 * 10**8, 8 * 10**8)),
            minutes=draw(st.integers(10, 50)),
            closes=draw(st.integers(0, 5)) > 0,
        )
        for hour in hours
    ]
    return Month(
        trips=tuple(trips),
        hours=HOURS,
        missed=tuple((one.strategy, one.hour) for one in trips[:2]),
        foreign_e8=draw(st.sampled_from([0, 0, 1_96000000, -3_10000000])),
        foreign_hours=(2, 22),
        seed=draw(st.integers(0, 50)),
        usdc_e8=draw(st.integers(1_000, 9_000)) * 10**8,
    )


def shown(value: Decimal | int, decimals: int, never_zero: bool = False) -> str:
    """A number as a screen prints it; where 0 would be a lie, with a digit that is none."""
    text = f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN):f}"
    return shown(value, decimals + 1, True) if never_zero and value and not Decimal(text) else text


def told(known: dict[str, Figure], decimals: int) -> dict[str, str]:
    """The summary of a ledger as it is displayed."""
    found = {
        "pnl": shown(sum_of(known, 2), 2),
        "nav": shown(known["nav"].value or 0, 2),
        "exposure": shown(known["exposure.gross"].value or 0, 2, never_zero=True),
        "nav_start": shown(known["nav.start"].value or 0, 2),
        "max_drawdown_pct": shown(100 * Decimal(known["drawdown.max"].value or 0), decimals, never_zero=True),
        "trades": str(known["round_trips"].value),
    }
    for key, name in (("win_rate_pct", "win_rate"), ("fill_rate_pct", "fill_rate.quantity")):
        if (value := known[name].value) is not None:
            found[key] = shown(100 * Decimal(value), decimals, never_zero=True)
    return found


def row_names() -> list[str]:
    return [*STRATEGIES, "inventory", "unattributed"]


def parts_of(known: dict[str, Figure], decimals: int) -> list[Decimal]:
    return display_parts([known[f"pnl.total.{name}"].value or 0 for name in row_names()], decimals)


def sum_of(known: dict[str, Figure], decimals: int) -> Decimal:
    return sum(parts_of(known, decimals), Decimal(0))


def rows_told(known: dict[str, Figure], decimals: int, apart: bool) -> list[dict[str, str]]:
    """The rows as displayed: so that they sum, or each `apart` rounded for itself."""
    rows = []
    for name, part in zip(row_names(), parts_of(known, 2), strict=True):
        value = known[f"pnl.total.{name}"].value or 0
        row = {"name": f'"{name}"', "pnl": shown(value if apart else part, 2)}
        if name in STRATEGIES:
            row |= {"trades": str(known[f"round_trips.{name}"].value), "level": '"ACTIVE"'}
            if (rate := known[f"win_rate.{name}"].value) is not None:
                row["win_rate_pct"] = shown(100 * Decimal(rate), decimals)
        rows.append(row)
    return rows


def toml(summary: dict[str, str], rows: Sequence[dict[str, str]] = ()) -> str:
    lines = ["[summary]", *(f"{key} = {value}" for key, value in summary.items())]
    for row in rows:
        lines += ["[[strategy]]", *(f"{key} = {value}" for key, value in row.items())]
    return "\n".join(lines)


def accused(text: str) -> list[str]:
    return [one.law[:3] for one in audit(parse_claims(text, "claims"))]


def ledger_of(what: Month) -> Ledger:
    return Ledger.of(month.build(what).payloads())


@settings(max_examples=60)
@given(months(), st.integers(0, 3), st.booleans(), st.data())
def test_the_truth_as_displayed_contradicts_nothing(
    what: Month, decimals: int, apart: bool, data: st.DataObject
) -> None:
    known = figures(ledger_of(what))
    summary, rows = told(known, decimals), rows_told(known, decimals, apart)
    assert accused(toml(summary, rows)) == []
    kept = data.draw(st.lists(st.sampled_from([key for key in summary if key != "exposure"]), unique=True))
    fewer = {key: value for key, value in summary.items() if key in kept or key == "exposure"}
    assert accused(toml(fewer, rows)) == []


@settings(max_examples=30)
@given(months(), st.integers(6, 5_000), st.booleans())
def test_a_total_that_is_not_its_rows_is_named_with_the_gap(what: Month, cents: int, up: bool) -> None:
    known = figures(ledger_of(what))
    summary, rows = told(known, 1), rows_told(known, 1, apart=False)
    gap = cents * MORE if up else -cents * MORE
    text = toml({"pnl": str(Decimal(summary["pnl"]) + gap)}, rows)
    (found,) = [one for one in audit(parse_claims(text, "claims")) if one.law.startswith("L04")]
    assert f"a gap of {gap:,.2f}" in found.shown


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=2, max_size=4), st.integers(0, 3))
def test_only_the_pooled_rate_is_let_pass(drawn: list[tuple[int, int]], decimals: int) -> None:
    counts = [(min(won, n), n) for won, n in drawn]
    rows = [{"trades": str(n), "win_rate_pct": shown(Decimal(100 * won) / n, decimals + 2)} for won, n in counts]
    won, n = (sum(part) for part in zip(*counts, strict=True))
    pooled = shown(Decimal(100 * won) / n, decimals)
    assert accused(toml({"win_rate_pct": pooled, "trades": str(n)}, rows)) == []
    mean = shown(sum((Decimal(100 * w) / m for w, m in counts), Decimal(0)) / len(counts), decimals)
    assume(abs(Decimal(mean) - Decimal(100 * won) / n) > Decimal("0.6").scaleb(-decimals) + Decimal("0.001"))
    found = audit(parse_claims(toml({"win_rate_pct": mean}, rows), "claims"))
    if not any("outside" in one.shown for one in found):
        assert any(f"({won} of {n})" in one.shown and "unweighted mean" in one.why for one in found)


@given(st.integers(1, 40), st.integers(0, 1000), st.integers(0, 2))
def test_a_rate_stands_exactly_where_whole_wins_give_it(n: int, thousandths: int, decimals: int) -> None:
    rate = shown(Decimal(thousandths) / 10, decimals)
    possible = {shown(Decimal(100 * won) / n, decimals) for won in range(n + 1)}
    ties = any(abs(Fraction(100 * won, n) - Fraction(rate)) == Fraction(1, 2 * 10**decimals) for won in range(n + 1))
    assume(not ties)  # a value half way is written either way
    assert (accused(toml({"win_rate_pct": rate, "trades": str(n)})) == []) == (rate in possible)


@given(
    st.lists(st.integers(-400, 400), min_size=30, max_size=60),
    st.sampled_from([1, 10, 100]),
    st.integers(-20, 20),
)
def test_a_true_sharpe_ratio_is_not_accused_of_its_sign(steps: list[int], size: int, tilt: int) -> None:
    returns = [max(-0.9, (step + tilt) * size / 1e6) for step in steps]
    found = sharpe(returns)
    assume(found is not None)
    assert found is not None
    nav = peak = 10_000.0
    fall = 0.0
    for one in returns:
        nav *= 1 + one
        peak = max(peak, nav)
        fall = max(fall, 1 - nav / peak)
    summary = {
        "pnl": shown(Decimal(nav) - 10_000, 2),
        "sharpe": shown(Decimal(found[0]), 2),
        "max_drawdown_pct": shown(Decimal(100 * fall), 2, never_zero=True),
        "trades": str(max(30, len(returns))),
    }
    assert accused(toml(summary)) == []
    if abs(found[0]) > 0.5 and fall < 0.02 and abs(nav - 10_000) > 0.02:
        liar = summary | {"sharpe": shown(Decimal(-found[0]), 2)}
        assert accused(toml(liar)) == ["L13"]


@given(st.integers(2, 10**6), st.integers(100, 10**6), st.integers(0, 4), st.integers(0, 3))
def test_a_drawdown_below_the_loss_is_accused_exactly_beyond_all_rounding(
    loss_cents: int, start: int, decimals: int, short_by: int
) -> None:
    assume(loss_cents < start * 100)
    true = Fraction(loss_cents, start)
    half, cent = Fraction(1, 2 * 10**decimals), Fraction(1, 200)
    claimed = Decimal(round(true * 10**decimals) - short_by).scaleb(-decimals)
    assume(claimed >= 0)
    least = 100 * (Fraction(loss_cents, 100) - cent) / (start + cent)
    summary = {"pnl": f"-{loss_cents * MORE:f}", "nav_start": f"{start}.00", "max_drawdown_pct": f"{claimed:f}"}
    assert accused(toml(summary)) == (["L10"] if Fraction(claimed) + half < least else [])
    assert short_by or not accused(toml(summary))


@given(months())
@settings(max_examples=10)
def test_json_and_toml_claim_the_same(what: Month) -> None:
    known = figures(ledger_of(what))
    text = toml(told(known, 1), rows_told(known, 1, apart=False))
    table = tomllib.loads(text, parse_float=Decimal)
    as_json = msgspec.json.Encoder(decimal_format="number").encode(table).decode()
    assert parse_claims(as_json, "claims", as_json=True) == parse_claims(text, "claims")


@pytest.mark.parametrize("level", [level.name for level in Level])
def test_a_level_contradicts_no_figure(level: str) -> None:
    assert accused(f'[[strategy]]\nname = "v0"\nlevel = "{level}"\npnl = -7.45\ntrades = 1') == []


def test_the_bound_on_compounding_is_needed() -> None:
    """Up a third, down a quarter, and a little less: the mean is above 0 and the money is gone."""
    returns = [1 / 3, -0.25] * 20 + [-0.01]
    assert math.prod(1 + one for one in returns) < 1 < 1 + math.fsum(returns)
