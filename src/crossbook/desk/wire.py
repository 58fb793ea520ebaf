"""From a configuration and a tape to one bundle of parts: the only place that chooses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from crossbook.desk.capital import allocations
from crossbook.desk.config import BASE_TIER_BPS, STRATEGY_KINDS, Config, PairConfig, VenueConfig
from crossbook.desk.survival import check_survival, write_survival
from crossbook.engine import Engine
from crossbook.errors import Refused
from crossbook.events import EventKind, Transfer
from crossbook.ledger.declaration import (
    NOT_PRICED,
    REPORTING,
    Declaration,
    DeclaredInstrument,
    DeclaredPair,
    DeclaredVenue,
)
from crossbook.risk.allocation import Allocation
from crossbook.risk.limits import NOT_WIRED, check_controls_off, write_limits
from crossbook.rules.declare import declare_instrument
from crossbook.rules.layout import (
    MAX_ASSETS,
    MAX_INSTRUMENTS,
    MAX_PAIRS,
    MAX_STRATEGIES,
    Rows,
    new_desk,
)
from crossbook.sim.latency import Constant, LatencyModel, Leg, Sampled
from crossbook.sim.layout import Setup
from crossbook.sim.venue import SimulatedVenues
from crossbook.state import State
from crossbook.tape.tape import Tape, select
from crossbook.timestamp import NS_PER_MS, NS_PER_S, NS_PER_US
from crossbook.types import VENUE_BY_LABEL, Instrument, InstrumentKind, Level, Venue


class Bundle(msgspec.Struct, kw_only=True):
    """Everything a run over a tape is made of."""

    config: Config
    declaration: Declaration
    tape: Tape
    engine: Engine
    state: State
    venues: SimulatedVenues
    transfers: list[Transfer]
    not_traded: list[str]
    capital: list[Allocation]


def wire(config: Config, tape: Tape, *, strict: bool = False) -> Bundle:
    """Choose the parts of a run.

    Instruments that the tape lacks take their pairs with them and are named in `not_traded`; with `strict` they are an
    error. Raises `Refused` if no pair remains, or where the configuration does not fit the tape.
    """
    chosen, declaration, not_traded = _choose(config, tape, strict)
    for name, table in config.survival_tables.items():
        check_survival(table, name, chosen.manifest.first_ns)
    capital = allocations(config)
    desk = fill_desk(config, declaration, chosen.instruments, capital)
    setup = setup_of(config, declaration, chosen.instruments)
    venues = SimulatedVenues(setup, chosen.rows, chosen.starts, latency_of(config))
    return Bundle(
        config=config,
        declaration=declaration,
        tape=chosen,
        engine=Engine(desk),
        state=State(desk),
        venues=venues,
        transfers=_opening(config, declaration, chosen),
        not_traded=not_traded,
        capital=capital,
    )


def wire_market(config: Config, tape: Tape) -> tuple[Tape, Declaration, Callable[[], Rows]]:
    """The tape of a configuration's instruments, what it declares, and a maker of fresh desks: for looking at a market
    without a run."""
    chosen, declaration, _ = _choose(config, tape, False)
    return chosen, declaration, lambda: fill_desk(config, declaration, chosen.instruments, [])


def clips_e8(config: Config, declaration: Declaration) -> list[int]:
    """The largest clip of any strategy, by pair."""
    return [
        max((int(s.clip_usd.scaleb(8)) for s in config.strategies.values() if pair.name in s.pairs), default=0)
        for pair in declaration.pairs
    ]


def _choose(config: Config, tape: Tape, strict: bool) -> tuple[Tape, Declaration, list[str]]:
    there = {instrument.name for instrument in tape.instruments}
    not_traded = [name for name in wanted_names(config) if name not in there]
    if not_traded and strict:
        raise Refused(f"--strict: the tape has no {', '.join(not_traded)}; it has {', '.join(sorted(there))}")
    pairs = {name: pair for name, pair in config.pairs.items() if pair.a in there and pair.b in there}
    if not pairs:
        raise Refused(
            f"no configured pair is on the tape: it lacks {', '.join(not_traded)}; it has {', '.join(sorted(there))}"
        )
    marks = {asset: name for asset, name in config.marks.items() if name in there}
    chosen = select(tape, ordered_names(config, pairs, marks))
    offsets_ns = {VENUE_BY_LABEL[label]: clock.offset_ns for label, clock in tape.manifest.clocks.items()}
    return chosen, declare(config, chosen.instruments, pairs, marks, offsets_ns), not_traded


def wanted_names(config: Config) -> list[str]:
    """The names of all instruments that a configuration trades or marks by."""
    return sorted({leg for pair in config.pairs.values() for leg in (pair.a, pair.b)} | set(config.marks.values()))


def ordered_names(config: Config, pairs: dict[str, PairConfig], marks: dict[str, str]) -> list[str]:
    """In the desk's order: what is traded, then what only marks."""
    used = sorted({leg for pair in pairs.values() for leg in (pair.a, pair.b)})
    names = used + [name for name in marks.values() if name not in used]
    if len(names) > MAX_INSTRUMENTS or len(pairs) > MAX_PAIRS or len(config.strategies) > MAX_STRATEGIES:
        raise Refused(
            f"{len(names)} instruments, {len(pairs)} pairs, {len(config.strategies)} strategies: at most "
            f"{MAX_INSTRUMENTS}, {MAX_PAIRS} and {MAX_STRATEGIES} fit"
        )
    return names


