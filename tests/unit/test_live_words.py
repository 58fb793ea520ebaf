"""What a person is told before a live run: who goes where, and what keeps it from beginning, each said once."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paper_runs
import pytest
from desk_process import crossbook
from live_material import configuration, served

from crossbook.desk import live_run
from crossbook.desk.config import load_config
from crossbook.desk.connections import Place, public_places, served_places
from crossbook.desk.gateways import make_gateway
from crossbook.desk.live_run import LiveRun, Switch, symbols_of
from crossbook.desk.sockets import Rim
from crossbook.errors import Retryable
from crossbook.types import Level, Venue
from crossbook.venues.endpoints import Environment
from crossbook.venues.gateway import Trouble

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "live.toml"
SECRET = "5" * 64
AGENT = "0x" + "11" * 32


@contextmanager
def looking(config: Path, places: dict[Venue, Place], said: list[str], on_paper: bool) -> Iterator[LiveRun]:
    rim = Rim()
    desk = load_config(config)
    try:
        yield LiveRun(desk, places, make_gateway(rim.ports, desk, 1), rim, said.append, on_paper=on_paper)
    finally:
        rim.loop.call_soon(rim.stop)
        rim.run()


def test_a_venue_that_is_down_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_run, "LOOK_WITHIN_S", 2.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        config = paper_runs.config_file(tmp_path)
        venues = symbols_of(load_config(config))
        places = public_places(Environment.LOCAL, venues, {venue.label: url for venue in venues})
        said: list[str] = []
        with looking(config, places, said, on_paper=True) as run, pytest.raises(Retryable) as failed:
            run.look()
    assert said[0].startswith("looking at ") and len(said) == 1 + len(venues)
    for venue in venues:
        (line,) = [line for line in said if line.startswith(f"{venue.label}: ")]
        assert line.startswith(f"{venue.label}: venue_unreachable: ") and url.removeprefix("http://") in line
        assert str(failed.value).count(f"{venue.label}: still venue_unreachable after 2.5 s") == 1
        assert line not in str(failed.value)
    assert "no order was sent" in str(failed.value)


def test_a_wrong_secret_is_told_of_once_and_at_once(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(configuration())
    with served(tmp_path, seed=5) as known:
        wrong = known["accounts"][0] | {"secret": SECRET}
        (tmp_path / "wrong.json").write_text(json.dumps(known | {"accounts": [wrong]}))
        places = served_places(tmp_path / "wrong.json", symbols_of(load_config(tmp_path / "config.toml")))
        said: list[str] = []
        began = time.monotonic()
        look = looking(tmp_path / "config.toml", places, said, on_paper=False)
        with look as run, pytest.raises(Retryable) as failed:
            run.look()
        assert time.monotonic() - began < live_run.LOOK_WITHIN_S / 2
    text = str(failed.value)
    assert text.count("bad_signature") == 2 and "hyperliquid" not in text and "no order was sent" in text
    assert len(said) == 1 and SECRET not in text


def test_what_passes_is_said_once_and_a_clock_that_is_off_ends_no_look() -> None:
    said: list[str] = []
    switch = Switch(said.append)

    def trouble(name: str, level: Level, venue: Venue = Venue.HYPERLIQUID) -> None:
        switch.on_trouble(Trouble(venue=venue, name=name, text="words", level=level, instrument=-1))

    for _ in range(3):
        trouble("rate_limited", Level.ACTIVE)
        trouble("clock_off", Level.CLOSE_ONLY)
    trouble("rate_limited", Level.ACTIVE, Venue.BINANCE_SPOT)
    assert said == [
        "hyperliquid: rate_limited: words", "hyperliquid: clock_off: words", "binance_spot: rate_limited: words",
    ]  # fmt: skip
    assert not switch.ended
    trouble("agent_expired", Level.KILLED)
    assert len(said) == 3 and switch.ended[Venue.HYPERLIQUID].name == "agent_expired"


def test_check_says_which_account_and_key_go_where_and_sends_nothing(tmp_path: Path) -> None:
    """Nothing listens there: whatever it sent would be a trouble."""
    tables = 'environment = "testnet"\n'
    for name, secret in (("binance_spot", SECRET), ("binance_usdm", SECRET), ("hyperliquid", AGENT)):
        key = tmp_path / f"{name}.key"
        key.write_text(secret)
        key.chmod(0o600)
        who = 'account = "0x' + "ab" * 20 + '"' if name == "hyperliquid" else 'api_key = "half"'
        tables += f'[{name}]\n{who}\nkey_file = "{key.name}"\n'
    tables = tables.replace("[hyperliquid]\n", '[hyperliquid]\nkey_fingerprint = "d21e151d44f09c71"\n')
    (tmp_path / "connections.toml").write_text(tables)
    words = ("live", CONFIG, "--env", "testnet", "--connections", tmp_path / "connections.toml", "--check")
    done = crossbook(*words)
    assert (done.returncode, done.stderr) == (0, "")
    spot, usdm, hyper = done.stdout.splitlines()
    assert spot.startswith("binance_spot: testnet, https://") and spot.endswith(" (not pinned)")
    assert usdm.startswith("binance_usdm: testnet, ")
    assert hyper.endswith("account 0x" + "ab" * 20 + ", key d21e151d44f09c71 (as pinned)")
    assert SECRET not in done.stdout and AGENT not in done.stdout
    told = json.loads(crossbook(*words, "--json").stdout)["venues"]
    assert told["hyperliquid"]["key_fingerprint"] == "d21e151d44f09c71" and told["hyperliquid"]["pinned"]
    assert told["binance_spot"]["environment"] == "testnet" and not told["binance_spot"]["pinned"]
    done = crossbook(*words[:3], "local", *words[4:])
    assert done.returncode == 2 and "never mixed" in done.stderr and done.stderr.count("\n") == 1
