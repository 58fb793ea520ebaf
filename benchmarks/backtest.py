"""Whole backtests through the engine, journal and simulated venues on: steps over wall time from first to last."""

from __future__ import annotations

import statistics
import tempfile
from decimal import Decimal
from pathlib import Path

from tables import NOT_THERE, ROOT, SHARED, Row, present

from crossbook.desk.config import load_config
from crossbook.desk.journal import JournalWriter
from crossbook.desk.market import generated_tape
from crossbook.desk.replay import Replay
from crossbook.desk.wire import wire
from crossbook.tape.importer import Options, import_tape
from crossbook.tape.tape import Tape, open_tape

RAW = SHARED / "data" / "l2" / "binance_raw_hftbacktest"
RECORDED = ("spot/*_202408*.gz", "usdm/*_202408*.gz")
SEED = 1
MINUTES = Decimal(10)
REPEATS = 3
ASKED = ">= 150,000"


def events_per_s(case: str, config_name: str, tape: Tape) -> Row:
    """The row of a configuration over a tape, the median of several runs."""
    config = load_config(ROOT / "configs" / config_name)
    rates = []
    for _ in range(1 + REPEATS):  # the first compiles
        bundle = wire(config, tape)
        with tempfile.TemporaryDirectory() as folder, JournalWriter(Path(folder) / "journal") as journal:
            replay = Replay(bundle, journal)
            replay.run()
            entries = journal.sequence
        rates.append(replay.progress.events_per_s or 0)
    rate = statistics.median(rates[1:])
    return {
        "case": case,
        "events": replay.progress.steps,
        "orders": int(bundle.engine.desk["counters"]["orders"].sum()),
        "entries": entries,
        "events_per_s": round(rate),
        "asked": ASKED,
    }


def measure() -> list[Row]:
    desk = load_config(ROOT / "configs" / "desk.toml")
    rows = [events_per_s(f"generated {MINUTES} min, desk", "desk.toml", generated_tape(desk, SEED, MINUTES))]
    cases = (("recorded 2024-08-08, arbitrage", "arbitrage.toml"), ("recorded 2024-08-08, physics", "physics.toml"))
    files = sorted(path for pattern in RECORDED for path in RAW.glob(pattern))
    if not files:
        return rows + [{"case": case, "note": NOT_THERE} for case, _ in cases]
    with tempfile.TemporaryDirectory() as folder:
        import_tape(files, Path(folder) / "tape", Options())
        tape = open_tape(Path(folder) / "tape")
        return rows + [events_per_s(case, config, tape) for case, config in cases]


if __name__ == "__main__":
    present(__file__, __doc__, measure, "events_per_s")
