"""Runs on live streams from the command line: `live`, and `paper --env`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossbook.cli.running import keep_config, print_json, print_proof, say
from crossbook.desk.config import load_config
from crossbook.desk.connections import Place, load_connections, public_places, served_places, served_urls
from crossbook.desk.gateways import make_gateway
from crossbook.desk.live_run import LiveRun, fingerprint, live_facts, symbols_of
from crossbook.desk.runs import new_run, write_run
from crossbook.desk.sockets import Rim
from crossbook.desk.summary import summarise
from crossbook.desk.view import print_summary
from crossbook.desk.warm import compiled
from crossbook.types import Venue
from crossbook.venues.endpoints import Environment


def go_live(
    path: Path, environment: Environment, connections: Path, served: Path | None, *, runs: Path,
    seconds: float | None, spinning: bool, as_json: bool,
) -> None:  # fmt: skip
    """Trade at the venues that a file of connections names, or that are served on this machine."""
    venues = symbols_of(load_config(path))
    places = served_places(served, venues) if served else load_connections(connections, environment, venues)
    _go(path, environment, places, "live", runs=runs, seconds=seconds, spinning=spinning, as_json=as_json)


def go_paper(
    path: Path, environment: Environment, served: Path | None, *, runs: Path, seconds: float | None, as_json: bool
) -> None:
    """Trade live streams on paper: no key, no account."""
    venues = symbols_of(load_config(path))
    places = public_places(environment, venues, served_urls(served, venues) if served else {})
    _go(path, environment, places, "paper", runs=runs, seconds=seconds, spinning=False, as_json=as_json)


def _go(
    path: Path, environment: Environment, places: Mapping[Venue, Place], mode: str, *, runs: Path,
    seconds: float | None, spinning: bool, as_json: bool,
) -> None:  # fmt: skip
    config = load_config(path)
    with compiled(say):
        pass
    rim = Rim(spinning=spinning)
    make = make_gateway(rim.ports, config)
    run = LiveRun(config, places, make, rim, say, on_paper=mode == "paper", seconds=seconds)
    bundle = run.look()
    folder = new_run(mode, runs)
    keep_config(config, path, folder)
    facts = live_facts(folder, path, bundle, mode, environment.value)
    facts["keys"] = fingerprint(list(places.values()))
    write_run(folder, facts | {"complete": False})
    say(f"run {folder.name}: {mode} on {environment.value}; Ctrl-C ends it cleanly")
    run.go(folder)
    assert run.desk is not None
    facts |= {"frames": run.desk.frames, "events": run.desk.steps, "events_per_s": None, "complete": run.desk.ended}
    summary = summarise(folder, facts)
    write_run(folder, summary | {"figures": summary["metrics"]})
    if as_json:
        print_json(summary)
        return
    print_summary(summary, folder)
    print_proof(folder)
