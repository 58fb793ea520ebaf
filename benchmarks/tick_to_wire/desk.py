"""Our own client of tick_to_wire.py: `desk.py TICK MODE SIGNER PORT CORE FOLDER`. TICK `usdm` or `hyperliquid`: whose
ticks call for orders; MODE `epoll` or `spin`; SIGNER `rfc6979` or `fast`.

It is a whole live run: `desk.live_run` over real sockets, both gateways, the engine with v0 and v1, journal on the
disk, alerts, latency stamps, health, clock and rules watched. Every control is executed; those that would let only so
many entries pass in a time get limits that let one pass each tick, written into the desk's record after it was wired.
The legs of an entry leave in the order of the pair: the first to the venue that ticked, the second to Binance.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from crossbook.desk.config import Config, load_config
from crossbook.desk.connections import Place
from crossbook.desk.live_run import LiveRun
from crossbook.desk.sockets import Rim
from crossbook.desk.warm import compiled
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.venues.binance.gateway import BinanceGateway
from crossbook.venues.budgets import MESSAGES, WEIGHT, Limit
from crossbook.venues.endpoints import Environment, endpoints
from crossbook.venues.gateway import Desk, Gateway
from crossbook.venues.hyperliquid import gateway_wire
from crossbook.venues.hyperliquid.gateway import HyperliquidGateway
from crossbook.venues.keys import AgentKey, HmacKey
from crossbook.venues.wire_rules import STREAM_RULES

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tick_to_wire.texts import ACCOUNT, AGENT_KEY, API_KEY, MANY, SECRET

PAIRS = {
    "usdm": ("binance_usdm:BTCUSDT", "binance_spot:BTCUSDT"),
    "hyperliquid": ("hyperliquid:BTC", "binance_usdm:BTCUSDT"),
}
MARKS = {"usdm": 'BTC = "binance_spot:BTCUSDT"', "hyperliquid": 'USDC = "binance_usdm:USDCUSDT"'}
NONCES = 4_096
SETTLE_S = 1.2
"""Hyperliquid takes posts from a second after its socket is up."""


def write_config(folder: Path, tick: str) -> Config:
    """The configuration of the run: one pair, v1 trades it, v0 looks at it too and asks for more than there is."""
    legs = PAIRS[tick]
    venues = {leg.partition(":")[0] for leg in legs}
    lines = ['reporting_asset = "USDT"', "[marks]", MARKS[tick], "[pairs.BTC]", f'a = "{legs[0]}"', f'b = "{legs[1]}"']
    for venue in sorted(venues):
        lines += [f"[venues.{venue}]", "leverage_x = 2" if venue != "binance_spot" else "", "quote_age_ms_max = 1000"]
    for name, edge in (("v0", 99), ("v1", 0)):
        lines += [f"[strategies.{name}]", f'kind = "arbitrage_{name}"', 'pairs = ["BTC"]', "clip_usd = 200"]
        lines += [f"min_edge_bps = {edge}", "hold_s_max = 600", "collar_bps = 5"]
    path = folder / "config.toml"
    path.write_text("\n".join(lines) + "\n")
    return load_config(path)


def let_pass(run: LiveRun) -> None:
    """Raise what counts entries in a time; nothing is switched off."""
    assert run.bundle is not None
    limits = run.bundle.engine.desk[0].limits
    for name in (
        "orders_per_s_max", "orders_per_min_max", "orders_per_h_max", "orders_per_day_max", "arbs_per_h_max",
        "arbs_per_day_max", "turnover_e8_max",
    ):  # fmt: skip
        setattr(limits, name, 1 << 60)
    limits.duplicate_ns = limits.hold_after_ns = 0


def main(tick: str, mode: str, signer: str, port: str, core: str, folder: str) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    config = write_config(Path(folder), tick)
    with compiled(lambda words: print(words, file=sys.stderr)):
        pass
    gateway_wire.POSTS_A_SECOND = 1 << 16  # as the other counts of a time
    rules = STREAM_RULES[Venue.HYPERLIQUID]
    STREAM_RULES[Venue.HYPERLIQUID] = msgspec.structs.replace(rules, messages_per_s=1 << 16)
    rim = Rim(spinning=mode == "spin")
    gateways: list[BinanceGateway | HyperliquidGateway] = []

    def make(place: Place, symbols: tuple[str, ...], desk: Desk) -> Gateway:
        gateway: BinanceGateway | HyperliquidGateway
        if place.venue is Venue.HYPERLIQUID:
            gateway = HyperliquidGateway(
                rim.ports, desk, environment=place.environment, endpoints=place.endpoints, account=place.account,
                key=place.key, symbols=symbols, leverage_x=2, fast_nonces=NONCES if signer == "fast" else 0,
            )  # fmt: skip
            now_ns = rim.ports.clock.monotonic_ns()
            for name in (MESSAGES, WEIGHT):  # the venue states its limits nowhere
                gateway._ground.budgets.adopt(Limit(name, MANY, 60), now_ns)
            if gateway._ground.fast is not None:
                gateway._ground.fast.refill(NONCES)
        else:
            gateway = BinanceGateway(
                rim.ports, desk, venue=place.venue, environment=place.environment, endpoints=place.endpoints,
                symbols=symbols, api_key=place.api_key, key=place.key,
                leverage_x=2 if place.venue is Venue.BINANCE_USDM else 0,
            )  # fmt: skip
        gateways.append(gateway)
        return gateway

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)
        if words.endswith("all venues are ready"):
            rim.ports.loop.call_later(SETTLE_S, look)

    def look() -> None:
        """Ready once all streams are up and every book is whole."""
        if any(gateway._ground.flow.causes for gateway in gateways):
            rim.ports.loop.call_later(SETTLE_S, look)
            return
        print("ready", flush=True)

    places = {
        venue: Place(
            venue=venue, environment=Environment.LOCAL,
            endpoints=endpoints(venue, Environment.LOCAL, f"http://127.0.0.1:{port}"),
            api_key="" if venue is Venue.HYPERLIQUID else API_KEY,
            account=ACCOUNT if venue is Venue.HYPERLIQUID else "",
            key=AgentKey(AGENT_KEY) if venue is Venue.HYPERLIQUID else HmacKey(SECRET),
        )
        for venue in (VENUE_BY_LABEL[label] for label in config.venues)
    }  # fmt: skip
    run = LiveRun(config, places, make, rim, say, on_paper=False)
    run.look()
    let_pass(run)
    run.go(Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
