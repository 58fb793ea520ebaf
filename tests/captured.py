"""The messages recorded from the venues, in the folder beside the project: read there, never copied."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
import pytest

BESIDE = Path(__file__).resolve().parents[1] / ".." / "shared"
FOLDER = Path(os.environ.get("CROSSBOOK_SHARED", BESIDE)) / "venues" / "captured"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded messages: {FOLDER} is missing")

_SCALAR = re.compile(r"\b(?:body|string): '((?:[^']|'')*)'")


def message(name: str) -> bytes:
    """A recorded message: `hyperliquid/ws_allmids.json`."""
    return (FOLDER / name).read_bytes()


def messages(venue: str) -> dict[str, bytes]:
    """All recorded messages of a venue by name; of requests with answers the answers."""
    found = {path.stem: path.read_bytes() for path in sorted((FOLDER / venue).glob("*.json"))}
    for path in sorted((FOLDER / venue).glob("*.yaml")):
        for number, (_, answer) in enumerate(exchanges(path.name)):
            found[f"{path.stem}_{number}"] = answer
    return found


def exchanges(name: str) -> list[tuple[bytes, bytes]]:
    """Request and answer bodies of a recording of `/info`: the quoted scalars of its YAML, unfolded."""
    text = (FOLDER / "hyperliquid_info" / name).read_text()
    scalars = [_unfolded(found.replace("''", "'")).encode() for found in _SCALAR.findall(text)]
    for scalar in scalars:
        msgspec.json.decode(scalar)
    return list(zip(scalars[::2], scalars[1::2], strict=True))


def _unfolded(text: str) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", " ", text)
