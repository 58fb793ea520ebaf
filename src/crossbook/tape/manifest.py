"""What a tape says of itself: where it came from, what is in it, and what is wrong with it."""

from __future__ import annotations

import msgspec

from crossbook.types import Instrument

FORMAT = 1


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that went in. `skipped`: lines left out, `clamped`: receive times put forward (both lenient only);
    `ignored`: messages of kinds that are no market event; `rounded`: displayed quantities rounded down to
    whole lots, numbers of bars put on the nearest tick or lot."""

    name: str
    sha256: str
    bytes: int
    venue: str
    frames: int
    skipped: int = 0
    clamped: int = 0
    ignored: int = 0
    rounded: int = 0


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """Receive less exchange time of a venue's frames, and what is added to its stamps to put them on our clock:
    the least difference less the least feed latency assumed. `n` frames said their time."""

    offset_ns: int
    least_ns: int
    median_ns: int
    n: int


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """At `ts` an update linked to `got` where the book stood at `expected`: something was lost before it."""

    instrument: str
    ts: int
    expected: int
    got: int


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A time from `ts` to `end` in which a quote was crossed, or nothing was heard."""

    instrument: str
    ts: int
    end: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What folding the books found. Lists hold the first `LIST_MAX`; the counts count all."""

    gaps: tuple[Gap, ...] = ()
    crossed: tuple[Stretch, ...] = ()
    stale: tuple[Stretch, ...] = ()
    gap_count: int = 0
    crossed_count: int = 0
    stale_count: int = 0
    disorder_count: int = 0
    """Frames out of receive order, or whose venue time went back or lies after their receipt."""
    dropped_levels: int = 0
    """Levels lost because a side of a book outgrew its store."""


LIST_MAX = 1_000


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the archive; `rows` that it completes: 0 for one that only says what frames share."""

    name: str
    sha256: str
    bytes: int
    rows: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json` of a tape. Times in ns; `counts` are event frames by instrument and kind, `rates` a second."""

    format: int = FORMAT
    content_hash: str
    rows: int
    frames: int
    first_ns: int
    last_ns: int
    instruments: tuple[Instrument, ...]
    counts: dict[str, dict[str, int]]
    windows: dict[str, tuple[int, int]]
    rates: dict[str, float]
    sources: tuple[Source, ...] = ()
    clocks: dict[str, Clock] = {}
    min_feed_ns: int = 0
    early_updates: dict[str, int] = {}
    """Updates left out because the snapshot that came after them already held them."""
    health: Health = Health()
    facts: dict[str, str] = {}
    """What else its maker wants known, such as a generator's seed."""
    parts: tuple[Part, ...] = ()
