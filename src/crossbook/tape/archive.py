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
from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import EVENT, Rows, new_events
from crossbook.tape.manifest import Part

PART_ROWS = 1 << 18
SMALL = 1 << 31


WIDE = tuple(name for name in EVENT.names or () if EVENT[name] == np.int64)
NARROW_NAMES = tuple(name for name in EVENT.names or () if EVENT[name] == np.int16)


def encode(rows: Rows) -> bytes:
    """One Parquet file of `rows`. Columns that are all zero are left out; differences that fit are 32 bits wide.

    Differences are taken modulo 2**64, so that any integer comes back exactly.
    """
    import polars as pl  # takes 0.3 s: only who reads or writes an archive waits for it

    wide = np.empty((len(WIDE), len(rows)), np.int64)
    narrow = np.empty((len(NARROW_NAMES), len(rows)), np.int16)
    spread(rows, wide, narrow)
    columns: dict[str, Any] = {}
    for name, steps in zip(WIDE, wide, strict=True):
        first, low, high = int(steps[0]), int(steps[1:].min(initial=0)), int(steps[1:].max(initial=0))
        if first == low == high == 0:
            continue
        if low >= -SMALL and high < SMALL:
            columns[name + "_0"] = np.full(len(rows), first)
            steps[0] = 0
            columns[name] = steps.astype(np.int32)
        else:
            columns[name] = steps
    for name, values in zip(NARROW_NAMES, narrow, strict=True):
        if values.any() or name == "flags":
            columns[name] = values
    packed = io.BytesIO()
    pl.DataFrame(columns).write_parquet(packed, compression="zstd", compression_level=1, statistics=False)
    return packed.getvalue()


@bulk_kernel
def spread(rows: Any, wide: Any, narrow: Any) -> None:
    """Rows into columns in one pass, in the order of `WIDE` (each less the row before) and `NARROW_NAMES`."""
    for k in range(len(rows)):
        row = rows[k]
        last = rows[max(k - 1, 0)]
        more = 1 if k > 0 else 0
        wide[0, k] = row.ts - last.ts * more
        wide[1, k] = row.ts_venue - last.ts_venue * more
        wide[2, k] = row.price - last.price * more
        wide[3, k] = row.lots - last.lots * more
        wide[4, k] = row.price2 - last.price2 * more
        wide[5, k] = row.lots2 - last.lots2 * more
        wide[6, k] = row.id - last.id * more
        wide[7, k] = row.id2 - last.id2 * more
        narrow[0, k] = row.kind
        narrow[1, k] = row.instrument
        narrow[2, k] = row.venue
        narrow[3, k] = row.asset
        narrow[4, k] = row.strategy
        narrow[5, k] = row.side
        narrow[6, k] = row.flags
        narrow[7, k] = row.reason


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
