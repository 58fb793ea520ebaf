"""What a live run heard and its journal does not hold: every market frame, in `inputs/` of its folder.

A chapter is a log of frames, each behind the number of the journal's last entry when it was stepped; with the desk as
it stood where the chapter begins (`desk_snapshot`), journal and chapters give every state of the run again. Written as
the journal is: a frame is in the file's memory before its step, so the death of the process loses none.
"""

from __future__ import annotations

import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from crossbook.desk.desk_snapshot import Standing, snapshots, write_desk
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.errors import Corrupt, CrossbookError, Refused
from crossbook.ledger.records import HEADER_BYTES, PAYLOAD_BYTES_MAX, RECORD_BYTES
from crossbook.rules.layout import EVENT, Rows

FOLDER = "inputs"
KEPT = 2
"""Snapshots of the desk that are kept, with all chapters from the older one on."""

_FRAME = struct.Struct("<cQI")
_ROWS_MAX = (PAYLOAD_BYTES_MAX - _FRAME.size) // EVENT.itemsize
_HEAD, _ROWS = b"H", b"F"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How a chapter begins: its number, the journal's last entry then, and the code that steps it."""

    chapter: int
    sequence: int
    kernels: str


class Inputs:
    """Writes the chapters of a run in `folder`, from number `chapter` on. One thread calls; disks are waited for in
    another, and what fails there is raised by the next call."""

    def __init__(self, folder: Path, kernels: str, chapter: int = 0) -> None:
        self._folder = folder
        self._kernels = kernels
        self._chapter = chapter
        self._log: JournalWriter | None = None
        self._next: JournalWriter | None = None
        self._behind: threading.Thread | None = None
        self._failure: BaseException | None = None
        folder.mkdir(exist_ok=True)

    def frame(self, sequence: int, rows: Rows) -> None:
        """Log a frame that is stepped now, behind entry `sequence` of the journal."""
        log = self._log
        assert log is not None
        count = len(rows)
        if count == 1:  # most are
            log.append(_FRAME.pack(_ROWS, sequence, 1) + rows.tobytes())
            return
        for at in range(0, count, _ROWS_MAX):
            log.append(_FRAME.pack(_ROWS, sequence, count) + rows[at : at + _ROWS_MAX].tobytes())

    def prepare(self) -> bool:
        """Have the next chapter's file made ready behind us; whether it is."""
        self._raise()
        if self._next is None and not self._is_busy():
            self._start(self._open_next)
        return self._next is not None and not self._is_busy()

    def turn(self, standing: Standing, desk: bytes) -> None:
        """Begin the next chapter with the `desk` as it stands, between two steps; it is written behind us."""
        while not self.prepare():
            self._join()
        log, self._log, self._next = self._log, self._next, None
        self._chapter += 1
        assert self._log is not None
        head = Head(chapter=self._chapter, sequence=standing.sequence, kernels=self._kernels)
        self._log.append(_HEAD + msgspec.json.encode(head))
        chapter = self._chapter

        def keep() -> None:
            if log is not None:
                log.close()
            write_desk(self._folder, chapter, standing, desk)
            self._forget_old()

        self._start(keep)

    def close(self) -> None:
        """Wait until all is on the disk. Raises what failed there."""
        self._join()
        for log in (self._log, self._next):
            if log is not None:
                log.close()
        self._log = self._next = None
        self._raise()

    def wait(self) -> None:
        """Until what was begun behind us is on the disk."""
        self._join()
        self._raise()

    def _open_next(self) -> None:
        self._next = JournalWriter(_chapter(self._folder, self._chapter + 1))

    def _forget_old(self) -> None:
        kept = snapshots(self._folder)[-KEPT:]
        for path in snapshots(self._folder)[:-KEPT]:
            path.unlink()
        for folder in _chapters(self._folder):
            if int(folder.name) < int(kept[0].stem):
                shutil.rmtree(folder)

    def _start(self, work: Callable[[], None]) -> None:
        self._join()

        def run() -> None:
            try:
                work()
            except (OSError, CrossbookError) as error:
                self._failure = error

        self._behind = threading.Thread(target=run, name="inputs", daemon=True)
        self._behind.start()

    def _is_busy(self) -> bool:
        return self._behind is not None and self._behind.is_alive()

    def _join(self) -> None:
        if self._behind is not None:
            self._behind.join()

    def _raise(self) -> None:
        failure, self._failure = self._failure, None
        if isinstance(failure, OSError):
            raise Refused(
                f"{self._folder}: the desk cannot be kept there ({failure.strerror}); free space on that disk, then "
                "go on with --resume"
            )
        if failure is not None:
            raise failure


