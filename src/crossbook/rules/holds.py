"""Holds: transient causes deny entries while they last and for a minute after, without a change of level.

The third hold of one kind in an hour is no longer transient: the instrument falls to CLOSE_ONLY, latched.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.layout import HOLD_KINDS, HOLDS_KEPT
from crossbook.rules.orders import NS_PER_H
from crossbook.rules.out import say_alert
from crossbook.types import Level, Scope

STALE, STREAM, CLOCK, RATE, PAUSE, CLOSED = range(HOLD_KINDS)
"""No update for too long; stream down or just up again; clock offset; rate limit; paused after rejections; the venue
does not trade it now."""

INSTRUMENT = int(Scope.INSTRUMENT)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
HELD = int(Reason.HELD)
HELD_TOO_OFTEN = int(Reason.HELD_TOO_OFTEN)


@kernel
def begin_hold(s: Any, out: Any, n: int, i: int, kind: int) -> int:
    """The cause is there: hold the instrument until it ends. A hold that is on is not counted again."""
    hold = s.holds[i, kind]
    if hold.active == 1:
        return n
    hold.active = 1
    hold.began[hold.count % HOLDS_KEPT] = s.now
    hold.count += 1
    n = say_alert(s, out, n, -1, HELD, i, kind)
    in_hour = 0
    for k in range(min(hold.count, HOLDS_KEPT)):
        if s.now - hold.began[k] < NS_PER_H:
            in_hour += 1
    if not in_hour < s.limits.holds_per_h_max:
        n = lower(s, out, n, INSTRUMENT, i, CLOSE_ONLY, (HELD_TOO_OFTEN, in_hour, s.limits.holds_per_h_max))
    return n


@kernel
def end_hold(s: Any, i: int, kind: int, after_ns: int) -> None:
    """The cause is gone: entries stay denied for `after_ns` more."""
    hold = s.holds[i, kind]
    if hold.active == 1:
        hold.active = 0
        hold.until = s.now + after_ns


@kernel
def hold_closed(s: Any, out: Any, n: int, i: int, closed: bool) -> int:
    """The venue closed or opened the instrument."""
    if closed:
        return begin_hold(s, out, n, i, CLOSED)
    end_hold(s, i, CLOSED, s.limits.hold_after_ns)
    return n


@kernel
def hold_venue(s: Any, out: Any, n: int, venue: int, kind: int, on: bool) -> int:
    """Begin or end a hold of every instrument of a venue."""
    for i in range(s.n_instruments):
        if s.instruments[i].venue != venue:
            continue
        if on:
            n = begin_hold(s, out, n, i, kind)
        else:
            end_hold(s, i, kind, s.limits.hold_after_ns)
    return n


@kernel
def look_for_stale(s: Any, out: Any, n: int) -> int:
    """Once a second: hold what has not been heard of for too long, release what was heard again."""
    for i in range(s.n_instruments):
        quote = s.quotes[i]
        if quote.ts == 0:
            continue
        if not s.now - quote.ts <= s.limits.stale_ns_max:
            n = begin_hold(s, out, n, i, STALE)
        else:
            end_hold(s, i, STALE, s.limits.hold_after_ns)
    return n


@kernel
def hold_reason(s: Any, i: int) -> Any:
    """Whether a hold denies entries in the instrument: `(HELD, kind, until)`; until 0 while the cause lasts."""
    for kind in range(HOLD_KINDS):
        hold = s.holds[i, kind]
        if hold.active == 1:
            return HELD, kind, 0
        if s.now < hold.until:
            return HELD, kind, hold.until
    return 0, 0, 0
