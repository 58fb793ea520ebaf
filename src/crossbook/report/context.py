"""What every table of a run's report is made from: the rows, the figures, and names for the numbers in rows."""

from __future__ import annotations

from crossbook.ledger.figure import Figure
from crossbook.report import words
from crossbook.report.run_rows import RunRows
from crossbook.report.table import Column
from crossbook.types import Level, Scope

SEQ, TIME, WHO, WHAT = Column("entry", "entry"), Column("time"), Column("strategy"), Column("instrument")
Line = list[str | int | None]
"""Raw cells of a row; see `table.Column`."""


class Context:
    """Rows and figures of a run, and the names of its strategies, instruments and pairs."""

    def __init__(self, rows: RunRows, known: dict[str, Figure]) -> None:
        self.rows, self.known, self.ledger = rows, known, rows.ledger
        self.declaration = rows.declaration
        self.names = self.declaration.strategies
        self.owners = [*self.names, "unattributed"]

    def who(self, strategy: int) -> str:
        """A strategy's name; `unattributed` for nobody."""
        return self.names[strategy] if 0 <= strategy < len(self.names) else "unattributed"

    def what(self, instrument: int) -> str:
        """An instrument's name."""
        terms = self.ledger.terms
        return terms[instrument].name if 0 <= instrument < len(terms) else words.NA

    def pair(self, pair: int) -> str:
        """A pair's name."""
        return self.declaration.pairs[pair].name if 0 <= pair < len(self.declaration.pairs) else words.NA

    def quantity(self, instrument: int, lots: int) -> str:
        """Lots as a quantity of base (of an inverse contract: of quote)."""
        terms = self.ledger.terms[instrument]
        return words.quantity(lots * (terms.contract_e8 if terms.inverse else terms.lot_e8))

    def price(self, instrument: int, ticks: int) -> str:
        """Ticks as a price."""
        return words.price(ticks, self.ledger.terms[instrument].tick_e8)


def scope_words(rows: RunRows, scope: int, index: int) -> tuple[str, str]:
    """What a level applies to, in words: kind and name."""
    declared = rows.declaration
    names = {
        Scope.VENUE: [venue.label for venue in declared.venues],
        Scope.INSTRUMENT: [one.name for one in declared.instruments],
        Scope.STRATEGY: declared.strategies,
    }
    kind = Scope(scope) if scope in Scope._value2member_map_ else None
    listed = names.get(kind, []) if kind is not None else []
    name = listed[index] if 0 <= index < len(listed) else "desk" if kind is Scope.DESK else str(index)
    return (kind.name.lower() if kind is not None else str(scope)), name


def level_word(level: int) -> str:
    """A level's name."""
    return Level(level).name if level in Level._value2member_map_ else str(level)
