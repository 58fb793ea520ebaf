"""A live run is killed while its orders fly, and gone on with; at the end the venues and its ledger know the same."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_material import COMMAND, configuration, differences, environment, run_of, served, start_live, truth

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, OutKind
from crossbook.desk.journal import read_journal
from crossbook.ledger.entries import OUT_TAG, TEXT_TAG, OutRow, decode_out, decode_text, kind_of
from crossbook.ledger.ledger import Ledger

SEED = 7
FAULTS = """
[[fault]]
kind = "slow"
route = "trade"
chance = "1"
delay_ms = 400
"""
"""Every order is under way for so long: a kill finds some that the venue will take only after it."""
LIMITS = "holds_per_h_max = 6\nunknown_orders_max = 4\n"


@pytest.mark.timeout(300)
def test_a_killed_run_goes_on_and_the_ledger_equals_the_venues_truth(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(configuration(LIMITS))
    chance = random.Random(SEED)
    held = []
    with served(tmp_path, SEED, FAULTS) as said:
        process = start_live(tmp_path, 600)
        run = run_of(tmp_path, 60)
        for kill, seconds in ((_kill_while_it_holds, 600), (_kill_while_orders_fly, 30)):
            kill(process, run, chance)
            held.append(_held(run))
            process = _resume(tmp_path, run, seconds)
        assert process.wait(120) == 0, (tmp_path / "live.err").read_text()
        known = truth(said)
    assert not differences(run, known)
    assert [words["restart"] for words in _texts(run) if "restart" in words] == [1, 2]
    assert not _doubled(known)
    summary = json.loads((tmp_path / "live.json").read_text())
    assert summary["complete"] and not [name for name, one in summary["metrics"].items() if one.get("residual")]
    for number, open_then in enumerate(held, 1):
        assert open_then or number == 2
        assert open_then <= _closed_after(run, number)


def _kill_while_it_holds(process: subprocess.Popen[str], run: Path, chance: random.Random) -> None:
    """Kill the run at a random moment while a strategy holds a pair."""
    _until(lambda: process.poll() is not None or bool(_orders(run) and _held(run)))
    time.sleep(chance.random())
    _kill(process, run)


def _kill(process: subprocess.Popen[str], run: Path) -> None:
    assert process.poll() is None, (run.parents[1] / "live.err").read_text()
    process.kill()
    process.wait()


def _kill_while_orders_fly(process: subprocess.Popen[str], run: Path, chance: random.Random) -> None:
    """Kill the run at a random moment soon after one of the orders that it sends from now on."""
    wanted = len(_orders(run)) + 1 + chance.randrange(6)
    _until(lambda: process.poll() is not None or len(_orders(run)) >= wanted)
    time.sleep(chance.random() / 5)
    _kill(process, run)


def _resume(folder: Path, run: Path, seconds: float) -> subprocess.Popen[str]:
    with (folder / "live.err").open("a") as err, (folder / "live.json").open("w") as out:
        return subprocess.Popen(
            [*COMMAND, "live", "--resume", str(run), "--seconds", str(seconds), "--json"],
            stdout=out, stderr=err, text=True, env=environment(),
        )  # fmt: skip


def _until(true: Callable[[], bool], within_s: float = 90) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _entries(run: Path) -> Iterator[bytes]:
    return (payload for _, payload in read_journal(run / "journal"))


def _texts(run: Path) -> list[dict[str, Any]]:
    return [decode_text(payload) for payload in _entries(run) if payload[0] == TEXT_TAG]


def _orders(run: Path) -> list[OutRow]:
    return [
        decode_out(payload)
        for payload in _entries(run)
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.SUBMIT_ORDER
    ]


def _held(run: Path) -> set[tuple[int, int]]:
    """Which strategies hold something in which pairs: what a restart has to remember."""
    ledger = Ledger.of(_entries(run))
    return {book for book, trip in ledger.trips.open.items() if not trip.is_flat}


def _closed_after(run: Path, restart: int) -> set[tuple[int, int]]:
    """Which strategies sent an order that closes, in which pair, after so many restarts."""
    seen, closed = 0, set()
    for payload in _entries(run):
        if payload[0] == TEXT_TAG:
            seen += "restart" in decode_text(payload)
        elif payload[0] == OUT_TAG and kind_of(payload) == OutKind.SUBMIT_ORDER and seen >= restart:
            row = decode_out(payload)
            if row.flags & (FLAG_CLOSING | FLAG_HEDGE):
                closed.add((row.strategy, row.pair))
    return closed


def _doubled(known: dict[str, Any]) -> list[str]:
    """Orders of ours that a venue took twice."""
    numbers: dict[str, set[int]] = {}
    for there in known["venues"].values():
        for fill in there["fills"]:
            numbers.setdefault(fill["client_order_id"], set()).add(fill["venue_order_id"])
    return [name for name, found in numbers.items() if len(found) > 1]
