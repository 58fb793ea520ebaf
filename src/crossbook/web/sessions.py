"""Who is logged in: one-time code or password in, a random token out, kept only as its hash; and how often one may try.

Log-ins outlive a restart of the page, and hold for every page of the same runs folder: they lie there as files.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from crossbook.errors import Refused
from crossbook.web.passwords import FOLDER, OPERATOR, Passwords, Role, write_private

COOKIE = "crossbook"
CODE_S = 600.0
LASTS_S = 12 * 3_600.0
IDLE_S = 900.0
"""A log-in that was not used for so long raises and lowers nothing; an open page uses it."""
SESSIONS_MAX = 64
ATTEMPTS_MAX, ATTEMPTS_ALL_MAX, ATTEMPTS_S = 10, 100, 900.0
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


class Session(msgspec.Struct, kw_only=True):
    """A log-in. `key`: SHA-256 of its token; `by`: code or password; `created`: seconds since 1970."""

    key: str
    name: str
    role: Role
    by: str
    created: float


class TooMany(Exception):
    """Too many attempts: the caller may come again after `after_s`."""

    def __init__(self, after_s: float, first: bool) -> None:
        super().__init__(f"too many attempts; try again in {int(after_s // 60) + 1} min")
        self.after_s = after_s
        self.first = first


class Attempts:
    """Failed attempts: at most ten in 15 minutes for an account from an address, and a hundred in all."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._all: deque[float] = deque()
        self._of: dict[tuple[str, str], deque[float]] = {}
        self._told: dict[tuple[str, str], float] = {}

    def take(self, account: str, address: str) -> Callable[[], None]:
        """Count an attempt before it is tried; call what comes back if it succeeds. Raises `TooMany`."""
        now = self._now()
        key = (account[:64], address)
        self._forget(now)
        mine = self._of.get(key, deque())
        full = mine if len(mine) >= ATTEMPTS_MAX else self._all if len(self._all) >= ATTEMPTS_ALL_MAX else None
        if full is not None:
            first = self._told.get(key, -ATTEMPTS_S) <= now - ATTEMPTS_S and len(self._told) < ATTEMPTS_ALL_MAX
            if first:
                self._told[key] = now
            raise TooMany(full[0] + ATTEMPTS_S - now, first)
        self._of.setdefault(key, mine).append(now)
        self._all.append(now)

        def succeeded() -> None:
            for kept in (mine, self._all):
                if now in kept:
                    kept.remove(now)

        return succeeded

    def _forget(self, now: float) -> None:
        old = now - ATTEMPTS_S
        if not self._all or self._all[0] > old:
            return
        for key, kept in list(self._of.items()):
            while kept and kept[0] <= old:
                kept.popleft()
            if not kept:
                del self._of[key]
        while self._all and self._all[0] <= old:
            self._all.popleft()
        self._told = {key: at for key, at in self._told.items() if at > old}


class Sessions:
    """The log-ins of a runs folder: a file each, named by the token's hash, whose time is that of its last use."""

    def __init__(self, runs: Path, passwords: Passwords, now: Callable[[], float] = time.time) -> None:
        self._folder = runs / FOLDER / "sessions"
        self._passwords = passwords
        self._now = now
        self._code_until = now() + CODE_S
        self._moved: dict[str, str] = {}
        self.code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(2))
        """Typed once; empty once it was used or is too old."""

    def by_code(self, code: str, old: str = "") -> str | None:
        """A token for the one-time code; the session of the `old` token ends. None if it is not the code."""
        if self._now() >= self._code_until:
            self.code = ""
        given = code.strip().upper().replace(" ", "").encode("utf-8", "replace")
        if not self.code or not hmac.compare_digest(given, self.code.encode()):
            return None
        token = self._begin(OPERATOR, "operator", "code", old)
        self.code = ""
        return token

    def by_password(self, name: str, role: Role, old: str = "") -> str:
        """A token for somebody whose password was checked; the session of the `old` token ends."""
        return self._begin(name, role, "password", old)

    def rotate(self, session: Session) -> str:
        """A new token for a session after its password was asked again; the old one is worth nothing from here on."""
        token = secrets.token_urlsafe(32)
        try:
            self._file(session.key).rename(self._file(key_of(token)))
        except OSError:
            raise Refused("this log-in is over; log in again") from None
        self._moved[session.key] = session.key = key_of(token)
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, unless it is over."""
        return self.get(key_of(token)) if token else None

    def get(self, key: str) -> Session | None:
        """The session of a key, unless it is over; one that is over is forgotten."""
        try:
            session = msgspec.json.decode(self._file(key).read_bytes(), type=Session)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        session.key = key
        account = self._passwords.account(session.name) if session.by == "password" else None
        changed = session.by == "password" and (account is None or account.changed > session.created)
        if changed or not 0 <= self._now() - session.created < LASTS_S:
            self.end(key)
            return None
        return session

    def present_key(self, key: str) -> str:
        """The key that a session has by now: a raise gives it a new one."""
        while key in self._moved:
            key = self._moved[key]
        return key

    def use(self, key: str) -> None:
        """Somebody is there."""
        now = self._now()
        try:
            if not now - 10 < self._file(key).stat().st_mtime <= now:
                os.utime(self._file(key), (now, now))
        except OSError:
            pass  # it was ended beside us

    def idle(self, session: Session) -> bool:
        """Whether it was not used for too long to raise or lower anything."""
        try:
            return self._now() - self._file(session.key).stat().st_mtime >= IDLE_S
        except OSError:
            return True

    def end(self, key: str) -> None:
        """Log out."""
        self._file(key).unlink(missing_ok=True)

    def _begin(self, name: str, role: Role, by: str, old: str) -> str:
        if old:
            self.end(key_of(old))
        token, now = secrets.token_urlsafe(32), self._now()
        session = Session(key=key_of(token), name=name, role=role, by=by, created=now)
        write_private(self._file(session.key), msgspec.json.encode(session))
        os.utime(self._file(session.key), (now, now))
        self._keep_few()
        return token

    def _keep_few(self) -> None:
        """More log-ins than anybody needs: the longest unused end."""
        with os.scandir(self._folder) as found:
            known = sorted((one.stat().st_mtime, one.name) for one in found if one.name.endswith(".json"))
        for _, name in known[: max(len(known) - SESSIONS_MAX, 0)]:
            (self._folder / name).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def key_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def csrf_of(token: str) -> str:
    """The word that a page sends back in `X-CSRF-Token`: made of the token, which no other site can read."""
    return hmac.new(token.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hexdigest()
