"""Run a bundle from the command line: folder, journal, screen, Ctrl-C, summary, proof."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
from rich.console import Console

from crossbook.cli.paging import page_beside
from crossbook.desk.config import Config
from crossbook.desk.control import ControlFolder
from crossbook.desk.journal import JournalWriter
from crossbook.desk.latency import LatencySink
from crossbook.desk.live_view import LiveView, ScreenPace
from crossbook.desk.market import keep_tape
from crossbook.desk.operator import Operator
from crossbook.desk.replay import Replay
from crossbook.desk.runs import new_run, write_run
from crossbook.desk.summary import summarise
from crossbook.desk.view import print_summary, save_picture, screen
from crossbook.desk.warm import compiled
from crossbook.desk.wire import Bundle, clips_e8, wire, wire_market
from crossbook.lab.survey import survey_edges
from crossbook.tape.tape import Tape

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def print_json(value: Any) -> None:
    """One object, one line, on standard output."""
    sys.stdout.write(_ENCODER.encode(value).decode() + "\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """A line for a person, on standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Stop:
    """Turned on by Ctrl-C; the run then ends between two events, with its journal complete."""

    asked = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        self.asked = True


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """While inside, Ctrl-C and a termination request ask for a clean end."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def execute(
    config: Config,
    path: Path,
    tape: Tape,
    *,
    word: str,
    runs: Path,
    strict: bool = False,
    speed: float | None = None,
    picture: Path | None = None,
    as_json: bool = False,
    page: bool = False,
) -> None:
    """Run, prove, and print the summary. `speed` None: flat out, without a screen. `page`: with the page beside it."""
    bundle, folder, facts = open_run(config, path, tape, word=word, runs=runs, strict=strict)
    with page_beside(folder, runs, say, wanted=page) as beside:
        replay = _run(bundle, folder, speed, picture, Console(stderr=True), quiet=as_json)
        close_run(config, bundle, folder, facts, replay, as_json)
        if replay.progress.ended:
            beside.stay()


def open_run(
    config: Config, path: Path, tape: Tape, *, word: str, runs: Path, strict: bool = False
) -> tuple[Bundle, Path, dict[str, Any]]:
    """Wire a new run and make its folder with all that is needed to prove it, or to go on with it."""
    err = Console(stderr=True)
    bundle = wire(config, tape, strict=strict)
    for name in bundle.not_traded:
        err.print(f"warning: {name} is not on the tape; its pairs are not traded", style="yellow", highlight=False)
    with compiled(say):
        pass
    folder = new_run(word, runs)
    keep_config(config, path, folder)
    facts: dict[str, Any] = {"run": folder.name, "config": str(path), "word": word, "not_traded": bundle.not_traded}
    facts["allocation"] = [
        {"strategy": one.strategy, "venue": one.venue, "usd": one.capital_e8 / 10**8, "reason": one.reason}
        for one in bundle.capital
    ]
    facts["mode"] = "paper" if word == "paper" else "backtest"
    facts["tape_hash"] = tape.content_hash
    if tape.directory is None:
        keep_tape(tape, folder / "tape")
        facts["tape"] = "tape"
    else:
        facts["tape"] = str(tape.directory.resolve())
    write_run(folder, facts | {"complete": False})
    return bundle, folder, facts


def close_run(
    config: Config, bundle: Bundle, folder: Path, facts: dict[str, Any], replay: Replay, as_json: bool
) -> None:
    """Sum the run up in its folder, print it and prove it. One that was stopped stays to be gone on with."""
    ended, progress = replay.progress.ended, replay.progress
    facts["frames"] = progress.frames
    facts |= {"events": progress.steps, "events_per_s": _rounded(progress.events_per_s), "complete": ended}
    facts |= {"edges": edges(config, bundle)} if ended else {"stopped_at": replay.moment}
    summary = summarise(folder, facts)
    write_run(folder, summary | {"figures": summary["metrics"]})
    if as_json:
        print_json(summary)
        return
    print_summary(summary, folder)
    print_proof(folder)


def keep_config(config: Config, path: Path, folder: Path) -> None:
    """Copy the configuration and the files that it names."""
    (folder / "config.toml").write_bytes(path.read_bytes())
    for name in {strategy.survival for strategy in config.strategies.values() if strategy.survival}:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((path.parent / name).read_bytes())


def _run(bundle: Bundle, folder: Path, speed: float | None, picture: Path | None, err: Console, quiet: bool) -> Replay:
    with stop_on_interrupt() as stop:
        with JournalWriter(folder / "journal") as journal:
            if speed is None:
                replay = Replay(bundle, journal, pace=_flat_out(bundle, stop, err, quiet))
                replay.run()
            else:
                replay = _watched(bundle, folder, journal, speed, stop, picture)
        if stop.asked:
            err.print("stopped on request; the journal is complete up to here", highlight=False)
    return replay


def _watched(
    bundle: Bundle, folder: Path, journal: JournalWriter, speed: float, stop: Stop, picture: Path | None
) -> Replay:
    """Run it at a speed on the screen, listening to people."""
    sink = LatencySink(folder / "latency.bin")
    view = LiveView(bundle, folder.name, "demo", speed, screen())
    view.latency = sink
    replay = Replay(bundle, journal, watch=view.watch, latency=sink)
    control = ControlFolder(folder)
    try:
        operator = Operator(replay, control, say)
        pace = ScreenPace(view, bundle, speed, stop, lambda: replay.progress.steps, operator.listen)
        replay.pace = pace
        with view.showing():
            replay.run()
        operator.dismiss()
    finally:
        control.close()
        sink.flush()
    if picture is not None:
        save_picture(view.last, picture)
    return replay


def _flat_out(bundle: Bundle, stop: Stop, err: Console, quiet: bool) -> Any:
    """A pace that only looks for the wish to stop, and shows how far the run is where there is a terminal."""
    first, last = bundle.tape.manifest.first_ns, bundle.tape.manifest.last_ns
    shown = time.monotonic()
    live = err.is_terminal and not quiet

    def pace(now: int) -> bool:
        nonlocal shown
        if live and time.monotonic() - shown > 0.25:
            shown = time.monotonic()
            done = (now - first) / max(last - first, 1)
            err.file.write(f"\r{'#' * int(40 * done):<40} {done:4.0%}")
            err.file.flush()
        return stop.asked

    return pace


def edges(config: Config, bundle: Bundle) -> list[dict[str, Any]]:
    """The best edge of each pair and direction against its cost, over the whole tape."""
    _, _, fresh = wire_market(config, bundle.tape)
    clips = clips_e8(config, bundle.declaration)
    names = [instrument.name for instrument in bundle.declaration.instruments]
    surveys = survey_edges(fresh(), bundle.tape.rows, bundle.tape.starts, clips)
    return [
        {
            "pair": bundle.declaration.pairs[one.pair].name,
            "buy": names[one.buy],
            "sell": names[one.sell],
            "best_edge_bps": None if one.best_ppm is None else one.best_ppm / 100,
            "best_edge_ns": one.best_ts,
            "entry_fees_bps": one.cost_ppm / 100,
            "moments": one.moments,
            "moments_above_zero": one.positive,
            "moments_above_entry_fees": one.paying,
            "moments_above_round_trip_fees": one.paying_twice,
        }
        for one in surveys
    ]


def print_proof(folder: Path) -> None:
    from crossbook.report.prove import prove_run

    proof = prove_run(folder)
    screen().print(proof.sentence(), style="green" if proof.ok else "bold red")
    if not proof.ok:
        raise SystemExit(1)


def _rounded(rate: float | None) -> int | None:
    return None if rate is None else round(rate)