def read_frames(folder: Path, first: int, kernels: str) -> Iterator[tuple[int, Rows]]:
    """Every frame from chapter `first` on as `(sequence, rows)`, in order; a cut-off last one is left out.

    Raises `Refused` where a chapter is missing or of other code than `kernels`, `Corrupt` where one is damaged.
    """
    numbers = [int(path.name) for path in _begun(folder)]
    missing = [n for n in range(first, max([*numbers, first]) + 1) if n not in numbers]
    if missing:
        raise Refused(f"{_chapter(folder, missing[0])}: this part of what the run heard is missing; {BY_HAND}")
    for number in range(first, numbers[-1] + 1):
        yield from _frames_of(_chapter(folder, number), number, kernels)


def last_chapter(folder: Path) -> int:
    """The number of the last chapter that was begun; 0 if none was."""
    return max((int(path.name) for path in _begun(folder)), default=0)


BY_HAND = (
    "bring it back from a backup, or close at the venues what is open there (docs/live.md) and begin a new run"
)  # fmt: skip


def refuse_other_code(where: Path, said: str, kernels: str) -> None:
    """Raises `Refused` where a run was begun by code that decides in another way."""
    if said != kernels:
        raise Refused(
            f"{where}: this run was begun by another build of crossbook ({said[:12]}, this is {kernels[:12]}), whose "
            "decisions cannot be done again here; go on with that build, or close at the venues what is open there "
            "and begin a new run"
        )


def _frames_of(path: Path, number: int, kernels: str) -> Iterator[tuple[int, Rows]]:
    parts: list[bytes] = []
    followed = (path.parent / f"{number + 1:06d}").exists()
    for _, payload in read_journal(path):
        if payload[:1] == _HEAD:
            head = _head(path, payload)
            refuse_other_code(path, head.kernels, kernels)
            if head.chapter != number:
                raise Corrupt(f"{path}: holds part {head.chapter} of what the run heard; {BY_HAND}")
            continue
        _, sequence, count = _FRAME.unpack_from(payload)
        parts.append(payload[_FRAME.size :])
        whole = b"".join(parts)
        if len(whole) == count * EVENT.itemsize:
            parts.clear()
            rows = np.frombuffer(whole, EVENT).copy()  # aligned, as the gateways' are: one kind of array for the step
            rows.flags.writeable = False
            yield sequence, rows
    if parts and followed:
        raise Corrupt(f"{path}: the last frame is cut off, and a later part follows; {BY_HAND}")


def _head(path: Path, payload: bytes) -> Head:
    try:
        return msgspec.json.decode(payload[1:], type=Head)
    except msgspec.DecodeError as error:
        raise Corrupt(f"{path}: its first record cannot be read ({error}); {BY_HAND}") from None


def _begun(folder: Path) -> list[Path]:
    """The chapters that hold something: the next one's file may have been made ready and never used."""
    return [path for path in _chapters(folder) if _has_records(path / "000001.seg")]


def _has_records(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return any(file.read(HEADER_BYTES + RECORD_BYTES)[HEADER_BYTES:])


def _chapter(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}"


def _chapters(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9][0-9][0-9]"))
