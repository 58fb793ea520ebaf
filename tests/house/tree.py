"""The files of the project as git sees them: tracked, or new and not ignored."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "crossbook"
NEVER_OURS = {".git", ".venv", "runs", "node_modules", "dist", "build", "__pycache__", ".hypothesis"}
NEVER_OURS |= {".crossbook-cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache"}


@functools.cache
def files() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    own_checkout = (ROOT / ".git").exists() and listed.returncode == 0
    names = listed.stdout.split("\0") if own_checkout else _walked()
    return tuple(sorted(ROOT / name for name in names if name and (ROOT / name).is_file()))


@functools.cache
def text(path: Path) -> str | None:
    """None for a file that is not text."""
    raw = path.read_bytes()
    try:
        return None if b"\0" in raw else raw.decode()
    except UnicodeDecodeError:
        return None


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def modules(*rooms: str) -> list[Path]:
    """The package's Python files, or those of the named rooms: `rules` is a folder, `money.py` a file."""
    inside = [path for path in files() if path.suffix == ".py" and path.is_relative_to(PACKAGE)]
    return [path for path in inside if not rooms or path.relative_to(PACKAGE).parts[0] in rooms]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _walked() -> list[str]:
    """For a copy without git, such as a source archive."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
    return [path.as_posix() for path in found if not NEVER_OURS & set(path.parts)]
