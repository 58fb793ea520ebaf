"""The generated market's parameters, one table, and the record its kernel lives in.

Why each parameter has its value, and the figures that come of them: docs/market-generator.md.
Times in ms, relative distances in basis points (bp), sizes in units of the quote asset, rates per minute.
"""

from __future__ import annotations

import msgspec
import numpy as np

from crossbook.rules.layout import I8, Rows, record
from crossbook.types import Instrument, Venue

F8 = np.float64
LEVELS = 24
"""Levels a side that a generated book has."""
SNAPSHOT_LEVELS = 20
"""Levels a side that Hyperliquid's snapshots show."""
COINS = ("BTC", "ETH")
USDC = -1
"""The `coin` of USDCUSDT, whose fair price is the dollar, not a coin."""
STREAM_WORDS = 4
"""State of one random stream."""


class CoinCharacter(msgspec.Struct, frozen=True, kw_only=True):
    """How a coin's efficient price moves."""

    price: float
    """First price, USDT."""
    diffusion_bp: float
    """Standard deviation per square root of a second, outside bursts."""
    jumps_per_h: float


class Character(msgspec.Struct, frozen=True, kw_only=True):
    """How one venue quotes one instrument."""

    activity_ms: float
    """Mean time between two changes of the book, outside bursts."""
    follow_ms: float
    """Time constant with which the venue's view follows the efficient price."""
    basis_bp: float
    """Standard deviation of the slow basis to the efficient price."""
    tolerance_bp: float
    """How far the fair price strays from the middle before the touch is quoted anew."""
    spread_bp: tuple[float, float]
    """The spread is drawn between these, then rounded to the grid, at least one step."""
    touch_value: float
    """Median value at the best price."""
    trade_value: float
    """Median value of one print."""
    trade_share: float
    """Share of book changes that are trades."""
    dislocations_per_min: float
    """Sweeps of this book alone, outside bursts."""
    gap_growth: float
    """How much sparser each deeper level is."""


COIN = {
    "BTC": CoinCharacter(price=62_000.0, diffusion_bp=0.60, jumps_per_h=4.0),
    "ETH": CoinCharacter(price=2_600.0, diffusion_bp=0.85, jumps_per_h=4.0),
}

_SPOT_BTC = Character(
    activity_ms=25.0, follow_ms=20.0, basis_bp=0.8, tolerance_bp=0.15, spread_bp=(0.0, 0.02), touch_value=30_000.0,
    trade_value=400.0, trade_share=0.2, dislocations_per_min=2.5, gap_growth=1.0,
)  # fmt: skip
_USDM_BTC = Character(
    activity_ms=18.0, follow_ms=8.0, basis_bp=0.8, tolerance_bp=0.12, spread_bp=(0.0, 0.03), touch_value=60_000.0,
    trade_value=800.0, trade_share=0.25, dislocations_per_min=2.5, gap_growth=1.0,
)  # fmt: skip
_HYPER_BTC = Character(
    activity_ms=16.0, follow_ms=60.0, basis_bp=1.1, tolerance_bp=0.35, spread_bp=(0.7, 1.7), touch_value=2_500.0,
    trade_value=300.0, trade_share=0.15, dislocations_per_min=6.0, gap_growth=0.25,
)  # fmt: skip
CHARACTER: dict[tuple[Venue, str], Character] = {
    (Venue.BINANCE_SPOT, "BTC"): _SPOT_BTC,
    (Venue.BINANCE_SPOT, "ETH"): msgspec.structs.replace(_SPOT_BTC, touch_value=20_000.0, spread_bp=(0.0, 0.06)),
    (Venue.BINANCE_USDM, "BTC"): _USDM_BTC,
    (Venue.BINANCE_USDM, "ETH"): msgspec.structs.replace(_USDM_BTC, touch_value=40_000.0, spread_bp=(0.0, 0.06)),
    (Venue.HYPERLIQUID, "BTC"): _HYPER_BTC,
    (Venue.HYPERLIQUID, "ETH"): msgspec.structs.replace(_HYPER_BTC, touch_value=1_800.0, spread_bp=(0.9, 2.0)),
    (Venue.BINANCE_SPOT, "USDC"): Character(
        activity_ms=400.0, follow_ms=1.0, basis_bp=0.0, tolerance_bp=0.6, spread_bp=(0.0, 1.0), touch_value=400_000.0,
        trade_value=900.0, trade_share=0.2, dislocations_per_min=0.0, gap_growth=0.0,
    ),
}  # fmt: skip

COIN_RECORD = record(
    ("rng", I8, (STREAM_WORDS,)),
    ("price", F8),
    ("diffusion", F8),
    ("jump_chance", F8),
    ("burst", F8),
    ("jump", F8),
    ("leader", I8),
)
"""`jump`: the relative move of this millisecond, 0 in all others; `leader`: the venue that shows it first."""

