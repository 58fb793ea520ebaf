"""What no file may say, and what every file must."""

import ast
import re
from pathlib import Path

import pytest
from house import tree

TEXTS = [path for path in tree.files() if tree.text(path) is not None]
SOURCES = {".py", ".ts", ".svelte", ".js", ".css", ".html", ".sh", ""}
LINES_MAX = 400

# Spelled in pieces: this file is read by its own tests.
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "registry." + "npmjs", "deb." + "debian", "crates" + ".io"]
MACHINE_PATHS = [f"/{top}/" for top in ("work", "root", "home", "Users")]
SIBLING = re.compile(r"\.\./" + r"shared\b|[\"']" + r"shared[\"'/]")
MOVES_MONEY_OUT = ["withdraw" + "3", "usd" + "Send", "spot" + "Send", "approve" + "Agent", "usdClass" + "Transfer"]
MOVES_MONEY_OUT += ["approve" + "BuilderFee", "capital/" + "withdraw", "asset/" + "transfer"]


def _found(words: list[str], paths: list[Path]) -> list[str]:
    return [f"{tree.name(path)}: {word}" for path in paths for word in words if word in (tree.text(path) or "")]


def test_no_registry_host() -> None:
    assert not _found(HOSTS, TEXTS)


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
    page.write_text(f"see {HOSTS[0]} and " + MOVES_MONEY_OUT[0])
    hits = [word for word in HOSTS + MOVES_MONEY_OUT if word in page.read_text()]
    assert len(hits) == 2
    assert SIBLING.search('Path("' + 'shared")')
    assert SIBLING.search("../" + "shared/data")
    assert not SIBLING.search("the arrays are shared by both")
