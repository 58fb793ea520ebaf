"""The rows behind a run's figures: one fold of its journal that keeps, beside the ledger, what each entry did to it.

Amounts are what the ledger's own totals moved by, so the rows of a figure sum to it. Values are integers at 1e-18 of
the reporting asset.
"""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, EventRow, OutRow, decode_event, decode_out, kind_of
from crossbook.ledger.evidence import Evidence, Fall
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.marks import notional_value
from crossbook.ledger.path import Path
from crossbook.ledger.postings import CASH, NOBODY
from crossbook.report.row_kinds import (
    Apart,
    Denied,
    Fill,
    Flow,
    Held,
    Odd,
    Order,
    Payment,
    Point,
    RoundTrip,
    Wish,
)
from crossbook.timestamp import day_of

ENDS = {
    EventKind.ORDER_CANCELED: "canceled",
    EventKind.ORDER_EXPIRED: "expired",
    EventKind.ORDER_REJECTED: "rejected",
    EventKind.ORDER_UNKNOWN: "unknown",
}
Book = tuple[int, int]
"""Strategy and pair."""


class Recorded(Path):
    """The ledger's path, which also leaves a point in the rows for each sample it takes."""

    def __init__(self, begun: Path, rows: RunRows) -> None:
        self.__dict__.update(begun.__dict__)
        self._rows = rows
        nav, pnl = self.days[day_of(self.last_ts)]
        rows.points.append(Point(rows.last, self.last_ts, nav, pnl, self.peak))

    def sample(self, ts: int, nav: int, pnl: int) -> None:
        """Take the sample of a moment that ended with the entry before this one."""
        super().sample(ts, nav, pnl)
        self._rows.points.append(Point(self._rows.last - 1, ts, nav, pnl, self.peak))


