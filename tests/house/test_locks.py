"""What gets installed is pinned, hashed, and names no place to get it from."""

import re
import tomllib

import pytest
from house import tree

LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-uv.lock")
DIRECT_MAX = 25
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)( ; [^\\]+)?( \\)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")

PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> dict[str, str]:
    lines = (tree.ROOT / lock).read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := PIN.match(line))}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(lock: str) -> None:
    lines = (tree.ROOT / lock).read_text().splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert not PIN.match(line) or HASH.match(following), f"{line} has no hash"


def test_the_desk_needs_few_packages_and_each_is_pinned() -> None:
    direct = names(PROJECT["project"]["dependencies"])
    assert len(direct) <= DIRECT_MAX
    assert direct <= pins("requirements.lock").keys()


def test_the_desk_is_installed_without_test_tools() -> None:
    assert not names(PROJECT["dependency-groups"]["test"]) & pins("requirements.lock").keys()


def test_the_test_lock_holds_the_desk_lock() -> None:
    """`./run` takes a .venv filled from the test lock for one filled from the desk's."""
    desk, tests = pins("requirements.lock"), pins("requirements-test.lock")
    assert desk.items() <= tests.items()
    assert names(PROJECT["dependency-groups"]["test"]) <= tests.keys()
    assert names(PROJECT["dependency-groups"]["setup"]) == pins("requirements-uv.lock").keys()


def test_one_version_everywhere() -> None:
    source = (tree.PACKAGE / "__init__.py").read_text()
    assert f'__version__ = "{PROJECT["project"]["version"]}"' in source
