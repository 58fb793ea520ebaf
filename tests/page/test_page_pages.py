"""Every page of a run that ended: it opens, every figure leads to its rows and back, and it can be read by everyone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from page.driving import AXE, PHONE, Server, Tab, built, chromium, run_to_its_end
from playwright.sync_api import Browser, WebSocketRoute

from crossbook.web.building import PAGE
from crossbook.web.model import Pages

pytestmark = pytest.mark.timeout(400)
PLACES = {
    "overview": "overview", "strategies": "strategies", "strategy": "strategies/v0", "trades": "trades",
    "trade": "trades/1", "latency": "latency", "risk": "risk", "venues": "venues", "models": "models", "runs": "runs",
    "run": "runs/{run}", "reports": "reports", "explore": "explore", "log": "log",
    "rows": "rows/t-trips?figure=win_rate", "why": "why/pnl.total",
}  # fmt: skip
KEYS = {"o": "overview", "s": "strategies", "t": "trades", "l": "latency", "k": "risk", "v": "venues", "m": "models",
        "r": "runs", "p": "reports", "e": "explore", "j": "log"}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built()
    folder: Path = tmp_path_factory.mktemp("page") / "runs"
    run_to_its_end(folder, 6)
    return folder


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[Server]:
    one = Server(runs)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    one = Tab(browser, server)
    one.page.add_init_script(path=AXE)
    one.page.reload()
    one.page.wait_for_selector("[data-figure]")
    yield one
    one.close()


def address(name: str, runs: Path) -> str:
    return PLACES[name].format(run=next(runs.glob("*/journal")).parent.name)


@pytest.mark.parametrize("name", PLACES)
def test_page_opens_and_has_no_serious_fault_of_access(tab: Tab, runs: Path, name: str) -> None:
    tab.go(address(name, runs))
    assert tab.page.locator("main h1").inner_text().strip()
    assert tab.trouble() == []
    assert not re.search(r"undefined|NaN|\[object", tab.page.locator("main").inner_text())
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the window"
    tab.picture("latency-unpaced" if name == "latency" else name)
    for theme in ("dark", "light"):
        tab.page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        tab.page.wait_for_timeout(200)  # colours change softly
        found = tab.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        bad = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not bad, [(one["id"], theme, [node["html"][:200] for node in one["nodes"]][:3]) for one in bad]
    tab.page.evaluate("document.documentElement.dataset.theme = 'dark'")


BODIES: dict[str, tuple[str, ...]] = {
    "Overview": (), "StrategyRow": ("strategies", "0"), "Exposure": ("exposures", "0"), "Feed": ("feeds", "0"),
    "Strategy": (), "Trade": (), "Leg": ("legs", "0"), "Latency": (), "Risk": (), "Limit": ("limits", "0"),
    "Rung": ("ladder", "0"), "Venues": (), "Log": (), "Told": ("lines", "0"), "Runs": (), "RunRow": ("runs", "0"),
    "OneRun": (), "Why": (),
}  # fmt: skip
"""Types of the page, and where in a body one stands: of the body that was asked for last."""


def test_bodies_hold_what_the_page_reads_of_them(runs: Path) -> None:
    source = (PAGE / "src" / "lib" / "pages.ts").read_text()
    folder = next(runs.glob("*/journal")).parent
    pages = Pages(runs, folder)
    assert pages.book is not None
    while pages.book.advance():
        pass
    asked = {
        "Overview": pages.overview, "Strategy": lambda: pages.strategy("v0"), "Trade": lambda: pages.trade("1"),
        "Latency": pages.latency, "Risk": pages.risk, "Venues": pages.venues, "Log": pages.log, "Runs": pages.runs,
        "OneRun": lambda: pages.run_page(folder.name), "Why": lambda: pages.why("pnl.total"),
    }  # fmt: skip
    body: Any = None
    for name, path in BODIES.items():
        body = json.loads(asked[name]()) if name in asked else body
        told = body
        for step in path:
            told = told[int(step)] if step.isdecimal() else told[step]
        needed = fields(source, name)
        assert needed
        assert needed <= set(told), f"{name}: {sorted(needed - set(told))}"


def fields(source: str, name: str) -> set[str]:
    """Of a type in TypeScript: what it must have."""
    found = re.search(rf"export interface {name}(?: extends (\w+))? \{{(.*?)\n\}}", source, re.DOTALL)
    assert found is not None, name
    return set(re.findall(r"^  (\w+):", found[2], re.MULTILINE)) | (fields(source, found[1]) if found[1] else set())


FIGURES_ON = ("overview", "strategy", "trades", "latency", "risk", "venues")


@pytest.mark.parametrize("name", FIGURES_ON)
def test_every_figure_leads_to_its_rows_at_its_sequence_and_back(tab: Tab, runs: Path, name: str) -> None:
    """Each link is followed by a click; the rows state the same value, and Back shows the page again."""
    tab.go(address(name, runs))
    links = tab.page.locator("main [data-figure]")
    figures = list(dict.fromkeys(links.evaluate_all("all => all.map(one => one.dataset.figure)")))
    assert len(figures) > 5
    before = tab.page.url
    for figure in figures:
        link = tab.page.locator(f'main [data-figure="{figure}"]').first
        link.click()
        tab.page.wait_for_selector(f'main [data-value="{figure}"]')
        tab.settle()
        query = parse_qs(urlparse(tab.page.url).fragment.partition("?")[2])
        assert query["figure"] == [figure]
        assert int(query["as_of"][0]) > 0
        assert tab.trouble() == []
        assert tab.page.locator("main .mark.differ").count() == 0, figure
        tab.page.go_back()
        tab.until(lambda: tab.page.url == before, "Back did not lead back")
        tab.page.wait_for_selector(f'main [data-figure="{figure}"]')


def test_rows_state_the_figure_add_up_here_too_and_can_be_taken(tab: Tab) -> None:
    tab.go("rows/t-trips?figure=win_rate")
    shown = tab.page.locator('[data-value="win_rate"]').inner_text()
    told = tab.page.evaluate("fetch('/api/figures/win_rate').then(answer => answer.json())")["figure"]
    assert shown == told["text"]
    assert tab.page.locator("[data-again=true]").count() == 1
    for kind, magic in (("CSV", b"#,strategy"), ("Parquet", b"PAR1"), ("Arrow", b"\xff\xff\xff\xff")):
        with tab.page.expect_download() as coming:
            tab.page.get_by_role("link", name=kind, exact=True).click()
        assert Path(coming.value.path()).read_bytes().startswith(magic), kind


def test_rows_are_filtered_ordered_and_kept_in_the_address(tab: Tab) -> None:
    tab.go("rows/t-fills")
    count = "parse = text => Number(text.split(' ')[0].replaceAll(',', ''))"
    whole = tab.page.locator(".head .more").inner_text()
    tab.page.get_by_role("button", name="fees").click()
    tab.until(lambda: "sort=fees" in tab.page.url, "the order is not in the address")
    tab.page.get_by_label("Text in any column").fill("SELL")
    tab.until(lambda: "text=SELL" in tab.page.url, "the text is not in the address")
    tab.until(lambda: tab.page.locator(".head .more").inner_text() != whole, "nothing was filtered")
    assert tab.page.evaluate(f"([few, all]) => {{ let {count}; return parse(few) < parse(all) }}",
                             [tab.page.locator(".head .more").inner_text(), whole])  # fmt: skip
    fees = tab.page.locator("tbody td:nth-child(15)").all_inner_texts()
    assert fees
    tab.page.reload()
    tab.page.wait_for_selector("tbody td")
    assert tab.page.get_by_label("Text in any column").input_value() == "SELL"


def test_keys_lead_everywhere(tab: Tab) -> None:
    tab.go("overview")
    for key, page in KEYS.items():
        tab.page.keyboard.press("g")
        tab.page.keyboard.press(key)
        tab.until(lambda page=page: f"#/{page}" in tab.page.url, f"g {key} does not lead to {page}")
    tab.page.keyboard.press("?")
    assert tab.page.get_by_role("dialog").is_visible()
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("/")
    tab.page.get_by_label("Search").last.fill("win rate")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector('main [data-value="win_rate"]')


def test_a_view_is_pinned_and_let_go(tab: Tab) -> None:
    tab.go("overview?as_of=400")
    tab.page.wait_for_selector('[data-notice="pinned"]')
    tab.until(lambda: tab.page.locator("main [data-figure]").count() > 10, "the pinned figures did not come")
    href = tab.page.locator('main [data-figure="pnl.total"]').first.get_attribute("href")
    assert "as_of=400" in (href or "")
    tab.page.locator("main").get_by_role("link", name="Follow live").first.click()
    tab.until(lambda: "as_of" not in tab.page.url, "still pinned")
    tab.go("overview?as_of=99999999")
    assert "not reached" in tab.page.locator("main").inner_text()


def test_times_are_shown_in_utc_or_local(tab: Tab) -> None:
    tab.go("rows/t-fills")
    utc = tab.page.locator("tbody td:nth-child(2)").first.inner_text()
    with tab.beside("rows/t-fills", timezone_id="Asia/Tokyo") as page:
        page.wait_for_selector("tbody td")
        page.keyboard.press("z")
        page.wait_for_timeout(200)
        local = page.locator("tbody td:nth-child(2)").first.inner_text()
    assert (int(local[11:13]) - int(utc[11:13])) % 24 == 9
    assert local[13:] == utc[13:]


def test_explore_groups_sum_to_the_table(tab: Tab) -> None:
    tab.go("explore?table=t-fills&by=instrument&then=side")
    tab.page.wait_for_selector("main [data-again=true]")
    assert tab.page.locator("tbody tr").count() >= 2


def test_nothing_else_is_asked(tab: Tab, server: Server) -> None:
    """Not one request left for any other host."""
    ours = (server.url, "ws" + server.url[4:], "data:", "blob:")
    assert {url for url in tab.asked if not url.startswith(ours)} == set()


@pytest.mark.parametrize("name", PLACES)
def test_it_fits_a_phone(runs: Path, tab: Tab, name: str) -> None:
    with tab.beside(address(name, runs), PHONE) as page:
        tab.picture(f"phone-{name}")
        for width in (PHONE[0], 360):
            page.set_viewport_size({"width": width, "height": PHONE[1]})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_figure_whose_routes_differ_turns_red_is_told_and_opens_why(browser: Browser, tab: Tab) -> None:
    """The line to the server is tampered with: a true journal gives no such figure."""

    def tamper(message: str | bytes) -> str:
        told = json.loads(message)
        for tile in told.get("tiles", ()):
            if tile["name"] == "pnl.total":
                tile["check"] = {"state": "differ", "residual": 0.01, "text": "two routes differ by 0.01"}
        return json.dumps(told)

    def between(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        server.on_message(lambda message: line.send(tamper(message)))

    context = browser.new_context(storage_state=tab.context.storage_state())
    try:
        page = context.new_page()
        page.route_web_socket("**/api/live*", between)
        page.goto(tab.server.url)
        page.wait_for_selector('[data-notice="differ"]')
        tile = page.locator('.tile.differ[data-figure="pnl.total"]')
        assert "two routes differ" in tile.inner_text()
        tile.click()
        page.wait_for_selector('main [data-value="pnl.total"]')
        assert "#/why/pnl.total" in page.url
        page.get_by_text("running totals of the ledger").wait_for()
    finally:
        context.close()


def test_it_reads_well_in_the_light(runs: Path, tab: Tab) -> None:
    with tab.beside(address("overview", runs), theme="light") as page:
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        tab.picture("overview-light")
