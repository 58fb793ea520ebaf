"""Venues fed frame by frame say what venues over the whole tape say, however little they keep."""

from __future__ import annotations

import random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_tape import (
    BTC,
    BUY,
    GTC,
    HYPER,
    IOC,
    LINEAR,
    MS,
    SELL,
    SETUP,
    SPOT,
    USDC,
    USDT,
    S,
    cancel,
    depth,
    funding,
    latency,
    order,
    tape,
)  # fmt: skip
from venue_tape import trade as printed

from crossbook.sim.fed import FedVenues
from crossbook.sim.venue import SimulatedVenues

ENTRY_US, RESPONSE_US, FEED_NS = 3_000, 4_000, 3 * MS
MID = {LINEAR: 600_000, HYPER: 600_000, SPOT: 6_000_000}
STEP = {LINEAR: 1, HYPER: 10, SPOT: 1}


def market(draw: random.Random, frames: int) -> tuple[Any, Any]:
    """Books, trades and fundings of three venues, received a feed's delay after they happened."""
    made, ts = [], S
    for _ in range(frames):
        ts += draw.randrange(1, 20) * MS
        i = draw.choice((LINEAR, HYPER, SPOT))
        bid = MID[i] + draw.randrange(-3, 4) * STEP[i]
        kind = draw.random()
        if kind < 0.7:
            made.append(depth(ts, i, [(bid, draw.randrange(1, 9))], [(bid + STEP[i], draw.randrange(1, 9))]))
        elif kind < 0.95 or i == SPOT:
            made.append(printed(ts, i, draw.choice((BUY, SELL)), bid, draw.randrange(1, 9)))
        else:
            made.append(funding(ts, i, draw.choice((-100, 250))))
    rows, starts = tape(made)
    rows["ts"] += FEED_NS
    return rows, starts


def commands(draw: random.Random, many: int, until: int) -> list[Any]:
    made = []
    for number in range(1, many + 1):
        ts, i = draw.randrange(2 * S, until), draw.choice((LINEAR, HYPER, SPOT))
        side, away = draw.choice((BUY, SELL)), draw.randrange(-3, 4)
        price = MID[i] + away * STEP[i]
        made.append((ts, order(ts, i, side, price, draw.randrange(1, 12), number, tif=draw.choice((IOC, GTC)))))
        if draw.random() < 0.4:
            later = ts + draw.randrange(1, 50) * MS
            made.append((later, cancel(later, i, number)))
    return sorted(made, key=lambda one: one[0])


V = TypeVar("V", bound=SimulatedVenues)


def funded(venues: V) -> V:
    for venue, asset in ((0, USDT), (0, BTC), (1, USDT), (3, USDC)):
        venues.transfer(venue, asset, 10**17)
    return venues


def said_by_whole(rows: Any, starts: Any, asked: list[Any], until: int) -> list[Any]:
    venues = funded(SimulatedVenues(SETUP, rows, starts, latency(ENTRY_US, RESPONSE_US)))
    said = []
    for ts, command in asked:
        while (due := venues.next_due()) <= ts:
            said += venues.advance(due).tolist()
        venues.send(command)
    while (due := venues.next_due()) <= until:
        said += venues.advance(due).tolist()
    return said


def said_by_fed(rows: Any, starts: Any, asked: list[Any], until: int, room: tuple[int, int]) -> tuple[list[Any], int]:
    venues = funded(FedVenues(SETUP, latency(ENTRY_US, RESPONSE_US), *room))
    said, waiting, most = [], list(asked), 0
    for k in range(len(starts) - 1):
        frame = rows[starts[k] : starts[k + 1]]
        now = int(frame[0]["ts"])
        while min(venues.next_due(), waiting[0][0] if waiting else now + 1) <= now:
            due = venues.next_due()
            if waiting and waiting[0][0] < due:
                venues.send(waiting.pop(0)[1])
            else:
                said += venues.advance(due).tolist()
        venues.feed(frame)
        most = max(most, venues._frames)
    while (due := venues.next_due()) <= until:
        said += venues.advance(due).tolist()
    return said, most


@pytest.mark.parametrize("room", [(64, 32), (1 << 12, 1 << 12)])
@settings(max_examples=40)
@given(st.integers(0, 1 << 30))
def test_what_is_fed_is_matched_as_on_a_tape(room: tuple[int, int], seed: int) -> None:
    draw = random.Random(seed)
    rows, starts = market(draw, 150)
    end = int(rows["ts"][-1])
    asked = commands(draw, 8, max(end - 200 * MS, 2 * S + 1))
    asked = [one for one in asked if one[0] < end - 100 * MS]
    whole = said_by_whole(rows, starts, asked, end)
    fed, most = said_by_fed(rows, starts, asked, end, room)
    facts = ("kind", "id", "price", "lots", "lots2", "ts_venue", "side")
    columns = [rows.dtype.names.index(name) for name in facts]
    assert sorted(tuple(one[c] for c in columns) for one in fed) == sorted(
        tuple(one[c] for c in columns) for one in whole
    )
    assert most <= 4 * room[1]
