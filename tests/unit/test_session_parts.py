"""Clock offset, stream ages, requests: measured in a world whose truth is known."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from session_material import PLACE

from crossbook.events import ClockOffset, StreamDown, StreamUp
from crossbook.sim.world import World
from crossbook.sim.world_faults import Faults
from crossbook.sim.world_network import Reply, Request
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.budgets import ORDERS, WEIGHT, Budgets, Purpose, Why
from crossbook.venues.clock_offset import ClockWatch, Offset, OffsetSamples
from crossbook.venues.rest import Fate, Outcome, Rest
from crossbook.venues.watchdog import StreamAges, StreamReport

BASE = f"http://{PLACE}"
SEEDS = st.integers(0, 1 << 32)
ALL = 1_000_000


class TimeVenue:
    """Answers with its time, and counts what arrived."""

    def __init__(self, world: World) -> None:
        self.world, self.arrived = world, 0
        self.says: tuple[int, dict[str, str]] = (200, {})
        world.network.serve(PLACE, self)

    def accept(self, url: str) -> str:
        return "status 404"

    def answer(self, request: Request, reply: Reply) -> None:
        self.arrived += 1
        status, headers = self.says
        reply(status, headers, json.dumps({"serverTime": self.world.venue_ns() // NS_PER_MS}).encode())


def watch(world: World, reports: list[tuple[ClockOffset, Offset]]) -> ClockWatch:
    ports = world.ports()
    rest = Rest(ports, BASE, Budgets(Venue.BINANCE_SPOT, 0))

    def ask(on_stamp: object) -> None:
        def came(outcome: Outcome) -> None:
            if outcome.fate is Fate.ANSWERED and outcome.status == 200:
                stamp = json.loads(outcome.body)["serverTime"] * NS_PER_MS
                on_stamp(stamp, outcome.sent_ns, outcome.receive_ns)

        rest.ask("GET", "/api/v3/time", came, costs={WEIGHT: 1})

    return ClockWatch(Venue.BINANCE_SPOT, ports, ask, lambda event, offset: reports.append((event, offset)))


@settings(max_examples=40)
@given(SEEDS, st.integers(-3 * NS_PER_S, 3 * NS_PER_S), st.integers(0, 300))
def test_the_true_offset_lies_within_the_stated_error(seed: int, skew_ns: int, jitter_ms: int) -> None:
    world = World(seed, Faults(jitter_ns=jitter_ms * NS_PER_MS, lost=50_000, error_before=50_000), skew_ns)
    TimeVenue(world)
    reports: list[tuple[ClockOffset, Offset]] = []
    watch(world, reports).start()
    world.run(300)
    assert len(reports) > 5
    for event, offset in reports:
        assert abs(offset.offset_ns + skew_ns) <= offset.error_ns
        assert event.offset_ns == offset.offset_ns
    assert reports[-1][1].error_ns <= (5 + jitter_ms) * NS_PER_MS + NS_PER_MS


def test_a_stepped_clock_is_believed_at_the_third_sample_and_counted_apart() -> None:
    world = World(1)
    TimeVenue(world)
    reports: list[tuple[ClockOffset, Offset]] = []
    clocks = watch(world, reports)
    clocks.start()
    world.run(60)
    assert abs(reports[-1][1].offset_ns) <= 2 * NS_PER_MS
    world.clock.step(2 * NS_PER_S)
    before = clocks.samples.suspect
    world.run(120)
    assert clocks.samples.suspect == before + 3
    assert abs(reports[-1][1].offset_ns + 2 * NS_PER_S) <= 2 * NS_PER_MS


def test_absurd_samples_are_suspect() -> None:
    samples = OffsetSamples()
    assert not samples.add(0, 10, 5) and not samples.add(0, 0, 2 * NS_PER_S)
    assert samples.offset() is None and samples.suspect == 2 and samples.taken == 0


def outcomes_of(faults: Faults, n: int = 1) -> tuple[list[Outcome], TimeVenue, World]:
    world = World(7, faults)
    venue, found = TimeVenue(world), []
    rest = Rest(world.ports(), BASE, Budgets(Venue.BINANCE_SPOT, 0))
    for _ in range(n):
        rest.ask("POST", "/api/v3/order", found.append, costs={WEIGHT: 1, ORDERS: 1}, body=b"x")
    assert not found, "never from inside the call"
    world.run(20)
    return found, venue, world


def test_what_is_unanswered_is_unknown_whether_it_arrived_or_not() -> None:
    for faults, arrived in ((Faults(lost=ALL), 0), (Faults(unanswered=ALL), 1)):
        (outcome,), venue, _ = outcomes_of(faults)
        assert outcome.fate is Fate.UNKNOWN and not outcome.is_certain and venue.arrived == arrived
    for faults, arrived in ((Faults(error_before=ALL), 0), (Faults(error_after=ALL), 1)):
        (outcome,), venue, _ = outcomes_of(faults)
        assert outcome.fate is Fate.ANSWERED and not outcome.is_certain and venue.arrived == arrived
    (outcome,), venue, _ = outcomes_of(Faults(unreachable=ALL))
    assert outcome.fate is Fate.NOT_SENT and outcome.is_certain and venue.arrived == 0


@settings(max_examples=30)
@given(SEEDS)
def test_every_request_comes_to_exactly_one_outcome(seed: int) -> None:
    rates = dict.fromkeys(("lost", "unanswered", "error_before", "error_after", "unreachable", "limited"), 150000)
    world = World(seed, Faults(**rates, jitter_ns=200 * NS_PER_MS))
    venue, found = TimeVenue(world), []
    rest = Rest(world.ports(), BASE, Budgets(Venue.BINANCE_SPOT, 0))
    for number in range(40):
        rest.ask("GET", "/x", lambda outcome, number=number: found.append((number, outcome)), costs={WEIGHT: 1})
        world.run(0.5)
    world.run(20)
    assert sorted(number for number, _ in found) == list(range(40))
    certain = [outcome for _, outcome in found if outcome.fate is Fate.ANSWERED and outcome.status == 200]
    assert len(certain) <= venue.arrived
    assert rest.unanswered == sum(outcome.fate is Fate.UNKNOWN for _, outcome in found)


def test_answers_feed_the_budgets() -> None:
    world = World(3)
    venue, found = TimeVenue(world), []
    budgets = Budgets(Venue.BINANCE_USDM, 0)
    rest = Rest(world.ports(), BASE, budgets)

    def ask() -> Outcome:
        rest.ask("GET", "/x", found.append, costs={WEIGHT: 1}, purpose=Purpose.SAFE)
        world.run(1)
        return found[-1]

    venue.says = (200, {"X-MBX-USED-WEIGHT-1M": "1190", "X-MBX-ORDER-COUNT-10S": "149", "X-MBX-USED-WEIGHT": "?"})
    assert ask().status == 200
    assert budgets.refuse({WEIGHT: 50}, world.clock.monotonic_ns(), Purpose.SAFE).why is Why.SPENT
    assert budgets.refuse({ORDERS: 10}, world.clock.monotonic_ns()).why is Why.SPENT
    venue.says = (429, {"Retry-After": "7"})
    world.run(60)
    assert ask().status == 429
    held = ask()
    assert held.fate is Fate.HELD_BACK and held.refusal.why is Why.BACK_OFF and held.is_certain
    assert held.refusal.allowed_ns - world.clock.monotonic_ns() < 7 * NS_PER_S
    world.run(7)
    venue.says = (418, {"Retry-After": "120"})
    assert ask().status == 418 and ask().refusal.why is Why.BANNED
    arrived = venue.arrived
    world.run(110)
    assert ask().fate is Fate.HELD_BACK and venue.arrived == arrived
    venue.says = (200, {})
    world.run(15)
    assert ask().status == 200


def ages_in(world: World) -> tuple[StreamAges, list[StreamReport], list[StreamUp | StreamDown]]:
    reports: list[StreamReport] = []
    events: list[StreamUp | StreamDown] = []
    ages = StreamAges(Venue.HYPERLIQUID, world.ports(), reports.append, events.append)
    return ages, reports, events


def test_one_silent_stream_among_busy_ones_is_found_within_its_age() -> None:
    world = World(1)
    ages, reports, events = ages_in(world)
    busy, dying, sparse = ages.add("busy"), ages.add("dying"), ages.add("sparse", floor_s=0)
    ages.start()

    def say(stream: int) -> None:
        ages.heard(stream, world.clock.now_ns())

    for _ in range(2000):
        say(busy), say(dying)
        world.run(0.02)
    say(sparse)
    assert isinstance(events[-1], StreamUp) and events[-1].venue == int(Venue.HYPERLIQUID)
    assert ages.age_max_ns(busy) == 2 * NS_PER_S, "the floor"
    began = world.clock.now_ns()
    while len(reports) == 3:
        say(busy)
        world.run(0.02)
    assert reports[-1].stream == "dying" and not reports[-1].is_up and reports[-1].why == "silent"
    assert 2 * NS_PER_S <= reports[-1].age_ns <= world.clock.now_ns() - began + NS_PER_S // 50
    assert world.clock.now_ns() - began <= 2.3 * NS_PER_S
    assert isinstance(events[-1], StreamDown) and len(events) == 2
    say(dying)
    assert isinstance(events[-1], StreamUp) and len(events) == 3


def test_the_age_is_learnt_from_the_stream() -> None:
    world = World(2)
    ages, reports, _ = ages_in(world)
    slow = ages.add("slow")
    ages.start()
    for _ in range(1100):
        ages.heard(slow, world.clock.now_ns())
        world.run(1.5)
    assert 6 * NS_PER_S <= ages.age_max_ns(slow) <= 12 * NS_PER_S
    assert len(reports) == 1
    world.run(13)
    assert not reports[-1].is_up


def test_a_machine_that_stood_still_knows_nothing_to_be_fresh() -> None:
    world = World(3)
    ages, reports, events = ages_in(world)
    stream = ages.add("a")
    ages.start()
    ages.heard(stream, world.clock.now_ns())
    world.run(1)
    world.pause(5)
    world.run(0.3)
    assert not reports[-1].is_up and "stood still" in reports[-1].why and isinstance(events[-1], StreamDown)


def test_a_session_that_is_down_takes_its_streams_with_it() -> None:
    world = World(4)
    ages, reports, events = ages_in(world)
    for name in ("a", "b"):
        ages.heard(ages.add(name, floor_s=0), world.clock.now_ns())
    ages.down("closed")
    assert [report.is_up for report in reports] == [True, True, False, False]
    assert [type(event) for event in events][-1] is StreamDown
