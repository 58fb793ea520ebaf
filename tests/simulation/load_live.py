"""Many messages for minutes, venues and desk on a core each: `python tests/simulation/load_live.py --minutes 10`.

The served market runs faster than real time. Prints one JSON line: messages a second, tick to decision (receipt of a
frame to the end of its decision, of every frame) and memory; exit 1 if p99 is 5 ms or more, or the books differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live_material import configuration, differences, run_of, served, start_live, truth
from soak_live import memory_mib

P99_NS_MAX = 5_000_000


def load(minutes: float, speed: int, folder: Path) -> dict[str, Any]:
    """One campaign; its facts."""
    (folder / "config.toml").write_text(configuration())
    memory = []
    with served(folder, 5, cores="1", speed=speed) as said:
        process = start_live(folder, minutes * 60, cores="0")
        run = run_of(folder)
        while process.poll() is None:
            time.sleep(5)
            if process.poll() is None:
                memory.append((memory_mib(process.pid), memory_mib(said["pid"])))
        known = truth(said)
    summary = json.loads((folder / "live.json").read_text() or "{}")
    at = sorted({0, len(memory) // 4, len(memory) // 2, len(memory) - 1})
    return {
        "minutes": minutes,
        "exit": process.returncode,
        "frames_per_s": round((summary.get("frames") or 0) / (minutes * 60)),
        "tick_to_decision": summary.get("tick_to_decision"),
        "memory_desk_mib": [round(memory[k][0]) for k in at],
        "memory_venues_mib": [round(memory[k][1]) for k in at],
        "fills": sum(len(there["fills"]) for there in known["venues"].values()),
        "differences": differences(run, known),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--speed", type=int, default=12)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    place = given.folder or Path(tempfile.mkdtemp())
    place.mkdir(parents=True, exist_ok=True)
    found = load(given.minutes, given.speed, place)
    sys.stdout.write(json.dumps(found) + "\n")
    p99 = (found["tick_to_decision"] or {}).get("p99_ns")
    sys.exit(bool(found["differences"]) or found["exit"] != 0 or p99 is None or p99 >= P99_NS_MAX)
