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
    speed: Annotated[float, typer.Option(help="Market seconds a second.")] = 1,
    flat_out: Annotated[bool, typer.Option("--flat-out", help="Without waiting for the market's time.")] = False,
    resume: Annotated[str, typer.Option(help="Go on with a run: its id or path, or `last`.")] = "",
    finish: Annotated[bool, typer.Option("--finish", help="With --resume: end it where its journal ends.")] = False,
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    strict: Annotated[bool, typer.Option(help="An instrument the tape lacks is an error, not a warning.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Trade a tape's market on paper, in its own time: simulated venues, real rules, a journal that survives.

    On a terminal it shows the live screen; else, and with --json or --flat-out, lines on standard error. While it goes,
    `crossbook level` and `crossbook flatten` reach it; alerts go to standard error and `alerts.log`. Ctrl-C stops it
    between two events. Stopped or killed, `--resume RUN` does again what its journal holds, checks every entry, and
    goes on from there; `--resume RUN --finish` ends it there for good: answers on their way are waited for, books are
    compared with the venues. The same tape and configuration give the journal of a backtest, whatever the speed.
    """
    from crossbook.cli.papering import begin_paper, resume_paper

    if not 0 < speed <= 100_000:
        raise Refused(f"--speed {speed:g} must be above 0 and at most 100000; --flat-out does not wait at all")
    pace = None if flat_out else speed
    if resume:
        if config is not None or tape is not None:
            raise Refused("--resume takes configuration and tape from the run; give neither")
        resume_paper(resume, runs=runs, speed=pace, finish=finish, as_json=as_json)
        return
    if finish:
        raise Refused("--finish ends a run that was begun: crossbook paper --resume RUN --finish")
    if config is None:
        raise Refused("which configuration? crossbook paper configs/desk.toml --tape DIR")
    if tape is None:
        raise Refused(
            "--tape is missing: paper trades a tape's market, e.g. --tape tapes/x; live streams are not there"
        )
    begin_paper(config, tape, runs=runs, speed=pace, strict=strict, as_json=as_json)
