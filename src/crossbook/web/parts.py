"""What the routes work with, and how they refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from fastapi import Request, Response

from crossbook.web.audit_log import AuditLog
from crossbook.web.live import Live
from crossbook.web.passwords import Account, Passwords
from crossbook.web.security import Site
from crossbook.web.sessions import Attempts, Sessions

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Problem(Exception):
    """A refusal with its HTTP status."""

    def __init__(self, status: int, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.after_s = after_s

    def response(self) -> Response:
        """`{"error": ...}`, one line."""
        text = " ".join(str(self).split()).encode("utf-8", "replace").decode()
        headers = {} if self.after_s is None else {"Retry-After": str(int(self.after_s) + 1)}
        body = msgspec.json.encode({"error": text})
        return Response(body, self.status, media_type="application/json", headers=headers)


class Parts:
    """Of one page: the run that it shows, who is logged in, and the thread that alone touches the read model."""

    def __init__(self, *, site: Site, runs: Path, run: Path | None, audit: AuditLog, pages: Any, book: Any) -> None:
        self.site = site
        self.run = run
        self.run_name = run.name if run is not None else ""
        self.audit = audit
        self.pages = pages
        self.passwords = Passwords(runs)
        self.sessions = Sessions(runs, self.passwords)
        self.attempts = Attempts()
        self.attempts_again = Attempts()
        self._reading = ThreadPoolExecutor(1, "read model")
        self._hashing = ThreadPoolExecutor(1, "password")
        self.live = Live(book, run, self.sessions, self.read) if run is not None else None

    @staticmethod
    def of(request: Request) -> Parts:
        """Those of the page that is asked."""
        parts: Parts = request.app.state.parts
        return parts

    async def read(self, ask: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call something of the read model."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, partial(ask, *arguments, **named))

    async def check_password(self, name: str, password: str) -> Account | None:
        """One at a time: a hash takes 64 MiB and all the time it is meant to take."""
        return await asyncio.get_running_loop().run_in_executor(self._hashing, self.passwords.check, name, password)

    def json(self, answer: Any) -> Response:
        """An answer as JSON, numbers exact."""
        return Response(_ENCODER.encode(answer), media_type="application/json")

    def close(self) -> None:
        """Let the threads go."""
        self._reading.shutdown(wait=False, cancel_futures=True)
        self._hashing.shutdown(wait=False, cancel_futures=True)
