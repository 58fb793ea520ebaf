"""The served venues as a process: ready when they answer, told where, ended cleanly."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from served_material import E8, USDM, VENUES, ask

from crossbook.cli.generate import write_generated
from crossbook.cli.venue import _source, told
from crossbook.desk.sockets import DeskClock
from crossbook.errors import Refused
from crossbook.types import Side, Venue
from crossbook.venues.served.accounts import make_accounts
from crossbook.venues.served.faults import Fault, FaultKind, Faults
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.serve import Ready, applications, serve
from crossbook.venues.served.source import SeedSource
from crossbook.venues.served.world import World

COMMAND = (
    "import sys; from crossbook.cli.call import call; from crossbook.cli.venue import app; "
    "call(app, 'crossbook venue', sys.argv[1:])"
)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def run_served(faults: Faults, ports: dict[Venue, int], body: Any) -> Any:
    """Serve in this process, call `body(world, ready)` in a thread meanwhile, stop."""
    clock = DeskClock()
    world = World(clock, SeedSource(1, clock.now_ns()), tuple(make_accounts(1)))
    world.warm()

    async def main() -> Any:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        apps = applications(world, ports, Limits(), faults)
        serving = asyncio.create_task(
            serve(world, {v: (app, ports[v]) for v, app in apps.items()}, faults, ready.set_result, stop)
        )
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        result = await asyncio.to_thread(body, world, ready.result())
        stop.set()
        await serving
        return result

    return asyncio.run(main())


def test_all_venues_and_the_truth_answer_and_end() -> None:
    def body(world: World, ready: Ready) -> None:
        assert set(ready.ports) == {venue.label for venue in VENUES}
        got = get(f"http://127.0.0.1:{ready.ports['binance_spot']}/api/v3/ping")
        assert got == {}
        (everybody,) = get(ready.truth)
        one = get(ready.truth + "?account=account1")
        assert one["venues"] == everybody["venues"]
        assert one["venues"]["hyperliquid"]["balances"]["USDC"]["total"] == "100000"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(ready.truth + "?account=nobody")
        ports.update(ready.ports)

    ports: dict[str, int] = {}
    run_served(Faults(), dict.fromkeys(VENUES, 0), body)
    for port in ports.values():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_market_fault_closes_the_market() -> None:
    def body(world: World, ready: Ready) -> bool:
        return world.is_open(USDM, "BTCUSDT")

    closed = Fault(kind=FaultKind.CLOSED, venue=USDM, symbol="BTCUSDT")
    assert run_served(Faults([closed]), {USDM: 0}, body) is False


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"port {port} for hyperliquid is taken"):
            run_served(Faults(), {Venue.HYPERLIQUID: port}, lambda *_: None)


def test_a_client_is_told_its_keys() -> None:
    (one,) = told(make_accounts(1))
    assert one["api_key"] == one["keys"][0]["api_key"] and one["secret"] == one["keys"][0]["secret"]
    assert one["keys"][1]["private_key"].startswith("-----BEGIN PRIVATE KEY")
    assert one["address"].startswith("0x") and len(one["agents"][0]["private_key"]) == 66


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_one_line_and_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMMAND, "serve", "--binance-usdm", "0", "--seed", "3", "--make", "2"]
    source = str(Path(__file__).parents[2] / "src")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": source}
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        line = json.loads(process.stdout.readline())
        try:
            assert line["ready"] is True and list(line["ports"]) == ["binance_usdm"] and len(line["accounts"]) == 2
            assert get(f"http://127.0.0.1:{line['ports']['binance_usdm']}/fapi/v1/time")["serverTime"] > 0
        finally:
            process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == "" and process.stderr.read() == ""


def test_a_tape_without_the_venue_is_refused(tmp_path: Path) -> None:
    write_generated(tmp_path / "t", 1, Decimal("0.02"), (USDM,))
    with pytest.raises(Refused, match="has nothing of hyperliquid: it has binance_usdm:BTCUSDT"):
        _source(tmp_path / "t", 1, {Venue.HYPERLIQUID: 0}, DeskClock().now_ns(), 1)
    clock = DeskClock()
    world = World(clock, _source(tmp_path / "t", 1, {USDM: 0}, clock.now_ns(), 1), tuple(make_accounts(1)))
    order = world.trader("account1").submit(ask(world, USDM, Side.BUY, E8 // 10, market_order=True))
    assert order.filled_e8 == E8 // 10
