"""Hops of an order through the process, and the fixed records of `latency.bin` that time them."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from enum import IntEnum

from crossbook.errors import Corrupt


class Hop(IntEnum):
    """Places where the rim takes a monotonic stamp, in the order in which an order passes them."""

    RECEIVED = 0
    DECODED = 1
    DECIDED = 2
    CHECKED = 3
    SIGNED = 4
    WRITTEN = 5
    ACKNOWLEDGED = 6
    FILLED = 7


STAMP = struct.Struct("<qiiq")
"""Trace (the intent's id), hop, our id of the order (0: all of the intent's), monotonic ns of one process; little
endian, 24 bytes."""

TICK_TO_WIRE = "tick_to_wire"
STRETCHES = (TICK_TO_WIRE, *(hop.name.lower() for hop in Hop if hop is not Hop.RECEIVED))
"""What is timed: from the socket to the socket, and into each hop from the one before it that was stamped."""


def durations(stamps: bytes) -> dict[str, list[int]]:
    """Ns of each stretch over all traces of a `latency.bin`. A cut-off last record is left out; of a hop that a trace
    passed twice the first counts. Raises `Corrupt` for an unknown hop or a stretch that ran backwards."""
    found: dict[str, list[int]] = {stretch: [] for stretch in STRETCHES}
    traces: dict[int, dict[int, int]] = {}
    for trace, hop, _, ns in _records(stamps):
        traces.setdefault(trace, {}).setdefault(hop, ns)
    for trace, at in traces.items():
        for stretch, ns in _stretches(at).items():
            if ns < 0:
                raise Corrupt(f"latency.bin trace {trace}: a later hop has an earlier stamp; remove the file")
            found[stretch].append(ns)
    return found


def order_stretches(stamps: bytes) -> dict[int, dict[str, int]]:
    """By our id of an order, the ns of each stretch of its way: the frame's part is shared by all orders of an intent,
    the rest is its own. Only orders with stamps of their own are there; backward stretches are kept as they are, so
    that whoever shows them can count them apart. Raises `Corrupt` for an unknown hop."""
    shared: dict[int, dict[int, int]] = {}
    own: dict[tuple[int, int], dict[int, int]] = {}
    for trace, hop, order, ns in _records(stamps):
        place = own.setdefault((trace, order), {}) if order else shared.setdefault(trace, {})
        place.setdefault(hop, ns)
    return {order: _stretches(shared.get(trace, {}) | at) for (trace, order), at in own.items()}


def _records(stamps: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Trace, hop, order and ns of each record that is whole."""
    whole = len(stamps) // STAMP.size * STAMP.size
    for number, (trace, hop, order, ns) in enumerate(STAMP.iter_unpack(stamps[:whole])):
        if not 0 <= hop < len(Hop):
            raise Corrupt(f"latency.bin offset {number * STAMP.size}: hop {hop} does not exist; remove the file")
        yield trace, hop, order, ns


def _stretches(at: dict[int, int]) -> dict[str, int]:
    """What the stamps of one way time, by stretch; `at`: ns by hop."""
    found = {Hop(after).name.lower(): at[after] - at[before] for before, after in itertools.pairwise(sorted(at))}
    if Hop.RECEIVED in at and Hop.WRITTEN in at:
        found[TICK_TO_WIRE] = at[Hop.WRITTEN] - at[Hop.RECEIVED]
    return found
