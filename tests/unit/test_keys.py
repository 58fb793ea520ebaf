"""Keys sign and hide: no repr, error, pickle or copy has a secret in it; a fast signer's nonces are used once."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from sign_material import AGENT, K1, K1_ADDRESS, PEM, ROOT, SECRET, SEED

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.hyperliquid.fast_signer import READY_MAX, FastSigner
from crossbook.venues.keys import AgentKey, Ed25519Key, HmacKey, fingerprint_of, load_key
from crossbook.venues.secp256k1 import ORDER

KEYS = [HmacKey(SECRET), Ed25519Key(PEM), AGENT, FastSigner(AGENT)]


def written(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_a_key_hides_itself(key: Any) -> None:
    for text in (repr(key), str(key), f"{key}", f"{[key]}", "%s" % key):
        assert key.fingerprint in text
        assert not any(secret in text for secret in (SECRET, SEED, K1[2:], SECRET[:8], K1[2:10]))
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied or written"):
            write(key)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize(
    ("content", "venue", "kind"),
    [
        (K1, Venue.HYPERLIQUID, AgentKey),
        (K1[2:].upper() + "\r\n", Venue.HYPERLIQUID, AgentKey),
        (SECRET + "\n", Venue.BINANCE_SPOT, HmacKey),
        (K1[2:], Venue.BINANCE_USDM, HmacKey),
        (PEM, Venue.BINANCE_SPOT, Ed25519Key),
        (PEM.replace("\n", "\r\n"), Venue.BINANCE_USDM, Ed25519Key),
    ],
)
def test_a_key_file_is_read(tmp_path: Path, content: str, venue: Venue, kind: type) -> None:
    key = load_key(written(tmp_path, content), venue)
    assert isinstance(key, kind) and key.fingerprint == fingerprint_of(content)


def test_a_fingerprint_is_of_the_secret_not_of_its_spelling() -> None:
    assert len({fingerprint_of(text) for text in (K1, K1[2:], K1.upper(), K1 + "\n")}) == 1
    assert fingerprint_of(PEM) == fingerprint_of(PEM.strip().replace("\n", "\r\n"))
    assert len({fingerprint_of(text) for text in (K1, SECRET, SECRET.lower(), PEM)}) == 4
    assert AGENT.address == K1_ADDRESS


@pytest.mark.parametrize(
    ("content", "venue", "says"),
    [
        (K1[:-1], Venue.HYPERLIQUID, "not 64 hex digits"),
        (SECRET, Venue.HYPERLIQUID, "not 64 hex digits"),
        (PEM, Venue.HYPERLIQUID, "not 64 hex digits"),
        ("0" * 64, Venue.HYPERLIQUID, "no key at all"),
        (f"{ORDER:064x}", Venue.HYPERLIQUID, "no key at all"),
        ("", Venue.BINANCE_SPOT, "one line"),
        (SECRET + "\n" + SECRET, Venue.BINANCE_SPOT, "one line"),
        (f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----", Venue.BINANCE_SPOT, "cannot be read"),
        (b"\xff\xfe" + SECRET.encode(), Venue.BINANCE_SPOT, "no text"),
        (SECRET * 300, Venue.BINANCE_SPOT, "no key"),
    ],
)
def test_a_wrong_key_file_is_refused_without_telling_it(
    tmp_path: Path, content: str | bytes, venue: Venue, says: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(Refused, match=says) as refused:
        load_key(path, venue)
    text = str(refused.value)
    assert str(path) in text and "\n" not in text
    assert not any(part in text for part in (SECRET[:8], K1[2:12], "ORK9JLsLMR"))
    assert refused.value.__cause__ is None and (refused.value.__suppress_context__ or not refused.value.__context__)


def test_a_file_that_others_can_read_is_refused_unless_told(tmp_path: Path) -> None:
    path = written(tmp_path, K1, 0o644)
    with pytest.raises(Refused, match="chmod 600"):
        load_key(path, Venue.HYPERLIQUID)
    load_key(path, Venue.HYPERLIQUID, personal=False)
    with pytest.raises(Refused, match="not there"):
        load_key(tmp_path / "none", Venue.HYPERLIQUID)
    with pytest.raises(Refused, match="directory"):
        load_key(tmp_path, Venue.HYPERLIQUID, personal=False)


def test_an_accounts_own_key_is_no_agent() -> None:
    AGENT.must_be_agent_of("0x5e9ee1089755c3435139848e47e6635505d5a13a")
    with pytest.raises(Refused, match="the account's own"):
        AGENT.must_be_agent_of(K1_ADDRESS.upper().replace("0X", "0x"))


def test_a_forgotten_key_signs_nothing() -> None:
    key = AgentKey(K1)
    key.forget()
    with pytest.raises(Refused):
        key.sign_digest(bytes(32))


def test_a_nonce_is_popped_once_and_zeroed() -> None:
    signer = FastSigner(AGENT)
    signer.refill(3)
    last = signer._ready[-1]
    assert not last.is_zero
    r, _, _ = signer.sign_digest(bytes(31) + b"\1")
    assert r == last.r and last not in signer._ready and signer.ready == 2
    assert last.is_zero
    with pytest.raises(TypeError):
        pickle.dumps(last)
    rest = list(signer._ready)
    signer.drop()
    assert signer.ready == 0 and all(one.is_zero for one in rest)


def test_an_empty_pool_signs_as_the_key_does() -> None:
    signer = FastSigner(AGENT)
    assert signer.sign_digest(bytes(32)) == AGENT.sign_digest(bytes(32)) and signer.slow == 1
    signer.refill(1)
    beyond = b"\xff" * 32
    assert signer.sign_digest(beyond) == AGENT.sign_digest(beyond), "beyond the order: the slow way, nonce lost"
    assert signer.slow == 2 and signer.ready == 0
    for ready in (-1, READY_MAX + 1):
        with pytest.raises(Refused):
            signer.refill(ready)


def test_a_child_has_none_of_its_parents_nonces() -> None:
    """In a process of its own: a fork of the test runner would take its threads' locks along."""
    script = """
    import os
    from sign_material import AGENT
    from crossbook.venues.hyperliquid.fast_signer import FastSigner
    signer = FastSigner(AGENT)
    signer.refill(5)
    kept = list(signer._ready)
    child = os.fork()
    zeroed = all(one.is_zero for one in kept)
    if child == 0:
        os._exit(0 if signer.ready == 0 and zeroed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert signer.ready == 5 and not zeroed
    signer._pid -= 1  # as after a fork that ran no hook
    signer.sign_digest(bytes(32))
    assert signer.ready == 0 and signer.slow == 1
    """
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
