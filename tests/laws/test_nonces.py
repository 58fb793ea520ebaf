"""Our nonces rise whatever the clock does, and the venue takes each of them once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.venues.hyperliquid.nonces import AHEAD_MS_MAX, DAY_MS, KEPT, NonceSource, UsedNonces

NOW = 1_700_000_000_000
steps = st.lists(st.integers(-5, 5) | st.integers(-AHEAD_MS_MAX // 50, DAY_MS), max_size=40)


@given(steps, st.integers(NOW - DAY_MS, NOW))
def test_nonces_rise_and_are_taken(jumps: list[int], last: int) -> None:
    source, used = NonceSource(last), UsedNonces()
    now, given_before = NOW, last
    for jump in jumps:
        now += jump
        nonce = source.take(now)
        assert max(now, given_before) <= nonce and given_before < nonce and source.last == nonce
        assert used.take(nonce, now) is None
        assert "duplicate" in str(used.take(nonce, now))
        given_before = nonce


@given(st.integers(1, 1000))
def test_a_burst_in_one_millisecond_is_dense(count: int) -> None:
    source = NonceSource()
    assert [source.take(NOW) for _ in range(count)] == list(range(NOW, NOW + count))


def test_a_clock_that_jumped_back_is_refused_and_uses_nothing_up() -> None:
    source = NonceSource(NOW)
    with pytest.raises(Refused, match="ahead of the clock"):
        source.take(NOW - AHEAD_MS_MAX)
    assert source.last == NOW
    assert source.take(NOW - AHEAD_MS_MAX + 1) == NOW + 1


@given(st.lists(st.integers(0, 300), max_size=400), st.integers(0, 2))
def test_the_venue_keeps_the_hundred_highest(offsets: list[int], unit: int) -> None:
    """Against a set that forgets nothing but what the rule says."""
    used, oracle = UsedNonces(), set[int]()
    for offset in offsets:
        nonce = NOW + offset * (1, 7, 997)[unit]
        kept = sorted(oracle)[-KEPT:]
        allowed = nonce not in kept and (len(kept) < KEPT or nonce > kept[0])
        assert (used.take(nonce, NOW) is None) == allowed
        if allowed:
            oracle.add(nonce)


@pytest.mark.parametrize("nonce", [NOW - 2 * DAY_MS, NOW + DAY_MS, 0, 7])
def test_the_venue_takes_no_nonce_outside_its_window(nonce: int) -> None:
    used = UsedNonces()
    assert used.take(nonce, NOW) is not None
    assert used.take(NOW - 2 * DAY_MS + 1, NOW) is None and used.take(NOW + DAY_MS - 1, NOW) is None
