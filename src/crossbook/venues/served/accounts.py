"""Who may speak to the served venues: API keys, Hyperliquid addresses with their agents, opening balances.

Read from a TOML file, or made from a seed. A made account holds its private halves, so that a client can be told them;
the file of one's own holds only what a venue knows (an HMAC secret is one of those things).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from crossbook.errors import Refused
from crossbook.money import bp_to_ppm, parse_e8
from crossbook.types import VENUE_BY_LABEL, Venue
from crossbook.venues import secp256k1

TRADE, READ = "trade", "read"
PERMISSIONS = (READ, TRADE)
KEY_KEYS = ("api_key", "secret", "public_key", "permissions", "valid_until_ms")
FOREVER_MS = 1 << 62
BASE_FEES_PPM = {
    Venue.BINANCE_SPOT: (1_000, 1_000),
    Venue.BINANCE_USDM: (200, 500),
    Venue.BINANCE_COINM: (200, 500),
    Venue.HYPERLIQUID: (150, 450),
}
"""Maker and taker of the lowest tier."""
MADE_BALANCES = {
    Venue.BINANCE_SPOT: {"USDT": "100000", "BTC": "2", "ETH": "40"},
    Venue.BINANCE_USDM: {"USDT": "100000"},
    Venue.HYPERLIQUID: {"USDC": "100000"},
}


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A Binance key: HMAC if it has a `secret`, else Ed25519 with `public_key` (PEM). `private_key`: of a made one.

    `valid_until_ms`: after it the key is unknown to the venue.
    """

    api_key: str
    secret: str = ""
    public_key: str = ""
    private_key: str = ""
    permissions: tuple[str, ...] = PERMISSIONS
    valid_until_ms: int = FOREVER_MS

    def __repr__(self) -> str:
        return f"ApiKey({self.api_key[:8]}..., {'ed25519' if self.public_key else 'hmac'}, {self.permissions})"

    @property
    def may_trade(self) -> bool:
        """Whether it may place orders."""
        return TRADE in self.permissions


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet that may trade for a Hyperliquid account until `valid_until_ms`. `private_key`: of a made one."""

    address: str
    name: str = ""
    valid_until_ms: int = FOREVER_MS
    private_key: str = ""

    def __repr__(self) -> str:
        return f"Agent({self.address}, {self.name!r})"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One trader at all venues. Addresses are lower case with 0x. `balances`: opening, 1e-8 units by venue and asset;
    `fees_ppm`: maker and taker by venue; `leverage`: what instruments start with."""

    name: str
    keys: tuple[ApiKey, ...] = ()
    address: str = ""
    private_key: str = ""
    agents: tuple[Agent, ...] = ()
    balances: dict[Venue, dict[str, int]] = {}
    fees_ppm: dict[Venue, tuple[int, int]] = msgspec.field(default_factory=lambda: dict(BASE_FEES_PPM))
    leverage: int = 20

    def __repr__(self) -> str:
        return f"Account({self.name!r}, {self.keys!r}, {self.address}, {self.agents!r})"


class Accounts:
    """All accounts, found by what a request shows of them."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        """Raises `Refused` for a name, API key or address that two have."""
        self.accounts = tuple(accounts)
        self._by_name = _unique("name", [(one.name, one) for one in accounts])
        self._by_key = _unique("api_key", [(key.api_key, (one, key)) for one in accounts for key in one.keys])
        self._by_address = _unique("address", [(one.address, one) for one in accounts if one.address])
        self._by_agent = _unique("agent", [(agent.address, (one, agent)) for one in accounts for agent in one.agents])
        both = sorted(set(self._by_address) & set(self._by_agent))
        if both:
            raise Refused(f"accounts: {both[0]} is both an account and an agent: an agent needs a wallet of its own")

    def __iter__(self) -> Any:
        return iter(self.accounts)

    def __len__(self) -> int:
        return len(self.accounts)

    def by_name(self, name: str) -> Account | None:
        """The account of this name."""
        return self._by_name.get(name)

    def by_api_key(self, api_key: str) -> tuple[Account, ApiKey] | None:
        """Whose API key this is."""
        return self._by_key.get(api_key)

    def by_address(self, address: str) -> Account | None:
        """Whose Hyperliquid address this is, in any letter case."""
        return self._by_address.get(address.lower())

    def by_agent(self, address: str) -> tuple[Account, Agent] | None:
        """Whose agent this is, expired or not, in any letter case."""
        return self._by_agent.get(address.lower())


def _unique(what: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused(f"accounts: {what} {name!r} is there twice: give each account its own")
        found[name] = value
    return found


def make_accounts(seed: int, count: int = 1) -> Accounts:
    """`count` accounts of a seed: an HMAC key, an Ed25519 key, an address with one agent, and money."""
    return Accounts([_made(seed, number) for number in range(count)])


def _made(seed: int, number: int) -> Account:
    def secret(what: str) -> bytes:
        return hashlib.sha256(f"crossbook served account {seed}/{number}/{what}".encode()).digest()

    def word(what: str) -> str:
        return secret(what).hex() + secret(what + "'").hex()

    pair = ed25519.Ed25519PrivateKey.from_private_bytes(secret("ed25519"))
    private = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = pair.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    hmac = ApiKey(api_key=word("api key")[:64], secret=word("secret")[:64])
    edwards = ApiKey(api_key=word("api key 2")[:64], public_key=public.decode(), private_key=private.decode())
    main, agent = secret("address"), secret("agent")
    return Account(
        name=f"account{number + 1}",
        keys=(hmac, edwards),
        address=secp256k1.address_of(secp256k1.new_buffer(main)),
        private_key="0x" + main.hex(),
        agents=(
            Agent(
                address=secp256k1.address_of(secp256k1.new_buffer(agent)), name="desk", private_key="0x" + agent.hex()
            ),
        ),
        balances={
            venue: {asset: parse_e8(text, asset) for asset, text in assets.items()}
            for venue, assets in MADE_BALANCES.items()
        },
    )


def read_accounts(text: str, where: str) -> Accounts:
    """The accounts of a TOML text: an `[[account]]` table each, with

    `name`; `api_key` with `secret` (HMAC) or `public_key` (Ed25519, PEM), `permissions` and `valid_until_ms`, more of
    them as `[[account.key]]`; `address` and `agents` (`{address, name, valid_until_ms}`) at Hyperliquid; `leverage`;
    `[account.balances.VENUE]` of decimal strings by asset; `[account.fees_bps.VENUE]` with `maker` and `taker`.
    Raises `Refused` naming `where`, the account and the key that is wrong.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{where}: not TOML: {error}") from None
    _known(tables, ("account",), where)
    rows = tables.get("account", [])
    if not isinstance(rows, list) or not rows:
        raise Refused(f"{where}: no account: write [[account]] and its keys below")
    return Accounts([_account(row, f"{where}: account {number}") for number, row in enumerate(rows, 1)])


