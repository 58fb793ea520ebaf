"""Tables as CSV: RFC 4180, and no text in it can be taken for a formula by whoever opens it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(text: str) -> str:
    """A cell that a spreadsheet shows and does not compute: a leading ' where it would. Numbers stay as they are."""
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text with a head line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in (columns, *rows):
        writer.writerow([safe_text(cell) for cell in row])
    return out.getvalue()
