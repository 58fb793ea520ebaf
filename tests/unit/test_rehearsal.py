"""The rehearsal: it acts on a copy, and the desk, its journal and what its strategies do are what they are without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paper_runs
import pytest

from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.live import LiveDesk
from crossbook.desk.live_run import NOT_WIRED_PAPER
from crossbook.desk.rehearsal import QUIET_NS, SEEK_NS, Rehearsal
from crossbook.desk.wire_live import simulation_of, wire_live
from crossbook.events import EventKind
from crossbook.ledger.entries import OutRow, kind_of
from crossbook.sim.fed import FedVenues
from crossbook.sim.world import World
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue

HEALTH = int(EventKind.HEALTH)


class Mirror:
    """A gateway of which only `rehearse` may be called."""

    def __init__(self) -> None:
        self.rehearsed: list[OutRow] = []

    def rehearse(self, command: OutRow) -> bool:
        self.rehearsed.append(command)
        return True


class Walked:
    """A paper run over a made-up market, with or without a rehearsal between its frames."""

    def __init__(self, folder: Path, rehearses: bool) -> None:
        tape, world = paper_runs.market(), World(1)
        names = {one.name: one for one in tape.instruments}
        wallets = {Venue.BINANCE_USDM: {"USDT": 4400 * 10**8}, Venue.HYPERLIQUID: {"USDC": 4400 * 10**8}}
        bundle = wire_live(paper_runs.config(), names, {}, wallets, world.clock.now_ns(), NOT_WIRED_PAPER)
        numbers = np.array([[one.name for one in bundle.instruments].index(name.name) for name in tape.instruments])
        rows = tape.rows.copy()
        shift = world.clock.now_ns() + NS_PER_S - int(rows["ts"][0])
        rows["ts"] += shift
        rows["ts_venue"] += shift
        rows["instrument"] = numbers[rows["instrument"]]
        self.mirrors = {venue: Mirror() for venue in wallets}
        self.touched = False
        folder.mkdir()
        with JournalWriter(folder / "journal") as writer:
            desk = LiveDesk(bundle, writer, world.ports(), {}, simulated=FedVenues(*simulation_of(bundle)))
            desk.begin(lambda: None)
            self.rehearsal = Rehearsal(desk, self.mirrors)  # type: ignore[arg-type]
            for number in range(len(tape.starts) - 1):
                one = rows[tape.starts[number] : tape.starts[number + 1]]
                ts = int(one["ts"][0])
                world.run((ts - world.clock.now_ns()) / NS_PER_S)
                desk.on_market(one.copy(), ts)
                if rehearses and number % 4 == 0:
                    before = (bundle.engine.desk.tobytes(), writer.sequence, desk.moment, desk.steps)
                    self._between(world)
                    self.touched |= before != (bundle.engine.desk.tobytes(), writer.sequence, desk.moment, desk.steps)
            end = bundle.engine.desk.copy()
            end["health"] = np.zeros(1, end["health"].dtype)
            self.desk = end.tobytes()
        entries = [payload for _, payload in read_journal(folder / "journal")]
        self.entries = [payload for payload in entries if kind_of(payload) != HEALTH]
        """Without what is said of this machine's disk, as `desk`."""

    def _between(self, world: World) -> None:
        """The pauses that real frames have, without the world's own events."""
        kept = world.loop.now_ns
        for _ in range(3):
            world.loop.now_ns += QUIET_NS + SEEK_NS // 40
            self.rehearsal.between()
        world.loop.now_ns = kept


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return Walked(tmp_path_factory.mktemp("walked") / "run", rehearses=True)


def test_it_walks_as_far_as_orders(walked: Walked) -> None:
    orders = [row for mirror in walked.mirrors.values() for row in mirror.rehearsed]
    assert walked.rehearsal.walks > 100
    assert walked.rehearsal.orders == len(orders) > 50
    assert {row.venue for row in orders} == {int(venue) for venue in walked.mirrors}, "both legs of an entry"
    assert all(row.price > 0 and row.lots > 0 for row in orders)


def test_the_desk_is_untouched_by_a_walk(walked: Walked) -> None:
    assert not walked.touched


def test_the_run_is_the_same_without_it(walked: Walked, tmp_path: Path) -> None:
    alone = Walked(tmp_path / "run", rehearses=False)
    assert alone.entries == walked.entries
    assert alone.desk == walked.desk


def test_a_frame_puts_it_off(walked: Walked) -> None:
    """A walk takes time in which a frame would wait: while frames come, nobody walks."""
    rehearsal, walks = walked.rehearsal, walked.rehearsal.walks
    for _ in range(5):
        rehearsal._desk.frames += 1
        rehearsal.between()
        rehearsal.between()
    assert rehearsal.walks == walks
