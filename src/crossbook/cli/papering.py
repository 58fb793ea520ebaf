"""Run a paper desk from the command line, from its beginning or from where it was stopped or cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossbook.cli.paging import page_beside
from crossbook.cli.running import close_run, open_run, say
from crossbook.desk.config import Config, load_config
from crossbook.desk.live_view import HOW_IT_STOPS, LiveView
from crossbook.desk.paper import run_paper
from crossbook.desk.runs import begun, find_run, read_run, write_run
from crossbook.desk.view import screen
from crossbook.desk.warm import compiled
from crossbook.desk.wire import Bundle, wire
from crossbook.errors import Refused
from crossbook.tape.tape import open_tape


def begin_paper(
    config: Path,
    tape: Path,
    *,
    runs: Path,
    speed: float | None,
    strict: bool = False,
    as_json: bool = False,
    page: bool = False,
) -> None:
    """A new run. Raises `Refused` as `load_config`, `open_tape` and `wire` do."""
    wanted = load_config(config)
    bundle, folder, facts = open_run(wanted, config, open_tape(tape), word="paper", runs=runs, strict=strict)
    with page_beside(folder, runs, say, wanted=page):
        _go(wanted, bundle, folder, facts, speed, as_json)


def resume_paper(
    run: str, *, runs: Path, speed: float | None, finish: bool = False, as_json: bool = False, page: bool = False
) -> None:
    """Go on with a run that was stopped or cut off, or (`finish`) end it where its journal ends. Raises `Refused` if
    there is nothing to go on with, `Corrupt` where the entries of its journal do not come again."""
    folder = find_run(run, runs)
    facts = read_run(folder)
    if facts.get("word") != "paper":
        raise Refused(f"run {folder.name} is no paper run: only those are resumed")
    if facts.get("complete"):
        raise Refused(f"run {folder.name} has ended: begin a new one with crossbook paper CONFIG --tape DIR")
    config = load_config(folder / "config.toml")
    tape = open_tape(Path(facts["tape"]))
    if tape.content_hash != facts.get("tape_hash"):
        raise Refused(f"tape {facts['tape']} is not the one that run {folder.name} began with; bring that one back")
    bundle = wire(config, tape)
    with compiled(say):
        pass
    with page_beside(folder, runs, say, wanted=page):
        _go(config, bundle, folder, facts, speed, as_json, finish)


def _go(
    config: Config,
    bundle: Bundle,
    folder: Path,
    facts: dict[str, Any],
    speed: float | None,
    as_json: bool,
    finish: bool = False,
) -> None:
    view = None
    console = screen()
    if speed is not None and console.is_terminal and not (as_json or finish):
        view = LiveView(bundle, folder.name, "paper", speed, console, HOW_IT_STOPS)

    def going_on() -> None:
        write_run(folder, begun(facts))

    paper = run_paper(bundle, folder, speed, say, view=view, finish=finish, going_on=going_on)
    if not paper.caught_up:
        say(f"stopped while catching up; nothing was written: crossbook paper --resume {folder.name}")
        raise SystemExit(1)
    if paper.stopped:
        say(f"stopped on request; the journal is complete up to here: crossbook paper --resume {folder.name} goes on")
    close_run(config, bundle, folder, begun(facts), paper.replay, as_json)
