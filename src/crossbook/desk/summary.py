"""What a run came to, read back from its journal: the one object that every command prints or shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossbook.commands import Reason
from crossbook.desk.control import scope_name
from crossbook.desk.journal import journal_sha256, read_journal
from crossbook.desk.latency import read_latency
from crossbook.ledger.entries import TEXT_TAG, decode_text
from crossbook.ledger.evidence import falls_of
from crossbook.ledger.figure import Figure, for_json
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.report.levels import again, asked, numbers
from crossbook.types import Level


def ledger_of(folder: Path, texts: list[dict[str, Any]] | None = None) -> Ledger:
    """The books of a run, folded from its journal; what it says in words is added to `texts`."""
    return Ledger.of(_entries(folder, [] if texts is None else texts))


def _entries(folder: Path, texts: list[dict[str, Any]]) -> Iterator[bytes]:
    for _, payload in read_journal(folder / "journal"):
        if payload[0] == TEXT_TAG:
            texts.append(decode_text(payload))
        yield payload


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


def transition_rows(folder: Path, ledger: Ledger) -> list[dict[str, Any]]:
    """Each change of a level with the journal entries that it stands on, and its number again from them."""
    if not ledger.levels:
        return []
    declaration = ledger.declaration
    return [
        {
            "entry": one.sequence,
            "ts": one.row.ts,
            "scope": scope_name(one.row.count_, one.row.order, declaration),
            "old": Level(one.row.price).name,
            "new": Level(one.row.lots).name,
            "reason": Reason(one.row.reason).name,
            "value": one.row.value,
            "limit": one.row.limit,
            "entries": [stand.sequence for stand in one.stands],
            "again": one.again,
            "residual": one.residual,
            "exact": one.exact,
            "request": one.request,
            "said": asked(one),
            "numbers": numbers(one),
            "stands_on": again(one),
            "sound": one.holds,
        }
        for one in falls_of(read_journal(folder / "journal"))
    ]


def summarise(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """The summary of a run: `facts` of the run itself, then what its journal and stamps say."""
    texts: list[dict[str, Any]] = []
    ledger = ledger_of(folder, texts)
    known = figures(ledger, read_latency(folder))
    declaration = ledger.declaration
    return {
        "mode": "backtest",
        **facts,
        "physics": declaration.physics,
        "journal_sha256": journal_sha256(folder / "journal"),
        "strategies": strategy_rows(ledger, known),
        "metrics": {name: for_json(figure) for name, figure in known.items()},
        "denials": denial_rows(ledger),
        "transitions": transition_rows(folder, ledger),
        "controls_off": declaration.controls_off,
        "requests": [words for words in texts if "request" in words],
        "restarts": sum("restart" in words for words in texts),
    }
