"""A statement under way: the ledger, its second route, and the figures told so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossbook.ledger.audit import Line
from crossbook.ledger.cells import Cell
from crossbook.ledger.definitions import definition_of
from crossbook.ledger.facts import Facts
from crossbook.ledger.figure import Figure, Number, ratio, value_decimal
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.ranks import Ranks

PERCENTILES = {"p50": 500, "p99": 990, "p999": 999}
"""Per mille."""


def nearest_rank(ordered: Sequence[int], permille: int) -> int | None:
    """The sample at a percentile (in thousandths) of an ascending sequence; None if it is empty."""
    return ordered[-(-len(ordered) * permille // 1000) - 1] if ordered else None


class Statement:
    """Collects figures; every group of figures writes into one."""

    def __init__(self, ledger: Ledger, facts: Facts) -> None:
        self.ledger = ledger
        self.marks = ledger.marks
        self.facts = facts
        self.audit = facts.audit
        self.path = ledger.settled_path()
        self.currency = ledger.declaration.assets[ledger.declaration.reporting]
        self.window = (self.path.first_ts, ledger.ts) if self.path else None
        self.strategies = list(enumerate(ledger.declaration.strategies))
        self.figures: dict[str, Figure] = {}

    def put(self, name: str, value: Number | None, unit: str, n: int, residual: Number | None = None) -> None:
        """State a figure; one without a value has no residual."""
        self.figures[name] = Figure(
            value=value,
            unit=unit,
            n=n,
            window=self.window,
            residual=residual if value is not None else None,
            definition=definition_of(name),
        )

    def money(self, name: str, value: int, n: int, *others: int) -> None:
        """A value at 1e-18 beside what other routes give for it; n/a until the window begins."""
        known = self.path is not None
        residual = value_decimal(sum(abs(value - other) for other in others)) if others else None
        self.put(name, value_decimal(value) if known else None, self.currency, n, residual)

    def count(self, name: str, value: int, *others: int) -> None:
        """A number of things beside recounts of it."""
        self.put(name, value, "count", value, sum(abs(value - other) for other in others) if others else None)

    def share(self, name: str, part: int, whole: int, n: int, again: tuple[int, int] | None = None) -> None:
        """A ratio, n/a where the whole is 0. `again`: part and whole by another route."""
        residual = None if again is None else abs(part - again[0]) + abs(whole - again[1])
        self.put(name, ratio(part, whole), "ratio", n, residual)

    def quantiles(self, name: str, values: Ranks, wanted: Sequence[str]) -> None:
        """Percentiles by nearest rank, in ns; n/a where there are no values."""
        for percentile in wanted:
            self.put(f"{name}.{percentile}", values.at(PERCENTILES[percentile]), "ns", values.n)

    def cells(self, strategy: int) -> list[Cell]:
        """A strategy's cells."""
        return [cell for (owner, _), cell in self.ledger.cells.items() if owner == strategy]

    def lines(self, strategy: int) -> list[Line]:
        """A strategy's lines of the second route."""
        return [line for (owner, _), line in self.audit.lines.items() if owner == strategy]

    def per_strategy(self) -> Iterator[tuple[str, list[int]]]:
        """First all strategies together under no suffix, then each under its own: (suffix, indices)."""
        yield "", [index for index, _ in self.strategies]
        for index, name in self.strategies:
            yield f".{name}", [index]
