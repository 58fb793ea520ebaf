"""The report of a run: one page in a file of its own, made from the run's folder alone, and the same in Markdown.

Nothing of it depends on when or where it is made: the same folder gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crossbook.desk.journal import journal_sha256, read_journal
from crossbook.desk.latency import read_latency
from crossbook.desk.runs import read_run
from crossbook.errors import Refused
from crossbook.report import words
from crossbook.report.context import Context
from crossbook.report.levels import wrong_falls
from crossbook.report.run_rows import RunRows
from crossbook.report.run_sections import sections
from crossbook.report.run_tables import rows_of, run_tables
from crossbook.report.second_route import figures_twice
from crossbook.report.table import Table

TEMPLATES = Path(__file__).parent / "templates"
MARKDOWN_ROWS = 20
HTML, MARKDOWN = "report.html", "report.md"


def report_run(folder: Path) -> dict[str, Any]:
    """Everything the page shows. Raises `Refused` where there is no journal, `Corrupt` naming what is damaged."""
    facts = read_run(folder)
    entries = list(read_journal(folder / "journal"))
    rows = RunRows.of(entries)
    stamps = read_latency(folder) or b""
    known = figures_twice(rows.ledger, [payload for _, payload in entries], stamps)
    t = Context(rows, known)
    tables = run_tables(t, stamps)
    return {
        "run": str(facts.get("run", folder.name)),
        "facts": facts,
        "mode": str(facts.get("mode", "backtest")),
        "word": str(facts.get("word", facts.get("mode", "backtest"))),
        "physics": rows.declaration.physics,
        "controls_off": rows.declaration.controls_off,
        "complete": bool(facts.get("complete", False)),
        "not_traded": facts.get("not_traded", []),
        "entries": rows.last,
        "digest": journal_sha256(folder / "journal"),
        "currency": rows.declaration.assets[rows.declaration.reporting],
        "window": known["pnl.total"].window,
        "known": known,
        "tables": tables,
        "wrong": wrong(known, tables) + wrong_falls(rows.falls),
        **sections(t),
    }


def wrong(known: dict[str, Any], tables: list[Table]) -> list[str]:
    """What does not add up, in a line each: residuals that are not 0, and sums that are not their figure."""
    lines = [f"{name}: two routes differ by {words.exact(figure.residual)}" for name, figure in known.items()
             if figure.residual not in (0, None)]  # fmt: skip
    for table in tables:
        for one in table.sums:
            for figure, holds in zip(one.figures, one.holds, strict=True):
                if holds is False:
                    lines.append(f"{figure}: its rows in {table.title} sum to something else")
    return lines


def to_html(report: dict[str, Any]) -> str:
    """One self-contained page: no script, no request."""
    return template_environment(True).get_template("run.html").render(report)


def to_markdown(report: dict[str, Any]) -> str:
    """The same figures and the beginnings of the same tables."""
    return template_environment(False).get_template("run.md").render(report | {"rows_max": MARKDOWN_ROWS})


def write_report(folder: Path, into: Path | None = None, markdown: bool = False) -> tuple[Path, list[str]]:
    """Write the report of the run in `folder`: where it stands (without `into` in that folder), and what in it does not
    add up. Raises `Refused` where it cannot be written."""
    report = report_run(folder)
    text = to_markdown(report) if markdown else to_html(report)
    path = into if into is not None else folder / (MARKDOWN if markdown else HTML)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise Refused(f"report {path} cannot be written: {error.strerror}; choose another place with --into") from None
    return path, report["wrong"]


def template_environment(escape: bool) -> Environment:
    """Where the templates are, and the words they use. `escape`: for HTML."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"words": words, "rows_of": rows_of}
    environment.filters["md"] = _markdown_cell
    return environment


def _markdown_cell(text: object) -> str:
    """Text that cannot end its table cell or begin markup."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
