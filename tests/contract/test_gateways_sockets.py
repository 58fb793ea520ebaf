"""The same gateways over real sockets at `crossbook venue serve`: one whole life, and one in which things go wrong.

A gateway of a further venue joins by a line in PLACES.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from contract.gateway_material import RUN_S
from contract.sockets_life import Make, SocketLife, serving

from crossbook.events import OrderFilled, OrderReport, StreamDown, StreamUp
from crossbook.ledger.hops import Hop
from crossbook.types import Side, TimeInForce, Venue
from crossbook.venues.binance.gateway import BinanceGateway
from crossbook.venues.gateway import Desk, Gateway
from crossbook.venues.hyperliquid.gateway import HyperliquidGateway
from crossbook.venues.keys import AgentKey, Ed25519Key, HmacKey
from crossbook.venues.network import Ports

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, ALO = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.ALO


def binance(*, ed25519: bool) -> Make:
    def make(ports: Ports, desk: Desk, account: dict[str, Any], place: dict[str, Any]) -> Gateway:
        shown = next(one for one in account["keys"] if ("secret" not in one) is ed25519)
        key = Ed25519Key(shown["private_key"]) if ed25519 else HmacKey(shown["secret"])
        return BinanceGateway(
            ports, desk, symbols=("BTCUSDT", "ETHUSDT"), api_key=shown["api_key"], key=key, run_s=RUN_S, **place
        )

    return make


def hyperliquid(ports: Ports, desk: Desk, account: dict[str, Any], place: dict[str, Any]) -> Gateway:
    key = AgentKey(account["agents"][0]["private_key"])
    where = {name: place[name] for name in ("environment", "endpoints")}
    return HyperliquidGateway(
        ports, desk, symbols=("BTC", "ETH"), account=account["address"], key=key, run_s=RUN_S, leverage_x=5, **where
    )


PLACES: dict[str, tuple[Venue, Make]] = {
    "binance_spot": (Venue.BINANCE_SPOT, binance(ed25519=True)),
    "binance_usdm": (Venue.BINANCE_USDM, binance(ed25519=False)),
    "hyperliquid": (Venue.HYPERLIQUID, hyperliquid),
}
VENUES = sorted({venue for venue, _ in PLACES.values()})
FAULTS = """
seed = 5
[[fault]]
kind = "duplicate"
chance = "0.02"
[[fault]]
kind = "reorder"
stream = "market"
chance = "0.01"
[[fault]]
kind = "drop"
stream = "user"
chance = "0.05"
[[fault]]
kind = "no_answer"
route = "trade"
chance = "0.05"
[[fault]]
kind = "error_after"
route = "trade"
chance = "0.05"
[[fault]]
kind = "disconnect"
every_s = 6
"""


pytestmark = pytest.mark.timeout(300)  # a cold server compiles its market first


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    with serving(*VENUES) as line:
        yield line


@pytest.mark.parametrize("place", list(PLACES))
def test_a_whole_life(server: dict[str, Any], place: str) -> None:
    """Look, start, market, filled, partly filled, resting, taken back, a new process that finds what rests, the end."""
    life = SocketLife(PLACES[place][0], server, PLACES[place][1])
    life.begin()
    assert life.run_while(lambda: life.ear.frames < 20, 30.0)
    assert life.ear.is_synced(0) and life.ear.is_synced(1)
    taken = life.submit(BUY, life.lots(), life.near(BUY))
    life.wait_for(taken, "Filled")
    assert life.ear.words(taken)[:2] == ["Accepted", "Filled"]
    hops = [hop for hop, order in life.ear.stamps if order == taken]
    assert hops[:2] == [Hop.SIGNED, Hop.WRITTEN] and {Hop.ACKNOWLEDGED, Hop.FILLED} <= set(hops)
    price, size = life.touch(BUY, 1)
    some = life.submit(BUY, min(size + life.lots(1), life.lots(1, 20_000 * 10**8)), price, number=1)
    life.wait_for(some, "Expired", "Filled")
    rests = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    kept = life.submit(SELL, life.lots(1), life.far(SELL, 1), GTC, number=1, strategy=1)
    life.wait_for(rests, "Accepted")
    life.wait_for(kept, "Accepted")
    life.cancel(rests)
    life.wait_for(rests, "Canceled")
    life.run(1.0)
    life.assert_true()
    first = life.gateway
    known = life.known()
    assert [one.order for one in known] == [kept] and life.open_orders() == 1
    before = len(life.ear.about(kept))
    life.look()
    life.start(known)
    assert len(life.ear.about(kept)) == before + 1 and life.ear.words(kept)[-1] == "Accepted"
    assert first is not None
    first.stop(lambda: None)
    assert life.run_while(lambda: life.open_orders() > 0, 30.0)
    life.stop()
    assert life.open_orders() == 0
    fills = life.ear.of(OrderFilled)
    assert len({(fill.instrument, fill.trade) for fill in fills}) == len(fills)
    life.assert_true()
    life.close()


def test_a_connection_breaks_with_an_order_on_its_way() -> None:
    """Hyperliquid: one websocket carries everything; while it is down orders go over REST."""
    with serving(Venue.HYPERLIQUID) as line:
        life = SocketLife(Venue.HYPERLIQUID, line, hyperliquid)
        life.begin()
        ear = life.ear
        assert life.run_while(lambda: not (ear.is_synced(0) and ear.is_synced(1)), 30.0)
        assert isinstance(life.gateway, HyperliquidGateway)
        lost = life.submit(SELL, life.lots(), life.near(SELL))
        life.gateway._wire._session.reopen("told to by the test")
        kept = life.submit(SELL, life.lots(1), life.far(SELL, 1), GTC, number=1)  # goes over REST
        life.wait_for(lost, "Filled", "Rejected", "Expired")
        life.wait_for(kept, "Accepted")
        ways = lambda: [event for event in ear.events if isinstance(event, StreamUp | StreamDown)]  # noqa: E731
        assert life.run_while(lambda: not isinstance(ways()[-1], StreamUp), 30.0)
        life.query()
        assert life.run_while(lambda: not ear.of(OrderReport), 30.0)
        assert ear.of(OrderReport)[-1].open_orders == 1
        life.assert_true()
        life.stop()
        assert ear.words(kept)[-1] == "Canceled" and life.open_orders() == 0
        life.assert_true()
        life.close()


@pytest.mark.parametrize("place", list(PLACES))
def test_what_goes_wrong_on_the_wire_is_put_right(tmp_path: Path, place: str) -> None:
    (tmp_path / "faults.toml").write_text(FAULTS)
    dice = Random(place)
    venue, make = PLACES[place]
    with serving(venue, faults=tmp_path / "faults.toml") as line:
        life = SocketLife(venue, line, make)
        life.begin()
        for _ in range(60):
            side, number = dice.choice((BUY, SELL)), dice.randrange(2)
            price = dice.choice((life.near(side, number), life.touch(side, number)[0], life.far(side, number)))
            life.submit(side, life.lots(number), price, dice.choice((IOC, GTC, ALO)), number=number)
            life.run(0.2)
        life.cancel_all()
        assert life.run_while(lambda: bool(life.known()), 60.0), life.known()
        life.run(2.0)
        assert life.open_orders() == 0 and life.ear.of(OrderFilled)
        life.assert_true()
        life.stop()
        life.close()
