"""`latency.bin`: monotonic stamps of each order's way through the process, taken by the rim, never journalled."""

from __future__ import annotations

import time
from itertools import accumulate
from pathlib import Path

from crossbook.ledger.hops import STAMP, Hop

RECENT = 4096
"""Stamps that are remembered after they were flushed, for whoever watches."""


class LatencySink:
    """Collects stamps in memory; `flush` appends them to the file. One thread stamps and flushes.

    A frame's first hops are stamped before anyone knows whether an order comes of it: RECEIVED begins a frame, `trace`
    gives the frame its intent's id, and a frame without one is forgotten by the next.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frame: list[tuple[int, int]] = []
        self._trace = 0
        self._kept = bytearray()
        self._recent = b""

    def led_to(self, trace: int, now_ns: int, receive_ns: int, decoded_ns: int, decided_ns: int) -> None:
        """A frame led to the intent `trace`: its hops, by a clock that runs as ours does, on which it is `now_ns`."""
        ours_ns = time.monotonic_ns() - now_ns
        for hop, ns in ((Hop.RECEIVED, receive_ns), (Hop.DECODED, decoded_ns), (Hop.DECIDED, decided_ns)):
            self._kept += STAMP.pack(trace, hop, 0, ns + ours_ns)

    def stamp(self, hop: int, trace: int = 0, order: int = 0) -> None:
        """Now is when `hop` was passed: by the present frame, or by an `order` of `trace` (answers come later)."""
        ns = time.monotonic_ns()
        if trace:
            self._kept += STAMP.pack(trace, hop, order, ns)
        elif hop == Hop.RECEIVED:
            self._frame = [(hop, ns)]
            self._trace = 0
        elif self._trace:
            self._kept += STAMP.pack(self._trace, hop, 0, ns)
        else:
            self._frame.append((hop, ns))

    def trace(self, trace: int) -> None:
        """The present frame led to the intent `trace`; its stamps so far and to come are that trace's."""
        for hop, ns in self._frame:
            self._kept += STAMP.pack(trace, hop, 0, ns)
        self._frame.clear()
        self._trace = trace

    def so_far(self) -> bytes:
        """What was kept and not yet flushed, and the last stamps that were."""
        return self._recent + bytes(self._kept)

    def flush(self) -> None:
        """Append what was kept to the file."""
        if self._kept:
            with self.path.open("ab") as file:
                file.write(self._kept)
            self._recent = self.so_far()[-RECENT * STAMP.size :]
            self._kept = bytearray()


def read_latency(folder: Path) -> bytes | None:
    """The stamps of the run in `folder`; None if none were taken."""
    path = folder / "latency.bin"
    return path.read_bytes() if path.is_file() else None


class FrameTimes:
    """From a frame's receipt to its decision, of every frame: counts by microsecond, up to a tenth of a second."""

    def __init__(self) -> None:
        self._counts = [0] * 100_001
        self.n = 0

    def add(self, ns: int) -> None:
        """One frame took so long."""
        self._counts[min(max(ns, 0) // 1_000, 100_000)] += 1
        self.n += 1

    def told(self) -> dict[str, int | None]:
        """n, and percentiles in ns (the microsecond's upper end); the largest stands for all above 0.1 s."""
        found: dict[str, int | None] = {"n": self.n}
        for name, permille in (("p50", 500), ("p99", 990), ("p999", 999)):
            rank = -(-self.n * permille // 1000)
            place = next((us for us, seen in enumerate(accumulate(self._counts)) if seen >= rank > 0), None)
            found[f"{name}_ns"] = None if place is None else (place + 1) * 1_000
        return found
