"""Laws of a generated market: it is its seed, it only grows, it keeps the venues' rules, its edges stay in bounds."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.book import apply_market, best_price
from crossbook.rules.grid import is_legal_price
from crossbook.rules.layout import BOOK, BOOK_SYNCED, INSTRUMENT, QUOTE, Rows
from crossbook.sim.market import CHUNK_ROWS, START_NS, generate_market
from crossbook.sim.market_survey import edges, survey
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Instrument, Venue

PERPS = (Venue.BINANCE_USDM, Venue.HYPERLIQUID)
ALL = (Venue.BINANCE_SPOT, *PERPS)
SECOND = Decimal(1) / 60
seeds = st.integers(0, 2**64)
Market = tuple[tuple[Instrument, ...], Rows]


def digest(rows: Rows) -> str:
    return sha256(rows.tobytes()).hexdigest()


def market_digest(seed: int, seconds: int) -> str:
    return digest(generate_market(seed, seconds * SECOND, PERPS)[1])


@pytest.fixture(scope="module", params=[3, 11])
def market(request: pytest.FixtureRequest) -> Market:
    return generate_market(request.param, 20, ALL)


@pytest.fixture(scope="module")
def short() -> Market:
    return generate_market(5, 20 * SECOND, ALL)


@settings(max_examples=12)
@given(seeds, st.integers(1, 4), st.integers(1, 9))
def test_a_longer_market_begins_with_the_shorter(seed: int, seconds: int, more: int) -> None:
    _, rows = generate_market(seed, seconds * SECOND, PERPS)
    _, longer = generate_market(seed, (seconds + more) * SECOND, PERPS)
    assert len(rows) < len(longer)
    assert digest(rows) == digest(longer[: len(rows)])
    assert rows["ts"][-1] < START_NS + int(seconds * SECOND * 60_000) * NS_PER_MS <= longer["ts"][len(rows)]


def test_so_it_does_across_the_pieces_it_is_made_in() -> None:
    _, rows = generate_market(2, 3, ALL)
    _, longer = generate_market(2, 5, ALL)
    assert len(rows) > 2 * CHUNK_ROWS
    assert digest(rows) == digest(longer[: len(rows)])


@settings(max_examples=12)
@given(seeds)
def test_seeds_and_windows_are_strangers(seed: int) -> None:
    def moves(seed: int, start_ns: int) -> tuple[int, ...]:
        _, rows = generate_market(seed, 2 * SECOND, PERPS, start_ns)
        return tuple(rows["lots"][:400].tolist())

    assert moves(seed, START_NS) == moves(seed, START_NS)
    assert len({moves(seed, START_NS), moves(seed + 1, START_NS), moves(seed, START_NS + NS_PER_S)}) == 3


def test_compiled_or_not_and_whatever_the_hash_seed_the_rows_are_the_same() -> None:
    program = "from laws.test_market_generator import market_digest; print(market_digest(7, 2))"
    path = os.pathsep.join(sys.path)
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": jit_off, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for jit_off, hash_seed in (("1", "1"), ("0", "2"))
    }
    assert answers == {market_digest(7, 2)}


def test_rows_come_frame_by_frame_in_receive_order(market: Market) -> None:
    instruments, rows = market
    assert (np.diff(rows["ts"]) >= 0).all()
    assert (rows["ts"] > rows["ts_venue"]).all()
    assert rows["flags"][-1] == FLAG_LAST
    first = np.concatenate([[True], rows["flags"][:-1] == FLAG_LAST])
    for column in ("ts", "ts_venue", "kind", "instrument", "id", "id2"):
        assert not (np.diff(rows[column], prepend=0) != 0)[~first].any()
    depth = (int(EventKind.BOOK_SNAPSHOT), int(EventKind.BOOK_DELTA))
    assert np.isin(rows["kind"][~first], depth).all()
    venues = np.array([int(one.venue) for one in instruments])[rows["instrument"]]
    assert (rows["venue"] == venues).all()
    for venue in np.unique(venues):
        assert (np.diff(rows["ts_venue"][venues == venue]) >= 0).all(), Venue(venue)


def test_prices_are_legal_and_quantities_whole(market: Market) -> None:
    """Five significant figures at Hyperliquid: whole dollars for BTC, a dime for ETH."""
    instruments, rows = market
    traded = rows[rows["kind"] != int(EventKind.FUNDING)]
    quotes = traded["kind"] == int(EventKind.QUOTE)
    assert (traded["price"][quotes] < traded["price2"][quotes]).all()
    assert (traded["lots"] >= (traded["kind"] != int(EventKind.BOOK_DELTA))).all()
    assert (traded["lots2"][quotes] > 0).all()
    for number, instrument in enumerate(instruments):
        grid = np.zeros(1, INSTRUMENT)[0]
        grid.tick_e8, grid.max_ticks = instrument.tick_e8, instrument.max_ticks
        grid.significant_figures = instrument.significant_figures
        own = traded["instrument"] == number
        prices = np.unique(np.concatenate([traded["price"][own], traded["price2"][own & quotes]]))
        assert all(is_legal_price(grid, int(price)) for price in prices[:: 1 + len(prices) // 5_000])
        if instrument.significant_figures:
            for price_e8 in prices.astype(object) * instrument.tick_e8:
                assert price_e8 % 10**8 == 0 or len(str(price_e8).rstrip("0")) <= 5


def test_books_fold_by_the_venues_rules(short: Market) -> None:
    """No gap, nothing ignored, never crossed, and quote and book of one id agree."""
    instruments, rows = short
    books, tops = np.zeros(len(instruments), BOOK), np.zeros(len(instruments), QUOTE)
    ends = np.flatnonzero(rows["flags"] == FLAG_LAST) + 1
    said: dict[int, tuple[int, ...]] = {}
    begin = 0
    for end in ends.tolist():
        frame, begin = rows[begin:end], end
        number, kind = int(frame["instrument"][0]), EventKind(int(frame["kind"][0]))
        book, top = books[number], tops[number]
        applied = apply_market(book, top, int(instruments[number].chain), frame)
        assert applied == (kind in (EventKind.QUOTE, EventKind.BOOK_SNAPSHOT, EventKind.BOOK_DELTA))
        if kind is EventKind.QUOTE:
            said[number] = (int(top.id), int(top.bid), int(top.bid_lots), int(top.ask), int(top.ask_lots))
        if applied and book.status == BOOK_SYNCED:
            assert book.gaps == 0 and book.dropped == 0
            assert 0 < best_price(book, 0) < best_price(book, 1)
            if said.get(number, (0,))[0] == book.id:
                n = book.n
                best = (best_price(book, 0), book.lots[0, n[0] - 1], best_price(book, 1), book.lots[1, n[1] - 1])
                assert said[number][1:] == best
    assert all(book.status == BOOK_SYNCED for book in books)


def test_ids_are_chained_as_the_venues_chain_them(market: Market) -> None:
    instruments, rows = market
    frames = rows[rows["flags"] == FLAG_LAST]
    for number, instrument in enumerate(instruments):
        own = frames[frames["instrument"] == number]
        depth = own[np.isin(own["kind"], (int(EventKind.BOOK_SNAPSHOT), int(EventKind.BOOK_DELTA)))]
        trades = own["id"][own["kind"] == int(EventKind.TRADE)]
        assert (np.diff(trades) == 1).all()
        assert (np.diff(own["id"][own["kind"] == int(EventKind.QUOTE)]) > 0).all()
        if instrument.venue is Venue.HYPERLIQUID:
            assert (depth["kind"] == int(EventKind.BOOK_SNAPSHOT)).all()
            assert (depth["id"] == depth["ts_venue"] // NS_PER_MS).all()
            assert np.diff(depth["ts_venue"]).max() <= 520 * NS_PER_MS
        else:
            assert (depth["kind"] == int(EventKind.BOOK_DELTA)).tolist() == [False] + [True] * (len(depth) - 1)
            linked = depth["id"][:-1] + (instrument.venue is Venue.BINANCE_SPOT)
            assert (depth["id2"][1:] == linked).all()


def test_usdc_is_marked_every_second_and_stays_near_a_dollar(market: Market) -> None:
    instruments, rows = market
    dollar = [one.symbol for one in instruments].index("USDCUSDT")
    quotes = rows[(rows["instrument"] == dollar) & (rows["kind"] == int(EventKind.QUOTE))]
    assert np.diff(quotes["ts"], prepend=START_NS, append=rows["ts"][-1]).max() <= NS_PER_S
    middle = (quotes["price"] + quotes["price2"]) * instruments[dollar].tick_e8 / 2e8
    assert np.abs(middle - 1).max() < 0.002


def test_funding_comes_at_its_stamps(market: Market) -> None:
    instruments, rows = market
    funding = rows[rows["kind"] == int(EventKind.FUNDING)]
    perps = [number for number, one in enumerate(instruments) if one.venue in PERPS]
    assert sorted(funding["instrument"].tolist()) == perps
    assert (funding["ts_venue"] == START_NS + 300 * NS_PER_S).all()
    assert (np.abs(funding["lots"]) < 20_000).all() and (funding["price"] > 0).all()


def test_dislocations_stay_in_bounds(market: Market) -> None:
    """The calibration that the documentation states, for two seeds of twenty minutes."""
    found = [one for one in survey(*market) if "usdm" in one.a + one.b and "hyperliquid" in one.a + one.b]
    assert len(found) == 2
    for one in found:
        assert 4 <= one.per_minute <= 8
        assert 40 <= one.median_ms <= 400
        assert 350_000 <= one.survive_ppm <= 650_000
        assert 10 <= one.above_20_bp_per_hour <= 80
        assert 20 < one.largest_bp < 100
        assert one.calm_basis_bp < 4.5


def round_trips(market: Market, least_bp: float, kept_bp: float) -> list[float]:
    """What each round trip keeps before fees, in bp: one at a time and coin, no latency, in at `least_bp` at the first
    sight of an edge, out when the way back leaves `kept_bp` of the entry edge."""
    instruments, rows = market
    quotes = rows[rows["kind"] == int(EventKind.QUOTE)]
    names = [one.name for one in instruments]
    kept = []
    for usdm, hyper in (("BTCUSDT", "BTC"), ("ETHUSDT", "ETH")):
        i, j = names.index(f"binance_usdm:{usdm}"), names.index(f"hyperliquid:{hyper}")
        _, there, back, _ = edges(instruments, quotes, i, j, "ts")
        entry = 0.0
        ways = (back.tolist(), there.tolist())
        closing = ways[0]
        for k in range(len(there)):
            if entry == 0.0:
                side = 0 if ways[1][k] >= ways[0][k] else 1
                if ways[1 - side][k] > least_bp:
                    entry, closing = ways[1 - side][k], ways[side]
            elif entry + closing[k] >= kept_bp:
                kept.append(entry + closing[k])
                entry = 0.0
    return kept


def test_enough_round_trips_and_no_free_money(market: Market) -> None:
    """A hundred an hour above entry fees; above fees both ways and spreads the first sight pays, below it does not."""
    fees_bp = 19.0
    trips = round_trips(market, 9.5, 7.0)
    assert len(trips) * 3 >= 100
    assert np.mean(trips) < fees_bp
    large = round_trips(market, 22.0, 19.5)
    assert len(large) >= 3
    assert np.mean(large) > fees_bp
