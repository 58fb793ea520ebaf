"""A page beside a running desk: it keeps up, stops the desk, and neither dies of the other."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import desk_process
import paper_runs
import pytest
from page.driving import Server, Tab, built, chromium, set_password
from playwright.sync_api import Browser

from crossbook.desk.control import is_alive, levels_of
from crossbook.types import Level, Scope

pytestmark = pytest.mark.timeout(400)
PASSWORD = "a long enough password"
TOLD_WITHIN_S = 2.0


class Desk:
    """A paper desk that trades, and its folder."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process

    def level(self, scope: Scope = Scope.DESK, index: int = 0) -> Level:
        """What its journal says."""
        return levels_of(paper_runs.entries(self.folder)).get((scope, index), Level.ACTIVE)

    def written(self) -> int:
        """Entries of its journal."""
        return len(paper_runs.entries(self.folder))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    built()
    with chromium() as one:
        yield one


@pytest.fixture
def desk(tmp_path: Path, browser: Browser) -> Iterator[Desk]:
    runs = tmp_path / "runs"
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 120)
    process = desk_process.start("paper", config, "--tape", tape, "--speed", "2", "--runs", runs, "--json")
    try:
        yield Desk(desk_process.wait_alive(runs, process, 300), process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def server(desk: Desk) -> Iterator[Server]:
    set_password(desk.folder.parent, PASSWORD)
    one = Server(desk.folder.parent)
    yield one
    one.stop()


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    one = Tab(browser, server)
    yield one
    one.close()


def state(tab: Tab) -> str | None:
    return tab.page.locator(".top .state").first.get_attribute("data-state")


def state_of(tab: Tab) -> str | None:
    """The same, or nothing where the log-in stands instead."""
    return state(tab) if tab.page.locator(".top").count() else None


def noticed(tab: Tab, what: str) -> float:
    """Seconds until the page says so."""
    return tab.until(lambda: tab.page.locator(f'[data-notice="{what}"]').count() > 0, f"it does not say: {what}")


def seq(tab: Tab) -> int:
    return int(tab.page.locator(".top .seq b").inner_text().replace(",", ""))


def lower(tab: Tab, button: str, then: str) -> None:
    tab.page.get_by_role("button", name=button, exact=True).first.click()
    dialog = tab.page.get_by_role("dialog")
    done = dialog.get_by_role("button", name=then)
    assert done.is_disabled(), "without a reason nothing may be sent"
    dialog.get_by_label("Reason").fill("a test looks at it")
    tab.picture("stop")
    send(tab, then)
    tab.page.keyboard.press("Escape")


def send(tab: Tab, button: str, password: str = "") -> None:
    """Press it until the desk has answered: on a machine with much to do it may take longer than it is waited for."""
    dialog = tab.page.get_by_role("dialog")
    trouble = dialog.locator(".trouble")
    for _ in range(5):
        if password:
            dialog.get_by_label("Operator password").fill(password)
        dialog.get_by_role("button", name=button).click()
        tab.page.wait_for_timeout(300)
        tab.until(lambda: "Leave as it is" not in dialog.inner_text() or trouble.count() > 0, "no answer")
        if dialog.get_by_role("status").count():
            return
        assert "no answer" in trouble.inner_text()
        tab.page.wait_for_timeout(2500)
    raise AssertionError(dialog.inner_text())


def test_it_keeps_up_and_every_figure_is_of_one_sequence(tab: Tab, desk: Desk) -> None:
    assert state(tab) == "live"
    assert tab.page.locator(".pill.paper").inner_text() == "PAPER"
    first = seq(tab)
    tab.until(lambda: seq(tab) > first + 20, "the page does not follow the journal")
    tab.page.wait_for_timeout(500)
    tab.picture("live")
    tab.go("latency")
    tab.until(lambda: tab.page.get_by_text("All venues").count() > 0, "no stamps")
    tab.page.wait_for_timeout(500)
    tab.picture("latency")
    tab.go("overview")
    tab.page.evaluate("document.querySelector('.top .pin').click()")
    tab.page.wait_for_selector('[data-notice="pinned"]')
    tab.until(lambda: tab.page.locator("main [data-figure]").count() > 10, "the pinned figures did not come")
    hrefs = tab.page.locator("main [data-figure]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len({href.partition("as_of=")[2].partition("&")[0] for href in hrefs}) == 1


def test_close_only_then_raised_with_a_password_then_killed(tab: Tab, desk: Desk) -> None:
    lower(tab, "Close only", "Set desk to close only")
    tab.until(lambda: desk.level() == Level.CLOSE_ONLY, "the desk was not lowered")
    tab.go("risk")
    raise_ = tab.page.get_by_role("button", name="Raise … desk")
    raise_.wait_for()
    raise_.click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("seen enough")
    dialog.get_by_label("Operator password").fill("not the password")
    dialog.get_by_role("button", name="Raise desk").click()
    dialog.locator(".trouble").wait_for()
    assert desk.level() == Level.CLOSE_ONLY
    dialog.get_by_label("Operator password").fill(PASSWORD)
    send(tab, "Raise desk", PASSWORD)
    assert desk.level() == Level.ACTIVE
    tab.page.keyboard.press("Escape")
    tab.go("overview")
    lower(tab, "Kill", "Kill desk")
    tab.until(lambda: desk.level() == Level.KILLED, "the desk was not killed")
    tab.go("risk")
    tab.page.get_by_role("button", name="Raise … desk").click()
    assert "crossbook level" in tab.page.get_by_role("dialog").inner_text(), "out of KILLED leads the host alone"
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_timeout(1200)
    tab.picture("ladder")


def test_one_strategy_is_lowered_from_its_page(tab: Tab, desk: Desk) -> None:
    tab.go("strategies/v0")
    tab.page.locator("main").get_by_role("button", name="Close only").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("it alone")
    send(tab, "Set strategy:v0 to close only")
    assert desk.level(Scope.STRATEGY) == Level.CLOSE_ONLY
    assert desk.level() == Level.ACTIVE


def test_a_server_that_comes_back_is_found_again(tab: Tab, server: Server) -> None:
    server.kill()
    took = noticed(tab, "lost")
    assert took < TOLD_WITHIN_S
    assert state(tab) == "off"
    tab.page.wait_for_timeout(300)
    tab.picture("lost")
    server.start()
    code = tab.page.locator("input[name=code]")
    tab.until(lambda: state_of(tab) == "live" or code.count() > 0, "no connection again", 20)
    if code.count():
        tab.log_in()
    tab.until(lambda: state(tab) == "live", "not live again")
    assert tab.page.locator('[data-notice="lost"]').count() == 0
    first = seq(tab)
    tab.until(lambda: seq(tab) > first, "figures stand still")


def test_a_server_that_hangs_is_not_taken_for_live(tab: Tab, server: Server) -> None:
    server.process.send_signal(signal.SIGSTOP)
    try:
        took = noticed(tab, "lost")
        assert took < TOLD_WITHIN_S + 0.5
    finally:
        server.process.send_signal(signal.SIGCONT)
    tab.until(lambda: state(tab) == "live", "not live again", 20)


def test_the_death_of_the_desk_is_told(tab: Tab, desk: Desk) -> None:
    tab.until(lambda: state(tab) == "live", "not live")
    desk.process.kill()
    took = noticed(tab, "dead")
    assert took < TOLD_WITHIN_S
    assert "dead since" in tab.page.locator('[data-notice="dead"]').inner_text()
    assert tab.page.get_by_role("button", name="Kill", exact=True).count() == 0, "there is nobody to kill"
    tab.picture("dead")


def test_the_desk_does_not_notice_the_death_of_the_page(tab: Tab, desk: Desk, server: Server) -> None:
    server.kill()
    before = desk.written()
    patience = time.monotonic() + 10
    while desk.written() <= before:
        assert time.monotonic() < patience, "the desk stood still"
        time.sleep(0.05)
    assert is_alive(desk.folder)
    assert desk.process.poll() is None


def test_a_viewer_looks_only(browser: Browser, desk: Desk, server: Server) -> None:
    set_password(desk.folder.parent, PASSWORD, "guest", "viewer")
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(server.url)
        page.get_by_role("button", name="Use a password").click()
        page.fill("input[name=name]", "guest")
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-figure]")
        assert page.get_by_role("button", name="Kill").count() == 0
        page.goto(server.url + "#/risk")
        page.wait_for_selector("main h1")
        page.wait_for_timeout(500)
        assert page.get_by_role("button", name="Close only").count() == 0
    finally:
        context.close()
