"""`crossbook level RUN raise|lower SCOPE LEVEL --reason TEXT`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def level(
    run: Annotated[str, typer.Argument(help="A running run's id or path, or `last`.")],
    direction: Annotated[str, typer.Argument(help="raise or lower. The ladder falls by itself and rises only so.")],
    scope: Annotated[str, typer.Argument(help="desk, venue:NAME, instrument:VENUE:SYMBOL or strategy:NAME.")],
    wanted: Annotated[str, typer.Argument(metavar="LEVEL", help="ACTIVE, CLOSE_ONLY or KILLED.")],
    reason: Annotated[str, typer.Option(help="Why, in words; it stays in the journal.")] = "",
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Raise or lower what a scope of a running desk may do, and say what came of it.

    KILLED is raised to CLOSE_ONLY only, never straight to ACTIVE; a killed desk cancels everything, mends its legs and
    has the venues prove it. Exit 0: done. Exit 1: the desk refused. Exit 2: it does not run, or the request makes no
    sense.
    """
    from crossbook.cli.asking import ask_run
    from crossbook.desk.control import Request, who
    from crossbook.errors import Refused

    if direction not in ("raise", "lower"):
        raise Refused(f"direction {direction!r} is neither raise nor lower")
    wish: Literal["raise", "lower"] = "raise" if direction == "raise" else "lower"
    ask_run(run, Request(wish=wish, scope=scope, level=wanted, reason=reason, who=who()), runs=runs, as_json=as_json)
