"""What a journal has shown so far of all that can lower a level: each thing with the entry that says it."""

from __future__ import annotations

import msgspec

from crossbook.commands import OutKind, Reason
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import (
    EVENT_TAG,
    OUT_TAG,
    EventRow,
    OutRow,
    decode_event,
    decode_out,
    decode_text,
    kind_of,
)
from crossbook.ledger.evidence_worth import Brought, Stand, Worth
from crossbook.ledger.postings import Key, fill_cash_e8, key_of
from crossbook.money import E8
from crossbook.timestamp import NS_PER_DAY, NS_PER_S
from crossbook.types import Level, Scope

NS_PER_MIN = 60 * NS_PER_S
NS_PER_H = 60 * NS_PER_MIN
HOLDS = ("no update", "stream down", "clock offset", "rate limit", "pause", "closed by the venue")
FILLS = (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE)
ANSWERS = range(EventKind.ORDER_ACCEPTED, EventKind.ORDER_UNKNOWN + 1)
ENDS = (EventKind.ORDER_CANCELED, EventKind.ORDER_EXPIRED, EventKind.ORDER_REJECTED)


class Live(msgspec.Struct):
    """An order that its venue may still fill."""

    strategy: int
    pair: int
    left: int


class Seen:
    """Takes every entry but the declaration, and the transitions after they were explained."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.worth = Worth(declaration)
        self.brought = Brought(self.worth)
        self.texts: dict[int, Stand] = {}
        self.words: dict[int, dict[str, object]] = {}
        self.requests: dict[int, Stand] = {}
        """What people asked, by its number: the entry of their words, the words, the entry of the event."""
        self.said: tuple[Stand, dict[str, object]] | None = None
        """The text that came last."""
        self.rejected: list[Stand] = []
        """Rejections of the last minute that had one."""
        self.unknown: dict[int, Stand] = {}
        """Orders of which nothing is known."""
        self.entered: list[Stand] = []
        """Entries of the last day that had one, since a person last raised the desk."""
        self.holds: list[tuple[Stand, int, int]] = []
        """Holds that began in the hour before the last, with instrument and kind."""
        self.apart: dict[tuple[int, int], list[tuple[Stand, int]]] = {}
        """Per strategy and pair the notes of its legs' difference, from the first that was not 0."""
        self.strange: list[Stand] = []
        self.strange_sure = True
        """Money that nobody caused; whether all of it was in the reporting asset."""
        self.held: dict[tuple[int, int], int] = {}
        """Lots per strategy and instrument."""
        self.last: dict[int, tuple[Stand, EventRow]] = {}
        """Per kind the last event."""
        self.broken = Stand(0, 0, "")
        """The last break."""
        self._booked: set[Key] = set()
        self._live: dict[int, Live] = {}
        self._pair_of: dict[int, int] = {}

    def take(self, sequence: int, payload: bytes) -> None:
        """Fold one entry."""
        if payload[0] == EVENT_TAG:
            self._event(sequence, decode_event(payload))
        elif payload[0] == OUT_TAG:
            self._out(sequence, decode_out(payload), kind_of(payload))
        else:
            words = decode_text(payload)
            stand = Stand(sequence, int(words.get("ts", 0)), "what was said")
            self.said = (stand, words)
            if isinstance(words.get("request"), int):
                self.texts[words["request"]], self.words[words["request"]] = stand, words

    def what(self, instrument: int) -> str:
        """An instrument's name."""
        known = self.declaration.instruments
        return known[instrument].name if 0 <= instrument < len(known) else str(instrument)

    def _event(self, sequence: int, row: EventRow) -> None:
        kind = row.kind
        self.worth.step(row.ts)
        if kind in FILLS or kind == EventKind.FUNDING_PAID:
            if key_of(row) in self._booked:
                return
            self._booked.add(key_of(row))
        stand = Stand(sequence, row.ts, _name(EventKind(kind).name))
        self.last[kind] = (stand, row)
        if kind in FILLS:
            self._fill(sequence, row)
        elif kind == EventKind.FUNDING_PAID:
            if row.strategy < 0 and not any(lots for (_, i), lots in self.held.items() if i == row.instrument):
                self._is_nobodys(stand, row.asset, row.lots)
            self.worth.funding(sequence, row, f"funding of {self.what(row.instrument)}")
        elif kind == EventKind.TRANSFER:
            self.worth.transfer(sequence, row)
        elif kind == EventKind.OPERATOR_REQUEST:
            self.requests[row.price] = stand
        if kind in ANSWERS:
            self._answer(stand, row)

    def _fill(self, sequence: int, row: EventRow) -> None:
        what = f"{'fill' if row.kind == EventKind.ORDER_FILLED else 'forced close'} of {self.what(row.instrument)}"
        if row.strategy < 0 and row.kind == EventKind.ORDER_FILLED:
            terms = self.worth.terms[row.instrument]
            cash = fill_cash_e8(terms, row.side, row.price, row.lots)
            self._is_nobodys(Stand(sequence, row.ts, f"{what} that is nobody's"), terms.settle, cash)
        pair = self._pair_of.get(row.id, -1) if row.kind == EventKind.ORDER_FILLED else -1
        if pair >= 0 <= row.strategy:
            self.brought.fill(sequence, row, pair)
        if row.strategy >= 0:
            key = (row.strategy, row.instrument)
            self.held[key] = self.held.get(key, 0) + (1 - 2 * row.side) * row.lots
        self.worth.fill(sequence, row, what)

    def _answer(self, stand: Stand, row: EventRow) -> None:
        """What an answer does to the order that it is about."""
        self.unknown.pop(row.id, None)
        if row.id not in self._pair_of:
            return
        order = self._live.get(row.id)
        if row.kind == EventKind.ORDER_REJECTED:
            minute = stand.ts // NS_PER_MIN
            self.rejected = [one for one in self.rejected if one.ts // NS_PER_MIN == minute]
            self.rejected.append(_counting(stand, f"order {row.id} rejected"))
        if order is None:
            return
        if row.kind == EventKind.ORDER_UNKNOWN:
            self.unknown[row.id] = _counting(stand, f"order {row.id} unknown")
        elif row.kind == EventKind.ORDER_FILLED:
            order.left -= row.lots
        if row.kind in ENDS or order.left <= 0:
            del self._live[row.id]
        here = [one for one in self._live.values() if (one.strategy, one.pair) == (order.strategy, order.pair)]
        if order.pair >= 0 and not here:
            self.brought.end(order.strategy, order.pair)

    def _is_nobodys(self, stand: Stand, asset: int, amount: int) -> None:
        value = amount * self.worth.price(asset) // E8
        self.strange.append(Stand(stand.sequence, stand.ts, stand.what, value))
        self.strange_sure = self.strange_sure and asset == self.declaration.reporting

    def _out(self, sequence: int, row: OutRow, kind: int) -> None:
        if kind == OutKind.MARKED:
            self.worth.mark(sequence, row)
            return
        self.worth.settle()
        stand = Stand(sequence, row.ts, "")
        if kind == OutKind.TRANSITION:
            if row.count_ == Scope.DESK and row.lots == Level.ACTIVE:
                self.entered.clear()
        elif kind == OutKind.SUBMIT_ORDER:
            self._live[row.order] = Live(row.strategy, row.pair, row.lots)
            self._pair_of[row.order] = row.pair
        elif kind == OutKind.INTENT and row.reason == Reason.ENTRY:
            if self.entered and self.entered[-1].ts // NS_PER_DAY != row.ts // NS_PER_DAY:
                self.entered.clear()
            self.entered.append(_counting(stand, f"entry into {self.declaration.pairs[row.pair].name}"))
        elif kind == OutKind.ALERT and row.reason == Reason.HELD:
            self.holds = [one for one in self.holds if row.ts - one[0].ts < NS_PER_H]
            kinds = HOLDS[row.limit] if 0 <= row.limit < len(HOLDS) else str(row.limit)
            what = f"hold of {self.what(row.value)}: {kinds}"
            self.holds.append((_counting(stand, what), row.value, row.limit))
        elif kind == OutKind.UNHEDGED:
            told = self.apart.setdefault((row.strategy, row.pair), [])
            if not row.value or (told and not told[-1][1]):
                told.clear()
            what = f"legs of {self.declaration.pairs[row.pair].name} apart by {_quantity(row.value)}"
            told.append((Stand(sequence, row.ts, what), row.value))
        elif kind == OutKind.BREAK:
            self.broken = Stand(sequence, row.ts, f"break in {self.what(row.instrument)}")


def _counting(stand: Stand, what: str) -> Stand:
    return Stand(stand.sequence, stand.ts, what, 1)


def _name(word: str) -> str:
    return word.lower().replace("_", " ")


def _quantity(units_e8: int) -> str:
    whole, rest = divmod(abs(units_e8), E8)
    return f"{'-' if units_e8 < 0 else ''}{whole}.{rest:08d}".rstrip("0").rstrip(".")
