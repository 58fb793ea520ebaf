"""`crossbook tape import` of the recordings of August 2024, spot, USD-M and COIN-M, on two cores, whole command.

The time is that of a process of its own, from its start to its end, less that of an interpreter that does nothing;
kernels are compiled before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from tables import NOT_THERE, ROOT, SHARED, Row, present

RAW = SHARED / "data" / "l2" / "binance_raw_hftbacktest"
CASE = "recorded 2024-08"
REPEATS = 5
CORES = 2
COMMAND = "from crossbook.cli import main; main()"


def seconds(*arguments: str) -> tuple[float, str]:
    """Wall time of a process on two cores, and what it said."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return time.perf_counter() - started, done.stdout


def measure() -> list[Row]:
    files = [str(path) for path in sorted(RAW.glob("*/*_202408*.gz"))]
    if not files:
        return [{"case": CASE, "note": NOT_THERE}]
    nothing = min(seconds("-c", "pass")[0] for _ in range(REPEATS))
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("-c", COMMAND, "tape", "import", *files, "--into", f"{folder}/tape", "--force", "--json")
        seconds(*arguments)
        runs = sorted((seconds(*arguments) for _ in range(REPEATS)), key=lambda run: run[0])
    said = json.loads(runs[0][1])
    frames = sum(source["frames"] for source in said["sources"])
    best, median = runs[0][0] - nothing, runs[REPEATS // 2][0] - nothing
    return [
        {
            "case": CASE,
            "files": len(files),
            "frames": frames,
            "rows": said["rows"],
            "best_s": round(best, 3),
            "median_s": round(median, 3),
            "frames_per_s": round(frames / median),
            "asked": ">= 200,000",
        }
    ]


if __name__ == "__main__":
    present(__file__, __doc__, measure, "frames_per_s")
