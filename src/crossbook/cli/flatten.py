"""`crossbook flatten RUN --confirm RUNID --reason TEXT`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbook.errors import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def flatten(
    run: Annotated[str, typer.Argument(help="A running run's id or path, or `last`.")],
    confirm: Annotated[str, typer.Option(help="The run's id, written out: this closes every position.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in words; it stays in the journal.")] = "",
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Close every position of a running desk, hedged ones too, and let it open none: the desk falls to CLOSE_ONLY."""
    from crossbook.cli.asking import ask_run
    from crossbook.desk.control import Request, who
    from crossbook.desk.runs import find_run

    name = find_run(run, runs).name
    if confirm != name:
        raise Refused(f"--confirm {confirm!r} is not the run's id {name!r}: write it out, this closes every position")
    ask_run(run, Request(wish="flatten", reason=reason, who=who()), runs=runs, as_json=as_json)
