"""A book's start: hold updates back until a snapshot fits them, as the venues document it. Pure, one instrument.

The rule of the chain is `rules.book.chain_verdict`; here is only what to keep and when to let it go.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from crossbook.rules.book import APPLY, GAP, chain_verdict
from crossbook.types import Chain

Frame = TypeVar("Frame")
"""Whatever the caller holds for a frame: its rows, or its number."""


class DepthSync(Generic[Frame]):
    """Feed it snapshots and updates in the order received; each call gives the frames that are usable now.

    What was held back is usable only once the snapshot is here: the caller stamps it with that moment.
    `needs_snapshot` asks for a (further) snapshot: at the start, after a gap, or when one was too old to fit.
    """

    def __init__(self, chain: Chain) -> None:
        self.needs_snapshot = True
        self.snapshots = 0
        self.dropped = 0
        """Updates that the snapshot already held."""
        self._chain = int(chain)
        self._book_id = -1
        self._chained = 0
        self._held: list[tuple[int, int, Frame]] = []

    def snapshot(self, last_id: int, frame: Frame) -> list[Frame]:
        """The snapshot and the held updates that go on from it; nothing if it is older than what is known."""
        self.snapshots += 1
        if self._chain == Chain.SNAPSHOT:
            self._take(last_id, 0, 0)
            return [frame]
        if not self.needs_snapshot and last_id < self._book_id:
            return []
        book_id, chained, usable = last_id, 0, [frame]
        for number, (chain_id, held_id, update) in enumerate(self._held):
            verdict = chain_verdict(self._chain, book_id, chained, chain_id, held_id)
            if verdict == GAP:
                if not chained:  # the snapshot is too old for what was held: a newer one is needed
                    return []
                self._take(book_id, chained, number + 1 - len(usable))
                self.needs_snapshot = True
                self._held = self._held[number:]
                return [*usable, update]
            if verdict == APPLY:
                usable.append(update)
                book_id, chained = held_id, 1
        self._take(book_id, chained, len(self._held) + 1 - len(usable))
        self._held = []
        return usable

    def delta(self, chain_id: int, last_id: int, frame: Frame) -> list[Frame]:
        """The update if the book is in step. One that leaves a gap is given too: the book has to see it."""
        if self._chain == Chain.SNAPSHOT:
            return [frame]
        if self.needs_snapshot:
            self._held.append((chain_id, last_id, frame))
            return []
        verdict = chain_verdict(self._chain, self._book_id, self._chained, chain_id, last_id)
        if verdict == APPLY:
            self._book_id, self._chained = last_id, 1
        elif verdict == GAP:
            self.needs_snapshot = True
            self._held.append((chain_id, last_id, frame))
        return [frame]

    def _take(self, book_id: int, chained: int, dropped: int) -> None:
        self._book_id, self._chained = book_id, chained
        self.dropped += dropped
        self.needs_snapshot = False
