"""What every route refuses: strangers, other people's pages, viewers, wrong hosts, large bodies, odd addresses."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from security.served import PASSWORD, Page, Somebody, raw
from starlette.routing import BaseRoute, WebSocketRoute

from crossbook.web.routes import READS
from crossbook.web.routes_commands import ACTS, Act
from crossbook.web.security import BODY_MAX, FOR_VIEWERS, LOGIN, OPEN
from crossbook.web.server import build_app

FINE: dict[str, dict[str, Any]] = {
    "/api/login": {"name": "operator", "password": PASSWORD},
    "/api/logout": {},
    "/api/lower": {"scope": "desk", "level": "CLOSE_ONLY", "reason": "a test"},
    "/api/raise": {"scope": "desk", "level": "ACTIVE", "reason": "a test", "password": PASSWORD},
}
CHANGING = [act for act in ACTS if act.path != LOGIN]
SIMPLE = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")


def routes() -> list[BaseRoute]:
    return list(build_app().routes)


def filled(path: str) -> str:
    return re.sub(r"{\w+}", "x", path)


@pytest.fixture(scope="module")
def operator(page: Page) -> Somebody:
    return page.operator()


def test_every_route_is_in_a_table_and_every_act_says_who_may_call_it() -> None:
    reads, acts = {read.path for read in READS}, {act.path: act for act in ACTS}
    changing = set()
    for route in routes():
        if isinstance(route, WebSocketRoute):
            assert route.path == "/api/live"
            continue
        assert isinstance(route, APIRoute), f"{route} is served without a guard"
        if route.methods == {"GET"}:
            assert route.path in reads | {"/api/session", "/api/openapi.json", "/{path:path}"}, route.path
        else:
            assert route.methods == {"POST"}, f"{route.path}: {route.methods} has no guard"
            changing.add(route.path)
    assert changing == set(acts) == set(FINE), "a route that changes something is not in ACTS, or has no test here"
    for act in ACTS:
        assert (act.role == "anyone") == (act.path == LOGIN) == (act.path in OPEN)
        assert (act.role != "operator") == (act.path in FOR_VIEWERS)


def test_a_route_that_nobody_thought_of_is_guarded(page: Page) -> None:
    viewer = page.viewer()
    for path in ("/api/new", "/api/new/act", "/new"):
        assert page.somebody().post(path, {}).status_code == 401
        assert viewer.post(path, {}).status_code == 403
        assert viewer.post(path, {}, headers={"content-type": "application/json"}).status_code == 403
    assert page.somebody().get("/api/new").status_code == 401


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.path)
def test_another_page_cannot_make_a_browser_act(page: Page, operator: Somebody, act: Act) -> None:
    for origin in ("http://evil.example", "null", "", page.url + ".evil.example", page.url.replace("http:", "https:"),
                   "http://127.0.0.1", f"http://127.0.0.1:{page.port + 1}",
                   f"http://localhost:{page.port}"):  # fmt: skip
        answer = operator.post(act.path, FINE[act.path], operator.headers | {"origin": origin})
        assert answer.status_code == 403, origin
    for site in ("cross-site", "same-site", "none"):
        answer = operator.post(act.path, FINE[act.path], operator.headers | {"sec-fetch-site": site})
        assert answer.status_code == 403
    for kind in SIMPLE:
        answer = operator.http.post(
            act.path, content=json.dumps(FINE[act.path]), headers=operator.headers | {"content-type": kind}
        )
        assert answer.status_code == 415, kind
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = operator.http.request(method, act.path, headers=operator.headers)
        assert answer.status_code in (404, 405), method


@pytest.mark.parametrize("act", CHANGING, ids=lambda act: act.path)
def test_the_cookie_alone_does_nothing(page: Page, operator: Somebody, act: Act) -> None:
    without = {name: value for name, value in operator.headers.items() if name != "x-csrf-token"}
    other = page.logged_in("second", "operator")
    for headers in (without, without | {"x-csrf-token": ""}, without | {"x-csrf-token": other.csrf},
                    without | {"x-csrf-token": operator.csrf[:-1]}, without | {"cookie": ""}):  # fmt: skip
        assert operator.post(act.path, FINE[act.path], headers).status_code in (401, 403)
    no_origin = {name: value for name, value in operator.headers.items() if name != "origin"}
    assert operator.post(act.path, FINE[act.path], no_origin).status_code == 403
    assert page.somebody().post(act.path, FINE[act.path]).status_code == 401


def test_a_program_may_log_in_without_an_origin_and_a_browser_may_not(page: Page) -> None:
    program = page.somebody()
    page.operator()
    kind = {"content-type": "application/json"}
    assert program.post(LOGIN, FINE[LOGIN], kind).status_code == 200
    assert page.somebody().post(LOGIN, FINE[LOGIN], kind | {"sec-fetch-site": "same-origin"}).status_code == 403


def test_who_may_do_what(page: Page) -> None:
    """Nobody, a viewer and an operator, over every route."""
    nobody, viewer, operator = page.somebody(), page.viewer(), page.operator()
    for read in READS:
        path = filled(read.path)
        assert nobody.get(path).status_code == 401, path
        for one in (viewer, operator):
            assert one.get(path).status_code not in (401, 403), path
    for act in ACTS:
        if act.role == "operator":
            assert nobody.post(act.path, FINE[act.path]).status_code == 401
            assert viewer.post(act.path, FINE[act.path]).status_code == 403
            assert operator.post(act.path, FINE[act.path]).status_code not in (401, 403)
    assert nobody.get("/api/session").json() == {"role": None, "name": None, "csrf": None, "may_raise": False}
    assert viewer.get("/api/session").json()["role"] == "viewer"
    for path in OPEN - {LOGIN}:
        assert nobody.get(path).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example", "[::1]", "", "0.0.0.0"]
)
def test_another_name_for_this_machine_is_refused(page: Page, host: str) -> None:
    for path in ("/", "/api/session", "/api/openapi.json", "/assets/x.js"):
        assert page.somebody().http.get(path, headers={"host": host}).status_code == 400


def test_two_hosts_or_none_are_refused(page: Page) -> None:
    good = f"Host: 127.0.0.1:{page.port}\r\n"
    for hosts in ("", good + "Host: evil.example\r\n"):
        answer = raw(page.port, f"GET /api/session HTTP/1.1\r\n{hosts}\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400"), answer


def test_every_answer_has_the_headers(page: Page, operator: Somebody) -> None:
    for path, status in (
        ("/", 200),
        ("/api/session", 200),
        ("/api/run", 200),
        ("/api/pages/nope", 404),
        ("/x.js", 404),
    ):
        answer = operator.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "style-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy and "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers
        if path.startswith("/api/"):
            assert answer.headers["cache-control"] == "no-store"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(page: Page) -> None:
    somebody = page.somebody()
    page.operator()
    words = somebody.log_in(name="operator", password=PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in words and "samesite=strict" in words and "path=/" in words and "domain" not in words
    assert somebody.token not in json.dumps(somebody.get("/api/session").json())


def test_large_and_deep_bodies_are_refused(page: Page, operator: Somebody) -> None:
    for act in ACTS:
        for content, status in ((b"[" * 10_000, 400), (b'{"scope":' * 1_600, 400), (b"x" * (BODY_MAX + 1), 413)):
            answer = operator.http.post(act.path, content=content, headers=operator.headers)
            assert answer.status_code == status, (act.path, content[:10])
    long = f"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nContent-Type: application/json\r\n"
    answer = raw(page.port, (long + "Content-Length: 100000000\r\n\r\n").encode() + b"x" * 200_000)
    assert answer.startswith(b"HTTP/1.1 413")
    answer = raw(
        page.port,
        (long + "Transfer-Encoding: chunked\r\n\r\n").encode()
        + b"4000\r\n"
        + b"x" * 0x4000
        + b"\r\n"
        + b"4000\r\n"
        + b"x" * 0x4000,
    )
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{", b'"x"', b"\xff\xfe", b"1e999", b"NaN",
     b'{"scope":"\\ud800","level":"KILLED","reason":"x"}', b'{"scope":1,"level":2,"reason":3}', b'{"a":1,"a":2}',
     b'{"scope":"desk","level":"ACTIVE","reason":"x"}',
     b'{"scope":"desk","level":"KILLED","reason":"x","role":"operator"}',
     b'{"scope":"desk","level":"KILLED","reason":" "}',
     b'{"code":null}', b'{"code":"x","name":"y","password":"z"}', b'{"name":"y"}', b'{"__proto__":{}}',
     '{"code":"\u202e\u0000"}'.encode()],
)  # fmt: skip
def test_nonsense_is_refused_in_a_line(operator: Somebody, content: bytes) -> None:
    for path in ("/api/login", "/api/lower", "/api/raise"):
        answer = operator.http.post(path, content=content, headers=operator.headers)
        assert answer.status_code in (400, 401, 409, 422), (path, content, answer.text)
        assert set(answer.json()) == {"error"} and "\n" not in answer.json()["error"]
        assert "Traceback" not in answer.text


def test_no_address_leads_out_of_the_page(page: Page, operator: Somebody) -> None:
    """10,000 ways up and out, over files, exports and runs: none of them shows anything, or breaks."""
    random = Random(7)
    pieces = ["..", "..", "%2e%2e",
              "..%2f", "%252e%252e", "..%5c", "..\\", "....//", "%c0%ae", "\x00", "%00", ".",
              "//", "etc", "passwd", ".page", "passwords.json", "sessions", "audit.jsonl", "journal", "000001.seg",
              "file:", "~", "proc/self/environ", "C:", "\uff0e\uff0e", "%uff0e", ";", "CON", "x" * 300]  # fmt: skip
    stems = ["/", "/assets/", "/api/rows/", "/api/pages/runs/", "/api/pages/strategies/", "/api/pages/trades/",
             "/api/figures/", "/api/series/", "/api/../"]  # fmt: skip
    endings = ["", ".csv", ".parquet", ".arrow", "/why", "/index.html", ".json"]
    secret = (operator.token, "$argon2id$", "root:x:", '"hash"')
    for _ in range(400):
        lines = b""
        asked = 25
        for place in range(asked):
            path = random.choice(stems) + "/".join(random.choice(pieces) for _ in range(random.randrange(1, 7)))
            path = quote(path + random.choice(endings), safe="/%\\:;~") or "/"
            last = "close" if place == asked - 1 else "keep-alive"
            lines += (
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: {last}\r\n"
                f"Cookie: crossbook={operator.token}\r\n\r\n"
            ).encode("latin-1")
        answer = everything(page.port, lines)
        statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
        assert len(statuses) == asked and not any(status.startswith(b"5") for status in statuses)
        assert not any(word.encode() in answer for word in secret)


def everything(port: int, content: bytes) -> bytes:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(content)
        answer = b""
        while more := line.recv(1 << 20):
            answer += more
        return answer
