"""A served Hyperliquid as a process of its own, and client scripts run against it by the clients' own Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = Path(os.environ.get("CROSSBOOK_CLIENTS", ROOT / ".venv-clients/bin/python"))
HERE = Path(__file__).parent
SERVE = (
    "import sys; from crossbook.cli.call import call; from crossbook.cli.venue import app; "
    "call(app, 'crossbook venue', sys.argv[1:])"
)


def needs_clients() -> None:
    """Skip where the clients are not installed."""
    if not CLIENTS.exists():
        pytest.skip(f"no third-party clients at {CLIENTS}: set CROSSBOOK_CLIENTS to the Python that has them")


@contextmanager
def served(*more: str) -> Iterator[dict[str, Any]]:
    """Serve until the block ends; what the process said when it was ready, with `url` beside."""
    command = [sys.executable, "-c", SERVE, "serve", "--hyperliquid", "0", "--seed", "7", *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            assert process.stderr is not None
            pytest.fail(f"the venue did not start: {process.stderr.read()[-2_000:]}")
        ready = json.loads(line)
        yield ready | {"url": f"http://127.0.0.1:{ready['ports']['hyperliquid']}"}
    finally:
        process.terminate()
        process.communicate(timeout=10)


def run_script(name: str, *arguments: str) -> dict[str, Any]:
    """What a script printed: its steps by name."""
    done = subprocess.run(
        [str(CLIENTS), str(HERE / name), *arguments], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    steps: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return steps


def good(steps: dict[str, Any], name: str) -> Any:
    """What a step returned; fails with its error where it raised."""
    step = steps[name]
    assert not (isinstance(step, dict) and "raised" in step), step
    return step
