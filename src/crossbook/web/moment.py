"""A run at one sequence: figures at once, rows and tables when they are asked for, whatever came since."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from crossbook.events import EventKind
from crossbook.ledger.entries import DECLARATION_TAG
from crossbook.ledger.evidence import Fall
from crossbook.ledger.facts import Facts
from crossbook.ledger.figure import Figure, Number
from crossbook.ledger.hops import order_stretches
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures_now
from crossbook.report.context import Context
from crossbook.report.recount import Recount
from crossbook.report.run_rows import RunRows
from crossbook.report.second_path import SecondPath
from crossbook.report.second_route import compared
from crossbook.report.table import raw_rows
from crossbook.report.tables_money import days_seen
from crossbook.web import grids
from crossbook.web.answers import Tile
from crossbook.web.grid import Grid, grid_of
from crossbook.web.past import Books, PackedEvents, PastRows, forget_before, pending
from crossbook.web.path_seen import PathSeen
from crossbook.web.refusals import Missing
from crossbook.web.slim import Slim, slim
from crossbook.web.stamps import Stamps
from crossbook.web.tiles import tiles_of
from crossbook.web.watch import Watch

LATE_MAX = 20_000
"""Changes to rows that are remembered at least."""


class Fold:
    """Everything that is kept of a journal up to some entry, in running totals and rows."""

    def __init__(self, sequence: int, declaration: bytes) -> None:
        ledger = Ledger.of([declaration])
        ledger.booked = PackedEvents()
        self.rows = RunRows(ledger, complete=False)
        self.seen = PathSeen()
        points: Any = self.seen
        self.rows.points = points
        self.rows.last = sequence
        self.count = Recount(self.rows.declaration)
        self.path = SecondPath(self.rows.ledger)
        self.watch = Watch(self.rows.declaration)
        self.facts = Facts.following(self.rows.ledger)
        self.begun = 0
        """The entry with which the figures' window began; 0: it has not."""

    def take(self, sequence: int, payload: bytes) -> None:
        """Fold one more entry."""
        if payload[0] == DECLARATION_TAG:
            self.rows.last = sequence
            return
        self.rows.take(sequence, payload)
        self.count.take(payload)
        self.path.take(payload)
        self.watch.take(sequence, payload)
        if not self.begun and self.rows.ledger.path is not None:
            self.begun = sequence

    def settle(self, oldest: int | None = None) -> None:
        """Bring the counts up to here, and let go of what they took. `oldest`: nobody will ask for one before it."""
        ledger = self.rows.ledger
        self.facts.advance()
        ledger.postings.clear()
        ledger.costed.clear()
        ledger.costs.clear()
        self.facts.audit.forget()
        if len(self.rows.ended) > LATE_MAX:
            forget_before(self.rows, self.rows.last if oldest is None else oldest)


class Moment:
    """A run after the last entry that `fold` has taken. `facts`: what `run.json` says."""

    def __init__(self, fold: Fold, stamps: Stamps, facts: dict[str, Any], explain: Callable[[int], list[Fall]]) -> None:
        fold.settle()
        self.seq = fold.rows.last
        self.begun = fold.begun
        self.facts = facts
        self.watch = fold.watch.frozen()
        self.again: dict[str, Number | None] = fold.count.values(fold.rows.ledger.marks.prices)
        """What the second routes give, by the names of figures."""
        self.again |= fold.path.settled().values()
        if stamps.checked:
            self.again |= stamps.again
        self.stale = frozenset() if stamps.checked else frozenset(stamps.again)
        """Figures whose second route is behind."""
        self.known: dict[str, Figure] = compared(figures_now(fold.facts, stamps.stretches), self.again)
        self._rows = fold.rows
        self._books = Books(fold.rows)
        self._explain = explain
        self._stamps = stamps
        self._stamps_size = stamps.size
        self._grids: dict[str, Grid] = {}
        self._slim: dict[str, Slim | None] = {}
        samples = pending(self._books.ledger, self.seq, len(fold.seen))
        self.seen = fold.seen.now(samples)
        """The path until then."""
        booked, forced = fold.facts.by_kind, EventKind.FORCED_CLOSE
        self._booked = {
            "fills": booked.get(EventKind.ORDER_FILLED, 0), "forced closes": booked.get(forced, 0),
            "funding payments": booked.get(EventKind.FUNDING_PAID, 0), "transfers": fold.facts.transfers,
        }  # fmt: skip

    @property
    def ledger(self) -> Ledger:
        """The books, with totals as they were then."""
        return self._books.ledger

    @property
    def ts(self) -> int:
        """The stamp of its last entry."""
        return self._books.ledger.ts

    @property
    def strategies(self) -> list[str]:
        """Their names."""
        return self._books.ledger.declaration.strategies

    @property
    def falls(self) -> list[Fall]:
        """Changes of levels until then, with what they stand on."""
        return self.rows.falls

    @cached_property
    def rows(self) -> RunRows:
        """All rows as they stood."""
        return PastRows(self._rows, self._books, self._explain)

    @cached_property
    def context(self) -> Context:
        """What tables and sections are made from."""
        return Context(self.rows, self.known)

    @cached_property
    def stamps(self) -> bytes:
        """The part of `latency.bin` that its figures tell of."""
        return self._stamps.content(self._stamps_size)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of the run, as its declaration has it."""
        try:
            config = msgspec.json.decode(self.ledger.declaration.config.encode())
        except msgspec.DecodeError:
            return {}
        return config if isinstance(config, dict) else {}

    @cached_property
    def stretches(self) -> dict[int, dict[str, int]]:
        """By order the ns of each stretch of its way, of those that have stamps of their own."""
        return order_stretches(self.stamps)

    @cached_property
    def tiles(self) -> list[Tile]:
        """Every figure as a tile."""
        return tiles_of(self.known, self.strategies, self.seq, self.stale)

    def grid(self, name: str) -> Grid:
        """A table with all of its rows. Raises `Missing` where there is none of that name."""
        if name not in self._grids:
            self._grids[name] = self._made(name)
        return self._grids[name]

    def slim(self, name: str) -> Slim | None:
        """A long table without its texts; None for one that is short."""
        if name not in self._slim:
            self._slim[name] = slim(name, self.context)
        return self._slim[name]

    def _made(self, name: str) -> Grid:
        if name == "t-latency":
            return grids.latency(self.stamps)
        if name == "t-path":
            return grids.path(self.seen)
        if name == "t-days":
            return grid_of(days_seen(self.context, self.seen.days))
        if name == "t-postings":
            return grids.postings(self._booked)
        if name not in grids.GRIDS:
            raise Missing(f"there is no table {name[:80]!r}; /api/run names those that there are")
        with raw_rows():
            return grids.GRIDS[name](self.context)

    def let_go(self) -> None:
        """Forget what can be made again."""
        self._grids.clear()
        self._slim.clear()
        for name in ("rows", "context", "stamps", "stretches"):
            self.__dict__.pop(name, None)
