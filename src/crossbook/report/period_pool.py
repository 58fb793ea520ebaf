"""The figures of several runs of one mode and currency: sums of what adds up, everything else again from the rows.

A rate is the sum of its parts over the sum of its wholes, never a mean of rates; percentiles come from all samples.
What belongs to one account at one moment (net asset value, exposure) has no sum over runs: it is n/a and stands in the
row of each run. Of a single run the figures are the run's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from crossbook.ledger.definitions import definition_of
from crossbook.ledger.figure import Figure, Number, ratio, value_decimal
from crossbook.ledger.hops import STRETCHES, durations
from crossbook.ledger.metrics import DIGITS, sharpe, wilson
from crossbook.ledger.statement import PERCENTILES, nearest_rank
from crossbook.report.period_cut import Part

SUMMED = (
    "pnl", "fees", "nav.flows", "orders", "fills", "intents", "denials", "round_trips", "wins", "losses", "breaks",
    "events.duplicate", "postings", "assets.unpriced", "delay.clock_suspect", "unhedged.quantity_time",
)  # fmt: skip
DAY = "pnl.day."


def strategies(parts: Sequence[Part]) -> list[str]:
    """The names of all strategies, in the order in which runs declared them."""
    return list(dict.fromkeys(name for part in parts for name in part.rows.declaration.strategies))


def pool(parts: Sequence[Part]) -> dict[str, Figure]:
    """The figures of all parts together, in the order of a run's."""
    return dict(parts[0].known) if len(parts) == 1 else _Pool(parts).figures()


def path(parts: Sequence[Part]) -> list[tuple[int, int]]:
    """The P&L of all parts together after each moment of any, as (ns, 1e-18): each begins at 0 and keeps its last."""
    samples = sorted(
        (point.ts, number, point.pnl) for number, part in enumerate(parts) for point in part.rows.points
    )  # fmt: skip
    now, total, found = [0] * len(parts), 0, list[tuple[int, int]]()
    for ts, number, pnl in samples:
        total += pnl - now[number]
        now[number] = pnl
        if found and found[-1][0] == ts:
            found[-1] = (ts, total)
        else:
            found.append((ts, total))
    return found


def deepest(points: Sequence[tuple[int, int]]) -> int:
    """The deepest fall of a path of P&L below its running peak, which begins at 0."""
    peak = fall = 0
    for _, pnl in points:
        peak = max(peak, pnl)
        fall = max(fall, peak - pnl)
    return fall


