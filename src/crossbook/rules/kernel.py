"""`@kernel`: a plain Python function over records and integers, compiled by numba and cached on disk.

numba keys its cache by the file of the kernel alone and does not see that a kernel it calls, from another file, has
changed. So the cache folder is named by a hash of every kernel's source and of the numba, numpy and Python versions.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy

ROOMS = ("rules", "strategy", "sim", "lab")
"""The packages that hold kernels, beside `engine.py` which composes them."""
PACKAGE = Path(__file__).parents[1]


def sources_hash(package: Path = PACKAGE) -> str:
    """Sixteen hex digits that change when any kernel source, numba, numpy or Python does."""
    digest = hashlib.sha256()
    for word in (numba.__version__, numpy.__version__, platform.python_version(), platform.machine()):
        digest.update(word.encode())
    files = [package / "engine.py", package / "events.py", package / "commands.py", package / "types.py"]
    for room in ROOMS:
        files += (package / room).glob("**/*.py")
    for file in sorted(file for file in files if file.is_file()):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Where compiled kernels live: `CROSSBOOK_CACHE_DIR`, else the user's cache folder."""
    chosen = os.environ.get("CROSSBOOK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossbook"


CACHE_FOLDER = cache_root() / "kernels" / sources_hash()
numba.config.CACHE_DIR = str(CACHE_FOLDER)


def is_compiled() -> bool:
    """Whether an earlier run left compiled kernels of exactly this code."""
    return any(CACHE_FOLDER.glob("**/*.nbc"))


F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function` on first use, keeping its type. With `NUMBA_DISABLE_JIT=1` it stays plain Python."""
    compiled: F = numba.njit(cache=True, boundscheck=False, error_model="numpy")(function)
    return compiled


def bulk_kernel(function: F) -> F:
    """A `@kernel` for passes over many rows: it lets other threads run meanwhile, which costs a call 0.1 us."""
    compiled: F = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function)
    return compiled
