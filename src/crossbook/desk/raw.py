"""Raw recordings on disk: one file an instrument and hour, `receive_ns frame` a line, as `crossbook tape import` reads.

A part is plain text (`.raw`) while it is written, whole lines at a time, so that a kill leaves at most one torn line at
its end; it is cut off when the recording goes on. A finished part is packed (`.gz`) and listed in `parts.jsonl` with
its hash. A part is never written to again, so what is finished stays proved.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

import msgspec

from crossbook.errors import Corrupt, Refused
from crossbook.timestamp import NS_PER_MS, NS_PER_S, iso

PARTS = "parts.jsonl"
LOCK = ".lock"
BUFFER_BYTES = 1 << 18
HOUR_NS = 3600 * NS_PER_S
WINDOW = 1 << 20


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A finished part: what it holds and the SHA-256 of its packed file. `mended`: bytes of a torn end cut off."""

    name: str
    lines: int
    bytes: int
    first_ns: int
    last_ns: int
    sha256: str
    mended: int = 0


def stem_of(venue: str, symbol: str) -> str:
    """The beginning of the names of an instrument's parts."""
    return f"{venue}_{re.sub('[^A-Za-z0-9-]', '-', symbol)}"


class RawFolder:
    """A folder of parts with one writer at a time. Opening it mends and finishes what a crash has left behind."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.mended: dict[str, int] = {}
        self._lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise Refused(f"{folder} is being recorded to by another process: stop it, or choose another") from None
        self._pool = ThreadPoolExecutor(1, "pack")
        self._packing: list[Future[None]] = []
        for torn in folder.glob("*.tmp"):
            torn.unlink()
        _cut_torn_lines(folder / PARTS, _is_part)
        for path in sorted(folder.glob("*.raw")):
            cut = _cut_torn_lines(path, _is_frame)
            if cut:
                self.mended[path.name] = cut
            self.finish(path, cut)

    def finish(self, path: Path, mended: int = 0) -> None:
        """Pack a part that is complete, in a thread of its own. Raises what packing an earlier one raised."""
        for done in [job for job in self._packing if job.done()]:
            self._packing.remove(done)
            done.result()
        self._packing.append(self._pool.submit(self._pack, path, mended))

    def close(self) -> None:
        """Wait until all parts are packed, and let others write."""
        self._pool.shutdown(wait=True)
        os.close(self._lock)
        for job in self._packing:
            job.result()

    def _pack(self, path: Path, mended: int) -> None:
        if path.stat().st_size == 0:
            path.unlink()
            return
        packed = path.with_suffix(".gz")
        torn = packed.with_suffix(".tmp")
        lines, first_ns, last_ns = 0, 0, 0
        with path.open("rb") as source, torn.open("wb") as sink:
            with gzip.GzipFile("", "wb", 4, sink, mtime=0) as into:
                for line in source:
                    into.write(line)
                    lines += 1
                    stamp = line.partition(b" ")[0]
                    if not stamp.isdigit():
                        raise Corrupt(f"{path}:{lines} has no receive time: move the file away, its lines are as sent")
                    last_ns = int(stamp)
                    first_ns = first_ns or last_ns
            sink.flush()
            os.fsync(sink.fileno())
        part = Part(
            name=packed.name, lines=lines, bytes=path.stat().st_size, first_ns=first_ns, last_ns=last_ns,
            sha256=_sha256(torn), mended=mended,
        )  # fmt: skip
        torn.rename(packed)
        with (self.folder / PARTS).open("ab") as listing:
            listing.write(msgspec.json.encode(part) + b"\n")
            listing.flush()
            os.fsync(listing.fileno())
        path.unlink()


class RawWriter:
    """Writes the parts of one instrument. Stamps never go back within it: one that would is put forward and counted."""

    def __init__(self, folder: RawFolder, stem: str, part_bytes: int = 256 << 20) -> None:
        self.lines = 0
        self.bytes = 0
        self.put_forward = 0
        self.parts = 0
        self._folder, self._stem, self._part_bytes = folder, stem, part_bytes
        self._last_ns = 0
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._written = 0
        self._hour = 0
        self._buffer: list[bytes] = []
        self._buffered = 0

    def write(self, receive_ns: int, frame: bytes) -> bool:
        """Add a line. True: it is the first of a new part, which should hold a snapshot of its own."""
        if receive_ns < self._last_ns:
            self.put_forward += 1
            receive_ns = self._last_ns
        self._last_ns = receive_ns
        is_first = False
        if self._file is None or receive_ns // HOUR_NS != self._hour or self._written >= self._part_bytes:
            self._begin(receive_ns)
            is_first = True
        if b"\n" in frame or b"\r" in frame:
            frame = frame.replace(b"\n", b" ").replace(b"\r", b" ")  # white space between tokens: JSON allows no other
        line = b"%d %b\n" % (receive_ns, frame)
        self._buffer.append(line)
        self._buffered += len(line)
        self._written += len(line)
        self.lines += 1
        self.bytes += len(line)
        if self._buffered >= BUFFER_BYTES:
            self.flush()
        return is_first

    def flush(self) -> None:
        """Hand all lines to the system: from here on a kill cannot lose them.

        Raises `OSError` of a full disk; the file then ends with a whole line.
        """
        if not self._buffer or self._file is None:
            return
        whole, self._buffer, self._buffered = b"".join(self._buffer), [], 0
        before = self._file.tell()
        rest = memoryview(whole)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(before)
            raise

    def sync(self) -> None:
        """Wait until the disk has what was flushed: from here on a loss of power cannot lose it."""
        if self._file is not None:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Finish the part that is open."""
        if self._file is not None:
            self.flush()
            self.sync()
            self._file.close()
            self._file = None
            self._folder.finish(self._path)

    def _begin(self, receive_ns: int) -> None:
        self.close()
        self.parts += 1
        self._hour, self._written = receive_ns // HOUR_NS, 0
        stamp = re.sub("[-:]", "", iso(receive_ns // NS_PER_MS * NS_PER_MS)[:23]).replace(".", "-")
        self._path = self._folder.folder / f"{self._stem}_{stamp}.raw"
        self._file = self._path.open("xb", buffering=0)


def _cut_torn_lines(path: Path, is_whole: Callable[[bytes], bool]) -> int:
    """Cut what is no whole line off the end of a file; gives how many bytes."""
    if not path.exists():
        return 0
    size = good = path.stat().st_size
    with path.open("r+b") as file:
        while good:
            begin = max(good - WINDOW, 0)
            file.seek(begin)
            window = file.read(good - begin)
            end = window.rfind(b"\n") + 1
            if not end:
                good = begin
                continue
            start = window.rfind(b"\n", 0, end - 1) + 1
            if not start and begin:  # a line longer than the window: look from its own start
                start, window, begin, end = _line_before(file, begin + end)
            good = begin + end
            if is_whole(window[start:end]):
                break
            good = begin + start
        if good < size:
            file.truncate(good)
            os.fsync(file.fileno())
    return size - good


def _line_before(file: IO[bytes], end: int) -> tuple[int, bytes, int, int]:
    begin, room = 0, WINDOW
    while True:
        room *= 2
        begin = max(end - room, 0)
        file.seek(begin)
        window = file.read(end - begin)
        start = window.rfind(b"\n", 0, len(window) - 1) + 1
        if start or not begin:
            return start, window, begin, len(window)


def _is_part(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=Part)
    except msgspec.DecodeError:
        return False
    return True


def _is_frame(line: bytes) -> bool:
    """A stamp in nanoseconds, a space and JSON."""
    stamp, _, frame = line.partition(b" ")
    try:
        msgspec.json.decode(frame, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return stamp.isdigit() and len(stamp) == 19


def listed_parts(folder: Path) -> dict[str, Part]:
    """The finished parts by name; of one that was packed twice, the last."""
    path = folder / PARTS
    if not path.is_file():
        return {}
    found = [msgspec.json.decode(line, type=Part) for line in path.read_bytes().splitlines() if _is_part(line)]
    return {part.name: part for part in found}


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Stamp and frame of each line of a part, packed or not. Raises `ValueError`, `OSError` or `EOFError` at damage."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            stamp, _, frame = line.partition(b" ")
            if not frame.endswith(b"\n"):
                raise ValueError("the last line is torn")
            yield int(stamp), frame[:-1]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_bytes(folder: Path) -> int:
    """What is left on the folder's disk."""
    return shutil.disk_usage(folder).free
