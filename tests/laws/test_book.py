"""The compiled book is the naive one: a dict a side, whatever snapshots, updates and quotes come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.book import APPLY, GAP, IGNORE, apply_market, chain_verdict, is_tradeable, set_level
from crossbook.rules.layout import BOOK, BOOK_SYNCED, DEPTH, EVENT, QUOTE
from crossbook.types import Chain

pytestmark = pytest.mark.jit_off

SNAPSHOT, DELTA, TICKER = EventKind.BOOK_SNAPSHOT, EventKind.BOOK_DELTA, EventKind.QUOTE
prices = st.integers(1, 24)
level = st.tuples(st.integers(0, 1), prices, st.integers(0, 5))
side = st.one_of(st.just((0, 0)), st.tuples(prices, st.integers(1, 5)))
frame = st.one_of(
    st.tuples(st.just(SNAPSHOT), st.lists(level, max_size=12)),
    st.tuples(st.just(DELTA), st.lists(level, max_size=6)),
    st.tuples(st.just(TICKER), st.tuples(side, side)),
)
script = st.lists(st.tuples(st.integers(0, 2), frame), min_size=1, max_size=25)
"""Frames with how far their id lies ahead of the largest before: 0 means that it is one that was there."""


class Naive:
    """What a book is, in the plainest words."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.quote = [(0, 0), (0, 0)]
        self.id = self.quote_id = 0
        self.synced = False

    def best(self, side: int) -> tuple[int, int]:
        book = self.sides[side]
        if not book:
            return 0, 0
        price = max(book) if side == 0 else min(book)
        return price, book[price]

    def put(self, side: int, price: int, lots: int) -> None:
        self.sides[side].pop(price, None)
        if lots:
            self.sides[side][price] = lots

    def top_is(self, quote: list[tuple[int, int]]) -> None:
        for side, (price, lots) in enumerate(quote):
            for other in list(self.sides[side]):
                if lots == 0 or (other > price if side == 0 else other < price):
                    del self.sides[side][other]
            if lots:
                self.put(side, price, lots)

    def apply(self, kind: int, id: int, body: Any) -> None:
        if kind == TICKER:
            if id >= self.quote_id:
                self.quote, self.quote_id = list(body), id
                if self.synced and id >= self.id:
                    self.top_is(self.quote)
            return
        if kind == DELTA and (not self.synced or id <= self.id):
            return
        if kind == SNAPSHOT:
            self.sides, self.synced = ({}, {}), True
        for one, price, lots in body:
            if kind == DELTA or lots:
                self.put(one, price, lots)
        self.id = id
        if self.quote_id > id:
            self.top_is(self.quote)
        else:
            self.quote, self.quote_id = [self.best(0), self.best(1)], id


def rows_of(kind: int, id: int, body: Any) -> Any:
    if kind == TICKER:
        rows = np.zeros(1, EVENT)
        (rows["price"], rows["lots"]), (rows["price2"], rows["lots2"]) = body
    else:
        rows = np.zeros(max(len(body), 1), EVENT)
        for row, (one, price, lots) in zip(rows, body, strict=False):
            row["side"], row["price"], row["lots"] = one, price, lots
    rows["kind"], rows["id"] = kind, id
    rows[-1]["flags"] = FLAG_LAST
    return rows


def levels_of(book: Any) -> tuple[dict[int, int], dict[int, int]]:
    sides = []
    for one in range(2):
        n = int(book["n"][one])
        keys = book["key"][one][:n].tolist()
        assert keys == sorted(set(keys)), "keys ascend, none twice"
        sides.append({abs(key): lots for key, lots in zip(keys, book["lots"][one][:n].tolist(), strict=True)})
    return sides[0], sides[1]


