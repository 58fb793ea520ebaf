"""The end of a live desk: from the wish to end on it looks at the market no more, and nothing is entered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import paper_runs

from crossbook.commands import OutKind
from crossbook.desk.journal import JournalWriter
from crossbook.desk.live import REPORTS_WITHIN_S, LiveDesk
from crossbook.desk.live_run import NOT_WIRED_PAPER
from crossbook.desk.wire_live import simulation_of, wire_live
from crossbook.events import EventKind
from crossbook.ledger.entries import OUT_TAG, OutRow, kind_of
from crossbook.sim.fed import FedVenues
from crossbook.sim.world import World
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.gateway import Directory, Gateway, OpenOrder


class Mute:
    """A venue that is never heard of again, of the `Gateway` no more than the end of a desk calls."""

    venue = Venue.BINANCE_USDM

    def __init__(self) -> None:
        self.sent: list[OutRow] = []

    def start(self, directory: Directory, open_orders: Sequence[OpenOrder], on_ready: Callable[[], None]) -> None:
        on_ready()

    def send(self, command: OutRow) -> None:
        self.sent.append(command)

    def stop(self, on_stopped: Callable[[], None]) -> None:
        on_stopped()


class Night:
    """A desk over a made-up market in virtual time, fed frame by frame."""

    def __init__(self, folder: Path, on_paper: bool) -> None:
        tape = paper_runs.market()
        self.world = World(1)
        names = {one.name: one for one in tape.instruments}
        wallets = {Venue.BINANCE_USDM: {"USDT": 4400 * 10**8}, Venue.HYPERLIQUID: {"USDC": 4400 * 10**8}}
        bundle = wire_live(paper_runs.config(), names, {}, wallets, self.world.clock.now_ns(), NOT_WIRED_PAPER)
        numbers = [[one.name for one in bundle.instruments].index(one.name) for one in tape.instruments]
        self.rows, self.starts = tape.rows.copy(), tape.starts
        shift = self.world.clock.now_ns() + NS_PER_S - int(self.rows["ts"][0])
        self.rows["ts"] += shift
        self.rows["ts_venue"] += shift
        self.rows["instrument"] = np.array(numbers)[self.rows["instrument"]]
        self.writer = JournalWriter(folder / "journal")
        simulated = FedVenues(*simulation_of(bundle)) if on_paper else None
        self.venue = Mute()
        gateways = cast(dict[Venue, Gateway], {self.venue.venue: self.venue})
        self.desk = LiveDesk(bundle, self.writer, self.world.ports(), gateways, simulated=simulated)
        self.desk.begin(lambda: None)

    def feed(self, first: float, last: float) -> None:
        """Show it a part of the market."""
        frames = len(self.starts) - 1
        for number in range(int(first * frames), int(last * frames)):
            one = self.rows[self.starts[number] : self.starts[number + 1]].copy()
            ts = int(one["ts"][0])
            self.world.run(max(ts - self.world.clock.now_ns(), 0) / NS_PER_S)
            self.desk.on_market(one, ts)


def test_a_desk_that_is_ending_looks_at_the_market_no_more(tmp_path: Path) -> None:
    """Without a venue's last word it waits a while for it; frames of that time decide nothing, wake nothing."""
    night = Night(tmp_path, on_paper=False)
    night.feed(0, 0.4)
    before = night.writer.sequence
    night.feed(0.4, 0.5)
    assert night.writer.sequence > before, "this market is one that it answers"
    ended: list[bool] = []
    night.desk.finish(lambda: ended.append(True))
    assert [one.kind for one in night.venue.sent[-1:]] == [OutKind.QUERY]
    seen = [night.desk.engine.desk[part].tobytes() for part in ("books", "quotes")]
    written, frames, asked = night.writer.sequence, night.desk.frames, len(night.venue.sent)
    night.feed(0.5, 0.6)
    assert night.desk.frames == frames and not ended
    assert [night.desk.engine.desk[part].tobytes() for part in ("books", "quotes")] == seen
    night.world.run(REPORTS_WITHIN_S)
    assert ended == [True] and night.desk.ended and len(night.venue.sent) == asked
    night.writer.close()
    last = paper_runs.entries(tmp_path)[written:]
    heard = [kind_of(payload) for payload in last if payload[0] != OUT_TAG]
    assert set(heard) == {EventKind.HEALTH, EventKind.RUN_STOPPED}
    decided = [kind_of(payload) for payload in last if payload[0] == OUT_TAG]
    assert not set(decided) & {OutKind.SUBMIT_ORDER, OutKind.INTENT}


def test_on_paper_it_ends_at_once(tmp_path: Path) -> None:
    night = Night(tmp_path, on_paper=True)
    night.feed(0, 0.3)
    ended: list[bool] = []
    night.desk.finish(lambda: ended.append(True))
    assert ended == [True] and night.desk.ended
    stood = night.writer.sequence
    night.feed(0.3, 0.4)
    night.world.run(5)
    assert night.writer.sequence == stood
    night.writer.close()
