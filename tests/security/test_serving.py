"""`crossbook page` as a process of its own: where it may listen, what it prints, how it ends, and TLS."""

from __future__ import annotations

import datetime
import ipaddress
import json
import signal
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import desk_process
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from security.served import PASSWORD

from crossbook.errors import Refused
from crossbook.web.security import check_address, site


@contextmanager
def started(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A page, and the line that it printed."""
    process = desk_process.start("page", *arguments, "--json")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "desk.example")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("desk.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1", "203.0.113.9", "2001:db8::1"])
def test_others_reach_it_only_with_tls_and_a_password(host: str) -> None:
    for tls, password in ((False, False), (False, True)):
        with pytest.raises(Refused, match="--tls-cert"):
            check_address(host, tls, password, ["desk.example"])
    with pytest.raises(Refused, match="crossbook page password"):
        check_address(host, True, False, ["desk.example"])
    assert check_address(host, True, True, ["desk.example"]) == host


@pytest.mark.parametrize("host", ["", "desk.example", "127.1", "1.2.3", "0x7f000001", "localhost.evil.example"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="is no address"):
        check_address(host, True, True)


def test_every_address_at_once_needs_a_name() -> None:
    with pytest.raises(Refused, match="--name"):
        check_address("0.0.0.0", True, True)
    assert site("0.0.0.0", 443, ["desk.example"], True).hosts == {"desk.example:443", "desk.example"}
    assert site("127.0.0.1", 8000, [], False).hosts == {"127.0.0.1:8000", "localhost:8000", "[::1]:8000"}


def test_it_prints_one_line_listens_here_only_and_ends_quietly(runs: Path) -> None:
    with started("last", "--runs", runs) as (process, told):
        assert told["url"].startswith("http://127.0.0.1:") and len(told["code"]) == 9
        port = httpx.URL(told["url"]).port
        assert port is not None
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as other:  # nobody else has that port there
                other.bind((address if family == socket.AF_INET6 else "127.0.0.2", port))
        with httpx.Client(base_url=told["url"], trust_env=False) as client:
            assert client.get("/").status_code == 200 and client.get("/api/run").status_code == 401
            answer = client.post("/api/login", json={"code": told["code"]})
            assert answer.status_code == 200 and answer.json()["role"] == "operator"
            assert client.get("/api/run").json()["run"] == "20260603-120000-backtest"
            again = httpx.post(told["url"] + "api/login", json={"code": told["code"]}, trust_env=False)
            assert again.status_code == 401, "the code is good once"
            token = client.cookies["crossbook"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")
    with started("last", "--runs", runs, "--port", str(port)) as (process, told):
        answer = httpx.get(told["url"] + "api/run", cookies={"crossbook": token}, trust_env=False)
        assert answer.status_code == 200, "a log-in outlives a restart"
        second = desk_process.crossbook("page", "last", "--runs", runs, "--port", str(port))
        assert second.returncode == 2 and "cannot be bound" in second.stderr and second.stderr.count("\n") == 1


def test_a_second_signal_changes_nothing(runs: Path) -> None:
    """Ctrl-C twice by a hasty hand: no traceback."""
    with started("last", "--runs", runs) as (process, _):
        process.send_signal(signal.SIGINT)
        time.sleep(0.03)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


def test_over_tls_the_cookie_is_secure(tmp_path: Path, runs: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    trust = ssl.create_default_context(cafile=str(cert))
    with started(runs / "20260603-120000-backtest", "--runs", tmp_path, "--tls-cert", cert, "--tls-key", key) as (
        _,
        told,
    ):
        assert told["url"].startswith("https://")
        with httpx.Client(base_url=told["url"], verify=trust, trust_env=False) as client:
            answer = client.post("/api/login", json={"code": told["code"]})
            assert answer.status_code == 200 and "secure" in answer.headers["set-cookie"].lower()
            assert answer.headers["strict-transport-security"]


def test_what_cannot_be_served_is_refused_in_a_line(tmp_path: Path, runs: Path, certificate: tuple[Path, Path]) -> None:
    for arguments, said in (
        (["last", "--runs", runs, "--host", "0.0.0.0"], "--tls-cert"),
        (["nope", "--runs", runs], "no run"),
        (["last", "--runs", tmp_path / "none"], "no run"),
        (["last", "--runs", runs, "--tls-cert", certificate[0]], "belong together"),
        (["last", "--runs", runs, "--tls-cert", certificate[1], "--tls-key", certificate[0]], "cannot be used"),
        (["last", "--runs", runs, "--host", "203.0.113.9", "--tls-cert", certificate[0], "--tls-key", certificate[1]],
         "password"),
        (["password", "--runs", runs, "--role", "king"], "neither"),
    ):  # fmt: skip
        done = desk_process.crossbook("page", *arguments)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert done.stdout == ""


def test_a_password_is_set_from_standard_input(tmp_path: Path) -> None:
    command = desk_process.command("page", "password", "--runs", tmp_path, "--stdin")
    for given, code in ((PASSWORD + "\n", 0), ("short\n", 2), ("", 2)):
        done = subprocess.run(
            command,
            input=given,
            env=desk_process.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    file = tmp_path / ".page" / "passwords.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and "$argon2id$" in file.read_text()
