"""How the generated market moves: one millisecond after another, coins first, then each book.

The mechanisms and their reasons: docs/market-generator.md.
"""

from __future__ import annotations

import math
from typing import Any

from crossbook.events import EventKind
from crossbook.rules.kernel import kernel
from crossbook.sim.market_book import (
    HYPERLIQUID,
    NS_PER_MS,
    SPOT,
    arrival,
    bell,
    chance,
    draw,
    fresh_lots,
    grown,
    publish_delta,
    publish_quote,
    publish_snapshot,
    put,
    put_level,
    quote_anew,
    shock,
    take_best,
)
from crossbook.sim.market_world import LEVELS, USDC
from crossbook.types import Venue

TRADE = int(EventKind.TRADE)
FUNDING = int(EventKind.FUNDING)
USDM = int(Venue.BINANCE_USDM)

ROOM = 2_048
"""Rows that one millisecond may need."""

RHO = 0.75
"""Correlation of the two coins' diffusion."""
REST = (1.0 - RHO * RHO) ** 0.5
BURSTS_PER_MIN = 1.5
BURST_CHANCE = BURSTS_PER_MIN / 60_000.0
BURST_KEPT = 1.0 - 1.0 / 4_000.0
SLOW_MS = 100
BASIS_KEPT = 1.0 - SLOW_MS / 240_000.0
BASIS_DRAWN = (1.0 - BASIS_KEPT * BASIS_KEPT) ** 0.5
DOLLAR_SD = 2.5e-4
DOLLAR_KEPT = 1.0 - SLOW_MS / 1_200_000.0
DOLLAR_DRAWN = DOLLAR_SD * (1.0 - DOLLAR_KEPT * DOLLAR_KEPT) ** 0.5
JUMP_LEAST = 10e-4
JUMP_RANGE = 20e-4
SWEEP_LEAST = 8.5e-4
SWEEP_MOST = 38e-4
DISLOCATION_MOST = 40e-4
VISIBLE = 2e-4
THIN = 0.3
SWEPT_LEVELS = 5


@kernel
def advance(worlds: Any, out: Any, n: int, until_ms: int) -> int:
    """Live on to millisecond `until_ms` or until `out` is nearly full, writing from row `n` in venue time; the next
    free row."""
    world = worlds[0]
    while world.ms < until_ms and n + ROOM <= len(out):
        move_coins(world)
        for i in range(world.n_places):
            n = live(world, i, out, n)
        world.ms += 1
    return n


@kernel
def move_coins(world: Any) -> None:
    """Diffusion, bursts and jumps of the efficient prices; the slow price of USDC."""
    first = 0.0
    for c in range(len(world.coins)):
        coin = world.coins[c]
        step = shock(coin.rng)
        if c == 0:
            first = step
        else:
            step = RHO * first + REST * step
        coin.price *= 1.0 + coin.diffusion * (1.0 + 0.3 * coin.burst) * step
        coin.burst *= BURST_KEPT
        coin.jump = 0.0
        fate = chance(coin.rng)
        if fate < coin.jump_chance:
            coin.jump = JUMP_LEAST + JUMP_RANGE * chance(coin.rng)
            if draw(coin.rng) & 1:
                coin.jump = -coin.jump
            coin.leader = USDM if chance(coin.rng) < 0.75 else HYPERLIQUID
            coin.price *= 1.0 + coin.jump
            coin.burst += 1.0
        elif fate < coin.jump_chance + BURST_CHANCE:
            coin.burst += 1.0 + 2.0 * chance(coin.rng)
    if world.ms % SLOW_MS == 0:
        world.usdc = 1.0 + (world.usdc - 1.0) * DOLLAR_KEPT + DOLLAR_DRAWN * bell(world.rng)


@kernel
def live(world: Any, i: int, out: Any, n: int) -> int:
    """One millisecond of one instrument: where its fair price is, what that does to its book, what is published."""
    place = world.places[i]
    ts_venue = (world.start_ms + world.ms) * NS_PER_MS
    swept = 0.0
    burst = 0.0
    if place.coin == USDC:
        place.seen = world.usdc
    else:
        coin = world.coins[place.coin]
        burst = coin.burst
        place.seen += (coin.price - place.seen) * place.follow
        swept = dislocate(world.ms, place, coin)
    if world.ms % SLOW_MS == 0:
        place.basis = place.basis * BASIS_KEPT + place.basis_sd * BASIS_DRAWN * bell(place.rng)
    fair = place.seen * (1.0 + place.basis + place.dislocation) / (place.tick_e8 * 1e-8)
    if place.in_usdc == 1:
        fair /= world.usdc
    if place.funding_every_ms > 0 and (world.start_ms + world.ms) % place.funding_every_ms == 0:
        n = fund(world, i, ts_venue, out, n)
    if place.started == 0:
        return start(world, i, fair, ts_venue, out, n)
    if swept != 0.0:
        n = sweep(world, i, 1 if swept > 0.0 else 0, fair, ts_venue, out, n)
    if swept != 0.0 or world.ms >= place.next_ms:
        n = act(world, i, fair, swept != 0.0, burst, ts_venue, out, n)
    if place.venue == HYPERLIQUID:
        if world.ms >= place.snapshot_ms:
            place.snapshot_ms = world.ms + 480 + draw(place.rng) % 40
            n = publish_snapshot(world, i, ts_venue, out, n)
    elif place.venue == SPOT and world.ms % 100 == 0:
        n = publish_delta(world, i, ts_venue, out, n)
    return n


