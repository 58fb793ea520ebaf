"""Faults of the served venues: what the plan says happens, when it says, the same for the same seed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.fault_plan import read_faults
from crossbook.venues.served.faults import (
    Fault,
    FaultKind,
    Faults,
    MarketFault,
    Route,
    SocketFault,
    Stream,
)

SPOT, USDM, HL = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID
START = 1_772_466_900 * NS_PER_S
FILE = """
seed = 7
[[fault]]
kind = "duplicate"
venue = "binance_usdm"
stream = "user"
chance = "0.25"
[[fault]]
kind = "shutdown"
every_s = 600
delay_ms = 5000
[[fault]]
kind = "429"
route = "trade"
at_s = ["1.5", 3]
retry_after_s = 4
[[fault]]
kind = "skew"
venue = "hyperliquid"
skew_ms = -2000
from_s = 10
until_s = 20
[[fault]]
kind = "revoked"
account = "account1"
from_s = 5
[[fault]]
kind = "closed"
venue = "binance_spot"
symbol = "BTCUSDT"
from_s = 2
until_s = 4
"""


class Told:
    def __init__(self) -> None:
        self.faults: list[SocketFault] = []

    def on_socket_fault(self, fault: SocketFault) -> None:
        self.faults.append(fault)


def test_a_file_is_a_plan() -> None:
    faults = read_faults(FILE, "faults.toml", START)
    told = Told()
    faults.subscribe(USDM, told)
    assert faults.next_due() == START + 2 * NS_PER_S
    assert faults.tick(START + 2 * NS_PER_S) == [MarketFault(venue=SPOT, symbol="BTCUSDT", is_open=False)]
    assert faults.tick(START + 5 * NS_PER_S) == [MarketFault(venue=SPOT, symbol="BTCUSDT", is_open=True)]
    assert faults.tick(START + 600 * NS_PER_S) == [] and faults.tick(START + 605 * NS_PER_S) == []
    closes = START + 605 * NS_PER_S
    assert [(one.kind, one.closes_ns) for one in told.faults] == [
        (FaultKind.SHUTDOWN, closes), (FaultKind.DISCONNECT, closes),
    ]  # fmt: skip
    assert faults.next_due() == START + 1_200 * NS_PER_S
    assert faults.skew_ns(HL, START + 10 * NS_PER_S) == -2 * NS_PER_S
    assert faults.skew_ns(HL, START + 20 * NS_PER_S) == faults.skew_ns(SPOT, START + 10 * NS_PER_S) == 0
    assert faults.is_revoked(HL, "account1", START + 5 * NS_PER_S)
    assert not faults.is_revoked(HL, "account1", START) and not faults.is_revoked(HL, "b", START + 5 * NS_PER_S)


def test_a_request_fault_strikes_once_at_its_time_on_its_route() -> None:
    faults = read_faults(FILE, "faults.toml", START)
    at = START + 2 * NS_PER_S
    assert faults.request(SPOT, Route.TRADE, START) is None and faults.request(SPOT, Route.PUBLIC, at) is None
    struck = faults.request(SPOT, Route.TRADE, at)
    assert struck is not None and (struck.kind, struck.retry_after_s) == (FaultKind.TOO_MANY, 4)
    assert faults.request(SPOT, Route.TRADE, at) is None
    assert faults.request(SPOT, Route.TRADE, START + 3 * NS_PER_S) is not None


def test_a_ban_lasts_for_every_request_of_the_venue() -> None:
    faults = Faults([Fault(kind=FaultKind.BANNED, venue=USDM, at_ns=(0,), retry_after_s=10)], start_ns=START)
    assert faults.request(SPOT, Route.PUBLIC, START) is None
    seen = [faults.request(USDM, Route.PUBLIC, START + s * NS_PER_S) for s in (0, 4, 10)]
    assert [one and (one.kind, one.retry_after_s) for one in seen] == [
        (FaultKind.BANNED, 10), (FaultKind.BANNED, 6), None,
    ]  # fmt: skip


KINDS = (FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.DELAY)


@given(st.integers(0, 99), st.lists(st.integers(0, 60), min_size=1, max_size=80), st.sets(st.sampled_from(KINDS)))
def test_a_lane_loses_nothing_and_keeps_order_but_for_reordering(
    seed: int, gaps: list[int], kinds: set[FaultKind]
) -> None:
    def run() -> list[int]:
        plan = [Fault(kind=kind, chance_ppm=250_000) for kind in sorted(kinds)]
        lane, now, sent = Faults(plan, seed=seed, start_ns=START).lane(SPOT, Stream.USER), START, []
        for number, gap in enumerate(gaps):
            until = now + gap * NS_PER_MS
            while (due := lane.next_due()) is not None and due <= until:
                sent += lane.take(due)
            now = until
            sent += lane.put(number, now)
        while (due := lane.next_due()) is not None:
            sent += lane.take(due)
        return sent

    sent = run()
    assert sent == run()
    counts = Counter(sent)
    assert set(counts) == set(range(len(gaps))) and max(counts.values()) <= 2
    if FaultKind.DUPLICATE not in kinds:
        assert max(counts.values()) == 1
    if FaultKind.REORDER not in kinds:
        assert sent == sorted(sent)
    assert all(abs(place - number) <= len(sent) - len(gaps) + 1 for place, number in enumerate(sent))


def test_a_dropped_frame_is_gone_and_other_streams_are_left_alone() -> None:
    faults = Faults([Fault(kind=FaultKind.DROP, stream=Stream.MARKET, at_ns=(0, 1))], start_ns=START)
    market, user = faults.lane(SPOT, Stream.MARKET), faults.lane(SPOT, Stream.USER)
    assert [user.put("a", START), market.put("a", START), market.put("b", START), market.put("c", START + 1)] == [
        ["a"], [], ["b"], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed = 'x'", "seed"),
        ("[[fault]]\nkind = 'broken'", "kind 'broken' is none of duplicate"),
        ("[[fault]]\nkind = 'drop'", "when"),
        ("[[fault]]\nkind = 'drop'\nchance = 0.5", "decimal in quotes"),
        ("[[fault]]\nkind = 'drop'\nchance = '1'\nvenue = 'okx'", "no venue"),
        ("[[fault]]\nkind = 'drop'\nodds = 1", "unknown key 'odds'"),
        ("[[fault]]\nkind = 'disconnect'\nchance = '1'", "no chance"),
        ("[[fault]]\nkind = 'closed'", "name the venue"),
        ("fault = [", "not TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        read_faults(text, "faults.toml", START)
