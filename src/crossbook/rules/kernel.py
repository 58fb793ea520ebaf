"""`@kernel`: a plain Python function over records and integers, compiled by numba and cached on disk.

numba keys its cache by the file of the kernel alone and does not see that a kernel it calls, from another file, has
changed. So the cache folder is named by a hash of every kernel's source and of the numba, numpy and Python versions.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy

PACKAGE = Path(__file__).parents[1]
KERNEL = re.compile(rb"^@(bulk_)?kernel$", re.MULTILINE)
IMPORT = re.compile(rb"^from crossbook\.([\w.]+) import", re.MULTILINE)


def kernel_sources(package: Path = PACKAGE) -> list[Path]:
    """The files that hold kernels, and every file that one of them imports from: what compiled code can depend on."""
    texts = {file: file.read_bytes() for file in package.rglob("*.py")}
    wanted = [file for file, text in texts.items() if KERNEL.search(text)]
    found: set[Path] = set()
    while wanted:
        file = wanted.pop()
        if file in texts and file not in found:
            found.add(file)
            modules = (name.decode().replace(".", "/") for name in IMPORT.findall(texts[file]))
            wanted += (package / f"{name}{end}" for name in modules for end in (".py", "/__init__.py"))
    return sorted(found)


def sources_hash(package: Path = PACKAGE) -> str:
    """Sixteen hex digits that change when any kernel source, numba, numpy or Python does."""
    digest = hashlib.sha256()
    for word in (numba.__version__, numpy.__version__, platform.python_version(), platform.machine()):
        digest.update(word.encode())
    for file in kernel_sources(package):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Where compiled kernels live: `CROSSBOOK_CACHE_DIR`, else the user's cache folder."""
    chosen = os.environ.get("CROSSBOOK_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossbook"


KERNELS = sources_hash()
"""Of the code as it was loaded."""
CACHE_FOLDER = cache_root() / "kernels" / KERNELS
_config: Any = numba.config
_config.CACHE_DIR = str(CACHE_FOLDER)


def is_compiled(name: str = "engine.step") -> bool:
    """Whether an earlier run left the kernel `module.function` of exactly this code compiled."""
    return any(CACHE_FOLDER.glob(f"**/{name}-*.nbc"))


F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function` on first use, keeping its type. With `NUMBA_DISABLE_JIT=1` it stays plain Python."""
    return _compiled(function, nogil=False)


def bulk_kernel(function: F) -> F:
    """A `@kernel` for passes over many rows: it lets other threads run meanwhile, which costs a call 0.1 us."""
    return _compiled(function, nogil=True)


def _compiled(function: F, nogil: bool) -> F:
    options: dict[str, Any] = {"cache": True, "nogil": nogil, "boundscheck": False, "error_model": "numpy"}
    njit: Any = numba.njit
    dispatcher = njit(no_cfunc_wrapper=True, **options)(function)
    if hasattr(dispatcher, "get_call_template"):
        _share_compilations(dispatcher)
    compiled: F = dispatcher
    return compiled


def _share_compilations(dispatcher: Any) -> None:
    """Let calls with constants, or with narrow integers of a row, use the one compilation for int64: numba would
    compile a kernel anew for each, which took half of all compiling."""
    template = dispatcher.get_call_template
    types: Any = numba.types

    def widened(one: Any) -> Any:
        one = types.unliteral(one)
        narrow = isinstance(one, types.Integer) and one.signed and one.bitwidth < 64
        return types.int64 if narrow else one

    def get_call_template(args: list[Any], kws: dict[str, Any]) -> Any:
        return template([widened(one) for one in args], {name: widened(one) for name, one in kws.items()})

    dispatcher.get_call_template = get_call_template
