"""A page served over HTTP on a real port inside this process, and somebody who is logged in to it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from crossbook.web.audit_log import AuditLog
from crossbook.web.model import Pages
from crossbook.web.parts import Parts
from crossbook.web.security import site
from crossbook.web.serving import Server, bound

PASSWORD = "a long enough password"


class Somebody:
    """A client that behaves as the page in a browser does: its cookie, its Origin, its CSRF word."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)
        self.csrf = ""

    @property
    def headers(self) -> dict[str, str]:
        """What the page sends with a POST."""
        return {"origin": self.url, "content-type": "application/json", "x-csrf-token": self.csrf}

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        answer = self.http.post(path, json=body, headers=self.headers if headers is None else headers)
        if answer.status_code == 200 and "csrf" in answer.json():
            self.csrf = answer.json()["csrf"]
        return answer

    def log_in(self, **words: str) -> httpx.Response:
        return self.post("/api/login", words)

    @property
    def token(self) -> str:
        return self.http.cookies.get("crossbook") or ""

    def socket(self, origin: str | None = "", token: str | None = "", path: str = "/api/live") -> ClientConnection:
        """A WebSocket; None leaves the header out."""
        headers = {}
        if origin is not None:
            headers["Origin"] = origin or self.url
        if token is not None:
            headers["Cookie"] = f"crossbook={token or self.token}"
        address = self.url.replace("http://", "ws://") + path
        return connect(address, additional_headers=headers, open_timeout=5, close_timeout=1, proxy=None)


class Page:
    """A page that is being served."""

    def __init__(self, parts: Parts, port: int) -> None:
        self.parts = parts
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.clients: list[Somebody] = []

    def somebody(self) -> Somebody:
        """Nobody yet."""
        self.clients.append(Somebody(self.url))
        return self.clients[-1]

    def operator(self) -> Somebody:
        """Logged in with a password."""
        return self.logged_in("operator", "operator")

    def viewer(self) -> Somebody:
        return self.logged_in("looker", "viewer")

    def logged_in(self, name: str, role: Any) -> Somebody:
        one = self.somebody()
        if self.parts.passwords.account(name) is None:
            self.parts.passwords.set(name, role, PASSWORD)
        answer = one.log_in(name=name, password=PASSWORD)
        assert answer.status_code == 200, answer.text
        return one


@contextmanager
def serving(runs: Path, run: Path | None) -> Iterator[Page]:
    """Serve the page of a run in a thread."""
    with bound("127.0.0.1", 0) as listening, AuditLog(runs) as audit:
        port = listening.getsockname()[1]
        pages = Pages(runs, run)
        parts = Parts(
            site=site("127.0.0.1", port, (), False), runs=runs, run=run, audit=audit, pages=pages, book=pages.book
        )
        server = Server(parts)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the page did not come up"
            time.sleep(0.005)
        page = Page(parts, port)
        try:
            yield page
        finally:
            for one in page.clients:
                one.http.close()
            server.should_exit = True
            thread.join(20)
            parts.close()


def raw(port: int, content: bytes, wait_s: float = 5) -> bytes:
    """Bytes sent as they are, and what is answered until the server closes, or for so long."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as line:
        line.sendall(content)
        answer = b""
        try:
            while more := line.recv(65_536):
                answer += more
                if b"\r\n\r\n" in answer and b"}" in answer:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return answer
