"""The documents hold together: links lead somewhere, decisions have one shape, the promised commands exist."""

import re
from pathlib import Path

import pytest
from house import tree

PAGES = [path for path in tree.files() if path.suffix == ".md"]
DECISIONS = [path for path in PAGES if path.parent.name == "adr"]
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
TERM = re.compile(r"^- \*\*(.+?)\*\*: ", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=tree.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", DECISIONS, ids=tree.name)
def test_a_decision_says_why_what_and_at_which_price(page: Path) -> None:
    headings = [line for line in page.read_text().splitlines() if line.startswith("#")]
    number = int(page.name[:4])
    assert headings[0].startswith(f"# {number}. ")
    assert headings[1:4] == ["## Context", "## Decision", "## Consequences"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_a_word_is_defined_once() -> None:
    terms = [term.lower() for term in TERM.findall((tree.ROOT / "GLOSSARY.md").read_text())]
    assert len(terms) > 60
    assert sorted(set(terms)) == sorted(terms)


def test_readme_names_the_commands_that_run_teaches() -> None:
    readme, script = (tree.ROOT / "README.md").read_text(), (tree.ROOT / "run").read_text()
    for command in ("./run demo", "./run test", "./run check", "./run bench"):
        assert command in readme
        assert command in script
