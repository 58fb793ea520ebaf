"""How a live run reaches its venues: environment, address, account and key, pinned together in a file of their own.

Kept apart from the configuration, which says what is traded and may be shown to anybody. The file names keys, it holds
none; what it pins (environment, account, key fingerprint) is checked before anything is sent.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.venues.endpoints import Endpoints, Environment, endpoints
from crossbook.venues.keys import AgentKey, HmacKey, Key, load_key

EXAMPLE = """environment = "local"

[binance_spot]
api_key = "..."                      # the public half
key_file = "keys/binance_spot.key"   # the secret half, readable by you alone
url = "http://127.0.0.1:7001"        # of a venue served on this machine
"""


class Connection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue's table. `account`: what the venue must say that we are (Hyperliquid: the master's address)."""

    api_key: str = ""
    key_file: str = ""
    key_fingerprint: str = ""
    account: str = ""
    url: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A venue ready to be connected to. `key` None: public streams only."""

    venue: Venue
    environment: Environment
    endpoints: Endpoints
    api_key: str = ""
    account: str = ""
    key: Key | None = None
    key_fingerprint: str = ""
    """As pinned, "" if it is not."""


def load_connections(path: Path, environment: Environment, venues: Iterable[Venue]) -> dict[Venue, Place]:
    """The places of `venues`, each with its key. Raises `Refused` where the file is of another environment, lacks a
    venue, or pins another key than the one it names."""
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise Refused(f"no connections at {path}: write one (docs/live.md), or name it with --connections") from None
    except OSError as error:
        raise Refused(f"connections {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not valid TOML: {error}") from None
    said = table.pop("environment", "")
    if said != environment.value:
        raise Refused(
            f"{path}: it is for environment {said!r}, the run for {environment.value!r}; accounts and keys of two "
            "worlds are never mixed, name the other file or --env"
        )
    unknown = sorted(set(table) - set(VENUE_BY_LABEL))
    if unknown:
        raise Refused(f"{path}: [{unknown[0]}] is no venue; use {', '.join(VENUE_BY_LABEL)}")
    return {venue: _place(path, environment, venue, table.get(venue.label)) for venue in venues}


def identity(place: Place) -> dict[str, Any]:
    """Which account and key will speak to a venue of which world: the key's fingerprint, never the key."""
    return {
        "environment": place.environment.value,
        "address": place.endpoints.rest,
        "account": place.account or None,
        "key_fingerprint": place.key.fingerprint if place.key is not None else None,
        "pinned": bool(place.key_fingerprint),
    }


def identity_line(place: Place) -> str:
    """The same for a person."""
    where = f"{place.venue.label}: {place.environment.value}, {place.endpoints.rest}"
    if place.key is None:
        return f"{where}, public streams, no key"
    pin = "as pinned" if place.key_fingerprint else "not pinned"
    return f"{where}, account {place.account or 'as the key has it'}, key {place.key.fingerprint} ({pin})"


def public_places(environment: Environment, venues: Iterable[Venue], urls: dict[str, str]) -> dict[Venue, Place]:
    """Places for public streams: no key, no account. `urls`: by venue label, for environment local."""
    return {
        venue: Place(
            venue=venue, environment=environment, endpoints=endpoints(venue, environment, urls.get(venue.label, ""))
        )
        for venue in venues
    }


def served_places(path: Path, venues: Iterable[Venue]) -> dict[Venue, Place]:
    """Places from the line that `crossbook venue serve` prints when it is ready: its ports and its first account.

    Raises `Refused` where the file holds no such line, or a venue is not served."""
    served = read_served(path)
    account = served["accounts"][0]
    made = {}
    for venue in venues:
        url = _served_url(path, served, venue)
        hyper = venue is Venue.HYPERLIQUID
        made[venue] = Place(
            venue=venue,
            environment=Environment.LOCAL,
            endpoints=endpoints(venue, Environment.LOCAL, url),
            api_key="" if hyper else account["api_key"],
            account=account["address"] if hyper else "",
            key=AgentKey(account["agents"][0]["private_key"]) if hyper else HmacKey(account["secret"]),
        )
    return made


def served_urls(path: Path, venues: Iterable[Venue]) -> dict[str, str]:
    """Where the venues are served, by label."""
    served = read_served(path)
    return {venue.label: _served_url(path, served, venue) for venue in venues}


def read_served(path: Path) -> dict[str, Any]:
    """The line of `crossbook venue serve`."""
    try:
        served: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}; it is what `crossbook venue serve` prints") from None
    except ValueError:
        raise Refused(f"{path} is no JSON: it is the line that `crossbook venue serve` prints when ready") from None
    if not isinstance(served, dict) or not served.get("ready") or not served.get("accounts"):
        raise Refused(f"{path} is not the line that `crossbook venue serve` prints when it is ready")
    return served


def _served_url(path: Path, served: dict[str, Any], venue: Venue) -> str:
    port = served["ports"].get(venue.label)
    if port is None:
        raise Refused(f"{path}: {venue.label} is not served; start it with --{venue.label.replace('_', '-')} 0")
    return f"http://127.0.0.1:{port}"


def _place(path: Path, environment: Environment, venue: Venue, table: object) -> Place:
    if table is None:
        raise Refused(f"{path}: no [{venue.label}], which the configuration trades at; add it")
    try:
        said = msgspec.convert(table, Connection)
    except msgspec.ValidationError as error:
        raise Refused(f"{path}: [{venue.label}]: {error}; keys are {', '.join(Connection.__struct_fields__)}") from None
    if not said.key_file:
        raise Refused(f"{path}: [{venue.label}] names no key_file")
    if venue is Venue.HYPERLIQUID and not said.account:
        raise Refused(f"{path}: [{venue.label}] names no account: the master's address, for which the agent trades")
    if venue is not Venue.HYPERLIQUID and not said.api_key:
        raise Refused(f"{path}: [{venue.label}] names no api_key")
    key = load_key(path.parent / said.key_file, venue)
    if said.key_fingerprint and said.key_fingerprint != key.fingerprint:
        raise Refused(
            f"{path}: [{venue.label}] pins key {said.key_fingerprint}, {said.key_file} holds {key.fingerprint}; "
            "name the right file"
        )
    return Place(
        venue=venue,
        environment=environment,
        endpoints=endpoints(venue, environment, said.url),
        api_key=said.api_key,
        account=said.account,
        key=key,
        key_fingerprint=said.key_fingerprint,
    )
