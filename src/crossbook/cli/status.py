"""`crossbook status [RUN]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def status(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`; without it the runs are listed.")] = "",
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """How a run stands, folded from its journal as far as it is written; also while it is being written."""
    from crossbook.cli.running import print_json
    from crossbook.desk.control import is_alive
    from crossbook.desk.runs import find_run, read_run
    from crossbook.desk.summary import summarise
    from crossbook.desk.view import print_summary

    if not run:
        known = sorted(folder.name for folder in runs.glob("*") if (folder / "journal").is_dir())
        if as_json:
            print_json({"runs": known})
            return
        typer.echo("\n".join(known) if known else f"no runs under {runs}/ yet; `crossbook demo` makes one")
        return
    folder = find_run(run, runs)
    facts = read_run(folder)
    names = ("word", "mode", "environment", "events", "events_per_s", "not_traded", "complete", "stopped_at", "edges")
    kept = {key: facts[key] for key in names if key in facts}
    kept["alive"] = is_alive(folder)
    summary = summarise(folder, {"run": folder.name, "complete": False, "not_traded": []} | kept)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, folder)