PLACE = record(
    ("rng", I8, (STREAM_WORDS,)),
    ("price", I8, (2, LEVELS)),
    ("lots", I8, (2, LEVELS)),
    ("told_price", I8, (2, LEVELS)),
    ("told_lots", I8, (2, LEVELS)),
    ("new_price", I8, (LEVELS,)),
    ("new_lots", I8, (LEVELS,)),
    ("quote", I8, (4,)),
    *(
        (name, I8)
        for name in (
            "venue", "coin", "in_usdc", "tick_e8", "significant_figures", "started", "next_ms", "snapshot_ms",
            "hold_ms", "id", "told_id", "trade_id", "funding_every_ms", "funding_rate_e8",
        )
    ),
    *(
        (name, F8)
        for name in (
            "lot_value", "activity_ms", "follow", "basis_sd", "tolerance", "spread_low", "spread_high", "touch_value",
            "trade_value", "trade_share", "dislocation_chance", "gap_growth", "seen", "basis", "dislocation", "decay",
        )
    ),
)  # fmt: skip
"""One instrument: its book (best first), what of it was published (`told`), and its distance from the coin's price.
`lot_value`: quote units of one lot at one tick."""

WORLD = record(
    ("coins", COIN_RECORD, (len(COINS),)),
    ("places", PLACE, (8,)),
    ("rng", I8, (STREAM_WORDS,)),
    ("usdc", F8),
    ("last_ts", I8, (len(Venue),)),
    *((name, I8) for name in ("n_places", "start_ms", "ms")),
)
"""`usdc`: USDT per USDC; `last_ts`: when each venue's last message reached us; `ms`: since the start."""

STREAM_DOLLAR = 100
STREAM_COIN = 200
STREAM_PLACE = 300
MINUTE_MS = 60_000.0
FIRST_DAY = 18_262
"""2020-01-01: venue ids start where ids of that day would, far from 0 and from each other."""


def new_world(seed: int, start_ms: int, instruments: tuple[Instrument, ...]) -> Rows:
    """A one-element array of `WORLD` at its first millisecond, every random stream seeded apart."""
    world = np.zeros(1, WORLD)
    it = world[0]
    it.start_ms, it.n_places, it.usdc = start_ms, len(instruments), 1.0
    it.rng[:] = stream(seed, start_ms, STREAM_DOLLAR)
    for number, name in enumerate(COINS):
        coin, character = it.coins[number], COIN[name]
        coin.rng[:] = stream(seed, start_ms, STREAM_COIN + number)
        tilt = int(coin.rng[0]) / 2**32 - 0.5
        coin.price = character.price * (1.0 + 0.1 * tilt)
        coin.diffusion = character.diffusion_bp * 1e-4 / 1_000.0**0.5
        coin.jump_chance = character.jumps_per_h / (60.0 * MINUTE_MS)
    for number, instrument in enumerate(instruments):
        _settle(it.places[number], seed, start_ms, instrument, it)
    return world


def _settle(place: np.record, seed: int, start_ms: int, instrument: Instrument, world: np.record) -> None:
    """Write an instrument's grid and character into its place."""
    character = CHARACTER[instrument.venue, instrument.base]
    place.coin = COINS.index(instrument.base) if instrument.base in COINS else USDC
    place.rng[:] = stream(seed, start_ms, STREAM_PLACE + 10 * int(instrument.venue) + int(place.coin) + 1)
    place.venue, place.tick_e8 = int(instrument.venue), instrument.tick_e8
    place.significant_figures = instrument.significant_figures
    place.in_usdc = int(instrument.quote == "USDC")
    place.lot_value = instrument.tick_e8 * instrument.lot_e8 / 1e16
    place.activity_ms = character.activity_ms
    place.follow = 1.0 / character.follow_ms
    place.basis_sd = character.basis_bp * 1e-4
    place.tolerance = character.tolerance_bp * 1e-4
    place.spread_low, place.spread_high = (edge * 1e-4 for edge in character.spread_bp)
    place.touch_value, place.trade_value = character.touch_value, character.trade_value
    place.trade_share, place.gap_growth = character.trade_share, character.gap_growth
    place.dislocation_chance = character.dislocations_per_min / MINUTE_MS
    place.seen = world.usdc if place.coin == USDC else world.coins[int(place.coin)].price
    place.decay = 1.0
    place.id = place.told_id = (start_ms - FIRST_DAY * 86_400_000) // 4 + int(place.rng[1]) % 1_000_000
    place.trade_id = int(place.id) // 7
    if instrument.venue is Venue.HYPERLIQUID:
        place.funding_every_ms, place.funding_rate_e8 = 3_600_000, 1_250
    elif instrument.venue is Venue.BINANCE_USDM:
        place.funding_every_ms, place.funding_rate_e8 = 28_800_000, 10_000


def stream(seed: int, start_ms: int, number: int) -> list[int]:
    """The first state of random stream `number` of a seed and a window: three scrambled words and a counter."""
    words = np.random.SeedSequence([seed, start_ms, number]).generate_state(STREAM_WORDS - 1, np.uint32)
    return [*(int(word) for word in words), 1]
