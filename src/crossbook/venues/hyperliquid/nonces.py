"""Nonces: each signed action has one, a millisecond stamp, never used twice by a signer. Ours to give, theirs to judge.

The venue keeps a signer's 100 highest nonces. A new one has to be above the lowest of these (once there are 100),
unused, and within (now - 2 days, now + 1 day). One source per signer; two processes never share one.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from crossbook.errors import Refused

DAY_MS = 86_400_000
KEPT = 100
"""How many used nonces the venue keeps."""
AHEAD_MS_MAX = DAY_MS // 2
"""How far ahead of the clock we let nonces run; the venue allows a day."""


class NonceSource:
    """Gives nonces in rising order, whatever the clock does. `last`: the highest that an earlier run gave."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def take(self, now_ms: int) -> int:
        """The clock's millisecond, or the next number above the last nonce.

        Raises `Refused`, and uses up nothing, where that is half a day ahead of the clock: one of the two is wrong.
        """
        nonce = max(now_ms, self.last + 1)
        if nonce - now_ms > AHEAD_MS_MAX:
            raise Refused(f"nonce {nonce} is more than half a day ahead of the clock, {now_ms}: set the clock right")
        self.last = nonce
        return nonce


class UsedNonces:
    """What the venue remembers of one signer."""

    def __init__(self) -> None:
        self._kept: list[int] = []

    def take(self, nonce: int, now_ms: int) -> str | None:
        """Use up a nonce. None if it may be used, otherwise the venue's words, and nothing is used up."""
        if not now_ms - 2 * DAY_MS < nonce < now_ms + DAY_MS:
            return f"Invalid nonce: {nonce} is not within (T - 2 days, T + 1 day) of {now_ms}"
        place = bisect_left(self._kept, nonce)
        if place < len(self._kept) and self._kept[place] == nonce:
            return f"Invalid nonce: duplicate nonce {nonce}"
        if len(self._kept) == KEPT and place == 0:
            return f"Invalid nonce: nonce too low {nonce} < {self._kept[0]}"
        insort(self._kept, nonce)
        del self._kept[:-KEPT]
        return None
