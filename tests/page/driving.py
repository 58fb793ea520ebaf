"""A real browser on a real page: the page's process as it is started, and Chromium driven through it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import desk_process
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from crossbook.web.building import PAGE, build_page, node_trouble

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = PAGE / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = PAGE.parents[3] / "docs" / "img"
SHOWN = {
    "overview", "overview-light", "rows", "strategy", "trade", "latency", "explore", "ladder", "stop", "dead",
    "phone-overview", "phone-trade", "phone-rows",
}  # fmt: skip
"""Pictures that the documents show."""
DESKTOP, PHONE = (1440, 900), (390, 844)
ALLOWED = ("status of 409", "ERR_CONNECTION", "WebSocket", "Autofocus", "status of 40")
"""What a console may say while a server is away or refuses."""


def built() -> None:
    """Build the page, or skip saying why it cannot be; fail instead where CROSSBOOK_BROWSER is `required`."""
    trouble = node_trouble() if CHROMIUM else "there is no chromium on PATH: the page is not driven"
    if trouble is None:
        build_page()
    elif os.environ.get("CROSSBOOK_BROWSER") == "required":
        pytest.fail(trouble)
    else:
        pytest.skip(trouble)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def run_to_its_end(runs: Path, minutes: int) -> None:
    """A desk that trades so long on the generated market. It may have to compile its kernels first."""
    command = desk_process.command("demo", "--headless", "--minutes", str(minutes), "--json", "--runs", runs)
    made = subprocess.run(
        command, env=desk_process.environment(), capture_output=True, text=True, timeout=360, check=False
    )  # fmt: skip
    assert made.returncode == 0, made.stderr


def set_password(runs: Path, password: str, name: str = "operator", role: str = "operator") -> None:
    """As a person does on the host."""
    command = desk_process.command("page", "password", "--runs", runs, "--stdin", "--name", name, "--role", role)
    done = subprocess.run(
        command, input=f"{password}\n", env=desk_process.environment(), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class Server:
    """The page's process for a run; it can be killed and started again on the same port."""

    def __init__(self, runs: Path, run: str = "last", port: int = 0) -> None:
        self._asked = ("page", run, "--runs", str(runs), "--json")
        self.port = port
        self.start()

    def start(self) -> None:
        """Start it and read the line that says where it is."""
        self.process = desk_process.start(*self._asked, "--port", str(self.port))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        told = json.loads(line)
        self.url, self.code = told["url"].rstrip("/") + "/", told["code"]
        self.port = int(self.url.rsplit(":", 1)[1].strip("/"))

    def kill(self) -> None:
        """As a power failure would."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()


class Tab:
    """A page in the browser, logged in; what its console says is kept."""

    def __init__(self, browser: Browser, server: Server, size: tuple[int, int] = DESKTOP, theme: str = "dark") -> None:
        self.server = server
        self.said: list[str] = []
        self.asked: set[str] = set()
        scheme: Any = theme
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.goto(server.url)
        self.log_in()

    def log_in(self) -> None:
        """Type the code where it is asked for."""
        self.page.fill("input[name=code]", self.server.code)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".shell")
        self.page.wait_for_selector("[data-figure]")

    def go(self, address: str) -> None:
        """Open a page of it and wait until it is there."""
        self.page.evaluate("address => { location.hash = address }", f"#/{address}")
        self.settle()

    def settle(self) -> None:
        """Until nothing is being read any more."""
        self.page.wait_for_timeout(30)
        self.until(lambda: self.page.locator("main [aria-busy=true]").count() == 0, "the page is still reading")

    def until(self, holds: Callable[[], bool], otherwise: str, within_s: float = 10) -> float:
        """Wait until something holds; how long it took, in seconds."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < within_s, otherwise
            self.page.wait_for_timeout(20)
        return time.monotonic() - began

    def trouble(self) -> list[str]:
        """Errors that the page shows."""
        return self.page.locator("main .trouble").all_inner_texts()

    def picture(self, name: str) -> None:
        """Keep what is shown where CROSSBOOK_PICTURES asks for it: `docs` those of the documents, `all` all."""
        asked = os.environ.get("CROSSBOOK_PICTURES")
        if asked == "all" or (asked and name in SHOWN):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"page-{name}.png")

    @contextmanager
    def beside(self, address: str, size: tuple[int, int] = DESKTOP, theme: str = "dark", **more: Any) -> Iterator[Page]:
        """The same log-in in another window."""
        scheme: Any = theme
        context = self.page.context.browser.new_context(  # type: ignore[union-attr]
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
            storage_state=self.context.storage_state(), **more,
        )  # fmt: skip
        kept, self.page = self.page, context.new_page()
        try:
            self.page.goto(self.server.url + "#/" + address)
            self.page.wait_for_selector("main h1")
            self.page.wait_for_timeout(600)
            yield self.page
        finally:
            self.page = kept
            context.close()

    def close(self) -> None:
        """Close it. Raises where its console told of an error."""
        self.context.close()
        assert not self.said

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in ALLOWED):
            self.said.append(message.text)
