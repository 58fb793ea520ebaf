"""`crossbook prove RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crossbook.ledger.figure import Number
    from crossbook.report.prove import Proof

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def prove(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`.")],
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Recompute every figure of a run from its journal, tape and stamps, by a second route where there is one.

    Exit 0: all residuals are 0 or n/a and all checks hold. Exit 1: something differs; it is shown. Exit 2: no such
    run, or a file is damaged.
    """
    from crossbook.desk.runs import find_run
    from crossbook.report.prove import prove_run

    proof = prove_run(find_run(run, runs))
    if as_json:
        typer.echo(proof.to_json())
    else:
        print_proof(proof)
    if not proof.ok:
        raise typer.Exit(1)


def print_proof(proof: Proof) -> None:
    """The figures with their residuals as a table, what differs in red, then the checks and the verdict."""
    from rich.console import Console
    from rich.table import Table

    from crossbook.ledger.figure import plain

    table = Table("figure", "value", "unit", "n", "residual", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, figure in proof.figures.items():
        wrong = figure.residual not in (0, None)
        table.add_row(
            name,
            _text(plain(figure.value)),
            figure.unit,
            str(figure.n),
            _text(plain(figure.residual)),
            style="red" if wrong else None,
        )
    console = Console(width=None if Console().is_terminal else 140, highlight=False)
    console.print(table)
    for check in proof.checks:
        console.print(f"{'ok ' if check.ok else 'NO '} {check.name}: {check.text}", style=None if check.ok else "red")
    if proof.physics:
        console.print("PHYSICS: this run exercises the machine and says nothing about money", style="bold yellow")
    if proof.controls_off:
        console.print(f"controls off: {', '.join(proof.controls_off)}", style="yellow")
    verdict = "bold green" if proof.ok else "bold red"
    console.print(f"{proof.mode} run {proof.run}: {proof.sentence()}", style=verdict)


def _text(number: Number | None) -> str:
    return "n/a" if number is None else f"{number:f}" if not isinstance(number, int) else str(number)