@kernel
def dislocate(ms: int, place: Any, coin: Any) -> float:
    """Let the venue's distance from the coin's price decay, or open: a laggard at a jump, a sweep of this book alone.

    The relative move of this millisecond that takers' sweeps print, 0 if none.
    """
    if ms >= place.hold_ms:
        place.dislocation *= place.decay
    swept = 0.0
    if coin.jump != 0.0:
        place.seen *= 1.0 + coin.jump
        if place.venue == coin.leader:
            swept = coin.jump
        else:
            place.dislocation -= coin.jump
            place.hold_ms = ms + 30 + draw(place.rng) % 370
            place.decay = 1.0 - 1.0 / (20.0 + 60.0 * chance(place.rng))
    if chance(place.rng) < place.dislocation_chance * (1.0 + coin.burst):
        swept = min(SWEEP_LEAST / math.sqrt(math.sqrt(chance(place.rng) + 1e-9)), SWEEP_MOST)
        if draw(place.rng) & 1:
            swept = -swept
        place.dislocation += swept
        luck = chance(place.rng)
        place.hold_ms = ms + 25 + math.floor(800.0 * luck * luck)
        place.decay = 1.0 - 1.0 / (40.0 + 120.0 * chance(place.rng))
    place.dislocation = min(max(place.dislocation, -DISLOCATION_MOST), DISLOCATION_MOST)
    return swept


@kernel
def start(world: Any, i: int, fair: float, ts_venue: int, out: Any, n: int) -> int:
    """The first book, whole, and its quote."""
    place = world.places[i]
    place.started = 1
    place.price[0, :] = -1
    place.price[1, :] = 0
    quote_anew(place, fair, 1.0)
    place.next_ms = world.ms + 1
    place.snapshot_ms = world.ms + 480
    n = publish_snapshot(world, i, ts_venue, out, n)
    return publish_quote(world, i, ts_venue, place.coin == USDC, out, n)


@kernel
def sweep(world: Any, i: int, side: int, fair: float, ts_venue: int, out: Any, n: int) -> int:
    """A taker eats the book up to the new price: prints at its best levels, which `act` then replaces."""
    place = world.places[i]
    sign = 2 * side - 1
    for level in range(SWEPT_LEVELS):
        price = place.price[side, level]
        if sign * price >= sign * fair:
            return n
        n = print_trade(world, i, 1 - side, price, place.lots[side, level], ts_venue, out, n)
    return n


@kernel
def act(world: Any, i: int, fair: float, swept: bool, burst: float, ts_venue: int, out: Any, n: int) -> int:
    """A change of the book: a trade at the touch or orders placed and cancelled, then the touch back to fair."""
    place = world.places[i]
    hurry = 1.0 + burst
    if abs(place.dislocation) > VISIBLE:
        hurry += 1.0
    span = 1 + math.floor(2.0 * place.activity_ms / hurry)
    place.next_ms = world.ms + 1 + draw(place.rng) % span
    place.id += 1 + draw(place.rng) % 5
    thin = THIN if abs(place.dislocation) > VISIBLE else 1.0
    middle = 0.5 * (place.price[0, 0] + place.price[1, 0])
    if swept or abs(fair - middle) > place.tolerance * fair:
        quote_anew(place, fair, thin)
    elif chance(place.rng) < place.trade_share:
        side = draw(place.rng) & 1
        price = place.price[side, 0]
        value = place.trade_value * grown(1.2 * bell(place.rng))
        lots = min(max(math.floor(value / (price * place.lot_value)), 1), place.lots[side, 0])
        n = print_trade(world, i, 1 - side, price, lots, ts_venue, out, n)
        take_best(place, side, lots)
    elif place.price[1, 0] - place.price[0, 0] > 2.0 * place.spread_high * fair and draw(place.rng) & 1:
        quote_anew(place, fair, thin)
    else:
        for _ in range(1 + draw(place.rng) % 2):
            side = draw(place.rng) & 1
            level = draw(place.rng) % 4 * (draw(place.rng) % 4) % LEVELS
            place.lots[side, level] = fresh_lots(place, level, place.price[side, level], thin)
    n = publish_quote(world, i, ts_venue, place.coin == USDC, out, n)
    if place.venue == USDM:
        n = publish_delta(world, i, ts_venue, out, n)
    return n


@kernel
def print_trade(world: Any, i: int, taker: int, price: int, lots: int, ts_venue: int, out: Any, n: int) -> int:
    """One public print; `taker` is 0 for a buyer."""
    place = world.places[i]
    place.trade_id += 1
    n = put_level(world, i, TRADE, ts_venue, place.trade_id, taker, price, lots, out, n)
    out[n - 1].ts = arrival(world, place, ts_venue)
    return n


@kernel
def fund(world: Any, i: int, ts_venue: int, out: Any, n: int) -> int:
    """A funding stamp: the venue's usual rate, higher where the contract trades above the coin."""
    place = world.places[i]
    rate = math.floor(place.funding_rate_e8 * (1.0 + 3_000.0 * place.basis))
    price = place.seen * (1.0 + place.basis)
    if place.in_usdc == 1:
        price /= world.usdc
    n = put(world, i, FUNDING, ts_venue, 0, out, n)
    out[n - 1].ts = arrival(world, place, ts_venue)
    out[n - 1].price = math.floor(price * 1e4) * 10_000
    out[n - 1].lots = rate
    return n
