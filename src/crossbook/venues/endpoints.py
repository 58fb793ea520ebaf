"""Where the venues are: mainnet, testnet, or a served venue on this machine. An environment is pinned, never mixed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

import msgspec

from crossbook.errors import Refused
from crossbook.types import Venue


class Environment(Enum):
    """Which world a run speaks to."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    LOCAL = "local"


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's addresses: REST, streams by route (one connection each), and the WebSocket API that takes orders."""

    rest: str
    streams: Mapping[str, str]
    api: str


LOOPBACK = ("127.0.0.1", "::1", "localhost")
SPOT, USDM, HYPERLIQUID = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID


def _endpoints(venue: Venue, rest: str, streams: str, api: str) -> Endpoints:
    routes = {SPOT: ("",), USDM: ("public", "market", "private"), HYPERLIQUID: ("",)}[venue]
    if venue is HYPERLIQUID:
        return Endpoints(rest=rest, streams={"": f"{streams}/ws"}, api=f"{api}/ws")
    by_route = {route: f"{streams}/{route}/stream" if route else f"{streams}/stream" for route in routes}
    return Endpoints(rest=rest, streams=by_route, api=api + {SPOT: "/ws-api/v3", USDM: "/ws-fapi/v1"}[venue])


_KNOWN = {
    (Environment.MAINNET, SPOT): (
        "https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443",
    ),
    (Environment.MAINNET, USDM): (
        "https://fapi.binance.com", "wss://fstream.binance.com", "wss://ws-fapi.binance.com",
    ),
    (Environment.MAINNET, HYPERLIQUID): (
        "https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz",
    ),
    (Environment.TESTNET, SPOT): (
        "https://testnet.binance.vision", "wss://stream.testnet.binance.vision", "wss://ws-api.testnet.binance.vision",
    ),
    (Environment.TESTNET, USDM): (
        "https://testnet.binancefuture.com", "wss://fstream.binancefuture.com", "wss://testnet.binancefuture.com",
    ),
    (Environment.TESTNET, HYPERLIQUID): (
        "https://api.hyperliquid-testnet.xyz", "wss://api.hyperliquid-testnet.xyz", "wss://api.hyperliquid-testnet.xyz",
    ),
}  # fmt: skip


def endpoints(venue: Venue, environment: Environment, url: str = "") -> Endpoints:
    """The addresses of a venue. `url`: of a venue served on this machine, for LOCAL only.

    Raises `Refused` for a venue without gateway, a LOCAL without url or off this machine, a url beside another world.
    """
    if venue not in (SPOT, USDM, HYPERLIQUID):
        raise Refused(f"venue {venue.label} has no gateway: use {SPOT.label}, {USDM.label} or {HYPERLIQUID.label}")
    if environment is not Environment.LOCAL:
        if url:
            raise Refused(f"url {url} is for --env local: {environment.value} has addresses of its own")
        return _endpoints(venue, *_KNOWN[environment, venue])
    parts = urlsplit(url)
    if parts.scheme not in ("http", "ws") or parts.hostname not in LOOPBACK or not parts.port:
        raise Refused(f"url {url!r} of {venue.label} is none on this machine: give http://127.0.0.1:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{parts.port}"
    return _endpoints(venue, f"http://{place}", f"ws://{place}", f"ws://{place}")
