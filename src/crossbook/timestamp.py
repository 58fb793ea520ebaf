"""Time as integer nanoseconds UTC since 1970. This module converts; it never reads a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime

from crossbook.errors import Refused

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S

_EARLIEST_NS = 1_230_768_000 * NS_PER_S  # 2009: before the first coin
_LATEST_NS = 4_102_444_800 * NS_PER_S  # 2100


def stamp_to_ns(stamp: int) -> int:
    """A venue's or recorder's integer stamp in s, ms, us or ns, told apart by its size, as ns.

    The four ranges 2009..2100 do not overlap, so the unit is never a guess.
    Raises `Refused` for a stamp that lies in none of them.
    """
    for factor in (1, NS_PER_US, NS_PER_MS, NS_PER_S):
        if _EARLIEST_NS <= stamp * factor < _LATEST_NS:
            return stamp * factor
    raise Refused(f"time stamp {stamp} is no moment between 2009 and 2100 in s, ms, us or ns: check the file's unit")


def day_of(time_ns: int) -> int:
    """The UTC day as a count of days since 1970; days are half-open."""
    return time_ns // NS_PER_DAY


def iso(time_ns: int) -> str:
    """`2024-08-08T23:54:15.030314667Z`, all nine digits kept."""
    seconds, fraction = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def day_label(day: int) -> str:
    """`2024-08-08` for a count of days since 1970."""
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y-%m-%d}"


def day_number(label: str) -> int:
    """The count of days since 1970 of `2024-08-08`."""
    return (date.fromisoformat(label) - date(1970, 1, 1)).days
