"""The journal on disk: memory-mapped append into reserved segments, synced by a thread at most 50 ms behind.

A folder of `000001.seg`, `000002.seg`, ... and snapshots. What was appended survives the death of the process at
once and the loss of power once synced. Only one process writes a journal; anyone may read it meanwhile.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from crc32c import crc32c

from crossbook.errors import Corrupt, Refused
from crossbook.ledger.records import (
    HEADER_BYTES,
    MAGIC,
    PAYLOAD_BYTES_MAX,
    RECORD_BYTES,
    Record,
    Scan,
    decode_header,
    encode_header,
    encode_record,
    later_record,
    put_record,
    scan,
)

SEGMENT_BYTES = 16 << 20
SYNC_WITHIN_S = 0.05
SNAPSHOTS_KEPT = 2

_SNAPSHOT = struct.Struct("<8sQQI")
_SNAPSHOT_MAGIC = b"XBOOKSNP"


class _Segment:
    """One reserved file, mapped for writing."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        new = not path.exists()
        self.fd = -1
        try:
            self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            size = max(size, os.fstat(self.fd).st_size)
            os.posix_fallocate(self.fd, 0, size)
            self.map = mmap.mmap(self.fd, size)
        except OSError as error:
            if self.fd >= 0:
                os.close(self.fd)
                if new:
                    path.unlink(missing_ok=True)
            raise Refused(
                f"journal {path.parent}: cannot reserve {size} bytes ({os.strerror(error.errno or 0)}); "
                "free space on that disk and start again, everything written so far is kept"
            ) from None
        self.size = size

    def sync(self) -> None:
        """Make what was written durable. `fdatasync` covers dirty mapped pages and, unlike `msync`, frees the GIL."""
        os.fdatasync(self.fd)

    def close(self, size: int) -> None:
        self.map.close()
        os.ftruncate(self.fd, size)
        os.fsync(self.fd)
        os.close(self.fd)


