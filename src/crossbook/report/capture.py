"""What was expected and what came of it: edges per intent, and what latency took per round trip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from crossbook.commands import Reason
from crossbook.money import divide_half_even
from crossbook.report.row_kinds import Fill, RoundTrip, Wish
from crossbook.report.run_rows import RunRows

TRIPS_MIN = 30
"""Below this many round trips on either side a difference of means is not told."""
Z95 = 1.959963984540054


class Capture(msgspec.Struct, frozen=True):
    """An entry's edge: expected for what was matched on both legs, and captured there, after entry fees (1e-18)."""

    wish: Wish
    matched_e8: int
    expected: int
    captured: int


class Loss(msgspec.Struct, frozen=True):
    """What latency did to a strategy's round trips: total (1e-18), and mean with its interval in bps of what they
    traded; None where there are too few."""

    name: str
    trips: int
    total: int
    mean_bps: float | None
    low_bps: float | None
    high_bps: float | None


class Difference(msgspec.Struct, frozen=True):
    """A strategy's mean latency loss less another's, in bps, with its 95 % interval (Welch, normal)."""

    name: str
    other: str
    bps: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """What the interval allows to say."""
        told = f"{self.name} - {self.other}: {self.bps:+.3f} bp (95 % interval {self.low:+.3f} to {self.high:+.3f})"
        if self.low > 0:
            return f"{told}: {self.name} loses less to latency than {self.other}"
        if self.high < 0:
            return f"{told}: {self.name} loses more to latency than {self.other}"
        return f"{told}: the interval holds 0, so it is not shown that they differ"


def captures(rows: RunRows) -> list[Capture]:
    """One for each entry that bought and sold: what is matched on both legs has an edge, the rest has none."""
    found = []
    for wish in rows.wishes.values():
        if wish.reason != Reason.ENTRY or wish.quantity_e8 <= 0:
            continue
        bought, paid = _side(rows, wish.fills, 0)
        sold, got = _side(rows, wish.fills, 1)
        matched = min(bought, sold)
        if matched == 0:
            continue
        cash = Fraction(paid * matched, bought) + Fraction(got * matched, sold)
        captured = divide_half_even(cash.numerator, cash.denominator) + sum(fill.fees for fill in wish.fills)
        expected = divide_half_even(wish.edge_e8 * 10**10 * matched, wish.quantity_e8)
        found.append(Capture(wish, matched, expected, captured))
    return found


def latency_losses(rows: RunRows) -> tuple[list[Loss], list[Difference]]:
    """Each strategy's loss, and each later strategy against the first that has enough round trips."""
    losses, samples = [], []
    for number, name in enumerate(rows.declaration.strategies):
        trips = [trip for trip in rows.trips if trip.strategy == number and trip.net is not None]
        values = [bps for trip in trips if (bps := _bps(trip)) is not None]
        total = sum(fill.latency for trip in trips for fill in trip.fills)
        samples.append((name, values))
        if len(values) < TRIPS_MIN:
            losses.append(Loss(name, len(trips), total, None, None, None))
            continue
        mean, error = _mean(values)
        losses.append(Loss(name, len(trips), total, mean, mean - Z95 * error, mean + Z95 * error))
    enough = [(name, values) for name, values in samples if len(values) >= TRIPS_MIN]
    differences = []
    for name, values in enough[1:]:
        (mean, error), (base, base_error) = _mean(values), _mean(enough[0][1])
        half = Z95 * math.hypot(error, base_error)
        apart = mean - base
        differences.append(Difference(name, enough[0][0], apart, apart - half, apart + half))
    return losses, differences


def _side(rows: RunRows, fills: Sequence[Fill], side: int) -> tuple[int, int]:
    """Base quantity (1e-8) and signed cash of the fills of one side; inverse contracts have no base quantity."""
    quantity = cash = 0
    for fill in fills:
        terms = rows.ledger.terms[fill.instrument]
        if fill.side == side and fill.counted and not terms.inverse:
            quantity += fill.lots * terms.lot_e8
            cash += fill.cash
    return quantity, cash


def _bps(trip: RoundTrip) -> float | None:
    """Latency's part of a round trip in bps of all it traded."""
    traded = sum(abs(fill.cash) for fill in trip.fills)
    return 1e4 * sum(fill.latency for fill in trip.fills) / traded if traded else None


def _mean(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))
