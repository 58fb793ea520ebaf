"""A paper desk as a process of its own, and the command line beside it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from crossbook.desk.control import is_alive
from crossbook.rules.kernel import PACKAGE

START = "from crossbook.cli import main; main()"


def command(*arguments: str | Path) -> list[str]:
    """The command line as this interpreter starts it."""
    return [sys.executable, "-c", START, *map(str, arguments)]


def environment() -> dict[str, str]:
    """That of this process, finding the package that is tested."""
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def crossbook(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command and leave it running."""
    return subprocess.Popen(
        command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_alive(runs: Path, process: subprocess.Popen[str], within_s: float = 60) -> Path:
    """The folder of the one run there, once it listens and has traded something."""
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        folders = [folder for folder in runs.glob("*") if (folder / "journal" / "000001.seg").exists()]
        if folders and is_alive(folders[0]):
            return folders[0]
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    raise AssertionError("the desk did not come up")
