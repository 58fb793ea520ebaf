"""`crossbook paper CONFIG --tape DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbook.errors import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def paper(
    config: Annotated[Path | None, typer.Argument(help="A configuration, e.g. configs/desk.toml.")] = None,
    tape: Annotated[Path | None, typer.Option(help="The tape whose market is traded.")] = None,
    env: Annotated[str, typer.Option(help="Instead of a tape, live streams of: mainnet, testnet or local.")] = "",
    served: Annotated[
        Path | None, typer.Option(help="With --env local: the line that `crossbook venue serve` printed.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="With --env: end the run after so long.")] = None,
    speed: Annotated[float, typer.Option(help="Market seconds a second.")] = 1,
    flat_out: Annotated[bool, typer.Option("--flat-out", help="Without waiting for the market's time.")] = False,
    resume: Annotated[str, typer.Option(help="Go on with a run: its id or path, or `last`.")] = "",
    finish: Annotated[bool, typer.Option("--finish", help="With --resume: end it where its journal ends.")] = False,
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    strict: Annotated[bool, typer.Option(help="An instrument the tape lacks is an error, not a warning.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Open the run's page beside it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Trade a market on paper, a tape's or the live one: simulated venues, real rules, a journal that survives.

    On a terminal it shows the live screen; else, and with --json or --flat-out, lines on standard error. While it goes,
    `crossbook level` and `crossbook flatten` reach it; alerts go to standard error and `alerts.log`. Ctrl-C stops it
    between two events. Stopped or killed, `--resume RUN` does again what its journal holds, checks every entry, and
    goes on from there; `--resume RUN --finish` ends it there for good: answers on their way are waited for, books are
    compared with the venues. The same tape and configuration give the journal of a backtest, whatever the speed.
    """
    from crossbook.cli.papering import begin_paper, resume_paper

    if env:
        if tape is not None or resume or finish or flat_out:
            raise Refused("--env trades live streams: give no --tape, --resume, --finish or --flat-out")
        if config is None:
            raise Refused("which configuration? crossbook paper configs/live.toml --env mainnet")
        _on_live_streams(config, env, served, runs, seconds, as_json, page)
        return
    if served is not None or seconds is not None:
        raise Refused("--served and --seconds are of live streams: give --env too")
    if not 0 < speed <= 100_000:
        raise Refused(f"--speed {speed:g} must be above 0 and at most 100000; --flat-out does not wait at all")
    pace = None if flat_out else speed
    if resume:
        if config is not None or tape is not None:
            raise Refused("--resume takes configuration and tape from the run; give neither")
        resume_paper(resume, runs=runs, speed=pace, finish=finish, as_json=as_json, page=page)
        return
    if finish:
        raise Refused("--finish ends a run that was begun: crossbook paper --resume RUN --finish")
    if config is None:
        raise Refused("which configuration? crossbook paper configs/desk.toml --tape DIR")
    if tape is None:
        raise Refused(
            "--tape is missing: --tape tapes/x for a tape's market, --env mainnet for the live one (public streams)"
        )
    begin_paper(config, tape, runs=runs, speed=pace, strict=strict, as_json=as_json, page=page)


def _on_live_streams(
    config: Path,
    env: str,
    served: Path | None,
    runs: Path,
    seconds: float | None,
    as_json: bool,
    page: bool,
) -> None:
    from crossbook.cli.going_live import go_paper
    from crossbook.venues.endpoints import Environment

    worlds = [environment.value for environment in Environment]
    if env not in worlds:
        raise Refused(f"--env {env!r} is none of {', '.join(worlds)}")
    if (served is None) == (env == Environment.LOCAL.value):
        raise Refused("--env local and --served belong together: the line that `crossbook venue serve` printed")
    if seconds is not None and not 0 < seconds <= 31_536_000:
        raise Refused(f"--seconds {seconds:g} must be above 0 and at most a year")
    go_paper(config, Environment(env), served, runs=runs, seconds=seconds, as_json=as_json, page=page)
