"""What a run came to, read back from its journal: the one object that every command prints or shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossbook.commands import Reason
from crossbook.desk.journal import journal_sha256, read_journal
from crossbook.desk.latency import read_latency
from crossbook.ledger.figure import Figure, for_json
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures


def ledger_of(folder: Path) -> Ledger:
    """The books of a run, folded from its journal."""
    return Ledger.of(payload for _, payload in read_journal(folder / "journal"))


def strategy_rows(ledger: Ledger, known: dict[str, Figure]) -> dict[str, dict[str, Any]]:
    """A row for each strategy, whether it traded or not."""
    rows = {}
    for number, name in enumerate(ledger.declaration.strategies):
        rows[name] = {
            "name": name,
            "level": ledger.level_of(number).name,
            "pnl": for_json(known[f"pnl.total.{name}"]).value,
            "round_trips": known[f"round_trips.{name}"].value,
            "wins": known[f"wins.{name}"].value,
            "orders": known[f"orders.{name}"].value,
            "fills": known[f"fills.{name}"].value,
            "fill_rate": for_json(known[f"fill_rate.quantity.{name}"]).value,
        }
    return rows


def denial_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Why the gate said no, most frequent first."""
    names = ledger.declaration.strategies
    counted = sorted(ledger.counts.denials.items(), key=lambda item: -item[1])
    return [
        {"strategy": names[strategy] if strategy >= 0 else None, "reason": Reason(reason).name, "count": count}
        for (strategy, reason), count in counted
    ]


def summarise(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """The summary of a run: `facts` of the run itself, then what its journal and stamps say."""
    ledger = ledger_of(folder)
    known = figures(ledger, read_latency(folder))
    declaration = ledger.declaration
    return {
        **facts,
        "mode": declaration.mode,
        "physics": declaration.physics,
        "journal_sha256": journal_sha256(folder / "journal"),
        "strategies": strategy_rows(ledger, known),
        "metrics": {name: for_json(figure) for name, figure in known.items()},
        "denials": denial_rows(ledger),
        "controls_off": declaration.controls_off,
    }
