"""Capital: never more than there is, by evidence where asked, cut after losses, each row with its reason."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.risk.allocation import PPM, TRIPS_MIN, Evidence, allocate, drawdown_e8, weigh

E8 = 10**8
TRIPS = st.lists(st.integers(-(10**10), 10**10), max_size=60)
SHARE = 1_000 * E8


@given(
    st.dictionaries(st.sampled_from(["binance_usdm", "hyperliquid", "binance_spot"]), st.integers(0, 10**12)),
    st.lists(st.sampled_from(["v0", "v1", "v2"]), unique=True),
    st.sampled_from(["equal", "evidence"]),
    st.dictionaries(st.sampled_from(["v0", "v1", "v2"]), st.builds(lambda trips: Evidence(trips_e8=trips), TRIPS)),
)
def test_a_venues_rows_never_add_up_to_more_than_it_has(
    capital: dict[str, int], names: list[str], rule: str, evidence: dict[str, Evidence]
) -> None:
    rows = allocate(capital, names, rule, evidence)
    assert [(row.venue, row.strategy) for row in rows] == [(venue, name) for venue in capital for name in names]
    for venue, whole in capital.items():
        parts = [row.capital_e8 for row in rows if row.venue == venue]
        assert all(0 <= part <= whole // max(len(names), 1) for part in parts) and sum(parts) <= whole
    assert all(row.reason for row in rows)
    if rule == "equal" and not evidence:
        assert len({row.capital_e8 for row in rows if row.venue == "hyperliquid"}) <= 1


@given(TRIPS)
def test_how_far_below_its_peak(trips: list[int]) -> None:
    sums = [sum(trips[:k]) for k in range(len(trips) + 1)]
    assert drawdown_e8(trips) == max(sums) - sums[-1]


@pytest.mark.parametrize(
    ("trips", "part", "word"),
    [
        ([], PPM // 2, "no evidence"),
        ([E8] * (TRIPS_MIN - 1), PPM // 2, "no evidence"),
        ([E8] * TRIPS_MIN, PPM, "win on average"),
        ([-E8 // 10] * TRIPS_MIN, 0, "lose on average"),
        ([E8, -E8] * (TRIPS_MIN // 2), PPM // 2, "neither"),
        ([0] * TRIPS_MIN, PPM // 2, "neither"),
    ],
)
def test_by_evidence(trips: list[int], part: int, word: str) -> None:
    assert weigh(Evidence(trips_e8=trips), SHARE, "evidence")[0] == part
    assert word in weigh(Evidence(trips_e8=trips), SHARE, "evidence")[1]
    assert weigh(Evidence(trips_e8=trips), SHARE, "equal") == (PPM, "equal share")


@given(st.lists(st.integers(-(10**9), 10**9), min_size=TRIPS_MIN, max_size=60))
def test_the_verdict_is_that_of_the_means_interval(trips: list[int]) -> None:
    """1.96 standard errors around the mean, in floats here and in whole numbers there."""
    mean = statistics.fmean(trips)
    half = 1.96 * statistics.stdev(trips) / len(trips) ** 0.5
    part, _ = weigh(Evidence(trips_e8=trips), 10**18, "evidence")
    if abs(abs(mean) - half) > 10:  # too near to call in floats
        assert part == (PPM // 2 if abs(mean) <= half else PPM if mean > 0 else 0)


@pytest.mark.parametrize(
    ("lost", "part", "word"),
    [(100 * E8, PPM, "equal share"), (100 * E8 + 1, PPM // 2, "cut to half"), (200 * E8, PPM // 2, "cut to half"),
     (200 * E8 + 1, 0, "cut to nothing")],
)  # fmt: skip
def test_cut_after_losses(lost: int, part: int, word: str) -> None:
    """More than a tenth of its share below its peak halves, more than a fifth takes all."""
    for trips in ([-lost], [50 * E8, -lost + 7, -7], [300 * E8, -lost]):
        got, reason = weigh(Evidence(trips_e8=trips), SHARE, "equal")
        assert got == part and word in reason
