"""Times of all frames, kept as counts: percentiles are those of the samples, to the microsecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossbook.desk.latency import FrameTimes
from crossbook.ledger.statement import nearest_rank


@given(st.lists(st.integers(-5, 99_999_000), max_size=60))
def test_percentiles_are_those_of_the_samples(samples: list[int]) -> None:
    times = FrameTimes()
    for ns in samples:
        times.add(ns)
    told = times.told()
    assert told["n"] == len(samples)
    for name, permille in (("p50_ns", 500), ("p99_ns", 990), ("p999_ns", 999)):
        exact = nearest_rank(sorted(max(ns, 0) for ns in samples), permille)
        assert told[name] == (None if exact is None else (exact // 1_000 + 1) * 1_000)