class JournalWriter:
    """Appends entries to the journal in `directory`, which is created or resumed behind its last true record.

    Raises `Refused` if another process writes it or the disk has no room for a segment, `Corrupt` if a record in the
    middle is damaged. A cut-off last record is removed.
    """

    _at: int
    _next: int

    def __init__(
        self, directory: Path, segment_bytes: int = SEGMENT_BYTES, sync_within_s: float = SYNC_WITHIN_S
    ) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._segment_bytes = segment_bytes
        self._payload_max = min(PAYLOAD_BYTES_MAX, segment_bytes - HEADER_BYTES - RECORD_BYTES)
        self._sync_within_s = sync_within_s
        self._lock_fd = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock_fd)
            raise Refused(f"journal {self.directory}: another process is writing it; stop that one first") from None
        try:
            self._open()
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._failure: OSError | None = None
        self._written = self._synced = self._at
        self._synced_ns = time.monotonic_ns()
        self._full: list[tuple[_Segment, int]] = []
        self._ready: _Segment | None = None
        self._closing = threading.Event()
        self._work = threading.Lock()
        self._thread = threading.Thread(target=self._sync_behind, name="journal-sync", daemon=True)
        self._thread.start()

    @property
    def sequence(self) -> int:
        """The number of the last entry, 0 if there is none."""
        return self._next - 1

    def append(self, payload: bytes) -> int:
        """Write one entry and return its sequence, from 1.

        Raises `Refused` if a new segment is needed and the disk is full (nothing of this entry is written), `Corrupt`
        if an earlier sync failed: what is on disk is then unknown and the desk must stop.
        """
        length = len(payload)
        if self._at + length > self._last_start or not 0 < length <= self._payload_max or self._failure is not None:
            self._make_room(length)
        sequence = self._next
        self._at = put_record(self._map, self._at, sequence, payload)
        self._next = sequence + 1
        return sequence

    def lag_ns(self) -> int:
        """How long ago everything written until then was durable; 0 if everything is."""
        return time.monotonic_ns() - self._synced_ns if self._synced != self._at else 0

    def sync(self) -> None:
        """Return when every entry appended so far is durable. Raises `Corrupt` if the disk fails."""
        self._flush()
        if self._failure is not None:
            raise self._failed()

    def close(self) -> None:
        """Sync and give back the room that was not used. The journal stays readable and can be resumed."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join()
        self._flush()
        self._current.close(self._at)
        if self._ready is not None:
            self._ready.close(0)
            self._ready.path.unlink()
        os.close(self._lock_fd)
        if self._failure is not None:
            raise self._failed()

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        """Continue behind the last true record, or begin."""
        end = _last(self.directory)
        self._number = end.number
        self._next = end.next_sequence
        self._use(_Segment(_segment(self.directory, end.number), self._segment_bytes), end.offset)
        if end.offset == 0:
            self._begin()
        tail = bytes(self._map[self._at :]).rstrip(b"\0")
        if tail:
            self._map[self._at : self._at + len(tail)] = bytes(len(tail))
            self._current.sync()
        for spare in _segments(self.directory):
            if int(spare.stem) > end.number:
                spare.unlink()
        os.fsync(self._lock_fd)

    def _use(self, segment: _Segment, at: int) -> None:
        self._current, self._map = segment, segment.map
        self._at = at
        self._last_start = segment.size - RECORD_BYTES

    def _begin(self) -> None:
        header = encode_header(self._next)
        self._map[len(MAGIC) : HEADER_BYTES] = header[len(MAGIC) :]
        self._map[: len(MAGIC)] = MAGIC  # last: a reader takes the segment for begun by it
        self._at = HEADER_BYTES

    def _make_room(self, length: int) -> None:
        """Turn to the next segment; the one made ready behind us if it is there."""
        if self._failure is not None:
            raise self._failed()
        if not 0 < length <= self._payload_max:
            raise Refused(f"journal {self.directory}: an entry of {length} bytes is not in 1..{self._payload_max}")
        with self._work:
            following, self._ready = self._ready, None
            if following is None:
                following = _Segment(_segment(self.directory, self._number + 1), self._segment_bytes)
            self._full.append((self._current, self._at))
            self._number += 1
            self._use(following, 0)
            self._begin()

    def _sync_behind(self) -> None:
        """The disk's thread: sync what was written, and keep the next segment ready."""
        while not self._closing.wait(self._sync_within_s / 2):
            self._flush()
            with self._work:
                if self._ready is None and self._failure is None:
                    try:
                        self._ready = _Segment(_segment(self.directory, self._number + 1), self._segment_bytes)
                    except Refused:
                        pass  # said by the append that needs the room, if it is still missing then

    def _flush(self) -> None:
        with self._work:
            began = time.monotonic_ns()
            full, self._full = self._full, []
            written, current = self._at, self._current
            try:
                for segment, used in full:
                    segment.close(used)
                if full or written != self._synced:
                    current.sync()
                    if full:
                        os.fsync(self._lock_fd)
                    self._synced = written
                self._synced_ns = began
            except OSError as error:
                self._failure = error

    def _failed(self) -> Corrupt:
        error = self._failure
        reason = os.strerror(error.errno or 0) if error is not None else "unknown"
        return Corrupt(
            f"journal {self.directory}: the disk failed to sync ({reason}); stop, compare the journal with the venues"
        )


class _End:
    """Where a journal stops: segment number, offset of the first free byte (0: no header yet), next sequence."""

    def __init__(self, number: int, offset: int, next_sequence: int) -> None:
        self.number, self.offset, self.next_sequence = number, offset, next_sequence


def read_journal(directory: Path) -> Iterator[tuple[int, bytes]]:
    """Every entry as `(sequence, payload)`, in order; a cut-off last record is left out.

    Raises `Refused` where there is no journal, `Corrupt` naming segment and offset where a record is damaged.
    """
    if not _segments(Path(directory)):
        raise Refused(f"{directory}: no journal here (000001.seg is missing); give the folder of a run")
    for record in _walk(Path(directory)):
        if isinstance(record, Record):
            yield record.sequence, record.payload


def journal_sha256(directory: Path) -> str:
    """The hash of all records' bytes in order: equal for equal entries, however they lie in segments."""
    digest = hashlib.sha256()
    for sequence, payload in read_journal(directory):
        digest.update(encode_record(sequence, payload))
    return digest.hexdigest()


