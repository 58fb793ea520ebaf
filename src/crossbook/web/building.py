"""Builds the page from its TypeScript once its sources changed; the build is never committed.

In an installed package the build is there and its sources may not be: then there is nothing to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from crossbook.errors import Refused

PAGE = Path(__file__).parent / "page"
NODE_MIN = (20, 19)
STAMP = ".stamp"
WAIT_S = 600
_SOURCES = ("src", "public")
_MODULES = ("package.json", "package-lock.json")
_FILES = (*_MODULES, ".npmrc", "index.html", "vite.config.ts", "svelte.config.js", "tsconfig.json")


def build_page(say: Callable[[str], object] = lambda line: None, page: Path = PAGE) -> Path:
    """Return the folder of the build, made now where the sources are newer than it. `say` gets a line for each step
    that takes its time. Raises `Refused` without Node or npm, or where a step fails."""
    built = page / "dist"
    if not (page / "package.json").is_file():
        if (built / "index.html").is_file():
            return built
        raise Refused(f"the page's sources are not in {page}; install crossbook from a release that carries the build")
    wanted = sources_hash(page)
    if _read(built / STAMP) == wanted and (built / "index.html").is_file():
        return built
    npm, environment = _tools()
    modules, stamp = _hash(page, [page / name for name in _MODULES]), page / "node_modules" / STAMP
    if _read(stamp) != modules:
        say("installing the page's packages, once")
        _step([npm, "ci", "--ignore-scripts"], page, environment)
        stamp.write_text(modules)
    say("building the page")
    _step([npm, "run", "--silent", "build"], page, environment)
    (built / STAMP).write_text(wanted)
    return built


def sources_hash(page: Path = PAGE) -> str:
    """A digest of everything that the build is made from."""
    files = [page / name for name in _FILES]
    for folder in _SOURCES:
        files += [path for path in (page / folder).rglob("*") if path.is_file()]
    return _hash(page, files)


def node_trouble() -> str | None:
    """What is missing to build the page, as one line with its remedy; None: nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    least = ".".join(map(str, NODE_MIN))
    if node is None or npm is None:
        absent = "node" if node is None else "npm"
        return f"the page needs Node {least} or newer with npm, and there is no `{absent}` on PATH; install it"
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the page needs Node {least} or newer, and {node} does not start: {error}"
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None or tuple(map(int, found.groups())) < NODE_MIN:
        version = told.strip() or "of no known version"
        return f"the page needs Node {least} or newer, and {node} is {version}; install a newer one"
    return None


def _tools() -> tuple[str, dict[str, str]]:
    trouble = node_trouble()
    npm = shutil.which("npm")
    if trouble is not None or npm is None:
        raise Refused(trouble or "there is no npm on PATH")
    quiet = {"NO_UPDATE_NOTIFIER": "1", "npm_config_fund": "false", "npm_config_audit": "false", "CI": "1"}
    return npm, {**os.environ, **quiet}


def _step(command: list[str], page: Path, environment: dict[str, str]) -> None:
    words = " ".join(["npm", *command[1:]])
    try:
        done = subprocess.run(
            command, cwd=page, env=environment, capture_output=True, text=True, errors="replace", timeout=WAIT_S,
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise Refused(f"`{words}` in {page} does not start: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"`{words}` in {page} is not done after {WAIT_S} s; run it there by hand to see why") from None
    if done.returncode:
        said = [line for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
        last = " ".join(" | ".join(said[-4:]).split())[-600:]
        raise Refused(f"`{words}` in {page} failed with status {done.returncode}: {last}")


def _hash(page: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.is_file():
            digest.update(f"{path.relative_to(page).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
