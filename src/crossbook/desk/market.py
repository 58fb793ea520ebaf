"""The generated market of a configuration's venues, as a tape."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from crossbook.desk.config import Config
from crossbook.sim.market import generate_market
from crossbook.tape.tape import Tape, tape_of_rows, write_tape
from crossbook.types import VENUE_BY_LABEL, Venue


def market_venues(config: Config) -> list[Venue]:
    """The venues that a configuration trades on, in their order."""
    legs = [leg for pair in config.pairs.values() for leg in (pair.a, pair.b)]
    return sorted({VENUE_BY_LABEL[leg.partition(":")[0]] for leg in legs})


def generated_tape(config: Config, seed: int, minutes: Decimal) -> Tape:
    """A seeded market for a configuration, in memory. Raises `Refused` for a venue that has no generator."""
    instruments, rows = generate_market(seed, minutes, market_venues(config))
    return tape_of_rows(instruments, rows, facts={"generator": "seeded market", "seed": str(seed)})


def keep_tape(tape: Tape, directory: Path) -> None:
    """Write a tape that lives in memory, so that its run can be proved later."""
    write_tape(directory, tape.rows, tape.manifest)
