"""Streams into one tape: books started by their snapshots, all frames in receive order, venue times on our clock."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbook.errors import CrossbookError, Refused
from crossbook.rules.book import DELTA, SNAPSHOT
from crossbook.rules.layout import Rows, new_events
from crossbook.tape.frames_of import Ints
from crossbook.tape.manifest import Clock
from crossbook.tape.packed import Stream, unpack
from crossbook.tape.recording import head_of
from crossbook.types import Chain, Instrument, Venue
from crossbook.venues.depth_sync import DepthSync
from crossbook.venues.frames import grid_of, refuse_off_grid


@dataclass
class Merged:
    """The rows of a tape and what was learnt on the way."""

    rows: Rows
    starts: Ints
    instruments: tuple[Instrument, ...]
    clocks: dict[str, Clock]
    early_updates: dict[str, int]
    rounded: dict[Path, int]


@dataclass
class _Frames:
    """A line a frame, as columns: its stream and number there, its times, its instrument and what it says of a book."""

    stream: Any
    number: Any
    ts: Any
    ts_venue: Any
    instrument: Any
    kind: Any
    id: Any
    id2: Any
    count: Any

    def take(self, order: Any) -> _Frames:
        return _Frames(*(getattr(self, name)[order] for name in self.__dataclass_fields__))


def merge(streams: Sequence[Stream], min_feed_ns: int, pool: Executor) -> Merged:
    """One tape from streams in any order; the same streams give the same rows.

    Raises `Refused` if a stream of book updates has no snapshot that fits, or a price is off its grid.
    """
    streams = sorted(streams, key=lambda one: (int(one.frames[0]["ts"]), one.path.name))
    named = {one.name: one for stream in streams for one in stream.instruments}
    instruments = tuple(sorted(named.values(), key=lambda one: (one.venue, one.symbol)))
    numbers = {one.name: i for i, one in enumerate(instruments)}
    frames = _frames(streams, numbers)
    frames = frames.take(np.argsort(frames.ts, kind="stable"))
    clocks, offsets = _clocks(frames, instruments, min_feed_ns)
    venue = np.array([int(one.venue) for one in instruments], np.int64)[frames.instrument]
    frames.ts_venue = np.where(frames.ts_venue > 0, frames.ts_venue + offsets[venue], frames.ts - min_feed_ns)
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
    jobs = [pool.submit(_unpack, rows, starts, frames, at, stream, numbers) for at, stream in enumerate(streams)]
    rounded = {stream.path: job.result() for stream, job in zip(streams, jobs, strict=True)}
    return Merged(rows, starts, instruments, clocks, early, rounded)


def _frames(streams: Sequence[Stream], numbers: dict[str, int]) -> _Frames:
    columns: list[list[Any]] = [[] for _ in range(9)]
    for at, stream in enumerate(streams):
        frames = stream.frames
        known = np.array([numbers[one.name] for one in stream.instruments], np.int64)
        symbol = frames["symbol"]
        nameless = np.flatnonzero(symbol < 0)
        if len(nameless) and stream.alone < 0:
            line = int(frames[nameless[0]]["line"])
            raise Refused(f"{stream.path}:{line}: a snapshot without a symbol among several: record one a file")
        values = (
            np.full(len(frames), at, np.int16), np.arange(len(frames)), frames["ts"], frames["ts_venue"], known[symbol],
            frames["kind"], frames["id"], frames["id2"], frames["count"],
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value)
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


def _unpack(
    rows: Rows, starts: Ints, frames: _Frames, at: int, stream: Stream, numbers: dict[str, int]
) -> int:  # fmt: skip
    """Write a stream's frames where they belong; how many quantities were rounded down to lots."""
    mine = np.flatnonzero(frames.stream == at)
    which = frames.number[mine]
    grid = grid_of(stream.instruments, [numbers[one.name] for one in stream.instruments])
    times = (frames.ts[mine], frames.ts_venue[mine])
    wrong = unpack(rows, stream.frames, stream.levels, which, starts[mine], *times, grid, stream.alone)
    if wrong >= 0:
        frame = stream.frames[which[wrong]]
        instrument = stream.instruments[max(int(frame["symbol"]), 0)]
        prices = stream.levels[frame["first"] : frame["first"] + frame["count"], 0].tolist()
        try:
            refuse_off_grid([*prices, int(frame["price2"])], instrument)
        except CrossbookError as error:
            raise Refused(f"{stream.path}:{int(frame['line'])}: {error}: mend the line, or describe the instrument's "
                          "grid with --instruments") from None  # fmt: skip
    return int(grid[:, 5].sum())
