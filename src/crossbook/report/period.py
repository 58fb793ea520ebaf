"""A period of a report: a day, week, month or range of days, UTC, from its first moment to before its last."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_DAY

FORMS = {
    "day": "a date such as 2025-11-03",
    "week": "an ISO week such as 2025-W45",
    "month": "a month such as 2025-11",
    "year": "a year such as 2025",
    "range": "two dates such as 2025-11-01 2025-11-15",
}
_EPOCH = date(1970, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 2009, 2099


class Period(msgspec.Struct, frozen=True):
    """`label`: as it is written (`2025-11`); `title` in words; half-open, ns UTC."""

    kind: str
    label: str
    title: str
    begin_ns: int
    end_ns: int

    @property
    def days(self) -> int:
        """How many UTC days it has."""
        return (self.end_ns - self.begin_ns) // NS_PER_DAY

    @property
    def name(self) -> str:
        """Of files: `month-2025-11`."""
        return f"{self.kind}-{self.label}"


def parse_period(kind: str, *texts: str) -> Period:
    """A period as a person writes it. Raises `Refused` naming the form that is expected."""
    if kind == "day":
        first = _date(texts[0], kind)
        return _period(kind, texts[0], f"{first:%A}, {_day_words(first)}", first, first + timedelta(days=1))
    if kind == "range":
        first, last = _date(texts[0], kind), _date(texts[1], kind)
        if last < first:
            raise Refused(f"range {texts[0]} {texts[1]} ends before it begins: write the earlier day first")
        title = f"{_day_words(first)} to {_day_words(last)}"
        return _period(kind, f"{texts[0]}_{texts[1]}", title, first, last + timedelta(days=1))
    if kind == "week":
        found = re.fullmatch(r"(\d{4})-W(\d{2})", texts[0], re.ASCII)
        try:
            first = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else _EPOCH
        except ValueError:
            first = _EPOCH
        if found is None or not _FIRST_YEAR < first.year < _LAST_YEAR:
            raise _unlike(kind, texts[0])
        title = f"week {found[2]}, {_day_words(first)} to {_day_words(first + timedelta(days=6))}"
        return _period(kind, texts[0], title, first, first + timedelta(days=7))
    if kind == "year":
        first = _date(f"{texts[0]}-01-01", kind, texts[0])
        return _period(kind, texts[0], texts[0], first, date(first.year + 1, 1, 1))
    first = _date(f"{texts[0]}-01", kind, texts[0])
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return _period(kind, texts[0], f"{first:%B} {first.year}", first, following)


def parse_any(text: str) -> Period:
    """A year, month, week or day, told apart by its form. Raises `Refused` where it is none."""
    forms = (r"\d{4}", "year"), (r"\d{4}-W\d\d", "week"), (r"\d{4}-\d\d", "month"), (r"\d{4}-\d\d-\d\d", "day")
    for form, kind in forms:
        if re.fullmatch(form, text, re.ASCII):
            return parse_period(kind, text)
    raise Refused(f"period {text!r} is none; write {', '.join(FORMS[kind] for _, kind in forms)}")


def period_of(kind: str, ts: int) -> Period:
    """The day, week or month that a moment lies in."""
    day = datetime.fromtimestamp(ts // 10**9, UTC).date()
    if kind == "day":
        return parse_period(kind, f"{day:%Y-%m-%d}")
    if kind == "week":
        year, week, _ = day.isocalendar()
        return parse_period(kind, f"{year}-W{week:02d}")
    return parse_period(kind, f"{day:%Y-%m}")


def _period(kind: str, label: str, title: str, first: date, after: date) -> Period:
    begin, end = ((day - _EPOCH).days * NS_PER_DAY for day in (first, after))
    return Period(kind, label, title, begin, end)


def _date(text: str, kind: str, shown: str | None = None) -> date:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise _unlike(kind, text if shown is None else shown)
    return day


def _unlike(kind: str, text: str) -> Refused:
    return Refused(f"{kind} {text!r} is none; write {FORMS[kind]}, between {_FIRST_YEAR} and {_LAST_YEAR}")


def _day_words(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
