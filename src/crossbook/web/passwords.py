"""Passwords of the page's accounts: argon2id hashes in a file that only its owner reads."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crossbook.errors import Corrupt, Refused

Role = Literal["viewer", "operator"]
OPERATOR = "operator"
"""The account that the one-time code logs in to, and whose password a raise asks for then."""
FOLDER = ".page"
LETTERS_MIN, LETTERS_MAX = 8, 1_000
NAME_MAX = 64


class Account(msgspec.Struct, frozen=True):
    """`changed`: seconds since 1970; log-ins by password from before it are over."""

    hash: str
    role: Role
    changed: float


class Passwords:
    """The accounts of a runs folder. The file is read again when it was changed beside us."""

    def __init__(self, runs: Path) -> None:
        self.path = runs / FOLDER / "passwords.json"
        self._hasher = PasswordHasher()
        self._seen: tuple[int, int, int] = (0, 0, 0)
        self._accounts: dict[str, Account] = {}

    def account(self, name: str) -> Account | None:
        """The account of that name. Raises `Corrupt` if the file cannot be read."""
        self._read()
        return self._accounts.get(name)

    @property
    def any(self) -> bool:
        """Whether an operator could log in with a password."""
        self._read()
        return any(one.role == "operator" for one in self._accounts.values())

    def check(self, name: str, password: str) -> Account | None:
        """The account if the password is its own; takes as long for a name that there is not."""
        account = self.account(name)
        try:
            self._hasher.verify(account.hash if account else _of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return None
        return account

    def set(self, name: str, role: Role, password: str) -> None:
        """Set an account's password. Raises `Refused` for one too short, or where the file cannot be written."""
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            raise Refused(f"account name {name!r}: 1 to {NAME_MAX} printable letters, please")
        if not LETTERS_MIN <= len(password) <= LETTERS_MAX:
            raise Refused(f"the password has {len(password)} letters: {LETTERS_MIN} to {LETTERS_MAX}, please")
        self._read()
        self._accounts[name] = Account(self._hasher.hash(password), role, time.time())
        write_private(self.path, msgspec.json.format(msgspec.json.encode(self._accounts), indent=1))

    def _read(self) -> None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._accounts = {}
            return
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen == self._seen:
            return
        try:
            self._accounts = msgspec.json.decode(self.path.read_bytes(), type=dict[str, Account])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Corrupt(f"{self.path} cannot be read ({error}); remove it and set the passwords again") from None
        self._seen = seen


@cache
def _of_nobody() -> str:
    return PasswordHasher().hash("nobody's password takes as long as anybody's")


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole, for its owner's eyes only. Raises `Refused` where that cannot be."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(content)
        part.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; free the place and try again") from None