@given(script)
def test_book_and_quote_are_the_naive_ones(frames: list[tuple[int, Any]]) -> None:
    books, quotes, naive, last = np.zeros(1, BOOK), np.zeros(1, QUOTE), Naive(), 0
    for ahead, (kind, body) in frames:
        last += ahead
        naive.apply(kind, last, body)
        apply_market(books[0], quotes[0], int(Chain.SNAPSHOT), rows_of(kind, last, body))
        quote = quotes[0]
        assert levels_of(books[0]) == naive.sides
        assert (books[0]["status"] == BOOK_SYNCED) == naive.synced
        assert [(quote["bid"], quote["bid_lots"]), (quote["ask"], quote["ask_lots"])] == naive.quote
        (bid, bid_lots), (ask, ask_lots) = naive.quote
        assert is_tradeable(books[0], quote) == (bid_lots > 0 and ask_lots > 0 and bid < ask)


@given(st.lists(level, min_size=1, max_size=8), st.integers(1, 5))
def test_what_we_took_stays_taken_until_the_venue_restates_the_price(body: list[Any], took: int) -> None:
    books, quotes = np.zeros(1, BOOK), np.zeros(1, QUOTE)
    body = [(0, 7, 3), *[one for one in body if one[:2] != (0, 7)]]
    apply_market(books[0], quotes[0], 2, rows_of(SNAPSHOT, 1, body))

    def at() -> int:
        return books[0]["key"][0][: books[0]["n"][0]].tolist().index(7)

    books[0]["used"][0][at()] = took
    apply_market(books[0], quotes[0], 2, rows_of(DELTA, 2, [(0, 6, 1), (0, 7, 3), (1, 30, 1)]))
    assert books[0]["used"][0][at()] == took, "the same lots again say nothing new"
    apply_market(books[0], quotes[0], 2, rows_of(SNAPSHOT, 3, [(0, 9, 1), (0, 7, 3)]))
    assert books[0]["used"][0][at()] == took
    assert books[0]["used"][0][: books[0]["n"][0]].sum() == took
    apply_market(books[0], quotes[0], 2, rows_of(DELTA, 4, [(0, 7, 4)]))
    assert books[0]["used"][0][at()] == 0


def test_a_full_side_loses_its_worst_level() -> None:
    books = np.zeros(1, BOOK)
    for one, order in ((0, range(1, DEPTH + 1)), (1, range(2 * DEPTH, DEPTH, -1))):
        for price in order:
            set_level(books[0], one, price, 1)
    assert books[0]["n"].tolist() == [DEPTH, DEPTH] and books[0]["dropped"] == 0
    set_level(books[0], 0, DEPTH + 1, 1)
    set_level(books[0], 1, DEPTH, 1)
    bids, asks = levels_of(books[0])
    assert (min(bids), max(bids), min(asks), max(asks)) == (2, DEPTH + 1, DEPTH, 2 * DEPTH - 1)
    set_level(books[0], 0, 1, 1)
    assert levels_of(books[0])[0] == bids and books[0]["dropped"] == 3


@pytest.mark.parametrize(
    ("chain", "book_id", "chained", "chain_id", "last_id", "verdict"),
    [
        (Chain.FIRST_ID, 100, 0, 90, 100, IGNORE),
        (Chain.FIRST_ID, 100, 0, 90, 101, APPLY),
        (Chain.FIRST_ID, 100, 1, 101, 105, APPLY),
        (Chain.FIRST_ID, 100, 1, 102, 105, GAP),
        (Chain.PREVIOUS_ID, 100, 0, 95, 100, IGNORE),
        (Chain.PREVIOUS_ID, 100, 0, 95, 103, APPLY),
        (Chain.PREVIOUS_ID, 100, 0, 101, 103, GAP),
        (Chain.PREVIOUS_ID, 100, 1, 100, 103, APPLY),
        (Chain.PREVIOUS_ID, 100, 1, 99, 103, GAP),
        (Chain.SNAPSHOT, 100, 0, 0, 103, APPLY),
        (Chain.SNAPSHOT, 100, 0, 0, 99, IGNORE),
    ],
)
def test_the_chain_by_the_venues_own_rules(
    chain: int, book_id: int, chained: int, chain_id: int, last_id: int, verdict: int
) -> None:
    assert chain_verdict(int(chain), book_id, chained, chain_id, last_id) == verdict
