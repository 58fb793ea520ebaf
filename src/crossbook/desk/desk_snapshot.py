"""The whole desk's record on disk: where a live run can be gone on from, besides its beginning.

The journal's own snapshots keep the desk half, which its fold can check; what a market showed and what a strategy
remembers stands here. One file per chapter of `inputs`: the desk as it stood where the chapter begins.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import msgspec
from crc32c import crc32c

from crossbook.rules.layout import DESK

_HEAD = struct.Struct("<8sIQI")
_MAGIC = b"XBOOKDSK"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stood: the journal's last entry, the code that stepped it, timers that are set `(due, number)`, how
    many requests, frames and steps there were."""

    sequence: int
    kernels: str
    timers: tuple[tuple[int, int], ...] = ()
    requests: int = 0
    frames: int = 0
    steps: int = 0


def write_desk(folder: Path, chapter: int, standing: Standing, desk: bytes) -> Path:
    """Store a desk; whole or not at all."""
    words = msgspec.json.encode(standing)
    path = folder / f"{chapter:06d}.desk"
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(words), len(desk), crc32c(desk, crc32c(words, chapter))))
        file.write(words)
        file.write(desk)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    place = os.open(folder, os.O_RDONLY)
    os.fsync(place)
    os.close(place)
    return path


def latest_desk(folder: Path) -> tuple[int, Standing, bytes] | None:
    """The newest sound one as `(chapter, standing, desk)`; None if there is none."""
    for path in reversed(snapshots(folder)):
        found = _read(path)
        if found is not None:
            return int(path.stem), *found
    return None


def snapshots(folder: Path) -> list[Path]:
    """All of them, the oldest first."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9][0-9][0-9].desk"))


def _read(path: Path) -> tuple[Standing, bytes] | None:
    content = path.read_bytes()
    if len(content) < _HEAD.size:
        return None
    magic, length, size, crc = _HEAD.unpack_from(content)
    words, desk = content[_HEAD.size : _HEAD.size + length], content[_HEAD.size + length :]
    if magic != _MAGIC or len(desk) != size or crc != crc32c(desk, crc32c(words, int(path.stem))):
        return None
    try:
        standing = msgspec.json.decode(words, type=Standing)
    except msgspec.DecodeError:
        return None
    return (standing, desk) if size == DESK.itemsize else None