def fees_ppm(config: Config, venue: Venue) -> tuple[int, int]:
    """Maker and taker fee of a venue in parts per million."""
    given = config.venues[venue.label]
    base = BASE_TIER_BPS[venue]
    maker = base[0] if given.maker_bps is None else given.maker_bps
    taker = base[1] if given.taker_bps is None else given.taker_bps
    return int(maker.scaleb(2)), int(taker.scaleb(2))


def declare(
    config: Config,
    instruments: tuple[Instrument, ...],
    pairs: dict[str, PairConfig],
    marks: dict[str, str],
    offsets_ns: Mapping[Venue, int],
    not_wired: Sequence[str] = NOT_WIRED,
) -> Declaration:
    names = [instrument.name for instrument in instruments]
    held = {asset for venue in config.venues.values() for asset in (*venue.opening, *venue.opening_worth_usdt)}
    assets = [config.reporting_asset]
    for instrument in instruments:
        assets += [instrument.quote, instrument.settle, instrument.base]
    assets = list(dict.fromkeys([*assets, *sorted(held)]))
    if len(assets) > MAX_ASSETS:
        raise Refused(f"{len(assets)} assets ({', '.join(assets)}), at most {MAX_ASSETS} fit")
    asset_marks = [
        REPORTING if asset == config.reporting_asset else names.index(marks[asset]) if asset in marks else NOT_PRICED
        for asset in assets
    ]
    for asset in sorted(held | {instrument.settle for instrument in instruments if instrument.name in names}):
        if asset_marks[assets.index(asset)] == NOT_PRICED:
            raise Refused(f"asset {asset} is held or paid in but has no price: add it under [marks], on the tape")
    steps = {name: _common_step(instruments, names, pair) for name, pair in pairs.items()}
    return Declaration(
        instruments=[
            DeclaredInstrument(
                **msgspec.structs.asdict(instrument),
                maker_ppm=fees_ppm(config, instrument.venue)[0],
                taker_ppm=fees_ppm(config, instrument.venue)[1],
            )
            for instrument in instruments
        ],
        assets=assets,
        asset_marks=asset_marks,
        reporting=0,
        venues=[_declare_venue(venue, instruments, assets, offsets_ns.get(venue, 0)) for venue in Venue],
        strategies=list(config.strategies),
        pairs=[
            DeclaredPair(name=name, a=names.index(pair.a), b=names.index(pair.b), step_e8=steps[name])
            for name, pair in pairs.items()
        ],
        physics=config.physics,
        controls_off=[*sorted(config.controls_off), *not_wired],
        config=msgspec.json.encode(config, order="deterministic").decode(),
    )


