"""Ask something of a running desk and print what came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from crossbook.desk.control import Request, ask, check_direction, check_request, is_alive, levels_of
from crossbook.desk.journal import read_journal
from crossbook.desk.runs import find_run
from crossbook.errors import Refused
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import DECLARATION_TAG
from crossbook.types import Level, Scope


def ask_run(run: str, request: Request, *, runs: Path, as_json: bool) -> None:
    """Check a request against what the run's journal says, put it to the run, print the outcome; exit 1 if the desk
    refused it. Raises `Refused` for one that makes no sense, or if the run does not run."""
    folder = find_run(run, runs)
    if not is_alive(folder):
        raise Refused(f"run {folder.name} is not running, so nobody would act on it; `crossbook status` lists the runs")
    entries = (payload for _, payload in read_journal(folder / "journal"))
    first = next(entries, b"")
    if first[:1] != bytes([DECLARATION_TAG]):
        raise Refused(f"run {folder.name} is only beginning; ask again in a moment")
    scope, index, level = check_request(request, Declaration.from_json(first[1:]))
    present = levels_of(entries).get((Scope(scope), index), Level.ACTIVE)
    check_direction(request, present, level)
    outcome = ask(folder, request)
    if as_json:
        answer = {"run": folder.name, **msgspec.structs.asdict(request), "outcome": outcome}
        typer.echo(msgspec.json.encode(answer).decode())
    else:
        typer.echo(outcome.text)
    if not outcome.ok:
        raise typer.Exit(1)
