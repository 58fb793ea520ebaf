"""From a configuration and what the venues say to one bundle of parts: `wire` for runs on live streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crossbook.desk.capital import allocations
from crossbook.desk.config import Config
from crossbook.desk.survival import check_survival
from crossbook.desk.wire import declare, fill_desk, latency_of, ordered_names, setup_of, wanted_names
from crossbook.engine import Engine
from crossbook.errors import Refused
from crossbook.events import Transfer
from crossbook.ledger.declaration import Declaration
from crossbook.risk.allocation import Allocation
from crossbook.sim.latency import LatencyModel
from crossbook.sim.layout import Setup
from crossbook.state import State
from crossbook.types import Instrument, Venue


class LiveBundle(msgspec.Struct, kw_only=True):
    """Everything a run on live streams is made of; its first `transfers` are what the venues say we own."""

    config: Config
    declaration: Declaration
    instruments: tuple[Instrument, ...]
    engine: Engine
    state: State
    transfers: list[Transfer]
    capital: list[Allocation]


def wire_live(
    config: Config,
    instruments: Mapping[str, Instrument],
    offsets_ns: Mapping[Venue, int],
    wallets: Mapping[Venue, Mapping[str, int]],
    ts: int,
    not_wired: Sequence[str],
) -> LiveBundle:
    """Choose the parts of a run that begins at `ts` on live streams.

    `instruments`: by name, with the rules that their venues have now; all that the configuration names must be there.
    `offsets_ns`: what is added to a venue's stamps. `wallets`: what is owned there, in 1e-8 units by asset; assets that
    the run does not know are left out. `not_wired`: controls that have nothing to speak on. Raises `Refused` where the
    configuration does not fit.
    """
    missing = [name for name in wanted_names(config) if name not in instruments]
    if missing:
        raise Refused(f"the venues do not list {', '.join(missing)}; take it out of [pairs] or [marks]")
    for name, table in config.survival_tables.items():
        check_survival(table, name, ts)
    names = ordered_names(config, config.pairs, config.marks)
    chosen = tuple(instruments[name] for name in names)
    declaration = declare(config, chosen, config.pairs, config.marks, offsets_ns, not_wired)
    capital = allocations(config)
    desk = fill_desk(config, declaration, chosen, capital)
    owned = [
        (int(venue), declaration.assets.index(asset), amount)
        for venue in sorted(wallets)
        for asset, amount in sorted(wallets[venue].items())
        if asset in declaration.assets and amount != 0
    ]
    return LiveBundle(
        config=config,
        declaration=declaration,
        instruments=chosen,
        engine=Engine(desk),
        state=State(desk),
        transfers=[
            Transfer(ts=ts, ts_venue=ts, venue=venue, asset=asset, amount_e8=amount, transfer=number)
            for number, (venue, asset, amount) in enumerate(owned, 1)
        ],
        capital=capital,
    )


def simulation_of(bundle: LiveBundle) -> tuple[Setup, LatencyModel]:
    """What simulated venues need to trade beside live streams."""
    return setup_of(bundle.config, bundle.declaration, bundle.instruments), latency_of(bundle.config)
