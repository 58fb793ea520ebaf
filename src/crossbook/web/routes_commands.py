"""What a person may do through the page: log in and out, lower freely, raise with a password and a reason.

Every act leaves a line in the audit log. What reaches the desk goes through the run's control folder.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from fastapi import Request, Response

from crossbook.desk import control
from crossbook.errors import Refused
from crossbook.web.parts import Parts, Problem
from crossbook.web.sessions import COOKIE, LASTS_S, Session, TooMany, csrf_of
from crossbook.web.shapes import Asked, Done, Left, Login, Lower, Nothing, Raise, SessionTold

HOST_COMMAND = "leaving KILLED is done on the host: crossbook level {run} raise {scope} CLOSE_ONLY --reason TEXT"
Wish = Literal["raise", "lower"]


class Act(msgspec.Struct, frozen=True):
    """A route that changes something: who answers, what it takes and gives, and who may call it."""

    path: str
    name: str
    about: str
    answer: Any
    body: type[Asked]
    shape: type
    role: Literal["anyone", "viewer", "operator"]


async def login(request: Request, body: Login) -> Response:
    """Exchange a code, or a name and its password, for a cookie."""
    parts = Parts.of(request)
    by_code = body.code is not None
    if (body.name is not None, body.password is not None) != (not by_code, not by_code):
        raise Problem(422, "give the code, or a name and its password")
    address, account = address_of(request), "code" if by_code else f"name {body.name}"
    try:
        succeeded = parts.attempts.take(account, address)
    except TooMany as many:
        if many.first:
            parts.audit.write(_told_who(parts, body), "", address, "login", "refused: too many attempts")
        raise Problem(429, str(many), many.after_s) from None
    old = request.scope["state"]["token"]
    if body.name is not None and body.password is not None:
        known = await parts.check_password(body.name, body.password)
        token = parts.sessions.by_password(body.name, known.role, old) if known else None
        refusal = "that is not a name with its password"
    else:
        token = parts.sessions.by_code(body.code or "", old)
        refusal = "that is not the code, or it was used, or is older than 10 minutes: start the page again for a new "
        refusal += "one, or log in with a password"
    session = parts.sessions.find(token or "")
    if token is None or session is None:
        parts.audit.write(_told_who(parts, body), "", address, "login", "refused")
        raise Problem(401, refusal)
    succeeded()
    parts.audit.write(session.name, session.role, address, f"login by {session.by}", "done")
    return _with_cookie(parts, told(parts, session, token), token)


async def logout(request: Request, body: Nothing) -> Response:
    """End the session; its sockets are closed within a second."""
    parts, session = Parts.of(request), session_of(request)
    parts.sessions.end(session.key)
    parts.audit.write(session.name, session.role, address_of(request), "logout", "done")
    response = parts.json(Left(True))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=parts.site.secure)
    return response


async def lower(request: Request, body: Lower) -> Response:
    """CLOSE_ONLY or KILLED, asked of the desk at once."""
    done = await _ask(request, "lower", body.scope, body.level, body.reason)
    return Parts.of(request).json(_done(done, csrf_of(request.scope["state"]["token"])))


async def raise_(request: Request, body: Raise) -> Response:
    """CLOSE_ONLY to ACTIVE, after the password was asked again. Nothing leaves KILLED here."""
    parts, session = Parts.of(request), session_of(request)
    address = address_of(request)
    facts = {"run": parts.run_name, "scope": body.scope, "level": body.level, "reason": body.reason}
    if parts.passwords.account(session.name) is None:
        parts.audit.write(session.name, session.role, address, "raise", "refused: no password is set", **facts)
        raise Problem(409, "no password is set yet, so nobody can raise here: crossbook page password")
    try:
        succeeded = parts.attempts_again.take(session.name, address)
    except TooMany as many:
        if many.first:
            parts.audit.write(session.name, session.role, address, "raise", "refused: too many attempts", **facts)
        raise Problem(429, str(many), many.after_s) from None
    account = await parts.check_password(session.name, body.password)
    if account is None or account.role != "operator":
        parts.audit.write(session.name, session.role, address, "raise", "refused: wrong password", **facts)
        raise Problem(403, "that is not the password of " + session.name)
    succeeded()
    if parts.sessions.get(session.key) is None:
        raise Problem(401, "log in first")
    if not parts.audit.write(session.name, session.role, address, "raise", "asked", **facts):
        raise Problem(409, "the audit log cannot be written, so nothing is raised: free the disk")
    if body.level != "ACTIVE":
        command = HOST_COMMAND.format(run=parts.run_name, scope=body.scope)
        parts.audit.write(session.name, session.role, address, "raise", f"refused: {command}", **facts)
        raise Problem(409, command)
    done = await _ask(request, "raise", body.scope, body.level, body.reason)
    token = parts.sessions.rotate(session)
    return _with_cookie(parts, parts.json(_done(done, csrf_of(token))), token)


ACTS = (
    Act("/api/login", "login", "Log in by the one-time code, or by name and password.", login, Login, SessionTold,
        "anyone"),
    Act("/api/logout", "logout", "Log out.", logout, Nothing, Left, "viewer"),
    Act("/api/lower", "lower", "Lower a scope to CLOSE_ONLY or KILLED.", lower, Lower, Done, "operator"),
    Act("/api/raise", "raise", "Raise a scope from CLOSE_ONLY to ACTIVE.", raise_, Raise, Done, "operator"),
)  # fmt: skip


def session_of(request: Request) -> Session:
    """Who asks. Raises `Problem` if nobody is logged in."""
    session = request.scope["state"]["session"]
    if not isinstance(session, Session):
        raise Problem(401, "log in first")
    return session


def address_of(request: Request) -> str:
    """From where, as the connection itself says."""
    return request.client.host if request.client else ""


def told(parts: Parts, session: Session | None, token: str) -> Response:
    """What a page is told about its own log-in."""
    if session is None:
        return parts.json(SessionTold(None, None, None))
    may_raise = session.role == "operator" and parts.passwords.account(session.name) is not None
    return parts.json(SessionTold(session.role, session.name, csrf_of(token), may_raise))


def _told_who(parts: Parts, body: Login) -> str:
    """Who tried to log in. What is no account's name is not written down: it may be a password in the wrong place."""
    if body.name is None:
        return "by code"
    return body.name if parts.passwords.account(body.name) is not None else "a name that there is not"


