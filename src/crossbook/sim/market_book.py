"""Dice and books of the generated market: one random stream each, levels that move, rows that say what changed.

No library's random numbers and no library's exp or log: integers, + - * / and sqrt only, so that a seed gives the
same rows on every machine, compiled or not.
"""

from __future__ import annotations

import math
from typing import Any

from crossbook.events import FLAG_LAST, EventKind
from crossbook.rules.grid import price_step
from crossbook.rules.kernel import kernel
from crossbook.sim.market_world import LEVELS, SNAPSHOT_LEVELS
from crossbook.types import Venue

SNAPSHOT = int(EventKind.BOOK_SNAPSHOT)
DELTA = int(EventKind.BOOK_DELTA)
QUOTE = int(EventKind.QUOTE)
HYPERLIQUID = int(Venue.HYPERLIQUID)
SPOT = int(Venue.BINANCE_SPOT)
WORD = 0xFFFFFFFF
PER_WORD = 2.0**-32
HALF = 0xFFFF
ROOT_6 = 6.0**0.5
ROOT_3 = 3.0**0.5
NS_PER_MS = 1_000_000


@kernel
def draw(rng: Any) -> int:
    """The next 32 random bits of a stream (sfc32: three words and a counter)."""
    a = rng[0]
    b = rng[1]
    c = rng[2]
    drawn = (a + b + rng[3]) & WORD
    rng[3] = (rng[3] + 1) & WORD
    rng[0] = b ^ (b >> 9)
    rng[1] = (c + (c << 3)) & WORD
    rng[2] = (((c << 21) | (c >> 11)) + drawn) & WORD
    return drawn


@kernel
def chance(rng: Any) -> float:
    """Uniform in [0, 1)."""
    return draw(rng) * PER_WORD


@kernel
def shock(rng: Any) -> float:
    """Mean 0, variance 1, within +-2.45: what diffusion is summed from, a thousand of them a second."""
    drawn = draw(rng)
    return ((drawn >> 16) + (drawn & HALF) - HALF) * ROOT_6 / (HALF + 1)


@kernel
def bell(rng: Any) -> float:
    """Nearly normal, mean 0, variance 1, within +-3.46."""
    return (shock(rng) + shock(rng)) * (ROOT_3 / ROOT_6)


@kernel
def grown(x: float) -> float:
    """About e to the x, for |x| < 8, from multiplications alone."""
    power = 1.0 + x / 64.0
    for _ in range(6):
        power *= power
    return power


@kernel
def fresh_lots(place: Any, level: int, price: int, thin: float) -> int:
    """What stands at a new level: lognormal, more at deeper levels; `thin` < 1 for a touch that was just made."""
    value = place.touch_value * (1.0 + 0.35 * level) * grown(0.9 * bell(place.rng))
    if level < 3:
        value *= thin
    return max(math.floor(value / (price * place.lot_value)), 1)


@kernel
def move_touch(place: Any, side: int, best: int, step: int, thin: float) -> None:
    """Let `best` be the best price of a side: better levels are gone, nearer ones are new, old ones stay."""
    sign = 2 * side - 1
    old = 0
    while old < LEVELS and sign * place.price[side, old] < sign * best:
        old += 1
    joined = False
    price = best
    for level in range(LEVELS):
        if level > 0:
            price += sign * step * (1 + draw(place.rng) % (1 + math.floor(place.gap_growth * level)))
        if old < LEVELS and (joined or sign * place.price[side, old] <= sign * price):
            joined = True
            price = place.price[side, old]
            place.new_price[level] = price
            place.new_lots[level] = place.lots[side, old]
            old += 1
        else:
            place.new_price[level] = price
            place.new_lots[level] = fresh_lots(place, level, price, thin)
    for level in range(LEVELS):
        place.price[side, level] = place.new_price[level]
        place.lots[side, level] = place.new_lots[level]


@kernel
def quote_anew(place: Any, fair: float, thin: float) -> None:
    """Put both best prices around the fair price (in ticks), a drawn spread apart, on the legal grid."""
    step = price_step(place, math.floor(fair * 1.02))
    width = (place.spread_low + (place.spread_high - place.spread_low) * chance(place.rng)) * fair
    spread = step * max(math.floor(width / step + 0.5), 1)
    bid = step * math.floor((fair - 0.5 * spread) / step + 0.5)
    for side in range(2):
        move_touch(place, side, bid + side * spread, step, thin)


@kernel
def take_best(place: Any, side: int, lots: int) -> None:
    """Take `lots`, at most all, from the best level; an emptied one is gone and the book ends a step deeper."""
    place.lots[side, 0] -= lots
    if place.lots[side, 0] > 0:
        return
    step = price_step(place, math.floor(place.price[1, LEVELS - 1] * 1.02))
    move_touch(place, side, place.price[side, 1], step, 1.0)


