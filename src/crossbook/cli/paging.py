"""The page of a run that goes on here, in a process of its own: built and started beside the run, never in its way."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from crossbook.errors import CrossbookError

ENDS_WITHIN_S = 5.0
ENTRY = "import sys; from crossbook.cli import main; sys.exit(main())"


class Page:
    """The page of one run. `wanted`: whether there is one at all."""

    def __init__(self, folder: Path, runs: Path, say: Callable[[str], object], wanted: bool) -> None:
        self._folder, self._runs, self._say = folder, runs, say
        self._process: subprocess.Popen[str] | None = None
        self._gate = threading.Lock()
        self._is_over = False
        if wanted:
            threading.Thread(target=self._begin, name="page", daemon=True).start()

    def _begin(self) -> None:
        """Build the page if its sources changed, start it and tell where it is; what fails is told and no more."""
        from crossbook.web.building import build_page

        try:
            build_page(lambda line: self._say(f"page: {line}"))
        except CrossbookError as error:
            self._say(f"page: {error}; the terminal view goes on without it")
            return
        command = [sys.executable, "-c", ENTRY, "page", str(self._folder), "--runs", str(self._runs), "--json"]
        with self._gate:
            if self._is_over:
                return
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                start_new_session=True,
            )  # fmt: skip
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            why = " ".join(self._process.stderr.read().split()) or "it said nothing"
            if not self._is_over:
                self._say(f"page: it did not start ({why}); the terminal view goes on without it")
            return
        ready = msgspec.json.decode(line)
        self._say(f"page: open {ready['url']} and type {ready['code']} (once, within 10 minutes)")

    def stay(self) -> None:
        """Wait until Ctrl-C or the page's own end, if somebody sits at the terminal who may be looking at it."""
        process = self._process
        if process is None or process.poll() is not None or not sys.stdin.isatty():
            return
        self._say("the page stays open; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()

    def end(self) -> None:
        """Take it down."""
        with self._gate:
            self._is_over = True
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def page_beside(folder: Path, runs: Path, say: Callable[[str], object], *, wanted: bool = True) -> Iterator[Page]:
    """While inside, the page of the run in `folder` is built, started and told of."""
    page = Page(folder, runs, say, wanted)
    try:
        yield page
    finally:
        page.end()
