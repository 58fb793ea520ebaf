"""`latency.bin` followed while it is written: every stretch's samples kept in order, each trace once."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from crossbook.errors import Corrupt
from crossbook.ledger.figure import Number
from crossbook.ledger.hops import STAMP, STRETCHES, durations
from crossbook.ledger.ranks import Ranks
from crossbook.report.second_route import latency_again

TRACES_OPEN = 4_096
"""So many of the last traces may still get a stamp; one for an older trace makes all be read again."""
AGAIN_WITHIN = 1 << 20
"""A file of so many bytes is counted a second time whenever it grew; a longer one only now and then."""


class Stamps:
    """The samples of one run. The file may not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin()

    def _begin(self) -> None:
        self.size = 0
        """Bytes that were taken."""
        self.stretches = {name: Ranks() for name in STRETCHES}
        self.again: dict[str, Number | None] = latency_again(b"")
        self.again_size = 0
        self.trouble: str | None = None
        self._open: OrderedDict[int, bytearray] = OrderedDict()
        self._told: dict[int, dict[str, list[int]]] = {}
        self._closed: set[int] = set()

    @property
    def checked(self) -> bool:
        """Whether the second route has seen as much as the first."""
        return self.again_size == self.size

    def advance(self) -> bool:
        """Take what is new; whether there was anything."""
        try:
            size = self.path.stat().st_size // STAMP.size * STAMP.size
            if size == self.size:
                return False
            if size < self.size:
                self._begin()
            with self.path.open("rb") as file:
                file.seek(self.size)
                found = file.read(size - self.size)
        except OSError:
            return False
        try:
            size = self._take(found)
        except Corrupt as error:
            self.trouble = f"{error}"
        self.size = size
        if self.size <= AGAIN_WITHIN or self.size >= self.again_size + self.again_size // 8:
            self.count_again()
        return True

    def count_again(self) -> None:
        """Let the second route see everything."""
        self.again, self.again_size = latency_again(self.content(self.size)), self.size

    def content(self, size: int) -> bytes:
        """The first `size` bytes of the file."""
        try:
            with self.path.open("rb") as file:
                return file.read(size)
        except OSError:
            return b""

    def _take(self, found: bytes) -> int:
        """Take records; how many bytes of the file were taken in all."""
        touched: dict[int, None] = {}
        for at in range(0, len(found), STAMP.size):
            record = found[at : at + STAMP.size]
            trace = STAMP.unpack(record)[0]
            if trace in self._closed:
                return self._all_again()
            kept = self._open.setdefault(trace, bytearray())
            self._open.move_to_end(trace)
            kept += record
            touched[trace] = None
        for trace in touched:
            self._tell(trace)
        while len(self._open) > TRACES_OPEN:
            trace, _ = self._open.popitem(last=False)
            self._told.pop(trace, None)
            self._closed.add(trace)
        return self.size + len(found)

    def _tell(self, trace: int) -> None:
        """Put a trace's samples where they belong, instead of those that it gave before."""
        for name, values in self._told.get(trace, {}).items():
            for value in values:
                self.stretches[name].remove(value)
        self._told.pop(trace, None)
        told = self._told[trace] = durations(bytes(self._open[trace]))
        for name, values in told.items():
            for value in values:
                self.stretches[name].add(value)

    def _all_again(self) -> int:
        """A stamp came for a trace that was thought to be over."""
        content = self.content(1 << 62)
        whole = content[: len(content) // STAMP.size * STAMP.size]
        self.stretches = {name: Ranks(values) for name, values in durations(whole).items()}
        traces: OrderedDict[int, bytearray] = OrderedDict()
        for at in range(0, len(whole), STAMP.size):
            record = whole[at : at + STAMP.size]
            traces.setdefault(STAMP.unpack(record)[0], bytearray()).extend(record)
        last = list(traces)[-TRACES_OPEN:]
        self._closed = set(traces) - set(last)
        self._open = OrderedDict((trace, traces[trace]) for trace in last)
        self._told = {trace: durations(bytes(self._open[trace])) for trace in last}
        return len(whole)
