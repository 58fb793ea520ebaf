"""`audit.jsonl` beside the runs: who did what through the page, and what came of it. Never a secret."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

import msgspec

from crossbook.errors import Refused

FILE = "audit.jsonl"


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `ts`: ns UTC of this machine's clock; `outcome`: "done", or "refused: ..." in the words told."""

    ts: int
    who: str
    role: str
    address: str
    action: str
    outcome: str
    run: str = ""
    scope: str = ""
    level: str = ""
    reason: str = ""


class AuditLog:
    """Appends lines, each written to the disk before `write` returns. Readable by its owner only."""

    def __init__(self, runs: Path) -> None:
        self.path = runs / FILE
        try:
            runs.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Refused(
                f"audit log {self.path} cannot be opened: {error.strerror}; choose another --runs or free the place"
            ) from None

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def write(
        self, who: str, role: str, address: str, action: str, outcome: str, *, run: str = "", scope: str = "",
        level: str = "", reason: str = "",
    ) -> bool:  # fmt: skip
        """Add a line; False where the disk did not take it."""
        act = Act(
            ts=time.time_ns(), who=who, role=role, address=address, action=action, outcome=outcome, run=run,
            scope=scope, level=level, reason=reason,
        )  # fmt: skip
        line = msgspec.json.encode(act) + b"\n"
        try:
            written = os.write(self._file, line)
            os.fdatasync(self._file)
        except OSError:
            return False
        return written == len(line)
