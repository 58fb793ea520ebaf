"""The Parquet archive of a tape: every column an integer, each as its difference to the one before.

A part is two files: what a frame says once (`frames-N`), and its levels (`rows-N`). Rows that do not share within
their frame what frames share are written whole, as one file of rows.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import Corrupt
from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import EVENT, Rows, new_events
from crossbook.tape.frames_of import Ints
from crossbook.tape.manifest import Part
from crossbook.venues.reader import LAST

PART_ROWS = 1 << 18
SMALL = 1 << 31
NAMES = EVENT.names or ()
OF_LEVELS = ("price", "lots", "side")
OF_FRAMES = tuple(name for name in NAMES if name not in (*OF_LEVELS, "flags"))
COUNT = "count"


def write_parts(folder: Path, rows: Rows, starts: Ints, pool: Executor) -> Iterator[Part]:
    """Write rows as parts into `folder`, several at once: begun at once, given as they are done."""
    marks = np.searchsorted(starts, np.arange(0, len(rows), PART_ROWS))
    cuts = [*dict.fromkeys(marks.tolist()), len(starts) - 1]
    jobs = [
        pool.submit(_write_part, folder, number, rows, starts[first : end + 1])
        for number, (first, end) in enumerate(pairwise(cuts))
    ]
    return (part for job in jobs for part in job.result())


def _write_part(folder: Path, number: int, rows: Rows, starts: Ints) -> list[Part]:
    first, end = int(starts[0]), int(starts[-1])
    mine, heads = rows[first:end], starts[:-1] - first
    if not shared(mine, starts - first):
        return [_write(folder, f"rows-{number:05d}.parquet", mine, NAMES, {}, len(mine))]
    frames = mine[heads]
    counts = {COUNT: np.diff(starts).astype(np.int32)}
    return [
        _write(folder, f"frames-{number:05d}.parquet", frames, OF_FRAMES, counts, 0),
        _write(folder, f"rows-{number:05d}.parquet", mine, OF_LEVELS, {}, len(mine)),
    ]


def _write(
    folder: Path, name: str, rows: Rows, names: Iterable[str], more: dict[str, Any], counted: int
) -> Part:  # fmt: skip
    packed = encode(rows, names, more)
    (folder / name).write_bytes(packed)
    return Part(name=name, sha256=hashlib.sha256(packed).hexdigest(), bytes=len(packed), rows=counted)


def encode(rows: Rows, names: Iterable[str], more: dict[str, Any]) -> bytes:
    """One Parquet file of columns. Those that are all zero are left out; differences that fit are 32 bits wide.

    Differences are taken modulo 2**64, so that any integer comes back exactly.
    """
    import polars as pl  # takes 0.3 s: only who reads or writes an archive waits for it

    columns: dict[str, Any] = dict(more)
    for name in names:
        values = np.ascontiguousarray(rows[name])
        if not values.any():
            continue
        if values.dtype == np.int64:
            first = int(values[0])
            steps = np.diff(values, prepend=values[:1])
            if int(steps.min()) >= -SMALL and int(steps.max()) < SMALL:
                values = steps.astype(np.int32)
                columns[name + "_0"] = np.full(len(rows), first)
            else:
                steps[0] = first
                values = steps
        columns[name] = values
    if not columns:
        columns["flags"] = np.zeros(len(rows), np.int16)
    packed = io.BytesIO()
    pl.DataFrame(columns).write_parquet(packed, compression="zstd", compression_level=1, statistics=False)
    return packed.getvalue()


def decode(packed: bytes) -> dict[str, Any]:
    """The columns of a Parquet file. Raises whatever polars raises for a file that is none."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(packed))
    columns: dict[str, Any] = {}
    for name in (*NAMES, COUNT):
        if name in table.columns:
            values = table[name].to_numpy()
            if name in NAMES and EVENT[name] == np.int64:
                wide = values.astype(np.int64)
                if name + "_0" in table.columns:
                    wide[0] = table[name + "_0"][0]
                values = np.cumsum(wide, dtype=np.int64)
            columns[name] = values
    return columns


@bulk_kernel
def shared(rows: Any, starts: Any) -> bool:
    """Whether rows of a frame differ only in price, lots and side, and only its last is flagged, as the last."""
    for f in range(len(starts) - 1):
        one = rows[starts[f]]
        for k in range(starts[f], starts[f + 1]):
            row = rows[k]
            if row.flags != (LAST if k == starts[f + 1] - 1 else 0):
                return False
            if row.ts != one.ts or row.ts_venue != one.ts_venue or row.id != one.id or row.id2 != one.id2:
                return False
            if row.price2 != one.price2 or row.lots2 != one.lots2 or row.kind != one.kind:
                return False
            if row.instrument != one.instrument or row.venue != one.venue or row.asset != one.asset:
                return False
            if row.strategy != one.strategy or row.reason != one.reason:
                return False
    return True


def check_part(folder: Path, part: Part) -> None:
    """Raises `Corrupt` if a part is missing or not what was written."""
    path = folder / part.name
    if not path.is_file():
        raise Corrupt(f"{path} is missing: restore it, or import the tape again")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
            raise Corrupt(f"{path} is not what was written (sha256 differs): restore it, or import the tape again")


def read_rows(folder: Path, parts: tuple[Part, ...]) -> Rows:
    """All rows of an archive. Raises `Corrupt` naming the part that is missing or damaged."""
    rows = new_events(sum(part.rows for part in parts))
    at = 0
    for part in parts:
        check_part(folder, part)
        try:
            columns = decode((folder / part.name).read_bytes())
            if COUNT in columns:
                counts = columns.pop(COUNT)
                _fill(rows[at : at + int(counts.sum())], columns, counts)
                rows["flags"][at + np.cumsum(counts) - 1] = LAST
            else:
                _fill(rows[at : at + part.rows], columns, None)
        except Exception as error:
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Corrupt(f"{folder / part.name} cannot be read ({line}): import the tape again") from None
        at += part.rows
    return rows


def _fill(rows: Rows, columns: dict[str, Any], counts: Any) -> None:
    for name, values in columns.items():
        if name in NAMES:
            rows[name] = values if counts is None else np.repeat(values, counts)
