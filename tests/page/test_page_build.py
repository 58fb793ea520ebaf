"""How the page is built: packages pinned without an address, types that follow the server, no loose ends."""

import json
import re
import subprocess

import pytest
from page.driving import built

from crossbook.errors import Refused
from crossbook.web import building
from crossbook.web.building import PAGE, build_page, node_trouble, sources_hash
from crossbook.web.server import openapi_json

SOURCES = [path for path in PAGE.joinpath("src").rglob("*") if path.suffix in (".ts", ".svelte", ".css")]
EXACT = re.compile(r"\d+\.\d+\.\d+")


def test_packages_are_pinned_by_hash_and_come_from_no_named_host() -> None:
    package, lock = (json.loads((PAGE / name).read_text()) for name in ("package.json", "package-lock.json"))
    for versions in (package["dependencies"], package["devDependencies"]):
        assert all(EXACT.fullmatch(version) for version in versions.values())
    locked = {name: one for name, one in lock["packages"].items() if name}
    assert all(one.get("integrity", "").startswith("sha512-") for one in locked.values() if not one.get("inBundle"))
    assert not any("resolved" in one for one in locked.values())


def test_the_document_that_the_client_is_made_from_is_that_of_the_server() -> None:
    assert (PAGE / "openapi.json").read_bytes() == openapi_json(), "crossbook page --openapi > openapi.json makes it"


@pytest.mark.timeout(400)
def test_its_types_hold() -> None:
    built()
    npm = ["npm", "run", "--silent", "check"]
    done = subprocess.run(npm, cwd=PAGE, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source_is_typed_and_asks_nobody_else(path: building.Path) -> None:
    text = path.read_text()
    assert not re.search(r":\s*any\b|<any>|as any\b|@ts-ignore|@ts-expect-error|\{@html", text)
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text.replace("http://www.w3.org", ""))
    assert not re.search(r'<[a-z]+[^>{]*\sstyle="', text), "the policy of the page forbids style attributes"


@pytest.mark.timeout(400)
def test_it_is_built_once_and_again_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    said: list[str] = []
    assert (build_page(said.append) / "index.html").is_file()
    assert said == []
    assert (PAGE / "dist" / building.STAMP).read_text() == sources_hash()
    html = (PAGE / "dist" / "index.html").read_text()
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)


def test_without_node_it_says_what_to_install(tmp_path: building.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install it" in (node_trouble() or "")
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(Refused, match=r"Node 20\.19 or newer"):
        build_page(page=tmp_path)


def test_a_release_without_sources_takes_the_build_that_it_carries(tmp_path: building.Path) -> None:
    with pytest.raises(Refused, match="carries the build"):
        build_page(page=tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<!doctype html>")
    assert build_page(page=tmp_path) == tmp_path / "dist"
