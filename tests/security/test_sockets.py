"""The live line: who gets one, what it says, and that it ends with the log-in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from security.served import Page, Somebody
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from crossbook.web.live import SOCKETS_OF_ONE


@pytest.fixture(scope="module")
def operator(page: Page) -> Somebody:
    return page.operator()


def said(line: ClientConnection, kind: str, within_s: float = 5) -> dict[str, Any]:
    """The next message of a kind."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        message: dict[str, Any] = json.loads(line.recv(timeout=within_s))
        if message["type"] == kind:
            return message
    raise AssertionError(f"no {kind} within {within_s} s")


def ended(line: ClientConnection, within_s: float = 5) -> int:
    """The code that the line is closed with."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            line.recv(timeout=within_s)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else 0
    raise AssertionError(f"still open after {within_s} s")


def refused(one: Somebody, **how: Any) -> int:
    began = time.monotonic()
    with pytest.raises(InvalidStatus) as told:
        one.socket(**how)
    assert time.monotonic() - began < 1
    return told.value.response.status_code


def test_a_stranger_gets_no_line(page: Page, operator: Somebody) -> None:
    for origin in (None, "null", "http://evil.example", page.url + ".evil.example", f"http://localhost:{page.port}",
                   page.url.replace("http", "https")):  # fmt: skip
        assert refused(operator, origin=origin) == 403
    assert refused(page.somebody(), token=None) == 403
    assert refused(page.somebody(), token="x" * 43) == 403
    for path in (f"/api/live?token={operator.token}", f"/api/live?crossbook={operator.token}"):
        assert refused(page.somebody(), token=None, path=path) == 403
    assert refused(operator, path="/api/other") == 403


def test_it_begins_with_every_figure_at_one_sequence(operator: Somebody) -> None:
    with operator.socket(path="/api/live?after=7") as line:
        first = json.loads(line.recv(timeout=5))
        assert first["type"] == "snapshot"
        told = operator.get("/api/figures").json()
        assert first["as_of_seq"] == told["as_of_seq"] and first["tiles"] == told["figures"]
        assert {tile["as_of_seq"] for tile in first["tiles"]} == {first["as_of_seq"]}
        assert first["head"]["mode"] == "backtest"
        desk = said(line, "desk")
        assert desk["alive"] is False and desk["ended"] is True and desk["since"] > 0
        assert said(line, "beat") == {"type": "beat"}
        line.send("again")
        assert said(line, "snapshot")["tiles"] == first["tiles"]


def test_it_ends_within_a_second_of_logging_out(page: Page) -> None:
    one = page.operator()
    with one.socket() as line:
        said(line, "snapshot")
        assert one.post("/api/logout", {}).status_code == 200
        began = time.monotonic()
        assert ended(line) == 4401 and time.monotonic() - began < 1
    assert refused(one, token=one.token or "gone") == 403


@pytest.mark.parametrize("content", ["x" * 1_025, b"x" * 1_025, "x" * 200_000])
def test_one_who_talks_too_much_is_cut_off(page: Page, operator: Somebody, content: str | bytes) -> None:
    with operator.socket() as line:
        line.send(content)
        assert ended(line) == 1009
    assert operator.get("/api/session").status_code == 200


def test_one_log_in_has_so_many_lines_and_no_more(page: Page) -> None:
    one = page.operator()
    with ExitStack() as open_lines:
        for _ in range(SOCKETS_OF_ONE):
            said(open_lines.enter_context(one.socket()), "snapshot")
        with one.socket() as more, pytest.raises(ConnectionClosed) as told:
            more.recv(timeout=5)
        assert told.value.rcvd is not None and told.value.rcvd.code == 1013


def test_one_that_does_not_read_holds_nobody_up(page: Page, operator: Somebody) -> None:
    """A page that asks again and again and reads nothing: others are answered as before."""
    with operator.socket() as deaf:
        for _ in range(3_000):
            deaf.send("again")
        began = time.monotonic()
        with operator.socket() as line:
            said(line, "snapshot")
        assert operator.get("/api/run").status_code == 200
        assert time.monotonic() - began < 2


@pytest.fixture(autouse=True)
def _few_lines_left(page: Page) -> Iterator[None]:
    yield
    until = time.monotonic() + 5
    while page.parts.live is not None and page.parts.live.sockets and time.monotonic() < until:
        time.sleep(0.02)
    assert page.parts.live is not None and not page.parts.live.sockets, "a line that was closed is still kept"
