"""`crossbook latency RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def latency(
    run: Annotated[str, typer.Argument(help="A run: its id or path, or `last`.")] = "last",
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show how long each stretch of an order's way took, by venue: from the tick to the wire, and to the answer.

    Durations are of one monotonic clock, percentiles are real samples, and n stands beside them; a percentile that n
    cannot tell is n/a. `answer_travels` compares two clocks: samples that cannot be are counted apart as suspect.
    """
    from crossbook.cli.running import print_json
    from crossbook.desk.journal import read_journal
    from crossbook.desk.latency import read_latency
    from crossbook.desk.runs import find_run
    from crossbook.desk.view import screen
    from crossbook.errors import Refused
    from crossbook.ledger.declaration import Declaration
    from crossbook.report.latency import Stretch, waterfall

    folder = find_run(run, runs)
    stamps = read_latency(folder)
    if stamps is None:
        raise Refused(f"run {folder.name} has no stamps: it sent no order, or had no pace (demo, paper, live have)")
    entries = (payload for _, payload in read_journal(folder / "journal"))
    declaration = Declaration.from_json(next(entries)[1:])
    found = waterfall(stamps, entries, declaration)
    if as_json:
        print_json({"run": folder.name, "stretches": found})
        return
    if not found:
        screen().print(f"run {folder.name}: no order has stamps of its own; its answers came from a simulation")
        return
    from rich.table import Table

    def us(ns: int | None) -> str:
        return "n/a" if ns is None else f"{ns / 1000:,.1f}"

    widest = max((one.p50_ns or 0 for one in found), default=1) or 1
    shown = Table("venue", "stretch", "p50 us", "p99 us", "p99.9 us", "n", "suspect", "", box=None, header_style="dim")

    def bar(one: Stretch) -> str:
        return "█" * round(20 * (one.p50_ns or 0) / widest)

    for one in found:
        shown.add_row(
            one.venue, one.stretch, us(one.p50_ns), us(one.p99_ns), us(one.p999_ns), str(one.n), str(one.suspect or ""),
            bar(one),
        )  # fmt: skip
    screen().print(shown)
