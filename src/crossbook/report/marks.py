"""Marks against the tape: fold the frames again and find, for each mark in the journal, the book that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from crossbook.commands import OutKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import OUT_TAG, decode_out, kind_of
from crossbook.rules.book import apply_market
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK, QUOTE, Rows, record
from crossbook.tape.tape import Tape, select

MARK = record(("ts", np.int64), ("bid", np.int64), ("ask", np.int64), ("instrument", np.int64), ("shown", np.int64))
"""A mark of the journal; `shown` becomes 1 where the tape has a book that says the same."""


def marks_of(payloads: Iterable[bytes]) -> Rows:
    """The marks of a journal, in its order."""
    found = []
    for payload in payloads:
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.MARKED:
            row = decode_out(payload)
            found.append((row.ts, row.price, row.lots, row.instrument, 0))
    return np.array(found, MARK)


def unexplained(marks: Rows, tape: Tape, declaration: Declaration, frames: int | None = None) -> Rows:
    """The marks that no book on the tape shows at their time. `frames`: how many of the tape's frames the run took (one
    that was stopped took fewer than all). Raises `Refused` if the tape lacks an instrument of the run."""
    if len(marks) == 0:
        return marks
    tape = select(tape, [one.name for one in declaration.instruments])
    chains = np.array([int(one.chain) for one in declaration.instruments], np.int64)
    books, quotes = np.zeros(len(chains), BOOK), np.zeros(len(chains), QUOTE)
    starts = tape.starts if frames is None else tape.starts[: frames + 1]
    ordered = marks[np.argsort(marks["ts"], kind="stable")]
    _show(books, quotes, chains, tape.rows, np.ascontiguousarray(starts), ordered)
    hidden: Rows = ordered[ordered["shown"] == 0]
    return hidden


@kernel
def _look(quotes: Any, mark: Any) -> None:
    """State whether the mark is what its quote says now."""
    quote = quotes[mark.instrument]
    if quote.bid_lots > 0 and quote.ask_lots > 0 and quote.bid == mark.bid and quote.ask == mark.ask:
        mark.shown = 1


@kernel
def _show(books: Any, quotes: Any, chains: npt.NDArray[Any], rows: Any, starts: npt.NDArray[Any], marks: Any) -> None:
    """One pass over the frames. A mark belongs to the end of a step with its stamp: frames of that same stamp may have
    come before it or after it, so each state among them may be the one it shows."""
    m = 0
    for f in range(len(starts) - 1):
        first = rows[starts[f]]
        while m < len(marks) and marks[m].ts < first.ts:
            _look(quotes, marks[m])
            m += 1
        k = m
        while k < len(marks) and marks[k].ts == first.ts:
            _look(quotes, marks[k])
            k += 1
        i = first.instrument
        apply_market(books[i], quotes[i], chains[i], rows[starts[f] : starts[f + 1]])
        k = m
        while k < len(marks) and marks[k].ts == first.ts:
            _look(quotes, marks[k])
            k += 1
    while m < len(marks):
        _look(quotes, marks[m])
        m += 1
