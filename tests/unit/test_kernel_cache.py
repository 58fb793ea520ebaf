"""A changed kernel that others call is never served from the cache of old code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import crossbook
from crossbook.rules import kernel

PACKAGE = Path(crossbook.__file__).parent
PROBE = '''"""A kernel in a file of its own that calls one of another file."""
from crossbook.rules.fees import fee_e8
from crossbook.rules.kernel import kernel


@kernel
def twice(amount: int) -> int:
    """Two fees."""
    return 2 * fee_e8(amount, 500)
'''
ASK = """
import json
from crossbook.rules import kernel
from crossbook.rules.probe import twice
known = kernel.is_compiled("probe.twice")
stats = lambda: sum(twice.stats.cache_hits.values())
print(json.dumps({"value": twice(1_000_000), "folder": str(kernel.CACHE_FOLDER), "known": known, "hits": stats()}))
"""


def ask(root: Path) -> dict[str, Any]:
    """What a fresh process computes, and from which cache."""
    environment = os.environ | {"PYTHONPATH": str(root), "CROSSBOOK_CACHE_DIR": str(root / "cache")}
    environment.pop("NUMBA_DISABLE_JIT", None)
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, cwd=root, capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of what the probe needs of the package."""
    package = tmp_path / "crossbook"
    (package / "rules").mkdir(parents=True)
    for name in ("__init__.py", "types.py", "events.py", "commands.py"):
        shutil.copy(PACKAGE / name, package / name)
    for name in ("__init__.py", "kernel.py", "fees.py"):
        shutil.copy(PACKAGE / "rules" / name, package / "rules" / name)
    (package / "rules" / "probe.py").write_text(PROBE)
    return tmp_path


def test_editing_a_callee_is_seen(copy: Path) -> None:
    first = ask(copy)
    assert (first["value"], first["known"], first["hits"]) == (1_000, False, 0)
    second = ask(copy)
    assert second == first | {"known": True, "hits": 1}  # loaded, not compiled again
    fees = copy / "crossbook" / "rules" / "fees.py"
    old = fees.read_text()
    fees.write_text(old.replace("PPM = 1_000_000", "PPM = 500_000"))
    edited = ask(copy)
    assert edited["value"] == 2_000 and not edited["known"]
    assert edited["folder"] != first["folder"]
    fees.write_text(old)
    assert ask(copy) == second  # and the old code still finds its own


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("rules/edge.py", True),
        ("engine.py", True),
        ("types.py", True),
        ("sim/orders.py", True),
        ("sim/layout.py", True),
        ("sim/venue.py", False),
        ("cli/demo.py", False),
    ],
)
def test_the_hash_covers_whatever_kernels_are_made_of(tmp_path: Path, file: str, counts: bool) -> None:
    package = tmp_path / "crossbook"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    before = kernel.sources_hash(package)
    assert before == kernel.sources_hash(PACKAGE)
    path = package / file
    path.write_text(path.read_text() + "\n")
    assert (kernel.sources_hash(package) != before) is counts


def test_the_folder_is_where_it_is_wished(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CROSSBOOK_CACHE_DIR", str(tmp_path))
    assert kernel.cache_root() == tmp_path
    monkeypatch.delenv("CROSSBOOK_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert kernel.cache_root() == tmp_path / "xdg" / "crossbook"
