"""A recount of a journal's entries, straight from their bytes, beside the counters that the ledger kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, EventRow, OutRow, decode_event, decode_out, kind_of
from crossbook.ledger.figure import Number, ratio, value_decimal
from crossbook.ledger.postings import packed_key
from crossbook.ledger.statement import PERCENTILES
from crossbook.report.selection import Selection
from crossbook.report.words import reason_text

COUNTED = ("orders", "fills", "denials", "intents")
BOOKED = (EventKind.ORDER_FILLED, EventKind.FORCED_CLOSE, EventKind.FUNDING_PAID, EventKind.TRANSFER)
Worth = dict[tuple[str, int], int]
"""Lots x limit price x factor, per strategy's suffix and quote asset."""


class Sent(NamedTuple):
    """What of an order a recount needs."""

    ts: int
    strategy: int
    instrument: int
    price: int


class Recount:
    """How often what happened, by the names of the figures that tell it, in total and per strategy."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._terms = declaration.terms()
        self._suffixes = ["", *(f".{name}" for name in declaration.strategies)]
        self._counts: Counter[str] = Counter()
        self._sent: dict[int, Sent] = {}
        self._booked: set[int] = set()
        self._repeats = 0
        self._submitted: Worth = {}
        self._filled: Worth = {}
        self._waits = (Selection(), Selection())
        self._suspect = 0
        self._apart: dict[tuple[int, int], tuple[int, int]] = {}
        """Per strategy and pair: how far its legs are apart, and since when they are at all."""
        self._changed: dict[str, tuple[int, int]] = {}
        """Per base the sum of all changes of that, and of each change times when it was."""
        self._longest = 0
        self._ts = 0

    @staticmethod
    def of(payloads: Iterable[bytes], declaration: Declaration) -> Recount:
        """Count all entries of a journal."""
        count = Recount(declaration)
        for payload in payloads:
            count.take(payload)
        return count

    def take(self, payload: bytes) -> None:
        """Count one more entry."""
        if payload[0] == EVENT_TAG:
            self._event(decode_event(payload))
        elif payload[0] == OUT_TAG:
            self._out(kind_of(payload), decode_out(payload))

    def values(self, prices: list[int]) -> dict[str, Number | None]:
        """The figures by name. `prices`: of the assets now, at 1e-10."""
        found: dict[str, Number | None] = {
            name + suffix: self._counts[name + suffix] for name in COUNTED for suffix in self._suffixes
        }
        found |= {name: count for name, count in self._counts.items() if name.startswith("denials.reason.")}
        for suffix in self._suffixes:
            denied, passed = self._counts[f"denials{suffix}"], self._counts[f"intents{suffix}"]
            found[f"denial_rate{suffix}"] = ratio(denied, denied + passed)
            got, wanted = (_worth(amounts, suffix, prices) for amounts in (self._filled, self._submitted))
            found[f"fill_rate.quantity{suffix}"] = ratio(got, wanted)
        found["events.duplicate"] = self._repeats
        for name, waits in zip(("decision_to_match", "match_to_known"), self._waits, strict=True):
            for percentile in ("p50", "p99"):
                found[f"delay.{name}.{percentile}"] = waits.at(PERCENTILES[percentile])
        found["delay.clock_suspect"] = self._suspect
        return found | self._unhedged()

    def _add(self, name: str, strategy: int, times: int = 1) -> None:
        self._counts[name] += times
        if 0 <= strategy < len(self._declaration.strategies):
            self._counts[f"{name}.{self._declaration.strategies[strategy]}"] += times

    def _event(self, row: EventRow) -> None:
        self._ts = max(self._ts, row.ts)
        if row.kind not in BOOKED:
            return
        key = packed_key(row)
        if key in self._booked:
            self._repeats += 1
            return
        self._booked.add(key)
        if row.kind == EventKind.ORDER_FILLED:
            self._add("fills", row.strategy)
            if (order := self._sent.get(row.id)) is not None:
                self._value(self._filled, order, row.lots)
                for waits, wait in zip(self._waits, (row.ts_venue - order.ts, row.ts - row.ts_venue), strict=True):
                    if wait >= 0:
                        waits.add(wait)
                    else:
                        self._suspect += 1

    def _out(self, kind: int, row: OutRow) -> None:
        self._ts = max(self._ts, row.ts)
        if kind == OutKind.DENIAL:
            self._add("denials", row.strategy, row.count_)
            self._add(f"denials.reason.{reason_text(row.reason).replace(' ', '_')}", row.strategy, row.count_)
        elif kind == OutKind.INTENT:
            self._add("intents", row.strategy)
        elif kind == OutKind.UNHEDGED:
            self._note_apart(row)
        elif kind == OutKind.SUBMIT_ORDER and row.order not in self._sent:
            sent = self._sent[row.order] = Sent(row.ts, row.strategy, row.instrument, row.price)
            self._add("orders", row.strategy)
            self._value(self._submitted, sent, row.lots)

    def _note_apart(self, row: OutRow) -> None:
        before, since = self._apart.get((row.strategy, row.pair), (0, 0))
        size, base = abs(row.value), self._base(row.pair)
        changes, moments = self._changed.get(base, (0, 0))
        self._changed[base] = changes + size - before, moments + (size - before) * row.ts
        if before:
            self._longest = max(self._longest, row.ts - since)
        self._apart[row.strategy, row.pair] = size, since if before else row.ts

    def _base(self, pair: int) -> str:
        return self._declaration.instruments[self._declaration.pairs[pair].a].base

    def _value(self, amounts: Worth, order: Sent, lots: int) -> None:
        if not 0 <= order.strategy < len(self._declaration.strategies):
            return
        terms = self._terms[order.instrument]
        if terms.inverse:
            amount = lots * terms.factor // order.price if order.price else 0
        else:
            amount = lots * order.price * terms.factor
        for suffix in ("", f".{self._declaration.strategies[order.strategy]}"):
            key = (suffix, terms.quote)
            amounts[key] = amounts.get(key, 0) + amount

    def _unhedged(self) -> dict[str, Number | None]:
        """By what changed at each note, times how long ago that is; the longest by where it was 0."""
        found: dict[str, Number | None] = {}
        for pair in range(len(self._declaration.pairs)):
            changes, moments = self._changed.get(self._base(pair), (0, 0))
            found[f"unhedged.quantity_time.{self._base(pair)}"] = value_decimal((changes * self._ts - moments) * 10)
        under_way = [self._ts - since for size, since in self._apart.values() if size]
        return found | {"unhedged.time_max": max(self._longest, *under_way, 0) if self._apart else None}


def selected(values: Iterable[int], permille: int) -> int | None:
    """The value at a percentile by nearest rank, selected and not sorted; None of nothing."""
    found = np.fromiter(values, np.int64)
    if not len(found):
        return None
    place = (len(found) * permille + 999) // 1000 - 1
    return int(np.partition(found, place)[place])


def _worth(amounts: Worth, suffix: str, prices: list[int]) -> int:
    return sum(amount * prices[asset] for (of, asset), amount in amounts.items() if of == suffix)
