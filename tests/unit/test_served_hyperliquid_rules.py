"""The served Hyperliquid's numbers, prices, merged books, fills' words, nonces: laws first."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crossbook.market.instruments import load_instruments
from crossbook.money import E8, parse_e8
from crossbook.types import Side, Venue
from crossbook.venues.served.hyperliquid_actions import as_hashed
from crossbook.venues.served.hyperliquid_floor import NONCES_KEPT, Nonces
from crossbook.venues.served.hyperliquid_market import premium_of
from crossbook.venues.served.hyperliquid_rules import direction, grouped, legal_price, legal_size, number

BTC = load_instruments(Venue.HYPERLIQUID)["BTC"]
NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000


@given(st.integers(-(10**18), 10**18))
def test_a_number_is_written_exactly_and_with_a_point(amount_e8: int) -> None:
    text = number(amount_e8)
    assert "." in text and Decimal(text) == Decimal(amount_e8).scaleb(-8)


def with_decimals(decimals: int) -> object:
    """BTC as if its sizes had so many decimals."""
    return replace(BTC, tick_e8=E8 // 10 ** (6 - decimals), lot_e8=E8 // 10**decimals, max_ticks=10**12)


@pytest.mark.parametrize(
    ("price", "decimals", "is_legal"),
    [
        ("1234.5", 0, True), ("1234.56", 0, False), ("0.001234", 0, True), ("0.0012345", 0, False),
        ("0.01234", 1, True), ("0.012345", 1, False), ("123456", 5, True), ("12345.6", 5, False), ("0", 5, False),
        ("-5", 5, False),
    ],
)  # fmt: skip
def test_a_price_is_legal_as_documented(price: str, decimals: int, is_legal: bool) -> None:
    assert (legal_price(price, with_decimals(decimals)) is not None) is is_legal


def test_a_size_lies_on_the_grid() -> None:
    assert legal_size("0.00001", BTC) == 1 and legal_size("0.000001", BTC) is None and legal_size("-1", BTC) is None


levels = st.lists(
    st.tuples(st.integers(1_000, 9_999_999).map(lambda p: p * 10**6), st.integers(1, 10**10)),
    min_size=1, max_size=15, unique_by=lambda level: level[0],
)  # fmt: skip


@given(levels, st.sampled_from(list(Side)), st.sampled_from([None, 2, 3, 4, 5]), st.sampled_from([1, 2, 5]))
def test_a_merged_book_keeps_every_lot_and_shows_no_better_price(
    book: list[tuple[int, int]], side: Side, figures: int | None, mantissa: int
) -> None:
    book.sort(reverse=side is Side.BUY)
    merged = grouped(book, side, figures, mantissa)
    assert sum(quantity for _, quantity, _ in merged) == sum(quantity for _, quantity in book)
    assert sum(count for _, _, count in merged) == len(book)
    prices = [price for price, _, _ in merged]
    assert prices == sorted(set(prices), reverse=side is Side.BUY)
    assert prices[0] <= book[0][0] if side is Side.BUY else prices[0] >= book[0][0]


def test_figures_are_counted_from_the_first_digit() -> None:
    book = [(parse_e8(price, "price"), E8) for price in ("98450.5", "98449.7", "98440")]
    assert [price // E8 for price, _, _ in grouped(book, Side.BUY, 5, 1)] == [98450, 98449, 98440]
    assert [price // E8 for price, _, _ in grouped(book, Side.BUY, 5, 5)] == [98450, 98445, 98440]
    assert [(price // E8, n) for price, _, n in grouped(book, Side.SELL, 3, 1)] == [(98500, 3)]


@given(st.integers(-5, 5), st.integers(1, 5), st.sampled_from(list(Side)))
def test_a_fill_says_what_it_did(start: int, quantity: int, side: Side) -> None:
    end = start + (quantity if side is Side.BUY else -quantity)
    said = direction(side, start, quantity, spot=False)
    if start * end < 0:
        assert said == ("Long > Short" if start > 0 else "Short > Long")
    else:
        grew = abs(end) > abs(start)
        held = "Long" if (end if grew else start) > 0 else "Short"
        assert said == f"{'Open' if grew else 'Close'} {held}"


def test_what_the_venue_drops_before_it_hashes() -> None:
    wire = {"a": 0, "b": False, "p": "100.0", "s": "0.10", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": None}
    action = {"type": "order", "orders": [wire], "grouping": "na"}
    (hashed,) = as_hashed(action)["orders"]
    assert list(hashed.items()) == [
        ("a", 0), ("b", False), ("p", "100"), ("s", "0.1"), ("r", False), ("t", {"limit": {"tif": "Gtc"}}),
    ]  # fmt: skip
    assert as_hashed({"type": "cancel", "cancels": [], "f": False}) == {"type": "cancel", "cancels": []}


@given(st.lists(st.integers(NOW_MS - 400, NOW_MS + 400), max_size=300))
def test_nonces_against_the_plain_rule(nonces: list[int]) -> None:
    """Taken exactly if unused and above the lowest of the 100 highest taken before."""
    kept, taken = Nonces(), set[int]()
    for nonce in nonces:
        highest = sorted(taken)[-NONCES_KEPT:]
        allowed = nonce not in taken and (len(highest) < NONCES_KEPT or nonce > highest[0])
        assert (kept.refusal("0x1", nonce, NOW_MS) is None) is allowed
        if allowed:
            taken.add(nonce)


def test_a_nonce_is_near_the_time() -> None:
    nonces = Nonces()
    assert nonces.refusal("0x1", NOW_MS - 2 * DAY_MS, NOW_MS) == "Invalid nonce: nonce too low"
    assert nonces.refusal("0x1", NOW_MS + DAY_MS, NOW_MS) == "Invalid nonce: nonce too high"
    assert nonces.refusal("0x1", NOW_MS - 2 * DAY_MS + 1, NOW_MS) is None
    assert nonces.refusal("0x1", NOW_MS + DAY_MS - 1, NOW_MS) is None


@given(st.integers(-(10**6), 10**6))
def test_the_premium_behind_a_rate_gives_that_rate(rate_e8: int) -> None:
    premium = premium_of(rate_e8)
    eight_hours = premium + max(-50_000, min(50_000, 10_000 - premium))
    assert eight_hours == 8 * rate_e8
