"""Append one entry to the journal, beside a plain file write and a sync for each entry, on the disk of TMPDIR."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tables import Row, present, quantiles

from crossbook.desk.journal import JournalWriter
from crossbook.ledger.entries import TAG_OUT
from crossbook.rules.layout import OUT

PAYLOAD = TAG_OUT + bytes(range(OUT.itemsize))
WARM = 1_000
APPENDS = 300_000
WRITES = 50_000
SYNCS = 200


def times_of(action: Callable[[bytes], object], times: int) -> list[int]:
    """The ns of each call, the clock's own cost (about 50) included."""
    clock = time.perf_counter_ns
    taken = []
    gc.disable()
    for _ in range(times):
        start = clock()
        action(PAYLOAD)
        taken.append(clock() - start)
    gc.enable()
    return taken


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with JournalWriter(folder / "journal") as writer:
            times_of(writer.append, WARM)
            journal = times_of(writer.append, APPENDS)
        plain = os.open(folder / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

        def write_and_sync(payload: bytes) -> None:
            os.write(plain, payload)
            os.fdatasync(plain)

        written = times_of(lambda payload: os.write(plain, payload), WRITES)
        synced = times_of(write_and_sync, SYNCS)
        os.close(plain)
    return [
        quantiles("journal append", journal, asked="p50 <= 1.5"),
        quantiles("file write", written),
        quantiles("file write + fdatasync", synced),
    ]


if __name__ == "__main__":
    present(__file__, __doc__, measure)
