"""The snapshots a recording needs: asked for where a book begins, has a gap, or a new part of the recording begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from crossbook.desk.raw import RawWriter
from crossbook.timestamp import NS_PER_S
from crossbook.types import Chain, Venue
from crossbook.venues.budgets import RAW, WEIGHT
from crossbook.venues.depth_sync import DepthSync
from crossbook.venues.market_streams import Message, depth_ids
from crossbook.venues.network import Ports
from crossbook.venues.rest import Fate, Outcome, Rest

if TYPE_CHECKING:
    from crossbook.desk.record import Recorder

LEVELS = 1000
AGAIN_S = 2.0
HELD_MAX = 20_000
CHAIN = {Venue.BINANCE_SPOT: Chain.FIRST_ID, Venue.BINANCE_USDM: Chain.PREVIOUS_ID}
PATH = {Venue.BINANCE_SPOT: "/api/v3/depth", Venue.BINANCE_USDM: "/fapi/v1/depth"}
COST = {Venue.BINANCE_SPOT: 50, Venue.BINANCE_USDM: 20}


class _Snapshot(msgspec.Struct):
    lastUpdateId: int  # noqa: N815 -- the venue's own word


class _Stamp(msgspec.Struct):
    E: int = 0


_stamp = msgspec.json.Decoder(_Stamp)
_snapshot = msgspec.json.Decoder(_Snapshot)


class Snapshots:
    """Follows the books of one venue just far enough to know when one has to be begun anew."""

    def __init__(
        self, venue: Venue, ports: Ports, rest: Rest, recorder: Recorder, writers: Mapping[str, RawWriter]
    ) -> None:
        self.writers = writers
        self._venue, self._ports, self._rest, self._recorder = venue, ports, rest, recorder
        self._syncs: dict[str, DepthSync[int]] = {}
        self._held: dict[str, int] = {}
        self._asking: set[str] = set()
        self._asked: dict[str, int] = {}

    def wanted(self, symbol: str, why: str) -> None:
        """Ask for a snapshot, unless one is on its way; again and again until it is there."""
        if self._venue not in CHAIN or symbol in self._asking:
            return
        self._asking.add(symbol)
        self._recorder.note("snapshot", symbol=symbol, why=why)
        since_s = (self._ports.clock.monotonic_ns() - self._asked.get(symbol, 0)) / NS_PER_S
        soon_s = self._ports.random.uniform(0.2, 1.0)
        self._ports.loop.call_later(max(soon_s, AGAIN_S - since_s), lambda: self._ask(symbol))

    def update(self, message: Message, receive_ns: int) -> None:
        """An update of a book was recorded: does it go on from what is known?"""
        try:
            ids = depth_ids(message.content)
            behind_ns = receive_ns - _stamp.decode(message.content).E * 1_000_000
        except msgspec.DecodeError:  # a partial book: nothing links it
            return
        symbol, chain = message.symbol, CHAIN[self._venue]
        self._recorder.counts.behind_ms[self._venue.label] = behind_ns // 1_000_000
        sync = self._syncs.get(symbol)
        if sync is None or self._held[symbol] > HELD_MAX:
            sync = self._syncs[symbol] = DepthSync(chain)
            self._held[symbol] = 0
        was_in_step = not sync.needs_snapshot
        sync.delta(ids.first if chain is Chain.FIRST_ID else ids.previous, ids.last, 0)
        if sync.needs_snapshot:
            self._held[symbol] += 1
            if was_in_step:
                self._recorder.counts.gaps += 1
                self._recorder.note("gap", symbol=symbol, first=ids.first, last=ids.last)
            self.wanted(symbol, "a gap" if was_in_step else "a book begins")

    def _ask(self, symbol: str) -> None:
        if self._recorder.is_stopped:
            return
        self._asked[symbol] = self._ports.clock.monotonic_ns()
        self._rest.ask(
            "GET", f"{PATH[self._venue]}?symbol={symbol}&limit={LEVELS}", lambda outcome: self._came(symbol, outcome),
            costs={WEIGHT: COST[self._venue], RAW: 1},
        )  # fmt: skip

    def _came(self, symbol: str, outcome: Outcome) -> None:
        if self._recorder.is_stopped:
            return
        if outcome.fate is Fate.ANSWERED and outcome.status == 200:
            try:
                last_id = _snapshot.decode(outcome.body).lastUpdateId
            except msgspec.DecodeError:
                last_id = -1
            if last_id >= 0:
                self._asking.discard(symbol)
                self._take(symbol, last_id, outcome)
                return
        self._recorder.note("no snapshot", symbol=symbol, status=outcome.status, why=outcome.why)
        wait_s = AGAIN_S + self._ports.random.uniform(0.0, AGAIN_S)
        if outcome.refusal is not None:
            wait_s += max(outcome.refusal.allowed_ns - self._ports.clock.monotonic_ns(), 0) / NS_PER_S
        self._ports.loop.call_later(wait_s, lambda: self._ask(symbol))

    def _take(self, symbol: str, last_id: int, outcome: Outcome) -> None:
        counts = self._recorder.counts
        counts.snapshots += 1
        if self.writers[symbol].write(outcome.receive_ns, outcome.body):
            self.wanted(symbol, "a part begins")
        sync = self._syncs.get(symbol)
        if sync is not None:
            sync.snapshot(last_id, 0)
            if not sync.needs_snapshot:  # else it was older than the first update: the next update asks again
                self._held[symbol] = 0
