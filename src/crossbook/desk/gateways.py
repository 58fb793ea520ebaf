"""Which gateway speaks to a venue: the only place that knows them all."""

from __future__ import annotations

from crossbook import __version__
from crossbook.desk.config import Config, VenueConfig
from crossbook.desk.connections import Place
from crossbook.desk.live_run import Make
from crossbook.types import Venue
from crossbook.venues.binance.gateway import BinanceGateway
from crossbook.venues.gateway import Desk, Gateway
from crossbook.venues.hyperliquid.gateway import HyperliquidGateway
from crossbook.venues.network import Ports
from crossbook.venues.order_ids import build_of


def make_gateway(ports: Ports, config: Config, run_s: int) -> Make:
    """A maker of gateways for one run: its order ids carry environment, build, strategy and the second it began."""
    build = build_of(__version__)

    def make(place: Place, symbols: tuple[str, ...], desk: Desk) -> Gateway:
        leverage_x = config.venues.get(place.venue.label, VenueConfig()).leverage_x
        if place.venue is Venue.HYPERLIQUID:
            return HyperliquidGateway(
                ports, desk, environment=place.environment, endpoints=place.endpoints, account=place.account,
                key=place.key, symbols=symbols, build=build, run_s=run_s, leverage_x=leverage_x,
            )  # fmt: skip
        return BinanceGateway(
            ports, desk, venue=place.venue, environment=place.environment, endpoints=place.endpoints, symbols=symbols,
            api_key=place.api_key, key=place.key, account=place.account, build=build, run_s=run_s,
            leverage_x=leverage_x,
        )  # fmt: skip

    return make
