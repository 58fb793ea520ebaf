"""Every figure that has a value has a second route, and whatever happened both lead to the same."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.journals import JOURNALS, LINEAR, T0, USDT, Op, entries, event, opened, out

from crossbook.commands import OutKind, Reason
from crossbook.events import EventKind
from crossbook.ledger.hops import STAMP, Hop, durations
from crossbook.ledger.ledger import Ledger
from crossbook.report.recount import selected
from crossbook.report.second_route import compare, figures_twice
from crossbook.timestamp import NS_PER_DAY

STAMPS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(Hop), st.integers(0, 10**6)), max_size=40)


def proved(payloads: list[bytes], stamps: bytes | None = None) -> dict[str, object]:
    """All figures; fails where one with a value has no second route, or another value by it."""
    found = figures_twice(Ledger.of(payloads), payloads, stamps)
    for name, figure in found.items():
        assert figure.value is None or figure.residual == 0, (name, figure.value, figure.residual)
    return {name: figure.value for name, figure in found.items()}


@settings(max_examples=200)
@given(JOURNALS)
def test_both_routes_lead_to_the_same_in_any_journal(timed: list[tuple[int, Op]]) -> None:
    proved(entries(timed))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(-9, 9), st.integers(0, 50)), max_size=30))
def test_denials_and_legs_apart_are_counted_alike(notes: list[tuple[int, int, int, int]]) -> None:
    payloads, ts = entries(opened([])), T0 + 10
    for strategy, pair, value, wait in notes:
        ts += wait
        columns = {"strategy": strategy % 2, "pair": pair, "value": value}
        payloads.append(out(OutKind.UNHEDGED, ts, **columns))
        denied = {"reason": int(Reason.QUOTE_SKEW) + strategy, "count": wait + 1, "strategy": strategy - 1}
        payloads.append(out(OutKind.DENIAL, ts, **denied))
    assert proved(payloads)["denials"] == sum(wait + 1 for *_, wait in notes)


@given(STAMPS)
def test_latencies_are_the_same_by_columns(stamps: list[tuple[int, Hop, int]]) -> None:
    """In any order, twice, or cut off: of a hop that a trace passed twice the first counts."""
    later = sorted(stamps, key=lambda one: (one[1], one[0]))
    content = b"".join(STAMP.pack(trace, hop, 0, hop * 10**7 + ns) for trace, hop, ns in later) + b"cut"
    assert durations(content)
    proved(entries(opened([])), content)


@given(st.lists(st.integers(-(10**15), 10**15), max_size=300), st.sampled_from([500, 990, 999]))
def test_a_percentile_is_selected_as_it_is_ranked(values: list[int], permille: int) -> None:
    found = selected(values, permille)
    if not values:
        assert found is None
        return
    assert found in values
    assert 1000 * sum(one <= found for one in values) >= permille * len(values)
    assert 1000 * sum(one < found for one in values) < permille * len(values)


@settings(max_examples=20)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=29, max_size=40), st.integers(-(10**11), 10**11))
def test_a_sharpe_ratio_of_whole_days(paid: list[int], transfer: int) -> None:
    payloads, ts = entries(opened([])), T0
    for number, amount in enumerate(paid, start=100):
        ts += NS_PER_DAY
        place = {"instrument": LINEAR, "venue": 1, "asset": USDT, "lots": amount, "id2": number}
        payloads.append(event(EventKind.FUNDING_PAID, ts, **place))
        if number == 110:
            payloads.append(event(EventKind.TRANSFER, ts, venue=1, asset=USDT, lots=transfer, id2=number))
    known = proved(payloads)
    assert (known["sharpe"] is None) == (len(paid) < 31 or len(set(paid[:-1])) == 1)


def test_a_difference_is_shown() -> None:
    figure = next(iter(figures_twice(Ledger.of(payloads := entries(opened([]))), payloads, None).values()))
    assert compare("nav", figure, Decimal(figure.value or 0) + 3).residual == 3
    assert compare("nav", figure, None).residual == abs(Decimal(figure.value or 0))
    empty = msgspec.structs.replace(figure, value=None)
    assert compare("nav", empty, None).residual == figure.residual
    assert compare("nav", empty, 0).residual == 1
    near = msgspec.structs.replace(figure, value=Decimal("1.25"))
    assert compare("sharpe", near, Decimal("1.2500000005")).residual == 0
    assert compare("sharpe", near, Decimal("1.250001")).residual == Decimal("0.000001")


def test_a_first_route_that_errs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that forgets its fall: the second one remembers."""
    fall = {"op": "funding", "instrument": LINEAR, "amount": -(10**9), "mark": 0, "rate": 0}
    payloads = entries(opened([(10**9, fall), (10**9, fall)]))
    ledger = Ledger.of(payloads)
    assert ledger.path is not None and ledger.path.fall[0] > 0
    ledger.path.fall = (0, 1)
    ledger._changed = False
    found = figures_twice(ledger, payloads, None)
    assert found["drawdown.max"].residual and found["drawdown.max"].residual > 0
