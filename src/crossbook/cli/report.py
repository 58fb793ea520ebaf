"""`crossbook report run|month|week|day|range|tear|tax`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crossbook.report.period import Period

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Runs = Annotated[Path, typer.Option(help="Where run folders live.")]
Mode = Annotated[str | None, typer.Option(help="live, paper or backtest; needed where a period has several.")]
Named = Annotated[list[str] | None, typer.Argument(help="Runs by id or path; without them all of the mode.")]
Plan = Annotated[Path | None, typer.Option(help="The period's plan; else the TOML beside the report, named like it.")]
Into = Annotated[Path | None, typer.Option(help="The folder to keep it in; else reports/ in the runs folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output: files, hashes, figures.")]


@app.callback()
def reports() -> None:
    """Reports made from what runs left behind."""


@app.command()
def run(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`.")],
    runs: Runs = Path("runs"),
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
    _end(wrong)


@app.command()
def month(
    month: Annotated[str, typer.Argument(help="Such as 2025-11.")],
    named: Named = None,
    runs: Runs = Path("runs"),
    mode: Mode = None,
    plan: Plan = None,
    into: Into = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a month (UTC): its plan and what came of it, figures, strategies, incidents, notes, rows.

    One mode a report; runs of it are pooled, those that cross an edge are cut by time. Kept as HTML and Markdown with
    their sha256; made again they have the same bytes. Exit 0: written. 1: written, but something does not add up.
    2: nothing lies in that month, or an input cannot be read.
    """
    from crossbook.report.period import parse_period

    _write(parse_period("month", month), named, runs, mode, plan, into, as_json)


@app.command()
def week(
    week: Annotated[str, typer.Argument(help="ISO week, such as 2025-W45.")],
    named: Named = None,
    runs: Runs = Path("runs"),
    mode: Mode = None,
    plan: Plan = None,
    into: Into = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a week, Monday to Sunday, as `month` does."""
    from crossbook.report.period import parse_period

    _write(parse_period("week", week), named, runs, mode, plan, into, as_json)


@app.command()
def day(
    day: Annotated[str, typer.Argument(help="Such as 2025-11-03.")],
    named: Named = None,
    runs: Runs = Path("runs"),
    mode: Mode = None,
    plan: Plan = None,
    into: Into = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a UTC day, as `month` does."""
    from crossbook.report.period import parse_period

    _write(parse_period("day", day), named, runs, mode, plan, into, as_json)


@app.command("range")
def days(
    first: Annotated[str, typer.Argument(help="The first day, such as 2025-11-01.")],
    last: Annotated[str, typer.Argument(help="The last day, itself included.")],
    named: Named = None,
    runs: Runs = Path("runs"),
    mode: Mode = None,
    plan: Plan = None,
    into: Into = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a range of UTC days, as `month` does."""
    from crossbook.report.period import parse_period

    _write(parse_period("range", first, last), named, runs, mode, plan, into, as_json)


@app.command()
def tear(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`.")],
    runs: Runs = Path("runs"),
    into: Annotated[Path | None, typer.Option(help="The file to write; else tear.html in the run's folder.")] = None,
) -> None:
    """Write the tear sheet of a run: what it came to, on one sheet of paper."""
    from crossbook.desk.runs import find_run
    from crossbook.report.tear_sheet import write_tear

    path, digest, wrong = write_tear(find_run(run, runs), into)
    typer.echo(f"{digest}  {path}")
    _end(wrong)


@app.command()
def tax(
    period: Annotated[str, typer.Argument(help="A year, month, week or day, such as 2025 or 2025-11.")],
    named: Named = None,
    runs: Runs = Path("runs"),
    mode: Annotated[str, typer.Option(help="live, paper or backtest.")] = "live",
    into: Annotated[Path | None, typer.Option(help="The file to write; else standard output.")] = None,
) -> None:
    """Fills with their cost basis as CSV: first in, first out per account, in the reporting asset.

    Cost and proceeds at the mark of each fill's own time, without fees, which stand beside them; gain is after fees.
    It is no tax advice: which fills count, and when, depends on where you live.
    """
    from crossbook.report.period import parse_any
    from crossbook.report.period_runs import choose
    from crossbook.report.period_store import keep
    from crossbook.report.tax import write_tax

    asked = parse_any(period)
    parts = choose(asked, runs, mode, named or []).parts
    text, count = write_tax([(part.run, part.folder) for part in parts], asked.begin_ns, asked.end_ns)
    if into is None:
        typer.echo(text, nl=False)
        return
    digest = keep(into, text.encode())
    typer.echo(f"{digest}  {into}  {count:,} rows")


def _write(
    period: Period,
    named: list[str] | None,
    runs: Path,
    mode: str | None,
    plan: Path | None,
    into: Path | None,
    as_json: bool,
) -> None:
    from crossbook.report.period_store import write_period

    written = write_period(period, runs, mode, named or [], plan, into)
    if as_json:
        typer.echo(written.to_json().decode())
    else:
        for path, digest in zip(written.files, written.hashes, strict=True):
            typer.echo(f"{digest}  {path}")
    _end(written.wrong)


def _end(wrong: list[str]) -> None:
    for line in wrong:
        typer.echo(f"does not add up: {line}", err=True)
    if wrong:
        raise typer.Exit(1)