@kernel
def put(world: Any, i: int, kind: int, ts_venue: int, id: int, out: Any, n: int) -> int:
    """Begin a row, all else 0, as the last of its event; the next free place."""
    row = out[n]
    row.ts = 0
    row.ts_venue = ts_venue
    row.kind = kind
    row.instrument = i
    row.venue = world.places[i].venue
    row.id = id
    row.id2 = 0
    row.price = 0
    row.lots = 0
    row.price2 = 0
    row.lots2 = 0
    row.side = 0
    row.flags = FLAG_LAST
    return n + 1


@kernel
def put_level(
    world: Any, i: int, kind: int, ts_venue: int, id: int, side: int, price: int, lots: int, out: Any, n: int
) -> int:
    """Begin a row that says what stands at, or was traded at, a price; the next free place."""
    put(world, i, kind, ts_venue, id, out, n)
    out[n].side = side
    out[n].price = price
    out[n].lots = lots
    return n + 1


@kernel
def close_frame(world: Any, i: int, out: Any, first: int, n: int) -> None:
    """Let rows `first` to `n` be one event, with one moment of arrival."""
    ts = arrival(world, world.places[i], out[first].ts_venue)
    for k in range(first, n):
        out[k].ts = ts
        out[k].flags = 0
    out[n - 1].flags = FLAG_LAST


@kernel
def arrival(world: Any, place: Any, ts_venue: int) -> int:
    """When a message reaches us: a least delay, a bounded heavy tail, and never before the venue's previous one."""
    tail = 1.0 / (1.0 - 0.9 * chance(place.rng)) - 1.0
    if place.venue == HYPERLIQUID:
        delay_us = 25_000.0 + 4_000.0 * tail
    else:
        delay_us = 3_000.0 + 700.0 * tail
    ts = ts_venue + 1_000 * math.floor(delay_us)
    if ts <= world.last_ts[place.venue]:
        ts = world.last_ts[place.venue] + 1_000
    world.last_ts[place.venue] = ts
    return ts


@kernel
def publish_quote(world: Any, i: int, ts_venue: int, always: bool, out: Any, n: int) -> int:
    """Say the best bid and ask if they differ from what was said last."""
    place = world.places[i]
    told = place.quote
    same = True
    for side in range(2):
        same = same and told[2 * side] == place.price[side, 0] and told[2 * side + 1] == place.lots[side, 0]
        told[2 * side] = place.price[side, 0]
        told[2 * side + 1] = place.lots[side, 0]
    if same and not always:
        return n
    n = put(world, i, QUOTE, ts_venue, book_id(place, ts_venue), out, n)
    row = out[n - 1]
    row.ts = arrival(world, place, ts_venue)
    row.price = told[0]
    row.lots = told[1]
    row.price2 = told[2]
    row.lots2 = told[3]
    return n


@kernel
def book_id(place: Any, ts_venue: int) -> int:
    """What a book is numbered by: Hyperliquid's by its time in ms, Binance's by a count of updates."""
    return ts_venue // NS_PER_MS if place.venue == HYPERLIQUID else place.id


@kernel
def publish_snapshot(world: Any, i: int, ts_venue: int, out: Any, n: int) -> int:
    """Say the whole displayed book."""
    place = world.places[i]
    first = n
    id = book_id(place, ts_venue)
    for side in range(2):
        for level in range(SNAPSHOT_LEVELS if place.venue == HYPERLIQUID else LEVELS):
            price = place.price[side, level]
            n = put_level(world, i, SNAPSHOT, ts_venue, id, side, price, place.lots[side, level], out, n)
    close_frame(world, i, out, first, n)
    remember(place)
    return n


@kernel
def publish_delta(world: Any, i: int, ts_venue: int, out: Any, n: int) -> int:
    """Say every level that changed since the last delta, linked to it as the venue links; nothing if none did."""
    place = world.places[i]
    first = n
    for side in range(2):
        sign = 2 * side - 1
        old = 0
        new = 0
        while old < LEVELS or new < LEVELS:
            # Below 0 the old level is the better one, so it is gone; above 0 the new one is, so it is new.
            order = -1 if new == LEVELS else 1
            if old < LEVELS and new < LEVELS:
                order = sign * (place.told_price[side, old] - place.price[side, new])
            if order < 0:
                price = place.told_price[side, old]
                n = put_level(world, i, DELTA, ts_venue, place.id, side, price, 0, out, n)
                old += 1
                continue
            price = place.price[side, new]
            lots = place.lots[side, new]
            if order > 0 or place.told_lots[side, old] != lots:
                n = put_level(world, i, DELTA, ts_venue, place.id, side, price, lots, out, n)
            new += 1
            if order == 0:
                old += 1
    if n == first:
        return n
    close_frame(world, i, out, first, n)
    for k in range(first, n):
        out[k].id2 = place.told_id + 1 if place.venue == SPOT else place.told_id
    remember(place)
    return n


@kernel
def remember(place: Any) -> None:
    """What was said last is the book of now."""
    place.told_id = place.id
    for side in range(2):
        for level in range(LEVELS):
            place.told_price[side, level] = place.price[side, level]
            place.told_lots[side, level] = place.lots[side, level]
