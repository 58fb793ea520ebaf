"""Risk: every limit with its use where the ledger tells it, and the ladder at all scopes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from crossbook.ledger.figure import Number, plain
from crossbook.ledger.marks import notional_value
from crossbook.ledger.postings import NOBODY
from crossbook.report import words
from crossbook.report.levels import fall_rows
from crossbook.report.run_sections import denial_rows
from crossbook.types import Level, Scope
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.page_body import exposures, gross_at, number

NOT_TOLD = "its use is known inside the desk only; denials by it stand in the denials"


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of the configuration. `use` null where `why` says why; `share`: use over limit."""

    name: str
    limit_text: str
    of: str
    use: Number | None
    use_text: str
    share: Number | None
    share_text: str
    why: str
    control: str


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A scope on the ladder: its own level and since which entry; `may_raise` on the page: from CLOSE_ONLY only."""

    scope: str
    kind: str
    name: str
    level: str
    entry: int | None
    ts: int | None
    why: str


def body(moment: Moment) -> dict[str, Any]:
    """Its body."""
    known = moment.known
    return page_body(
        moment, "risk", "Risk",
        [
            ("Exposure", [name for name in known if name.startswith("exposure.")]),
            ("Refused", ["denials", "denial_rate", "error_rate", "breaks"]),
            ("Unhedged", [name for name in known if name.startswith("unhedged.")]),
            ("Losses", ["drawdown.max", "drawdown.max_amount", "pnl.total", "pnl.unattributed"]),
        ],
        ["t-positions", "t-levels", "t-evidence", "t-denials", "t-unhedged", "t-reasons"],
        limits=limits(moment),
        ladder=ladder(moment),
        falls=fall_rows(moment.context),
        exposures=exposures(moment),
        denials=denial_rows(moment.context),
        controls_off=moment.ledger.declaration.controls_off,
    )  # fmt: skip


def ladder(moment: Moment) -> list[Rung]:
    """Every scope with its level; what never changed is ACTIVE."""
    declared, levels = moment.ledger.declaration, moment.ledger.levels
    traded = {int(one.venue) for one in declared.instruments}
    scopes = [(Scope.DESK, 0, "desk")]
    scopes += [(Scope.VENUE, n, one.label) for n, one in enumerate(declared.venues) if n in traded]
    scopes += [(Scope.INSTRUMENT, n, one.name) for n, one in enumerate(declared.instruments)]
    scopes += [(Scope.STRATEGY, n, name) for n, name in enumerate(declared.strategies)]
    last = {(one.row.count_, one.row.order): one for one in moment.falls}
    rungs = []
    for scope, index, name in scopes:
        kind, fall = scope.name.lower(), last.get((scope, index))
        level = levels.get((scope, index), Level.ACTIVE)
        rungs.append(
            Rung(
                scope=kind if scope is Scope.DESK else f"{kind}:{name}", kind=kind, name=name,
                level=Level(level).name if level in Level._value2member_map_ else str(level),
                entry=fall.sequence if fall else None, ts=fall.row.ts if fall else None,
                why=words.reason_text(fall.row.reason) if fall else "",
            )
        )  # fmt: skip
    return rungs


def limits(moment: Moment) -> list[LimitRow]:
    """The limits as the run was given them."""
    given = moment.config.get("limits", {})
    if not isinstance(given, dict):
        return []
    uses = _uses(moment)
    rows = []
    for name, limit in given.items():
        found = uses.get(name, [])
        if not found:
            rows.append(_row(name, limit, "", None, NOT_TOLD))
        rows += [_row(name, limit, of, use, "") for of, use in found]
    return rows


def _row(name: str, limit: Any, of: str, use: Decimal | None, why: str) -> LimitRow:
    share = None
    if use is not None:
        try:
            bound = Decimal(str(limit))
            share = plain(use / bound) if bound > 0 else None
        except ArithmeticError:
            share = None
    unit = next((end for end in ("usd", "pct", "bps", "ms", "x", "s") if f"_{end}_" in f"_{name}_"), "")
    return LimitRow(
        name=name, limit_text=f"{limit} {unit}".strip(), of=of, use=plain(use),
        use_text=words.NA if use is None else f"{use:,.2f} {unit}".strip(), share=share,
        share_text=words.percent(share), why=why, control="",
    )  # fmt: skip


def _uses(moment: Moment) -> dict[str, list[tuple[str, Decimal]]]:
    """By the name of a limit what uses it now, and how much of it."""
    ledger = moment.ledger
    held: dict[tuple[int, int], int] = {}
    per_instrument: dict[int, int] = {}
    delta = 0
    for (owner, index), cell in ledger.cells.items():
        if owner == NOBODY or not cell.lots:
            continue
        terms = cell.terms
        size = notional_value(terms, abs(cell.lots), ledger.marks.sums[index], ledger.marks.prices[terms.quote])
        held[owner, terms.venue] = held.get((owner, terms.venue), 0) + size
        per_instrument[index] = per_instrument.get(index, 0) + size
        delta += size if cell.lots > 0 else -size
    venues = [venue.label for venue in ledger.declaration.venues]
    uses = {
        "position_notional_usd_max": [
            (f"{moment.strategies[who]} at {venues[venue]}", _usd(size)) for (who, venue), size in sorted(held.items())
        ],
        "instrument_notional_usd_max": [
            (ledger.terms[i].name, _usd(size)) for i, size in sorted(per_instrument.items())
        ],
        "gross_usd_max": [("all positions", _usd(sum(held.values())))],
        "delta_usd_max": [("all positions", _usd(abs(delta)))],
        "delta_soft_usd_max": [("all positions", _usd(abs(delta)))],
        "unknown_orders_max": [("orders of which nothing is known", Decimal(len(moment.watch.unknown)))],
        "leverage_x_max": [],
    }
    for number_, venue in enumerate(ledger.declaration.venues):
        gross, worth = gross_at(ledger, number_), ledger.venue_worth(number_)
        if venue.margin and gross and worth > 0:
            uses["leverage_x_max"].append((venue.label, Decimal(gross) / Decimal(worth)))
    return uses


def _usd(value: int) -> Decimal:
    told = number(value)
    return Decimal(told if told is not None else 0)
