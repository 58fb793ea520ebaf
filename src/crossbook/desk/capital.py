"""The capital of each strategy at each venue, from the configuration and the runs that it names as evidence."""

from __future__ import annotations

from decimal import Decimal

from crossbook.desk.config import Config
from crossbook.desk.runs import find_run
from crossbook.desk.summary import ledger_of
from crossbook.errors import Refused
from crossbook.risk.allocation import Allocation, Evidence, allocate

VALUE_PER_E8 = 10**10
"""The ledger's values stand at 1e-18."""


def venue_capital_e8(config: Config) -> dict[str, int]:
    """What each venue opens with, in its own dollar (USDT or USDC) at 1e-8; venues with nothing are left out."""
    capital = {}
    for label, venue in config.venues.items():
        dollars = sum((amount for asset, amount in venue.opening.items() if asset in ("USDT", "USDC")), Decimal(0))
        whole = dollars + sum(venue.opening_worth_usdt.values(), Decimal(0))
        if whole > 0:
            capital[label] = int(whole.scaleb(8))
    return capital


def evidence_of(config: Config) -> dict[str, Evidence]:
    """The round trips of each strategy in the runs named as evidence, in order. Raises `Refused` for an unknown run."""
    trips: dict[str, list[int]] = {name: [] for name in config.strategies}
    for run in config.evidence:
        ledger = ledger_of(find_run(run))
        for (number, _), nets in ledger.trips.closed.items():
            name = ledger.declaration.strategies[number]
            if name in trips:
                trips[name] += [net // VALUE_PER_E8 for net in nets]
    return {name: Evidence(trips_e8=tuple(nets)) for name, nets in trips.items()}


def allocations(config: Config) -> list[Allocation]:
    """What every strategy may hold at every venue it trades on, with the reason."""
    if config.allocation not in ("equal", "evidence"):
        raise Refused(f"allocation {config.allocation!r} is unknown: choose equal or evidence")
    found = evidence_of(config)
    rows = []
    for label, whole in venue_capital_e8(config).items():
        names = [name for name in config.strategies if label in venues_of(config, name)]
        rows += allocate({label: whole}, names, config.allocation, found)
    return rows


def venues_of(config: Config, strategy: str) -> set[str]:
    """Labels of the venues that a strategy trades on."""
    pairs = [config.pairs[name] for name in config.strategies[strategy].pairs]
    return {leg.partition(":")[0] for pair in pairs for leg in (pair.a, pair.b)}
