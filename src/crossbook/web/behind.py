"""Which rows a figure is made of, and how: for each figure a table, its rows there, and a plain fold over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from crossbook.ledger.figure import Number, ratio, value_decimal
from crossbook.ledger.metrics import sharpe, wilson
from crossbook.ledger.statement import PERCENTILES, nearest_rank
from crossbook.report.table import Cell
from crossbook.timestamp import day_number
from crossbook.web.grid import Grid, Line

Fold = Callable[[Grid, Sequence[Line]], Number | None]


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one figure: of `table` those whose columns have one of the values in `only`; `said`: what is done
    with them, in words; `fold` does it (None: told by the table, but not computed from it alone)."""

    table: str
    said: str
    fold: Fold | None = None
    only: dict[str, tuple[str, ...]] = {}

    def takes(self, grid: Grid) -> Callable[[Line], bool]:
        """Whether a row is one of the figure's."""
        places = [(grid.place(name), values) for name, values in self.only.items()]

        def is_one(line: Line) -> bool:
            return all(_is(line[place], values) for place, values in places)

        return is_one


def _is(cell: Cell, values: tuple[str, ...]) -> bool:
    """Equal to one of the values, or, where one ends in ":", beginning with it."""
    text = str(cell)
    return any(text == value or (value.endswith(":") and text.startswith(value)) for value in values)


def behind(name: str, strategies: Sequence[str], complete: bool = True) -> Behind:
    """The rows of the figure `name`. `complete`: the figures' window has begun; before that money is n/a."""
    stem, who = _split(name, strategies)
    own: dict[str, tuple[str, ...]] = {"strategy": (who,)} if who else {}
    owned: dict[str, tuple[str, ...]] = own or {"strategy": tuple(strategies)}
    found = _money(stem, name, own, owned) or _trading(stem, own, owned) or Behind(table="figures", said="no rows")
    if not complete and found.fold is not None and name.startswith(("nav", "pnl", "fees", "exposure", "drawdown")):
        return msgspec.structs.replace(found, fold=lambda grid, lines: None)
    return found


def _split(name: str, strategies: Sequence[str]) -> tuple[str, str]:
    """A figure's name without the strategy at its end, and that strategy (or inventory, or unattributed)."""
    for who in (*strategies, "inventory", "unattributed"):
        if name.endswith(f".{who}") and not name.startswith(("pnl.instrument.", "pnl.venue.", "exposure.")):
            return name.removesuffix(f".{who}"), who
    return name, ""


