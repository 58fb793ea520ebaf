"""Laws of the figures: drawdown, win rate, Sharpe, fill rate, delays, windows, empties and rounding."""

# ruff: noqa: N802  (laws keep their numbers: L01)
from __future__ import annotations

import json
import math
import statistics
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from laws import journals
from laws.journals import DECLARATION, JOURNALS, SPOT, T0, entries, event, opened, out
from laws.oracle import told

from crossbook.commands import OutKind, Reason
from crossbook.errors import Corrupt
from crossbook.events import EventKind
from crossbook.ledger.figure import Figure, display_parts, figures_json, plain
from crossbook.ledger.hops import STAMP, STRETCHES, Hop, durations, order_stretches
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures, sharpe
from crossbook.ledger.path import Path
from crossbook.ledger.trips import Trips
from crossbook.timestamp import NS_PER_DAY, day_of

NAVS = st.lists(st.integers(1, 10_000), min_size=1, max_size=12)


def path_of(navs: list[int]) -> Path:
    path = Path(0, navs[0])
    for ts, nav in enumerate(navs[1:], start=1):
        path.sample(ts, nav, nav - navs[0])
    return path


def fall(path: Path) -> Fraction:
    return Fraction(*path.fall)


@given(NAVS)
def test_L10_drawdown_is_the_deepest_fall_below_the_running_peak(navs: list[int]) -> None:
    path = path_of(navs)
    deepest = max(Fraction(max(navs[: i + 1]) - nav, max(navs[: i + 1])) for i, nav in enumerate(navs))
    assert fall(path) == deepest
    assert path.fall_pnl == max(max(navs[: i + 1]) - nav for i, nav in enumerate(navs))
    for i, early in enumerate(navs):
        assert all(fall(path) >= Fraction(early - late, early) for late in navs[i:])
    if navs[-1] < navs[0]:
        assert fall(path) >= Fraction(navs[0] - navs[-1], navs[0]) > 0


@given(NAVS, st.integers(1, 10_000), st.integers(0, 12))
def test_L10_more_time_and_more_samples_never_lower_it(navs: list[int], extra: int, at: int) -> None:
    assert fall(path_of([*navs, extra])) >= fall(path_of(navs))
    at = min(max(at, 1), len(navs))
    assert fall(path_of([*navs[:at], extra, *navs[at:]])) >= fall(path_of(navs))


@given(NAVS, st.integers(1, 9))
def test_L10_a_flow_is_neither_a_rise_nor_a_fall(navs: list[int], factor: int) -> None:
    scale = 10**6
    still, moved = path_of([nav * scale for nav in navs]), path_of([nav * scale for nav in navs])
    moved.flow(navs[-1] * scale, navs[-1] * scale * factor)
    moved.sample(99, navs[-1] * scale * factor, (navs[-1] - navs[0]) * scale)
    assert abs(fall(moved) - fall(still)) <= Fraction(1, scale)


@given(JOURNALS)
def test_L10_drawdown_of_a_journal_is_that_of_the_obvious_path(timed: list) -> None:
    timed = [(ts, op) for ts, op in timed if op["op"] != "transfer" or ts == T0]
    shown, oracle = figures(Ledger.of(entries(timed))), told(timed)
    last = dict(oracle.path)
    navs = [oracle.nav_start, *[nav for ts, nav in sorted(last.items())]]
    peak, deepest, amount = navs[0], Fraction(0), Fraction(0)
    for nav in navs:
        peak = max(peak, nav)
        deepest, amount = max(deepest, (peak - nav) / peak), max(amount, peak - nav)
    assert Fraction(shown["drawdown.max_amount"].value) == amount
    assert abs(Fraction(shown["drawdown.max"].value) - deepest) < Fraction(1, 10**15)


TRIPS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-3, 3).filter(bool), st.integers(-9, 9)), max_size=30
)


