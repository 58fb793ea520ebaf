"""People who hold connections, trickle requests or send too much: whoever is logged in is served all the same."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import pytest
from security.served import Page, Somebody

from crossbook.web import connections


@pytest.fixture(scope="module")
def operator(page: Page) -> Somebody:
    return page.operator()


def is_closed(line: socket.socket, within_s: float) -> bool:
    line.settimeout(within_s)
    try:
        return line.recv(1 << 16) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def served_quickly(one: Somebody) -> bool:
    began = time.monotonic()
    assert one.get("/api/session").json()["role"] == "operator"
    answer = one.post("/api/lower", {"scope": "desk", "level": "KILLED", "reason": "a flood"})
    assert answer.status_code == 409 and "is not running" in answer.json()["error"]
    return time.monotonic() - began < 2


def test_those_who_hold_lines_and_say_nothing_or_little(
    page: Page, operator: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ASK_S", 1.0)
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", page.port))) for _ in range(300)]
        for number, line in enumerate(lines):
            if number % 3 == 1:
                line.sendall(b"GET /api/session HTTP/1.1\r\nHost: x")
            elif number % 3 == 2:
                line.sendall(f"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\nGET /".encode())
        assert served_quickly(operator)
        for number, line in enumerate(lines):
            if number % 3 == 2:
                line.settimeout(5)
                assert line.recv(1 << 16).startswith(b"HTTP/1.1 200")
        until = time.monotonic() + 5
        assert all(is_closed(line, max(until - time.monotonic(), 0.01)) for line in lines)
        assert served_quickly(operator)


def test_one_more_than_all_is_turned_away(page: Page, operator: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OF_ALL_MAX", 20)
    assert operator.get("/api/session").status_code == 200
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", page.port))) for _ in range(40)]
        assert any(is_closed(line, 0.2) for line in lines[20:])
        assert operator.get("/api/session").status_code == 200, "whoever is connected stays so"


def test_a_large_body_is_not_read_to_its_end(page: Page, operator: Somebody) -> None:
    head = (
        f"POST /api/lower HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nOrigin: {page.url}\r\n"
        f"Content-Type: application/json\r\nCookie: crossbook={operator.token}\r\nX-CSRF-Token: {operator.csrf}\r\n"
        "Content-Length: 100000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", page.port), timeout=5) as line:
        line.sendall(head.encode())
        sent = 0
        try:
            while sent < 100_000_000:
                sent += line.send(b"x" * 65_536)
        except OSError:
            pass
    assert sent < 20_000_000
    assert served_quickly(operator)
