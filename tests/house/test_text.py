"""What no file may say, and what every file must."""

import ast
import hashlib
import re
from itertools import pairwise
from pathlib import Path

import pytest
from house import tree

TEXTS = [path for path in tree.files() if tree.text(path) is not None]
SOURCES = {".py", ".ts", ".svelte", ".js", ".css", ".html", ".sh", ""}
LINES_MAX = 400

DOTTED = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
REGISTRIES = {
    "a4aa2ac280bb8d1a",
    "8b5bb5eb9d758455",
    "08d54e49cb09e297",
    "954ad027ab968ca3",
    "789e46d79514e280",
}
"""Hosts of package registries (Python's two, JavaScript's, Debian's, Rust's): `_told` of the two labels that tell each
from others. Their names would be found in this file."""

# Spelled in pieces: this file is read by its own tests.
MACHINE_PATHS = [f"/{top}/" for top in ("work", "root", "home", "Users")]
SIBLING = re.compile(r"\.\./" + r"shared\b|[\"']" + r"shared[\"'/]")
MOVES_MONEY_OUT = ["withdraw" + "3", "usd" + "Send", "spot" + "Send", "approve" + "Agent", "usdClass" + "Transfer"]
MOVES_MONEY_OUT += ["approve" + "BuilderFee", "capital/" + "withdraw", "asset/" + "transfer"]


def _found(words: list[str], paths: list[Path]) -> list[str]:
    return [f"{tree.name(path)}: {word}" for path in paths for word in words if word in (tree.text(path) or "")]


def _told(labels: str) -> str:
    return hashlib.sha256(labels.encode()).hexdigest()[:16]


def _hosts(text: str, forbidden: set[str]) -> set[str]:
    """The dotted names in a text of which two labels beside each other are forbidden."""
    names = {name: name.split(".") for name in DOTTED.findall(text.lower())}
    return {name for name, parts in names.items() if forbidden & {_told(f"{a}.{b}") for a, b in pairwise(parts)}}


def test_no_registry_host() -> None:
    assert not [f"{tree.name(path)}: {host}" for path in TEXTS for host in _hosts(tree.text(path) or "", REGISTRIES)]


def test_no_machine_path() -> None:
    """Addresses in a URL are not paths of a machine, hence the look at what stands before."""
    pattern = re.compile(r"(?<![\w.\-~}*])(" + "|".join(MACHINE_PATHS) + ")")
    assert not [f"{tree.name(p)}: {m.group()}" for p in TEXTS for m in pattern.finditer(tree.text(p) or "")]


def test_only_tests_and_benchmarks_know_the_folder_beside_the_project() -> None:
    others = [path for path in TEXTS if not tree.name(path).startswith(("tests/", "benchmarks/"))]
    assert not [tree.name(path) for path in others if SIBLING.search(tree.text(path) or "")]


SERVED = tree.ROOT / "src" / "crossbook" / "venues" / "served"
VERIFIERS = [SERVED / "user_signed.py", SERVED / "hyperliquid_actions.py"]
"""The served venue has to understand what it refuses or answers: these two files read such requests, and sign none."""


def test_nothing_in_the_package_can_move_money_out_of_an_account() -> None:
    paths = [path for path in TEXTS if path.is_relative_to(tree.ROOT / "src") and path not in VERIFIERS]
    assert not _found(MOVES_MONEY_OUT, paths)


def test_what_reads_such_requests_signs_nothing_and_is_known_to_the_served_venue_alone() -> None:
    for path in VERIFIERS:
        text = path.read_text()
        assert not re.search(r"\bsign_|AgentKey|FastSigner|\.keys import", text), tree.name(path)
        name = "crossbook.venues.served." + path.stem
        users = [p for p in TEXTS if p.suffix == ".py" and name in (tree.text(p) or "")]
        outside = [p for p in users if p.is_relative_to(tree.ROOT / "src") and not p.is_relative_to(SERVED)]
        assert not outside


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix in SOURCES and p.name != "LICENSE"], ids=tree.name)
def test_a_long_file_says_why(path: Path) -> None:
    lines = (tree.text(path) or "").splitlines()
    assert len(lines) <= LINES_MAX or "long:" in lines[0], f"{len(lines)} lines: say why after `long:` in line 1"


@pytest.mark.parametrize("path", [p for p in tree.modules() if tree.text(p)], ids=tree.name)
def test_module_says_its_idea(path: Path) -> None:
    """An empty `__init__.py` has none; any other module does, in a sentence."""
    assert ast.get_docstring(tree.parsed(path)), "no docstring"


def test_a_room_is_a_package() -> None:
    """Without `__init__.py` a folder is imported all the same, but import-linter does not see into it."""
    rooms = {path.parent for path in tree.modules()}
    assert [tree.name(room) for room in rooms if not (room / "__init__.py").exists()] == []


def test_the_words_above_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text("see https://Files.Example.org/x, and " + MOVES_MONEY_OUT[0])
    assert [word for word in MOVES_MONEY_OUT if word in page.read_text()] == MOVES_MONEY_OUT[:1]
    assert _hosts(page.read_text(), {_told("example.org")}) == {"files.example.org"}
    assert not _hosts("an example, organised; my-example.org", {_told("example.org")})
    assert SIBLING.search('Path("' + 'shared")')
    assert SIBLING.search("../" + "shared/data")
    assert not SIBLING.search("the arrays are shared by both")
