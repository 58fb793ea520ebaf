"""The gateway to Hyperliquid over real sockets: a life at the served venue, a process of its own; its truth is ours."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract.gateway_material import STRATEGIES, DeskEar, Life, Truth, truth_of
from desk_process import environment

from crossbook.commands import Out
from crossbook.desk.sockets import Rim
from crossbook.events import OrderFilled, OrderReport, StreamDown, StreamUp
from crossbook.ledger.hops import Hop
from crossbook.rules.rows import pack_out
from crossbook.types import Side, TimeInForce, Venue
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.gateway import Directory, OpenOrder, Report
from crossbook.venues.hyperliquid.gateway import HyperliquidGateway
from crossbook.venues.keys import AgentKey

HL = Venue.HYPERLIQUID
BUY, SELL = Side.BUY, Side.SELL
SERVE = "from crossbook.cli.venue import app; app()"


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, Any]]:
    """What `venue serve --hyperliquid 0 --seed 5` says of itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "serve", "--hyperliquid", "0", "--seed", "5"],
        env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        told: dict[str, Any] = json.loads(process.stdout.readline())
        yield told
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class SocketLife(Life):
    """A gateway over loopback."""

    venue = HL

    def __init__(self, served: dict[str, Any]) -> None:
        super().__init__()
        self.rim = Rim()
        self._served, self._account = served, served["accounts"][0]
        self._place = f"http://127.0.0.1:{served['ports'][HL.label]}"
        self.gateway: HyperliquidGateway | None = None

    def begin(self, open_orders: tuple[OpenOrder, ...] = ()) -> SocketLife:
        reports: list[Report] = []
        ready: list[bool] = []
        self.gateway = HyperliquidGateway(
            self.rim.ports, self.ear, environment=Environment.LOCAL,
            endpoints=endpoints(HL, Environment.LOCAL, self._place), symbols=("BTC", "ETH"),
            account=self._account["address"], key=AgentKey(self._account["agents"][0]["private_key"]),
            build=7, run_s=1_750_000_000, leverage_x=5,
        )  # fmt: skip
        self.gateway.look(reports.append)
        self.until(lambda: bool(reports))
        self.opening = self.opening or self.truth()[1]
        instruments = reports[0].instruments
        self.directory = Directory(instruments=instruments, assets=("USDC", "BTC", "ETH"), strategies=STRATEGIES)
        self.ear.chains = [int(one.chain) for one in instruments] + [0] * 8
        self.gateway.start(self.directory, open_orders, lambda: ready.append(True))
        self.until(lambda: bool(ready) and isinstance(self.ways()[-1], StreamUp))
        return self

    def ways(self) -> list[Any]:
        return [event for event in self.ear.events if isinstance(event, StreamUp | StreamDown)]

    def until(self, condition: Callable[[], bool], within_s: float = 30.0) -> None:
        """Let the rim run until it is so."""
        until_ns = self.rim.clock.monotonic_ns() + int(within_s * 1e9)

        def look() -> None:
            if condition() or self.rim.clock.monotonic_ns() > until_ns:
                self.rim.stop()
            else:
                self.rim.loop.call_later(0.005, look)

        self.rim.loop.call_soon(look)
        self.rim.turn()
        assert condition(), (self.ear.troubles[-3:], self.ear.events[-5:])

    def run(self, seconds: float) -> None:
        until_ns = self.rim.clock.monotonic_ns() + int(seconds * 1e9)
        self.until(lambda: self.rim.clock.monotonic_ns() >= until_ns)

    def now_ns(self) -> int:
        return self.rim.clock.now_ns()

    def send(self, command: Out) -> None:
        assert self.gateway is not None
        self.gateway.send(pack_out(command))

    def touch(self, side: Side, number: int = 0) -> tuple[int, int]:
        quote = self.ear.quotes[number]
        price, size = ("ask", "ask_lots") if side is BUY else ("bid", "bid_lots")
        return int(quote[price]), int(quote[size])

    def truth(self) -> Truth:
        with urllib.request.urlopen(f"{self._served['truth']}?account={self._account['name']}", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)["venues"][HL.label]
        self.open = [one["client_order_id"] for one in told["open_orders"]]
        return truth_of(told)

    def stop(self) -> None:
        stopped: list[bool] = []
        assert self.gateway is not None
        self.gateway.stop(lambda: stopped.append(True))
        self.until(lambda: bool(stopped))


def test_a_whole_life_over_loopback(served: dict[str, Any]) -> None:
    life = SocketLife(served).begin()
    ear: DeskEar = life.ear
    life.until(lambda: {1, 2, 4, 6} <= ear.kinds.keys() and ear.is_synced(0) and ear.is_synced(1))

    filled = life.submit(BUY, life.lots(), life.near(BUY))
    rests = life.submit(BUY, life.lots(), life.far(BUY), TimeInForce.GTC)
    life.until(lambda: "Filled" in ear.words(filled) and ear.words(rests) == ["Accepted"])
    hops = [hop for hop, order in ear.stamps if order == filled]
    assert hops[:2] == [Hop.SIGNED, Hop.WRITTEN] and {Hop.ACKNOWLEDGED, Hop.FILLED} <= set(hops)

    price, size = life.touch(BUY, 1)
    partial = life.submit(BUY, size * 3 + life.lots(1), life.legal(price, 1), number=1)
    life.until(lambda: bool({"Expired", "Rejected"} & set(ear.words(partial))))
    life.cancel(rests)
    life.until(lambda: ear.words(rests) == ["Accepted", "Canceled"])

    # the connection breaks with an order on its way
    assert life.gateway is not None
    lost = life.submit(SELL, life.lots(), life.near(SELL))
    life.gateway._wire._session.reopen("told to by the test")
    kept = life.submit(SELL, life.lots(1), life.far(SELL, 1), TimeInForce.GTC, number=1)  # goes over REST
    life.until(
        lambda: ear.words(lost)[-1:] in (["Filled"], ["Rejected"], ["Expired"]) and "Accepted" in ear.words(kept)
    )
    life.until(lambda: isinstance(life.ways()[-1], StreamUp))

    life.query()
    life.until(lambda: bool(ear.of(OrderReport)))
    assert ear.of(OrderReport)[-1].open_orders == 1
    life.assert_true()

    # the process is gone and comes again: it finds what rests
    life.gateway._close()
    life.run(0.2)
    sent = life.sent[kept]
    known = OpenOrder(
        order=kept, strategy=0, instrument=1, side=sent.side, price=sent.price, lots=sent.lots, filled=0
    )  # fmt: skip
    before = len(ear.about(kept))
    life.begin((known,))
    assert len(ear.about(kept)) > before and ear.words(kept)[-1] == "Accepted"
    again = life.submit(BUY, life.lots(), life.near(BUY))
    life.until(lambda: "Filled" in ear.words(again))
    life.stop()
    assert ear.words(kept)[-1] == "Canceled"
    life.assert_true()
    assert not life.open and len({fill.trade for fill in ear.of(OrderFilled)}) == len(ear.of(OrderFilled))
    life.rim.loop.call_soon(life.rim.stop)
    life.rim.run()
