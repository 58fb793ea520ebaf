"""The Parquet archive of a tape: every column an integer, each row as its difference to the row before."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import Corrupt
from crossbook.rules.layout import EVENT, Rows, new_events
from crossbook.tape.manifest import Part

PART_ROWS = 1 << 19
NARROW = 1 << 31


def encode(rows: Rows) -> bytes:
    """One Parquet file of `rows`. Columns that are all zero are left out; differences that fit are 32 bits wide.

    Differences are taken modulo 2**64, so that any integer comes back exactly.
    """
    import polars as pl  # takes 0.3 s: only who reads or writes an archive waits for it

    columns: dict[str, Any] = {}
    for name in EVENT.names or ():
        values = np.ascontiguousarray(rows[name])
        if not values.any():
            continue
        if values.dtype == np.int64:
            steps = np.empty_like(values)
            steps[0] = values[0]
            np.subtract(values[1:], values[:-1], out=steps[1:])
            values = steps
            if len(rows) > 1 and -NARROW <= steps[1:].min() and steps[1:].max() < NARROW:
                columns[name + "_0"] = np.full(len(rows), steps[0])
                values = steps.astype(np.int32)
                values[0] = 0
        columns[name] = values
    if not columns:
        columns["flags"] = np.ascontiguousarray(rows["flags"])
    packed = io.BytesIO()
    pl.DataFrame(columns).write_parquet(packed, compression="zstd", compression_level=1, statistics=False)
    return packed.getvalue()


def decode(packed: bytes, rows: Rows) -> None:
    """Fill `rows` (zeros) from a Parquet file. Raises whatever polars raises for a file that is none."""
    import polars as pl

    table = pl.read_parquet(io.BytesIO(packed))
    for name in EVENT.names or ():
        if name in table.columns:
            values = table[name].to_numpy()
            if rows[name].dtype == np.int64:
                wide = values.astype(np.int64)
                if name + "_0" in table.columns:
                    wide[0] = table[name + "_0"][0]
                values = np.cumsum(wide, dtype=np.int64)
            rows[name] = values


def write_parts(folder: Path, rows: Rows, pool: Executor) -> Iterator[Part]:
    """Write `rows` as parts into `folder`, several at once: begun at once, given as they are done."""
    pieces = [rows[at : at + PART_ROWS] for at in range(0, len(rows), PART_ROWS)]
    return iter(pool.map(_write_part, [folder] * len(pieces), range(len(pieces)), pieces))


def _write_part(folder: Path, number: int, rows: Rows) -> Part:
    packed = encode(rows)
    name = f"rows-{number:05d}.parquet"
    (folder / name).write_bytes(packed)
    return Part(name=name, sha256=hashlib.sha256(packed).hexdigest(), bytes=len(packed), rows=len(rows))


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
    for at, part in _placed(parts):
        check_part(folder, part)
        try:
            decode((folder / part.name).read_bytes(), rows[at : at + part.rows])
        except Exception as error:
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Corrupt(f"{folder / part.name} cannot be read ({line}): import the tape again") from None
    return rows


def _placed(parts: tuple[Part, ...]) -> Iterator[tuple[int, Part]]:
    at = 0
    for part in parts:
        yield at, part
        at += part.rows
