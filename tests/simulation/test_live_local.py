"""The desk trades over the wire at venues served in another process; at the end both know the same to the last unit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_material import configuration, differences, run_of, served, start_live, start_paper, truth


@pytest.mark.timeout(240)
def test_the_ledger_equals_the_venues_truth_and_a_paper_twin_sees_the_same_market(tmp_path: Path) -> None:
    """Live and, beside it, paper on the public streams: its own simulated venues are its truth."""
    (tmp_path / "config.toml").write_text(configuration())
    with served(tmp_path, seed=7) as said:
        process = start_live(tmp_path, 62)
        run_of(tmp_path)
        twin = start_paper(tmp_path, 55)
        assert process.wait(150) == 0, (tmp_path / "live.err").read_text()
        known = truth(said)
        assert twin.wait(60) == 0, (tmp_path / "paper.err").read_text()
    run = run_of(tmp_path)
    assert not differences(run, known)
    live = json.loads((tmp_path / "live.json").read_text())
    assert live["mode"] == "live" and live["environment"] == "local" and live["complete"]
    assert sum(len(there["fills"]) for there in known["venues"].values()) >= 10
    assert (run / "latency.bin").stat().st_size > 0
    paper = json.loads((tmp_path / "paper.json").read_text())
    assert paper["mode"] == "paper" and paper["complete"]
    for summary in (live, paper):
        assert not [name for name, one in summary["metrics"].items() if one.get("residual")]
        assert summary["metrics"]["breaks"]["value"] == 0
    assert paper["metrics"]["fills"]["value"] > 0
