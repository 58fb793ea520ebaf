"""Venues: breaks, orders of which nothing is known, streams, clocks and budgets, as the journal tells them."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.events import EventKind
from crossbook.report import words
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.page_body import exposures

UNTOLD = "this run's journal does not tell it: only a run at venues, real or served, does"


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's streams as last told. Ages are to the last entry of the journal; null where nothing was told."""

    venue: str
    up: bool | None
    since: int | None
    changes: int
    marked_age_ns: int | None
    marked_age_text: str
    clock_offset_ns: int | None
    clock_offset_text: str
    budget_left: int | None
    budget_whole: int | None
    open_orders: int | None
    entries: dict[str, int]
    missing: str


def feeds(moment: Moment) -> list[Feed]:
    """Each venue that something is traded at."""
    traded = {terms.venue for terms in moment.ledger.terms}
    found = []
    for number, venue in enumerate(moment.ledger.declaration.venues):
        if number not in traded:
            continue
        seen = moment.watch.venues[number]
        age = None if seen.marked is None else max(moment.ts - seen.marked, 0)
        offset = seen.offset_ns
        found.append(
            Feed(
                venue=venue.label, up=seen.up, since=seen.since, changes=seen.changes, marked_age_ns=age,
                marked_age_text=words.span(age), clock_offset_ns=offset,
                clock_offset_text=words.NA if offset is None else f"{'-' * (offset < 0)}{words.span(abs(offset))}",
                budget_left=seen.budget_left, budget_whole=seen.budget_whole, open_orders=seen.open_orders,
                entries=dict(seen.said), missing=UNTOLD if seen.up is None and offset is None else "",
            )
        )  # fmt: skip
    return found


def body(moment: Moment) -> dict[str, Any]:
    """Its body."""
    watch, known = moment.watch, moment.known
    reports = [one for one in moment.rows.odd if one.kind in (EventKind.BALANCE_REPORT, EventKind.POSITION_REPORT)]
    return page_body(
        moment, "venues", "Venues",
        [
            ("Against the venues' reports", ["breaks", "events.duplicate", "postings", "assets.unpriced"]),
            ("P&L", [name for name in known if name.startswith("pnl.venue.")]),
            ("Exposure", [name for name in known if name.startswith("exposure.venue.")]),
        ],
        ["t-odd", "t-venues", "t-nav", "t-flows"],
        feeds=feeds(moment),
        process=watch.process,
        exposures=exposures(moment),
        unknown_orders=[{"order": order, "entry": entry} for order, entry in watch.unknown.items()],
        reports_that_differed=len(reports),
        restarts=watch.restarts,
    )  # fmt: skip