@given(TRIPS)
def test_L12_opened_is_closed_plus_open_and_money_is_never_lost(fills: list) -> None:
    trips = Trips()
    for strategy, instrument, lots, value in fills:
        trips.fill((strategy, 0), instrument, lots, value, -1)
    opened_count = sum(trips.opened.values())
    nets = [net for closed in trips.closed.values() for net in closed]
    assert opened_count == len(nets) + len(trips.open)
    assert sum(nets) + sum(trip.net for trip in trips.open.values()) == sum(value - 1 for *_, value in fills)
    for trip in trips.open.values():
        assert not trip.is_flat


def test_L12_a_fill_through_flat_ends_a_trip_and_begins_the_next_by_lots() -> None:
    trips = Trips()
    trips.fill((0, 0), SPOT, 2, -20, 0)
    trips.fill((0, 0), SPOT, -5, 60, -5)
    assert trips.closed == {(0, 0): [24 - 20 - 2]}
    assert (trips.open[0, 0].net, trips.open[0, 0].lots) == (36 - 3, {SPOT: -3})
    trips.funding(0, SPOT, 7)
    assert trips.open[0, 0].net == 40


def test_L12_break_even_is_neither_win_nor_loss() -> None:
    trips = [(0, 1, 0), (0, 1, 10), (0, 1, -10)]
    timed = []
    for _, lots, gain in trips:
        for instrument, side in ((SPOT, 0), (journals.LINEAR, 1)):
            timed.append((1, _order(instrument, side, lots * (100 if instrument == SPOT else 1), 0)))
        for instrument, side in ((SPOT, 1), (journals.LINEAR, 0)):
            timed.append((1, _order(instrument, side, lots * (100 if instrument == SPOT else 1), gain)))
    shown = figures(Ledger.of(entries(opened(timed))))
    assert [shown[n].value for n in ("round_trips.v0", "wins.v0", "losses.v0")] == [3, 1, 1]
    assert shown["win_rate"].value == Decimal("0.333333333333333333") and shown["win_rate"].n == 3
    assert shown["fills"].value == 4 * shown["round_trips"].value


def _order(instrument: int, side: int, lots: int, gain: int) -> dict:
    """`gain`: how much dearer than the list price a spot sale is."""
    price = journals.PRICE_TICKS[instrument] + (gain if (instrument, side) == (SPOT, 1) else 0)
    return {
        "op": "order", "instrument": instrument, "strategy": 0, "side": side, "lots": lots, "extra": 0,
        "price": price, "decision": 0, "arrival": 0, "fee": 0, "fee_asset": journals.USDT,
    }  # fmt: skip


@given(st.lists(st.lists(st.integers(-3, 3), min_size=1), min_size=1, max_size=4))
def test_L11_the_pooled_win_rate_lies_between_the_rates_it_pools(nets: list[list[int]]) -> None:
    rates = [Fraction(sum(net > 0 for net in one), len(one)) for one in nets]
    every = [net for one in nets for net in one]
    assert min(rates) <= Fraction(sum(net > 0 for net in every), len(every)) <= max(rates)


@given(JOURNALS)
def test_L11_the_shown_win_rate_is_pooled_over_trips_and_says_how_many(timed: list) -> None:
    shown = figures(Ledger.of(entries(timed)))
    for suffix in ("", ".v0", ".v1"):
        trips, wins, rate = (shown[f"{name}{suffix}"] for name in ("round_trips", "wins", "win_rate"))
        assert rate.n == trips.value
        if trips.value == 0:
            assert rate.value is None
        else:
            assert abs(Fraction(rate.value) - Fraction(wins.value, trips.value)) < Fraction(1, 10**17)
    assert shown["wins"].value == shown["wins.v0"].value + shown["wins.v1"].value


