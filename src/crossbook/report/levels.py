"""Changes of levels in a run's report: what made each, the entries it stands on, and its numbers again from them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from crossbook.commands import Reason
from crossbook.ledger.evidence import TRIPS, Fall
from crossbook.report import words
from crossbook.report.context import SEQ, TIME, Context, Line, level_word, scope_words
from crossbook.report.contradiction import fixed
from crossbook.report.table import Column, Table, make_table

SHOWN = 24
"""Entries of a change that stand on the page beside it; all are in the table."""


def wrong_falls(falls: list[Fall]) -> list[str]:
    """The changes whose numbers are not what their entries give, in a line each."""
    return [
        f"level in entry {one.sequence:,}: {words.reason_text(one.row.reason)} states {one.row.value:,} against "
        f"{one.row.limit:,}, its entries give {one.again:,}"
        + ("" if one.limit_again is None else f" against {one.limit_again:,}")
        for one in falls
        if not one.holds
    ]


def numbers(one: Fall) -> str:
    """The stated value against its limit; nothing where the reason has neither."""
    return words.against(one.row.reason, one.row.value, one.row.limit)


def asked(one: Fall) -> str:
    """Who asked for it and why, in his words, or what a venue said; empty for what a rule did by itself."""
    said = " ".join(str(one.words.get("reason") or one.words.get("text") or "").split())
    if not said:
        return ""
    if one.row.reason != Reason.OPERATOR:
        return f"{one.words.get('trouble', 'said')}: {said}"
    number = f"request {one.row.value}" if one.row.value else "asked"
    return f"{number} of {one.words.get('who') or 'somebody'}: {said}"


def again(one: Fall) -> str:
    """What its entries give: `3 entries; they give 10.3 s, residual 0`."""
    count = f"{len(one.stands):,} {'entry' if len(one.stands) == 1 else 'entries'}"
    if one.row.reason == Reason.OPERATOR:
        return count
    if one.again is None:
        return f"{count}; {residual_text(one)}"
    given = words.gate_number(one.row.reason, one.again)
    return f"{count}; {'it gives' if len(one.stands) == 1 else 'they give'} {given}, {residual_text(one)}"


def residual_text(one: Fall) -> str:
    """How far the stated numbers are from what the entries give, and why that may be."""
    if one.residual is None:
        return "the number took a price that is not in the journal"
    if not one.residual:
        return "residual 0"
    near = "" if one.exact else " (prices between the journal's marks had their part)"
    return f"residual {words.gate_number(one.row.reason, one.residual)}{near}"


def fall_rows(t: Context) -> list[dict[str, Any]]:
    """Each change of a level with what made it and what that stands on."""
    result = []
    for one in t.rows.falls:
        row = one.row
        scope, name = scope_words(t.rows, row.count_, row.order)
        name = "" if name == scope else name
        told = numbers(one)
        by = f"asked for in entry {one.request:,}" if one.request else f"by rule, after entry {one.sequence - 1:,}"
        result.append(
            {"entry": f"{one.sequence:,}", "time": words.moment(row.ts), "scope": scope, "name": name,
             "old": level_word(row.price), "new": level_word(row.lots), "id": f"e-{one.sequence}",
             "why": f"{words.reason_text(row.reason)}{f': {told}' if told else ''}, {by}", "words": asked(one),
             "again": again(one), "sound": one.holds, "count": len(one.stands),
             "stands": [
                 {"entry": f"{stand.sequence:,}", "time": words.moment(stand.ts), "what": stand.what,
                  "amount": _amount(one, stand.amount)}
                 for stand in _shown(one)
             ]}
        )  # fmt: skip
    return result


def falls(t: Context) -> Table:
    """Every change of a level."""
    lines: list[Line] = [
        [one.sequence, words.moment(one.row.ts), *scope_words(t.rows, one.row.count_, one.row.order),
         level_word(one.row.price), level_word(one.row.lots), words.reason_text(one.row.reason),
         words.gate_number(one.row.reason, one.row.value), words.limit_number(one.row.reason, one.row.limit),
         words.NA if one.again is None else words.gate_number(one.row.reason, one.again),
         words.NA if one.residual is None else words.gate_number(one.row.reason, one.residual),
         str(len(one.stands)), asked(one), f"request {one.request:,}" if one.request else f"rule, {one.sequence - 1:,}"]
        for one in t.rows.falls
    ]  # fmt: skip
    columns = [SEQ, TIME, Column("scope"), Column("of"), Column("from"), Column("to"), Column("rule")]
    columns += [Column(name, "number") for name in ("was", "limit", "from its entries", "residual", "entries")]
    columns += [Column("said"), Column("after entry", "number")]
    return make_table(
        "t-levels", "Levels",
        "They fall by rules and persons and rise by persons. From its entries: the number again, from those listed "
        "under what the changes stand on.",
        columns, lines,
    )  # fmt: skip


def evidence(t: Context) -> Table:
    """The entries that the changes stand on."""
    lines: list[Line] = [
        [one.sequence, words.reason_text(one.row.reason), stand.sequence, words.moment(stand.ts), stand.what,
         _amount(one, stand.amount)]
        for one in t.rows.falls
        for stand in one.stands
    ]  # fmt: skip
    columns = [Column("change in entry", "entry"), Column("rule"), SEQ, TIME, Column("what"), Column("adds", "number")]
    return make_table(
        "t-evidence", "What changes of levels stand on",
        "For each change the entries that its number is the sum or the count of; those that add nothing stand beside "
        f"it. Of C39 it is the mean of {TRIPS} round trips.",
        columns, lines,
    )  # fmt: skip


def _shown(one: Fall) -> list[Any]:
    """The first and the last of many."""
    if len(one.stands) <= SHOWN:
        return one.stands
    return [*one.stands[: SHOWN - 4], *one.stands[-4:]]


def _amount(one: Fall, amount: int | None) -> str:
    """As the number that it is a part of; money to its last digit, so that what is shown sums."""
    if amount is None:
        return ""
    if one.row.reason in words.LOSSES:
        return fixed(Fraction(amount, 10**8), 8)
    return words.gate_number(one.row.reason, amount)
