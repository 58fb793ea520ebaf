"""A rehearsal of the way from a tick to an order, walked between ticks so that the next tick finds it warm.

After some hundred microseconds of looking at sockets a processor has forgotten the desk's code and half of its data;
the tick that brings an order would pay for fetching them again. So while a loop spins and no frame comes, a second desk
walks that way: the same code over a copy of the desk's record, on a made quote at which a strategy acts, up to the
signed bytes of its orders. Nothing can leave: this desk has no gateways; what it asks to be sent goes to
`Gateway.rehearse`, which throws the bytes away, takes no nonce and spends no budget. Its journal is a piece of memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import msgspec
import numpy as np

from crossbook.desk.live import LiveDesk
from crossbook.engine import Engine
from crossbook.errors import CrossbookError
from crossbook.events import Quote
from crossbook.ledger.entries import decode_out
from crossbook.ledger.records import put_record
from crossbook.rules.layout import Rows
from crossbook.rules.rows import pack
from crossbook.state import State
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.gateway import Gateway

QUIET_NS = 300_000
"""How long no frame came before a walk, and between two walks: one takes some 50 us, in which a frame waits."""
RENEW_NS, SEEK_NS = 5 * NS_PER_S, NS_PER_S // 4
"""How old the copy of the desk's record may be, for prices and limits move on; and while no strategy acts on it."""
BP = 10_000
EDGES_BP = (10, 20, 30, 45, 70, 100, -10, -20, -30, -45, -70, -100)
"""How far the made quote is moved, one after another, until a strategy acts."""


class _Memory:
    """A journal that always begins anew."""

    directory = Path()
    sequence = 0

    def __init__(self) -> None:
        self._bytes = bytearray(1 << 16)
        self.at = 0

    def append(self, payload: bytes) -> int:
        self.at = put_record(self._bytes, self.at, 1, payload)
        return 0


class _Second(LiveDesk):
    """The desk that walks."""

    orders = 0
    targets: Mapping[int, Gateway] = {}

    def _send(self, entry: bytes) -> None:
        command = decode_out(entry)
        gateway = self.targets.get(command.venue)
        if gateway is not None and gateway.rehearse(command):
            self.orders += 1

    def _wake(self, due: int, number: int) -> None:
        pass


class Rehearsal:
    """Of `desk`, a live one. `between` is called again and again while a loop spins."""

    def __init__(self, desk: LiveDesk, gateways: Mapping[Venue, Gateway]) -> None:
        self.walks = self.orders = 0
        """How often the way was walked, and how many orders were made and thrown away."""
        self._desk = desk
        self._clock = desk.ports.clock
        self._live = desk.engine.desk
        self._kept = self._live.copy()
        self._copy = self._live.copy()
        self._words = self._copy.view(np.int64)
        self._kept_words = self._kept.view(np.int64)
        self._quotes = self._copy[0].quotes[: int(self._live[0].n_instruments)]
        bundle = msgspec.structs.replace(desk.bundle, engine=Engine(self._copy), state=State(self._copy))
        self._journal = _Memory()
        self._second = _Second(bundle, self._journal, desk.ports, {})
        self._second.targets = {int(venue): gateway for venue, gateway in gateways.items()}
        legs = [leg for pair in desk.declaration.pairs for leg in (pair.a, pair.b)]
        self._trials = cycle([(leg, edge) for leg in legs for edge in EDGES_BP])
        self._trial = next(self._trials) if legs else None
        self._changed = np.zeros(0, np.intp)
        self._is_found = False
        self._frames = -1
        self._quiet_ns = self._renewed_ns = 0

    def between(self) -> None:
        """Walk, if it has been quiet for long enough."""
        now_ns = self._clock.monotonic_ns()
        if self._desk.frames != self._frames:
            self._frames, self._quiet_ns = self._desk.frames, now_ns
        elif now_ns - self._quiet_ns >= QUIET_NS and self._trial is not None and not self._desk.ended:
            if now_ns - self._renewed_ns >= (RENEW_NS if self._is_found else SEEK_NS):
                np.copyto(self._kept_words, self._live.view(np.int64))
                self._renewed_ns, self._is_found = now_ns, False
            self._walk(*self._trial)
            self._quiet_ns = self._clock.monotonic_ns()

    def _walk(self, instrument: int, edge_bp: int) -> None:
        if not self._is_found:
            np.copyto(self._words, self._kept_words)
        event = self._quote(instrument, edge_bp)
        before = self._second.orders
        self._journal.at = 0
        try:
            self._second.on_market(event, int(event["ts"][0]))
        except CrossbookError:
            self._second.orders = before  # the copy was taken at an impossible moment: the next one is another
        acted = self._second.orders > before
        self.walks += 1
        self.orders = self._second.orders
        if self._is_found and acted:
            self._words[self._changed] = self._kept_words[self._changed]
            return
        self._is_found = acted
        self._changed = np.flatnonzero(self._words != self._kept_words)
        self._words[self._changed] = self._kept_words[self._changed]
        if not acted:
            self._trial = next(self._trials)

    def _quote(self, instrument: int, edge_bp: int) -> Rows:
        """The made quote: what the instrument shows, moved; everything else is as fresh as it."""
        now = self._clock.now_ns()
        quotes = self._quotes
        quotes["ts"] = quotes["ts_venue"] = now
        quote = quotes[instrument]
        bid, ask = int(quote["bid"]), int(quote["ask"])
        moved = bid * edge_bp // BP
        return pack(
            Quote(
                ts=now, ts_venue=now, instrument=instrument, bid=bid + moved, bid_lots=int(quote["bid_lots"]),
                ask=ask + moved, ask_lots=int(quote["ask_lots"]), update_id=int(quote["id"]) + 1,
            )
        )  # fmt: skip
