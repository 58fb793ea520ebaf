"""Runs on live streams from the command line: `live`, and `paper --env`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from crossbook import __version__
from crossbook.cli.paging import page_beside
from crossbook.cli.running import keep_config, print_json, print_proof, say
from crossbook.desk.config import load_config
from crossbook.desk.connections import (
    Place,
    identity,
    identity_line,
    load_connections,
    public_places,
    served_places,
    served_urls,
)
from crossbook.desk.gateways import make_gateway
from crossbook.desk.journal import JournalWriter
from crossbook.desk.live_resume import resume
from crossbook.desk.live_run import LiveRun, fingerprint, live_facts, symbols_of
from crossbook.desk.runs import find_run, new_run, read_run, write_run
from crossbook.desk.sockets import Rim
from crossbook.desk.summary import summarise
from crossbook.desk.view import print_summary
from crossbook.desk.warm import compiled
from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.endpoints import Environment


def go_live(
    path: Path, environment: Environment, connections: Path, served: Path | None, *, runs: Path,
    seconds: float | None, spinning: bool, as_json: bool, page: bool = False,
) -> None:  # fmt: skip
    """Trade at the venues that a file of connections names, or that are served on this machine."""
    places = _places(path, environment, connections, served)
    reached = {"served": str(served.resolve())} if served else {"connections": str(connections.resolve())}
    _go(path, environment, places, "live", runs, seconds, spinning, as_json, reached, page)


def check_live(path: Path, environment: Environment, connections: Path, served: Path | None, *, as_json: bool) -> None:
    """Say which account and key would go to which venue. Nothing is sent."""
    places = _places(path, environment, connections, served).values()
    if as_json:
        print_json({"venues": {place.venue.label: identity(place) for place in places}})
    else:
        typer.echo("\n".join(map(identity_line, places)))


def _places(path: Path, environment: Environment, connections: Path, served: Path | None) -> dict[Venue, Place]:
    venues = symbols_of(load_config(path))
    return served_places(served, venues) if served else load_connections(connections, environment, venues)


def go_paper(
    path: Path, environment: Environment, served: Path | None, *, runs: Path, seconds: float | None, as_json: bool,
    page: bool = False,
) -> None:  # fmt: skip
    """Trade live streams on paper: no key, no account."""
    venues = symbols_of(load_config(path))
    places = public_places(environment, venues, served_urls(served, venues) if served else {})
    _go(path, environment, places, "paper", runs, seconds, False, as_json, {}, page)


def resume_live(
    name: str, environment: str, connections: Path | None, served: Path | None, *, runs: Path,
    seconds: float | None, spinning: bool, as_json: bool, page: bool = False,
) -> None:  # fmt: skip
    """Go on with a live run that was killed, with the account that it traded with. Raises `Refused` where that cannot
    be, `Corrupt` where what it kept does not fit together."""
    folder = find_run(name, runs)
    facts = read_run(folder)
    if facts.get("mode") != "live" or "run_s" not in facts:
        raise Refused(f"run {folder.name} is no live run that can be gone on with")
    if facts.get("complete"):
        raise Refused(f"run {folder.name} has ended: begin a new one with crossbook live CONFIG")
    if facts["version"] != __version__:
        raise Refused(f"run {folder.name} was begun by crossbook {facts['version']}, this is {__version__}: use that")
    where = Environment(facts["environment"])
    if environment not in ("", where.value):
        raise Refused(f"run {folder.name} trades at {where.value}, not at {environment}")
    config = load_config(folder / "config.toml")
    places = _places_again(facts, where, connections, served, symbols_of(config))
    _say_who_goes_where(places)
    with compiled(say):
        pass
    with closing(JournalWriter(folder / "journal")) as writer:
        resumed = resume(folder)
        say(f"run {folder.name}: stands where it was cut off, {len(resumed.open_orders)} orders to ask about")
        rim = Rim(spinning=spinning)
        make = make_gateway(rim.ports, config, facts["run_s"])
        run = LiveRun(config, places, make, rim, say, on_paper=False, seconds=seconds)
        run.look_again(resumed, facts["accounts"])
        with page_beside(folder, runs, say, wanted=page):
            run.go(folder, writer)
    _sum_up(run, folder, facts, as_json)


def _places_again(
    facts: dict[str, Any], environment: Environment, connections: Path | None, served: Path | None,
    venues: Mapping[Venue, tuple[str, ...]],
) -> dict[Venue, Place]:  # fmt: skip
    """Where the run traded, unless other files are named now."""
    if served is None and connections is None:
        served = Path(facts["served"]) if "served" in facts else None
        connections = Path(facts["connections"]) if "connections" in facts else None
    if served is not None:
        if environment is not Environment.LOCAL or connections is not None:
            raise Refused("--served is of venues on this machine: of a run with --env local, and no --connections")
        return served_places(served, venues)
    assert connections is not None
    return load_connections(connections, environment, venues)


def _go(
    path: Path, environment: Environment, places: Mapping[Venue, Place], mode: str, runs: Path,
    seconds: float | None, spinning: bool, as_json: bool, reached: dict[str, str], page: bool,
) -> None:  # fmt: skip
    config = load_config(path)
    _say_who_goes_where(places)
    with compiled(say):
        pass
    rim = Rim(spinning=spinning)
    run_s = rim.ports.clock.now_ns() // NS_PER_S
    run = LiveRun(
        config, places, make_gateway(rim.ports, config, run_s), rim, say, on_paper=mode == "paper", seconds=seconds
    )
    bundle = run.look()
    folder = new_run(mode, runs)
    keep_config(config, path, folder)
    facts = live_facts(folder, path, bundle, mode, environment.value, run_s) | reached
    facts |= {"keys": fingerprint(list(places.values())), "accounts": run.accounts()}
    write_run(folder, facts | {"complete": False})
    say(f"run {folder.name}: {mode} on {environment.value}; Ctrl-C ends it cleanly")
    with page_beside(folder, runs, say, wanted=page):
        run.go(folder)
    _sum_up(run, folder, facts, as_json)


def _say_who_goes_where(places: Mapping[Venue, Place]) -> None:
    for place in places.values():
        say(identity_line(place))


def _sum_up(run: LiveRun, folder: Path, facts: dict[str, Any], as_json: bool) -> None:
    assert run.desk is not None
    facts |= {"frames": run.desk.frames, "events": run.desk.steps, "events_per_s": None, "complete": run.desk.ended}
    facts["tick_to_decision"] = run.desk.times.told()
    summary = summarise(folder, facts)
    write_run(folder, summary | {"figures": summary["metrics"]})
    if as_json:
        print_json(summary)
        return
    print_summary(summary, folder)
    print_proof(folder)
