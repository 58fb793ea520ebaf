"""What changed between two readings of a venue's instrument rules: a new grid, a closed market, one that is gone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crossbook.venues.messages import Instrument

APPEARED, GONE = "appeared", "gone"


class RuleChange(msgspec.Struct, frozen=True):
    """One rule of an instrument: `field` as the message names it, or that it APPEARED or is GONE."""

    instrument: str
    field: str
    old: str | int | bool | None = None
    new: str | int | bool | None = None

    def __str__(self) -> str:
        if self.field in (APPEARED, GONE):
            return f"{self.instrument} {self.field}"
        return f"{self.instrument} {self.field}: {self.old} -> {self.new}"


def rule_changes(old: Iterable[Instrument], new: Iterable[Instrument]) -> list[RuleChange]:
    """Every rule that is not as it was, by instrument. A decimal that is only written differently counts too."""
    before = {rules.instrument: rules for rules in old}
    after = {rules.instrument: rules for rules in new}
    changes: list[RuleChange] = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            changes.append(RuleChange(name, GONE))
        elif name not in before:
            changes.append(RuleChange(name, APPEARED))
        else:
            was, is_now = before[name], after[name]
            changes += [
                RuleChange(name, field, getattr(was, field), getattr(is_now, field))
                for field in Instrument.__struct_fields__
                if getattr(was, field) != getattr(is_now, field)
            ]
    return changes
