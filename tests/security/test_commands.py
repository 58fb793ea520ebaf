"""Lower and raise a desk that trades, through the page; what is refused, what is written down, and what never is."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import desk_process
import paper_runs
import pytest
from security.served import PASSWORD, Page, Somebody, serving
from security.test_sockets import said

from crossbook.desk.control import levels_of
from crossbook.types import Level, Scope
from crossbook.web.sessions import ATTEMPTS_MAX, IDLE_S

CANARY = "canary-4f1c9a7e-secret"


class Desk:
    """A paper desk, and its page."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, page: Page) -> None:
        self.process = process
        self.folder = folder
        self.page = page

    def level(self, scope: Scope, index: int = 0) -> Level:
        """What the journal says."""
        return levels_of(paper_runs.entries(self.folder)).get((scope, index), Level.ACTIVE)

    def audit(self) -> list[dict[str, Any]]:
        text = (self.folder.parent / "audit.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    runs = tmp_path / "runs"
    config, tape = paper_runs.config_file(tmp_path), paper_runs.tape_folder(tmp_path, 120)
    process = desk_process.start("paper", config, "--tape", tape, "--speed", "4", "--runs", runs, "--json")
    try:
        folder = desk_process.wait_alive(runs, process)
        with serving(runs, folder) as page:
            yield Desk(process, folder, page)
    finally:
        process.kill()
        process.communicate()


def wish(one: Somebody, path: str, scope: str, level: str, **more: str) -> tuple[int, dict[str, Any]]:
    answer = one.post(path, {"scope": scope, "level": level, "reason": "a test", **more})
    return answer.status_code, answer.json()


def test_anything_is_lowered_only_close_only_is_raised_and_nothing_leaves_killed(desk: Desk) -> None:
    one = desk.page.operator()
    status, done = wish(one, "/api/lower", "strategy:v0", "CLOSE_ONLY")
    assert (status, done["ok"]) == (200, True), done
    assert done["text"] == "strategy:v0: ACTIVE -> CLOSE_ONLY" and done["request"] > 0
    assert desk.level(Scope.STRATEGY) == Level.CLOSE_ONLY
    assert wish(one, "/api/lower", "strategy:v0", "CLOSE_ONLY")[0] == 409

    assert wish(one, "/api/raise", "strategy:v0", "ACTIVE")[0] == 422, "without a password"
    assert wish(one, "/api/raise", "strategy:v0", "ACTIVE", password="a wrong password")[0] == 403
    assert desk.level(Scope.STRATEGY) == Level.CLOSE_ONLY
    before = one.token
    until = time.monotonic() + 20
    while (told := wish(one, "/api/raise", "strategy:v0", "ACTIVE", password=PASSWORD))[0] == 409:
        assert "ask again" in told[1]["error"] and time.monotonic() < until, told
        time.sleep(0.05)
    assert told[0] == 200 and told[1]["text"] == "strategy:v0: CLOSE_ONLY -> ACTIVE", told
    assert desk.level(Scope.STRATEGY) == Level.ACTIVE
    assert one.token != before, "a raise gives the session a new token"
    assert one.http.get("/api/run", headers={"cookie": f"crossbook={before}"}).status_code == 401

    assert wish(one, "/api/lower", "desk", "KILLED")[0] == 200
    assert desk.level(Scope.DESK) == Level.KILLED
    for level in ("CLOSE_ONLY", "ACTIVE"):
        status, told_so = wish(one, "/api/raise", "desk", level, password=PASSWORD)
        assert status == 409 and "crossbook level" in told_so["error"], told_so
    assert desk.level(Scope.DESK) == Level.KILLED
    assert wish(one, "/api/lower", "desk", "CLOSE_ONLY")[0] == 409, "which would raise it"
    assert wish(one, "/api/lower", "strategy:nobody", "KILLED")[0] == 409

    acts = [(act["action"], act.get("level"), act["outcome"].partition(":")[0]) for act in desk.audit()]
    assert acts[:3] == [
        ("login by password", None, "done"),
        ("lower", "CLOSE_ONLY", "done"),
        ("lower", "CLOSE_ONLY", "refused"),
    ]
    assert ("raise", "ACTIVE", "refused") in acts and ("raise", "ACTIVE", "done") in acts
    assert ("lower", "KILLED", "done") in acts
    assert all(act["who"] == "operator" and act["role"] == "operator" and act["address"] for act in desk.audit())
    assert stat.S_IMODE((desk.folder.parent / "audit.jsonl").stat().st_mode) == 0o600


def test_the_page_follows_the_desk_and_says_within_two_seconds_that_it_died(desk: Desk) -> None:
    one = desk.page.operator()
    with one.socket() as line:
        first = said(line, "snapshot")
        seq = first["as_of_seq"]
        assert said(line, "desk")["alive"] is True
        tiles = {tile["name"]: tile for tile in first["tiles"]}
        told: list[str] = []
        until = time.monotonic() + 20
        for number in count():
            delta = said(line, "delta")
            assert delta["from_seq"] == seq and delta["as_of_seq"] >= seq
            seq = delta["as_of_seq"]
            tiles |= {tile["name"]: tile for tile in delta["tiles"]}
            told += [alert["text"] for alert in delta["alerts"]]
            if number == 10:
                wish(one, "/api/lower", "desk", "KILLED")
            if any("KILLED" in text for text in told):
                break
            assert time.monotonic() < until, told
        exact = one.get("/api/figures", as_of=seq).json()["figures"]
        for tile in exact:
            shown = tiles[tile["name"]]
            assert (shown["value"], shown["n"], shown["text"]) == (tile["value"], tile["n"], tile["text"]), tile["name"]
        began = time.monotonic()
        os.kill(desk.process.pid, signal.SIGKILL)
        dead = said(line, "desk")
        assert dead["alive"] is False and dead["ended"] is False and dead["since"] > 0
        assert time.monotonic() - began < 2
    status, answer = wish(one, "/api/lower", "desk", "KILLED")
    assert status == 409 and "is not running" in answer["error"]


def test_a_log_in_lowers_whatever_others_try_and_an_idle_one_logs_in_again(desk: Desk) -> None:
    one = desk.page.operator()
    other = desk.page.somebody()
    for _ in range(ATTEMPTS_MAX):
        assert other.log_in(name="operator", password="guess").status_code == 401
    locked = other.log_in(name="operator", password=PASSWORD)
    assert locked.status_code == 429 and int(locked.headers["retry-after"]) > 0, "even the right one"
    for _ in range(ATTEMPTS_MAX):
        assert wish(one, "/api/raise", "desk", "ACTIVE", password="guess")[0] == 403
    assert wish(one, "/api/raise", "desk", "ACTIVE", password=PASSWORD)[0] == 429
    assert wish(one, "/api/lower", "desk", "CLOSE_ONLY")[0] == 200, "nobody is locked out of lowering"

    key = desk.page.parts.sessions.find(one.token)
    assert key is not None
    long_ago = time.time() - IDLE_S - 1
    file = desk.folder.parent / ".page" / "sessions" / f"{key.key}.json"
    os.utime(file, (long_ago, long_ago))
    assert wish(one, "/api/lower", "desk", "KILLED") == (401, {"error": "nobody was here for 15 minutes: log in again"})
    assert desk.level(Scope.DESK) == Level.CLOSE_ONLY


def test_no_secret_is_ever_written_or_told(desk: Desk) -> None:
    """The password, the code and the tokens: not in any file, not in any answer, in no spelling."""
    page = desk.page
    page.parts.passwords.set("operator", "operator", CANARY)
    code = page.parts.sessions.code
    one = page.somebody()
    answers = [one.log_in(code=code).text, one.log_in(name="operator", password=CANARY + "x").text,
               one.log_in(name=CANARY, password="in the wrong place").text,
               one.log_in(name="operator", password=CANARY).text]  # fmt: skip
    token = one.token
    for path in (
        "/api/session",
        "/api/run",
        "/api/pages/overview",
        "/api/pages/log",
        "/api/pages/runs",
        "/api/openapi.json",
    ):
        answers.append(one.get(path).text)
    answers.append(
        one.post("/api/raise", {"scope": "desk", "level": "ACTIVE", "reason": "x", "password": CANARY + "y"}).text
    )
    answers.append(one.post("/api/raise", {"scope": "desk", "level": "x", "reason": "x", "password": CANARY}).text)
    answers.append(one.post("/api/lower", {"scope": "desk", "level": "CLOSE_ONLY", "reason": "x"}).text)
    with one.socket() as line:
        answers.append(line.recv(timeout=5))  # type: ignore[arg-type]
    files = [file.read_bytes() for file in desk.folder.parent.rglob("*") if file.is_file()]
    told = "".join(answers).encode()
    for secret in (CANARY, code, token):
        spellings = [
            secret,
            secret[::-1],
            secret.encode().hex(),
            base64.b64encode(secret.encode()).decode().rstrip("="),
        ]
        for spelling in spellings:
            assert spelling.encode() not in told
            assert not any(spelling.encode() in content for content in files), spelling