@given(st.lists(st.integers(-400, 500), min_size=30, max_size=60), st.integers(2, 50))
def test_L13_sharpe_is_scale_invariant_and_never_infinite(returns: list[int], scale: int) -> None:
    found = sharpe([one / 10_000 for one in returns])
    scaled = sharpe([one * scale / 10_000 for one in returns])
    if len(set(returns)) == 1:
        assert found is None and scaled is None
        return
    assert found is not None and scaled is not None
    assert all(math.isfinite(one) for one in found)
    assert found[0] == pytest.approx(scaled[0], rel=1e-9, abs=1e-9)
    assert found[1] < found[0] < found[2]
    daily = [one / 10_000 for one in returns]
    assert found[0] == pytest.approx(statistics.mean(daily) / statistics.stdev(daily) * math.sqrt(365), abs=1e-9)


def test_L13_sharpe_needs_thirty_whole_days() -> None:
    def run(days: int) -> Figure:
        mark = {"op": "mark", "instrument": SPOT}
        wave = [60_000_00 + 10_000 * (day * 37 % 11) for day in range(days + 2)]
        timed = opened([(NS_PER_DAY, {**mark, "bid": bid, "ask": bid + 2}) for bid in wave])
        return figures(Ledger.of(entries(timed)))["sharpe"]

    assert (run(28).value, run(28).n) == (None, 29)
    assert isinstance(run(29).value, Decimal) and run(29).n == 30
    assert run(29).window is not None


@given(JOURNALS)
def test_L14_fill_rates_lie_between_none_and_all_and_trades_make_them_positive(timed: list) -> None:
    shown = figures(Ledger.of(entries(timed)))
    orders = [op for _, op in timed if op["op"] == "order"]
    for suffix, own in (("", orders), (".v0", [op for op in orders if op["strategy"] == 0])):
        for name in ("fill_rate.quantity", "fill_rate.orders"):
            rate = shown[f"{name}{suffix}"].value
            assert (rate is None) == (not own)
            assert rate is None or 0 < rate <= 1
        assert shown[f"orders{suffix}"].value == len(own) == shown[f"fills{suffix}"].value


def test_L14_parts_of_an_order_add_up() -> None:
    payloads = entries(opened([]))
    payloads.append(out(OutKind.SUBMIT_ORDER, T0 + 2, order=1, strategy=0, price=10, lots=8))
    fill = {"id": 1, "strategy": 0, "price": 9, "asset": journals.USDT}
    payloads += [event(EventKind.ORDER_FILLED, T0 + 3, id2=n, lots=n, **fill) for n in (1, 2, 3)]
    ledger = Ledger.of(payloads)
    shown = figures(ledger)
    assert ledger.counts.orders[1].filled == 6
    assert shown["fill_rate.quantity.v0"].value == Decimal("0.75") and shown["fill_rate.orders"].value == 1
    assert (shown["orders"].value, shown["fills"].value) == (1, 3)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
@example(list(range(2_000)))
def test_L15_percentiles_are_values_that_were_seen_by_nearest_rank(elapsed: list[int]) -> None:
    raw = b"".join(
        STAMP.pack(number, Hop.RECEIVED, 0, 5) + STAMP.pack(number, Hop.DECODED, 0, 5 + ns)
        for number, ns in enumerate(elapsed, start=1)
    )
    shown = figures(Ledger.of(entries(opened([]))), raw)
    for word, share in (("p50", Fraction(1, 2)), ("p99", Fraction(99, 100)), ("p999", Fraction(999, 1000))):
        value = shown[f"latency.decoded.{word}"].value
        assert value == min(one for one in elapsed if sum(other <= one for other in elapsed) >= share * len(elapsed))


STAMPS = st.lists(st.tuples(st.sampled_from(list(Hop)), st.integers(0, 10**9)), max_size=8, unique_by=lambda s: s[0])


