"""The desk's five historical mistakes, each planted: the check turns red, names the figure, and shows the routes.

Its old dashboard told a fill rate of 0 % beside 18 trades, the mean of two rates as a win rate, no drawdown beside
losses, a latency of a million milliseconds, and a total that its rows did not sum to (1.96 that nobody had caused).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from laws.journals import LINEAR, SECOND, SPOT, USDT, Op, entries, opened
from laws.page_material import decoded, pages_of, rows_behind, run_of, tiles_of

from crossbook.ledger.counts import Counts
from crossbook.ledger.hops import STAMP, Hop, durations
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.path import Path
from crossbook.ledger.statement import Statement
from crossbook.web import stamps as stamps_module

Patch = pytest.MonkeyPatch
STAMPS = b"".join(STAMP.pack(7, hop, 0, 1_000_000 + hop * 40_000) for hop in Hop)


def fill(strategy: int, instrument: int, side: int, price: int) -> Op:
    """A fill of an order of its own."""
    whole = {SPOT: 100, LINEAR: 1}[instrument]
    return {
        "op": "order", "instrument": instrument, "strategy": strategy, "side": side, "lots": whole, "extra": 1,
        "price": price, "decision": price - 1, "arrival": price, "fee": 1_000, "fee_asset": USDT,
    }  # fmt: skip


def trip(strategy: int, gain: int) -> list[tuple[int, Op]]:
    """Sold and bought back, the first strategy's with a leg of spot beside it; `gain` ticks of the perpetual."""
    legs = [(SPOT, 0, 6_000_000), (LINEAR, 1, 600_000 + gain), (SPOT, 1, 6_000_000), (LINEAR, 0, 600_000)]
    if strategy:
        legs = [leg for leg in legs if leg[0] == LINEAR]
    return [(SECOND, fill(strategy, *leg)) for leg in legs]


def month() -> list[bytes]:
    """Two strategies: one wins one of four, the other one of two."""
    steps = [one for gain in (900, -900, -900, -900) for one in trip(0, gain)]
    steps += [one for gain in (900, -900) for one in trip(1, gain)]
    falling = {"op": "mark", "instrument": LINEAR, "bid": 590_000, "ask": 590_001}
    return entries(opened([*steps, (SECOND, falling)]))


def forget_fills(patch: Patch) -> None:
    """Fill rate 0 %: fills are counted, but not against what was submitted."""
    whole = Counts.fill

    def fill(self: Counts, row: Any, strategy: int) -> None:
        kept = [list(amounts) for amounts in self.filled], list(self.with_fill)
        whole(self, row, strategy)
        self.filled, self.with_fill = kept

    patch.setattr(Counts, "fill", fill)


def mean_of_rates(patch: Patch) -> None:
    """Win rate: (25 % + 50 %) / 2 instead of 2 of 6."""
    share = Statement.share

    def mean(self: Statement, name: str, part: int, whole: int, n: int, again: tuple[int, int] | None = None) -> None:
        if name == "win_rate":
            rates = [Fraction(won, won + lost + even) for won, lost, even in self.facts.trips.values()]
            rate = sum(rates) / len(rates)
            part, whole = rate.numerator, rate.denominator
        share(self, name, part, whole, n, again)

    patch.setattr(Statement, "share", mean)


def no_drawdown(patch: Patch) -> None:
    """A path that looks at its peak only."""
    sample = Path.sample

    def higher(self: Path, ts: int, nav: int, pnl: int) -> None:
        fall, fall_pnl = self.fall, self.fall_pnl
        sample(self, ts, nav, pnl)
        self.fall, self.fall_pnl = fall, fall_pnl

    patch.setattr(Path, "sample", higher)


def million_ms(patch: Patch) -> None:
    """Stamps read as if they were of another unit."""
    patch.setattr(
        stamps_module, "durations",
        lambda content: {name: [ns * 10**6 for ns in found] for name, found in durations(content).items()},
    )  # fmt: skip


def total_of_its_own(patch: Patch) -> None:
    """1.96 more than the rows."""
    pnl = Ledger.pnl
    patch.setattr(Ledger, "pnl", lambda self: pnl(self) + 196 * 10**16)


MISTAKES: list[tuple[Callable[[Patch], None], str]] = [
    (forget_fills, "fill_rate.quantity"),
    (forget_fills, "fill_rate.orders"),
    (mean_of_rates, "win_rate"),
    (no_drawdown, "drawdown.max"),
    (million_ms, "latency.tick_to_wire.p50"),
    (total_of_its_own, "pnl.total"),
]


def test_without_a_mistake_every_check_is_green() -> None:
    with run_of(month(), STAMPS) as folder:
        pages = pages_of(folder)
        tiles = tiles_of(pages)
        assert {tile["check"]["state"] for tile in tiles.values()} <= {"agree", "single"}
        assert decoded(pages.run())["differ"] == []
        assert (tiles["wins"]["value"], tiles["round_trips"]["value"]) == (2, 6)
        assert tiles["win_rate"]["text"] == "33.3 %" and tiles["win_rate"]["note"] == "6 trades: no conclusion"
        assert tiles["drawdown.max"]["value"] > 0 and tiles["fill_rate.quantity"]["value"] > 0


@pytest.mark.parametrize(("plant", "name"), MISTAKES, ids=[f"{plant.__name__}-{name}" for plant, name in MISTAKES])
def test_a_planted_mistake_turns_the_check_red_and_is_named(
    plant: Callable[[Patch], None], name: str, monkeypatch: Patch
) -> None:
    with run_of(month(), STAMPS) as folder:
        right = tiles_of(pages_of(folder))[name]
        plant(monkeypatch)
        pages = pages_of(folder)
        tile = tiles_of(pages)[name]
        assert tile["value"] != right["value"], "the mistake shows"
        assert tile["check"]["state"] == "differ" and tile["check"]["residual"] != 0
        assert "differ by" in tile["check"]["text"]
        assert name in decoded(pages.run())["differ"], "the head of every page names it"
        why = decoded(pages.why(name))
        assert why["differs"] and why["name"] == name
        assert len({str(route["value"]) for route in why["routes"]}) > 1
        assert why["count"] == 0 or why["rows"], "the rows are listed"


@pytest.mark.parametrize(("plant", "name"), [(forget_fills, "fill_rate.quantity"), (total_of_its_own, "pnl.total")])
def test_the_rows_tell_what_is_true(plant: Callable[[Patch], None], name: str, monkeypatch: Patch) -> None:
    with run_of(month(), STAMPS) as folder:
        right = tiles_of(pages_of(folder))[name]["value"]
        plant(monkeypatch)
        pages = pages_of(folder)
        _, answer = rows_behind(pages, tiles_of(pages)[name]["rows_url"])
        assert answer["figure"]["holds"] is False and answer["figure"]["again"] == right
