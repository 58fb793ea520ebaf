"""What a change of level stands on: the journal's entries that its rule's numbers come from, and the numbers again.

For each transition: the entries whose sum or count is the number that was stated, that number recomputed from them, so
that a difference shows, and what a person said who asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from crossbook.commands import OutKind, Reason
from crossbook.errors import Corrupt
from crossbook.events import FLAG_MAKER, EventKind
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import DECLARATION_TAG, OUT_TAG, EventRow, OutRow, decode_out, kind_of
from crossbook.ledger.evidence_seen import NS_PER_H, NS_PER_MIN, Seen
from crossbook.ledger.evidence_worth import Stand
from crossbook.ledger.postings import fill_cash_e8
from crossbook.timestamp import NS_PER_DAY
from crossbook.types import Level

PPM = 1_000_000
TRIPS = 20
"""C39 looks at so many round trips."""
SHARES = {
    (Reason.DAILY_LOSS, Level.CLOSE_ONLY): "daily_close_pct",
    (Reason.DAILY_LOSS, Level.KILLED): "daily_kill_pct",
    (Reason.WEEKLY_LOSS, Level.KILLED): "weekly_kill_pct",
    (Reason.DRAWDOWN, Level.KILLED): "drawdown_kill_pct",
}
"""Limits that are a part of what the loss is counted from."""


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a level with what it stands on.

    `again`, `limit_again`: the stated value and limit recomputed from those entries, None where the journal does not
    hold what it takes. `exact`: they must be the stated ones to the digit; else a mark that is not in the journal had
    its part in them. `words`: what was said with it. `request`: the entry of the request that asked for it, or 0.
    """

    sequence: int
    row: OutRow
    stands: list[Stand]
    again: int | None = None
    limit_again: int | None = None
    exact: bool = True
    words: dict[str, Any] = {}
    request: int = 0

    @property
    def residual(self) -> int | None:
        """How far the numbers are from what their entries give; None where they cannot be recomputed."""
        if self.again is None:
            return None
        limit = self.row.limit if self.limit_again is None else self.limit_again
        return abs(self.row.value - self.again) + abs(self.row.limit - limit)

    @property
    def holds(self) -> bool:
        """False where a number must be what its entries give, and is not."""
        return not self.exact or self.residual in (0, None)


def falls_of(entries: Iterable[tuple[int, bytes]]) -> list[Fall]:
    """Every change of level of a run, of `(sequence, payload)` entries, the declaration first. Raises `Corrupt` if it
    is not first."""
    iterator = iter(entries)
    _, first = next(iterator, (0, b"\0"))
    if first[0] != DECLARATION_TAG:
        raise Corrupt("the journal does not begin with a declaration; it is no journal of a run")
    evidence = Evidence(Declaration.from_json(first[1:]))
    for sequence, payload in iterator:
        evidence.take(sequence, payload)
    return evidence.falls


