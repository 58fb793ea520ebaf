"""A session outlives its sockets: nothing subscribed is lost, a rotation has no seam, a venue is not stormed."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from session_material import PLACE, RULES, Desk, Host

from crossbook.sim.world import World
from crossbook.sim.world_faults import Faults, draw_faults
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues.session import SessionState
from crossbook.venues.wire_rules import WireRules

STREAMS = ("a", "b", "c")
SEEDS = st.integers(0, 1 << 32)


def is_gapless(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@settings(max_examples=15)
@given(SEEDS, st.integers(0, 800))
def test_a_rotation_loses_nothing_doubles_nothing_and_keeps_the_order(seed: int, jitter_ms: int) -> None:
    world = World(seed, Faults(jitter_ns=jitter_ms * NS_PER_MS))
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    desk.session.start()
    world.run(400)
    assert desk.session.rotations >= 3
    for stream in STREAMS:
        assert is_gapless(desk.got[stream]), stream
        assert host.numbers[stream] - desk.got[stream][-1] < 2 / host.every_s
    assert desk.stamps == sorted(desk.stamps)
    assert [state for state, _ in desk.states].count(SessionState.WAITING) == 0
    assert len(host.peers) <= 2 and desk.connections.open <= 2


@settings(max_examples=30)
@given(SEEDS)
def test_whatever_happened_every_subscription_is_there_again_once_it_stops(seed: int) -> None:
    world = World(seed, draw_faults(Random(f"{seed} faults")))
    host, desk = Host(world, STREAMS, every_s=0.2), Desk(world, STREAMS)
    desk.session.start()
    world.run(300)
    world.stop_faults()
    world.run(200)
    assert desk.session.state is SessionState.UP
    for stream in STREAMS:
        assert host.numbers[stream] - desk.got[stream][-1] <= 2, "fresh to the end"
    assert any(set(peer.streams) == set(STREAMS) for peer in host.peers)
    assert desk.connections.open == sum(line is not None for line in _lines(desk))
    desk.session.stop()
    world.run(5)
    assert not host.peers and desk.connections.open == 0


def _lines(desk: Desk) -> list[object]:
    session = desk.session
    return [session._line, session._new, session._old]


@settings(max_examples=10)
@given(SEEDS)
def test_the_same_seed_makes_the_same_history(seed: int) -> None:
    def history() -> tuple[str, list[tuple[SessionState, str]], dict[str, list[int]]]:
        world = World(seed, draw_faults(Random(f"{seed} faults")))
        Host(world, STREAMS, every_s=0.5)
        desk = Desk(world, STREAMS)
        desk.session.start()
        world.run(120)
        return world.digest, desk.states, desk.got

    assert history() == history()


@settings(max_examples=15)
@given(SEEDS, st.sampled_from(["status 503", "status 429"]))
def test_a_venue_that_refuses_is_asked_less_and_less_and_never_above_the_budget(seed: int, words: str) -> None:
    world = World(seed)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    host.refusal = words
    desk.session.start()
    world.run(1800)
    gaps = [b - a for a, b in zip(host.opened, host.opened[1:], strict=False)]
    cap_s = 30 + (60 if "429" in words else 0)
    assert all(gap <= (cap_s + 1) * NS_PER_S for gap in gaps)
    assert sum(gaps[20:]) / len(gaps[20:]) > 10 * NS_PER_S, "full jitter: half the cap on average"
    if "429" in words:
        assert all(gap >= 60 * NS_PER_S for gap in gaps)
    for k in range(len(host.opened) - 10):
        assert host.opened[k + 10] - host.opened[k] >= 60 * NS_PER_S
    host.refusal = ""
    world.run(cap_s + 5)
    assert desk.session.state is SessionState.UP


def test_back_off_is_spread_over_the_whole_range() -> None:
    firsts = []
    for seed in range(60):
        world = World(seed)
        host, desk = Host(world, STREAMS), Desk(world, STREAMS, base_s=8.0)
        host.refusal = "status 503"
        desk.session.start()
        world.run(20)
        firsts.append((host.opened[1] - host.opened[0]) / NS_PER_S)
    assert min(firsts) < 1 and max(firsts) > 7


def test_a_shutdown_notice_rotates_before_the_venue_closes() -> None:
    world = World(1)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    desk.session.start()
    world.run(30)
    host.broadcast(b'{"e":"serverShutdown","E":1770123456789}')
    first = host.peers[0]
    world.run(20)
    assert desk.session.rotations == 1 and first not in host.peers
    assert all(is_gapless(desk.got[stream]) for stream in STREAMS)
    assert desk.states[-1] == (SessionState.UP, "rotated: the venue restarts")


def test_the_new_socket_takes_over_at_once_if_the_old_one_breaks_meanwhile_and_the_owner_is_told() -> None:
    world = World(2)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    desk.session.start()
    world.run(30)
    desk.session.rotate("test")
    world.run(2)
    host.peers[0].connection.cut("code 1006")
    world.run(1)
    assert desk.session.state is SessionState.UP and desk.session.rotations == 1
    assert [state for state, _ in desk.states[-2:]] == [SessionState.OPENING, SessionState.UP]
    assert all(is_gapless(desk.got[stream]) for stream in STREAMS)


def test_a_new_socket_that_delivers_nothing_never_replaces_one_that_does() -> None:
    world = World(3)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    desk.session.start()
    world.run(30)
    host.deaf = True
    desk.session.rotate("test")
    world.run(300)
    assert desk.session.rotations == 0 and desk.session.state is SessionState.UP
    assert all(is_gapless(desk.got[stream]) for stream in STREAMS)
    host.deaf = False
    world.run(120)
    assert desk.session.rotations >= 1
    assert all(is_gapless(desk.got[stream]) for stream in STREAMS)


def test_a_quiet_stream_rotates_too() -> None:
    world = World(4)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    host.quiet = True
    desk.session.start()
    world.run(400)
    assert desk.session.rotations >= 2


def test_a_half_open_connection_is_found_by_silence() -> None:
    world = World(5)
    Host(world, STREAMS)
    desk = Desk(world, STREAMS)
    desk.session.start()
    world.run(10)
    world.network.faults = Faults(half_open=1_000_000)
    world.run(1)
    world.network.faults = Faults()
    world.run(48)
    assert desk.session.opened == 1
    world.run(5)
    assert desk.session.opened == 2 and "nothing came for 50 s" in [why for _, why in desk.states]


def test_pings_alone_keep_a_connection() -> None:
    world = World(6)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS, WireRules(silence_s=50.0, answer_of=RULES.answer_of))
    host.quiet = True
    desk.session.start()
    world.run(600)
    assert desk.session.opened == 1


def test_our_own_json_ping_goes_out_on_time() -> None:
    rules = WireRules(silence_s=1000.0, ping_every_s=50.0, ping_frame=b'{"method":"ping"}')
    world = World(7)
    host, desk = Host(world, ()), Desk(world, (), rules)
    host.deaf = True
    desk.session.start()
    world.run(505)
    assert len(host.peers[0].messages) == 10


def test_messages_keep_the_venues_pace() -> None:
    world = World(8)
    streams = [f"s{n}" for n in range(20)]
    host, desk = Host(world, streams), Desk(world, streams)
    desk.session.start()
    world.run(30)
    sent = host.peers[0].messages
    assert len(sent) == 20
    assert all(b - a >= NS_PER_S - NS_PER_MS for a, b in zip(sent, sent[3:], strict=False))


def test_a_refused_subscription_is_told_and_the_rest_stands() -> None:
    world = World(9)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    host.forbidden = {"b"}
    desk.session.start()
    world.run(10)
    assert desk.refused == ['{"code":2,"msg":"Invalid request"}'] and desk.session.state is SessionState.UP
    assert desk.got["a"] and desk.got["c"] and not desk.got["b"]


def test_unanswered_subscriptions_are_asked_again_on_a_new_socket() -> None:
    world = World(10)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    host.deaf = True
    desk.session.start()
    world.run(25)
    assert (SessionState.WAITING, "3 subscriptions unanswered") in desk.states
    host.deaf = False
    world.run(60)
    assert desk.session.state is SessionState.UP


def test_stop_within_a_callback_is_final() -> None:
    for state in SessionState:
        world = World(11)
        host, desk = Host(world, STREAMS), Desk(world, STREAMS)
        desk.on_state = lambda now, state=state, desk=desk: (
            desk.session.stop() if now is state and now is not SessionState.STOPPED else None
        )
        desk.session.start()
        world.run(2)
        world.network.serve(PLACE, host)
        for peer in list(host.peers):
            peer.connection.cut("code 1006")
        world.run(100)
        if state not in (SessionState.STOPPED,):
            assert desk.session.state is SessionState.STOPPED and not host.peers, state


def test_no_session_opens_a_connection_beyond_what_is_allowed_at_once() -> None:
    world = World(12)
    Host(world, STREAMS)
    desks = [Desk(world, STREAMS) for _ in range(9)]
    for desk in desks:
        desk.session._connections = desks[0].connections
        desk.session.start()
    world.run(300)
    assert desks[0].connections.open <= 8


@pytest.mark.parametrize("seconds", [3.0, 70.0])
def test_a_machine_that_stood_still_recovers(seconds: float) -> None:
    world = World(13)
    host, desk = Host(world, STREAMS), Desk(world, STREAMS)
    desk.session.start()
    world.run(20)
    world.pause(seconds)
    world.run(60)
    assert desk.session.state is SessionState.UP
    assert host.numbers["a"] - desk.got["a"][-1] <= 2
