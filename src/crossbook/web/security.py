"""What every request meets before anything else: whose host it names, where it comes from, who sends it, how big it is.

A method that could change something is refused unless all of it holds, whatever route it names: a new route is guarded
before anybody thinks of it.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import sys
import traceback
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossbook.errors import Refused
from crossbook.web.sessions import COOKIE, Session, Sessions, csrf_of

BODY_MAX = 16_384
BODY_S = 10.0
DEPTH_MAX = 16
URL_MAX = 8_192
API = "/api/"
LOGIN = "/api/login"
OPEN = frozenset({LOGIN, "/api/session", "/api/openapi.json"})
"""What may be asked of the API without being logged in."""
FOR_VIEWERS = frozenset({LOGIN, "/api/logout"})
"""What changes something and needs no operator."""
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[{\]}]")


class Site(msgspec.Struct, frozen=True):
    """Where the page is served. `hosts`: the Host headers that it answers to, port included."""

    hosts: frozenset[str]
    secure: bool

    def origin(self, host: str) -> str:
        """The origin of a page that was loaded from that host."""
        return f"{'https' if self.secure else 'http'}://{host}"


def site(host: str, port: int, names: Iterable[str], secure: bool) -> Site:
    """The site of a server bound to `host`. `names`: other names that it is reached by."""
    known = {*names}
    if is_loopback(host):
        known |= {"127.0.0.1", "localhost", "[::1]"}
    elif not ipaddress.ip_address(host).is_unspecified:
        known.add(f"[{host}]" if ":" in host else host)
    hosts = {f"{name.lower()}:{port}" for name in known}
    if port == (443 if secure else 80):
        hosts |= {name.lower() for name in known}
    return Site(frozenset(hosts), secure)


def check_address(host: str, tls: bool, password: bool, names: Iterable[str] = ()) -> str:
    """The address to bind to, as a number. Raises `Refused` for one that others reach without TLS and a password."""
    number = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(number)
    except ValueError:
        raise Refused(f"--host {host!r} is no address: 127.0.0.1, ::1, or one of this machine's") from None
    if address.is_loopback:
        return number
    if not tls:
        raise Refused(f"--host {host} is reached by others: give --tls-cert and --tls-key, or stay on 127.0.0.1")
    if not password:
        raise Refused(f"--host {host} is reached by others: set a password first, crossbook page password")
    if address.is_unspecified and not list(names):
        raise Refused(f"--host {host} is every address: say with --name by which name the page is reached")
    return number


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return ipaddress.ip_address(host).is_loopback


class Guard:
    """ASGI middleware. Leaves the session in `scope["state"]["session"]`, its token in `["token"]`."""

    def __init__(self, app: ASGIApp, sessions: Sessions, site: Site) -> None:
        self._app = app
        self._sessions = sessions
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if scope["type"] == "http":
            send = self._with_headers(path, send)
        token = token_of(headers)
        session = self._sessions.find(token)
        scope.setdefault("state", {}).update(session=session, token=token)
        if scope["type"] == "websocket":
            refusal = self._refuse_socket(headers, session)
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 4403, "reason": refusal[1]})
            return
        refusal = self._refuse(scope, headers, path, session, token)
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            try:
                async with asyncio.timeout(BODY_S):
                    body = await _body(receive)
            except TimeoutError:
                refusal = 408, "the body did not come"
            else:
                refusal = _refuse_body(body)
                receive = _again(body, receive)
        if refusal is not None:
            await _answer(send, *refusal, head=scope["method"] == "HEAD")
            return
        if session is not None:
            self._sessions.use(session.key)
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # a bug of ours: nobody outside learns more than that
            sys.stderr.write(f"crossbook page: {scope['method']} {path!r}: {_where(error)}\n")
            if begun:
                raise
            await _answer(send, 500, "a fault of the page itself; its log says more", head=scope["method"] == "HEAD")

    def _refuse(
        self, scope: Scope, headers: Headers, path: str, session: Session | None, token: str
    ) -> tuple[int, str] | None:
        if not self._is_ours(headers):
            return 400, "this page is not served under that Host"
        if len(scope.get("raw_path", b"")) + len(scope.get("query_string", b"")) > URL_MAX:
            return 414, f"an address has at most {URL_MAX} bytes"
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            if method != "POST":
                return 405, f"{method} is of no use here"
            refusal = self._refuse_change(headers, path, session, token)
            if refusal is not None:
                return refusal
        if path.startswith(API) and path not in OPEN and session is None:
            return 401, "log in first"
        return None

    def _refuse_change(
        self, headers: Headers, path: str, session: Session | None, token: str
    ) -> tuple[int, str] | None:
        origin, ours = headers.get("origin"), self._site.origin(headers["host"].lower())
        programs_log_in = origin is None and path == LOGIN and "sec-fetch-site" not in headers
        if not (origin == ours or programs_log_in) or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403, "this did not come from the page itself (Origin)"
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "send application/json"
        if path == LOGIN:
            return None
        if session is None:
            return 401, "log in first"
        if not hmac.compare_digest(headers.get("x-csrf-token", "").encode(), csrf_of(token).encode()):
            return 403, "the X-CSRF-Token header is not this session's; load the page again"
        if path not in FOR_VIEWERS:
            if session.role != "operator":
                return 403, "a viewer changes nothing; log in as an operator"
            if self._sessions.idle(session):
                return 401, "nobody was here for 15 minutes: log in again"
        return None

    def _refuse_socket(self, headers: Headers, session: Session | None) -> tuple[int, str] | None:
        if not self._is_ours(headers):
            return 400, "host"
        if headers.get("origin") != self._site.origin(headers["host"].lower()):
            return 403, "origin"
        return None if session is not None else (401, "log in first")

    def _is_ours(self, headers: Headers) -> bool:
        told = headers.getlist("host")
        return len(told) == 1 and told[0].lower() in self._site.hosts

    def _with_headers(self, path: str, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if self._site.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if path.startswith(API):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return sending


def token_of(headers: Headers) -> str:
    """The token of the cookie; empty where there is none, or more than one."""
    try:
        found = [jar[COOKIE].value for text in headers.getlist("cookie") if COOKIE in (jar := SimpleCookie(text))]
    except CookieError:
        return ""
    return found[0] if len(found) == 1 else ""


def _where(error: Exception) -> str:
    """A bug in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]!r}{place}"


async def _body(receive: Receive) -> bytes:
    """The body, or its beginning where it is larger than it may be."""
    body = b""
    while len(body) <= BODY_MAX:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


def _refuse_body(body: bytes) -> tuple[int, str] | None:
    if len(body) > BODY_MAX:
        return 413, f"a body has at most {BODY_MAX} bytes"
    depth = 0
    for bracket in _BRACKET.findall(_TEXT.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            return 400, f"JSON is nested at most {DEPTH_MAX} deep"
    return None


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def once() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


async def _answer(send: Send, status: int, text: str, head: bool) -> None:
    body = msgspec.json.encode({"error": text})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 413:
        headers.append((b"connection", b"close"))
    if status == 405:
        headers.append((b"allow", b"GET, HEAD, POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