class _Pool:
    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.found: dict[str, Figure] = {}
        spans = [one.known["pnl.total"].window for one in parts]
        known = [span for span in spans if span is not None]
        self.window = (min(begin for begin, _ in known), max(end for _, end in known)) if known else None
        self.currency = parts[0].currency

    def figures(self) -> dict[str, Figure]:
        names = list(dict.fromkeys(name for part in self.parts for name in part.known))
        days = sorted(name for name in names if name.startswith(DAY))
        for name in [one for one in names if not one.startswith(DAY)] + days:
            if name.startswith(SUMMED):
                self._sum(name)
            elif name.startswith(("delay.", "latency.")):
                self._percentile(name)
            elif name == "unhedged.time_max":
                self._put(name, max(self._values(name), default=None), "ns", self._n(name))
            elif name == "drawdown.max_amount":
                points = path(self.parts)
                self._put(name, value_decimal(deepest(points)) if points else None, self.currency, len(points))
            elif not name.startswith(("win_rate", "fill_rate", "error_rate", "denial_rate", "sharpe")):
                unit = next(part.known[name].unit for part in self.parts if name in part.known)
                self._put(name, None, unit, len(self.parts))
        for suffix in ["", *(f".{name}" for name in strategies(self.parts))]:
            self._rates(suffix)
        self._sharpe()
        return {name: self.found[name] for name in [*names, *self.found] if name in self.found}

    def _put(self, name: str, value: Number | None, unit: str, n: int, residual: Number | None = None) -> None:
        self.found[name] = Figure(
            value=value, unit=unit, n=n, window=self.window, residual=residual, definition=definition_of(name)
        )

    def _values(self, name: str) -> list[Number]:
        values = (part.known[name].value for part in self.parts if name in part.known)
        return [value for value in values if value is not None]

    def _n(self, name: str) -> int:
        return sum(part.known[name].n for part in self.parts if name in part.known)

    def _sum(self, name: str) -> None:
        values = self._values(name)
        given = [part.known[name] for part in self.parts if name in part.known]
        residuals = [one.residual for one in given if one.residual is not None]
        total = sum(values, Decimal(0) if given[0].unit != "count" else 0) if values else None
        self._put(name, total, given[0].unit, self._n(name), sum(map(Decimal, residuals)) if residuals else None)

    def _count(self, name: str) -> int:
        return int(self.found[name].value or 0) if name in self.found else 0

    def _rates(self, suffix: str) -> None:
        orders, trips, won = (self._count(f"{name}{suffix}") for name in ("orders", "round_trips", "wins"))
        nets, sent_again = self._rows(suffix)
        again = abs(len(nets) - trips) + abs(sum(net > 0 for net in nets) - won)
        self._put(f"win_rate{suffix}", ratio(won, trips), "ratio", trips, again if trips else None)
        interval = wilson(won, trips)
        for place, end in enumerate(("low", "high")):
            value = None if interval is None else Decimal(f"{interval[place]:.{DIGITS}g}")
            self._put(f"win_rate.{end}{suffix}", value, "ratio", trips)
        for name in ("fill_rate.orders", "error_rate"):
            some = self._part_of(f"{name}{suffix}")
            again = abs(sent_again[1] - some) + abs(sent_again[0] - orders)
            told = again if name == "fill_rate.orders" and orders else None
            self._put(f"{name}{suffix}", ratio(some, orders), "ratio", orders, told)
        filled, sent = self._worth(suffix)
        self._put(f"fill_rate.quantity{suffix}", ratio(filled, sent), "ratio", orders)
        denied = self._count(f"denials{suffix}")
        decided = denied + self._count(f"intents{suffix}")
        self._put(f"denial_rate{suffix}", ratio(denied, decided), "ratio", decided)

    def _rows(self, suffix: str) -> tuple[list[int], tuple[int, int]]:
        """A second route by the rows: nets of closed round trips, orders, and orders with a fill."""
        nets: list[int] = []
        sent = filled = 0
        for part in self.parts:
            who = part.context.who
            nets += [
                trip.net for trip in part.rows.trips
                if trip.net is not None and suffix in ("", f".{who(trip.strategy)}")
            ]  # fmt: skip
            own = [one for one in part.rows.orders.values() if suffix in ("", f".{who(one.strategy)}")]
            sent, filled = sent + len(own), filled + sum(one.filled > 0 for one in own)
        return nets, (sent, filled)

    def _part_of(self, name: str) -> int:
        """How many of n a rate of each run was: rates of counts are exact to far more digits than n has."""
        given = [part.known[name] for part in self.parts if name in part.known]
        return sum(round(Fraction(one.value) * one.n) for one in given if one.value is not None)

    def _worth(self, suffix: str) -> tuple[int, int]:
        filled = sent = 0
        for part in self.parts:
            counts, prices = part.rows.ledger.counts, part.rows.ledger.marks.prices
            for index, name in enumerate(part.rows.declaration.strategies):
                if suffix in ("", f".{name}"):
                    filled += sum(a * b for a, b in zip(counts.filled[index], prices, strict=True))
                    sent += sum(a * b for a, b in zip(counts.submitted[index], prices, strict=True))
        return filled, sent

    def _percentile(self, name: str) -> None:
        head, _, end = name.rpartition(".")
        if head.startswith("latency."):
            stretch = head.removeprefix("latency.")
            assert stretch in STRETCHES
            samples = [ns for part in self.parts for ns in durations(part.stamps)[stretch]]
        else:
            of = head.removeprefix("delay.")
            samples = [ns for part in self.parts for ns in getattr(part.rows.ledger.counts, of) if ns >= 0]
        self._put(name, nearest_rank(sorted(samples), PERCENTILES[end]), "ns", len(samples))

    def _sharpe(self) -> None:
        """Of a day that is whole in several runs the P&L and the net asset values at its start are added."""
        days: dict[int, tuple[int, int]] = {}
        for part in self.parts:
            walked = part.rows.ledger.settled_path()
            if walked is None:
                continue
            first = min(walked.days)
            for number, (pnl, nav) in enumerate(walked.full_days(), start=first + 1):
                before = days.get(number, (0, 0))
                days[number] = (before[0] + pnl, before[1] + nav)
        returns = [pnl / nav for _, (pnl, nav) in sorted(days.items()) if nav > 0]
        found = sharpe(returns) if len(returns) == len(days) else None
        for place, name in enumerate(("sharpe", "sharpe.low", "sharpe.high")):
            value = None if found is None else Decimal(f"{found[place]:.{DIGITS}g}")
            self._put(name, value, "ratio", len(days))
