"""What the benchmarks share: one table, the ratio to the committed baseline, `--json`, `--save`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CROSSBOOK_SHARED") or ROOT / ".." / "shared")
BASELINES = Path(__file__).parent / "baselines"
NOT_THERE = "not there"

Row = dict[str, Any]
"""One case: `case`, its figures with the unit last in their names, and what is `asked` of it, in words."""


def present(script: str, title: str | None, measure: Callable[[], list[Row]], figure: str = "p50_us") -> None:
    """Measure and print one table, or one JSON object; `--save` makes the figures the baseline.

    `ratio` is the speed of a case against its baseline by `figure`, a time in us or a rate per second: above 1 is
    faster. A case that could not be measured says so in `note` instead of figures.
    """
    name = Path(script).stem
    parser = argparse.ArgumentParser(prog=f"benchmarks/{name}.py", description=title)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--save", action="store_true", help=f"write benchmarks/baselines/{name}.json")
    options = parser.parse_args()
    path = BASELINES / f"{name}.json"
    baseline = json.loads(path.read_text()) if path.is_file() else {"rows": []}
    before = {row["case"]: row.get(figure) for row in baseline["rows"]}
    rows = measure()
    head = {"name": name, "machine": machine(), "date": time.strftime("%Y-%m-%d", time.gmtime())}
    with_ratio = [row | {"ratio": _ratio(row, before.get(row["case"]), figure)} for row in rows]
    if options.save:
        _save(path, head, rows)
    if options.json:
        print(json.dumps(head | {"baseline": baseline.get("date"), "rows": with_ratio}))
        return
    since = f"ratio to {baseline['date']}, {baseline['machine']}" if before else "no baseline yet"
    print(f"{(title or name).splitlines()[0].rstrip(chr(46))} ({since})")
    _print_table(name, with_ratio)


def machine() -> str:
    """What a reader needs to judge times."""
    cpu = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {cpu}, {platform.python_implementation()} {platform.python_version()}"


def quantiles(case: str, taken: Sequence[int], **figures: Any) -> Row:
    """The row of times in ns."""
    row: Row = {"case": case, "n": len(taken)}
    if not taken:
        return row | {"note": "did not happen"}
    ordered = sorted(taken)
    for word, share in (("p50_us", 0.5), ("p99_us", 0.99), ("p99.9_us", 0.999)):
        row[word] = round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] / 1e3, 3)
    return row | figures


def _save(path: Path, head: dict[str, str], rows: list[Row]) -> None:
    missing = [row["case"] for row in rows if "note" in row]
    if missing:
        raise SystemExit(f"{path.name} stays as it is: not measured: {', '.join(missing)}")
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    entries = "".join(f'  "{key}": {json.dumps(value)},\n' for key, value in head.items())
    path.write_text(f'{{\n{entries}  "rows": [\n{lines}\n  ]\n}}\n')


def _ratio(row: Row, before: float | None, figure: str) -> float | None:
    now = row.get(figure)
    if not now or not before:
        return None
    return round(before / now if figure.endswith("_us") else now / before, 2)


def _print_table(name: str, rows: list[Row]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in ("case", "ratio", "asked", "note")))
    columns += ["ratio", "asked"]
    wide = max(len(name), *(len(row["case"]) for row in rows)) + 2
    print(f"{name:<{wide}}" + "".join(f"{column:>13}" for column in columns))
    for row in rows:
        cells = (
            f"{row['note']:>13}"
            if "note" in row
            else "".join(f"{_cell(row.get(column), column):>13}" for column in columns)
        )
        print(f"{row['case']:<{wide}}{cells}")
    print()


def _cell(value: Any, column: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if column.endswith("_us") else f"{value:,.2f}"
