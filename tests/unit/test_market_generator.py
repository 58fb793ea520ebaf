"""Examples of the generated market: what is refused, which instruments come, and its dice."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crossbook.cli.generate import parse_venues, write_generated
from crossbook.errors import Refused
from crossbook.sim.market import START_NS, generate_market, market_instruments
from crossbook.sim.market_book import bell, chance, draw, grown, shock
from crossbook.sim.market_survey import episodes
from crossbook.sim.market_world import stream
from crossbook.tape.manifest import Health
from crossbook.tape.tape import open_tape
from crossbook.types import Venue

USDM, HYPERLIQUID, SPOT = Venue.BINANCE_USDM, Venue.HYPERLIQUID, Venue.BINANCE_SPOT


def test_instruments_follow_the_venues_and_usdc_comes_with_hyperliquid() -> None:
    names = [one.name for one in market_instruments((USDM, HYPERLIQUID))]
    assert names[:2] == ["binance_usdm:BTCUSDT", "binance_usdm:ETHUSDT"]
    assert names[2:] == ["hyperliquid:BTC", "hyperliquid:ETH", "binance_spot:USDCUSDT"]
    assert "binance_spot:USDCUSDT" not in [one.name for one in market_instruments((SPOT, USDM))]


def test_a_venue_s_market_is_the_same_in_any_company() -> None:
    def perps(*venues: Venue) -> list[tuple[object, ...]]:
        instruments, rows = generate_market(4, Decimal("0.05"), venues)
        own = np.array([one.venue is USDM for one in instruments])[rows["instrument"]]
        return [tuple(row)[:8] for row in rows[own].tolist()]

    assert perps(USDM) == perps(SPOT, HYPERLIQUID, USDM)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1, 1, (USDM,)), "seed -1"),
        ((1, 0, (USDM,)), "0 minutes"),
        ((1, -3, (USDM,)), "-3 minutes"),
        ((1, 1, ()), "venues none"),
        ((1, 1, (USDM, USDM)), "none twice"),
        ((1, 1, (Venue.BINANCE_COINM,)), "binance_coinm"),
        ((1, 1, (USDM,), START_NS + 1), "whole millisecond"),
    ],
)
def test_what_cannot_be_generated_is_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(Refused, match=said):
        generate_market(*arguments)  # type: ignore[arg-type]


def test_the_stream_is_sfc32() -> None:
    """Against the generator written out in plain integers."""
    rng = np.array(stream(9, 8, 7), np.int64)
    a, b, c, counter = rng.tolist()
    for _ in range(100):
        drawn = (a + b + counter) % 2**32
        counter = (counter + 1) % 2**32
        a, b = b ^ (b >> 9), (c + (c << 3)) % 2**32
        c = (((c << 21) | (c >> 11)) % 2**32 + drawn) % 2**32
        assert draw(rng) == drawn


def test_the_dice_are_fair() -> None:
    rng = np.array(stream(1, 2, 3), np.int64)
    for die, mean, variance in ((chance, 0.5, 1 / 12), (shock, 0.0, 1.0), (bell, 0.0, 1.0)):
        thrown = np.array([die(rng) for _ in range(20_000)])
        assert abs(thrown.mean() - mean) < 0.03
        assert abs(thrown.var() / variance - 1) < 0.04


def test_grown_is_nearly_the_exponential() -> None:
    for x in (-3.0, -1.0, 0.0, 0.5, 3.0):
        assert abs(grown(x) / np.exp(x) - 1) < 0.08


def test_flicker_does_not_make_two_episodes() -> None:
    times = np.arange(8) * 10_000_000
    on = np.array([False, True, False, True, True, False, False, False])
    assert [one.tolist() for one in episodes(times, on)] == [[10_000_000], [50_000_000]]
    apart = np.array([True, False, False, False, True, True, True, True])
    assert [one.tolist() for one in episodes(times, apart)] == [[0, 40_000_000], [10_000_000, 70_000_000]]
    assert [one.tolist() for one in episodes(times, times < 0)] == [[], []]


def test_a_generated_tape_is_sound_and_reads_as_it_was_made(tmp_path: Path) -> None:
    made = write_generated(tmp_path / "tape", 8, Decimal("0.2"), (USDM, HYPERLIQUID))
    tape = open_tape(tmp_path / "tape")
    instruments, rows = generate_market(8, Decimal("0.2"), (USDM, HYPERLIQUID))
    assert tape.instruments == instruments and (tape.rows == rows).all()
    assert tape.manifest.health == Health() and tape.manifest.facts["seed"] == "8"
    assert made.content_hash == tape.content_hash and made.frames == tape.manifest.frames
    assert [one.b for one in made.edges] == ["hyperliquid:BTC", "hyperliquid:ETH"]


def test_venues_are_said_in_short_or_in_full() -> None:
    assert parse_venues("spot, usdm") == parse_venues("binance_spot,binance_usdm") == (SPOT, USDM)
    with pytest.raises(Refused, match="'okx'"):
        parse_venues("usdm,okx")
