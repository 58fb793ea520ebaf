"""A run's configuration: one TOML file, every key typed, its unit in its name, unknown keys refused.

The files in `configs/` document every key. Numbers are read as exact decimals, never as floats.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.survival import load_survival
from crossbook.errors import Refused
from crossbook.lab.survival import SurvivalTable
from crossbook.risk.limits import CEILINGS, Limits, check_controls_off, check_limits
from crossbook.types import VENUE_BY_LABEL, Venue

D = Decimal


class VenueConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[venues.NAME]`: its fees, how far away it is, what we have there."""

    maker_bps: Decimal | None = None
    """Fee of a resting fill; unset: the venue's base tier."""
    taker_bps: Decimal | None = None
    """Fee of a taking fill; unset: the venue's base tier."""
    leverage_x: int = 2
    """Leverage that the venue's initial margin is counted at; spot knows none."""
    quote_age_ms_max: Decimal | None = None
    """Age limit of this venue's quotes; unset: `limits.quote_age_ms_max`."""
    entry_latency_us: int | list[int] = 5_000
    """From our wire to the venue's matching: one value, or measured ones of which each order draws one."""
    response_latency_us: int | list[int] = 5_000
    """From the venue's matching back to us."""
    opening: dict[str, Decimal] = {}
    """Opening balance by asset."""
    opening_worth_usdt: dict[str, Decimal] = {}
    """Opening coin by what it is worth in USDT at the first price of the tape."""


BASE_TIER_BPS = {
    Venue.BINANCE_SPOT: (D(10), D(10)),
    Venue.BINANCE_USDM: (D(2), D(5)),
    Venue.BINANCE_COINM: (D(2), D(5)),
    Venue.HYPERLIQUID: (D("1.5"), D("4.5")),
}
"""Maker and taker fee of an account without volume."""


class PairConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[pairs.NAME]`: two instruments of one base, as `venue:SYMBOL`."""

    a: str
    b: str


class StrategyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[strategies.NAME]`."""

    kind: str
    """`arbitrage_v0`, `arbitrage_v1` or `arbitrage_v2`."""
    pairs: list[str]
    """Names of `[pairs]` it trades."""
    clip_usd: Decimal = D(200)
    """Notional of each leg of one round trip."""
    min_edge_bps: Decimal = D(0)
    """What an edge must exceed, after both entry fees."""
    exit_keep_bps: Decimal = D(5)
    """Close when reversing now would keep this much of the entry notional, before the fees of the way out."""
    hold_s_max: Decimal = D(600)
    """Close after this long, whatever it keeps."""
    collar_bps: Decimal = D(5)
    """How far beyond the touch an IOC leg may reach."""
    depth_pct: Decimal = D(50)
    """v1, v2: the part of the displayed depth within the collar that a leg may take."""
    full_edge_bps: Decimal = D(0)
    """v1, v2: the edge at which the whole clip is used, less below it; 0: always."""
    volatility_bps: Decimal = D(0)
    """v1, v2: volatility a second at which the whole clip is used, less above it; 0: not looked at."""
    adapt_pct: Decimal = D(50)
    """v2: the part of recent shortfall (expected less captured edge) that is asked for on top."""
    survival: str = ""
    """v2: the table made by `crossbook survival`, a path beside this file."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole configuration."""

    reporting_asset: str = "USDT"
    physics: bool = False
    """A run that exercises the machine and says nothing about money: PHYSICS stands on every output."""
    controls_off: list[str] = []
    allocation: str = "equal"
    """How a venue's capital is divided among strategies: `equal`, or `evidence` (of the runs in `evidence`)."""
    evidence: list[str] = []
    """Runs whose round trips are the evidence, ids or paths."""
    seed: int = 0
    """Of the latency draws, where latencies are sampled."""
    venues: dict[str, VenueConfig]
    marks: dict[str, str] = {}
    """Which instrument's middle prices an asset in the reporting asset: `USDC = "binance_spot:USDCUSDT"`."""
    pairs: dict[str, PairConfig]
    strategies: dict[str, StrategyConfig]
    survival_tables: dict[str, SurvivalTable] = {}
    """By strategy, what its `survival` file says; filled when the file is read."""
    limits: Limits = Limits()


