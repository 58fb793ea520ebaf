"""The read model: every answer of the page's API as bytes of JSON, or of a file, from one run at one sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crossbook.web import (
    page_latency,
    page_log,
    page_overview,
    page_risk,
    page_runs,
    page_strategy,
    page_trade,
    page_venues,
    page_waiting,
)
from crossbook.web.answers import Tile
from crossbook.web.grid import Asked
from crossbook.web.grids import NAMES
from crossbook.web.moment import Moment
from crossbook.web.refusals import Ahead, Missing, Unclear
from crossbook.web.row_answers import LIMIT_MAX, rows_file, rows_told
from crossbook.web.run_book import RunBook
from crossbook.web.series import series_of
from crossbook.web.why import why_of

__all__ = ["Ahead", "Missing", "Pages", "RunBook", "Tile", "encode"]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
FILTERS = ("strategy", "instrument", "pair", "venue", "order", "intent", "reason")


def encode(answer: Any) -> bytes:
    """An answer as JSON, numbers exact."""
    return _ENCODER.encode(answer)


class Pages:
    """Answers about the run in `folder` (None: the newest of `runs`), and about all that lie in `runs`.

    What is asked for and does not exist raises `Missing` (status 404), a sequence that is not reached `Ahead` (409),
    what cannot be meant `Unclear` (422).
    """

    def __init__(self, runs: Path, folder: Path | None = None) -> None:
        self.home = runs
        self.book = RunBook(folder) if folder is not None else None

    def run(self, as_of: int | None = None) -> bytes:
        """The run that is shown."""
        book = self._book()
        with book.lock:
            seq = book.at(as_of).seq if as_of is not None else book.as_of_seq
            return encode(book.head() | {"as_of_seq": seq, "tables": list(NAMES)})

    def figures(self, as_of: int | None = None) -> bytes:
        """Every tile, all at one sequence."""
        moment = self._at(as_of)
        return encode({"as_of_seq": moment.seq, "figures": moment.tiles})

    def figure(self, name: str, as_of: int | None = None) -> bytes:
        """One tile."""
        moment = self._at(as_of)
        return encode({"as_of_seq": moment.seq, "figure": _tile(moment, name)})

    def why(self, name: str, as_of: int | None = None) -> bytes:
        """Why the routes to a figure differ, if they do."""
        moment = self._at(as_of)
        _tile(moment, name)
        return encode(why_of(moment, name, self._book()))

    def rows(self, table: str, **asked: Any) -> bytes:
        """Rows of a table; see `shapes.RowsAsked`."""
        moment, which, figure, left_out = self._asked(asked)
        return encode(rows_told(moment, table, which, figure, left_out))

    def rows_file(self, table: str, kind: str, **asked: Any) -> bytes:
        """The same rows, all of them, as a file: csv, parquet or arrow."""
        moment, which, figure, left_out = self._asked(asked)
        return rows_file(moment, table, which, kind, figure, left_out)

    def overview(self, as_of: int | None = None) -> bytes:
        """The desk at a glance."""
        return self._page(page_overview.body(self._at(as_of)), as_of)

    def strategy(self, name: str, as_of: int | None = None) -> bytes:
        """A strategy's life, money and refusals."""
        return self._page(page_strategy.body(self._at(as_of), name, self._book().folder), as_of)

    def trade(self, intent: str, as_of: int | None = None) -> bytes:
        """One intent: legs, orders, stamps, waterfall, entries."""
        return self._page(page_trade.body(self._at(as_of), intent, self._book()), as_of)

    def latency(self, as_of: int | None = None) -> bytes:
        """How long each stretch took, by venue."""
        return self._page(page_latency.body(self._at(as_of), self._book()), as_of)

    def risk(self, as_of: int | None = None) -> bytes:
        """Limits with their use, and the ladder at all scopes."""
        return self._page(page_risk.body(self._at(as_of)), as_of)

    def venues(self, as_of: int | None = None) -> bytes:
        """Breaks, unknown orders, streams."""
        return self._page(page_venues.body(self._at(as_of)), as_of)

    def models(self, as_of: int | None = None) -> bytes:
        """Nothing yet."""
        return self._waiting(page_waiting.MODELS, "models", as_of)

    def runs(self, as_of: int | None = None) -> bytes:
        """All runs, each in its own mode."""
        return self._page(page_runs.all_runs(self.home) | {"as_of_seq": self._seq(as_of)}, as_of)

    def run_page(self, run: str, as_of: int | None = None) -> bytes:
        """One run beside the one that is shown."""
        mine = self._at(as_of) if self.book is not None and self.book.as_of_seq else None
        here = self.book.folder if self.book is not None else None
        return self._page(page_runs.one_run(self.home, run, mine, here), as_of)

    def reports(self, as_of: int | None = None) -> bytes:
        """Reports that were written."""
        return self._page(page_runs.reports(self.home) | {"as_of_seq": self._seq(as_of)}, as_of)

    def report_file(self, name: str, kind: str, as_of: int | None = None) -> bytes:
        """A report that was written, as it lies on the disk; no moment of a run."""
        return page_runs.report_file(self.home, name, kind)

    def log(
        self, as_of: int | None = None, text: str = "", trace: str = "", kind: str = "", after: int | None = None
    ) -> bytes:
        """Entries of the journal in words."""
        return self._page(page_log.body(self._at(as_of), self._book(), text, trace, kind, after), as_of)

    def series(self, series: str, as_of: int | None = None, points: int = 2_000) -> bytes:
        """Equity or drawdown over time."""
        return encode(series_of(self._at(as_of), series, points))

    def _book(self) -> RunBook:
        if self.book is None:
            raise Missing(f"there is no run under {self.home}/ to show; `crossbook demo` makes one")
        return self.book

    def _at(self, as_of: int | None) -> Moment:
        book = self._book()
        with book.lock:
            return book.at(as_of)

    def _seq(self, as_of: int | None) -> int:
        if self.book is None or self.book.as_of_seq == 0:
            return 0
        return self._at(as_of).seq

    def _page(self, body: dict[str, Any], as_of: int | None) -> bytes:
        if self.book is not None:
            with self.book.lock:
                body.setdefault("head", self.book.head())
        return encode(body)

    def _waiting(self, missing: str, page: str, as_of: int | None) -> bytes:
        return self._page({"as_of_seq": self._seq(as_of), "page": page, "missing": missing}, as_of)

    def _asked(self, asked: dict[str, Any]) -> tuple[Moment, Asked, str, bool]:
        moment = self._at(asked.get("as_of"))
        values = {name: str(asked[name]) for name in FILTERS if asked.get(name) not in (None, "")}
        offset, limit = int(asked.get("offset") or 0), int(asked.get("limit") or 100)
        if offset < 0 or not 0 < limit <= LIMIT_MAX:
            raise Unclear(f"offset {offset} and limit {limit}: give 0 or more, and 1 to {LIMIT_MAX}")
        which = Asked(
            values=values, text=str(asked.get("text") or ""), sort=str(asked.get("sort") or ""),
            descending=bool(asked.get("descending", False)), offset=offset, limit=limit,
        )  # fmt: skip
        return moment, which, str(asked.get("figure") or ""), bool(asked.get("excluded", False))


def _tile(moment: Moment, name: str) -> Tile:
    found = next((tile for tile in moment.tiles if tile.name == name), None)
    if found is None:
        raise Missing(f"there is no figure {name!r} at entry {moment.seq}; /api/figures lists them")
    return found
