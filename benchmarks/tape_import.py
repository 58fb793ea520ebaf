"""`crossbook tape import` of the recordings of August 2024, spot, USD-M and COIN-M: frames a second, whole command.

The time is that of a process of its own, from its start to its end, less that of an interpreter that does nothing;
kernels are compiled before. Prints one table, and the ratio to the frames a second that are asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CROSSBOOK_SHARED") or ROOT / ".." / "shared")
RAW = SHARED / "data" / "l2" / "binance_raw_hftbacktest"
ASKED = 200_000
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


def main() -> int:
    files = [str(path) for path in sorted(RAW.glob("*/*_202408*.gz"))]
    if not files:
        print(f"tape_import: no recordings at {RAW}, nothing measured")
        return 0
    nothing = min(seconds("-c", "pass")[0] for _ in range(REPEATS))
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("-c", COMMAND, "tape", "import", *files, "--into", f"{folder}/tape", "--force", "--json")
        seconds(*arguments)
        runs = sorted((seconds(*arguments) for _ in range(REPEATS)), key=lambda run: run[0])
    said = json.loads(runs[0][1])
    frames = sum(source["frames"] for source in said["sources"])
    print(
        f"{'tape import':<14}{'files':>7}{'frames':>10}{'rows':>12}{'best s':>9}{'median s':>10}{'frames/s':>12}{'ratio':>8}"
    )
    best, median = runs[0][0] - nothing, runs[REPEATS // 2][0] - nothing
    rate = frames / median
    print(
        f"{'2024-08':<14}{len(files):>7}{frames:>10,}{said['rows']:>12,}{best:>9.2f}{median:>10.2f}"
        f"{rate:>12,.0f}{rate / ASKED:>8.2f}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