STRATEGY_KINDS = {"arbitrage_v0": 0, "arbitrage_v1": 1, "arbitrage_v2": 2}


def load_config(path: Path) -> Config:
    """Read and check a configuration. Raises `Refused` in one line that names file, key, value and remedy."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"no configuration at {path}; the project's own are in configs/") from None
    except OSError as error:
        raise Refused(f"configuration {path} cannot be read: {error.strerror}") from None
    try:
        table = tomllib.loads(text.decode(), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} is not valid TOML: {error}") from None
    _check_numbers(str(path), table)
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise Refused(_explain(path, str(error), table)) from None
    if config.survival_tables:
        raise Refused(f"{path}: survival_tables is filled by crossbook; name the file under strategies.NAME.survival")
    check_config(config, str(path))
    tables = {
        name: load_survival(path.parent / strategy.survival)
        for name, strategy in config.strategies.items()
        if strategy.kind == "arbitrage_v2"
    }
    return msgspec.structs.replace(config, survival_tables=tables)


def check_config(config: Config, where: str) -> None:
    """Raises `Refused` naming the first value that cannot be meant."""
    check_limits(config.limits, where)
    check_controls_off(config.controls_off, where)
    for label, venue in config.venues.items():
        if label not in VENUE_BY_LABEL:
            raise Refused(f"{where}: venue {label!r} is unknown; venues are {', '.join(VENUE_BY_LABEL)}")
        if not 1 <= venue.leverage_x <= 3:
            raise Refused(f"{where}: venues.{label}.leverage_x = {venue.leverage_x} must be 1 to 3 (ceiling of C06)")
        for name in ("entry_latency_us", "response_latency_us"):
            given = getattr(venue, name)
            values = given if isinstance(given, list) else [given]
            if not values or min(values) < 0 or max(values) > 10_000_000:
                raise Refused(f"{where}: venues.{label}.{name} = {given} must be 0 to 10 s, and at least one value")
        for asset, amount in (*venue.opening.items(), *venue.opening_worth_usdt.items()):
            if not 0 <= amount < 10_000_000:
                raise Refused(f"{where}: venues.{label} opening {asset} = {amount} must be 0 to 10 million")
        age, oldest = venue.quote_age_ms_max, CEILINGS["quote_age_ms_max"]
        if age is not None and not 0 < age <= oldest:
            raise Refused(f"{where}: venues.{label}.quote_age_ms_max = {age} must be above 0, at most {oldest}")
        for name in ("maker_bps", "taker_bps"):
            fee = getattr(venue, name)
            if fee is not None and not -10 <= fee <= 100:
                raise Refused(f"{where}: venues.{label}.{name} = {fee} must lie between -10 and 100 basis points")
    for name, pair in config.pairs.items():
        for leg in (pair.a, pair.b):
            label = leg.partition(":")[0]
            if label not in config.venues or ":" not in leg:
                raise Refused(f"{where}: pairs.{name} leg {leg!r} names no configured venue; write venue:SYMBOL")
        if pair.a.partition(":")[0] == pair.b.partition(":")[0]:
            raise Refused(f"{where}: pairs.{name} has both legs at one venue; arbitrage needs two, choose another leg")
    seconds = [name for name, strategy in config.strategies.items() if strategy.kind == "arbitrage_v2"]
    if len(seconds) > 1:
        raise Refused(f"{where}: {' and '.join(seconds)} are both v2; a desk holds one survival table, keep one")
    for name, strategy in config.strategies.items():
        _check_strategy(config, name, strategy, where)


def _check_numbers(where: str, table: dict[str, Any], inside: str = "") -> None:
    """Raises `Refused` naming a number that is none, or finer than the hundredth of a basis point that can be kept."""
    for key, value in table.items():
        if isinstance(value, dict):
            _check_numbers(where, value, f"{inside}{key}.")
        elif isinstance(value, Decimal) and not value.is_finite():
            raise Refused(f"{where}: {inside}{key} = {value} is no number; write a decimal such as 0.5")
        elif isinstance(value, Decimal) and "_bps" in key and value.scaleb(2) % 1:
            raise Refused(f"{where}: {inside}{key} = {value} is finer than 0.01 basis points; round it")


def _check_strategy(config: Config, name: str, strategy: StrategyConfig, where: str) -> None:
    if strategy.kind not in STRATEGY_KINDS:
        raise Refused(
            f"{where}: strategies.{name}.kind {strategy.kind!r} is unknown; kinds: {', '.join(STRATEGY_KINDS)}"
        )
    for pair in strategy.pairs:
        if pair not in config.pairs:
            raise Refused(f"{where}: strategies.{name} trades pair {pair!r}, which [pairs] does not declare")
    legs = [leg for pair in strategy.pairs for leg in (config.pairs[pair].a, config.pairs[pair].b)]
    for leg in legs:
        if legs.count(leg) > 1:
            raise Refused(f"{where}: strategies.{name} uses {leg} in two pairs; one strategy, one pair per instrument")
    if not 0 < strategy.clip_usd <= config.limits.order_notional_usd_max:
        most = config.limits.order_notional_usd_max
        raise Refused(f"{where}: strategies.{name}.clip_usd = {strategy.clip_usd} must be above 0, at most {most}")
    if not 0 < strategy.collar_bps <= config.limits.collar_bps:
        most = config.limits.collar_bps
        raise Refused(f"{where}: strategies.{name}.collar_bps = {strategy.collar_bps} must be above 0, at most {most}")
    if strategy.kind == "arbitrage_v2" and not strategy.survival:
        raise Refused(
            f"{where}: strategies.{name} is v2 and needs a survival table; make one with `crossbook survival`"
        )
    for key in ("depth_pct", "adapt_pct", "full_edge_bps", "volatility_bps"):
        value = getattr(strategy, key)
        if not 0 <= value <= 100:
            raise Refused(f"{where}: strategies.{name}.{key} = {value} must lie between 0 and 100")
    if not 0 < strategy.hold_s_max <= 86_400:
        raise Refused(f"{where}: strategies.{name}.hold_s_max = {strategy.hold_s_max} must be above 0, at most a day")
    for key in ("min_edge_bps", "exit_keep_bps"):
        value = getattr(strategy, key)
        if not -100 <= value <= 100:
            raise Refused(f"{where}: strategies.{name}.{key} = {value} must lie between -100 and 100 basis points")


def _explain(path: Path, message: str, table: dict[str, Any]) -> str:
    """msgspec's words with the key's whole path, and the nearest known key where one is unknown."""
    place = re.search(r"at `\$\.?(.*)`", message)
    inside = re.sub(r"\[\.\.\.\]", "", place[1] if place else "")
    unknown = re.search(r"unknown field `(.*?)`", message)
    if unknown:
        key = unknown[1]
        known = _known_keys(inside)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return f"{path}: unknown key {_full_name(table, inside, key)!r}; {hint}"
    text = re.sub(r" - at `.*", "", message)
    return f"{path}: {inside or 'file'}: {text[:1].lower()}{text[1:]}; see configs/ for every key and its unit"


def _known_keys(inside: str) -> tuple[str, ...]:
    table: dict[str, type[msgspec.Struct]] = {
        "limits": Limits, "venues": VenueConfig, "pairs": PairConfig, "strategies": StrategyConfig,
    }  # fmt: skip
    return table.get(inside.split(".")[0], Config).__struct_fields__


def _full_name(table: dict[str, Any], inside: str, key: str) -> str:
    top = inside.split(".")[0]
    for name, inner in (table.get(top) or {}).items() if top in ("venues", "pairs", "strategies") else ():
        if isinstance(inner, dict) and key in inner:
            return f"{top}.{name}.{key}"
    return f"{inside}.{key}" if inside else key
