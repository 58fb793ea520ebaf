"""What every page's body has: the figures that it shows, in groups, its tables, and sections of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crossbook.ledger.figure import Number, plain, value_decimal
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.marks import notional_value
from crossbook.ledger.postings import NOBODY
from crossbook.money import PPM
from crossbook.report import words
from crossbook.rules.controls import MAINTENANCE_PPM
from crossbook.web.moment import Moment
from crossbook.web.row_answers import Small, small


class Group(msgspec.Struct, frozen=True):
    """Figures that stand together."""

    title: str
    names: list[str]


def body(
    moment: Moment, page: str, title: str, groups: Iterable[tuple[str, Iterable[str]]], tables: Iterable[str | Small],
    **sections: Any,
) -> dict[str, Any]:  # fmt: skip
    """A page at a moment. `tables`: ids of tables that it shows the beginning of, or such tables."""
    kept = [Group(head, [name for name in names if name in moment.known]) for head, names in groups]
    named = {name for group in kept for name in group.names}
    return {
        "as_of_seq": moment.seq,
        "ts": moment.ts,
        "page": page,
        "title": title,
        "groups": [group for group in kept if group.names],
        "figures": [tile for tile in moment.tiles if tile.name in named],
        "tables": [one if isinstance(one, Small) else small(moment, one) for one in tables],
        **sections,
    }


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What lies at a venue. `away`: how far gross notional may move against us before its equity is at maintenance, as
    a part of it; null where `why` says why."""

    venue: str
    figure: str
    gross: Number | None
    gross_text: str
    worth: Number | None
    worth_text: str
    away: Number | None
    away_text: str
    why: str


def exposures(moment: Moment) -> list[Exposure]:
    """Each venue that something is traded at."""
    ledger = moment.ledger
    traded = {terms.venue for terms in ledger.terms}
    return [
        _exposure(moment, number, venue.label, venue.margin)
        for number, venue in enumerate(ledger.declaration.venues)
        if number in traded
    ]


def _exposure(moment: Moment, number: int, label: str, margin: bool) -> Exposure:
    ledger = moment.ledger
    gross, net, worth = gross_at(ledger, number), _net_at(ledger, number), ledger.venue_worth(number)
    away, why = None, ""
    if not margin:
        why = "spot is not liquidated"
    elif net == 0:
        why = "nothing is open here"
    elif moment.known["pnl.total"].window is None:
        why = "n/a until every mark that is needed was seen"
    else:
        away = plain(value_decimal(_away_ppm(worth, net) * 10**12))
    return Exposure(
        venue=label, figure=f"exposure.venue.{label}", gross=plain(value_decimal(gross)),
        gross_text=words.amount(gross), worth=plain(value_decimal(worth)), worth_text=words.amount(worth), away=away,
        away_text=words.percent(away), why=why,
    )  # fmt: skip


def gross_at(ledger: Ledger, venue: int) -> int:
    """Notional of every strategy's position there at the middle, at 1e-18."""
    total = 0
    for (owner, index), cell in ledger.cells.items():
        if owner != NOBODY and cell.terms.venue == venue:
            total += _notional(ledger, index, abs(cell.lots))
    return total


def _net_at(ledger: Ledger, venue: int) -> int:
    """As the venue sees it: the strategies' lots of an instrument net out."""
    lots: dict[int, int] = {}
    for (_, index), cell in ledger.cells.items():
        if cell.terms.venue == venue:
            lots[index] = lots.get(index, 0) + cell.lots
    return sum(_notional(ledger, index, abs(size)) for index, size in lots.items())


def _notional(ledger: Ledger, index: int, lots: int) -> int:
    terms = ledger.terms[index]
    return notional_value(terms, lots, ledger.marks.sums[index], ledger.marks.prices[terms.quote])


def _away_ppm(equity: int, gross: int) -> int:
    """The distance that C08 looks at."""
    cushion = equity - gross * MAINTENANCE_PPM // PPM
    return PPM if cushion >= gross else max(cushion, 0) * PPM // gross


def number(amount: int) -> Number | None:
    """A value at 1e-18 for JSON."""
    return plain(value_decimal(amount))