@given(STAMPS)
def test_L15_latency_is_a_difference_of_two_stamps_in_ns(stamps: list) -> None:
    ns, at = 5, {}
    for hop, step in sorted(stamps):
        ns += step
        at[hop] = ns
    raw = b"".join(STAMP.pack(7, hop, 0, when) for hop, when in at.items())
    found = durations(raw)
    for before, after in pairwise(sorted(at)):
        assert found[after.name.lower()] == [at[after] - at[before]]
    assert sum(sum(found[hop.name.lower()]) for hop in Hop if hop) == (max(at.values()) - min(at.values()) if at else 0)
    shown = figures(Ledger.of(entries(opened([]))), raw + b"cut")
    for stretch in STRETCHES:
        figure = shown[f"latency.{stretch}.p50"]
        assert (figure.value, figure.n, figure.unit) == (
            found[stretch][0] if found[stretch] else None, len(found[stretch]), "ns",
        )  # fmt: skip
        assert figure.residual is None


def test_L15_stamps_that_run_backwards_are_refused_or_counted_apart() -> None:
    raw = STAMP.pack(1, Hop.RECEIVED, 0, 10) + STAMP.pack(1, Hop.DECODED, 0, 9)
    with pytest.raises(Corrupt, match=r"latency\.bin trace 1"):
        durations(raw)
    assert order_stretches(raw) == {}, "of no order alone"
    of_order = raw + STAMP.pack(1, Hop.WRITTEN, 5, 12)
    assert order_stretches(of_order) == {5: {"decoded": -1, "written": 3, "tick_to_wire": 2}}
    for fold in (durations, order_stretches):
        with pytest.raises(Corrupt, match="hop 9 does not exist"):
            fold(STAMP.pack(1, 9, 0, 1))
    payloads = entries(opened([]))
    payloads += [
        out(OutKind.SUBMIT_ORDER, T0 + 100, order=1, strategy=0, price=10, lots=2),
        event(EventKind.ORDER_FILLED, T0 + 900, ts_venue=T0 + 400, id=1, id2=1, strategy=0, price=10, lots=1),
        event(EventKind.ORDER_FILLED, T0 + 900, ts_venue=T0 + 90, id=1, id2=2, strategy=0, price=10, lots=1),
    ]
    shown = figures(Ledger.of(payloads))
    assert (shown["delay.decision_to_match.p50"].value, shown["delay.decision_to_match.p99"].n) == (300, 1)
    assert shown["delay.match_to_known.p99"].value == 810 and shown["delay.match_to_known.p50"].value == 500
    assert shown["delay.clock_suspect"].value == 1


def test_L16_an_empty_figure_is_not_a_number() -> None:
    shown = figures(Ledger.of(entries([])))
    for name, figure in shown.items():
        if figure.unit in ("USDT", "ratio", "ns"):
            assert figure.value is None and figure.residual is None, name
        assert figure.n == 0, name
    started = figures(Ledger.of(entries(opened([]))))
    for name, figure in started.items():
        if figure.unit == "ratio" and name != "drawdown.max":
            assert figure.value is None and figure.n == 0, name
        assert figure.window is not None and figure.definition


@given(JOURNALS)
def test_L17_a_figure_is_the_same_bytes_whoever_shows_it(timed: list) -> None:
    payloads = entries(timed)
    one, other = figures_json(figures(Ledger.of(payloads))), figures_json(figures(Ledger.of(payloads)))
    assert one == other
    for name, figure in json.loads(one, parse_float=Decimal).items():
        assert set(figure) == {"value", "unit", "n", "window", "residual"}
        assert figure["residual"] in (0, None) and not isinstance(figure["residual"], Decimal), name


@given(st.integers(-(10**30), 10**30), st.integers(-18, 2))
def test_L17_json_numbers_are_exact_to_eighteen_digits(amount: int, exponent: int) -> None:
    number = Decimal(amount).scaleb(exponent)
    text = msgspec.json.Encoder(decimal_format="number").encode(plain(number))
    read = Decimal(text.decode())
    if len(str(abs(amount))) <= 18:
        assert read == number
    else:
        assert abs(read - number) <= abs(number) * Decimal(10) ** -17
    assert plain(Decimal("0E-18")) == 0 and isinstance(plain(Decimal("0E-18")), int)