def _declare_venue(
    venue: Venue, instruments: tuple[Instrument, ...], assets: list[str], offset_ns: int
) -> DeclaredVenue:
    settles = [i.settle for i in instruments if i.venue is venue and i.kind is not InstrumentKind.SPOT]
    return DeclaredVenue(
        label=venue.label,
        margin=bool(settles),
        collateral=assets.index(settles[0]) if settles else -1,
        clock_offset_ns=offset_ns,
    )


def _common_step(instruments: tuple[Instrument, ...], names: list[str], pair: PairConfig) -> int:
    a, b = instruments[names.index(pair.a)], instruments[names.index(pair.b)]
    if a.base != b.base:
        raise Refused(f"pair {a.name} x {b.name}: bases {a.base} and {b.base} differ")
    if InstrumentKind.INVERSE in (a.kind, b.kind):
        raise Refused(f"pair {a.name} x {b.name}: arbitrage with an inverse contract is not supported; use linear ones")
    return math.lcm(a.lot_e8, b.lot_e8)


def fill_desk(
    config: Config, declaration: Declaration, instruments: tuple[Instrument, ...], capital: list[Allocation]
) -> Rows:
    desk = new_desk()
    s = desk[0]
    s.n_instruments = len(instruments)
    s.n_venues = len(declaration.venues)
    s.n_assets = len(declaration.assets)
    s.n_strategies = len(declaration.strategies)
    s.n_pairs = len(declaration.pairs)
    s.reporting = declaration.reporting
    s.level = int(Level.ACTIVE)
    s.next_order = 1
    s.next_intent = 1
    for index, declared in enumerate(declaration.instruments):
        row = s.instruments[index]
        declare_instrument(row, declared, declaration.assets, declared.maker_ppm, declared.taker_ppm)
        row.level = int(Level.ACTIVE)
    for venue in Venue:
        row = s.venues[venue]
        given = config.venues.get(venue.label, VenueConfig())
        age = given.quote_age_ms_max if given.quote_age_ms_max is not None else config.limits.quote_age_ms_max
        row.margin = int(declaration.venues[venue].margin)
        row.collateral = declaration.venues[venue].collateral
        row.leverage = given.leverage_x
        row.delay_ns = _slow_delay_ns(given)
        row.quote_age_ns_max = int(age * NS_PER_MS)
        row.level = int(Level.ACTIVE)
    for index, mark in enumerate(declaration.asset_marks):
        s.assets[index].mark_instrument = mark
    for index, pair in enumerate(declaration.pairs):
        s.pairs[index].a, s.pairs[index].b, s.pairs[index].step_e8 = pair.a, pair.b, pair.step_e8
    where = "configuration"
    write_limits(s.limits, config.limits, check_controls_off(config.controls_off, where))
    pair_numbers = {pair.name: number for number, pair in enumerate(declaration.pairs)}
    for index, (name, strategy) in enumerate(config.strategies.items()):
        row = s.strategies[index]
        row.kind = STRATEGY_KINDS[strategy.kind]
        row.level = int(Level.ACTIVE)
        row.pairs = sum(1 << pair_numbers[name] for name in strategy.pairs if name in pair_numbers)
        row.clip_e8 = int(strategy.clip_usd.scaleb(8))
        row.min_edge_ppm = int(strategy.min_edge_bps.scaleb(2))
        row.exit_keep_ppm = int(strategy.exit_keep_bps.scaleb(2))
        row.hold_ns_max = int(strategy.hold_s_max * NS_PER_S)
        row.collar_ppm = int(strategy.collar_bps.scaleb(2))
        row.depth_ppm = int(strategy.depth_pct.scaleb(4))
        row.full_edge_ppm = int(strategy.full_edge_bps.scaleb(2))
        row.volatility_ppm = int(strategy.volatility_bps.scaleb(2))
        row.adapt_ppm = int(strategy.adapt_pct.scaleb(4))
        whole = int(config.limits.position_notional_usd_max.scaleb(8))
        row.capital_e8 = min((one.capital_e8 for one in capital if one.strategy == name), default=whole)
    for table in config.survival_tables.values():
        write_survival(s.survival, table)
    return desk


