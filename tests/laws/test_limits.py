"""The gate: every limit denies one unit beyond itself, by name and with its numbers, and lets pass what just fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import desk_material as make
import numba
import pytest
from desk_material import DOLLAR, E8, HYPER, INSTRUMENTS, MILLI, MS, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import FLAG_CLOSING, FLAG_HEDGE, FLAG_REDUCE_ONLY, Reason
from crossbook.events import OrderUnknown
from crossbook.rules.layout import BOOK_GAP, MAX_ORDERS
from crossbook.rules.limits import order_reason, pair_reason
from crossbook.rules.orders import apply_order_event
from crossbook.rules.rows import pack
from crossbook.types import Level

pytestmark = pytest.mark.jit_off
FEW = settings(max_examples=6 if numba.config.DISABLE_JIT else 100)
BUY, SELL, PLENTY = 0, 1, 1 << 60
VENUE = [int(one.venue) for one in INSTRUMENTS]
GROWTH = (
    "order_notional_e8_max", "position_notional_e8_max", "gross_e8_max", "delta_e8_max", "orders_per_s_max",
    "orders_per_min_max", "orders_per_h_max", "unhedged_notional_e8_max",
)  # fmt: skip


def relaxed() -> Any:
    """A desk with the opening books, money everywhere and no limit in the way."""
    s = make.opened()[0]
    for name in GROWTH:
        s.limits[name] = PLENTY
    s.limits.collar_ppm = s.limits.edge_ppm_max = 10**6
    s.limits.collateral_ppm_min = 0
    s.instruments["min_notional_e8"] = 0
    for venue in range(4):
        s.balances[venue] = 10**16
        s.venues[venue].leverage = 1
    return s


def ask(s: Any, i: int, side: int, millis: int, *, strategy: int = 0, usd: int = 60_000, flags: int = 0,
        beside: int = 0, price: int | None = None, lots: int | None = None) -> tuple[int, int, int]:  # fmt: skip
    """What the gate says to an order: `(reason, value, limit)`."""
    at = usd * USD[i] if price is None else price
    size = millis * MILLI[i] if lots is None else lots
    reason, value, limit = order_reason(s, strategy, i, side, at, size, flags, beside)
    return int(reason), int(value), int(limit)


def notional(i: int, price: int, lots: int) -> int:
    """In 1e-8 dollars: what price and quantity say, both exact."""
    return price * INSTRUMENTS[i].tick_e8 * lots * INSTRUMENTS[i].lot_e8 // E8


ALLOWED = (0, 0, 0)
ORDERS = {"i": st.sampled_from([SPOT, USDM, HYPER]), "side": st.integers(0, 1), "millis": st.integers(1, 40)}


@dataclass
class Held:
    """What strategies hold and have on the way, in thousandths of a coin by (strategy, instrument)."""

    lots: dict[tuple[int, int], int]
    sent: list[tuple[int, int, int, int]]

    def put(self, s: Any) -> None:
        for (strategy, i), millis in self.lots.items():
            make.hold(s, i, millis * MILLI[i], strategy)
        for number, (strategy, i, side, millis) in enumerate(self.sent):
            make.send(s, 1000 + number, i, side, millis * MILLI[i], strategy)

    def ends(self, strategy: int, i: int, more: tuple[int, int, int, int]) -> tuple[int, int]:
        """The lowest and highest that may come of it with one more order, in thousandths."""
        low = high = self.lots.get((strategy, i), 0)
        for owner, j, side, millis in [*self.sent, more]:
            if (owner, j) == (strategy, i):
                low, high = (low, high + millis) if side == BUY else (low - millis, high)
        return low, high


HELD = st.builds(
    Held,
    st.dictionaries(
        st.tuples(st.integers(0, 1), st.sampled_from([SPOT, USDM, HYPER])), st.integers(-30, 30), max_size=6
    ),
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([SPOT, USDM, HYPER]), st.integers(0, 1), st.integers(1, 20)),
        max_size=4,
    ),
)


def worth(millis: int) -> int:
    """At the side it would close against: bid 60,000, ask 60,001; a USDC is a USDT here."""
    return millis * (60_000 if millis > 0 else 60_001) * E8 // 1000


@FEW
@given(**ORDERS)
def test_order_size(i: int, side: int, millis: int) -> None:
    s = relaxed()
    value = notional(i, 60_000 * USD[i], millis * MILLI[i])
    s.limits.order_notional_e8_max = value
    assert ask(s, i, side, millis) == ALLOWED
    s.limits.order_notional_e8_max = value - 1
    assert ask(s, i, side, millis) == (Reason.ORDER_TOO_LARGE, value, value - 1)
    assert ask(s, i, side, millis, flags=FLAG_HEDGE)[0] == Reason.ORDER_TOO_LARGE  # growth, whatever its purpose


@FEW
@given(**ORDERS, least=st.integers(0, 3_000 * E8))
def test_least_order_size_is_a_tenth_above_the_venues(i: int, side: int, millis: int, least: int) -> None:
    s = relaxed()
    s.instruments[i].min_notional_e8 = least
    value, asked = notional(i, 60_000 * USD[i], millis * MILLI[i]), least * 11 // 10
    assert ask(s, i, side, millis) == (ALLOWED if value >= asked else (Reason.ORDER_TOO_SMALL, value, asked))
    assert ask(s, i, side, millis, flags=FLAG_REDUCE_ONLY | FLAG_HEDGE) == ALLOWED


@FEW
@given(**ORDERS, held=HELD, strategy=st.integers(0, 1))
def test_position_of_a_strategy_at_a_venue(i: int, side: int, millis: int, held: Held, strategy: int) -> None:
    s = relaxed()
    held.put(s)
    more = (strategy, i, side, millis)
    at_venue = [j for j in (SPOT, USDM, HYPER) if VENUE[j] == VENUE[i]]
    worst = sum(max(abs(worth(end)) for end in held.ends(strategy, j, more)) for j in at_venue)
    s.limits.position_notional_e8_max = worst
    assert ask(s, i, side, millis, strategy=strategy) == ALLOWED
    s.limits.position_notional_e8_max = worst - 1
    assert ask(s, i, side, millis, strategy=strategy) == (Reason.POSITION_TOO_LARGE, worst, worst - 1)


@FEW
@given(**ORDERS, held=HELD, strategy=st.integers(0, 1), beside=st.integers(0, 500 * E8))
def test_gross(i: int, side: int, millis: int, held: Held, strategy: int, beside: int) -> None:
    s = relaxed()
    held.put(s)
    more = (strategy, i, side, millis)
    cells = [(k, j) for k in (0, 1) for j in (SPOT, USDM, HYPER)]
    gross = beside + sum(max(abs(worth(end)) for end in held.ends(k, j, more)) for k, j in cells)
    s.limits.gross_e8_max = gross
    assert ask(s, i, side, millis, strategy=strategy, beside=beside) == ALLOWED
    s.limits.gross_e8_max = gross - 1
    verdict = ask(s, i, side, millis, strategy=strategy, beside=beside)
    assert verdict == (Reason.GROSS_TOO_LARGE, gross, gross - 1)


@FEW
@given(**ORDERS, held=HELD, strategy=st.integers(0, 1))
def test_net_delta(i: int, side: int, millis: int, held: Held, strategy: int) -> None:
    s = relaxed()
    held.put(s)
    more = (strategy, i, side, millis)
    ends = [held.ends(k, j, more) for k in (0, 1) for j in (SPOT, USDM, HYPER)]
    delta = max(sum(worth(high) for _, high in ends), -sum(worth(low) for low, _ in ends))
    s.limits.delta_e8_max = delta
    assert ask(s, i, side, millis, strategy=strategy) == ALLOWED
    s.limits.delta_e8_max = delta - 1
    assert ask(s, i, side, millis, strategy=strategy) == (Reason.DELTA_TOO_LARGE, delta, delta - 1)


@FEW
@given(**ORDERS, off=st.integers(-700, 700), ppm=st.integers(1, 10_000))
def test_price_collar(i: int, side: int, millis: int, off: int, ppm: int) -> None:
    s = relaxed()
    s.limits.collar_ppm = ppm
    middle = (60_000 * E8 + 60_001 * E8) // 2
    away, most = abs((60_000 + off) * E8 - middle), middle * ppm // 10**6
    verdict = ask(s, i, side, millis, usd=60_000 + off)
    assert verdict == (ALLOWED if away <= most else (Reason.PRICE_OUTSIDE_COLLAR, away, most))
    assert ask(s, i, side, millis, usd=60_000 + off, flags=FLAG_HEDGE) == verdict


@FEW
@given(age=st.integers(0, 4 * S), most=st.integers(0, 4 * S), **ORDERS)
def test_quote_age(age: int, most: int, i: int, side: int, millis: int) -> None:
    s = relaxed()
    s.venues[VENUE[i]].quote_age_ns_max = most
    s.now = T0 + age
    assert ask(s, i, side, millis) == (ALLOWED if age <= most else (Reason.QUOTE_TOO_OLD, age, most))


def test_age_counts_from_the_instruments_own_quote() -> None:
    s = relaxed()
    s.now = T0 + 600 * MS
    assert ask(s, USDM, BUY, 1) == (Reason.QUOTE_TOO_OLD, 600 * MS, 500 * MS)
    assert ask(s, HYPER, BUY, 1) == ALLOWED  # its venue's own limit is 1500 ms


@FEW
@given(st.integers(-3 * S, 3 * S), st.integers(0, 3 * S))
def test_quote_skew(skew: int, most: int) -> None:
    s = relaxed()
    s.limits.quote_skew_ns_max = most
    s.quotes[USDM].ts = T0 + skew
    expected = ALLOWED if abs(skew) <= most else (Reason.QUOTE_SKEW, abs(skew), most)
    assert tuple(pair_reason(s, SPOT, USDM, 0)) == tuple(pair_reason(s, USDM, SPOT, 0)) == expected


@FEW
@given(st.integers(-(10**6), 10**6), st.integers(1, 20_000))
def test_edge_sanity(edge: int, most: int) -> None:
    s = relaxed()
    s.limits.edge_ppm_max = most
    assert tuple(pair_reason(s, SPOT, USDM, edge)) == (ALLOWED if edge <= most else (Reason.EDGE_TOO_GOOD, edge, most))
    s.limits.off = 1 << 10
    assert tuple(pair_reason(s, SPOT, USDM, edge)) == ALLOWED


@pytest.mark.parametrize("flags", [0, FLAG_HEDGE])
def test_a_book_that_cannot_be_trusted(flags: int) -> None:
    for bid, bid_lots, ask_, ask_lots in ((2, 1, 1, 1), (2, 1, 2, 1), (0, 0, 2, 1), (2, 1, 0, 0)):
        s = relaxed()
        quote = s.quotes[USDM]
        quote.bid, quote.ask = 600_000 + bid, 600_000 + ask_
        quote.bid_lots, quote.ask_lots = bid_lots, ask_lots
        assert ask(s, USDM, BUY, 1, flags=flags) == (Reason.BOOK_UNTRADEABLE, bid - ask_, 2)
    s = relaxed()
    s.books[USDM].status = BOOK_GAP
    assert ask(s, USDM, BUY, 1, flags=flags)[::2] == (Reason.BOOK_UNTRADEABLE, BOOK_GAP)
    assert ask(s, SPOT, BUY, 1, flags=flags) == ALLOWED


@FEW
@given(
    st.lists(st.integers(0, 4000), max_size=12).map(sorted), st.integers(1, 8), st.integers(1, 8), st.integers(1, 8),
    st.integers(0, 1),
)  # fmt: skip
def test_order_rate(at_s: list[int], per_s: int, per_min: int, per_h: int, beside: int) -> None:
    s = relaxed()
    for number, second in enumerate(at_s):
        make.send(s, number, USDM, BUY, 1, ts=T0 + second * S)
    limits = s.limits
    limits.orders_per_s_max, limits.orders_per_min_max, limits.orders_per_h_max = per_s, per_min, per_h
    s.now = T0 + (at_s[-1] if at_s else 0) * S
    s.quotes["ts"] = s.now
    expected = ALLOWED
    for unit, most in ((1, per_s), (60, per_min), (3600, per_h)):
        sent = beside + sum((T0 // S + one) // unit == s.now // S // unit for one in at_s)
        if sent >= most:
            expected = (Reason.ORDER_RATE, sent, most)
            break
    assert ask(s, SPOT, BUY, 1, beside=beside) == expected
    assert ask(s, SPOT, BUY, 1, beside=beside, flags=FLAG_HEDGE) == ALLOWED
    limits.off = 1 << 13
    assert ask(s, SPOT, BUY, 1, beside=beside) == ALLOWED


def test_price_filter() -> None:
    s = relaxed()
    assert ask(s, HYPER, BUY, 1, price=600_010) == ALLOWED  # five figures: whole dollars at this price
    assert ask(s, HYPER, BUY, 1, price=600_011) == (Reason.FILTER_PRICE, 600_011, s.instruments[HYPER].max_ticks)
    for price in (0, -1, int(s.instruments[USDM].max_ticks) + 1):
        assert ask(s, USDM, BUY, 1, price=price)[:2] == (Reason.FILTER_PRICE, price)
    s.instruments[USDM].tradeable = 0
    assert ask(s, USDM, BUY, 1)[0] == Reason.FILTER_PRICE


def test_lot_filter() -> None:
    s = relaxed()
    instrument = s.instruments[USDM]
    instrument.min_lots, instrument.max_lots = 3, 5
    verdicts = [ask(s, USDM, SELL, 0, lots=lots) for lots in range(7)]
    assert verdicts == [(Reason.FILTER_LOT, lots, 3) if not 3 <= lots <= 5 else ALLOWED for lots in range(7)]


@FEW
@given(
    sells=st.integers(0, 3), buys=st.integers(0, 3), millis=st.integers(1, 40), side=st.integers(0, 1),
    missing=st.integers(0, 1),
)  # fmt: skip
def test_spot_collateral(sells: int, buys: int, millis: int, side: int, missing: int) -> None:
    """Coin to sell and money (with the fee) to buy are there, beyond what orders on the way have spoken for."""
    s = relaxed()
    for number in range(sells + buys):
        make.send(s, number, SPOT, SELL if number < sells else BUY, 7 * MILLI[SPOT])
    cost = notional(SPOT, 60_000 * USD[SPOT], millis * MILLI[SPOT])
    coin = millis * E8 // 1000
    need = coin if side == SELL else cost + -(-cost * 1000 // 10**6)
    spoken = sells * 7 * E8 // 1000 if side == SELL else buys * 7 * 60 * E8
    asset = int(s.instruments[SPOT].base if side == SELL else s.instruments[SPOT].quote)
    s.balances[0, asset] = need + spoken - missing
    assert ask(s, SPOT, side, millis) == (ALLOWED if not missing else (Reason.COLLATERAL_TOO_LOW, need, need - 1))


@FEW
@given(held=HELD, millis=st.integers(1, 40), side=st.integers(0, 1), pct=st.integers(0, 90), leverage=st.integers(1, 3))
def test_margin_collateral(held: Held, millis: int, side: int, pct: int, leverage: int) -> None:
    """Equity less the margin of the worst net position stays above its part of equity."""
    s = relaxed()
    held.put(s)
    s.limits.collateral_ppm_min = pct * 10**4
    s.venues[VENUE[USDM]].leverage = leverage
    cash = 10**11
    s.balances[VENUE[USDM], 0] = cash
    net = sum(held.lots.get((k, USDM), 0) for k in (0, 1))
    more = (0, USDM, side, millis)
    ends = [held.ends(k, USDM, more) for k in (0, 1)]
    worst = max(abs(sum(low for low, _ in ends)), abs(sum(high for _, high in ends)))
    equity = cash + worth(net)
    free, least = equity - worst * 60_001 * E8 // 1000 // leverage, max(equity, 0) * pct // 100
    fits = equity > 0 and free >= least
    assert ask(s, USDM, side, millis) == (ALLOWED if fits else (Reason.COLLATERAL_TOO_LOW, free, least))


@pytest.mark.parametrize("scope", ["desk", "venue", "instrument", "strategy"])
def test_level(scope: str) -> None:
    """The lowest of the four scopes counts; hedging goes on when all is killed, closing until then."""
    s = relaxed()
    make.hold(s, USDM, 5)

    def put(level: Level) -> None:
        scopes = {"venue": s.venues[1], "instrument": s.instruments[USDM], "strategy": s.strategies[0], "desk": s}
        scopes[scope].level = int(level)

    close = {"flags": FLAG_CLOSING}
    put(Level.CLOSE_ONLY)
    assert ask(s, USDM, BUY, 1) == (Reason.LEVEL_FORBIDS_ENTRY, Level.CLOSE_ONLY, Level.ACTIVE)
    assert ask(s, USDM, SELL, 1, **close) == ask(s, USDM, BUY, 1, flags=FLAG_HEDGE) == ALLOWED
    put(Level.KILLED)
    assert ask(s, USDM, BUY, 1) == (Reason.LEVEL_FORBIDS_ENTRY, Level.KILLED, Level.ACTIVE)
    assert ask(s, USDM, SELL, 1, **close) == (Reason.LEVEL_FORBIDS_ORDER, Level.KILLED, Level.KILLED)
    assert ask(s, USDM, SELL, 1, flags=FLAG_HEDGE | FLAG_CLOSING) == ALLOWED
    put(Level.ACTIVE)
    assert ask(s, USDM, BUY, 1) == ALLOWED


@pytest.mark.parametrize("age_s", [59, 60, 61])
def test_the_price_between_two_quote_assets(age_s: int) -> None:
    s = relaxed()
    s.now = T0 + age_s * S
    s.quotes["ts"] = s.now
    s.quotes[DOLLAR].ts = T0
    expected = ALLOWED if age_s <= 60 else (Reason.NO_QUOTE_MARK, 61 * S, 60 * S)
    assert ask(s, HYPER, BUY, 1) == expected
    assert ask(s, USDM, BUY, 1) == ALLOWED
    s.quotes[DOLLAR].bid_lots = 0
    assert ask(s, HYPER, BUY, 1)[0] == Reason.NO_QUOTE_MARK


def test_no_order_where_one_is_unknown() -> None:
    s = relaxed()
    make.send(s, 8, USDM, BUY, 1, strategy=1)
    s.now = T0 + 9
    assert ask(s, USDM, BUY, 1) == ALLOWED
    apply_order_event(s, pack(OrderUnknown(ts=T0, ts_venue=T0, order=8))[0])
    assert ask(s, USDM, SELL, 1) == ask(s, USDM, SELL, 1, flags=FLAG_HEDGE) == (Reason.ORDER_UNKNOWN, 8, 9)
    assert ask(s, SPOT, BUY, 1) == ALLOWED


def test_both_legs_find_a_slot() -> None:
    """An entry sends two orders on one look at the gate, so the last slot alone is not enough."""
    s = relaxed()
    for number in range(MAX_ORDERS - 2):
        make.send(s, number, USDM, BUY, 1)
    assert ask(s, SPOT, BUY, 1, beside=E8) == ALLOWED
    make.send(s, MAX_ORDERS, USDM, BUY, 1)
    assert ask(s, SPOT, BUY, 1, beside=E8) == (Reason.SLOTS_FULL, MAX_ORDERS - 1, MAX_ORDERS - 2)
    make.send(s, MAX_ORDERS + 1, USDM, BUY, 1)
    assert ask(s, SPOT, BUY, 1)[:2] == (Reason.SLOTS_FULL, MAX_ORDERS)


@FEW
@given(held=st.integers(-9, 9), sent=st.integers(0, 9), side=st.integers(0, 1), millis=st.integers(1, 9))
def test_closing_only_reduces(held: int, sent: int, side: int, millis: int) -> None:
    """At the worst end: closing orders on the way count as filled. Another strategy's holding closes nothing."""
    s = relaxed()
    make.hold(s, USDM, held)
    make.hold(s, USDM, 50 if side == SELL else -50, strategy=1)
    if sent:
        make.send(s, 1, USDM, side, sent)
    left = held - sent - millis if side == SELL else -(held + sent + millis)
    assert ask(s, USDM, side, millis, flags=FLAG_CLOSING) == (
        ALLOWED if left >= 0 else (Reason.NOT_REDUCING, millis, held)
    )


def test_what_reduces_is_spared_the_limits_on_growth() -> None:
    s = relaxed()
    make.hold(s, USDM, 30)
    for name in GROWTH:
        s.limits[name] = 0
    s.balances[1] = 0
    assert ask(s, USDM, SELL, 30, flags=FLAG_CLOSING | FLAG_REDUCE_ONLY) == ALLOWED
    assert ask(s, USDM, SELL, 30)[0] == Reason.ORDER_TOO_LARGE


def test_a_switched_off_control_is_the_only_one_off() -> None:
    text = 'controls_off = ["C10"]' + make.CONFIG
    s = make.opened(text)[0]
    assert tuple(pair_reason(s, SPOT, USDM, 10**6)) == ALLOWED
    s.limits.orders_per_s_max = 0
    assert ask(s, SPOT, BUY, 1)[0] == Reason.ORDER_RATE
