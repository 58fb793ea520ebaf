"""Append to the journal: p50 and p99 of one entry, beside a plain file write and beside a sync for each entry."""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crossbook.desk.journal import JournalWriter

PAYLOAD = b"O" + bytes(range(88))
APPENDS = 300_000
WRITES = 50_000
SYNCS = 200


def quantiles_us(action: Callable[[bytes], object], times: int) -> dict[str, float]:
    """The p50 and p99 of one call, the clock's own cost (about 0.05 us) included."""
    clock = time.perf_counter_ns
    taken = []
    gc.disable()
    for _ in range(times):
        start = clock()
        action(PAYLOAD)
        taken.append(clock() - start)
    gc.enable()
    taken.sort()
    return {"p50_us": taken[times // 2] / 1e3, "p99_us": taken[times * 99 // 100] / 1e3, "n": times}


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Three ways to keep one entry, on the same disk."""
    with JournalWriter(folder / "journal") as writer:
        for _ in range(1_000):
            writer.append(PAYLOAD)
        journal = quantiles_us(writer.append, APPENDS)
    plain = os.open(folder / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write_and_sync(payload: bytes) -> None:
        os.write(plain, payload)
        os.fdatasync(plain)

    written = quantiles_us(lambda payload: os.write(plain, payload), WRITES)
    synced = quantiles_us(write_and_sync, SYNCS)
    os.close(plain)
    return {"journal append": journal, "file write": written, "file write + fdatasync": synced}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--dir", type=Path, help="measure on this disk (default: the temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        table = measure(Path(folder))
    base = table["journal append"]["p50_us"]
    for row in table.values():
        row["ratio"] = round(row["p50_us"] / base, 2)
    if options.json:
        print(json.dumps({"benchmark": "journal", "payload_bytes": len(PAYLOAD), "rows": table}))
        return
    print(f"{'journal':<26}{'p50 us':>10}{'p99 us':>10}{'ratio':>9}")
    for name, row in table.items():
        print(f"{name:<26}{row['p50_us']:>10.2f}{row['p99_us']:>10.2f}{row['ratio']:>9.1f}")


if __name__ == "__main__":
    main()
