"""`latency.bin`: monotonic stamps of each order's way through the process, taken by the rim, never journalled."""

from __future__ import annotations

import time
from pathlib import Path

from crossbook.ledger.hops import STAMP, Hop


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

    def stamp(self, hop: int, trace: int = 0) -> None:
        """Now is when `hop` was passed: by the present frame, or by the order of `trace` (answers come later)."""
        ns = time.monotonic_ns()
        if trace:
            self._kept += STAMP.pack(trace, hop, 0, ns)
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
        """What was kept and not yet flushed."""
        return bytes(self._kept)

    def flush(self) -> None:
        """Append what was kept to the file."""
        if self._kept:
            with self.path.open("ab") as file:
                file.write(self._kept)
            self._kept = bytearray()


def read_latency(folder: Path) -> bytes | None:
    """The stamps of the run in `folder`; None if none were taken."""
    path = folder / "latency.bin"
    return path.read_bytes() if path.is_file() else None
