"""Prove: a whole run has residual 0; a mark, figure, counter or byte that was changed is found."""

# ruff: noqa: N802  (laws keep their numbers: L01)
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from laws import journals
from laws.journals import DECLARATION, LINEAR, SPOT, entries, opened, out

from crossbook.commands import OutKind
from crossbook.desk.journal import JournalWriter, journal_sha256, read_journal
from crossbook.desk.latency import LatencySink, read_latency
from crossbook.desk.runs import write_run
from crossbook.errors import Corrupt, Refused
from crossbook.events import FLAG_LAST, EventKind
from crossbook.ledger.figure import figures_json, for_json
from crossbook.ledger.hops import Hop
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.report.prove import Proof, prove_run
from crossbook.rules.layout import EVENT
from crossbook.tape.tape import manifest_of, tape_of_rows, write_tape
from crossbook.types import Instrument

ORDER = {
    "op": "order", "lots": 100, "extra": 20, "decision": 6_000_000, "arrival": 6_000_000, "fee": 100,
    "fee_asset": journals.USDT, "strategy": 0,
}  # fmt: skip
STEPS = [
    (5, ORDER | {"instrument": SPOT, "side": 0, "price": 6_000_001}),
    (1, ORDER | {"instrument": LINEAR, "side": 1, "price": 600_100, "lots": 1, "decision": 0, "arrival": 0}),
    (9, {"op": "mark", "instrument": SPOT, "bid": 6_001_000, "ask": 6_001_001}),
    (0, {"op": "mark", "instrument": LINEAR, "bid": 600_000, "ask": 600_010}),
]


def tape_rows(timed: list) -> np.ndarray:
    """A quote for each mark, at the mark's own stamp; the second at one stamp follows the first."""
    marks = [(ts, op) for ts, op in timed if op["op"] == "mark"]
    rows = np.zeros(len(marks), EVENT)
    for number, (row, (ts, op)) in enumerate(zip(rows, marks, strict=True)):
        row["kind"], row["flags"], row["id"] = int(EventKind.QUOTE), FLAG_LAST, number + 1
        row["ts"] = row["ts_venue"] = ts
        row["instrument"], row["price"], row["price2"] = op["instrument"], op["bid"], op["ask"]
        row["lots"] = row["lots2"] = 5
    return rows


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder as the desk leaves it."""
    timed = opened(STEPS)
    folder = tmp_path / "runs" / "one"
    payloads = entries(timed)
    with JournalWriter(folder / "journal", segment_bytes=4096) as writer:
        for payload in payloads:
            writer.append(payload)
    plain = [
        Instrument(**{f: getattr(one, f) for f in Instrument.__struct_fields__}) for one in DECLARATION.instruments
    ]
    tape = tape_of_rows(plain, tape_rows(timed))
    write_tape(folder / "tape", tape.rows, manifest_of(tape.instruments, tape.rows, tape.starts))
    sink = LatencySink(folder / "latency.bin")
    for hop in Hop:
        sink.stamp(hop)
        if hop is Hop.DECIDED:
            sink.trace(6)
    sink.stamp(Hop.RECEIVED)
    sink.flush()
    restate(folder)
    return folder


def restate(folder: Path, **changes: object) -> None:
    """Write `run.json` as the desk does."""
    known = figures(Ledger.of(payload for _, payload in read_journal(folder / "journal")), read_latency(folder))
    shown = {name: for_json(figure) for name, figure in known.items()}
    facts = {"run": "one", "tape": "tape", "figures": shown, "journal_sha256": journal_sha256(folder / "journal")}
    write_run(folder, facts | changes)


def rewrite(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Write the journal anew with each payload changed by `change`."""
    payloads = [payload for _, payload in read_journal(folder / "journal")]
    for path in (folder / "journal").iterdir():
        path.unlink()
    with JournalWriter(folder / "journal", segment_bytes=4096) as writer:
        for payload in payloads:
            writer.append(change(payload))


def test_a_whole_run_is_proved(run: Path) -> None:
    proof = prove_run(run)
    assert proof.ok and proof.differing() == [] and "every residual is 0" in proof.sentence()
    assert proof.figures["marks.unexplained"].residual == 0 and proof.figures["marks.unexplained"].n == 7
    assert proof.figures["latency.tick_to_wire.p50"].n == 1
    assert all(check.ok for check in proof.checks)