def _account(row: Mapping[str, Any], where: str) -> Account:
    _known(row, (*KEY_KEYS, "name", "key", "address", "agents", "balances", "fees_bps", "leverage"), where)
    where = f"{where} ({_text(row, 'name', where)})"
    leverage = row.get("leverage", 20)
    if not isinstance(leverage, int) or not 1 <= leverage <= 125:
        raise Refused(f"{where}: leverage {leverage!r} is no whole number from 1 to 125")
    own = {name: row[name] for name in KEY_KEYS if name in row}
    keys = tuple(_key(key, f"{where}: key") for key in (*([own] if own else ()), *row.get("key", ())))
    address = _address(row, where) if "address" in row else ""
    if not keys and not address:
        raise Refused(f"{where}: nobody could use it: give api_key and secret or public_key, or an address")
    if row.get("agents") and not address:
        raise Refused(f"{where}: agents of which account? give its address")
    balances = {
        _venue(label, where): {asset: _amount(text, f"{where}: {label} {asset}") for asset, text in table.items()}
        for label, table in row.get("balances", {}).items()
    }
    fees = {
        _venue(label, where): _fees(table, f"{where}: fees_bps {label}")
        for label, table in row.get("fees_bps", {}).items()
    }
    return Account(
        name=row["name"],
        leverage=leverage,
        keys=keys,
        address=address,
        agents=tuple(_agent(agent, f"{where}: agent") for agent in row.get("agents", ())),
        balances=balances,
        fees_ppm=BASE_FEES_PPM | fees,
    )


def _key(row: Mapping[str, Any], where: str) -> ApiKey:
    _known(row, KEY_KEYS, where)
    secret, public = row.get("secret", ""), row.get("public_key", "")
    if bool(secret) == bool(public):
        raise Refused(f"{where}: give either secret (HMAC) or public_key (Ed25519, PEM)")
    permissions = tuple(row.get("permissions", PERMISSIONS))
    for one in permissions:
        if one not in PERMISSIONS:
            raise Refused(f"{where}: permission {one!r} is none of {', '.join(PERMISSIONS)}")
    return ApiKey(
        api_key=_text(row, "api_key", where),
        secret=secret,
        public_key=_public(public, where) if public else "",
        permissions=permissions,
        valid_until_ms=_until(row, where),
    )


def _public(text: str, where: str) -> str:
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise Refused(f"{where}: public_key is no Ed25519 key in PEM: `openssl pkey -in key.pem -pubout` prints it")
    return text


def _agent(row: Mapping[str, Any], where: str) -> Agent:
    _known(row, ("address", "name", "valid_until_ms"), where)
    return Agent(address=_address(row, where), name=str(row.get("name", "")), valid_until_ms=_until(row, where))


def _address(row: Mapping[str, Any], where: str) -> str:
    text = _text(row, "address", where).lower()
    digits = text.removeprefix("0x")
    if not text.startswith("0x") or len(digits) != 40 or not set(digits) <= set("0123456789abcdef"):
        raise Refused(f"{where}: address {text!r} is not 0x and 40 hex digits")
    return text


def _until(row: Mapping[str, Any], where: str) -> int:
    until = row.get("valid_until_ms", FOREVER_MS)
    if not isinstance(until, int) or until < 0:
        raise Refused(f"{where}: valid_until_ms {until!r} is no whole number of ms since 1970")
    return until


def _fees(table: Mapping[str, Any], where: str) -> tuple[int, int]:
    _known(table, ("maker", "taker"), where)
    return bp_to_ppm(_text(table, "maker", where), where), bp_to_ppm(_text(table, "taker", where), where)


def _venue(label: str, where: str) -> Venue:
    if label not in VENUE_BY_LABEL:
        raise Refused(f"{where}: {label!r} is no venue: use {', '.join(VENUE_BY_LABEL)}")
    return VENUE_BY_LABEL[label]


def _amount(text: object, where: str) -> int:
    if not isinstance(text, str):
        raise Refused(f'{where}: {text!r} is not a string: write "1000"')
    amount = parse_e8(text, where)
    if amount < 0:
        raise Refused(f"{where}: {text} is below 0")
    return amount


def _known(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise Refused(f"{where}: {table!r} is not a table")
    for key in table:
        if key not in keys:
            raise Refused(f"{where}: unknown key {key!r}: use {', '.join(keys)}")


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise Refused(f'{where}: {key} is missing: write {key} = "..."')
    return value