@given(JOURNALS)
def test_L19_days_are_half_open_and_sum_to_the_total(timed: list) -> None:
    shown, oracle = figures(Ledger.of(entries(timed))), told(timed)
    days = {name: figure for name, figure in shown.items() if name.startswith("pnl.day.")}
    assert sum(Fraction(figure.value) for figure in days.values()) == Fraction(shown["pnl.total"].value)
    assert len(days) == len({day_of(T0 + 1)} | {day_of(ts) for ts, _ in oracle.path})


@given(st.lists(st.decimals(-1_000, 1_000, places=6), max_size=12), st.integers(0, 4))
def test_L20_displayed_parts_sum_to_the_displayed_total(parts: list[Decimal], decimals: int) -> None:
    shown = display_parts(list(parts), decimals)
    step = Decimal(1).scaleb(-decimals)
    assert sum(shown, Decimal(0)) == sum(parts, Decimal(0)).quantize(step)
    for part, display in zip(parts, shown, strict=True):
        assert abs(part - display) < step and display == display.quantize(step)


def test_unhedged_time_counts_quantity_until_it_ends_or_until_now() -> None:
    timed = opened([])
    second = journals.SECOND
    notes = [(0, 10**8), (2, -(10**7)), (5, 0), (7, 10**8)]
    payloads = entries(timed) + [
        out(OutKind.UNHEDGED, T0 + at * second, strategy=0, pair=0, value=quantity) for at, quantity in notes
    ]
    payloads.append(out(OutKind.MARKED, T0 + 8 * second, instrument=SPOT, price=10, lots=12))
    shown = figures(Ledger.of(payloads))
    assert shown["unhedged.quantity_time.BTC"].value == Decimal("3.3")
    assert shown["unhedged.time_max"].value == 5 * second


def test_denials_and_errors_have_their_denominators() -> None:
    payloads = entries(opened([]))
    deny = {"strategy": 0, "reason": int(Reason.QUOTE_TOO_OLD), "pair": 0}
    payloads += [out(OutKind.DENIAL, T0, count=n, **deny) for n in (1, 6)]
    payloads += [out(OutKind.INTENT, T0, strategy=0, intent=n) for n in (1, 2, 3)]
    payloads += [out(OutKind.SUBMIT_ORDER, T0, strategy=0, order=n, price=10, lots=1) for n in (1, 2, 3, 4)]
    payloads += [event(EventKind.ORDER_UNKNOWN, T0, id=1), event(EventKind.ORDER_REJECTED, T0, id=1)]
    shown = figures(Ledger.of(payloads))
    assert shown["denials"].value == shown["denials.reason.quote_too_old.v0"].value == 7
    assert shown["denial_rate"].value == Decimal("0.7") and shown["denial_rate"].n == 10
    assert shown["error_rate"].value == Decimal("0.25") and shown["error_rate.v1"].value is None


def test_causes_of_a_fill_by_hand() -> None:
    """Buy 100 spot lots (0.001 BTC): 60,000.00 when decided, 60,001.00 at arrival, filled at 60,003.00, fee 0.06."""
    fill = _order(SPOT, 0, 100, 0)
    fill |= {"price": 6_000_300, "decision": 6_000_000, "arrival": 6_000_100, "fee": 6_000_000}
    shown = figures(Ledger.of(entries(opened([(1, fill)]))))
    causes = {cause: shown[f"pnl.cause.{cause}.v0"].value for cause in ("edge", "latency", "slippage", "fees", "mark")}
    assert causes == {
        "edge": Decimal("-60"),
        "latency": Decimal("-0.001"),
        "slippage": Decimal("-0.002"),
        "fees": Decimal("-0.06"),
        "mark": Decimal("60.000005"),
    }
    assert shown["exposure.net"].value == Decimal("60.000005")
    assert DECLARATION.instruments[SPOT].name in "binance_spot:BTCUSDT"
