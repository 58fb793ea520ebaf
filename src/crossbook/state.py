"""The desk's record, and the desk half of it as a fold of the journal.

`apply` folds one journal entry with the very kernels that the engine's step uses; nothing else writes.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from crossbook.commands import OutKind, Reason
from crossbook.events import EventKind
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import set_level
from crossbook.rules.layout import ACCOUNT_FIELDS, Rows
from crossbook.rules.orders import apply_order_event, apply_submit, book_fill, book_funding, count_arb, is_booked

SUBMIT_ORDER = int(OutKind.SUBMIT_ORDER)
INTENT = int(OutKind.INTENT)
DENIAL = int(OutKind.DENIAL)
TRANSITION = int(OutKind.TRANSITION)
FIRST_ORDER_KIND = int(EventKind.ORDER_ACCEPTED)
LAST_ORDER_KIND = int(EventKind.ORDER_UNKNOWN)
FUNDING_PAID = int(EventKind.FUNDING_PAID)
TRANSFER = int(EventKind.TRANSFER)
FORCED_CLOSE = int(EventKind.FORCED_CLOSE)
RATE_BUDGET = int(EventKind.RATE_BUDGET)
ENTRY = int(Reason.ENTRY)


@kernel
def fold_event(desk: Any, rows: Any) -> None:
    """Fold a journalled event."""
    s = desk[0]
    row = rows[0]
    kind = row.kind
    s.now = row.ts
    if FIRST_ORDER_KIND <= kind <= LAST_ORDER_KIND:
        apply_order_event(s, row)
    elif kind == TRANSFER:
        s.balances[row.venue, row.asset] += row.lots
    elif kind == FUNDING_PAID:
        book_funding(s, row)
    elif kind == FORCED_CLOSE:
        if not is_booked(s, row):
            book_fill(s, row)
    elif kind == RATE_BUDGET:
        s.venues[row.venue].budget_left = row.lots
        s.venues[row.venue].budget_whole = row.lots2


@kernel
def fold_out(desk: Any, rows: Any) -> None:
    """Fold a journalled command or note."""
    s = desk[0]
    row = rows[0]
    kind = row.kind
    if kind == SUBMIT_ORDER:
        apply_submit(s, row)
    elif kind == INTENT:
        s.next_intent = row.intent + 1
        s.counters[row.strategy].intents += 1
        if row.reason == ENTRY:
            count_arb(s.rate, row.ts)
    elif kind == DENIAL:
        s.counters[row.strategy].denials += row.count
    elif kind == TRANSITION:
        set_level(s, row.count, row.order, row.lots)


class State:
    """Owns the desk's record."""

    def __init__(self, desk: Rows) -> None:
        self.desk = desk

    def apply(self, rows: Rows) -> None:
        """Fold one journal entry: a one-row array of `EVENT` or `OUT`."""
        if "order" in (rows.dtype.names or ()):
            fold_out(self.desk, rows)
        else:
            fold_event(self.desk, rows)

    def account_bytes(self) -> bytes:
        """The desk half of the state, as bytes: what a snapshot keeps."""
        return b"".join(self.desk[name].tobytes() for name in ACCOUNT_FIELDS)

    def digest(self) -> str:
        """A hash of the desk half: equal for the state a run kept and the one folded from its journal."""
        return hashlib.sha256(self.account_bytes()).hexdigest()

    def restore(self, blob: bytes) -> None:
        """Put back what `account_bytes` gave. Raises `ValueError` if it has another size."""
        at = 0
        for name in ACCOUNT_FIELDS:
            view = self.desk[name]
            size = view.nbytes
            view[...] = _reinterpret(blob[at : at + size], view)
            at += size
        if at != len(blob):
            raise ValueError(f"a snapshot of {len(blob)} bytes does not fit a desk half of {at}")


def _reinterpret(chunk: bytes, like: Any) -> Any:
    return np.frombuffer(chunk, like.dtype).reshape(like.shape)
