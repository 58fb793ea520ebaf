"""Record venues' market streams as they come: raw frames with receive stamps, and the snapshots that books begin with.

Runs for weeks: nothing is kept in memory but what is not yet on disk. A gap in a book's updates asks for a snapshot at
once; every part begins with one of its own, so that it can be imported alone. A stream that goes silent gets a second
socket, which takes over without a seam. What happened besides frames is written to `events.jsonl`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from crossbook.desk.raw import RawFolder, RawWriter, free_bytes, stem_of
from crossbook.desk.record_feed import RecordedFeed
from crossbook.desk.record_snapshots import Snapshots
from crossbook.errors import Refused
from crossbook.timestamp import iso
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.venues.budgets import Budgets, ConnectionBudget
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.market_streams import Message, feeds
from crossbook.venues.network import Ports
from crossbook.venues.rest import Rest

FLUSH_S = 0.1
SYNC_S = 5.0
FREE_BYTES_MIN = 256 << 20
DESCRIPTION = "recording.json"
EVENTS = "events.jsonl"


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's part of a recording."""

    venue: str
    symbols: tuple[str, ...]
    environment: str
    url: str = ""


class Counts(msgspec.Struct, kw_only=True):
    """What a recording came to so far. `behind_ms`: how far the last update was behind the venue's own stamp."""

    frames: int = 0
    bytes: int = 0
    gaps: int = 0
    snapshots: int = 0
    duplicates: int = 0
    silences: int = 0
    reconnects: int = 0
    odd: int = 0
    behind_ms: dict[str, int] = {}


class Recorder:
    """Records `what` into `folder`. Raises `Refused` if that holds a recording of something else."""

    def __init__(self, ports: Ports, what: Sequence[Recorded], folder: Path, part_mb: int = 256) -> None:
        self.counts = Counts()
        self._ports = ports
        _describe(folder, what)
        self._raw = RawFolder(folder)
        self._events = (folder / EVENTS).open("ab")
        self._folder = folder
        self._feeds: list[RecordedFeed] = []
        self._writers: list[RawWriter] = []
        self._snapshots: list[Snapshots] = []
        self._flushes = 0
        self.is_stopped = False
        stems = [stem_of(one.venue, symbol) for one in what for symbol in one.symbols]
        if len(set(stems)) < len(stems):
            raise Refused("two of the symbols would be written to one file: record them into folders of their own")
        for one in what:
            self._add(one, part_mb << 20)
        for name, cut in self._raw.mended.items():
            self.note("mended", part=name, cut_bytes=cut)

    def start(self) -> None:
        """Begin."""
        self.note("start")
        for feed in self._feeds:
            feed.start()
        self._ports.loop.call_later(FLUSH_S, self._flush)

    def stop(self) -> None:
        """End: close the connections, finish and pack every part."""
        self.is_stopped = True
        for feed in self._feeds:
            feed.stop()
        for writer in self._writers:
            writer.close()
        self._raw.close()
        self.note("stop")
        self._events.close()

    def note(self, event: str, **words: object) -> None:
        """Write down something that happened."""
        stamp = iso(self._ports.clock.now_ns())
        self._events.write(msgspec.json.encode({"time": stamp, "event": event, **words}) + b"\n")
        self._events.flush()

    def progress(self) -> Counts:
        """What it came to so far."""
        self.counts.duplicates = sum(feed.duplicates for feed in self._feeds)
        return self.counts

    def _add(self, one: Recorded, part_bytes: int) -> None:
        venue = VENUE_BY_LABEL[one.venue]
        where = endpoints(venue, Environment(one.environment), one.url)
        writers = {symbol: RawWriter(self._raw, stem_of(one.venue, symbol), part_bytes) for symbol in one.symbols}
        self._writers += writers.values()
        now_ns = self._ports.clock.monotonic_ns()
        rest = Rest(self._ports, where.rest, Budgets(venue, now_ns), timeout_s=20.0)
        snapshots = Snapshots(venue, self._ports, rest, self, writers)
        self._snapshots.append(snapshots)
        connections = ConnectionBudget()
        for plan in feeds(venue, where, one.symbols):
            self._feeds.append(RecordedFeed(venue, self._ports, plan, self, snapshots, connections))

    def take(self, venue: Venue, message: Message, frame: bytes, receive_ns: int, snapshots: Snapshots) -> None:
        """Write a frame where it belongs."""
        if self.is_stopped:
            return
        writer = snapshots.writers.get(message.symbol)
        if writer is None:
            self.counts.odd += 1
            return
        self.counts.frames += 1
        self.counts.bytes += len(frame)
        if writer.write(receive_ns, frame):
            snapshots.wanted(message.symbol, "a part begins")
        if "@depth" in message.stream:
            snapshots.update(message, receive_ns)

    def _flush(self) -> None:
        if self.is_stopped:
            return
        self._ports.loop.call_later(FLUSH_S, self._flush)
        self._flushes += 1
        for writer in self._writers:
            writer.flush()
        if self._flushes * FLUSH_S % SYNC_S < FLUSH_S:
            for writer in self._writers:
                writer.sync()
            left = free_bytes(self._folder)
            if left < FREE_BYTES_MIN:
                raise Refused(f"{self._folder}: only {left >> 20} MB of disk are left: free space and record again")


def _describe(folder: Path, what: Sequence[Recorded]) -> None:
    """Write down what is recorded here, or compare it. Symbols may be added; a venue's world may not change."""
    path = folder / DESCRIPTION
    folder.mkdir(parents=True, exist_ok=True)
    known: Mapping[str, Recorded] = {}
    if path.is_file():
        try:
            known = {one.venue: one for one in msgspec.json.decode(path.read_bytes(), type=list[Recorded])}
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refused(f"{path} is damaged: remove it, or record into another folder") from None
    elif any(folder.glob("*.gz")) or (folder / "manifest.json").exists():
        raise Refused(f"{folder} holds something else than a recording: choose another folder")
    for one in what:
        before = known.get(one.venue)
        if before is not None and before.environment != one.environment:
            raise Refused(
                f"{folder} holds {one.venue} of {before.environment}, not {one.environment}: choose another folder"
            )
    merged = dict(known) | {one.venue: one for one in what}
    new = path.with_suffix(".tmp")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(list(merged.values())), indent=1))
    new.rename(path)
