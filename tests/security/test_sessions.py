"""Log-ins: how often one may try, how long one lasts, and what a token that is over is worth."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.errors import Corrupt, Refused
from crossbook.web.passwords import Passwords
from crossbook.web.sessions import (
    ATTEMPTS_ALL_MAX,
    ATTEMPTS_MAX,
    ATTEMPTS_S,
    CODE_S,
    IDLE_S,
    LASTS_S,
    Attempts,
    Sessions,
    TooMany,
    csrf_of,
    key_of,
)

T0 = 4_000_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Passwords:
    made = Passwords(tmp_path_factory.mktemp("runs"))
    made.set("operator", "operator", "correct horse battery")
    return made


@pytest.fixture
def sessions(tmp_path: Path, passwords: Passwords) -> tuple[Sessions, Clock]:
    clock = Clock()
    return Sessions(tmp_path, passwords, clock), clock


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 400)), max_size=400))
def test_no_more_than_ten_of_one_and_a_hundred_of_all_in_any_quarter_of_an_hour(
    tries: list[tuple[int, int, float]],
) -> None:
    clock = Clock()
    attempts = Attempts(clock)
    let: list[tuple[float, tuple[int, int]]] = []
    waits: list[float] = []
    for account, address, gap in tries:
        clock.now += gap
        try:
            attempts.take(str(account), str(address))
        except TooMany as many:
            waits.append(many.after_s)
        else:
            let.append((clock.now, (account, address)))
    assert all(0 < wait <= ATTEMPTS_S for wait in waits)
    for at, key in let:
        window = [(when, who) for when, who in let if at - ATTEMPTS_S < when <= at]
        assert len(window) <= ATTEMPTS_ALL_MAX
        assert sum(who == key for _, who in window) <= ATTEMPTS_MAX


def test_a_hundred_thousand_guesses_from_everywhere_get_a_hundred_tries() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    let = 0
    for guess in range(100_000):
        clock.now += ATTEMPTS_S / 200_000
        try:
            attempts.take(f"name {guess % 50}", f"10.0.{guess % 256}.{guess % 199}")
        except TooMany:
            continue
        let += 1
    assert let == ATTEMPTS_ALL_MAX
    assert len(attempts._of) <= ATTEMPTS_ALL_MAX and len(attempts._told) <= ATTEMPTS_ALL_MAX


def test_a_success_is_not_counted() -> None:
    attempts = Attempts(Clock())
    for _ in range(3 * ATTEMPTS_MAX):
        attempts.take("me", "here")()


def test_the_code_is_good_once_and_for_ten_minutes(sessions: tuple[Sessions, Clock], tmp_path: Path) -> None:
    known, clock = sessions
    assert known.by_code("") is None and known.by_code("AAAA-AAAA") is None
    code = known.code
    token = known.by_code(f" {code.lower()} ")
    assert token is not None and known.find(token) is not None
    assert known.by_code(code) is None and known.by_code("") is None
    late = Sessions(tmp_path, known._passwords, clock)
    clock.now += CODE_S
    assert late.by_code(late.code or "x") is None and late.code == ""


def test_tokens_are_long_never_repeat_and_are_kept_as_hashes_only(
    sessions: tuple[Sessions, Clock], tmp_path: Path
) -> None:
    known, _ = sessions
    tokens = {known.by_password("operator", "operator") for _ in range(40)}
    assert len(tokens) == 40 and all(len(token) >= 43 for token in tokens)  # 256 bits
    written = b"".join(file.read_bytes() + file.name.encode() for file in tmp_path.rglob("*.json"))
    for token in tokens:
        assert token.encode() not in written and csrf_of(token).encode() not in written
    for file in tmp_path.rglob("*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_log_in_ends_by_logging_out_by_age_and_by_a_new_password(
    sessions: tuple[Sessions, Clock], tmp_path: Path
) -> None:
    known, clock = sessions
    passwords = Passwords(tmp_path)
    known._passwords = passwords
    passwords.set("operator", "operator", "correct horse battery")
    clock.now = passwords.account("operator").changed + 1  # type: ignore[union-attr]
    out, old, stays = (known.by_password("operator", "operator") for _ in range(3))
    known.end(key_of(out))
    assert known.find(out) is None and known.find(old) is not None
    clock.now += LASTS_S
    assert known.find(old) is None
    clock.now -= LASTS_S
    assert known.find(old) is None, "one that was over once stays over"
    assert known.find(stays) is not None
    passwords.set("operator", "operator", "another horse battery")
    assert known.find(stays) is None or passwords.account("operator").changed <= clock.now  # type: ignore[union-attr]
    clock.now -= 10
    fresh = known.by_password("operator", "operator")
    assert known.find(fresh) is None, "a log-in from before the password was changed is over"


def test_one_that_was_not_used_for_a_quarter_of_an_hour_is_idle(sessions: tuple[Sessions, Clock]) -> None:
    known, clock = sessions
    session = known.find(known.by_code(known.code) or "")
    assert session is not None and not known.idle(session)
    clock.now += IDLE_S - 1
    assert not known.idle(session)
    known.use(session.key)
    clock.now += IDLE_S - 1
    assert not known.idle(session)
    clock.now += 2
    assert known.idle(session)


def test_a_new_log_in_and_a_raise_make_a_new_token_and_the_old_one_is_worth_nothing(
    sessions: tuple[Sessions, Clock],
) -> None:
    known, _ = sessions
    first = known.by_code(known.code) or ""
    second = known.by_password("operator", "operator", old=first)
    assert first != second and known.find(first) is None
    session = known.find(second)
    assert session is not None
    before = session.key
    third = known.rotate(session)
    assert known.find(second) is None and known.find(third) is not None
    assert known.present_key(before) == key_of(third)
    known.end(key_of(third))
    with pytest.raises(Refused, match="over"):
        known.rotate(session)


def test_log_ins_outlive_the_page_and_hold_for_another_beside_it(
    sessions: tuple[Sessions, Clock], tmp_path: Path
) -> None:
    known, clock = sessions
    token = known.by_code(known.code) or ""
    other = Sessions(tmp_path, known._passwords, clock)
    assert other.find(token) is not None
    other.end(key_of(token))
    assert known.find(token) is None


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_made_up_token_is_anybodys(token: str) -> None:
    known = Sessions(Path("/nonexistent"), Passwords(Path("/nonexistent")))
    assert known.find(token) is None


def test_passwords_are_argon2id_in_a_file_for_its_owner(tmp_path: Path) -> None:
    known = Passwords(tmp_path)
    assert not known.any and known.check("operator", "") is None
    known.set("operator", "operator", "correct horse battery")
    known.set("looker", "viewer", "another long one")
    assert stat.S_IMODE(known.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.path.parent.stat().st_mode) == 0o700
    written = known.path.read_text()
    assert written.count("$argon2id$") == 2 and "horse" not in written
    again = Passwords(tmp_path)
    assert again.any and again.check("operator", "correct horse battery") is not None
    assert again.check("operator", "another long one") is None and again.check("nobody", "another long one") is None
    assert again.check("looker", "another long one").role == "viewer"  # type: ignore[union-attr]


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1_001])
def test_a_password_that_is_no_good_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(Refused, match="letters"):
        Passwords(tmp_path).set("operator", "operator", password)


def test_a_damaged_file_of_passwords_lets_nobody_in(tmp_path: Path) -> None:
    known = Passwords(tmp_path)
    known.set("operator", "operator", "correct horse battery")
    known.path.write_bytes(b"{\xff")
    with pytest.raises(Corrupt, match="set the passwords again"):
        Passwords(tmp_path).check("operator", "correct horse battery")
