"""Streams into one tape: books started by their snapshots, all frames in receive order, venue times on our clock."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import Refused
from crossbook.rules.book import DELTA, SNAPSHOT
from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import Rows, new_events
from crossbook.tape.frames_of import Ints
from crossbook.tape.manifest import Clock
from crossbook.tape.recording import Chunk, head_of
from crossbook.types import Chain, Instrument, Venue
from crossbook.venues.depth_sync import DepthSync


@dataclass
class Stream:
    """Rows of one source on their grids; `instruments[i]` is what a row's `instrument` i means."""

    path: Path
    instruments: tuple[Instrument, ...]
    chunks: list[Chunk]


@dataclass
class Merged:
    """The rows of a tape and what was learnt on the way."""

    rows: Rows
    starts: Ints
    instruments: tuple[Instrument, ...]
    clocks: dict[str, Clock]
    early_updates: dict[str, int]


@dataclass
class _Frames:
    """A line a frame, as columns. `rank`, `place`: where it comes in the end."""

    chunk: Any
    start: Any
    count: Any
    ts: Any
    ts_venue: Any
    instrument: Any
    kind: Any
    id: Any
    id2: Any

    def take(self, order: Any) -> _Frames:
        return _Frames(*(getattr(self, name)[order] for name in self.__dataclass_fields__))


def merge(streams: Sequence[Stream], min_feed_ns: int, pool: Executor) -> Merged:
    """One tape from streams in any order; the same streams give the same rows.

    Raises `Refused` if a stream of book updates has no snapshot that fits.
    """
    streams = sorted(streams, key=lambda one: (int(one.chunks[0].rows[0]["ts"]), one.path.name))
    named = {one.name: one for stream in streams for one in stream.instruments}
    instruments = tuple(sorted(named.values(), key=lambda one: (one.venue, one.symbol)))
    number = {one.name: i for i, one in enumerate(instruments)}
    chunks = [
        (chunk, [number[one.name] for one in stream.instruments]) for stream in streams for chunk in stream.chunks
    ]
    frames = _frames(chunks)
    frames = frames.take(np.argsort(frames.ts, kind="stable"))
    received = frames.ts
    clocks, offsets = _clocks(frames, instruments, min_feed_ns)
    venue = np.array([int(one.venue) for one in instruments], np.int64)[frames.instrument]
    frames.ts_venue = np.where(frames.ts_venue > 0, frames.ts_venue + offsets[venue], received - min_feed_ns)
    early: dict[str, int] = {}
    order, ts = _in_step(frames, instruments, early, streams)
    if order is not None:
        frames, venue = frames.take(order), venue[order]
        frames.ts = ts
    for one in np.unique(venue):
        mine = venue == one
        frames.ts_venue[mine] = np.minimum(np.maximum.accumulate(frames.ts_venue[mine]), frames.ts[mine])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(frames.count)])
    rows = new_events(int(starts[-1]))
    list(pool.map(lambda at: _gather(rows, starts, frames, at, chunks[at][0]), range(len(chunks))))
    return Merged(rows, starts, instruments, clocks, early)


def _frames(chunks: list[tuple[Chunk, list[int]]]) -> _Frames:
    columns: list[list[Any]] = [[] for _ in range(9)]
    for at, (chunk, numbers) in enumerate(chunks):
        heads = chunk.rows[chunk.starts[:-1]]
        values = (
            np.full(len(heads), at), chunk.starts[:-1], np.diff(chunk.starts), heads["ts"], heads["ts_venue"],
            np.array(numbers)[heads["instrument"]], heads["kind"], heads["id"], heads["id2"],
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value.astype(np.int64))
    return _Frames(*(np.concatenate(column) for column in columns))


def _clocks(
    frames: _Frames, instruments: tuple[Instrument, ...], min_feed_ns: int
) -> tuple[dict[str, Clock], Ints]:  # fmt: skip
    clocks: dict[str, Clock] = {}
    offsets = np.zeros(len(Venue), np.int64)
    venue = np.array([int(one.venue) for one in instruments], np.int64)[frames.instrument]
    for one in Venue:
        said = (venue == one) & (frames.ts_venue > 0)
        if said.any():
            late = frames.ts[said] - frames.ts_venue[said]
            offsets[one] = late.min() - min_feed_ns
            clocks[one.label] = Clock(
                offset_ns=int(offsets[one]), least_ns=int(late.min()), median_ns=int(np.median(late)), n=len(late)
            )
    return clocks, offsets


