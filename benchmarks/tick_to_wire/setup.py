"""Environments of the peers, one each.

`python benchmarks/tick_to_wire/setup.py [NAME ...]` makes those that are missing. They live outside of the
repository, in `CROSSBOOK_PEERS` or `~/.cache/crossbook/peers`; a peer that is not there is printed as `not installed`.
Needs the package index, and a few minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PEERS: dict[str, tuple[str, ...]] = {
    "ccxt": ("ccxt==4.5.90", "websockets==17.4"),
    "python_binance": ("python-binance==1.0.37", "websockets==17.4"),
    "websockets": ("websockets==17.4",),
    "hl_sdk": ("hyperliquid-python-sdk==0.24.0",),
    "hl_sdk_coincurve": ("hyperliquid-python-sdk==0.24.0", "coincurve==21.0.0"),
    "nautilus": ("nautilus_trader==1.221.0", "msgspec==0.20.0", "hyperliquid-python-sdk==0.24.0"),
}
"""What each environment is filled with; nothing of ours, and nothing of another peer's."""


def folder() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("CROSSBOOK_PEERS") or Path.home() / ".cache" / "crossbook" / "peers")


def python_of(name: str) -> Path | None:
    """The Python of a peer that was set up whole; None: it is not installed."""
    python = folder() / name / "bin" / "python"
    made = folder() / name / "made.txt"
    return python if python.exists() and made.is_file() and made.read_text() == _wanted(name) else None


def set_up(names: list[str]) -> int:
    """Make what is missing; the number of those that could not be made."""
    failed = 0
    for name in names:
        if python_of(name) is not None:
            continue
        place = folder() / name
        print(f"{name}: {' '.join(PEERS[name])} -> {place}", flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-qq", "--only-binary", ":all:"]
            subprocess.run([*pip, "--disable-pip-version-check", *PEERS[name]], check=True)
            (place / "made.txt").write_text(_wanted(name))
        except (subprocess.CalledProcessError, OSError) as error:
            failed += 1
            print(f"{name}: not installed: {error}", flush=True)
    return failed


def _wanted(name: str) -> str:
    return "\n".join((sys.version.split()[0], *PEERS[name]))


if __name__ == "__main__":
    raise SystemExit(set_up(sys.argv[1:] or list(PEERS)))
