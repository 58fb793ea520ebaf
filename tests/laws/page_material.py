"""Runs for the laws of the page: a folder with a journal of the desk's own records, and its figures as decoded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crossbook.desk.journal import JournalWriter
from crossbook.ledger.records import encode_header, encode_record
from crossbook.web.model import Pages

Tile = dict[str, Any]


@contextmanager
def run_of(payloads: Sequence[bytes], stamps: bytes = b"") -> Iterator[Path]:
    """A run's folder with these entries."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        folder.mkdir()
        write(folder, payloads)
        if stamps:
            (folder / "latency.bin").write_bytes(stamps)
        yield folder


def append(folder: Path, payloads: Sequence[bytes]) -> None:
    """Write on, as the desk does."""
    with JournalWriter(folder / "journal", segment_bytes=1 << 16) as writer:
        for payload in payloads:
            writer.append(payload)


def write(folder: Path, payloads: Sequence[bytes], sequence: int = 1) -> None:
    """The same at once and without a sync: a segment's records from `sequence` on."""
    path = folder / "journal" / "000001.seg"
    path.parent.mkdir(exist_ok=True)
    records = b"".join(encode_record(number, payload) for number, payload in enumerate(payloads, start=sequence))
    with path.open("ab") as file:
        file.write((encode_header(1) if sequence == 1 else b"") + records)


def pages_of(folder: Path) -> Pages:
    """The page's answers, all entries read."""
    pages = Pages(folder.parent, folder)
    assert pages.book is not None
    while pages.book.advance():
        assert pages.book.trouble is None, pages.book.trouble
    return pages


def decoded(answer: bytes) -> Any:
    """An answer, numbers exact."""
    return json.loads(answer, parse_float=Decimal)


def tiles_of(pages: Pages, as_of: int | None = None) -> dict[str, Tile]:
    """Every tile by its name."""
    return tiles_of_answer(pages.figures(as_of))


def tiles_of_answer(answer: bytes) -> dict[str, Tile]:
    """The tiles in an answer."""
    return {tile["name"]: tile for tile in decoded(answer)["figures"]}


def rows_behind(pages: Pages, url: str, limit: int = 1_000) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All rows at a `rows_url`, page by page, by column; and the last answer."""
    parts = urlsplit(url)
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    table = parts.path.removeprefix("/api/rows/")
    found: list[dict[str, Any]] = []
    while True:
        given = {**asked, "as_of": int(asked["as_of"]), "offset": len(found), "limit": limit}
        answer = decoded(pages.rows(table, **given))
        names = [column["name"] for column in answer["columns"]]
        found += [dict(zip(names, row["raw"], strict=True)) for row in answer["rows"]]
        if len(found) >= answer["n"]:
            return found, answer
