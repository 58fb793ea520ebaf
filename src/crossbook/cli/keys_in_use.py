"""Which keys the configurations of this machine name, so that none of them is used outside the desk.

A configuration names a key by `key_file`, a path beside it (any key that ends so), or by `key_fingerprint`.
Looked at: the files given, `configs/` of this folder, `~/.config/crossbook/`, and the files and folders in
CROSSBOOK_CONFIGS, separated by colons. What cannot be read refuses: a key that may be in use is in use.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossbook.errors import Refused
from crossbook.venues.keys import fingerprint_of, read_key_text


def must_not_be_in_use(path: Path, fingerprint: str, given: Sequence[Path] = ()) -> None:
    """Raises `Refused` if a configuration names the key, by its file, a copy of it, or its fingerprint."""
    for config in _configurations(given):
        for key, value in _named(_read(config)):
            if key.endswith("key_fingerprint"):
                same = value.lower() == fingerprint
            else:
                same = _is_same(path, fingerprint, config.parent / Path(value).expanduser(), config)
            if same:
                raise Refused(
                    f"key file {path}: configuration {config} uses this key; sign with one that trades nowhere"
                )


def _configurations(given: Sequence[Path]) -> list[Path]:
    listed = [Path(text).expanduser() for text in os.environ.get("CROSSBOOK_CONFIGS", "").split(os.pathsep) if text]
    for path in (*given, *listed):
        if not path.exists():
            raise Refused(f"configuration {path}: not there, so its keys are not known; give the right path")
    places = [*given, *listed, Path("configs"), Path.home() / ".config" / "crossbook"]
    files = [file for place in places for file in (sorted(place.rglob("*.toml")) if place.is_dir() else [place])]
    return [file for file in dict.fromkeys(files) if file.exists()]


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_bytes().decode())
    except OSError as error:
        raise Refused(
            f"configuration {config}: {error.strerror}, so its keys are not known; make it readable"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Refused(f"configuration {config}: no valid TOML, so its keys are not known; mend or move it") from None


def _named(table: Any) -> Iterator[tuple[str, str]]:
    """Every `key_file` and `key_fingerprint` in a configuration, however deep."""
    if isinstance(table, list):
        for item in table:
            yield from _named(item)
    elif isinstance(table, dict):
        for key, value in table.items():
            if isinstance(value, str) and key.endswith(("key_file", "key_fingerprint")):
                yield key, value
            else:
                yield from _named(value)


def _is_same(path: Path, fingerprint: str, other: Path, config: Path) -> bool:
    """Whether a file that a configuration names is the key, or holds it. One that is not there holds no key."""
    try:
        if not other.exists():
            return False
        return other.samefile(path) or fingerprint_of(read_key_text(other, personal=False)) == fingerprint
    except (OSError, Refused):
        raise Refused(
            f"configuration {config}: its key file {other} cannot be read to compare; make it readable"
        ) from None