def _in_step(
    frames: _Frames, instruments: tuple[Instrument, ...], early: dict[str, int], streams: Sequence[Stream]
) -> tuple[Any, Any]:
    """The order in which the frames are usable and when: `DepthSync` over each book's frames. None: as they are."""
    n = len(frames.ts)
    kept = np.ones(n, bool)
    moved: list[tuple[int, int, int]] = []  # frame, the frame that made it usable, its place behind that
    for i, instrument in enumerate(instruments):
        if instrument.chain is Chain.SNAPSHOT:
            continue
        mine = np.flatnonzero((frames.instrument == i) & ((frames.kind == DELTA) | (frames.kind == SNAPSHOT)))
        sync: DepthSync[int] = DepthSync(instrument.chain)
        synced = False
        columns = (mine.tolist(), frames.kind[mine].tolist(), frames.id[mine].tolist(), frames.id2[mine].tolist())
        for at, kind, last_id, chain_id in zip(*columns, strict=True):
            usable = sync.snapshot(last_id, at) if kind == SNAPSHOT else sync.delta(chain_id, last_id, at)
            if len(usable) == 1 and usable[0] == at:
                synced = synced or kind == SNAPSHOT
                continue
            synced = synced or bool(usable)
            kept[at] = False
            moved += [(frame, at, place) for place, frame in enumerate(usable)]
        if len(mine) and not synced:
            raise Refused(_no_snapshot(instrument, sync.snapshots, streams))
        if sync.dropped:
            early[instrument.name] = sync.dropped
    if kept.all() and not moved:
        return None, None
    stay = np.flatnonzero(kept)
    extra = np.array(moved, np.int64).reshape(len(moved), 3)
    frame = np.concatenate([stay, extra[:, 0]])
    rank = np.concatenate([stay, extra[:, 1]])
    place = np.concatenate([np.zeros(len(stay), np.int64), extra[:, 2]])
    order = np.lexsort((place, rank))
    return frame[order], frames.ts[rank[order]]


def _no_snapshot(instrument: Instrument, snapshots: int, streams: Sequence[Stream]) -> str:
    paths = [one.path for one in streams if any(known.name == instrument.name for known in one.instruments)]
    names = ", ".join(path.name for path in paths)
    if snapshots:
        return f"{names}: {instrument.name}: no snapshot fits its updates, it is older than the first: record it again"
    head = f"{names}: {instrument.name} has book updates but no snapshot, it continues another recording: "
    begins = _that_begins(paths)
    return head + f"import it together with {begins}" if begins else head + "import the file that begins it as well"


def _that_begins(paths: list[Path]) -> str:
    """The name of the file beside these that holds the same stream's snapshot, if there is one."""
    stem = paths[0].name.rpartition("_")[0]
    beside = sorted(
        path for path in paths[0].parent.glob(f"{stem}_*") if path not in paths and path.name < paths[0].name
    )
    for path in reversed(beside):
        if stem and b'"lastUpdateId"' in head_of(path):
            return path.name
    return ""


def _gather(rows: Rows, starts: Ints, frames: _Frames, at: int, chunk: Chunk) -> None:
    mine = np.flatnonzero(frames.chunk == at)
    columns = (frames.start, frames.count, frames.ts, frames.ts_venue, frames.instrument)
    gather(rows, chunk.rows, starts[:-1][mine], *(column[mine] for column in columns))


@bulk_kernel
def gather(
    rows: Any, source: Any, dest: Any, start: Any, count: Any, ts: Any, ts_venue: Any, instrument: Any
) -> None:  # fmt: skip
    """Copy frames to where they belong, with their times and their instrument's number on the tape."""
    for f in range(len(dest)):
        to = dest[f]
        for k in range(start[f], start[f] + count[f]):
            rows[to] = source[k]
            row = rows[to]
            row.ts = ts[f]
            row.ts_venue = ts_venue[f]
            row.instrument = instrument[f]
            to += 1
