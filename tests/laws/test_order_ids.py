"""An order id reads back as what it was made of, in both venues' spelling; nobody else's reads as ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.endpoints import Environment
from crossbook.venues.order_ids import OrderId, build_of, order_ids, parse, text_of

ids = st.builds(
    OrderId,
    environment=st.sampled_from(Environment),
    build=st.integers(0, (1 << 20) - 1),
    strategy=st.integers(0, (1 << 16) - 1),
    run_s=st.integers(0, (1 << 32) - 1),
    order=st.integers(0, (1 << 40) - 1),
)
BINANCE = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")
HYPERLIQUID = re.compile(r"0x[0-9a-f]{32}")


@given(ids, st.sampled_from(Venue))
def test_an_id_reads_back(order_id: OrderId, venue: Venue) -> None:
    text = text_of(order_id, venue)
    assert (HYPERLIQUID if venue is Venue.HYPERLIQUID else BINANCE).fullmatch(text)
    assert parse(text) == order_id
    assert text_of(order_id, Venue.BINANCE_SPOT).removeprefix("cb-") == text_of(
        order_id, Venue.HYPERLIQUID
    ).removeprefix("0x")


@given(st.sets(ids, min_size=2, max_size=5))
def test_different_orders_have_different_ids(some: set[OrderId]) -> None:
    assert len({text_of(one, Venue.HYPERLIQUID) for one in some}) == len(some)


@given(st.text(max_size=40) | st.from_regex(r"(cb-|0x|x-)[0-9a-f]{32}", fullmatch=True) | st.none())
def test_what_reads_as_ours_is_written_by_us(text: str | None) -> None:
    order_id = parse(text)
    if order_id is not None:
        assert text in (text_of(order_id, Venue.BINANCE_USDM), text_of(order_id, Venue.HYPERLIQUID))


@given(ids)
def test_other_spellings_are_foreign(order_id: OrderId) -> None:
    text = text_of(order_id, Venue.BINANCE_SPOT)
    others = [text.upper(), text[:-1], text + "0", text[3:], "x-" + text, "cb-cb" + text[5:], "0X" + text[3:]]
    assert [parse(other) for other in others] == [None] * len(others)


def test_what_does_not_fit_is_refused() -> None:
    for parts in ((1 << 20, 0, 0), (0, 1 << 16, 0), (0, 0, 1 << 32), (-1, 0, 0)):
        with pytest.raises(Refused):
            order_ids(Environment.LOCAL, *parts)
    with pytest.raises(Refused):
        order_ids(Environment.LOCAL, 0, 0, 0).text(Venue.HYPERLIQUID, 1 << 40)


def test_the_layout_is_this() -> None:
    ids = order_ids(Environment.MAINNET, build_of("e558530"), 3, 0x66F00000)
    assert ids.text(Venue.BINANCE_SPOT, 7) == "cb-63622e5585000366f000000000000007"
    assert 0 <= build_of("0.1.0") < 1 << 20 and build_of("0.1.0") != build_of("0.1.1")
