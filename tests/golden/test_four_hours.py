"""Four hours of a generated market at real fees, from a desk near its venues: what each version earns and what it is
that it loses. Controls that would end such a run (docs/controls.md, *) are off by name, as every output says."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import desk_material as make
import msgspec
import pytest

from crossbook.desk.config import Config, load_config
from crossbook.desk.market import generated_tape
from crossbook.ledger.metrics import figures
from crossbook.report.run_report import report_run, to_markdown
from crossbook.risk.limits import SWITCHABLE
from crossbook.tape import tape as tape_module

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "desk.toml"


def near_desk() -> Config:
    """desk.toml with Hyperliquid 20 to 60 ms away, and v2 content with an expectation a basis point below zero."""
    config = load_config(CONFIG)
    replace = msgspec.structs.replace
    hyperliquid = replace(
        config.venues["hyperliquid"],
        entry_latency_us=[20_000, 25_000, 30_000, 40_000, 60_000],
        response_latency_us=[20_000, 30_000],
    )
    return replace(
        config,
        controls_off=list(SWITCHABLE),
        venues=config.venues | {"hyperliquid": hyperliquid},
        strategies=config.strategies | {"v2": replace(config.strategies["v2"], min_edge_bps=Decimal(-1))},
    )


JUDGE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from golden.test_four_hours import judge
judge(Path(sys.argv[2]))
"""


@pytest.mark.timeout(300)
def test_each_version_closes_a_hundred_round_trips_and_the_report_says_what_they_lost(tmp_path: Path) -> None:
    """In a process of its own: a market of 15 million rows beside all that other tests left in memory crawls."""
    tests = str(Path(__file__).resolve().parents[1])
    done = subprocess.run([sys.executable, "-c", JUDGE, tests, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def judge(tmp_path: Path) -> None:
    """Run the four hours and look at what came of each version."""
    tape_module.cache_root = lambda: tmp_path / "cache"
    config = near_desk()
    run = make.run(config, generated_tape(config, 11, Decimal(240)), tmp_path)
    found: dict[str, Any] = figures(run.ledger())
    for name in ("v0", "v1", "v2"):
        assert found[f"round_trips.{name}"].value >= 100, name
        causes = [found[f"pnl.cause.{cause}.{name}"].value for cause in ("edge", "latency", "slippage", "fees")]
        rest = [found[f"pnl.cause.{cause}.{name}"].value for cause in ("funding", "mark", "rounding")]
        assert sum(causes + rest) == found[f"pnl.total.{name}"].value
    assert found["pnl.total.v0"].value < found["pnl.total.v1"].value, "v0 forgets the fees of the way out"
    assert found["pnl.total.v0"].value < 0 and found["breaks"].value == 0
    assert [name for name, one in found.items() if one.residual not in (0, None)] == []
    text = to_markdown(report_run(tmp_path))
    assert "v2 - v0:" in text and "95 % interval" in text, "whether v2 loses less to latency is said, either way"
