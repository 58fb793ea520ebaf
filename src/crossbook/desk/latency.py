"""`latency.bin`: monotonic stamps of each order's way through the process, taken by the rim, never journalled."""

from __future__ import annotations

import time
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

    def received(self, ago_ns: int) -> None:
        """A frame begins that was received `ago_ns` (at most 0) from now."""
        self._frame = [(Hop.RECEIVED, time.monotonic_ns() + ago_ns)]
        self._trace = 0

    def forget(self) -> None:
        """No order came of the present frame."""
        self._frame.clear()

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
