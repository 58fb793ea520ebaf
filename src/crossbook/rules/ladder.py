"""The ladder: a level per scope; the lowest that applies counts; it falls by rule and rises only by a person."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.rules.out import TRANSITION, blank
from crossbook.types import Level, Scope

DESK = int(Scope.DESK)
VENUE = int(Scope.VENUE)
INSTRUMENT = int(Scope.INSTRUMENT)
STRATEGY = int(Scope.STRATEGY)
ACTIVE = int(Level.ACTIVE)
NO_LEVEL = -1
KILLED = int(Level.KILLED)
CLOSE_ONLY = int(Level.CLOSE_ONLY)


@kernel
def has_scope(s: Any, scope: int, index: int) -> bool:
    """Whether there is such a scope."""
    if index < 0:
        return False
    if scope == DESK:
        return index == 0
    if scope == VENUE:
        return bool(index < s.n_venues)
    if scope == INSTRUMENT:
        return bool(index < s.n_instruments)
    return bool(scope == STRATEGY and index < s.n_strategies)


@kernel
def level_of(s: Any, scope: int, index: int) -> int:
    """The level of one scope; NO_LEVEL, below every level, if there is no such scope."""
    if not has_scope(s, scope, index):
        return NO_LEVEL
    if scope == DESK:
        return int(s.level)
    if scope == VENUE:
        return int(s.venues[index].level)
    if scope == INSTRUMENT:
        return int(s.instruments[index].level)
    return int(s.strategies[index].level)


@kernel
def set_level(s: Any, scope: int, index: int, level: int) -> None:
    """Fold a transition."""
    if scope == DESK:
        s.level = level
        if level == ACTIVE:  # only a person does that: the day's entries are counted anew (C14)
            s.rate.arbs_in_day = 0
    elif scope == VENUE:
        s.venues[index].level = level
    elif scope == INSTRUMENT:
        s.instruments[index].level = level
    else:
        s.strategies[index].level = level


@kernel
def effective_level(s: Any, strategy: int, i: int) -> int:
    """What a strategy may do in an instrument: the lowest of desk, venue, instrument and strategy."""
    instrument = s.instruments[i]
    level = min(s.level, s.strategies[strategy].level)
    return int(min(level, instrument.level, s.venues[instrument.venue].level))


@kernel
def raise_level(s: Any, out: Any, n: int, scope: int, index: int, level: int, why: Any) -> int:
    """Let a person raise a scope: KILLED only to CLOSE_ONLY, never straight to ACTIVE. n as it was: not allowed."""
    old = level_of(s, scope, index)
    if old == NO_LEVEL or not old < level <= ACTIVE or (old == KILLED and level != CLOSE_ONLY):
        return n
    return _state_transition(s, out, n, scope, index, old, level, why)


@kernel
def lower(s: Any, out: Any, n: int, scope: int, index: int, level: int, why: Any) -> int:
    """Let a scope fall to `level`, stating the rule and its numbers; a scope already there or lower stays."""
    old = level_of(s, scope, index)
    if not KILLED <= level < old:
        return n
    return _state_transition(s, out, n, scope, index, old, level, why)


@kernel
def _state_transition(s: Any, out: Any, n: int, scope: int, index: int, old: int, level: int, why: Any) -> int:
    reason, value, limit = why
    set_level(s, scope, index, level)
    row = out[n]
    blank(row, TRANSITION, s.now, index if scope == STRATEGY else -1, -1, -1)
    row.count = scope
    row.order = index
    row.price = old
    row.lots = level
    row.reason = reason
    row.value = value
    row.limit = limit
    return n + 1