class RunRows:
    """All rows of a run. Build it with `RunRows.of(entries)`."""

    def __init__(self, ledger: Ledger, complete: bool = True) -> None:
        """`complete`: exposure after each fill and what changes of levels stand on are kept too."""
        self.ledger = ledger
        self.fills: list[Fill] = []
        self.payments: list[Payment] = []
        self.flows: list[Flow] = []
        self.orders: dict[int, Order] = {}
        self.wishes: dict[int, Wish] = {}
        self.trips: list[RoundTrip] = []
        self.denials: list[Denied] = []
        self.points: list[Point] = []
        self.held: list[Held] = []
        self.apart: list[Apart] = []
        self.odd: list[Odd] = []
        self.marked: dict[int, tuple[int, OutRow]] = {}
        """Per instrument its last mark and that entry's sequence."""
        self.ended: list[tuple[int, int]] = []
        """Each entry that changed an order, with its number."""
        self.costed: list[tuple[int, Fill]] = []
        """Each entry that told a fill's cost, with that fill."""
        self.last = 0
        """The sequence of the last entry."""
        self._by_id: dict[tuple[int, int, int, int], Fill] = {}
        self._under_way: dict[Book, list[Fill]] = {}
        self._complete = complete
        self._evidence = Evidence(ledger.declaration)
        self._open_apart: dict[Book, Apart] = {}
        pairs = ledger.declaration.pairs
        self._pairs_of = [
            [number for number, pair in enumerate(pairs) if index in (pair.a, pair.b)]
            for index in range(len(ledger.terms))
        ]

    @staticmethod
    def of(entries: Iterable[tuple[int, bytes]]) -> RunRows:
        """Fold `(sequence, payload)` entries, the declaration first. Raises `Corrupt` if it is not first."""
        iterator = iter(entries)
        first = next(iterator, (0, b""))[1]
        rows = RunRows(Ledger.of([first]))
        for sequence, payload in iterator:
            rows.take(sequence, payload)
        rows.close()
        return rows

    @property
    def declaration(self) -> Declaration:
        """What the run declared."""
        return self.ledger.declaration

    @property
    def falls(self) -> list[Fall]:
        """Changes of levels, with what they stand on."""
        return self._evidence.falls

    def take(self, sequence: int, payload: bytes) -> None:
        """Fold one entry and keep its row."""
        self.last = sequence
        if self._complete:
            self._evidence.take(sequence, payload)
        ledger = self.ledger
        began, odd = ledger.path is not None, (ledger.breaks, ledger.duplicates)
        kind = kind_of(payload)
        if payload[0] == EVENT_TAG:
            self._event(sequence, kind, decode_event(payload), payload)
        elif payload[0] == OUT_TAG:
            self._out(sequence, kind, decode_out(payload), payload)
        else:
            ledger.apply(payload)
        if not began and ledger.path is not None:
            self._forget_before()
            ledger.path = Recorded(ledger.path, self)
        if odd != (ledger.breaks, ledger.duplicates):
            self.odd.append(Odd(sequence, ledger.ts, kind, ledger.breaks - odd[0], ledger.duplicates - odd[1]))

    def close(self) -> None:
        """Take in the last moment and the round trips that are under way."""
        path = self.ledger.settled_path()
        if path is not None and path.samples > len(self.points):
            nav, pnl = path.days[day_of(path.last_ts)]
            self.points.append(Point(self.last, path.last_ts, nav, pnl, path.peak))
        for apart in self._open_apart.values():
            apart.lasted = self.ledger.ts - apart.ts
        for (strategy, pair), fills in self._under_way.items():
            self.trips.append(RoundTrip(strategy, pair, fills))

    def _event(self, sequence: int, kind: int, row: EventRow, payload: bytes) -> None:
        ledger = self.ledger
        if kind in (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE):
            self._fill(sequence, row, payload)
            return
        before = len(ledger.postings)
        flows = ledger.flow_value
        ledger.apply(payload)
        booked = len(ledger.postings) > before
        if kind == EventKind.FUNDING_PAID and booked:
            posting = ledger.postings[-1]
            for leg in posting.legs:
                if leg.account != CASH:
                    value = -leg.amount * posting.prices[leg.asset] if posting.counted else 0
                    self.payments.append(
                        Payment(sequence, row.ts, leg.strategy, row.instrument, -leg.amount, leg.asset, value)
                    )
        elif kind == EventKind.TRANSFER and booked:
            value = ledger.flow_value - flows
            self.flows.append(Flow(sequence, row.ts, row.venue, row.asset, row.lots, value))
        elif kind in ENDS and row.id in self.orders:
            self._ended(self.orders[row.id], sequence, ENDS[EventKind(kind)])

    def _fill(self, sequence: int, row: EventRow, payload: bytes) -> None:
        ledger = self.ledger
        owner = row.strategy if 0 <= row.strategy < len(self.declaration.strategies) else NOBODY
        order = self.orders.get(row.id) if row.kind == EventKind.ORDER_FILLED else None
        pair = order.pair if order is not None else -1
        if pair < 0 <= owner:
            pair = ledger.trips.find(owner, row.instrument, self._pairs_of[row.instrument])
        cell = ledger.cells.get((owner, row.instrument))
        before = (cell.realised, cell.edge, cell.fees) if cell else (0, 0, 0)
        booked, closed = len(ledger.postings), len(ledger.trips.closed.get((owner, pair), ()))
        ledger.apply(payload)
        if len(ledger.postings) == booked:
            return  # a repeated event
        cell = ledger.cells[owner, row.instrument]
        posting = ledger.postings[-1]
        exact = cell.edge - before[1]
        fill = Fill(
            sequence=sequence,
            ts=row.ts,
            strategy=owner,
            instrument=row.instrument,
            side=row.side,
            price=row.price,
            lots=row.lots,
            order=row.id,
            intent=order.intent if order is not None else 0,
            cash=exact,
            counted=posting.counted,
            to_match=row.ts_venue - order.ts if order is not None else -1,
            to_know=row.ts - row.ts_venue if order is not None else -1,
            realised=cell.realised - before[0],
            edge=exact,
            fees=cell.fees - before[2],
            forced=row.kind == EventKind.FORCED_CLOSE,
            trade=row.id2,
        )
        self.fills.append(fill)
        self._by_id[row.venue, row.instrument, row.id, row.id2] = fill
        if order is not None:
            order.filled += row.lots
            self._ended(order, sequence, "filled" if order.filled >= order.lots else "part filled")
            if order.intent in self.wishes:
                self.wishes[order.intent].fills.append(fill)
        if owner != NOBODY and pair >= 0:
            self._trip((owner, pair), fill, closed)
        if self._complete:
            self._hold(row.ts)

    def _ended(self, order: Order, sequence: int, end: str) -> None:
        order.end = end
        order.story = (*order.story, (sequence, end))
        self.ended.append((sequence, order.number))

    def _trip(self, book: Book, fill: Fill, closed: int) -> None:
        """A fill belongs to the trip under way; one that closes it and opens the next stands in both."""
        self._under_way.setdefault(book, []).append(fill)
        nets = self.ledger.trips.closed.get(book, [])
        if len(nets) > closed:
            fills = self._under_way.pop(book)
            self.trips.append(RoundTrip(*book, fills, fill.ts, nets[-1]))
            if book in self.ledger.trips.open:
                self._under_way[book] = [fill]

    def _out(self, sequence: int, kind: int, row: OutRow, payload: bytes) -> None:
        ledger = self.ledger
        if kind == OutKind.FILL_COST:
            self._fill_cost(sequence, row, payload)
            return
        ledger.apply(payload)
        if kind == OutKind.SUBMIT_ORDER and row.order not in self.orders:
            self.orders[row.order] = Order(
                sequence, row.ts, row.strategy, row.instrument, row.pair, row.side, row.price, row.lots, row.intent,
                row.order,
            )  # fmt: skip
            if row.intent in self.wishes:
                self.wishes[row.intent].orders += 1
        elif kind == OutKind.INTENT:
            self.wishes[row.intent] = Wish(
                sequence, row.ts, row.strategy, row.pair, row.reason, row.intent, row.value, row.limit, row.count_,
                fills=[],
            )  # fmt: skip
        elif kind == OutKind.DENIAL:
            self.denials.append(Denied(sequence, row))
        elif kind == OutKind.UNHEDGED:
            before = self._open_apart.pop((row.strategy, row.pair), None)
            if before is not None:
                before.lasted = row.ts - before.ts
            self.apart.append(Apart(sequence, row.ts, row.strategy, row.pair, row.value))
            self._open_apart[row.strategy, row.pair] = self.apart[-1]
        elif kind == OutKind.MARKED:
            self.marked[row.instrument] = (sequence, row)

    def _fill_cost(self, sequence: int, row: OutRow, payload: bytes) -> None:
        fill = self._by_id.pop((row.venue, row.instrument, row.order, row.count_), None)
        cell = self.ledger.cells.get((fill.strategy, fill.instrument)) if fill is not None else None
        before = (cell.edge, cell.latency, cell.slippage) if cell else (0, 0, 0)
        self.ledger.apply(payload)
        if fill is not None and cell is not None:
            fill.costed = sequence
            self.costed.append((sequence, fill))
            fill.edge += cell.edge - before[0]
            fill.latency += cell.latency - before[1]
            fill.slippage += cell.slippage - before[2]

    def _forget_before(self) -> None:
        """The window begins: what was before it is in no figure."""
        for fill in self.fills:
            fill.realised = fill.edge = fill.latency = fill.slippage = fill.fees = 0

    def _hold(self, ts: int) -> None:
        gross = net = 0
        marks = self.ledger.marks
        for (owner, _), cell in self.ledger.cells.items():
            if owner != NOBODY and cell.lots:
                terms = cell.terms
                size = notional_value(terms, abs(cell.lots), marks.sums[terms.index], marks.prices[terms.quote])
                gross += size
                net += size if cell.lots > 0 else -size
        self.held.append(Held(ts, gross, net))
