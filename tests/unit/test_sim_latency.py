"""Latency: the same draw in every run, nothing overtakes, a slower feed is the same tape seen later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from venue_tape import BUY, LINEAR, MS, SPOT, S, depth, order, quote, replies, tape, venues

from crossbook.errors import Refused
from crossbook.sim.latency import Constant, LatencyModel, Leg, Sampled, delay_feed, splitmix64
from crossbook.types import Venue

MID = 600_000
MEASURED = tuple(range(0, 20 * MS, MS // 3))


def model(seed=1):
    sampled = Leg(entry=Sampled(MEASURED, 2), response=Sampled(MEASURED, 3))
    return LatencyModel(seed, dict.fromkeys(Venue, sampled))


def test_splitmix64_is_the_published_one() -> None:
    assert splitmix64(0) == 0xE220A8397B1DCDAF
    assert splitmix64(1234567) == 6457827717110365317


@given(st.integers(0, 3), st.integers(1, 2**40))
def test_a_draw_depends_on_what_it_is_for_and_nothing_else(venue, number) -> None:
    once, again = model(), model()
    again.entry_ns(venue, number + 1)
    assert once.entry_ns(venue, number) == again.entry_ns(venue, number)
    assert once.response_ns(venue, number) in MEASURED


def test_draws_differ_by_seed_venue_leg_and_order() -> None:
    draws = {
        tuple(getattr(model(seed), leg)(venue, number) for number in range(1, 9))
        for seed in (1, 2) for venue in (0, 1) for leg in ("entry_ns", "response_ns")
    }  # fmt: skip
    assert len(draws) == 8


def test_a_sample_is_used_evenly() -> None:
    sample = Sampled((1, 2, 3, 4))
    drawn = [sample.pick(splitmix64(k)) for k in range(4000)]
    assert all(900 < drawn.count(value) < 1100 for value in (1, 2, 3, 4))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_nothing_overtakes_on_its_way_to_or_from_a_venue(gaps) -> None:
    frames = [depth(S, LINEAR, [(MID, 50)], [(MID + 1, 10**6)])]
    sent = (2 * S + np.cumsum(gaps) * MS).tolist()
    orders = [order(ts, LINEAR, BUY, MID + 1, 1, k) for k, ts in enumerate(sent, 1)]
    rows = replies(venues(frames, model()), 2 * S + 500 * MS, orders)
    assert rows["id"].tolist() == sorted(rows["id"].tolist())
    assert np.all(np.diff(rows["ts"]) >= 0) and np.all(np.diff(rows["ts_venue"]) >= 0)
    assert np.all(rows["ts"] >= rows["ts_venue"])


def test_a_latency_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="entry of hyperliquid is -1"):
        LatencyModel(1, {Venue.HYPERLIQUID: Leg(entry=Constant(-1), response=Constant(1))})
    with pytest.raises(Refused, match="response of hyperliquid is empty"):
        LatencyModel(1, {Venue.HYPERLIQUID: Leg(entry=Constant(1), response=Sampled(()))})
    with pytest.raises(Refused, match="none given for binance_usdm"):
        LatencyModel(1, {}).entry_ns(Venue.BINANCE_USDM, 1)


def test_a_delayed_feed_is_the_same_tape_seen_later() -> None:
    frames = [depth(S + k * MS, i, [(MID, k + 1)], [(MID + 1, 5)]) for k in range(20) for i in (SPOT, LINEAR)]
    frames.append(quote(2 * S, LINEAR, MID, 1, MID + 1, 1))
    rows, starts = tape(frames)
    later, cuts = delay_feed(rows, starts, Venue.BINANCE_USDM, Sampled(MEASURED), 7)
    assert len(later) == len(rows) and np.all(np.diff(later["ts"][cuts[:-1]]) >= 0)
    for venue in (0, 1):
        before, after = rows[rows["venue"] == venue], later[later["venue"] == venue]
        assert np.all(after["ts"] == before["ts"]) if venue == 0 else np.all(after["ts"] >= before["ts"])
        for name in ("ts_venue", "price", "lots", "id", "kind", "flags"):
            assert np.all(after[name] == before[name])