def setup_of(config: Config, declaration: Declaration, instruments: tuple[Instrument, ...]) -> Setup:
    given = [config.venues.get(venue.label, VenueConfig()) for venue in Venue]
    return Setup(
        instruments=instruments,
        maker_ppm=tuple(i.maker_ppm for i in declaration.instruments),
        taker_ppm=tuple(i.taker_ppm for i in declaration.instruments),
        assets=tuple(declaration.assets),
        margin=tuple(venue.margin for venue in declaration.venues),
        leverage=tuple(venue.leverage_x for venue in given),
    )


def _slow_delay_ns(venue: VenueConfig) -> int:
    """The way to the venue that three of four orders do not exceed: what v2 reckons with."""
    given = venue.entry_latency_us
    values = sorted(given) if isinstance(given, list) else [given]
    return values[(len(values) * 3 - 1) // 4] * NS_PER_US


def latency_of(config: Config) -> LatencyModel:
    legs = {VENUE_BY_LABEL[label]: _leg(venue, config.seed) for label, venue in config.venues.items()}
    return LatencyModel(config.seed, legs)


def _leg(venue: VenueConfig, seed: int) -> Leg:
    def part(given: int | list[int]) -> Constant | Sampled:
        if isinstance(given, int):
            return Constant(us=given)
        return Sampled(values_ns=tuple(us * NS_PER_US for us in given), seed=seed)

    return Leg(entry=part(venue.entry_latency_us), response=part(venue.response_latency_us))


def _opening(config: Config, declaration: Declaration, tape: Tape) -> list[Transfer]:
    """The opening balances as transfers stamped with the tape's first moment."""
    ts = int(tape.rows["ts"][0])
    transfers: list[Transfer] = []
    for venue in Venue:
        given = config.venues.get(venue.label)
        if given is None:
            continue
        amounts = {asset: int(amount.scaleb(8)) for asset, amount in given.opening.items()}
        for asset, worth in given.opening_worth_usdt.items():
            amounts[asset] = amounts.get(asset, 0) + _worth_of(declaration, tape, asset, worth)
        for asset, amount in amounts.items():
            if amount > 0:
                transfers.append(
                    Transfer(
                        ts=ts,
                        ts_venue=ts,
                        venue=int(venue),
                        asset=declaration.assets.index(asset),
                        amount_e8=amount,
                        transfer=len(transfers) + 1,
                    )
                )
    return transfers


def _worth_of(declaration: Declaration, tape: Tape, asset: str, worth: Decimal) -> int:
    """The coin, in 1e-8 units, that is worth that much at the first price of its mark instrument, rounded down."""
    index = declaration.asset_marks[declaration.assets.index(asset)]
    rows = tape.rows[tape.rows["instrument"] == index]
    quotes = rows[(rows["kind"] == EventKind.QUOTE) & (rows["lots"] > 0) & (rows["lots2"] > 0)]
    if len(quotes):
        twice = int(quotes["price"][0]) + int(quotes["price2"][0])
    else:
        snapshot = rows[rows["kind"] == EventKind.BOOK_SNAPSHOT]
        first = snapshot[snapshot["id"] == snapshot["id"][0]] if len(snapshot) else snapshot
        bids, asks = first[first["side"] == 0]["price"], first[first["side"] == 1]["price"]
        if not len(bids) or not len(asks):
            raise Refused(f"the tape shows no price of {declaration.instruments[index].name} to open {asset} at")
        twice = int(np.max(bids)) + int(np.min(asks))
    price_e8 = twice * declaration.instruments[index].tick_e8 // 2
    return int(worth.scaleb(16)) // price_e8
