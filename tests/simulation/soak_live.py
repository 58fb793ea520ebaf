"""A long run at real speed against served venues that misbehave: `python tests/simulation/soak_live.py --minutes 60`.

Disconnects, duplicates, reordering, 429s, orders without an answer and 5xx after the order was done, and shutdown
notices that force a rotation. A person (this script) raises the desk again when it fell. At the end the venues' truth
and the ledger must not differ by a unit. Prints one JSON line; exit 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live_material import COMMAND, configuration, differences, environment, run_of, served, start_live, truth

from crossbook.desk.control import scope_name
from crossbook.desk.journal import read_journal
from crossbook.ledger.ledger import Ledger
from crossbook.types import Level

FAULTS = """
seed = {seed}
[[fault]]
kind = "duplicate"
chance = "0.01"
[[fault]]
kind = "reorder"
stream = "market"
chance = "0.005"
[[fault]]
kind = "reorder"
stream = "user"
chance = "0.02"
[[fault]]
kind = "429"
chance = "0.002"
retry_after_s = 2
[[fault]]
kind = "no_answer"
route = "trade"
chance = "0.01"
[[fault]]
kind = "error_after"
route = "trade"
chance = "0.01"
[[fault]]
kind = "disconnect"
stream = "market"
every_s = 170
[[fault]]
kind = "disconnect"
stream = "user"
every_s = 230
[[fault]]
kind = "disconnect"
stream = "api"
every_s = 290
[[fault]]
kind = "shutdown"
venue = "binance_spot"
every_s = 600
delay_ms = 5000
[[fault]]
kind = "shutdown"
venue = "binance_usdm"
every_s = 700
delay_ms = 5000
"""


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def soak(minutes: float, seed: int, folder: Path) -> dict[str, Any]:
    """One campaign; its facts."""
    (folder / "config.toml").write_text(configuration("unknown_orders_max = 4\nholds_per_h_max = 6\n"))
    raised, memory = 0, []
    with served(folder, seed, FAULTS.format(seed=seed)) as said:
        process = start_live(folder, minutes * 60)
        run = run_of(folder)
        began = time.monotonic()
        while process.poll() is None:
            time.sleep(10)
            raised += raise_again(run)
            if process.poll() is None:
                memory.append((memory_mib(process.pid), memory_mib(said["pid"])))
        known = truth(said)
    lines = (folder / "live.err").read_text().splitlines()
    summary = json.loads((folder / "live.json").read_text() or "{}")
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "exit": process.returncode,
        "differences": differences(run, known),
        "fills": {label: len(there["fills"]) for label, there in known["venues"].items()},
        "events": summary.get("events"),
        "events_per_s": round((summary.get("events") or 0) / (minutes * 60), 1),
        "raised_by_hand": raised,
        "alerts": sum("alert" in line for line in lines),
        "streams_lost": sum("stream down" in line for line in lines),
        "orders_unknown": sum("is unknown" in line for line in lines),
        "memory_desk_mib": [round(memory[k][0]) for k in (0, len(memory) // 2, -1)] if memory else [],
        "memory_venues_mib": [round(memory[k][1]) for k in (0, len(memory) // 2, -1)] if memory else [],
        "breaks": sum("break " in line for line in lines),
        "last_words": lines[-3:],
    }


def raise_again(run: Path) -> int:
    """What a person would do who looks every ten seconds: raise whatever fell, if it may be raised."""
    ledger = Ledger.of(payload for _, payload in read_journal(run / "journal"))
    done = 0
    for (scope, index), level in ledger.levels.items():
        if level != Level.ACTIVE:
            step = "CLOSE_ONLY" if level == Level.KILLED else "ACTIVE"
            words = ["level", str(run), "raise", scope_name(scope, index, ledger.declaration), step, "--reason", "soak"]
            done += not subprocess.run(
                [*COMMAND, *words], capture_output=True, env=environment(), check=False
            ).returncode  # fmt: skip
    return done


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    place = given.folder or Path(tempfile.mkdtemp())
    place.mkdir(parents=True, exist_ok=True)
    found = soak(given.minutes, given.seed, place)
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(bool(found["differences"]) or found["exit"] != 0)
