"""The simulated venues of backtest and paper under the same contract as a gateway: the market a tape, time its own."""

from __future__ import annotations

import numpy as np
from contract.gateway_material import STRATEGIES, Life, Truth
from served_material import market

from crossbook.commands import Out
from crossbook.events import BalanceReport, PositionReport
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack_out, unpack_event
from crossbook.sim.latency import Constant, LatencyModel, Leg
from crossbook.sim.layout import Setup
from crossbook.sim.market import START_NS
from crossbook.sim.venue import SimulatedVenues
from crossbook.timestamp import NS_PER_S
from crossbook.types import Side, Venue
from crossbook.venues.gateway import Directory

OPENING = {"USDT": 100_000, "BTC": 2, "ETH": 40, "USDC": 100_000}


class SimulatedLife(Life):
    """One venue of the simulated ones; it alone is traded, so instruments are numbered as there."""

    is_simulated = True

    def __init__(self, venue: Venue) -> None:
        super().__init__()
        self.venue = venue
        instruments, rows, starts = market(60)
        own = [k for k, one in enumerate(instruments) if one.venue is venue]
        self._first = own[0]
        self._instruments = tuple(instruments[k] for k in own)
        self._rows, self._starts = _of(rows, starts, own)
        assets = tuple(sorted({name for one in self._instruments for name in (one.base, one.quote, one.settle)}))
        fees = (200,) * len(own)
        setup = Setup(
            instruments=self._instruments, maker_ppm=fees, taker_ppm=fees, assets=assets, leverage=(1, 20, 20, 20)
        )
        leg = Leg(entry=Constant(us=5_000), response=Constant(us=5_000))
        self.directory = Directory(instruments=self._instruments, assets=assets, strategies=STRATEGIES)
        self.ear.chains = [int(one.chain) for one in self._instruments] + [0] * 8
        self._venues = SimulatedVenues(setup, self._rows, self._starts, LatencyModel(1, {venue: leg}))
        for number, asset in enumerate(assets):
            self.opening[asset] = OPENING.get(asset, 0) * 10**8
            self._venues.transfer(int(venue), number, self.opening[asset])
        self._now, self._frame = START_NS, 0

    def begin(self) -> SimulatedLife:
        self.run(2.0)
        return self

    def run(self, seconds: float) -> None:
        until = self._now + round(seconds * NS_PER_S)
        stamps = self._rows["ts"][self._starts[:-1]]
        while True:
            due = self._venues.next_due()
            frame_ns = int(stamps[self._frame]) if self._frame < len(stamps) else until + 1
            self._now = min(due, frame_ns, until)
            if min(due, frame_ns) > until:
                return
            if due <= frame_ns:
                replies = self._venues.advance(due)
                for k in range(len(replies)):
                    self.ear.on_event(unpack_event(replies[k : k + 1]))
            else:
                rows = self._rows[self._starts[self._frame] : self._starts[self._frame + 1]].copy()
                self._frame += 1
                if int(rows["kind"][0]) <= 4:
                    self.ear.on_market(rows, frame_ns)

    def send(self, command: Out) -> None:
        self._venues.send(pack_out(command))

    def now_ns(self) -> int:
        return self._now

    def touch(self, side: Side, number: int = 0) -> tuple[int, int]:
        quote = self.ear.quotes[number]
        return (int(quote["ask"]), int(quote["ask_lots"])) if side is Side.BUY else (
            int(quote["bid"]), int(quote["bid_lots"])
        )  # fmt: skip

    def open_orders(self) -> int:
        return int(self._venues.state["n_resting"][0])

    def truth(self) -> Truth:
        assert self.directory is not None
        cash, positions = {}, {}
        for row in self._venues.reports(self._now):
            event = unpack_event(np.array([row], row.dtype))
            if isinstance(event, BalanceReport):
                cash[self.directory.assets[event.asset]] = event.amount_e8
            elif isinstance(event, PositionReport) and event.lots:
                grid = self.instrument(event.instrument)
                positions[grid.symbol] = event.lots * grid.lot_e8
        return self.heard_fills(), cash, positions


def _of(rows: Rows, starts: Rows, own: list[int]) -> tuple[Rows, Rows]:
    """The frames of some instruments, numbered anew."""
    heads = rows["instrument"][starts[:-1]]
    chosen = [k for k, number in enumerate(heads.tolist()) if number in own]
    parts = [rows[starts[k] : starts[k + 1]] for k in chosen]
    picked = np.concatenate(parts)
    picked["instrument"] -= own[0]
    return picked, np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