class Evidence:
    """The fold. Feed it every entry but the declaration; `falls` are the changes of level so far."""

    def __init__(self, declaration: Declaration) -> None:
        self.falls: list[Fall] = []
        self._seen = Seen(declaration)
        self._limits: dict[str, Any] = msgspec.json.decode(declaration.config.encode()).get("limits", {})

    def take(self, sequence: int, payload: bytes) -> None:
        """Fold one entry."""
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.TRANSITION:
            self._seen.worth.settle()
            self.falls.append(self._fall(sequence, decode_out(payload)))
        self._seen.take(sequence, payload)

    def _fall(self, sequence: int, row: OutRow) -> Fall:
        reason = Reason(row.reason) if row.reason in Reason._value2member_map_ else None
        rule = None if reason is None else _RULES.get(reason)
        if rule is None:
            before = Stand(sequence - 1, row.ts, "the entry before it")
            return Fall(sequence=sequence, row=row, stands=[before])
        return rule(self, sequence, row)

    # -- a rule each --------------------------------------------------------------------------------------------

    def _operator(self, sequence: int, row: OutRow) -> Fall:
        request = self._seen.requests.get(row.value)
        if request is None:
            return Fall(sequence=sequence, row=row, stands=[], again=0, exact=True)
        said = self._seen.texts.get(row.value)
        stands = [one for one in (said, request) if one is not None]
        return Fall(
            sequence=sequence, row=row, stands=stands, again=row.value, words=self._seen.words.get(row.value, {}),
            request=request.sequence,
        )  # fmt: skip

    def _counted(self, sequence: int, row: OutRow, stands: Iterable[Stand]) -> Fall:
        listed = list(stands)
        return Fall(sequence=sequence, row=row, stands=listed, again=len(listed))

    def _rejects(self, sequence: int, row: OutRow) -> Fall:
        minute = row.ts // NS_PER_MIN
        return self._counted(sequence, row, (one for one in self._seen.rejected if one.ts // NS_PER_MIN == minute))

    def _unknowns(self, sequence: int, row: OutRow) -> Fall:
        return self._counted(sequence, row, self._seen.unknown.values())

    def _arbs(self, sequence: int, row: OutRow) -> Fall:
        day = row.ts // NS_PER_DAY
        return self._counted(sequence, row, (one for one in self._seen.entered if one.ts // NS_PER_DAY == day))

    def _holds(self, sequence: int, row: OutRow) -> Fall:
        """Those of the instrument and of the kind that began last, of the last hour."""
        kind = next((kind for _, instrument, kind in reversed(self._seen.holds) if instrument == row.order), -1)
        found = (
            stand for stand, instrument, of in self._seen.holds
            if (instrument, of) == (row.order, kind) and row.ts - stand.ts < NS_PER_H
        )  # fmt: skip
        return self._counted(sequence, row, found)

    def _told(self, kind: EventKind) -> tuple[list[Stand], EventRow | None]:
        found = self._seen.last.get(kind)
        return ([], None) if found is None else ([found[0]], found[1])

    def _forced(self, sequence: int, row: OutRow) -> Fall:
        stands, event = self._told(EventKind.FORCED_CLOSE)
        return Fall(sequence=sequence, row=row, stands=stands, again=event.lots if event else 0)

    def _fee(self, sequence: int, row: OutRow) -> Fall:
        """The fee that the venue took, and the one that its schedule gives for that fill."""
        stands, event = self._told(EventKind.ORDER_FILLED)
        if event is None:
            return Fall(sequence=sequence, row=row, stands=stands, again=0)
        terms, declared = self._seen.worth.terms[event.instrument], self._seen.declaration.instruments[event.instrument]
        ppm = declared.maker_ppm if event.flags & FLAG_MAKER else declared.taker_ppm
        in_coin = terms.spot and event.side == 0
        amount = event.lots * terms.lot_e8 if in_coin else abs(fill_cash_e8(terms, 0, event.price, event.lots))
        return Fall(
            sequence=sequence, row=row, stands=stands, again=event.lots2, limit_again=-(-amount * ppm // PPM)
        )  # fmt: skip

    def _position(self, sequence: int, row: OutRow) -> Fall:
        """The venue's lots, and ours as the fills give them."""
        stands, event = self._told(EventKind.POSITION_REPORT)
        if event is None:
            return Fall(sequence=sequence, row=row, stands=stands, again=0)
        ours = self._seen.worth.lots.get(event.instrument, 0)
        return Fall(sequence=sequence, row=row, stands=[*stands, self._seen.broken], again=event.lots, limit_again=ours)

    def _restricted(self, sequence: int, row: OutRow) -> Fall:
        stands, event = self._told(EventKind.RESTRICTED)
        said = (
            self._seen.said
            if self._seen.said is not None and stands and self._seen.said[0].sequence == stands[0].sequence - 1
            else None
        )
        if said is not None:
            stands = [said[0], *stands]
        again = event.lots if event else 0
        return Fall(sequence=sequence, row=row, stands=stands, again=again, words=said[1] if said else {})

    def _too_long(self, sequence: int, row: OutRow) -> Fall:
        """Since when: the note that began it. Dust before it does not count, so any note of the stretch may be that
        one; the age that comes nearest is taken."""
        found = [(stand, told) for told, stand in self._stretches(row.order)]
        if not found:
            return Fall(sequence=sequence, row=row, stands=[], again=0)
        begun, told = min(found, key=lambda one: (abs(row.ts - one[0].ts - row.value), one[0].sequence))
        age = row.ts - begun.ts
        stands = [
            Stand(one.sequence, one.ts, one.what, age if one is begun else None)
            for one, _ in told
            if one.sequence >= begun.sequence
        ]
        return Fall(sequence=sequence, row=row, stands=stands, again=age)

    def _too_large(self, sequence: int, row: OutRow) -> Fall:
        """How much; the price that valued it is of that moment and not in the journal."""
        stands = [stand for told, stand in self._stretches(row.order) if stand is told[-1][0]]
        return Fall(sequence=sequence, row=row, stands=stands)

    def _stretches(self, strategy: int) -> list[tuple[list[tuple[Stand, int]], Stand]]:
        """Every note of the strategy's pairs that are apart now, with all notes of its pair."""
        open_now = [told for (owner, _), told in self._seen.apart.items() if owner == strategy and told and told[-1][1]]
        return [(told, stand) for told in open_now for stand, quantity in told if quantity]

    def _loses(self, sequence: int, row: OutRow) -> Fall:
        trips = self._seen.brought.trips.get(row.order, [])[-TRIPS:]
        again = sum(one.amount or 0 for one in trips) // TRIPS
        return Fall(sequence=sequence, row=row, stands=trips, again=again, exact=self._seen.brought.sure)

    def _lost(self, sequence: int, row: OutRow) -> Fall:
        reason = Reason(row.reason)
        start = self._seen.worth.starts.get(reason)
        if start is None:
            return Fall(sequence=sequence, row=row, stands=[], exact=False)
        stands, sure = self._seen.worth.loss(reason)
        share = self._limits.get(SHARES.get((reason, Level(row.lots)), ""))
        limit = None if share is None else start.worth * int(Decimal(str(share)) * 10_000) // PPM
        again = sum(one.amount or 0 for one in stands)
        return Fall(sequence=sequence, row=row, stands=stands, again=again, limit_again=limit, exact=sure)

    def _nobodys(self, sequence: int, row: OutRow) -> Fall:
        again = abs(sum(one.amount or 0 for one in self._seen.strange))
        stands = list(self._seen.strange)
        return Fall(sequence=sequence, row=row, stands=stands, again=again, exact=self._seen.strange_sure)


_RULES: dict[Reason, Callable[[Evidence, int, OutRow], Fall]] = {
    Reason.OPERATOR: Evidence._operator,
    Reason.TOO_MANY_REJECTS: Evidence._rejects,
    Reason.UNKNOWN_ORDERS: Evidence._unknowns,
    Reason.ARBS_TOO_MANY: Evidence._arbs,
    Reason.HELD_TOO_OFTEN: Evidence._holds,
    Reason.FORCED_CLOSE: Evidence._forced,
    Reason.FEE_DIFFERS: Evidence._fee,
    Reason.POSITION_DIFFERS: Evidence._position,
    Reason.RESTRICTED: Evidence._restricted,
    Reason.UNHEDGED_TOO_LONG: Evidence._too_long,
    Reason.UNHEDGED_TOO_LARGE: Evidence._too_large,
    Reason.STRATEGY_LOSES: Evidence._loses,
    Reason.DAILY_LOSS: Evidence._lost,
    Reason.WEEKLY_LOSS: Evidence._lost,
    Reason.DRAWDOWN: Evidence._lost,
    Reason.UNATTRIBUTED: Evidence._nobodys,
}
