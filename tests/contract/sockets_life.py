"""A gateway over real sockets at `crossbook venue serve`, a process of its own on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract.gateway_material import STRATEGIES, Life, Truth, truth_of

from crossbook.commands import Out
from crossbook.desk.sockets import Rim
from crossbook.events import StreamUp
from crossbook.ledger.entries import row_of
from crossbook.types import Side, Venue
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.gateway import Desk, Directory, Gateway, OpenOrder, Report
from crossbook.venues.network import Ports

SOURCE = Path(__file__).parents[2] / "src"
Make = Callable[[Ports, Desk, dict[str, Any], dict[str, Any]], Gateway]
"""`make(ports, desk, account, place)`: the account as the server printed it; `place` has venue, environment and
endpoints."""


@contextmanager
def serving(*venues: Venue, faults: Path | None = None) -> Iterator[dict[str, Any]]:
    """The venues served, as long as it lasts; gives the line that the server prints."""
    code = "from crossbook.cli import main; main()"
    command = [sys.executable, "-c", code, "venue", "serve", "--seed", "3"]
    for venue in venues:
        command += [f"--{venue.label.replace('_', '-')}", "0"]
    command += ["--faults", str(faults)] if faults is not None else []
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the server did not start"
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(20)


class SocketLife(Life):
    """One desk at a served venue, in real time."""

    def __init__(self, venue: Venue, server: dict[str, Any], make: Make) -> None:
        super().__init__()
        self.venue = venue
        self.gateway: Gateway | None = None
        self.report: Report | None = None
        self.ready = 0
        self._server, self._make = server, make
        self._rim = Rim()

    def begin(self) -> SocketLife:
        self.look()
        self.opening = self.truth()[1]
        self.start()
        return self

    def look(self) -> None:
        """A gateway of a new process looks."""
        url = f"http://127.0.0.1:{self._server['ports'][self.venue.label]}"
        place = {
            "venue": self.venue, "environment": Environment.LOCAL,
            "endpoints": endpoints(self.venue, Environment.LOCAL, url),
        }  # fmt: skip
        self.gateway = self._make(self._rim.ports, self.ear, self._server["accounts"][0], place)
        self.report = None

        def reported(report: Report) -> None:
            self.report = report

        self.gateway.look(reported)
        assert self.run_while(lambda: self.report is None, 20.0), self.ear.troubles

    def start(self, open_orders: tuple[OpenOrder, ...] = ()) -> None:
        """It begins to trade."""
        assert self.gateway is not None and self.report is not None
        instruments = self.report.instruments
        assets = tuple(sorted({one for i in instruments for one in (i.base, i.quote, i.settle)}))
        self.directory = Directory(instruments=instruments, assets=assets, strategies=STRATEGIES)
        self.ear.chains = [int(one.chain) for one in instruments] + [0] * 8
        ready, ups = self.ready, len(self.ear.of(StreamUp))
        self.gateway.start(self.directory, open_orders, self._ready)
        is_on_its_way = lambda: self.ready == ready or len(self.ear.of(StreamUp)) == ups  # noqa: E731
        assert self.run_while(is_on_its_way, 60.0), self.ear.troubles

    def run(self, seconds: float) -> None:
        self._rim.loop.call_later(seconds, self._rim.stop)
        self._rim.turn()

    def run_while(self, condition: Callable[[], bool], at_most_s: float) -> bool:
        """Let time pass while it holds; False if it still does after so long."""
        for _ in range(round(at_most_s / 0.05)):
            if not condition():
                return True
            self.run(0.05)
        return not condition()

    def wait_for(self, order: int, *words: str) -> None:
        """Let time pass until the last thing that is known of an order is one of these."""
        assert self.run_while(lambda: self.ear.words(order)[-1:] not in [[word] for word in words], 30.0), (
            self.ear.about(order), self.ear.troubles,
        )  # fmt: skip

    def send(self, command: Out) -> None:
        assert self.gateway is not None
        self.gateway.send(row_of(command))

    def stop(self) -> None:
        stopped: list[int] = []
        assert self.gateway is not None
        self.gateway.stop(lambda: stopped.append(1))
        assert self.run_while(lambda: not stopped, 10.0)

    def close(self) -> None:
        """Give the loop back."""
        self._rim.loop.call_soon(self._rim.stop)
        self._rim.run()

    def now_ns(self) -> int:
        return self._rim.clock.now_ns()

    def touch(self, side: Side, number: int = 0) -> tuple[int, int]:
        quote = self.ear.quotes[number]
        if side is Side.BUY:
            return int(quote["ask"]), int(quote["ask_lots"])
        return int(quote["bid"]), int(quote["bid_lots"])

    def open_orders(self) -> int:
        return len(self._told()["open_orders"])

    def truth(self) -> Truth:
        return truth_of(self._told())

    def _told(self) -> dict[str, Any]:
        name = self._server["accounts"][0]["name"]
        with urllib.request.urlopen(f"{self._server['truth']}?account={name}", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)["venues"][self.venue.label]
        return told

    def _ready(self) -> None:
        self.ready += 1
