"""`crossbook report run RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def reports() -> None:
    """Reports made from what a run left behind."""


@app.command()
def run(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`.")],
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    into: Annotated[Path | None, typer.Option(help="The file to write; else report.html in the run's folder.")] = None,
    markdown: Annotated[bool, typer.Option("--md", help="Markdown (report.md) instead of a page.")] = False,
) -> None:
    """Write the report of a run: one page that needs nothing from elsewhere, with the rows behind every figure.

    The same run gives the same bytes. Exit 0: written. Exit 1: written, but something in it does not add up.
    Exit 2: no such run, or a file is damaged.
    """
    from crossbook.desk.runs import find_run
    from crossbook.report.run_report import write_report

    path, wrong = write_report(find_run(run, runs), into, markdown)
    typer.echo(path)
    for line in wrong:
        typer.echo(f"does not add up: {line}", err=True)
    if wrong:
        raise typer.Exit(1)