async def _ask(request: Request, wish: Wish, scope: str, level: str, reason: str) -> control.Outcome:
    """Put it to the desk and write down what came of it. Raises `Problem` where nothing was done."""
    parts, session = Parts.of(request), session_of(request)
    wanted = control.Request(wish=wish, scope=scope, level=level, reason=reason, who=f"{session.name} (page)")
    outcome = None
    try:
        if parts.run is None:
            raise Refused("no run is shown, so there is nothing to lower or raise")
        outcome = await asyncio.to_thread(control.ask, parts.run, wanted)
        text = outcome.text
    except Refused as refusal:
        text = str(refusal)
    ok = outcome is not None and outcome.ok
    if not ok and wish == "raise" and "KILLED" in text:
        text = f"{text}; {HOST_COMMAND.format(run=parts.run_name, scope=scope)}"
    parts.audit.write(
        session.name, session.role, address_of(request), wish, f"{'done' if ok else 'refused'}: {text}",
        run=parts.run_name, scope=scope, level=level, reason=reason,
    )  # fmt: skip
    if outcome is None or not ok:
        raise Problem(409, text)
    return outcome


def _done(outcome: control.Outcome, csrf: str) -> Done:
    return Done(outcome.ok, outcome.text, outcome.request, outcome.transitions, csrf)


def _with_cookie(parts: Parts, response: Response, token: str) -> Response:
    response.set_cookie(
        COOKIE, token, max_age=int(LASTS_S), path="/", httponly=True, samesite="strict", secure=parts.site.secure
    )
    return response
