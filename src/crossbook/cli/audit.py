"""`crossbook audit FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from crossbook.report.contradiction import Contradiction

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def audit(
    file: Annotated[Path, typer.Argument(help="TOML or JSON; what is absent is not claimed.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Set somebody's figures against each other and name each contradiction with the law it breaks.

    [summary] takes pnl, nav, nav_start, win_rate_pct, sharpe, max_drawdown_pct, exposure, fill_rate_pct, latency_ms
    and trades; a [[strategy]] row name, level, pnl, win_rate_pct, sharpe and trades. Every number counts as rounded to
    the digits it is written with.

    Exit 0: no contradiction. Exit 1: there are some; they are shown. Exit 2: the file cannot be read or understood.
    """
    from crossbook.report.audit import audit as audit_claims
    from crossbook.report.audit import to_json
    from crossbook.report.claims import read_claims

    claims = read_claims(file)
    found = audit_claims(claims)
    if as_json:
        typer.echo(to_json(found))
    else:
        typer.echo("\n".join(_lines(found, claims.count())))
    if found:
        raise typer.Exit(1)


def _lines(found: list[Contradiction], claimed: int) -> list[str]:
    """Each contradiction as a block, then the verdict."""
    lines = []
    for one in found:
        lines += [one.law, f"  claimed  {one.claimed}", f"  shown    {one.shown}", f"  why      {one.why}", ""]
    figures = f"{claimed} claimed figure{'' if claimed == 1 else 's'}"
    if not found:
        return [f"no contradiction in {figures}" if claimed else "nothing is claimed: nothing can contradict"]
    return [*lines, f"{len(found)} contradiction{'' if len(found) == 1 else 's'} in {figures}"]