def _money(stem: str, name: str, own: dict[str, tuple[str, ...]], owned: dict[str, tuple[str, ...]]) -> Behind | None:
    head, _, last = stem.rpartition(".")
    if name == "nav":
        return Behind(table="t-nav", said="sum of value", fold=_sum("value"))
    if name == "nav.start":
        return _turn("NAV where the path starts", lambda at: value_decimal(at("start", "NAV")))
    if name == "nav.flows":
        return Behind(table="t-flows", said="sum of value in the window", fold=_sum("value in the window"))
    if name == "pnl.unattributed":
        return Behind(table="t-pnl", said="sum of P&L", fold=_sum("P&L"), only={"strategy": ("unattributed",)})
    if stem == "pnl.total":
        return Behind(table="t-pnl", said="sum of P&L", fold=_sum("P&L"), only=own)
    if stem.startswith("pnl.cause."):
        table = {"fees": "t-fills", "edge": "t-fills", "latency": "t-fills", "slippage": "t-fills"}.get(last, "t-pnl")
        if last == "funding":
            return Behind(table="t-funding", said="sum of value", fold=_sum("value"), only=own)
        return Behind(table=table, said=f"sum of {last}", fold=_sum(last), only=own)
    if stem == "pnl.unrealised":
        wanted = own or {"strategy": (*owned["strategy"], "inventory")}
        return Behind(table="t-components", said="sum of unrealised", fold=_sum("unrealised"), only=wanted)
    if stem in ("pnl.realised", "pnl.fees"):
        return Behind(table="t-fills", said=f"sum of {last}", fold=_sum(last), only=owned)
    if stem == "pnl.funding":
        return Behind(table="t-funding", said="sum of value", fold=_sum("value"), only=owned)
    if head == "pnl.venue":
        return Behind(table="t-venues", said="sum of P&L", fold=_sum("P&L"), only={"venue": (last,)})
    if stem.startswith("pnl.instrument."):
        one = stem.removeprefix("pnl.instrument.")
        return Behind(table="t-pnl", said="sum of P&L", fold=_sum("P&L"), only={"instrument": (one,)})
    if head == "pnl.day":
        return Behind(table="t-days", said="sum of P&L", fold=_sum("P&L"), only={"UTC day": (last,)})
    if name == "fees.paid":
        return Behind(table="t-fills", said="minus the sum of fees below 0", fold=_fees(-1))
    if name == "fees.rebate":
        return Behind(table="t-fills", said="sum of fees above 0", fold=_fees(1))
    if name in ("exposure.gross", "exposure.net"):
        return Behind(table="t-positions", said=f"sum of {last}", fold=_sum(last))
    if stem.startswith("exposure.venue."):
        here: dict[str, tuple[str, ...]] = {"instrument": (stem.removeprefix("exposure.venue.") + ":",)}
        return Behind(table="t-positions", said="sum of gross", fold=_sum("gross"), only=here)
    if name == "drawdown.max":
        return _turn(
            "running peak less NAV, over that peak, where it is deepest",
            lambda at: (
                ratio(
                    at("deepest below it", "running peak") - at("deepest below it", "NAV"),
                    at("deepest below it", "running peak"),
                )
                if at("deepest below it", "running peak") > 0
                else ratio(0, 1)
            ),
        )
    if name == "drawdown.max_amount":
        return _turn(
            "P&L at its peak less P&L where it is deepest below it",
            lambda at: value_decimal(at("peak of P&L", "P&L") - at("deepest below it by P&L", "P&L")),
        )
    if stem.startswith("sharpe"):
        said = "mean over deviation of P&L by NAV at the end of the day before, whole days"
        place = ("sharpe", "sharpe.low", "sharpe.high").index(name)
        return Behind(table="t-days", said=said, fold=lambda grid, lines: _sharpe(grid, lines, place))
    if name == "assets.unpriced":
        return Behind(
            table="t-nav", said="assets held without a mark",
            fold=lambda grid, lines: len({str(line[grid.place("what")]) for line in lines
                                          if line[grid.place("mark")] == "n/a"}),
        )  # fmt: skip
    return None


def _trading(stem: str, own: dict[str, tuple[str, ...]], owned: dict[str, tuple[str, ...]]) -> Behind | None:
    head, _, last = stem.rpartition(".")
    trips = {"round_trips": "closed", "round_trips.open": "open", "wins": "won", "losses": "lost"}
    if stem in trips:
        return Behind(table="t-trips", said=f"sum of {trips[stem]}", fold=_count(trips[stem]), only=own)
    if stem == "win_rate":
        return Behind(table="t-trips", said="sum of won over sum of closed", fold=_share("won", "closed"), only=own)
    if stem in ("win_rate.low", "win_rate.high"):
        return Behind(
            table="t-trips", said="the end of Wilson's interval of won out of closed", fold=_interval(last), only=own
        )
    if stem == "orders":
        return Behind(table="t-orders", said="sum of orders", fold=_count("orders"), only=owned)
    if stem == "fill_rate.orders":
        fold = _share("with a fill", "orders")
        return Behind(table="t-orders", said="sum of with a fill over sum of orders", fold=fold, only=owned)
    if stem == "fill_rate.quantity":
        fold = _share("filled value", "submitted value")
        return Behind(table="t-orders", said="sum of filled over sum of submitted value", fold=fold, only=owned)
    if stem == "error_rate":
        fold = _share("failed", "orders")
        return Behind(table="t-orders", said="sum of failed over sum of orders", fold=fold, only=owned)
    if stem == "fills":
        return Behind(table="t-fills", said="sum of fills", fold=_count("fills"), only=own)
    if stem == "intents":
        return Behind(table="t-intents", said="sum of intents", fold=_count("intents"), only=owned)
    if stem == "denials":
        return Behind(table="t-denials", said="sum of denials", fold=_count("denials"), only=own)
    if head == "denials.reason":
        wanted = {"reason": (last.replace("_", " "), f"reason {last}"), **own}
        return Behind(table="t-denials", said="sum of denials", fold=_count("denials"), only=wanted)
    if stem == "denial_rate":
        return Behind(table="t-decisions", said="denials over denials and intents", fold=_denied, only=own)
    if stem.startswith("unhedged.quantity_time."):
        base = stem.removeprefix("unhedged.quantity_time.")
        return Behind(
            table="t-unhedged", said="sum of quantity x s", fold=_sum("quantity x s"), only={"base": (base,)}
        )  # fmt: skip
    if stem == "unhedged.time_max":
        return Behind(table="t-unhedged", said="longest run of stretches that are not 0", fold=_longest)
    if stem == "delay.clock_suspect":
        return Behind(table="t-fills", said="waits below 0", fold=_backwards)
    if head in ("delay.decision_to_match", "delay.match_to_known"):
        column = "to match" if "decision" in head else "to know"
        return Behind(table="t-fills", said=f"{last} of {column}, backward ones apart", fold=_quantile(column, last))
    if stem.startswith("latency."):
        column = head.removeprefix("latency.").replace("_", " ")
        return Behind(table="t-latency", said=f"{last} of {column}", fold=_quantile(column, last))
    if stem == "breaks":
        return Behind(table="t-odd", said="sum of breaks", fold=_count("breaks"))
    if stem == "events.duplicate":
        return Behind(table="t-odd", said="sum of repeats", fold=_count("repeats"))
    if stem == "postings":
        return Behind(table="t-postings", said="sum of postings", fold=_count("postings"))
    return None


