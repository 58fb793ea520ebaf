"""The desk trades over the wire at venues served in another process; at the end both know the same to the last unit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_material import configuration, differences, run_of, served, start_live, truth


@pytest.mark.timeout(180)
def test_the_ledger_equals_the_venues_truth(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(configuration())
    with served(tmp_path, seed=7) as said:
        process = start_live(tmp_path, 62)
        assert process.wait(150) == 0, (tmp_path / "live.err").read_text()
        known = truth(said)
    run = run_of(tmp_path)
    assert not differences(run, known)
    summary = json.loads((tmp_path / "live.json").read_text())
    assert summary["mode"] == "live" and summary["environment"] == "local" and summary["complete"]
    assert sum(len(there["fills"]) for there in known["venues"].values()) >= 10
    assert not [name for name, one in summary["metrics"].items() if one.get("residual")]
    assert (run / "latency.bin").stat().st_size > 0
