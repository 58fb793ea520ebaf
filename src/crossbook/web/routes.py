"""Every GET of the API in one table: address, the method of `Pages`, what may be asked, what comes back."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.web import answers
from crossbook.web.page_shapes import Page
from crossbook.web.row_answers import Rows
from crossbook.web.shapes import Asked, AsOf, LogAsked, RowsAsked, SeriesAsked

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
PARQUET = "application/vnd.apache.parquet"
HTML, MARKDOWN = "text/html; charset=utf-8", "text/markdown; charset=utf-8"
ARROW = "application/vnd.apache.arrow.stream"


class Read(msgspec.Struct, frozen=True):
    """`shape`: the schema of the answer; None for a file of `media`. `ending`: of the file's name."""

    path: str
    method: str
    about: str
    shape: Any = None
    asked: type[Asked] = AsOf
    media: str = JSON
    ending: str = ""

    @property
    def name(self) -> str:
        """Its name in the OpenAPI document, and so in clients."""
        return self.method + ("_" + self.ending if self.ending else "")


READS = (
    Read("/api/run", "run", "The run that is shown.", answers.Run),
    Read("/api/figures", "figures", "Every tile.", answers.Figures),
    Read("/api/figures/{name}", "figure", "One tile.", answers.OneFigure),
    Read("/api/figures/{name}/why", "why", "Where two routes to a figure differ, row by row.", answers.Why),
    Read("/api/rows/{table}.csv", "rows_file", "Exactly what is shown, as CSV.", None, RowsAsked, CSV, "csv"),
    Read("/api/rows/{table}.parquet", "rows_file", "The same as Parquet.", None, RowsAsked, PARQUET, "parquet"),
    Read("/api/rows/{table}.arrow", "rows_file", "The same as an Arrow stream.", None, RowsAsked, ARROW, "arrow"),
    Read("/api/rows/{table}", "rows", "The rows behind figures.", Rows, RowsAsked),
    Read("/api/pages/overview", "overview", "The desk at a glance.", Page),
    Read("/api/pages/strategies/{name}", "strategy", "A strategy's life, money and refusals.", Page),
    Read("/api/pages/trades/{intent}", "trade", "One intent: legs, orders, stamps, waterfall.", Page),
    Read("/api/pages/latency", "latency", "How long each stretch took, by venue.", Page),
    Read("/api/pages/risk", "risk", "Limits with their use, and the ladder at all scopes.", Page),
    Read("/api/pages/venues", "venues", "Breaks, unknown orders, streams.", Page),
    Read("/api/pages/models", "models", "Cards, calibration, drift.", Page),
    Read("/api/pages/runs", "runs", "All runs, each in its own mode.", Page),
    Read("/api/pages/runs/{run}", "run_page", "One run beside another.", Page),
    Read("/api/pages/reports", "reports", "Reports that were written.", Page),
    Read("/api/reports/{name}.html", "report_file", "A report as it was written.", None, AsOf, HTML, "html"),
    Read("/api/reports/{name}.md", "report_file", "The same as Markdown.", None, AsOf, MARKDOWN, "md"),
    Read("/api/pages/log", "log", "Entries of the journal in words.", Page, LogAsked),
    Read("/api/series/{series}", "series", "Equity or drawdown over time.", answers.Series, SeriesAsked),
)  # fmt: skip
