"""A served Binance spot and USD-M as a process of its own, one for all client scripts, an account for each."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from clients.served_hyperliquid import ROOT, SERVE

ACCOUNTS = 5


@cache
def _ready() -> dict[str, Any]:
    """Start it, once; it ends with this Python. What it said when it was ready."""
    where = ("--binance-spot", "0", "--binance-usdm", "0", "--seed", "7", "--make", str(ACCOUNTS))
    command = [sys.executable, "-c", SERVE, "serve", *where]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def end() -> None:
        process.terminate()
        process.communicate(timeout=10)

    atexit.register(end)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail(f"the venues did not start: {process.stderr.read()[-2_000:]}")
    found: dict[str, Any] = json.loads(line)
    return found


def served(account: int) -> dict[str, Any]:
    """Where the venues are (`spot`, `usdm`: host:port), and one account that no other script uses."""
    ready = _ready()
    return {
        "spot": f"127.0.0.1:{ready['ports']['binance_spot']}",
        "usdm": f"127.0.0.1:{ready['ports']['binance_usdm']}",
        "account": ready["accounts"][account],
    }


def hmac_key(venue: dict[str, Any]) -> tuple[str, str]:
    """The account's HMAC key: api key and secret."""
    key = next(key for key in venue["account"]["keys"] if "secret" in key)
    return key["api_key"], key["secret"]


def ed25519_key(venue: dict[str, Any]) -> tuple[str, str]:
    """The account's Ed25519 key: api key and private PEM."""
    key = next(key for key in venue["account"]["keys"] if "private_key" in key)
    return key["api_key"], key["private_key"]
