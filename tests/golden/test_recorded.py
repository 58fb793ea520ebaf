"""The recorded window 2024-08-08 23:54:15-23:59:59, spot and USD-M, BTC and ETH: honest at real fees, busy at none."""

from __future__ import annotations

from pathlib import Path

import desk_material as make
import pytest
from unit.tape_material import RAW, SHARED

from crossbook.cli.running import edges
from crossbook.desk.config import load_config
from crossbook.desk.summary import strategy_rows
from crossbook.desk.wire import wire
from crossbook.ledger.metrics import figures
from crossbook.report.prove import prove_run
from crossbook.tape.importer import import_tape
from crossbook.tape.tape import Tape, open_tape
from crossbook.timestamp import iso

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = [f"{venue}/{coin}usdt_20240808.gz" for venue in ("spot", "usdm") for coin in ("btc", "eth")]

pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason=f"no recordings at {SHARED}")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The four recordings as one tape."""
    folder = tmp_path_factory.mktemp("recorded") / "tape"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crossbook.tape.tape.cache_root", lambda: folder.parent / "cache")
        import_tape([RAW / name for name in FILES], folder)
        return open_tape(folder)


def test_at_real_fees_nothing_pays_and_the_reason_is_shown(tape: Tape, tmp_path: Path) -> None:
    config = load_config(CONFIGS / "arbitrage.toml")
    run = make.run(config, tape, tmp_path)
    found = figures(run.ledger())
    assert (found["orders"].value, found["round_trips"].value, found["pnl.total.v0"].value) == (0, 0, 0)
    assert strategy_rows(run.ledger(), found)["v0"]["level"] == "ACTIVE"
    seen = {(row["pair"], row["buy"].split(":")[0]): row for row in edges(config, run.bundle)}
    for pair, best in (("BTC", 11), ("ETH", 7)):
        dear_spot, dear_perp = seen[pair, "binance_usdm"], seen[pair, "binance_spot"]
        assert int(dear_spot["best_edge_bps"]) == best and dear_perp["best_edge_bps"] < 1
        for row in (dear_spot, dear_perp):
            assert 14.9 < row["entry_fees_bps"] < 15.1
            assert row["moments_above_entry_fees"] == 0 < row["moments"]
    assert prove_run(tmp_path).ok


def test_without_fees_the_machine_is_exercised(tape: Tape, tmp_path: Path) -> None:
    config = load_config(CONFIGS / "physics.toml")
    run = make.run(config, tape, tmp_path / "first")
    ledger = run.ledger()
    orders = ledger.counts.orders.values()
    assert len(orders) >= 100
    assert any(0 < order.filled < order.lots for order in orders)
    assert sum(order.filled == 0 for order in orders) >= 3  # a leg that failed while the other filled
    assert figures(ledger)["unhedged.time_max"].value > 0
    assert ledger.declaration.physics and {"C10", "C13"} <= set(ledger.declaration.controls_off)
    proof = prove_run(tmp_path / "first")
    assert proof.ok and not [name for name, one in proof.figures.items() if one.residual not in (0, None)]
    again = make.run(config, tape, tmp_path / "again")
    assert again.sha256() == run.sha256()


def test_the_whole_window_is_there(tape: Tape) -> None:
    assert iso(tape.manifest.first_ns)[:19] == "2024-08-08T23:54:14"  # its clock is a second behind
    assert iso(tape.manifest.last_ns)[:19] == "2024-08-08T23:59:59"
    bundle = wire(load_config(CONFIGS / "arbitrage.toml"), tape)
    assert bundle.not_traded == [] and len(bundle.declaration.pairs) == 2