def write_snapshot(directory: Path, sequence: int, blob: bytes) -> Path:
    """Store the state as it stood after entry `sequence`; whole or not at all. Older ones but one are removed."""
    directory = Path(directory)
    path = directory / f"{sequence:012d}.snap"
    partial = path.with_suffix(".part")
    head = _SNAPSHOT.pack(_SNAPSHOT_MAGIC, sequence, len(blob), crc32c(blob, sequence & 0xFFFFFFFF))
    with partial.open("wb") as file:
        file.write(head)
        file.write(blob)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(directory, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    for old in sorted(directory.glob("*.snap"))[:-SNAPSHOTS_KEPT]:
        old.unlink()
    return path


def latest_snapshot(directory: Path) -> tuple[int, bytes] | None:
    """The newest undamaged snapshot as `(sequence, blob)`; None: fold the journal from its beginning."""
    for path in sorted(Path(directory).glob("*.snap"), reverse=True):
        content = path.read_bytes()
        if len(content) < _SNAPSHOT.size:
            continue
        magic, sequence, length, crc = _SNAPSHOT.unpack_from(content)
        blob = content[_SNAPSHOT.size :]
        named = path.stem == f"{sequence:012d}"
        if named and magic == _SNAPSHOT_MAGIC and length == len(blob) and crc == crc32c(blob, sequence & 0xFFFFFFFF):
            return sequence, blob
    return None


def _segment(directory: Path, number: int) -> Path:
    return directory / f"{number:06d}.seg"


def _segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("[0-9][0-9][0-9][0-9][0-9][0-9].seg"))


def _last(directory: Path) -> _End:
    end = _End(1, 0, 1)
    for found in _walk(directory):
        if isinstance(found, _End):
            end = found
    return end


def _walk(directory: Path) -> Iterator[Record | _End]:
    """Every true record of all segments, then where the journal ends."""
    paths = _segments(directory)
    begun = [_is_begun(path) for path in reversed(paths)][::-1]  # from behind: the writer begins them in order
    end = _End(1, 0, 1)
    for position, path in enumerate(paths):
        if int(path.stem) != position + 1:
            raise Corrupt(f"{directory}: segment {position + 1:06d}.seg is missing; restore it from a backup")
        if not begun[position]:
            _refuse_entries_without_header(path, behind=any(begun[position:]))
            break
        followed = position + 1 < len(paths) and begun[position + 1]
        content = path.read_bytes() if followed else _read_stable(path)
        first = decode_header(content[:HEADER_BYTES], str(path))
        if first != end.next_sequence:
            raise Corrupt(f"{path} offset 0: begins with entry {first}, not {end.next_sequence}; restore a backup")
        for found in scan(content, first):
            if isinstance(found, Record):
                yield found
            else:
                end = _End(position + 1, found.end, found.next_sequence)
                if found.torn:
                    _refuse_damage(path, content, found, followed)
    yield end


def _is_begun(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:  # the spare segment of a writer that has just ended
        return False


def _read_stable(path: Path) -> bytes:
    """The segment as it stood at one moment: a writer may fill it while we read, page by page."""
    content = path.read_bytes()
    while True:
        again = path.read_bytes()
        if again.startswith(content.rstrip(b"\0")):
            return content
        content = again


def _refuse_damage(path: Path, content: bytes, found: Scan, followed: bool) -> None:
    """A record that does not hold is a torn tail only if no true record follows it anywhere."""
    if followed or later_record(content, found.end, found.next_sequence) is not None:
        raise Corrupt(
            f"{path} offset {found.end}: entry {found.next_sequence} is damaged and true entries follow it; "
            "restore the file from a backup"
        )


def _refuse_entries_without_header(path: Path, behind: bool) -> None:
    """A reserved segment without a header is empty and the last of a journal."""
    if behind or (path.exists() and any(path.read_bytes()) and not _is_begun(path)):
        raise Corrupt(f"{path} offset 0: no journal header, but entries in or behind it; restore a backup")