def test_L17_prove_and_the_run_show_the_same_bytes(run: Path) -> None:
    stated = msgspec.json.decode((run / "run.json").read_bytes(), type=dict[str, msgspec.Raw])
    proof = prove_run(run)
    shown = {name: figure for name, figure in proof.figures.items() if name != "marks.unexplained"}
    again = json.loads(figures_json(shown), parse_float=Decimal)
    before = json.loads(bytes(stated["figures"]), parse_float=Decimal)
    for name, figure in before.items():
        assert again[name] | {"residual": None} == figure | {"residual": None}, name


def test_without_stamps_a_latency_is_not_a_number(run: Path) -> None:
    (run / "latency.bin").unlink()
    restate(run)
    proof = prove_run(run)
    assert proof.ok
    for name, figure in proof.figures.items():
        if name.startswith("latency."):
            assert (figure.value, figure.n, figure.residual) == (None, 0, None)


@pytest.mark.parametrize("name", ["nav", "pnl.total.v0", "orders", "win_rate", "latency.written.p99", "breaks"])
def test_a_figure_shown_otherwise_is_found(run: Path, name: str) -> None:
    facts = json.loads((run / "run.json").read_bytes(), parse_float=Decimal)
    value = facts["figures"][name]["value"]
    facts["figures"][name]["value"] = 1 if value is None else value + 1
    write_run(run, facts)
    proof = prove_run(run)
    assert not proof.ok and proof.differing() == [name] and proof.figures[name].residual == 1


def test_a_mark_that_the_tape_does_not_show_is_found(run: Path) -> None:
    rewrite(run, lambda payload: payload)
    assert prove_run(run).ok
    before = [op for op in opened(STEPS) if op[1]["op"] == "mark"][-2]
    moved = out(OutKind.MARKED, before[0], strategy=-1, instrument=SPOT, price=6_001_000, lots=6_001_001)
    rewrite(run, lambda payload: _shift(payload, moved))
    restate(run)
    proof = prove_run(run)
    assert proof.differing() == ["marks.unexplained", "marks on the tape"]
    assert "the first at" in proof.checks[-1].text


def _shift(payload: bytes, mark: bytes) -> bytes:
    """One mark stated with an ask that nobody quoted."""
    if payload != mark:
        return payload
    return payload[:33] + (int.from_bytes(payload[33:41], "little") + 1).to_bytes(8, "little") + payload[41:]


def test_damage_is_one_line_and_names_the_place(run: Path) -> None:
    path = run / "journal" / "000001.seg"
    whole = bytearray(path.read_bytes())
    whole[200] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Corrupt, match=r"000001\.seg offset"):
        prove_run(run)
    path.write_bytes(bytes(whole[:200]) + bytes([whole[200] ^ 1]) + bytes(whole[201:]))
    (run / "run.json").write_text("{")
    with pytest.raises(Corrupt, match=r"run\.json cannot be read"):
        prove_run(run)
    (run / "run.json").unlink()
    assert isinstance(prove_run(run), Proof)
    restate(run, tape="nowhere")
    with pytest.raises(Refused, match="is no tape"):
        prove_run(run)


def test_the_command_prints_json_and_says_no_by_its_exit_code(run: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from crossbook.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "prove", *words],
            cwd=run.parents[1],
            capture_output=True,
            text=True,
            check=False,
        )

    good = command("one", "--json")
    assert (good.returncode, good.stderr) == (0, "")
    told = json.loads(good.stdout, parse_float=Decimal)
    assert told["run"] == "one" and told["ok"] is True and {"metrics", "checks"} <= set(told)
    assert told["metrics"]["pnl.total"]["residual"] == 0
    restate(run, journal_sha256="0" * 64)
    wrong = command("one")
    assert wrong.returncode == 1 and "NO  journal" in wrong.stdout
    missing = command("two", "--json")
    assert missing.returncode == 2 and missing.stdout == "" and missing.stderr.count("\n") == 1