def _numbers(grid: Grid, lines: Sequence[Line], name: str) -> list[int]:
    return [cell for cell in grid.column(name, lines) if isinstance(cell, int)]


def _sum(name: str) -> Fold:
    return lambda grid, lines: value_decimal(sum(_numbers(grid, lines, name)))


def _count(name: str) -> Fold:
    return lambda grid, lines: sum(_numbers(grid, lines, name))


def _share(part: str, whole: str) -> Fold:
    return lambda grid, lines: ratio(sum(_numbers(grid, lines, part)), sum(_numbers(grid, lines, whole)))


def _fees(sign: int) -> Fold:
    return lambda grid, lines: value_decimal(
        sum(abs(one) for one in _numbers(grid, lines, "fees") if one * sign > 0)
    )  # fmt: skip


def _interval(end: str) -> Fold:
    def fold(grid: Grid, lines: Sequence[Line]) -> Number | None:
        found = wilson(*(sum(_numbers(grid, lines, name)) for name in ("won", "closed")))
        return None if found is None else Decimal(f"{found[end == 'high']:.12g}")

    return fold


def _sharpe(grid: Grid, lines: Sequence[Line], place: int) -> Number | None:
    """A day without a row made nothing."""
    cells = (grid.column(one, lines) for one in ("UTC day", "NAV at its end", "P&L"))
    days = {
        day_number(str(day)): (int(nav or 0), int(pnl or 0)) for day, nav, pnl in zip(*cells, strict=True)
    }  # fmt: skip
    if not days:
        return None
    nav, returns = days[min(days)][0], []
    for day in range(min(days) + 1, max(days)):
        if nav <= 0:
            return None
        nav_after, pnl = days.get(day, (nav, 0))
        returns.append(pnl / nav)
        nav = nav_after
    found = sharpe(returns)
    return None if found is None else Decimal(f"{found[place]:.12g}")


def _denied(grid: Grid, lines: Sequence[Line]) -> Number | None:
    denied, passed = (sum(_numbers(grid, lines, name)) for name in ("denials", "intents"))
    return ratio(denied, denied + passed)


def _quantile(name: str, percentile: str) -> Fold:
    def fold(grid: Grid, lines: Sequence[Line]) -> Number | None:
        return nearest_rank(sorted(one for one in _numbers(grid, lines, name) if one >= 0), PERCENTILES[percentile])

    return fold


def _backwards(grid: Grid, lines: Sequence[Line]) -> Number | None:
    return sum(one < 0 for name in ("to match", "to know") for one in _numbers(grid, lines, name))


def _longest(grid: Grid, lines: Sequence[Line]) -> Number | None:
    """A stretch goes on through changes of the difference until the legs are level again."""
    places = [grid.place(name) for name in ("strategy", "pair", "difference", "lasted")]
    running: dict[tuple[Cell, Cell], int] = {}
    longest = 0
    for line in lines:
        who, pair, difference, lasted = (line[place] for place in places)
        running[who, pair] = running.get((who, pair), 0) + int(lasted or 0) if difference != "0" else 0
        longest = max(longest, running[who, pair])
    return longest if lines else None


def _turn(said: str, of: Callable[[Callable[[str, str], int]], Number | None]) -> Behind:
    """A figure of the path's turning points."""

    def fold(grid: Grid, lines: Sequence[Line]) -> Number | None:
        if not lines:
            return None
        found = {line[grid.place("what")]: line for line in lines}
        return of(lambda what, name: int(found[what][grid.place(name)] or 0))

    return Behind(table="t-path", said=said, fold=fold)
