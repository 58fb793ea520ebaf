"""The way of orders from the venue's tick to its answer, per venue and hop: percentiles of real samples, with n."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out, kind_of
from crossbook.ledger.hops import STRETCHES, order_stretches
from crossbook.ledger.statement import nearest_rank

SUSPECT_NS = 60_000_000_000
"""A stretch below 0 or above this is a clock's fault, not a way's."""
ANSWER = "answer_travels"
"""From the venue's stamp of an answer to our receiving it: two clocks, so an offset's error is in it."""

Samples = dict[tuple[str, str], list[int]]
"""In ns, by venue and stretch."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch at one venue. Percentiles are samples (nearest rank), in ns; None where there is no sample.

    `suspect`: samples left out because a clock must have been wrong."""

    venue: str
    stretch: str
    n: int
    p50_ns: int | None
    p99_ns: int | None
    p999_ns: int | None
    suspect: int = 0


def waterfall(stamps: bytes, entries: Iterable[bytes], declaration: Declaration) -> list[Stretch]:
    """All stretches by venue, in the order in which an order passes them; only what has samples."""
    return told(samples_of(stamps, entries, declaration))


def samples_of(stamps: bytes, entries: Iterable[bytes], declaration: Declaration) -> Samples:
    """The samples of a run, in the order of its venues."""
    venues: dict[int, int] = {}
    travels: dict[int, list[int]] = {}
    for payload in entries:
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.SUBMIT_ORDER:
            out = decode_out(payload)
            venues[out.order] = out.venue
        elif payload[0] == EVENT_TAG and kind_of(payload) in (EventKind.ORDER_ACCEPTED, EventKind.ORDER_FILLED):
            row = decode_event(payload)
            if row.id in venues and row.ts_venue > 0:
                travels.setdefault(venues[row.id], []).append(row.ts - row.ts_venue)
    found: dict[tuple[int, str], list[int]] = {(venue, ANSWER): spans for venue, spans in travels.items()}
    for order, stretches in order_stretches(stamps).items():
        for stretch, ns in stretches.items():
            found.setdefault((venues.get(order, -1), stretch), []).append(ns)
    names = [*(venue.label for venue in declaration.venues), "unknown"]
    return {(names[venue], stretch): found[venue, stretch] for venue, stretch in sorted(found, key=lambda one: one[0])}


def told(samples: Samples) -> list[Stretch]:
    """Percentiles of samples: by venue, in the order of the venues, and in that in which an order passes them."""
    order_of = {name: number for number, name in enumerate((*STRETCHES[1:], STRETCHES[0], ANSWER))}
    venues = {venue: number for number, venue in enumerate(dict.fromkeys(venue for venue, _ in samples))}
    return [
        _stretch(venue, stretch, samples[venue, stretch])
        for venue, stretch in sorted(samples, key=lambda one: (venues[one[0]], order_of[one[1]]))
    ]


def _stretch(venue: str, stretch: str, samples: list[int]) -> Stretch:
    sound = sorted(ns for ns in samples if 0 <= ns <= SUSPECT_NS)
    return Stretch(
        venue=venue, stretch=stretch, n=len(sound), p50_ns=_rank(sound, 500), p99_ns=_rank(sound, 990),
        p999_ns=_rank(sound, 999), suspect=len(samples) - len(sound),
    )  # fmt: skip


def _rank(ordered: list[int], permille: int) -> int | None:
    """A percentile; None where so few samples cannot tell the percentile from the largest."""
    return nearest_rank(ordered, permille) if len(ordered) * (1000 - permille) >= 1000 else None
